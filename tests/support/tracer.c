/* SPDX-License-Identifier: MIT */
/*
 * A child that waits to be seized runs the scenario; whatever it starts is seized
 * with it. Each stops before and after each system call, and only the first is
 * counted: what began before the scenario's mark is not of it. The marks are
 * system calls that do not exist. Who asks to be let settle is held at its mark
 * until none of the others has stopped for a while.
 */
#include "test.h"

#include "tracer.h"

#include <errno.h>
#include <linux/futex.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define MARK_BEGIN 1000000
#define MARK_END 1000001
#define MARK_SETTLE 1000002
#define MARK_WOKEN_FIRST 1000003
#define SILENCE_MS 50
#define OPTIONS \
	(PTRACE_O_TRACESYSGOOD | PTRACE_O_TRACEFORK | PTRACE_O_TRACEVFORK | PTRACE_O_TRACECLONE | \
	 PTRACE_O_EXITKILL)
#define SYSCALL_STOP (SIGTRAP | 0x80)

void tracer_settle(void)
{
	syscall(MARK_SETTLE);
}

void tracer_let_the_woken_go_first(void)
{
	syscall(MARK_WOKEN_FIRST);
}

void tracer_begin(void)
{
	syscall(MARK_BEGIN);
}

void tracer_end(void)
{
	syscall(MARK_END);
}

/* ---- counting -------------------------------------------------------- */

struct tracer {
	struct trace *trace;
	pid_t host, caller;
	pid_t held;  /* waits for the others to settle; 0: nobody */
	pid_t waker; /* is about to have woken somebody, and will be held then */
	bool counting, woken_first;
};

static enum tracee role_of(const struct tracer *t, pid_t tid)
{
	char path[64];

	if (tid == t->caller)
		return TRACEE_CALLER;
	snprintf(path, sizeof(path), "/proc/%d/task/%d", t->host, tid);
	return access(path, F_OK) == 0 ? TRACEE_HOST : TRACEE_BELOW;
}

static void count(struct tracer *t, pid_t tid, const struct __ptrace_syscall_info *info)
{
	struct trace *trace = t->trace;
	enum tracee who = role_of(t, tid);
	uint64_t number = info->entry.nr;

	trace->total[who]++;
	trace->calls[who][number < TRACER_NUMBERS ? number : TRACER_NUMBERS - 1]++;
	if (number != SYS_futex)
		return;
	if ((info->entry.args[1] & FUTEX_CMD_MASK) != FUTEX_WAKE) {
		trace->waits[who]++;
		return;
	}
	trace->wakes[who]++;
	if (t->woken_first && who == TRACEE_HOST)
		t->waker = tid;
}

static void on_entry(struct tracer *t, pid_t tid, const struct __ptrace_syscall_info *info)
{
	if (info->entry.nr == MARK_BEGIN) {
		t->caller = tid;
		t->counting = true;
	} else if (info->entry.nr == MARK_END) {
		t->counting = false;
	} else if (info->entry.nr == MARK_SETTLE) {
		t->held = tid;
	} else if (info->entry.nr == MARK_WOKEN_FIRST) {
		t->woken_first = true;
	} else if (t->counting) {
		count(t, tid, info);
	}
}

/* ---- following ------------------------------------------------------- */

static void on_stop(struct tracer *t, pid_t tid, int status)
{
	struct __ptrace_syscall_info info;
	int sig = WSTOPSIG(status), event = status >> 16;

	if (sig == SYSCALL_STOP) {
		if (ptrace(PTRACE_GET_SYSCALL_INFO, tid, sizeof(info), &info) <= 0)
			info.op = PTRACE_SYSCALL_INFO_NONE;
		if (info.op == PTRACE_SYSCALL_INFO_ENTRY)
			on_entry(t, tid, &info);
		if (info.op == PTRACE_SYSCALL_INFO_EXIT && tid == t->waker) {
			t->held = tid;
			t->waker = 0;
		}
		sig = 0;
	} else if (event) {
		sig = 0;
	}
	if (tid != t->held)
		ptrace(PTRACE_SYSCALL, tid, 0, sig);
}

