/* SPDX-License-Identifier: MIT */
/*
 * A directory as a source. What was told of it is an entry of its mapping in the store: a key
 * and the stamp of the file. A key of which inotify says something, or which is met on a walk,
 * is looked at: the entry, then the file; what differs is an event. When the event is accepted
 * the entry is written. So it is all the same whether a change was heard of, or is found after
 * a restart or an overflow: nothing is lost, and what came in between twice is told once. Only
 * what a program was killed with, accepted and not yet noted, is told again.
 *
 * At most one look of a key is on its way (looks.c), so its events keep their order. What waits
 * to be looked at is bounded: beyond that inotify is not read, and what overflows there is a scan.
 */
#include <source/directory.h>
#include <source/looks.h>
#include <source/mapping.h>
#include <source/scan.h>

#include <stdio.h>
#include <string.h>

#include <base/error.h>
#include <base/text.h>

#define BATCH 64            /* keys per operation of the store */
#define QUEUE_MOST 4096     /* keys that wait; a walk goes on below a quarter of that */
#define RECORD_MAX 8192
#define REOPEN_MS 1000      /* a folder that is away is looked for */
#define TICK_MS 10          /* file times are exact to that */
#define RESCAN_MS 60000     /* where not all could be watched, or told */

_Static_assert(sizeof(struct fa_stamp) <= FA_ENTRY_VALUE, "a stamp is the value of an entry");

/* An operation of the store, with the looks that it is for. */
struct batch {
	struct fa_store_op op;
	struct fa_call call;
	struct fa_store_entry entries[BATCH];
	struct fa_look *looks[BATCH];
	struct fa_loop *loop;
	bool open;
};

struct directory {
	struct fa_sources *all;
	struct faas_source *source;
	struct fa_tree tree;
	char path[FA_ADDRESS_MAX];
	char document[64];         /* of the mapping: whose entries are ours */
	struct fa_looks looks;
	struct fa_timer tick;
	struct fa_scans scans;
	bool begun;                /* it is known whether one was over before */
	bool first;                /* none was */
	bool quiet;                /* there was nothing to be told lately */
	struct batch asked, noted;
	struct fa_timer reopen, rescan;
	struct fa_call turn;
	bool turning;
	int64_t sequence;
	int credit;
	bool closed;
};

static void work(struct directory *d);

static struct fa_store *store_of(const struct directory *d)
{
	return d->all->rt->durable.store;
}

/* [loop] Go on, but let others have their turn first. */
static void turn_again(struct directory *d)
{
	if (d->turning)
		return;
	d->turning = true;
	fa_loop_call(&d->all->rt->loop, &d->turn);
}

static void arm(struct directory *d, struct fa_timer *timer, int64_t ms)
{
	struct faas *rt = d->all->rt;

	if (!timer->index && !d->closed)
		fa_loop_timer_sure(&rt->loop, timer, fa_now(rt->clock) + ms * 1000000);
}

static void offer(struct directory *d, const char *key, enum fa_hint hint)
{
	if (fa_looks_offer(&d->looks, key, hint))
		arm(d, &d->rescan, RESCAN_MS);
}

/* ---- operations with looks ------------------------------------------------ */

static void on_stored(struct fa_store_op *op)
{
	struct batch *b = fa_container(op, struct batch, op);

	fa_loop_call(b->loop, &b->call);
}

static void submit(struct directory *d, struct batch *b, enum fa_store_verb verb, int count)
{
	b->op = (struct fa_store_op){ .verb = verb,
				      .entries = b->entries,
				      .entry_count = count,
				      .on_done = on_stored };
	b->loop = &d->all->rt->loop;
	b->op.message.address = (struct faas_bytes){ d->document, strlen(d->document) };
	b->open = true;
	fa_store_submit(store_of(d), &b->op);
}

static void fill(struct batch *b, int at, struct fa_look *look)
{
	b->looks[at] = look;
	b->entries[at].key = (struct faas_bytes){ look->key, strlen(look->key) };
	b->entries[at].len = 0;
}

/* ---- noted ------------------------------------------------------------------ */

static void note(struct directory *d)
{
	struct batch *b = &d->noted;
	struct fa_look *look;
	int n = 0;

	if (b->open)
		return;
	while (n < BATCH && (look = fa_looks_take_note(&d->looks))) {
		fill(b, n, look);
		if (!look->gone) {
			b->entries[n].len = sizeof(look->stamp);
			memcpy(b->entries[n].value, &look->stamp, sizeof(look->stamp));
		}
		n++;
	}
	if (n)
		submit(d, b, FA_STORE_NOTE, n);
}

