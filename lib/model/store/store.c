/* SPDX-License-Identifier: MIT */
/*
 * One at a time writes: who has the seat. As a rule that is a thread of our own, which
 * takes all that was submitted while it was busy and commits it as one group, so that the
 * price of a sync is shared by whoever waits for one. Who waits anyway and finds the seat
 * free and nothing submitted takes it for a group of one, his own, and is woken by nobody;
 * those who come meanwhile are the thread's. So nothing overtakes, and nobody works for
 * others. What begins an event may be refused; what moves or ends one must be written
 * sooner or later: on a full disk it gets the ballast's room, and beyond that it is
 * tried again until there is some. A commit that failed at its last step may be found by
 * the next program although nobody was told that it is true: so the next one overwrites it,
 * and if there is nothing to commit, one is made for that.
 * To sync a file that has grown is to write down its size, too, elsewhere on the disk, and takes
 * twice as long. So once something was written the thread keeps the log longer than what is in
 * it, by pieces, while it has nothing else to do.
 */
#include <model/store/store.h>

#include <errno.h>
#include <pthread.h>
#include <semaphore.h>
#include <signal.h>
#include <stdatomic.h>
#include <stddef.h>
#include <time.h>

#include <base/error.h>
#include <model/store/engine.h>
#include <model/store/folder.h>

#define GROUP_MAX 4096  /* operations of one commit */
#define AGAIN_MS 200    /* between attempts on a disk that is full or fails */
#define BALLAST (4 << 20)
#define LOG_LOW (512 << 10)   /* the log is lengthened when so little of it is unused, */
#define LOG_AHEAD (1 << 20)   /* until it is so much */

enum seat { FREE, OURS, LED }; /* nobody writes; our thread has something to; a caller does */

struct fa_store {
	struct fa_folder folder;
	struct fa_engine *engine;
	_Atomic bool troubled;    /* the last group was not written, or took the ballast's room */
	pthread_t thread;
	pthread_mutex_t lock;
	pthread_cond_t news;
	struct fa_list submitted;
	struct fa_store_counts counts;
	enum seat seat;
	struct {
		int64_t used, size, goal; /* bytes; size as far as is known */
	} log;
	bool hurry, closing;
	const struct fa_mem *mem;
	void (*on_lying)(void *data, struct faas_bytes address);
	void *data;
	bool here;                /* no folder and no thread: whoever submits does it */
	pthread_mutex_t turn;     /* then held by who does */
};

/* ---- one group ------------------------------------------------------- */

/* What may be refused, and stays as it was: all but the end of what was accepted. */
static const bool refusable[FA_STORE_VERBS] = {
	[FA_STORE_ACCEPT] = true, [FA_STORE_CLAIM] = true, [FA_STORE_SEND] = true,
	[FA_STORE_FETCH] = true,  [FA_STORE_TAKE] = true,  [FA_STORE_PEEK] = true,
	[FA_STORE_MOVE] = true,	  [FA_STORE_SUM] = true,   [FA_STORE_KEEP] = true,
	[FA_STORE_FORGET] = true, [FA_STORE_RECALL] = true, [FA_STORE_RETURN] = true,
	[FA_STORE_KNOWN] = true,  [FA_STORE_NOTE] = true,
	[FA_STORE_LIST] = true,	  [FA_STORE_APPEND] = true, [FA_STORE_READ] = true,
	[FA_STORE_TAIL] = true,	  [FA_STORE_ITEM] = true,
	[FA_STORE_WRITE] = true,  [FA_STORE_OVERDUE] = true, [FA_STORE_SCRUB] = true,
	[FA_STORE_ON_WAY] = true, [FA_STORE_CHANGE] = true,
};

/* Of these nobody asks whether they were written. */
static const bool only_reads[FA_STORE_VERBS] = {
	[FA_STORE_CLAIM] = true, [FA_STORE_FETCH] = true,
	[FA_STORE_PEEK] = true,	 [FA_STORE_SUM] = true,	  [FA_STORE_RECALL] = true,
	[FA_STORE_KNOWN] = true, [FA_STORE_LIST] = true,
	[FA_STORE_READ] = true,	 [FA_STORE_TAIL] = true,  [FA_STORE_ITEM] = true,
	[FA_STORE_OVERDUE] = true, [FA_STORE_ON_WAY] = true,
};

