/* SPDX-License-Identifier: MIT */
/*
 * A host that holds secrets, encrypted variables and keys is looked into: what the kernel would
 * write of it, and what it does write when it aborts. What is looked for is random and known to
 * this program alone; the host has each in a pipe, and wipes what it read. That something of the
 * heap is found in the same place shows that it would have been.
 */
#include <faas/plugin.h>

#include "support/test.h"

#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <faas/faas.h>

#include "support/processes.h"
#include "support/stores.h"

#define SIZE 256 /* more than the registers hold, which are dumped, too */
#define KEY_SIZE 32
#define KEY "arn:aws:kms:local-1:000000000000:key/a"

enum what { KEPT, HELD, VARIABLE, KEY_BYTES, IN_HEAP, COUNT };

static const char *const names[COUNT] = { "a secret that is kept", "a secret that is held",
					  "a variable", "a key", "what is not hidden" };

static char looked_for[COUNT][SIZE + 1];
static int to_host, from_host; /* pipes */
static pid_t host;
static char folder[64];

/* ---- the host --------------------------------------------------------------- */

static struct faas *rt;
static _Atomic bool holds;

static void must(bool ok)
{
	if (!ok)
		_exit(9);
}

/* The next that is to be hidden; whoever reads it wipes it. */
static void read_next(char out[SIZE + 1])
{
	must(read(to_host, out, SIZE) == SIZE);
	out[SIZE] = '\0';
}

static void on_secret(void *data, const struct faas_ask *ask)
{
	char value[SIZE + 1];

	(void)data;
	read_next(value);
	must(!faas_secret_give(rt, ask->id, (struct faas_bytes){ value, SIZE },
			       strcmp(ask->name, "held") ? 86400000 : 0, NULL));
	explicit_bzero(value, sizeof(value));
}

static int hold(struct faas_context *ctx, struct faas_bytes event)
{
	const char *held = faas_secret(ctx, "held"), *variable = faas_getenv(ctx, "NAME");

	(void)event;
	must(held && strlen(held) == SIZE && variable && strlen(variable) == SIZE);
	holds = true;
	pause();
	return 0;
}

static void make(const char *name, faas_handler_fn native)
{
	char variable[5 + SIZE + 1] = "NAME=";
	const char *const variables[] = { variable, NULL };

	read_next(variable + 5);
	must(!faas_function_create(rt,
				   FAAS_FUNCTION(.name = name, .native = native,
						 .code = native ? NULL : TEST_PLUGINS "/echo.so",
						 .handler = native ? NULL : "echo.many_secrets",
						 .environment = variables,
						 .timeout_ms = 900000),
				   NULL));
	explicit_bzero(variable, sizeof(variable));
}

static void call(const char *name)
{
	struct faas_result *result = NULL;

	must(!faas_invoke_wait(rt, FAAS_REQUEST(.function = name, .payload = { "1", 1 }), &result,
			       NULL));
	must(result->code == FAAS_OK && result->payload.len == 1 &&
	     *(const char *)result->payload.data == '1'); /* which it was given */
	faas_free(result);
}

static void call_and_leave(const char *name)
{
	must(!faas_invoke(rt,
			  FAAS_REQUEST(.function = name, .payload = { "0", 1 },
				       .mode = FAAS_EVENT),
			  NULL, NULL));
}

static void open_host(void)
{
	char bytes[SIZE + 1];
	const struct faas_key keys[] = { { KEY, bytes, NULL }, { 0 } };
	const char *worker = getenv("FAAS_TEST_WORKER");

	read_next(bytes);
	rt = faas_create(FAAS_CONFIG(.keys = keys, .on_secret = on_secret,
				     .worker = worker ? worker : TEST_WORKER),
			 NULL);
	must(rt != NULL);
	explicit_bzero(bytes, sizeof(bytes));
}

