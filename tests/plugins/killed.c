/* SPDX-License-Identifier: MIT */
/*
 * Work on messages, records and changes in a process that is killed in the middle of it. What was
 * done is noted in memory that others see (killed.h). A group is locked in that file while a
 * batch works on it: the kernel takes the lock from who is dead, and from nobody else.
 */
#include <faas/plugin.h>

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "killed.h"

static int file;
static struct killed_workers *workers;

static int init(struct faas_context *ctx)
{
	struct stat st;
	void *memory = MAP_FAILED;

	file = open(KILLED_MOUNT "/" KILLED_FILE, O_RDWR | O_CLOEXEC);
	if (file >= 0 && !fstat(file, &st))
		memory = mmap(NULL, (size_t)st.st_size, PROT_READ | PROT_WRITE, MAP_SHARED, file,
			      0);
	if (memory == MAP_FAILED)
		return faas_fail(ctx, "Test.NoMemory", strerrorname_np(errno));
	workers = memory;
	return 0;
}

/* ---- a batch ------------------------------------------------------------- */

struct batch {
	int number;
	bool stood;
	bool mine[64]; /* groups or keys that it has locked */
};

/* Of a hundred batches one fails. */
static bool begin(struct batch *b)
{
	*b = (struct batch){ .number = ++workers->begun };
	if (b->number % 100)
		return true;
	workers->ended++;
	return false;
}

static short lock(int group, short type)
{
	struct flock l = { .l_type = type, .l_whence = SEEK_SET, .l_start = group, .l_len = 1 };

	return (short)fcntl(file, F_SETLK, &l);
}

static void take(struct batch *b, int group)
{
	if (!b->mine[group])
		workers->at_once += lock(group, F_WRLCK) != 0;
	b->mine[group] = true;
}

/*
 * After a message, so that others are left: one waits until somebody is killed, maybe itself, or
 * until its time is over.
 */
static void stand(struct batch *b)
{
	int round = workers->rounds;

	if (b->stood || b->number % workers->each)
		return;
	b->stood = true;
	workers->asked++;
	while (workers->rounds == round)
		nanosleep(&(struct timespec){ 0, 1000000 }, NULL);
}

static void end(struct batch *b)
{
	for (int i = 0; i < 64; i++)
		if (b->mine[i])
			lock(i, F_UNLCK);
	workers->ended++;
}

static int fail_now(struct faas_context *ctx)
{
	return faas_fail(ctx, "Test.Failed", "now and then");
}

/* ---- queues -------------------------------------------------------------- */

static const char *next_number(const char *at, const char *end, int *n)
{
	at = memmem(at, (size_t)(end - at), "\"body\":\"", 8);
	if (at)
		*n = atoi(at + 8);
	return at ? at + 8 : NULL;
}

/* Behind it is the message's number. */
static void add_failure(char *failures, const char *body)
{
	const char *id = body;
	bool first = failures[strlen(failures) - 1] == '[';

	while (strncmp(id, "\"messageId\":\"", 13) != 0)
		id--;
	sprintf(failures + strlen(failures), "%s{\"itemIdentifier\":\"%.36s\"}", first ? "" : ",",
		id + 13);
}

static int standard(struct faas_context *ctx, struct faas_bytes event)
{
	struct killed_messages *seen = (void *)workers;
	const char *last = (const char *)event.data + event.len, *at = event.data;
	char failures[1 << 14] = "{\"batchItemFailures\":[";
	struct batch b;
	int n;

	if (!begin(&b))
		return fail_now(ctx);
	while ((at = next_number(at, last, &n))) {
		if (KILLED_DIES(n))
			add_failure(failures, at);
		else
			workers->twice += seen->runs[n]++ > 0;
		stand(&b);
	}
	end(&b);
	return faas_puts(ctx, strcat(failures, "]}"));
}

static int fifo(struct faas_context *ctx, struct faas_bytes event)
{
	struct killed_messages *seen = (void *)workers;
	const char *last = (const char *)event.data + event.len, *at = event.data;
	struct batch b;
	int n;

	if (!begin(&b))
		return fail_now(ctx);
	while ((at = next_number(at, last, &n))) {
		struct killed_sender *s = &seen->senders[n / seen->share];
		int k = n % seen->share + 1;

		take(&b, n / seen->share);
		workers->twice += seen->runs[n]++ > 0;
		if (k > s->done) { /* else it comes once more */
			workers->out_of_order += s->done && k != s->done + 3;
			s->done = k;
		}
		stand(&b);
	}
	end(&b);
	return faas_puts(ctx, "");
}

/* ---- keys ---------------------------------------------------------------- */

static void see(struct batch *b, int key, int n)
{
	struct killed_key *k = &((struct killed_keys *)workers)->keys[key];

	take(b, key);
	if (n < k->done)
		workers->twice++;
	else if (n > k->done)
		workers->out_of_order++;
	else
		k->done++;
	stand(b);
}

/* The data are such that their base64 can be read: 'A' + key, then digits from the fifth on. */
static int stream(struct faas_context *ctx, struct faas_bytes event)
{
	const char *at = event.data, *last = at + event.len;
	struct batch b;

	if (!begin(&b))
		return fail_now(ctx);
	while ((at = memmem(at, (size_t)(last - at), "\"data\":\"", 8))) {
		at += 8;
		see(&b, *at - 'A', atoi(at + 4));
	}
	end(&b);
	return faas_puts(ctx, "");
}

/* Each item has the number of the one that it replaces: the first one none. */
static int table(struct faas_context *ctx, struct faas_bytes event)
{
	char *text = strndup(event.data, event.len);
	struct batch b;
	int key, n;

	if (!begin(&b)) {
		free(text);
		return fail_now(ctx);
	}
	for (const char *at = text; (at = strstr(at, "\"NewImage\":")); at++)
		if (sscanf(at,
			   "\"NewImage\":{\"Id\":{\"N\":\"%d\"},"
			   "\"Count\":{\"N\":\"%d\"}}", &key, &n) == 2)
			see(&b, key, n);
	free(text);
	end(&b);
	return faas_puts(ctx, "");
}

FAAS_PLUGIN("killed", "1", FAAS_HANDLER(standard, .init = init), FAAS_HANDLER(fifo, .init = init),
	    FAAS_HANDLER(stream, .init = init), FAAS_HANDLER(table, .init = init));
