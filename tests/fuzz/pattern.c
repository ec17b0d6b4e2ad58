/* SPDX-License-Identifier: MIT */
/* A pattern, a NUL, an event. What must not exist does not, and what is there exists. */
#include "fuzz.h"

#include <source/pattern.h>

const char fuzz_promise[] = "any_pattern_is_refused_with_a_reason_or_says_whether_it_matches";

const char *const fuzz_corpus[] = {
	"{\"a\":[\"x\",1,null,true]}",
	"{\"a\":{\"b\":[{\"prefix\":\"x\"},{\"suffix\":{\"equals-ignore-case\":\"y\"}}]}}",
	"{\"a\":[{\"anything-but\":{\"wildcard\":[\"a*b\",\"\\\\*\"]}},{\"exists\":false}]}",
	"{\"a.b\":[{\"numeric\":[\">\",0,\"<=\",5]}],\"$or\":[{\"c\":[1]},{\"d\":[2]}]}",
	"{\"a\":[{\"cidr\":\"10.0.0.0/24\"},{\"cidr\":\"2001:db8::/33\"}]}",
	"{\"a\":[{\"x\":1},[2,[\"x\"]]],\"b\":{\"c\":[]}}",
	NULL,
};

/* Of every event that has the field the one matches, and of every other one the other. */
static void check_exists(struct fa_json event)
{
	struct fa_pattern *there =
		fa_pattern_create(&fa_mem_libc, "{\"a\":[{\"exists\":true}]}", NULL);
	struct fa_pattern *not_there =
		fa_pattern_create(&fa_mem_libc, "{\"a\":[{\"exists\":false}]}", NULL);

	PROPERTY(there && not_there);
	PROPERTY(fa_pattern_matches(there, event) != fa_pattern_matches(not_there, event));
	fa_pattern_destroy(there);
	fa_pattern_destroy(not_there);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	size_t len = strnlen((const char *)data, size);
	char *text = strndup((const char *)data, len);
	struct faas_error err = { 0 };
	struct fa_pattern *pattern;
	struct fa_json event;

	PROPERTY(text);
	pattern = fa_pattern_create(&fa_mem_libc, text, &err);
	PROPERTY(pattern || (err.code && err.message[0]));
	if (len < size ? fa_json_read(data + len + 1, size - len - 1, &event) :
			 fa_json_read(data, size, &event)) {
		check_exists(event);
		if (pattern)
			PROPERTY(fa_pattern_matches(pattern, event) ==
				 fa_pattern_matches(pattern, event));
	}
	fa_pattern_destroy(pattern);
	free(text);
	return 0;
}
