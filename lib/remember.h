/* SPDX-License-Identifier: MIT */
#ifndef FA_REMEMBER_H
#define FA_REMEMBER_H

/*
 * Which functions there are, kept in the state_dir: a document per function, written whole
 * after each change of it (remember.c) and read when a runtime begins (recall.c).
 */
#include <base/document.h>
#include <functions.h>
#include <model/event_config.h>

#define FA_DOCUMENT_NAME 288 /* room for the name of a document */

/*
 * Inside a call: a change begins (model/change.h), and this thread alone may change functions or
 * what is of the account until fa_change_close(). FAAS_ESYSTEM, and nothing has begun, if the
 * state_dir is known not to take it. Nothing that takes its time belongs in between.
 */
int fa_change_prepare(struct faas *rt, struct faas_error *err);
/*
 * It ends. `rc`: what came of preparing it, an error with its text in err. Without one, what is
 * to be true is written, and then it is true. Otherwise, or with FAAS_ESYSTEM, FAAS_EUNKNOWN or
 * FAAS_ENOMEM, nothing was changed; after FAAS_EUNKNOWN a program that begins before the store
 * has written anything else may find that it was.
 */
int fa_change_close(struct faas *rt, int rc, struct faas_error *err);

/*
 * What does not come as a change yet. Inside a call that is about to change functions or what is
 * of the account: FAAS_ESYSTEM, and nothing is changed, if the state_dir is known not to take it.
 */
int fa_remember_may(struct faas *rt, struct faas_error *err);
/*
 * Inside a call that may have changed them: all changes are on the disk when this returns 0.
 * FAAS_ESYSTEM, FAAS_EUNKNOWN, FAAS_ENOMEM: they hold, and are written with the next change or
 * when the runtime closes, if the state_dir can be written then.
 */
int fa_remember(struct faas *rt, struct faas_error *err);

/*
 * Layers have a document each (layers.c). That of the change that is open: its name and text,
 * which is the caller's; it stays NULL if the change is about none. And read them all, before
 * functions are made that have them.
 */
int fa_layers_write(struct faas *rt, char name[FA_DOCUMENT_NAME], char **text,
		    struct faas_error *err);
int fa_layers_recall(struct faas *rt, struct faas_error *err);

/* Read all documents; nothing is made of them yet. */
int fa_recall_read(struct faas *rt, struct faas_error *err);
/*
 * The loop is open: make the functions again. One that cannot be made, for its code is gone
 * or was a place in the last program's memory, stays a document.
 */
void fa_recall_make(struct faas *rt);
/* All of it is there: from now on what changes is written. */
void fa_recall_settle(struct faas *rt);
/* A copy of the document of one that could not be made; NULL: there is none. FAAS_ENOMEM. */
int fa_recall_look(struct faas *rt, const char *name, struct fa_document **document,
		   struct faas_error *err);
/* It is made now. */
void fa_recall_drop(struct faas *rt, const char *name);
/*
 * What is written of the events of one that was deleted, or could not be made; nothing FA_UNSAID.
 * False: there is no document, or it says nothing of them.
 */
bool fa_recall_farewell(struct faas *rt, struct faas_bytes name, const char *qualifier,
			struct fa_farewell *out);
/* Versions, aliases and all else that is of a function, beside its $LATEST. */
void fa_recall_rest(struct faas *rt, const struct fa_document *document,
		    struct fa_version *latest);
void fa_recall_finish(struct faas *rt);

#endif
