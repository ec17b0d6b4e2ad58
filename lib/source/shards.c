/* SPDX-License-Identifier: MIT */
/*
 * A mapping's checkpoints are documents, one per shard: how far each lane is, and the state
 * of its window. One is written when something changed and the last one is on the disk, so
 * fast readers share the price. What is told of records that were given up goes in the same
 * commit as the checkpoint behind them: either both are there, or they are tried again.
 */
#include <source/shards.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <base/error.h>
#include <base/json.h>

#define PREFIX ":checkpoint:"
#define DOCUMENT_MAX 80
#define AGAIN_MS 1000

/* One checkpoint on its way to the store. */
struct write {
	struct fa_store_op op;
	struct fa_call call;
	struct fa_shards *of;
	struct fa_shard *shard;
	struct fa_list letters;
	struct fa_message *messages;
	char name[DOCUMENT_MAX];
	char text[];
};

int64_t fa_lane_unix_ms(const struct fa_lane *lane)
{
	const struct fa_clock *clock = fa_lane_runtime(lane)->clock;

	return clock->unix_ms(clock);
}

void fa_sequence_write(const struct fa_shard_kind *kind, char out[FA_RECORD_ID], int64_t id)
{
	snprintf(out, FA_RECORD_ID, "%s%0*lld", kind->id_head, kind->id_digits, (long long)id);
}

int64_t fa_sequence_read(const struct fa_shard_kind *kind, const char *text)
{
	size_t head = strlen(kind->id_head), len = head + (size_t)kind->id_digits;

	if (strlen(text) != len || strncmp(text, kind->id_head, head) != 0 ||
	    strspn(text, "0123456789") != len)
		return 0;
	return strtoll(text + head, NULL, 10);
}

static struct fa_lane *lane_of(struct fa_shards *s, int i)
{
	return &s->shards[i / s->per_shard].lanes[i % s->per_shard];
}

static int count_lanes(const struct fa_shards *s)
{
	return s->like.shards * s->per_shard;
}

static void arm(struct fa_shards *s, struct fa_timer *timer)
{
	struct faas *rt = s->all->rt;

	fa_loop_timer_sure(&rt->loop, timer, fa_now(rt->clock) + AGAIN_MS * INT64_C(1000000));
}

/* ---- a checkpoint as text ------------------------------------------------ */

static size_t room_for(const struct fa_shard *shard)
{
	size_t size = 64;

	for (int i = 0; i < shard->of->per_shard; i++)
		size += 128 + (shard->lanes[i].window.state ?
				       strlen(shard->lanes[i].window.state) : 0);
	return size;
}

static void print_number(struct fa_text *out, const char *before, int64_t value)
{
	fa_text_add(out, before);
	fa_text_int(out, value);
}

static void print(struct fa_text *out, const struct fa_shard *shard)
{
	fa_text_add(out, "{\"lanes\":[");
	for (int i = 0; i < shard->of->per_shard; i++) {
		const struct fa_lane *lane = &shard->lanes[i];

		print_number(out, i ? ",{\"at\":" : "{\"at\":", fa_lane_position(lane));
		if (lane->window.ended_ms)
			print_number(out, ",\"ended\":", lane->window.ended_ms);
		if (lane->window.start_ms)
			print_number(out, ",\"start\":", lane->window.start_ms);
		if (lane->window.state) {
			fa_text_add(out, ",\"state\":");
			fa_text_add(out, lane->window.state);
		}
		fa_text_add(out, "}");
	}
	fa_text_add(out, "]}");
}

static void read_lane(struct fa_lane *lane, struct fa_json from)
{
	struct fa_json state = fa_json_get(from, "state");

	fa_json_int(fa_json_get(from, "at"), &lane->read);
	fa_json_int(fa_json_get(from, "ended"), &lane->window.ended_ms);
	fa_json_int(fa_json_get(from, "start"), &lane->window.start_ms);
	if (state.len)
		lane->window.state = fa_memdup(&fa_lane_runtime(lane)->mem, state.text, state.len);
}

