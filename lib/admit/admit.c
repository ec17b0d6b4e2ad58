/* SPDX-License-Identifier: MIT */
/*
 * At most two atomic operations let an event in. Its own function's count comes
 * first: one that is full must not take a place of the account even for a moment.
 */
#include <admit/admit.h>

#include <limits.h>
#include <string.h>

#include <base/error.h>

#define SECOND 1000000000LL
#define SYNC_MAX 6291456
#define EVENT_MAX 1048576
#define CLIENT_CONTEXT_MAX 3583
#define TEXT_MAX 1024

const char *fa_admit_reason(const struct fa_quota *quota)
{
	return fa_quota_reserved(quota) == FA_UNRESERVED ?
		       "ConcurrentInvocationLimitExceeded" :
		       "ReservedFunctionConcurrentInvocationLimitExceeded";
}

enum fa_lease fa_admit_enter(struct fa_quota *quota, struct fa_gate *provisioned,
			     const char **reason)
{
	if (fa_gate_limit(provisioned) && fa_gate_enter(provisioned)) {
		atomic_fetch_add_explicit(&quota->provisioned_in_use, 1, memory_order_relaxed);
		return FA_LEASE_PROVISIONED;
	}
	if (fa_gate_enter(&quota->on_demand)) {
		if (fa_quota_reserved(quota) != FA_UNRESERVED)
			return FA_LEASE_RESERVED;
		if (fa_gate_enter(&quota->account->unreserved))
			return FA_LEASE_SHARED;
		fa_gate_leave(&quota->on_demand);
	}
	*reason = fa_admit_reason(quota);
	return FA_LEASE_NONE;
}

void fa_admit_leave(struct fa_quota *quota, struct fa_gate *provisioned, enum fa_lease lease)
{
	if (lease == FA_LEASE_PROVISIONED) {
		atomic_fetch_sub_explicit(&quota->provisioned_in_use, 1, memory_order_relaxed);
		fa_gate_leave(provisioned);
		return;
	}
	if (lease == FA_LEASE_SHARED)
		fa_gate_leave(&quota->account->unreserved);
	fa_gate_leave(&quota->on_demand);
}

bool fa_admit_is_over(const struct fa_quota *quota, const struct fa_gate *provisioned,
		      enum fa_lease lease)
{
	if (lease == FA_LEASE_PROVISIONED)
		return fa_gate_is_over(provisioned);
	return fa_gate_is_over(&quota->on_demand) ||
	       (lease == FA_LEASE_SHARED && fa_gate_is_over(&quota->account->unreserved));
}

static bool take_request(const struct fa_account *account, struct fa_gate *gate, int64_t now_ns)
{
	int64_t size = (int64_t)fa_gate_limit(gate) * account->requests_per_s;

	return fa_rate_take(&gate->requests, size > INT_MAX ? INT_MAX : (int)size, SECOND, now_ns);
}

bool fa_admit_request(struct fa_quota *quota, struct fa_gate *provisioned, int64_t now_ns,
		      const char **reason)
{
	struct fa_account *account = quota->account;
	bool reserves = fa_quota_reserved(quota) != FA_UNRESERVED;

	if (!account->requests_per_s || take_request(account, provisioned, now_ns) ||
	    take_request(account, reserves ? &quota->on_demand : &account->unreserved, now_ns))
		return true;
	*reason = reserves ? "ReservedFunctionInvocationRateLimitExceeded" :
			     "FunctionInvocationRateLimitExceeded";
	return false;
}

bool fa_admit_growth(struct fa_quota *quota, int64_t now_ns, int64_t *next_ns)
{
	int size = quota->account->new_per_10s;

	if (!size || fa_rate_take(&quota->growth, size, 10 * SECOND, now_ns))
		return true;
	*next_ns = fa_rate_next_ns(&quota->growth, size, 10 * SECOND);
	return false;
}

static int check_text(const char *what, const char *text, size_t max, struct faas_error *err)
{
	if (!text || strlen(text) <= max)
		return 0;
	return fa_error(err, FAAS_EINVAL, "%s is longer than %zu bytes", what, max);
}

static int check_uuid(const char *text, struct faas_error *err)
{
	size_t len = text ? strspn(text, "0123456789abcdefABCDEF-") : 36;
	bool good = len == 36 && (!text || !text[len]);

	for (size_t i = 0; good && text && i < len; i++)
		good = (text[i] == '-') == (i == 8 || i == 13 || i == 18 || i == 23);
	return good ? 0 : fa_error(err, FAAS_EINVAL, "request_id is '%.60s': must be a UUID", text);
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
	if (r->on_part && r->mode != FAAS_SYNC)
		return fa_error(err, FAAS_EINVAL, "on_part is for the mode FAAS_SYNC");
	if (r->capacity_wait_ms < 0 || r->capacity_wait_ms > 900000)
		return fa_error(err, FAAS_EINVAL,
				"capacity_wait_ms is %d: must be between 0 and 900000",
				r->capacity_wait_ms);
	rc = check_text("client_context", r->client_context, CLIENT_CONTEXT_MAX, err);
	if (!rc)
		rc = check_text("trace_id", r->trace_id, TEXT_MAX, err);
	if (!rc)
		rc = check_text("tenant_id", r->tenant_id, 256, err);
	if (!rc)
		rc = check_uuid(r->request_id, err);
	return rc;
}

int fa_admit_throttled(const char *reason, struct faas_error *err)
{
	return fa_error(err, FAAS_ETHROTTLED, "Rate Exceeded. (%s)", reason);
}
