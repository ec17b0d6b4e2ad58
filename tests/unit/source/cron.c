/* SPDX-License-Identifier: MIT */
/*
 * Schedules against a calendar that walks day by day from 1970 to 2199, and time zones against
 * those of the C library.
 */
#include <support/test.h>

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include <source/cron.h>

#define FIRST_DAY 0
#define LAST_DAY 84005 /* 2199-12-31 */

static unsigned seed;

static unsigned draw(unsigned n)
{
	seed = seed * 1103515245 + 12345;
	return (seed >> 16) % n;
}

/* ---- the plain calendar ---------------------------------------------------- */

struct day {
	int year, month, day, weekday, length; /* weekday 1 is Sunday */
	int64_t number;
};

static bool leap(int year)
{
	return year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
}

static int days_in(int year, int month)
{
	static const int lengths[] = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };

	return lengths[month - 1] + (month == 2 && leap(year));
}

static struct day first_day(void)
{
	return (struct day){ 1970, 1, 1, 5, 31, 0 };
}

static void next_day(struct day *d)
{
	d->number++;
	d->weekday = d->weekday % 7 + 1;
	if (++d->day > d->length) {
		d->day = 1;
		if (++d->month > 12) {
			d->month = 1;
			d->year++;
		}
		d->length = days_in(d->year, d->month);
	}
}

/* What a field of one kind says, in the simplest form there is: a yes or no per value. */
struct plain {
	bool minutes[60], hours[24], days[32], months[13], weekdays[8], years[2200];
	enum { BY_DAY, LAST, LAST_WEEKDAY, NEAREST, BY_WEEKDAY, LAST_OF, NTH } how;
	int value, nth;
};

static int nearest_to(const struct day *d, int target)
{
	int weekday = (d->weekday + 700 + target - d->day - 1) % 7 + 1;

	if (target > d->length)
		return 0;
	if (weekday == 7)
		return target == 1 ? 3 : target - 1;
	if (weekday == 1)
		return target == d->length ? target - 2 : target + 1;
	return target;
}

static bool has_day(const struct plain *p, const struct day *d)
{
	if (!p->years[d->year] || !p->months[d->month])
		return false;
	switch (p->how) {
	case BY_DAY:
		return p->days[d->day];
	case LAST:
		return d->day == d->length;
	case LAST_WEEKDAY:
		return d->day == nearest_to(d, d->length);
	case NEAREST:
		return d->day == nearest_to(d, p->value);
	case BY_WEEKDAY:
		return p->weekdays[d->weekday];
	case LAST_OF:
		return d->weekday == p->value && d->day + 7 > d->length;
	default:
		return d->weekday == p->value && (d->day - 1) / 7 + 1 == p->nth;
	}
}

/* Every time that the expression is due, in order, compared with what cron says. */
static void compare(const char *text, const struct plain *p)
{
	struct faas_error err;
	struct fa_cron cron;
	struct day d = first_day();
	int64_t at = -1;

	if (fa_cron_parse(&cron, text, &err))
		fail_msg("%s: %s", text, err.message);
	for (; d.number <= LAST_DAY; next_day(&d)) {
		if (!has_day(p, &d))
			continue;
		for (int minute = 0; minute < 1440; minute++) {
			if (!p->hours[minute / 60] || !p->minutes[minute % 60])
				continue;
			at = fa_cron_next(&cron, at);
			if (at != d.number * 1440 + minute)
				fail_msg("%s: %lld, not %04d-%02d-%02d %02d:%02d", text,
					 (long long)at, d.year, d.month, d.day, minute / 60,
					 minute % 60);
		}
	}
	assert_true(fa_cron_next(&cron, at) == INT64_MAX);
}

/* ---- expressions by chance --------------------------------------------------- */

/* A list of one to three items; what is not mentioned stays false. */
static void some_set(char *out, bool *set, int min, int max, unsigned most)
{
	int items = 1 + (int)draw(most);

	*out = '\0';
	for (int i = 0; i < items; i++) {
		int first = min + (int)draw((unsigned)(max - min + 1)), last = first, step = 1;
		char *at = out + strlen(out);

		if (i)
			*at++ = ',';
		if (!draw(3)) {
			last = min + (int)draw((unsigned)(max - min + 1));
			sprintf(at, "%d-%d", first, last);
		} else {
			sprintf(at, "%d", first);
		}
		if (!draw(3)) {
			step = 7 + (int)draw(20);
			last = strchr(at, '-') ? last : max;
			sprintf(at + strlen(at), "/%d", step);
		}
		for (int v = first, n = 0; n < max - min + 1; n++, v = v == max ? min : v + 1) {
			if (n % step == 0)
				set[v] = true;
			if (v == last)
				break;
		}
	}
}

