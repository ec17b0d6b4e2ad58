/* SPDX-License-Identifier: MIT */
/*
 * faas-worker: the other side of the wall. libfaas starts it; there is nothing
 * in it for a person.
 */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <worker/supervisor.h>

/* All that is in our memory, functions will be able to read: also secrets of the host. */
static void wipe_environment(void)
{
	for (char **variable = environ; variable && *variable; variable++)
		memset(*variable, 0, strlen(*variable));
	if (environ)
		*environ = NULL;
}

int main(int argc, char **argv)
{
	if (argc != 2 || strcmp(argv[1], "supervise")) {
		fprintf(stderr, "faas-worker is started by libfaas, as `faas-worker supervise`\n");
		return 2;
	}
	wipe_environment();
	return fa_supervise();
}
