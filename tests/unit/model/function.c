/* SPDX-License-Identifier: MIT */
#include <support/test.h>

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>
#include <support/failing_mem.h>
#include <model/function.h>

static struct failing_mem mem;
static struct faas_error err;
static char folder[64], file[80], link_to_it[80]; /* real code: an empty image.so */

static int native(struct faas_context *ctx, struct faas_bytes event)
{
	(void)ctx;
	(void)event;
	return 0;
}

static int make_folder(void **state)
{
	FILE *stream;

	(void)state;
	strcpy(folder, "/tmp/faas-model-XXXXXX");
	if (!mkdtemp(folder))
		return -1;
	snprintf(file, sizeof(file), "%s/image.so", folder);
	snprintf(link_to_it, sizeof(link_to_it), "%s/libz.so.1", folder);
	stream = fopen(file, "w");
	return stream ? fclose(stream) | symlink("image.so", link_to_it) : -1;
}

static int remove_folder(void **state)
{
	(void)state;
	unlink(link_to_it);
	unlink(file);
	return rmdir(folder);
}

static int setup(void **state)
{
	(void)state;
	failing_mem_init(&mem);
	memset(&err, 0, sizeof(err));
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	assert_true(failing_mem_clean(&mem));
	return 0;
}

static struct fa_version *create(const struct faas_function_config *config)
{
	return fa_version_create(&mem.mem, config, "local-1", "000000000000", &err);
}

static struct fa_version *must_create(const struct faas_function_config *config)
{
	struct fa_version *version = create(config);

	if (!version)
		fail_msg("%s", err.message);
	return version;
}

static void assert_refused(const struct faas_function_config *config, const char *message)
{
	assert_null(create(config));
	assert_string_equal(err.message, message);
	assert_int_equal(err.code, FAAS_EINVAL);
}

#define IMAGE(...) \
	FAAS_FUNCTION(.name = "f", .code = folder, .handler = "image.resize", __VA_ARGS__)
#define NOT_FOR_PROGRAMS                                                                  \
	"the code is a program (it has a bootstrap, or is run by one, or is an image): it is " \
	"always FAAS_PROCESS, and neither pristine nor called by a prototype"
#define NATIVE(...) FAAS_FUNCTION(.name = "f", .native = native, __VA_ARGS__)

TEST(what_is_not_said_gets_its_default)
{
	struct fa_version *version = must_create(IMAGE());

	assert_int_equal(version->config.isolation, FAAS_PROCESS);
	assert_int_equal(version->config.memory_mb, 128);
	assert_int_equal(version->config.timeout_ms, 3000);
	assert_int_equal(version->config.tmp_mb, 512);
	assert_int_equal(version->config.max_concurrency, 0);
	assert_int_equal(version->config.max_retries, 2);
	assert_int_equal(version->config.max_age_s, 21600);
	assert_false(version->config.network);
	assert_string_equal(version->config.description, "");
	assert_null(version->config.environment);
	assert_string_equal(version->qualifier, "$LATEST");
	assert_string_equal(version->arn,
			    "arn:aws:lambda:local-1:000000000000:function:f");
	assert_int_equal(version->refs, 1);
	fa_version_unref(version);
}

TEST(nothing_of_the_caller_is_borrowed)
{
	char name[] = "f", code[64], handler[] = "image.resize", description[] = "small",
	     prototype[] = "int resize(int x)", variable[] = "SIZE=3";
	const char *environment[] = { variable, NULL };
	struct fa_version *version;

	strcpy(code, folder);
	version = must_create(FAAS_FUNCTION(.name = name, .code = code, .handler = handler,
					    .description = description, .prototype = prototype,
					    .environment = environment));
	name[0] = code[0] = handler[0] = description[0] = prototype[0] = variable[0] = '?';
	environment[0] = NULL;
	assert_string_equal(version->config.name, "f");
	assert_string_equal(version->config.code, folder);
	assert_string_equal(version->config.handler, "image.resize");
	assert_string_equal(version->config.description, "small");
	assert_string_equal(version->config.prototype, "int resize(int x)");
	assert_int_equal(version->environment_count, 1);
	assert_string_equal(version->config.environment[0], "SIZE=3");
	assert_null(version->config.environment[1]);
	fa_version_unref(version);
}

