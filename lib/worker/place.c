/* SPDX-License-Identifier: MIT */
/*
 * Caller and worker on one CPU cost two switches per event, and that is where
 * the scheduler likes to put two that wake each other. Awake on two CPUs they
 * need no system call at all, but only as long as events follow each other
 * closely: waking a CPU that sleeps costs more than everything else together.
 *
 * Nobody can tell us whether another CPU is free. So coming apart is a trial: a
 * streak of events is timed, the worker moves, and the next streak must be faster
 * than the one before it, else the next trial is put off. A move is a nudge and
 * no binding: threads and children of the function inherit nothing from it.
 */
#include <worker/place.h>

#include <sched.h>
#include <stddef.h>
#include <sys/syscall.h>
#include <unistd.h>

#define STREAK 64 /* what a move costs is saved again within a third of it */
#define PAUSE_MIN_NS 10000000
#define PAUSE_MAX_NS 1000000000

static void put_off(struct fa_place *place, int64_t now_ns)
{
	int64_t pause = 2 * place->pause_ns;

	place->pause_ns = pause < PAUSE_MIN_NS ? PAUSE_MIN_NS :
			  pause > PAUSE_MAX_NS ? PAUSE_MAX_NS :
						 pause;
	place->again_ns = now_ns + place->pause_ns;
}

static void judge(struct fa_place *place, int64_t now_ns, int64_t took_ns)
{
	if (took_ns > place->together_ns / 4 * 3)
		put_off(place, now_ns);
	else
		place->pause_ns = 0;
	place->together_ns = 0;
}

bool fa_place_turn(struct fa_place *place, int64_t now_ns, bool close, bool same)
{
	int64_t took;

	if (!close) {
		if (fa_place_on_trial(place))
			judge(place, now_ns, INT64_MAX);
		place->streak = 0;
		return false;
	}
	if (place->streak == 0)
		place->began_ns = now_ns;
	if (++place->streak <= STREAK)
		return false;
	place->streak = 0;
	took = now_ns - place->began_ns;
	if (fa_place_on_trial(place))
		judge(place, now_ns, took);
	if (!same || now_ns < place->again_ns)
		return false;
	place->together_ns = took;
	return true;
}

void fa_place_leave(uint32_t cpu)
{
	cpu_set_t all, others;

	if (syscall(SYS_sched_getaffinity, 0, sizeof(all), &all) < 0 || cpu >= CPU_SETSIZE)
		return;
	others = all;
	CPU_CLR(cpu, &others);
	if (CPU_COUNT(&others) && syscall(SYS_sched_setaffinity, 0, sizeof(others), &others) == 0)
		syscall(SYS_sched_setaffinity, 0, sizeof(all), &all);
}
