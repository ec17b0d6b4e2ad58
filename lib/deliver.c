/* SPDX-License-Identifier: MIT */
/*
 * Messages on their way, to functions, callbacks, directories, topics and buses. What is due
 * is fetched from the store, a few at a time, delivered, and then removed or put off; only
 * when all of them are through are the next ones fetched. So a message stays in the store until
 * somebody has it: one that is being delivered when the program ends is delivered again. What
 * follows one, those of who subscribed to its topic or its dead letter, is sent by the commit
 * that removes it.
 */
#include <conduct.h>

#include <string.h>

#include <base/error.h>
#include <messages.h>
#include <model/publish.h>
#include <outcome/letter.h>
#include <outcome/outbox.h>

#define FETCH_MAX 64
#define AGE_MAX_MS (21600 * INT64_C(1000)) /* then it is dropped, as an event would be */
#define FETCH_AGAIN_MS 1000                /* after the store refused */
#define DELAY_MS 1000
#define DELAY_MAX_MS 300000

/* One message in delivery. */
struct delivery {
	struct fa_store_op op;
	struct fa_call call;
	struct faas *rt;
	struct fa_fetched *fetched;
	struct fa_address to;
	struct fa_onward onward; /* what is sent when it goes */
	struct fa_chore chore;   /* to write a file */
	int rc;
	struct faas_error why;   /* it could not be delivered */
};

static void plan(struct faas *rt);

static int64_t unix_ms(const struct faas *rt)
{
	return rt->clock->unix_ms(rt->clock);
}

/* [loop] One operation or one delivery less is open; with the last one the next may begin. */
static void close_one(struct faas *rt)
{
	if (!--rt->deliver.open)
		plan(rt);
	if (fa_is_closing(rt))
		fa_check_closed(rt);
}

static void free_delivery(struct delivery *d)
{
	struct faas *rt = d->rt;

	fa_onward_free(&d->onward);
	fa_free(d->fetched);
	fa_free(d);
	close_one(rt);
}

/* ---- what came of it -------------------------------------------------- */

static void on_written(struct fa_call *call)
{
	struct delivery *d = fa_container(call, struct delivery, call);

	if (d->op.verb == FA_STORE_REMOVE && d->fetched->message.kind == FA_MESSAGE_PUSHED)
		fa_sources_pushed(d->rt, &d->fetched->message);
	free_delivery(d);
}

static void on_stored(struct fa_store_op *op)
{
	struct delivery *d = fa_container(op, struct delivery, op);

	fa_loop_call(&d->rt->loop, &d->call);
}

static void submit(struct delivery *d, enum fa_store_verb verb)
{
	d->op.verb = verb;
	d->op.message.id = d->fetched->message.id;
	d->op.on_done = on_stored;
	d->call.run = on_written;
	fa_store_submit(d->rt->durable.store, &d->op);
}

static void remove_it(struct delivery *d, enum fa_store_gone gone)
{
	d->op.gone = gone;
	d->op.messages = d->onward.messages;
	d->op.message_count = d->onward.count;
	submit(d, FA_STORE_REMOVE);
}

/* Of the function whose event it tells of, if that is still there. */
static void tell_failure(struct faas *rt, const struct fa_message *m)
{
	const char *name = m->kind == FA_MESSAGE_DEAD_LETTER ? "DeadLetterErrors" :
							      "DestinationDeliveryFailures";
	struct fa_version *v = NULL;

	if (m->kind != FA_MESSAGE_PLAIN)
		v = fa_registry_find(&rt->registry, m->source.data, NULL);
	if (v)
		fa_tell_metric(&rt->tell, v, name, "Count", 1, unix_ms(rt));
	fa_version_unref(v);
}

static int64_t delay_after(int tries)
{
	int64_t delay_ms = DELAY_MS;

	for (int i = 0; i < tries && delay_ms < DELAY_MAX_MS; i++)
		delay_ms *= 2;
	return delay_ms < DELAY_MAX_MS ? delay_ms : DELAY_MAX_MS;
}

