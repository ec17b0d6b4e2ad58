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

struct samples {
	int count;
	double *ms;
};

static int by_value(const void *a, const void *b)
{
	double left = *(const double *)a, right = *(const double *)b;

	return (left > right) - (left < right);
}

/* The smallest value that is not exceeded by `percent` of all. */
static double percentile(const struct samples *samples, int percent)
{
	int rank = (samples->count * percent + 99) / 100;

	return samples->ms[rank > 0 ? rank - 1 : 0];
}

static void show_row(const char *name, struct samples *samples)
{
	printf("  %-34s %5d", name, samples->count);
	if (samples->count) {
		qsort(samples->ms, (size_t)samples->count, sizeof(double), by_value);
		printf("  %9.2f ms  %9.2f ms", percentile(samples, 50), percentile(samples, 99));
	}
	putchar('\n');
}

static double waited(const struct picture *picture)
{
	return picture->waited_ms;
}

static double on_the_way(const struct picture *picture)
{
	return picture->waited_ms - picture->handler_ms;
}

static bool was_cold(const struct picture *picture)
{
	return picture->ran && !picture->failed && picture->init_ms > 0;
}

static bool was_warm(const struct picture *picture)
{
	return picture->ran && !picture->failed && !(picture->init_ms > 0);
}

static void row(const char *name, const struct picture *pictures, int count,
		bool (*wanted)(const struct picture *), double (*value)(const struct picture *))
{
	struct samples samples = { 0, malloc((size_t)count * sizeof(double)) };

	if (!samples.ms)
		return;
	for (int i = 0; i < count; i++)
		if (wanted(&pictures[i]))
			samples.ms[samples.count++] = value(&pictures[i]);
	show_row(name, &samples);
	free(samples.ms);
}

void show_table(const struct picture *pictures, int count)
{
	int refused = 0, failed = 0;

	for (int i = 0; i < count; i++) {
		refused += !pictures[i].ran;
		failed += pictures[i].ran && pictures[i].failed;
	}
	printf("\n  %-34s %5s  %12s  %12s\n", "", "count", "p50", "p99");
	row("cold starts, call to answer", pictures, count, was_cold, waited);
	row("   of it outside the handler", pictures, count, was_cold, on_the_way);
	row("warm starts, call to answer", pictures, count, was_warm, waited);
	row("   of it outside the handler", pictures, count, was_warm, on_the_way);
	printf("  %-34s %5d  %d failed in the function, %d refused before it\n", "errors",
	       failed + refused, failed, refused);
}

void show_bill(struct faas *rt)
{
	struct faas_stats stats = { .size = sizeof(stats) };

	if (!faas_stats(rt, &stats))
		printf("\nBilled: %.3f s, %.3f GB-seconds, $%.7f at AWS's price.\n",
		       (double)stats.billed_ms / 1e3, stats.gb_seconds, stats.cost);
}
