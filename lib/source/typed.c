/* SPDX-License-Identifier: MIT */
/* The typed door to mappings. It asks by the words of the API, so that there is one judge. */
#include <source/directory.h>
#include <source/mapping.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <base/error.h>
#include <base/json.h>
#include <base/options.h>
#include <control/control.h>

/* ---- a request --------------------------------------------------------- */

static int put_word(struct fa_document *out, const char *name, const char *word)
{
	struct fa_document *array = fa_document_array();
	int rc = fa_document_append_text(array, word);

	return fa_document_put(out, name, array) | rc;
}

static int put_window(struct fa_document *out, int minutes)
{
	struct fa_document *window = fa_document_object();
	int rc = fa_document_put_text(window, "Mode", "FLEXIBLE");

	rc |= fa_document_put_integer(window, "MaximumWindowInMinutes", minutes);
	return fa_document_put(out, "FlexibleTimeWindow", window) | rc;
}

static int put_filter(struct fa_document *list, struct fa_json pattern)
{
	struct fa_document *one = fa_document_object();
	char *text = strndup(pattern.text, pattern.len);
	int rc = !text || fa_document_put_text(one, "Pattern", text);

	free(text);
	return fa_document_append(list, one) | rc;
}

/* `filter` is an array of patterns; what is no array is a pattern that will be refused. */
static int put_filters(struct fa_document *out, const char *filter)
{
	struct fa_document *criteria = fa_document_object(), *list = fa_document_array();
	struct fa_json whole, item;
	struct fa_json_iter iter;
	int rc = 0;

	if (!fa_json_read(filter, strlen(filter), &whole) ||
	    fa_json_kind(whole) != FA_JSON_ARRAY) {
		rc = put_filter(list, (struct fa_json){ filter, strlen(filter) });
	} else {
		fa_json_begin(&iter, whole);
		while (fa_json_next(&iter, NULL, &item))
			rc |= put_filter(list, item);
	}
	rc |= fa_document_put(criteria, "Filters", list);
	return fa_document_put(out, "FilterCriteria", criteria) | rc;
}

/* `input_paths` that are no object stay a text, which will be refused. */
static int put_transformer(struct fa_document *out, const struct faas_mapping_config *c)
{
	struct fa_document *how = fa_document_object(), *paths;
	int rc = fa_document_put_text(how, "InputTemplate", c->input_template);

	paths = c->input_paths ? fa_document_parse(c->input_paths, NULL) : NULL;
	if (paths)
		rc |= fa_document_put(how, "InputPathsMap", paths);
	else if (c->input_paths)
		rc |= fa_document_put_text(how, "InputPathsMap", c->input_paths);
	return fa_document_put(out, "InputTransformer", how) | rc;
}

/* What only mappings of topics and buses have. */
static int put_push(struct fa_document *out, const struct faas_mapping_config *c)
{
	struct fa_document *policy = fa_document_object(), *dead_letter;
	int rc = policy ? 0 : FAAS_ENOMEM;

	if (c->max_retries)
		rc |= fa_document_put_integer(policy, "MaximumRetryAttempts",
					      c->max_retries == FAAS_NONE ? 0 : c->max_retries);
	if (c->max_age_s)
		rc |= fa_document_put_integer(policy, "MaximumEventAgeInSeconds", c->max_age_s);
	if (c->max_retries || c->max_age_s)
		rc |= fa_document_put(out, "RetryPolicy", policy);
	else
		fa_document_free(policy);
	if (c->dead_letter) {
		dead_letter = fa_document_object();
		rc |= fa_document_put_text(dead_letter, "Arn", c->dead_letter);
		rc |= fa_document_put(out, "DeadLetterConfig", dead_letter);
	}
	if (c->input_path)
		rc |= fa_document_put_text(out, "InputPath", c->input_path);
	if (c->input_template)
		rc |= put_transformer(out, c);
	if (c->raw)
		rc |= fa_document_put_boolean(out, "RawMessageDelivery", true);
	if (c->filter_body)
		rc |= fa_document_put_text(out, "FilterPolicyScope", "MessageBody");
	return rc;
}

static int put_some(struct fa_document *out, const char *name, int value)
{
	return value ? fa_document_put_integer(out, name, value == FAAS_NONE ? 0 : value) : 0;
}

static int put_destination(struct fa_document *out, const char *address)
{
	struct fa_document *all = fa_document_object(), *one = fa_document_object();
	int rc = fa_document_put_text(one, "Destination", address);

	rc |= fa_document_put(all, "OnFailure", one);
	return fa_document_put(out, "DestinationConfig", all) | rc;
}

/* What mappings of streams have in their own way; a new one has to begin somewhere. */
static int put_sharded(struct fa_document *out, const struct faas_mapping_config *c)
{
	int rc = 0;

	if (c->source)
		rc |= fa_document_put_text(out, "StartingPosition",
					   c->start ? c->start : "TRIM_HORIZON");
	if (c->start_s)
		rc |= fa_document_put_integer(out, "StartingPositionTimestamp", c->start_s);
	rc |= put_some(out, "MaximumRetryAttempts", c->max_retries);
	rc |= put_some(out, "MaximumRecordAgeInSeconds", c->max_age_s);
	return rc;
}

/* And what others refuse. */
static int put_lanes(struct fa_document *out, const struct faas_mapping_config *c)
{
	int rc = put_some(out, "ParallelizationFactor", c->parallel_per_shard);

	rc |= put_some(out, "TumblingWindowInSeconds", c->tumbling_s);
	if (c->bisect)
		rc |= fa_document_put_boolean(out, "BisectBatchOnFunctionError", true);
	return c->on_failure ? rc | put_destination(out, c->on_failure) : rc;
}