static bool is_over(struct delivery *d, int64_t due_ms, bool for_good)
{
	const struct fa_message *m = &d->fetched->message;

	if (m->kind == FA_MESSAGE_PUSHED)
		return fa_sources_give_up(d->rt, m, for_good ? INT64_MAX : due_ms, &d->why,
					  &d->onward);
	/* a disk may be full, or away, for longer: a queue would keep it, too */
	return for_good ||
	       (d->to.kind != FA_TO_DIRECTORY && due_ms - m->sent_ms > AGE_MAX_MS);
}

static void failed(struct delivery *d, bool for_good)
{
	const struct fa_message *m = &d->fetched->message;
	int64_t due_ms = unix_ms(d->rt) + delay_after(m->tries);

	tell_failure(d->rt, m);
	if (is_over(d, due_ms, for_good)) {
		remove_it(d, d->onward.count ? FA_STORE_DELIVERED : FA_STORE_DROPPED);
		return;
	}
	d->op.message.due_ms = due_ms;
	submit(d, FA_STORE_DELAY);
}

/* ---- delivery -------------------------------------------------------- */

static void on_accepted(void *data, const struct faas_result *result)
{
	struct delivery *d = data;

	if (result->code == FAAS_OK) {
		remove_it(d, FA_STORE_DELIVERED);
	} else if (result->code == FAAS_ECANCELED) {
		free_delivery(d); /* the runtime ends: it stays where it is */
	} else {
		fa_error(&d->why, result->code, "%s", faas_strerror(result->code));
		failed(d, false);
	}
}

static void to_function(struct delivery *d, const char *function)
{
	const struct fa_message *m = &d->fetched->message;
	int rc = 0;

	if (m->kind == FA_MESSAGE_PUSHED)
		rc = fa_sources_may_push(d->rt, m, function, &d->why);
	if (!rc)
		rc = faas_invoke(d->rt,
				 FAAS_REQUEST(.function = function, .payload = m->body,
					      .mode = FAAS_EVENT, .on_done = on_accepted, .data = d,
					      .trace_id = m->trace.len ? m->trace.data : NULL),
				 NULL, &d->why);

	if (rc == FAAS_ECANCELED)
		free_delivery(d);
	else if (rc)
		failed(d, rc == FAAS_ETOOLARGE || rc == FAAS_EINVAL || rc == FAAS_EDENIED);
}

static void to_callback(struct delivery *d)
{
	const struct faas_config *c = &d->rt->config;
	struct faas_message shown;

	fa_message_show(&shown, &d->fetched->message);
	if (c->on_message && c->on_message(c->data, &shown)) {
		remove_it(d, FA_STORE_DELIVERED);
	} else {
		fa_error(&d->why, FAAS_ESYSTEM, "the callback did not take it");
		failed(d, false);
	}
}

static void write_file(struct fa_chore *chore)
{
	struct delivery *d = fa_container(chore, struct delivery, chore);

	d->rc = fa_outbox_write(d->to.name, &d->fetched->message, &d->why);
}

static void on_file(struct fa_chore *chore)
{
	struct delivery *d = fa_container(chore, struct delivery, chore);

	if (d->rc)
		failed(d, false);
	else
		remove_it(d, FA_STORE_DELIVERED);
}

static void to_directory(struct delivery *d)
{
	d->chore.run = write_file;
	d->chore.done = on_file;
	fa_chores_add(&d->rt->chores, &d->chore);
}

/* It goes to all who are to have it, and goes: one commit. */
static void to_many(struct delivery *d, bool topic)
{
	const struct fa_message *m = &d->fetched->message;
	int rc = topic && m->body.len > FA_TOPIC_MOST ? FAAS_ETOOLARGE :
							fa_sources_fan(d->rt, m, &d->onward);

	if (!rc) {
		remove_it(d, FA_STORE_DELIVERED);
	} else if (rc == FAAS_ECANCELED) {
		free_delivery(d);
	} else {
		fa_error(&d->why, rc, "%s", faas_strerror(rc));
		failed(d, rc == FAAS_ETOOLARGE);
	}
}

