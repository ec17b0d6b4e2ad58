/* SPDX-License-Identifier: MIT */
/* Who sees what of a change: before it is written, when it was, and when it could not be. */
#include <support/test.h>

#include <pthread.h>
#include <support/failing_mem.h>
#include <model/account.h>
#include <model/alias.h>
#include <model/change.h>
#include <model/tags.h>
#include <model/url.h>

static struct failing_mem mem;
static struct fa_registry registry;
static struct faas_error err;

static int native(struct faas_context *ctx, struct faas_bytes event)
{
	(void)ctx;
	(void)event;
	return 0;
}

static int setup(void **state)
{
	struct fa_version *latest, *one;

	(void)state;
	failing_mem_init(&mem);
	memset(&err, 0, sizeof(err));
	memset(&registry, 0, sizeof(registry));
	assert_int_equal(fa_registry_init(&registry, &mem.mem, "local-1", "000000000000"), 0);
	latest = fa_version_create(&mem.mem, FAAS_FUNCTION(.name = "f", .native = native),
				   "local-1", "000000000000", &err);
	assert_non_null(latest);
	assert_int_equal(fa_registry_add(&registry, latest, &err), 0);
	one = fa_version_freeze(latest, 1, NULL, "local-1", "000000000000", &err);
	assert_non_null(one);
	assert_int_equal(fa_registry_publish(&registry, latest, one, &err), 0);
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

static int set_alias(void)
{
	return fa_alias_set(&registry,
			    &(struct fa_alias_change){ .function = "f", .name = "live",
						       .version = 1, .may_create = true },
			    NULL, &err);
}

static int set_url(const char *id)
{
	return fa_url_set(&registry,
			  &(struct fa_url_change){ .function = "f", .create = true, .id = id },
			  NULL, &err);
}

static bool has_alias(void)
{
	struct fa_version *found = fa_registry_find(&registry, "f:live", NULL);

	fa_version_unref(found);
	return found;
}

static bool has_url(const char *id)
{
	struct fa_url *url = fa_url_find(&registry, id, strlen(id));

	fa_url_unref(url);
	return url;
}

static void *look_for_alias(void *data)
{
	*(bool *)data = has_alias();
	return NULL;
}

static bool another_has_alias(void)
{
	pthread_t thread;
	bool has = false;

	pthread_create(&thread, NULL, look_for_alias, &has);
	pthread_join(thread, NULL);
	return has;
}

static void adopt_all(void)
{
	struct fa_function *draft;

	while ((draft = fa_change_draft(&registry))) {
		assert_int_equal(fa_change_ready(&registry, draft), 0);
		assert_null(fa_change_adopt(&registry, draft));
	}
	fa_change_end(&registry);
}

static void discard_all(void)
{
	struct fa_function *draft;

	while ((draft = fa_change_draft(&registry)))
		assert_null(fa_change_discard(&registry, draft));
	fa_change_end(&registry);
}

TEST(who_changes_something_sees_it_and_others_when_it_is_adopted)
{
	fa_change_begin(&registry);
	assert_int_equal(set_alias(), 0);
	assert_true(has_alias());
	assert_false(another_has_alias());
	adopt_all();
	assert_true(has_alias());
	assert_true(another_has_alias());
}

TEST(what_is_discarded_has_never_been)
{
	fa_change_begin(&registry);
	assert_int_equal(set_alias(), 0);
	assert_int_equal(set_url("one"), 0);
	discard_all();
	assert_false(has_alias());
	assert_false(has_url("one"));
}

TEST(the_url_of_a_draft_serves_when_it_is_adopted)
{
	assert_int_equal(set_url("one"), 0);
	fa_change_begin(&registry);
	assert_int_equal(fa_url_delete(&registry, "f", NULL, &err), 0);
	assert_int_equal(set_url("two"), 0);
	assert_true(has_url("one"));
	assert_false(has_url("two"));
	adopt_all();
	assert_false(has_url("one"));
	assert_true(has_url("two"));
}

TEST(a_part_of_the_account_is_changed_as_a_copy)
{
	struct fa_document *got;

	fa_change_begin(&registry);
	assert_int_equal(fa_account_put(&registry, FA_ACCOUNT_ROLES, "r", fa_document_object(),
					&err), 0);
	assert_true(fa_account_has_any(&registry, FA_ACCOUNT_ROLES)); /* as its thread sees it */
	assert_int_equal(fa_document_count(registry.parts[FA_ACCOUNT_ROLES].all), 0);
	fa_change_discard_part(&registry, FA_ACCOUNT_ROLES);
	fa_change_end(&registry);
	assert_false(fa_account_has_any(&registry, FA_ACCOUNT_ROLES));

	fa_change_begin(&registry);
	assert_int_equal(fa_account_put(&registry, FA_ACCOUNT_ROLES, "r", fa_document_object(),
					&err), 0);
	fa_change_adopt_part(&registry, FA_ACCOUNT_ROLES);
	fa_change_end(&registry);
	got = fa_account_get(&registry, FA_ACCOUNT_ROLES, "r");
	assert_non_null(got);
	fa_document_free(got);
}

static _Atomic int adopted;

/* Waits for its turn. */
static void *tag(void *data)
{
	struct fa_document *tags = fa_document_parse("{\"k\":\"v\"}", &err);

	*(int *)data = fa_tags_add(&registry, "f", tags, NULL);
	assert_int_equal(adopted, 1);
	fa_document_free(tags);
	return NULL;
}

TEST(a_change_by_another_waits_and_neither_is_lost)
{
	struct fa_document *tags;
	pthread_t thread;
	int rc = -1;

	fa_change_begin(&registry);
	assert_int_equal(set_alias(), 0);
	pthread_create(&thread, NULL, tag, &rc);
	adopted = 1;
	adopt_all();
	pthread_join(thread, NULL);
	adopted = 0;
	assert_int_equal(rc, 0);
	assert_true(has_alias());
	tags = fa_tags_get(&registry, "f", &err);
	assert_int_equal(fa_document_count(tags), 1);
	fa_document_free(tags);
}

/* Each allocation fails in turn: nothing leaks, and what there was is there. */
TEST(no_memory_for_a_draft_changes_nothing)
{
	int rc = FAAS_ENOMEM;

	assert_int_equal(set_alias(), 0);
	assert_int_equal(set_url("one"), 0);
	for (size_t n = 1; rc; n++) {
		failing_mem_fail_at(&mem, n, false);
		fa_change_begin(&registry);
		rc = fa_url_delete(&registry, "f", NULL, &err);
		failing_mem_recover(&mem);
		discard_all();
		assert_true(rc == 0 || rc == FAAS_ENOMEM);
		assert_true(has_alias());
		assert_true(has_url("one"));
		assert_true(n < 100);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
			who_changes_something_sees_it_and_others_when_it_is_adopted, setup,
			teardown),
		cmocka_unit_test_setup_teardown(what_is_discarded_has_never_been, setup, teardown),
		cmocka_unit_test_setup_teardown(the_url_of_a_draft_serves_when_it_is_adopted, setup,
						teardown),
		cmocka_unit_test_setup_teardown(a_part_of_the_account_is_changed_as_a_copy, setup,
						teardown),
		cmocka_unit_test_setup_teardown(a_change_by_another_waits_and_neither_is_lost,
						setup, teardown),
		cmocka_unit_test_setup_teardown(no_memory_for_a_draft_changes_nothing, setup,
						teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
