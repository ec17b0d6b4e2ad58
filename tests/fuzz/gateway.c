/* SPDX-License-Identifier: MIT */
/*
 * "ROUTE" lines, and at last "METHOD target": of several routes one is meant exactly if one of them
 * would be meant alone, in whatever order they came; and those that are removed are gone.
 */
#include "fuzz.h"

#include <http/gateway.h>

#define LINES 8

const char fuzz_promise[] = "a_request_has_a_route_if_one_of_them_fits_it_alone";

const char *const fuzz_corpus[] = {
	"GET /items/{id}\nANY /items/{rest+}\n$default\nGET /items/7?a=b",
	"GET /a\nPOST /a\nANY /{x}/b\nPUT /c/b",
	"GET /{a}/{b}/{c+}\nGET /a/{b+}\nGET /a/b/c/d/e",
	"GET /{a\nGET /}\nGET //\nget /a\nGET //",
	"ANY /dev/{p+}\nGET /dev/%41%",
	NULL,
};

static char *lines[LINES];
static int line_count;

static int set(struct fa_gateway *gateway, const char *text, const char *function)
{
	struct faas_http_route route = { .size = sizeof(route),
					 .route = text,
					 .function = function };
	struct faas_error err = { 0 };
	int rc = fa_gateway_set(gateway, &route, &err);

	PROPERTY(!rc || (err.code == rc && *err.message));
	return rc;
}

static bool has(const struct fa_http_request *request, int first, int step)
{
	struct fa_gateway gateway = { 0 };
	bool found;

	fa_gateway_init(&gateway, &fa_mem_libc);
	for (int i = first; i >= 0 && i < line_count - 1; i += step)
		set(&gateway, lines[i], "f");
	found = fa_gateway_has(&gateway, request);
	for (int i = 0; i < line_count - 1; i++)
		set(&gateway, lines[i], NULL);
	PROPERTY(!gateway.count && !fa_gateway_has(&gateway, request));
	fa_gateway_finish(&gateway);
	return found;
}

static void split(char *text)
{
	line_count = 0;
	while (text && line_count < LINES) {
		lines[line_count++] = text;
		text = line_count < LINES ? strchr(text, '\n') : NULL;
		if (text)
			*text++ = '\0';
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fa_http_request request = { 0 };
	char *text = malloc(size + 1), *space;
	bool any = false;

	PROPERTY(text);
	memcpy(text, data, size);
	text[size] = '\0';
	split(text);
	request.method = lines[line_count - 1];
	space = strchr(request.method, ' ');
	if (space) {
		*space = '\0';
		request.target = space + 1;
		for (int i = 0; i < line_count - 1; i++)
			any |= has(&request, i, LINES);
		PROPERTY(has(&request, 0, 1) == any);
		PROPERTY(has(&request, line_count - 2, -1) == any);
	}
	free(text);
	return 0;
}
