/* SPDX-License-Identifier: MIT */
#include <worker/signals.h>

#include <support/test.h>

#include <errno.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

/*
 * Each test is a scene in process 1 of a pid namespace, under a filter that
 * traps its signals to itself. `saw` is what it leaves to be judged.
 */
static struct {
	_Atomic uint32_t last_words, saw;
	int status;
} *shared;

static void install_filter(void)
{
	struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_kill, 3, 0),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_tkill, 2, 0),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_tgkill, 1, 0),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, args[0])),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 1, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_TRAP),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog program = { sizeof(code) / sizeof(*code), code };

	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 ||
	    syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &program) < 0)
		_exit(98);
}

static _Noreturn void play(void (*scene)(void))
{
	signal(SIGABRT, SIG_DFL); /* sanitizers and cmocka have handlers of their own */
	signal(SIGSEGV, SIG_DFL);
	signal(SIGTERM, SIG_DFL);
	fa_signals_init(&shared->last_words);
	install_filter();
	scene();
	_exit(77);
}

/* An unprivileged user gets a pid namespace together with a user namespace only. */
static _Noreturn void stand_between(void (*scene)(void))
{
	pid_t pid;

	if (unshare(CLONE_NEWPID) < 0 && unshare(CLONE_NEWUSER | CLONE_NEWPID) < 0)
		_exit(1);
	pid = fork();
	if (!pid)
		play(scene);
	if (pid < 0 || waitpid(pid, &shared->status, 0) != pid)
		_exit(1);
	_exit(0);
}

static void stage(void (*scene)(void))
{
	int status;
	pid_t pid;

	shared = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	assert_ptr_not_equal(shared, MAP_FAILED);
	fflush(NULL);
	pid = fork();
	if (!pid)
		stand_between(scene);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	if (status)
		skip(); /* no pid namespaces here */
}

static void assert_exit(int status)
{
	if (!WIFEXITED(shared->status) || WEXITSTATUS(shared->status) != status)
		fail_msg("wait status %#x", (unsigned)shared->status);
}

static void assert_last_words(int sig)
{
	assert_int_equal(atomic_load(&shared->last_words), sig);
	assert_exit(128 + sig);
}

static void scene_abort(void)
{
	abort();
}

TEST(abort_ends_process_1_as_aborted)
{
	stage(scene_abort);
	assert_last_words(SIGABRT);
}

static void scene_raise(void)
{
	raise(SIGTERM);
}

TEST(a_deadly_signal_that_it_raises_ends_it)
{
	stage(scene_raise);
	assert_last_words(SIGTERM);
}

static void scene_kill(void)
{
	signal(SIGTERM, SIG_IGN);
	kill(getpid(), SIGKILL);
}

TEST(so_does_sigkill_whatever_is_ignored)
{
	stage(scene_kill);
	assert_last_words(SIGKILL);
}

static void *thread_abort(void *data)
{
	abort();
	return data;
}

static void scene_thread(void)
{
	pthread_t thread;

	pthread_create(&thread, NULL, thread_abort, NULL);
	pthread_join(thread, NULL);
}

TEST(a_thread_that_aborts_ends_the_whole_process)
{
	stage(scene_thread);
	assert_last_words(SIGABRT);
}

static void count(int sig)
{
	atomic_fetch_add(&shared->saw, (uint32_t)sig);
}

static void scene_handled(void)
{
	signal(SIGTERM, count);
	signal(SIGUSR1, count);
	kill(getpid(), SIGTERM);
	raise(SIGUSR1);
	syscall(SYS_tkill, 1, SIGUSR1);
	_exit(atomic_load(&shared->saw) == SIGTERM + 2 * SIGUSR1 ? 0 : 5);
}

TEST(a_signal_with_a_handler_is_delivered_before_kill_returns)
{
	stage(scene_handled);
	assert_exit(0);
	assert_int_equal(atomic_load(&shared->last_words), 0);
}

static void scene_harmless(void)
{
	int worst = 0;

	signal(SIGTERM, SIG_IGN);
	worst |= kill(getpid(), SIGTERM);
	worst |= kill(getpid(), SIGCHLD);
	worst |= kill(getpid(), SIGWINCH);
	worst |= kill(getpid(), SIGCONT);
	_exit(worst ? 5 : 0);
}

TEST(ignored_and_harmless_signals_do_nothing)
{
	stage(scene_harmless);
	assert_exit(0);
}

static void *wait_for_signal(void *data)
{
	sigset_t set;
	int sig = 0;

	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	sigwait(&set, &sig);
	atomic_store(&shared->saw, (uint32_t)sig);
	return data;
}

