/* SPDX-License-Identifier: MIT */
#ifndef FA_SOURCE_PATTERN_TEST_H
#define FA_SOURCE_PATTERN_TEST_H

/* What a leaf of a pattern accepts: one value after the other, and the operators. */
#include <base/json.h>
#include <base/mem.h>
#include <faas/types.h>

struct fa_pattern_test;

/* The text of `array` lives as long as the tests. *absent: it may be that it must not exist. */
int fa_pattern_tests_create(const struct fa_mem *mem, struct fa_json array,
			    struct fa_pattern_test **tests, bool *absent, struct faas_error *err);
void fa_pattern_tests_free(struct fa_pattern_test *tests);
/* Whether one of them accepts a leaf. Memory being out, they do: nothing gets lost by that. */
bool fa_pattern_tests_match(const struct fa_pattern_test *tests, const struct fa_mem *mem,
			    struct fa_json leaf);
bool fa_pattern_is_operator(struct fa_json key);

#endif
