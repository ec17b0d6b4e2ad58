/* SPDX-License-Identifier: MIT */
/*
 * events FOLDER - one event of each source, as its function got it, a line each. For the
 * directory a file is put into FOLDER. Requests of HTTP are among them if they can be served.
 */
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <faas/faas.h>
#include <faas/http.h>
#include <faas/plugin.h>
#include <faas/source.h>

#define MAPPINGS 8
#define EVENTS 9 /* two of the table: one comes, and one is deleted */
#define REQUESTS 3

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

static const char table[] =
	"{\"KeySchema\":[{\"AttributeName\":\"Id\",\"KeyType\":\"HASH\"}],"
	"\"AttributeDefinitions\":[{\"AttributeName\":\"Id\",\"AttributeType\":\"N\"}],"
	"\"StreamSpecification\":{"
	"\"StreamEnabled\":true,\"StreamViewType\":\"NEW_AND_OLD_IMAGES\"},"
	"\"TimeToLiveSpecification\":{\"Enabled\":true,\"AttributeName\":\"Until\"}}";

/* Expired since yesterday, so that it is told of twice. */
static int put_item(struct faas *rt, struct faas_error *err)
{
	char item[256];

	snprintf(item, sizeof(item),
		 "{\"Id\":{\"N\":\"1\"},"
		 "\"S\":{\"S\":\"a\"},\"B\":{\"B\":\"AA==\"},"
		 "\"Bool\":{\"BOOL\":true},\"Null\":{\"NULL\":true},"
		 "\"L\":{\"L\":[{\"NS\":[\"1\"]},{\"BS\":[\"AA==\"]}]},"
		 "\"M\":{\"M\":{\"x\":{\"SS\":[\"b\"]}}},"
		 "\"Until\":{\"N\":\"%lld\"}}",
		 (long long)time(NULL) - 86400);
	return faas_item_put(rt, "table:t", item, NULL, NULL, err);
}

static int map_all(struct faas *rt, const char *folder, struct faas_error *err)
{
	char directory[400], id[37];

	snprintf(directory, sizeof(directory), "dir:%s", folder);
	return faas_resource_create(rt, "stream:s", NULL, err) ||
	       faas_resource_create(rt, "table:t", table, err) ||
	       faas_mapping_create(rt,
				   FAAS_MAPPING(.source = "table:t", .function = "f",
						.batch_size = 1), id, err) ||
	       map(rt, "stream:s", err) || map(rt, "queue:q", err) ||
	       map(rt, "queue:q.fifo", err) || map(rt, "topic:t", err) ||
	       map(rt, "schedule:rate(5 minutes)", err) || map(rt, directory, err) ||
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
	return n == MAPPINGS;
}

static void tick(void)
{
	nanosleep(&(struct timespec){ 0, 1000000 }, NULL);
}

static int put(struct faas *rt, const char *address, const char *body, struct faas_error *err)
{
	bool fifo = strstr(address, ".fifo"), grouped = fifo || *address == 's';

	return faas_put(rt, address,
			FAAS_MESSAGE(.body = { body, strlen(body) }, .group = grouped ? "g" : NULL,
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
	return put_item(rt, err) || put(rt, "stream:s", "hello", err) ||
	       put(rt, "queue:q", "hello", err) || put(rt, "queue:q.fifo", "hello", err) ||
	       put(rt, "topic:t", "hello", err) ||
	       put(rt, "bus:default", "{\"Source\":\"a\",\"DetailType\":\"b\",\"Detail\":\"{}\"}",
		   err);
}

/* ---- requests of HTTP ------------------------------------------------- */

static void on_answer(void *data, const struct faas_http_message *answer)
{
	(void)data;
	(void)answer;
}

static int ask(struct faas_http *http, const char *target, struct faas_error *err)
{
	static const char *const headers[] = { "Host: 127.0.0.1", "User-Agent: events",
					       "Cookie: a=b", NULL };
	struct faas_http_message m = { .size = sizeof(m), .method = "POST", .target = target,
				       .headers = headers, .body = { "hello", 5 } };

	return faas_http_serve(http, &m, on_answer, NULL, err);
}

/* By a URL of the function, and by routes of both kinds. False: there is no HTTP here. */
static int ask_all(struct faas *rt, struct faas_error *err)
{
	struct faas_http *http = faas_http_listen(rt, FAAS_HTTP(.port = FAAS_NONE), err);
	char *reply = NULL;
	int rc;

	if (!http)
		return -1;
	rc = faas_control(rt, "CreateFunctionUrlConfig",
			  "{\"FunctionName\":\"f\",\"AuthType\":\"NONE\"}", &reply, err);
	faas_free(reply);
	return rc || faas_http_route(http, FAAS_HTTP_ROUTE(.route = "ANY /two/{id}",
							   .function = "f"), err) ||
	       faas_http_route(http, FAAS_HTTP_ROUTE(.route = "ANY /one/{id}", .function = "f",
						     .payload = 1), err) ||
	       ask(http, "/url/f/path?a=b&a=c", err) || ask(http, "/two/7?a=b", err) ||
	       ask(http, "/one/7?a=b", err);
}

int main(int argc, char **argv)
{
	const int want = EVENTS + (WITH_HTTP ? REQUESTS : 0);
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
	if (WITH_HTTP && ask_all(rt, &err))
		fprintf(stderr, "%s\n", err.message);
	for (int i = 0; seen < want && i < 10000; i++)
		tick();
	faas_destroy(rt);
	return seen != want;
}
