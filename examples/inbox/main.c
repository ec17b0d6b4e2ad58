/* SPDX-License-Identifier: MIT */

/*
 * inbox FOLDER [PICTURE...] - what is dropped into FOLDER/inbox is small in FOLDER/outbox.
 *
 * The directory is an event source: `photograph`, a function of this program, is told of each
 * file as S3 would tell. It reads the file and has `thumbnail` make it small, in a sandboxed
 * process that sees nothing but that one picture. What cannot be made a thumbnail of ends in
 * the queue "broken", with the reason.
 *
 * With pictures it drops them there, shows what became of them and ends; without, it goes on
 * until it is interrupted. What was dropped while it was not there is worked on when it is.
 */

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <faas/faas.h>
#include <faas/plugin.h>
#include <faas/source.h>

#define MAX_PATH 4096
#define MAX_KEY 1100
#define WAIT_S 100 /* for pictures of the command line */

/* A handler is given no pointer of its program's. */
static struct program {
	struct faas *rt;
	char inbox[MAX_PATH], outbox[MAX_PATH], state[MAX_PATH];
	pthread_mutex_t lock; /* of what follows, and of the terminal */
	pthread_cond_t changed;
	int made, broken;
} program = { .lock = PTHREAD_MUTEX_INITIALIZER, .changed = PTHREAD_COND_INITIALIZER };

/* ---- files ------------------------------------------------------------ */

static bool read_all(int fd, char *data, size_t len)
{
	for (size_t have = 0; have < len;) {
		ssize_t got = read(fd, data + have, len - have);

		if (got <= 0)
			return false;
		have += (size_t)got;
	}
	return true;
}

