/* SPDX-License-Identifier: MIT */
/*
 * A mapping takes as many messages as it could hand to its function at once, and no more:
 * its credit is the batches that may begin, each of full size. It wakes when something
 * arrives, when a batch is over, when a window is, and, while it is at its limit, five times
 * a second to have the limit grow: by 300 a minute, as Lambda's does, or by 1000 if its pollers
 * are provisioned. Idle it never wakes, nor
 * while its function is not there: who makes one says so.
 */
#include <source/rights.h>
#include <source/shards.h>

#include <string.h>

#include <base/text.h>
#include <model/role.h>

#define RETRY_MS 1000 /* what memory was out for */

static void take_notice(struct fa_mapping *m);

/* ---- batches ----------------------------------------------------------- */

static bool is_ready(const struct fa_mapping *m)
{
	if (!m->buffered)
		return false;
	return m->flush || !m->config->window_s || m->buffered >= m->config->batch_size ||
	       m->buffered_bytes >= FA_EVENT_MAX;
}

void fa_mapping_arm(struct fa_mapping *m, struct fa_timer *timer, int64_t ms)
{
	struct faas *rt = m->all->rt;

	if (!timer->index)
		fa_loop_timer_sure(&rt->loop, timer, fa_now(rt->clock) + ms * 1000000);
}

/* ---- whom it invokes ------------------------------------------------------ */

static bool is_orphan(const struct fa_mapping *m)
{
	struct fa_version *v;
	bool orphan;

	if (m->config->push) /* its event waits, and may be a dead letter */
		return false;
	v = fa_registry_find(&m->all->rt->registry, m->config->function, NULL);
	orphan = !(v && fa_rights_now(m, v));
	fa_version_unref(v);
	return orphan;
}

static void set_orphan(struct fa_mapping *m, bool orphan)
{
	if (orphan == !fa_list_empty(&m->orphan))
		return;
	fa_list_remove(&m->orphan);
	if (orphan)
		fa_list_append(&m->all->orphans, &m->orphan);
	atomic_fetch_add(&m->all->orphan_count, orphan ? 1 : -1);
}

/*
 * Before the program has made it again, when it was deleted, or must not: nothing is taken for
 * nobody.
 * Who makes a function asks for orphans behind that, so it is one before it looks.
 */
bool fa_mapping_may_take(struct fa_mapping *m)
{
	set_orphan(m, true);
	set_orphan(m, is_orphan(m));
	return fa_list_empty(&m->orphan);
}

/* What was taken while it might be is not handed over any more. */
static bool is_barred(struct fa_mapping *m)
{
	struct faas *rt = m->all->rt;
	struct fa_version *v;
	bool barred;

	if (m->config->push || !fa_roles_epoch(&rt->registry))
		return false;
	v = fa_registry_find(&rt->registry, m->config->function, NULL);
	barred = v && !fa_rights_now(m, v);
	fa_version_unref(v);
	if (barred)
		set_orphan(m, true);
	return barred;
}

/* ---- batches that begin ---------------------------------------------------- */

static void begin_batches(struct fa_mapping *m)
{
	while (m->running < m->limit && is_ready(m))
		if (is_barred(m) || !fa_batch_begin(m))
			break;
	if (!m->buffered)
		m->flush = false;
	if (!m->buffered || m->flush)
		fa_loop_timer_stop(&m->all->rt->loop, &m->window);
	else if (m->config->window_s)
		fa_mapping_arm(m, &m->window, m->config->window_s * INT64_C(1000));
}

static void want(struct fa_mapping *m)
{
	int room = (m->limit - m->running) * m->config->batch_size - m->buffered -
		   m->source.wanted;

	if (room <= 0 || !fa_mapping_may_take(m))
		return;
	m->source.wanted += room;
	m->source.kind->impl.want(m->source.state, room);
}

/* Whoever calls it from below is served by the loop above. */
void fa_mapping_pump(struct fa_mapping *m)
{
	m->again = true;
	if (m->pumping)
		return;
	m->pumping = true;
	while (m->again && m->alive && !m->stopping) {
		m->again = false;
		if (m->config->kind->shards) {
			if (fa_mapping_may_take(m))
				fa_shards_pump(m->source.state);
			continue;
		}
		begin_batches(m);
		want(m);
	}
	m->pumping = false;
	if (m->alive && !m->stopping && m->running >= m->limit && m->limit < m->config->most)
		fa_mapping_arm(m, &m->growth, m->config->growth_ms);
}

static void on_window(struct fa_timer *timer)
{
	struct fa_mapping *m = fa_container(timer, struct fa_mapping, window);

	m->flush = true;
	fa_mapping_pump(m);
}

