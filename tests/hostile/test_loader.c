/* SPDX-License-Identifier: MIT */
/*
 * Code that is no code (L01 to L09): the host never opens it as ELF, and what
 * it does to the loader it does to its own environment. The files are made here.
 */
#include <elf.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "cases.h"

#define PAGE 4096

#define NOT_LOADED (UNLOADED | FAILED | REFUSED | CRASHED)

static struct {
	char directory[64];
	unsigned char *code; /* of a good plugin */
	size_t len;
} the;

static const char *path_of(const char *name)
{
	static char path[128];

	snprintf(path, sizeof(path), "%s/%s", the.directory, name);
	return path;
}

static void write_code(const char *name, const void *data, size_t len)
{
	int fd = open(path_of(name), O_CREAT | O_TRUNC | O_WRONLY | O_CLOEXEC, 0644);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, data, len), (ssize_t)len);
	close(fd);
}

static unsigned char *read_plugin(const char *name, size_t *len)
{
	char path[512];
	unsigned char *data;
	FILE *file;

	snprintf(path, sizeof(path), "%s/%s", harness_directory(), name);
	file = fopen(path, "re");
	assert_non_null(file);
	fseek(file, 0, SEEK_END);
	*len = (size_t)ftell(file);
	rewind(file);
	data = malloc(*len);
	assert_non_null(data);
	assert_int_equal(fread(data, 1, *len, file), *len);
	fclose(file);
	return data;
}

static void open_directory(void)
{
	snprintf(the.directory, sizeof(the.directory), "/var/tmp/faas-loader-XXXXXX");
	assert_non_null(mkdtemp(the.directory));
	assert_int_equal(chmod(the.directory, 0755), 0);
	the.code = read_plugin("innocent.so", &the.len);
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *where)
{
	(void)st;
	(void)type;
	(void)where;
	return remove(path);
}

/* By no child: another thread may hear of its end only when the next test counts signals. */
static void close_directory(void)
{
	assert_int_equal(nftw(the.directory, remove_one, 16, FTW_DEPTH | FTW_PHYS), 0);
	free(the.code);
}

/* One event to <name>.echo of our directory: its verdict, REFUSED if there is no such function. */
static enum verdict try_code(const char *handler, struct outcome *out)
{
	struct faas_error err = { 0 };

	memset(out, 0, sizeof(*out));
	out->refused = harness_try_function(FAAS_FUNCTION(.name = "victim", .code = the.directory,
							  .handler = handler, .timeout_ms = 300),
					    &err);
	if (out->refused) {
		snprintf(out->error, sizeof(out->error), "%s", err.message);
		return REFUSED;
	}
	harness_invoke(DIRECTLY, "victim", "[1]", out);
	harness_delete("victim");
	return verdict_of(out);
}

static void expect_code(const char *handler, unsigned verdicts)
{
	struct outcome out;
	enum verdict verdict = try_code(handler, &out);

	if (!(verdict & verdicts))
		fail_msg("%s: %s, %s %s", handler, verdict_name(verdict), out.error, out.payload);
	if (verdict == REFUSED)
		assert_true(strlen(out.error) > 10);
	if (verdict == UNLOADED)
		assert_true(out.payload_len < 2000);
}

static void begin(void)
{
	open_directory();
	hostile_begin();
}

static void end(void)
{
	hostile_end();
	close_directory();
}

TEST(a_good_plugin_in_a_directory_of_ours_works)
{
	begin();
	write_code("good.so", the.code, the.len);
	expect_code("good.echo", ANSWERED);
	end();
}

TEST(text_is_not_loaded)
{
	begin();
	write_code("text.so", "#!/bin/sh\necho hello\n", 21);
	write_code("script.so", "/* GNU ld script */ INPUT(/lib/libc.so.6)\n", 42);
	write_code("empty.so", "", 0);
	expect_code("text.echo", NOT_LOADED);
	expect_code("script.echo", NOT_LOADED);
	expect_code("empty.echo", NOT_LOADED);
	end();
}

static void bind_socket(const char *path)
{
	struct sockaddr_un at = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	snprintf(at.sun_path, sizeof(at.sun_path), "%.100s", path);
	assert_int_equal(bind(fd, (struct sockaddr *)&at, sizeof(at)), 0);
	close(fd);
}

