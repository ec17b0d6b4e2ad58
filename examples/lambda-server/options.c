/* SPDX-License-Identifier: MIT */
/* The command line, and the file of keys. What is wrong is named, and ends the program. */
#include <getopt.h>
#include <stdlib.h>
#include <string.h>

#include "server.h"

#define FILE_SYSTEMS 16
#define ROUTES 300

static const char usage_text[] =
	"usage: lambda-server [OPTION...]\n"
	"  --port NUMBER   listen there (9001; 0: any free one)\n"
	"  --host ADDRESS  of this machine (127.0.0.1)\n"
	"  --names NAMES   by which a proxy on this machine may call us, separated by blanks\n"
	"  --state DIR     keep functions, events and messages there; else they end with this\n"
	"  --region NAME   in the ARNs (us-east-1)\n"
	"  --keys FILE     requests must be signed: a line for each access key, its secret and,\n"
	"                  of who may not do all, the name of a role, separated by blanks\n"
	"  --route ROUTE=FUNCTION  as of API Gateway: \"GET /items/{id}=items:live\"; many times\n"
	"  --mount ARN=DIR functions may mount the directory; with \":ro\" behind it\n"
	"                  they only read it; up to 16 times\n"
	"  --worker FILE   the program faas-worker, if it is not where it was installed\n"
	"  --runtimes DIR  what runs Python and JavaScript, if it is not beside faas-worker\n"
	"  --json          log lines as JSON, one object each\n";

static struct key {
	char *access_key, *secret, *role; /* NULL: may do all */
} *keys;
static size_t key_count;
static struct faas_file_system file_systems[FILE_SYSTEMS + 1];
static char *routes[ROUTES]; /* "GET /items/{id}" NUL "items:live" */
static int file_system_count, route_count;

static void usage(bool asked)
{
	fputs(usage_text, asked ? stdout : stderr);
	exit(asked ? 0 : 2);
}

static void refuse(const char *what, const char *value)
{
	fprintf(stderr, "lambda-server: %s '%s'\n", what, value);
	usage(false);
}

static int port_of(const char *text)
{
	char *end;
	long port = strtol(text, &end, 10);

	if (!*text || *end || port < 0 || port > 65535)
		refuse("a port is a number from 0 to 65535, not", text);
	return (int)port;
}

/* ---- keys ---------------------------------------------------------------- */

static const struct key *find_key(const char *access_key)
{
	for (size_t i = 0; i < key_count; i++)
		if (!strcmp(keys[i].access_key, access_key))
			return &keys[i];
	return NULL;
}

static const char *secret_of(void *data, const char *access_key)
{
	const struct key *key = find_key(access_key);

	(void)data;
	return key ? key->secret : NULL;
}

static const char *role_of(void *data, const char *access_key)
{
	const struct key *key = find_key(access_key);

	(void)data;
	return key ? key->role : NULL;
}

static void read_key(const char *line, const char *file)
{
	struct key key = { NULL, NULL, NULL };
	char more;
	int words = sscanf(line, " %m[^ \t\r\n] %m[^ \t\r\n] %m[^ \t\r\n] %c", &key.access_key,
			   &key.secret, &key.role, &more);

	if (words <= 0 || *key.access_key == '#')
		return;
	if (words == 1 || words == 4 || find_key(key.access_key))
		refuse("a line is an access key, once, its secret and perhaps a role; not so in",
		       file);
	keys = realloc(keys, (key_count + 1) * sizeof(*keys));
	keys[key_count++] = key;
}

static void read_keys(const char *path, struct faas_http_config *door)
{
	FILE *file = fopen(path, "re");
	char *line = NULL;
	size_t size = 0;

	if (!file)
		refuse("cannot read the keys in", path);
	while (getline(&line, &size, file) > 0)
		read_key(line, path);
	free(line);
	fclose(file);
	if (!key_count)
		refuse("there is no key in", path);
	door->secret_of = secret_of;
	door->role_of = role_of;
}

/* ---- pairs ----------------------------------------------------------------- */

/* Behind the last or first '='; the text ends there. */
static char *split(char *text, bool last, const char *what)
{
	char *at = last ? strrchr(text, '=') : strchr(text, '=');

	if (!at || at == text || !at[1])
		refuse(what, text);
	*at = '\0';
	return at + 1;
}

static void add_route(char *text)
{
	if (route_count == ROUTES)
		refuse("there may be 300 routes, and not", text);
	split(text, true, "a route is \"METHOD /path=function\", not");
	routes[route_count++] = text;
}

static void add_mount(char *text, struct faas_config *runtime)
{
	char *path = split(text, false, "a mount is ARN=DIR or ARN=DIR:ro, not");
	size_t len = strlen(path);
	bool read_only = len > 3 && !strcmp(path + len - 3, ":ro");

	if (file_system_count == FILE_SYSTEMS)
		refuse("there may be 16 mounts, and not", text);
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
		{ "keys", required_argument, NULL, 'k' },
		{ "route", required_argument, NULL, 'R' },
		{ "mount", required_argument, NULL, 'm' },
		{ "worker", required_argument, NULL, 'w' },
		{ "runtimes", required_argument, NULL, 't' },
		{ "json", no_argument, NULL, 'j' },
		{ "help", no_argument, NULL, 'H' },
		{ 0 },
	};
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
		else if (option == 'k')
			read_keys(optarg, door);
		else if (option == 'R')
			add_route(optarg);
		else if (option == 'm')
			add_mount(optarg, runtime);
		else if (option == 'w')
			runtime->worker = optarg;
		else if (option == 't')
			runtime->runtimes = optarg;
		else if (option == 'j')
			*json = true;
		else
			usage(option == 'H');
	}
	if (optind < argc)
		refuse("there is no argument", argv[optind]);
}
