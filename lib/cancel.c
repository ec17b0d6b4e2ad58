/* SPDX-License-Identifier: MIT */
/* An invocation is called off: by its number, on the loop. With the runtime, all are. */
#include <invocation.h>

static void cancel(struct fa_invocation *inv)
{
	inv->canceled = true;
	if (inv->state == RUNNING)
		fa_env_cancel(inv->env, &inv->job);
	else if (inv->state != ARRIVING)
		fa_invocation_refuse(inv, FAAS_ECANCELED, "");
}

/* An event that the store has accepted is not called off. */
void fa_invocation_cancel(struct faas *rt, uint64_t id)
{
	struct fa_list *pos;

	fa_list_for(pos, &rt->invocations) {
		struct fa_invocation *inv = fa_container(pos, struct fa_invocation, link);

		if (inv->id == id && !inv->kept) {
			cancel(inv);
			fa_want_pump(rt); /* the next may not want to wait for the same */
			return;
		}
	}
}

void fa_invoke_cancel_all(struct faas *rt)
{
	struct fa_list *pos, *next;

	fa_list_for_safe(pos, next, &rt->invocations) {
		struct fa_invocation *inv = fa_container(pos, struct fa_invocation, link);

		if (inv->state != RUNNING)
			cancel(inv);
	}
	fa_envs_call_off(&rt->envs);
}

/* ---- the door --------------------------------------------------------- */

struct cancel_call {
	struct fa_call call;
	struct faas *rt;
	uint64_t id;
};

static void cancel_one(struct fa_call *call)
{
	struct cancel_call *c = fa_container(call, struct cancel_call, call);

	fa_invocation_cancel(c->rt, c->id);
	fa_free(c);
}

void faas_cancel(struct faas *rt, uint64_t id)
{
	struct cancel_call *c;

	if (!rt || fa_enter(rt, NULL))
		return;
	c = fa_alloc(&rt->mem, sizeof(*c));
	if (!c) {
		fa_leave(rt);
		return;
	}
	c->call.run = cancel_one;
	c->rt = rt;
	c->id = id;
	fa_loop_call(&rt->loop, &c->call);
	fa_leave(rt);
}
