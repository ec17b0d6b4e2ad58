/* SPDX-License-Identifier: MIT */
#ifndef FA_CONDUCT_H
#define FA_CONDUCT_H

/*
 * What the files of the conductor share: invoke.c (the short way), invocation.c
 * (the long way), runner.c (a version's capacity), told.c (what is said of it).
 */
#include <invoke.h>
#include <model/file_system.h>
#include <model/trace.h>
#include <model/vpc.h>
#include <outcome/outcome.h>
#include <queue/retry.h>

struct fa_invocation;
struct fa_letters;

/* ---- runner.c -------------------------------------------------------- */

/*
 * A place and an environment; NULL with the reason of the throttle, or a code. `behind`: it may be
 * one that is in its init.
 */
struct fa_env *fa_runner_lease(struct fa_runner *runner, bool behind, const char **reason,
			       int *why);
/* Whether a synchronous event is within the rate that the runtime was given, if it was. */
bool fa_runner_may_begin(struct fa_runner *runner, const char **reason);
void fa_runner_release(struct fa_runner *runner, struct fa_env *env, bool stays);
/* What it was leased out of has become smaller: it should not begin another event. */
bool fa_runner_is_over(const struct fa_runner *runner, const struct fa_env *env);
/* Any thread: those that wait for capacity should try again. */
void fa_want_pump(struct faas *rt);

/*
 * faas_invoke() for a thread that waits: it has asked fa_runner_may_begin(), and on_done comes on
 * any thread, this one, too. `before`: what was tried of it already, or NULL: it goes on under that
 * id, and was told of; no init is its own any more if one was.
 */
int fa_invoke_waited(struct faas *rt, const struct faas_request *request,
		     const struct fa_job *before, struct faas_error *err);

/*
 * The context strings behind a payload: room for them, and their bytes (0: none). `plain`: it is
 * known that the caller named nothing but the function.
 */
size_t fa_meta_size(const struct faas_request *request, const struct fa_version *version,
		    bool plain);
uint32_t fa_meta_put(char *to, const struct faas_request *request,
		     const struct fa_version *version);

/* ---- trace.c ---------------------------------------------------------- */

/* The header that a handler sees, its own visit counted; `given` may be NULL. Its length. */
size_t fa_trace_begin(const struct fa_version *version, const char *given, char *out);
size_t fa_trace_room(const struct fa_version *version, const char *given);
/* Whether the chain may go on to this function: 0, or RecursiveInvocationException. */
int fa_trace_admit(struct faas *rt, struct fa_version *version, const char *given,
		   struct faas_error *err);
/*
 * snapshots.c: it is not active, and has it made so if it only was not used for long; 0: whoever
 * comes in this mode may come in all the same. And whether an event may begin, or comes again.
 */
int fa_not_active(struct fa_version *version, enum faas_mode mode, struct faas_error *err);
bool fa_may_begin(struct fa_version *version);
/*
 * The same, and whether it is active, its variables can be read, its files be mounted and its
 * subnets be joined.
 */
static inline int fa_may_run(struct faas *rt, struct fa_version *version,
			     const struct faas_request *request, struct faas_error *err)
{
	const char *given = request->trace_id;
	int rc = 0;

	if (atomic_load_explicit(&version->state, memory_order_acquire) != FA_STATE_ACTIVE)
		rc = fa_not_active(version, request->mode, err);
	if (rc)
		return rc;
	if (version->unreadable)
		return fa_version_unreadable(version, err);
	if (version->unmounted)
		return fa_version_unmounted(version, err);
	if (version->unconnected)
		return fa_version_unconnected(version, err);
	return given ? fa_trace_admit(rt, version, given, err) : 0;
}
/* The header of a job, or "". */
const char *fa_trace_of(const struct fa_job *job);
/*
 * The header for what is invoked by a handler, or with its answer: its own (`given`), or, so that
 * a loop is seen, one with nothing but its visit. Returns the length.
 */
size_t fa_trace_forward(const struct fa_version *version, const char *given,
			char out[FA_TRACE_MAX + 1]);
