/* SPDX-License-Identifier: MIT */
#ifndef FA_WORKER_ASK_H
#define FA_WORKER_ASK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>
#include <env/wire.h>
#include <faas/types.h>

/* One question, one answer, over the socket of the bell; and what they left in the open call. */
struct fa_asker {
	int fd;                   /* the bell; -1: nobody is there */
	uint32_t serial;
	uint32_t count, calls;    /* secrets and calls asked for in this event */
	struct fa_kept_secret *kept;
};

/*
 * The name is 1 to FA_QUESTION_NAME printable characters. `more`, which may be NULL, is the version
 * of a secret, 1 to FA_QUESTION_VERSION of them, or a group. False: it cannot be asked.
 */
bool fa_ask(struct fa_asker *asker, enum fa_question_kind kind, const char *name,
	    const char *more, uint32_t len);
/* The length of the next message that there is to recv(), or -1: none by the deadline. */
ssize_t fa_ask_await(const struct fa_asker *asker, int64_t deadline_ns);

#endif
