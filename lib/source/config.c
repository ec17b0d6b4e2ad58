/* SPDX-License-Identifier: MIT */
/*
 * The configuration of a mapping, read as a whole whether it is new, changed or kept from the
 * last program. What is wrong with it is told in the words of Lambda.
 */
#include <source/shards.h>

#include <stdio.h>
#include <string.h>

#include <base/error.h>
#include <control/control.h>
#include <model/table.h>
#include <source/fan.h>
#include <source/rights.h>

#define MOST_BATCHES 1250
#define FIRST_BATCHES 5
#define LEAST_BATCHES 2
#define GROWTH_MS 200           /* 300 a minute */
#define BATCHES_OF_POLLER 10
#define POLLERS_GROWTH_MS 60    /* 1000 a minute */
#define POLLERS_LEAST 2
#define POLLERS_LEAST_MOST 200
#define POLLERS_MOST 2000
#define POLLERS_MOST_UNSAID 200
#define ORDERED_BATCH 10
#define PATTERN_MAX 4096
#define RETRIES_MOST 185
#define AGE_LEAST_S 60
#define AGE_MOST_S 86400

/* ---- addresses and ARNs ------------------------------------------------ */

static bool is_source(enum fa_address_kind kind)
{
	return kind == FA_TO_QUEUE || kind == FA_TO_TOPIC || kind == FA_TO_BUS;
}

/* What is none of our addresses may be one of the host's. */
bool fa_source_address(char out[FA_ADDRESS_MAX], const char *text)
{
	static const char *const ours[] = { "arn:", "queue:", "topic:", "bus:" };
	const char *stream = fa_stream_name(text);
	char table[FA_TABLE_NAME_MAX + 1];
	struct fa_address address;

	if (stream)
		return snprintf(out, FA_ADDRESS_MAX, "stream:%s", stream) < FA_ADDRESS_MAX;
	if (fa_table_name(table, text))
		return snprintf(out, FA_ADDRESS_MAX, "table:%s", table) < FA_ADDRESS_MAX;
	for (size_t i = 0; i < sizeof(ours) / sizeof(*ours); i++) {
		if (strncmp(text, ours[i], strlen(ours[i])) != 0)
			continue;
		if (fa_address_parse(&address, text, NULL) || !is_source(address.kind))
			return false;
		snprintf(out, FA_ADDRESS_MAX, "%s", address.text);
		return true;
	}
	return snprintf(out, FA_ADDRESS_MAX, "%s", text) < FA_ADDRESS_MAX;
}

/* That of AWS for what AWS has; else the address itself. */
static void write_arn(struct fa_mapping_config *c, struct faas *rt)
{
	const struct faas_config *config = &rt->config;
	struct fa_address address;

	if (c->kind->shards)
		c->kind->shards->write_arn(c->arn, sizeof(c->arn), rt, c->source);
	else if (!fa_address_parse(&address, c->source, NULL))
		fa_address_arn(&address, config->region, config->account, c->arn);
	else
		snprintf(c->arn, sizeof(c->arn), "%s", c->source);
}

/* ---- lists of words ------------------------------------------------------ */

/* Whether the list has it; FAAS_EINVAL if it has anything else. */
static int read_words(const struct fa_document *list, const char *name, const char *word, bool *has,
		      struct faas_error *err)
{
	const struct fa_document *item;

	*has = false;
	for (size_t i = 0; (item = fa_document_item(list, i)); i++) {
		const char *text = fa_document_text(item);

		if (!text || strcmp(text, word) != 0)
			return fa_error_typed(err, FAAS_EINVAL, "ValidationException",
					      "1 validation error detected: Value '[%.80s]' at "
					      "'%s' failed to satisfy constraint: Member must "
					      "satisfy constraint: [Member must satisfy enum "
					      "value set: [%s]]",
					      text ? text : "", name, word);
		*has = true;
	}
	return 0;
}

/* ---- the parts -------------------------------------------------------------- */

static int read_source(struct fa_mapping_config *c, struct fa_sources *all, struct faas_error *err)
{
	const char *given = fa_control_text(c->document, "EventSourceArn");
	char address[FA_ADDRESS_MAX];

	if (given && fa_source_address(address, given))
		c->kind = fa_source_find(all, address);
	if (!c->kind)
		return fa_error(err, FAAS_EINVAL, "Unrecognized event source.");
	if (fa_document_put_text(c->document, "EventSourceArn", address))
		return fa_error_nomem(err);
	c->source = fa_control_text(c->document, "EventSourceArn");
	write_arn(c, all->rt);
	return 0;
}

