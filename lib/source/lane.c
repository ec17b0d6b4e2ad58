/* SPDX-License-Identifier: MIT */
/*
 * A lane: the records at the front of its buffer are a batch, and stay there until they are
 * done with, so nothing behind them begins before. A batch that failed is tried again as it
 * is, or in halves: what is tried is the last of the lane's parts, and each part begins where
 * those behind it in the array end. What the function named as failed ends a part early, too.
 */
#include <source/shards.h>

#include <stdio.h>
#include <string.h>

#include <base/error.h>
#include <roles.h>

#define READ_MOST 10000
#define READ_BYTES (12 << 20)  /* buffered: no more is read then */
#define STORE_MS 1000          /* after it refused */

static struct fa_mapping *mapping_of(const struct fa_lane *lane)
{
	return lane->shard->of->mapping;
}

static struct fa_part *part_of(struct fa_lane *lane)
{
	return &lane->parts[lane->depth - 1];
}

static struct fa_message *first_of(const struct fa_lane *lane)
{
	return &fa_item(lane->buffer.next)->message;
}

int64_t fa_lane_position(const struct fa_lane *lane)
{
	return fa_list_empty(&lane->buffer) ? lane->read : first_of(lane)->id - 1;
}

void fa_lane_drop(struct fa_lane *lane, int count)
{
	for (int i = 0; i < count; i++) {
		struct fa_fetched *item = fa_item(fa_list_pop(&lane->buffer));

		lane->buffered--;
		lane->bytes -= item->message.body.len;
		fa_free(item);
	}
	fa_shard_changed(lane->shard);
}

/* ---- reading ------------------------------------------------------------- */

static void take_in(struct fa_lane *lane, struct fa_list *pos)
{
	struct fa_fetched *item = fa_item(pos);

	if (!fa_event_passes(mapping_of(lane), &item->message)) {
		fa_mapping_metric(mapping_of(lane), "FilteredOutEventCount", 1);
		fa_free(item);
		return;
	}
	fa_list_append(&lane->buffer, pos);
	lane->buffered++;
	lane->bytes += item->message.body.len;
}

static void on_got(struct fa_call *call)
{
	struct fa_lane *lane = fa_container(call, struct fa_lane, got);
	struct fa_shards *s = lane->shard->of;
	struct fa_store_op *op = &lane->op;
	struct fa_list *pos;
	int before = lane->buffered;

	s->open--;
	lane->reading = false;
	if (s->closed) {
		fa_items_free(&op->claimed);
		fa_shards_closed(s);
		return;
	}
	if (op->outcome != FA_STORE_DONE) {
		lane->maybe = true;
		lane->state = lane->state == FA_LANE_READY ? FA_LANE_PAUSING : lane->state;
		fa_mapping_arm(mapping_of(lane), &lane->again, STORE_MS);
		return;
	}
	lane->read = op->message.id;
	lane->maybe |= op->count > 0;
	fa_mapping_metric(mapping_of(lane), "PolledEventCount", (int)op->count);
	while ((pos = fa_list_pop(&op->claimed)))
		take_in(lane, pos);
	if (!before && !lane->buffered && op->count)
		fa_shard_changed(lane->shard); /* all of it was passed over */
	fa_mapping_pump(s->mapping);
}

static void on_read(struct fa_store_op *op)
{
	struct fa_lane *lane = fa_container(op, struct fa_lane, op);

	fa_loop_call(&fa_lane_runtime(lane)->loop, &lane->got);
}

static int64_t lifetime_ms(const struct fa_lane *lane)
{
	return lane->shard->of->like.retention_h * INT64_C(3600000);
}

/* Two batches at most: one that runs, and the next. */
static void read_on(struct fa_lane *lane)
{
	const struct fa_shard_config *c = fa_lane_config(lane);
	struct fa_shards *s = lane->shard->of;
	struct fa_store_op *op = &lane->op;
	int room = 2 * s->mapping->config->batch_size - lane->buffered;
	int64_t since_ms = fa_lane_unix_ms(lane) - lifetime_ms(lane);

	if (lane->reading || !lane->maybe || room <= 0 || lane->bytes >= READ_BYTES)
		return;
	lane->maybe = false;
	lane->reading = true;
	*op = (struct fa_store_op){ .verb = FA_STORE_READ, .on_done = on_read };
	op->message.address = (struct faas_bytes){ s->listener.spot->address,
						   strlen(s->listener.spot->address) };
	op->message.shard = lane->shard->number;
	op->message.id = lane->read > c->after_id ? lane->read : c->after_id;
	op->lane = lane->number;
	op->lanes = s->per_shard;
	op->take.since_ms = since_ms > c->since_ms ? since_ms : c->since_ms;
	op->max = room < READ_MOST ? room : READ_MOST;
	s->open++;
	fa_store_submit(fa_lane_runtime(lane)->durable.store, op);
}

