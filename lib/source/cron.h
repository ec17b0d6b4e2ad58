/* SPDX-License-Identifier: MIT */
#ifndef FA_SOURCE_CRON_H
#define FA_SOURCE_CRON_H

#include <stdbool.h>
#include <stdint.h>
#include <base/mem.h>
#include <faas/types.h>

/*
 * When a schedule is due. An expression is one of
 *   rate(N minute|minutes|hour|hours|day|days)   of the clock, from when it was made, at once
 *   cron(minutes hours day-of-month month day-of-week year)   in the time zone; see cron.c
 *   at(yyyy-mm-ddThh:mm:ss)                      once, in the time zone
 * A local time that a change of the clocks leaves out is left out; one that comes twice
 * counts once, the first time.
 */
enum fa_schedule_kind { FA_SCHEDULE_RATE, FA_SCHEDULE_CRON, FA_SCHEDULE_AT };

struct fa_cron {
	uint64_t minutes;
	uint32_t hours, days, months, weekdays; /* bits from 0, 1, 1, and 1 for Sunday */
	uint64_t years[4];                      /* bits from 1970 */
	bool any_day, any_weekday;              /* "?" */
	bool last_day, last_weekday;            /* "L", "LW" of a month */
	int nearest;                            /* "3W": 3; 0: none */
	int last_of;                            /* "6L": 6 */
	int nth_of, nth;                        /* "3#2": 3 and 2 */
};

struct fa_zone;

struct fa_schedule {
	enum fa_schedule_kind kind;
	int64_t every_s;                        /* rate */
	int64_t at_s;                           /* at, in seconds of local time */
	struct fa_cron cron;
	struct fa_zone *zone;                   /* NULL: UTC */
};

/* Text of an expression; `zone` is borrowed. FAAS_EINVAL tells what was wrong. */
int fa_schedule_parse(struct fa_schedule *schedule, const char *text, struct fa_zone *zone,
		      struct faas_error *err);
/* The first time after `after_s`, Unix time, of one that was made at `made_s`; INT64_MAX: none. */
int64_t fa_schedule_next(const struct fa_schedule *schedule, int64_t made_s, int64_t after_s);

int fa_cron_parse(struct fa_cron *cron, const char *text, struct faas_error *err);
/* The same in minutes of local time since 1970. */
int64_t fa_cron_next(const struct fa_cron *cron, int64_t after_min);

/* Days since 1970 of a date of the Gregorian calendar, and back. */
int64_t fa_days_of(int year, int month, int day);
void fa_date_of(int64_t days, int *year, int *month, int *day);

/* ---- zone.c ------------------------------------------------------------- */

/*
 * A zone of the system's database, "Europe/Berlin". FAAS_EINVAL: there is none of that name;
 * FAAS_ENOMEM.
 */
int fa_zone_open(const struct fa_mem *mem, const char *name, struct fa_zone **out,
		 struct faas_error *err);
void fa_zone_close(struct fa_zone *zone); /* NULL is fine */
/* Seconds that local time is ahead of UTC; NULL is UTC. */
int fa_zone_offset(const struct fa_zone *zone, int64_t unix_s);
/* The first time when local time is that; INT64_MIN: it never is. */
int64_t fa_zone_unix(const struct fa_zone *zone, int64_t local_s);

#endif