TEST(code_with_a_bootstrap_is_a_program_if_its_runtime_is_provided)
{
	char path[128];
	struct fa_version *version;
	FILE *stream;

	version = must_create(IMAGE(.runtime = "provided"));
	assert_false(version->program);
	fa_version_unref(version);
	snprintf(path, sizeof(path), "%s/bootstrap", folder);
	stream = fopen(path, "w");
	assert_non_null(stream);
	fclose(stream);
	version = must_create(FAAS_FUNCTION(.name = "f", .code = folder, .handler = "any:word",
					    .runtime = "provided.al2023"));
	assert_true(version->program);
	assert_string_equal(version->method, "any:word");
	assert_string_equal(version->file, "");
	fa_version_unref(version);
	version = must_create(IMAGE());
	assert_false(version->program);
	fa_version_unref(version);
	assert_refused(IMAGE(.runtime = "provided", .pristine = true), NOT_FOR_PROGRAMS);
	version = must_create(IMAGE(.runtime = "provided", .snapshot = true));
	assert_false(fa_version_is_copied(version)); /* its memory is its own */
	fa_version_unref(version);
	assert_refused(IMAGE(.runtime = "provided", .isolation = FAAS_THREAD), NOT_FOR_PROGRAMS);
	assert_refused(FAAS_FUNCTION(.name = "f", .code = folder, .handler = "a b",
				     .runtime = "provided"),
		       "Bad handler 'a b': expected 1 to 128 characters without blanks");
	unlink(path);
}

TEST(a_native_handler_runs_in_a_thread)
{
	struct fa_version *version = must_create(NATIVE());

	assert_int_equal(version->config.isolation, FAAS_THREAD);
	assert_ptr_equal(version->config.native, native);
	assert_null(version->directory);
	assert_null(version->file);
	assert_null(version->method);
	fa_version_unref(version);
}

TEST(no_retries_can_be_asked_for)
{
	struct fa_version *version = must_create(NATIVE(.max_retries = FAAS_NONE));

	assert_int_equal(version->config.max_retries, 0);
	fa_version_unref(version);
}

/* ---- code and handler ------------------------------------------------ */

static void assert_code(const char *code, const char *handler, const char *directory,
			const char *of_file, const char *method)
{
	char real[PATH_MAX];
	struct fa_version *version =
		must_create(FAAS_FUNCTION(.name = "f", .code = code, .handler = handler));

	assert_non_null(realpath(directory, real));
	assert_string_equal(version->directory, real);
	assert_string_equal(version->file, of_file);
	assert_string_equal(version->method, method);
	fa_version_unref(version);
}

TEST(code_is_a_directory_that_holds_the_file)
{
	assert_code(folder, "image.resize", folder, "image", "resize");
	assert_code("/usr/../tmp", "libm.so.6.pow", "/tmp", "libm.so.6", "pow");
}

TEST(code_is_a_file_with_or_without_its_ending)
{
	assert_code(file, "image.resize", folder, "image", "resize");
	assert_code(file, "image.so.resize", folder, "image.so", "resize");
}

TEST(code_may_be_a_link_as_libraries_are)
{
	assert_code(link_to_it, "libz.so.1.crc32", folder, "libz.so.1", "crc32");
}

TEST(code_may_be_relative)
{
	char before[PATH_MAX];

	assert_non_null(getcwd(before, sizeof(before)));
	assert_int_equal(chdir(folder), 0);
	assert_code("image.so", "image.resize", folder, "image", "resize");
	assert_code(".", "image.resize", folder, "image", "resize");
	assert_int_equal(chdir(before), 0);
}

