/* SPDX-License-Identifier: MIT */
#include <support/test.h>

#include <stdio.h>
#include <base/map.h>
#include <faas/types.h>
#include <support/failing_mem.h>

static void *get(const struct fa_map *map, const char *key)
{
	return fa_map_get(map, key, strlen(key));
}

static struct fa_map empty_map(void)
{
	struct fa_map map;

	fa_map_init(&map, &fa_mem_libc);
	return map;
}

TEST(an_empty_map_has_nothing_and_needs_no_memory)
{
	struct failing_mem fm;
	struct fa_map map;
	uint32_t pos = 0;

	failing_mem_init(&fm);
	fa_map_init(&map, &fm.mem);
	assert_null(get(&map, "a"));
	assert_null(fa_map_remove(&map, "a"));
	assert_null(fa_map_replace(&map, "a", &map));
	assert_null(fa_map_next(&map, &pos));
	assert_int_equal(map.count, 0);
	assert_int_equal(fm.calls, 0);
	fa_map_finish(&map);
}

TEST(what_was_added_is_found)
{
	struct fa_map map = empty_map();
	int value;

	assert_int_equal(fa_map_add(&map, "resize", &value), 0);
	assert_ptr_equal(get(&map, "resize"), &value);
	assert_null(get(&map, "resiz"));
	assert_null(get(&map, "resize2"));
	fa_map_finish(&map);
}

TEST(a_key_may_be_the_beginning_of_a_longer_text)
{
	struct fa_map map = empty_map();
	int value;

	fa_map_add(&map, "resize", &value);
	assert_ptr_equal(fa_map_get(&map, "resize:$LATEST", 6), &value);
	assert_null(fa_map_get(&map, "resize:$LATEST", 7));
	fa_map_finish(&map);
}

TEST(the_empty_key_is_a_key)
{
	struct fa_map map = empty_map();
	int value;

	assert_int_equal(fa_map_add(&map, "", &value), 0);
	assert_ptr_equal(get(&map, ""), &value);
	fa_map_finish(&map);
}

TEST(a_key_is_added_only_once)
{
	struct fa_map map = empty_map();
	int one, two;

	fa_map_add(&map, "a", &one);
	assert_int_equal(fa_map_add(&map, "a", &two), FAAS_EEXIST);
	assert_ptr_equal(get(&map, "a"), &one);
	assert_int_equal(map.count, 1);
	fa_map_finish(&map);
}

TEST(replacing_exchanges_value_and_borrowed_key)
{
	struct fa_map map = empty_map();
	char old_key[] = "a", new_key[] = "a";
	int one, two;

	fa_map_add(&map, old_key, &one);
	assert_ptr_equal(fa_map_replace(&map, new_key, &two), &one);
	old_key[0] = 'x'; /* the map must have let go of it */
	assert_ptr_equal(get(&map, "a"), &two);
	assert_int_equal(map.count, 1);
	fa_map_finish(&map);
}

TEST(replacing_what_is_not_there_changes_nothing)
{
	struct fa_map map = empty_map();
	int one;

	fa_map_add(&map, "a", &one);
	assert_null(fa_map_replace(&map, "b", &one));
	assert_null(get(&map, "b"));
	assert_int_equal(map.count, 1);
	fa_map_finish(&map);
}

TEST(what_was_removed_is_handed_back_and_gone)
{
	struct fa_map map = empty_map();
	int one;

	fa_map_add(&map, "a", &one);
	assert_ptr_equal(fa_map_remove(&map, "a"), &one);
	assert_null(get(&map, "a"));
	assert_null(fa_map_remove(&map, "a"));
	assert_int_equal(map.count, 0);
	fa_map_finish(&map);
}

#define MANY 5000
static char keys[MANY][16];

static void fill_keys(void)
{
	for (int i = 0; i < MANY; i++)
		snprintf(keys[i], sizeof(keys[i]), "function-%d", i);
}

TEST(thousands_of_keys_are_all_found)
{
	struct fa_map map = empty_map();

	fill_keys();
	for (int i = 0; i < MANY; i++)
		assert_int_equal(fa_map_add(&map, keys[i], keys[i]), 0);
	for (int i = 0; i < MANY; i++)
		assert_ptr_equal(get(&map, keys[i]), keys[i]);
	assert_int_equal(map.count, MANY);
	fa_map_finish(&map);
}

