/* SPDX-License-Identifier: MIT */
/*
 * Time zones of the system's database (RFC 9636): a list of moments when the offset changes,
 * and behind the last of them a rule in the words of POSIX ("CET-1CEST,M3.5.0,M10.5.0/3").
 * The C library knows them only one at a time, for the whole process, and that is the host's.
 */
#include <source/cron.h>

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <base/error.h>

#define FOLDER "/usr/share/zoneinfo/"
#define NAME_LONGEST 50
#define FILE_MOST (256 << 10)
#define DAY 86400

/* When daylight saving begins or ends: "M3.5.0/2", "J60", "59". */
struct change {
	char kind; /* 'M', 'J' or 'n' */
	int month, week, day;
	int time_s;
};

struct rule {
	bool there, saves;
	int standard_s, saving_s; /* ahead of UTC */
	struct change begin, end;
};

struct fa_zone {
	int count;
	int64_t *moments;
	int *offsets; /* from the moment on */
	int first_s;  /* before all of them */
	struct rule rule;
};

/* ---- the rule ------------------------------------------------------------- */

static bool read_number(const char **at, int most, int *out)
{
	int n = 0, digits = 0;

	for (; **at >= '0' && **at <= '9' && n <= most; ++*at, digits++)
		n = n * 10 + (**at - '0');
	*out = n;
	return digits && n <= most;
}

/* "+h", "h:mm", "-h:mm:ss" */
static bool read_time(const char **at, int *seconds)
{
	int sign = **at == '-' ? -1 : 1, hours, minutes = 0, rest = 0;

	if (**at == '-' || **at == '+')
		++*at;
	if (!read_number(at, 167, &hours))
		return false;
	if (**at == ':' && (++*at, !read_number(at, 59, &minutes)))
		return false;
	if (**at == ':' && (++*at, !read_number(at, 59, &rest)))
		return false;
	*seconds = sign * (hours * 3600 + minutes * 60 + rest);
	return true;
}

static bool skip_name(const char **at)
{
	const char *begin = *at;

	if (**at == '<') {
		*at += strcspn(*at, ">");
		return **at == '>' && ++*at;
	}
	while ((**at | 0x20) >= 'a' && (**at | 0x20) <= 'z')
		++*at;
	return *at - begin >= 3;
}

static bool read_change(const char **at, struct change *c)
{
	*c = (struct change){ .kind = 'n', .time_s = 7200 };
	if (*(*at)++ != ',')
		return false;
	if (**at == 'M') {
		c->kind = 'M';
		++*at;
		if (!read_number(at, 12, &c->month) || *(*at)++ != '.' ||
		    !read_number(at, 5, &c->week) || *(*at)++ != '.' ||
		    !read_number(at, 6, &c->day))
			return false;
	} else {
		if (**at == 'J') {
			c->kind = 'J';
			++*at;
		}
		if (!read_number(at, 365, &c->day))
			return false;
	}
	if (**at != '/')
		return true;
	++*at;
	return read_time(at, &c->time_s);
}

static bool read_rule(struct rule *r, const char *text)
{
	int west;

	if (!*text)
		return true;
	r->there = true;
	if (!skip_name(&text) || !read_time(&text, &west))
		return false;
	r->standard_s = -west;
	if (!*text)
		return true;
	r->saves = true;
	if (!skip_name(&text))
		return false;
	r->saving_s = r->standard_s + 3600;
	if (*text && *text != ',') {
		if (!read_time(&text, &west))
			return false;
		r->saving_s = -west;
	}
	return read_change(&text, &r->begin) && read_change(&text, &r->end) && !*text;
}

static bool is_leap(int year)
{
	return (!(year % 4) && year % 100) || !(year % 400);
}

/* In seconds of the local time that was before it. */
static int64_t change_in(const struct change *c, int year)
{
	int64_t first = fa_days_of(year, 1, 1), day;

	if (c->kind == 'M') {
		int64_t of_month = fa_days_of(year, c->month, 1);
		int64_t next = c->month == 12 ? fa_days_of(year + 1, 1, 1) :
						fa_days_of(year, c->month + 1, 1);
		int weekday = (int)((of_month % 7 + 7 + 4) % 7);

		day = of_month + (c->day - weekday + 7) % 7 + (c->week - 1) * 7;
		while (day >= next)
			day -= 7;
	} else if (c->kind == 'J') {
		day = first + c->day - 1 + (is_leap(year) && c->day >= 60);
	} else {
		day = first + c->day;
	}
	return day * DAY + c->time_s;
}

static int offset_by_rule(const struct rule *r, int64_t unix_s)
{
	int year, month, day;
	int64_t begin, end;

	if (!r->saves)
		return r->standard_s;
	fa_date_of((unix_s + r->standard_s) / DAY, &year, &month, &day);
	begin = change_in(&r->begin, year) - r->standard_s;
	end = change_in(&r->end, year) - r->saving_s;
	if (begin < end ? unix_s >= begin && unix_s < end : unix_s >= begin || unix_s < end)
		return r->saving_s;
	return r->standard_s;
}

/* ---- the file ---------------------------------------------------------------- */

struct counts {
	uint32_t isut, isstd, leap, time, type, chars;
};

static uint32_t read_32(const unsigned char *at)
{
	return (uint32_t)at[0] << 24 | (uint32_t)at[1] << 16 | (uint32_t)at[2] << 8 | at[3];
}

static int64_t read_64(const unsigned char *at)
{
	return (int64_t)((uint64_t)read_32(at) << 32 | read_32(at + 4));
}