/* Kept as it is called here: name[:qualifier]. */
static int read_function(struct fa_mapping_config *c, struct fa_sources *all,
			 struct faas_error *err)
{
	char target[FA_NAME_MAX + FA_QUALIFIER_MAX + 2];
	struct fa_name name;
	int rc = fa_name_parse(&name, fa_control_text(c->document, "FunctionName"), err);

	if (!rc)
		rc = fa_registry_check_place(&all->rt->registry, &name, err);
	if (rc)
		return rc;
	snprintf(target, sizeof(target), "%.*s%s%.*s", (int)name.function.len,
		 (const char *)name.function.data, name.qualifier.len ? ":" : "",
		 (int)name.qualifier.len,
		 name.qualifier.len ? (const char *)name.qualifier.data : "");
	if (fa_document_put_text(c->document, "FunctionName", target))
		return fa_error_nomem(err);
	c->function = fa_control_text(c->document, "FunctionName");
	return 0;
}

/* ---- where it is pushed ----------------------------------------------------- */

static int read_policy(struct fa_push *p, const struct fa_document *policy, struct faas_error *err)
{
	const struct fa_document *retries = fa_document_get(policy, "MaximumRetryAttempts");
	const struct fa_document *age = fa_document_get(policy, "MaximumEventAgeInSeconds");
	int64_t value;

	if (retries) {
		if (!fa_document_integer(retries, &value) || value < 0 || value > RETRIES_MOST)
			return fa_error(err, FAAS_EINVAL,
					"RetryPolicy: MaximumRetryAttempts must be from 0 to %d",
					RETRIES_MOST);
		p->retries = (int)value;
	}
	if (age) {
		if (!fa_document_integer(age, &value) || value < AGE_LEAST_S || value > AGE_MOST_S)
			return fa_error(err, FAAS_EINVAL,
					"RetryPolicy: MaximumEventAgeInSeconds must be from %d to "
					"%d", AGE_LEAST_S, AGE_MOST_S);
		p->age_ms = value * 1000;
	}
	return 0;
}

static int read_dead_letter(struct fa_push *p, const struct fa_document *in,
			    struct faas_error *err)
{
	const char *text = fa_control_text(in, "Arn");
	struct fa_address address;
	int rc;

	if (!in)
		return 0;
	rc = fa_address_parse_letter(&address, text, err);
	if (!rc)
		rc = fa_queue_refuse_fifo(&address, err);
	if (!rc)
		snprintf(p->dead_letter, sizeof(p->dead_letter), "%s", address.text);
	return rc;
}

static int read_push(struct fa_mapping_config *c, struct fa_sources *all, struct faas_error *err)
{
	const struct fa_fan_kind *fan = c->kind->fan;
	char text[FA_ADDRESS_MAX];
	struct fa_push *p;
	int rc;

	if (!fan)
		return 0;
	c->push = p = fa_alloc(&all->rt->mem, sizeof(*p));
	if (!p)
		return fa_error_nomem(err);
	p->retries = fan->retries;
	p->age_ms = fan->age_s * INT64_C(1000);
	snprintf(text, sizeof(text), "%s%s", c->function ? "function:" : "", c->target);
	rc = fa_address_parse(&p->target, text, err);
	if (!rc)
		rc = fa_queue_refuse_fifo(&p->target, err);
	if (!rc)
		rc = read_policy(p, fa_document_get(c->document, "RetryPolicy"), err);
	return rc ? rc :
		    read_dead_letter(p, fa_document_get(c->document, "DeadLetterConfig"), err);
}

/* One or the other. */
static int read_target(struct fa_mapping_config *c, struct fa_sources *all,
		       struct faas_error *err)
{
	const char *target = fa_control_text(c->document, "Target");
	int rc = 0;

	if (!target || fa_document_get(c->document, "FunctionName"))
		rc = read_function(c, all, err);
	if (!rc && target && c->function)
		return fa_error(err, FAAS_EINVAL, "a mapping has a function or a target, not both");
	c->target = target ? target : c->function;
	return rc;
}

static int read_batches(struct fa_mapping_config *c, struct faas_error *err)
{
	bool ordered = c->kind->ordered && c->kind->ordered(c->source);
	int most = ordered ? ORDERED_BATCH : c->kind->batch_most;

	c->batch_size = fa_control_number(c->document, "BatchSize", c->kind->batch_size);
	c->window_s = fa_control_number(c->document, "MaximumBatchingWindowInSeconds", 0);
	if (c->batch_size > most)
		return fa_error(err, FAAS_EINVAL,
				"Maximum batch size for this event source is %d, not %d", most,
				c->batch_size);
	if (ordered && c->window_s)
		return fa_error(err, FAAS_EINVAL,
				"Batching window is not supported for FIFO queues");
	if (c->batch_size > ORDERED_BATCH && !c->window_s && !c->kind->shards)
		return fa_error(err, FAAS_EINVAL,
				"Maximum batch window in seconds must be greater than 0 if maximum "
				"batch size is greater than 10");
	return 0;
}

