/* SPDX-License-Identifier: MIT */
#include <support/test.h>

#include <pthread.h>
#include <stdio.h>
#include <support/failing_mem.h>
#include <model/registry.h>

static struct failing_mem mem;
static struct fa_registry registry;
static struct faas_error err;
static struct fa_trouble trouble;

static int setup(void **state)
{
	(void)state;
	failing_mem_init(&mem);
	memset(&err, 0, sizeof(err));
	return fa_registry_init(&registry, &mem.mem, "local-1", "000000000000");
}

static int teardown(void **state)
{
	struct fa_version *version;

	(void)state;
	while ((version = fa_registry_take_any(&registry)))
		fa_version_unref(version);
	fa_registry_finish(&registry);
	assert_true(failing_mem_clean(&mem));
	return 0;
}

static int native(struct faas_context *ctx, struct faas_bytes event)
{
	(void)ctx;
	(void)event;
	return 0;
}

static struct fa_version *make(const char *name)
{
	struct fa_version *version =
		fa_version_create(&mem.mem, FAAS_FUNCTION(.name = name, .native = native),
				  "local-1", "000000000000", &err);

	if (!version)
		fail_msg("%s", err.message);
	return version;
}

static struct fa_version *add(const char *name)
{
	struct fa_version *version = make(name);

	assert_int_equal(fa_registry_add(&registry, version, &err), 0);
	return version;
}

static void assert_found(const char *text, struct fa_version *version)
{
	uint32_t refs = version->refs;
	struct fa_version *found = fa_registry_find(&registry, text, &err);

	assert_ptr_equal(found, version);
	assert_int_equal(version->refs, refs + 1);
	fa_version_unref(found);
}

static void assert_not_found(const char *text, int code, const char *message)
{
	assert_null(fa_registry_find(&registry, text, &err));
	assert_int_equal(err.code, code);
	assert_string_equal(err.message, message);
}

TEST(a_function_is_found_by_each_of_its_names_and_referenced)
{
	struct fa_version *version = add("hello");

	assert_found("hello", version);
	assert_found("hello:$LATEST", version);
	assert_found("000000000000:function:hello", version);
	assert_found("local-1:000000000000:function:hello", version);
	assert_found("arn:aws:lambda:local-1:000000000000:function:hello", version);
	assert_found("arn:aws:lambda:local-1:000000000000:function:hello:$LATEST", version);
}

TEST(a_missing_function_is_named_in_full)
{
	add("hello");
	assert_not_found("hell", FAAS_ENOTFOUND,
			 "Function not found: "
			 "arn:aws:lambda:local-1:000000000000:function:hell:$LATEST");
	assert_string_equal(err.type, "ResourceNotFoundException");
	assert_not_found("hello:7", FAAS_ENOTFOUND,
			 "Function not found: "
			 "arn:aws:lambda:local-1:000000000000:function:hello:7");
}

TEST(other_places_are_not_reachable)
{
	add("hello");
	assert_not_found("arn:aws:lambda:mars-1:000000000000:function:hello", FAAS_ENOTFOUND,
			 "Functions from 'mars-1' are not reachable in this region ('local-1')");
	assert_not_found("111111111111:function:hello", FAAS_EDENIED,
			 "account 111111111111 is not account 000000000000");
}

TEST(a_malformed_name_is_not_looked_for)
{
	assert_null(fa_registry_find(&registry, "a b", &err));
	assert_int_equal(err.code, FAAS_EINVAL);
}

TEST(a_name_is_taken_once)
{
	struct fa_version *first = add("hello"), *second = make("hello");

	assert_int_equal(fa_registry_add(&registry, second, &err), FAAS_EEXIST);
	assert_string_equal(err.message, "Function already exist: hello");
	assert_string_equal(err.type, "ResourceConflictException");
	assert_int_equal(second->refs, 1); /* still the caller's */
	fa_version_unref(second);
	assert_found("hello", first);
}

