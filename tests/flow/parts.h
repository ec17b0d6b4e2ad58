/* SPDX-License-Identifier: MIT */
#ifndef TEST_FLOW_PARTS_H
#define TEST_FLOW_PARTS_H

/* What comes of an answer in parts; for tests of one program. */
#include "support/test.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "support/flow.h"

/* What was seen, under the lock: the callbacks run on the loop. */
struct seen {
	pthread_mutex_t lock;
	uint64_t id;
	size_t bytes; /* of all parts */
	size_t wrong; /* bytes that were not those of their place */
	int parts, done, code;
	bool http;
	size_t stop_at;      /* want no more from here on, once */
	bool resumes_inside; /* and say that it is wanted, before that */
	char first[64], error_type[64], payload[256];
	size_t payload_len;
};

static struct flow flow;
static struct faas_error err;
static struct seen seen;

static void parts_forget(void)
{
	memset(&seen, 0, sizeof(seen));
	pthread_mutex_init(&seen.lock, NULL);
	seen.stop_at = SIZE_MAX;
}

static bool on_part(void *data, const struct faas_part *part)
{
	const unsigned char *bytes = part->bytes.data;
	bool more = true;

	(void)data;
	pthread_mutex_lock(&seen.lock);
	for (size_t i = 0; i < part->bytes.len; i++)
		seen.wrong += bytes[i] != (unsigned char)(seen.bytes + i);
	for (size_t i = 0; i < part->bytes.len && seen.bytes + i < sizeof(seen.first) - 1; i++)
		seen.first[seen.bytes + i] = (char)bytes[i];
	seen.bytes += part->bytes.len;
	seen.parts++;
	seen.http = part->http;
	if (seen.bytes >= seen.stop_at) {
		seen.stop_at = SIZE_MAX;
		more = false;
	}
	if (!more && seen.resumes_inside)
		faas_resume(flow.rt, seen.id);
	pthread_mutex_unlock(&seen.lock);
	return more;
}

static void on_done(void *data, const struct faas_result *r)
{
	(void)data;
	pthread_mutex_lock(&seen.lock);
	seen.done++;
	seen.code = r->code;
	seen.payload_len = r->payload.len;
	snprintf(seen.payload, sizeof(seen.payload), "%.*s", (int)r->payload.len,
		 (const char *)r->payload.data);
	snprintf(seen.error_type, sizeof(seen.error_type), "%s", r->error_type);
	pthread_mutex_unlock(&seen.lock);
}

static void begin(const char *function, const char *event)
{
	int rc;

	pthread_mutex_lock(&seen.lock);
	rc = faas_invoke(flow.rt,
			 FAAS_REQUEST(.function = function, .payload = { event, strlen(event) },
				      .on_part = on_part, .on_done = on_done),
			 &seen.id, &err);
	pthread_mutex_unlock(&seen.lock);
	if (rc)
		fail_msg("%s", err.message);
}

static size_t look(const void *member, size_t size)
{
	size_t value = 0;

	pthread_mutex_lock(&seen.lock);
	memcpy(&value, member, size);
	pthread_mutex_unlock(&seen.lock);
	return value;
}
#define LOOK(member) look(&seen.member, sizeof(seen.member))

static void wait_a_ms(void)
{
	nanosleep(&(struct timespec){ 0, 1000000 }, NULL);
}

static void await_done(void)
{
	for (int i = 0; !LOOK(done) && i < 60000; i++)
		wait_a_ms();
	assert_int_equal(LOOK(done), 1);
}

#endif