static void all_of(bool *set, int min, int max)
{
	for (int i = min; i <= max; i++)
		set[i] = true;
}

static void some_days(struct plain *p, char *days, char *weekdays)
{
	strcpy(days, "?");
	strcpy(weekdays, "?");
	p->how = draw(7);
	p->value = 1 + (int)draw(7);
	p->nth = 1 + (int)draw(5);
	switch (p->how) {
	case BY_DAY:
		some_set(days, p->days, 1, 31, 2);
		break;
	case LAST:
		strcpy(days, "L");
		break;
	case LAST_WEEKDAY:
		strcpy(days, "LW");
		break;
	case NEAREST:
		p->value = 1 + (int)draw(31);
		sprintf(days, "%dW", p->value);
		break;
	case BY_WEEKDAY:
		some_set(weekdays, p->weekdays, 1, 7, 2);
		break;
	case LAST_OF:
		sprintf(weekdays, "%dL", p->value);
		break;
	default:
		sprintf(weekdays, "%d#%d", p->value, p->nth);
	}
}

TEST(a_schedule_is_due_when_a_plain_calendar_says_so)
{
	const char *count = getenv("FAAS_TEST_SCHEDULES");

	for (int i = 0, n = count ? atoi(count) : 100; i < n; i++) {
		static struct plain p;
		char text[512], minutes[64], hours[64], days[64], weekdays[64], months[64] = "*",
			years[64] = "*";

		seed = (unsigned)i * 7919 + 1;
		memset(&p, 0, sizeof(p));
		some_set(minutes, p.minutes, 0, 59, 1);
		some_set(hours, p.hours, 0, 23, 1);
		some_days(&p, days, weekdays);
		if (draw(2))
			some_set(months, p.months, 1, 12, 3);
		else
			all_of(p.months, 1, 12);
		if (draw(3))
			all_of(p.years, 1970, 2199);
		else
			some_set(years, p.years, 1970, 2199, 2);
		snprintf(text, sizeof(text), "%s %s %s %s %s %s", minutes, hours, days, months,
			 weekdays, years);
		compare(text, &p);
	}
}

/* ---- the examples of the documentation ----------------------------------------- */

static int64_t minute(int year, int month, int day, int hour, int min)
{
	return fa_days_of(year, month, day) * 1440 + hour * 60 + min;
}

static void next_is(const char *text, int64_t after, int64_t next)
{
	struct fa_cron cron;
	struct faas_error err;

	if (fa_cron_parse(&cron, text, &err))
		fail_msg("%s: %s", text, err.message);
	assert_int_equal(fa_cron_next(&cron, after), next);
}

TEST(the_examples_of_the_documentation)
{
	int64_t friday = minute(2026, 11, 27, 12, 0);

	next_is("0 10 * * ? *", friday, minute(2026, 11, 28, 10, 0));
	next_is("15 12 * * ? *", friday, minute(2026, 11, 27, 12, 15));
	next_is("0 18 ? * MON-FRI *", minute(2026, 11, 27, 18, 0), minute(2026, 11, 30, 18, 0));
	next_is("0 8 1 * ? *", friday, minute(2026, 12, 1, 8, 0));
	next_is("0/15 * * * ? *", friday, minute(2026, 11, 27, 12, 15));
	next_is("0/10 * ? * MON-FRI *", minute(2026, 11, 27, 23, 50), minute(2026, 11, 30, 0, 0));
	next_is("0/5 8-17 ? * MON-FRI *", minute(2026, 11, 27, 17, 55),
		minute(2026, 11, 30, 8, 0));
	next_is("0/30 20-2 ? * MON-FRI *", minute(2026, 11, 27, 2, 30),
		minute(2026, 11, 27, 20, 0));
	next_is("0/30 20-2 ? * mon-fri *", minute(2026, 11, 27, 0, 59),
		minute(2026, 11, 27, 1, 0));
	next_is("15 10 ? * 6L 2022-2023", 0, minute(2022, 1, 28, 10, 15));
	next_is("0 0 3W * ? *", friday, minute(2026, 12, 3, 0, 0));
	next_is("0 0 1W 8 ? 2026", 0, minute(2026, 8, 3, 0, 0)); /* the 1st is a Saturday */
	next_is("0 0 ? * 3#2 *", friday, minute(2026, 12, 8, 0, 0));
	next_is("0 0 ? * L *", friday, minute(2026, 11, 28, 0, 0));
	next_is("0 0 29 2 ? *", friday, minute(2028, 2, 29, 0, 0));
	next_is("0 0 29 2 ? 2100", friday, INT64_MAX);
	next_is("59 23 31 12 ? 2199", friday, minute(2199, 12, 31, 23, 59));
}

