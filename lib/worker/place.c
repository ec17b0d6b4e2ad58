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

#define STREAK_MIN 64
#define STREAK_NS 500000
#define TRIAL 2 /* streaks: in the first everybody may have to wake up once more */
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

/* What each event of the streak took, from end to end. */
static int64_t average(const struct fa_place *place)
{
	return place->streak < 2 ? INT64_MAX :
				   (place->last_ns - place->began_ns) / (place->streak - 1);
}

static void judge(struct fa_place *place, int64_t now_ns)
{
	if (average(place) > place->together_ns / 4 * 3)
		put_off(place, now_ns);
	else
		place->pause_ns = 0;
}

/* A streak ends with a pause, or when it has been long enough to tell. */
static bool is_over(const struct fa_place *place, bool close)
{
	return !close || (place->streak > STREAK_MIN &&
			  place->last_ns - place->began_ns >= STREAK_NS);
}

bool fa_place_turn(struct fa_place *place, int64_t now_ns, bool close, bool same)
{
	bool move = false;

	if (close) {
		place->began_ns = place->streak ? place->began_ns : now_ns;
		place->last_ns = now_ns;
		place->streak++;
	}
	if (!is_over(place, close))
		return false;
	if (place->trial) {
		place->trial = close ? place->trial - 1 : 0;
		if (!place->trial)
			judge(place, now_ns);
	} else if (close && same && now_ns >= place->again_ns) {
		place->together_ns = average(place);
		place->trial = TRIAL;
		move = true;
	}
	place->streak = 0;
	return move;
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