/* It holds all of them when it says so, and aborts when it is told to. */
static void be_a_host(void)
{
	char *in_heap = malloc(SIZE + 1), word;

	must(in_heap && !chdir(folder));
	setrlimit(RLIMIT_CORE, &(struct rlimit){ RLIM_INFINITY, RLIM_INFINITY });
	open_host();
	make("process", NULL);
	make("thread", hold);
	call("process");
	call_and_leave("thread");
	while (!holds) /* until then the loop reads */
		usleep(1000);
	read_next(in_heap);
	must(write(from_host, "r", 1) == 1 && read(to_host, &word, 1) == 1);
	abort();
}

/* ---- looked into ------------------------------------------------------------- */

struct dump {
	size_t bytes;
	bool has[COUNT];
};

static void look(struct dump *dump, const char *bytes, size_t len)
{
	dump->bytes += len;
	for (int i = 0; i < COUNT; i++)
		dump->has[i] |= memmem(bytes, len, looked_for[i],
				       i == KEY_BYTES ? KEY_SIZE : SIZE) != NULL;
}

/* Of a mapping the kernel says whether it would be dumped. */
static void look_at(struct dump *dump, int memory, uint64_t from, uint64_t to)
{
	char *bytes = malloc(to - from);
	ssize_t n;

	assert_non_null(bytes);
	n = pread(memory, bytes, to - from, (off_t)from);
	if (n > 0) /* what is reserved and not there cannot be read */
		look(dump, bytes, (size_t)n);
	free(bytes);
}

/* All of a process that the kernel does not leave out. */
static struct dump would_be_dumped(pid_t pid)
{
	struct dump dump = { 0 };
	char path[64], line[512];
	unsigned long from = 0, to = 0, a, b;
	bool readable = false;
	FILE *maps;
	int memory;

	snprintf(path, sizeof(path), "/proc/%d/mem", pid);
	memory = open(path, O_RDONLY | O_CLOEXEC);
	snprintf(path, sizeof(path), "/proc/%d/smaps", pid);
	maps = fopen(path, "re");
	assert_true(memory >= 0 && maps);
	while (fgets(line, sizeof(line), maps)) {
		char right;

		if (sscanf(line, "%lx-%lx %c", &a, &b, &right) == 3) {
			from = a;
			to = b;
			readable = right == 'r';
		} else if (!strncmp(line, "VmFlags:", 8) && readable && !strstr(line, " dd")) {
			look_at(&dump, memory, from, to);
		}
	}
	fclose(maps);
	close(memory);
	return dump;
}

/* What the kernel wrote; 0 bytes: it has been told to write none, or elsewhere. */
static struct dump was_dumped(void)
{
	struct dump dump = { 0 };
	struct dirent *entry;
	DIR *dir = opendir(folder);

	assert_non_null(dir);
	while ((entry = readdir(dir))) {
		struct stat st;
		int fd;
		void *bytes;

		if (strncmp(entry->d_name, "core", 4) != 0)
			continue;
		fd = openat(dirfd(dir), entry->d_name, O_RDONLY | O_CLOEXEC);
		assert_true(fd >= 0 && !fstat(fd, &st));
		bytes = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
		assert_true(bytes != MAP_FAILED);
		look(&dump, bytes, (size_t)st.st_size);
		munmap(bytes, (size_t)st.st_size);
		close(fd);
		unlinkat(dirfd(dir), entry->d_name, 0);
	}
	closedir(dir);
	return dump;
}

static void judge(const struct dump *dump)
{
	assert_true(dump->has[IN_HEAP]); /* or nothing is shown */
	for (int i = 0; i < IN_HEAP; i++)
		if (dump->has[i])
			print_message("%s is there\n", names[i]);
	for (int i = 0; i < IN_HEAP; i++)
		assert_false(dump->has[i]);
}

/* ---- the tests ----------------------------------------------------------------- */

static void send_next(enum what what)
{
	assert_int_equal(write(to_host, looked_for[what], SIZE), SIZE);
}