/* ---- given up ------------------------------------------------------------- */

/* Whether the function's role lets it be told whom the mapping names: 0, FAAS_EDENIED, ENOMEM. */
static int let_tell(const struct fa_lane *lane)
{
	const struct fa_shard_config *c = fa_lane_config(lane);
	struct faas *rt = fa_lane_runtime(lane);
	struct fa_version *v = NULL;
	int rc = 0;

	if (c->tells)
		v = fa_registry_find(&rt->registry, mapping_of(lane)->config->function, NULL);
	if (v)
		rc = fa_role_let_send(rt, v, &c->to, "DestinationDeliveryFailures",
				      lane->request_id);
	fa_version_unref(v);
	return rc;
}

/*
 * False: there is no memory to tell of it, so they stay, and are looked at again later. The
 * letter lies with the shard until it goes with the checkpoint.
 */
static bool give_up(struct fa_lane *lane, int count, const char *condition, int invokes)
{
	int may = let_tell(lane);
	bool tells = fa_lane_config(lane)->tells && !may;
	struct fa_told *told = NULL;

	if (may == FAAS_ENOMEM)
		return false;
	if (tells) {
		told = fa_told_create(lane, count, condition, invokes);
		if (!told)
			return false;
		fa_list_append(&lane->shard->letters, &told->link);
	}
	fa_mapping_metric(mapping_of(lane), "OnFailureDestinationDeliveredEventCount",
			  told ? count : 0);
	fa_mapping_metric(mapping_of(lane), "DroppedEventCount", told ? 0 : count);
	fa_lane_drop(lane, count);
	return true;
}

static void pause_for(struct fa_lane *lane, int times)
{
	lane->state = FA_LANE_PAUSING;
	fa_mapping_arm(mapping_of(lane), &lane->again, fa_attempt_pause_ms(times));
}

/* Those at the front of a part that are too old by now. */
static int count_old(const struct fa_lane *lane, int count)
{
	int64_t age_ms = fa_lane_config(lane)->age_ms, born_ms;
	struct fa_list *pos = lane->buffer.next;
	int n = 0;

	if (!age_ms || age_ms > lifetime_ms(lane))
		age_ms = lifetime_ms(lane);
	born_ms = fa_lane_unix_ms(lane) - age_ms;
	for (; n < count && fa_item(pos)->message.sent_ms < born_ms; pos = pos->next)
		n++;
	return n;
}

/* False: nothing can be done now. */
static bool drop_old(struct fa_lane *lane)
{
	struct fa_part *part = part_of(lane);
	int n = count_old(lane, part->count);

	if (!n)
		return true;
	if (!give_up(lane, n, "RecordAgeExceeded", part->invokes)) {
		pause_for(lane, 0);
		return false;
	}
	part->count -= n;
	if (!part->count)
		lane->depth--;
	return true;
}

/* ---- the answer -------------------------------------------------------------- */

static void cut_part(struct fa_lane *lane, int first)
{
	struct fa_part *part = part_of(lane);
	struct fa_part front = *part;

	part->count -= first;
	front.count = first;
	lane->parts[lane->depth++] = front;
}

/* The part is over; what is not done of it is `left`. */
static void advance(struct fa_lane *lane, int left)
{
	struct fa_part *part = part_of(lane);
	int done = part->count - left;

	lane->throttles = 0;
	if (done)
		fa_lane_drop(lane, done);
	part->count = left;
	if (!left)
		lane->depth--;
	if (!left)
		lane->failures = 0;
}

/* As it is, unless it may be halved, or was tried often enough. */
static void try_again(struct fa_lane *lane, bool halve)
{
	const struct fa_shard_config *c = fa_lane_config(lane);
	struct fa_part *part = part_of(lane);

	if (halve && part->count > 1 && lane->depth < FA_PARTS_MAX) {
		cut_part(lane, part->count / 2);
		return;
	}
	part->retries++;
	if (c->retries < 0 || part->retries <= c->retries) {
		pause_for(lane, lane->failures++);
		return;
	}
	if (!give_up(lane, part->count, "RetryAttemptsExhausted", part->invokes)) {
		part->retries--;
		pause_for(lane, 0);
		return;
	}
	lane->depth--;
	lane->failures = 0;
	if (lane->window.last)
		fa_window_close(lane);
}

static void fail(struct fa_lane *lane, bool function)
{
	lane->failed = function;
	fa_mapping_metric(mapping_of(lane), "FailedInvokeEventCount", part_of(lane)->count);
	try_again(lane, fa_lane_config(lane)->bisect);
}

