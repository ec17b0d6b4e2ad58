/* SPDX-License-Identifier: MIT */
/* A function that turns against the host itself (H34 to H37, H40 to H46). */
#include "attacks.h"
#include "cases.h"

/* Denied, or stopped in the act. */
static void fill_row(struct hostile *row, const struct attack *attack)
{
	*row = (struct hostile){
		.sentence = attack->denied, .handler = attack->handler,
		.verdicts = ANSWERED | (attack->stopped ? CRASHED : 0), .answer = "\"denied\"",
		.cause = attack->stopped, .needs = attack->layers, .timeout_ms = 1000,
	};
}

TEST(no_forbidden_system_call_reaches_the_kernel)
{
	struct outcome out;

	if (!(harness_layers() & FAAS_LAYER_SECCOMP))
		skip();
	hostile_begin();
	harness_function(
		FAAS_FUNCTION(.name = "victim", .handler = "syscalls.make_forbidden_calls"));
	harness_invoke(DIRECTLY, "victim", "{}", &out);
	assert_string_equal(out.payload, "[]");
	harness_delete("victim");
	hostile_end();
}

int main(void)
{
	static struct hostile rows[ATTACKS];
	const struct CMUnitTest others[] = {
		cmocka_unit_test(no_forbidden_system_call_reaches_the_kernel),
	};

	for (size_t i = 0; i < ATTACKS; i++)
		fill_row(&rows[i], &attacks[i]);
	return run_hostile_group("attack", rows, ATTACKS, others, COUNT(others));
}
