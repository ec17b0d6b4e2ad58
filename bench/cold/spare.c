/* SPDX-License-Identifier: MIT */

/*
 * The first event of a provisioned environment beside the last of a row of warm
 * calls, one right after the other: all that could be warm in the host is. The
 * handler says that it never ran before: one that did ends the benchmark, for
 * here there is no excuse.
 */

#include "cold.h"
#include "ours.h"

#include <string.h>

#define PAUSE_US 500 /* for the environment to come to rest */
#define ROW 20

/* Returns its nanoseconds. */
static uint64_t call(struct faas *rt, const char *name, bool first)
{
	static const char event[64] = "an event of 64 bytes";
	struct faas_result *r;
	uint64_t start, took;
	uint32_t before;

	start = bench_now();
	r = ours_call(rt, name, event, sizeof(event));
	took = bench_now() - start;
	if (r->code != FAAS_OK || r->payload.len != sizeof(before) + sizeof(event) ||
	    memcmp((const char *)r->payload.data + sizeof(before), event, sizeof(event)) != 0)
		bench_die("%s ended with %s %s", name, faas_strerror(r->code), r->error_type);
	memcpy(&before, r->payload.data, sizeof(before));
	if ((before == 0) != first || r->init_ms != 0)
		bench_die("%s: %u events came before this one, init took %f ms", name, before,
			  r->init_ms);
	faas_free(r);
	return took;
}

static uint64_t last_of_a_row(struct faas *rt, const char *name)
{
	for (int i = 1; i < ROW; i++)
		call(rt, name, false);
	return call(rt, name, false);
}

static void await_ready(struct faas *rt, const char *name)
{
	struct faas_function_info *info = NULL;
	struct faas_error err;
	bool ready = false;

	for (int tries = 0; !ready; tries++) {
		if (faas_function_get(rt, name, &info, &err) < 0)
			bench_die("%s: %s", name, err.message);
		ready = info->provisioned_available == info->provisioned_requested;
		if (tries == 20000)
			bench_die("%s: %s %s", name, info->provisioned_status,
				  info->provisioned_reason);
		faas_free(info);
		bench_sleep_us(PAUSE_US);
	}
}

static void renew(struct faas *rt, const char *name)
{
	struct faas_error err;

	if (faas_recycle(rt, name, &err) < 0)
		bench_die("%s: %s", name, err.message);
	await_ready(rt, name);
}

static struct faas *open_both(void)
{
	struct faas *rt = ours_open(NULL, SILENT);

	ours_function(rt, &(struct ours_function){ .name = "warm", .handler = "plugin.fresh",
						   .kind = FAAS_PROCESS });
	ours_function(rt, &(struct ours_function){ .name = "ready", .handler = "plugin.fresh",
						   .kind = FAAS_PROCESS, .provisioned = 1 });
	faas_free(ours_call(rt, "warm", "", 0));
	await_ready(rt, "ready");
	return rt;
}

void spare(const struct options *options)
{
	size_t n = bench_scaled(options, 200);
	struct samples warm, first;
	struct faas *rt;

	bench_pin(0);
	rt = open_both();
	samples_open(&warm, n);
	samples_open(&first, n);
	for (int round = 0; round < options->rounds; round++) {
		samples_clear(&warm);
		samples_clear(&first);
		for (size_t i = 0; i < n; i++) {
			renew(rt, "ready");
			samples_add(&warm, last_of_a_row(rt, "warm"));
			samples_add(&first, call(rt, "ready", true));
		}
		report_latency("spare.warm", &warm);
		report_latency("spare.ours", &first);
	}
	samples_close(&warm);
	samples_close(&first);
	ours_close(rt);
	bench_pin(-1);
}
