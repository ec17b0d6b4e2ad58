/* SPDX-License-Identifier: MIT */
#ifndef FA_WORKER_SECRET_H
#define FA_WORKER_SECRET_H

#include <worker/ask.h>

/* The value, until fa_secrets_forget(); NULL: there is none, or not by the deadline. */
const char *fa_secret_ask(struct fa_asker *asker, const char *name, int64_t deadline_ns);
/* Wipe them. */
void fa_secrets_forget(struct fa_asker *asker);

#endif
