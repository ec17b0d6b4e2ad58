/* SPDX-License-Identifier: MIT */
#ifndef FA_SOURCE_SCAN_H
#define FA_SOURCE_SCAN_H

/*
 * Scans of a tree, one after the other: a walk, which meets what is there, and then the
 * entries of what was there, of which some may be gone. All of it is the loop's.
 */
#include <model/store/store.h>
#include <source/tree.h>

struct fa_scans {
	struct fa_tree *tree;
	struct fa_store *store;
	const char *document;       /* whose entries they are */
	struct fa_list waiting;     /* of struct scan; the first one may run */
	int count;
	bool walking, listing;      /* it runs */
	bool over;                  /* one of all came to its end */
	char after[FA_KEY_MAX + 2]; /* what was listed */
	struct fa_store_op list;
	struct fa_store_entry list_key;
	struct fa_call listed;
	bool open, stale;           /* the store has `list`; nobody wants its answer */
	/* Of its owner: */
	void (*on_key)(struct fa_scans *scans, const char *key); /* it is not there any more */
	void (*on_list)(struct fa_scans *scans, const char *prefix); /* the walk is over */
	void (*on_turn)(struct fa_scans *scans, bool failed); /* go on; `failed`: later */
	void (*on_blind)(struct fa_scans *scans); /* it is over, and did not see all */
};

void fa_scans_init(struct fa_scans *scans, struct fa_tree *tree, struct fa_store *store,
		   const char *document);
/* None of it is left but `open`. */
void fa_scans_finish(struct fa_scans *scans);
/* All below a prefix, "": everything. What is added twice is scanned once. FAAS_ENOMEM. */
int fa_scans_add(struct fa_scans *scans, const char *prefix);
/* The tree is another one: all of it, and nothing of what was under way. */
int fa_scans_restart(struct fa_scans *scans);
bool fa_scans_all(const struct fa_scans *scans); /* what runs is a scan of everything */
void fa_scans_step(struct fa_scans *scans);

#endif