/* How many of the part lie before the first that the function named. */
static int count_good(const struct fa_lane *lane, int count)
{
	struct fa_list *pos = lane->buffer.next;
	int n = 0;

	for (; n < count && !fa_item(pos)->marked; pos = pos->next)
		n++;
	return n;
}

static void clear_marks(struct fa_lane *lane, int count)
{
	struct fa_list *pos = lane->buffer.next;

	for (int i = 0; i < count; i++, pos = pos->next)
		fa_item(pos)->marked = false;
}

static void partly(struct fa_lane *lane)
{
	struct fa_part *part = part_of(lane);
	int good = count_good(lane, part->count);

	clear_marks(lane, part->count);
	lane->failed = false;
	fa_mapping_metric(mapping_of(lane), "FailedInvokeEventCount", part->count - good);
	advance(lane, part->count - good);
	if (!good || !fa_lane_config(lane)->bisect)
		try_again(lane, fa_lane_config(lane)->bisect);
}

static void succeed(struct fa_lane *lane, struct faas_bytes answer)
{
	struct fa_mapping *m = mapping_of(lane);
	struct fa_part *part = part_of(lane);
	int named = 0;

	if (m->config->partial && part->count)
		named = fa_event_failures(m, &lane->buffer, part->count, answer);
	if (named < 0 || (fa_lane_config(lane)->tumble_ms && !fa_window_answered(lane, answer))) {
		clear_marks(lane, part->count);
		fail(lane, true);
	} else if (named) {
		partly(lane);
	} else {
		advance(lane, 0);
		if (lane->window.last)
			fa_window_close(lane);
	}
}

static void judge(struct fa_lane *lane, int code, struct faas_bytes answer)
{
	switch (fa_attempt_of(code)) {
	case FA_ATTEMPT_ANSWERED:
		lane->shard->of->mapping->last_result = "OK";
		succeed(lane, answer);
		return;
	case FA_ATTEMPT_FAILED:
		lane->shard->of->mapping->last_result = "PROBLEM: Function call failed";
		fail(lane, true);
		return;
	case FA_ATTEMPT_ENDING:
		pause_for(lane, 0); /* it ends; all of it is there the next time */
		return;
	case FA_ATTEMPT_THROTTLED:
		part_of(lane)->invokes--;
		pause_for(lane, lane->throttles++);
	}
}

static void on_done(void *data, const struct faas_result *result)
{
	struct fa_lane *lane = data;

	lane->state = FA_LANE_READY;
	lane->ran = true;
	snprintf(lane->request_id, sizeof(lane->request_id), "%s", result->request_id);
	snprintf(lane->version, sizeof(lane->version), "%s", result->version);
	judge(lane, result->code, result->payload);
	fa_mapping_ended(mapping_of(lane)); /* with which all of it may be gone */
}

/* ---- batches -------------------------------------------------------------------- */

static bool is_ready(const struct fa_lane *lane, int count)
{
	const struct fa_mapping_config *c = mapping_of(lane)->config;

	return lane->flush || !c->window_s || count >= c->batch_size ||
	       lane->bytes >= FA_EVENT_MAX || count < lane->buffered ||
	       fa_window_end(lane) <= fa_lane_unix_ms(lane);
}

/* Of what is buffered a new batch, if it need not wait; also one without records. */
static bool begin_batch(struct fa_lane *lane)
{
	const struct fa_mapping_config *c = mapping_of(lane)->config;
	int count = lane->buffered < c->batch_size ? lane->buffered : c->batch_size;

	lane->window.last = fa_window_is_over(lane);
	if (!lane->window.last) {
		if (!count)
			return false;
		count = fa_window_take(lane, count);
		if (!is_ready(lane, count)) {
			fa_mapping_arm(mapping_of(lane), &lane->flushes,
				       c->window_s * INT64_C(1000));
			return false;
		}
	}
	lane->ran = false;
	lane->parts[lane->depth++] = (struct fa_part){ .count = lane->window.last ? 0 : count };
	return true;
}

/* How many of the part fit. */
static int write_records(struct fa_lane *lane, struct fa_text *event)
{
	struct fa_list *pos = lane->buffer.next;
	int n = 0;

	for (; n < part_of(lane)->count; n++, pos = pos->next)
		if (!fa_event_add(mapping_of(lane), event, &fa_item(pos)->message, !n))
			break;
	return n;
}

