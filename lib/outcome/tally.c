/* SPDX-License-Identifier: MIT */
/*
 * The metrics of invocations have fixed places in a row and are counted as integers: no name
 * is compared and nothing is converted before they are told. Everything else follows by name.
 */
#include <outcome/tally.h>

#include <string.h>

#include <model/function.h>

#define NS_PER_MS 1e6

static const struct {
	const char *name, *unit;
	double scale;
} gauges[FA_GAUGES] = {
	[FA_GAUGE_DURATION] = { "Duration", "Milliseconds", NS_PER_MS },
	[FA_GAUGE_CONCURRENCY] = { "ConcurrentExecutions", "Count", 1 },
	[FA_GAUGE_UNRESERVED] = { "UnreservedConcurrentExecutions", "Count", 1 },
	[FA_GAUGE_CLAIMED] = { "ClaimedAccountConcurrency", "Count", 1 },
};

static inline void gauge(struct fa_gauge *gauge, int64_t value)
{
	gauge->sum += value;
	if (value < gauge->minimum)
		gauge->minimum = value;
	if (value > gauge->maximum)
		gauge->maximum = value;
}

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
	row->invocations = row->errors = 0;
	for (int i = 0; i < FA_GAUGES; i++)
		row->gauges[i] = (struct fa_gauge){ 0, INT64_MAX, INT64_MIN };
	row->used = 0;
}

static void tell_point(const struct fa_tally *tally, const struct fa_version *version,
		       const struct fa_point *point)
{
	const struct faas_metric metric = {
		.size = sizeof(metric),
		.name = point->name,
		.unit = point->unit,
		.function = version->config.name,
		.version = version->qualifier,
		.value = point->sum,
		.count = point->count,
		.minimum = point->minimum,
		.maximum = point->maximum,
		.time_ms = point->time_ms,
	};

	tally->on_metric(tally->data, &metric);
}

static void tell_invocations(const struct fa_tally *tally, const struct fa_tally_row *row)
{
	struct fa_point point = { .name = "Invocations",
				  .unit = "Count",
				  .sum = (double)row->invocations,
				  .minimum = 1,
				  .maximum = 1,
				  .count = row->invocations,
				  .time_ms = row->time_ms };

	tell_point(tally, row->version, &point);
	point.name = "Errors";
	point.sum = (double)row->errors;
	point.minimum = row->errors == row->invocations;
	point.maximum = row->errors > 0;
	tell_point(tally, row->version, &point);
	for (int i = 0; i < FA_GAUGES; i++) {
		point.name = gauges[i].name;
		point.unit = gauges[i].unit;
		point.sum = (double)row->gauges[i].sum / gauges[i].scale;
		point.minimum = (double)row->gauges[i].minimum / gauges[i].scale;
		point.maximum = (double)row->gauges[i].maximum / gauges[i].scale;
		tell_point(tally, row->version, &point);
	}
}

static void tell_row(const struct fa_tally *tally, const struct fa_tally_row *row)
{
	if (row->invocations)
		tell_invocations(tally, row);
	for (int i = 0; i < row->used; i++)
		tell_point(tally, row->version, &row->points[i]);
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
		     record->place == FA_PLACE_PROVISIONED
			     ? "ProvisionedConcurrencyInvocations"
			     : "ProvisionedConcurrencySpilloverInvocations",
		     "Count", 1, record->unix_ms);
	fa_tally_add(tally, version, "ProvisionedConcurrentExecutions", "Count", in_use,
		     record->unix_ms);
	fa_tally_add(tally, version, "ProvisionedConcurrencyUtilization", "None",
		     in_use / record->provisioned, record->unix_ms);
}

static void count_invocation(struct fa_tally_row *row, const struct fa_record *record)
{
	if (!row->invocations++)
		row->time_ms = record->unix_ms;
	row->errors += record->failed || record->timed_out;
	gauge(&row->gauges[FA_GAUGE_DURATION], record->duration_ns);
	gauge(&row->gauges[FA_GAUGE_CONCURRENCY], record->concurrency);
	gauge(&row->gauges[FA_GAUGE_UNRESERVED], record->unreserved);
	gauge(&row->gauges[FA_GAUGE_CLAIMED], record->claimed);
}

void fa_tally_record(struct fa_tally *tally, struct fa_version *version,
		     const struct fa_record *record)
{
	if (record->kind == FA_RECORD_THROTTLE) {
		fa_tally_add(tally, version, "Throttles", "Count", 1, record->unix_ms);
	} else if (record->kind == FA_RECORD_END) {
		count_invocation(row_of(tally, version), record);
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
