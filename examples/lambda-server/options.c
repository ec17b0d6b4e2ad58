/* SPDX-License-Identifier: MIT */
/* The command line. What is wrong is named, and ends the program. */
#include <getopt.h>
#include <stdlib.h>
#include <string.h>

#include <faas/source.h>

#include "server.h"

#define FILE_SYSTEMS 16
#define IMAGES 300
#define KMS_KEYS 16
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
	"  --resource ADDRESS[=JSON]  there is to be this queue, stream or table, as JSON says,\n"
	"                  or directory (dir:/PATH), for functions to put files into:\n"
	"                  'stream:clicks={\"ShardCount\":2}'; many times\n"
	"  --mount ARN=DIR functions may mount the directory; with \":ro\" behind it\n"
	"                  they only read it; up to 16 times\n"
	"  --subnet ID=CIDR,BRIDGE[,GATEWAY[,RESOLVER]]  functions may be in it (as root, and\n"
	"                  with nft): subnet-a=10.0.1.0/24,br0,10.0.1.1; up to 32 times\n"
	"  --egress GROUP=CIDR[,PROTOCOL[,FROM[,TO]]]  whom functions of the group may reach\n"
	"                  from there: sg-web=0.0.0.0/0,tcp,443; many times\n"
	"  --kms-key ARN=FILE  variables of functions are encrypted with the 32 bytes in the\n"
	"                  file (chmod 600); the first is of functions that name no key, and a\n"
	"                  new one stands before the old one of its ARN; up to 16 times\n"
	"  --image NAME=PATH  the container image of that name, an OCI layout or an archive;\n"
	"                  many times\n"
	"  --worker FILE   the program faas-worker, if it is not where it was installed\n"
	"  --runtimes DIR  what runs Python and JavaScript, if it is not beside faas-worker\n"
	"  --json          log lines as JSON, one object each\n"
	"  --cert FILE     https: the server's certificate, and those up to its root, as PEM;\n"
	"  --key FILE      and its key\n"
	"  --stream-pace KB  a second, of answers in parts behind their first 6 MB (any;\n"
	"                  Lambda has 2048)\n"
	"or, of a server that runs at --host and --port, with its --keys and --cert:\n"
	"  --queue NAME    count and show what lies in this queue\n"
	"  --again NAME    send up to 1000 dead letters of this queue back to their functions\n";

static struct faas_file_system file_systems[FILE_SYSTEMS + 1];
static char *routes[ROUTES]; /* "GET /items/{id}" NUL "items:live" */
static char *resources[RESOURCES]; /* "stream:clicks={...}" */
static struct faas_image images[IMAGES + 1];
static struct faas_key kms_keys[KMS_KEYS + 1];
static int file_system_count, image_count, kms_key_count, route_count, resource_count;

static _Noreturn void usage(bool asked)
{
	fputs(asked ? usage_text : "lambda-server --help tells what there is\n",
	      asked ? stdout : stderr);
	exit(asked ? 0 : 2);
}

void options_refuse(const char *what, const char *value)
{
	fprintf(stderr, "lambda-server: %s '%s'\n", what, value);
	exit(2);
}

