/* SPDX-License-Identifier: MIT */

/* bench/invoke: calls of functions whose environments are warm. */

#include "invoke.h"

static const struct group groups[] = {
	{ "warm1", warm_one_cpu },
	{ "warm1-listening", warm_one_cpu_listening },
	{ "warm2", warm_two_cpus },
	{ "pipes", raw_pipes },
	{ "payloads", payloads },
	{ "saturation", saturation },
	{ "listening", listening },
	{ "threads", threads },
	{ "inline", inline_calls },
	{ "pristine", pristine },
	{ "functions", growth_functions },
	{ "environments", growth_environments },
	{ "neighbours", neighbours },
	{ "curves", curves },
	{ "durable", durable_accept },
	{ "restart", durable_restart },
	{ "queue", queue_in_memory },
	{ "queue-durable", queue_on_disk },
	{ "calls", one_call },
};

int main(int argc, char **argv)
{
	return bench_main(argc, argv, groups, sizeof(groups) / sizeof(*groups));
}
