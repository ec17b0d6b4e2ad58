/* SPDX-License-Identifier: MIT */
/*
 * Metrics by name, and of each the versions it was told of. What a Prometheus reads has
 * the names of CloudWatch in its own spelling: Invocations is
 * lambda_invocations_total{function="f",version="1"}.
 */
#include "server.h"

#include <ctype.h>
#include <search.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define FAMILIES 64
#define SERIES_MAX 50000 /* of all families; what is beyond is not told apart any more */
#define SLOTS 12         /* of the last minute */
#define SLOT_MS 5000

struct slot {
	int64_t number;
	double sum, maximum;
	uint64_t count;
};

struct series {
	const char *function, *version;
	double sum, maximum; /* maximum: of the last point */
	uint64_t count;
	struct slot slots[SLOTS];
};

static struct family {
	char name[64], unit[16];
	void *series; /* tree of struct series */
} families[FAMILIES];
static int series_count;

static int compare(const void *a, const void *b)
{
	const struct series *x = a, *y = b;
	int order = strcmp(x->function, y->function);

	return order ? order : strcmp(x->version, y->version);
}

static struct family *family_of(const char *name)
{
	int i = 0;

	while (i < FAMILIES - 1 && *families[i].name && strcmp(families[i].name, name) != 0)
		i++;
	return &families[i];
}

static struct series *find(const struct family *family, const char *function, const char *version)
{
	const struct series key = { .function = function, .version = version };
	struct series *const *found = tfind(&key, &family->series, compare);

	return found ? *found : NULL;
}

static struct series *add(struct family *family, const char *function, const char *version)
{
	struct series *series = calloc(1, sizeof(*series));

	series->function = strdup(function);
	series->version = strdup(version);
	tsearch(series, &family->series, compare);
	series_count++;
	return series;
}

static struct series *series_of(struct family *family, const char *function, const char *version)
{
	struct series *series;

	if (series_count >= SERIES_MAX)
		function = version = "other";
	series = find(family, function, version);
	return series ? series : add(family, function, version);
}

void count_metric(const struct faas_metric *m)
{
	struct family *family = family_of(m->name);
	struct series *series = series_of(family, m->function, m->version);
	int64_t number = m->time_ms / SLOT_MS;
	struct slot *slot = &series->slots[number % SLOTS];

	snprintf(family->name, sizeof(family->name), "%s", m->name);
	snprintf(family->unit, sizeof(family->unit), "%s", m->unit);
	series->sum += m->value;
	series->count += m->count;
	series->maximum = m->maximum;
	if (slot->number != number)
		*slot = (struct slot){ .number = number };
	slot->sum += m->value;
	slot->count += m->count;
	slot->maximum = m->maximum > slot->maximum ? m->maximum : slot->maximum;
}

/* ---- for the page ---------------------------------------------------- */

static double total(const char *name, const char *function, const char *version)
{
	const struct series *series = find(family_of(name), function, version);

	return series ? series->sum : 0;
}

static struct slot last_minute(const char *name, const char *function, const char *version)
{
	const struct series *series = find(family_of(name), function, version);
	int64_t now = (int64_t)time(NULL) * 1000 / SLOT_MS;
	struct slot sum = { 0 };

	for (int i = 0; series && i < SLOTS; i++) {
		const struct slot *slot = &series->slots[i];

		if (slot->number <= now - SLOTS)
			continue;
		sum.sum += slot->sum;
		sum.count += slot->count;
		sum.maximum = slot->maximum > sum.maximum ? slot->maximum : sum.maximum;
	}
	return sum;
}

struct totals count_of(const char *function, const char *version)
{
	struct slot duration = last_minute("Duration", function, version);

	return (struct totals){
		.invocations = total("Invocations", function, version),
		.errors = total("Errors", function, version),
		.throttles = total("Throttles", function, version),
		.mean_ms = duration.count ? duration.sum / (double)duration.count : 0,
		.longest_ms = duration.maximum,
		.peak = last_minute("ConcurrentExecutions", function, version).maximum,
	};
}

/* ---- for Prometheus -------------------------------------------------- */

enum kind { COUNTER, SUMMARY, GAUGE };

struct printing {
	FILE *out;
	const char *name;
	enum kind kind;
};

