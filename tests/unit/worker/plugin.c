/* SPDX-License-Identifier: MIT */
#include <worker/plugin.h>

#include <support/test.h>

#include <elf.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

static char directory[] = "/tmp/faas-test-XXXXXX";

static int load(struct fa_target *target, const char *file, const char *method,
		const char *prototype, struct faas_error *err)
{
	struct fa_settings settings = { .file = file, .method = method, .prototype = prototype,
					.runtime_directory = "" };

	memset(err, 0, sizeof(*err));
	return fa_target_load(target, &settings, err);
}

static void assert_refused(const char *file, const char *method, const char *prototype,
			   const char *type, const char *why)
{
	struct fa_target target;
	struct faas_error err;

	assert_int_equal(load(&target, file, method, prototype, &err), FAAS_EPLUGIN);
	assert_int_equal(err.code, FAAS_EPLUGIN);
	assert_string_equal(err.type, type);
	if (!strstr(err.message, why))
		fail_msg("%s.%s: the message is \"%s\"", file, method, err.message);
}

static void assert_not_importable(const char *file, const char *why)
{
	assert_refused(file, "handler", "", "Runtime.ImportModuleError", why);
}

static int in_plugins(void **state)
{
	(void)state;
	return chdir(TEST_PLUGINS);
}

static int in_empty_directory(void **state)
{
	(void)state;
	strcpy(directory + sizeof(directory) - 7, "XXXXXX");
	return mkdtemp(directory) ? chdir(directory) : -1;
}

static int remove_directory(void **state)
{
	char command[128];

	(void)state;
	snprintf(command, sizeof(command), "rm -rf %s", directory);
	return chdir("/") || system(command);
}

static void write_file(const char *path, const void *data, size_t len)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0644);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, data, len), len);
	close(fd);
}

/* The first bytes of a good plugin, with one of them changed. */
static void write_spoiled(const char *path, size_t offset, unsigned char byte)
{
	unsigned char start[4096];
	int fd = open(TEST_PLUGINS "/echo.so", O_RDONLY);

	assert_true(fd >= 0);
	assert_int_equal(read(fd, start, sizeof(start)), sizeof(start));
	close(fd);
	start[offset] = byte;
	write_file(path, start, sizeof(start));
}

/* ---- plugins ---------------------------------------------------------- */

TEST(the_handler_of_a_plugin_is_found_by_its_name)
{
	struct fa_target target;
	struct faas_error err;

	assert_int_equal(load(&target, "echo", "counter", "", &err), 0);
	assert_string_equal(target.handler->name, "counter");
	assert_false(fa_target_has_shutdown(&target));
	assert_int_equal(fa_target_init(&target, NULL), 0);
}

TEST(a_file_may_be_named_in_full)
{
	struct fa_target target;
	struct faas_error err;

	assert_int_equal(load(&target, "echo.so", "echo", "", &err), 0);
	assert_string_equal(target.handler->name, "echo");
}

TEST(a_missing_method_is_refused_with_those_that_exist)
{
	assert_refused("init", "missing", "", "Runtime.HandlerNotFound",
		       "Handler 'missing' missing on module 'init'; it has: good, init_fail, ");
}

/* ---- files ------------------------------------------------------------ */

TEST(a_missing_file_is_refused)
{
	assert_not_importable("missing", "cannot open 'missing.so' or 'missing': No such file");
}

TEST(what_is_no_regular_file_is_refused_without_waiting_for_it)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX, .sun_path = "socket.so" };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	assert_int_equal(mkdir("directory.so", 0755), 0);
	assert_not_importable("directory", "not a regular file");
	assert_int_equal(mkfifo("fifo.so", 0644), 0);
	assert_not_importable("fifo", "not a regular file");
	assert_int_equal(symlink("/dev/null", "null.so"), 0);
	assert_not_importable("null", "not a regular file");
	assert_int_equal(symlink("loop.so", "loop.so"), 0);
	assert_not_importable("loop", "Too many levels");
	assert_int_equal(bind(fd, (struct sockaddr *)&address, sizeof(address)), 0);
	assert_not_importable("socket", "cannot open");
	close(fd);
}

