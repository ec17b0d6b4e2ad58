/* SPDX-License-Identifier: MIT */
/* One small handler per thing that a well-behaved function may do, and per way to end. */
#include <signal.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include <faas/plugin.h>

static long number(struct faas_bytes event)
{
	char text[24];
	size_t len = event.len < sizeof(text) - 1 ? event.len : sizeof(text) - 1;

	memcpy(text, event.data, len);
	text[len] = '\0';
	return strtol(text, NULL, 10);
}

static int put_number(struct faas_context *ctx, long value)
{
	char text[24];

	snprintf(text, sizeof(text), "%ld", value);
	return faas_puts(ctx, text);
}

/* The event. */
static int echo(struct faas_context *ctx, struct faas_bytes event)
{
	return faas_write(ctx, event.data, event.len);
}

/* The second half of the event. */
static int half(struct faas_context *ctx, struct faas_bytes event)
{
	return faas_write(ctx, (const char *)event.data + event.len / 2,
			  event.len - event.len / 2);
}

/* The event, and its second half once more. */
static int more(struct faas_context *ctx, struct faas_bytes event)
{
	return echo(ctx, event) < 0 ? -1 : half(ctx, event);
}

/* The event, a byte at a time. */
static int drip(struct faas_context *ctx, struct faas_bytes event)
{
	for (size_t i = 0; i < event.len; i++)
		if (faas_write(ctx, (const char *)event.data + i, 1) < 0)
			return -1;
	return 0;
}

/* An error of its own, after half a response. */
static int fail(struct faas_context *ctx, struct faas_bytes event)
{
	char message[64];

	faas_puts(ctx, "{\"half\":");
	snprintf(message, sizeof(message), "no \"%.*s\"\n", (int)(event.len > 40 ? 40 : event.len),
		 (const char *)event.data);
	return faas_fail(ctx, "Echo.Refused", message);
}

/* An error whose body is the event, after half a response. */
static int fail_body(struct faas_context *ctx, struct faas_bytes event)
{
	faas_puts(ctx, "{\"half\":");
	return faas_fail_body(ctx, "Echo.Body", event);
}

/* faas_fail(), but a return value that says otherwise. */
static int fail_quietly(struct faas_context *ctx, struct faas_bytes event)
{
	fail(ctx, event);
	return 0;
}

/* The number given, as the return value. */
static int returns(struct faas_context *ctx, struct faas_bytes event)
{
	faas_puts(ctx, "never seen");
	return (int)number(event);
}

static int sleep_ms(struct faas_context *ctx, struct faas_bytes event)
{
	long ms = number(event);
	struct timespec time = { ms / 1000, ms % 1000 * 1000000 };

	nanosleep(&time, NULL);
	return put_number(ctx, ms);
}

/* The same, and its CPU is nobody else's meanwhile, if it can help it. */
static int spin_ms(struct faas_context *ctx, struct faas_bytes event)
{
	struct timespec now;
	int64_t until_ns;

	clock_gettime(CLOCK_MONOTONIC, &now);
	until_ns = now.tv_sec * 1000000000LL + now.tv_nsec + number(event) * 1000000LL;
	do
		clock_gettime(CLOCK_MONOTONIC, &now);
	while (now.tv_sec * 1000000000LL + now.tv_nsec < until_ns);
	return put_number(ctx, number(event));
}

/* How often this environment was asked before. */
static int counter(struct faas_context *ctx, struct faas_bytes event)
{
	static long count;

	(void)event;
	return put_number(ctx, count++);
}

/* The environment variable of that name, from faas_getenv() and from getenv(). */
static int env(struct faas_context *ctx, struct faas_bytes event)
{
	char name[64], text[512];
	const char *ours, *theirs;

	snprintf(name, sizeof(name), "%.*s", (int)event.len, (const char *)event.data);
	ours = faas_getenv(ctx, name);
	theirs = getenv(name);
	snprintf(text, sizeof(text), "%s|%s", ours ? ours : "(none)", theirs ? theirs : "(none)");
	return faas_puts(ctx, text);
}

/* What the call before left in a file of the environment's own; leaves the event. */
static int tmp(struct faas_context *ctx, struct faas_bytes event)
{
	char path[256], before[256];
	size_t n = 0;
	FILE *file;

	snprintf(path, sizeof(path), "%s/left-by-echo", ctx->tmpdir);
	file = fopen(path, "r");
	if (file) {
		n = fread(before, 1, sizeof(before), file);
		fclose(file);
	}
	file = fopen(path, "w");
	if (!file)
		return faas_fail(ctx, "Echo.NoTmp", path);
	fwrite(event.data, 1, event.len, file);
	fclose(file);
	return faas_write(ctx, before, n);
}

static int log_event(struct faas_context *ctx, struct faas_bytes event)
{
	faas_log(ctx, FAAS_WARN, "%.*s", (int)event.len, (const char *)event.data);
	return faas_puts(ctx, "null");
}

static int print(struct faas_context *ctx, struct faas_bytes event)
{
	printf("out: %.*s\n", (int)event.len, (const char *)event.data);
	fprintf(stderr, "err: %.*s", (int)event.len, (const char *)event.data);
	return faas_puts(ctx, "null");
}

static int raw_line(struct faas_context *ctx, struct faas_bytes event)
{
	printf("%.*s\n", (int)event.len, (const char *)event.data);
	return faas_puts(ctx, "null");
}

static int secret(struct faas_context *ctx, struct faas_bytes event)
{
	char name[64];
	const char *value;

	snprintf(name, sizeof(name), "%.*s", (int)event.len, (const char *)event.data);
	value = faas_secret(ctx, name);
	return faas_puts(ctx, value ? value : "nothing");
}

