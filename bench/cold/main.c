/* SPDX-License-Identifier: MIT */

/* bench/cold: environments that begin, end, and wait. */

#include "cold.h"

static const struct group groups[] = {
	{ "start1", start_one_cpu },
	{ "start2", start_two_cpus },
	{ "steady1", steady_one_cpu },
	{ "steady2", steady_two_cpus },
	{ "snapshot1", snapshot_one_cpu },
	{ "snapshot", snapshot_two_cpus },
	{ "snapshot64", snapshot_of_heap },
	{ "burst", burst },
	{ "first", first_ever },
	{ "spare", spare },
	{ "births", raw_births },
	{ "timeout", timeouts },
	{ "memory", idle_memory },
	{ "wakeups", idle_wakeups },
	{ "crowds", crowds },
};

int main(int argc, char **argv)
{
	return bench_main(argc, argv, groups, sizeof(groups) / sizeof(*groups));
}