TEST(what_is_no_shared_object_of_this_machine_is_refused_by_its_reason)
{
	write_file("empty.so", "", 0);
	assert_not_importable("empty", "too short");
	write_file("text.so",
		   "int main(void) { return 0; } /* and so on, for more than a header */", 68);
	assert_not_importable("text", "no ELF header");
	write_spoiled("class.so", EI_CLASS, sizeof(void *) == 8 ? ELFCLASS32 : ELFCLASS64);
	assert_not_importable("class", "word size");
	write_spoiled("order.so", EI_DATA, ELFDATA2MSB);
	assert_not_importable("order", "byte order");
	write_spoiled("machine.so", offsetof(Elf64_Ehdr, e_machine), EM_S390);
	assert_not_importable("machine", "another kind of machine");
	write_spoiled("type.so", offsetof(Elf64_Ehdr, e_type), ET_EXEC);
	assert_not_importable("type", "not a shared object");
}

TEST(what_the_dynamic_linker_refuses_is_told_in_its_words)
{
	write_spoiled("broken.so", offsetof(Elf64_Ehdr, e_phentsize), 1);
	assert_not_importable("broken", "./broken.so");
}

/* ---- C functions ------------------------------------------------------ */

static const char *call_name(const char *file, const char *method, const char *prototype)
{
	static struct fa_target target;
	struct faas_error err;

	if (load(&target, file, method, prototype, &err) < 0)
		fail_msg("%s", err.message);
	assert_null(target.handler);
	assert_non_null(target.c.function);
	return target.c.prototype.name;
}

TEST(a_function_is_found_by_its_prototype)
{
	assert_string_equal(call_name("cfuncs", "sum3", "double sum3(double v[3])"), "sum3");
}

TEST(a_function_is_found_by_the_header_beside_its_file)
{
	assert_string_equal(call_name("cfuncs", "add", ""), "add");
	assert_string_equal(call_name("cfuncs.so", "half", ""), "half");
}

TEST(a_function_of_a_versioned_library_is_found)
{
	assert_int_equal(symlink("/lib/x86_64-linux-gnu/libm.so.6", "libm.so.6"), 0);
	if (access("libm.so.6", R_OK) < 0)
		skip();
	assert_string_equal(call_name("libm.so.6", "pow", "double pow(double x, double y)"), "pow");
}

TEST(what_is_neither_plugin_nor_declared_is_refused)
{
	assert_refused("cfuncs", "missing", "", "Runtime.HandlerNotFound",
		       "neither the symbol faas_plugin nor a prototype for 'missing'");
}

TEST(a_prototype_that_does_not_fit_is_refused)
{
	assert_refused("cfuncs", "add", "int add(int a", "Runtime.InvalidPrototype", "')'");
	assert_refused("cfuncs", "add", "int other(int a)", "Runtime.InvalidPrototype",
		       "the prototype is of 'other', the handler names 'add'");
	assert_refused("cfuncs", "no_prototype_fits", "", "Runtime.InvalidPrototype",
		       "pointer to a pointer");
}

TEST(what_is_no_function_is_not_called)
{
	assert_refused("cfuncs", "missing", "int missing(void)", "Runtime.HandlerNotFound",
		       "exports no such function");
	assert_refused("cfuncs", "not_a_function", "int not_a_function(void)",
		       "Runtime.HandlerNotFound", "exports no such function");
}

#define IN_PLUGINS(test) cmocka_unit_test_setup(test, in_plugins)
#define IN_EMPTY(test) cmocka_unit_test_setup_teardown(test, in_empty_directory, remove_directory)

int main(void)
{
	static const struct CMUnitTest tests[] = {
		IN_PLUGINS(the_handler_of_a_plugin_is_found_by_its_name),
		IN_PLUGINS(a_file_may_be_named_in_full),
		IN_PLUGINS(a_missing_method_is_refused_with_those_that_exist),
		IN_EMPTY(a_missing_file_is_refused),
		IN_EMPTY(what_is_no_regular_file_is_refused_without_waiting_for_it),
		IN_EMPTY(what_is_no_shared_object_of_this_machine_is_refused_by_its_reason),
		IN_EMPTY(what_the_dynamic_linker_refuses_is_told_in_its_words),
		IN_PLUGINS(a_function_is_found_by_its_prototype),
		IN_PLUGINS(a_function_is_found_by_the_header_beside_its_file),
		IN_EMPTY(a_function_of_a_versioned_library_is_found),
		IN_PLUGINS(what_is_neither_plugin_nor_declared_is_refused),
		IN_PLUGINS(a_prototype_that_does_not_fit_is_refused),
		IN_PLUGINS(what_is_no_function_is_not_called),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