/* A FIFO that nobody writes must hold up neither the host nor anybody else. */
TEST(what_is_no_regular_file_is_not_loaded)
{
	const char *names[] = { "null.echo", "fifo.echo", "directory.echo", "socket.echo",
				"loop.echo", "nowhere.echo", "absent.echo" };

	begin();
	assert_int_equal(symlink("/dev/null", path_of("null.so")), 0);
	assert_int_equal(mkfifo(path_of("fifo.so"), 0666), 0);
	assert_int_equal(mkdir(path_of("directory.so"), 0755), 0);
	bind_socket(path_of("socket.so"));
	assert_int_equal(symlink("loop.so", path_of("loop.so")), 0);
	assert_int_equal(symlink("/nowhere/at/all", path_of("nowhere.so")), 0);
	for (size_t i = 0; i < COUNT(names); i++) {
		const double start = harness_ms();

		expect_code(names[i], NOT_LOADED);
		assert_true(harness_ms() - start < 2000 + harness_slack_ms());
	}
	end();
}

/* Where what the loader maps of the file ends; behind it are names and debugging data. */
static size_t end_of_loaded(void)
{
	const Elf64_Ehdr *head = (const void *)the.code;
	const Elf64_Phdr *part = (const void *)(the.code + head->e_phoff);
	size_t end = 0;

	for (unsigned i = 0; i < head->e_phnum; i++)
		if (part[i].p_type == PT_LOAD && part[i].p_offset + part[i].p_filesz > end)
			end = part[i].p_offset + part[i].p_filesz;
	return end;
}

TEST(a_truncated_plugin_harms_only_itself)
{
	unsigned answered = 0, whole = 0;

	begin();
	for (size_t part = 0; part < 64; part++) {
		struct outcome out;
		enum verdict verdict;

		write_code("cut.so", the.code, the.len * part / 64);
		verdict = try_code("cut.echo", &out);
		answered += verdict == ANSWERED;
		whole += the.len * part / 64 + PAGE >= end_of_loaded();
		if (!(verdict & (NOT_LOADED | ANSWERED)))
			fail_msg("cut at %zu/64: %s %s", part, verdict_name(verdict), out.error);
	}
	print_message("# %u of 64 still work\n", answered);
	assert_true(answered <= whole && whole < 64); /* nothing that is mapped was missing */
	end();
}

/* Deterministic: the same flips every time. */
static uint32_t next_random(uint32_t *state)
{
	*state = *state * 1664525u + 1013904223u;
	return *state >> 8;
}

#define FLIPS 240

TEST(a_plugin_with_a_flipped_bit_harms_only_itself)
{
	unsigned seen[9] = { 0 };
	uint32_t seed = 20261121;

	begin();
	for (int i = 0; i < FLIPS; i++) {
		/* The ELF header, the program headers, and the tables behind them. */
		const size_t reach[] = { sizeof(Elf64_Ehdr), 0x400, 0x1000 };
		const size_t at = next_random(&seed) % reach[i % 3];
		const unsigned char bit = (unsigned char)(1u << next_random(&seed) % 8);
		struct outcome out;
		enum verdict verdict;

		the.code[at % the.len] ^= bit;
		write_code("flip.so", the.code, the.len);
		the.code[at % the.len] ^= bit;
		verdict = try_code("flip.echo", &out);
		if (verdict == VIOLATED)
			fail_msg("bit %d of byte %zu: %s", bit, at, out.payload);
		seen[__builtin_ctz(verdict)]++;
	}
	print_message("# of %d: %u answered, %u failed, %u crashed, %u timed out, %u not loaded, "
		      "%u refused\n", FLIPS, seen[0], seen[1], seen[2], seen[3], seen[6], seen[7]);
	assert_true(seen[2] + seen[6] + seen[7] > 0);
	end();
}

TEST(a_plugin_of_another_machine_is_not_loaded)
{
	const struct {
		const char *name, *handler;
		size_t at;
		unsigned char value;
	} changes[] = {
		{ "arm.so", "arm.echo", offsetof(Elf64_Ehdr, e_machine), EM_AARCH64 },
		{ "class.so", "class.echo", EI_CLASS, ELFCLASS32 },
		{ "endian.so", "endian.echo", EI_DATA, ELFDATA2MSB },
		{ "version.so", "version.echo", EI_VERSION, 9 },
		{ "type.so", "type.echo", offsetof(Elf64_Ehdr, e_type), ET_CORE },
		{ "magic.so", "magic.echo", 0, 'X' },
	};

	begin();
	for (size_t i = 0; i < COUNT(changes); i++) {
		const unsigned char was = the.code[changes[i].at];

		the.code[changes[i].at] = changes[i].value;
		write_code(changes[i].name, the.code, the.len);
		the.code[changes[i].at] = was;
		expect_code(changes[i].handler, NOT_LOADED);
	}
	end();
}

