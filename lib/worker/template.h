/* SPDX-License-Identifier: MIT */
#ifndef FA_WORKER_TEMPLATE_H
#define FA_WORKER_TEMPLATE_H

#include <stdbool.h>
#include <sys/types.h>

#include <env/wire.h>

/*
 * The snapshot of a nest's function, and the births that wait for it. The first
 * of them lends the template its areas and its log, so that an init() that fails
 * is told like any other; if the template dies, the next one becomes it. Some want
 * nothing but that there is one.
 */
#define FA_BIRTH_FDS 5

struct fa_waiting {
	struct fa_waiting *next;
	struct fa_spawn spawn;
	int fds[FA_BIRTH_FDS], count;
};

struct fa_template {
	int file;      /* -1: the function wants no snapshot */
	bool ready;    /* the file is filled, and sealed */
	pid_t pid;     /* 0: none is alive */
	struct fa_waiting *first, **last;
};

void fa_template_init(struct fa_template *template, int file); /* takes file */

/* Is there something to wait for before a birth? Then let it wait; takes fds. 0 or -ENOMEM. */
static inline bool fa_template_is_due(const struct fa_template *template)
{
	return template->file >= 0 && !template->ready;
}
int fa_template_wait(struct fa_template *template, const struct fa_spawn *spawn, const int *fds,
		     int count);

/* The first that waits does so no longer. */
void fa_template_drop(struct fa_template *template);

/* The template has ended. Whether it left a snapshot, which from now on is ready. */
bool fa_template_ended(struct fa_template *template, int status);

#endif
