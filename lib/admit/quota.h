/* SPDX-License-Identifier: MIT */
#ifndef FA_ADMIT_QUOTA_H
#define FA_ADMIT_QUOTA_H

#include <pthread.h>

#include <admit/gate.h>
#include <base/mem.h>
#include <faas/types.h>

#define FA_UNRESERVED (-1)

/*
 * The concurrency of the account, and what is claimed of it: by functions that
 * reserve a part, and by what is provisioned of those that do not. The rest is
 * shared by all functions without a reservation.
 */
struct fa_account {
	pthread_mutex_t lock;      /* of the numbers, here and in all quotas */
	int limit, kept;           /* `kept` can be claimed by nobody */
	int new_per_10s;           /* environments that one function may bring about; 0: any */
	int requests_per_s;        /* synchronous ones, for each unit of concurrency; 0: any */
	_Atomic int claimed;
	struct fa_gate unreserved; /* what runs on demand without a reservation */
};

/* One function's part: all its versions count together, whatever it is at the moment. */
struct fa_quota {
	_Atomic uint32_t refs;
	struct fa_account *account;
	_Atomic int reserved;      /* so many and no more; 0: nothing may run; FA_UNRESERVED */
	_Atomic int provisioned;   /* of all its versions, taken out of what is reserved */
	struct fa_gate on_demand;  /* what runs outside of what is provisioned */
	_Atomic int provisioned_in_use;
	struct fa_rate growth;     /* new environments for its events */
};

void fa_account_init(struct fa_account *account, int limit, int kept);
void fa_account_finish(struct fa_account *account);
/* What functions without a reservation share. */
int fa_account_unreserved(const struct fa_account *account);

/* Claims nothing yet. One reference; the last gives back what is claimed. NULL: no memory. */
struct fa_quota *fa_quota_create(const struct fa_mem *mem, struct fa_account *account);
void fa_quota_ref(struct fa_quota *quota);
void fa_quota_unref(struct fa_quota *quota); /* NULL is fine */

/*
 * From now on this is reserved and this is provisioned. FAAS_EINVAL, with Lambda's words, if the
 * one does not fit into the other or into the account; then nothing has changed.
 */
int fa_quota_set(struct fa_quota *quota, int reserved, int provisioned, struct faas_error *err);
/* The function is gone; what is left of it runs on what is shared. */
void fa_quota_release(struct fa_quota *quota);

static inline int fa_quota_reserved(const struct fa_quota *quota)
{
	return atomic_load_explicit(&quota->reserved, memory_order_relaxed);
}

static inline int fa_quota_in_use(const struct fa_quota *quota)
{
	return fa_gate_in_use(&quota->on_demand) +
	       atomic_load_explicit(&quota->provisioned_in_use, memory_order_relaxed);
}

#endif
