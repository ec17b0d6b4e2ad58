/* SPDX-License-Identifier: MIT */
#include <support/test.h>

#include <dlfcn.h>
#include <errno.h>
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>

#include <env/redirect.h>

#include "../../plugins/thread_memory.h"

#define MB (1 << 20)

static void *module;
static const struct thread_memory *plugin;
static char mapped_before[4096], mapped_after[4096];
static int redirected;

/* Addresses and rights of what is mapped of the plugin. */
static void read_mappings(char *out, size_t size)
{
	FILE *maps = fopen("/proc/self/maps", "re");
	char line[512];
	size_t len = 0;

	assert_non_null(maps);
	while (fgets(line, sizeof(line), maps))
		if (strstr(line, "thread_memory.so"))
			len += (size_t)snprintf(out + len, size - len, "%.40s\n", line);
	fclose(maps);
	assert_true(len > 0 && len < size);
}

static int load(void **state)
{
	(void)state;
	module = dlopen(TEST_PLUGINS "/thread_memory.so", RTLD_NOW | RTLD_LOCAL);
	if (!module)
		print_error("%s\n", dlerror());
	assert_non_null(module);
	plugin = dlsym(module, "thread_memory");
	assert_non_null(plugin);
	read_mappings(mapped_before, sizeof(mapped_before));
	redirected = fa_redirect(module);
	read_mappings(mapped_after, sizeof(mapped_after));
	return 0;
}

static struct fa_account account(void)
{
	return (struct fa_account){ .limit = MB };
}

TEST(every_way_to_the_allocator_is_found)
{
	/* ten functions, and two of them once more in a table */
	assert_int_equal(redirected, 12);
}

TEST(what_was_write_protected_is_so_again)
{
	assert_string_equal(mapped_before, mapped_after);
}

TEST(redirecting_again_changes_nothing)
{
	assert_int_equal(fa_redirect(module), redirected);
}

TEST(a_block_counts_from_its_allocation_to_its_end)
{
	struct fa_account mine = account();
	char *block;

	fa_account_use(&mine);
	block = plugin->malloc(1000);
	assert_non_null(block);
	assert_int_equal(mine.used, malloc_usable_size(block));
	assert_true(mine.used >= 1000);
	plugin->free(block);
	fa_account_use(NULL);
	assert_int_equal(mine.used, 0);
	assert_true(mine.peak >= 1000);
}

TEST(all_functions_that_allocate_count)
{
	struct fa_account mine = account();
	void *blocks[9];
	int64_t sum = 0;

	fa_account_use(&mine);
	blocks[0] = plugin->malloc(1001);
	blocks[1] = plugin->calloc(7, 143);
	blocks[2] = plugin->realloc(NULL, 1002);
	blocks[3] = plugin->reallocarray(NULL, 9, 120);
	assert_int_equal(plugin->posix_memalign(&blocks[4], 64, 1003), 0);
	blocks[5] = plugin->aligned_alloc(256, 1024);
	blocks[6] = plugin->memalign(128, 1004);
	blocks[7] = plugin->strdup("a text that is copied");
	blocks[8] = plugin->strndup("a text that is copied", 6);
	for (int i = 0; i < 9; i++) {
		assert_non_null(blocks[i]);
		sum += (int64_t)malloc_usable_size(blocks[i]);
	}
	assert_int_equal(mine.used, sum);
	assert_int_equal(((char *)blocks[1])[1000], 0);
	assert_int_equal((uintptr_t)blocks[4] % 64, 0);
	assert_int_equal((uintptr_t)blocks[5] % 256, 0);
	assert_int_equal((uintptr_t)blocks[6] % 128, 0);
	assert_string_equal(blocks[7], "a text that is copied");
	assert_string_equal(blocks[8], "a text");
	for (int i = 0; i < 9; i++)
		plugin->free(blocks[i]);
	fa_account_use(NULL);
	assert_int_equal(mine.used, 0);
}

TEST(realloc_counts_the_difference)
{
	struct fa_account mine = account();
	char *block;

	fa_account_use(&mine);
	block = plugin->malloc(100);
	memset(block, 'x', 100);
	block = plugin->realloc(block, 100000);
	assert_non_null(block);
	assert_int_equal(block[99], 'x');
	assert_int_equal(mine.used, malloc_usable_size(block));
	block = plugin->realloc(block, 10);
	assert_int_equal(mine.used, malloc_usable_size(block));
	assert_true(mine.used < 1000);
	assert_true(mine.peak >= 100000);
	plugin->free(block);
	fa_account_use(NULL);
	assert_int_equal(mine.used, 0);
}

TEST(what_is_over_the_limit_fails_with_enomem)
{
	struct fa_account mine = account();
	void *block = (void *)1;

	fa_account_use(&mine);
	errno = 0;
	assert_null(plugin->malloc(MB + 1));
	assert_int_equal(errno, ENOMEM);
	assert_null(plugin->calloc(2, MB));
	assert_null(plugin->realloc(NULL, 2 * MB));
	assert_null(plugin->reallocarray(NULL, 2, MB));
	assert_null(plugin->aligned_alloc(64, 2 * MB));
	assert_null(plugin->memalign(64, 2 * MB));
	assert_int_equal(plugin->posix_memalign(&block, 64, 2 * MB), ENOMEM);
	assert_ptr_equal(block, (void *)1);
	fa_account_use(NULL);
	assert_int_equal(mine.used, 0);
	assert_int_equal(mine.peak, 0);
}

TEST(a_text_over_the_limit_is_not_copied)
{
	struct fa_account mine = { .limit = 10 };

	fa_account_use(&mine);
	assert_null(plugin->strdup("longer than ten bytes"));
	assert_null(plugin->strndup("longer than ten bytes", 15));
	fa_account_use(NULL);
}

