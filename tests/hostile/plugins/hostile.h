/* SPDX-License-Identifier: MIT */
#ifndef HOSTILE_H
#define HOSTILE_H

/*
 * What every hostile plugin includes. A handler is named by what it does.
 * Asked to "behave" it answers like an innocent one: so a test sees whether the
 * function recovers once a bad invocation is over.
 */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include <faas/plugin.h>

#define UNUSED __attribute__((unused))

/* Always true, which no compiler can know. */
static volatile int for_ever UNUSED = 1;

#define HOSTILE(name) \
	static int do_##name(struct faas_context *ctx, struct faas_bytes event); \
	static int name(struct faas_context *ctx, struct faas_bytes event) \
	{ \
		return asked_to_behave(event) ? faas_puts(ctx, "\"fine\"") \
					      : do_##name(ctx, event); \
	} \
	static int do_##name(UNUSED struct faas_context *ctx, UNUSED struct faas_bytes event)

static inline bool asked_to_behave(struct faas_bytes event)
{
	return event.len == 8 && memcmp(event.data, "\"behave\"", 8) == 0;
}

/* The number behind "name": in the event; -1 if there is none. */
static inline long long number_in(struct faas_bytes event, const char *name)
{
	char key[40];
	const char *at;

	snprintf(key, sizeof(key), "\"%s\":", name);
	at = memmem(event.data, event.len, key, strlen(key));
	return at ? strtoll(at + strlen(key), NULL, 10) : -1;
}

/* The string behind "name": in the event (no escapes); "" if there is none. */
static inline const char *string_in(struct faas_bytes event, const char *name, char *out,
				    size_t size)
{
	char key[40];
	const char *at, *end = (const char *)event.data + event.len;
	size_t n = 0;

	snprintf(key, sizeof(key), "\"%s\":\"", name);
	at = memmem(event.data, event.len, key, strlen(key));
	for (at = at ? at + strlen(key) : end; at < end && *at != '"' && n + 1 < size; at++)
		out[n++] = *at;
	out[n] = '\0';
	return out;
}

/* What an attack reports: did it get through? */
static inline int report(struct faas_context *ctx, bool got_through)
{
	return faas_puts(ctx, got_through ? "\"allowed\"" : "\"denied\"");
}

static inline int report_count(struct faas_context *ctx, long long count)
{
	char text[32];

	snprintf(text, sizeof(text), "%lld", count);
	return faas_puts(ctx, text);
}

static inline void sleep_ms(long ms)
{
	struct timespec left = { .tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000 };

	while (nanosleep(&left, &left) < 0 && errno == EINTR)
		;
}

__attribute__((noreturn)) static inline void wait_for_ever(void)
{
	for (;;)
		pause();
}

/* For results that a hostile program has no use for. */
#define IGNORE(call) do { if (call) { } } while (0)

#endif
