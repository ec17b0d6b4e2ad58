/* SPDX-License-Identifier: MIT */
/*
 * /proc tells the children of each thread. Process 1 of a namespace inherits all orphans, so
 * who descends from it is everybody in there. What is born or dies while we count may be
 * missed; it is there, or not, the next time.
 */
#include <env/census.h>

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <env/meter.h>

struct walk {
	int pids[FA_CENSUS_MAX], count;
};

static void add_children(struct walk *walk, int pid, const char *thread)
{
	char path[64], text[4096], *at = text, *end;

	snprintf(path, sizeof(path), "/proc/%d/task/%.16s/children", pid, thread);
	if (!fa_proc_read(path, text, sizeof(text)))
		return;
	while (walk->count < FA_CENSUS_MAX) {
		long child = strtol(at, &end, 10);

		if (end == at || *end != ' ') /* one that was cut is none */
			return;
		walk->pids[walk->count++] = (int)child;
		at = end;
	}
}

static void look_into(struct walk *walk, int pid)
{
	const struct dirent *entry;
	char path[32];
	DIR *threads;

	snprintf(path, sizeof(path), "/proc/%d/task", pid);
	threads = opendir(path);
	while (threads && (entry = readdir(threads)))
		if (*entry->d_name != '.')
			add_children(walk, pid, entry->d_name);
	if (threads)
		closedir(threads);
}

static void count(struct fa_census *census, int pid)
{
	struct timespec cpu;

	if (fa_usage_add(&census->usage, pid) && !clock_gettime(fa_meter_clock(pid), &cpu))
		census->cpu_ns += (int64_t)cpu.tv_sec * 1000000000 + cpu.tv_nsec;
}

void fa_census(struct fa_census *census, int pid)
{
	struct walk walk = { .pids = { pid }, .count = 1 };

	memset(census, 0, sizeof(*census));
	for (int i = 0; i < walk.count; i++) {
		count(census, walk.pids[i]);
		look_into(&walk, walk.pids[i]);
	}
}
