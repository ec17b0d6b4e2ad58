/* SPDX-License-Identifier: MIT */
/*
 * Claims are judged and counted under one lock, and written into the limits of
 * gates, which is all that an invocation ever looks at. A claim may always become
 * smaller, even where the account is overdrawn.
 */
#include <admit/quota.h>

#include <limits.h>

#include <base/error.h>

void fa_account_init(struct fa_account *account, int limit, int kept)
{
	pthread_mutex_init(&account->lock, NULL);
	account->limit = limit;
	account->kept = kept;
	atomic_init(&account->unreserved.limit, limit);
}

void fa_account_finish(struct fa_account *account)
{
	pthread_mutex_destroy(&account->lock);
}

int fa_account_unreserved(const struct fa_account *account)
{
	return fa_gate_limit(&account->unreserved);
}

struct fa_quota *fa_quota_create(const struct fa_mem *mem, struct fa_account *account)
{
	struct fa_quota *quota = fa_alloc(mem, sizeof(*quota));

	if (!quota)
		return NULL;
	quota->refs = 1;
	quota->account = account;
	quota->reserved = FA_UNRESERVED;
	quota->on_demand.limit = INT_MAX;
	return quota;
}

void fa_quota_ref(struct fa_quota *quota)
{
	atomic_fetch_add_explicit(&quota->refs, 1, memory_order_relaxed);
}

void fa_quota_unref(struct fa_quota *quota)
{
	if (!quota || atomic_fetch_sub_explicit(&quota->refs, 1, memory_order_acq_rel) != 1)
		return;
	fa_quota_release(quota);
	fa_free(quota);
}

/* ---- claims ---------------------------------------------------------- */

static int claim(int reserved, int provisioned)
{
	return reserved == FA_UNRESERVED ? provisioned : reserved;
}

/* Whether the function's own numbers agree. */
static int check_within(const struct fa_quota *quota, int reserved, int provisioned,
			struct faas_error *err)
{
	if (reserved == FA_UNRESERVED || provisioned <= reserved)
		return 0;
	if (reserved == quota->reserved)
		return fa_error(err, FAAS_EINVAL,
				"Requested Provisioned Concurrency should not be greater than the "
				"reservedConcurrentExecution for function");
	return fa_error(err, FAAS_EINVAL,
			" ReservedConcurrentExecutions  %d should not be lower than function's "
			"total provisioned concurrency [%d].",
			reserved, provisioned);
}

static int check_account(const struct fa_account *account, int free, int want, bool reserves,
			 struct faas_error *err)
{
	if (!reserves && want > free)
		return fa_error(err, FAAS_EINVAL,
				"Specified ConcurrentExecutions for function is greater than "
				"account's unreserved concurrency [%d].",
				free);
	if (want <= free - account->kept)
		return 0;
	return fa_error(err, FAAS_EINVAL,
			"Specified %sConcurrentExecutions for function decreases account's "
			"UnreservedConcurrentExecution below its minimum value of [%d].",
			reserves ? "Reserved" : "", account->kept);
}

static int check(const struct fa_quota *quota, int reserved, int provisioned,
		 struct faas_error *err)
{
	const struct fa_account *account = quota->account;
	int had = claim(quota->reserved, quota->provisioned);
	int want = claim(reserved, provisioned);
	int rc = check_within(quota, reserved, provisioned, err);

	if (rc || want <= had)
		return rc;
	return check_account(account, account->limit - account->claimed + had, want,
			     reserved != FA_UNRESERVED, err);
}

static void commit(struct fa_quota *quota, int reserved, int provisioned)
{
	struct fa_account *account = quota->account;

	account->claimed += claim(reserved, provisioned) -
			    claim(quota->reserved, quota->provisioned);
	account->unreserved.limit = account->limit - account->claimed;
	quota->on_demand.limit = reserved == FA_UNRESERVED ? INT_MAX : reserved - provisioned;
	quota->reserved = reserved;
	quota->provisioned = provisioned;
}

int fa_quota_set(struct fa_quota *quota, int reserved, int provisioned, struct faas_error *err)
{
	int rc;

	pthread_mutex_lock(&quota->account->lock);
	rc = check(quota, reserved, provisioned, err);
	if (!rc)
		commit(quota, reserved, provisioned);
	pthread_mutex_unlock(&quota->account->lock);
	return rc;
}

void fa_quota_release(struct fa_quota *quota)
{
	fa_quota_set(quota, FA_UNRESERVED, 0, NULL);
}
