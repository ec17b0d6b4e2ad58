/* SPDX-License-Identifier: MIT */
/* What handlers of tests/plugins/call.h ask of others, and how they are answered. */
#ifndef TEST_FLOW_ASKED_H
#define TEST_FLOW_ASKED_H

#include "../plugins/call.h"

#include "support/test.h"

#include <stdio.h>

#include "support/control.h"

#define ARN(service, rest) "arn:aws:" service ":local-1:000000000000:" rest
#define ERROR(code, type, message) \
	code " {\"errorType\":\"" type "\",\"errorMessage\":\"" message "\"}"
#define INVALID(message) ERROR("-1", "InvalidParameterValueException", message)
static inline void make(const char *name, const char *handler,
		 int (*native)(struct faas_context *ctx, struct faas_bytes event),
		 const char *role)
{
	flow_function(&flow, &(struct faas_function_config){ .name = name,
							     .handler = native ? NULL : handler,
							     .native = native,
							     .timeout_ms = 60000,
							     .memory_mb = 512,
							     .role = role });
}

/* Each way once in a process, "p-...", and once in a thread, "t-...". */
static const char *const kinds[] = { "p", "t" };

static inline void make_all(const char *role)
{
	make("p-invoke", "call.invoke", NULL, role);
	make("t-invoke", NULL, invoke, role);
	make("p-publish", "call.publish", NULL, role);
	make("t-publish", NULL, publish, role);
}

static inline int calls_open(void **state)
{
	control_open(state);
	make("echo", "echo.echo", NULL, NULL);
	return 0;
}

static inline const struct faas_result *ask(int kind, const char *what, const char *event)
{
	char name[40];

	snprintf(name, sizeof(name), "%s-%s", kinds[kind], what);
	return flow_call(&flow, name, event);
}

static inline void expect(int kind, const char *what, const char *event, const char *answer)
{
	const struct faas_result *result = ask(kind, what, event);

	if (!flow_says(result, answer))
		fail_msg("%s-%s %s: %d %.*s", kinds[kind], what, event, result->code,
			 (int)result->payload.len, (const char *)result->payload.data);
}

/* ---- roles ------------------------------------------------------------------------ */

#define ROLE "arn:aws:iam::000000000000:role/r"
#define TRUST \
	"{\"RoleName\":\"r\",\"AssumeRolePolicyDocument\":\"{\\\"Version\\\":\\\"2012-10-17\\\"," \
	"\\\"Statement\\\":[{\\\"Effect\\\":\\\"Allow\\\",\\\"Principal\\\":{\\\"Service\\\":" \
	"\\\"lambda.amazonaws.com\\\"},\\\"Action\\\":\\\"sts:AssumeRole\\\"}]}\"}"
#define ALLOW(action, resource) \
	"{\"RoleName\":\"r\",\"PolicyName\":\"p\",\"PolicyDocument\":\"{\\\"Version\\\":" \
	"\\\"2012-10-17\\\",\\\"Statement\\\":[{\\\"Effect\\\":\\\"Allow\\\",\\\"Action\\\":" \
	"\\\"" action "\\\",\\\"Resource\\\":\\\"" resource "\\\"}]}\"}"

static inline void is_denied(int kind, const char *what, const char *event, const char *action,
		      const char *resource)
{
	char answer[1000];

	snprintf(answer, sizeof(answer),
		 ERROR("-4", "AccessDeniedException",
		       "User: arn:aws:sts::000000000000:assumed-role/r/%s-%s is not authorized to "
		       "perform: %s on resource: %s because no identity-based policy allows the %s "
		       "action"),
		 kinds[kind], what, action, resource, action);
	expect(kind, what, event, answer);
}

#endif
