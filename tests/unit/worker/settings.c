/* SPDX-License-Identifier: MIT */
#include <worker/settings.h>

#include <support/test.h>

#include <stdlib.h>
#include <unistd.h>

#define STRINGS \
	"/code\0/layers\0\0provided\0file\0method\0\0function\0$LATEST\0arn\0" \
	"account\0region\0/log/group\0Text\0\0"

/* The literal's own NUL is the empty string at the end. */
static const char plain[] = STRINGS;
static const char with_variables[] = STRINGS "MINE=1\0PATH=/mine\0AWS_REGION=stolen\0EMPTY=\0";

static struct fa_settings read_settings(const char *strings, size_t len)
{
	struct fa_settings settings;

	assert_true(fa_settings_read(&settings, strings, (uint32_t)len));
	return settings;
}

TEST(the_strings_get_their_names)
{
	struct fa_settings s = read_settings(plain, sizeof(plain));

	assert_string_equal(s.code, "/code");
	assert_string_equal(s.opt, "/layers");
	assert_string_equal(s.file, "file");
	assert_string_equal(s.method, "method");
	assert_string_equal(s.prototype, "");
	assert_string_equal(s.function, "function");
	assert_string_equal(s.version, "$LATEST");
	assert_string_equal(s.account, "account");
	assert_string_equal(s.log_group, "/log/group");
	assert_string_equal(s.log_format, "Text");
	assert_int_equal(s.least_level, FAAS_TRACE);
	assert_string_equal(s.variables, "");
}

TEST(strings_that_end_too_early_are_refused)
{
	struct fa_settings settings;

	for (uint32_t len = 0; len < sizeof(plain); len++)
		assert_false(fa_settings_read(&settings, plain, len));
	for (uint32_t len = sizeof(with_variables) - 8; len < sizeof(with_variables); len++)
		assert_false(fa_settings_read(&settings, with_variables, len));
}

static char **variables_of(const char *strings, size_t len)
{
	struct fa_settings settings = read_settings(strings, len);
	char **variables = fa_settings_environ(&settings, 256);

	assert_non_null(variables);
	return variables;
}

TEST(the_log_format_is_a_variable_if_it_is_json)
{
	static const char json[] =
		"/code\0\0\0\0file\0method\0\0f\0$LATEST\0arn\0account\0region\0/g\0JSON\0WARN\0";
	struct fa_settings s = read_settings(json, sizeof(json));
	char **variables = variables_of(json, sizeof(json));

	assert_int_equal(s.least_level, FAAS_WARN);
	assert_string_equal(fa_settings_getenv(variables, "AWS_LAMBDA_LOG_FORMAT"), "JSON");
	assert_string_equal(fa_settings_getenv(variables, "AWS_LAMBDA_LOG_LEVEL"), "WARN");
	free(variables);
	variables = variables_of(plain, sizeof(plain));
	assert_null(fa_settings_getenv(variables, "AWS_LAMBDA_LOG_FORMAT"));
	assert_null(fa_settings_getenv(variables, "AWS_LAMBDA_LOG_LEVEL"));
	free(variables);
}

static size_t count_all(char **variables)
{
	size_t n = 0;

	while (variables[n])
		n++;
	return n;
}

