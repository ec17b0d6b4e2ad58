/* SPDX-License-Identifier: MIT */
/*
 * What is to be told travels in chunks: a run of entries, each valid for the
 * version and stream of the context entry before it. A thread of the host makes a
 * chunk per entry. The loop, which tells most by far, goes on writing to the
 * chunk it pushed last as long as that is still the newest of the queue: nobody
 * but the loop takes from the queue, and what another thread pushed afterwards
 * is ordered behind it.
 *
 * Three states keep it from waking the loop for each entry. IDLE: the next
 * entry queues the flush. QUEUED: a flush is coming. LATER: a flush was just now
 * and the timer brings the next; only a large amount does not wait for it.
 */
#include <outcome/tell.h>

#include <string.h>

#include <base/list.h>
#include <model/function.h>
#include <outcome/record_json.h>
#include <outcome/tally.h>

#define CHUNK_SIZE 4000         /* of the loop's; with its head a page */
#define TEXT_MAX (1024 * 1024)  /* of one line; what is longer is cut */
#define TYPE_MAX (sizeof(((struct fa_record *)NULL)->error_type) - 1)
#define PERIOD_NS 10000000
#define LARGE (32 * 1024)       /* bytes that are told without waiting, while the cache has them */
#define SPARES (LARGE / CHUNK_SIZE + 4) /* a turn of the loop adds some before the flush */

enum { IDLE, LATER, QUEUED };

struct fa_chunk {
	struct fa_post_node node; /* first */
	uint32_t used, size;
	_Alignas(8) char data[];
};

enum kind { CONTEXT, RECORD, LINE, POINT };

struct entry {
	uint32_t size; /* to the next */
	uint16_t kind;
	int16_t level;
};

struct context {
	struct entry entry;
	struct fa_version *version; /* one reference */
	char stream[];
};

struct record { /* as far as fa_record_size(); its trace follows */
	struct entry entry;
	struct fa_record record;
};

struct line {
	struct entry entry;
	int64_t unix_ms;
	size_t len;
	char request_id[40];
	char text[];
};

struct point {
	struct entry entry;
	const char *name, *unit;
	double value;
	int64_t unix_ms;
};

/* ---- any thread: putting in ------------------------------------------ */

static size_t whole(size_t size)
{
	return (size + 7) & ~(size_t)7;
}

static struct fa_chunk *create(struct fa_tell *tell, size_t size)
{
	struct fa_chunk *chunk = fa_alloc_dirty(tell->mem, sizeof(*chunk) + size);

	if (!chunk) {
		atomic_fetch_add_explicit(&tell->lost, 1, memory_order_relaxed);
		return NULL;
	}
	chunk->used = 0;
	chunk->size = (uint32_t)size;
	return chunk;
}

static void *put(struct fa_chunk *chunk, enum kind kind, size_t size)
{
	struct entry *entry = (struct entry *)(chunk->data + chunk->used);

	entry->size = (uint32_t)size;
	entry->kind = (uint16_t)kind;
	chunk->used += entry->size;
	return entry;
}

static size_t context_size(const char *stream)
{
	return whole(sizeof(struct context) + strlen(stream) + 1);
}

static struct context *put_context(struct fa_chunk *chunk, struct fa_version *version,
				   const char *stream, size_t size)
{
	struct context *context = put(chunk, CONTEXT, size);

	fa_version_ref(version);
	context->version = version;
	memcpy(context->stream, stream, strlen(stream) + 1);
	return context;
}

static void schedule(struct fa_tell *tell, size_t bytes)
{
	size_t pending = atomic_fetch_add(&tell->pending, bytes) + bytes;
	int state = atomic_load(&tell->state);

	if (state == QUEUED || (state == LATER && pending < LARGE))
		return;
	if (atomic_compare_exchange_strong(&tell->state, &state, QUEUED))
		fa_loop_call(tell->loop, &tell->flush);
}