/* A model beside the map: what is there, by number. */
TEST(after_any_history_the_map_agrees_with_its_model)
{
	struct fa_map map = empty_map();
	bool there[MANY] = { false };
	uint32_t random = 12345, count = 0;

	fill_keys();
	for (int step = 0; step < 40000; step++) {
		random = random * 1664525 + 1013904223;
		/* Few keys at first: clusters are removed from in the middle. */
		uint32_t i = (random >> 8) % (step < 20000 ? 40 : MANY);

		if (there[i])
			assert_ptr_equal(fa_map_remove(&map, keys[i]), keys[i]);
		else
			assert_int_equal(fa_map_add(&map, keys[i], keys[i]), 0);
		there[i] = !there[i];
		count = there[i] ? count + 1 : count - 1;
		if (step % 500 == 0)
			for (int k = 0; k < MANY; k++)
				assert_ptr_equal(get(&map, keys[k]), there[k] ? keys[k] : NULL);
		assert_int_equal(map.count, count);
	}
	fa_map_finish(&map);
}

TEST(a_table_that_stays_small_never_grows_by_coming_and_going)
{
	struct fa_map map = empty_map();
	uint32_t capacity;

	fill_keys();
	fa_map_add(&map, keys[0], keys[0]);
	capacity = map.capacity;
	for (int i = 1; i < MANY; i++) {
		fa_map_add(&map, keys[i], keys[i]);
		fa_map_remove(&map, keys[i]);
	}
	assert_int_equal(map.capacity, capacity);
	fa_map_finish(&map);
}

TEST(iterating_shows_every_value_once)
{
	struct fa_map map = empty_map();
	int seen[100] = { 0 };
	uint32_t pos = 0;
	char *value;

	fill_keys();
	for (int i = 0; i < 100; i++)
		fa_map_add(&map, keys[i], keys[i]);
	while ((value = fa_map_next(&map, &pos)))
		seen[(value - keys[0]) / (long)sizeof(keys[0])]++;
	for (int i = 0; i < 100; i++)
		assert_int_equal(seen[i], 1);
	fa_map_finish(&map);
}

TEST(without_memory_nothing_is_added_and_nothing_is_lost)
{
	struct failing_mem fm;
	struct fa_map map;
	int added = 0;

	fill_keys();
	failing_mem_init(&fm);
	fm.fail_at = 2; /* the first growth */
	fa_map_init(&map, &fm.mem);
	while (fa_map_add(&map, keys[added], keys[added]) == 0)
		added++;
	assert_int_equal(fm.failed, 1);
	assert_int_equal(map.count, added);
	assert_null(get(&map, keys[added]));
	for (int i = 0; i < added; i++)
		assert_ptr_equal(get(&map, keys[i]), keys[i]);
	assert_int_equal(fa_map_add(&map, keys[added], keys[added]), 0);
	fa_map_finish(&map);
	assert_true(failing_mem_clean(&fm));
}

TEST(the_very_first_entry_without_memory_is_refused)
{
	struct failing_mem fm;
	struct fa_map map;

	failing_mem_init(&fm);
	fm.fail_at = 1;
	fa_map_init(&map, &fm.mem);
	assert_int_equal(fa_map_add(&map, "a", &map), FAAS_ENOMEM);
	assert_int_equal(map.count, 0);
	fa_map_finish(&map);
}

TEST(a_finished_map_may_be_finished_again_and_used_again)
{
	struct fa_map map = empty_map();
	int one;

	fa_map_add(&map, "a", &one);
	fa_map_finish(&map);
	fa_map_finish(&map);
	assert_null(get(&map, "a"));
	assert_int_equal(fa_map_add(&map, "a", &one), 0);
	fa_map_finish(&map);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_empty_map_has_nothing_and_needs_no_memory),
		cmocka_unit_test(what_was_added_is_found),
		cmocka_unit_test(a_key_may_be_the_beginning_of_a_longer_text),
		cmocka_unit_test(the_empty_key_is_a_key),
		cmocka_unit_test(a_key_is_added_only_once),
		cmocka_unit_test(replacing_exchanges_value_and_borrowed_key),
		cmocka_unit_test(replacing_what_is_not_there_changes_nothing),
		cmocka_unit_test(what_was_removed_is_handed_back_and_gone),
		cmocka_unit_test(thousands_of_keys_are_all_found),
		cmocka_unit_test(after_any_history_the_map_agrees_with_its_model),
		cmocka_unit_test(a_table_that_stays_small_never_grows_by_coming_and_going),
		cmocka_unit_test(iterating_shows_every_value_once),
		cmocka_unit_test(without_memory_nothing_is_added_and_nothing_is_lost),
		cmocka_unit_test(the_very_first_entry_without_memory_is_refused),
		cmocka_unit_test(a_finished_map_may_be_finished_again_and_used_again),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
