/* SPDX-License-Identifier: MIT */
/*
 * Every event that fails for good lies in one queue, as it was, and every one sent to
 * $LATEST that succeeds is told of in another. So in the end each event that was accepted
 * has either been answered, or lies there once.
 */
#include "letters.h"

#include <string.h>

static int told; /* of those that succeeded */

void letters_begin(void)
{
	told = 0;
}

static void judge_dead(const struct faas_message *message)
{
	struct request *r;
	int number;

	if (message->body.len != sizeof(number))
		broken("a dead letter of %zu bytes", message->body.len);
	memcpy(&number, message->body.data, sizeof(number));
	r = &world.requests[number];
	note("r%d is a dead letter", number);
	if (r->mode != FAAS_EVENT || r->refused)
		broken("r%d is a dead letter, and no event", number);
	if (r->letters++)
		broken("r%d is a dead letter twice", number);
	if (r->succeeded)
		broken("r%d is a dead letter, and it succeeded", number);
}

/* Now and then the host takes one and does not come back for it: it is there again. */
static struct faas_message *take(const char *queue, bool forgetful)
{
	struct faas_message *message = NULL;
	int hide_ms = forgetful && chance(200) ? 5000 : 0;
	int rc = faas_take(world.rt, queue, hide_ms, &message, NULL);

	if (rc)
		broken("%s: %s", queue, faas_error_name(rc));
	if (hide_ms && message && chance(500)) {
		note("m%lld is taken and forgotten", (long long)message->id);
		faas_free(message);
		return NULL;
	}
	if (hide_ms && message && faas_drop(world.rt, message->id, NULL))
		broken("m%lld cannot be dropped", (long long)message->id);
	return message;
}

void letters_read(bool all)
{
	struct faas_message *message;

	while ((message = take(DEAD, !all))) {
		judge_dead(message);
		faas_free(message);
	}
	while ((message = take(DONE, !all))) {
		told++;
		faas_free(message);
	}
}

static bool is_hidden(const char *queue)
{
	struct faas_queue_stats stats = { .size = sizeof(stats) };

	return !faas_queue_stats(world.rt, queue, &stats, NULL) && stats.hidden;
}

bool letters_are_hidden(void)
{
	return is_hidden(DEAD) || is_hidden(DONE);
}

void letters_check(void)
{
	int succeeded = 0, orphans = 0;

	letters_read(true);
	for (int i = 0; i < world.request_count; i++) {
		const struct request *r = &world.requests[i];

		if (r->mode != FAAS_EVENT || r->refused || r->code)
			continue;
		if (!r->succeeded && !r->letters && !r->canceled && !r->orphan)
			broken("r%d neither succeeded nor is it a dead letter", r->number);
		succeeded += r->succeeded && !strchr(r->name, ':');
		orphans += r->succeeded && !strchr(r->name, ':') && r->orphan;
	}
	if (told > succeeded || told < succeeded - orphans)
		broken("%d events succeeded (%d of functions that went), %d are told of",
		       succeeded, orphans, told);
}
