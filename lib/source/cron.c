/* SPDX-License-Identifier: MIT */
/*
 * Fields are sets of numbers: lists, ranges (which may wrap around) and steps, with names of
 * months and days. Of day-of-month and day-of-week one is "?"; the other may be L (the last
 * day, or 6L the last Friday), W (3W the weekday nearest to the 3rd, within the month; LW the last
 * weekday) or # (3#2 the second Tuesday). The next time is found by trying years, months, days
 * of the month as a set, hours and minutes: a few hundred steps at most for any expression.
 */
#include <source/cron.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <base/error.h>

#define FIRST_YEAR 1970
#define LAST_YEAR 2199

/* ---- the calendar -------------------------------------------------------- */

int64_t fa_days_of(int year, int month, int day)
{
	int64_t y = month <= 2 ? year - 1 : year, era = (y >= 0 ? y : y - 399) / 400;
	int64_t of_era = y - era * 400;
	int64_t of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;

	return era * 146097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719468;
}

void fa_date_of(int64_t days, int *year, int *month, int *day)
{
	int64_t z = days + 719468, era = (z >= 0 ? z : z - 146096) / 146097;
	int64_t of_era = z - era * 146097;
	int64_t y = (of_era - of_era / 1460 + of_era / 36524 - of_era / 146096) / 365;
	int64_t of_year = of_era - (365 * y + y / 4 - y / 100);
	int64_t m = (5 * of_year + 2) / 153;

	*day = (int)(of_year - (153 * m + 2) / 5 + 1);
	*month = (int)(m < 10 ? m + 3 : m - 9);
	*year = (int)(y + era * 400 + (*month <= 2));
}

/* 1 is Sunday. */
static int weekday_of(int64_t days)
{
	return (int)((days % 7 + 7 + 4) % 7) + 1;
}

static int length_of(int year, int month)
{
	return (int)(month == 12 ? fa_days_of(year + 1, 1, 1) - fa_days_of(year, 12, 1) :
				   fa_days_of(year, month + 1, 1) - fa_days_of(year, month, 1));
}

/* ---- fields ---------------------------------------------------------------- */

static const char *const months[] = { "JAN", "FEB", "MAR", "APR", "MAY", "JUN",
				      "JUL", "AUG", "SEP", "OCT", "NOV", "DEC", NULL };
static const char *const weekdays[] = { "SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT", NULL };

struct field {
	const char *name;
	int min, max;
	const char *const *names; /* of min and those that follow */
};

enum { MINUTES, HOURS, DAYS, MONTHS, WEEKDAYS, YEARS, FIELDS };

static const struct field fields[FIELDS] = {
	[MINUTES] = { "minutes", 0, 59, NULL },
	[HOURS] = { "hours", 0, 23, NULL },
	[DAYS] = { "day-of-month", 1, 31, NULL },
	[MONTHS] = { "month", 1, 12, months },
	[WEEKDAYS] = { "day-of-week", 1, 7, weekdays },
	[YEARS] = { "year", FIRST_YEAR, LAST_YEAR, NULL },
};

static void set_bit(uint64_t *set, int bit)
{
	set[bit / 64] |= UINT64_C(1) << bit % 64;
}

static bool has_bit(const uint64_t *set, int bit)
{
	return set[bit / 64] >> bit % 64 & 1;
}

static char upper(char c)
{
	return c >= 'a' && c <= 'z' ? (char)(c & ~0x20) : c;
}

static bool starts_with(const char *text, const char *name)
{
	while (*name && upper(*text) == *name)
		text++, name++;
	return !*name;
}

/* A number or a name at *at, which moves on. */
static bool read_value(const struct field *f, const char **at, int *value)
{
	int n = 0, digits = 0;

	for (int i = 0; f->names && f->names[i]; i++)
		if (starts_with(*at, f->names[i])) {
			*value = f->min + i;
			*at += 3;
			return true;
		}
	for (; (*at)[digits] >= '0' && (*at)[digits] <= '9' && digits < 5; digits++)
		n = n * 10 + ((*at)[digits] - '0');
	*at += digits;
	*value = n;
	return digits && digits < 5;
}

