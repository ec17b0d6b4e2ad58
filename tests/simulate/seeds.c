/* SPDX-License-Identifier: MIT */
/*
 * Two hundred plays keep every promise; a seed plays the same play again; and what is
 * broken on purpose is found, in few plays, by a line that says how to see it again.
 */
#include "support/test.h"

#include <stdio.h>
#include <sys/wait.h>

#define SEEDS (200 / TEST_FEWER)
#define SIMULATE TEST_BUILD "/tests/simulate/simulate"

/* Its status and the end of what it says. */
static int run(const char *arguments, char end[512])
{
	char command[512], line[512];
	FILE *out;
	int status;

	*end = '\0';
	snprintf(command, sizeof(command), "%s %s", SIMULATE, arguments);
	out = popen(command, "r");
	assert_non_null(out);
	while (fgets(line, sizeof(line), out)) {
		if (strncmp(line, "again: ", 7) == 0 || strstr(line, "every promise was kept"))
			strcpy(end, line);
	}
	status = pclose(out);
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

TEST(every_promise_is_kept_in_two_hundred_plays)
{
	char arguments[32], seeds[32], end[512];
	int status;

	snprintf(arguments, sizeof(arguments), "--seeds %d", SEEDS);
	snprintf(seeds, sizeof(seeds), "%d seeds", SEEDS);
	status = run(arguments, end);
	if (status)
		fail_msg("%d: %s", status, end);
	assert_non_null(strstr(end, seeds));
}

TEST(a_seed_plays_the_same_play_again)
{
	char first[512], again[512], other[512];

	assert_int_equal(run("--from 7 --seeds 10", first), 0);
	assert_int_equal(run("--from 7 --seeds 10", again), 0);
	assert_int_equal(run("--from 8 --seeds 10", other), 0);
	assert_string_equal(first, again);
	assert_string_not_equal(first, other);
}

#if TEST_FEWER == 1 /* what finds it is the play, in any build */
/* The positive controls; the line with the seed has to show the same once more. */
TEST(what_is_broken_on_purpose_is_found)
{
	static const char *const faults[] = { "lost-wake-up",    "too-many",    "lost-place",
					      "lost-letter",     "wrong-order", "wrong-sum",
					      "endless-retries", "told-twice",  "begins-twice",
					      "lost-event",      "comes-back",  "lost-promise",
					      "kept-seat",       "kept-shell" };

	for (size_t i = 0; i < sizeof(faults) / sizeof(*faults); i++) {
		char arguments[64], end[512], again[512];

		snprintf(arguments, sizeof(arguments), "--seeds 100 --plant %s", faults[i]);
		if (run(arguments, end) != 1)
			fail_msg("%s is not found in a hundred plays", faults[i]);
		assert_non_null(strstr(end, "again: simulate --seed "));
		end[strcspn(end, "\n")] = '\0';
		assert_int_equal(run(end + strlen("again: simulate "), again), 1);
		assert_memory_equal(end, again, strlen(end));
	}
}
#endif

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_promise_is_kept_in_two_hundred_plays),
		cmocka_unit_test(a_seed_plays_the_same_play_again),
#if TEST_FEWER == 1
		cmocka_unit_test(what_is_broken_on_purpose_is_found),
#endif
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
