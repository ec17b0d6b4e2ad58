/* SPDX-License-Identifier: MIT */
#include "control.h"

#include <stdio.h>

#include "stores.h"
#include "test.h"

struct flow flow;
struct faas_error err;
char *reply;

int control_open_with(const struct faas_config *config, bool virtual_time)
{
	memset(&err, 0, sizeof(err));
	flow_open(&flow, config, virtual_time);
	flow_function(&flow,
		      &(struct faas_function_config){ .name = "f", .handler = "echo.context" });
	return 0;
}

int control_open(void **state)
{
	(void)state;
	return control_open_with(NULL, true);
}

int control_close(void **state)
{
	(void)state;
	faas_free(reply);
	reply = NULL;
	flow_close(&flow);
	return 0;
}

char control_folder[64];

int control_open_lasting(void **state)
{
	(void)state;
	stores_folder(control_folder);
	return control_open_with(&(struct faas_config){ .state_dir = control_folder }, true);
}

int control_close_lasting(void **state)
{
	control_close(state);
	stores_remove(control_folder);
	return 0;
}

void control_restart(void)
{
	flow_close(&flow);
	flow_open(&flow, &(struct faas_config){ .state_dir = control_folder }, true);
}

const char *perform(const char *operation, const char *request)
{
	faas_free(reply);
	reply = NULL;
	if (faas_control(flow.rt, operation, request, &reply, &err))
		fail_msg("%s: %s: %s", operation, err.type, err.message);
	return reply;
}

void refused(const char *operation, const char *request, const char *type, const char *message)
{
	assert_true(faas_control(flow.rt, operation, request, NULL, &err) < 0);
	assert_string_equal(err.type, type);
	assert_string_equal(err.message, message);
}

void has(const char *text)
{
	if (!strstr(reply, text))
		fail_msg("%s has no %s", reply, text);
}

void lacks(const char *text)
{
	if (strstr(reply, text))
		fail_msg("%s has %s", reply, text);
}

void member(char out[64], const char *name)
{
	char key[64];
	const char *at;

	snprintf(key, sizeof(key), "\"%s\":\"", name);
	at = strstr(reply, key);
	assert_non_null(at);
	snprintf(out, 64, "%.*s", (int)strcspn(at + strlen(key), "\""), at + strlen(key));
}
