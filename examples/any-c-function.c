/* SPDX-License-Identifier: MIT */

/*
 * Functions that nobody wrote for libfaas: C functions of ordinary shared
 * libraries, called by the prototypes in their manual pages. Arguments are a
 * JSON array in order or an object by name; the result is the value as JSON.
 * Each library runs in a sandboxed process of its own, so it may crash there.
 */

#include <stdio.h>
#include <string.h>

#include <faas/faas.h>

/* Where Debian keeps the libraries of this machine; argv[1] may say otherwise. */
#if defined(__x86_64__)
#define LIBRARIES "/usr/lib/x86_64-linux-gnu"
#elif defined(__aarch64__)
#define LIBRARIES "/usr/lib/aarch64-linux-gnu"
#else
#define LIBRARIES "/usr/lib"
#endif

struct c_function {
	const char *name;
	const char *handler; /* file.function, split at the last dot */
	const char *prototype;
};

static const struct c_function functions[] = {
	{ "power", "libm.so.6.pow", "double pow(double x, double y)" },
	{ "checksum", "libz.so.1.crc32", "uLong crc32(uLong crc, const Bytef *buf, uInt len)" },
	{ "zlib", "libz.so.1.zlibVersion", "const char *zlibVersion(void)" },
	{ "sqlite", "libsqlite3.so.0.sqlite3_libversion", "const char *sqlite3_libversion(void)" },
	{ "complete", "libsqlite3.so.0.sqlite3_complete", "int sqlite3_complete(const char *sql)" },
};

struct call {
	const char *function;
	const char *arguments;
};

static const struct call calls[] = {
	{ "power", "[2, 10]" },
	{ "power", "{\"y\": 0.5, \"x\": 2}" },
	{ "power", "[\"two\", 10]" }, /* refused before pow() is called */
	{ "checksum", "[0, \"123456789\"]" },
	{ "zlib", "[]" },
	{ "sqlite", "[]" },
	{ "complete", "[\"SELECT 1;\"]" },
	{ "complete", "[\"SELECT 1\"]" },
};

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static int create_all(struct faas *rt, const char *code, struct faas_error *err)
{
	for (size_t i = 0; i < COUNT(functions); i++) {
		int ret = faas_function_create(rt,
			FAAS_FUNCTION(.name = functions[i].name, .code = code,
				      .handler = functions[i].handler,
				      .prototype = functions[i].prototype), err);

		if (ret)
			return ret;
	}
	return 0;
}

static int call(struct faas *rt, const struct call *what, struct faas_error *err)
{
	struct faas_bytes arguments = { what->arguments, strlen(what->arguments) };
	struct faas_result *result;
	int ret = faas_invoke_wait(rt, FAAS_REQUEST(.function = what->function,
						    .payload = arguments), &result, err);

	if (ret)
		return ret;
	printf("%-9s %-20s -> %.*s\n", what->function, what->arguments,
	       (int)result->payload.len, (const char *)result->payload.data);
	faas_free(result);
	return 0;
}

int main(int argc, char **argv)
{
	struct faas_error err = { 0 };
	struct faas *rt = faas_create(NULL, &err);

	if (rt && !create_all(rt, argc > 1 ? argv[1] : LIBRARIES, &err))
		for (size_t i = 0; i < COUNT(calls) && !call(rt, &calls[i], &err); i++)
			;
	if (err.code)
		fprintf(stderr, "%s: %s\n", err.type, err.message);
	faas_destroy(rt);
	return err.code != 0;
}