bool fa_lane_write(const struct fa_lane *lane, int count, struct fa_text *event)
{
	struct fa_mapping *m = mapping_of(lane);
	struct fa_list *pos = lane->buffer.next;

	*event = fa_event_begin(m, NULL);
	for (int n = 0; event->data && n < count; n++, pos = pos->next)
		if (!fa_event_add(m, event, &fa_item(pos)->message, !n))
			break;
	if (event->data)
		fa_event_finish(m, event, NULL);
	return event->data;
}

static bool write_event(struct fa_lane *lane, struct fa_text *event)
{
	struct fa_mapping *m = mapping_of(lane);
	char *foot = fa_lane_config(lane)->tumble_ms ? fa_window_foot(lane) : NULL;
	int count = part_of(lane)->count, n;

	if (fa_lane_config(lane)->tumble_ms && !foot)
		return false;
	*event = fa_event_begin(m, foot);
	n = event->data ? write_records(lane, event) : 0;
	if (event->data && (n || !count)) {
		if (n < count)
			cut_part(lane, n);
		fa_event_finish(m, event, foot);
	}
	fa_free(foot);
	return event->data && (n || !count) && !event->cut;
}

static void tell_age(struct fa_lane *lane)
{
	struct fa_list *last = &lane->buffer;

	if (!part_of(lane)->count || !fa_lane_runtime(lane)->tell.on_metric)
		return;
	for (int i = 0; i < part_of(lane)->count; i++)
		last = last->next;
	fa_mapping_tell(mapping_of(lane), "IteratorAge", "Milliseconds",
			(double)(fa_lane_unix_ms(lane) - fa_item(last)->message.sent_ms));
}

static void invoke(struct fa_lane *lane, const struct fa_text *event)
{
	struct fa_mapping *m = mapping_of(lane);
	struct faas_error err = { 0 };
	int rc;

	lane->state = FA_LANE_RUNNING;
	m->running++;
	part_of(lane)->invokes++;
	fa_mapping_metric(m, "InvokedEventCount", part_of(lane)->count);
	tell_age(lane);
	rc = faas_invoke(m->all->rt,
			 FAAS_REQUEST(.function = m->config->function,
				      .payload = { event->data, event->len },
				      .on_done = on_done, .data = lane),
			 NULL, &err);
	if (!rc)
		return;
	lane->state = FA_LANE_READY;
	judge(lane, rc, (struct faas_bytes){ NULL, 0 });
	fa_mapping_ended(m);
}

static void run(struct fa_lane *lane)
{
	struct fa_text event;

	if (write_event(lane, &event))
		invoke(lane, &event);
	else
		pause_for(lane, lane->throttles++);
}

static void plan_window(struct fa_lane *lane)
{
	int64_t end_ms = fa_window_end(lane), now_ms = fa_lane_unix_ms(lane);

	if (end_ms != INT64_MAX && end_ms > now_ms)
		fa_mapping_arm(mapping_of(lane), &lane->closes, end_ms - now_ms);
}

void fa_lane_pump(struct fa_lane *lane)
{
	while (lane->state == FA_LANE_READY && (lane->depth || begin_batch(lane))) {
		if (part_of(lane)->count && !drop_old(lane))
			break;
		if (lane->depth)
			run(lane);
	}
	if (!lane->buffered || lane->depth) {
		lane->flush = false;
		fa_loop_timer_stop(&fa_lane_runtime(lane)->loop, &lane->flushes);
	}
	plan_window(lane);
	read_on(lane);
}

/* ---- timers ------------------------------------------------------------------------ */

static void on_flush(struct fa_timer *timer)
{
	struct fa_lane *lane = fa_container(timer, struct fa_lane, flushes);

	lane->flush = true;
	fa_mapping_pump(mapping_of(lane));
}

static void on_again(struct fa_timer *timer)
{
	struct fa_lane *lane = fa_container(timer, struct fa_lane, again);

	if (lane->state == FA_LANE_PAUSING)
		lane->state = FA_LANE_READY;
	fa_mapping_pump(mapping_of(lane));
}

/* What belongs to the window may lie there still. */
static void on_closes(struct fa_timer *timer)
{
	struct fa_lane *lane = fa_container(timer, struct fa_lane, closes);

	lane->maybe = true;
	fa_mapping_pump(mapping_of(lane));
}

void fa_lane_init(struct fa_lane *lane, struct fa_shard *shard, int number)
{
	lane->shard = shard;
	lane->number = number;
	lane->maybe = true;
	lane->got.run = on_got;
	lane->flushes.on_due = on_flush;
	lane->again.on_due = on_again;
	lane->closes.on_due = on_closes;
	fa_list_init(&lane->buffer);
}

void fa_lane_finish(struct fa_lane *lane)
{
	if (lane->shard)
		fa_items_free(&lane->buffer);
	fa_free(lane->window.state);
}
