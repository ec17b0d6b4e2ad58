/* SPDX-License-Identifier: MIT */
#include <support/failing_mem.h>
#include <support/test.h>

#include <stdlib.h>

#include <source/looks.h>

struct fixture {
	struct failing_mem fm;
	struct fa_looks looks;
};

static int set_up(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	failing_mem_init(&f->fm);
	fa_looks_init(&f->looks, &f->fm.mem);
	*state = f;
	return 0;
}

static int tear_down(void **state)
{
	struct fixture *f = *state;
	bool clean;

	fa_looks_finish(&f->looks);
	clean = failing_mem_clean(&f->fm);
	free(f);
	return clean ? 0 : -1;
}

static struct fa_look *offer_and_take(struct fixture *f, const char *key)
{
	struct fa_look *look;

	assert_int_equal(fa_looks_offer(&f->looks, key, FA_HINT_SCAN), 0);
	look = fa_looks_take(&f->looks);
	assert_non_null(look);
	assert_string_equal(look->key, key);
	return look;
}

static void keys_are_looked_at_in_the_order_in_which_they_came(void **state)
{
	struct fixture *f = *state;

	fa_looks_offer(&f->looks, "b", FA_HINT_PUT);
	fa_looks_offer(&f->looks, "a", FA_HINT_PUT);
	assert_string_equal(fa_looks_take(&f->looks)->key, "b");
	assert_string_equal(fa_looks_take(&f->looks)->key, "a");
	assert_null(fa_looks_take(&f->looks));
}

static void a_key_that_waits_is_looked_at_once_for_the_stronger_reason(void **state)
{
	struct fixture *f = *state;

	fa_looks_offer(&f->looks, "a", FA_HINT_PUT);
	fa_looks_offer(&f->looks, "a", FA_HINT_SCAN);
	assert_int_equal(f->looks.waiting, 1);
	assert_int_equal(fa_looks_take(&f->looks)->hint, FA_HINT_PUT);
}

static void of_a_busy_key_what_is_heard_meanwhile_follows(void **state)
{
	struct fixture *f = *state;
	struct fa_look *look = offer_and_take(f, "a");

	look->gone = true;
	fa_looks_offer(&f->looks, "a", FA_HINT_MOVE);
	fa_looks_offer(&f->looks, "a", FA_HINT_SCAN);
	assert_null(fa_looks_take(&f->looks));
	fa_looks_done(&f->looks, look);
	look = fa_looks_take(&f->looks);
	assert_non_null(look);
	assert_int_equal(look->hint, FA_HINT_MOVE);
	assert_false(look->gone);
	fa_looks_done(&f->looks, look);
	assert_null(fa_looks_take(&f->looks));
}

static void what_is_put_back_is_the_next_and_for_all_reasons(void **state)
{
	struct fixture *f = *state;
	struct fa_look *look = offer_and_take(f, "a");

	fa_looks_offer(&f->looks, "b", FA_HINT_SCAN);
	fa_looks_offer(&f->looks, "a", FA_HINT_MOVE);
	fa_looks_put_back(&f->looks, look);
	assert_ptr_equal(fa_looks_take(&f->looks), look);
	assert_int_equal(look->hint, FA_HINT_MOVE);
	fa_looks_done(&f->looks, look);
	assert_string_equal(fa_looks_take(&f->looks)->key, "b");
	assert_null(fa_looks_take(&f->looks));
}

static void what_is_too_new_waits_for_the_tick(void **state)
{
	struct fixture *f = *state;
	struct fa_look *look = offer_and_take(f, "a");

	fa_looks_delay(&f->looks, look);
	fa_looks_offer(&f->looks, "a", FA_HINT_PUT); /* not a second one */
	assert_null(fa_looks_take(&f->looks));
	fa_looks_tick(&f->looks);
	assert_ptr_equal(fa_looks_take(&f->looks), look);
	assert_int_equal(look->hint, FA_HINT_PUT);
	assert_null(fa_looks_take(&f->looks));
}

static void who_is_busy_below_a_prefix_looks_once_more(void **state)
{
	struct fixture *f = *state;
	struct fa_look *in = offer_and_take(f, "in/a"), *out = offer_and_take(f, "out/a");

	fa_looks_again_below(&f->looks, "in/");
	fa_looks_done(&f->looks, out);
	assert_null(fa_looks_take(&f->looks));
	fa_looks_done(&f->looks, in);
	assert_ptr_equal(fa_looks_take(&f->looks), in);
}

static void what_is_noted_comes_out_as_it_was_told(void **state)
{
	struct fixture *f = *state;
	struct fa_look *a = offer_and_take(f, "a"), *b = offer_and_take(f, "b");

	fa_looks_note(&f->looks, b);
	fa_looks_note(&f->looks, a);
	assert_int_equal(f->looks.to_note, 2);
	assert_ptr_equal(fa_looks_take_note(&f->looks), b);
	assert_ptr_equal(fa_looks_take_note(&f->looks), a);
	assert_null(fa_looks_take_note(&f->looks));
	assert_int_equal(f->looks.to_note, 0);
}

static void without_memory_nothing_waits_and_that_is_said(void **state)
{
	struct fixture *f = *state;
	int refused = 0;

	f->fm.fail_at = 1;
	while (fa_looks_offer(&f->looks, "a", FA_HINT_PUT)) {
		assert_int_equal(f->looks.waiting, 0);
		f->fm.calls = 0;
		f->fm.fail_at = (size_t)++refused + 1;
	}
	assert_true(refused > 1);
	assert_int_equal(f->looks.waiting, 1);
}

#define ROW(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		ROW(keys_are_looked_at_in_the_order_in_which_they_came),
		ROW(a_key_that_waits_is_looked_at_once_for_the_stronger_reason),
		ROW(of_a_busy_key_what_is_heard_meanwhile_follows),
		ROW(what_is_put_back_is_the_next_and_for_all_reasons),
		ROW(what_is_too_new_waits_for_the_tick),
		ROW(who_is_busy_below_a_prefix_looks_once_more),
		ROW(what_is_noted_comes_out_as_it_was_told),
		ROW(without_memory_nothing_waits_and_that_is_said),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