static void refused(const char *text, const char *message)
{
	struct fa_schedule s;
	struct faas_error err;

	assert_int_equal(fa_schedule_parse(&s, text, NULL, &err), FAAS_EINVAL);
	assert_string_equal(err.message, message);
}

TEST(what_is_no_schedule_is_refused_with_the_reason)
{
	static const char rate[] = "rate needs a number from 1 on, and minute, hour or day, in the "
				   "plural from 2 on";
	static const char one[] = "of day-of-month and day-of-week one must be ?, and one only";

	refused("every day", "'every day' is no schedule: expected rate(...), cron(...) or "
			     "at(...)");
	refused("rate(1 minutes)", rate);
	refused("rate(5 minute)", rate);
	refused("rate(0 minutes)", rate);
	refused("rate(5 weeks)", rate);
	refused("rate(5 minutes )", rate);
	refused("cron(0 10 * * * *)", one);
	refused("cron(0 10 1 * MON *)", one);
	refused("cron(0 10 ? * ? *)", one);
	refused("cron(0 10 * * ?)", "cron has six fields: minutes hours day-of-month month "
				    "day-of-week year");
	refused("cron(0 10 * * ? * *)", "cron has six fields and no more");
	refused("cron(60 10 * * ? *)", "'60' cannot be in the field minutes of cron");
	refused("cron(0 24 * * ? *)", "'24' cannot be in the field hours of cron");
	refused("cron(0 0 0 * ? *)", "'0' cannot be in the field day-of-month of cron");
	refused("cron(0 0 32W * ? *)", "'32W' cannot be in the field day-of-month of cron");
	refused("cron(0 0 * FOO ? *)", "'FOO' cannot be in the field month of cron");
	refused("cron(0 0 ? * 0 *)", "'0' cannot be in the field day-of-week of cron");
	refused("cron(0 0 ? * 3#6 *)", "'3#6' cannot be in the field day-of-week of cron");
	refused("cron(0 0 ? * 3#1,4#1 *)", "'3#1,4#1' cannot be in the field day-of-week of cron");
	refused("cron(0 0 * * ? 1969)", "'1969' cannot be in the field year of cron");
	refused("cron(0/0 0 * * ? *)", "'0/0' cannot be in the field minutes of cron");
	refused("at(2026-02-29T00:00:00)", "at needs a date and time: yyyy-mm-ddThh:mm:ss");
	refused("at(2026-02-28T24:00:00)", "at needs a date and time: yyyy-mm-ddThh:mm:ss");
	refused("at(2026-02-28)", "at needs a date and time: yyyy-mm-ddThh:mm:ss");
}

/* ---- rate and at ------------------------------------------------------------------ */

static struct fa_schedule parsed(const char *text, struct fa_zone *zone)
{
	struct fa_schedule s;
	struct faas_error err;

	if (fa_schedule_parse(&s, text, zone, &err))
		fail_msg("%s: %s", text, err.message);
	return s;
}

TEST(a_rate_counts_from_when_it_was_made)
{
	struct fa_schedule s = parsed("rate(5 minutes)", NULL);

	assert_int_equal(fa_schedule_next(&s, 1000, 999), 1000);
	assert_int_equal(fa_schedule_next(&s, 1000, 1000), 1300);
	assert_int_equal(fa_schedule_next(&s, 1000, 1299), 1300);
	assert_int_equal(fa_schedule_next(&s, 1000, 99999), 100000);
	s = parsed("rate(1 day)", NULL);
	assert_int_equal(fa_schedule_next(&s, 0, 0), 86400);
}

TEST(a_time_comes_once)
{
	struct fa_schedule s = parsed("at(2026-11-27T12:30:15)", NULL);
	int64_t at = minute(2026, 11, 27, 12, 30) * 60 + 15;

	assert_int_equal(fa_schedule_next(&s, 0, 0), at);
	assert_int_equal(fa_schedule_next(&s, 0, at - 1), at);
	assert_true(fa_schedule_next(&s, 0, at) == INT64_MAX);
}

/* ---- time zones -------------------------------------------------------------------- */

static struct fa_zone *zone(const char *name)
{
	struct faas_error err = { 0 };
	struct fa_zone *z;

	if (fa_zone_open(&fa_mem_libc, name, &z, &err))
		fail_msg("%s", err.message);
	return z;
}

static const char *const zones[] = { "Europe/Berlin", "America/New_York", "Australia/Lord_Howe",
				     "Asia/Kathmandu", "America/Sao_Paulo", "Africa/Casablanca",
				     "Pacific/Apia", "UTC", "America/St_Johns", "Europe/Dublin",
				     "Asia/Tehran", "Antarctica/Troll" };