static void publish(struct fa_tell *tell, struct fa_chunk *chunk)
{
	size_t size = chunk->size; /* the chunk may be gone once pushed */

	fa_post_push(&tell->queue, &chunk->node);
	schedule(tell, size);
}

static bool is_newest(const struct fa_tell *tell, const struct fa_chunk *chunk)
{
	return chunk &&
	       atomic_load_explicit(&tell->queue.top, memory_order_relaxed) == &chunk->node;
}

/* [loop] */
static struct fa_chunk *create_open(struct fa_tell *tell, size_t size)
{
	struct fa_chunk *chunk = tell->spare;

	if (size > CHUNK_SIZE || !chunk)
		return create(tell, size > CHUNK_SIZE ? size : CHUNK_SIZE);
	tell->spare = (struct fa_chunk *)chunk->node.next;
	tell->spares--;
	chunk->used = 0;
	return chunk;
}

/* [loop] The open chunk, with room for `size` bytes in this context. */
static struct fa_chunk *continue_open(struct fa_tell *tell, struct fa_version *version,
				      const char *stream, size_t size)
{
	struct fa_chunk *chunk = tell->open;
	bool newest = is_newest(tell, chunk);
	size_t left = newest ? chunk->size - chunk->used : 0, more;

	if (left >= size && tell->open_version == version && !strcmp(tell->open_stream, stream))
		return chunk;
	more = context_size(stream);
	if (left < more + size) {
		chunk = create_open(tell, more + size);
		if (!chunk)
			return NULL;
		tell->open = chunk;
		publish(tell, chunk);
	}
	tell->open_version = version;
	tell->open_stream = put_context(chunk, version, stream, more)->stream;
	return chunk;
}

/* A chunk with room for `size` bytes; finish() it when they are written. */
static struct fa_chunk *begin(struct fa_tell *tell, bool here, struct fa_version *version,
			      const char *stream, size_t size)
{
	struct fa_chunk *chunk;
	size_t more;

	if (here)
		return continue_open(tell, version, stream, size);
	more = context_size(stream);
	chunk = create(tell, more + size);
	if (chunk)
		put_context(chunk, version, stream, more);
	return chunk;
}

/* What the loop writes to is in the queue already. */
static void finish(struct fa_tell *tell, bool here, struct fa_chunk *chunk)
{
	if (!here)
		publish(tell, chunk);
}

static bool matters(const struct fa_tell *tell, enum fa_record_kind kind)
{
	if (kind == FA_RECORD_END)
		return fa_tell_listening(tell);
	if (kind == FA_RECORD_THROTTLE)
		return tell->on_metric;
	return tell->on_log;
}

/* Two pieces whose sizes are known become a few stores; one of either size, a slow loop. */
static void clear(struct fa_record *record, enum fa_record_kind kind)
{
	memset(record, 0, offsetof(struct fa_record, memory_mb));
	if (kind != FA_RECORD_START)
		memset(&record->memory_mb, 0,
		       offsetof(struct fa_record, error_type) -
			       offsetof(struct fa_record, memory_mb));
}

static void put_type(struct fa_record *record, const char *type, size_t len)
{
	if (len)
		memcpy(record->error_type, type, len);
	record->error_type[len] = '\0';
}

static const char *put_behind(struct fa_record *record, size_t size, const char *text, size_t len)
{
	return len ? memcpy((char *)record + size, text, len) : NULL;
}

