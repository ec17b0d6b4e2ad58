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
};

struct fa_engine *fa_engine_open(const struct fa_store_config *config, struct faas_error *err);
void fa_engine_close(struct fa_engine *engine);

enum fa_engine_code fa_engine_begin(struct fa_engine *engine);
enum fa_engine_code fa_engine_apply(struct fa_engine *engine, struct fa_store_op *op);
/*
 * Fill in `counts` as they are after the commit, on success. After a failure nobody can say
 * whether it will be found when the database is opened again, until the next one that does not
 * fail: then it will not.
 */
enum fa_engine_code fa_engine_commit(struct fa_engine *engine, struct fa_store_counts *counts);
bool fa_engine_is_unsure(const struct fa_engine *engine);
void fa_engine_rollback(struct fa_engine *engine);
/* Bring home what was committed if that has become much. What fails is done another time. */
void fa_engine_tidy(struct fa_engine *engine);
/* How long its log is in use, in bytes, and how long that becomes before it is brought home. */
int64_t fa_engine_log(const struct fa_engine *engine, int64_t *most);
void fa_engine_counts(const struct fa_engine *engine, struct fa_store_counts *counts);

#endif
