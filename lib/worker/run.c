/* SPDX-License-Identifier: MIT */
/*
 * One thread, one request at a time. The request area is the host's word and can
 * only be read; everything written goes to the response area, the sequence number
 * last. Sleeping is a futex in the response area, shared and without timeout:
 * who outlives the host is killed with its namespace, not by a clock of its own.
 *
 * A short spin before the sleep saves both sides a system call, but only where
 * host and worker run on different CPUs and events follow each other closely;
 * anywhere else it takes the CPU that the other side needs.
 */
#include <worker/run.h>

#include <errno.h>
#include <linux/futex.h>
#include <pthread.h>
#include <sched.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/single_threaded.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>
#include <base/error.h>
#include <worker/areas.h>
#include <worker/context.h>
#include <worker/output.h>
#include <worker/place.h>
#include <worker/plugin.h>
#include <worker/pristine.h>
#include <worker/signals.h>
#include <worker/snapshot.h>
#include <worker/warm.h>

#define SPIN_NS 8000        /* about one wake-up across CPUs, at the least */
#define SPIN_MAX_NS 64000   /* however slow waking up may be */
#define CLOSE_NS 40000      /* a wake-up may be as slow; whether moving pays is tried out */
#define GAP_MAX_NS 64000    /* a longer gap, or handler, tells no more than this one */
#define INIT_NS 10000000000 /* what init() may take */

/* How the loop is doing. On its stack: a reset leaves that alone. */
struct pace {
	struct fa_pristine *pristine; /* NULL: an event sees what those before it left */
	uint32_t done;                /* last request answered */
	uint32_t rung;                /* epoch of the loop at the last ring */
	int64_t posted_ns;            /* when what was waited for last was there */
	int64_t finished_ns;          /* end of init or of the last handler */
	int64_t begun_ns;             /* of the handler: since then it had a request and a CPU */
	int64_t gap_ns;               /* average of the time the host takes to post the next */
	int64_t wake_ns; /* average of a wake-up across CPUs: waiting awake pays for so long */
	int64_t took_ns; /* average of what handlers take */
	bool woke;       /* the host slept when the last answer was there */
	bool async;      /* the last request was the loop's, which has other workers, too */
	struct fa_place place;
};

/* Not on the stack: that is not part of a snapshot. On one page, see warm.h. */
static struct worker {
	const struct fa_run *run;
	struct fa_areas areas;
	struct pace *pace;
	bool broken;   /* init failed; `call.failure` says how */
	bool can_spin; /* more than one CPU */
	bool forked;   /* it has had a child */
	struct fa_context call;
	struct fa_target target;
} worker __attribute__((aligned(4096)));

static int64_t now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * INT64_C(1000000000) + now.tv_nsec;
}

static void relax(void)
{
#if defined(__x86_64__)
	__builtin_ia32_pause();
#else
	__asm__ volatile("yield");
#endif
}

/* ---- birth ------------------------------------------------------------ */

static bool many_cpus(void)
{
	cpu_set_t set;

	return sched_getaffinity(0, sizeof(set), &set) == 0 && CPU_COUNT(&set) > 1;
}

bool fa_run_prepare(struct fa_run *run)
{
	errno = EINVAL;
	if (!fa_settings_read(&run->settings, run->strings, run->strings_len))
		return false;
	if (run->flags & FA_NEST_SNAP_START)
		run->settings.initialization = "snap-start";
	run->variables = fa_settings_environ(&run->settings, run->memory_mb);
	if (!run->variables)
		return false;
	environ = run->variables;
	run->many_cpus = many_cpus();
	fa_output_prepare();
	return true;
}

static void on_fork(void)
{
	worker.forked = true;
}

static const char *kind_of(const struct fa_run *run)
{
	return run->snapshot_fd ? "template" :
	       run->provisioned ? "provisioned-concurrency" :
				  "on-demand";
}

/* What is of this environment alone; a language's template and shell are told that they are one. */
static void introduce(struct worker *w, const char *kind)
{
	const struct fa_run *run = w->run;
	bool embedded = run->flags & FA_NEST_EMBEDDED;

	if (!(run->flags & FA_NEST_SNAP_START) && (run->provisioned || embedded))
		fa_settings_say_initialization(w->call.variables, kind);
	if (embedded)
		fa_settings_say_stream(w->call.variables, run->stream);
}

