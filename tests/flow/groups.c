/* SPDX-License-Identifier: MIT */
/*
 * Control groups. The kernel makes and removes one when whoever moves processes between
 * groups anywhere on the machine is through. So each such call of ours comes by here first,
 * through a filter with a listener, which children inherit: who made it is written down, and
 * it is held for as long as a test likes, or refused. So is the start of a nest's program.
 */
#include "support/test.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

#include <base/clock.h>

#include "support/flow.h"
#include "support/invariants.h"
#include "support/processes.h"

#define PATIENCE_MS 10000
#define MOST 64
#define GROUP_LAYERS (FAAS_LAYER_CGROUP_MEMORY | FAAS_LAYER_CGROUP_PIDS | FAAS_LAYER_CGROUP_CPU)

static struct flow flow;

/* ---- who is in the way ------------------------------------------------------ */

static struct {
	pthread_mutex_t lock;
	int listener;
	_Atomic bool refuse;    /* whatever is made */
	_Atomic bool keep;      /* whatever is to be removed */
	int hold;               /* the system call of which one is to be held, or -1 */
	int pass;               /* so many of them first */
	uint64_t held;          /* it, or 0 */
	pid_t holds;            /* who waits for it */
	int64_t until_ns;       /* but no longer: the test itself may wait for who is held */
	bool overdue;           /* and has */
	_Atomic pid_t by[MOST]; /* who made or removed a group, the last */
	_Atomic int count, made, removed;
} way = { .lock = PTHREAD_MUTEX_INITIALIZER, .hold = -1 };

static void answer(uint64_t id, int error)
{
	struct seccomp_notif_resp resp = {
		.id = id,
		.error = -error,
		.flags = error ? 0 : SECCOMP_USER_NOTIF_FLAG_CONTINUE,
	};

	ioctl(way.listener, SECCOMP_IOCTL_NOTIF_SEND, &resp); /* unless it was killed meanwhile */
}

/* Not a directory of a view, nor number 0, by which the supervisor finds out where groups can be
 * made at all. */
static bool is_of_a_nest(const struct seccomp_notif *req)
{
	char name[64] = "";
	struct iovec here = { name, sizeof(name) - 1 }, there = { (void *)req->data.args[1], 0 };
	int pid, number = 0;

	there.iov_len = here.iov_len;
	return process_vm_readv((pid_t)req->pid, &here, 1, &there, 1, 0) > 0 &&
	       sscanf(name, "libfaas-%d-%d", &pid, &number) == 2 && number;
}

/* Under the lock. */
static void meet(const struct seccomp_notif *req)
{
	bool group = req->data.nr != SYS_execve && is_of_a_nest(req);
	bool makes = group && req->data.nr == SYS_mkdirat;
	pid_t pid = (pid_t)req->pid;

	if (group)
		way.by[way.count++ % MOST] = pid;
	way.made += makes;
	way.removed += group && !makes;
	if ((group || req->data.nr == SYS_execve) && req->data.nr == way.hold && !way.held &&
	    !way.pass--) {
		way.held = req->id;
		way.holds = pid;
		way.until_ns = fa_now(&fa_clock_real) + PATIENCE_MS * 1000000LL;
	} else {
		answer(req->id, way.refuse && makes           ? EDQUOT
				: way.keep && group && !makes ? EBUSY
							      : 0);
	}
}

/* Nobody is held for ever: a test that hangs tells nothing. */
static void look_at_the_clock(void)
{
	pthread_mutex_lock(&way.lock);
	if (way.held && fa_now(&fa_clock_real) > way.until_ns) {
		answer(way.held, 0);
		way.held = 0;
		way.hold = -1;
		way.overdue = true;
	}
	pthread_mutex_unlock(&way.lock);
}

static void *listen_on(void *data)
{
	for (;;) {
		struct pollfd next = { .fd = way.listener, .events = POLLIN };
		struct seccomp_notif req = { 0 };

		if (poll(&next, 1, 100) <= 0) {
			look_at_the_clock();
			continue;
		}
		if (ioctl(way.listener, SECCOMP_IOCTL_NOTIF_RECV, &req) < 0)
			continue; /* it was killed before we looked */
		if (!syscall(SYS_tgkill, getpid(), req.pid, 0)) {
			answer(req.id, 0); /* of the test itself */
			continue;
		}
		pthread_mutex_lock(&way.lock);
		meet(&req);
		pthread_mutex_unlock(&way.lock);
	}
	return data;
}