/* Of another number of lanes it counts where the last of them was; windows begin anew. */
static void read_shard(struct fa_shard *shard, struct faas_bytes text)
{
	struct fa_json whole, list, item;
	struct fa_json_iter iter;
	int64_t least = INT64_MAX, at = 0;
	int n = 0;

	if (!fa_json_read(text.data, text.len, &whole))
		return;
	list = fa_json_get(whole, "lanes");
	fa_json_begin(&iter, list);
	while (fa_json_next(&iter, NULL, &item)) {
		fa_json_int(fa_json_get(item, "at"), &at);
		least = at < least ? at : least;
		n++;
	}
	fa_json_begin(&iter, list);
	for (int i = 0; i < shard->of->per_shard; i++) {
		if (n == shard->of->per_shard && fa_json_next(&iter, NULL, &item))
			read_lane(&shard->lanes[i], item);
		else if (least != INT64_MAX)
			shard->lanes[i].read = least;
	}
}

/* ---- write ------------------------------------------------------------------ */

static void save(struct fa_shard *shard);

static void free_letters(struct fa_list *letters)
{
	struct fa_list *pos;

	while ((pos = fa_list_pop(letters)))
		fa_free(fa_container(pos, struct fa_told, link));
}

static void free_write(struct write *w)
{
	free_letters(&w->letters);
	fa_free(w->messages);
	fa_free(w);
}

/* In front of those that came meanwhile. */
static void take_letters_back(struct fa_shard *shard, struct fa_list *letters)
{
	struct fa_list *pos;

	while ((pos = fa_list_pop(&shard->letters)))
		fa_list_append(letters, pos);
	while ((pos = fa_list_pop(letters)))
		fa_list_append(&shard->letters, pos);
}

static void on_written(struct fa_call *call)
{
	struct write *w = fa_container(call, struct write, call);
	struct fa_shards *s = w->of;
	struct fa_shard *shard = w->shard;

	s->open--;
	shard->writing = shard->sending = false;
	if (w->op.outcome == FA_STORE_DONE && w->op.message_count) {
		fa_deliver_kick(s->all->rt);
	} else if (w->op.outcome != FA_STORE_DONE && !s->closed) {
		take_letters_back(shard, &w->letters);
		shard->dirty = true;
		arm(s, &shard->again);
	}
	free_write(w);
	if (s->closed)
		fa_shards_closed(s);
	else if (!shard->again.index)
		save(shard);
}

static void on_stored(struct fa_store_op *op)
{
	struct write *w = fa_container(op, struct write, op);

	fa_loop_call(&w->of->all->rt->loop, &w->call);
}

/* False: out of memory. */
static bool enclose(struct write *w, struct fa_shard *shard)
{
	struct fa_list *pos;
	int n = 0;

	fa_list_for(pos, &shard->letters)
		n++;
	if (!n)
		return true;
	w->messages = fa_alloc(&shard->of->all->rt->mem, (size_t)n * sizeof(*w->messages));
	if (!w->messages)
		return false;
	w->op.messages = w->messages;
	while ((pos = fa_list_pop(&shard->letters))) {
		w->messages[w->op.message_count++] =
			fa_container(pos, struct fa_told, link)->message;
		fa_list_append(&w->letters, pos);
	}
	return true;
}

static void submit(struct fa_shard *shard)
{
	struct fa_shards *s = shard->of;
	size_t size = room_for(shard);
	struct write *w = fa_alloc(&s->all->rt->mem, sizeof(*w) + size);
	struct fa_text text = { .size = size };

	if (w)
		fa_list_init(&w->letters);
	if (!w || !enclose(w, shard)) {
		fa_free(w);
		if (!s->closed)
			arm(s, &shard->again);
		return;
	}
	text.data = w->text;
	print(&text, shard);
	snprintf(w->name, sizeof(w->name), PREFIX "%s:%04d", s->uuid, shard->number);
	w->of = s;
	w->shard = shard;
	w->call.run = on_written;
	w->op.verb = FA_STORE_KEEP;
	w->op.message.address = (struct faas_bytes){ w->name, strlen(w->name) };
	w->op.message.body = (struct faas_bytes){ w->text, text.len };
	w->op.on_done = on_stored;
	shard->dirty = false;
	shard->writing = true;
	shard->sending = w->op.message_count > 0;
	s->open++;
	fa_store_submit(s->all->rt->durable.store, &w->op);
}

