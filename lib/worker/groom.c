/* SPDX-License-Identifier: MIT */
/*
 * To make a control group or to remove one, the kernel waits for a lock that anybody
 * on the machine may hold for milliseconds. The supervisor does not: when no message
 * waits it clones a groom, which makes the groups of one nest that is yet to come,
 * removes those of all that are dead, and ends. Its exit status says what it could not do.
 *
 * A nest that comes before its groups are ready gets others, made while it waits. So
 * does the one after a groom that failed, for only there the reason becomes a part of
 * what is told of the nest.
 */
#include <worker/groom.h>

#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include <worker/clone.h>
#include <worker/ctl.h>

enum { NOT_MADE = 1, NOT_REMOVED = 2 };

void fa_groom_init(struct fa_groom *groom, struct fa_nursery *nursery)
{
	fa_list_init(&groom->dead);
	groom->nursery = nursery;
}

void fa_groom_leave(struct fa_groom *groom, struct fa_groups *groups)
{
	fa_list_append(&groom->dead, &groups->link);
	groom->untidy = true;
}

bool fa_groom_owes(const struct fa_groom *groom)
{
	return !groom->failed && !groom->nursery->ready && groom->nursery->groups.count;
}

bool fa_groom_wanted(const struct fa_groom *groom, bool ahead)
{
	return !groom->pid && (groom->untidy || (ahead && fa_groom_owes(groom)));
}

/* Whether all of them are gone. */
static bool remove_all(const struct fa_groom *groom)
{
	const struct fa_list *pos;
	bool gone = true;

	fa_list_for(pos, &groom->dead) gone &= fa_cgroup_remove(
		&groom->nursery->groups, fa_container(pos, struct fa_groups, link)->number);
	return gone;
}

_Noreturn static void work(const struct fa_groom *groom)
{
	struct fa_layers layers = groom->nursery->layers;
	int failed = 0;

	close(FA_SUPERVISOR_FD); /* our end is no news of the supervisor's */
	if (groom->makes && !fa_cgroup_make(&groom->nursery->groups, groom->makes, &layers))
		failed |= NOT_MADE;
	if (!remove_all(groom))
		failed |= NOT_REMOVED;
	_exit(failed);
}

void fa_groom_start(struct fa_groom *groom, bool ahead)
{
	const struct fa_list *pos;
	pid_t pid;

	if (ahead && fa_groom_owes(groom) && !groom->makes)
		groom->makes = ++groom->nursery->numbers;
	groom->removes = 0;
	fa_list_for(pos, &groom->dead) groom->removes++;
	pid = fa_clone(0, NULL);
	if (!pid)
		work(groom);
	groom->untidy = false;
	groom->failed = pid < 0;
	groom->pid = pid < 0 ? 0 : pid;
}

void fa_groom_retry(struct fa_groom *groom)
{
	groom->failed = false;
}

/* What it could not do, the next one does: after the next birth, or the next death. */
void fa_groom_bury(struct fa_groom *groom, pid_t pid, int status)
{
	int failed = WIFEXITED(status) ? WEXITSTATUS(status) : NOT_MADE | NOT_REMOVED;

	if (pid != groom->pid)
		return;
	groom->pid = 0;
	groom->failed = groom->makes && failed & NOT_MADE;
	if (groom->makes && !groom->failed) {
		groom->nursery->ready = groom->makes;
		groom->makes = 0;
	}
	for (; !(failed & NOT_REMOVED) && groom->removes; groom->removes--)
		free(fa_container(fa_list_pop(&groom->dead), struct fa_groups, link));
}

void fa_groom_end(struct fa_groom *groom)
{
	struct fa_list *pos;

	if (groom->pid)
		waitpid(groom->pid, NULL, 0);
	remove_all(groom);
	if (groom->makes)
		fa_cgroup_remove(&groom->nursery->groups, groom->makes);
	if (groom->nursery->ready)
		fa_cgroup_remove(&groom->nursery->groups, groom->nursery->ready);
	while ((pos = fa_list_pop(&groom->dead)))
		free(fa_container(pos, struct fa_groups, link));
}