/* The counts of the head at `at`, and how much follows; 0: it is none. */
static size_t read_head(struct counts *c, const unsigned char *at, size_t len, size_t word)
{
	if (len < 44 || memcmp(at, "TZif", 4) || at[4] < '2')
		return 0;
	*c = (struct counts){ read_32(at + 20), read_32(at + 24), read_32(at + 28),
			      read_32(at + 32), read_32(at + 36), read_32(at + 40) };
	if (c->isut > 256 || c->isstd > 256 || c->leap > 4096 || c->time > 16384 || !c->type ||
	    c->type > 256 || c->chars > 4096)
		return 0;
	return 44 + c->time * (word + 1) + c->type * 6 + c->chars + c->leap * (word + 4) +
	       c->isstd + c->isut;
}

static int read_moments(struct fa_zone *z, const struct fa_mem *mem, const struct counts *c,
			const unsigned char *at)
{
	const unsigned char *index = at + c->time * 8, *types = index + c->time;

	z->count = (int)c->time;
	z->moments = fa_alloc(mem, (c->time + 1) * sizeof(*z->moments));
	z->offsets = fa_alloc(mem, (c->time + 1) * sizeof(*z->offsets));
	if (!z->moments || !z->offsets)
		return FAAS_ENOMEM;
	z->first_s = (int32_t)read_32(types);
	for (uint32_t i = 0; i < c->time; i++) {
		if (index[i] >= c->type)
			return FAAS_EINVAL;
		z->moments[i] = read_64(at + i * 8);
		z->offsets[i] = (int32_t)read_32(types + index[i] * 6);
	}
	return 0;
}

/* Data of 32 bits come first, for old programs, then those of 64, then a line with the rule. */
static int read_zone(struct fa_zone *z, const struct fa_mem *mem, const unsigned char *data,
		     size_t len)
{
	struct counts c;
	size_t skip = read_head(&c, data, len, 4), size;
	char text[128];
	size_t n = 0;
	int rc;

	if (!skip || skip > len)
		return FAAS_EINVAL;
	data += skip;
	len -= skip;
	size = read_head(&c, data, len, 8);
	if (!size || size >= len || data[size] != '\n')
		return FAAS_EINVAL;
	rc = read_moments(z, mem, &c, data + 44);
	if (rc)
		return rc;
	for (size++; size < len && data[size] != '\n' && n < sizeof(text) - 1; size++)
		text[n++] = (char)data[size];
	text[n] = '\0';
	return read_rule(&z->rule, text) ? 0 : FAAS_EINVAL;
}

static ssize_t read_file(const char *name, unsigned char *out)
{
	char path[sizeof(FOLDER) + NAME_LONGEST];
	struct stat info;
	ssize_t len = -1;
	int fd;

	snprintf(path, sizeof(path), FOLDER "%s", name);
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	if (fd >= 0 && !fstat(fd, &info) && S_ISREG(info.st_mode))
		len = read(fd, out, FILE_MOST);
	if (fd >= 0)
		close(fd);
	return len;
}

/* A name is no way out of the folder. */
static bool is_name(const char *name)
{
	return *name && strlen(name) <= NAME_LONGEST && *name != '/' && !strstr(name, "..") &&
	       strspn(name, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
			    "/_+-") == strlen(name);
}

int fa_zone_open(const struct fa_mem *mem, const char *name, struct fa_zone **out,
		 struct faas_error *err)
{
	struct fa_zone *z = fa_alloc(mem, sizeof(*z));
	unsigned char *data = fa_alloc_dirty(mem, FILE_MOST);
	int rc = z && data ? FAAS_EINVAL : FAAS_ENOMEM;
	ssize_t len = rc == FAAS_EINVAL && is_name(name) ? read_file(name, data) : -1;

	if (len > 0)
		rc = read_zone(z, mem, data, (size_t)len);
	fa_free(data);
	if (!rc) {
		*out = z;
		return 0;
	}
	fa_zone_close(z);
	if (rc == FAAS_ENOMEM)
		return fa_error_nomem(err);
	return fa_error(err, rc, "'%.50s' is no time zone that this system knows", name);
}

void fa_zone_close(struct fa_zone *zone)
{
	if (!zone)
		return;
	fa_free(zone->moments);
	fa_free(zone->offsets);
	fa_free(zone);
}

/* ---- times --------------------------------------------------------------------- */

int fa_zone_offset(const struct fa_zone *z, int64_t unix_s)
{
	int low = 0, high;

	if (!z)
		return 0;
	high = z->count;
	if (z->rule.there && (!high || unix_s >= z->moments[high - 1]))
		return offset_by_rule(&z->rule, unix_s);
	while (low < high) {
		int middle = (low + high) / 2;

		if (z->moments[middle] <= unix_s)
			low = middle + 1;
		else
			high = middle;
	}
	return low ? z->offsets[low - 1] : z->first_s;
}

/* Any offset that could be meant is in force within a day. */
int64_t fa_zone_unix(const struct fa_zone *z, int64_t local_s)
{
	int64_t found = INT64_MIN;

	if (!z)
		return local_s;
	for (int64_t near = local_s + DAY; near >= local_s - DAY; near -= DAY / 4) {
		int64_t unix_s = local_s - fa_zone_offset(z, near);

		if (unix_s + fa_zone_offset(z, unix_s) == local_s &&
		    (found == INT64_MIN || unix_s < found))
			found = unix_s;
	}
	return found;
}
