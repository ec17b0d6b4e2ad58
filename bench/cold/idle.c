/* SPDX-License-Identifier: MIT */

/*
 * What waiting costs: private memory and page tables of an idle environment
 * as the kernel counts them, how many of them live, and how often anything of
 * ours wakes up while nothing is asked of it.
 */

#include "cold.h"
#include "ours.h"
#include "proc.h"

#include <unistd.h>

#define ENVIRONMENT_DEPTH 3 /* program -> supervisor -> nest -> environment */
#define IDLE_S 3

static struct faas *open_with(int environments)
{
	struct faas *rt = ours_open(NULL, SILENT);

	ours_function(rt, &(struct ours_function){ .name = "nap", .handler = "plugin.nap",
						   .kind = FAAS_PROCESS });
	ours_populate(rt, "nap", environments);
	bench_sleep_us(300000);
	return rt;
}

struct footprint {
	long dirty_kb, tables_kb, pss_kb;
	int counted, alive;
};

static void add(struct footprint *f, pid_t pid)
{
	long dirty = proc_field(pid, "smaps_rollup", "Private_Dirty");
	long tables = proc_field(pid, "status", "VmPTE");

	f->alive++;
	if (dirty < 0 || tables < 0 || f->counted >= 100)
		return;
	f->dirty_kb += dirty;
	f->tables_kb += tables;
	f->pss_kb += proc_field(pid, "smaps_rollup", "Pss");
	f->counted++;
}

static struct footprint measure(void)
{
	struct footprint f = { 0 };
	struct family family;

	family_open(&family);
	for (size_t i = 0; i < family.n; i++)
		if (family.depth[i] == ENVIRONMENT_DEPTH)
			add(&f, family.pids[i]);
	family_close(&family);
	return f;
}

static void report_footprint(const char *key)
{
	struct footprint f = measure();

	report_value(f.alive, "%s.alive", key);
	if (!f.counted) {
		report_note(key, "the kernel shows no smaps_rollup of environments to this user");
		return;
	}
	report_value((double)f.dirty_kb / f.counted, "%s.private_dirty_kb", key);
	report_value((double)f.tables_kb / f.counted, "%s.page_tables_kb", key);
	report_value((double)(f.dirty_kb + f.tables_kb) / f.counted, "%s.total_kb", key);
	report_value((double)f.pss_kb / f.counted, "%s.pss_kb", key);
}

void idle_memory(const struct options *options)
{
	struct faas *rt = open_with(64);

	(void)options;
	report_footprint("idle64");
	ours_close(rt);
}

/* A thousand at once, then two thousand that wait. */
void crowds(const struct options *options)
{
	int busy = options->scale < 1 ? 200 : 1000;
	uint64_t start = bench_now();
	struct faas *rt = open_with(busy);

	report_value((double)(bench_now() - start) / 1e6, "crowd.busy%d.took_ms", busy);
	report_value(ours_environments(rt, "nap"), "crowd.busy.environments");
	ours_populate(rt, "nap", 2 * busy);
	report_value(ours_environments(rt, "nap"), "crowd.idle.environments");
	bench_sleep_us(300000);
	report_footprint("crowd.idle");
	ours_close(rt);
}

static uint64_t switches_of_all(const struct family *family)
{
	uint64_t sum = proc_switches(getpid(), gettid());

	for (size_t i = 0; i < family->n; i++)
		sum += proc_switches(family->pids[i], 0);
	return sum;
}

void idle_wakeups(const struct options *options)
{
	struct faas *rt = open_with(8);
	struct family family;
	uint64_t before;

	bench_sleep_us(1000000);
	family_open(&family);
	for (int round = 0; round < (options->rounds < 3 ? 1 : 3); round++) {
		before = switches_of_all(&family);
		bench_sleep_us(IDLE_S * 1000000);
		report_value((double)(switches_of_all(&family) - before) / IDLE_S,
			     "wakeups.per_s");
	}
	report_value((double)family.n, "wakeups.processes");
	family_close(&family);
	ours_close(rt);
}
