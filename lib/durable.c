/* SPDX-License-Identifier: MIT */
/*
 * Asynchronous events that outlive the program. Accepted means committed: the
 * invocation waits for the store before its on_done is called. A thread that waits is
 * told by whoever wrote it, which may be itself, and the loop beside it. A few events are in
 * hand, that is in memory and on their way through an environment; all others are
 * only in the store. One that has to come again later is given back to it. Whenever
 * there is room in hand and something is due, the oldest are claimed. What was in
 * hand when the program ended is in the queue again when the next one starts.
 */
#include <invocation.h>

#include <stdio.h>
#include <string.h>

#include <base/error.h>
#include <model/event_config.h>
#include <outcome/letter.h>
#include <remember.h>

#define IN_HAND_MAX 2048
#define IN_HAND_BYTES (64 << 20)
#define CLAIM_MAX 64
#define WAITING_MAX 64      /* no claims while so many wait for an environment, */
#define STALL_MS 5000       /* but not for longer: others behind them could run */
#define FUNCTIONS_MS 60000  /* until events may be found to have no function */
#define CLAIM_AGAIN_MS 1000 /* after the store refused */
#define LETTER_AGAIN_NS 1000000000 /* where memory is out for a letter */

/* What the loop knows of an event in the store, for as long as it is in hand. */
struct fa_kept {
	struct fa_store_op op;
	struct fa_call call;
	struct faas *rt;
	struct fa_invocation *inv; /* NULL: it has let go */
	struct fa_claimed *claimed; /* its bytes, if it came from the store */
	struct fa_letters *letters; /* that go with its end */
	bool busy;                 /* the store has `op` */
	char function[];
};

static void plan(struct faas *rt);

static int64_t unix_ms(const struct faas *rt)
{
	return rt->clock->unix_ms(rt->clock);
}

/* ---- in hand --------------------------------------------------------- */

static void take_in_hand(struct fa_kept *kept)
{
	struct fa_durable *d = &kept->rt->durable;

	kept->op.in_hand = true;
	atomic_fetch_add(&d->in_hand, 1);
	atomic_fetch_add(&d->bytes, kept->op.event.payload.len);
}

static bool has_room(const struct fa_durable *d, int events)
{
	return atomic_load(&d->in_hand) + events <= IN_HAND_MAX &&
	       atomic_load(&d->bytes) < IN_HAND_BYTES;
}

static bool are_many_waiting(const struct faas *rt)
{
	return atomic_load(&rt->waiting) >= WAITING_MAX;
}

/* Half of the room is for those that can run at once. */
bool fa_durable_has_room(const struct faas *rt)
{
	return has_room(&rt->durable, IN_HAND_MAX / 2);
}

static void free_kept(struct fa_kept *kept)
{
	struct faas *rt = kept->rt;

	fa_free(kept->letters);

	if (kept->op.in_hand) {
		atomic_fetch_sub(&rt->durable.in_hand, 1);
		atomic_fetch_sub(&rt->durable.bytes, kept->op.event.payload.len);
	}
	fa_free(kept->claimed);
	fa_free(kept);
	plan(rt);
}

void fa_kept_let_go(struct fa_kept *kept)
{
	kept->inv = NULL;
	if (!kept->busy)
		free_kept(kept);
}

/* ---- operations ------------------------------------------------------ */

static void note_due(struct faas *rt, int64_t due_ms)
{
	if (due_ms < rt->durable.next_ms)
		rt->durable.next_ms = due_ms;
}

/* [loop] */
static void on_written(struct fa_call *call)
{
	struct fa_kept *kept = fa_container(call, struct fa_kept, call);
	struct faas *rt = kept->rt;
	bool queued = kept->op.verb == FA_STORE_RESCHEDULE || !kept->op.in_hand;

	kept->busy = false;
	atomic_fetch_sub(&rt->durable.open, 1);
	if (kept->op.outcome == FA_STORE_DONE && queued)
		note_due(rt, kept->op.event.due_ms);
	if (kept->letters && kept->op.outcome == FA_STORE_DONE)
		fa_deliver_kick(rt);
	if (kept->op.verb == FA_STORE_ACCEPT)
		fa_invocation_accepted(kept->inv, kept->op.outcome, kept->op.in_hand);
	else if (!kept->inv)
		free_kept(kept);
	if (fa_is_closing(rt))
		fa_check_closed(rt);
}

