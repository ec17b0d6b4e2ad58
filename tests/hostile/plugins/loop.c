/* SPDX-License-Identifier: MIT */
/* Ways never to come back, or to come back at the worst moment. */
#include <sys/prctl.h>

#include "hostile.h"

static void ignore_all_signals(void)
{
	sigset_t all;

	for (int i = 1; i <= 64; i++)
		signal(i, SIG_IGN);
	sigfillset(&all);
	sigprocmask(SIG_BLOCK, &all, NULL);
}

HOSTILE(spin)
{
	for (volatile unsigned i = 0; for_ever; i++)
		;
	return 0;
}

HOSTILE(spin_ignoring_signals)
{
	ignore_all_signals();
	for (volatile unsigned i = 0; for_ever; i++)
		;
	return 0;
}

HOSTILE(stop_itself)
{
	raise(SIGSTOP);
	raise(SIGTSTP);
	wait_for_ever();
}

HOSTILE(sleep_for_ever)
{
	ignore_all_signals();
	wait_for_ever();
}

HOSTILE(lock_twice)
{
	static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

	pthread_mutex_lock(&lock);
	pthread_mutex_lock(&lock);
	return 0;
}

/* {"ms":N}: answers N ms from now, whatever the deadline says. */
HOSTILE(answer_late)
{
	sleep_ms((long)number_in(event, "ms"));
	return faas_puts(ctx, "\"late\"");
}

/* {"us":N}: answers N microseconds (may be negative) from the deadline. */
HOSTILE(answer_at_the_deadline)
{
	const long long at_us = ctx->deadline_ms * 1000LL + number_in(event, "us");
	struct timespec now;

	do {
		clock_gettime(CLOCK_REALTIME, &now);
	} while (now.tv_sec * 1000000LL + now.tv_nsec / 1000 < at_us);
	return faas_puts(ctx, "\"just\"");
}

/* As the first process of its namespace it cannot be ended by its own signals; it tries. */
HOSTILE(kill_itself)
{
	kill(getpid(), SIGKILL);
	raise(SIGTERM);
	kill(0, SIGKILL);
	wait_for_ever();
}

FAAS_PLUGIN("loop", "1", FAAS_HANDLER(spin), FAAS_HANDLER(spin_ignoring_signals),
	    FAAS_HANDLER(stop_itself), FAAS_HANDLER(sleep_for_ever), FAAS_HANDLER(lock_twice),
	    FAAS_HANDLER(answer_late), FAAS_HANDLER(answer_at_the_deadline),
	    FAAS_HANDLER(kill_itself));