static bool is_within(const struct field *f, int value)
{
	return value >= f->min && value <= f->max;
}

/* "*", "5", "1-5", and each with "/2"; from a single value steps go on to the end. */
static bool read_item(const struct field *f, const char **at, uint64_t *set)
{
	int first = f->min, last = f->max, step = 1, count = f->max - f->min + 1;
	bool alone = false;

	if (**at == '*') {
		++*at;
	} else {
		if (!read_value(f, at, &first) || !is_within(f, first))
			return false;
		alone = **at != '-';
		if (!alone) {
			++*at;
			if (!read_value(f, at, &last) || !is_within(f, last))
				return false;
		}
	}
	if (**at == '/') {
		++*at;
		if (!read_value(&(const struct field){ .names = NULL }, at, &step) || step < 1)
			return false;
		alone = false;
	}
	if (alone)
		last = first;
	if (last < first)
		last += count; /* around the end */
	for (int value = first; value <= last; value += step)
		set_bit(set, (value > f->max ? value - count : value) -
				     (f->min >= FIRST_YEAR ? FIRST_YEAR : 0));
	return true;
}

static bool read_set(const struct field *f, const char *text, uint64_t *set)
{
	for (;;) {
		if (!read_item(f, &text, set))
			return false;
		if (!*text)
			return true;
		if (*text++ != ',')
			return false;
	}
}

static bool read_days(struct fa_cron *c, const char *text)
{
	const char *at = text;
	uint64_t set = 0;

	c->any_day = !strcmp(text, "?");
	c->last_day = !strcmp(text, "L") || !strcmp(text, "l");
	c->last_weekday = starts_with(text, "LW") && !text[2];
	if (c->any_day || c->last_day || c->last_weekday)
		return true;
	if (read_value(&fields[DAYS], &at, &c->nearest) && upper(*at) == 'W' && !at[1])
		return is_within(&fields[DAYS], c->nearest);
	c->nearest = 0;
	if (!read_set(&fields[DAYS], text, &set))
		return false;
	c->days = (uint32_t)set;
	return true;
}

static bool read_weekdays(struct fa_cron *c, const char *text)
{
	const char *at = text;
	uint64_t set = 0;
	int value;

	c->any_weekday = !strcmp(text, "?");
	if (c->any_weekday)
		return true;
	if (!strcmp(text, "L") || !strcmp(text, "l")) {
		c->weekdays = 1 << 7;
		return true;
	}
	if (read_value(&fields[WEEKDAYS], &at, &value) && is_within(&fields[WEEKDAYS], value)) {
		if (upper(*at) == 'L' && !at[1]) {
			c->last_of = value;
			return true;
		}
		if (*at == '#' && at[1] >= '1' && at[1] <= '5' && !at[2]) {
			c->nth_of = value;
			c->nth = at[1] - '0';
			return true;
		}
	}
	if (!read_set(&fields[WEEKDAYS], text, &set))
		return false;
	c->weekdays = (uint32_t)set;
	return true;
}

static bool read_field(struct fa_cron *c, int which, const char *text)
{
	uint64_t set = 0;
	bool good;

	switch (which) {
	case DAYS:
		return read_days(c, text);
	case WEEKDAYS:
		return read_weekdays(c, text);
	case YEARS:
		return read_set(&fields[YEARS], text, c->years);
	case MINUTES:
		return read_set(&fields[MINUTES], text, &c->minutes);
	default:
		good = read_set(&fields[which], text, &set);
		*(which == HOURS ? &c->hours : &c->months) = (uint32_t)set;
		return good;
	}
}

