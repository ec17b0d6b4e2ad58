/* SPDX-License-Identifier: MIT */
/*
 * A queue as a source. It is looked into when there is credit and something may be there: at
 * the beginning, when the store says that a message came to lie there, and when one that was
 * hidden or delayed is due. Then it is asked again until it has no more. A look that finds
 * nothing costs nothing but itself, and none is made for the sake of looking.
 */
#include <source/config.h>
#include <source/mapping.h>

#include <string.h>

#include <base/error.h>
#include <messages.h>

#define TAKE_MOST 10000
#define AGAIN_MS 1000     /* after the store refused */

struct queue {
	struct fa_listener listener;
	struct fa_sources *all;
	struct faas_source *source;
	int credit;
	bool maybe;               /* something may be there */
	bool closed;
	int64_t next_ms;          /* Unix time when something is due; INT64_MAX: never */
	struct fa_timer due;
	bool asking;
	int open;                 /* operations that the store has */
	struct fa_queue like;
	struct fa_message dead_letter;
	struct fa_store_op take;
	struct fa_call taken;
};

/* Ids on their way to the store. */
struct ids {
	struct fa_store_op op;
	struct fa_call call;
	struct queue *queue;
	int64_t ids[];
};

static void plan(struct queue *q);

static int64_t unix_ms(const struct queue *q)
{
	return q->all->rt->clock->unix_ms(q->all->rt->clock);
}

static void free_if_unused(struct queue *q)
{
	struct fa_sources *all = q->all;

	if (!q->closed || q->open || fa_listener_is_called(&q->listener))
		return;
	fa_free(q);
	fa_source_closed(all);
}

/* ---- settle ------------------------------------------------------------ */

static void on_written(struct fa_call *call)
{
	struct ids *ids = fa_container(call, struct ids, call);
	struct queue *q = ids->queue;

	if (ids->op.verb == FA_STORE_SETTLE && ids->op.outcome == FA_STORE_DONE && !q->closed)
		fa_mapping_metric(q->source->mapping, "DeletedEventCount", (int)ids->op.count);
	q->open--;
	fa_free(ids);
	free_if_unused(q);
}

static void on_settled(struct fa_store_op *op)
{
	struct ids *ids = fa_container(op, struct ids, op);

	fa_loop_call(&ids->queue->all->rt->loop, &ids->call);
}

static struct ids *new_ids(struct queue *q, enum fa_store_verb verb, int count)
{
	struct ids *ids = fa_alloc(&q->all->rt->mem,
				   sizeof(*ids) + (size_t)count * sizeof(*ids->ids));

	if (!ids)
		return NULL;
	ids->queue = q;
	ids->call.run = on_written;
	ids->op.verb = verb;
	ids->op.ids = ids->ids;
	ids->op.gone = FA_STORE_DELIVERED;
	ids->op.now_ms = unix_ms(q);
	ids->op.on_done = on_settled;
	return ids;
}

/* Memory being out, they come back in time. */
static void submit(struct ids *ids)
{
	if (!ids)
		return;
	if (!ids->op.id_count) {
		fa_free(ids);
		return;
	}
	ids->queue->open++;
	fa_store_submit(ids->queue->all->rt->durable.store, &ids->op);
}

static void settle(void *state, const struct faas_settled *settled, int count)
{
	struct ids *done = new_ids(state, FA_STORE_SETTLE, count);
	struct ids *back = new_ids(state, FA_STORE_RETURN, count);

	for (int i = 0; i < count; i++) {
		struct ids *to = settled[i].done ? done : settled[i].seen ? NULL : back;

		if (to)
			to->ids[to->op.id_count++] = settled[i].id;
	}
	submit(done);
	submit(back);
}

/* ---- take ----------------------------------------------------------------- */

static void give_back(struct queue *q, struct fa_list *fetched)
{
	struct ids *ids;
	struct fa_list *pos;
	int n = 0;

	fa_list_for(pos, fetched)
		n++;
	ids = new_ids(q, FA_STORE_RETURN, n);
	while ((pos = fa_list_pop(fetched))) {
		struct fa_fetched *f = fa_container(pos, struct fa_fetched, link);

		if (ids)
			ids->ids[ids->op.id_count++] = f->message.id;
		fa_free(f);
	}
	submit(ids);
}

static void on_taken(struct fa_call *call)
{
	struct queue *q = fa_container(call, struct queue, taken);
	struct fa_store_op *op = &q->take;
	struct fa_list fetched, *pos;
	int n = 0;

	q->asking = false;
	q->open--;
	q->next_ms = op->outcome == FA_STORE_DONE ? op->next_ms : unix_ms(q) + AGAIN_MS;
	fa_list_init(&fetched);
	while ((pos = fa_list_pop(&op->claimed))) {
		fa_list_append(&fetched, pos);
		n++;
	}
	if (op->outcome == FA_STORE_DONE && op->count && op->to && op->to->outgoing)
		fa_deliver_kick(q->all->rt);
	if (q->closed) {
		give_back(q, &fetched);
		free_if_unused(q);
		return;
	}
	q->maybe |= n > 0;
	q->credit -= n;
	if (n)
		fa_source_arrive(q->source, &fetched);
	plan(q);
}