TEST(code_that_is_another_file_is_refused)
{
	char message[256];

	snprintf(message, sizeof(message), "the handler's file 'other' is not the code '%s'", file);
	assert_refused(FAAS_FUNCTION(.name = "f", .code = file, .handler = "other.resize"),
		       message);
	snprintf(message, sizeof(message), "the handler's file 'imag' is not the code '%s'", file);
	assert_refused(FAAS_FUNCTION(.name = "f", .code = file, .handler = "imag.resize"),
		       message);
}

TEST(code_that_is_not_there_is_refused)
{
	assert_refused(FAAS_FUNCTION(.name = "f", .code = "/no/such", .handler = "image.resize"),
		       "code '/no/such': No such file or directory");
	assert_refused(FAAS_FUNCTION(.name = "f", .code = "", .handler = "image.resize"),
		       "code '': No such file or directory");
	assert_refused(FAAS_FUNCTION(.name = "f", .code = "/dev/null", .handler = "null.x"),
		       "code '/dev/null' is neither a directory nor a file");
}

TEST(a_function_needs_something_to_run)
{
	assert_refused(FAAS_FUNCTION(.name = "f"),
		       "a function needs code (a directory, one .so or a .zip) and a handler, or "
		       "an image, or a native handler");
	assert_refused(FAAS_FUNCTION(.name = "f", .code = folder),
		       "a function with code needs a handler: \"file.method\"");
	assert_refused(FAAS_FUNCTION(.name = "f", .code = folder, .handler = "image"),
		       "Bad handler 'image': expected \"file.method\" of at most 128 characters, "
		       "the file relative to the code");
}

TEST(two_things_to_run_are_one_too_many)
{
	assert_refused(IMAGE(.native = native),
		       "give either a native handler or code with a handler, not both");
}

TEST(a_native_handler_cannot_be_a_process)
{
	assert_refused(NATIVE(.isolation = FAAS_PROCESS),
		       "a native handler is code of this program: it cannot be FAAS_PROCESS");
}

TEST(an_unknown_kind_of_isolation_is_refused)
{
	assert_refused(NATIVE(.isolation = (enum faas_isolation_kind)3),
		       "isolation is 3: must be FAAS_PROCESS or FAAS_THREAD");
}

TEST(a_prototype_must_be_one)
{
	assert_null(create(IMAGE(.prototype = "resize")));
	assert_int_equal(err.code, FAAS_EINVAL);
	assert_non_null(strstr(err.message, "resize"));
}

TEST(a_prototype_must_declare_the_method)
{
	assert_refused(IMAGE(.prototype = "int shrink(int x)"),
		       "the prototype declares 'shrink', but the handler's method is 'resize'");
}

TEST(a_c_function_is_always_a_process)
{
	assert_refused(IMAGE(.prototype = "int resize(int x)", .isolation = FAAS_THREAD),
		       "a C function called by its prototype always runs as FAAS_PROCESS");
}

/* ---- numbers --------------------------------------------------------- */