int fa_cron_parse(struct fa_cron *cron, const char *text, struct faas_error *err)
{
	struct fa_cron c = { .minutes = 0 };
	char word[128];

	for (int i = 0; i < FIELDS; i++) {
		size_t len;

		text += strspn(text, " \t");
		len = strcspn(text, " \t");
		if (!len || len >= sizeof(word))
			return fa_error(err, FAAS_EINVAL,
					"cron has six fields: minutes hours day-of-month month "
					"day-of-week year");
		snprintf(word, sizeof(word), "%.*s", (int)len, text);
		text += len;
		if (!read_field(&c, i, word))
			return fa_error(err, FAAS_EINVAL,
					"'%.40s' cannot be in the field %s of cron", word,
					fields[i].name);
	}
	if (text[strspn(text, " \t")])
		return fa_error(err, FAAS_EINVAL, "cron has six fields and no more");
	if (c.any_day == c.any_weekday)
		return fa_error(err, FAAS_EINVAL,
				"of day-of-month and day-of-week one must be ?, and one only");
	*cron = c;
	return 0;
}

/* ---- next -------------------------------------------------------------------- */

/* The one weekday nearest to a day, but in the same month. */
static int nearest_weekday(int64_t first, int length, int day)
{
	int weekday;

	if (day > length)
		return 0;
	weekday = weekday_of(first + day - 1);
	if (weekday == 7)
		return day > 1 ? day - 1 : day + 2;
	if (weekday == 1)
		return day < length ? day + 1 : day - 2;
	return day;
}

static uint32_t weekdays_of_month(const struct fa_cron *c, int64_t first, int length)
{
	uint32_t set = 0;

	for (int day = 1; day <= length; day++) {
		int weekday = weekday_of(first + day - 1);

		if (c->last_of ? weekday == c->last_of && day + 7 > length :
		    c->nth     ? weekday == c->nth_of && (day + 6) / 7 == c->nth :
				 c->weekdays >> weekday & 1)
			set |= UINT32_C(1) << day;
	}
	return set;
}

/* Which days of a month count, as bits from 1. */
static uint32_t days_of_month(const struct fa_cron *c, int year, int month)
{
	int64_t first = fa_days_of(year, month, 1);
	int length = length_of(year, month), day = 0;

	if (c->any_day)
		return weekdays_of_month(c, first, length);
	if (c->last_day)
		day = length;
	else if (c->last_weekday)
		day = nearest_weekday(first, length, length);
	else if (c->nearest)
		day = nearest_weekday(first, length, c->nearest);
	else
		return c->days & (uint32_t)((UINT64_C(2) << length) - 1);
	return day ? UINT32_C(1) << day : 0;
}

/* The first minute of a day from `from` on; -1: none. */
static int minute_of_day(const struct fa_cron *c, int from)
{
	for (int hour = from / 60; hour < 24; hour++, from = hour * 60) {
		uint64_t left = c->minutes >> from % 60 << from % 60;

		if (c->hours >> hour & 1 && left)
			return hour * 60 + __builtin_ctzll(left);
	}
	return -1;
}

int64_t fa_cron_next(const struct fa_cron *c, int64_t after_min)
{
	int64_t start = after_min < -1 ? 0 : after_min + 1;
	int first_year, first_month, first_day, from = (int)(start % 1440), minute;

	fa_date_of(start / 1440, &first_year, &first_month, &first_day);
	for (int year = first_year; year <= LAST_YEAR; year++, first_month = first_day = 1) {
		if (!has_bit(c->years, year - FIRST_YEAR))
			continue;
		for (int month = first_month; month <= 12; month++, first_day = 1) {
			uint32_t days = c->months >> month & 1 ? days_of_month(c, year, month) : 0;

			for (int day = first_day; day <= 31; day++) {
				int64_t at = fa_days_of(year, month, day) * 1440;

				if (!(days >> day & 1))
					continue;
				minute = minute_of_day(c, at < start ? from : 0);
				if (minute >= 0)
					return at + minute;
			}
		}
	}
	return INT64_MAX;
}

/* ---- expressions ------------------------------------------------------------------ */

