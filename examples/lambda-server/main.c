/* SPDX-License-Identifier: MIT */
/*
 * Lambda on this machine, for AWS's own clients: functions come with CreateFunction.
 *
 *   lambda-server --state DIR --port 9001
 *   aws --endpoint-url http://127.0.0.1:9001 lambda list-functions
 *
 * The same address shows in a browser what goes on; /metrics is for Prometheus. It
 * ends with Ctrl-C: what runs then has five seconds, and a second one ends it at once.
 */
#include <getopt.h>
#include <signal.h>
#include <stdlib.h>

#include "server.h"

#define GRACE_MS 5000

static uv_loop_t loop;
static uv_signal_t interrupt, terminate;
static uv_prepare_t before_sleep;
static struct faas *rt;

static const char usage_text[] =
	"usage: lambda-server [OPTION...]\n"
	"  --port NUMBER   listen there (9001; 0: any free one)\n"
	"  --host ADDRESS  of this machine (127.0.0.1)\n"
	"  --names NAMES   by which a proxy on this machine may call us, separated by blanks\n"
	"  --state DIR     keep functions, events and messages there; else they end with this\n"
	"  --region NAME   in the ARNs (us-east-1)\n"
	"  --worker FILE   the program faas-worker, if it is not where it was installed\n"
	"  --runtimes DIR  what runs Python and JavaScript, if it is not beside faas-worker\n"
	"  --json          log lines as JSON, one object each\n";

/* ---- callbacks ------------------------------------------------------- */

static void on_log(void *data, const struct faas_log *log)
{
	(void)data;
	log_line(log);
}

static void on_metric(void *data, const struct faas_metric *metric)
{
	(void)data;
	count_metric(metric);
}

static void on_before_sleep(uv_prepare_t *prepare)
{
	(void)prepare;
	fflush(stdout); /* all lines of a turn at once */
}

static void on_closed(void *data)
{
	(void)data;
	uv_close((uv_handle_t *)&before_sleep, NULL);
}

static void on_signal(uv_signal_t *handle, int number)
{
	(void)handle;
	(void)number;
	uv_close((uv_handle_t *)&interrupt, NULL); /* the next one kills */
	uv_close((uv_handle_t *)&terminate, NULL);
	page_close();
	faas_close(rt, GRACE_MS, on_closed, NULL);
}

/* ---- options --------------------------------------------------------- */

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

static void read_options(int argc, char **argv, struct faas_config *runtime,
			 struct faas_http_config *http, bool *json)
{
	static const struct option options[] = {
		{ "port", required_argument, NULL, 'p' },
		{ "host", required_argument, NULL, 'h' },
		{ "names", required_argument, NULL, 'n' },
		{ "state", required_argument, NULL, 's' },
		{ "region", required_argument, NULL, 'r' },
		{ "worker", required_argument, NULL, 'w' },
		{ "runtimes", required_argument, NULL, 't' },
		{ "json", no_argument, NULL, 'j' },
		{ "help", no_argument, NULL, 'H' },
		{ 0 },
	};
	int option;

	while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
		if (option == 'p')
			http->port = port_of(optarg);
		else if (option == 'h')
			http->host = optarg;
		else if (option == 'n')
			http->names = optarg;
		else if (option == 's')
			runtime->state_dir = optarg;
		else if (option == 'r')
			runtime->region = optarg;
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

/* ---- life ------------------------------------------------------------ */

static void open_loop(void)
{
	uv_loop_init(&loop);
	uv_signal_init(&loop, &interrupt);
	uv_signal_init(&loop, &terminate);
	uv_signal_start(&interrupt, on_signal, SIGINT);
	uv_signal_start(&terminate, on_signal, SIGTERM);
	uv_prepare_init(&loop, &before_sleep);
	uv_prepare_start(&before_sleep, on_before_sleep);
	uv_unref((uv_handle_t *)&before_sleep);
}

int main(int argc, char **argv)
{
	struct faas_config config = { .size = sizeof(config),
				      .loop = &loop,
				      .region = "us-east-1",
				      .on_log = on_log,
				      .on_metric = on_metric };
	struct faas_http_config door = { .size = sizeof(door), .port = 9001, .on_page = page_show };
	struct faas_http *http;
	struct faas_error err;
	bool json = false;

	read_options(argc, argv, &config, &door, &json);
	log_open(json);
	open_loop();
	rt = faas_create(&config, &err);
	http = rt ? faas_http_listen(rt, &door, &err) : NULL;
	if (!http) {
		fprintf(stderr, "lambda-server: %s\n", err.message);
		return 1; /* nothing of the runtime outlives us */
	}
	page_open(&loop, rt);
	fprintf(stderr, "Lambda is at http://%s:%d\n", door.host ? door.host : "127.0.0.1",
		faas_http_port(http));
	uv_run(&loop, UV_RUN_DEFAULT);
	fflush(stdout);
	return 0;
}