TEST(every_number_is_checked_at_its_limits)
{
	static const struct {
		const char *name;
		size_t offset;
		int low, high;
	} members[] = {
#define MEMBER(member, low, high) \
	{ #member, offsetof(struct faas_function_config, member), low, high }
		MEMBER(memory_mb, 128, 10240),
		MEMBER(timeout_ms, 1, 900000),
		MEMBER(tmp_mb, 512, 10240),
		MEMBER(max_concurrency, 1, 1000000),
		MEMBER(max_retries, 1, 2),
		MEMBER(max_age_s, 60, 21600),
	};

	for (size_t i = 0; i < sizeof(members) / sizeof(*members); i++) {
		struct faas_function_config config = *NATIVE();
		int *member = (int *)((char *)&config + members[i].offset);
		char message[100];

		*member = members[i].low;
		fa_version_unref(must_create(&config));
		*member = members[i].high;
		fa_version_unref(must_create(&config));
		*member = members[i].high + 1;
		snprintf(message, sizeof(message), "%s is %d: must be between %d and %d",
			 members[i].name, *member, members[i].low, *member - 1);
		/* 0 is the default, but of these it is also the lowest */
		if (!strcmp(members[i].name, "max_concurrency") ||
		    !strcmp(members[i].name, "max_retries"))
			snprintf(message, sizeof(message), "%s is %d: must be between 0 and %d",
				 members[i].name, *member, *member - 1);
		assert_refused(&config, message);
		*member = members[i].low > 1 ? members[i].low - 1 : -2;
		assert_null(create(&config));
		assert_int_equal(strncmp(err.message, message, strlen(members[i].name) + 4), 0);
	}
}

TEST(a_runtime_that_cannot_be_run_is_refused_by_its_name)
{
	assert_refused(FAAS_FUNCTION(.name = "f", .native = native, .runtime = "ruby3.4"),
		"Runtime ruby3.4 cannot be run here: only python3.N and nodejsN.x can, and with "
		"provided.al2023 what brings its own program");
	assert_refused(FAAS_FUNCTION(.name = "f", .native = native, .runtime = "python3.6"),
		"Runtime python3.6 cannot be run here: /usr/bin/python3.6: No such file or "
		"directory");
	assert_refused(FAAS_FUNCTION(.name = "f", .native = native, .runtime = "cobol"),
		"Value cobol at 'runtime' failed to satisfy constraint: Member must satisfy enum "
		"value set: [provided, provided.al2, provided.al2023, python3.N, nodejsN.x] "
		"or be a valid ARN");
	fa_version_unref(must_create(
		FAAS_FUNCTION(.name = "f", .native = native, .runtime = "provided.al2023")));
}

TEST(a_bad_name_is_refused_first)
{
	assert_refused(FAAS_FUNCTION(.name = "a b", .memory_mb = -1),
		       "'a b' is not a function name: 1 to 64 letters, digits, '-' and '_'");
	assert_refused(FAAS_FUNCTION(.native = native), "a function needs a name");
}

/* ---- environment variables ------------------------------------------- */

#define WITH(...) NATIVE(.environment = (const char *const[]){ __VA_ARGS__, NULL })

TEST(variables_are_kept_in_their_order)
{
	struct fa_version *version = must_create(WITH("Ab=", "X_1=a=b", "LANG=C", "PATH=/bin"));

	assert_int_equal(version->environment_count, 4);
	assert_string_equal(version->config.environment[1], "X_1=a=b");
	assert_string_equal(version->config.environment[3], "PATH=/bin");
	fa_version_unref(version);
}

TEST(a_variable_needs_a_proper_name)
{
	static const char *const wrong[] = { "",	 "=x",	  "A=x", "1A=x",
					     "_A=x", "A-B=x", "AB",  "A B=x" };
	char message[256];

	for (size_t i = 0; i < sizeof(wrong) / sizeof(*wrong); i++) {
		snprintf(message, sizeof(message),
			 "environment variable '%s': expected NAME=value, the name of at least two "
			 "letters, digits and '_', a letter first",
			 wrong[i]);
		assert_refused(WITH("GOOD=1", wrong[i]), message);
	}
}

TEST(what_lambda_sets_itself_cannot_be_set)
{
	static const char *const names[] = {
		"AWS_REGION", "AWS_SECRET_ACCESS_KEY", "AWS_LAMBDA_RUNTIME_API",
		"AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "LAMBDA_TASK_ROOT", "LAMBDA_RUNTIME_DIR",
	};
	char variable[64], message[256];

	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
		snprintf(variable, sizeof(variable), "%s=x", names[i]);
		snprintf(message, sizeof(message),
			 "Lambda was unable to configure your environment variables because the "
			 "environment variables you have provided contains reserved keys that are "
			 "currently not supported for modification. Reserved keys used in this "
			 "request: %s",
			 names[i]);
		assert_refused(WITH(variable), message);
	}
}

TEST(other_variables_that_begin_like_lambda_s_may_be_set)
{
	fa_version_unref(must_create(WITH("AWS_LAMBDA_EXEC_WRAPPER=/opt/x", "AWS_CA_BUNDLE=x",
					  "AWS_REGIONS=x", "AWS_REGIO=x", "LAMBDA_TASK=x",
					  "AWS_XRAY_CONTEXT_MISSING=LOG_ERROR",
					  "AWS_XRAY_DAEMON_ADDRESS=ip:2000")));
}

