/* SPDX-License-Identifier: MIT */
/*
 * A runtime's life. It is created whole or not at all; it is closed by the
 * loop, step by step: nothing new is let in, what runs gets its grace and is
 * then called off, the environments end, the descriptors are closed, and the
 * last thing that happens is the owner's `done`.
 */
#include <runtime.h>

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <base/counter.h>
#include <base/error.h>
#include <base/options.h>
#include <base/text.h>
#include <code.h>
#include <config.h>
#include <env/meter.h>
#include <invoke.h>
#include <messages.h>
#include <remember.h>
#include <roles.h>
#include <testing.h>

#define FA_QUOTE(x) #x
#define FA_TEXT_OF(x) FA_QUOTE(x)

static void check_closed(struct fa_call *call);
static void on_quiet(struct fa_call *call);

/* ---- in and out ------------------------------------------------------ */

/* Who is refused leaves no trace: a closing runtime waits for nobody who comes late. */
int fa_enter(struct faas *rt, struct faas_error *err)
{
	uint64_t seen = atomic_load_explicit(&rt->callers, memory_order_relaxed);

	do
		if (seen & FA_CLOSING)
			return fa_error(err, FAAS_ECANCELED, "the runtime is closing");
	while (!atomic_compare_exchange_weak(&rt->callers, &seen, seen + 1));
	return 0;
}

/*
 * Nothing may be touched once the count is down. So while closing, the loop is
 * told first, and whoever is telling it counts until that is done.
 */
void fa_leave(struct faas *rt)
{
	uint64_t seen = atomic_load_explicit(&rt->callers, memory_order_relaxed);

	while (!(seen & FA_CLOSING))
		if (atomic_compare_exchange_weak(&rt->callers, &seen, seen - 1))
			return;
	atomic_fetch_add(&rt->callers, FA_LEAVING - 1);
	fa_check_closed(rt);
	atomic_fetch_sub(&rt->callers, FA_LEAVING);
}

void fa_check_closed(struct faas *rt)
{
	if (!atomic_exchange(&rt->checking, true))
		fa_loop_call(&rt->loop, &rt->check_call);
}

/* ---- create ---------------------------------------------------------- */

static void free_runtime(struct faas *rt)
{
	fa_sources_free(rt);
	fa_keys_finish(&rt->keys);
	fa_file_systems_finish(&rt->file_systems);
	fa_vpcs_finish(&rt->vpcs);
	fa_image_names_finish(&rt->images);
	fa_config_free(&rt->config);
	pthread_mutex_destroy(&rt->pending_lock);
	fa_recall_finish(rt);
	fa_resources_finish(rt);
	fa_account_finish(&rt->account);
	fa_free(rt);
}

static struct faas *alloc_runtime(const struct faas_config *c, const struct fa_clock *clock,
				  struct faas_error *err)
{
	struct fa_mem mem = { .realloc = c->realloc ? c->realloc : fa_mem_libc.realloc,
			      .data = c->data };
	struct faas *rt = fa_alloc(&mem, sizeof(*rt));
	int rc;

	if (!rt) {
		fa_error_nomem(err);
		return NULL;
	}
	mem.ran_out = &rt->ran_out;
	rt->mem = mem;
	rt->clock = clock;
	pthread_mutex_init(&rt->pending_lock, NULL);
	fa_map_init(&rt->pending, &rt->mem);
	fa_resources_init(rt);
	fa_changes_init(rt);
	rt->offset_age_ns = INT64_MIN / 2;
	rt->close_call.run = NULL;
	rt->check_call.run = check_closed;
	rt->quiet_call.run = on_quiet;
	fa_list_init(&rt->invocations);
	fa_list_init(&rt->unused);
	fa_list_init(&rt->ending);
	fa_list_init(&rt->hungry);
	fa_list_init(&rt->doors);
	rc = fa_config_copy(&rt->config, &rt->mem, c, err);
	if (!rc)
		rc = fa_keys_init(&rt->keys, &rt->mem, c->keys, err);
	if (!rc)
		rc = fa_file_systems_init(&rt->file_systems, &rt->mem, c->file_systems, err);
	if (!rc)
		rc = fa_vpcs_init(&rt->vpcs, &rt->mem, c, err);
	if (!rc)
		rc = fa_image_names_init(&rt->images, &rt->mem, c->images, err);
	fa_account_init(&rt->account, rt->config.max_concurrency, rt->config.min_unreserved);
	rt->account.requests_per_s = rt->config.max_requests_per_s;
	rt->account.new_per_10s = rt->config.max_new_per_10s;
	if (!rc && fa_sources_create(rt))
		rc = fa_error_nomem(err);
	if (rc < 0) {
		free_runtime(rt);
		return NULL;
	}
	return rt;
}