/* False: not here. */
static bool stand_in_the_way(void)
{
	struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_mkdirat, 4, 0),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_execve, 3, 0),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_unlinkat, 0, 3),
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, args[2])),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, AT_REMOVEDIR, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_USER_NOTIF),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog program = { sizeof(code) / sizeof(*code), code };
	pthread_t thread;

	way.listener = (int)syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER,
				    SECCOMP_FILTER_FLAG_NEW_LISTENER, &program);
	if (way.listener < 0)
		return false;
	fcntl(way.listener, F_SETFD, FD_CLOEXEC);
	return !pthread_create(&thread, NULL, listen_on, NULL);
}

/* The next call like this, or the one after so many more, waits for release(). */
static void hold(int call, int pass)
{
	pthread_mutex_lock(&way.lock);
	way.hold = call;
	way.pass = pass;
	pthread_mutex_unlock(&way.lock);
}

static pid_t await_held(void)
{
	pid_t pid = 0;

	for (int ms = 0; !pid; ms++) {
		if (ms == PATIENCE_MS)
			fail_msg("nobody comes");
		nanosleep(&(struct timespec){ .tv_nsec = 1000000 }, NULL);
		pthread_mutex_lock(&way.lock);
		pid = way.held ? way.holds : 0;
		pthread_mutex_unlock(&way.lock);
	}
	return pid;
}

static void release(void)
{
	bool overdue;

	pthread_mutex_lock(&way.lock);
	if (way.held)
		answer(way.held, 0);
	way.hold = -1;
	way.held = 0;
	overdue = way.overdue;
	way.overdue = false;
	pthread_mutex_unlock(&way.lock);
	if (overdue)
		fail_msg("the test had to wait for who was held");
}

/* Who made or removed the last one, when so many removals were tried. */
static pid_t await_removals(int n)
{
	for (int ms = 0; way.removed < n; ms++) {
		if (ms == PATIENCE_MS)
			fail_msg("%d removals", way.removed);
		nanosleep(&(struct timespec){ .tv_nsec = 1000000 }, NULL);
	}
	return way.by[(way.count - 1) % MOST];
}

static void forget(void)
{
	pthread_mutex_lock(&way.lock);
	way.count = way.made = way.removed = 0;
	pthread_mutex_unlock(&way.lock);
}

/* ---- words -------------------------------------------------------------------- */

static struct process supervisor(void)
{
	struct process list[MOST];
	int n = processes_below(getpid(), list, MOST);

	for (int i = 0; i < n; i++)
		if (list[i].parent == getpid() && list[i].state != 'Z')
			return list[i];
	fail_msg("no supervisor");
	return list[0];
}

/* So many hierarchies have groups: those that are named after the first nest. */
static int hierarchies;

static int groups_there(void)
{
	struct holdings now;

	holdings_note(&now);
	return now.cgroups;
}

/* So many functions have nests; one is ready for the next, and groups for the one after. */
static void await_groups_of(int functions)
{
	int n;

	for (int ms = 0; (n = groups_there()) != (functions + 2) * hierarchies; ms++) {
		if (ms == PATIENCE_MS)
			fail_msg("%d groups of %d functions", n, functions);
		nanosleep(&(struct timespec){ .tv_nsec = 1000000 }, NULL);
	}
}

static void await_end(pid_t pid)
{
	struct process list[MOST];

	for (int ms = 0;; ms++) {
		int n = processes_below(getpid(), list, MOST);
		bool there = false;

		for (int i = 0; i < n; i++)
			there |= list[i].pid == pid;
		if (!there)
			return;
		if (ms == PATIENCE_MS)
			fail_msg("process %d is there yet", pid);
		nanosleep(&(struct timespec){ .tv_nsec = 1000000 }, NULL);
	}
}

/* Where /proc says that a process is, in the hierarchy of a controller of version 1. */
static void where_is(pid_t pid, const char *controller, char out[512])
{
	char path[64], line[512], mark[32];
	FILE *file;

	snprintf(path, sizeof(path), "/proc/%d/cgroup", pid);
	snprintf(mark, sizeof(mark), ":%s:", controller);
	file = fopen(path, "re");
	out[0] = '\0';
	while (file && fgets(line, sizeof(line), file))
		if (strstr(line, mark))
			snprintf(out, 512, "%.*s", (int)strcspn(strchr(line, '/'), "\n"),
				 strchr(line, '/'));
	if (file)
		fclose(file);
}

static long long number_of(pid_t pid, const char *controller, const char *name)
{
	char where[512], path[640];
	long long number = -1;
	FILE *file;

	where_is(pid, controller, where);
	snprintf(path, sizeof(path), "/sys/fs/cgroup/%s%s/%s", controller, where, name);
	file = fopen(path, "re");
	if (!file || fscanf(file, "%lld", &number) != 1)
		number = -1;
	if (file)
		fclose(file);
	return number;
}

static void make(const char *name)
{
	flow_function(&flow, FAAS_FUNCTION(.name = name, .handler = "echo.counter"));
}

