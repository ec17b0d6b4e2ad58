/* SPDX-License-Identifier: MIT */
/* The command line. What is wrong is named, and ends the program. */
#include <getopt.h>
#include <stdlib.h>
#include <string.h>

#include <faas/source.h>

#include "server.h"

#define FILE_SYSTEMS 16
#define ROUTES 300
#define RESOURCES 300

static const char usage_text[] =
	"usage: lambda-server [OPTION...]\n"
	"  --port NUMBER   listen there (9001; 0: any free one)\n"
	"  --host ADDRESS  of this machine (127.0.0.1)\n"
	"  --names NAMES   by which a proxy on this machine may call us, separated by blanks\n"
	"  --state DIR     keep functions, events and messages there; else they end with this\n"
	"  --region NAME   in the ARNs (us-east-1)\n"
	"  --memory MB     for all environments together (half of the machine's)\n"
	"  --keys FILE     requests must be signed: a line for each access key, its secret and,\n"
	"                  of who may not do all, the name of a role, separated by blanks;\n"
	"                  pages ask for the key and secret of who may do all as a password\n"
	"  --route ROUTE=FUNCTION  as of API Gateway: \"GET /items/{id}=items:live\"; many times\n"
	"  --resource ADDRESS[=JSON]  there is to be this queue, stream or table, as JSON says:\n"
	"                  'stream:clicks={\"ShardCount\":2}'; many times\n"
	"  --mount ARN=DIR functions may mount the directory; with \":ro\" behind it\n"
	"                  they only read it; up to 16 times\n"
	"  --worker FILE   the program faas-worker, if it is not where it was installed\n"
	"  --runtimes DIR  what runs Python and JavaScript, if it is not beside faas-worker\n"
	"  --json          log lines as JSON, one object each\n"
	"or, of a server that runs at --host and --port, with its --keys:\n"
	"  --queue NAME    count and show what lies in this queue\n"
	"  --again NAME    send up to 1000 dead letters of this queue back to their functions\n";

static struct faas_file_system file_systems[FILE_SYSTEMS + 1];
static char *routes[ROUTES]; /* "GET /items/{id}" NUL "items:live" */
static char *resources[RESOURCES]; /* "stream:clicks={...}" */
static int file_system_count, route_count, resource_count;

static void usage(bool asked)
{
	fputs(usage_text, asked ? stdout : stderr);
	exit(asked ? 0 : 2);
}

void options_refuse(const char *what, const char *value)
{
	fprintf(stderr, "lambda-server: %s '%s'\n", what, value);
	usage(false);
}

static int port_of(const char *text)
{
	char *end;
	long port = strtol(text, &end, 10);

	if (!*text || *end || port < 0 || port > 65535)
		options_refuse("a port is a number from 0 to 65535, not", text);
	return (int)port;
}

static int64_t megabytes_of(const char *text)
{
	char *end;
	long long mb = strtoll(text, &end, 10);

	if (*end || mb < 128 || mb > 1 << 30)
		options_refuse("memory is a number of MB from 128 on, not", text);
	return mb;
}

/* ---- pairs ----------------------------------------------------------------- */

/* Behind the last or first '='; the text ends there. */
static char *split(char *text, bool last, const char *what)
{
	char *at = last ? strrchr(text, '=') : strchr(text, '=');

	if (!at || at == text || !at[1])
		options_refuse(what, text);
	*at = '\0';
	return at + 1;
}

static void add_route(char *text)
{
	if (route_count == ROUTES)
		options_refuse("there may be 300 routes, and not", text);
	split(text, true, "a route is \"METHOD /path=function\", not");
	routes[route_count++] = text;
}

static void add_resource(char *text)
{
	if (resource_count == RESOURCES)
		options_refuse("there may be 300 resources, and not", text);
	resources[resource_count++] = text;
}

static void add_mount(char *text, struct faas_config *runtime)
{
	char *path = split(text, false, "a mount is ARN=DIR or ARN=DIR:ro, not");
	size_t len = strlen(path);
	bool read_only = len > 3 && !strcmp(path + len - 3, ":ro");

	if (file_system_count == FILE_SYSTEMS)
		options_refuse("there may be 16 mounts, and not", text);
	if (read_only)
		path[len - 3] = '\0';
	file_systems[file_system_count++] = (struct faas_file_system){ text, path, read_only };
	runtime->file_systems = file_systems;
}

int options_route(struct faas_http *http, struct faas_error *err)
{
	int rc = 0;

	for (int i = 0; i < route_count && !rc; i++)
		rc = faas_http_route(http,
				     FAAS_HTTP_ROUTE(.route = routes[i],
						     .function = routes[i] + strlen(routes[i]) + 1),
				     err);
	return rc;
}

int options_resources(struct faas *rt, struct faas_error *err)
{
	int rc = 0;

	for (int i = 0; i < resource_count && !rc; i++) {
		char *like = strchr(resources[i], '=');

		if (like)
			*like++ = '\0';
		rc = faas_resource_create(rt, resources[i], like, err);
	}
	return rc;
}

/* ---- all of it --------------------------------------------------------------- */

void options_read(int argc, char **argv, struct faas_config *runtime,
		  struct faas_http_config *door, bool *json)
{
	static const struct option options[] = {
		{ "port", required_argument, NULL, 'p' },
		{ "host", required_argument, NULL, 'h' },
		{ "names", required_argument, NULL, 'n' },
		{ "state", required_argument, NULL, 's' },
		{ "region", required_argument, NULL, 'r' },
		{ "memory", required_argument, NULL, 'M' },
		{ "keys", required_argument, NULL, 'k' },
		{ "route", required_argument, NULL, 'R' },
		{ "resource", required_argument, NULL, 'S' },
		{ "mount", required_argument, NULL, 'm' },
		{ "worker", required_argument, NULL, 'w' },
		{ "runtimes", required_argument, NULL, 't' },
		{ "json", no_argument, NULL, 'j' },
		{ "queue", required_argument, NULL, 'q' },
		{ "again", required_argument, NULL, 'a' },
		{ "help", no_argument, NULL, 'H' },
		{ 0 },
	};
	const char *queue = NULL;
	bool again = false;
	int option;

	while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
		if (option == 'p')
			door->port = port_of(optarg);
		else if (option == 'h')
			door->host = optarg;
		else if (option == 'n')
			door->names = optarg;
		else if (option == 's')
			runtime->state_dir = optarg;
		else if (option == 'r')
			runtime->region = optarg;
		else if (option == 'M')
			runtime->max_memory_mb = megabytes_of(optarg);
		else if (option == 'k')
			keys_read(optarg, door);
		else if (option == 'R')
			add_route(optarg);
		else if (option == 'S')
			add_resource(optarg);
		else if (option == 'm')
			add_mount(optarg, runtime);
		else if (option == 'w')
			runtime->worker = optarg;
		else if (option == 't')
			runtime->runtimes = optarg;
		else if (option == 'j')
			*json = true;
		else if (option == 'q' || option == 'a')
			queue = optarg, again = option == 'a';
		else
			usage(option == 'H');
	}
	if (optind < argc)
		options_refuse("there is no argument", argv[optind]);
	if (queue)
		exit(queues_ask(door, queue, again));
}