static int check_isolation(const struct faas *rt, struct faas_error *err)
{
	unsigned lacking = rt->config.min_isolation & ~rt->envs.supervisor.hello.applied;

	if (!lacking)
		return 0;
	return fa_error(err, FAAS_ESYSTEM,
			"min_isolation asks for layers that are not to be had here: 0x%x (see enum "
			"faas_layer)",
			lacking);
}

static int open_stages(struct faas *rt, struct faas_error *err)
{
	int rc;

	if (fa_packages_init(&rt->packages, &rt->mem, rt->config.state_dir) ||
	    fa_layers_init(&rt->layers, &rt->mem, rt->config.region, rt->config.account) ||
	    fa_registry_init(&rt->registry, &rt->mem, rt->config.region, rt->config.account))
		return fa_error_nomem(err);
	if (fa_envs_init(&rt->envs, &rt->loop, &rt->mem, rt->clock) < 0)
		return fa_error_nomem(err);
	fa_code_init(rt);
	fa_chores_init(&rt->chores, &rt->loop);
	rt->envs.max_memory_mb = rt->config.max_memory_mb;
	rt->envs.policy.keep = rt->config.keep;
	rt->envs.policy.idle_ns = (int64_t)rt->config.idle_ms * 1000000;
	rt->envs.max_age_ns = (int64_t)rt->config.max_age_ms * 1000000;
	rt->envs.inactive_ns = (int64_t)rt->config.inactive_after_ms * 1000000;
	rt->envs.cpu_cap = rt->config.cpu_cap;
	rt->envs.listening = rt->config.on_log != NULL;
	rt->envs.supervisor.path = rt->config.worker;
	fa_invoke_init(rt);
	fa_vault_init(rt);
	fa_calls_init(rt);
	fa_tell_init(&rt->tell, &rt->loop, &rt->mem, &rt->config);
	rt->tell.may_log = fa_role_may_log;
	rt->tell.judge = rt;
	rc = fa_supervisor_open(&rt->envs.supervisor, err);
	if (!rc)
		rt->envs.floor_kb = fa_meter_peak_kb(rt->envs.supervisor.pid);
	if (!rc)
		rc = check_isolation(rt, err);
	if (!rc && fa_supervisor_watch(&rt->envs.supervisor) < 0)
		rc = fa_error_errno(err, errno, "cannot watch the worker");
	if (!rc)
		rc = fa_durable_open(rt, err);
	if (!rc) {
		rc = fa_recall_read(rt, err);
		if (!rc)
			rc = fa_resources_recall(rt, err);
		if (!rc)
			rc = fa_layers_recall(rt, err);
		if (!rc)
			rc = fa_sources_recall(rt, err);
		if (rc)
			fa_durable_close(rt);
	}
	if (rc) {
		fa_chores_finish(&rt->chores);
		fa_envs_finish(&rt->envs);
		fa_registry_finish(&rt->registry);
		fa_layers_finish(&rt->layers);
		fa_packages_finish(&rt->packages);
	}
	return rc;
}

static void *run_loop(void *data)
{
	struct faas *rt = data;
	bool joined;

	fa_loop_adopt(&rt->loop, pthread_self());
	uv_run(&rt->own_loop, UV_RUN_DEFAULT);
	uv_loop_close(&rt->own_loop);
	joined = rt->joined;
	if (!joined)
		pthread_detach(pthread_self());
	if (rt->on_closed)
		rt->on_closed(rt->closed_data);
	if (!joined)
		free_runtime(rt);
	return NULL;
}

/* Signals are the host's: our thread takes none. */
static int start_thread(struct faas *rt, struct faas_error *err)
{
	sigset_t all, old;
	int rc;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &old);
	rc = pthread_create(&rt->thread, NULL, run_loop, rt);
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	if (rc)
		return fa_error_errno(err, rc, "cannot start the loop's thread");
	fa_loop_adopt(&rt->loop, rt->thread);
	return 0;
}

static void ignore_closed(void *data)
{
	(void)data;
}

/* Nothing has run yet: take the loop down again by hand. */
static void undo_loop(struct faas *rt)
{
	fa_loop_close(&rt->loop, ignore_closed, NULL);
	if (!rt->owns_loop)
		return; /* the host's loop finishes it */
	uv_run(&rt->own_loop, UV_RUN_DEFAULT);
	uv_loop_close(&rt->own_loop);
}