static void release(struct tracer *t)
{
	pid_t tid = t->held;

	t->held = 0;
	ptrace(PTRACE_SYSCALL, tid, 0, 0);
}

/* The next one that stopped or ended; 0: silence. */
static pid_t next(const struct tracer *t, int *status)
{
	pid_t tid;

	if (!t->held)
		return waitpid(-1, status, __WALL);
	for (int ms = 0; ms < SILENCE_MS; ms++) {
		tid = waitpid(-1, status, __WALL | WNOHANG);
		if (tid)
			return tid;
		usleep(1000);
	}
	return 0;
}

/* Until nothing of it is left. */
static void follow(struct tracer *t)
{
	int status;
	pid_t tid;

	while ((tid = next(t, &status)) >= 0 || errno == EINTR) {
		if (tid == 0)
			release(t);
		else if (tid > 0 && WIFSTOPPED(status))
			on_stop(t, tid, status);
		else if (tid == t->host)
			t->trace->exit_status = status;
	}
}

static pid_t start(void (*scenario)(void))
{
	int gate[2];
	pid_t pid;
	char go;

	if (pipe(gate) < 0)
		return -1;
	pid = fork();
	if (pid == 0) {
		close(gate[1]);
		if (read(gate[0], &go, 1) != 1)
			_exit(125);
		scenario();
		exit(0);
	}
	close(gate[0]);
	if (pid > 0 && (ptrace(PTRACE_SEIZE, pid, 0, OPTIONS) < 0 ||
			ptrace(PTRACE_INTERRUPT, pid, 0, 0) < 0)) {
		close(gate[1]);
		waitpid(pid, NULL, 0);
		return -1;
	}
	if (pid > 0 && write(gate[1], "g", 1) != 1)
		kill(pid, SIGKILL);
	close(gate[1]);
	return pid;
}

void tracer_run(void (*scenario)(void), struct trace *trace)
{
	struct tracer t = { .trace = trace };

	memset(trace, 0, sizeof(*trace));
	trace->exit_status = -1;
	t.host = start(scenario);
	if (t.host > 0)
		follow(&t);
}

static void nothing(void)
{
	tracer_begin();
	getppid();
	tracer_end();
}

bool tracer_possible(void)
{
	struct trace trace;

	tracer_run(nothing, &trace);
	return trace.exit_status == 0 && trace.calls[TRACEE_CALLER][SYS_getppid] == 1;
}

uint32_t tracer_others(const struct trace *trace, enum tracee who, const int *numbers)
{
	uint32_t others = trace->total[who];

	for (; *numbers >= 0; numbers++)
		others -= trace->calls[who][*numbers];
	return others;
}

const char *tracer_text(const struct trace *trace, enum tracee who)
{
	static char text[512];
	size_t len = 0;

	text[0] = '\0';
	for (int i = 0; i < TRACER_NUMBERS && len < sizeof(text) - 32; i++)
		if (trace->calls[who][i])
			len += (size_t)snprintf(text + len, sizeof(text) - len, "no. %d: %u; ", i,
						trace->calls[who][i]);
	return text;
}

void tracer_test(void (*scenario)(void), struct trace *trace)
{
	if (!tracer_possible()) {
		print_message("# skipped: this machine does not let us trace our children\n");
		skip();
	}
	tracer_run(scenario, trace);
	assert_int_equal(trace->exit_status, 0);
}

void tracer_must(bool fine, const char *what)
{
	if (fine)
		return;
	fprintf(stderr, "# %s\n", what);
	_exit(1);
}

void tracer_stay_here(void)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(sched_getcpu(), &set);
	tracer_must(sched_setaffinity(0, sizeof(set), &set) == 0, "cannot stay on one CPU");
}