_Static_assert(!offsetof(struct fa_claimed, link) && !offsetof(struct fa_fetched, link),
	       "both are freed by their first member");

static void forget_claimed(struct fa_store_op *op)
{
	struct fa_list *pos;

	while ((pos = fa_list_pop(&op->claimed)))
		fa_free(pos);
}

/* Where something lies now; it may have lain there before. */
static void tell_lying(struct fa_store *store, const struct fa_store_op *op)
{
	if (!store->on_lying)
		return;
	for (int i = 0; i < op->message_count; i++)
		if (!op->messages[i].outgoing)
			store->on_lying(store->data, op->messages[i].address);
	if (op->to && op->count && !op->to->outgoing)
		store->on_lying(store->data, op->to->address);
}

static bool frees(const struct fa_store_op *op)
{
	return op->verb == FA_STORE_REMOVE || op->verb == FA_STORE_SETTLE ||
	       op->verb == FA_STORE_RETURN;
}

/* Who goes leaves its group to those behind it, and what is given back may be taken by others. */
static void tell_freed(struct fa_store *store, struct fa_store_op *op)
{
	const struct fa_list *pos;

	fa_list_for(pos, &op->claimed) {
		const struct fa_fetched *f = fa_container(pos, struct fa_fetched, link);

		if (store->on_lying)
			store->on_lying(store->data, f->message.address);
	}
	forget_claimed(op);
}

static void answer(struct fa_store *store, struct fa_store_op *op, enum fa_store_outcome outcome)
{
	if (outcome == FA_STORE_DONE)
		tell_lying(store, op);
	else
		forget_claimed(op);
	if (frees(op))
		tell_freed(store, op);
	op->outcome = outcome;
	op->on_done(op);
}

static void answer_all(struct fa_store *store, struct fa_list *ops, enum fa_store_outcome outcome)
{
	struct fa_list *pos;

	while ((pos = fa_list_pop(ops)))
		answer(store, fa_container(pos, struct fa_store_op, link), outcome);
}

static enum fa_engine_code apply_all(struct fa_store *store, struct fa_list *ops)
{
	enum fa_engine_code code = fa_engine_begin(store->engine);
	struct fa_list *pos;

	fa_list_for(pos, ops) {
		if (code)
			break;
		code = fa_engine_apply(store->engine, fa_container(pos, struct fa_store_op, link));
	}
	return code;
}

/* ---- the log, ahead ---------------------------------------------------- */

/* [locked] Behind a commit. A log that is used from its beginning again may have been cut. */
static void note_log(struct fa_store *store)
{
	int64_t most, used = fa_engine_log(store->engine, &most);

	if (used == store->log.used)
		return;
	if (used < store->log.used)
		store->log.size = store->log.goal = 0;
	store->log.used = used;
	if (used + LOG_LOW > store->log.size)
		store->log.goal = used + LOG_AHEAD < most ? used + LOG_AHEAD : most;
}

/* [locked] */
static bool is_short(const struct fa_store *store)
{
	return store->log.size < store->log.goal && !store->closing;
}

/* [locked, but not meanwhile] Where there is no room it is tried again when much more is used. */
static void lengthen_log(struct fa_store *store)
{
	int64_t size, goal = store->log.goal;

	pthread_mutex_unlock(&store->lock);
	size = fa_folder_lengthen_log(&store->folder, goal);
	pthread_mutex_lock(&store->lock);
	store->log.size = size < 0 ? goal : size;
}

/* ---- one group, written -------------------------------------------------- */

/* *outcome: what that means for those whose fate was to be committed. */
static enum fa_engine_code write_group(struct fa_store *store, struct fa_list *ops,
				       enum fa_store_outcome *outcome)
{
	struct fa_store_counts counts;
	enum fa_engine_code code = apply_all(store, ops);