/* What could not be noted is found to be so again after a restart, and told twice. */
static void on_noted(struct fa_call *call)
{
	struct directory *d = fa_container(call, struct directory, noted.call);
	bool done = d->noted.op.outcome == FA_STORE_DONE;

	d->noted.open = false;
	for (int i = 0; i < d->noted.op.entry_count; i++)
		if (done || d->closed)
			fa_looks_done(&d->looks, d->noted.looks[i]);
		else
			fa_looks_note(&d->looks, d->noted.looks[i]);
	if (done || d->closed)
		work(d);
	else
		arm(d, &d->reopen, REOPEN_MS);
}

/* ---- told --------------------------------------------------------------------- */

/* Of one key they grow, also from one program to the next. */
static int64_t next_sequence(struct directory *d, const struct fa_look *look)
{
	int64_t now = look->stamp.looked_ns;

	if (!now)
		now = fa_clock_real.unix_ms(&fa_clock_real) * 1000000;
	d->sequence = now > d->sequence ? now : d->sequence + 1;
	return d->sequence;
}

static void tell(struct directory *d, struct fa_look *look, enum fa_directory_event event)
{
	const struct fa_mapping *m = d->source->mapping;
	char record[RECORD_MAX];
	struct fa_text out = FA_TEXT(record);

	if (!fa_directory_wants(m->config, look->key, event)) {
		fa_looks_note(&d->looks, look);
		return;
	}
	d->quiet = false;
	if (!d->credit) {
		fa_looks_put_back(&d->looks, look);
		return;
	}
	fa_directory_write(&out, m, look->key, event, &look->stamp, next_sequence(d, look));
	d->credit--;
	if (!faas_source_deliver(d->source, FAAS_MESSAGE(.id = (int64_t)(intptr_t)look,
							 .body = { out.data, out.len })))
		return;
	d->credit++;
	fa_looks_done(&d->looks, look);
	arm(d, &d->rescan, RESCAN_MS);
}

/*
 * What was only met may be what was told, though its status has changed since; of what was
 * heard to be written that is known only if the clock has moved between change and look.
 */
static bool is_same(const struct fa_look *look, const struct fa_stamp *known)
{
	const struct fa_stamp *now = &look->stamp;

	return known->inode == now->inode && known->size == now->size &&
	       known->mtime_ns == now->mtime_ns &&
	       (look->hint <= FA_HINT_SCAN ||
		(known->ctime_ns == now->ctime_ns && known->looked_ns > now->ctime_ns));
}

/* What was only met came the way that somebody wants to hear of. */
static enum fa_directory_event how_it_came(const struct directory *d, const struct fa_look *look)
{
	if (look->hint > FA_HINT_SCAN)
		return look->hint == FA_HINT_MOVE ? FA_OBJECT_COPY : FA_OBJECT_PUT;
	return fa_directory_wants(d->source->mapping->config, look->key, FA_OBJECT_PUT) ?
		       FA_OBJECT_PUT :
		       FA_OBJECT_COPY;
}

/*
 * In the tick in which a file was written it is not known what of it was seen. If it was
 * written, that will be heard of; who looks now and is told then would tell twice.
 */
static bool is_too_new(const struct fa_look *look)
{
	return look->hint <= FA_HINT_LINK && look->stamp.ctime_ns >= look->stamp.looked_ns;
}

static void look_later(struct directory *d, struct fa_look *look)
{
	fa_looks_delay(&d->looks, look);
	arm(d, &d->tick, TICK_MS);
}

static void on_tick(struct fa_timer *timer)
{
	struct directory *d = fa_container(timer, struct directory, tick);

	fa_looks_tick(&d->looks);
	work(d);
}

static void decide(struct directory *d, struct fa_look *look, const struct fa_store_entry *entry)
{
	enum fa_found found = fa_tree_look(&d->tree, look->key, look->hint, &look->stamp);
	struct fa_stamp known = { 0 };
	bool is_known = entry->len == sizeof(known);

	if (is_known)
		memcpy(&known, entry->value, sizeof(known));
	look->gone = found == FA_FOUND_NONE;
	if (found == FA_FOUND_UNKNOWN || (look->gone && !is_known) ||
	    (!look->gone && is_known && is_same(look, &known)))
		fa_looks_done(&d->looks, look);
	else if (look->gone)
		tell(d, look, FA_OBJECT_DELETE);
	else if (is_too_new(look))
		look_later(d, look);
	else if (!is_known && look->hint == FA_HINT_OLD &&
		 look->stamp.ctime_ns < fa_directory_begun_ns(d->source->mapping->config))
		fa_looks_note(&d->looks, look);
	else
		tell(d, look, how_it_came(d, look));
}

/* ---- the first scan ----------------------------------------------------------- */

/*
 * Of a new mapping, what a first scan meets and was not changed since is not new. The entry
 * without a name says that this scan is over.
 */
