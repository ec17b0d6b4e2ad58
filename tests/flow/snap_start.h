/* SPDX-License-Identifier: MIT */
#ifndef TEST_FLOW_SNAP_START_H
#define TEST_FLOW_SNAP_START_H

/*
 * Short words for the tests of published versions with a snapshot: of one runtime, its function
 * f and version 1 of that. The handlers "held" and "held_bad" wait in their init until there is
 * a file beside their code.
 */
#include "support/test.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "support/flow.h"
#include "support/stores.h"

#include <model/package/tree.h>

#define PENDING \
	"\"State\":\"Pending\",\"StateReason\":\"The function is being created.\"," \
	"\"StateReasonCode\":\"Creating\""
#define IN_STATE(state) \
	"The operation cannot be performed at this time. The function is currently in the " \
	"following state: " state

static struct flow flow;
static struct faas_error err;
static char *reply;
static char code[64], folder[64]; /* `folder`: for a state_dir */

static inline int open_with(const struct faas_config *config, bool virtual_time)
{
	char command[256];

	snprintf(code, sizeof(code), "/tmp/faas-snap-XXXXXX");
	assert_non_null(mkdtemp(code));
	snprintf(command, sizeof(command), "chmod 755 %s && cp %s/snapshot.so %s", code,
		 TEST_PLUGINS, code);
	assert_int_equal(system(command), 0);
	memset(&err, 0, sizeof(err));
	flow_open(&flow, config, virtual_time);
	return 0;
}

static inline int open_it(void **state)
{
	(void)state;
	return open_with(NULL, false);
}

static inline int open_virtual(void **state)
{
	(void)state;
	return open_with(NULL, true);
}

static inline int open_small(void **state)
{
	(void)state;
	return open_with(&(struct faas_config){ .max_memory_mb = 128 }, true);
}

static inline int open_lasting(void **state)
{
	(void)state;
	stores_folder(folder);
	return open_with(&(struct faas_config){ .state_dir = folder }, false);
}

static inline int close_it(void **state)
{
	(void)state;
	faas_free(reply);
	reply = NULL;
	if (flow.rt)
		flow_close(&flow);
	fa_tree_remove(AT_FDCWD, code, NULL);
	if (*folder)
		fa_tree_remove(AT_FDCWD, folder, NULL);
	*folder = '\0';
	return 0;
}

static inline void go(void)
{
	char path[80];
	int fd;

	snprintf(path, sizeof(path), "%s/go", code);
	fd = open(path, O_CREAT | O_WRONLY | O_CLOEXEC, 0644);
	assert_true(fd >= 0);
	close(fd);
}

static inline void stop_again(void)
{
	char path[80];

	snprintf(path, sizeof(path), "%s/go", code);
	assert_int_equal(unlink(path), 0);
}

static inline void create(const char *handler)
{
	flow_function(&flow, FAAS_FUNCTION(.name = "f", .code = code, .handler = handler,
					   .snap_start = "PublishedVersions"));
}

static inline const char *perform(const char *operation, const char *request)
{
	faas_free(reply);
	reply = NULL;
	if (faas_control(flow.rt, operation, request, &reply, &err))
		fail_msg("%s: %s", operation, err.message);
	return reply;
}

static inline void publish(void)
{
	perform("PublishVersion", "{\"FunctionName\":\"f\"}");
}

static inline void get(void)
{
	perform("GetFunctionConfiguration", "{\"FunctionName\":\"f\",\"Qualifier\":\"1\"}");
}

static inline void has(const char *text)
{
	if (!strstr(reply, text))
		fail_msg("no %s in %s", text, reply);
}

static inline void nap(void)
{
	nanosleep(&(struct timespec){ .tv_nsec = 1000000 }, NULL);
}

/* `step_ms`: the clock goes on meanwhile. */
static inline void await_state(const char *state, int step_ms)
{
	char text[40];
	int ms = 0;

	snprintf(text, sizeof(text), "\"State\":\"%s\"", state);
	for (get(); !strstr(reply, text) && ms < 20000; ms++) {
		if (step_ms)
			flow_pass(&flow, step_ms);
		nap();
		get();
	}
	has(text);
}

static inline void cannot_be_invoked(const char *message)
{
	struct faas_result *result;

	assert_int_equal(faas_invoke_wait(flow.rt, FAAS_REQUEST(.function = "f:1"), &result, &err),
			 FAAS_EEXIST);
	assert_string_equal(err.type, "ResourceConflictException");
	assert_string_equal(err.message, message);
}

static inline void *publish_typed(void *data)
{
	_Atomic int *code = data;
	struct faas_error own;

	*code = faas_version_publish(flow.rt, "f", NULL, NULL, &own);
	return NULL;
}

#endif
