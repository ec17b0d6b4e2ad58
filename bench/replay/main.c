/* SPDX-License-Identifier: MIT */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "replay.h"

#define WANTED 1.2 /* times the clairvoyant's cold seconds */

struct options {
	const char *dir;
	double gb[16];
	int sizes, from, to;
	uint64_t seed;
};

static int usage(void)
{
	fputs("usage: replay DIR [--gb N]... [--minutes FROM-TO] [--seed N]\n"
	      "DIR has invocations.csv, durations.csv and memory.csv of Azure Functions 2019.\n"
	      "Without --gb: what 500 such functions would share on 8, 16 and 32 GB.\n",
	      stderr);
	return 2;
}

static bool read_option(struct options *o, const char *name, const char *value)
{
	if (!strcmp(name, "--gb") && o->sizes < 16)
		return (o->gb[o->sizes++] = atof(value)) > 0;
	if (!strcmp(name, "--minutes"))
		return sscanf(value, "%d-%d", &o->from, &o->to) == 2 && o->from >= 0 &&
		       o->from < o->to;
	if (!strcmp(name, "--seed"))
		return (o->seed = strtoull(value, NULL, 10)) != 0;
	return false;
}

static bool read_options(struct options *o, int argc, char **argv)
{
	for (int i = 1; i < argc; i++)
		if (argv[i][0] != '-' && !o->dir)
			o->dir = argv[i];
		else if (i + 1 >= argc || !read_option(o, argv[i], argv[i + 1]))
			return false;
		else
			i++;
	return o->dir;
}

static void print(const char *name, const struct totals *t, long events, double best_s)
{
	printf("  %-20s %8.3f %% %11.1f s %7.2fx %9.0f MB %8.0f MB", name,
	       100.0 * (double)t->cold / (double)(events ? events : 1), t->cold_s,
	       t->cold_s / best_s, t->mean_mb, t->idle_mb);
	if (t->ahead)
		printf("   %ld ahead, %ld of use, %.1f s", t->ahead, t->used, t->ahead_s);
	if (t->over)
		printf("   %ld beyond the memory", t->over);
	putchar('\n');
}

static void compare(const struct trace *trace, const struct foresight *future, double gb)
{
	static const struct {
		const char *name;
		struct rules rules;
	} all[] = {
		{ "fixed, 10 minutes", { .keep = FAAS_KEEP_FIXED, .idle_ns = 10 * MINUTE_NS } },
		{ "fixed, 5 minutes", { .keep = FAAS_KEEP_FIXED } },
		{ "LRU", { .keep = FAAS_KEEP_LRU } },
		{ "(none ahead)", { .keep = FAAS_KEEP_GREEDY, .no_ahead = true } },
		{ "Greedy-Dual", { .keep = FAAS_KEEP_GREEDY } },
	};
	struct rules clairvoyant = { .clairvoyant = true, .memory_mb = gb * 1024 };
	struct totals best = replay(trace, future, &clairvoyant), t;
	char title[32];

	snprintf(title, sizeof(title), "%.2f GB", gb);
	printf("\n%-20.20s cold starts         weighted  to best  mean memory  of it idle\n",
	       title);
	for (unsigned i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
		struct rules rules = all[i].rules;

		rules.memory_mb = gb * 1024;
		t = replay(trace, future, &rules);
		print(all[i].name, &t, trace->events, best.cold_s);
	}
	print("clairvoyant", &best, trace->events, best.cold_s);
	printf("  of which the first of each, cold in any memory: %.1f s\n",
	       first_cold_s(trace, future));
	printf("  wanted of Greedy-Dual: <= %.2fx: %s\n", WANTED,
	       t.cold_s <= WANTED * best.cold_s ? "ok" : "MISSED");
}

int main(int argc, char **argv)
{
	static const double machine_gb[] = { 8, 16, 32 };
	struct options o = { .seed = 1 };
	struct foresight *future;
	struct trace trace;

	if (!read_options(&o, argc, argv))
		return usage();
	trace_load(&trace, o.dir);
	if (!o.to || o.to > trace.minutes)
		o.to = trace.minutes;
	if (o.from >= o.to)
		return usage();
	trace_unfold(&trace, o.from, o.to, o.seed);
	future = foresee(&trace);
	printf("%d functions, %ld invocations in %d minutes\n", trace.count, trace.events,
	       o.to - o.from);
	if (!o.sizes)
		for (; o.sizes < 3; o.sizes++)
			o.gb[o.sizes] = machine_gb[o.sizes] * trace.count / 500;
	for (int i = 0; i < o.sizes; i++)
		compare(&trace, future, o.gb[i]);
	return 0;
}