TEST(a_swap_puts_the_next_in_place_and_hands_out_the_old)
{
	struct fa_version *old = add("hello"), *next = make("hello");
	struct fa_version *held = fa_registry_find(&registry, "hello", &err);

	assert_int_equal(fa_registry_swap(&registry, old, next, &err), 0);
	assert_found("hello", next);
	assert_int_equal(old->refs, 2);
	fa_version_unref(old); /* the registry's */
	assert_string_equal(held->config.name, "hello");
	fa_version_unref(held);
	assert_found("hello", next); /* and the key is not the old one's */
}

TEST(a_swap_of_what_is_no_longer_current_is_a_conflict)
{
	struct fa_version *first = add("hello"), *second = make("hello"), *late = make("hello");

	assert_int_equal(fa_registry_swap(&registry, first, second, &err), 0);
	assert_int_equal(fa_registry_swap(&registry, first, late, &err), FAAS_EEXIST);
	assert_string_equal(err.message,
			    "The operation cannot be performed at this time. An update is in "
			    "progress for resource: "
			    "arn:aws:lambda:local-1:000000000000:function:hello");
	assert_found("hello", second);
	fa_version_unref(late);
	fa_version_unref(first);
}

TEST(a_change_begins_only_when_no_other_is_under_way)
{
	struct fa_version *first = add("hello"), *second = make("hello");

	assert_int_equal(fa_registry_begin(&registry, first, &err), 0);
	assert_int_equal(fa_registry_update(&registry, first, &trouble), FA_UPDATING);
	assert_int_equal(fa_registry_begin(&registry, first, &err), FAAS_EEXIST);
	fa_registry_abandon(&registry, first);
	assert_int_equal(fa_registry_begin(&registry, first, &err), 0);
	assert_int_equal(fa_registry_swap(&registry, first, second, &err), 0);
	assert_int_equal(fa_registry_update(&registry, second, &trouble), FA_UPDATED);
	assert_int_equal(fa_registry_begin(&registry, first, &err), FAAS_EEXIST);
	assert_int_equal(fa_registry_begin(&registry, second, &err), 0);
	fa_registry_abandon(&registry, first); /* is not its to end */
	assert_int_equal(fa_registry_update(&registry, second, &trouble), FA_UPDATING);
	fa_version_unref(first);
}

TEST(a_removed_function_lives_as_long_as_somebody_runs_on_it)
{
	struct fa_version *version = add("hello");
	struct fa_version *held = fa_registry_find(&registry, "hello", &err);

	assert_ptr_equal(fa_registry_remove(&registry, version), version);
	assert_null(fa_registry_find(&registry, "hello", &err));
	fa_version_unref(version);
	assert_int_equal(held->refs, 1);
	assert_string_equal(held->config.name, "hello");
	fa_version_unref(held);
}

TEST(only_the_current_version_can_be_removed)
{
	struct fa_version *old = add("hello"), *next = make("hello");

	assert_int_equal(fa_registry_swap(&registry, old, next, &err), 0);
	assert_null(fa_registry_remove(&registry, old));
	assert_found("hello", next);
	assert_ptr_equal(fa_registry_remove(&registry, next), next);
	assert_null(fa_registry_remove(&registry, next));
	fa_version_unref(next);
	fa_version_unref(old);
}

TEST(a_name_may_be_used_again_after_its_removal)
{
	struct fa_version *version = add("hello");

	fa_version_unref(fa_registry_remove(&registry, version));
	assert_found("hello", add("hello"));
}

TEST(all_are_listed_with_a_reference_each)
{
	struct fa_version *a = add("a"), *b = add("b");
	struct fa_version **all = fa_registry_all(&registry, &mem.mem);

	assert_non_null(all);
	assert_true((all[0] == a && all[1] == b) || (all[0] == b && all[1] == a));
	assert_null(all[2]);
	assert_int_equal(a->refs, 2);
	assert_int_equal(b->refs, 2);
	fa_version_unref(a);
	fa_version_unref(b);
	fa_free(all);
}

