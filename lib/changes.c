/* SPDX-License-Identifier: MIT */
/*
 * All that a change touches, of whatever family, is written by one commit, and becomes true
 * behind it. What comes to be without a change, as the end of a build does, is written with the
 * next commit, whatever that is about: so the last thing written of something is the last thing
 * that happened to it.
 */
#include <changes.h>

#include <string.h>

#include <base/error.h>
#include <code.h>
#include <model/change.h>

static const struct fa_family *const families[] = {
	&fa_account_family,
	&fa_function_family,
	&fa_layer_family,
	&fa_resource_family,
	&fa_mapping_family,
};
#define FAMILIES (sizeof(families) / sizeof(*families))

/* ---- pages --------------------------------------------------------------- */

static bool make_room(struct fa_pages *pages)
{
	int room = pages->room ? pages->room * 2 : 4;
	struct fa_store_document *list;

	if (pages->count < pages->room)
		return true;
	list = fa_alloc(pages->mem, sizeof(*list) * (size_t)room);
	if (!list)
		return false;
	if (pages->count)
		memcpy(list, pages->list, sizeof(*list) * (size_t)pages->count);
	fa_free(pages->list);
	pages->list = list;
	pages->room = room;
	return true;
}

struct fa_store_document *fa_pages_add(struct fa_pages *pages, const char *name, char *text)
{
	char *copy = make_room(pages) ? fa_strdup(pages->mem, name) : NULL;
	struct fa_store_document *page;

	if (!copy) {
		fa_free(text);
		return NULL;
	}
	page = &pages->list[pages->count++];
	page->name = (struct faas_bytes){ copy, strlen(copy) };
	page->body = (struct faas_bytes){ text, text ? strlen(text) : 0 };
	return page;
}

static void free_pages(struct fa_pages *pages)
{
	for (int i = 0; i < pages->count; i++) {
		fa_free((void *)pages->list[i].name.data);
		fa_free((void *)pages->list[i].body.data);
	}
	fa_free(pages->list);
}

/* ---- a change ------------------------------------------------------------ */

int fa_change_may(struct faas *rt, struct faas_error *err)
{
	if (!rt->durable.lasts || fa_store_is_well(rt->durable.store))
		return 0;
	return fa_error(err, FAAS_ESYSTEM,
			"nothing was changed, for the state_dir cannot be written now");
}

int fa_change_prepare(struct faas *rt, struct faas_error *err)
{
	int rc = fa_change_may(rt, err);

	if (!rc)
		fa_change_begin(&rt->registry);
	return rc;
}

static int put_pages(struct faas *rt, const struct fa_pages *pages, struct faas_error *err)
{
	struct fa_store_op op = { .verb = FA_STORE_CHANGE,
				  .insists = true,
				  .documents = pages->list,
				  .document_count = pages->count };
	enum fa_store_outcome outcome = FA_STORE_DONE;

	if (pages->count)
		outcome = fa_store_perform(rt->durable.store, &op);
	return outcome == FA_STORE_DONE ? 0 :
		fa_error(err, outcome == FA_STORE_UNKNOWN ? FAAS_EUNKNOWN : FAAS_ESYSTEM,
			 "nothing was changed, for the state_dir could not be written");
}

/* Whatever becomes true then does so without fail. */
static int commit(struct faas *rt, struct faas_error *err)
{
	struct fa_pages pages = { .mem = &rt->mem };
	int rc = 0;

	for (size_t i = 0; !rc && i < FAMILIES; i++)
		rc = families[i]->write(rt, &pages, err);
	if (!rc)
		rc = put_pages(rt, &pages, err);
	free_pages(&pages);
	return rc;
}

/* If that fails, the next one tries again. */
static void scrub(struct faas *rt)
{
	struct fa_store_op op = { .verb = FA_STORE_SCRUB };

	if (!atomic_exchange(&rt->durable.scrub, false))
		return;
	if (fa_store_perform(rt->durable.store, &op) != FA_STORE_DONE)
		atomic_store(&rt->durable.scrub, true);
}

/* ---- what could not be written ------------------------------------------- */

#define PAUSE_MS 1000
#define PAUSE_MAX_MS 60000

void fa_remember_later(struct faas *rt)
{
	if (atomic_load(&rt->registry.unwritten) && !atomic_exchange(&rt->rewrite.asked, true))
		fa_loop_call(&rt->loop, &rt->rewrite.call);
}

static void on_asked(struct fa_call *call)
{
	struct faas *rt = fa_container(call, struct faas, rewrite.call);
	int64_t pause_ns = rt->rewrite.pause_ms * 1000000;

	if (!fa_is_closing(rt))
		fa_loop_timer_sure(&rt->loop, &rt->rewrite.due, fa_now(rt->clock) + pause_ns);
}

static void on_due(struct fa_timer *timer)
{
	struct faas *rt = fa_container(timer, struct faas, rewrite.due);

	if (!fa_enter(rt, NULL))
		fa_chores_add(&rt->chores, &rt->rewrite.chore);
}

static void rewrite(struct fa_chore *chore)
{
	fa_remember(fa_container(chore, struct faas, rewrite.chore), NULL);
}

static void on_rewritten(struct fa_chore *chore)
{
	struct faas *rt = fa_container(chore, struct faas, rewrite.chore);
	int64_t longer = rt->rewrite.pause_ms * 2;

	if (!atomic_load(&rt->registry.unwritten))
		longer = PAUSE_MS;
	rt->rewrite.pause_ms = longer < PAUSE_MAX_MS ? longer : PAUSE_MAX_MS;
	atomic_store(&rt->rewrite.asked, false);
	fa_remember_later(rt);
	fa_leave(rt);
}

void fa_changes_init(struct faas *rt)
{
	rt->rewrite.call.run = on_asked;
	rt->rewrite.due.on_due = on_due;
	rt->rewrite.chore.run = rewrite;
	rt->rewrite.chore.done = on_rewritten;
	rt->rewrite.pause_ms = PAUSE_MS;
}

/* ---- the end of a change ---------------------------------------------------- */

int fa_change_close(struct faas *rt, int rc, struct faas_error *err)
{
	if (!rc)
		rc = commit(rt, err);
	for (size_t i = 0; i < FAMILIES; i++)
		families[i]->settle(rt, rc);
	if (!rc && rt->durable.lasts)
		scrub(rt);
	fa_change_end(&rt->registry);
	if (rc) {
		fa_remember_later(rt);
	} else {
		fa_sources_functions(rt);
		fa_code_sweep(rt);
	}
	return rc;
}

int fa_remember(struct faas *rt, struct faas_error *err)
{
	fa_change_begin(&rt->registry);
	return fa_change_close(rt, 0, err);
}