	*outcome = code ? FA_STORE_REFUSED : FA_STORE_DONE;
	if (!code) {
		code = fa_engine_commit(store->engine, &counts);
		*outcome = code ? FA_STORE_UNKNOWN : FA_STORE_DONE;
	}
	if (code) {
		fa_engine_rollback(store->engine);
		return code;
	}
	pthread_mutex_lock(&store->lock);
	store->counts = counts;
	note_log(store);
	pthread_mutex_unlock(&store->lock);
	return FA_ENGINE_OK;
}

/* The rest stays in `ops`. `again`: another attempt follows, for which some insist. */
static void refuse_new(struct fa_store *store, struct fa_list *ops, enum fa_store_outcome outcome,
		       bool again)
{
	struct fa_list *pos, *next;

	fa_list_for_safe(pos, next, ops) {
		struct fa_store_op *op = fa_container(pos, struct fa_store_op, link);

		if (!refusable[op->verb] || (op->insists && again))
			continue;
		fa_list_remove(pos);
		answer(store, op, only_reads[op->verb] ? FA_STORE_REFUSED : outcome);
	}
}

/* What could not be written and must be stays in `ops`. */
static void write_ops(struct fa_store *store, struct fa_list *ops)
{
	enum fa_store_outcome outcome = FA_STORE_REFUSED, before;
	enum fa_engine_code code;

	if (!fa_folder_is_heavy(&store->folder))
		refuse_new(store, ops, FA_STORE_REFUSED, true);
	for (int attempt = 0; attempt < 2 && !fa_list_empty(ops); attempt++) {
		before = outcome;
		code = write_group(store, ops, &outcome);
		if (!code) {
			/* before the answers: whoever asks then finds it tidy */
			fa_engine_tidy(store->engine);
			store->troubled = store->folder.light;
			answer_all(store, ops, FA_STORE_DONE);
			return;
		}
		store->troubled = true;
		if (code == FA_ENGINE_FULL)
			fa_folder_drop_ballast(&store->folder);
		if (before == FA_STORE_UNKNOWN)
			outcome = before; /* what the first attempt left may be found */
		refuse_new(store, ops, outcome, !attempt);
	}
}

/* Nothing waits to be written; what the last commit may have left goes all the same. */
static void make_sure(struct fa_store *store)
{
	enum fa_store_outcome outcome;
	struct fa_list none;

	fa_list_init(&none);
	if (fa_engine_is_unsure(store->engine))
		write_group(store, &none, &outcome);
}

/* ---- the thread ------------------------------------------------------ */

static void await_news(struct fa_store *store, bool again)
{
	struct timespec until;

	if (!again) {
		pthread_cond_wait(&store->news, &store->lock);
		return;
	}
	clock_gettime(CLOCK_MONOTONIC, &until);
	until.tv_nsec += AGAIN_MS * 1000000L;
	until.tv_sec += until.tv_nsec / 1000000000;
	until.tv_nsec %= 1000000000;
	pthread_cond_timedwait(&store->news, &store->lock, &until);
}

/* [locked] What is left from before goes first. */
static void take_group(struct fa_store *store, struct fa_list *ops)
{
	struct fa_list *pos;

	for (int n = 0; n < GROUP_MAX && (pos = fa_list_pop(&store->submitted)); n++)
		fa_list_append(ops, pos);
}

/* Of what was left, and of what nobody is sure of, nobody gets in front. */
static enum seat rest(const struct fa_store *store, const struct fa_list *ops)
{
	return fa_list_empty(ops) && !fa_engine_is_unsure(store->engine) ? FREE : OURS;
}

/* [locked] */
static bool is_idle(const struct fa_store *store, const struct fa_list *ops)
{
	return fa_list_empty(&store->submitted) && !store->closing &&
	       !(store->hurry && !fa_list_empty(ops));
}