/* In the words of the API; what is 0 is not said. */
static struct fa_document *write_request(const struct faas_mapping_config *c, bool sharded)
{
	struct fa_document *out = fa_document_object(), *inner;
	int rc = out ? 0 : FAAS_ENOMEM;

	if (c->source)
		rc |= fa_document_put_text(out, "EventSourceArn", c->source);
	if (c->function)
		rc |= fa_document_put_text(out, "FunctionName", c->function);
	if (c->target)
		rc |= fa_document_put_text(out, "Target", c->target);
	rc |= sharded ? put_sharded(out, c) : put_push(out, c);
	rc |= put_lanes(out, c);
	if (c->batch_size)
		rc |= fa_document_put_integer(out, "BatchSize", c->batch_size);
	if (c->batch_window_s)
		rc |= fa_document_put_integer(out, "MaximumBatchingWindowInSeconds",
					      c->batch_window_s);
	if (c->max_concurrency) {
		inner = fa_document_object();
		rc |= fa_document_put_integer(inner, "MaximumConcurrency", c->max_concurrency);
		rc |= fa_document_put(out, "ScalingConfig", inner);
	}
	if (c->partial_failures)
		rc |= put_word(out, "FunctionResponseTypes", "ReportBatchItemFailures");
	if (c->filter)
		rc |= put_filters(out, c->filter);
	if (c->input)
		rc |= fa_document_put_text(out, "Input", c->input);
	if (c->time_zone)
		rc |= fa_document_put_text(out, "ScheduleExpressionTimezone", c->time_zone);
	if (c->flexible_min)
		rc |= put_window(out, c->flexible_min);
	rc |= fa_directory_put(out, c);
	if (c->start_date)
		rc |= fa_document_put_text(out, "StartDate", c->start_date);
	if (c->end_date)
		rc |= fa_document_put_text(out, "EndDate", c->end_date);
	if (c->delete_after)
		rc |= fa_document_put_text(out, "ActionAfterCompletion", "DELETE");
	rc |= fa_document_put_boolean(out, "Enabled", !c->disabled);
	inner = fa_document_object();
	rc |= put_word(inner, "Metrics", "EventCount");
	rc |= fa_document_put(out, "MetricsConfig", inner);
	if (!rc)
		return out;
	fa_document_free(out);
	return NULL;
}

/* What it is of, or the mapping that is there. */
static bool is_sharded(struct faas *rt, const char *id, const char *source)
{
	const struct fa_source_kind *kind = NULL;
	char address[FA_ADDRESS_MAX];
	const struct fa_mapping *m;

	if (source && fa_source_address(address, source))
		kind = fa_source_find(rt->sources, address);
	pthread_mutex_lock(&rt->sources->lock);
	m = id ? fa_map_get(&rt->sources->mappings, id, strlen(id)) : NULL;
	if (m)
		kind = m->config->kind;
	pthread_mutex_unlock(&rt->sources->lock);
	return kind && kind->shards;
}

/* ---- the doors ---------------------------------------------------------- */

static int ask(struct faas *rt, const char *operation, struct fa_document *in, char id[37],
	       struct faas_error *err)
{
	struct faas_error own = { 0 };
	char *text = NULL;
	struct fa_document *reply;
	int rc = fa_control(rt, operation, in, &text, err ? err : &own);

	fa_document_free(in);
	reply = rc ? NULL : fa_document_parse(text, NULL);
	if (reply && id)
		snprintf(id, 37, "%s", fa_control_text(reply, "UUID"));
	fa_document_free(reply);
	faas_free(text);
	return rc;
}

int faas_mapping_create(struct faas *rt, const struct faas_mapping_config *config, char id[37],
			struct faas_error *err)
{
	struct faas_mapping_config c;
	struct fa_document *in;
	int rc;

	if (!rt)
		return fa_error(err, FAAS_EINVAL, "a runtime is required");
	rc = fa_options_copy(&c, sizeof(c), config, "FAAS_MAPPING", err);
	if (rc)
		return rc;
	if (!c.source || (!c.function && !c.target))
		return fa_error(err, FAAS_EINVAL, "a mapping needs a source and a function");
	in = write_request(&c, is_sharded(rt, NULL, c.source));
	return in ? ask(rt, "CreateEventSourceMapping", in, id, err) : fa_error_nomem(err);
}

int faas_mapping_update(struct faas *rt, const char *id, const struct faas_mapping_config *config,
			struct faas_error *err)
{
	struct faas_mapping_config c;
	struct fa_document *in;
	int rc;

	if (!rt || !id)
		return fa_error(err, FAAS_EINVAL, "a runtime and an id are required");
	rc = fa_options_copy(&c, sizeof(c), config, "FAAS_MAPPING", err);
	if (rc)
		return rc;
	if (c.source)
		return fa_error(err, FAAS_EINVAL, "a mapping stays with its source");
	in = write_request(&c, is_sharded(rt, id, NULL));
	if (!in || fa_document_put_text(in, "UUID", id)) {
		fa_document_free(in);
		return fa_error_nomem(err);
	}
	return ask(rt, "UpdateEventSourceMapping", in, NULL, err);
}

int faas_mapping_delete(struct faas *rt, const char *id, struct faas_error *err)
{
	struct fa_document *in;

	if (!rt || !id)
		return fa_error(err, FAAS_EINVAL, "a runtime and an id are required");
	in = fa_document_object();
	if (fa_document_put_text(in, "UUID", id)) {
		fa_document_free(in);
		return fa_error_nomem(err);
	}
	return ask(rt, "DeleteEventSourceMapping", in, NULL, err);
}
