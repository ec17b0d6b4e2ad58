/* SPDX-License-Identifier: MIT */
#include <stdio.h>
#include <faas/faas.h>

int main(int argc, char **argv)
{
	const char *code = argc > 1 ? argv[1] : "hello.so";
	struct faas_error err;
	struct faas_result *result = NULL;
	struct faas *rt = faas_create(NULL, &err);

	if (!rt ||
	    faas_function_create(rt, FAAS_FUNCTION(.name = "hello", .code = code,
						   .handler = "hello.handler"), &err) ||
	    faas_invoke_wait(rt, FAAS_REQUEST(.function = "hello", .payload = { "World", 5 }),
			     &result, &err))
		fprintf(stderr, "%s: %s\n", err.type, err.message);
	else
		printf("%.*s\n", (int)result->payload.len, (const char *)result->payload.data);
	faas_free(result);
	faas_destroy(rt);
	return !result;
}
