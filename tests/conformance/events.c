/* SPDX-License-Identifier: MIT */
/*
 * events FOLDER - one event of each source, as its function got it, a line each. For the
 * directory a file is put into FOLDER.
 */
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <faas/faas.h>
#include <faas/plugin.h>
#include <faas/source.h>

#define EVENTS 6

static _Atomic int seen;

static int show(struct faas_context *ctx, struct faas_bytes event)
{
	printf("%.*s\n", (int)event.len, (const char *)event.data);
	seen++;
	return faas_puts(ctx, "");
}

static int map(struct faas *rt, const char *source, struct faas_error *err)
{
	char id[37];

	return faas_mapping_create(rt, FAAS_MAPPING(.source = source, .function = "f"), id, err);
}

static int map_all(struct faas *rt, const char *folder, struct faas_error *err)
{
	char directory[400], id[37];

	snprintf(directory, sizeof(directory), "dir:%s", folder);
	return map(rt, "queue:q", err) || map(rt, "queue:q.fifo", err) ||
	       map(rt, "topic:t", err) || map(rt, "schedule:rate(5 minutes)", err) ||
	       map(rt, directory, err) ||
	       faas_mapping_create(rt,
				   FAAS_MAPPING(.source = "bus:default", .function = "f",
						.filter = "[{\"source\":[\"a\"]}]"),
				   id, err);
}

/* A topic and a bus hand out to those mappings only that are there. */
static bool are_enabled(struct faas *rt)
{
	char *reply = NULL;
	int n = 0;

	faas_control(rt, "ListEventSourceMappings", "{}", &reply, NULL);
	for (const char *at = reply; at && (at = strstr(at, "\"Enabled\"")); at++)
		n++;
	faas_free(reply);
	return n == EVENTS;
}

static void tick(void)
{
	nanosleep(&(struct timespec){ 0, 1000000 }, NULL);
}

static int put(struct faas *rt, const char *address, const char *body, struct faas_error *err)
{
	bool fifo = strstr(address, ".fifo");

	return faas_put(rt, address,
			FAAS_MESSAGE(.body = { body, strlen(body) }, .group = fifo ? "g" : NULL,
				     .dedup = fifo ? "d" : NULL,
				     .attributes = *address == 'q' ?
							   "{\"k\":{\"DataType\":\"Number\","
							   "\"StringValue\":\"6\"}}" :
							   NULL),
			NULL, err);
}

static int put_all(struct faas *rt, const char *folder, struct faas_error *err)
{
	char path[400];
	FILE *file;

	snprintf(path, sizeof(path), "%s/a b.jpg", folder);
	file = fopen(path, "w");
	if (!file || fputs("x", file) < 0 || fclose(file))
		return -1;
	return put(rt, "queue:q", "hello", err) || put(rt, "queue:q.fifo", "hello", err) ||
	       put(rt, "topic:t", "hello", err) ||
	       put(rt, "bus:default", "{\"Source\":\"a\",\"DetailType\":\"b\",\"Detail\":\"{}\"}",
		   err);
}

int main(int argc, char **argv)
{
	struct faas_error err = { 0 };
	struct faas *rt = faas_create(FAAS_CONFIG(.worker = TEST_WORKER), &err);

	if (argc != 2 || !rt ||
	    faas_function_create(rt, FAAS_FUNCTION(.name = "f", .native = show), &err) ||
	    map_all(rt, argv[1], &err)) {
		fprintf(stderr, "%s\n", err.message);
		return 1;
	}
	for (int i = 0; !are_enabled(rt) && i < 10000; i++)
		tick();
	if (put_all(rt, argv[1], &err)) {
		fprintf(stderr, "%s\n", err.message);
		return 1;
	}
	for (int i = 0; seen < EVENTS && i < 10000; i++)
		tick();
	faas_destroy(rt);
	return seen != EVENTS;
}