static void set_up(struct worker *w)
{
	const struct fa_run *run = w->run;

	fa_areas_map(&w->areas, run);
	fa_areas_close(run);
	fa_signals_init(&w->areas.response->last_words);
	fa_output_init(run->log_fd);
	w->call.variables = run->variables;
	w->call.asker.fd = run->bell_fd;
	w->call.settings = &run->settings;
	w->call.run = run;
	introduce(w, kind_of(run));
	w->call.request = w->areas.request;
	w->call.response = w->areas.response;
	w->call.log_fd = run->log_fd;
	fa_context_init(&w->call, run->memory_mb);
	pthread_atfork(NULL, on_fork, NULL);
	w->can_spin = run->many_cpus;
}

/* ---- init ------------------------------------------------------------- */

static void hook_returned(struct worker *w, int rc, const char *hook, const char *type)
{
	char message[160];

	if (!rc && !w->call.outcome)
		return;
	if (!w->call.outcome) {
		snprintf(message, sizeof(message), "%s() of handler '%.80s' returned %d", hook,
			 w->run->settings.method, rc);
		fa_context_fail(&w->call, FA_INIT_FAILED, type, message);
	}
	w->broken = true;
}

static int64_t init_limit_ns(const struct fa_run *run)
{
	int64_t timeout_ns = run->timeout_ms * INT64_C(1000000);

	if (!run->provisioned)
		return INIT_NS;
	return timeout_ns > FA_PROVISIONED_INIT_NS ? timeout_ns : FA_PROVISIONED_INIT_NS;
}

static void init(struct worker *w)
{
	struct fa_context *call = &w->call;

	fa_context_enter(call, now_ns() + init_limit_ns(w->run));
	if (fa_target_load(&w->target, &w->run->settings, &call->failure) < 0)
		w->broken = true;
	else
		hook_returned(w, fa_target_init(&w->target, &call->context), "init",
			      "Runtime.InitError");
	fa_context_leave(call);
}

/* What is left to do before the first event, snapshot or not. */
static void settle(struct worker *w)
{
	if (!w->broken && w->run->flags & FA_NEST_PRISTINE) {
		w->pace->pristine = fa_pristine_freeze(&w->call, &w->call.failure);
		w->broken = !w->pace->pristine;
	}
	if (!w->broken && fa_target_has_shutdown(&w->target))
		atomic_store(&w->areas.response->has_shutdown, 1);
	w->pace->begun_ns = w->pace->finished_ns = now_ns();
	atomic_store(&w->areas.response->init_done_ns, (uint64_t)w->pace->finished_ns);
}

/* ---- snapshots -------------------------------------------------------- */

/* Returns only if there is none; then the first event is told why. */
static void leave_snapshot(struct worker *w, struct fa_snapshot *snapshot)
{
	struct fa_context *call = &w->call;
	const char *failed = "there is no /proc in its view";

	if (w->broken)
		return;
	fa_context_enter(call, now_ns() + INIT_NS);
	hook_returned(w, fa_target_before_snapshot(&w->target, &call->context), "before_snapshot",
		      "Runtime.BeforeSnapshotError");
	fa_context_leave(call);
	if (w->broken)
		return;
	if (snapshot)
		failed = fa_snapshot_take(snapshot, w->run->snapshot_fd);
	if (!failed)
		_exit(FA_RUN_TEMPLATE);
	w->broken = true;
	fa_error_typed(&call->failure, FAAS_EFUNCTION, "Runtime.NoSnapshot",
		       "no snapshot can be taken of the function: %s", failed);
}

static void after_restore(struct worker *w)
{
	struct fa_context *call = &w->call;

	fa_context_enter(call, now_ns() + INIT_NS);
	hook_returned(w, fa_target_after_restore(&w->target, &call->context), "after_restore",
		      "Runtime.AfterRestoreError");
	fa_context_leave(call);
}

/* ---- waiting ---------------------------------------------------------- */

static bool nothing_new(const struct worker *w)
{
	return atomic_load(&w->areas.request->seq) == w->pace->done;
}

/* Other workers of the loop want the CPU on which one of them waits awake. */
static int64_t patience(const struct worker *w)
{
	return w->pace->async ? w->pace->wake_ns :
				fa_place_patience(&w->pace->place, w->pace->wake_ns);
}