static void save(struct fa_shard *shard)
{
	if (shard->dirty && !shard->writing)
		submit(shard);
}

void fa_shard_changed(struct fa_shard *shard)
{
	shard->dirty = true;
	save(shard);
}

static void on_again(struct fa_timer *timer)
{
	save(fa_container(timer, struct fa_shard, again));
}

/* ---- forget ------------------------------------------------------------------ */

struct forgetting {
	struct fa_store_op op;
	struct fa_call call;
	struct fa_sources *all;
	char name[DOCUMENT_MAX];
};

static void on_gone(struct fa_call *call)
{
	struct forgetting *f = fa_container(call, struct forgetting, call);
	struct fa_sources *all = f->all;

	fa_free(f);
	fa_source_closed(all);
}

static void on_forgotten(struct fa_store_op *op)
{
	struct forgetting *f = fa_container(op, struct forgetting, op);

	fa_loop_call(&f->all->rt->loop, &f->call);
}

/* Behind all that was submitted for it. Memory being out, a few bytes of nobody's stay. */
void fa_shards_forget(struct fa_sources *all, const char *uuid)
{
	struct forgetting *f = fa_alloc(&all->rt->mem, sizeof(*f));

	if (!f)
		return;
	snprintf(f->name, sizeof(f->name), PREFIX "%s", uuid);
	f->all = all;
	f->call.run = on_gone;
	f->op.verb = FA_STORE_FORGET;
	f->op.message.address = (struct faas_bytes){ f->name, strlen(f->name) };
	f->op.on_done = on_forgotten;
	all->open++;
	fa_store_submit(all->rt->durable.store, &f->op);
}

/* ---- begin ---------------------------------------------------------------------- */

void fa_shards_pump(void *state)
{
	struct fa_shards *s = state;

	for (int i = 0; s->ready && i < count_lanes(s); i++)
		fa_lane_pump(lane_of(s, i));
}

static void read_document(struct fa_shards *s, const struct fa_message *m)
{
	const char *name = m->address.data;
	size_t len = strlen(PREFIX) + strlen(s->uuid);
	int number = 0;

	if (strlen(name) > len && !strncmp(name + strlen(PREFIX), s->uuid, strlen(s->uuid)) &&
	    sscanf(name + len, ":%d", &number) == 1 && number >= 0 && number < s->like.shards)
		read_shard(&s->shards[number], m->body);
}

static void on_recalled(struct fa_call *call)
{
	struct fa_shards *s = fa_container(call, struct fa_shards, recalled);
	struct fa_list *pos;

	s->open--;
	while ((pos = fa_list_pop(&s->recall.claimed))) {
		if (!s->closed)
			read_document(s, &fa_item(pos)->message);
		fa_free(fa_item(pos));
	}
	if (s->closed) {
		fa_shards_closed(s);
		return;
	}
	if (s->recall.outcome != FA_STORE_DONE) {
		arm(s, &s->again);
		return;
	}
	s->ready = true;
	fa_mapping_pump(s->mapping);
}

static void on_recall_done(struct fa_store_op *op)
{
	struct fa_shards *s = fa_container(op, struct fa_shards, recall);

	fa_loop_call(&s->all->rt->loop, &s->recalled);
}

static void ask_checkpoints(struct fa_shards *s)
{
	s->recall = (struct fa_store_op){ .verb = FA_STORE_RECALL, .max = s->like.shards,
					  .on_done = on_recall_done };
	s->recall.message.address = (struct faas_bytes){ s->name, strlen(s->name) };
	s->open++;
	fa_store_submit(s->all->rt->durable.store, &s->recall);
}

static void on_ask_again(struct fa_timer *timer)
{
	ask_checkpoints(fa_container(timer, struct fa_shards, again));
}

static void on_kick(struct fa_call *call)
{
	struct fa_shards *s = fa_container(call, struct fa_shards, listener.kick);

	fa_listener_heard(&s->listener);
	if (s->closed) {
		fa_shards_closed(s);
		return;
	}
	for (int i = 0; i < count_lanes(s); i++)
		lane_of(s, i)->maybe = true;
	fa_mapping_pump(s->mapping);
}

