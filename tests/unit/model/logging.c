/* SPDX-License-Identifier: MIT */
#include <support/test.h>

#include <base/mem.h>
#include <model/function.h>

static struct faas_error err;

static int native(struct faas_context *ctx, struct faas_bytes event)
{
	(void)ctx;
	(void)event;
	return 0;
}

static struct fa_version *make(struct faas_function_config config)
{
	config.size = sizeof(config);
	config.name = "f";
	config.native = native;
	return fa_version_create(&fa_mem_libc, &config, "local-1", "000000000000", &err);
}

static void refused(struct faas_function_config config, const char *message)
{
	assert_null(make(config));
	assert_int_equal(err.code, FAAS_EINVAL);
	assert_string_equal(err.message, message);
}

TEST(logs_are_text_in_a_group_of_the_functions_name_unless_it_says_otherwise)
{
	struct fa_version *v = make((struct faas_function_config){ 0 });

	assert_false(v->logging.json);
	assert_string_equal(v->config.log_format, "Text");
	assert_string_equal(v->config.log_group, "/aws/lambda/f");
	assert_null(v->config.app_log_level);
	assert_null(v->config.system_log_level);
	fa_version_unref(v);
}

TEST(json_begins_at_info)
{
	struct fa_version *v = make((struct faas_function_config){ .log_format = "JSON" });

	assert_true(v->logging.json);
	assert_int_equal(v->logging.application, FAAS_INFO);
	assert_int_equal(v->logging.system, FAAS_INFO);
	assert_string_equal(v->config.app_log_level, "INFO");
	fa_version_unref(v);
}

TEST(levels_are_read_by_name)
{
	struct fa_version *v = make((struct faas_function_config){
		.log_format = "JSON", .app_log_level = "TRACE", .system_log_level = "WARN" });

	assert_int_equal(v->logging.application, FAAS_TRACE);
	assert_int_equal(v->logging.system, FAAS_WARN);
	fa_version_unref(v);
}

TEST(a_change_to_text_drops_the_levels)
{
	struct fa_version *v = make((struct faas_function_config){
		.log_format = "JSON", .app_log_level = "TRACE", .log_group = "/mine" });
	struct faas_function_config merged;
	struct fa_version *next;

	fa_version_merge(&merged, &v->config, FAAS_FUNCTION(.log_format = "Text"));
	next = make(merged);
	assert_non_null(next);
	assert_null(next->config.app_log_level);
	assert_string_equal(next->config.log_group, "/mine");
	fa_version_unref(next);
	fa_version_merge(&merged, &v->config, FAAS_FUNCTION(.memory_mb = 256));
	next = make(merged);
	assert_int_equal(next->logging.application, FAAS_TRACE);
	fa_version_unref(next);
	fa_version_unref(v);
}

TEST(what_is_no_format_level_or_group_is_refused)
{
	char group[FA_LOG_GROUP_MAX + 2];

	refused((struct faas_function_config){ .log_format = "XML" },
		"log_format is 'XML': must be Text or JSON");
	refused((struct faas_function_config){ .app_log_level = "INFO" },
		"log levels are for the log format JSON only");
	refused((struct faas_function_config){ .log_format = "JSON", .app_log_level = "loud" },
		"app_log_level is 'loud': must be TRACE, DEBUG, INFO, WARN, ERROR or FATAL");
	refused((struct faas_function_config){ .log_format = "JSON", .system_log_level = "ERROR" },
		"system_log_level is 'ERROR': must be DEBUG, INFO or WARN");
	refused((struct faas_function_config){ .log_group = "a b" },
		"'a b' is not the name of a log group: 1 to 512 letters, digits and _ . / # -");
	refused((struct faas_function_config){ .log_group = "" },
		"'' is not the name of a log group: 1 to 512 letters, digits and _ . / # -");
	memset(group, 'g', sizeof(group));
	group[FA_LOG_GROUP_MAX] = '\0';
	fa_version_unref(make((struct faas_function_config){ .log_group = group }));
	group[FA_LOG_GROUP_MAX] = 'g';
	group[FA_LOG_GROUP_MAX + 1] = '\0';
	assert_null(make((struct faas_function_config){ .log_group = group }));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
			logs_are_text_in_a_group_of_the_functions_name_unless_it_says_otherwise),
		cmocka_unit_test(json_begins_at_info),
		cmocka_unit_test(levels_are_read_by_name),
		cmocka_unit_test(a_change_to_text_drops_the_levels),
		cmocka_unit_test(what_is_no_format_level_or_group_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
