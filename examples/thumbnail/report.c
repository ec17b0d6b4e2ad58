/* SPDX-License-Identifier: MIT */
#include "report.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

const char *base_name(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}

/* Colours only for eyes: a file or a pipe gets plain text. */
static const char *colour(const char *code)
{
	return isatty(STDOUT_FILENO) ? code : "";
}

#define DIM colour("\033[2m")
#define RED colour("\033[31m")
#define BOLD colour("\033[1m")
#define PLAIN colour("\033[0m")

static const char *size(char text[16], size_t bytes)
{
	if (bytes < 1000 * 1000)
		snprintf(text, 16, "%.0f KB", (double)bytes / 1e3);
	else
		snprintf(text, 16, "%.1f MB", (double)bytes / 1e6);
	return text;
}

/* The report has a line per layer. What is applied need not be read every time. */
static void show_missing(const char *text)
{
	while (*text) {
		int len = (int)strcspn(text, "\n");

		if (memmem(text, (size_t)len, "MISSING", 7))
			printf("    %.*s\n", len, text);
		text += len + (text[len] == '\n');
	}
}

void show_isolation(struct faas *rt)
{
	struct faas_isolation *isolation;

	if (faas_isolation_report(rt, &isolation, NULL))
		return;
	printf("Isolation: %d layers applied, %d missing\n",
	       __builtin_popcount(isolation->applied), __builtin_popcount(isolation->missing));
	show_missing(isolation->text);
	putchar('\n');
	faas_free(isolation);
}

/* The tabs of a REPORT line are for machines. */
static void show_report(const char *line)
{
	printf("    %s", DIM);
	for (; *line; line++)
		if (*line != '\t')
			putchar(*line);
		else if (line[1])
			fputs("  ", stdout);
	printf("%s\n", PLAIN);
}

void show_picture(int number, const struct picture *picture, const char *report)
{
	char in[16], out[16];

	printf("%2d  %s%s%s, %s", number, BOLD, base_name(picture->path), PLAIN,
	       size(in, picture->bytes));
	if (picture->failed)
		printf("\n    %s%s%s\n", RED, picture->outcome, PLAIN);
	else
		printf(" -> %s, %s\n", picture->outcome, size(out, picture->thumbnail_bytes));
	if (report)
		show_report(report);
	fflush(stdout);
}

/* ---- the table at the end --------------------------------------------- */

static double waited(const struct picture *picture)
{
	return picture->waited_ms;
}

static double outside(const struct picture *picture)
{
	return picture->waited_ms - picture->handler_ms;
}

static bool is_cold(const struct picture *picture)
{
	return picture->ran && picture->init_ms > 0;
}

static bool is_warm(const struct picture *picture)
{
	return picture->ran && !is_cold(picture);
}

static bool has_not_run(const struct picture *picture)
{
	return !picture->ran;
}

static bool is_any(const struct picture *picture)
{
	(void)picture;
	return true;
}

static int by_value(const void *a, const void *b)
{
	double left = *(const double *)a, right = *(const double *)b;

	return (left > right) - (left < right);
}

/* The smallest of the sorted values that `percent` of all do not exceed. */
static double percentile(const double *values, int count, int percent)
{
	return values[(count * percent + 99) / 100 - 1];
}

struct row {
	const char *name;
	bool (*belongs)(const struct picture *picture);
};

/* Only pictures that became thumbnails: a refusal is fast, a bomb is slow. */
static void show_times(const struct row *row, const struct picture *pictures, int count,
		       double (*value)(const struct picture *picture))
{
	double *values = malloc((size_t)count * sizeof(double));
	int used = 0;

	for (int i = 0; values && i < count; i++)
		if (row->belongs(&pictures[i]) && !pictures[i].failed)
			values[used++] = value(&pictures[i]);
	if (used) {
		qsort(values, (size_t)used, sizeof(double), by_value);
		printf("  %9.2f %9.2f", percentile(values, used, 50), percentile(values, used, 99));
	}
	free(values);
}

static void show_row(const struct row *row, const struct picture *pictures, int count)
{
	int members = 0, errors = 0;

	for (int i = 0; i < count; i++) {
		members += row->belongs(&pictures[i]);
		errors += row->belongs(&pictures[i]) && pictures[i].failed;
	}
	printf("  %-12s %6d %7d", row->name, members, errors);
	if (row->belongs == is_cold || row->belongs == is_warm) {
		show_times(row, pictures, count, waited);
		show_times(row, pictures, count, outside);
	}
	putchar('\n');
}

void show_table(const struct picture *pictures, int count)
{
	static const struct row rows[] = {
		{ "cold starts", is_cold },
		{ "warm starts", is_warm },
		{ "never ran", has_not_run },
		{ "all", is_any },
	};

	printf("\n%52s %20s\n", "call to answer, ms", "outside the handler");
	printf("  %-12s %6s %7s  %9s %9s  %9s %9s\n", "", "count", "errors", "p50", "p99", "p50",
	       "p99");
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++)
		show_row(&rows[i], pictures, count);
}

void show_bill(struct faas *rt)
{
	struct faas_stats stats = { .size = sizeof(stats) };

	if (!faas_stats(rt, &stats))
		printf("\nBilled: %.3f s, %.3f GB-seconds, $%.7f at AWS's price.\n",
		       (double)stats.billed_ms / 1e3, stats.gb_seconds, stats.cost);
}
