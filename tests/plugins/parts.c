/* SPDX-License-Identifier: MIT */
/* Answers in parts, and ways to end in the middle of one. */
#include <pthread.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include <faas/plugin.h>

static const char *text(struct faas_bytes event, char out[256])
{
	snprintf(out, 256, "%.*s", (int)(event.len < 255 ? event.len : 255),
		 (const char *)event.data);
	return out;
}

/* "COUNT SIZE": so many pieces of so many bytes, each byte the lower one of its place. */
static int count(struct faas_context *ctx, struct faas_bytes event)
{
	char line[256], *end;
	unsigned long pieces = strtoul(text(event, line), &end, 10), size = strtoul(end, NULL, 10);
	unsigned char *piece = faas_alloc(ctx, size);
	size_t at = 0;

	for (unsigned long i = 0; i < pieces; i++) {
		for (unsigned long j = 0; j < size; j++)
			piece[j] = (unsigned char)at++;
		if (faas_write(ctx, piece, size) < 0)
			return -1;
	}
	return 0;
}

/* As count, and dies of it. */
static int dies(struct faas_context *ctx, struct faas_bytes event)
{
	count(ctx, event);
	abort();
}

/* The event, or the path of the request that it is. */
static unsigned long number(struct faas_bytes event)
{
	static const char member[] = "\"rawPath\":\"/";
	const char *path = memmem(event.data, event.len, member, sizeof(member) - 1);
	char line[256];

	return strtoul(path ? path + sizeof(member) - 1 : text(event, line), NULL, 10);
}

/* So many. */
static int megabytes(struct faas_context *ctx, struct faas_bytes event)
{
	unsigned long left = number(event);
	char *piece = faas_alloc(ctx, 1 << 20);

	memset(piece, 'x', 1 << 20);
	while (left--)
		if (faas_write(ctx, piece, 1 << 20) < 0)
			return -1;
	return 0;
}

/* Writes "one ", and goes on when the host has given a secret. */
static int asks(struct faas_context *ctx, struct faas_bytes event)
{
	const char *secret;

	(void)event;
	faas_puts(ctx, "one ");
	secret = faas_secret(ctx, "go-on");
	return faas_puts(ctx, secret ? secret : "nobody saw it");
}

/* "how": after half an answer. */
static int ends(struct faas_context *ctx, struct faas_bytes event)
{
	char how[256];

	text(event, how);
	faas_puts(ctx, "half");
	if (!strcmp(how, "\"fail\""))
		return faas_fail(ctx, "Parts.Failed", "in the middle");
	if (!strcmp(how, "\"crash\""))
		abort();
	if (!strcmp(how, "\"exit\""))
		_exit(3);
	if (!strcmp(how, "\"hang\""))
		for (;;)
			pause();
	return 0;
}

static void *leave(void *data)
{
	nanosleep(&(struct timespec){ .tv_nsec = 50000000 }, NULL);
	_exit(3);
	return data;
}

/* As count, and a little later its process ends. */
static int leaves(struct faas_context *ctx, struct faas_bytes event)
{
	pthread_t thread;

	pthread_create(&thread, NULL, leave, NULL);
	return count(ctx, event);
}

/* An error of that many bytes behind an answer, of which the host has taken the first half. */
static int fails_at_length(struct faas_context *ctx, struct faas_bytes event)
{
	char line[256];
	size_t len = strtoul(text(event, line), NULL, 10);
	char *message = faas_alloc(ctx, len + 1);

	memset(message, 'm', len);
	message[len] = '\0';
	faas_puts(ctx, "ha");
	nanosleep(&(struct timespec){ .tv_nsec = 50000000 }, NULL);
	faas_puts(ctx, "lf");
	return faas_fail(ctx, "Parts.Failed", message);
}

/* The event is the body. */
static int http(struct faas_context *ctx, struct faas_bytes event)
{
	static const char head[] = "{\"statusCode\":201,\"headers\":{\"Content-Type\":"
				   "\"text/plain\",\"X-Mine\":\"yes\"},\"cookies\":"
				   "[\"a=1\",\"b=2\"]}";

	if (faas_http_head(ctx, head) < 0)
		return faas_puts(ctx, "{\"statusCode\":202,\"body\":\"whole\"}");
	faas_puts(ctx, "body: ");
	return faas_write(ctx, event.data, event.len < 40 ? event.len : 40);
}

/* A head that is none, or too late. */
static int bad_http(struct faas_context *ctx, struct faas_bytes event)
{
	if (memmem(event.data, event.len, "late", 4)) {
		faas_puts(ctx, "first");
		return faas_puts(ctx, faas_http_head(ctx, "{}") < 0 ? ", too late" : ", or not");
	}
	faas_http_head(ctx, "{\"statusCode\":99}");
	return faas_puts(ctx, "body");
}

/* A head of so many bytes, and a body. */
static int long_head(struct faas_context *ctx, struct faas_bytes event)
{
	static const char begin[] = "{\"statusCode\":201,\"none\":\"";
	size_t len = number(event), at = sizeof(begin) - 1;
	char *head = faas_alloc(ctx, len + 1);

	memset(head, 'x', len);
	memcpy(head, begin, at);
	memcpy(head + len - 2, "\"}", 3);
	return faas_http_head(ctx, head) < 0 ? -1 : faas_puts(ctx, "body");
}

FAAS_PLUGIN("parts", "1", FAAS_HANDLER(count), FAAS_HANDLER(dies),
	    FAAS_HANDLER(megabytes), FAAS_HANDLER(asks),
	    FAAS_HANDLER(ends), FAAS_HANDLER(leaves),
	    FAAS_HANDLER(fails_at_length), FAAS_HANDLER(http), FAAS_HANDLER(bad_http),
	    FAAS_HANDLER(long_head));