TEST(an_empty_registry_lists_nothing)
{
	struct fa_version **all = fa_registry_all(&registry, &mem.mem);

	assert_non_null(all);
	assert_null(all[0]);
	fa_free(all);
	assert_null(fa_registry_take_any(&registry));
}

TEST(a_thousand_functions_are_each_found)
{
	char name[16];

	for (int i = 0; i < 1000; i++) {
		snprintf(name, sizeof(name), "f%d", i);
		add(name);
	}
	for (int i = 0; i < 1000; i += 2) {
		struct fa_version *version;

		snprintf(name, sizeof(name), "f%d", i);
		version = fa_registry_find(&registry, name, &err);
		assert_non_null(version);
		fa_version_unref(fa_registry_remove(&registry, version));
		fa_version_unref(version);
	}
	for (int i = 0; i < 1000; i++) {
		struct fa_version *version;

		snprintf(name, sizeof(name), "f%d", i);
		version = fa_registry_find(&registry, name, &err);
		if (i % 2)
			assert_string_equal(version->config.name, name);
		else
			assert_null(version);
		fa_version_unref(version);
	}
}

TEST(without_memory_nothing_is_added)
{
	struct fa_version *version = make("hello");

	mem.fail_at = mem.calls + 1;
	assert_int_equal(fa_registry_add(&registry, version, &err), FAAS_ENOMEM);
	assert_int_equal(err.code, FAAS_ENOMEM);
	assert_null(fa_registry_find(&registry, "hello", &err));
	assert_int_equal(fa_registry_add(&registry, version, &err), 0);
	assert_found("hello", version);
}

TEST(without_memory_there_is_no_list_and_no_reference)
{
	struct fa_version *version = add("hello");

	mem.fail_at = mem.calls + 1;
	assert_null(fa_registry_all(&registry, &mem.mem));
	assert_int_equal(version->refs, 1);
}

/* ---- readers and a writer -------------------------------------------- */

static _Atomic bool stop;

static void *read_all_the_time(void *arg)
{
	uintptr_t missed = 0;

	(void)arg;
	while (!stop) {
		struct fa_version *version = fa_registry_find(&registry, "hello", NULL);

		missed += !version || strcmp(version->config.name, "hello") != 0;
		fa_version_unref(version);
	}
	return (void *)missed;
}

TEST(readers_never_see_a_version_that_is_gone)
{
	struct fa_version *current = add("hello");
	pthread_t readers[2];
	void *missed;

	stop = false;
	for (int i = 0; i < 2; i++)
		assert_int_equal(pthread_create(&readers[i], NULL, read_all_the_time, NULL), 0);
	for (int i = 0; i < 2000; i++) {
		struct fa_version *next = make("hello");

		assert_int_equal(fa_registry_swap(&registry, current, next, &err), 0);
		fa_version_unref(current);
		current = next;
	}
	stop = true;
	for (int i = 0; i < 2; i++) {
		pthread_join(readers[i], &missed);
		assert_null(missed);
	}
	assert_found("hello", current);
}

#define ROW(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		ROW(a_function_is_found_by_each_of_its_names_and_referenced),
		ROW(a_missing_function_is_named_in_full),
		ROW(other_places_are_not_reachable),
		ROW(a_malformed_name_is_not_looked_for),
		ROW(a_name_is_taken_once),
		ROW(a_swap_puts_the_next_in_place_and_hands_out_the_old),
		ROW(a_swap_of_what_is_no_longer_current_is_a_conflict),
		ROW(a_change_begins_only_when_no_other_is_under_way),
		ROW(a_removed_function_lives_as_long_as_somebody_runs_on_it),
		ROW(only_the_current_version_can_be_removed),
		ROW(a_name_may_be_used_again_after_its_removal),
		ROW(all_are_listed_with_a_reference_each),
		ROW(an_empty_registry_lists_nothing),
		ROW(a_thousand_functions_are_each_found),
		ROW(without_memory_nothing_is_added),
		ROW(without_memory_there_is_no_list_and_no_reference),
		ROW(readers_never_see_a_version_that_is_gone),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