static bool worth_spinning(const struct worker *w)
{
	uint32_t cpu = atomic_load_explicit(&w->areas.request->host_cpu, memory_order_relaxed);

	return w->can_spin && w->pace->gap_ns < patience(w) && cpu != (uint32_t)sched_getcpu() &&
	       cpu != UINT32_MAX;
}

/* In time, not in rounds: how long a pause takes differs tenfold between CPUs. */
static void spin(struct worker *w)
{
	int64_t longest = patience(w), until = w->pace->finished_ns + longest;

	do {
		for (int i = 0; i < 16; i++) {
			if (!nothing_new(w)) {
				fa_place_waited(&w->pace->place, true, w->pace->wake_ns);
				return;
			}
			relax();
		}
	} while (now_ns() < until);
	fa_place_waited(&w->pace->place, false, longest);
}

FA_WARM static void sleep_until_posted(struct worker *w)
{
	_Atomic uint32_t *sleeping = &w->areas.response->sleeping;

	for (;;) {
		atomic_store(sleeping, 1);
		if (!nothing_new(w))
			break;
		syscall(SYS_futex, sleeping, FUTEX_WAIT, 1, NULL, NULL, 0);
	}
	atomic_store_explicit(sleeping, 0, memory_order_relaxed);
}

/* Most of a gap may be the host's waking up, and that tells little about its next one. */
static void learn_gap(struct worker *w)
{
	int64_t gap = w->pace->posted_ns - w->pace->finished_ns,
		most = w->pace->woke ? 2 * SPIN_NS : GAP_MAX_NS;

	gap = gap < 0 ? 0 : gap > most ? most : gap;
	w->pace->gap_ns += (gap - w->pace->gap_ns) / 8;
}

static void learn_wake(struct worker *w)
{
	uint32_t cpu = atomic_load_explicit(&w->areas.request->host_cpu, memory_order_relaxed);
	int64_t took = w->pace->begun_ns - w->pace->posted_ns;

	if (!w->can_spin || cpu == (uint32_t)sched_getcpu() || took < 0)
		return;
	took = took < SPIN_NS ? SPIN_NS : took > SPIN_MAX_NS ? SPIN_MAX_NS : took;
	w->pace->wake_ns += (took - w->pace->wake_ns) / 8;
	atomic_store_explicit(&w->areas.response->wake_ns, (uint32_t)w->pace->wake_ns,
			      memory_order_relaxed);
}

/* Of one that was made ahead: nothing of the function is here before somebody wants it. */
static void await_first(struct worker *w, const struct fa_run *run)
{
	struct pace pace = { 0 };

	w->pace = &pace;
	if (run->waits)
		sleep_until_posted(w);
	atomic_store(&w->areas.response->init_start_ns, (uint64_t)now_ns());
}

/* What the event needs that made it wake up, on its way while the first of it is looked at. */
FA_WARM static void warm_up(const struct worker *w)
{
	const struct fa_request_slot *request = fa_areas_slot(&w->areas, w->pace->done + 1);
	size_t at = (size_t)((const char *)request - (const char *)w->areas.request);
	const char *response = (const char *)w->areas.response + at; /* it lies as the request */

	fa_warm(request, offsetof(struct fa_request_slot, spare));
	fa_warm(request->data, 64);
	fa_warm(response, 64);
	fa_warm(response + offsetof(struct fa_response_slot, data), 128);
	fa_warm(w, offsetof(struct worker, call.failure));
	fa_warm(w->pace, sizeof(*w->pace));
	fa_warm(w->call.settings, sizeof(*w->call.settings));
	fa_warm(w->run, 128);
	fa_output_warm();
	if (w->target.handler) {
		fa_warm(w->target.handler, sizeof(*w->target.handler));
		fa_warm((const void *)w->target.handler->invoke, 64);
	}
}

static void await_request(struct worker *w)
{
	bool slept;

	if (!nothing_new(w))
		return;
	if (worth_spinning(w))
		spin(w);
	slept = nothing_new(w);
	if (slept) {
		sleep_until_posted(w);
		warm_up(w);
	}
	w->pace->begun_ns = now_ns();
	w->pace->posted_ns =
		(int64_t)atomic_load_explicit(&w->areas.request->posted_ns, memory_order_relaxed);
	if (slept)
		learn_wake(w);
	learn_gap(w);
}

