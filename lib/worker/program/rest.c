/* SPDX-License-Identifier: MIT */
/*
 * Events that follow each other closely find everybody awake: to stop and to wake a program
 * costs as much as a short event. kill(-1) is one walk under the lock that fork() takes, too, so
 * nobody slips through.
 */
#include <worker/program/rest.h>

#include <signal.h>
#include <unistd.h>

#define AWAKE_NS 10000000
#define HOLD_NS 5000000
#define HOLDS 40

void fa_rest_note(struct fa_rest *rest, bool all_wait, int64_t now_ns)
{
	if (!all_wait)
		rest->since_ns = rest->holds = 0;
	else if (!rest->since_ns)
		rest->since_ns = now_ns;
}

int64_t fa_rest_left_ns(const struct fa_rest *rest, int64_t now_ns)
{
	int64_t left_ns = rest->since_ns + AWAKE_NS - now_ns;

	if (!rest->since_ns || rest->still || getpid() != 1)
		return -1;
	return left_ns > 0 ? left_ns : 0;
}

void fa_rest_begin(struct fa_rest *rest)
{
	rest->still = kill(-1, SIGSTOP) == 0;
	rest->since_ns = rest->holds = 0;
}

bool fa_rest_hold(struct fa_rest *rest)
{
	if (rest->holds == HOLDS)
		return false;
	rest->holds++;
	rest->since_ns += HOLD_NS;
	return true;
}

void fa_rest_end(struct fa_rest *rest)
{
	if (rest->still)
		kill(-1, SIGCONT);
	rest->still = false;
	rest->since_ns = rest->holds = 0;
}
