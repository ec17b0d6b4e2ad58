/* SPDX-License-Identifier: MIT */
/*
 * The function's own limit is asked first: a function that is full must not
 * take a lease of the account even for a moment.
 */
#include <admit/admit.h>

#include <string.h>

#include <base/error.h>

#define SYNC_MAX 6291456
#define EVENT_MAX 1048576
#define CLIENT_CONTEXT_MAX 3583
#define TEXT_MAX 1024

const char *fa_admit_enter(struct fa_gate *account, struct fa_gate *function)
{
	if (!fa_gate_enter(function))
		return "ReservedFunctionConcurrentInvocationLimitExceeded";
	if (fa_gate_enter(account))
		return NULL;
	fa_gate_leave(function);
	return "ConcurrentInvocationLimitExceeded";
}

void fa_admit_leave(struct fa_gate *account, struct fa_gate *function)
{
	fa_gate_leave(account);
	fa_gate_leave(function);
}

static int check_text(const char *what, const char *text, size_t max, struct faas_error *err)
{
	if (!text || strlen(text) <= max)
		return 0;
	return fa_error(err, FAAS_EINVAL, "%s is longer than %zu bytes", what, max);
}

int fa_admit_check(const struct faas_request *r, struct faas_error *err)
{
	size_t max = r->mode == FAAS_EVENT ? EVENT_MAX : SYNC_MAX;
	int rc = 0;

	if (r->mode != FAAS_SYNC && r->mode != FAAS_EVENT && r->mode != FAAS_DRY_RUN)
		return fa_error(err, FAAS_EINVAL,
				"mode is %d: must be FAAS_SYNC, FAAS_EVENT or FAAS_DRY_RUN",
				(int)r->mode);
	if (r->payload.len && !r->payload.data)
		return fa_error(err, FAAS_EINVAL, "the payload has a length but no data");
	if (r->payload.len > max)
		return fa_error_typed(err, FAAS_ETOOLARGE, "RequestEntityTooLargeException",
				      "Request must be smaller than %zu bytes for the "
				      "InvokeFunction operation",
				      max);
	if (r->capacity_wait_ms < 0 || r->capacity_wait_ms > 900000)
		return fa_error(err, FAAS_EINVAL,
				"capacity_wait_ms is %d: must be between 0 and 900000",
				r->capacity_wait_ms);
	rc = check_text("client_context", r->client_context, CLIENT_CONTEXT_MAX, err);
	if (!rc)
		rc = check_text("trace_id", r->trace_id, TEXT_MAX, err);
	if (!rc)
		rc = check_text("tenant_id", r->tenant_id, 256, err);
	return rc;
}

int fa_admit_throttled(const char *reason, struct faas_error *err)
{
	return fa_error(err, FAAS_ETHROTTLED, "Rate Exceeded. (%s)", reason);
}