/* It is written where it is read: to copy what was just written by the word takes longer. */
struct fa_telling fa_tell_record_begin(struct fa_tell *tell, struct fa_version *version,
				       const char *stream, enum fa_record_kind kind,
				       const char *error_type, const char *trace)
{
	bool here = fa_loop_here(tell->loop);
	size_t type = error_type ? strnlen(error_type, TYPE_MAX) : 0;
	size_t behind = trace ? strlen(trace) + 1 : 0, size = fa_record_size(kind, type);
	size_t room = whole(sizeof(struct entry) + size + behind);
	struct fa_telling telling = { NULL, NULL };
	struct fa_record *record;
	struct fa_chunk *chunk;

	if (!matters(tell, kind))
		return telling;
	chunk = begin(tell, here, version, stream ? stream : "", room);
	if (!chunk)
		return telling;
	record = &((struct record *)put(chunk, RECORD, room))->record;
	clear(record, kind);
	record->kind = (uint8_t)kind;
	if (kind != FA_RECORD_START)
		put_type(record, error_type, type);
	record->trace = put_behind(record, size, trace, behind);
	telling.record = record;
	if (!here)
		telling.chunk = chunk;
	return telling;
}

void fa_tell_record_end(struct fa_tell *tell, const struct fa_telling *telling)
{
	if (telling->chunk)
		publish(tell, telling->chunk);
}

void fa_tell_line(struct fa_tell *tell, struct fa_version *version, const char *stream,
		  const char *request_id, int level, const char *text, size_t len, int64_t unix_ms)
{
	bool here = fa_loop_here(tell->loop);
	struct fa_chunk *chunk;
	struct line *to;
	size_t size;

	if (!tell->on_log)
		return;
	if (len > TEXT_MAX)
		len = TEXT_MAX;
	size = whole(sizeof(*to) + len);
	chunk = begin(tell, here, version, stream ? stream : "", size);
	if (!chunk)
		return;
	to = put(chunk, LINE, size);
	to->entry.level = (int16_t)(level < 0 ? FAAS_INFO : level);
	to->unix_ms = unix_ms;
	to->len = len;
	strncpy(to->request_id, request_id ? request_id : "", sizeof(to->request_id) - 1);
	to->request_id[sizeof(to->request_id) - 1] = '\0';
	if (len)
		memcpy(to->text, text, len);
	finish(tell, here, chunk);
}

void fa_tell_metric(struct fa_tell *tell, struct fa_version *version, const char *name,
		    const char *unit, double value, int64_t unix_ms)
{
	bool here = fa_loop_here(tell->loop);
	struct fa_chunk *chunk;
	struct point *to;

	if (!tell->on_metric)
		return;
	chunk = begin(tell, here, version, "", sizeof(*to));
	if (!chunk)
		return;
	to = put(chunk, POINT, sizeof(*to));
	to->name = name;
	to->unit = unit;
	to->value = value;
	to->unix_ms = unix_ms;
	finish(tell, here, chunk);
}

/* ---- the loop: telling ----------------------------------------------- */

enum leave { UNASKED, GRANTED, REFUSED };

struct round {
	struct fa_tell *tell;
	struct fa_version *version; /* the context's */
	enum leave leave;           /* whether its lines are told: asked when there is one */
	struct faas_log log;        /* what the next line shares with the last one stays */
	struct fa_lines lines;      /* so it does in them */
	struct fa_tally tally;
};

static void call_back(struct round *round, int level, const char *text, size_t len)
{
	struct fa_tell *tell = round->tell;

	round->log.level = (enum faas_level)level;
	round->log.text = (struct faas_bytes){ text, len };
	tell->on_log(tell->data, &round->log);
}

static void ask(struct round *round)
{
	struct fa_tell *tell = round->tell;
	char why[512];

	why[0] = '\0';
	round->leave = GRANTED;
	if (!tell->may_log || tell->may_log(tell->judge, round->version, why, sizeof(why)))
		return;
	round->leave = REFUSED;
	if (why[0])
		call_back(round, FAAS_WARN, why, strlen(why));
}

static void tell_line(struct round *round, int level, const char *text, size_t len)
{
	if (round->leave == UNASKED)
		ask(round);
	if (round->leave == GRANTED)
		call_back(round, level, text, len);
}

