/* SPDX-License-Identifier: MIT */
/*
 * Ways to become many, and to leave somebody behind. The bombs are to be run
 * only where the number of processes is limited from outside.
 */
#include <sched.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "hostile.h"

static void ignore_all_signals(void)
{
	for (int i = 1; i <= 64; i++)
		signal(i, SIG_IGN);
}

HOSTILE(fork_bomb)
{
	while (for_ever)
		fork();
	return 0;
}

HOSTILE(fork_bomb_of_daemons)
{
	while (for_ever) {
		if (fork() != 0)
			continue;
		setsid();
		if (fork() != 0)
			_exit(0);
		ignore_all_signals();
	}
	return 0;
}

HOSTILE(thread_bomb)
{
	while (for_ever) {
		pthread_t thread;

		pthread_create(&thread, NULL, (void *(*)(void *))(void *)pause, NULL);
	}
	return 0;
}

/* {"count":N}: forks children that only wait; says how many of N it got. */
HOSTILE(fork_some)
{
	const long long count = number_in(event, "count");
	long long made = 0;

	while (made < count) {
		pid_t pid = fork();

		if (pid < 0)
			break;
		if (pid == 0)
			wait_for_ever();
		made++;
	}
	return report_count(ctx, made);
}

HOSTILE(vfork_and_never_exec)
{
	/* Not vfork(3): compilers know it and complain, rightly. */
	if (syscall(SYS_clone, CLONE_VM | CLONE_VFORK | SIGCHLD, NULL, NULL, NULL, NULL) == 0)
		for (;;)
			syscall(SYS_pause);
	wait_for_ever();
}

static void leave_daemon(void)
{
	if (fork() != 0)
		return;
	setsid();
	if (fork() != 0)
		_exit(0);
	setsid();
	ignore_all_signals();
	prctl(PR_SET_NAME, "left-behind");
	wait_for_ever();
}

HOSTILE(leave_a_daemon_and_answer)
{
	leave_daemon();
	return faas_puts(ctx, "\"done\"");
}

HOSTILE(leave_a_daemon_and_exit)
{
	leave_daemon();
	leave_daemon();
	_exit(0);
}

/* The child has a copy of every descriptor, and lives on: no end of file ever comes. */
HOSTILE(leave_a_child_holding_all_descriptors)
{
	if (fork() == 0) {
		ignore_all_signals();
		wait_for_ever();
	}
	_exit(9);
}

/* A child with the areas still mapped answers after the parent is gone. */
HOSTILE(exit_and_let_a_child_answer)
{
	pid_t pid = fork();

	if (pid == 0) {
		sleep_ms(20);
		return faas_puts(ctx, "\"from the child\"");
	}
	_exit(5);
}

/* Both copies of the process return the answer of the same request. */
HOSTILE(answer_from_two_processes)
{
	fork();
	return faas_puts(ctx, "\"twin\"");
}

HOSTILE(become_a_shell_that_spins)
{
	execl("/bin/sh", "sh", "-c", "while :; do :; done", (char *)NULL);
	execl("/usr/bin/sh", "sh", "-c", "while :; do :; done", (char *)NULL);
	while (for_ever)
		;
	return 0;
}

HOSTILE(become_a_program_that_succeeds)
{
	execl("/usr/bin/true", "true", (char *)NULL);
	execl("/bin/true", "true", (char *)NULL);
	_exit(0);
}

HOSTILE(orphan_children_that_spin)
{
	for (int i = 0; i < 4; i++)
		if (fork() == 0)
			for (volatile unsigned n = 0;; n++)
				;
	_exit(1);
}

FAAS_PLUGIN("process", "1", FAAS_HANDLER(fork_bomb), FAAS_HANDLER(fork_bomb_of_daemons),
	    FAAS_HANDLER(thread_bomb), FAAS_HANDLER(fork_some), FAAS_HANDLER(vfork_and_never_exec),
	    FAAS_HANDLER(leave_a_daemon_and_answer), FAAS_HANDLER(leave_a_daemon_and_exit),
	    FAAS_HANDLER(leave_a_child_holding_all_descriptors),
	    FAAS_HANDLER(exit_and_let_a_child_answer), FAAS_HANDLER(answer_from_two_processes),
	    FAAS_HANDLER(become_a_shell_that_spins), FAAS_HANDLER(become_a_program_that_succeeds),
	    FAAS_HANDLER(orphan_children_that_spin));
