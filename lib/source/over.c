/* SPDX-License-Identifier: MIT */
/*
 * A mapping that has done what it was for is written down as disabled, or deleted. Both are
 * changes: they wait for others, and for the disk, so a thread makes them and the loop goes on.
 * Meanwhile the mapping stays. What is asked for of it in that time counts: the change finds
 * another configuration than the loop did, and leaves it alone.
 */
#include <source/fan.h>

#include <string.h>

#include <control/control.h>

static void on_over(struct fa_chore *chore);

static void on_thread(struct fa_chore *chore)
{
	fa_mapping_conclude(fa_container(chore, struct fa_mapping, over.chore));
}

/* The sources are not closed before it is done. */
static void begin(struct fa_mapping *m, enum fa_mapping_end what)
{
	m->over.doing = what;
	m->over.next = FA_END_NONE;
	m->over.adopted = m->adopted;
	m->over.arn[0] = '\0';
	if (m->config->push)
		m->config->kind->fan->arn(m->over.arn, m);
	m->over.chore.run = on_thread;
	m->over.chore.done = on_over;
	m->all->open++;
	fa_chores_add(&m->all->rt->chores, &m->over.chore);
}

static void on_over(struct fa_chore *chore)
{
	struct fa_mapping *m = fa_container(chore, struct fa_mapping, over.chore);
	struct fa_sources *all = m->all;

	m->over.doing = FA_END_NONE;
	if (m->over.forgets)
		fa_mapping_forget(m);
	else if (m->over.next == FA_END_COMPLETES)
		fa_mapping_complete(m);
	else if (m->over.next == FA_END_RETIRES)
		fa_mapping_retire(m);
	fa_source_closed(all);
}

/* One that is complete already is on its way to be disabled. */
void fa_mapping_complete(struct fa_mapping *m)
{
	if (m->over.doing)
		m->over.next = FA_END_COMPLETES;
	else if (m->config->enabled)
		begin(m, FA_END_COMPLETES);
}

static bool is_to_go(const struct fa_mapping *m)
{
	const struct fa_document *document = m->config->document;
	const char *then = fa_control_text(document, "ActionAfterCompletion");

	return fa_document_get(document, "Completed") && then && !strcmp(then, "DELETE");
}

void fa_mapping_retire(struct fa_mapping *m)
{
	if (m->all->closing || !is_to_go(m))
		return;
	if (m->over.doing)
		m->over.next = FA_END_RETIRES;
	else
		begin(m, FA_END_RETIRES);
}

bool fa_mapping_is_held(struct fa_mapping *m)
{
	m->over.forgets = m->over.doing;
	return m->over.doing;
}