TEST(a_product_that_overflows_is_no_small_block)
{
	struct fa_account mine = account();

	fa_account_use(&mine);
	assert_null(plugin->calloc(SIZE_MAX / 2, 4));
	errno = 0;
	assert_null(plugin->reallocarray(NULL, SIZE_MAX / 2, 4));
	assert_int_equal(errno, ENOMEM);
	fa_account_use(NULL);
	assert_null(plugin->reallocarray(NULL, SIZE_MAX / 2, 4));
}

TEST(a_block_that_may_not_grow_stays_as_it_was)
{
	struct fa_account mine = account();
	char *block;
	int64_t used;

	fa_account_use(&mine);
	block = plugin->malloc(100);
	block[99] = 'x';
	used = mine.used;
	assert_null(plugin->realloc(block, 2 * MB));
	assert_int_equal(mine.used, used);
	assert_int_equal(block[99], 'x');
	plugin->free(block);
	fa_account_use(NULL);
	assert_int_equal(mine.used, 0);
}

TEST(what_was_given_back_can_be_taken_again)
{
	struct fa_account mine = account();
	void *block;

	fa_account_use(&mine);
	block = plugin->malloc(MB / 2 + 1000);
	assert_non_null(block);
	assert_null(plugin->malloc(MB / 2));
	plugin->free(block);
	block = plugin->malloc(MB / 2);
	assert_non_null(block);
	plugin->free(block);
	fa_account_use(NULL);
}

TEST(a_function_that_is_only_pointed_at_counts_as_well)
{
	struct fa_account mine = account();
	void *block;

	fa_account_use(&mine);
	block = plugin->malloc_itself(500);
	assert_true(mine.used >= 500);
	plugin->free_itself(block);
	fa_account_use(NULL);
	assert_int_equal(mine.used, 0);
}

TEST(without_an_account_nothing_is_limited)
{
	void *block = plugin->malloc(4 * MB);

	assert_non_null(block);
	block = plugin->realloc(block, 5 * MB);
	assert_non_null(block);
	plugin->free(block);
	plugin->free(NULL);
}

TEST(blocks_are_the_c_library_s_on_both_sides)
{
	struct fa_account mine = account();
	void *ours = malloc(300), *theirs;

	fa_account_use(&mine);
	theirs = plugin->malloc(200);
	plugin->free(ours);
	fa_account_use(NULL);
	free(theirs);
	assert_true(mine.used >= 0);
}

TEST(freeing_what_was_never_counted_stops_at_zero)
{
	struct fa_account mine = account();

	fa_account_use(&mine);
	plugin->free(plugin->constructed());
	assert_int_equal(mine.used, 0);
	assert_int_equal(mine.peak, 0);
	fa_account_use(NULL);
}

TEST(accounts_can_be_nested)
{
	struct fa_account outer = account(), inner = account();
	void *block;

	assert_null(fa_account_use(&outer));
	assert_ptr_equal(fa_account_use(&inner), &outer);
	block = plugin->malloc(700);
	assert_ptr_equal(fa_account_use(&outer), &inner);
	assert_int_equal(outer.used, 0);
	assert_true(inner.used >= 700);
	plugin->free(block);
	assert_ptr_equal(fa_account_use(NULL), &outer);
}

TEST(the_program_s_own_calls_are_never_counted)
{
	struct fa_account mine = { .limit = 1 };
	void *block;

	fa_account_use(&mine);
	block = malloc(1000);
	fa_account_use(NULL);
	assert_non_null(block);
	assert_int_equal(mine.used, 0);
	free(block);
}

TEST(memory_taken_on_its_behalf_obeys_the_same_limit)
{
	struct fa_account mine = account();

	assert_int_equal(fa_account_add(&mine, MB), 0);
	assert_int_equal(fa_account_add(&mine, 1), -1);
	assert_int_equal(mine.used, MB);
	fa_account_sub(&mine, MB);
	assert_int_equal(mine.used, 0);
	assert_int_equal(fa_account_add(&mine, MB + 1), -1);
	assert_int_equal(fa_account_add(&mine, SIZE_MAX), -1);
	assert_int_equal(mine.peak, MB);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_way_to_the_allocator_is_found),
		cmocka_unit_test(what_was_write_protected_is_so_again),
		cmocka_unit_test(redirecting_again_changes_nothing),
		cmocka_unit_test(a_block_counts_from_its_allocation_to_its_end),
		cmocka_unit_test(all_functions_that_allocate_count),
		cmocka_unit_test(realloc_counts_the_difference),
		cmocka_unit_test(what_is_over_the_limit_fails_with_enomem),
		cmocka_unit_test(a_text_over_the_limit_is_not_copied),
		cmocka_unit_test(a_product_that_overflows_is_no_small_block),
		cmocka_unit_test(a_block_that_may_not_grow_stays_as_it_was),
		cmocka_unit_test(what_was_given_back_can_be_taken_again),
		cmocka_unit_test(a_function_that_is_only_pointed_at_counts_as_well),
		cmocka_unit_test(without_an_account_nothing_is_limited),
		cmocka_unit_test(blocks_are_the_c_library_s_on_both_sides),
		cmocka_unit_test(freeing_what_was_never_counted_stops_at_zero),
		cmocka_unit_test(accounts_can_be_nested),
		cmocka_unit_test(the_program_s_own_calls_are_never_counted),
		cmocka_unit_test(memory_taken_on_its_behalf_obeys_the_same_limit),
	};

	return cmocka_run_group_tests(tests, load, NULL);
}
