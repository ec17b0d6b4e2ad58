/* SPDX-License-Identifier: MIT */
#ifndef FA_ENV_ANSWER_H
#define FA_ENV_ANSWER_H

#include <env/env.h>

/* What a worker says of its answer. Each word was loaded once, and is judged here. */

/* Where they lie, in the area or in the job's own event; NULL: in no place that fits. */
const void *fa_answer_find(const struct fa_env *env, const struct fa_job *job, uint32_t index,
			   uint32_t off, uint32_t len);
/* Its word for the type of an error, made harmless; `from` may change meanwhile. */
void fa_answer_type(char *to, const char *from, size_t size);

#endif