static void make_and_call(const char *name)
{
	make(name);
	flow_expect(&flow, name, "", "0");
}

static void drop(const char *name)
{
	assert_int_equal(faas_function_delete(flow.rt, name, NULL), 0);
}

/* In how many hierarchies it is in a group of ours. */
static int memberships(pid_t pid)
{
	char path[64], line[512];
	int n = 0;
	FILE *file;

	snprintf(path, sizeof(path), "/proc/%d/cgroup", pid);
	file = fopen(path, "re");
	while (file && fgets(line, sizeof(line), file))
		n += strstr(line, "/libfaas-") != NULL;
	if (file)
		fclose(file);
	return n;
}

/* The first nest is there, and nothing is on its way. */
static int begin(void **state)
{
	struct faas_isolation *report;
	struct process list[MOST];

	(void)state;
	flow_open(&flow, NULL, false);
	assert_int_equal(faas_isolation_report(flow.rt, &report, NULL), 0);
	assert_true(processes_below(supervisor().pid, list, MOST) > 0);
	hierarchies = memberships(list[0].pid);
	assert_int_equal(hierarchies != 0, (report->applied & GROUP_LAYERS) != 0);
	faas_free(report);
	await_groups_of(0);
	forget();
	return 0;
}

static int end(void **state)
{
	(void)state;
	way.refuse = way.keep = false;
	release();
	flow_close(&flow);
	return 0;
}

/* ---- the tests ------------------------------------------------------------------ */

TEST(the_supervisor_makes_and_removes_no_group)
{
	pid_t pid = supervisor().pid;

	for (int i = 0; i < 3; i++) {
		make_and_call("f");
		await_groups_of(1);
		drop("f");
		await_groups_of(0);
	}
	assert_int_equal(way.made, 3 * hierarchies);
	assert_int_equal(way.removed, 3 * hierarchies);
	for (int i = 0; i < way.count; i++)
		assert_int_not_equal(way.by[i], pid);
}

TEST(while_a_group_is_made_ahead_functions_begin_and_end)
{
	struct process list[MOST];

	if (!hierarchies)
		skip();
	hold(SYS_mkdirat, 0);
	make_and_call("f");
	await_held();
	assert_int_equal(processes_of_environments(getpid(), list, MOST), 1);
	drop("f");
	await_end(list[0].parent);
	make_and_call("g");
	make_and_call("h"); /* with groups of its own */
	release();
	await_groups_of(2);
}

TEST(while_a_group_is_removed_functions_begin_and_end)
{
	if (!hierarchies)
		skip();
	make_and_call("f");
	await_groups_of(1);
	hold(SYS_unlinkat, 0);
	drop("f");
	await_held();
	for (int i = 0; i < 3; i++) {
		make_and_call("g");
		drop("g");
	}
	assert_in_range(groups_there(), 4 * hierarchies, 6 * hierarchies);
	release();
	await_groups_of(0);
}

TEST(a_group_that_could_not_be_removed_is_removed_beside_the_next_nest)
{
	if (!hierarchies)
		skip();
	make_and_call("f");
	await_groups_of(1);
	way.keep = true;
	drop("f");
	await_end(await_removals(hierarchies)); /* it was tried */
	way.keep = false;
	make_and_call("g");
	await_groups_of(1);
}

/* Nor does what was prepared ahead for more than it, which is of the next. */
TEST(who_dies_before_it_is_a_nest_leaves_no_group)
{
	struct process half = { 0 };

	hold(SYS_execve, 0);
	make_and_call("f");
	half.pid = await_held();
	half.parent = supervisor().pid;
	await_groups_of(1);
	assert_true(processes_kill(&half));
	await_groups_of(0); /* nobody is prepared ahead any more */
	release();
	flow_expect(&flow, "f", "", "1");
	make_and_call("g");
}

TEST(groups_that_are_half_made_are_completed_by_the_next_groom)
{
	struct process groom = { 0 };

	if (hierarchies < 2)
		skip();
	hold(SYS_mkdirat, 1);
	make_and_call("f");
	groom.pid = await_held();
	groom.parent = supervisor().pid;
	assert_int_equal(groups_there(), 2 * hierarchies + 1);
	assert_true(processes_kill(&groom));
	await_end(groom.pid);
	release();
	make_and_call("g");
	await_groups_of(2);
}

/* Of a function that is no more the groups are there. */
static void kill_the_groom_that_removes(void)
{
	struct process groom = { 0 };

	make_and_call("f");
	await_groups_of(1);
	hold(SYS_unlinkat, 0);
	drop("f");
	groom.pid = await_held();
	groom.parent = supervisor().pid;
	assert_true(processes_kill(&groom));
	await_end(groom.pid);
	release();
	assert_int_equal(groups_there(), 3 * hierarchies);
}