static void on_growth(struct fa_timer *timer)
{
	struct fa_mapping *m = fa_container(timer, struct fa_mapping, growth);

	if (m->running >= m->limit && m->limit < m->config->most)
		m->limit++;
	fa_mapping_pump(m);
}

void fa_mapping_slow_down(struct fa_mapping *m)
{
	m->limit = m->limit / 2 > m->config->least ? m->limit / 2 : m->config->least;
}

/* ---- what arrives -------------------------------------------------------- */

void fa_source_arrive(struct faas_source *source, struct fa_list *fetched)
{
	struct fa_mapping *m = source->mapping;
	struct fa_list *pos;
	int n = 0;

	fa_list_for(pos, fetched)
		n++;
	source->wanted -= n;
	if (m->stopping) {
		fa_batch_unseen(m, fetched);
		return;
	}
	fa_mapping_metric(m, "PolledEventCount", n);
	fa_batch_filter(m, fetched);
	while ((pos = fa_list_pop(fetched))) {
		fa_list_append(&m->buffer, pos);
		m->buffered_bytes += fa_container(pos, struct fa_fetched, link)->message.body.len;
		m->buffered++;
	}
	fa_mapping_pump(m);
}

/* ---- begin and stop -------------------------------------------------------- */

/* Not over that of what was asked for meanwhile. */
static void set_state(struct fa_mapping *m, enum fa_mapping_state state)
{
	pthread_mutex_lock(&m->all->lock);
	if (!m->called)
		m->state = state;
	pthread_mutex_unlock(&m->all->lock);
}

/* Without memory it is what it was, Creating or Updating, until there is some. */
static void begin(struct fa_mapping *m)
{
	struct faas_error err = { 0 };
	int rc;

	m->source = (struct faas_source){ .mapping = m, .kind = m->config->kind };
	rc = m->source.kind->impl.open(&m->source, m->config->source, &m->source.state, &err);
	if (rc == FAAS_ENOMEM)
		fa_mapping_arm(m, &m->retry, RETRY_MS);
	else if (rc)
		set_state(m, FA_MAPPING_DISABLED);
	if (rc)
		return;
	m->limit = m->config->first;
	m->alive = true;
	m->stopping = m->flush = false;
	fa_list_append(&m->all->alive, &m->living);
	m->all->open++;
	set_state(m, FA_MAPPING_ENABLED);
	fa_mapping_pump(m);
}

/* When the last batch is over the source is closed, and what was asked for is done. */
static void finish_stop(struct fa_mapping *m)
{
	if (!m->alive || !m->stopping || m->running)
		return;
	m->alive = m->stopping = false;
	m->source.kind->impl.close(m->source.state);
	if (!m->source.kind->lingers)
		fa_source_closed(m->all);
	take_notice(m);
}

void fa_mapping_ended(struct fa_mapping *m)
{
	m->running--;
	if (m->stopping)
		finish_stop(m);
	else
		fa_mapping_pump(m);
}

static void stop(struct fa_mapping *m)
{
	struct fa_loop *loop = &m->all->rt->loop;

	if (!m->alive || m->stopping)
		return;
	m->stopping = true;
	fa_list_remove(&m->living);
	set_orphan(m, false);
	fa_loop_timer_stop(loop, &m->window);
	fa_loop_timer_stop(loop, &m->growth);
	fa_loop_timer_stop(loop, &m->retry);
	m->buffered = 0;
	m->buffered_bytes = 0;
	m->running++; /* so that it is not over, and gone, before this is through */
	fa_batch_unseen(m, &m->buffer);
	fa_batches_give_up(m);
	fa_mapping_ended(m);
}

/* ---- what is asked for ------------------------------------------------------ */

static void adopt(struct fa_mapping *m, struct fa_mapping_config *next)
{
	pthread_mutex_lock(&m->all->lock);
	if (m->config != next)
		fa_mapping_config_free(m->config);
	m->config = next;
	m->adopted++;
	pthread_mutex_unlock(&m->all->lock);
	m->over.next = FA_END_NONE; /* that was said of another one */
}

void fa_mapping_forget(struct fa_mapping *m)
{
	pthread_mutex_lock(&m->all->lock);
	fa_map_remove(&m->all->mappings, m->uuid);
	pthread_mutex_unlock(&m->all->lock);
	if (m->config->kind->shards)
		fa_shards_forget(m->all, m->uuid);
	fa_mapping_free(m);
}

