/* SPDX-License-Identifier: MIT */
/* Who is promised to the next event, and whom the next event then gets. */
#include <support/test.h>

#include <env/env.h>
#include <env/pool.h>

static struct fa_envs envs;
static struct fa_pool pool;
static struct fa_env env, other;

static int begin(void **state)
{
	(void)state;
	envs = (struct fa_envs){ .clock = &fa_clock_real };
	pool = (struct fa_pool){ .lock = PTHREAD_MUTEX_INITIALIZER, .envs = &envs,
				 .generation = 1 };
	fa_list_init(&pool.ready);
	fa_list_init(&pool.idle);
	fa_list_init(&pool.cold);
	fa_list_init(&pool.away);
	env = (struct fa_env){ .pool = &pool, .idle_since_ns = -1, .generation = 1,
			       .state = FA_STARTING };
	other = env;
	fa_list_init(&env.shelf);
	fa_list_init(&other.shelf);
	fa_list_append(&pool.away, &env.link);
	fa_pool_promise(&env);
	return 0;
}

static struct fa_env *next(void)
{
	int why;

	return fa_pool_take(&pool, true, &why);
}

static void assert_nobody(bool behind, int expected)
{
	int why;

	assert_null(fa_pool_take(&pool, behind, &why));
	assert_int_equal(why, expected);
}

TEST(the_next_event_gets_it_and_the_one_after_does_not)
{
	assert_ptr_equal(next(), &env);
	assert_int_equal(env.state, FA_BUSY);
	assert_nobody(true, FAAS_ENOTFOUND);
}

/* Nor does it get another one, which would not have its /tmp. */
TEST(who_cannot_stand_behind_an_init_waits_for_it)
{
	other.state = FA_COLD;
	fa_list_push(&pool.cold, &other.link);
	assert_nobody(false, 0);
}

TEST(who_has_died_is_promised_no_longer)
{
	env.state = FA_CRASHED;
	assert_nobody(true, FAAS_ENOTFOUND);
	env.state = FA_DYING;
	assert_nobody(true, FAAS_ENOTFOUND);
}

TEST(who_is_old_is_promised_no_longer)
{
	pool.generation++;
	assert_nobody(true, FAAS_ENOTFOUND);
}

TEST(one_that_died_hides_no_other)
{
	fa_list_append(&pool.away, &other.link);
	fa_pool_promise(&other);
	other.state = FA_CRASHED;
	assert_ptr_equal(next(), &env);
}

#define ROW(name) cmocka_unit_test_setup(name, begin)

int main(void)
{
	static const struct CMUnitTest tests[] = {
		ROW(the_next_event_gets_it_and_the_one_after_does_not),
		ROW(who_cannot_stand_behind_an_init_waits_for_it),
		ROW(who_has_died_is_promised_no_longer),
		ROW(who_is_old_is_promised_no_longer),
		ROW(one_that_died_hides_no_other),
	};

	return cmocka_run_group_tests_name("env/promise", tests, NULL, NULL);
}