TEST(lambdas_variables_are_there_and_no_others)
{
	static const char *const want[][2] = {
		{ "_HANDLER", "file.method" },
		{ "AWS_REGION", "region" },
		{ "AWS_DEFAULT_REGION", "region" },
		{ "AWS_LAMBDA_FUNCTION_NAME", "function" },
		{ "AWS_LAMBDA_FUNCTION_VERSION", "$LATEST" },
		{ "AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "256" },
		{ "AWS_LAMBDA_INITIALIZATION_TYPE", "on-demand" },
		{ "AWS_LAMBDA_LOG_GROUP_NAME", "/log/group" },
		{ "LAMBDA_TASK_ROOT", "/code" },
		{ "LANG", "en_US.UTF-8" },
		{ "TZ", ":UTC" },
	};
	char **variables = variables_of(plain, sizeof(plain));

	for (size_t i = 0; i < sizeof(want) / sizeof(*want); i++)
		assert_string_equal(fa_settings_getenv(variables, want[i][0]), want[i][1]);
	assert_string_equal(fa_settings_getenv(variables, "PATH"),
			    "/usr/local/bin:/usr/bin:/bin:/layers/bin");
	assert_string_equal(fa_settings_getenv(variables, "LD_LIBRARY_PATH"),
			    "/lib64:/usr/lib64:/code:/code/lib:/layers/lib");
	assert_int_equal(count_all(variables), sizeof(want) / sizeof(*want) + 2);
	free(variables);
}

TEST(a_provisioned_environment_is_told_so)
{
	struct fa_settings settings = read_settings(plain, sizeof(plain));
	char **variables;

	settings.initialization = "provisioned-concurrency";
	variables = fa_settings_environ(&settings, 256);
	assert_string_equal(fa_settings_getenv(variables, "AWS_LAMBDA_INITIALIZATION_TYPE"),
			    "provisioned-concurrency");
	free(variables);
}
TEST(a_program_has_variables_of_its_own)
{
	static const char program[] = "/code\0\0\0provided\0\0any:word\0\0function\0$LATEST\0arn\0"
				      "account\0region\0/log/group\0Text\0\0";
	static const char managed[] = "/code\0\0/var/runtime\0python3.11\0\0a.b\0\0function\0"
				      "$LATEST\0arn\0account\0region\0/log/group\0JSON\0INFO\0";
	char **variables = variables_of(program, sizeof(program));

	assert_string_equal(fa_settings_getenv(variables, "_HANDLER"), "any:word");
	assert_string_equal(fa_settings_getenv(variables, "LAMBDA_RUNTIME_DIR"), "/var/runtime");
	assert_null(fa_settings_getenv(variables, "AWS_EXECUTION_ENV"));
	free(variables);
	variables = variables_of(managed, sizeof(managed));
	assert_string_equal(fa_settings_getenv(variables, "_HANDLER"), "a.b");
	assert_string_equal(fa_settings_getenv(variables, "AWS_EXECUTION_ENV"),
			    "AWS_Lambda_python3.11");
	assert_string_equal(fa_settings_getenv(variables, "AWS_LAMBDA_LOG_LEVEL"), "INFO");
	free(variables);
}

TEST(a_variable_is_put_over_its_like_or_behind_the_last)
{
	char **variables = variables_of(plain, sizeof(plain));
	char first[] = "LANG=C", second[] = "NEW=1";

	fa_settings_put(variables, first);
	fa_settings_put(variables, second);
	fa_settings_say_initialization(variables, "provisioned-concurrency");
	assert_string_equal(fa_settings_getenv(variables, "LANG"), "C");
	assert_string_equal(fa_settings_getenv(variables, "NEW"), "1");
	assert_string_equal(fa_settings_getenv(variables, "AWS_LAMBDA_INITIALIZATION_TYPE"),
			    "provisioned-concurrency");
	free(variables);
}

TEST(own_variables_win_over_defaults_but_not_over_lambdas)
{
	char **variables = variables_of(with_variables, sizeof(with_variables));
	int paths = 0;

	assert_string_equal(fa_settings_getenv(variables, "MINE"), "1");
	assert_string_equal(fa_settings_getenv(variables, "EMPTY"), "");
	assert_string_equal(fa_settings_getenv(variables, "PATH"), "/mine");
	assert_string_equal(fa_settings_getenv(variables, "AWS_REGION"), "region");
	for (char **at = variables; *at; at++)
		paths += strncmp(*at, "PATH=", 5) == 0;
	assert_int_equal(paths, 1);
	free(variables);
}

TEST(a_name_is_not_found_by_its_beginning)
{
	char **variables = variables_of(with_variables, sizeof(with_variables));

	assert_null(fa_settings_getenv(variables, "MIN"));
	assert_null(fa_settings_getenv(variables, "MINE=1"));
	assert_null(fa_settings_getenv(variables, "HOME"));
	free(variables);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_strings_get_their_names),
		cmocka_unit_test(strings_that_end_too_early_are_refused),
		cmocka_unit_test(the_log_format_is_a_variable_if_it_is_json),
		cmocka_unit_test(lambdas_variables_are_there_and_no_others),
		cmocka_unit_test(a_provisioned_environment_is_told_so),
		cmocka_unit_test(a_program_has_variables_of_its_own),
		cmocka_unit_test(a_variable_is_put_over_its_like_or_behind_the_last),
		cmocka_unit_test(own_variables_win_over_defaults_but_not_over_lambdas),
		cmocka_unit_test(a_name_is_not_found_by_its_beginning),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
