/* SPDX-License-Identifier: MIT */
/*
 * Whether a template left a snapshot its file says, and no exit status, which a function
 * may have by chance: the head is written last. Code that forges one is not found out, and
 * need not be: such a file contains what the same author's code could have done by itself.
 */
#include <worker/template.h>

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>
#include <worker/ctl.h>
#include <worker/run.h>
#include <worker/snapshot.h>

#ifndef F_ADD_SEALS
#define F_ADD_SEALS 1033
#define F_SEAL_SEAL 0x0001
#define F_SEAL_SHRINK 0x0002
#define F_SEAL_GROW 0x0004
#define F_SEAL_WRITE 0x0008
#endif

void fa_template_init(struct fa_template *template, int file)
{
	template->file = file;
	template->last = &template->first;
}

int fa_template_wait(struct fa_template *template, const struct fa_spawn *spawn, const int *fds,
		     int count)
{
	struct fa_waiting *waiting = calloc(1, sizeof(*waiting));

	if (!waiting)
		return -ENOMEM;
	waiting->spawn = *spawn;
	waiting->count = count;
	memcpy(waiting->fds, fds, (size_t)count * sizeof(*fds));
	*template->last = waiting;
	template->last = &waiting->next;
	return 0;
}

void fa_template_drop(struct fa_template *template)
{
	struct fa_waiting *first = template->first;

	template->first = first->next;
	if (!template->first)
		template->last = &template->first;
	fa_close_all(first->fds, first->count);
	free(first);
}

/* Whoever could write to the file is dead: its namespace of pids went with it. */
static bool seal(int file)
{
	return fcntl(file, F_ADD_SEALS,
		     F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE | F_SEAL_SEAL) == 0;
}

bool fa_template_ended(struct fa_template *template, int status)
{
	template->pid = 0;
	template->ready = WIFEXITED(status) && WEXITSTATUS(status) == FA_RUN_TEMPLATE &&
			  fa_snapshot_is_whole(template->file) && seal(template->file);
	if (!template->ready && ftruncate(template->file, 0) < 0)
		return false; /* the next one overwrites it */
	return template->ready;
}
