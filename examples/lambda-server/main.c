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
#include <signal.h>

#include "server.h"

#define GRACE_MS 5000

static uv_loop_t loop;
static uv_signal_t interrupt, terminate;
static uv_prepare_t before_sleep;
static struct faas *rt;

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

	options_read(argc, argv, &config, &door, &json);
	log_open(json);
	open_loop();
	rt = faas_create(&config, &err);
	http = rt && !options_resources(rt, &err) ? faas_http_listen(rt, &door, &err) : NULL;
	if (!http || options_route(http, &err)) {
		fprintf(stderr, "lambda-server: %s\n", err.message);
		return 1; /* nothing of the runtime outlives us */
	}
	page_open(&loop, rt);
	fprintf(stderr, "Lambda is at %s://%s:%d\n", door.cert_file ? "https" : "http",
		door.host ? door.host : "127.0.0.1", faas_http_port(http));
	uv_run(&loop, UV_RUN_DEFAULT);
	fflush(stdout);
	return 0;
}
