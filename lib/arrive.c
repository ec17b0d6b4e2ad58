/* SPDX-License-Identifier: MIT */
/*
 * The door with a callback: an invocation is made on the caller's thread, with a copy
 * of its event, and arrives on the loop; or it comes out of the store. And where it goes
 * in the end: small ones are kept, to be used again.
 */
#include <invocation.h>

#include <string.h>

#include <admit/admit.h>
#include <base/error.h>
#include <base/options.h>
#include <base/text.h>

#define UNUSED_MAX 256

/* [loop] Small ones are kept for the next that a callback makes. */
static void recycle(struct faas *rt, struct fa_invocation *inv)
{
	if (inv->room != FA_INVOCATION_SMALL || rt->unused_count == UNUSED_MAX) {
		fa_free(inv);
		return;
	}
	fa_list_push(&rt->unused, &inv->link);
	rt->unused_count++;
}

void fa_invocation_free(struct fa_invocation *inv)
{
	struct faas *rt = inv->rt;

	fa_turn_stop(inv);
	fa_list_remove(&inv->link);
	if (inv->kept)
		fa_kept_let_go(inv->kept);
	else if (fa_invocation_is_event(inv))
		atomic_fetch_sub(&rt->queued, 1);
	fa_version_unref(inv->runner->version);
	recycle(rt, inv);
	if (fa_is_closing(rt))
		fa_check_closed(rt);
}

static void answer_accepted(struct fa_invocation *inv)
{
	struct faas_result accepted = { .size = sizeof(accepted),
					.request_id = inv->job.request_id,
					.version = inv->runner->version->qualifier,
					.error_type = "",
					.reason = "",
					.payload = { "", 0 },
					.log_tail = { "", 0 } };

	fa_invocation_answer(inv, &accepted);
}

static void say_accepted(struct fa_invocation *inv)
{
	struct faas *rt = inv->rt;

	fa_tell_metric(&rt->tell, inv->runner->version, "AsyncEventsReceived", "Count", 1,
		       fa_unix_ms(rt, fa_now(rt->clock)));
	answer_accepted(inv);
}

static int code_of(enum fa_store_outcome outcome)
{
	return outcome == FA_STORE_UNKNOWN ? FAAS_EUNKNOWN : FAAS_ESYSTEM;
}

/* The invocation is the loop's from then on. */
void fa_invocation_stored(struct fa_invocation *inv, enum fa_store_outcome outcome)
{
	if (!inv->waited)
		return;
	if (outcome == FA_STORE_DONE)
		answer_accepted(inv);
	else
		fa_invocation_answer_none(inv, code_of(outcome), "");
}

void fa_invocation_accepted(struct fa_invocation *inv, enum fa_store_outcome outcome, bool begins)
{
	fa_list_append(&inv->rt->invocations, &inv->link);
	if (outcome != FA_STORE_DONE) {
		fa_invocation_refuse(inv, code_of(outcome), "");
		return;
	}
	say_accepted(inv);
	if (begins && !inv->rt->finishing)
		fa_invocation_begin(inv);
	else
		fa_invocation_free(inv);
}

static void arrive(struct fa_call *call)
{
	struct fa_invocation *inv = fa_container(call, struct fa_invocation, arrive);
	struct faas *rt = inv->rt;
	const char *reason;

	fa_list_append(&rt->invocations, &inv->link);
	if (inv->mode == FAAS_DRY_RUN || inv->canceled || rt->finishing) {
		fa_invocation_refuse(inv, inv->mode == FAAS_DRY_RUN ? FAAS_OK : FAAS_ECANCELED, "");
		return;
	}
	if (fa_invocation_is_event(inv))
		say_accepted(inv);
	else if (!inv->waited && !fa_runner_may_begin(inv->runner, &reason)) {
		fa_invocation_throttle(inv, reason, FAAS_ETHROTTLED);
		return;
	}
	fa_invocation_begin(inv);
}

/* Even ones are made by the loop, odd ones by all others. */
static uint64_t next_id(struct faas *rt)
{
	if (fa_loop_here(&rt->loop))
		return rt->loop_serial += 2;
	return atomic_fetch_add_explicit(&rt->serial, 2, memory_order_relaxed) + 1;
}

static void init_invocation(struct fa_invocation *inv, struct fa_version *v, enum faas_mode mode)
{
	inv->arrive.run = arrive;
	inv->timer.on_due = fa_invocation_due;
	inv->runner = v->runner;
	inv->rt = inv->runner->rt;
	inv->mode = mode;
	inv->id = next_id(inv->rt);
	fa_list_init(&inv->link);
	fa_list_init(&inv->turn);
	inv->job.timeout_ns = (int64_t)v->config.timeout_ms * 1000000;
}

static void fill_invocation(struct fa_invocation *inv, struct faas *rt, struct fa_version *v,
			    const struct faas_request *r, size_t meta_max)
{
	init_invocation(inv, v, r->mode);
	inv->log_tail = r->log_tail;
	inv->capacity_wait_ms = r->capacity_wait_ms;
	inv->on_done = r->on_done;
	inv->on_part = r->on_part;
	inv->job.streams = r->on_part;
	inv->data = r->data;
	inv->job.meta = inv->payload;
	inv->job.meta_len = meta_max ? fa_meta_put(inv->payload, r, v) : 0;
	inv->job.payload = (struct faas_bytes){ inv->payload + meta_max, r->payload.len };
	if (r->payload.len)
		memcpy(inv->payload + meta_max, r->payload.data, r->payload.len);
	if (r->request_id)
		strcpy(inv->job.request_id, r->request_id);
	if (r->mode == FAAS_EVENT) {
		/* known before it runs, and the same for every attempt */
		uint8_t bits[16];

		inv->retry.accepted_ns = fa_now(rt->clock);
		fa_random_bytes(bits, sizeof(bits));
		if (!r->request_id)
			fa_uuid(inv->job.request_id, bits);
		if (!inv->kept)
			atomic_fetch_add(&rt->queued, 1);
	}
}