static void on_stored(struct fa_store_op *op)
{
	struct fa_kept *kept = fa_container(op, struct fa_kept, op);

	if (op->verb == FA_STORE_ACCEPT)
		fa_invocation_stored(kept->inv, op->outcome);
	fa_loop_call(&kept->rt->loop, &kept->call);
}

static void begin_op(struct fa_kept *kept, enum fa_store_verb verb)
{
	kept->op.verb = verb;
	kept->busy = true;
	atomic_fetch_add(&kept->rt->durable.open, 1);
}

static void submit(struct fa_kept *kept, enum fa_store_verb verb)
{
	begin_op(kept, verb);
	fa_store_submit(kept->rt->durable.store, &kept->op);
}

static struct fa_kept *new_kept(struct faas *rt, size_t room)
{
	struct fa_kept *kept = fa_alloc(&rt->mem, sizeof(*kept) + room);

	if (!kept)
		return NULL;
	kept->rt = rt;
	kept->call.run = on_written;
	kept->op.on_done = on_stored;
	return kept;
}

int fa_kept_create(struct faas *rt, const char *function, struct fa_kept **out)
{
	size_t len = strlen(function);
	struct fa_kept *kept;

	if (!rt->durable.lasts)
		return 0;
	kept = new_kept(rt, len + 1);
	if (!kept)
		return FAAS_ENOMEM;
	memcpy(kept->function, function, len);
	kept->op.event.function = (struct faas_bytes){ kept->function, len };
	*out = kept;
	return 0;
}

void fa_kept_accept(struct fa_kept *kept, struct fa_invocation *inv, const struct fa_job *job)
{
	struct fa_stored *event = &kept->op.event;

	kept->inv = inv;
	event->accepted_ms = event->due_ms = unix_ms(kept->rt);
	memcpy(event->request_id, job->request_id, sizeof(event->request_id));
	event->meta = (struct faas_bytes){ job->meta, job->meta_len };
	event->payload = job->payload;
	if (has_room(&kept->rt->durable, 1) && !are_many_waiting(kept->rt))
		take_in_hand(kept);
	begin_op(kept, FA_STORE_ACCEPT);
	if (inv->waited)
		fa_store_lead(kept->rt->durable.store, &kept->op);
	else
		fa_store_submit(kept->rt->durable.store, &kept->op);
}

void fa_kept_end(struct fa_kept *kept, enum fa_store_end end, struct fa_letters *letters)
{
	kept->op.end = end;
	kept->letters = letters;
	if (letters) {
		kept->op.messages = letters->messages;
		kept->op.message_count = letters->count;
	}
	submit(kept, FA_STORE_COMPLETE);
}

void fa_kept_again(struct fa_kept *kept, const struct fa_retry *retry, int64_t delay_ns)
{
	struct fa_stored *event = &kept->op.event;

	event->attempts = retry->attempts;
	event->throttles = retry->throttles;
	event->due_ms = unix_ms(kept->rt) + delay_ns / 1000000;
	submit(kept, FA_STORE_RESCHEDULE);
}

/* ---- claims ---------------------------------------------------------- */

/* The clock on the wall may have been set back: nothing is younger than now. */
static struct fa_retry retry_of(const struct faas *rt, const struct fa_stored *event)
{
	int64_t age_ms = unix_ms(rt) - event->accepted_ms;

	return (struct fa_retry){ .accepted_ns = fa_now(rt->clock) -
						 (age_ms > 0 ? age_ms : 0) * 1000000,
				  .attempts = event->attempts,
				  .throttles = event->throttles };
}

/* The name as it was called by. */
static struct fa_name name_of(const struct fa_stored *event)
{
	struct fa_name name = { .qualifier = { NULL, 0 } };

	fa_name_parse(&name, event->function.data, NULL);
	return name;
}

static void find_farewell(struct faas *rt, const struct fa_name *name, const char *qualifier,
			  struct fa_farewell *out)
{
	if (fa_event_config_left(&rt->registry, name->function, qualifier, out) ||
	    fa_recall_farewell(rt, name->function, qualifier, out))
		return;
	*out = (struct fa_farewell){ .config.max_age_s = FA_MAX_AGE_S };
}

