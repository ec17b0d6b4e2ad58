/* SPDX-License-Identifier: MIT */
#ifndef FA_ADMIT_ADMIT_H
#define FA_ADMIT_ADMIT_H

#include <admit/quota.h>
#include <faas/faas.h>

/* Out of what an event has its place: whoever leaves says so. */
enum fa_lease {
	FA_LEASE_NONE = 0,
	FA_LEASE_PROVISIONED, /* of its version */
	FA_LEASE_RESERVED,    /* of its function */
	FA_LEASE_SHARED,      /* of the account */
};

/*
 * May it run, and now? What is provisioned for its version comes first, then what its
 * function reserves, or else what the account has left. NONE with Lambda's reason for
 * the throttle (semantics 5.5). The others are held until fa_admit_leave().
 */
enum fa_lease fa_admit_enter(struct fa_quota *quota, struct fa_gate *provisioned,
			     const char **reason);
void fa_admit_leave(struct fa_quota *quota, struct fa_gate *provisioned, enum fa_lease lease);
/* Limits were lowered since: who has it should not begin another event. */
bool fa_admit_is_over(const struct fa_quota *quota, const struct fa_gate *provisioned,
		      enum fa_lease lease);
/* Why one more of this function would be throttled. */
const char *fa_admit_reason(const struct fa_quota *quota);

/*
 * May there be one more synchronous event in this second? Counted where it would find
 * its place: Lambda's cap is ten for each unit of concurrency.
 */
bool fa_admit_request(struct fa_quota *quota, struct fa_gate *provisioned, int64_t now_ns,
		      const char **reason);
/* May there be one more environment for its events? Else from *next_ns on. */
bool fa_admit_growth(struct fa_quota *quota, int64_t now_ns, int64_t *next_ns);

/* The parameters of a request: sizes and mode. 0, FAAS_EINVAL or FAAS_ETOOLARGE. */
int fa_admit_check(const struct faas_request *request, struct faas_error *err);

/* 429, with its reason in the message. */
int fa_admit_throttled(const char *reason, struct faas_error *err);

#endif
