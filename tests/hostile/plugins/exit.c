/* SPDX-License-Identifier: MIT */
/* Ways to end the process in the middle of an event. None of them is an answer. */
#include <sys/syscall.h>

#include "hostile.h"

HOSTILE(exit_with_0)
{
	exit(0);
}

HOSTILE(underscore_exit_with_0)
{
	_exit(0);
}

HOSTILE(exit_with_3)
{
	exit(3);
}

HOSTILE(exit_with_255)
{
	_exit(255);
}

/* The answer was written, but never given: the process is gone before. */
HOSTILE(answer_then_exit_with_0)
{
	faas_puts(ctx, "\"done\"");
	_exit(0);
}

static void *end_all(UNUSED void *arg)
{
	_exit(7);
}

HOSTILE(exit_in_a_thread)
{
	pthread_t thread;

	if (pthread_create(&thread, NULL, end_all, NULL) == 0)
		pthread_join(thread, NULL);
	wait_for_ever();
}

/* Ends the thread that would have to answer; the process stays. */
HOSTILE(end_only_the_thread)
{
	pthread_t thread;

	if (pthread_create(&thread, NULL, (void *(*)(void *))(void *)pause, NULL) != 0)
		abort();
	syscall(SYS_exit, 0);
	return 0;
}

static void come_back(void)
{
	wait_for_ever();
}

HOSTILE(hang_at_exit)
{
	atexit(come_back);
	exit(0);
}

FAAS_PLUGIN("exit", "1", FAAS_HANDLER(exit_with_0), FAAS_HANDLER(underscore_exit_with_0),
	    FAAS_HANDLER(exit_with_3), FAAS_HANDLER(exit_with_255),
	    FAAS_HANDLER(answer_then_exit_with_0), FAAS_HANDLER(exit_in_a_thread),
	    FAAS_HANDLER(end_only_the_thread), FAAS_HANDLER(hang_at_exit));
