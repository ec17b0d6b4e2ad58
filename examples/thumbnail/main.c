/* SPDX-License-Identifier: MIT */

/*
 * thumbnail FOLDER PICTURE... - small copies of the pictures, into the folder.
 *
 * Decoding strangers' pictures is the classic way to be broken into. Here the
 * decoder is a function: it runs in sandboxed processes with a memory limit
 * and a timeout, and the worst picture costs one error message. Two threads
 * send pictures and wait for the answers; libfaas starts an environment for
 * each, keeps both warm, and replaces one that a picture has broken.
 */

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <faas/faas.h>

#include "report.h"

#define THREADS 2
#define MAX_PATH 4096

struct report {
	char request_id[40];
	char *line;
};

struct program {
	struct faas *rt;
	const char *folder;
	struct picture *pictures;
	int count;

	pthread_mutex_t lock; /* guards what follows, and the terminal */
	pthread_cond_t reported;
	int next;
	struct report *reports;
	int reports_count;
};

/* ---- REPORT lines: they come on the loop's thread, through on_log ------ */

static bool is_report(struct faas_bytes line)
{
	return line.len > 7 && !memcmp(line.data, "REPORT ", 7);
}

static void on_log(void *data, const struct faas_log *log)
{
	struct program *program = data;
	struct report *report;

	if (!is_report(log->text))
		return;
	pthread_mutex_lock(&program->lock);
	if (program->reports_count < program->count) {
		report = &program->reports[program->reports_count++];
		snprintf(report->request_id, sizeof(report->request_id), "%s", log->request_id);
		report->line = strndup(log->text.data, log->text.len);
	}
	pthread_cond_broadcast(&program->reported);
	pthread_mutex_unlock(&program->lock);
}

static const char *find_report(const struct program *program, const char *request_id)
{
	for (int i = 0; i < program->reports_count; i++)
		if (!strcmp(program->reports[i].request_id, request_id))
			return program->reports[i].line;
	return NULL;
}

/* With the lock held. A second is plenty: the line is written when the answer is. */
static const char *wait_for_report(struct program *program, const char *request_id)
{
	const char *line;
	struct timespec until;

	clock_gettime(CLOCK_REALTIME, &until);
	until.tv_sec++;
	while (!(line = find_report(program, request_id)))
		if (pthread_cond_timedwait(&program->reported, &program->lock, &until))
			break;
	return line;
}

/* ---- files ------------------------------------------------------------ */

static char *read_open_file(int fd, size_t *len)
{
	struct stat st;
	char *data;

	if (fstat(fd, &st) < 0)
		return NULL;
	data = malloc((size_t)st.st_size + 1);
	if (!data)
		return NULL;
	for (*len = 0; *len < (size_t)st.st_size;) {
		ssize_t got = read(fd, data + *len, (size_t)st.st_size - *len);

		if (got < 0) {
			free(data);
			return NULL;
		}
		if (!got)
			break;
		*len += (size_t)got;
	}
	return data;
}

static char *read_file(const char *path, size_t *len)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	char *data;

	if (fd < 0)
		return NULL;
	data = read_open_file(fd, len);
	close(fd);
	return data;
}

static bool write_file(const char *path, struct faas_bytes data)
{
	FILE *file = fopen(path, "wb");
	bool good;

	if (!file)
		return false;
	good = fwrite(data.data, 1, data.len, file) == data.len;
	return !fclose(file) && good;
}

/* ---- one picture ------------------------------------------------------ */

static double now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec * 1e3 + (double)now.tv_nsec / 1e6;
}

__attribute__((format(printf, 2, 3)))
static void fail(struct picture *picture, const char *format, ...)
{
	va_list args;

	picture->failed = true;
	va_start(args, format);
	vsnprintf(picture->outcome, sizeof(picture->outcome), format, args);
	va_end(args);
}

/* "photos/sea.png", the third, becomes "03-sea.jpg": two may have one name. */
static void save(const struct program *program, struct picture *picture,
		 struct faas_bytes thumbnail)
{
	const char *name = base_name(picture->path);
	const char *dot = strrchr(name, '.');
	char path[MAX_PATH];

	snprintf(picture->outcome, sizeof(picture->outcome), "%02d-%.*s.jpg",
		 (int)(picture - program->pictures) + 1,
		 dot ? (int)(dot - name) : (int)strlen(name), name);
	snprintf(path, sizeof(path), "%s/%s", program->folder, picture->outcome);
	picture->thumbnail_bytes = thumbnail.len;
	if (!write_file(path, thumbnail))
		fail(picture, "cannot write %s: %s", path, strerror(errno));
}