TEST(all_variables_together_have_4096_bytes_as_json)
{
	/* {"AA":"...","BB":"xx"} */
	char variable[4096] = "AA=";

	memset(variable + 3, 'x', 4096 - 19);
	variable[3 + 4096 - 19] = '\0';
	fa_version_unref(must_create(WITH(variable, "BB=xx")));
	assert_refused(WITH(variable, "BB=xxx"),
		       "the environment variables exceed the 4KB limit by 1 bytes");
}

/* ---- merging --------------------------------------------------------- */

TEST(a_change_replaces_only_what_it_names)
{
	const char *const variables[] = { "AB=1", NULL };
	const struct faas_function_config *base =
		FAAS_FUNCTION(.name = "f", .code = "a", .handler = "b.c", .memory_mb = 256,
			      .timeout_ms = 10, .tmp_mb = 600, .max_concurrency = 4,
			      .environment = variables, .description = "old", .max_retries = 1,
			      .max_age_s = 100, .isolation = FAAS_PROCESS);
	struct faas_function_config out;

	fa_version_merge(&out, base,
			 FAAS_FUNCTION(.name = "f", .timeout_ms = 20, .description = "new"));
	assert_string_equal(out.name, "f");
	assert_string_equal(out.code, "a");
	assert_string_equal(out.handler, "b.c");
	assert_int_equal(out.memory_mb, 256);
	assert_int_equal(out.timeout_ms, 20);
	assert_int_equal(out.tmp_mb, 600);
	assert_int_equal(out.max_concurrency, 4);
	assert_ptr_equal(out.environment, variables);
	assert_string_equal(out.description, "new");
	assert_int_equal(out.max_retries, 1);
	assert_int_equal(out.max_age_s, 100);
	assert_int_equal(out.isolation, FAAS_PROCESS);
}

TEST(a_change_may_replace_everything)
{
	const char *const variables[] = { "AB=1", NULL };
	const struct faas_function_config *change =
		FAAS_FUNCTION(.name = "f", .code = "a", .handler = "b.c", .prototype = "p",
			      .isolation = FAAS_PROCESS, .memory_mb = 256, .timeout_ms = 10,
			      .tmp_mb = 600, .max_concurrency = 4, .network = true,
			      .environment = variables, .description = "new", .max_retries = 1,
			      .max_age_s = 100, .runtime = "provided", .role = "r");
	struct faas_function_config out;

	fa_version_merge(&out, FAAS_FUNCTION(.name = "f"), change);
#define TAKEN(member) assert_true(out.member == change->member)
	TAKEN(code);
	TAKEN(handler);
	TAKEN(prototype);
	TAKEN(isolation);
	TAKEN(memory_mb);
	TAKEN(timeout_ms);
	TAKEN(tmp_mb);
	TAKEN(max_concurrency);
	TAKEN(network);
	TAKEN(environment);
	TAKEN(description);
	TAKEN(max_retries);
	TAKEN(max_age_s);
	TAKEN(runtime);
	TAKEN(role);
#undef TAKEN
	fa_version_merge(&out, FAAS_FUNCTION(.name = "f"), FAAS_FUNCTION(.native = native));
	assert_ptr_equal(out.native, native);
}

TEST(no_retries_stay_none_and_can_be_asked_for_later)
{
	struct faas_function_config out;

	/* in a version 0 means none, in a configuration the default */
	fa_version_merge(&out, FAAS_FUNCTION(.max_retries = 0), FAAS_FUNCTION(.name = "f"));
	assert_int_equal(out.max_retries, FAAS_NONE);
	fa_version_merge(&out, FAAS_FUNCTION(.max_retries = 2),
			 FAAS_FUNCTION(.max_retries = FAAS_NONE));
	assert_int_equal(out.max_retries, FAAS_NONE);
	fa_version_merge(&out, FAAS_FUNCTION(.max_retries = 0), FAAS_FUNCTION(.max_retries = 1));
	assert_int_equal(out.max_retries, 1);
}