/* The line that follows REPORT, if the function traces and this one was sampled. */
void fa_trace_told(struct faas *rt, struct fa_env *env, const struct fa_job *job, bool log_tail);

/* ---- told.c ---------------------------------------------------------- */

int64_t fa_unix_offset(struct faas *rt); /* Unix time minus the runtime's clock, ns */
int64_t fa_unix_offset_at(struct faas *rt, int64_t now_ns); /* for who knows the time */
int64_t fa_unix_ms(struct faas *rt, int64_t at_ns);

/* Add it to counts that nobody else writes, NULL: to those that all share. */
void fa_count(struct faas *rt, struct fa_counts *own, const struct fa_outcome *outcome,
	      const struct fa_version *version);

/* How long who did not ask to wait does for what is his: as an init in front of it may take. */
#define FA_HELD_MS 10000

/* Whether anybody wants lines: only then are the fa_told_ functions called. */
bool fa_told_wanted(const struct faas *rt, bool log_tail);
void fa_told_start(struct faas *rt, struct fa_env *env, struct fa_job *job, bool log_tail);
/* Tells of its start as well, if that was not told of. */
void fa_told_end(struct faas *rt, struct fa_env *env, struct fa_job *job,
		 const struct fa_outcome *outcome, bool log_tail);
void fa_told_init_failed(struct faas *rt, struct fa_env *env, const struct fa_job *job);
void fa_told_throttle(struct faas *rt, struct fa_version *version);
void fa_told_age(struct faas *rt, struct fa_version *version, int64_t accepted_ns);
/* Wire the environments' logs. */
void fa_told_init(struct faas *rt);

/* ---- durable.c: events that outlive the program ----------------------- */

struct fa_kept;

/* Any thread. FAAS_ENOMEM; *kept stays NULL if events end with this program. */
int fa_kept_create(struct faas *rt, const char *function, struct fa_kept **kept);
/* [loop] Whether one more may stay in hand although it cannot run yet. */
bool fa_durable_has_room(const struct faas *rt);
/*
 * Any thread, inside a call. Once, before the others; fa_invocation_stored() follows, and then
 * fa_invocation_accepted(). Of one that is waited for this thread may write it itself.
 */
void fa_kept_accept(struct fa_kept *kept, struct fa_invocation *inv, const struct fa_job *job);
/* [loop] At most one of these; then let go. Takes the letters (NULL: none). */
void fa_kept_end(struct fa_kept *kept, enum fa_store_end end, struct fa_letters *letters);
void fa_kept_again(struct fa_kept *kept, const struct fa_retry *retry, int64_t delay_ns);
/* [loop] The invocation is over. An event of which nothing was said comes after a restart. */
void fa_kept_let_go(struct fa_kept *kept);

/* ---- deliver.c: messages on their way ---------------------------------- */

/* [loop] Send what is told of an event of this version; takes the letters. */
void fa_deliver_letters(struct faas *rt, struct fa_version *version, struct fa_letters *letters);

/* ---- cancel.c, arrive.c, turn.c, invocation.c -------------------------- */

void fa_invocation_cancel(struct faas *rt, uint64_t id); /* [loop] */
/* What the store said, on the thread that wrote it: who waits is told at once. */
void fa_invocation_stored(struct fa_invocation *inv, enum fa_store_outcome outcome);
/* [loop] The same; `begins`: it is in hand. */
void fa_invocation_accepted(struct fa_invocation *inv, enum fa_store_outcome outcome, bool begins);
/*
 * [loop] An event of the store, whose bytes live as long as `kept`; takes the reference
 * to the version. False: out of memory. It may be over when this returns.
 */
bool fa_invocation_resume(struct fa_version *version, struct fa_kept *kept,
			  const struct fa_stored *event, const struct fa_retry *retry);

/* [loop] Let the waiting ones of this version try again. */
void fa_invocations_pump(struct fa_runner *runner);
void fa_invocations_init(struct faas *rt);

#endif