/*
 * Provisioned mode. A poller is what polls and invokes up to ten batches at a time; here that
 * means that many batches, from the beginning and whatever was throttled.
 */
static int read_pollers(struct fa_mapping_config *c, struct faas_error *err)
{
	const struct fa_document *in = fa_document_get(c->document, "ProvisionedPollerConfig");
	const struct fa_document *min = fa_document_get(in, "MinimumPollers");
	const struct fa_document *max = fa_document_get(in, "MaximumPollers");
	int64_t least = POLLERS_LEAST, most = POLLERS_MOST_UNSAID;

	if (!min && !max) /* {} switches it off */
		return 0;
	if (c->kind != &fa_queue_source)
		return fa_error(err, FAAS_EINVAL, "%s does nothing with 'ProvisionedPollerConfig'",
				c->source);
	if (fa_document_get(fa_document_get(c->document, "ScalingConfig"), "MaximumConcurrency"))
		return fa_error(err, FAAS_EINVAL,
				"a mapping has MaximumConcurrency or ProvisionedPollerConfig, not "
				"both");
	if ((min && !fa_document_integer(min, &least)) ||
	    (max && !fa_document_integer(max, &most)) || least < POLLERS_LEAST ||
	    least > POLLERS_LEAST_MOST || most < least || most > POLLERS_MOST)
		return fa_error(err, FAAS_EINVAL,
				"ProvisionedPollerConfig: MinimumPollers must be from %d to %d, "
				"and MaximumPollers from there to %d",
				POLLERS_LEAST, POLLERS_LEAST_MOST, POLLERS_MOST);
	c->first = c->least = (int)least * BATCHES_OF_POLLER;
	c->most = (int)most * BATCHES_OF_POLLER;
	c->growth_ms = POLLERS_GROWTH_MS;
	return 0;
}

static int read_scaling(struct fa_mapping_config *c, struct faas_error *err)
{
	const struct fa_document *scaling = fa_document_get(c->document, "ScalingConfig");
	const struct fa_document *most = fa_document_get(scaling, "MaximumConcurrency");
	int64_t value = MOST_BATCHES;

	c->most = MOST_BATCHES;
	c->first = FIRST_BATCHES;
	c->least = LEAST_BATCHES;
	c->growth_ms = GROWTH_MS;
	if (!most)
		return read_pollers(c, err);
	if (!fa_document_integer(most, &value))
		return fa_error_typed(err, FAAS_EINVAL, "SerializationException",
				      "MaximumConcurrency must be a whole number");
	if (value < 2 || value > 1000)
		return fa_error_typed(err, FAAS_EINVAL, "ValidationException",
				      "1 validation error detected: Value '%lld' at "
				      "'scalingConfig.maximumConcurrency' failed to satisfy "
				      "constraint: Member must have value %s than or equal to %d",
				      (long long)value, value < 2 ? "greater" : "less",
				      value < 2 ? 2 : 1000);
	c->most = (int)value;
	if (c->first > c->most)
		c->first = c->most;
	return read_pollers(c, err);
}

static int read_flags(struct fa_mapping_config *c, struct faas_error *err)
{
	const struct fa_document *in = c->document;
	double modified = 0, made;
	int rc;

	c->enabled = true;
	fa_document_boolean(fa_document_get(in, "Enabled"), &c->enabled);
	fa_document_number(fa_document_get(in, "LastModified"), &modified);
	c->modified_ms = c->made_ms = (int64_t)(modified * 1000 + 0.5);
	if (fa_document_number(fa_document_get(in, "Made"), &made))
		c->made_ms = (int64_t)(made * 1000 + 0.5);
	rc = read_words(fa_document_get(in, "FunctionResponseTypes"), "functionResponseTypes",
			"ReportBatchItemFailures", &c->partial, err);
	return rc ? rc :
		    read_words(fa_document_get(fa_document_get(in, "MetricsConfig"), "Metrics"),
			       "metricsConfig.metrics", "EventCount", &c->counted, err);
}

static int read_filters(struct fa_mapping_config *c, const struct fa_mem *mem,
			struct faas_error *err)
{
	const struct fa_document *list =
		fa_document_get(fa_document_get(c->document, "FilterCriteria"), "Filters");
	const struct fa_document *item;