static int open_loop(struct faas *rt, struct faas_error *err)
{
	uv_loop_t *uv = rt->config.loop;
	int rc;

	rt->owns_loop = !uv;
	if (!uv) {
		uv = &rt->own_loop;
		rc = uv_loop_init(uv);
		if (rc)
			return fa_error_errno(err, -rc, "cannot make an event loop");
	}
	rc = fa_loop_init(&rt->loop, uv, &rt->mem, rt->clock, err);
	if (rc && rt->owns_loop)
		uv_loop_close(uv);
	return rc;
}

static void free_after_loop(void *data)
{
	free_runtime(data);
}

/* What was recalled in part is not written, and so all of it is there for the next program. */
static struct faas *give_up(struct faas *rt, struct faas_error *err)
{
	fa_registry_end(&rt->registry);
	if (rt->owns_loop)
		faas_destroy(rt);
	else
		faas_close(rt, 0, NULL, NULL);
	fa_error_nomem(err);
	return NULL;
}

struct faas *fa_create(const struct faas_config *config, const struct fa_clock *clock,
		       struct faas_error *err)
{
	struct faas_config c;
	struct faas *rt;

	config = config ? config : FAAS_CONFIG();
	if (fa_options_copy(&c, sizeof(c), config, "FAAS_CONFIG", err) < 0 ||
	    fa_config_check(&c, err) < 0)
		return NULL;
	rt = alloc_runtime(&c, clock, err);
	if (!rt)
		return NULL;
	if (open_loop(rt, err) < 0)
		goto fail;
	if (open_stages(rt, err) < 0)
		goto fail_loop;
	if (!rt->owns_loop || !start_thread(rt, err)) {
		fa_durable_begin(rt);
		fa_recall_make(rt);
		if (rt->durable.lasts && atomic_load(&rt->ran_out))
			return give_up(rt, err);
		fa_recall_settle(rt);
		fa_sources_begin(rt);
		fa_deliver_begin(rt);
		return rt;
	}
	fa_durable_close(rt);
	fa_tell_finish(&rt->tell);
	fa_chores_finish(&rt->chores);
	fa_envs_finish(&rt->envs);
	fa_registry_finish(&rt->registry);
	fa_layers_finish(&rt->layers);
	fa_packages_finish(&rt->packages);

fail_loop:
	if (!rt->owns_loop) {
		fa_loop_close(&rt->loop, free_after_loop, rt);
		return NULL;
	}
	undo_loop(rt);
fail:
	free_runtime(rt);
	return NULL;
}

struct faas *faas_create(const struct faas_config *config, struct faas_error *err)
{
	fa_counter_enable();
	return fa_create(config, &fa_clock_real, err);
}

/* ---- close ----------------------------------------------------------- */

static void on_loop_closed(void *data)
{
	struct faas *rt = data;

	if (rt->owns_loop)
		return; /* run_loop() does the rest */
	if (rt->on_closed)
		rt->on_closed(rt->closed_data);
	free_runtime(rt);
}

static void close_doors(struct faas *rt, bool hurry)
{
	struct fa_list *pos;

	fa_list_for(pos, &rt->doors)
	{
		struct fa_door *door = fa_container(pos, struct fa_door, link);

		door->close(door, hurry);
	}
}

static bool doors_ended(const struct faas *rt)
{
	struct fa_list *pos;

	fa_list_for(pos, &rt->doors)
		if (!fa_container(pos, struct fa_door, link)->ended)
			return false;
	return true;
}

static void free_doors(struct faas *rt)
{
	while (!fa_list_empty(&rt->doors)) {
		struct fa_door *door = fa_container(rt->doors.next, struct fa_door, link);

		fa_list_remove(&door->link);
		door->free(door);
	}
}

static void finish_stages(struct faas *rt)
{
	free_doors(rt);
	fa_chores_finish(&rt->chores);
	fa_loop_timer_stop(&rt->loop, &rt->grace);
	fa_loop_timer_stop(&rt->loop, &rt->rewrite.due);
	fa_durable_close(rt);
	fa_vault_finish(rt);
	fa_invoke_finish(rt);
	fa_envs_finish(&rt->envs);
	fa_tell_finish(&rt->tell); /* after the last that could tell anything */
	fa_registry_finish(&rt->registry);
	fa_layers_finish(&rt->layers);
	fa_packages_finish(&rt->packages);
	fa_loop_close(&rt->loop, on_loop_closed, rt);
}

static void forget_functions(struct faas *rt)
{
	struct fa_version *version;

	while ((version = fa_registry_take_any(&rt->registry))) {
		fa_package_keep(version->code.package);
		fa_package_keep(version->code.opt);
		fa_version_unref(version);
	}
}

