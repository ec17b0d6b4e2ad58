/* SPDX-License-Identifier: MIT */
/* "METHOD target" of whatever bytes: one operation of that method or none, and its members or why
 * not. */
#include "fuzz.h"

#include <base/document.h>
#include <base/mem.h>
#include <http/route.h>

const char fuzz_promise[] = "a_path_leads_to_one_operation_with_all_its_members_or_to_none";

const char *const fuzz_corpus[] = {
	"GET /2015-03-31/functions/f?Qualifier=%24LATEST",
	"POST /2015-03-31/functions/arn%3Aaws%3Alambda%3Aus-east-1%3A000000000000%3Afunction%3Af/"
	"invocations",
	"DELETE /2017-03-31/tags/arn%3Aaws%3Alambda%3Al%3A0%3Afunction%3Af?tagKeys=a&tagKeys=%62",
	"GET /2018-10-31/layers?find=LayerVersion&Arn=arn%3Aaws%3Alambda%3Al%3A0%3Alayer%3Al%3A1",
	"PUT /2015-03-31/functions/f/aliases/live/",
	"GET /2015-03-31/functions/?MaxItems=99999999999999999999&Marker=%",
	"POST /2014-11-13/functions/f/invoke-async/",
	"GET *",
	NULL,
};

/* Every "{Name}" of the path is a member, and says something. */
static void look_for_members(const struct fa_route *route, const struct fa_document *in)
{
	char name[64];

	for (const char *at = strchr(route->path, '{'); at; at = strchr(at + 1, '{')) {
		size_t len = strcspn(at, "}") - 1;

		PROPERTY(len < sizeof(name));
		memcpy(name, at + 1, len);
		name[len] = '\0';
		PROPERTY(fa_document_get(in, name));
	}
}

static void read_it(const struct fa_route *route, const char *target)
{
	struct fa_document *in = fa_document_object();
	struct faas_error err = { 0 };
	int rc = fa_route_read(route, target, in, &err);
	char *text = rc ? NULL : fa_document_print(in, &fa_mem_libc);

	PROPERTY(rc ? err.code == rc && *err.type && *err.message : text != NULL);
	if (!rc)
		look_for_members(route, in);
	fa_free(text);
	fa_document_free(in);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *method = malloc(size + 2), *target, *slashed = NULL;
	const struct fa_route *route;

	PROPERTY(method);
	memcpy(method, data, size);
	method[size] = method[size + 1] = '\0';
	target = method + strcspn(method, " ");
	if (*target)
		*target++ = '\0';
	route = fa_route_find(method, target);
	if (route) {
		PROPERTY(!strcmp(route->method, method));
		read_it(route, target);
	}
	if (route && !strchr(target, '?') && target[strlen(target) - 1] != '/') {
		PROPERTY(asprintf(&slashed, "%s/", target) > 0);
		PROPERTY(fa_route_find(method, slashed) == route);
	}
	free(slashed);
	free(method);
	return 0;
}