	for (size_t i = 0; (item = fa_document_item(list, i)); i++) {
		const char *text = fa_control_text(item, "Pattern");
		struct faas_error why = { 0 };

		if (i == FA_FILTERS_MAX)
			return fa_error(err, FAAS_EINVAL, "Maximum number of filters is %d",
					FA_FILTERS_MAX);
		if (text && strlen(text) <= PATTERN_MAX)
			c->filters[i] = fa_pattern_create(mem, text, &why);
		if (!c->filters[i] && why.code == FAAS_ENOMEM)
			return fa_error_nomem(err);
		if (!c->filters[i])
			return fa_error(err, FAAS_EINVAL, "Invalid filter pattern definition.");
		c->filter_count++;
	}
	return 0;
}

static bool is_own(const struct fa_source_kind *kind, const char *member)
{
	for (size_t i = 0; kind->members && kind->members[i]; i++)
		if (!strcmp(kind->members[i], member))
			return true;
	return false;
}

static const char *find_foreign(const struct fa_mapping_config *c, const char *const *members)
{
	for (; *members; members++)
		if (fa_document_get(c->document, *members) && !is_own(c->kind, *members))
			return *members;
	return NULL;
}

/* What only sources of other kinds would act on is refused. */
static int read_members(struct fa_mapping_config *c, const struct fa_mem *mem,
			struct faas_error *err)
{
	static const char *const others[] = { "Input", "ScheduleExpressionTimezone",
					      "FlexibleTimeWindow", "Target", "RetryPolicy",
					      "DeadLetterConfig", "RawMessageDelivery",
					      "FilterPolicyScope", "InputPath", "InputTransformer",
					      "Events", "Filter", "Existing", "StartDate",
					      "EndDate", "ActionAfterCompletion", NULL };
	const char *foreign = find_foreign(c, others);

	if (!foreign)
		foreign = find_foreign(c, fa_shard_members);
	if (foreign)
		return fa_error(err, FAAS_EINVAL, "%s does nothing with '%s'", c->source, foreign);
	return c->kind->check ? c->kind->check(mem, c, err) : 0;
}

struct fa_mapping_config *fa_mapping_config_read(struct fa_sources *all,
						 struct fa_document *document,
						 struct faas_error *err)
{
	struct fa_mapping_config *c = fa_alloc(&all->rt->mem, sizeof(*c));
	int rc;

	if (!c) {
		fa_document_free(document);
		fa_error_nomem(err);
		return NULL;
	}
	c->document = document;
	rc = read_source(c, all, err);
	if (!rc)
		rc = read_target(c, all, err);
	if (!rc)
		rc = read_push(c, all, err);
	if (!rc)
		rc = read_batches(c, err);
	if (!rc)
		rc = read_scaling(c, err);
	if (!rc)
		rc = read_flags(c, err);
	if (!rc)
		rc = read_filters(c, &all->rt->mem, err);
	if (!rc)
		rc = read_members(c, &all->rt->mem, err);
	if (!rc && c->kind->shards) {
		c->sharded = fa_shard_config_read(all, c, err);
		rc = c->sharded ? 0 : FAAS_EINVAL;
	}
	if (!rc)
		return c;
	fa_mapping_config_free(c);
	return NULL;
}

void fa_mapping_config_free(struct fa_mapping_config *config)
{
	if (!config)
		return;
	for (int i = 0; i < config->filter_count; i++)
		fa_pattern_destroy(config->filters[i]);
	fa_document_free(config->document);
	fa_free(config->push);
	fa_free(config->sharded);
	fa_free(config);
}

/* ---- with the function ---------------------------------------------------------- */

int fa_mapping_config_check(struct fa_sources *all, const struct fa_mapping_config *c,
			    struct faas_error *err)
{
	struct faas *rt = all->rt;
	struct fa_version *v;
	int rc;

	if (!c->function)
		return 0;
	v = fa_registry_find(&rt->registry, c->function, err);
	if (!v)
		return err && err->code ? err->code : FAAS_ENOTFOUND;
	rc = fa_rights_check(all, c, v, err);
	fa_version_unref(v);
	return !rc && c->kind->fits ? c->kind->fits(all, c, err) : rc;
}

int64_t fa_mapping_hidden_ms(struct fa_sources *all, const struct fa_mapping_config *c,
			     const struct fa_queue *queue)
{
	struct fa_version *v = fa_registry_find(&all->rt->registry, c->function, NULL);
	int64_t ms = queue->visibility_s * INT64_C(1000), needed;

	needed = c->window_s * INT64_C(1000) + (v ? v->config.timeout_ms : 0);
	fa_version_unref(v);
	if (c->window_s && needed > ms)
		ms = needed + 30000;
	return ms ? ms : 1; /* hidden it must be */
}
