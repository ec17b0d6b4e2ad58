/* SPDX-License-Identifier: MIT */
#include <support/test.h>

#include <stdlib.h>
#include <base/mem.h>
#include <support/failing_mem.h>

TEST(a_block_is_zeroed)
{
	struct failing_mem fm; /* fills what it gives with 0xaa */
	unsigned char zero[1000] = { 0 }, *ptr;

	failing_mem_init(&fm);
	ptr = fa_alloc(&fm.mem, sizeof(zero));
	assert_memory_equal(ptr, zero, sizeof(zero));
	fa_free(ptr);
	assert_true(failing_mem_clean(&fm));
}

TEST(a_dirty_block_is_left_as_it_came)
{
	struct failing_mem fm;
	unsigned char *ptr;

	failing_mem_init(&fm);
	ptr = fa_alloc_dirty(&fm.mem, 3);
	assert_int_equal(ptr[0], 0xaa);
	assert_int_equal(ptr[2], 0xaa);
	fa_free(ptr);
}

TEST(every_block_is_aligned_to_sixteen_bytes)
{
	for (size_t size = 0; size < 70; size++) {
		void *ptr = fa_alloc(&fa_mem_libc, size);

		assert_non_null(ptr);
		assert_int_equal((uintptr_t)ptr % 16, 0);
		fa_free(ptr);
	}
}

TEST(a_block_of_no_bytes_is_still_a_block)
{
	void *one = fa_alloc(&fa_mem_libc, 0), *other = fa_alloc(&fa_mem_libc, 0);

	assert_non_null(one);
	assert_ptr_not_equal(one, other);
	fa_free(one);
	fa_free(other);
}

TEST(a_block_is_freed_by_the_allocator_it_came_from_with_its_size)
{
	struct failing_mem one, other;
	void *a, *b;

	failing_mem_init(&one);
	failing_mem_init(&other);
	a = fa_alloc(&one.mem, 10);
	b = fa_alloc_dirty(&other.mem, 20);
	assert_int_equal(one.blocks, 1);
	assert_int_equal(other.blocks, 1);
	fa_free(a);
	assert_true(failing_mem_clean(&one));
	assert_int_equal(other.blocks, 1);
	fa_free(b);
	assert_true(failing_mem_clean(&other));
}

TEST(a_block_outlives_the_description_of_its_allocator)
{
	struct failing_mem fm;
	struct fa_mem brief;
	void *ptr;

	failing_mem_init(&fm);
	brief = fm.mem;
	ptr = fa_alloc(&brief, 10);
	memset(&brief, 0, sizeof(brief));
	fa_free(ptr);
	assert_true(failing_mem_clean(&fm));
}

TEST(nothing_is_freed_as_easily_as_something)
{
	fa_free(NULL);
}

TEST(an_allocator_that_has_nothing_left_yields_null)
{
	struct failing_mem fm;

	failing_mem_init(&fm);
	fm.fail_at = 1;
	fm.and_all_after = true;
	assert_null(fa_alloc(&fm.mem, 10));
	assert_null(fa_alloc_dirty(&fm.mem, 10));
	assert_null(fa_strdup(&fm.mem, "text"));
	assert_null(fa_memdup(&fm.mem, "text", 4));
	assert_int_equal(fm.failed, 4);
	assert_true(failing_mem_clean(&fm));
}

TEST(a_size_that_overflows_is_refused_without_asking_the_allocator)
{
	struct failing_mem fm;

	failing_mem_init(&fm);
	assert_null(fa_alloc(&fm.mem, SIZE_MAX));
	assert_null(fa_alloc_dirty(&fm.mem, SIZE_MAX - 8));
	assert_null(fa_memdup(&fm.mem, "", SIZE_MAX));
	assert_int_equal(fm.calls, 0);
}

TEST(a_copied_string_is_equal_and_elsewhere)
{
	static const char text[] = "thumbnail.handler";
	char *copy = fa_strdup(&fa_mem_libc, text);

	assert_string_equal(copy, text);
	assert_ptr_not_equal(copy, text);
	fa_free(copy);
}

TEST(the_copy_of_no_string_is_no_string)
{
	assert_null(fa_strdup(&fa_mem_libc, NULL));
}

TEST(copied_bytes_keep_their_zeros_and_get_one_more)
{
	struct failing_mem fm;
	char *copy;

	failing_mem_init(&fm);
	copy = fa_memdup(&fm.mem, "a\0b", 3);
	assert_memory_equal(copy, "a\0b\0", 4);
	fa_free(copy);
}

TEST(a_copy_of_no_bytes_is_the_empty_string)
{
	char *copy = fa_memdup(&fa_mem_libc, NULL, 0);

	assert_string_equal(copy, "");
	fa_free(copy);
}

TEST(the_failing_allocator_fails_exactly_the_chosen_allocation)
{
	struct failing_mem fm;
	void *first, *third;

	failing_mem_init(&fm);
	fm.fail_at = 2;
	first = fa_alloc(&fm.mem, 1);
	assert_non_null(first);
	assert_null(fa_alloc(&fm.mem, 1));
	third = fa_alloc(&fm.mem, 1);
	assert_non_null(third);
	assert_false(failing_mem_clean(&fm));
	fa_free(first);
	fa_free(third);
	assert_true(failing_mem_clean(&fm));
}

TEST(the_failing_allocator_notices_a_wrong_size)
{
	struct failing_mem fm;
	void *ptr;

	failing_mem_init(&fm);
	ptr = failing_realloc(&fm, NULL, 0, 10);
	failing_realloc(&fm, ptr, 9, 0);
	assert_false(failing_mem_clean(&fm));
}

TEST(the_failing_allocator_moves_what_grows)
{
	struct failing_mem fm;
	char *ptr;

	failing_mem_init(&fm);
	ptr = failing_realloc(&fm, NULL, 0, 3);
	memcpy(ptr, "abc", 3);
	ptr = failing_realloc(&fm, ptr, 3, 300);
	assert_memory_equal(ptr, "abc", 3);
	failing_realloc(&fm, ptr, 300, 0);
	assert_true(failing_mem_clean(&fm));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_block_is_zeroed),
		cmocka_unit_test(a_dirty_block_is_left_as_it_came),
		cmocka_unit_test(every_block_is_aligned_to_sixteen_bytes),
		cmocka_unit_test(a_block_of_no_bytes_is_still_a_block),
		cmocka_unit_test(a_block_is_freed_by_the_allocator_it_came_from_with_its_size),
		cmocka_unit_test(a_block_outlives_the_description_of_its_allocator),
		cmocka_unit_test(nothing_is_freed_as_easily_as_something),
		cmocka_unit_test(an_allocator_that_has_nothing_left_yields_null),
		cmocka_unit_test(a_size_that_overflows_is_refused_without_asking_the_allocator),
		cmocka_unit_test(a_copied_string_is_equal_and_elsewhere),
		cmocka_unit_test(the_copy_of_no_string_is_no_string),
		cmocka_unit_test(copied_bytes_keep_their_zeros_and_get_one_more),
		cmocka_unit_test(a_copy_of_no_bytes_is_the_empty_string),
		cmocka_unit_test(the_failing_allocator_fails_exactly_the_chosen_allocation),
		cmocka_unit_test(the_failing_allocator_notices_a_wrong_size),
		cmocka_unit_test(the_failing_allocator_moves_what_grows),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