static void begin(struct directory *d, struct fa_look *look, bool is_known)
{
	d->begun = true;
	d->first = !is_known;
	fa_looks_done(&d->looks, look);
}

static void end_first_scan(struct directory *d)
{
	struct fa_look *look;

	if (!d->first || !d->scans.over || d->looks.waiting || d->looks.to_note || d->asked.open ||
	    d->noted.open || !fa_list_empty(&d->looks.too_new))
		return;
	look = fa_looks_add(&d->looks, "");
	if (!look)
		return; /* the next time */
	d->first = false;
	fa_looks_note(&d->looks, look);
	note(d);
}

/* ---- asked ---------------------------------------------------------------------- */

static void ask(struct directory *d)
{
	struct batch *b = &d->asked;
	struct fa_look *look;
	/* where there is nothing to be told, more than could be may be asked for */
	int n = 0, most = d->quiet || d->credit > BATCH ? BATCH : d->credit;

	if (b->open || !d->credit || d->looks.to_note >= QUEUE_MOST / 4 ||
	    d->tree.state == FA_TREE_AWAY)
		return;
	while (n < most && (look = fa_looks_take(&d->looks)))
		fill(b, n++, look);
	if (n)
		submit(d, b, FA_STORE_KNOWN, n);
}

static void on_asked(struct fa_call *call)
{
	struct directory *d = fa_container(call, struct directory, asked.call);
	struct batch *b = &d->asked;
	bool done = b->op.outcome == FA_STORE_DONE;

	b->open = false;
	if (d->closed || !done || !fa_tree_begin(&d->tree)) {
		for (int i = b->op.entry_count; i-- > 0;)
			fa_looks_put_back(&d->looks, b->looks[i]);
		if (!done)
			arm(d, &d->reopen, REOPEN_MS);
		if (d->closed || done)
			work(d);
		return;
	}
	d->quiet = true;
	for (int i = 0; i < b->op.entry_count; i++)
		if (*b->looks[i]->key)
			decide(d, b->looks[i], &b->entries[i]);
		else
			begin(d, b->looks[i], b->entries[i].len);
	fa_tree_end(&d->tree);
	work(d);
}

/* ---- scans ------------------------------------------------------------------------ */

static struct directory *scanned(struct fa_scans *scans)
{
	return fa_container(scans, struct directory, scans);
}

static void add_scan(struct directory *d, const char *prefix)
{
	if (fa_scans_add(&d->scans, prefix))
		arm(d, &d->rescan, RESCAN_MS);
}

static void on_gone(struct fa_scans *scans, const char *key)
{
	offer(scanned(scans), key, FA_HINT_SCAN);
}

/* What is told of now is not noted yet: nobody finds it in a list. */
static void look_again_below(struct fa_scans *scans, const char *prefix)
{
	fa_looks_again_below(&scanned(scans)->looks, prefix);
}

static void on_scan_turn(struct fa_scans *scans, bool failed)
{
	struct directory *d = scanned(scans);

	if (failed && !d->closed)
		arm(d, &d->reopen, REOPEN_MS);
	else
		turn_again(d);
}

static void on_blind(struct fa_scans *scans)
{
	arm(scanned(scans), &scanned(scans)->rescan, RESCAN_MS);
}

/* ---- the folder ---------------------------------------------------------------------- */

static struct directory *owner(struct fa_tree *tree)
{
	return fa_container(tree, struct directory, tree);
}

static void on_key(struct fa_tree *tree, const char *key, enum fa_hint hint)
{
	struct directory *d = owner(tree);

	if (hint == FA_HINT_SCAN && d->first && fa_scans_all(&d->scans))
		hint = FA_HINT_OLD;
	offer(d, key, hint);
}

static void on_folder(struct fa_tree *tree, const char *prefix)
{
	add_scan(owner(tree), prefix);
}

static void on_ready(struct fa_watch *watch, uint32_t events)
{
	struct directory *d = fa_container(watch, struct directory, tree.watch);

	(void)events;
	d->tree.more = true;
	work(d);
}

static void begin_all(struct directory *d)
{
	if (fa_scans_restart(&d->scans))
		arm(d, &d->rescan, RESCAN_MS);
}

static void open_again(struct directory *d)
{
	if (!fa_tree_open(&d->tree))
		begin_all(d);
	else
		arm(d, &d->reopen, REOPEN_MS);
}

static void hear(struct directory *d)
{
	while (d->tree.more && d->looks.waiting < QUEUE_MOST) {
		fa_tree_read(&d->tree);
		if (d->tree.state == FA_TREE_DELETED)
			begin_all(d);
	}
}

