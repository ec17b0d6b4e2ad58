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

static struct fa_invocation *find(struct faas *rt, uint64_t id)
{
	struct fa_list *pos;

	fa_list_for(pos, &rt->invocations) {
		struct fa_invocation *inv = fa_container(pos, struct fa_invocation, link);

		if (inv->id == id)
			return inv;
	}
	return NULL;
}

/* An event that the store has accepted is not called off. */
void fa_invocation_cancel(struct faas *rt, uint64_t id)
{
	struct fa_invocation *inv = find(rt, id);

	if (!inv || inv->kept)
		return;
	cancel(inv);
	fa_want_pump(rt); /* the next may not want to wait for the same */
}

static void resume(struct faas *rt, uint64_t id)
{
	struct fa_invocation *inv = find(rt, id);

	if (inv)
		fa_parts_resume(inv, FA_PAUSE_READER);
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

struct errand {
	struct fa_call call;
	struct faas *rt;
	uint64_t id;
	void (*run)(struct faas *rt, uint64_t id);
};

static void run_errand(struct fa_call *call)
{
	struct errand *errand = fa_container(call, struct errand, call);

	errand->run(errand->rt, errand->id);
	fa_free(errand);
}

static int send_errand(struct faas *rt, uint64_t id, void (*run)(struct faas *rt, uint64_t id))
{
	struct errand *errand;

	if (!rt || fa_enter(rt, NULL))
		return 0;
	errand = fa_alloc(&rt->mem, sizeof(*errand));
	if (errand) {
		*errand = (struct errand){ .call.run = run_errand, .rt = rt, .id = id, .run = run };
		fa_loop_call(&rt->loop, &errand->call);
	}
	fa_leave(rt);
	return errand ? 0 : FAAS_ENOMEM;
}

void faas_cancel(struct faas *rt, uint64_t id)
{
	send_errand(rt, id, fa_invocation_cancel);
}

/* On the loop nothing can go wrong; and there a runtime that closes is waited for. */
int faas_resume(struct faas *rt, uint64_t id)
{
	if (!rt || !fa_loop_here(&rt->loop))
		return send_errand(rt, id, resume);
	resume(rt, id);
	return 0;
}
