/* SPDX-License-Identifier: MIT */
/*
 * Items whose time to live is over. One timer is for all tables: when the first item expires,
 * those that have are looked up, a few at a time, and deleted as anybody would delete them,
 * unless they were written meanwhile. Their records say that nobody did it.
 */
#include <source/table.h>

#include <string.h>

#define PAGE 64
#define AGAIN_MS 1000 /* after the store refused, or memory was out */
#define FAR_MS 1000000000000 /* 31 years: clocks do not go much further */

struct fa_expiry {
	struct fa_sources *all;
	struct fa_store_op op;    /* which items have expired */
	struct fa_call found, kick;
	struct fa_timer due;
	_Atomic bool kicked;
	_Atomic int64_t next_ms;  /* it looks then; INT64_MAX: nothing expires */
	int open;                 /* [loop] operations that the store has */
	bool some, failed;        /* [loop] of those that were looked up last */
};

/* One item that goes. */
struct expired {
	struct fa_item_write write;
	struct fa_call call;
	struct fa_expiry *of;
	struct fa_fetched *item;
	struct fa_table table;
};

static int64_t unix_ms(const struct fa_expiry *e)
{
	const struct fa_clock *clock = e->all->rt->clock;

	return clock->unix_ms(clock);
}

static void look(struct fa_expiry *e);

/* [loop] Look now, or when something expires. */
static void plan(struct fa_expiry *e)
{
	struct faas *rt = e->all->rt;
	int64_t next_ms = atomic_load(&e->next_ms), wait_ms;

	if (e->open || e->all->closing || next_ms == INT64_MAX)
		return;
	wait_ms = next_ms - unix_ms(e);
	if (wait_ms > FAR_MS)
		wait_ms = FAR_MS;
	if (wait_ms > 0)
		fa_loop_timer_sure(&rt->loop, &e->due, fa_now(rt->clock) + wait_ms * 1000000);
	else
		look(e);
}

static void sooner(struct fa_expiry *e, int64_t at_ms)
{
	if (at_ms < atomic_load(&e->next_ms))
		atomic_store(&e->next_ms, at_ms);
}

/* With the last one it is known how it goes on: there may be more of them. */
static void close_one(struct fa_expiry *e)
{
	if (!--e->open && (e->some || e->failed))
		sooner(e, e->failed ? unix_ms(e) + AGAIN_MS : 0);
	plan(e);
	fa_source_closed(e->all); /* with which all of it may be gone */
}

static void open_one(struct fa_expiry *e)
{
	e->open++;
	e->all->open++;
}

/* ---- one of them ------------------------------------------------------------ */

static void on_gone(struct fa_call *call)
{
	struct expired *x = fa_container(call, struct expired, call);
	struct fa_expiry *e = x->of;

	e->failed |= x->write.op.outcome != FA_STORE_DONE;
	fa_item_write_finish(&x->write);
	fa_free(x->item);
	fa_free(x);
	close_one(e);
}

static void on_written(struct fa_store_op *op)
{
	struct expired *x = fa_container(op, struct expired, write.op);

	fa_loop_call(&x->of->all->rt->loop, &x->call);
}

/* NULL: out of memory. */
static struct expired *prepare(struct fa_expiry *e, struct fa_fetched *item)
{
	struct faas *rt = e->all->rt;
	struct expired *x = fa_alloc(&rt->mem, sizeof(*x));
	const struct fa_message *m = &item->message;
	struct fa_change change = { .from = { m->body.data, m->body.len }, .expired = true };

	if (!x)
		return NULL;
	if (fa_named_get(&rt->tables, (const char *)m->address.data + strlen("table:"), &x->table))
		change.table = &x->table;
	x->write.op.message = *m;
	x->write.op.message.body = (struct faas_bytes){ NULL, 0 };
	if (!fa_item_write_init(&x->write, rt, &change))
		return x;
	fa_free(x);
	return NULL;
}

static void remove_it(struct fa_expiry *e, struct fa_fetched *item)
{
	struct expired *x = e->all->closing ? NULL : prepare(e, item);

	if (!x) {
		fa_free(item);
		e->failed = true;
		return;
	}
	x->of = e;
	x->item = item;
	x->call.run = on_gone;
	x->write.op.on_done = on_written;
	open_one(e);
	fa_store_submit(e->all->rt->durable.store, &x->write.op);
}

/* ---- all of them ------------------------------------------------------------- */

static void on_found(struct fa_call *call)
{
	struct fa_expiry *e = fa_container(call, struct fa_expiry, found);
	struct fa_list *pos;

	e->some = !fa_list_empty(&e->op.claimed);
	e->failed = e->op.outcome != FA_STORE_DONE;
	if (!e->failed)
		sooner(e, e->op.next_ms);
	while ((pos = fa_list_pop(&e->op.claimed)))
		remove_it(e, fa_container(pos, struct fa_fetched, link));
	close_one(e);
}

static void on_looked(struct fa_store_op *op)
{
	struct fa_expiry *e = fa_container(op, struct fa_expiry, op);

	fa_loop_call(&e->all->rt->loop, &e->found);
}

static void look(struct fa_expiry *e)
{
	atomic_store(&e->next_ms, INT64_MAX);
	e->op = (struct fa_store_op){ .verb = FA_STORE_OVERDUE, .now_ms = unix_ms(e), .max = PAGE,
				      .on_done = on_looked };
	open_one(e);
	fa_store_submit(e->all->rt->durable.store, &e->op);
}

static void on_due(struct fa_timer *timer)
{
	plan(fa_container(timer, struct fa_expiry, due));
}

static void on_kick(struct fa_call *call)
{
	struct fa_expiry *e = fa_container(call, struct fa_expiry, kick);

	atomic_store(&e->kicked, false);
	sooner(e, 0);
	plan(e);
}

/* ---- life ---------------------------------------------------------------------- */

/*
 * Before it is asked for, next_ms is INT64_MAX: so who has written meanwhile finds that, or
 * what was found behind his item.
 */
void fa_expiry_at(struct fa_sources *all, int64_t at_ms)
{
	struct fa_expiry *e = all->expiry;

	if (at_ms < atomic_load(&e->next_ms) && !atomic_exchange(&e->kicked, true))
		fa_loop_call(&all->rt->loop, &e->kick);
}

int fa_expiry_create(struct fa_sources *all)
{
	struct fa_expiry *e = fa_alloc(&all->rt->mem, sizeof(*e));

	if (!e)
		return FAAS_ENOMEM;
	e->all = all;
	e->next_ms = INT64_MAX;
	e->due.on_due = on_due;
	e->kick.run = on_kick;
	e->found.run = on_found;
	all->expiry = e;
	return 0;
}

void fa_expiry_stop(struct fa_sources *all)
{
	fa_loop_timer_stop(&all->rt->loop, &all->expiry->due);
}
