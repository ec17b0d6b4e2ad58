/* SPDX-License-Identifier: MIT */
#ifndef TEST_FLOW_UPLOAD_H
#define TEST_FLOW_UPLOAD_H

/* Requests that carry ZIPs, and what is said of them; for tests of one program. */
#include "support/test.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include <openssl/evp.h>

#include "support/flow.h"
#include "support/zips.h"

#define ROLE "arn:aws:iam::000000000000:role/r"
#define INVALID "InvalidParameterValueException"

static struct flow flow;
static struct faas_error err;
static char *reply;
static struct zips zip;
static char base64[1 << 20], request[(1 << 20) + 4096];

static inline int open_real(void **state)
{
	(void)state;
	memset(&err, 0, sizeof(err));
	flow_open(&flow, NULL, false);
	return 0;
}

static int close_it(void **state)
{
	(void)state;
	faas_free(reply);
	reply = NULL;
	flow_close(&flow);
	return 0;
}

/* The ZIP that was begun, as it stands in JSON. */
static const char *encoded(void)
{
	zips_end(&zip, NULL);
	assert_true(zip.len * 4 / 3 + 8 < sizeof(base64));
	EVP_EncodeBlock((unsigned char *)base64, zip.data, (int)zip.len);
	return base64;
}

/* The same of a plugin and a text beside it. */
static inline const char *code(const char *text)
{
	zips_begin(&zip);
	zips_copy(&zip, "package.so", TEST_PLUGINS "/package.so");
	zips_file(&zip, "text", text);
	return encoded();
}

static const char *perform(const char *operation)
{
	faas_free(reply);
	reply = NULL;
	if (faas_control(flow.rt, operation, request, &reply, &err))
		fail_msg("%s: %s: %s", operation, err.type, err.message);
	return reply;
}

/* What a function, or its last change, is: "Pending", "InProgress", ... */
static void await_state(const char *function, const char *state)
{
	struct faas_function_info *info;
	bool there = false;

	for (int ms = 0; !there && ms < 10000; ms++) {
		assert_int_equal(faas_function_get(flow.rt, function, &info, &err), 0);
		there = !strcmp(info->state, state) || !strcmp(info->update_status, state);
		faas_free(info);
		if (!there)
			nanosleep(&(struct timespec){ .tv_nsec = 1000000 }, NULL);
	}
	if (!there)
		fail_msg("%s does not become %s", function, state);
}

/* Perform, and wait until it has come about. */
static inline const char *deploy(const char *operation, const char *function)
{
	perform(operation);
	await_state(function, !strcmp(operation, "CreateFunction") ? "Active" : "Successful");
	return reply;
}

static inline void refused(const char *operation, const char *type, const char *message)
{
	assert_true(faas_control(flow.rt, operation, request, NULL, &err) < 0);
	assert_string_equal(err.message, message);
	assert_string_equal(err.type, type);
}

static inline void has(const char *text)
{
	if (!strstr(reply, text))
		fail_msg("%s has no %s", reply, text);
}

static inline void answers(const char *function, const char *event, const char *expected)
{
	flow_expect(&flow, function, event, expected);
}

#define REQUEST(...) snprintf(request, sizeof(request), __VA_ARGS__)
#define CREATE(more, zip_file) \
	REQUEST("{\"FunctionName\":\"f\",\"Role\":\"" ROLE "\",\"Runtime\":\"provided.al2023\"," \
		"\"Handler\":\"package.content\",\"Code\":{\"ZipFile\":\"%s\"}" more "}", zip_file)

#endif