static void *serve(void *data)
{
	struct fa_store *store = data;
	struct fa_list ops;
	bool nothing, hurry, over = false;

	fa_list_init(&ops);
	pthread_mutex_lock(&store->lock);
	while (!over) {
		nothing = store->seat == LED || is_idle(store, &ops);
		if (nothing && is_short(store)) {
			lengthen_log(store);
			continue;
		}
		if (nothing)
			await_news(store, store->seat == OURS);
		if (store->seat == LED)
			continue;
		take_group(store, &ops);
		hurry = store->hurry || store->closing;
		over = fa_list_empty(&ops) && store->closing;
		store->seat = OURS;
		pthread_mutex_unlock(&store->lock);
		if (fa_list_empty(&ops))
			make_sure(store);
		write_ops(store, &ops);
		if (hurry)
			answer_all(store, &ops, FA_STORE_UNKNOWN);
		pthread_mutex_lock(&store->lock);
		store->seat = rest(store, &ops);
	}
	pthread_mutex_unlock(&store->lock);
	return NULL;
}

/* Signals are the host's: our thread takes none. */
static int start_thread(struct fa_store *store, struct faas_error *err)
{
	sigset_t all, old;
	int rc;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &old);
	rc = pthread_create(&store->thread, NULL, serve, store);
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	return rc ? fa_error_errno(err, rc, "cannot start the store's thread") : 0;
}

/* ---- on the thread of a caller ----------------------------------------- */

/*
 * What may stop a thread half-way, and it has the seat: a handler that does not return or
 * comes back for the store, a signal that ends a sync early, a cancellation.
 */
struct calm {
	sigset_t signals;
	int cancel;
};

/* Of a write beyond RLIMIT_FSIZE: it has failed, and nobody has to end for that. */
static void forget_limit(void)
{
	const struct timespec now = { 0 };
	sigset_t beyond;

	sigemptyset(&beyond);
	sigaddset(&beyond, SIGXFSZ);
	sigtimedwait(&beyond, NULL, &now);
}

static void calm_down(struct calm *before)
{
	sigset_t all;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before->signals);
	pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &before->cancel);
}

static void calm_up(const struct calm *before)
{
	if (!sigismember(&before->signals, SIGXFSZ))
		forget_limit();
	pthread_setcancelstate(before->cancel, NULL);
	pthread_sigmask(SIG_SETMASK, &before->signals, NULL);
}

/* Only what write_ops() answers whatever happens: for the rest somebody has to stay. */
static bool take_seat(struct fa_store *store, const struct fa_store_op *op)
{
	bool mine;

	pthread_mutex_lock(&store->lock);
	mine = refusable[op->verb] && store->seat == FREE && fa_list_empty(&store->submitted);
	if (mine)
		store->seat = LED;
	pthread_mutex_unlock(&store->lock);
	return mine;
}

/*
 * What a failed commit may have left is the thread's to overwrite. The store may be closed by
 * who was answered: once it is unlocked it may be gone.
 */
static void leave_seat(struct fa_store *store, const struct fa_list *ops)
{
	pthread_mutex_lock(&store->lock);
	store->seat = rest(store, ops);
	if (store->seat == OURS || store->closing || is_short(store) ||
	    !fa_list_empty(&store->submitted))
		pthread_cond_signal(&store->news);
	pthread_mutex_unlock(&store->lock);
}

/* ---- without a thread ------------------------------------------------- */

/* The tables are made when they are first needed: most runtimes send no message. */
static bool has_engine(struct fa_store *store)
{
	if (!store->engine)
		store->engine = fa_engine_open(&(struct fa_store_config){ .mem = store->mem },
					       NULL);
	return store->engine;
}

static void perform_here(struct fa_store *store, struct fa_store_op *op)
{
	enum fa_store_outcome outcome = FA_STORE_REFUSED;
	struct fa_list ops;

	fa_list_init(&ops);
	fa_list_append(&ops, &op->link);
	pthread_mutex_lock(&store->turn);
	if (has_engine(store) && write_group(store, &ops, &outcome))
		outcome = FA_STORE_REFUSED;
	pthread_mutex_unlock(&store->turn);
	fa_list_remove(&op->link);
	answer(store, op, outcome);
}

/* ---- the interface --------------------------------------------------- */

static void init_locks(struct fa_store *store)
{
	pthread_condattr_t attr;

	pthread_mutex_init(&store->lock, NULL);
	pthread_mutex_init(&store->turn, NULL);
	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(&store->news, &attr);
	pthread_condattr_destroy(&attr);
}

