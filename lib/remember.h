/* SPDX-License-Identifier: MIT */
#ifndef FA_REMEMBER_H
#define FA_REMEMBER_H

/*
 * What outlives the program, kept in the state_dir: a document per function, per layer, per
 * queue ..., written whole with each change of it (changes.c) and read when a runtime begins
 * (recall.c).
 */
#include <base/document.h>
#include <changes.h>
#include <functions.h>
#include <model/event_config.h>

#define FA_DOCUMENT_NAME 288 /* room for the name of a document */

/* ---- layers.c, recall.c -------------------------------------------------- */

/* Read all layers, before functions are made that have them. */
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