static void invent(char out[SIZE + 1])
{
	unsigned char random[SIZE / 2];

	assert_int_equal(getrandom(random, sizeof(random), 0), sizeof(random));
	for (size_t i = 0; i < sizeof(random); i++)
		snprintf(out + 2 * i, 3, "%02x", random[i]);
}

static int start(void **state)
{
	int down[2], up[2];

	(void)state;
	stores_folder(folder);
	assert_false(pipe2(down, O_CLOEXEC) || pipe2(up, O_CLOEXEC));
	host = fork(); /* before anything is invented */
	assert_true(host >= 0);
	to_host = down[!!host];
	from_host = up[!host];
	close(down[!host]);
	close(up[!!host]);
	if (!host)
		be_a_host();
	for (int i = 0; i < COUNT; i++)
		invent(looked_for[i]);
	return 0;
}

static int stop(void **state)
{
	(void)state;
	if (host > 0) {
		kill(host, SIGKILL);
		waitpid(host, NULL, 0);
	}
	close(to_host);
	close(from_host);
	stores_remove(folder);
	return 0;
}

/* As it reads them: the key, both variables, the secrets as they are asked for. */
static void await_host(void)
{
	char word;

	send_next(KEY_BYTES);
	send_next(VARIABLE);
	send_next(VARIABLE);
	send_next(KEPT);
	send_next(HELD);
	send_next(IN_HEAP);
	assert_int_equal(read(from_host, &word, 1), 1);
}

TEST(of_what_the_kernel_would_dump_nothing_is_secret)
{
	struct dump dump;

	await_host();
	dump = would_be_dumped(host);
	judge(&dump);
}

TEST(a_host_that_aborts_leaves_no_secret_in_its_core_dump)
{
	struct dump dump;

	await_host();
	assert_int_equal(write(to_host, "x", 1), 1);
	waitpid(host, NULL, 0);
	host = 0;
	dump = was_dumped();
	if (!dump.bytes) {
		print_message("skipped: no core dump is written here\n");
		return;
	}
	judge(&dump);
}

/* False of one that is gone. */
static bool may_be_dumped(pid_t pid)
{
	char path[64], line[128], soft[32], hard[32];
	bool may = false;
	FILE *limits;

	snprintf(path, sizeof(path), "/proc/%d/limits", pid);
	limits = fopen(path, "re");
	while (limits && fgets(line, sizeof(line), limits))
		if (sscanf(line, "Max core file size %31s %31s", soft, hard) == 2)
			may = strcmp(soft, "0") != 0 || strcmp(hard, "0") != 0;
	if (limits)
		fclose(limits);
	return may;
}

/* That a pipe takes dumps all the same is for PR_SET_DUMPABLE, see flow/secrets.c. */
TEST(of_what_it_starts_nothing_is_dumped_and_the_supervisor_keeps_nothing)
{
	struct process all[64];
	struct rlimit core;
	struct dump dump;
	int count;

	await_host();
	getrlimit(RLIMIT_CORE, &core);
	assert_int_equal(may_be_dumped(host), core.rlim_max != 0);
	count = processes_below(host, all, 64);
	assert_true(count >= 3); /* a supervisor, a nest, an environment */
	for (int i = 0; i < count; i++)
		assert_false(may_be_dumped(all[i].pid));
	dump = would_be_dumped(all[0].pid);
	assert_int_equal(all[0].parent, host);
	assert_true(dump.bytes > 0);
	for (int i = 0; i < COUNT; i++)
		assert_false(dump.has[i]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define ROW(name) cmocka_unit_test_setup_teardown(name, start, stop)
		ROW(of_what_the_kernel_would_dump_nothing_is_secret),
		ROW(of_what_it_starts_nothing_is_dumped_and_the_supervisor_keeps_nothing),
		ROW(a_host_that_aborts_leaves_no_secret_in_its_core_dump),
	};

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
	print_message("skipped: a sanitizer keeps memory that was freed, and dumps none\n");
	return 0;
#endif
	return cmocka_run_group_tests(tests, NULL, NULL);
}