TEST(the_offset_is_that_of_the_c_library)
{
	for (size_t i = 0; i < sizeof(zones) / sizeof(*zones); i++) {
		struct fa_zone *z = zone(zones[i]);
		struct tm tm;

		setenv("TZ", zones[i], 1);
		tzset();
		for (time_t t = 0; t < 86400LL * LAST_DAY; t += 5 * 3600 + 1799) {
			localtime_r(&t, &tm);
			if (fa_zone_offset(z, t) != tm.tm_gmtoff)
				fail_msg("%s at %lld: %d, not %ld", zones[i], (long long)t,
					 fa_zone_offset(z, t), tm.tm_gmtoff);
		}
		fa_zone_close(z);
	}
	unsetenv("TZ");
}

/* Every local minute of a year, and the first moment that has it, found by looking at all. */
TEST(a_local_time_is_the_first_moment_that_has_it_or_none)
{
	int none = 0, twice = 0;

	for (size_t i = 0; i < sizeof(zones) / sizeof(*zones); i++) {
		static int64_t first[366 * 96 + 400];
		static bool again[366 * 96 + 400];
		int64_t begin = fa_days_of(2025, 1, 1) * 86400;
		struct fa_zone *z = zone(zones[i]);

		for (size_t n = 0; n < sizeof(first) / sizeof(*first); n++)
			first[n] = INT64_MIN;
		memset(again, 0, sizeof(again));
		for (int64_t t = begin - 2 * 86400; t < begin + 367 * 86400; t += 900) {
			int64_t slot = (t + fa_zone_offset(z, t) - begin) / 900;

			if (slot < 0 || slot >= 365 * 96)
				continue;
			again[slot] |= first[slot] != INT64_MIN;
			if (first[slot] == INT64_MIN)
				first[slot] = t;
		}
		for (int slot = 0; slot < 365 * 96; slot++) {
			assert_true(fa_zone_unix(z, begin + slot * 900) == first[slot]);
			none += first[slot] == INT64_MIN;
			twice += again[slot];
		}
		fa_zone_close(z);
	}
	assert_true(none > 10 && twice > 10); /* there were such */
}

TEST(what_the_clocks_leave_out_is_skipped_and_what_repeats_counts_once)
{
	struct fa_zone *z = zone("Europe/Berlin");
	struct fa_schedule s = parsed("cron(30 2 * * ? *)", z);
	int64_t day = fa_days_of(2026, 3, 28) * 86400;

	/* 28 March in winter time, none on the 29th, 30 March in summer time */
	assert_int_equal(fa_schedule_next(&s, 0, day), day + 5400);
	assert_int_equal(fa_schedule_next(&s, 0, day + 5400), day + 2 * 86400 + 1800);
	/* 25 October: first in summer time, and not once more in winter time */
	day = fa_days_of(2026, 10, 25) * 86400;
	assert_int_equal(fa_schedule_next(&s, 0, day - 3600), day + 1800);
	assert_int_equal(fa_schedule_next(&s, 0, day + 1800), day + 86400 + 5400);
	s = parsed("at(2026-03-29T02:30:00)", z);
	assert_true(fa_schedule_next(&s, 0, 0) == INT64_MAX);
	/* a rate does not mind: 24 hours are a day */
	s = parsed("rate(1 day)", z);
	assert_int_equal(fa_schedule_next(&s, day - 86400, day), day + 86400);
	fa_zone_close(z);
}

TEST(what_is_no_zone_is_refused)
{
	static const char *const bad[] = { "", "Nowhere/Land", "../../../etc/passwd", "/etc/passwd",
					   "Europe", "zone.tab" };
	struct faas_error err;
	struct fa_zone *z;

	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
		assert_int_equal(fa_zone_open(&fa_mem_libc, bad[i], &z, &err), FAAS_EINVAL);
	assert_string_equal(err.message, "'zone.tab' is no time zone that this system knows");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_schedule_is_due_when_a_plain_calendar_says_so),
		cmocka_unit_test(the_examples_of_the_documentation),
		cmocka_unit_test(what_is_no_schedule_is_refused_with_the_reason),
		cmocka_unit_test(a_rate_counts_from_when_it_was_made),
		cmocka_unit_test(a_time_comes_once),
		cmocka_unit_test(the_offset_is_that_of_the_c_library),
		cmocka_unit_test(a_local_time_is_the_first_moment_that_has_it_or_none),
		cmocka_unit_test(what_the_clocks_leave_out_is_skipped_and_what_repeats_counts_once),
		cmocka_unit_test(what_is_no_zone_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