/* Of whatever lies there, regular files only are read, and no link is followed. */
static char *read_file(const char *path, size_t *len)
{
	int fd = open(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	char *data = NULL;
	struct stat st;

	if (fd < 0)
		return NULL;
	errno = EINVAL;
	if (!fstat(fd, &st) && S_ISREG(st.st_mode)) {
		*len = (size_t)st.st_size;
		data = malloc(*len + 1);
	}
	if (data && !read_all(fd, data, *len)) {
		free(data);
		data = NULL;
	}
	close(fd);
	return data;
}

/* Nobody sees half of it: it gets its name when it is whole. */
static bool write_file(const char *folder, const char *name, struct faas_bytes data)
{
	char path[MAX_PATH + MAX_KEY], hidden[MAX_PATH + MAX_KEY];
	FILE *file;
	bool good;

	snprintf(path, sizeof(path), "%s/%s", folder, name);
	snprintf(hidden, sizeof(hidden), "%s/.new-%s", program.state, name);
	file = fopen(hidden, "wb");
	if (!file)
		return false;
	good = fwrite(data.data, 1, data.len, file) == data.len;
	good = !fclose(file) && good && !rename(hidden, path);
	if (!good)
		unlink(hidden);
	return good;
}

/* ---- the function that is told ------------------------------------------ */

static int hex(char c)
{
	return c >= 'A' ? c - 'A' + 10 : c - '0';
}

/* {"Records":[{...,"s3":{...,"object":{"key":"a+b.jpg",...: encoded as in a form. */
static bool read_key(char key[MAX_KEY], struct faas_bytes event)
{
	static const char before[] = "\"object\":{\"key\":\"";
	const char *at = memmem(event.data, event.len, before, strlen(before));
	size_t len = 0;

	if (!at)
		return false;
	for (at += strlen(before); *at != '"' && len < MAX_KEY - 1; at++) {
		if (*at == '%') {
			key[len++] = (char)(hex(at[1]) << 4 | hex(at[2]));
			at += 2;
		} else {
			key[len++] = *at == '+' ? ' ' : *at;
		}
	}
	key[len] = '\0';
	return true;
}

/* What stands behind `before` up to the end of that string of JSON, as a person writes it. */
static void read_text(char *out, size_t size, const char *json, size_t len, const char *before)
{
	const char *at = memmem(json, len, before, strlen(before)), *end = json + len;
	size_t n = 0;

	for (at = at ? at + strlen(before) : end; at < end && *at != '"' && n < size - 1; at++) {
		at += *at == '\\' && at + 1 < end;
		out[n++] = *at;
	}
	out[n] = '\0';
}

static void show(const char *key, const char *what, bool good)
{
	pthread_mutex_lock(&program.lock);
	printf("  %-36s %s\n", key, what);
	fflush(stdout);
	*(good ? &program.made : &program.broken) += 1;
	pthread_cond_broadcast(&program.changed);
	pthread_mutex_unlock(&program.lock);
}

/* Whatever it is that fails, it is the reason that the queue has. */
static int fail(struct faas_context *ctx, const char *key, const char *type, const char *why)
{
	char text[400];

	snprintf(text, sizeof(text), "broken: %s", why);
	show(key, text, false);
	return faas_fail(ctx, type, why);
}

/* "2026/sea.png" becomes "2026-sea.jpg". */
static void name_thumbnail(char name[MAX_KEY], const char *key)
{
	const char *dot = strrchr(key, '.');

	snprintf(name, MAX_KEY, "%.*s.jpg", dot ? (int)(dot - key) : (int)strlen(key), key);
	for (char *c = name; *c; c++)
		*c = *c == '/' ? '-' : *c;
}

static int keep(struct faas_context *ctx, const char *key, const struct faas_result *result)
{
	char name[MAX_KEY], text[100], why[300];

	if (result->code) {
		read_text(why, sizeof(why), result->payload.data, result->payload.len,
			  "\"errorMessage\":\"");
		return fail(ctx, key, result->error_type, why);
	}
	name_thumbnail(name, key);
	if (!write_file(program.outbox, name, result->payload))
		return fail(ctx, key, "Function.Unwritable", strerror(errno));
	snprintf(text, sizeof(text), "%.0f KB, %.0f ms in the sandbox",
		 (double)result->payload.len / 1e3, result->duration_ms);
	show(key, text, true);
	return faas_puts(ctx, "");
}

static int photograph(struct faas_context *ctx, struct faas_bytes event)
{
	struct faas_result *result = NULL;
	struct faas_error err;
	char key[MAX_KEY], path[MAX_PATH + MAX_KEY];
	struct faas_bytes picture = { 0 };
	char *data;
	int rc;

	if (!read_key(key, event))
		return faas_fail(ctx, "Function.NoKey", "The event names no object.");
	snprintf(path, sizeof(path), "%s/%s", program.inbox, key);
	data = read_file(path, &picture.len);
	if (!data)
		return fail(ctx, key, "Function.Unreadable", strerror(errno));
	picture.data = data;
	rc = faas_invoke_wait(program.rt,
			      FAAS_REQUEST(.function = "thumbnail", .payload = picture), &result,
			      &err);
	free(data);
	if (rc)
		return fail(ctx, key, err.type, err.message);
	rc = keep(ctx, key, result);
	faas_free(result);
	return rc;
}

/* ---- all of it -------------------------------------------------------------- */

static bool make_folder(char path[MAX_PATH], const char *parent, const char *name)
{
	char real[MAX_PATH];

	if (!realpath(parent, real))
		return false;
	snprintf(path, MAX_PATH, "%.*s/%s", MAX_PATH - 20, real, name);
	return !mkdir(path, 0755) || errno == EEXIST;
}

/* Two at a time: thumbnails are work. Nothing is tried again, so the reason is seen at once. */
static int create_functions(struct faas_error *err)
{
	return faas_function_create(program.rt,
				    FAAS_FUNCTION(.name = "thumbnail", .code = PLUGINS,
						  .handler = "thumbnail.handler", .memory_mb = 512,
						  .timeout_ms = 10000),
				    err) ||
	       faas_function_create(program.rt,
				    FAAS_FUNCTION(.name = "photograph", .native = photograph,
						  .max_concurrency = 2, .max_retries = FAAS_NONE,
						  .timeout_ms = 60000,
						  .dead_letter = "queue:broken"),
				    err);
}

static bool has_mapping(const char *source)
{
	char request[MAX_PATH + 64], *reply = NULL;
	bool has = false;

	snprintf(request, sizeof(request), "{\"EventSourceArn\":\"%s\"}", source);
	if (!faas_control(program.rt, "ListEventSourceMappings", request, &reply, NULL))
		has = strstr(reply, "\"UUID\"");
	faas_free(reply);
	return has;
}

/* That of the last program is there again with its state. */
static int create_mapping(struct faas_error *err)
{
	char source[MAX_PATH + 8], id[37];

	snprintf(source, sizeof(source), "dir:%s", program.inbox);
	if (has_mapping(source))
		return 0;
	return faas_mapping_create(program.rt,
				   FAAS_MAPPING(.source = source, .function = "photograph",
						.existing = true),
				   id, err);
}

static void drop(const char *path, int number)
{
	const char *slash = strrchr(path, '/');
	struct faas_bytes picture;
	char name[MAX_KEY];
	char *data = read_file(path, &picture.len);

	snprintf(name, sizeof(name), "%02d-%.255s", number, slash ? slash + 1 : path);
	picture.data = data;
	if (!data || !write_file(program.inbox, name, picture))
		show(name, strerror(errno), false);
	free(data);
}

static void drop_all(char **pictures, int count)
{
	struct timespec until;

	for (int i = 0; i < count; i++)
		drop(pictures[i], i + 1);
	clock_gettime(CLOCK_REALTIME, &until);
	until.tv_sec += WAIT_S;
	pthread_mutex_lock(&program.lock);
	while (program.made + program.broken < count)
		if (pthread_cond_timedwait(&program.changed, &program.lock, &until))
			break;
	pthread_mutex_unlock(&program.lock);
}

/* They come to lie there behind the handler's answer: so it is asked for what it knows. */
static void await_events(void)
{
	struct faas_stats stats = { .size = sizeof(stats) };

	for (int i = 0; i < 1000 && !faas_stats(program.rt, &stats) && stats.queued; i++)
		nanosleep(&(struct timespec){ 0, 10000000 }, NULL);
}

static bool show_letter(void *data, const struct faas_message *letter)
{
	char key[MAX_KEY], why[300];

	(void)data;
	read_text(why, sizeof(why), letter->attributes, strlen(letter->attributes),
		  "\"ErrorMessage\":{\"StringValue\":\"");
	if (read_key(key, letter->body))
		printf("  %-36s %s\n", key, why);
	return true;
}

static void show_letters(void)
{
	struct faas_queue_stats stats = { .size = sizeof(stats) };

	await_events();
	faas_queue_stats(program.rt, "queue:broken", &stats, NULL);
	printf("\n%d thumbnails, %d broken; in queue:broken:\n", program.made, program.broken);
	faas_peek(program.rt, "queue:broken", show_letter, NULL, NULL);
}

static int run(char **pictures, int count, const sigset_t *ends)
{
	struct faas_error err;
	int signal;

	program.rt = faas_create(FAAS_CONFIG(.state_dir = program.state), &err);
	if (!program.rt || create_functions(&err) || create_mapping(&err)) {
		fprintf(stderr, "%s: %s\n", err.type, err.message);
		faas_destroy(program.rt);
		return 1;
	}
	printf("Watching %s\n\n", program.inbox);
	fflush(stdout);
	if (count)
		drop_all(pictures, count);
	else
		sigwait(ends, &signal);
	show_letters();
	faas_destroy(program.rt);
	return 0;
}

int main(int argc, char **argv)
{
	sigset_t ends;

	if (argc < 2) {
		fprintf(stderr, "usage: inbox FOLDER [PICTURE...]\n");
		return 2;
	}
	if (!make_folder(program.inbox, argv[1], "inbox") ||
	    !make_folder(program.outbox, argv[1], "outbox") ||
	    !make_folder(program.state, argv[1], ".state")) {
		fprintf(stderr, "%s: %s\n", argv[1], strerror(errno));
		return 1;
	}
	sigemptyset(&ends);
	sigaddset(&ends, SIGINT);
	sigaddset(&ends, SIGTERM);
	pthread_sigmask(SIG_BLOCK, &ends, NULL);
	return run(argv + 2, argc - 2, &ends);
}