/*
 * Its function is not there, or not yet (after a restart): like a throttle, until it is too old.
 * Then those hear of it whom its function named.
 */
static void postpone(struct fa_kept *kept)
{
	struct faas *rt = kept->rt;
	struct fa_retry retry = retry_of(rt, &kept->op.event);
	struct fa_name name = name_of(&kept->op.event);
	char qualifier[FA_QUALIFIER_MAX + 1] = "$LATEST";
	struct fa_letters *letters = NULL;
	struct fa_farewell farewell;
	int64_t delay_ns = 0;

	if (name.qualifier.len)
		snprintf(qualifier, sizeof(qualifier), "%.*s", (int)name.qualifier.len,
			 (const char *)name.qualifier.data);
	find_farewell(rt, &name, qualifier, &farewell);
	if (fa_retry_after_throttle(&retry, farewell.config.max_age_s, fa_now(rt->clock),
				    &delay_ns) == FA_RETRY_AGAIN)
		fa_kept_again(kept, &retry, delay_ns);
	else if (fa_ending_farewell(rt, &kept->op.event, name.function, qualifier, &farewell,
				    &letters))
		fa_kept_end(kept, FA_STORE_EXPIRED, letters);
	else
		fa_kept_again(kept, &retry, LETTER_AGAIN_NS);
}

/* Out of memory: it stays in hand in the store, and comes again after a restart. */
static void resume(struct faas *rt, struct fa_claimed *claimed)
{
	struct fa_kept *kept = rt->finishing ? NULL : new_kept(rt, 0);
	struct fa_retry retry = retry_of(rt, &claimed->event);
	struct fa_version *version;

	if (!kept) {
		fa_free(claimed);
		return;
	}
	kept->claimed = claimed;
	kept->op.event = claimed->event;
	take_in_hand(kept);
	version = fa_registry_find(&rt->registry, claimed->event.function.data, NULL);
	if (!version || !fa_version_takes_events(version)) {
		fa_version_unref(version);
		postpone(kept);
		return;
	}
	if (!fa_invocation_resume(version, kept, &claimed->event, &retry))
		free_kept(kept);
}

/* [loop] */
static void on_claimed(struct fa_call *call)
{
	struct faas *rt = fa_container(call, struct faas, durable.claimed_call);
	struct fa_durable *d = &rt->durable;
	struct fa_list *pos;

	d->next_ms = d->claim.outcome == FA_STORE_DONE ? d->claim.next_ms :
							 unix_ms(rt) + CLAIM_AGAIN_MS;
	while ((pos = fa_list_pop(&d->claim.claimed)))
		resume(rt, fa_container(pos, struct fa_claimed, link));
	d->claiming = false;
	if (d->next_ms > unix_ms(rt))
		d->stall_ms = 0; /* all that were due have had a look */
	atomic_fetch_sub(&d->open, 1);
	plan(rt);
	if (fa_is_closing(rt))
		fa_check_closed(rt);
}

static void on_claim_done(struct fa_store_op *op)
{
	struct faas *rt = fa_container(op, struct faas, durable.claim);

	fa_loop_call(&rt->loop, &rt->durable.claimed_call);
}

static void claim(struct faas *rt)
{
	struct fa_durable *d = &rt->durable;

	d->claiming = true;
	atomic_fetch_add(&d->open, 1);
	d->next_ms = INT64_MAX;
	d->claim.verb = FA_STORE_CLAIM;
	d->claim.now_ms = unix_ms(rt);
	d->claim.max = CLAIM_MAX;
	d->claim.on_done = on_claim_done;
	fa_store_submit(d->store, &d->claim);
}

/*
 * While enough wait for an environment, more of them would only be throttled, and come
 * again late. But who waits may be of a function that is stuck.
 */
static int64_t claim_at(struct faas *rt, int64_t now_ms)
{
	struct fa_durable *d = &rt->durable;

	if (d->next_ms > now_ms)
		return d->next_ms;
	if (!are_many_waiting(rt))
		d->stall_ms = 0;
	else if (!d->stall_ms)
		d->stall_ms = now_ms + STALL_MS;
	return d->stall_ms;
}