/* No way back: let nothing be born, call off what runs, forget all functions. */
static void begin_to_finish(struct faas *rt)
{
	rt->finishing = true;
	fa_loop_timer_stop(&rt->loop, &rt->growth);
	fa_loop_timer_stop(&rt->loop, &rt->grace);
	fa_envs_close(&rt->envs);
	fa_durable_hurry(rt);
	fa_vault_close(rt);
	fa_invoke_cancel_all(rt);
	forget_functions(rt);
	close_doors(rt, true);
}

/* Nobody is inside any more; what they asked of the loop was queued before this. */
static void on_quiet(struct fa_call *call)
{
	struct faas *rt = fa_container(call, struct faas, quiet_call);

	rt->quiet = true;
	if (rt->finishing)
		forget_functions(rt); /* those that were made at the last moment */
	fa_check_closed(rt);
}

static void look_for_callers(struct faas *rt)
{
	uint64_t callers = atomic_load(&rt->callers);

	if (callers == FA_CLOSING && !rt->quiet_queued) {
		rt->quiet_queued = true;
		fa_loop_call(&rt->loop, &rt->quiet_call);
	} else if (callers >= FA_CLOSING + FA_LEAVING) {
		fa_check_closed(rt); /* that is a matter of nanoseconds */
	}
}

/* Whoever leaves, ends or is freed while the runtime closes asks for this. */
static void check_closed(struct fa_call *call)
{
	struct faas *rt = fa_container(call, struct faas, check_call);
	bool idle;

	atomic_store(&rt->checking, false);
	if (!rt->closing)
		return;
	if (!rt->quiet)
		look_for_callers(rt);
	idle = rt->quiet && fa_list_empty(&rt->invocations) && fa_durable_is_idle(rt);
	if (idle && !rt->finishing)
		begin_to_finish(rt);
	if (idle && fa_list_empty(&rt->ending) && fa_list_empty(&rt->envs.pools) &&
	    doors_ended(rt))
		finish_stages(rt);
}

static void on_grace_over(struct fa_timer *timer)
{
	struct faas *rt = fa_container(timer, struct faas, grace);

	if (!rt->finishing)
		begin_to_finish(rt);
	fa_check_closed(rt);
}

static void begin_to_close(struct fa_call *call)
{
	struct faas *rt = fa_container(call, struct faas, close_call);

	rt->closing = true;
	fa_seats_close(rt);
	close_doors(rt, false);
	rt->grace.on_due = on_grace_over;
	if (rt->grace_ms <= 0 ||
	    fa_loop_timer(&rt->loop, &rt->grace,
			  fa_now(rt->clock) + (int64_t)rt->grace_ms * 1000000) < 0)
		begin_to_finish(rt);
	fa_check_closed(rt);
}

/* Returns whether this call is the one that closes it. */
static bool begin_close(struct faas *rt, int grace_ms, void (*done)(void *data), void *data,
			bool joined)
{
	bool first;

	if (fa_enter(rt, NULL))
		return false;
	first = !(atomic_fetch_or(&rt->callers, FA_CLOSING) & FA_CLOSING);
	if (first) {
		fa_remember(rt, NULL); /* what could not be written when it changed */
		rt->grace_ms = grace_ms;
		rt->on_closed = done;
		rt->closed_data = data;
		rt->joined = joined;
		rt->close_call.run = begin_to_close;
		fa_loop_call(&rt->loop, &rt->close_call);
	}
	fa_leave(rt);
	return first;
}

void faas_close(struct faas *rt, int grace_ms, void (*done)(void *data), void *data)
{
	if (rt)
		begin_close(rt, grace_ms, done, data, false);
}

int faas_destroy(struct faas *rt)
{
	if (!rt)
		return 0;
	if (!rt->owns_loop || fa_loop_here(&rt->loop))
		return FAAS_EDEADLK;
	if (!begin_close(rt, 0, NULL, NULL, true))
		return FAAS_ECANCELED;
	pthread_join(rt->thread, NULL);
	free_runtime(rt);
	return 0;
}

/* ---- small doors ----------------------------------------------------- */

struct uv_loop_s *faas_loop(struct faas *rt)
{
	return rt ? rt->loop.uv : NULL;
}

void faas_free(void *ptr)
{
	fa_free(ptr);
}

const char *faas_version(void)
{
	return FA_TEXT_OF(FAAS_VERSION_MAJOR) "." FA_TEXT_OF(FAAS_VERSION_MINOR) "." FA_TEXT_OF(
		FAAS_VERSION_PATCH);
}

void fa_testing_weaken(struct faas *rt, unsigned layers, unsigned host_checks)
{
	rt->envs.weak_layers = layers;
	rt->envs.weak_checks = host_checks;
}