static void free_if_unused(struct directory *d)
{
	struct fa_sources *all = d->all;

	if (d->asked.open || d->noted.open || d->scans.open || d->turning || d->looks.to_note)
		return;
	fa_looks_finish(&d->looks);
	fa_scans_finish(&d->scans);
	fa_tree_finish(&d->tree);
	fa_free(d);
	fa_source_closed(all);
}

/* Whatever can go on does. */
static void work(struct directory *d)
{
	note(d);
	if (d->closed) {
		free_if_unused(d);
		return;
	}
	hear(d);
	if (d->tree.state != FA_TREE_OPEN && !d->reopen.index)
		open_again(d);
	if (d->begun && d->looks.waiting < QUEUE_MOST / 4)
		fa_scans_step(&d->scans);
	ask(d);
	end_first_scan(d);
}

static void on_turn(struct fa_call *call)
{
	struct directory *d = fa_container(call, struct directory, turn);

	d->turning = false;
	work(d);
}

static void on_reopen(struct fa_timer *timer)
{
	work(fa_container(timer, struct directory, reopen));
}

static void on_rescan(struct fa_timer *timer)
{
	struct directory *d = fa_container(timer, struct directory, rescan);

	add_scan(d, "");
	work(d);
}

/* ---- the source -------------------------------------------------------------------------- */

static void init(struct directory *d, struct faas_source *source, const char *path)
{
	struct faas *rt = source->mapping->all->rt;

	d->all = source->mapping->all;
	d->source = source;
	snprintf(d->path, sizeof(d->path), "%s", path);
	snprintf(d->document, sizeof(d->document), FA_MAPPING_DOCUMENT "%s",
		 source->mapping->uuid);
	fa_looks_init(&d->looks, &rt->mem);
	fa_tree_init(&d->tree, &rt->mem, &rt->loop, d->path);
	d->tree.watch.on_ready = on_ready;
	d->tree.on_key = on_key;
	d->tree.on_folder = on_folder;
	d->asked.call.run = on_asked;
	d->noted.call.run = on_noted;
	fa_scans_init(&d->scans, &d->tree, store_of(d), d->document);
	d->scans.on_key = on_gone;
	d->scans.on_list = look_again_below;
	d->scans.on_turn = on_scan_turn;
	d->scans.on_blind = on_blind;
	d->turn.run = on_turn;
	d->tick.on_due = on_tick;
	d->reopen.on_due = on_reopen;
	d->rescan.on_due = on_rescan;
}

static int open_directory(struct faas_source *source, const char *address, void **state,
			  struct faas_error *err)
{
	struct directory *d = fa_alloc(&source->mapping->all->rt->mem, sizeof(*d));

	if (!d)
		return fa_error_nomem(err);
	init(d, source, address + strlen("dir:"));
	offer(d, "", FA_HINT_OLD); /* the first look: see begin() */
	open_again(d);
	*state = d;
	return 0;
}

static void want(void *state, int n)
{
	struct directory *d = state;

	d->credit += n;
	turn_again(d);
}

/* What was not accepted is as it was: it is found again. */
static void settle(void *state, const struct faas_settled *settled, int count)
{
	struct directory *d = state;

	for (int i = 0; i < count; i++) {
		struct fa_look *look = (struct fa_look *)(intptr_t)settled[i].id;

		if (settled[i].done) {
			fa_looks_note(&d->looks, look);
			continue;
		}
		fa_looks_done(&d->looks, look);
		arm(d, &d->rescan, RESCAN_MS);
	}
	turn_again(d);
}

static void close_directory(void *state)
{
	struct directory *d = state;

	d->closed = true;
	fa_loop_timer_stop(&d->all->rt->loop, &d->tick);
	fa_loop_timer_stop(&d->all->rt->loop, &d->reopen);
	fa_loop_timer_stop(&d->all->rt->loop, &d->rescan);
	fa_scans_finish(&d->scans);
	fa_tree_close(&d->tree, FA_TREE_AWAY);
	work(d);
}

static int write_record(struct fa_text *out, const struct fa_mapping *m,
			const struct fa_message *message)
{
	(void)m;
	fa_text_bytes(out, message->body.data, message->body.len);
	return 0;
}

const struct fa_source_kind fa_directory_source = {
	.impl = { .size = sizeof(struct faas_source_impl), .scheme = "dir",
		  .open = open_directory, .want = want, .settle = settle,
		  .close = close_directory },
	.name = "aws:s3",
	.service = "S3",
	.batch_size = 1,
	.batch_most = 1,
	.pushes = true,
	.lingers = true,
	.check = fa_directory_check,
	.fits = fa_directory_fits,
	.record = write_record,
	.members = (const char *const[]){ "Events", "Filter", "Existing", NULL },
};