static void name_line(struct round *round, const char *request_id, int64_t unix_ms)
{
	round->log.request_id = *request_id ? request_id : NULL;
	round->log.time_ms = unix_ms;
}

/* An event that was short left one record for all of its lines. */
static bool tells_its_start(const struct fa_record *record)
{
	return record->kind == FA_RECORD_END && record->start_ms;
}

/* In the format of its function. */
static void tell_json_line(void *data, enum faas_level level, const struct fa_record *record,
			   const char *text, size_t len)
{
	(void)record;
	tell_line(data, level, text, len);
}

static void tell_json(struct round *round, const struct fa_record *record)
{
	name_line(round, record->request_id, record->unix_ms);
	fa_render_json(record, round->version, tell_json_line, round);
}

static void tell_start_as_json(struct round *round, const struct fa_record *record)
{
	struct fa_record start;

	memset(&start, 0, fa_record_size(FA_RECORD_START, 0));
	start.kind = FA_RECORD_START;
	start.restored = record->restored;
	start.unix_ms = record->start_ms;
	start.trace = record->trace;
	memcpy(start.request_id, record->request_id, sizeof(start.request_id));
	tell_json(round, &start);
}

static void tell_text(struct round *round, struct faas_bytes text)
{
	tell_line(round, FAAS_INFO, text.data, text.len);
}

static void tell_start(struct round *round, const struct fa_record *record, int64_t unix_ms)
{
	name_line(round, record->request_id, unix_ms);
	tell_text(round, fa_lines_start(&round->lines));
}

static void tell_end(struct round *round, const struct fa_record *record)
{
	name_line(round, record->request_id, record->unix_ms);
	tell_text(round, fa_lines_end(&round->lines));
	tell_text(round, fa_lines_report(&round->lines, record));
}

static void tell_init(struct round *round, const struct fa_record *record)
{
	char text[FA_REPORT_MAX];

	name_line(round, record->request_id, record->unix_ms);
	tell_line(round, FAAS_INFO, text, fa_render_init_report(text, record));
}

static void tell_json_lines(struct round *round, const struct fa_record *record)
{
	if (tells_its_start(record))
		tell_start_as_json(round, record);
	tell_json(round, record);
}

static void tell_text_lines(struct round *round, const struct fa_record *record)
{
	fa_lines_record(&round->lines, record);
	if (tells_its_start(record))
		tell_start(round, record, record->start_ms);
	if (record->kind == FA_RECORD_START)
		tell_start(round, record, record->unix_ms);
	else if (record->kind == FA_RECORD_END)
		tell_end(round, record);
	else if (record->kind == FA_RECORD_INIT)
		tell_init(round, record);
}

static void tell_record_lines(struct round *round, const struct fa_record *record)
{
	if (round->version->logging.json)
		tell_json_lines(round, record);
	else
		tell_text_lines(round, record);
}

static void tell_record(struct round *round, const struct fa_record *record)
{
	if (round->tell->on_log)
		tell_record_lines(round, record);
	if (round->tell->on_metric)
		fa_tally_record(&round->tally, round->version, record);
}

static void change_context(struct round *round, const struct context *context)
{
	fa_version_unref(round->version);
	round->version = context->version;
	round->leave = UNASKED;
	round->log.function = context->version->config.name;
	round->log.version = context->version->qualifier;
	round->log.stream = context->stream;
	fa_lines_version(&round->lines, context->version->qualifier);
}

static void tell_entry(struct round *round, const struct entry *entry)
{
	const struct line *line = (const struct line *)entry;
	const struct point *point = (const struct point *)entry;

	switch (entry->kind) {
	case CONTEXT:
		change_context(round, (const struct context *)entry);
		break;
	case RECORD:
		tell_record(round, &((const struct record *)entry)->record);
		break;
	case LINE:
		name_line(round, line->request_id, line->unix_ms);
		tell_line(round, line->entry.level, line->text, line->len);
		break;
	default:
		fa_tally_add(&round->tally, round->version, point->name, point->unit, point->value,
			     point->unix_ms);
		break;
	}
}