/* "name version" */
static int secret_version(struct faas_context *ctx, struct faas_bytes event)
{
	char words[300], name[64] = "", version[300] = "";
	const char *value;

	snprintf(words, sizeof(words), "%.*s", (int)event.len, (const char *)event.data);
	sscanf(words, "%63s %299s", name, version);
	value = faas_secret_version(ctx, name, version);
	return faas_puts(ctx, value ? value : "nothing");
}

/* Has one, and does not go on before it has the other; then it crashes. */
static int hold_secret(struct faas_context *ctx, struct faas_bytes event)
{
	const char *held = faas_secret(ctx, "hush");
	struct rlimit core;

	(void)event;
	getrlimit(RLIMIT_CORE, &core);
	if (!held || !faas_getenv(ctx, "HUSH"))
		return faas_fail(ctx, "Echo.NoSecret", "there is none");
	faas_log(ctx, FAAS_INFO, "dumpable: %d, core: %d", prctl(PR_GET_DUMPABLE, 0, 0, 0, 0),
		 (int)core.rlim_max);
	faas_secret(ctx, "gate");
	raise(SIGSEGV);
	return faas_puts(ctx, held);
}

/* How many of so many are given. */
static int many_secrets(struct faas_context *ctx, struct faas_bytes event)
{
	char text[24];
	int given = 0;

	for (long i = number(event); i > 0; i--)
		given += faas_secret(ctx, "one") != NULL;
	snprintf(text, sizeof(text), "%d", given);
	return faas_puts(ctx, text);
}

/* So many bytes: a JSON string of them. */
static int big(struct faas_context *ctx, struct faas_bytes event)
{
	long size = number(event);
	char *data = malloc((size_t)size);
	int rc;

	if (!data)
		return faas_fail(ctx, "Echo.NoMemory", "malloc");
	memset(data, 'x', (size_t)size);
	data[0] = data[size - 1] = '"';
	rc = faas_write(ctx, data, (size_t)size);
	free(data);
	return rc;
}

static const char *or_null(const char *text)
{
	return text ? text : "null";
}

static int context(struct faas_context *ctx, struct faas_bytes event)
{
	char text[512];

	(void)event;
	snprintf(text, sizeof(text), "%s %s %s %s %s %s %s %s %d %lld %d", ctx->request_id,
		 ctx->function_name, ctx->function_version, or_null(ctx->invoked_arn),
		 or_null(ctx->trace_id), or_null(ctx->client_context), or_null(ctx->tenant_id),
		 ctx->tmpdir, ctx->memory_mb, (long long)ctx->deadline_ms,
		 faas_remaining_ms(ctx) > 0);
	return faas_puts(ctx, text);
}

/* Ask for that much in pieces; how many kilobytes there were. */
static int alloc(struct faas_context *ctx, struct faas_bytes event)
{
	long kilobytes = 0;
	char *piece;

	while (kilobytes < number(event) && (piece = faas_alloc(ctx, 1024)) != NULL) {
		memset(piece, 1, 1024);
		kilobytes++;
	}
	return put_number(ctx, kilobytes);
}

static int exits(struct faas_context *ctx, struct faas_bytes event)
{
	(void)ctx;
	exit((int)number(event));
}

/* A variable, or the compiler would know better. */
static int *volatile nowhere = (int *)8;

static int segv(struct faas_context *ctx, struct faas_bytes event)
{
	(void)event;
	*(volatile int *)nowhere = 1;
	return faas_puts(ctx, "alive");
}

static int aborts(struct faas_context *ctx, struct faas_bytes event)
{
	(void)ctx;
	(void)event;
	abort();
}

/* The signal of that number. */
static int kill_self(struct faas_context *ctx, struct faas_bytes event)
{
	kill(getpid(), (int)number(event));
	return faas_puts(ctx, "alive");
}

static int loop(struct faas_context *ctx, struct faas_bytes event)
{
	(void)ctx;
	(void)event;
	for (volatile int forever = 1; forever;)
		;
	return 0;
}

static int eat(struct faas_context *ctx, struct faas_bytes event)
{
	(void)ctx;
	(void)event;
	for (;;) {
		char *food = malloc(1 << 20);

		memset(food, 1, 1 << 20); /* NULL is what it dies of */
	}
	return 0;
}

/* For names that C, or another handler, already uses for something else. */
#define NAMED(name_, ...) \
	&(const struct faas_handler){ .size = sizeof(struct faas_handler), .name = name_, \
				      .invoke = __VA_ARGS__ }

FAAS_PLUGIN("echo", "1", FAAS_HANDLER(echo), FAAS_HANDLER(drip), FAAS_HANDLER(fail),
	    FAAS_HANDLER(half), FAAS_HANDLER(more),
	    FAAS_HANDLER(fail_body), FAAS_HANDLER(fail_quietly), FAAS_HANDLER(returns),
	    FAAS_HANDLER(sleep_ms), FAAS_HANDLER(spin_ms),
	    FAAS_HANDLER(counter), FAAS_HANDLER(env), FAAS_HANDLER(tmp),
	    NAMED("log", log_event), FAAS_HANDLER(print), FAAS_HANDLER(raw_line),
	    FAAS_HANDLER(secret), FAAS_HANDLER(secret_version),
	    FAAS_HANDLER(hold_secret), FAAS_HANDLER(many_secrets),
	    FAAS_HANDLER(big),
	    FAAS_HANDLER(context), FAAS_HANDLER(alloc), NAMED("exit", exits),
	    FAAS_HANDLER(segv), NAMED("abort", aborts), FAAS_HANDLER(kill_self),
	    FAAS_HANDLER(loop), FAAS_HANDLER(eat));
