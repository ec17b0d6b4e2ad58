/* SPDX-License-Identifier: MIT */
#include "fuzz.h"

#include <base/json.h>
#include <base/text.h>

const char fuzz_promise[] = "any_bytes_become_the_inside_of_a_valid_json_string_even_when_cut";

const char *const fuzz_corpus[] = {
	"plain", "\"\\\b\f\n\r\t\x01\x7f", "\xc3\xbc\xe2\x82\xac\xf0\x9f\x90\x8e", "\xe2\x82",
	"\xc0\xaf\xed\xa0\x80\xf4\x90\x80\x80\xff", NULL,
};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	for (size_t room = 1; room < 3 * size + 16; room += 1 + room / 2) {
		char *out = malloc(room + 2);
		struct fa_text text = { .data = out + 1, .size = room };

		PROPERTY(out);
		fa_text_json(&text, data, size);
		PROPERTY(text.len < room && !out[1 + text.len]);
		out[0] = out[1 + text.len] = '"';
		PROPERTY(fa_json_valid(out, text.len + 2, NULL));
		free(out);
	}
	return 0;
}
