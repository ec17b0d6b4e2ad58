/* SPDX-License-Identifier: MIT */
/* What a name stands for besides $LATEST: numbers and aliases. */
#include <support/test.h>

#include <math.h>
#include <stdio.h>
#include <support/failing_mem.h>
#include <model/alias.h>
#include <model/provisioned.h>

#define ARN "arn:aws:lambda:local-1:000000000000:function:f"

static struct failing_mem mem;
static struct fa_registry registry;
static struct faas_error err;
static struct fa_version *latest, *one, *two;

static int native(struct faas_context *ctx, struct faas_bytes event)
{
	(void)ctx;
	(void)event;
	return 0;
}

static struct fa_version *add(void)
{
	struct fa_version *version =
		fa_version_create(&mem.mem, FAAS_FUNCTION(.name = "f", .native = native),
				  "local-1", "000000000000", &err);

	assert_non_null(version);
	assert_int_equal(fa_registry_add(&registry, version, &err), 0);
	return version;
}

static struct fa_version *publish(void)
{
	int number = fa_registry_next_number(&registry, latest);
	struct fa_version *version =
		fa_version_freeze(latest, number, NULL, "local-1", "000000000000", &err);

	assert_non_null(version);
	assert_int_equal(fa_registry_publish(&registry, latest, version, &err), 0);
	return version;
}