static struct fa_invocation *new_invocation(struct faas *rt, size_t room)
{
	struct fa_invocation *inv;

	if (room < FA_INVOCATION_SMALL)
		room = FA_INVOCATION_SMALL;
	if (room == FA_INVOCATION_SMALL && fa_loop_here(&rt->loop) && rt->unused_count) {
		inv = fa_container(fa_list_pop(&rt->unused), struct fa_invocation, link);
		rt->unused_count--;
	} else {
		inv = fa_alloc_dirty(&rt->mem, sizeof(*inv) + room);
	}
	if (inv) {
		memset(inv, 0, sizeof(*inv));
		inv->room = room;
	}
	return inv;
}

bool fa_invocation_resume(struct fa_version *version, struct fa_kept *kept,
			  const struct fa_stored *event, const struct fa_retry *retry)
{
	struct fa_runner *runner = version->runner;
	struct fa_invocation *inv = new_invocation(runner->rt, 0);

	if (!inv) {
		fa_version_unref(version);
		return false;
	}
	init_invocation(inv, version, FAAS_EVENT);
	inv->kept = kept;
	inv->retry = *retry;
	inv->job.meta = event->meta.data;
	inv->job.meta_len = (uint32_t)event->meta.len;
	inv->job.payload = event->payload;
	memcpy(inv->job.request_id, event->request_id, sizeof(inv->job.request_id));
	fa_list_append(&inv->rt->invocations, &inv->link);
	fa_invocation_begin(inv);
	return true;
}

static void go_on(struct fa_job *job, const struct fa_job *before)
{
	job->late = before->late;
	job->retold = before->told || before->retold;
	memcpy(job->request_id, before->request_id, sizeof(job->request_id));
}

/*
 * On the loop mostly the one that was found last, which is what that name means until the
 * registry changes. It is freed on the loop, too, so we may look at it without a reference.
 * `plain`: it was called by its name, and nothing else.
 */
static struct fa_version *find(struct faas *rt, const char *name, uint32_t changes, bool *plain,
			       struct faas_error *err)
{
	struct fa_version *v;

	*plain = false;
	if (!name || !fa_loop_here(&rt->loop))
		return fa_registry_find(&rt->registry, name, err);
	v = rt->found;
	*plain = v && rt->found_changes == changes && !strcmp(v->config.name, name) &&
		 fa_version_ref_alive(v);
	if (*plain)
		return v;
	v = fa_registry_find(&rt->registry, name, err);
	if (v && !v->number && !strcmp(v->config.name, name)) {
		rt->found = v;
		rt->found_changes = changes;
	}
	return v;
}

static int invoke(struct faas *rt, const struct faas_request *request, bool waited,
		  const struct fa_job *before, uint64_t *id, struct faas_error *err)
{
	struct fa_invocation *inv;
	struct fa_version *version;
	uint32_t changes;
	struct faas_request room;
	const struct faas_request *r;
	size_t meta_max;
	bool plain;
	int rc;

	if (!rt)
		return fa_error(err, FAAS_EINVAL, "a runtime is required");
	r = fa_options_read(&room, sizeof(room), request, "FAAS_REQUEST", err);
	rc = !r ? FAAS_EINVAL : fa_admit_check(r, err);
	if (!rc)
		rc = fa_enter_here(rt, err);
	if (rc)
		return rc;
	changes = atomic_load(&rt->registry.changes);
	version = find(rt, r->function, changes, &plain, err);
	if (!version) {
		fa_leave_here(rt);
		return err ? err->code : FAAS_ENOTFOUND;
	}
	rc = fa_may_run(rt, version, r, err);
	if (rc) {
		fa_version_unref(version);
		fa_leave_here(rt);
		return rc;
	}
	meta_max = fa_meta_size(r, version, plain);
	inv = new_invocation(rt, meta_max + r->payload.len);
	if (inv && r->mode == FAAS_EVENT && fa_kept_create(rt, r->function, &inv->kept) < 0) {
		fa_free(inv);
		inv = NULL;
	}
	if (!inv) {
		fa_version_unref(version);
		fa_leave_here(rt);
		return fa_error_nomem(err);
	}
	fill_invocation(inv, rt, version, r, meta_max);
	if (before)
		go_on(&inv->job, before);
	inv->waited = waited;
	inv->changes = changes;
	if (id)
		*id = inv->id;
	if (inv->kept)
		fa_kept_accept(inv->kept, inv, &inv->job);
	else
		fa_loop_call(&rt->loop, &inv->arrive);
	fa_leave_here(rt); /* it arrives before the runtime ends, and then the list keeps it */
	return 0;
}

int faas_invoke(struct faas *rt, const struct faas_request *request, uint64_t *id,
		struct faas_error *err)
{
	return invoke(rt, request, false, NULL, id, err);
}

int fa_invoke_waited(struct faas *rt, const struct faas_request *request,
		     const struct fa_job *before, struct faas_error *err)
{
	return invoke(rt, request, true, before, NULL, err);
}