TEST(groups_whose_groom_was_killed_are_removed_by_the_next)
{
	if (!hierarchies)
		skip();
	kill_the_groom_that_removes();
	make_and_call("g");
	drop("g");
	await_groups_of(0);
}

TEST(at_the_end_the_supervisor_removes_what_a_killed_groom_left)
{
	if (!hierarchies)
		skip();
	kill_the_groom_that_removes();
	forget();
	flow_close(&flow);
	assert_int_equal(way.removed, 3 * hierarchies);
	flow_open(&flow, NULL, false);
}

TEST(when_groups_can_be_made_again_they_are)
{
	if (!hierarchies)
		skip();
	way.refuse = true;
	make_and_call("f");
	make_and_call("g");
	drop("f");
	drop("g");
	make_and_call("h");
	drop("h");
	way.refuse = false;
	for (int i = 0; i < 3; i++) {
		make_and_call("i");
		drop("i");
	}
	await_groups_of(0);
}

TEST(an_environment_is_in_the_groups_of_its_nest)
{
	static const char *const controllers[] = { "memory", "pids", "cpu" };
	struct process list[MOST];
	char name[64];

	if (!hierarchies)
		skip();
	make_and_call("f");
	assert_int_equal(processes_of_environments(getpid(), list, MOST), 1);
	snprintf(name, sizeof(name), "/libfaas-%d-1", supervisor().pid);
	for (size_t i = 0; i < sizeof(controllers) / sizeof(*controllers); i++) {
		char nest[512], environment[512], own[512];

		where_is(getpid(), controllers[i], own);
		where_is(list[0].parent, controllers[i], nest);
		where_is(list[0].pid, controllers[i], environment);
		if (!own[0])
			continue; /* version 2 */
		assert_non_null(strstr(nest, name));
		assert_string_equal(nest, environment);
		assert_null(strstr(own, name));
	}
}

/* Before it is known what function it will be for. */
TEST(a_nest_has_limits_before_it_has_a_function)
{
	struct process list[MOST];
	char where[512];
	long long most;

	assert_true(processes_below(supervisor().pid, list, MOST) > 0);
	where_is(list[0].pid, "pids", where);
	if (!strstr(where, "/libfaas-"))
		skip(); /* version 2, or none */
	assert_int_equal(number_of(list[0].pid, "pids", "pids.max"), 4096);
	most = number_of(list[0].pid, "memory", "memory.limit_in_bytes");
	assert_in_range(most, 1, (long long)sysconf(_SC_PHYS_PAGES) * sysconf(_SC_PAGESIZE) / 2);
	make_and_call("f");
	for (int ms = 0; number_of(list[0].pid, "memory", "memory.limit_in_bytes") == most; ms++) {
		assert_int_not_equal(ms, PATIENCE_MS);
		nanosleep(&(struct timespec){ .tv_nsec = 1000000 }, NULL);
	}
}

TEST(groups_that_cannot_be_made_are_missing_in_the_report_with_the_reason)
{
	struct faas_isolation *report;

	if (!hierarchies)
		skip();
	flow_close(&flow);
	way.refuse = true;
	flow_open(&flow, NULL, false);
	assert_int_equal(faas_isolation_report(flow.rt, &report, NULL), 0);
	assert_false(report->applied & GROUP_LAYERS);
	assert_non_null(strstr(report->text, strerror(EDQUOT)));
	faas_free(report);
	make_and_call("f");
	assert_int_equal(groups_there(), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define ROW(name) cmocka_unit_test_setup_teardown(name, begin, end)
		ROW(the_supervisor_makes_and_removes_no_group),
		ROW(while_a_group_is_made_ahead_functions_begin_and_end),
		ROW(while_a_group_is_removed_functions_begin_and_end),
		ROW(a_group_that_could_not_be_removed_is_removed_beside_the_next_nest),
		ROW(who_dies_before_it_is_a_nest_leaves_no_group),
		ROW(groups_that_are_half_made_are_completed_by_the_next_groom),
		ROW(groups_whose_groom_was_killed_are_removed_by_the_next),
		ROW(at_the_end_the_supervisor_removes_what_a_killed_groom_left),
		ROW(when_groups_can_be_made_again_they_are),
		ROW(an_environment_is_in_the_groups_of_its_nest),
		ROW(a_nest_has_limits_before_it_has_a_function),
		ROW(groups_that_cannot_be_made_are_missing_in_the_report_with_the_reason),
	};

	if (geteuid() != 0 || !stand_in_the_way()) {
		print_message("skipped: only root can stand in the way here\n");
		return 0;
	}
	return cmocka_run_group_tests(tests, NULL, NULL);
}