/* What is open goes on by the latest configuration, without memory later. */
static void adapt(struct fa_mapping *m)
{
	fa_loop_timer_stop(&m->all->rt->loop, &m->retry);
	if (m->limit > m->config->most)
		m->limit = m->config->most;
	if (m->limit < m->config->least)
		m->limit = m->config->least;
	if (m->source.kind->change && m->source.kind->change(m->source.state))
		fa_mapping_arm(m, &m->retry, RETRY_MS);
	else
		set_state(m, FA_MAPPING_ENABLED);
	fa_mapping_pump(m);
}

/* The source is closed: go on as the latest configuration has it. */
static void settle_down(struct fa_mapping *m, bool deleting)
{
	fa_loop_timer_stop(&m->all->rt->loop, &m->retry);
	if (deleting) {
		if (!fa_mapping_is_held(m))
			fa_mapping_forget(m);
	} else if (m->config->enabled && !m->all->closing) {
		begin(m);
	} else {
		set_state(m, FA_MAPPING_DISABLED);
		fa_mapping_retire(m);
	}
}

static void take_notice(struct fa_mapping *m)
{
	struct fa_mapping_config *next;
	bool deleting;

	pthread_mutex_lock(&m->all->lock);
	if (m->called) { /* then that call finds all of it, and the mapping there */
		pthread_mutex_unlock(&m->all->lock);
		return;
	}
	next = m->next;
	m->next = NULL;
	deleting = m->state == FA_MAPPING_DELETING;
	pthread_mutex_unlock(&m->all->lock);
	if (next)
		adopt(m, next);
	if (!m->alive) {
		settle_down(m, deleting);
	} else if (deleting || !m->config->enabled || m->all->closing ||
		   (next && next->kind->shards)) {
		stop(m);
	} else if (!m->stopping) {
		adapt(m);
	}
}

static void on_retry(struct fa_timer *timer)
{
	take_notice(fa_container(timer, struct fa_mapping, retry));
}

static void on_call(struct fa_call *call)
{
	struct fa_mapping *m = fa_container(call, struct fa_mapping, call);

	pthread_mutex_lock(&m->all->lock);
	m->called = false;
	pthread_mutex_unlock(&m->all->lock);
	take_notice(m);
}

void fa_mapping_call(struct fa_mapping *m)
{
	if (m->called)
		return;
	m->called = true;
	fa_loop_call(&m->all->rt->loop, &m->call);
}

void fa_mappings_stop(struct fa_sources *all)
{
	while (!fa_list_empty(&all->alive))
		stop(fa_container(all->alive.next, struct fa_mapping, living));
}

/* ---- functions that come ---------------------------------------------------- */

/* Those that stay orphans are in the list again. */
static void on_functions(struct fa_call *call)
{
	struct fa_sources *all = fa_container(call, struct fa_sources, functions);
	struct fa_list found, *pos;

	atomic_store(&all->functions_came, false);
	fa_list_init(&found);
	while ((pos = fa_list_pop(&all->orphans)))
		fa_list_append(&found, pos);
	while (!fa_list_empty(&found)) {
		struct fa_mapping *m = fa_container(found.next, struct fa_mapping, orphan);

		set_orphan(m, false);
		fa_mapping_pump(m);
	}
}

void fa_mappings_init(struct fa_sources *all)
{
	fa_list_init(&all->orphans);
	fa_list_init(&all->alive);
	all->functions.run = on_functions;
}

void fa_sources_functions(struct faas *rt)
{
	struct fa_sources *all = rt->sources;

	if (atomic_load(&all->orphan_count) && !atomic_exchange(&all->functions_came, true))
		fa_loop_call(&rt->loop, &all->functions);
}

/* ---- life --------------------------------------------------------------------- */

struct fa_mapping *fa_mapping_create(struct fa_sources *all, struct fa_mapping_config *config)
{
	struct fa_mapping *m = fa_alloc(&all->rt->mem, sizeof(*m));
	uint8_t bits[16];

	if (!m)
		return NULL;
	m->all = all;
	m->config = config;
	m->last_result = "No records processed";
	m->call.run = on_call;
	m->window.on_due = on_window;
	m->growth.on_due = on_growth;
	m->retry.on_due = on_retry;
	fa_random_bytes(bits, sizeof(bits));
	fa_uuid(m->uuid, bits);
	fa_list_init(&m->orphan);
	fa_list_init(&m->living);
	fa_list_init(&m->buffer);
	fa_list_init(&m->batches);
	fa_map_init(&m->groups, &all->rt->mem);
	return m;
}

void fa_mapping_free(struct fa_mapping *m)
{
	fa_mapping_config_free(m->config);
	fa_mapping_config_free(m->next);
	fa_map_finish(&m->groups);
	fa_free(m);
}
