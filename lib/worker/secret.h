/* SPDX-License-Identifier: MIT */
#ifndef FA_WORKER_SECRET_H
#define FA_WORKER_SECRET_H

#include <worker/ask.h>

/*
 * `version` NULL: the current one. The value, until fa_secrets_forget(); NULL: there is none,
 * or not by the deadline.
 */
const char *fa_secret_ask(struct fa_asker *asker, const char *name, const char *version,
			  int64_t deadline_ns);
/* Wipe them. */
void fa_secrets_forget(struct fa_asker *asker);

#endif
