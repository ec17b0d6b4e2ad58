/* SPDX-License-Identifier: MIT */
#ifndef FA_BASE_CLOCK_H
#define FA_BASE_CLOCK_H

#include <stdbool.h>
#include <stdint.h>
#include <base/list.h>
#include <base/mem.h>

/*
 * Time is an argument. The real clock reads CLOCK_MONOTONIC (see counter.h) and CLOCK_REALTIME;
 * a test's clock stands still until told otherwise.
 */
struct fa_clock {
	int64_t (*now_ns)(const struct fa_clock *clock);  /* monotonic */
	int64_t (*unix_ms)(const struct fa_clock *clock);
};

extern const struct fa_clock fa_clock_real;

static inline int64_t fa_now(const struct fa_clock *clock)
{
	return clock->now_ns(clock);
}

/* A clock for tests; move `ns`, or set `epoch_ms`, by hand, while any thread reads it. */
struct fa_clock_virtual {
	struct fa_clock clock;
	_Atomic int64_t ns, epoch_ms;
};

void fa_clock_virtual_init(struct fa_clock_virtual *clock, int64_t epoch_ms);

/*
 * Timers of one loop, a heap by time. Not thread-safe. The owner asks for the
 * earliest time, sleeps as it likes, and calls fa_timers_run().
 */
struct fa_timer {
	int64_t at_ns;
	void (*on_due)(struct fa_timer *timer);
	uint32_t index; /* in the heap, from 1; 0: not armed */
	struct fa_list link; /* of a line, or of those that found no room in the heap */
};

struct fa_timers {
	const struct fa_mem *mem;
	struct fa_timer **heap;
	uint32_t count, capacity;
	struct fa_list homeless; /* armed, while there was no memory for the heap */
};

void fa_timers_init(struct fa_timers *timers, const struct fa_mem *mem);
void fa_timers_finish(struct fa_timers *timers);
/* Arm or move. 0 or FAAS_ENOMEM; what is armed already can always be moved. */
int fa_timer_start(struct fa_timers *timers, struct fa_timer *timer, int64_t at_ns);
/* The same, and it cannot fail; without memory it takes time by the number of such timers. */
void fa_timer_start_sure(struct fa_timers *timers, struct fa_timer *timer, int64_t at_ns);
void fa_timer_disarm(struct fa_timers *timers, struct fa_timer *timer); /* one that is armed */
static inline void fa_timer_stop(struct fa_timers *timers, struct fa_timer *timer)
{
	if (timer->index)
		fa_timer_disarm(timers, timer);
}

/*
 * Timers of which each is mostly due after those that were started before it: they share one
 * place in the heap. That one may be due, in vain, when the timer that it was set for is stopped.
 */
struct fa_timer_line {
	struct fa_timer head;  /* in the heap: due before or with the first of them */
	struct fa_timers *timers;
	struct fa_list armed;  /* by time */
};

void fa_timer_line_init(struct fa_timer_line *line, struct fa_timers *timers);
void fa_timer_line_finish(struct fa_timer_line *line); /* none of it is armed */
/* As fa_timer_start(); one that is due before others of the line gets a place of its own. */
int fa_timer_start_behind(struct fa_timer_line *line, struct fa_timer *timer, int64_t at_ns);

int64_t fa_timers_next(const struct fa_timers *timers); /* INT64_MAX: none */
/* Run what is due at `now_ns`; a callback may start and stop any timer. */
void fa_timers_run(struct fa_timers *timers, int64_t now_ns);

#endif