/* ---- answering -------------------------------------------------------- */

static void consider_moving(struct worker *w)
{
	uint32_t cpu = atomic_load_explicit(&w->areas.request->host_cpu, memory_order_relaxed);
	bool close = w->can_spin && w->pace->gap_ns < CLOSE_NS && w->pace->took_ns < SPIN_NS;
	bool apart = cpu != (uint32_t)sched_getcpu();

	switch (fa_place_turn(&w->pace->place, w->pace->posted_ns, w->pace->finished_ns, close,
			      apart)) {
	case FA_PLACE_STAY:
		return;
	case FA_PLACE_LEAVE:
		fa_place_leave(cpu);
		break;
	case FA_PLACE_JOIN:
		if (!w->pace->async)
			fa_place_join(cpu);
		break;
	}
	w->pace->begun_ns = now_ns(); /* moving is no service */
}

/* A look at two words where there is none; what is said once stays said. */
static void tell_of_company(struct worker *w)
{
	if (!__libc_single_threaded || w->forked)
		atomic_store_explicit(&w->areas.response->company, 1, memory_order_relaxed);
}

static void answer(struct worker *w, uint32_t seq, uint32_t flags)
{
	tell_of_company(w);
	fa_context_close(&w->call);
	w->pace->done = seq;
	atomic_store_explicit(&w->areas.response->cpu, (uint32_t)sched_getcpu(),
			      memory_order_relaxed);
	if (w->pace->pristine)
		atomic_store(&w->areas.response->resetting, seq);
	atomic_store(&w->areas.response->seq, seq);
	w->pace->async = flags & FA_REQ_ASYNC;
	w->pace->woke = w->pace->async ? fa_areas_ring(w->run, &w->pace->rung) :
					 fa_areas_wake_host(&w->areas);
	consider_moving(w);
}

/* ---- requests --------------------------------------------------------- */

/* 0 and silence are success; everything else was decided by whoever spoke first. */
static void returned(struct worker *w, int rc)
{
	char message[160];

	if (w->call.outcome)
		return;
	if (!rc) {
		w->call.outcome = FA_DONE;
		return;
	}
	snprintf(message, sizeof(message), "handler '%.80s' returned %d without faas_fail()",
		 w->run->settings.method, rc);
	fa_context_fail(&w->call, FA_FAILED, "Runtime.HandlerError", message);
}

static void invoke(struct worker *w, const struct fa_request_slot *slot)
{
	struct faas_bytes event = { (const char *)w->areas.request + slot->off, slot->len };
	int64_t took;

	returned(w, fa_target_invoke(&w->target, &w->call.context, event));
	fa_context_leave(&w->call);
	w->pace->finished_ns = now_ns();
	took = w->pace->finished_ns - w->pace->begun_ns;
	w->pace->begun_ns = w->pace->finished_ns;
	atomic_store_explicit(&w->areas.response->service_ns,
			      took > UINT32_MAX ? UINT32_MAX : (uint32_t)took,
			      memory_order_relaxed);
	took = took > GAP_MAX_NS ? GAP_MAX_NS : took;
	w->pace->took_ns += (took - w->pace->took_ns) / 8;
}

static _Noreturn void shut_down(struct worker *w, const struct fa_request_slot *slot)
{
	fa_context_enter(&w->call, slot->deadline_ns);
	fa_target_shutdown(&w->target, &w->call.context);
	fa_context_leave(&w->call);
	_exit(0);
}

static _Noreturn void report_failed_init(struct worker *w, uint32_t seq, uint32_t flags)
{
	struct faas_error why = w->call.failure;

	if (!(flags & FA_REQ_SHUTDOWN)) {
		if (w->call.failed_body)
			fa_context_fail_body(&w->call, FA_INIT_FAILED, why.type,
					     (struct faas_bytes){ w->call.failed_body,
								  w->call.failed_len });
		else
			fa_context_fail(&w->call, FA_INIT_FAILED, why.type, why.message);
		answer(w, seq, flags);
	}
	_exit(FA_RUN_INIT_FAILED);
}

/* The host wrote it on another CPU: it may be on its way while this one runs. */
FA_WARM static void prefetch(const struct worker *w, uint32_t seq)
{
	const struct fa_request_slot *slot = fa_areas_slot(&w->areas, seq);

	__builtin_prefetch(slot);
	__builtin_prefetch(slot->request_id + sizeof(slot->request_id) - 1);
	__builtin_prefetch(slot->data);
}