/* The next round needs as many: the allocator is spared page faults, not calls. */
static void keep(struct fa_tell *tell, struct fa_chunk *chunk)
{
	if (chunk->size != CHUNK_SIZE || tell->spares == SPARES) {
		fa_free(chunk);
		return;
	}
	chunk->node.next = (struct fa_post_node *)tell->spare;
	tell->spare = chunk;
	tell->spares++;
}

static void free_spares(struct fa_tell *tell)
{
	while (tell->spare) {
		struct fa_chunk *chunk = tell->spare;

		tell->spare = (struct fa_chunk *)chunk->node.next;
		fa_free(chunk);
	}
	tell->spares = 0;
}

static void tell_chunk(struct round *round, struct fa_chunk *chunk)
{
	for (uint32_t at = 0; at < chunk->used;) {
		const struct entry *entry = (const struct entry *)(chunk->data + at);

		tell_entry(round, entry);
		at += entry->size;
	}
	fa_version_unref(round->version);
	round->version = NULL;
	keep(round->tell, chunk);
}

/* Returns whether there was anything. */
static bool tell_all(struct fa_tell *tell)
{
	struct fa_post_node *node = fa_post_take(&tell->queue), *next;
	struct round round;

	tell->open = NULL;
	atomic_store_explicit(&tell->pending, 0, memory_order_relaxed);
	if (!node)
		return false;
	round.tell = tell;
	round.version = NULL;
	round.log = (struct faas_log){ .size = sizeof(round.log) };
	fa_lines_init(&round.lines);
	fa_tally_init(&round.tally, tell->on_metric, tell->data);
	for (; node; node = next) {
		next = node->next;
		tell_chunk(&round, (struct fa_chunk *)node);
	}
	fa_tally_tell(&round.tally);
	return true;
}

/* ---- the loop: when -------------------------------------------------- */

static void rest(struct fa_tell *tell)
{
	fa_loop_timer_stop(tell->loop, &tell->later);
	free_spares(tell);
	atomic_store(&tell->state, IDLE);
	/* Who pushed before that saw another state and queued nothing. */
	if (atomic_load(&tell->queue.top))
		schedule(tell, 0);
}

/* The state is QUEUED: nobody else queues the flush meanwhile. */
static void flush(struct fa_tell *tell)
{
	int64_t due = fa_now(tell->loop->clock) + tell->period_ns;

	if (tell_all(tell) && tell->period_ns &&
	    fa_loop_timer(tell->loop, &tell->later, due) == 0)
		atomic_store(&tell->state, LATER);
	else
		rest(tell);
}

static void on_call(struct fa_call *call)
{
	flush(fa_container(call, struct fa_tell, flush));
}

static void on_later(struct fa_timer *timer)
{
	struct fa_tell *tell = fa_container(timer, struct fa_tell, later);
	int later = LATER;

	if (atomic_compare_exchange_strong(&tell->state, &later, QUEUED))
		flush(tell);
}

void fa_tell_init(struct fa_tell *tell, struct fa_loop *loop, const struct fa_mem *mem,
		  const struct faas_config *config)
{
	*tell = (struct fa_tell){
		.mem = mem,
		.loop = loop,
		.on_log = config->on_log,
		.on_metric = config->on_metric,
		.data = config->data,
		/* a clock that stands still never comes due */
		.period_ns = loop->clock == &fa_clock_real ? PERIOD_NS : 0,
		.flush = { .run = on_call },
		.later = { .on_due = on_later },
	};
}

void fa_tell_finish(struct fa_tell *tell)
{
	if (!tell->loop) /* never begun */
		return;
	fa_loop_timer_stop(tell->loop, &tell->later);
	while (tell_all(tell))
		;
	free_spares(tell);
}
