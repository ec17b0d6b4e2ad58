/* SPDX-License-Identifier: MIT */
#include <support/test.h>

#include <base/arena.h>
#include <support/failing_mem.h>

TEST(what_an_arena_gives_is_zeroed_aligned_and_apart)
{
	struct fa_arena arena = { .mem = &fa_mem_libc };
	char *last = NULL;

	for (size_t size = 0; size < 9000; size += 37) {
		char *now = fa_arena_alloc(&arena, size);

		assert_non_null(now);
		assert_int_equal((uintptr_t)now % 16, 0);
		for (size_t i = 0; i < size; i++)
			assert_int_equal(now[i], 0);
		memset(now, 1, size);
		assert_true(!last || !size || *last == 1);
		last = size ? now : last;
	}
	fa_arena_finish(&arena);
}

TEST(a_text_is_copied_with_its_end)
{
	struct fa_arena arena = { .mem = &fa_mem_libc };

	assert_string_equal(fa_arena_text(&arena, "abcdef", 3), "abc");
	assert_string_equal(fa_arena_text(&arena, "", 0), "");
	fa_arena_finish(&arena);
}

TEST(an_arena_gives_all_of_it_back_and_survives_a_lack)
{
	struct failing_mem mem;
	struct fa_arena arena = { .mem = &mem.mem };

	failing_mem_init(&mem);
	mem.fail_at = 2;
	assert_non_null(fa_arena_alloc(&arena, 4000));
	assert_null(fa_arena_alloc(&arena, 1));
	assert_null(fa_arena_alloc(&arena, SIZE_MAX));
	assert_non_null(fa_arena_alloc(&arena, 1));
	fa_arena_finish(&arena);
	assert_true(failing_mem_clean(&mem));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_an_arena_gives_is_zeroed_aligned_and_apart),
		cmocka_unit_test(a_text_is_copied_with_its_end),
		cmocka_unit_test(an_arena_gives_all_of_it_back_and_survives_a_lack),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
