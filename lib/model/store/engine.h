/* SPDX-License-Identifier: MIT */
#ifndef FA_MODEL_STORE_ENGINE_H
#define FA_MODEL_STORE_ENGINE_H

#include <model/store/store.h>

/* The database below the store: one connection, used by one thread at a time. */
struct fa_engine;

enum fa_engine_code {
	FA_ENGINE_OK = 0,
	FA_ENGINE_FULL,     /* no room on the disk */
	FA_ENGINE_FAILED,
	FA_ENGINE_POISONED, /* a sync failed: what the kernel shows need not be on the disk */
};

struct fa_engine *fa_engine_open(const struct fa_store_config *config, struct faas_error *err);
void fa_engine_close(struct fa_engine *engine);

enum fa_engine_code fa_engine_begin(struct fa_engine *engine);
enum fa_engine_code fa_engine_apply(struct fa_engine *engine, struct fa_store_op *op);
/* Fill in `counts` as they are after the commit, on success. */
enum fa_engine_code fa_engine_commit(struct fa_engine *engine, struct fa_store_counts *counts);
void fa_engine_rollback(struct fa_engine *engine);
/* Bring home what was committed if that has become much. */
enum fa_engine_code fa_engine_tidy(struct fa_engine *engine);
void fa_engine_counts(const struct fa_engine *engine, struct fa_store_counts *counts);

#endif
