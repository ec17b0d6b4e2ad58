/* SPDX-License-Identifier: MIT */
/*
 * bench/languages: functions in Python and JavaScript, cold and warm, beside a plain start of
 * the same program, which calls the same handler once and ends; in turns. A handler says how
 * often it was called: only a one counts as cold.
 */
#include "ours.h"

#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

#define COLD 10   /* of each, per round */
#define WARM 500
#define PAUSE_US 20000 /* the dead are buried, what is kept ready is ready again */

struct language {
	const char *name;    /* in the keys */
	const char *runtime; /* "" if this machine has none */
	bool snapshot;
	char *plain[8];      /* the same by hand */
};

static const struct language python = {
	"python", BENCH_PYTHON, false,
	{ "/usr/bin/" BENCH_PYTHON, "-c",
	  "import sys; sys.path.insert(0, '" BENCH_LANGUAGES "'); import handler; "
	  "sys.exit(handler.handler({}, None) != 1)", NULL },
};
static const struct language snapshot = { "python-snapshot", BENCH_PYTHON, true, { NULL } };
static const struct language node = {
	"node", BENCH_NODE, false,
	{ "/usr/bin/node", "-e",
	  "require('" BENCH_LANGUAGES "/handler.js').handler({})"
	  ".then((n) => process.exit(n === 1 ? 0 : 1))", NULL },
};

static struct faas *open_runtime(const struct language *language)
{
	struct faas_error err;
	struct faas *rt = faas_create(FAAS_CONFIG(.worker = BENCH_WORKER,
						  .runtimes = BENCH_RUNTIMES), &err);

	if (!rt || faas_function_create(rt,
					FAAS_FUNCTION(.name = "f", .code = BENCH_LANGUAGES,
						      .handler = "handler.handler",
						      .runtime = language->runtime,
						      .snapshot = language->snapshot,
						      .memory_mb = 512, .timeout_ms = 30000),
					&err))
		bench_die("%s: %s", language->name, err.message);
	return rt;
}

/* How many calls the environment had, this one with them. */
static long call(struct faas *rt, const struct language *language, struct samples *s)
{
	uint64_t start = bench_now();
	struct faas_result *r = ours_call(rt, "f", "{}", 2);
	char text[16] = "";

	samples_add(s, bench_now() - start);
	if (r->code != FAAS_OK || r->payload.len >= sizeof(text))
		bench_die("%s: %.*s", language->name, (int)r->payload.len,
			  (const char *)r->payload.data);
	memcpy(text, r->payload.data, r->payload.len);
	faas_free(r);
	return strtol(text, NULL, 10);
}

static void one_cold(struct faas *rt, const struct language *language, struct samples *s)
{
	struct faas_error err;

	if (faas_recycle(rt, "f", &err) < 0)
		bench_die("%s", err.message);
	bench_sleep_us(PAUSE_US);
	if (call(rt, language, s) != 1)
		bench_die("%s: a cold start was none", language->name);
}

static void one_plain(const struct language *language, struct samples *s)
{
	uint64_t start = bench_now();
	int status;
	pid_t pid;

	if (posix_spawn(&pid, language->plain[0], NULL, NULL, language->plain, environ) ||
	    waitpid(pid, &status, 0) != pid || status)
		bench_die("%s does not run by hand", language->name);
	samples_add(s, bench_now() - start);
}

static void report(const struct language *language, const char *what, struct samples *s)
{
	char key[64];

	snprintf(key, sizeof(key), "language.%s.%s", language->name, what);
	report_latency(key, s);
	samples_clear(s);
}

static void measure(const struct options *options, const struct language *language)
{
	size_t cold = bench_scaled(options, COLD), warm = bench_scaled(options, WARM);
	struct samples starts, plain, calls;
	struct faas *rt;

	if (!*language->runtime) {
		report_note(language->name, "is not there");
		return;
	}
	rt = open_runtime(language);
	samples_open(&starts, cold);
	samples_open(&plain, cold);
	samples_open(&calls, warm);
	one_cold(rt, language, &calls); /* not counted: the template is made */
	samples_clear(&calls);
	for (int round = 0; round < options->rounds; round++) {
		for (size_t i = 0; i < cold; i++) {
			one_cold(rt, language, &starts);
			if (language->plain[0])
				one_plain(language, &plain);
		}
		for (size_t i = 0; i < warm; i++)
			call(rt, language, &calls);
		report(language, "cold", &starts);
		report(language, "warm", &calls);
		if (language->plain[0])
			report(language, "plain", &plain);
	}
	if (faas_destroy(rt))
		bench_die("the runtime does not end");
}

static void run_python(const struct options *options)
{
	measure(options, &python);
	measure(options, &snapshot);
}

static void run_node(const struct options *options)
{
	measure(options, &node);
}

int main(int argc, char **argv)
{
	static const struct group groups[] = { { "python", run_python }, { "node", run_node } };

	return bench_main(argc, argv, groups, sizeof(groups) / sizeof(*groups));
}