static int setup(void **state)
{
	(void)state;
	failing_mem_init(&mem);
	memset(&err, 0, sizeof(err));
	assert_int_equal(fa_registry_init(&registry, &mem.mem, "local-1", "000000000000"), 0);
	latest = add();
	one = publish();
	two = publish();
	return 0;
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

static void assert_found(const char *text, const struct fa_version *version)
{
	struct fa_version *found = fa_registry_find(&registry, text, &err);

	assert_ptr_equal(found, version);
	fa_version_unref(found);
}

static void assert_gone(const char *text)
{
	assert_null(fa_registry_find(&registry, text, &err));
	assert_int_equal(err.code, FAAS_ENOTFOUND);
}

static int set(int version, int second, double weight)
{
	return fa_alias_set(&registry,
			    &(struct fa_alias_change){ .function = "f",
						       .name = "live",
						       .version = version,
						       .second = second,
						       .weight = weight,
						       .may_create = true,
						       .may_update = true },
			    NULL, &err);
}

static void drop_function(void)
{
	struct fa_version *version = fa_registry_remove(&registry, latest);

	while (version) {
		struct fa_version *also = version->also;

		fa_version_unref(version);
		version = also;
	}
}

TEST(a_number_is_found_in_every_form_of_the_name)
{
	assert_string_equal(two->qualifier, "2");
	assert_found("f:2", two);
	assert_found("000000000000:function:f:2", two);
	assert_found("local-1:000000000000:function:f:2", two);
	assert_found(ARN ":2", two);
	assert_found("f", latest);
	assert_found(ARN ":$LATEST", latest);
}

TEST(a_number_that_was_not_given_is_not_found)
{
	assert_gone("f:3");
	assert_string_equal(err.message, "Function not found: " ARN ":3");
	assert_gone("f:0");
	assert_gone("f:02");
}

TEST(what_is_done_to_functions_is_not_done_to_versions)
{
	assert_null(fa_registry_latest(&registry, "f:2", &err));
	assert_int_equal(err.code, FAAS_EINVAL);
}

TEST(a_number_stays_with_its_version_when_the_function_is_updated)
{
	struct fa_version *next =
		fa_version_create(&mem.mem, FAAS_FUNCTION(.name = "f", .native = native),
				  "local-1", "000000000000", &err);

	assert_int_equal(fa_registry_swap(&registry, latest, next, &err), 0);
	fa_version_unref(latest);
	assert_found("f", next);
	assert_found("f:1", one);
	latest = next;
	assert_int_equal(publish()->number, 3);
}

TEST(a_number_is_never_given_twice)
{
	fa_version_unref(fa_registry_unpublish(&registry, two, &err));
	assert_gone("f:2");
	assert_int_equal(publish()->number, 3);
	drop_function();
	assert_gone("f");
	assert_gone("f:1");
	latest = add();
	assert_gone("f:1");
	assert_int_equal(publish()->number, 4);
}

TEST(the_last_version_is_the_one_with_the_highest_number_that_is_left)
{
	struct fa_version *last = fa_registry_last(&registry, latest);

	assert_ptr_equal(last, two);
	fa_version_unref(last);
	fa_version_unref(fa_registry_unpublish(&registry, two, &err));
	last = fa_registry_last(&registry, latest);
	assert_ptr_equal(last, one);
	fa_version_unref(last);
}

TEST(a_version_is_taken_out_once)
{
	struct fa_version *held = fa_registry_find(&registry, "f:2", &err);

	fa_version_unref(fa_registry_unpublish(&registry, held, &err));
	assert_null(fa_registry_unpublish(&registry, held, &err));
	assert_string_equal(err.message, "Function not found: " ARN ":2");
	fa_version_unref(held);
}

TEST(all_are_listed_by_name_and_number)
{
	struct fa_version **all = fa_registry_all(&registry, &mem.mem);

	assert_ptr_equal(all[0], latest);
	assert_ptr_equal(all[1], one);
	assert_ptr_equal(all[2], two);
	assert_null(all[3]);
	for (int i = 0; i < 3; i++)
		fa_version_unref(all[i]);
	fa_free(all);
}

TEST(an_alias_stands_for_the_version_it_was_set_to_last)
{
	assert_gone("f:live");
	assert_int_equal(set(1, 0, 0), 0);
	assert_found("f:live", one);
	assert_found(ARN ":live", one);
	assert_int_equal(set(2, 0, 0), 0);
	assert_found("f:live", two);
	assert_int_equal(set(0, 0, 0), 0);
	assert_found("f:live", latest);
}

static int seconds_of(int draws)
{
	int seconds = 0;

	for (int i = 0; i < draws; i++) {
		struct fa_version *found = fa_registry_find(&registry, "f:live", &err);

		assert_true(found == one || found == two);
		seconds += found == two;
		fa_version_unref(found);
	}
	return seconds;
}

TEST(the_second_version_gets_its_part_of_the_events)
{
	int seconds;

	atomic_store(&registry.draws, 12345);
	assert_int_equal(set(1, 2, 0.25), 0);
	seconds = seconds_of(10000);
	assert_true(seconds > 2300 && seconds < 2700);
	assert_int_equal(set(1, 2, 0), 0);
	assert_int_equal(seconds_of(1000), 0);
	assert_int_equal(set(1, 2, 1), 0);
	assert_int_equal(seconds_of(1000), 1000);
}

TEST(without_a_second_version_there_is_no_weight_whatever_was_said)
{
	struct fa_alias_view view;

	assert_int_equal(set(1, 2, 0.25), 0);
	assert_int_equal(set(1, 0, NAN), 0);
	assert_int_equal(fa_alias_get(&registry, "f", "live", &view, &err), 0);
	assert_int_equal(view.second, 0);
	assert_true(view.alias.weight == 0);
}

TEST(what_an_alias_cannot_lead_to_is_refused_in_the_words_of_lambda)
{
	assert_int_equal(set(3, 0, 0), FAAS_ENOTFOUND);
	assert_string_equal(err.message, "Function not found: " ARN ":3");
	assert_int_equal(set(0, 1, 0.5), FAAS_EINVAL);
	assert_string_equal(err.message, "$LATEST is not supported for an alias pointing to more "
					 "than 1 version");
	assert_int_equal(set(1, 1, 0.5), FAAS_EINVAL);
	assert_string_equal(err.message, "Invalid function version 1. Function version 1 is "
					 "already included in routing configuration.");
	assert_int_equal(set(1, 2, 1.5), FAAS_EINVAL);
	assert_int_equal(set(1, 2, 0.0 / 0.0), FAAS_EINVAL);
	assert_gone("f:live");
}

TEST(a_refused_change_leaves_the_alias_as_it_was)
{
	assert_int_equal(set(1, 0, 0), 0);
	assert_int_equal(set(2, 2, 0.5), FAAS_EINVAL);
	assert_found("f:live", one);
}

TEST(an_alias_that_exists_is_not_created)
{
	struct fa_alias_change change = { .function = "f", .name = "live", .may_create = true };

	assert_int_equal(fa_alias_set(&registry, &change, NULL, &err), 0);
	assert_int_equal(fa_alias_set(&registry, &change, NULL, &err), FAAS_EEXIST);
	assert_string_equal(err.message, "Alias already exists: " ARN ":live");
}

TEST(an_alias_that_does_not_exist_is_not_updated_and_not_deleted)
{
	struct fa_alias_change change = { .function = "f", .name = "live", .may_update = true };

	assert_int_equal(fa_alias_set(&registry, &change, NULL, &err), FAAS_ENOTFOUND);
	assert_string_equal(err.message, "Cannot find alias arn: " ARN ":live");
	assert_int_equal(fa_alias_delete(&registry, "f", "live", &err), FAAS_ENOTFOUND);
}

TEST(each_change_makes_a_new_revision_and_an_old_one_changes_nothing)
{
	struct fa_alias_view first, second;
	struct fa_alias_change change = { .function = "f", .name = "live", .version = 1,
					  .may_create = true, .may_update = true };

	assert_int_equal(fa_alias_set(&registry, &change, &first, &err), 0);
	change.version = 2;
	change.revision = first.alias.revision;
	assert_int_equal(fa_alias_set(&registry, &change, &second, &err), 0);
	assert_string_not_equal(first.alias.revision, second.alias.revision);
	change.version = 1;
	assert_int_equal(fa_alias_set(&registry, &change, NULL, &err), FAAS_EPRECONDITION);
	assert_string_equal(err.type, "PreconditionFailedException");
	assert_string_equal(err.message,
			    "The Revision Id provided does not match the latest Revision Id. Call "
			    "the GetFunction/GetAlias API to retrieve the latest Revision Id");
	assert_found("f:live", two);
}

TEST(what_a_change_does_not_name_stays)
{
	struct fa_alias_view view;
	struct fa_alias_change change = { .function = "f", .name = "live", .version = FA_KEEP,
					  .second = FA_KEEP, .description = "words",
					  .may_update = true };

	assert_int_equal(set(1, 2, 0.25), 0);
	assert_int_equal(fa_alias_set(&registry, &change, &view, &err), 0);
	assert_int_equal(view.version, 1);
	assert_int_equal(view.second, 2);
	assert_true(view.alias.weight == 0.25);
	assert_string_equal(view.alias.description, "words");
	assert_string_equal(view.arn, ARN ":live");
}

TEST(a_name_that_could_be_a_number_or_is_too_long_is_no_alias)
{
	static const char *const bad[] = { "", "7", "$LATEST", "a b", "a:b" };
	char name[130];

	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
		assert_int_equal(fa_alias_delete(&registry, "f", bad[i], &err), FAAS_EINVAL);
	memset(name, 'a', 129);
	name[129] = '\0';
	assert_int_equal(fa_alias_delete(&registry, "f", name, &err), FAAS_EINVAL);
	name[128] = '\0';
	assert_int_equal(fa_alias_delete(&registry, "f", name, &err), FAAS_ENOTFOUND);
}

TEST(a_version_stays_while_an_alias_leads_to_it)
{
	assert_int_equal(set(1, 2, 0.5), 0);
	assert_null(fa_registry_unpublish(&registry, one, &err));
	assert_int_equal(err.code, FAAS_EEXIST);
	assert_null(fa_registry_unpublish(&registry, two, &err));
	assert_int_equal(fa_alias_delete(&registry, "f", "live", &err), 0);
	fa_version_unref(fa_registry_unpublish(&registry, two, &err));
	assert_gone("f:2");
}

TEST(aliases_are_listed_by_name_and_by_version)
{
	static const char *const names[] = { "b", "c", "a" };
	struct fa_alias_view *views;
	size_t count;

	for (int i = 0; i < 3; i++)
		assert_int_equal(fa_alias_set(&registry,
					      &(struct fa_alias_change){ .function = "f",
									 .name = names[i],
									 .version = i,
									 .may_create = true },
					      NULL, &err),
				 0);
	assert_int_equal(fa_alias_list(&registry, "f", FA_KEEP, &views, &count, &err), 0);
	assert_int_equal(count, 3);
	assert_string_equal(views[0].alias.name, "a");
	assert_string_equal(views[2].alias.name, "c");
	fa_free(views);
	assert_int_equal(fa_alias_list(&registry, "f", 2, &views, &count, &err), 0);
	assert_int_equal(count, 1);
	assert_string_equal(views[0].alias.name, "a");
	fa_free(views);
}

TEST(without_memory_there_is_no_alias)
{
	for (size_t n = 1; n <= 2; n++) {
		mem.fail_at = mem.calls + n;
		assert_int_equal(set(1, 0, 0), FAAS_ENOMEM);
		assert_gone("f:live");
	}
	assert_int_equal(set(1, 0, 0), 0);
}

/* ---- provisioned ------------------------------------------------------ */

static int provision(const char *target, int n)
{
	return fa_provisioned_set(&registry, target, n, 1, NULL, &err);
}

static int part(const struct fa_version *version)
{
	return fa_provisioned_part(&registry, NULL, version);
}

TEST(what_an_alias_has_provisioned_is_of_the_versions_it_leads_to)
{
	assert_int_equal(set(1, 0, 0), 0);
	assert_int_equal(provision("f:live", 5), 0);
	assert_int_equal(part(one), 5);
	assert_int_equal(set(1, 2, 0.5), 0);
	assert_int_equal(part(one), 2);
	assert_int_equal(part(two), 3);
	assert_int_equal(part(latest), 0);
	assert_int_equal(fa_provisioned_sum(&registry, latest), 5);
	assert_int_equal(set(1, 2, 1), 0);
	assert_int_equal(part(one), 0);
	assert_int_equal(part(two), 5);
	assert_int_equal(provision("f:live", 0), 0);
	assert_int_equal(part(two), 0);
}

TEST(without_memory_nothing_is_provisioned)
{
	struct fa_provisioned p, *all;
	size_t count;

	for (size_t n = 1; n <= 2; n++) { /* the entry, and its place in the map */
		mem.fail_at = mem.calls + n;
		assert_int_equal(provision("f:1", 3), FAAS_ENOMEM);
		assert_int_equal(fa_provisioned_get(&registry, "f:1", &p, &err), FAAS_ENOTFOUND);
		assert_int_equal(part(one), 0);
	}
	mem.fail_at = 0;
	assert_int_equal(provision("f:1", 3), 0);
	mem.fail_at = mem.calls + 1;
	assert_int_equal(provision("f:1", 4), 0); /* what is there needs no more */
	assert_int_equal(fa_provisioned_list(&registry, "f", &all, &count, &err), FAAS_ENOMEM);
	mem.fail_at = 0;
	assert_int_equal(part(one), 4);
}

TEST(a_description_of_its_own_does_not_make_another_version)
{
	struct fa_version *version =
		fa_version_freeze(latest, 3, "words", "local-1", "000000000000", &err);

	assert_string_equal(version->config.description, "words");
	assert_string_equal(version->config_sha256, latest->config_sha256);
	assert_string_not_equal(version->revision, latest->revision);
	fa_version_unref(version);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define UNIT(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
		UNIT(a_number_is_found_in_every_form_of_the_name),
		UNIT(a_number_that_was_not_given_is_not_found),
		UNIT(what_is_done_to_functions_is_not_done_to_versions),
		UNIT(a_number_stays_with_its_version_when_the_function_is_updated),
		UNIT(a_number_is_never_given_twice),
		UNIT(the_last_version_is_the_one_with_the_highest_number_that_is_left),
		UNIT(a_version_is_taken_out_once),
		UNIT(all_are_listed_by_name_and_number),
		UNIT(an_alias_stands_for_the_version_it_was_set_to_last),
		UNIT(the_second_version_gets_its_part_of_the_events),
		UNIT(without_a_second_version_there_is_no_weight_whatever_was_said),
		UNIT(what_an_alias_cannot_lead_to_is_refused_in_the_words_of_lambda),
		UNIT(a_refused_change_leaves_the_alias_as_it_was),
		UNIT(an_alias_that_exists_is_not_created),
		UNIT(an_alias_that_does_not_exist_is_not_updated_and_not_deleted),
		UNIT(each_change_makes_a_new_revision_and_an_old_one_changes_nothing),
		UNIT(what_a_change_does_not_name_stays),
		UNIT(a_name_that_could_be_a_number_or_is_too_long_is_no_alias),
		UNIT(a_version_stays_while_an_alias_leads_to_it),
		UNIT(aliases_are_listed_by_name_and_by_version),
		UNIT(without_memory_there_is_no_alias),
		UNIT(what_an_alias_has_provisioned_is_of_the_versions_it_leads_to),
		UNIT(without_memory_nothing_is_provisioned),
		UNIT(a_description_of_its_own_does_not_make_another_version),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
