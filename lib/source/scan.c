/* SPDX-License-Identifier: MIT */
/* A turn takes some names of a walk or a page of entries, so that the loop is nobody's alone. */
#include <source/scan.h>

#include <stdio.h>
#include <string.h>

#define NAMES 64
#define PAGE 256
#define SCANS_MOST 256 /* beyond that all is scanned */

struct scan {
	struct fa_list link;
	char prefix[];
};

static const struct scan *first(const struct fa_scans *s)
{
	return fa_list_empty(&s->waiting) ? NULL :
					    fa_container(s->waiting.next, struct scan, link);
}

static bool runs(const struct fa_scans *s)
{
	return s->walking || s->listing;
}

static void drop(struct fa_scans *s, bool running_too)
{
	struct fa_list *pos, *next;

	fa_list_for_safe(pos, next, &s->waiting) {
		if (!running_too && runs(s) && pos == s->waiting.next)
			continue;
		fa_list_remove(pos);
		fa_free(fa_container(pos, struct scan, link));
		s->count--;
	}
}

static bool waits_for_all(const struct fa_scans *s)
{
	return s->count > runs(s) && !*fa_container(s->waiting.prev, struct scan, link)->prefix;
}

/* One of all makes those needless that have not begun. */
int fa_scans_add(struct fa_scans *s, const char *prefix)
{
	struct scan *scan;

	if (s->count >= SCANS_MOST)
		prefix = "";
	if (waits_for_all(s))
		return 0;
	if (!*prefix)
		drop(s, false);
	scan = fa_alloc(s->tree->mem, sizeof(*scan) + strlen(prefix) + 1);
	if (!scan)
		return FAAS_ENOMEM;
	strcpy(scan->prefix, prefix);
	fa_list_append(&s->waiting, &scan->link);
	s->count++;
	return 0;
}

int fa_scans_restart(struct fa_scans *s)
{
	s->walking = s->listing = false;
	s->stale = s->open;
	drop(s, true);
	return fa_scans_add(s, "");
}

bool fa_scans_all(const struct fa_scans *s)
{
	return runs(s) && !*first(s)->prefix;
}

/* ---- the walk ---------------------------------------------------------- */

static void begin_walk(struct fa_scans *s, const char *prefix)
{
	if (!*prefix)
		s->tree->blind = false;
	s->walking = true;
	fa_tree_walk(s->tree, prefix);
}

static void walk(struct fa_scans *s, const char *prefix)
{
	s->on_turn(s, false);
	if (!fa_tree_begin(s->tree))
		return;
	if (!s->walking)
		begin_walk(s, prefix);
	if (!fa_tree_walk_on(s->tree, NAMES)) {
		s->walking = false;
		s->listing = true;
		snprintf(s->after, sizeof(s->after), "%s%s", prefix, *prefix ? "/" : "");
		s->on_list(s, s->after);
	}
	fa_tree_end(s->tree);
}

/* ---- the entries --------------------------------------------------------- */

static void list(struct fa_scans *s)
{
	s->list_key.key = (struct faas_bytes){ s->after, strlen(s->after) };
	s->list.verb = FA_STORE_LIST;
	s->list.message.address = (struct faas_bytes){ s->document, strlen(s->document) };
	s->list.entries = &s->list_key;
	s->list.max = PAGE;
	s->open = true;
	fa_store_submit(s->store, &s->list);
}

static void on_done(struct fa_store_op *op)
{
	struct fa_scans *s = fa_container(op, struct fa_scans, list);

	fa_loop_call(s->tree->loop, &s->listed);
}

static void look_for(struct fa_scans *s, const char *key)
{
	struct fa_stamp stamp;

	if (fa_tree_look(s->tree, key, FA_HINT_PUT, &stamp) == FA_FOUND_NONE)
		s->on_key(s, key);
	snprintf(s->after, sizeof(s->after), "%s", key);
}

static void end(struct fa_scans *s)
{
	s->over |= fa_scans_all(s);
	s->listing = false;
	fa_free(fa_container(fa_list_pop(&s->waiting), struct scan, link));
	s->count--;
	if (s->tree->blind)
		s->on_blind(s);
}

/* False: there are no more. */
static bool take_page(struct fa_scans *s, const char *prefix)
{
	size_t len = strlen(prefix);
	bool more = false;
	struct fa_list *pos;

	while ((pos = fa_list_pop(&s->list.claimed))) {
		struct fa_fetched *f = fa_container(pos, struct fa_fetched, link);

		more = !strncmp(f->message.address.data, prefix, len);
		if (more)
			look_for(s, f->message.address.data);
		fa_free(f);
	}
	return more;
}

static void drop_page(struct fa_scans *s)
{
	struct fa_list *pos;

	while ((pos = fa_list_pop(&s->list.claimed)))
		fa_free(fa_container(pos, struct fa_fetched, link));
}

static void on_listed(struct fa_call *call)
{
	struct fa_scans *s = fa_container(call, struct fa_scans, listed);
	bool failed = s->list.outcome != FA_STORE_DONE, wanted = !failed && !s->stale;

	s->open = s->stale = false;
	if (!wanted || !s->listing || !fa_tree_begin(s->tree)) {
		drop_page(s);
	} else {
		if (!take_page(s, first(s)->prefix))
			end(s);
		fa_tree_end(s->tree);
	}
	s->on_turn(s, failed);
}

void fa_scans_step(struct fa_scans *s)
{
	const struct scan *scan = first(s);

	if (!scan || s->tree->state == FA_TREE_AWAY)
		return;
	if (!s->listing)
		walk(s, scan->prefix);
	else if (!s->open)
		list(s);
}

void fa_scans_init(struct fa_scans *s, struct fa_tree *tree, struct fa_store *store,
		   const char *document)
{
	s->tree = tree;
	s->store = store;
	s->document = document;
	s->list.on_done = on_done;
	s->listed.run = on_listed;
	fa_list_init(&s->waiting);
}

void fa_scans_finish(struct fa_scans *s)
{
	s->walking = s->listing = false;
	s->stale = s->open;
	drop(s, true);
}
