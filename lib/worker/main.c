/* SPDX-License-Identifier: MIT */
/*
 * faas-worker: the other side of the wall. libfaas starts it; there is nothing
 * in it for a person.
 */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <worker/nest.h>
#include <worker/supervisor.h>

/*
 * Our environment is the host's, with its secrets; nests, and with them functions,
 * get nothing of it but what tells a sanitizer how to behave.
 */
static void reduce_environment(void)
{
	static char *kept[4];
	size_t count = 0;

	for (char **variable = environ; variable && *variable; variable++)
		if (strstr(*variable, "SAN_OPTIONS=") && count < sizeof(kept) / sizeof(*kept) - 1)
			kept[count++] = *variable;
	environ = kept;
}

int main(int argc, char **argv)
{
	const char *role = argc == 2 ? argv[1] : "";

	if (!strcmp(role, "supervise")) {
		reduce_environment();
		return fa_supervise();
	}
	if (!strcmp(role, "nest"))
		fa_nest_main();
	fprintf(stderr, "faas-worker is started by libfaas, as `faas-worker supervise`\n");
	return 2;
}
