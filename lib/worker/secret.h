/* SPDX-License-Identifier: MIT */
#ifndef FA_WORKER_SECRET_H
#define FA_WORKER_SECRET_H

#include <stdint.h>

/* Secrets of the call that is open, and the way to ask for more. */
struct fa_asker {
	int fd;                   /* the bell; -1: nobody is there */
	uint32_t serial;
	uint32_t count;           /* asked for in this call */
	struct fa_kept_secret *kept;
};

/* The value, until fa_secrets_forget(); NULL: there is none, or not by the deadline. */
const char *fa_secret_ask(struct fa_asker *asker, const char *name, int64_t deadline_ns);
/* Wipe them. */
void fa_secrets_forget(struct fa_asker *asker);

#endif
