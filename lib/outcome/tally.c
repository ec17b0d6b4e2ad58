/* SPDX-License-Identifier: MIT */
/*
 * The metrics of invocations have fixed places at the front of a row, so that
 * counting an invocation compares no names; everything else follows by name.
 */
#include <outcome/tally.h>

#include <string.h>

#include <model/function.h>

#define NS_PER_MS 1e6

enum { INVOCATIONS, ERRORS, THROTTLES, DURATION, CONCURRENCY, UNRESERVED, CLAIMED, FIXED };

static const struct fa_point fixed[FIXED] = {
	[INVOCATIONS] = { .name = "Invocations", .unit = "Count" },
	[ERRORS] = { .name = "Errors", .unit = "Count" },
	[THROTTLES] = { .name = "Throttles", .unit = "Count" },
	[DURATION] = { .name = "Duration", .unit = "Milliseconds" },
	[CONCURRENCY] = { .name = "ConcurrentExecutions", .unit = "Count" },
	[UNRESERVED] = { .name = "UnreservedConcurrentExecutions", .unit = "Count" },
	[CLAIMED] = { .name = "ClaimedAccountConcurrency", .unit = "Count" },
};

static void add(struct fa_point *point, double value, int64_t time_ms)
{
	if (!point->count++) {
		point->minimum = point->maximum = value;
		point->time_ms = time_ms;
	}
	point->sum += value;
	if (value < point->minimum)
		point->minimum = value;
	if (value > point->maximum)
		point->maximum = value;
}

static void clear(struct fa_tally_row *row)
{
	memcpy(row->points, fixed, sizeof(fixed));
	row->used = FIXED;
}

static void tell_row(const struct fa_tally *tally, const struct fa_tally_row *row)
{
	for (int i = 0; i < row->used; i++) {
		const struct fa_point *point = &row->points[i];
		const struct faas_metric metric = {
			.size = sizeof(metric),
			.name = point->name,
			.unit = point->unit,
			.function = row->version->config.name,
			.version = row->version->qualifier,
			.value = point->sum,
			.count = point->count,
			.minimum = point->minimum,
			.maximum = point->maximum,
			.time_ms = point->time_ms,
		};

		if (point->count)
			tally->on_metric(tally->data, &metric);
	}
}

void fa_tally_tell(struct fa_tally *tally)
{
	for (int i = 0; i < tally->used; i++) {
		tell_row(tally, &tally->rows[i]);
		fa_version_unref(tally->rows[i].version);
	}
	tally->used = tally->last = 0;
}

static struct fa_tally_row *row_of(struct fa_tally *tally, struct fa_version *version)
{
	struct fa_tally_row *row = &tally->rows[tally->last];

	if (tally->used && row->version == version)
		return row;
	for (int i = 0; i < tally->used; i++)
		if (tally->rows[i].version == version)
			return &tally->rows[tally->last = i];
	if (tally->used == FA_TALLY_ROWS)
		fa_tally_tell(tally);
	tally->last = tally->used++;
	row = &tally->rows[tally->last];
	fa_version_ref(version);
	row->version = version;
	clear(row);
	return row;
}

void fa_tally_init(struct fa_tally *tally,
		   void (*on_metric)(void *data, const struct faas_metric *metric), void *data)
{
	tally->on_metric = on_metric;
	tally->data = data;
	tally->used = tally->last = 0;
}

static void count_place(struct fa_tally *tally, struct fa_version *version,
			const struct fa_record *record)
{
	double in_use = record->provisioned_in_use;

	fa_tally_add(tally, version,
		     record->place == FA_PLACE_PROVISIONED ?
			     "ProvisionedConcurrencyInvocations" :
			     "ProvisionedConcurrencySpilloverInvocations",
		     "Count", 1, record->unix_ms);
	fa_tally_add(tally, version, "ProvisionedConcurrentExecutions", "Count", in_use,
		     record->unix_ms);
	fa_tally_add(tally, version, "ProvisionedConcurrencyUtilization", "None",
		     in_use / record->provisioned, record->unix_ms);
}

void fa_tally_record(struct fa_tally *tally, struct fa_version *version,
		     const struct fa_record *record)
{
	struct fa_point *points = row_of(tally, version)->points;
	int64_t time_ms = record->unix_ms;

	if (record->kind == FA_RECORD_THROTTLE) {
		add(&points[THROTTLES], 1, time_ms);
	} else if (record->kind == FA_RECORD_END) {
		add(&points[INVOCATIONS], 1, time_ms);
		add(&points[ERRORS], record->failed || record->timed_out, time_ms);
		add(&points[DURATION], (double)record->duration_ns / NS_PER_MS, time_ms);
		add(&points[CONCURRENCY], record->concurrency, time_ms);
		add(&points[UNRESERVED], record->unreserved, time_ms);
		add(&points[CLAIMED], record->claimed, time_ms);
		if (record->place)
			count_place(tally, version, record);
	}
}

void fa_tally_add(struct fa_tally *tally, struct fa_version *version, const char *name,
		  const char *unit, double value, int64_t time_ms)
{
	struct fa_tally_row *row = row_of(tally, version);
	struct fa_point *point = row->points, *end = point + row->used;

	while (point < end && point->name != name && strcmp(point->name, name))
		point++;
	if (point == end) {
		if (row->used == FA_TALLY_POINTS) {
			tell_row(tally, row);
			clear(row);
		}
		point = &row->points[row->used++];
		*point = (struct fa_point){ .name = name, .unit = unit };
	}
	add(point, value, time_ms);
}
