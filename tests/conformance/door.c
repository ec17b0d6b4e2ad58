/* SPDX-License-Identifier: MIT */
/*
 * The control door for a script: one operation per line, "Name {json}", one
 * line of answer each: the JSON, or "! Type message".
 */
#include <stdio.h>
#include <string.h>
#include <time.h>

#include <faas/faas.h>

/* What was answered is not through yet: the next line may ask for it. */
static void settle(struct faas *rt, const char *reply)
{
	const char *name = strstr(reply, "\"FunctionName\":\"");
	struct faas_function_info *info;
	char function[65];
	bool over = !name;

	if (name)
		sscanf(name, "\"FunctionName\":\"%64[^\"]", function);
	while (!over && !faas_function_get(rt, function, &info, NULL)) {
		over = strcmp(info->state, "Pending") && strcmp(info->update_status, "InProgress");
		faas_free(info);
		nanosleep(&(struct timespec){ .tv_nsec = 1000000 }, NULL);
	}
}

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
	if (reply)
		settle(rt, reply);
	faas_free(reply);
}

int main(void)
{
	static const char *const variables[] = { "NAME=value", NULL };
	struct faas_error err;
	struct faas *rt = faas_create(FAAS_CONFIG(.worker = TEST_WORKER), &err);
	static char line[65536];

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