/* The pages of a running plugin change or vanish under it: a bus error of its own. */
TEST(a_plugin_overwritten_in_place_harms_only_itself)
{
	struct outcome out;

	begin();
	write_code("swap.so", the.code, the.len);
	harness_function(FAAS_FUNCTION(.name = "victim", .code = the.directory,
				       .handler = "swap.echo", .timeout_ms = 300));
	harness_invoke(DIRECTLY, "victim", "[1]", &out);
	assert_string_equal(out.payload, "[1]");
	assert_int_equal(truncate(path_of("swap.so"), 0), 0);
	harness_invoke(BY_LOOP, "victim", "[2]", &out);
	if (!(verdict_of(&out) & (ANSWERED | NOT_LOADED | TIMED_OUT)))
		fail_msg("%s: %s", verdict_name(verdict_of(&out)), out.payload);
	write_code("swap.so", the.code, the.len);
	assert_int_equal(faas_recycle(harness_runtime(), "victim", NULL), FAAS_OK);
	harness_invoke(DIRECTLY, "victim", "[3]", &out);
	assert_string_equal(out.payload, "[3]");
	harness_delete("victim");
	end();
}

/* New code under the same name: running environments keep the old, new ones get the new. */
TEST(a_plugin_replaced_by_rename_is_used_by_new_environments)
{
	unsigned char *twist;
	struct outcome out;
	size_t len;

	begin();
	twist = read_plugin("twist.so", &len);
	write_code("swap.so", the.code, the.len);
	write_code("next.so", twist, len);
	free(twist);
	harness_function(FAAS_FUNCTION(.name = "victim", .code = the.directory,
				       .handler = "swap.echo"));
	harness_invoke(DIRECTLY, "victim", "[1]", &out);
	assert_string_equal(out.payload, "[1]");
	{
		char from[128];

		snprintf(from, sizeof(from), "%s", path_of("next.so"));
		assert_int_equal(rename(from, path_of("swap.so")), 0);
	}
	harness_invoke(DIRECTLY, "victim", "[2]", &out);
	assert_string_equal(out.payload, "[2]");
	assert_int_equal(faas_recycle(harness_runtime(), "victim", NULL), FAAS_OK);
	harness_invoke(DIRECTLY, "victim", "[3]", &out);
	assert_string_equal(out.payload, "\"twisted\"");
	harness_delete("victim");
	end();
}

TEST(code_that_is_deleted_while_it_runs_harms_only_itself)
{
	struct outcome out;

	begin();
	write_code("gone.so", the.code, the.len);
	harness_function(FAAS_FUNCTION(.name = "victim", .code = the.directory,
				       .handler = "gone.echo"));
	harness_invoke(DIRECTLY, "victim", "[1]", &out);
	assert_string_equal(out.payload, "[1]");
	assert_int_equal(unlink(path_of("gone.so")), 0);
	harness_invoke(BY_LOOP, "victim", "[2]", &out);
	assert_string_equal(out.payload, "[2]");
	assert_int_equal(faas_recycle(harness_runtime(), "victim", NULL), FAAS_OK);
	harness_invoke(DIRECTLY, "victim", "[3]", &out);
	assert_true(verdict_of(&out) & NOT_LOADED);
	harness_delete("victim");
	end();
}

static const struct CMUnitTest tests[] = {
	cmocka_unit_test(a_good_plugin_in_a_directory_of_ours_works),
	cmocka_unit_test(text_is_not_loaded),
	cmocka_unit_test(what_is_no_regular_file_is_not_loaded),
	cmocka_unit_test(a_truncated_plugin_harms_only_itself),
	cmocka_unit_test(a_plugin_with_a_flipped_bit_harms_only_itself),
	cmocka_unit_test(a_plugin_of_another_machine_is_not_loaded),
	cmocka_unit_test(a_plugin_overwritten_in_place_harms_only_itself),
	cmocka_unit_test(a_plugin_replaced_by_rename_is_used_by_new_environments),
	cmocka_unit_test(code_that_is_deleted_while_it_runs_harms_only_itself),
};

int main(void)
{
	return run_hostile_group("loader", NULL, 0, tests, COUNT(tests));
}
