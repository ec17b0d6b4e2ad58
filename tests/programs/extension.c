/* SPDX-License-Identifier: MIT */
/* An extension: it prints each event that it hears of. Its name says how it behaves. */
#include "client.h"

#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static struct reply reply;
static char identity[128];

static bool ask(const char *method, const char *path, const char *fields, const char *body)
{
	int fd = client_connect();
	bool done = client_ask_at(fd, method, path, fields, body, strlen(body), &reply);

	close(fd);
	return done;
}

/* It has longer than the program, and sees that one's end. */
static void outlive(void)
{
	FILE *file = fopen("/tmp/program", "r");
	int pid = 0;

	if (!file || fscanf(file, "%d", &pid) != 1 || kill(pid, 0))
		return;
	printf("witness sees the program\n");
	while (!kill(pid, 0))
		usleep(1000);
	printf("witness outlives the program\n");
}

int main(int argc, char **argv)
{
	const char *slash = strrchr(argv[0], '/'), *name = slash ? slash + 1 : argv[0];
	char fields[128];

	(void)argc;
	setvbuf(stdout, NULL, _IOLBF, 0);
	printf("%s has %s %s\n", name, getenv("_HANDLER") ? "a handler" : "no handler",
	       getenv("AWS_LAMBDA_FUNCTION_NAME"));
	if (!strcmp(name, "early"))
		return 3;
	snprintf(fields, sizeof(fields), "Lambda-Extension-Name: %s\r\n", name);
	ask("POST", "/2020-01-01/extension/register", fields,
	    "{\"events\":[\"INVOKE\",\"SHUTDOWN\"]}");
	printf("%s is told %s\n", name, reply.body);
	snprintf(identity, sizeof(identity), "Lambda-Extension-Identifier: %s\r\n",
		 client_field(&reply, "Lambda-Extension-Identifier"));
	while (ask("GET", "/2020-01-01/extension/event/next", identity, "")) {
		bool shutdown = strstr(reply.body, "SHUTDOWN");

		printf("%s hears %.*s\n", name, shutdown ? 200 : 22, reply.body);
		if (shutdown && !strcmp(name, "witness"))
			outlive();
		if (shutdown)
			return 0;
		if (!strcmp(name, "late"))
			return 4;
		if (!strcmp(name, "deaf")) /* asks no more */
			pause();
	}
	return 98;
}