static void deliver(struct faas *rt, struct fa_fetched *fetched)
{
	struct delivery *d = fa_is_closing(rt) ? NULL : fa_alloc(&rt->mem, sizeof(*d));

	if (!d) {
		fa_free(fetched); /* it is fetched again */
		rt->deliver.next_ms = unix_ms(rt) + FETCH_AGAIN_MS;
		return;
	}
	d->rt = rt;
	d->fetched = fetched;
	rt->deliver.open++;
	if (fa_address_parse(&d->to, fetched->message.address.data, NULL) < 0)
		failed(d, true);
	else if (d->to.kind == FA_TO_FUNCTION)
		to_function(d, d->to.name);
	else if (d->to.kind == FA_TO_CALLBACK)
		to_callback(d);
	else if (d->to.kind == FA_TO_DIRECTORY)
		to_directory(d);
	else
		to_many(d, d->to.kind == FA_TO_TOPIC);
}

/* ---- fetching -------------------------------------------------------- */

static void on_fetched(struct fa_call *call)
{
	struct faas *rt = fa_container(call, struct faas, deliver.fetched_call);
	struct fa_deliver *d = &rt->deliver;
	struct fa_list *pos;

	if (d->fetch.outcome != FA_STORE_DONE)
		d->next_ms = unix_ms(rt) + FETCH_AGAIN_MS;
	else if (d->fetch.next_ms < d->next_ms)
		d->next_ms = d->fetch.next_ms; /* in the past while some of these are there */
	while ((pos = fa_list_pop(&d->fetch.claimed)))
		deliver(rt, fa_container(pos, struct fa_fetched, link));
	close_one(rt);
}

static void on_fetch_done(struct fa_store_op *op)
{
	struct faas *rt = fa_container(op, struct faas, deliver.fetch);

	fa_loop_call(&rt->loop, &rt->deliver.fetched_call);
}

static void fetch(struct faas *rt)
{
	struct fa_deliver *d = &rt->deliver;

	d->open++;
	d->next_ms = INT64_MAX;
	d->fetch.verb = FA_STORE_FETCH;
	d->fetch.now_ms = unix_ms(rt);
	d->fetch.max = FETCH_MAX;
	d->fetch.on_done = on_fetch_done;
	fa_store_submit(rt->durable.store, &d->fetch);
}

/* [loop] Fetch now, or at the time when something is due. */
static void plan(struct faas *rt)
{
	struct fa_deliver *d = &rt->deliver;
	int64_t wait_ms;

	if (d->open || fa_is_closing(rt) || d->next_ms == INT64_MAX || !atomic_load(&d->begun))
		return;
	wait_ms = d->next_ms - unix_ms(rt);
	if (wait_ms > 0)
		fa_loop_timer_sure(&rt->loop, &d->due, fa_now(rt->clock) + wait_ms * 1000000);
	else
		fetch(rt);
}

static void on_due(struct fa_timer *timer)
{
	plan(fa_container(timer, struct faas, deliver.due));
}

static void on_kick(struct fa_call *call)
{
	struct faas *rt = fa_container(call, struct faas, deliver.kick);

	atomic_store(&rt->deliver.kicked, false);
	rt->deliver.next_ms = 0;
	plan(rt);
}

/* ---- life ------------------------------------------------------------ */

void fa_deliver_kick(struct faas *rt)
{
	if (!atomic_exchange(&rt->deliver.kicked, true))
		fa_loop_call(&rt->loop, &rt->deliver.kick);
}

void fa_deliver_letters(struct faas *rt, struct fa_version *version, struct fa_letters *letters)
{
	struct fa_store_op op = { .verb = FA_STORE_SEND,
				  .messages = letters->messages,
				  .message_count = letters->count };

	/* in memory: this does not wait */
	if (fa_store_perform(rt->durable.store, &op) == FA_STORE_DONE)
		fa_deliver_kick(rt);
	else
		fa_tell_metric(&rt->tell, version, "DestinationDeliveryFailures", "Count",
			       letters->count, unix_ms(rt));
	fa_free(letters);
}

void fa_deliver_init(struct faas *rt)
{
	struct fa_deliver *d = &rt->deliver;

	d->next_ms = INT64_MAX;
	d->due.on_due = on_due;
	d->kick.run = on_kick;
	d->fetched_call.run = on_fetched;
}

void fa_deliver_begin(struct faas *rt)
{
	struct fa_store_counts counts;

	atomic_store(&rt->deliver.begun, true);
	fa_store_count(rt->durable.store, &counts);
	if (counts.lying)
		fa_deliver_kick(rt); /* what the last program left, and what came meanwhile */
}