FA_WARM static void serve(struct worker *w, uint32_t seq)
{
	const struct fa_request_slot *slot = fa_areas_slot(&w->areas, seq);
	uint32_t flags = slot->flags;

	if (atomic_load_explicit(&w->areas.request->seq, memory_order_relaxed) != seq)
		prefetch(w, seq + 1);
	if (flags & FA_REQ_SHUTDOWN && !w->broken)
		shut_down(w, slot);
	fa_context_open(&w->call, slot, seq,
			fa_areas_deadline(slot, w->run->timeout_ms, w->pace->done,
					  w->pace->finished_ns));
	if (w->broken)
		report_failed_init(w, seq, flags);
	if (flags & FA_REQ_START)
		w->call.outcome = FA_STARTED;
	else
		invoke(w, slot);
	answer(w, seq, flags);
}

/* The gap stays the reset's own: the barriers keep it from being optimized away. */
static __attribute__((noinline)) void serve_deep(struct worker *w, uint32_t seq)
{
	char gap[FA_PRISTINE_GAP];

	__asm__ volatile("" : : "r"(gap) : "memory");
	serve(w, seq);
	__asm__ volatile("" : : "r"(gap) : "memory");
}

static void serve_pristine(struct worker *w, uint32_t seq)
{
	fa_pristine_begin(w->pace->pristine);
	serve_deep(w, seq);
	fa_pristine_reset(w->pace->pristine);
}

FA_WARM _Noreturn static void live(struct worker *w)
{
	struct pace pace = { .gap_ns = GAP_MAX_NS, .wake_ns = SPIN_NS };

	w->pace = &pace;
	settle(w);
	for (;;) {
		await_request(w);
		while (!nothing_new(w) && fa_areas_claim(&w->areas, w->pace->done + 1)) {
			if (w->pace->pristine)
				serve_pristine(w, w->pace->done + 1);
			else
				serve(w, w->pace->done + 1);
		}
	}
}

_Noreturn void fa_run(const struct fa_run *run)
{
	struct worker *w = &worker;
	struct fa_snapshot *snapshot = NULL;

	w->run = run;
	set_up(w);
	await_first(w, run);
	if (run->snapshot_fd)
		snapshot = fa_snapshot_begin();
	init(w);
	if (run->snapshot_fd)
		leave_snapshot(w, snapshot);
	live(w);
}

/*
 * The template believes its areas to be where it had them. Ours came to lie at the same
 * place, as that is what both inherited; should it ever be another, they are mapped once more.
 */
static void restore(struct worker *w, const struct fa_run *run, int snapshot_fd)
{
	const struct worker before = *w;

	if (!fa_snapshot_restore(snapshot_fd))
		_exit(FA_RUN_BROKEN);
	if (w->areas.request != before.areas.request || w->areas.response != before.areas.response)
		fa_areas_map(&w->areas, run);
	fa_areas_close(run);
}

static void become(struct worker *w, const struct fa_run *run, int snapshot_fd)
{
	restore(w, run, snapshot_fd);
	w->run = run;
	w->call.run = run;
	w->call.settings = &run->settings; /* the template's were on its stack */
}

/*
 * What a language has in its template is an interpreter and nothing of the function: a shell
 * may be that before it is wanted, and its pages those that a function's start will write to.
 */
static bool may_restore_ahead(const struct fa_run *run)
{
	return run->waits && run->flags & FA_NEST_EMBEDDED && !(run->flags & FA_NEST_SNAP_START);
}

static void rehearse(struct worker *w)
{
	struct pace pace = { 0 };

	w->pace = &pace;
	if (!nothing_new(w))
		return; /* it is wanted already */
	introduce(w, "shell");
	after_restore(w);
}

_Noreturn void fa_run_restored(const struct fa_run *run, int snapshot_fd)
{
	struct worker *w = &worker;
	bool ahead = may_restore_ahead(run);

	fa_areas_map(&w->areas, run);
	fa_output_init(run->log_fd);
	if (ahead) {
		become(w, run, snapshot_fd);
		rehearse(w);
	}
	await_first(w, run);
	if (!ahead)
		become(w, run, snapshot_fd);
	introduce(w, kind_of(run));
	after_restore(w);
	live(w);
}
