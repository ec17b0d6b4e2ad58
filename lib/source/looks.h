/* SPDX-License-Identifier: MIT */
#ifndef FA_SOURCE_LOOKS_H
#define FA_SOURCE_LOOKS_H

#include <source/tree.h>

#include <base/list.h>
#include <base/map.h>

/* A key on its way: it waits, is asked for, told of, noted. */
struct fa_look {
	struct fa_list link;    /* in one of the lists, or nowhere while it is busy */
	enum fa_hint hint;      /* why it is looked at */
	bool busy;              /* it does not wait any more */
	bool again;             /* and something was heard of it since */
	enum fa_hint next_hint;
	bool gone;              /* there is no such file */
	struct fa_stamp stamp;  /* what was seen of it */
	char key[];
};

/* [loop] All looks of a directory, at most one of each key. */
struct fa_looks {
	struct fa_map all;
	struct fa_list queue, noting, too_new;
	int waiting, to_note;   /* how many are in the first two */
};

void fa_looks_init(struct fa_looks *looks, const struct fa_mem *mem);
void fa_looks_finish(struct fa_looks *looks);

/*
 * Something is to be looked at. A key that waits already is looked at once, for the stronger
 * reason; one that is busy, once more when it is through. -1 if there is no memory.
 */
int fa_looks_offer(struct fa_looks *looks, const char *key, enum fa_hint hint);
/* Who is busy with a key below this prefix looks once more. */
void fa_looks_again_below(struct fa_looks *looks, const char *prefix);

/* The next that waits, NULL if none does; it is busy now. */
struct fa_look *fa_looks_take(struct fa_looks *looks);
/* It could not be done yet: it is the next one. */
void fa_looks_put_back(struct fa_looks *looks, struct fa_look *look);
/* It cannot be done before the next tick; fa_looks_tick() says that this is now. */
void fa_looks_delay(struct fa_looks *looks, struct fa_look *look);
void fa_looks_tick(struct fa_looks *looks);

/* What was told is to be noted; NULL if nothing is. */
void fa_looks_note(struct fa_looks *looks, struct fa_look *look);
struct fa_look *fa_looks_take_note(struct fa_looks *looks);
/* A busy look of its own, of which nobody was told. */
struct fa_look *fa_looks_add(struct fa_looks *looks, const char *key);

/* It is through, unless something was heard of it meanwhile. */
void fa_looks_done(struct fa_looks *looks, struct fa_look *look);

#endif
