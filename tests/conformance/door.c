/* SPDX-License-Identifier: MIT */
/*
 * The control door for a script: one operation per line, "Name {json}", one
 * line of answer each: the JSON, or "! Type message".
 */
#include <stdio.h>
#include <string.h>

#include <faas/faas.h>

static void perform(struct faas *rt, char *line)
{
	struct faas_error err;
	char *request, *reply = NULL;

	line[strcspn(line, "\n")] = '\0';
	request = strchr(line, ' ');
	if (request)
		*request++ = '\0';
	if (faas_control(rt, line, request, &reply, &err))
		printf("! %s %s\n", err.type, err.message);
	else
		printf("%s\n", reply);
	fflush(stdout);
	faas_free(reply);
}

int main(void)
{
	static const char *const variables[] = { "NAME=value", NULL };
	struct faas_error err;
	struct faas *rt = faas_create(FAAS_CONFIG(.worker = TEST_WORKER), &err);
	char line[4096];

	if (!rt || faas_function_create(rt,
					FAAS_FUNCTION(.name = "f", .code = TEST_PLUGINS,
						      .handler = "echo.echo", .max_concurrency = 5,
						      .environment = variables),
					&err)) {
		fprintf(stderr, "%s\n", err.message);
		return 1;
	}
	while (fgets(line, sizeof(line), stdin))
		perform(rt, line);
	return faas_destroy(rt) ? 1 : 0;
}