static void keep_result(const struct program *program, struct picture *picture,
			const struct faas_result *result)
{
	picture->ran = true;
	picture->handler_ms = result->duration_ms;
	picture->init_ms = result->init_ms;
	snprintf(picture->request_id, sizeof(picture->request_id), "%s", result->request_id);
	if (result->code)
		fail(picture, "%.*s", (int)result->payload.len,
		     (const char *)result->payload.data);
	else
		save(program, picture, result->payload);
}

static void send(const struct program *program, struct picture *picture, const char *data)
{
	struct faas_error err;
	struct faas_result *result;
	double start = now_ms();

	if (faas_invoke_wait(program->rt,
			     FAAS_REQUEST(.function = "thumbnail",
					  .payload = { data, picture->bytes }),
			     &result, &err)) {
		fail(picture, "refused: %s: %s", err.type, err.message);
		return;
	}
	picture->waited_ms = now_ms() - start;
	keep_result(program, picture, result);
	faas_free(result);
}

static void make_thumbnail(const struct program *program, struct picture *picture)
{
	char *data = read_file(picture->path, &picture->bytes);

	if (!data) {
		fail(picture, "cannot read it: %s", strerror(errno));
		return;
	}
	send(program, picture, data);
	free(data);
}

/* ---- all of them ------------------------------------------------------ */

static struct picture *take(struct program *program)
{
	struct picture *picture = NULL;

	pthread_mutex_lock(&program->lock);
	if (program->next < program->count)
		picture = &program->pictures[program->next++];
	pthread_mutex_unlock(&program->lock);
	return picture;
}

static void show(struct program *program, const struct picture *picture)
{
	const char *report = NULL;

	pthread_mutex_lock(&program->lock);
	if (picture->ran)
		report = wait_for_report(program, picture->request_id);
	show_picture((int)(picture - program->pictures) + 1, picture, report);
	pthread_mutex_unlock(&program->lock);
}

static void *work(void *data)
{
	struct program *program = data;
	struct picture *picture;

	while ((picture = take(program))) {
		make_thumbnail(program, picture);
		show(program, picture);
	}
	return NULL;
}

static void work_in_threads(struct program *program)
{
	pthread_t threads[THREADS];
	int started = 0;

	while (started < THREADS - 1 &&
	       !pthread_create(&threads[started], NULL, work, program))
		started++;
	work(program);
	while (started)
		pthread_join(threads[--started], NULL);
}

/* A picture of 50 million pixels unfolds to 200 MB: 128, the default, is for smaller ones. */
static int create_function(struct faas *rt, struct faas_error *err)
{
	return faas_function_create(rt, FAAS_FUNCTION(.name = "thumbnail", .code = PLUGINS,
						      .handler = "thumbnail.handler",
						      .memory_mb = 512, .timeout_ms = 10000), err);
}

static bool program_init(struct program *program, int count, char **paths)
{
	program->count = count;
	program->pictures = calloc((size_t)count, sizeof(*program->pictures));
	program->reports = calloc((size_t)count, sizeof(*program->reports));
	if (!program->pictures || !program->reports)
		return false;
	for (int i = 0; i < count; i++)
		program->pictures[i].path = paths[i];
	return true;
}

static void program_finish(struct program *program)
{
	for (int i = 0; i < program->reports_count; i++)
		free(program->reports[i].line);
	free(program->reports);
	free(program->pictures);
}

static int run(struct program *program)
{
	struct faas_error err;

	program->rt = faas_create(FAAS_CONFIG(.on_log = on_log, .data = program), &err);
	if (!program->rt || create_function(program->rt, &err)) {
		fprintf(stderr, "%s: %s\n", err.type, err.message);
		faas_destroy(program->rt);
		return 1;
	}
	show_isolation(program->rt);
	work_in_threads(program);
	show_table(program->pictures, program->count);
	show_bill(program->rt);
	faas_destroy(program->rt);
	return 0;
}

int main(int argc, char **argv)
{
	struct program program = { .lock = PTHREAD_MUTEX_INITIALIZER,
				   .reported = PTHREAD_COND_INITIALIZER };
	int ret = 1;

	if (argc < 3) {
		fprintf(stderr, "usage: thumbnail FOLDER PICTURE...\n");
		return 2;
	}
	program.folder = argv[1];
	if (program_init(&program, argc - 2, argv + 2))
		ret = run(&program);
	program_finish(&program);
	return ret;
}