/* Blocked everywhere, so it has to wait for the process, not for the thread that sent it. */
static void scene_sigwait(void)
{
	pthread_t thread;
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	sigprocmask(SIG_BLOCK, &set, NULL);
	pthread_create(&thread, NULL, wait_for_signal, NULL);
	kill(getpid(), SIGUSR1);
	pthread_join(thread, NULL);
	_exit(atomic_load(&shared->saw) == SIGUSR1 ? 0 : 5);
}

TEST(kill_is_for_the_process_whichever_thread_takes_it)
{
	stage(scene_sigwait);
	assert_exit(0);
}

static sigjmp_buf jump;

static void leap(int sig)
{
	longjmp(jump, sig);
}

/* longjmp() leaves the mask as it is: a second trap must still be possible. */
static void scene_longjmp(void)
{
	signal(SIGUSR1, leap);
	for (volatile int i = 0; i < 3; i++)
		if (!setjmp(jump)) {
			sigset_t set;

			sigemptyset(&set);
			sigaddset(&set, SIGUSR1);
			sigprocmask(SIG_UNBLOCK, &set, NULL);
			raise(SIGUSR1);
			_exit(5);
		}
	_exit(0);
}

TEST(a_handler_may_be_left_by_longjmp_again_and_again)
{
	stage(scene_longjmp);
	assert_exit(0);
}

static void scene_blocked(void)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigprocmask(SIG_BLOCK, &set, NULL);
	signal(SIGTERM, count);
	raise(SIGTERM);
	sigpending(&set);
	if (atomic_load(&shared->saw) || !sigismember(&set, SIGTERM))
		_exit(5);
	sigemptyset(&set);
	sigprocmask(SIG_SETMASK, &set, NULL);
	_exit(atomic_load(&shared->saw) == SIGTERM ? 0 : 6);
}

TEST(a_blocked_signal_stays_pending)
{
	stage(scene_blocked);
	assert_exit(0);
}

static void scene_errors(void)
{
	if (kill(1, 0) != -1 || errno != EPERM)
		_exit(5);
	if (kill(1, 99) != -1 || errno != EPERM)
		_exit(6);
	errno = 123;
	kill(1, SIGCHLD);
	_exit(errno == 123 ? 0 : 7);
}

TEST(what_cannot_be_emulated_is_refused_and_errno_survives_the_rest)
{
	stage(scene_errors);
	assert_exit(0);
}

static void scene_segv(void)
{
	*(volatile int *)8 = 1;
}

TEST(a_real_crash_stays_one)
{
	stage(scene_segv);
	assert_true(WIFSIGNALED(shared->status));
	assert_int_equal(WTERMSIG(shared->status), SIGSEGV);
	assert_int_equal(atomic_load(&shared->last_words), 0);
}

static void scene_child(void)
{
	pid_t pid = fork();
	int status;

	if (!pid) {
		kill(1, SIGTERM); /* not handled there: the kernel drops it */
		raise(SIGTERM);   /* its own death is its own */
		_exit(5);
	}
	waitpid(pid, &status, 0);
	_exit(WIFSIGNALED(status) && WTERMSIG(status) == SIGTERM ? 0 : 6);
}

TEST(a_child_can_neither_speak_nor_die_for_process_1)
{
	stage(scene_child);
	assert_exit(0);
	assert_int_equal(atomic_load(&shared->last_words), 0);
}

static _Noreturn void be_another_process(void)
{
	fa_signals_init(&shared->last_words);
	install_filter();
	errno = 0;
	/* signal 0 to the machine's process 1 traps as well, and is refused */
	_exit(kill(1, 0) == -1 && errno == EPERM ? 0 : 5);
}

TEST(in_any_other_process_the_handler_only_refuses)
{
	int status;
	pid_t pid;

	shared = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	fflush(NULL);
	pid = fork();
	if (!pid)
		be_another_process();
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(abort_ends_process_1_as_aborted),
		cmocka_unit_test(a_deadly_signal_that_it_raises_ends_it),
		cmocka_unit_test(so_does_sigkill_whatever_is_ignored),
		cmocka_unit_test(a_thread_that_aborts_ends_the_whole_process),
		cmocka_unit_test(a_signal_with_a_handler_is_delivered_before_kill_returns),
		cmocka_unit_test(ignored_and_harmless_signals_do_nothing),
		cmocka_unit_test(kill_is_for_the_process_whichever_thread_takes_it),
		cmocka_unit_test(a_handler_may_be_left_by_longjmp_again_and_again),
		cmocka_unit_test(a_blocked_signal_stays_pending),
		cmocka_unit_test(what_cannot_be_emulated_is_refused_and_errno_survives_the_rest),
		cmocka_unit_test(a_real_crash_stays_one),
		cmocka_unit_test(a_child_can_neither_speak_nor_die_for_process_1),
		cmocka_unit_test(in_any_other_process_the_handler_only_refuses),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
