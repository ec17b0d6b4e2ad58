/* SPDX-License-Identifier: MIT */
/*
 * A function that goes wrong before its first event or after its last (H09,
 * H30 to H32, L07, L08, L20, L21, L24).
 */
#include <stdio.h>
#include <time.h>

#include "cases.h"

#define NOT_LOADED (UNLOADED | FAILED | REFUSED)

static const struct hostile rows[] = {
	/* init() */
	{ "a_crash_in_init_is_an_exit_error", "init.crash", .verdicts = CRASHED,
	  .cause = "signal: segmentation fault", .traits = HOPELESS },
	{ "exit_0_in_init_is_not_success", "init.give_up", .verdicts = CRASHED, .cause = "",
	  .traits = HOPELESS },
	{ "exit_11_in_init_is_told_by_its_status", "init.leave", .verdicts = CRASHED,
	  .cause = "exit status 11", .traits = HOPELESS },
	{ "an_error_in_init_is_told_by_its_type", "init.fail", .verdicts = FAILED | UNLOADED,
	  .traits = HOPELESS },
	{ "an_init_that_fails_without_a_word_has_failed", "init.fail_silently",
	  .verdicts = FAILED | UNLOADED, .traits = HOPELESS },
	{ "what_init_writes_is_no_answer", "init.answer", .verdicts = ANSWERED | NOT_LOADED,
	  .answer = "\"fine\"", .traits = HOPELESS },
	{ "a_malloc_bomb_in_init_is_stopped", "init.bomb", .verdicts = STARVED | CRASHED,
	  .needs = FAAS_LAYER_CGROUP_MEMORY | FAAS_LAYER_RLIMITS, .timeout_ms = 5000,
	  .traits = HOPELESS | NO_SANITIZER },

	/* shutdown */
	{ "a_shutdown_that_never_ends_is_ended", "init.never_end", .verdicts = ANSWERED,
	  .answer = "\"fine\"", .traits = LINGERS },
	{ "a_crash_in_shutdown_harms_nobody", "init.crash_at_the_end", .verdicts = ANSWERED,
	  .answer = "\"fine\"", .traits = LINGERS },

	/* the loader's work */
	{ "exit_0_in_a_constructor_is_not_success", "constructor_exit.invoke",
	  .verdicts = CRASHED, .cause = "", .traits = HOPELESS },
	{ "an_abort_in_a_constructor_is_an_exit_error", "constructor_crash.invoke",
	  .verdicts = CRASHED, .cause = "signal: aborted", .traits = HOPELESS },
	{ "an_abort_in_an_ifunc_resolver_is_an_exit_error", "resolver_crash.invoke",
	  .verdicts = CRASHED, .cause = "signal: aborted", .traits = HOPELESS },
	{ "exported_names_of_the_c_library_are_the_plugins_own", "own_malloc.invoke",
	  .verdicts = ANSWERED | CRASHED | NOT_LOADED, .traits = HOPELESS },
	{ "an_undefined_symbol_is_an_error_of_loading", "undefined_symbol.invoke",
	  .verdicts = NOT_LOADED, .traits = HOPELESS },

	/* what claims to be a plugin */
	{ "a_wrong_magic_is_refused", "bad_magic.invoke", .verdicts = NOT_LOADED,
	  .traits = HOPELESS },
	{ "an_abi_of_the_future_is_refused", "bad_abi.invoke", .verdicts = NOT_LOADED,
	  .traits = HOPELESS },
	{ "a_struct_that_ends_too_early_is_refused", "bad_size.invoke", .verdicts = NOT_LOADED,
	  .traits = HOPELESS },
	{ "a_plugin_without_handlers_is_refused", "no_handlers.invoke", .verdicts = NOT_LOADED,
	  .traits = HOPELESS },
	{ "a_list_of_handlers_that_leads_nowhere_harms_nobody", "wild_handlers.invoke",
	  .verdicts = NOT_LOADED | CRASHED, .traits = HOPELESS },
	{ "a_handler_without_invoke_is_refused", "no_invoke.invoke", .verdicts = NOT_LOADED,
	  .traits = HOPELESS },
	{ "a_library_that_is_no_plugin_is_refused", "not_a_plugin.not_a_plugin",
	  .verdicts = NOT_LOADED, .traits = HOPELESS },
	{ "a_method_that_does_not_exist_is_refused", "crash.no_such_method",
	  .verdicts = NOT_LOADED, .traits = HOPELESS },
	{ "a_symbol_that_is_a_function_is_refused", "symbol_is_a_function.invoke",
	  .verdicts = NOT_LOADED | CRASHED, .traits = HOPELESS },
	{ "a_symbol_of_one_byte_is_refused", "symbol_is_short.invoke",
	  .verdicts = NOT_LOADED | CRASHED, .traits = HOPELESS },
};

/*
 * Init has ten seconds, then it is repeated within the invocation and its
 * timeout. The three that hang do so at the same time, or this would take long.
 * Meanwhile the neighbour is under load.
 */
#define HANGING 3

struct pending {
	struct outcome out;
	_Atomic int done;
};

static void note(void *data, const struct faas_result *result)
{
	struct pending *pending = data;

	snprintf(pending->out.type, sizeof(pending->out.type), "%s", result->error_type);
	pending->out.code = result->code;
	pending->out.wall_ms = harness_ms() - pending->out.wall_ms;
	pending->done = 1;
}

TEST(an_init_that_hangs_ends_and_holds_up_nobody_else)
{
	const char *names[HANGING] = { "hangs", "locks", "constructs" };
	const char *handlers[HANGING] = { "init.hang", "init.lock_up", "constructor_hang.invoke" };
	static struct pending pending[HANGING];
	const double start = harness_ms();
	bool all = false;

	hostile_begin();
	for (int i = 0; i < HANGING; i++) {
		pending[i].out.wall_ms = harness_ms();
		harness_function(FAAS_FUNCTION(.name = names[i], .handler = handlers[i],
					       .timeout_ms = 500));
		assert_int_equal(
			faas_invoke(harness_runtime(),
				    FAAS_REQUEST(.function = names[i], .payload = { "{}", 2 },
						 .on_done = note, .data = &pending[i]),
				    NULL, NULL),
			FAAS_OK);
	}
	while (!all && harness_ms() - start < 20000) {
		nanosleep(&(struct timespec){ .tv_nsec = 100000000 }, NULL);
		all = true;
		for (int i = 0; i < HANGING; i++)
			all = all && pending[i].done;
	}
	assert_true(all);
	for (int i = 0; i < HANGING; i++) {
		print_message("# %s: %s after %.0f ms\n", handlers[i], pending[i].out.type,
			      pending[i].out.wall_ms);
		assert_true(pending[i].out.code == FAAS_ETIMEOUT ||
			    pending[i].out.code == FAAS_EFUNCTION);
		assert_true(pending[i].out.wall_ms < 10500 + harness_slack_ms());
		harness_delete(names[i]);
	}
	harness_count(HANGING, HANGING);
	hostile_end();
}

int main(void)
{
	const struct CMUnitTest others[] = {
		cmocka_unit_test(an_init_that_hangs_ends_and_holds_up_nobody_else),
	};

	return run_hostile_group("init", rows, COUNT(rows), others, COUNT(others));
}
