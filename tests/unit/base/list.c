/* SPDX-License-Identifier: MIT */
#include <support/test.h>

#include <base/list.h>

struct item {
	int number;
	struct fa_list link;
};

static struct fa_list head;
static struct item items[3];

static int setup(void **state)
{
	(void)state;
	fa_list_init(&head);
	for (int i = 0; i < 3; i++) {
		items[i].number = i;
		fa_list_init(&items[i].link);
	}
	return 0;
}

/* The numbers in order, as a decimal: 0, 1, 2 reads 12, 2, 1, 0 reads 210. */
static int order(void)
{
	struct fa_list *pos;
	int digits = 0;

	fa_list_for(pos, &head)
		digits = digits * 10 + fa_container(pos, struct item, link)->number;
	return digits;
}

TEST(a_new_list_is_empty_and_pops_nothing)
{
	assert_true(fa_list_empty(&head));
	assert_null(fa_list_pop(&head));
}

TEST(appended_members_come_in_order)
{
	for (int i = 0; i < 3; i++)
		fa_list_append(&head, &items[i].link);
	assert_int_equal(order(), 12);
	assert_false(fa_list_empty(&head));
}

TEST(pushed_members_come_last_first)
{
	for (int i = 0; i < 3; i++)
		fa_list_push(&head, &items[i].link);
	assert_int_equal(order(), 210);
}

TEST(a_member_is_put_behind_another)
{
	fa_list_append(&head, &items[2].link);
	fa_list_append(&head, &items[0].link);
	fa_list_insert_after(&items[2].link, &items[1].link);
	assert_int_equal(order(), 210);
}

TEST(popping_takes_the_first_and_leaves_it_unlinked)
{
	for (int i = 0; i < 3; i++)
		fa_list_append(&head, &items[i].link);
	assert_ptr_equal(fa_list_pop(&head), &items[0].link);
	assert_true(fa_list_empty(&items[0].link));
	assert_int_equal(order(), 12);
}

TEST(removing_twice_is_harmless)
{
	for (int i = 0; i < 3; i++)
		fa_list_append(&head, &items[i].link);
	fa_list_remove(&items[0].link);
	fa_list_remove(&items[0].link);
	assert_int_equal(order(), 12);
}

TEST(a_safe_loop_survives_the_removal_of_every_member)
{
	struct fa_list *pos, *tmp;
	int seen = 0;

	for (int i = 0; i < 3; i++)
		fa_list_append(&head, &items[i].link);
	fa_list_for_safe(pos, tmp, &head) {
		fa_list_remove(pos);
		seen++;
	}
	assert_int_equal(seen, 3);
	assert_true(fa_list_empty(&head));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(a_new_list_is_empty_and_pops_nothing, setup),
		cmocka_unit_test_setup(appended_members_come_in_order, setup),
		cmocka_unit_test_setup(pushed_members_come_last_first, setup),
		cmocka_unit_test_setup(a_member_is_put_behind_another, setup),
		cmocka_unit_test_setup(popping_takes_the_first_and_leaves_it_unlinked, setup),
		cmocka_unit_test_setup(removing_twice_is_harmless, setup),
		cmocka_unit_test_setup(a_safe_loop_survives_the_removal_of_every_member, setup),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
