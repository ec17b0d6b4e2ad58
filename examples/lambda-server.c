/* SPDX-License-Identifier: MIT */
/*
 * Lambda on this machine, for AWS's own clients: functions come with CreateFunction.
 *
 *   lambda-server [--port 9001] [--state DIR]
 *   aws --endpoint-url http://127.0.0.1:9001 lambda list-functions
 *
 * It prints log lines and ends with Ctrl-C; what runs then has five seconds.
 */
#include <getopt.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

#include <faas/faas.h>
#include <faas/http.h>

static void on_log(void *data, const struct faas_log *log)
{
	(void)data;
	printf("%s %s: %.*s\n", log->function, log->version, (int)log->text.len,
	       (const char *)log->text.data);
	fflush(stdout);
}

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t ended = PTHREAD_COND_INITIALIZER;
static bool is_ended;

static void on_closed(void *data)
{
	(void)data;
	pthread_mutex_lock(&lock);
	is_ended = true;
	pthread_cond_signal(&ended);
	pthread_mutex_unlock(&lock);
}

static void close_and_wait(struct faas *rt)
{
	faas_close(rt, 5000, on_closed, NULL);
	pthread_mutex_lock(&lock);
	while (!is_ended)
		pthread_cond_wait(&ended, &lock);
	pthread_mutex_unlock(&lock);
}

static int usage(const char *name)
{
	fprintf(stderr, "usage: %s [--port NUMBER] [--state DIRECTORY]\n", name);
	return 2;
}

static int fail(struct faas *rt, const struct faas_error *err)
{
	fprintf(stderr, "%s\n", err->message);
	faas_destroy(rt);
	return 1;
}

int main(int argc, char **argv)
{
	static const struct option options[] = { { "port", required_argument, NULL, 'p' },
						 { "state", required_argument, NULL, 's' },
						 { 0 } };
	const char *state = NULL;
	struct faas_error err;
	struct faas_http *http;
	struct faas *rt;
	sigset_t signals;
	int port = 9001, option, signal;

	while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
		if (option == 'p')
			port = atoi(optarg);
		else if (option == 's')
			state = optarg;
		else
			return usage(argv[0]);
	}
	if (optind < argc)
		return usage(argv[0]);
	sigemptyset(&signals);
	sigaddset(&signals, SIGINT);
	sigaddset(&signals, SIGTERM);
	pthread_sigmask(SIG_BLOCK, &signals, NULL);
	rt = faas_create(FAAS_CONFIG(.region = "us-east-1", .state_dir = state, .on_log = on_log),
			 &err);
	if (!rt)
		return fail(NULL, &err);
	http = faas_http_listen(rt, FAAS_HTTP(.port = port), &err);
	if (!http)
		return fail(rt, &err);
	printf("http://127.0.0.1:%d\n", faas_http_port(http));
	fflush(stdout);
	sigwait(&signals, &signal);
	close_and_wait(rt);
	return 0;
}