/* [loop] Claim now, at the time when something is due, or when there is room again. */
static void plan(struct faas *rt)
{
	struct fa_durable *d = &rt->durable;
	int64_t wait_ms;

	if (d->claiming || !d->begun || fa_is_closing(rt) || d->next_ms == INT64_MAX)
		return;
	wait_ms = claim_at(rt, unix_ms(rt)) - unix_ms(rt);
	if (wait_ms > 0)
		fa_loop_timer_sure(&rt->loop, &d->due,
				   fa_now(rt->clock) + wait_ms * 1000000);
	else if (has_room(d, CLAIM_MAX))
		claim(rt);
}

/* With what the last program left. */
static void begin(struct faas *rt)
{
	if (!rt->durable.begun)
		rt->durable.next_ms = 0;
	rt->durable.begun = true;
	plan(rt);
}

static void on_due(struct fa_timer *timer)
{
	begin(fa_container(timer, struct faas, durable.due));
}

static void on_kick(struct fa_call *call)
{
	struct faas *rt = fa_container(call, struct faas, durable.kick);

	atomic_store(&rt->durable.kicked, false);
	begin(rt);
}

static void on_open(struct fa_call *call)
{
	struct faas *rt = fa_container(call, struct faas, durable.open_call);

	if (!rt->durable.begun && !fa_is_closing(rt))
		fa_loop_timer_sure(&rt->loop, &rt->durable.due,
				   fa_now(rt->clock) + FUNCTIONS_MS * INT64_C(1000000));
}

/* ---- life ------------------------------------------------------------ */

int fa_durable_open(struct faas *rt, struct faas_error *err)
{
	struct fa_durable *d = &rt->durable;

	d->next_ms = INT64_MAX;
	d->due.on_due = on_due;
	d->kick.run = on_kick;
	d->open_call.run = on_open;
	d->claimed_call.run = on_claimed;
	d->lasts = rt->config.state_dir;
	d->store = fa_store_open(&(struct fa_store_config){ .folder = rt->config.state_dir,
							    .mem = &rt->mem,
							    .on_lying = fa_sources_lying,
							    .data = rt },
				 err);
	if (!d->store)
		return err && err->code ? err->code : FAAS_ESYSTEM;
	fa_deliver_init(rt);
	return 0;
}

void fa_durable_begin(struct faas *rt)
{
	if (rt->durable.lasts)
		fa_loop_call(&rt->loop, &rt->durable.open_call);
}

void fa_durable_kick(struct faas *rt)
{
	if (rt->durable.lasts && !atomic_exchange(&rt->durable.kicked, true))
		fa_loop_call(&rt->loop, &rt->durable.kick);
}

bool fa_durable_is_idle(const struct faas *rt)
{
	return !atomic_load(&rt->durable.open) && !rt->deliver.open;
}

void fa_durable_hurry(struct faas *rt)
{
	fa_store_hurry(rt->durable.store);
}

void fa_durable_close(struct faas *rt)
{
	fa_loop_timer_stop(&rt->loop, &rt->durable.due);
	fa_loop_timer_stop(&rt->loop, &rt->deliver.due);
	fa_store_close(rt->durable.store);
	rt->durable.store = NULL;
}

void fa_durable_stats(struct faas *rt, struct faas_stats *s)
{
	struct fa_store_counts c;

	fa_store_count(rt->durable.store, &c);
	s->messages_sent = (uint64_t)c.sent;
	s->messages_delivered = (uint64_t)c.gone[FA_STORE_DELIVERED];
	s->messages_dropped = (uint64_t)c.gone[FA_STORE_DROPPED];
	s->messages_waiting = (uint64_t)c.lying;
	if (!rt->durable.lasts)
		return;
	s->events_accepted = (uint64_t)c.accepted;
	s->events_succeeded = (uint64_t)c.ended[FA_STORE_SUCCEEDED];
	s->events_dead = (uint64_t)c.ended[FA_STORE_DEAD];
	s->events_expired = (uint64_t)c.ended[FA_STORE_EXPIRED];
	s->queued = (int)c.waiting;
	s->events_in_flight = atomic_load(&rt->durable.in_hand);
	if (s->events_in_flight > c.waiting)
		s->events_in_flight = (int)c.waiting; /* on their way in or out */
	s->events_queued = (int)c.waiting - s->events_in_flight;
}
