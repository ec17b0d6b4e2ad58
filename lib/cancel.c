/* SPDX-License-Identifier: MIT */
/* The door through which an invocation is called off: by its number, on the loop. */
#include <conduct.h>

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
