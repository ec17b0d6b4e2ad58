/* SPDX-License-Identifier: MIT */
#ifndef FA_CHANGES_H
#define FA_CHANGES_H

/*
 * How what outlives the program changes: as drafts that only the thread of the change sees,
 * written by one commit and true behind it. And what comes to be without a change is written.
 */
#include <runtime.h>

/*
 * Inside a call: a change begins (model/change.h), and this thread alone may change what is
 * remembered until fa_change_close(). FAAS_ESYSTEM, and nothing has begun, if the state_dir is
 * known not to take it. Nothing that takes its time belongs in between.
 */
int fa_change_prepare(struct faas *rt, struct faas_error *err);
/*
 * It ends. `rc`: what came of preparing it, an error with its text in err. Without one, what is
 * to be true is written, and then it is true. Otherwise, or with FAAS_ESYSTEM, FAAS_EUNKNOWN or
 * FAAS_ENOMEM, nothing was changed; after FAAS_EUNKNOWN a program that begins before the store
 * has written anything else may find that it was.
 */
int fa_change_close(struct faas *rt, int rc, struct faas_error *err);
/* Whether it would be refused: for what takes its time before it changes anything. */
int fa_change_may(struct faas *rt, struct faas_error *err);

void fa_changes_init(struct faas *rt);

/* All that a change writes, in one commit. */
struct fa_pages {
	const struct fa_mem *mem;
	struct fa_store_document *list;
	int count, room;
};

/*
 * Takes the text; NULL: what has that name goes. The page is there until another is added. NULL:
 * no memory.
 */
struct fa_store_document *fa_pages_add(struct fa_pages *pages, const char *name, char *text);

/*
 * What a change may be about. Each keeps its drafts itself; the change asks all of them to
 * write, and when that is on the disk, or is not to be, tells all of them.
 */
struct fa_family {
	/*
	 * What its drafts are as documents; and what it takes to adopt them is made ready.
	 * FAAS_ENOMEM, FAAS_ECANCELED.
	 */
	int (*write)(struct faas *rt, struct fa_pages *pages, struct faas_error *err);
	/*
	 * 0: the drafts are true from now on. Else they are thrown away; after FAAS_EUNKNOWN the
	 * next program may find them, so what they name on the disk stays. It cannot fail.
	 */
	void (*settle)(struct faas *rt, int rc);
};

extern const struct fa_family fa_function_family, fa_account_family; /* remember.c */
extern const struct fa_family fa_layer_family;                       /* layers.c */
extern const struct fa_family fa_resource_family;                    /* resources.c */
extern const struct fa_family fa_mapping_family;                     /* source/operations.c */

/*
 * Inside a call that may have changed something without a change: it is on the disk when this
 * returns 0. FAAS_ESYSTEM, FAAS_EUNKNOWN, FAAS_ENOMEM: it is written with the next change,
 * whatever that is about, or tried again a little later, and once more when the runtime closes.
 */
int fa_remember(struct faas *rt, struct faas_error *err);
/* The same for who cannot wait for it, on any thread. */
void fa_remember_later(struct faas *rt);

#endif