static void free_store(struct fa_store *store)
{
	fa_engine_close(store->engine);
	fa_folder_close(&store->folder);
	pthread_cond_destroy(&store->news);
	pthread_mutex_destroy(&store->lock);
	pthread_mutex_destroy(&store->turn);
	fa_free(store);
}

struct fa_store *fa_store_open(const struct fa_store_config *config, struct faas_error *err)
{
	struct fa_store *store = fa_alloc(config->mem, sizeof(*store));
	int64_t ballast = config->ballast ? config->ballast : BALLAST, most;

	if (!store) {
		fa_error_nomem(err);
		return NULL;
	}
	store->folder.dir = store->folder.lock = -1;
	store->mem = config->mem;
	store->on_lying = config->on_lying;
	store->data = config->data;
	store->here = !config->folder;
	fa_list_init(&store->submitted);
	init_locks(store);
	if (store->here)
		return store;
	if (fa_folder_open(&store->folder, config->folder, ballast, err))
		goto fail;
	store->engine = fa_engine_open(config, err);
	if (!store->engine)
		goto fail;
	fa_engine_counts(store->engine, &store->counts);
	store->log.used = fa_engine_log(store->engine, &most); /* by nobody yet */
	store->troubled = store->folder.light;
	if (!start_thread(store, err))
		return store;
fail:
	free_store(store);
	return NULL;
}

void fa_store_close(struct fa_store *store)
{
	if (!store)
		return;
	if (!store->here) {
		pthread_mutex_lock(&store->lock);
		store->closing = true;
		pthread_cond_signal(&store->news);
		pthread_mutex_unlock(&store->lock);
		pthread_join(store->thread, NULL);
	}
	free_store(store);
}

void fa_store_submit(struct fa_store *store, struct fa_store_op *op)
{
	bool first;

	fa_list_init(&op->claimed);
	if (store->here) {
		perform_here(store, op);
		return;
	}
	pthread_mutex_lock(&store->lock);
	first = fa_list_empty(&store->submitted) && store->seat != LED;
	fa_list_append(&store->submitted, &op->link);
	pthread_mutex_unlock(&store->lock);
	if (first)
		pthread_cond_signal(&store->news);
}

void fa_store_lead(struct fa_store *store, struct fa_store_op *op)
{
	struct fa_list ops;
	struct calm before;

	if (store->here) {
		fa_store_submit(store, op);
		return;
	}
	calm_down(&before);
	if (take_seat(store, op)) {
		fa_list_init(&op->claimed);
		fa_list_init(&ops);
		fa_list_append(&ops, &op->link);
		write_ops(store, &ops);
		leave_seat(store, &ops);
	} else {
		fa_store_submit(store, op);
	}
	calm_up(&before);
}

/* `on_done` has no data of its own: what waits is found through the operation. */
static void wake(struct fa_store_op *op)
{
	sem_post(op->waiter);
}

enum fa_store_outcome fa_store_perform(struct fa_store *store, struct fa_store_op *op)
{
	int cancel;
	sem_t done;

	pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &cancel); /* `op` is the caller's */
	sem_init(&done, 0, 0);
	op->on_done = wake;
	op->waiter = &done;
	fa_store_lead(store, op);
	while (sem_wait(&done) < 0)
		; /* a signal of the host's */
	sem_destroy(&done);
	pthread_setcancelstate(cancel, NULL);
	return op->outcome;
}

void fa_store_hurry(struct fa_store *store)
{
	if (store->here)
		return;
	pthread_mutex_lock(&store->lock);
	store->hurry = true;
	pthread_cond_signal(&store->news);
	pthread_mutex_unlock(&store->lock);
}

bool fa_store_is_well(struct fa_store *store)
{
	return !store->troubled ||
	       fa_store_perform(store, &(struct fa_store_op){ .verb = FA_STORE_TAIL }) ==
		       FA_STORE_DONE;
}

void fa_store_count(struct fa_store *store, struct fa_store_counts *counts)
{
	pthread_mutex_lock(&store->lock);
	*counts = store->counts;
	pthread_mutex_unlock(&store->lock);
}