static void free_all(struct fa_shards *s)
{
	for (int i = 0; i < s->like.shards; i++) {
		for (int k = 0; s->shards[i].lanes && k < s->per_shard; k++)
			fa_lane_finish(&s->shards[i].lanes[k]);
		free_letters(&s->shards[i].letters);
		fa_free(s->shards[i].lanes);
	}
	fa_free(s);
}

/* FAAS_ENOMEM; then what is there is freed by who asked. */
static int make_lanes(struct fa_shards *s)
{
	for (int i = 0; i < s->like.shards; i++) {
		struct fa_shard *shard = &s->shards[i];

		shard->of = s;
		shard->number = i;
		shard->again.on_due = on_again;
		fa_list_init(&shard->letters);
	}
	for (int i = 0; i < s->like.shards; i++) {
		struct fa_shard *shard = &s->shards[i];

		shard->lanes = fa_alloc(&s->all->rt->mem,
					(size_t)s->per_shard * sizeof(*shard->lanes));
		if (!shard->lanes)
			return FAAS_ENOMEM;
		for (int k = 0; k < s->per_shard; k++)
			fa_lane_init(&shard->lanes[k], shard, k);
	}
	return 0;
}

int fa_shards_open(struct faas_source *source, const char *address, void **state,
		   struct faas_error *err)
{
	struct fa_mapping *m = source->mapping;
	const struct fa_shard_kind *kind = m->config->kind->shards;
	struct fa_stream like;
	struct fa_shards *s;

	if (!kind->find(m->all->rt, address, &like))
		return fa_error(err, FAAS_ENOTFOUND, "there is no %s", address);
	s = fa_alloc(&m->all->rt->mem, sizeof(*s) + (size_t)like.shards * sizeof(*s->shards));
	if (!s)
		return fa_error_nomem(err);
	s->mapping = m;
	s->all = m->all;
	s->kind = kind;
	s->like = like;
	s->per_shard = m->config->sharded->lanes;
	s->listener.kick.run = on_kick;
	s->recalled.run = on_recalled;
	s->again.on_due = on_ask_again;
	snprintf(s->uuid, sizeof(s->uuid), "%s", m->uuid);
	snprintf(s->name, sizeof(s->name), PREFIX "%s", m->uuid);
	if (make_lanes(s) || fa_listen(s->all, &s->listener, address)) {
		free_all(s);
		return fa_error_nomem(err);
	}
	*state = s;
	ask_checkpoints(s);
	return 0;
}

/* ---- end -------------------------------------------------------------------------- */

void fa_shards_closed(struct fa_shards *s)
{
	struct fa_sources *all = s->all;

	if (!s->closed || s->open || fa_listener_is_called(&s->listener))
		return;
	free_all(s);
	fa_source_closed(all);
}

static void stop_timers(struct fa_shards *s)
{
	struct fa_loop *loop = &s->all->rt->loop;

	fa_loop_timer_stop(loop, &s->again);
	for (int i = 0; i < s->like.shards; i++)
		fa_loop_timer_stop(loop, &s->shards[i].again);
	for (int i = 0; i < count_lanes(s); i++) {
		fa_loop_timer_stop(loop, &lane_of(s, i)->flushes);
		fa_loop_timer_stop(loop, &lane_of(s, i)->again);
		fa_loop_timer_stop(loop, &lane_of(s, i)->closes);
	}
}

/*
 * What is not written yet is submitted, behind what is on its way: whoever comes next reads
 * it. But not behind letters, which could fail: then their records are tried again.
 */
void fa_shards_close(void *state)
{
	struct fa_shards *s = state;

	fa_listen_no_more(s->all, &s->listener);
	stop_timers(s);
	s->closed = true;
	for (int i = 0; i < s->like.shards; i++)
		if (s->shards[i].dirty && !s->shards[i].sending)
			submit(&s->shards[i]);
	s->mapping = NULL;
	fa_shards_closed(s);
}