static int parse_rate(struct fa_schedule *s, const char *text, struct faas_error *err)
{
	static const struct {
		const char *one, *many;
		int64_t seconds;
	} units[] = { { "minute", "minutes", 60 }, { "hour", "hours", 3600 },
		      { "day", "days", 86400 } };
	char unit[16], rest;
	int n;

	if (sscanf(text, "%d %15[a-z]%c", &n, unit, &rest) == 2 && n >= 1 && n <= 1000000 &&
	    *text >= '0' && *text <= '9')
		for (size_t i = 0; i < sizeof(units) / sizeof(*units); i++)
			if (!strcmp(unit, n == 1 ? units[i].one : units[i].many)) {
				s->every_s = n * units[i].seconds;
				return 0;
			}
	return fa_error(err, FAAS_EINVAL,
			"rate needs a number from 1 on, and minute, hour or day, in the plural "
			"from 2 on");
}

static int parse_at(struct fa_schedule *s, const char *text, struct faas_error *err)
{
	int year, month, day, hour, minute, second, length = 0;

	if (sscanf(text, "%4d-%2d-%2dT%2d:%2d:%2d%n", &year, &month, &day, &hour, &minute, &second,
		   &length) != 6 || length != 19 || text[length] || year < FIRST_YEAR ||
	    year > LAST_YEAR || month < 1 || month > 12 || day < 1 ||
	    day > length_of(year, month) || hour > 23 || minute > 59 || second > 59 || hour < 0 ||
	    minute < 0 || second < 0)
		return fa_error(err, FAAS_EINVAL, "at needs a date and time: yyyy-mm-ddThh:mm:ss");
	s->at_s = fa_days_of(year, month, day) * 86400 + hour * 3600 + minute * 60 + second;
	return 0;
}

int fa_schedule_parse(struct fa_schedule *schedule, const char *text, struct fa_zone *zone,
		      struct faas_error *err)
{
	static const char *const kinds[] = { "rate(", "cron(", "at(" };
	struct fa_schedule s = { .zone = zone };
	size_t len = strlen(text), i = 0;
	char inner[256];
	int rc;

	while (i < 3 && strncmp(text, kinds[i], strlen(kinds[i])) != 0)
		i++;
	if (i == 3 || text[len - 1] != ')' || len >= sizeof(inner))
		return fa_error(err, FAAS_EINVAL,
				"'%.80s' is no schedule: expected rate(...), cron(...) or at(...)",
				text);
	s.kind = (enum fa_schedule_kind)i;
	text += strlen(kinds[i]);
	snprintf(inner, sizeof(inner), "%.*s", (int)strlen(text) - 1, text);
	rc = i == 0 ? parse_rate(&s, inner, err) :
	     i == 1 ? fa_cron_parse(&s.cron, inner, err) :
		      parse_at(&s, inner, err);
	if (!rc)
		*schedule = s;
	return rc;
}

static int64_t next_cron(const struct fa_schedule *s, int64_t after_s)
{
	int64_t local_s = after_s + fa_zone_offset(s->zone, after_s), at_s;
	int64_t minute = local_s / 60;

	do {
		minute = fa_cron_next(&s->cron, minute);
		if (minute == INT64_MAX)
			return minute;
		at_s = fa_zone_unix(s->zone, minute * 60);
	} while (at_s <= after_s); /* never, or it was there before the clocks went back */
	return at_s;
}

int64_t fa_schedule_next(const struct fa_schedule *s, int64_t made_s, int64_t after_s)
{
	int64_t at_s;

	switch (s->kind) {
	case FA_SCHEDULE_RATE:
		if (after_s < made_s)
			return made_s;
		return made_s + ((after_s - made_s) / s->every_s + 1) * s->every_s;
	case FA_SCHEDULE_AT:
		at_s = fa_zone_unix(s->zone, s->at_s);
		return at_s > after_s ? at_s : INT64_MAX;
	default:
		return next_cron(s, after_s);
	}
}