TEST(a_version_merged_with_nothing_is_the_same_again)
{
	struct fa_version *version =
		must_create(IMAGE(.max_retries = FAAS_NONE, .memory_mb = 300, .network = true));
	struct faas_function_config out;
	struct fa_version *again;

	fa_version_merge(&out, &version->config, FAAS_FUNCTION(.name = "f"));
	again = must_create(&out);
	assert_int_equal(again->config.max_retries, 0);
	assert_int_equal(again->config.memory_mb, 300);
	assert_true(again->config.network);
	assert_string_equal(again->directory, version->directory);
	assert_string_equal(again->arn, version->arn);
	fa_version_unref(again);
	fa_version_unref(version);
}

/* ---- life ------------------------------------------------------------ */

static int unused;

static void count_unused(struct fa_version *version)
{
	unused++;
	fa_version_free(version);
}

TEST(the_last_reference_tells_the_owner_once)
{
	struct fa_version *version = must_create(NATIVE());

	unused = 0;
	version->on_unused = count_unused;
	fa_version_ref(version);
	fa_version_unref(version);
	assert_int_equal(unused, 0);
	fa_version_unref(version);
	assert_int_equal(unused, 1);
}

TEST(nothing_can_be_released_and_freed)
{
	fa_version_unref(NULL);
	fa_version_free(NULL);
}

TEST(every_failed_allocation_is_said_and_leaves_nothing)
{
	const char *const variables[] = { "AB=1", "CD=2", NULL };

	for (size_t n = 1;; n++) {
		struct fa_version *version;

		failing_mem_init(&mem);
		mem.fail_at = n;
		memset(&err, 0, sizeof(err));
		version = create(IMAGE(.description = "d", .prototype = "int resize(int x)",
				       .environment = variables));
		if (version) {
			assert_true(n > 10);
			fa_version_unref(version);
			return;
		}
		assert_int_equal(err.code, FAAS_ENOMEM);
		assert_true(failing_mem_clean(&mem));
	}
}

#define ROW(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		ROW(what_is_not_said_gets_its_default),
		ROW(nothing_of_the_caller_is_borrowed),
		ROW(code_with_a_bootstrap_is_a_program_if_its_runtime_is_provided),
		ROW(a_native_handler_runs_in_a_thread),
		ROW(no_retries_can_be_asked_for),
		ROW(code_is_a_directory_that_holds_the_file),
		ROW(code_is_a_file_with_or_without_its_ending),
		ROW(code_may_be_a_link_as_libraries_are),
		ROW(code_may_be_relative),
		ROW(code_that_is_another_file_is_refused),
		ROW(code_that_is_not_there_is_refused),
		ROW(a_function_needs_something_to_run),
		ROW(two_things_to_run_are_one_too_many),
		ROW(a_native_handler_cannot_be_a_process),
		ROW(an_unknown_kind_of_isolation_is_refused),
		ROW(a_prototype_must_be_one),
		ROW(a_prototype_must_declare_the_method),
		ROW(a_c_function_is_always_a_process),
		ROW(every_number_is_checked_at_its_limits),
		ROW(a_runtime_that_cannot_be_run_is_refused_by_its_name),
		ROW(a_bad_name_is_refused_first),
		ROW(variables_are_kept_in_their_order),
		ROW(a_variable_needs_a_proper_name),
		ROW(what_lambda_sets_itself_cannot_be_set),
		ROW(other_variables_that_begin_like_lambda_s_may_be_set),
		ROW(all_variables_together_have_4096_bytes_as_json),
		ROW(a_change_replaces_only_what_it_names),
		ROW(a_change_may_replace_everything),
		ROW(no_retries_stay_none_and_can_be_asked_for_later),
		ROW(a_version_merged_with_nothing_is_the_same_again),
		ROW(the_last_reference_tells_the_owner_once),
		ROW(nothing_can_be_released_and_freed),
		ROW(every_failed_allocation_is_said_and_leaves_nothing),
	};

	return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
