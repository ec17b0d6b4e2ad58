/* SPDX-License-Identifier: MIT */
#ifndef FA_INVOKE_H
#define FA_INVOKE_H

#include <runtime.h>

/* What runs the events of one version: its limit, its environments, who waits for them. */
struct fa_runner {
	struct faas *rt;
	struct fa_version *version; /* owns the runner */
	struct fa_pool *pool;
	struct fa_quota *quota;     /* of the function: its versions count together */
	struct fa_gate provisioned; /* events that have a right to what is provisioned */
	struct fa_list waiting;     /* [loop] of struct fa_invocation, oldest first */
	struct fa_timer_line patience; /* [loop] of theirs */
	struct fa_list leased;      /* [loop] environments that work for the loop */
	uint32_t load, leases;      /* [loop] events that wait or run, and `leased` counted */
	int why;                    /* [loop] they wait: a code, 0: for births to be over */
	struct fa_list hungry;      /* [loop] in faas.hungry while somebody waits */
	struct fa_list link;        /* [loop] in faas.ending */
	struct fa_call end;
	_Atomic int64_t sampled_s;  /* Unix time of the last trace of its own that was sampled */
};

/* `sibling`: another version of the function, whose quota it shares, or NULL. */
int fa_runner_create(struct faas *rt, struct fa_version *version,
		     const struct fa_version *sibling, struct faas_error *err);
/* Its idle environments go now, busy ones when they finish; `last`: and no new ones are made. */
void fa_runner_renew(struct fa_runner *runner, bool last);
/* [loop] Those whose environments are gone. */
void fa_runners_reap(struct faas *rt);

/* Wire the environments' and the loop's callbacks to the conductor. */
void fa_invoke_init(struct faas *rt);
/* [loop] Give back what was kept for the next invocation. */
void fa_invoke_finish(struct faas *rt);
/* [loop] End what waits and what runs, with FAAS_ECANCELED. */
void fa_invoke_cancel_all(struct faas *rt);

#endif