static void on_take_done(struct fa_store_op *op)
{
	struct queue *q = fa_container(op, struct queue, take);

	fa_loop_call(&q->all->rt->loop, &q->taken);
}

static void take(struct queue *q)
{
	struct fa_sources *all = q->all;
	/* of a FIFO queue a batch at a time: what is left over would hold up its groups */
	int most = fa_queue_is_fifo(q->listener.spot->address) ?
			   q->source->mapping->config->batch_size : TAKE_MOST;

	fa_queue_get(&all->rt->queues, q->listener.spot->address + strlen("queue:"), &q->like);
	q->asking = true;
	q->maybe = false;
	q->open++;
	q->take = (struct fa_store_op){ .verb = FA_STORE_TAKE, .on_done = on_take_done };
	q->take.message.address = (struct faas_bytes){ q->listener.spot->address,
						       strlen(q->listener.spot->address) };
	q->take.now_ms = unix_ms(q);
	q->take.max = q->credit < most ? q->credit : most;
	q->take.hide_ms = fa_mapping_hidden_ms(all, q->source->mapping->config, &q->like);
	fa_message_take(&q->take, &q->like, q->take.now_ms, &q->dead_letter);
	fa_store_submit(all->rt->durable.store, &q->take);
}

static void plan(struct queue *q)
{
	struct faas *rt = q->all->rt;
	int64_t wait_ms;

	if (q->closed || q->source->mapping->stopping || q->asking || q->credit <= 0)
		return;
	if (!q->maybe && q->next_ms != INT64_MAX) {
		wait_ms = q->next_ms - unix_ms(q);
		q->maybe = wait_ms <= 0;
		if (!q->maybe)
			fa_loop_timer_sure(&rt->loop, &q->due,
					   fa_now(rt->clock) + wait_ms * 1000000);
	}
	if (!q->maybe)
		return;
	if (fa_mapping_may_take(q->source->mapping)) {
		take(q);
		return;
	}
	q->source->wanted -= q->credit; /* it says again what it wants when it may */
	q->credit = 0;
}

static void on_due(struct fa_timer *timer)
{
	plan(fa_container(timer, struct queue, due));
}

static void want(void *state, int n)
{
	struct queue *q = state;

	q->credit += n;
	plan(q);
}

/* ---- the source ------------------------------------------------------------ */

static void on_kick(struct fa_call *call)
{
	struct queue *q = fa_container(call, struct queue, listener.kick);

	fa_listener_heard(&q->listener);
	q->maybe = true;
	if (q->closed)
		free_if_unused(q);
	else
		plan(q);
}

static int open_queue(struct faas_source *source, const char *address, void **state,
		struct faas_error *err)
{
	struct fa_sources *all = source->mapping->all;
	struct queue *q = fa_alloc(&all->rt->mem, sizeof(*q));

	if (!q)
		return fa_error_nomem(err);
	q->all = all;
	q->source = source;
	q->maybe = true;
	q->next_ms = INT64_MAX;
	q->due.on_due = on_due;
	q->listener.kick.run = on_kick;
	q->taken.run = on_taken;
	fa_queue_get(&all->rt->queues, address + strlen("queue:"), &q->like);
	if (fa_listen(all, &q->listener, address)) {
		fa_free(q);
		return fa_error_nomem(err);
	}
	*state = q;
	return 0;
}

static void close_queue(void *state)
{
	struct queue *q = state;

	fa_listen_no_more(q->all, &q->listener);
	fa_loop_timer_stop(&q->all->rt->loop, &q->due);
	q->closed = true;
	free_if_unused(q);
}

/* What is taken comes back only when the function is through with it. */
static int fits(struct fa_sources *all, const struct fa_mapping_config *c, struct faas_error *err)
{
	struct fa_version *v = fa_registry_find(&all->rt->registry, c->function, err);
	int timeout_s = v ? (v->config.timeout_ms + 999) / 1000 : 0;
	struct fa_queue queue;

	fa_version_unref(v);
	fa_queue_get(&all->rt->queues, c->source + strlen("queue:"), &queue);
	if (queue.visibility_s >= timeout_s)
		return 0;
	return fa_error(err, FAAS_EINVAL,
			"Queue visibility timeout: %d seconds is less than Function timeout: %d "
			"seconds",
			queue.visibility_s, timeout_s);
}

static bool is_fifo(const char *address)
{
	return fa_queue_is_fifo(address);
}

const struct fa_source_kind fa_queue_source = {
	.impl = { .size = sizeof(struct faas_source_impl), .scheme = "queue", .open = open_queue,
		  .want = want, .settle = settle, .close = close_queue },
	.name = "aws:sqs",
	.service = "SQS",
	.data_key = "body",
	.batch_size = 10,
	.batch_most = 10000,
	.ordered = is_fifo,
	.lingers = true,
	.fits = fits,
};
