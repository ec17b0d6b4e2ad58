/* SPDX-License-Identifier: MIT */
/*
 * Which keys of a directory are on their way, and where. A key waits, then it is busy, with its
 * owner, and at the end it is noted. What is heard of it meanwhile is remembered in it, so that
 * two events of one key are never on their way at once.
 */
#include <source/looks.h>

#include <string.h>

static void enqueue(struct fa_looks *looks, struct fa_look *look)
{
	fa_list_append(&looks->queue, &look->link);
	looks->waiting++;
}

static struct fa_look *add(struct fa_looks *looks, const char *key)
{
	struct fa_look *look = fa_alloc(looks->all.mem, sizeof(*look) + strlen(key) + 1);

	if (!look)
		return NULL;
	fa_list_init(&look->link);
	strcpy(look->key, key);
	if (!fa_map_add(&looks->all, look->key, look))
		return look;
	fa_free(look);
	return NULL;
}

void fa_looks_init(struct fa_looks *looks, const struct fa_mem *mem)
{
	fa_map_init(&looks->all, mem);
	fa_list_init(&looks->queue);
	fa_list_init(&looks->noting);
	fa_list_init(&looks->too_new);
}

void fa_looks_finish(struct fa_looks *looks)
{
	struct fa_look *look;
	uint32_t pos = 0;

	while ((look = fa_map_next(&looks->all, &pos)))
		fa_free(look);
	fa_map_finish(&looks->all);
}

static enum fa_hint stronger(enum fa_hint a, enum fa_hint b)
{
	return a > b ? a : b;
}

static void hear_again(struct fa_look *look, enum fa_hint hint)
{
	look->next_hint = look->again ? stronger(look->next_hint, hint) : hint;
	look->again = true;
}

int fa_looks_offer(struct fa_looks *looks, const char *key, enum fa_hint hint)
{
	struct fa_look *look = fa_map_get(&looks->all, key, strlen(key));

	if (look && look->busy) {
		hear_again(look, hint);
		return 0;
	}
	if (look) {
		look->hint = stronger(look->hint, hint);
		return 0;
	}
	look = add(looks, key);
	if (!look)
		return -1;
	look->hint = hint;
	enqueue(looks, look);
	return 0;
}

void fa_looks_again_below(struct fa_looks *looks, const char *prefix)
{
	size_t len = strlen(prefix);
	struct fa_look *look;
	uint32_t pos = 0;

	while ((look = fa_map_next(&looks->all, &pos)))
		if (look->busy && !strncmp(look->key, prefix, len))
			hear_again(look, FA_HINT_SCAN);
}

static struct fa_look *pop(struct fa_list *list, int *count)
{
	struct fa_list *pos = fa_list_pop(list);

	if (pos)
		--*count;
	return pos ? fa_container(pos, struct fa_look, link) : NULL;
}

struct fa_look *fa_looks_take(struct fa_looks *looks)
{
	struct fa_look *look = pop(&looks->queue, &looks->waiting);

	if (look)
		look->busy = true;
	return look;
}

/* It waits, also for what was heard of it meanwhile. */
static void wait_for_both(struct fa_look *look)
{
	if (look->again)
		look->hint = stronger(look->hint, look->next_hint);
	look->busy = look->again = false;
}

void fa_looks_put_back(struct fa_looks *looks, struct fa_look *look)
{
	wait_for_both(look);
	fa_list_push(&looks->queue, &look->link);
	looks->waiting++;
}

void fa_looks_delay(struct fa_looks *looks, struct fa_look *look)
{
	wait_for_both(look);
	fa_list_append(&looks->too_new, &look->link);
}

void fa_looks_tick(struct fa_looks *looks)
{
	struct fa_list *pos;

	while ((pos = fa_list_pop(&looks->too_new)))
		enqueue(looks, fa_container(pos, struct fa_look, link));
}

void fa_looks_note(struct fa_looks *looks, struct fa_look *look)
{
	fa_list_append(&looks->noting, &look->link);
	looks->to_note++;
}

struct fa_look *fa_looks_take_note(struct fa_looks *looks)
{
	return pop(&looks->noting, &looks->to_note);
}

struct fa_look *fa_looks_add(struct fa_looks *looks, const char *key)
{
	struct fa_look *look = add(looks, key);

	if (look)
		look->busy = true;
	return look;
}

void fa_looks_done(struct fa_looks *looks, struct fa_look *look)
{
	if (look->again) {
		look->hint = look->next_hint;
		look->again = look->busy = look->gone = false;
		enqueue(looks, look);
		return;
	}
	fa_map_remove(&looks->all, look->key);
	fa_free(look);
}