static int number_of(const char *text, long low, long high, const char *what)
{
	char *end;
	long number = strtol(text, &end, 10);

	if (!*text || *end || number < low || number > high)
		options_refuse(what, text);
	return (int)number;
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

char *options_split(char *text, const char *what)
{
	return split(text, false, what);
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

static void add_image(char *text, struct faas_config *runtime)
{
	char *path = split(text, false, "an image is NAME=PATH, not");

	if (image_count == IMAGES)
		options_refuse("there may be 300 images, and not", text);
	images[image_count++] = (struct faas_image){ text, path };
	runtime->images = images;
}

static void add_kms_key(char *text, struct faas_config *runtime)
{
	char *file = split(text, false, "a KMS key is ARN=FILE, not");

	if (kms_key_count == KMS_KEYS)
		options_refuse("there may be 16 KMS keys, and not", text);
	kms_keys[kms_key_count++] = (struct faas_key){ .arn = text, .file = file };
	runtime->keys = kms_keys;
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

/* Which of many options it was that the library says this of. */
static int blame(int rc, const char *option, const char *value, struct faas_error *err)
{
	char why[sizeof(err->message)];

	memcpy(why, err->message, sizeof(why));
	snprintf(err->message, sizeof(err->message), "%s %.60s: %.160s", option, value, why);
	return rc;
}

int options_route(struct faas_http *http, struct faas_error *err)
{
	for (int i = 0; i < route_count; i++) {
		const char *function = routes[i] + strlen(routes[i]) + 1;
		int rc = faas_http_route(
			http, FAAS_HTTP_ROUTE(.route = routes[i], .function = function), err);

		if (rc)
			return blame(rc, "--route", routes[i], err);
	}
	return 0;
}

int options_resources(struct faas *rt, struct faas_error *err)
{
	for (int i = 0; i < resource_count; i++) {
		char *like = strchr(resources[i], '=');
		int rc;

		if (like)
			*like++ = '\0';
		rc = faas_resource_create(rt, resources[i], like, err);
		if (rc)
			return blame(rc, "--resource", resources[i], err);
	}
	return 0;
}

/* ---- all of it --------------------------------------------------------------- */

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
	{ "subnet", required_argument, NULL, 'N' },
	{ "egress", required_argument, NULL, 'e' },
	{ "kms-key", required_argument, NULL, 'y' },
	{ "image", required_argument, NULL, 'i' },
	{ "worker", required_argument, NULL, 'w' },
	{ "runtimes", required_argument, NULL, 't' },
	{ "json", no_argument, NULL, 'j' },
	{ "cert", required_argument, NULL, 'c' },
	{ "key", required_argument, NULL, 'K' },
	{ "stream-pace", required_argument, NULL, 'P' },
	{ "queue", required_argument, NULL, 'q' },
	{ "again", required_argument, NULL, 'a' },
	{ "help", no_argument, NULL, 'H' },
	{ 0 },
};

/* Those that are taken as they are. */
static bool take_text(int option, struct faas_config *runtime, struct faas_http_config *door)
{
	const struct {
		int option;
		const char **text;
	} texts[] = {
		{ 'h', &door->host },         { 'n', &door->names },
		{ 'c', &door->cert_file },    { 'K', &door->key_file },
		{ 's', &runtime->state_dir }, { 'r', &runtime->region },
		{ 'w', &runtime->worker },    { 't', &runtime->runtimes },
	};

	for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++) {
		if (texts[i].option != option)
			continue;
		*texts[i].text = optarg;
		return true;
	}
	return false;
}

void options_read(int argc, char **argv, struct faas_config *runtime,
		  struct faas_http_config *door, bool *json)
{
	const char *queue = NULL;
	bool again = false;
	int option;

	while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
		if (take_text(option, runtime, door))
			continue;
		if (option == 'p')
			door->port = number_of(optarg, 0, 65535,
					       "a port is a number from 0 to 65535, not");
		else if (option == 'M')
			runtime->max_memory_mb =
				number_of(optarg, 128, 1 << 30,
					  "memory is a number of MB from 128 on, not");
		else if (option == 'P')
			runtime->max_stream_kb_per_s = number_of(
				optarg, 1, 1 << 30, "a pace is a number of KB from 1 on, not");
		else if (option == 'k')
			keys_read(optarg, door);
		else if (option == 'R')
			add_route(optarg);
		else if (option == 'S')
			add_resource(optarg);
		else if (option == 'm')
			add_mount(optarg, runtime);
		else if (option == 'N')
			networks_subnet(optarg, runtime);
		else if (option == 'e')
			networks_egress(optarg, runtime);
		else if (option == 'y')
			add_kms_key(optarg, runtime);
		else if (option == 'i')
			add_image(optarg, runtime);
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
