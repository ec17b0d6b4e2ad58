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

int main(int argc, char **argv)
{
	static const char *const variables[] = { "NAME=value", NULL };
	struct faas_error err = { 0 };
	struct faas_http *http;
	struct faas *rt;
	char line[64];

	if (argc > 1 && !strcmp(argv[1], "--routes"))
		return print_routes();
	rt = faas_create(FAAS_CONFIG(.worker = TEST_WORKER, .runtimes = TEST_RUNTIMES,
				     .region = "us-east-1"), &err);
	if (!rt ||
	    faas_function_create(rt,
				 FAAS_FUNCTION(.name = "f", .code = TEST_PLUGINS,
					       .handler = "echo.echo", .environment = variables),
				 &err))
		goto fail;
	if (faas_function_create(
		    rt,
		    FAAS_FUNCTION(.name = "fails", .code = TEST_PLUGINS, .handler = "echo.fail"),
		    &err))
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