static enum kind kind_of(const struct family *family)
{
	if (!strcmp(family->unit, "Milliseconds"))
		return SUMMARY;
	return strcmp(family->unit, "Count") || strstr(family->name, "Executions") ||
			       strstr(family->name, "Claimed")
		       ? GAUGE
		       : COUNTER;
}

/* "AsyncEventsReceived" as "lambda_async_events_received", and what belongs behind it. */
static void spell(char out[160], const char *name, enum kind kind)
{
	char *at = out + sprintf(out, "lambda");

	for (; *name; name++) {
		if (isupper((unsigned char)*name))
			*at++ = '_';
		*at++ = (char)tolower((unsigned char)*name);
	}
	strcpy(at, kind == COUNTER ? "_total" : kind == SUMMARY ? "_seconds" : "");
}

static void heading(FILE *out, const char *name, const char *help, enum kind kind)
{
	static const char *const kinds[] = { "counter", "summary", "gauge" };

	fprintf(out, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, kinds[kind]);
}

/* Names of functions and versions have no character that would have to be escaped. */
static void sample(FILE *out, const char *name, const char *suffix, const struct series *series,
		   double value)
{
	fprintf(out, "%s%s{function=\"%s\",version=\"%s\"} %.15g\n", name, suffix, series->function,
		series->version, value);
}

static void print_series(const void *node, VISIT visit, void *closure)
{
	const struct series *series = *(struct series *const *)node;
	const struct printing *p = closure;

	if (visit != postorder && visit != leaf)
		return;
	if (p->kind == SUMMARY) {
		sample(p->out, p->name, "_sum", series, series->sum / 1000);
		sample(p->out, p->name, "_count", series, (double)series->count);
	} else {
		sample(p->out, p->name, "", series,
		       p->kind == COUNTER ? series->sum : series->maximum);
	}
}

static void print_family(FILE *out, const struct family *family)
{
	enum kind kind = kind_of(family);
	char name[160], help[160];
	const struct printing p = { out, name, kind };

	spell(name, family->name, kind);
	snprintf(help, sizeof(help), "AWS/Lambda %s", family->name);
	heading(out, name, help, kind);
	twalk_r(family->series, print_series, (void *)&p);
}

static bool print_environments(void *data, const struct faas_function_info *info)
{
	const struct {
		const char *state;
		int count;
	} rows[] = {
		{ "warm", info->environments_idle - info->environments_cold },
		{ "cold", info->environments_cold },
		{ "busy", info->environments_busy },
		{ "starting", info->environments_starting },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++)
		fprintf(data,
			"lambda_environments{function=\"%s\",version=\"%s\",state=\"%s\"} %d\n",
			info->name, info->version, rows[i].state, rows[i].count);
	return true;
}

static void print_runtime(FILE *out, struct faas *rt)
{
	struct faas_stats s = { .size = sizeof(s) };

	faas_stats(rt, &s);
	const struct {
		const char *name, *help;
		enum kind kind;
		double value;
	} rows[] = {
		{ "lambda_cold_starts_total", "Environments that an event waited for.", COUNTER,
		  (double)s.cold_starts },
		{ "lambda_billed_seconds_total", "Billed duration.", COUNTER,
		  (double)s.billed_ms / 1000 },
		{ "lambda_billed_gb_seconds_total", "Billed duration times memory.", COUNTER,
		  s.gb_seconds },
		{ "lambda_log_dropped_bytes_total", "Log output beyond what is accepted.", COUNTER,
		  (double)s.log_bytes_dropped },
		{ "lambda_queued", "Invocations that wait.", GAUGE, s.queued },
		{ "lambda_events_queued", "Durable events that wait.", GAUGE, s.events_queued },
		{ "lambda_messages_waiting", "Messages in queues and on their way.", GAUGE,
		  (double)s.messages_waiting },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		heading(out, rows[i].name, rows[i].help, rows[i].kind);
		fprintf(out, "%s %.15g\n", rows[i].name, rows[i].value);
	}
}

void count_print(FILE *out, struct faas *rt)
{
	for (int i = 0; i < FAMILIES && *families[i].name; i++)
		print_family(out, &families[i]);
	heading(out, "lambda_environments", "Execution environments by state.", GAUGE);
	faas_version_list(rt, print_environments, out);
	print_runtime(out, rt);
}
