/* SPDX-License-Identifier: MIT */
/*
 * Snapshots of hostile functions: a template that lies or grabs, and every attack
 * once more from an environment that began with one.
 */
#include <testing.h>
#include <support/invariants.h>

#include "attacks.h"
#include "cases.h"

#define LOST (HOPELESS | NO_SANITIZER)

static const struct hostile templates[] = {
	{ "a_snapshot_of_garbage_harms_nobody", "template.garbage", .verdicts = CRASHED,
	  .traits = LOST },
	{ "mappings_that_cannot_be_harm_nobody", "template.wild_notes", .verdicts = CRASHED,
	  .traits = LOST },
	{ "a_snapshot_over_everything_harms_nobody", "template.cover_all", .verdicts = CRASHED,
	  .traits = LOST },
	{ "counts_beyond_the_file_harm_nobody", "template.too_many", .verdicts = CRASHED,
	  .traits = LOST },
	{ "what_a_template_leaves_running_ends_with_it", "template.leave_scribblers",
	  .verdicts = CRASHED, .traits = LOST, .timeout_ms = 1000 },
	{ "a_template_with_children_is_refused", "template.keep_scribblers", .verdicts = UNLOADED,
	  .cause = "Runtime.NoSnapshot", .traits = LOST, .timeout_ms = 1000 },
	{ "a_snapshot_cannot_take_all_memory", "template.bloat",
	  .verdicts = ANSWERED | STARVED | CRASHED | UNLOADED | TIMED_OUT, .answer = "\"fine\"",
	  .traits = LOST, .timeout_ms = 5000 },
	{ "a_template_has_no_right_that_an_environment_has_not", "template.tell",
	  .verdicts = ANSWERED, .answer = "\"denied\"", .traits = NO_SANITIZER,
	  .needs = FAAS_LAYER_CAPABILITIES, .timeout_ms = 1000 },
	{ "an_environment_cannot_spoil_the_snapshot", "template.spoil", .verdicts = ANSWERED,
	  .answer = "\"denied\"", .traits = NO_SANITIZER, .timeout_ms = 1000 },
	{ "a_crash_in_the_template_is_an_exit_error", "init.crash", .verdicts = CRASHED,
	  .cause = "signal: segmentation fault", .traits = LOST },
	{ "a_malloc_bomb_in_the_template_is_stopped", "init.bomb", .verdicts = STARVED | CRASHED,
	  .needs = FAAS_LAYER_CGROUP_MEMORY | FAAS_LAYER_RLIMITS, .timeout_ms = 5000,
	  .traits = LOST },
};

static void fill_row(struct hostile *row, const struct attack *attack)
{
	*row = (struct hostile){
		.sentence = attack->denied, .handler = attack->handler,
		.verdicts = ANSWERED | (attack->stopped ? CRASHED : 0), .answer = "\"denied\"",
		.cause = attack->stopped, .needs = attack->layers, .timeout_ms = 1000,
		.traits = NO_SANITIZER,
	};
}

/* The positive control: the handler that found nothing would have found it. */
TEST(without_its_layers_a_template_has_rights)
{
	struct outcome out;

	if (!(harness_layers() & FAAS_LAYER_CAPABILITIES) || SANITIZED)
		skip();
	fa_testing_weaken(harness_runtime(),
			  FAAS_LAYER_CAPABILITIES | FAAS_LAYER_OWN_UID | FAAS_LAYER_SECCOMP, 0);
	harness_function(FAAS_FUNCTION(.name = "victim", .handler = "template.tell",
				       .snapshot = true, .timeout_ms = 1000));
	harness_invoke(DIRECTLY, "victim", "{}", &out);
	fa_testing_weaken(harness_runtime(), 0, 0);
	harness_delete("victim");
	assert_string_equal(out.payload, "\"allowed\"");
}

int main(void)
{
	static struct hostile rows[COUNT(templates) + ATTACKS];
	const struct CMUnitTest others[] = {
		cmocka_unit_test(without_its_layers_a_template_has_rights),
	};

	memcpy(rows, templates, sizeof(templates));
	for (size_t i = 0; i < ATTACKS; i++)
		fill_row(&rows[COUNT(templates) + i], &attacks[i]);
	for (size_t i = 0; i < COUNT(rows); i++)
		rows[i].snapshot = true;
	return run_hostile_group("snapshot", rows, COUNT(rows), others, COUNT(others));
}
