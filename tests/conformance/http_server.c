/* SPDX-License-Identifier: MIT */
/*
 * The API for a client's test: prints its port, serves until its input ends. Requests are
 * signed, or by TLS, given a certificate and its key, or both, with a third word after these;
 * or --routes: its table of paths.
 */
#include <stdio.h>
#include <string.h>

#include <faas/faas.h>
#include <faas/http.h>
#include <faas/source.h>
#include <http/route.h>

/* "Operation METHOD /path status", each. */
static int print_routes(void)
{
	size_t count;
	const struct fa_route *routes = fa_routes(&count);

	for (size_t i = 0; i < count; i++)
		printf("%s %s %s %d\n", routes[i].operation, routes[i].method, routes[i].path,
		       routes[i].status);
	return 0;
}

static const char *secret_of(void *data, const char *access_key)
{
	(void)data;
	return !strcmp(access_key, "AKIDEXAMPLE") || !strncmp(access_key, "ROLE", 4) ? "secret"
										   : NULL;
}

/* "AKIDEXAMPLE" is the account's; behind "ROLE" is the name of one. */
static const char *role_of(void *data, const char *access_key)
{
	(void)data;
	return strncmp(access_key, "ROLE", 4) ? NULL : access_key + 4;
}

static const char *const variables[] = { "NAME=value", NULL };

/* One that answers, and one for each way not to. */
static const struct faas_function_config functions[] = {
#define FUNCTION(...) \
	{ .size = sizeof(struct faas_function_config), .code = TEST_PLUGINS, __VA_ARGS__ }
	FUNCTION(.name = "f", .handler = "echo.echo", .environment = variables),
	FUNCTION(.name = "fails", .handler = "echo.fail"),
	FUNCTION(.name = "exits", .handler = "echo.exit"),
	FUNCTION(.name = "crashes", .handler = "echo.segv"),
	FUNCTION(.name = "sleeps", .handler = "echo.sleep_ms", .timeout_ms = 1000),
	FUNCTION(.name = "eats", .handler = "echo.eat", .timeout_ms = 30000),
};

static int create_functions(struct faas *rt, struct faas_error *err)
{
	int rc = 0;

	for (size_t i = 0; !rc && i < sizeof(functions) / sizeof(*functions); i++)
		rc = faas_function_create(rt, &functions[i], err);
	return rc;
}

/* What mappings may be of. */
static int make_resources(struct faas *rt, struct faas_error *err)
{
	static const char table[] =
		"{\"KeySchema\":[{\"AttributeName\":\"Id\",\"KeyType\":\"HASH\"}],"
		"\"AttributeDefinitions\":["
		"{\"AttributeName\":\"Id\",\"AttributeType\":\"S\"}],"
		"\"StreamSpecification\":{"
		"\"StreamEnabled\":true,\"StreamViewType\":\"KEYS_ONLY\"}}";

	return faas_resource_create(rt, "stream:clicks", "{\"ShardCount\":2}", err) ||
	       faas_resource_create(rt, "table:orders", table, err);
}

int main(int argc, char **argv)
{
	struct faas_error err = { 0 };
	struct faas_http *http;
	struct faas *rt;
	char line[64];

	if (argc > 1 && !strcmp(argv[1], "--routes"))
		return print_routes();
	rt = faas_create(FAAS_CONFIG(.worker = TEST_WORKER, .runtimes = TEST_RUNTIMES,
				     .region = "us-east-1"), &err);
	if (!rt || create_functions(rt, &err) || make_resources(rt, &err))
		goto fail;
	http = faas_http_listen(rt,
				FAAS_HTTP(.secret_of = argc == 3 ? NULL : secret_of,
					  .role_of = role_of,
					  .cert_file = argc > 2 ? argv[1] : NULL,
					  .key_file = argc > 2 ? argv[2] : NULL),
				&err);
	if (!http)
		goto fail;
	printf("%d\n", faas_http_port(http));
	fflush(stdout);
	while (fgets(line, sizeof(line), stdin))
		;
	return faas_destroy(rt) ? 1 : 0;

fail:
	fprintf(stderr, "%s\n", err.message);
	faas_destroy(rt);
	return 1;
}
