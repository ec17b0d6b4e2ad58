/* SPDX-License-Identifier: MIT */
/*
 * The operations of the API on mappings; the typed door, typed.c, asks by the same words. Each
 * is a change (changes.h): a mapping is written down before it is begun, and forgotten before
 * it is stopped, so one that was answered for outlives the program, and one that was deleted
 * does not.
 */
#include <source/fan.h>
#include <source/shards.h>
#include <source/table.h>

#include <limits.h>
#include <stdio.h>
#include <string.h>

#include <base/error.h>
#include <changes.h>
#include <control/control.h>
#include <messages.h>
#include <model/change.h>

#define LIST_MOST 100

static const char *const states[] = {
	[FA_MAPPING_CREATING] = "Creating",	[FA_MAPPING_ENABLED] = "Enabled",
	[FA_MAPPING_DISABLING] = "Disabling", [FA_MAPPING_DISABLED] = "Disabled",
	[FA_MAPPING_UPDATING] = "Updating",	[FA_MAPPING_DELETING] = "Deleting",
};

/* ---- one as JSON -------------------------------------------------------- */

static int put_copy(struct fa_document *out, const struct fa_document *from, const char *name)
{
	const struct fa_document *value = fa_document_get(from, name);

	return value ? fa_document_put(out, name, fa_document_copy(value)) : 0;
}

static int put_function_arn(struct fa_document *out, const struct faas *rt, const char *function)
{
	char arn[FA_ARN_MAX + FA_QUALIFIER_MAX];

	snprintf(arn, sizeof(arn), "arn:aws:lambda:%s:%s:function:%s", rt->config.region,
		 rt->config.account, function);
	return fa_document_put_text(out, "FunctionArn", arn);
}

/* What is not said has a value that is shown. */
static int put_sharded(struct fa_document *out, const struct fa_mapping *m,
		       const struct fa_mapping_config *c)
{
	const struct fa_shard_config *s = c->sharded;
	int rc = fa_document_put_integer(out, "ParallelizationFactor", s->lanes);

	rc |= fa_document_put_integer(out, "MaximumRetryAttempts", s->retries);
	rc |= fa_document_put_integer(out, "MaximumRecordAgeInSeconds",
				      s->age_ms ? s->age_ms / 1000 : -1);
	rc |= fa_document_put_boolean(out, "BisectBatchOnFunctionError", s->bisect);
	rc |= fa_document_put_integer(out, "TumblingWindowInSeconds", s->tumble_ms / 1000);
	rc |= fa_document_put_text(out, "LastProcessingResult", m->last_result);
	return rc | put_copy(out, c->document, "DestinationConfig");
}

/* As it is with this configuration. */
static int put_mapping(struct fa_document *out, const struct fa_mapping *m,
		       const struct fa_mapping_config *c, int state)
{
	static const char *const copied[] = { "FilterCriteria", "FunctionResponseTypes",
					      "ScalingConfig", "ProvisionedPollerConfig",
					      "MetricsConfig", "Input",
					      "ScheduleExpressionTimezone",
					      "FlexibleTimeWindow", "Target", "RetryPolicy",
					      "DeadLetterConfig", "RawMessageDelivery",
					      "FilterPolicyScope", "InputPath",
					      "InputTransformer", "Events", "Filter",
					      "Existing", "StartDate", "EndDate",
					      "ActionAfterCompletion",
					      "StartingPosition", "StartingPositionTimestamp" };
	int rc = fa_document_put_text(out, "UUID", m->uuid);

	rc |= fa_document_put_integer(out, "BatchSize", c->batch_size);
	rc |= fa_document_put_integer(out, "MaximumBatchingWindowInSeconds", c->window_s);
	rc |= fa_document_put_text(out, "EventSourceArn", c->arn);
	if (c->function)
		rc |= put_function_arn(out, m->all->rt, c->function);
	rc |= fa_document_put_number(out, "LastModified", (double)c->modified_ms / 1000);
	rc |= fa_document_put_text(out, "State", states[state]);
	rc |= fa_document_put_text(out, "StateTransitionReason",
				   c->kind->shards ? "User action" : "USER_INITIATED");
	if (c->kind->shards)
		rc |= put_sharded(out, m, c);
	for (size_t i = 0; i < sizeof(copied) / sizeof(*copied); i++)
		rc |= put_copy(out, c->document, copied[i]);
	return rc;
}

/* [locked] The configuration that it has, or is about to. */
static const struct fa_mapping_config *latest_of(const struct fa_mapping *m)
{
	return m->next ? m->next : m->config;
}

/* ---- as a family of changes ----------------------------------------------- */

/* What is decided of it is not to be seen before it is written, but in the answer. */
static int draft(struct fa_mapping *m, struct fa_mapping_config *config,
		 enum fa_mapping_state state, struct fa_document *out)
{
	m->all->draft = (struct fa_mapping_draft){ .mapping = m, .config = config, .state = state };
	return put_mapping(out, m, config ? config : latest_of(m), state);
}

static int make_place(struct fa_sources *all)
{
	int rc;

	pthread_mutex_lock(&all->lock);
	rc = all->draft.fresh ? fa_map_reserve(&all->mappings, 1) : 0;
	pthread_mutex_unlock(&all->lock);
	return rc;
}

static int write_mapping(struct faas *rt, struct fa_pages *pages, struct faas_error *err)
{
	const struct fa_mapping_draft *d = &rt->sources->draft;
	char name[64], *text = NULL;

	if (!d->mapping)
		return 0;
	if (d->config)
		text = fa_document_print(d->config->document, &rt->mem);
	snprintf(name, sizeof(name), FA_MAPPING_DOCUMENT "%s", d->mapping->uuid);
	if ((d->config && !text) || !fa_pages_add(pages, name, text) || make_place(rt->sources))
		return fa_error_nomem(err);
	return 0;
}

static void adopt(const struct fa_mapping_draft *d)
{
	struct fa_mapping *m = d->mapping;

	pthread_mutex_lock(&m->all->lock);
	if (d->fresh) {
		fa_map_add(&m->all->mappings, m->uuid, m); /* there is room */
	} else if (d->config) {
		fa_mapping_config_free(m->next);
		m->next = d->config;
	}
	m->state = (enum fa_mapping_state)d->state;
	fa_mapping_call(m);
	pthread_mutex_unlock(&m->all->lock);
}

static void settle_mapping(struct faas *rt, int rc)
{
	struct fa_mapping_draft d = rt->sources->draft;

	rt->sources->draft.mapping = NULL;
	if (!d.mapping)
		return;
	if (!rc || d.regardless)
		adopt(&d);
	else if (d.fresh)
		fa_mapping_free(d.mapping);
	else
		fa_mapping_config_free(d.config);
}

const struct fa_family fa_mapping_family = { write_mapping, settle_mapping };

/* ---- create ---------------------------------------------------------------- */

/* [locked] Another one of the same source and function is a conflict. */
static int check_others(struct fa_sources *all, const char *uuid,
			const struct fa_mapping_config *c, struct faas_error *err)
{
	const struct fa_mapping *m;
	uint32_t pos = 0;

	while (!c->kind->pushes && (m = fa_map_next(&all->mappings, &pos))) {
		const struct fa_mapping_config *other = latest_of(m);

		if (m->state == FA_MAPPING_DELETING || !strcmp(m->uuid, uuid) ||
		    strcmp(other->source, c->source) != 0 ||
		    strcmp(other->target, c->target) != 0)
			continue;
		return fa_error(err, FAAS_EEXIST,
				"An event source mapping with %s arn (\" %.80s \") and function "
				"(\" %.40s \") already exists. Please update or delete the "
				"existing mapping with UUID %s",
				c->kind->service, c->arn, c->target, m->uuid);
	}
	return 0;
}

static int check_same(struct fa_sources *all, const char *uuid, const struct fa_mapping_config *c,
		      struct faas_error *err)
{
	int rc;

	pthread_mutex_lock(&all->lock);
	rc = check_others(all, uuid, c, err);
	pthread_mutex_unlock(&all->lock);
	return rc;
}

static int stamp(struct fa_document *document, const char *member, struct faas *rt)
{
	return fa_document_put_number(document, member,
				      (double)rt->clock->unix_ms(rt->clock) / 1000);
}

/* LATEST is where the end is now, whatever happens before the first record is read. */
static int note_start(struct fa_document *document, struct faas *rt, struct faas_error *err)
{
	const char *start = fa_control_text(document, "StartingPosition");
	struct fa_store_op op = { .verb = FA_STORE_TAIL };

	fa_document_drop(document, "StartingId");
	if (!start || strcmp(start, "LATEST") != 0)
		return 0;
	if (fa_store_perform(rt->durable.store, &op) != FA_STORE_DONE)
		return fa_error(err, FAAS_ESYSTEM, "the end of the stream cannot be read");
	return fa_document_put_integer(document, "StartingId", op.message.id) ?
		       fa_error_nomem(err) : 0;
}

/* What is asked for, as a configuration. NULL: see err. */
static struct fa_mapping_config *read_new(struct faas *rt, const struct fa_document *in,
					  struct faas_error *err)
{
	struct fa_document *copy = fa_document_copy(in);
	int rc = copy && !stamp(copy, "Made", rt) && !stamp(copy, "LastModified", rt) ?
			 note_start(copy, rt, err) : fa_error_nomem(err);

	if (!rc)
		return fa_mapping_config_read(rt->sources, copy, err);
	fa_document_free(copy);
	return NULL;
}

/* Takes the configuration. */
static int draft_new(struct faas *rt, struct fa_mapping_config *c, struct fa_document *out,
		     struct faas_error *err)
{
	struct fa_mapping *m = fa_mapping_create(rt->sources, c);
	int rc;

	if (!m) {
		fa_mapping_config_free(c);
		return fa_error_nomem(err);
	}
	rc = draft(m, c, FA_MAPPING_CREATING, out);
	rt->sources->draft.fresh = true;
	return rc ? fa_error_nomem(err) : check_same(rt->sources, m->uuid, c, err);
}

/* In a change, as all that follow. */
static int create(struct faas *rt, const struct fa_document *in, struct fa_document *out,
		  struct faas_error *err)
{
	struct fa_mapping_config *c;
	int rc;

	if (!fa_document_get(in, "FunctionName") && !fa_document_get(in, "Target"))
		return fa_error_typed(err, FAAS_EINVAL, "ValidationException",
				      "1 validation error detected: Value null at 'functionName' "
				      "failed to satisfy constraint: Member must not be null");
	c = read_new(rt, in, err);
	if (!c)
		return err->code;
	rc = fa_mapping_config_check(rt->sources, c, err);
	if (!rc)
		return draft_new(rt, c, out, err);
	fa_mapping_config_free(c);
	return rc;
}

/* ---- the others -------------------------------------------------------------- */

/* [locked], also on failure. */
static struct fa_mapping *lock_mapping(struct faas *rt, const struct fa_document *in,
				       struct faas_error *err)
{
	const char *uuid = fa_control_text(in, "UUID");
	struct fa_mapping *m;

	pthread_mutex_lock(&rt->sources->lock);
	m = fa_map_get(&rt->sources->mappings, uuid, strlen(uuid));
	if (!m)
		fa_error(err, FAAS_ENOTFOUND, "The resource you requested does not exist.");
	return m;
}

static int get(struct faas *rt, const struct fa_document *in, struct fa_document *out,
	       struct faas_error *err)
{
	struct fa_mapping *m = lock_mapping(rt, in, err);
	int rc = !m ? FAAS_ENOTFOUND :
		 put_mapping(out, m, latest_of(m), m->state) ? fa_error_nomem(err) : 0;

	pthread_mutex_unlock(&rt->sources->lock);
	return rc;
}

static int in_use(struct faas_error *err)
{
	return fa_error_typed(err, FAAS_EEXIST, "ResourceInUseException",
			      "Cannot change the event source mapping because it is in use.");
}

/* Of some members a mapping has one at most: the latest. */
static void drop_others(struct fa_document *merged, const char *name)
{
	static const char *const one_of[][3] = { { "FunctionName", "Target" },
						 { "Input", "InputPath", "InputTransformer" } };

	for (size_t i = 0; i < sizeof(one_of) / sizeof(*one_of); i++) {
		bool meant = false;

		for (int j = 0; j < 3 && one_of[i][j]; j++)
			meant |= !strcmp(one_of[i][j], name);
		for (int j = 0; meant && j < 3 && one_of[i][j]; j++)
			fa_document_drop(merged, one_of[i][j]);
	}
}

/* What it would be with the members of `in`; NULL with the error. */
static struct fa_document *merge(struct faas *rt, const struct fa_document *in,
				 struct faas_error *err)
{
	struct fa_mapping *m = lock_mapping(rt, in, err);
	const struct fa_document *value;
	struct fa_document *merged = NULL;
	const char *name = NULL;
	int rc = 0;

	if (m && m->state == FA_MAPPING_DELETING)
		in_use(err);
	else if (m)
		merged = fa_document_copy(latest_of(m)->document);
	pthread_mutex_unlock(&rt->sources->lock);
	if (!merged)
		return NULL;
	fa_document_drop(merged, "Completed");
	while ((name = fa_document_next(in, name, &value)))
		drop_others(merged, name);
	while ((name = fa_document_next(in, name, &value)))
		if (strcmp(name, "UUID") != 0)
			rc |= fa_document_put(merged, name, fa_document_copy(value));
	if (!rc && !stamp(merged, "LastModified", rt))
		return merged;
	fa_document_free(merged);
	fa_error_nomem(err);
	return NULL;
}

static int draft_change(struct faas *rt, const struct fa_document *in,
			struct fa_mapping_config *c, struct fa_document *out,
			struct faas_error *err)
{
	struct fa_mapping *m = lock_mapping(rt, in, err);
	int rc = draft(m, c, c->enabled ? FA_MAPPING_UPDATING : FA_MAPPING_DISABLING, out);

	pthread_mutex_unlock(&rt->sources->lock);
	return rc ? fa_error_nomem(err) : 0;
}

static int update(struct faas *rt, const struct fa_document *in, struct fa_document *out,
		  struct faas_error *err)
{
	struct fa_document *merged = merge(rt, in, err);
	struct fa_mapping_config *c;
	int rc;

	if (!merged)
		return err->code ? err->code : fa_error_nomem(err);
	c = fa_mapping_config_read(rt->sources, merged, err);
	if (!c)
		return err->code;
	rc = fa_mapping_config_check(rt->sources, c, err);
	if (!rc)
		rc = check_same(rt->sources, fa_control_text(in, "UUID"), c, err);
	if (!rc)
		return draft_change(rt, in, c, out, err);
	fa_mapping_config_free(c);
	return rc;
}

/* ---- what the loop finds to be over ---------------------------------------------- */

/* In a change, so that nobody asks for anything else by then: whether it is as the loop saw it. */
static bool is_unchanged(struct fa_mapping *m)
{
	bool same;

	pthread_mutex_lock(&m->all->lock);
	same = m->state != FA_MAPPING_DELETING && !m->next && m->adopted == m->over.adopted;
	pthread_mutex_unlock(&m->all->lock);
	return same;
}

static struct fa_mapping_config *completed(struct fa_mapping *m)
{
	struct fa_document *copy = fa_document_copy(m->config->document);

	if (copy && !fa_document_put_boolean(copy, "Enabled", false) &&
	    !fa_document_put_boolean(copy, "Completed", true))
		return fa_mapping_config_read(m->all, copy, NULL);
	fa_document_free(copy);
	return NULL;
}

/* What is still enabled on the disk is done once more after a restart. */
static void complete(struct fa_mapping *m)
{
	struct faas *rt = m->all->rt;
	struct fa_mapping_config *c;

	fa_change_begin(&rt->registry);
	c = is_unchanged(m) ? completed(m) : NULL;
	if (c)
		m->all->draft = (struct fa_mapping_draft){ .mapping = m,
							   .config = c,
							   .state = FA_MAPPING_DISABLING,
							   .regardless = true };
	fa_change_close(rt, 0, NULL);
}

static void retire(struct fa_mapping *m)
{
	struct faas *rt = m->all->rt;

	if (fa_fan_has_sent(rt, m->over.arn) || fa_change_prepare(rt, NULL))
		return;
	if (is_unchanged(m))
		m->all->draft = (struct fa_mapping_draft){ .mapping = m,
							   .state = FA_MAPPING_DELETING };
	fa_change_close(rt, 0, NULL);
}

void fa_mapping_conclude(struct fa_mapping *m)
{
	if (m->over.doing == FA_END_COMPLETES)
		complete(m);
	else
		retire(m);
}

static int delete(struct faas *rt, const struct fa_document *in, struct fa_document *out,
		  struct faas_error *err)
{
	struct fa_mapping *m = lock_mapping(rt, in, err);
	int rc = !m ? FAAS_ENOTFOUND : m->state == FA_MAPPING_DELETING ? in_use(err) : 0;

	if (!rc && draft(m, NULL, FA_MAPPING_DELETING, out))
		rc = fa_error_nomem(err);
	pthread_mutex_unlock(&rt->sources->lock);
	return rc;
}

/* ---- list -------------------------------------------------------------------- */

static bool is_meant(const struct fa_mapping *m, const char *source, const char *function)
{
	const struct fa_mapping_config *c = latest_of(m);

	return (!source || !strcmp(c->source, source)) &&
	       (!function || (c->function && !strcmp(c->function, function)));
}

/* [locked] Those of the page, in the order of the map. */
static int put_page(struct fa_document *page, struct fa_sources *all, const char *source,
		    const char *function, size_t begin, size_t end)
{
	const struct fa_mapping *m;
	uint32_t pos = 0;
	size_t at = 0;
	int rc = 0;

	while ((m = fa_map_next(&all->mappings, &pos))) {
		struct fa_document *item;

		if (!is_meant(m, source, function) || at++ < begin || at > end)
			continue;
		item = fa_document_object();
		rc |= put_mapping(item, m, latest_of(m), m->state);
		rc |= fa_document_append(page, item);
	}
	return rc;
}

static size_t count_meant(struct fa_sources *all, const char *source, const char *function)
{
	const struct fa_mapping *m;
	uint32_t pos = 0;
	size_t n = 0;

	while ((m = fa_map_next(&all->mappings, &pos)))
		n += is_meant(m, source, function);
	return n;
}

static int list(struct faas *rt, const struct fa_document *in, struct fa_document *out,
		struct faas_error *err)
{
	const char *source = fa_control_text(in, "EventSourceArn");
	const char *function = fa_control_text(in, "FunctionName");
	struct fa_sources *all = rt->sources;
	struct fa_document *page = fa_document_array();
	char address[FA_ADDRESS_MAX], target[FA_TARGET_MAX];
	struct fa_name name;
	size_t begin, end;
	int rc;

	if (source && fa_source_address(address, source))
		source = address;
	if (function && !fa_name_parse(&name, function, NULL)) {
		snprintf(target, sizeof(target), "%s", (const char *)name.function.data);
		function = target;
	}
	pthread_mutex_lock(&all->lock);
	rc = fa_control_page(in, out, count_meant(all, source, function), LIST_MOST, &begin, &end,
			     err);
	if (!rc)
		rc = put_page(page, all, source, function, begin, end) ? FAAS_ENOMEM : 0;
	pthread_mutex_unlock(&all->lock);
	return fa_document_put(out, "EventSourceMappings", page) || rc == FAAS_ENOMEM ?
		       fa_error_nomem(err) :
		       rc;
}

/* ---- the table ---------------------------------------------------------------- */

#define FIELDS(...) (const struct fa_field[]){ __VA_ARGS__, FA_NO_FIELD }
#define UUID FA_LENGTH_OF("UUID", true, 1, 64)
#define SOURCE(required) \
	FA_FITTING("EventSourceArn", required, 1, 400, fa_fits_address, \
		   FA_PATTERN FA_ARN_PATTERN)
#define FUNCTION FA_FUNCTION_ROW(false, 140, "a-zA-Z0-9-_")
#define RESPONSE_TYPES \
	FA_LIST_OF("FunctionResponseTypes", false, 0, 1, \
		   FA_TEXT_ITEM(0, 0, NULL, FA_WORDS "[ReportBatchItemFailures]"))
#define FILTERS \
	FA_OBJECT_OF("FilterCriteria", false, \
		     FA_LIST_OF("Filters", false, 0, 0, \
				FA_OBJECT_OF(NULL, false, FA_TEXT_OF("Pattern", 4096))))
#define SCALING \
	FA_OBJECT_OF("ScalingConfig", false, \
		     FA_INTEGER_OF("MaximumConcurrency", false, 2, 1000))
#define POLLERS \
	FA_OBJECT_OF("ProvisionedPollerConfig", false, \
		     FA_INTEGER_OF("MinimumPollers", false, 1, 200), \
		     FA_INTEGER_OF("MaximumPollers", false, 1, 2000))
#define SETTINGS \
	FA_BOOLEAN_OF("Enabled"), \
		FA_INTEGER_OF("BatchSize", false, 1, 10000), \
		FA_INTEGER_OF("MaximumBatchingWindowInSeconds", false, 0, 300), \
		RESPONSE_TYPES, \
		FILTERS, \
		SCALING, \
		POLLERS, \
		FA_OPEN_OBJECT("MetricsConfig", false), \
		FA_LENGTH_OF("Input", false, 1, 262144), \
		FA_LENGTH_OF("ScheduleExpressionTimezone", false, 1, 50), \
		FA_OPEN_OBJECT("FlexibleTimeWindow", false), \
		FA_LENGTH_OF("Target", false, 1, 400), \
		FA_OPEN_OBJECT("RetryPolicy", false), \
		FA_OPEN_OBJECT("DeadLetterConfig", false), \
		FA_BOOLEAN_OF("RawMessageDelivery"), \
		FA_LENGTH_OF("FilterPolicyScope", false, 1, 32), \
		FA_LENGTH_OF("InputPath", false, 1, 256), \
		FA_OPEN_OBJECT("InputTransformer", false), \
		FA_OPEN_LIST("Events", false, 1, 16), \
		FA_OPEN_OBJECT("Filter", false), \
		FA_BOOLEAN_OF("Existing"), \
		FA_LENGTH_OF("StartDate", false, 1, 40), \
		FA_LENGTH_OF("EndDate", false, 1, 40), \
		FA_WORD_OF("ActionAfterCompletion", false, "[NONE, DELETE]"), \
		FA_INTEGER_OF("ParallelizationFactor", false, 1, 10), \
		FA_INTEGER_OF("MaximumRetryAttempts", false, -1, 10000), \
		FA_INTEGER_OF("MaximumRecordAgeInSeconds", false, -1, 604800), \
		FA_BOOLEAN_OF("BisectBatchOnFunctionError"), \
		FA_INTEGER_OF("TumblingWindowInSeconds", false, 0, 900), \
		FA_DESTINATIONS_FIELD
#define START \
	FA_WORD_OF("StartingPosition", false, "[LATEST, AT_TIMESTAMP, TRIM_HORIZON]"), \
		FA_INTEGER_OF("StartingPositionTimestamp", false, 0, INT_MAX)

const struct fa_operation fa_mapping_operations[] = {
	{ "CreateEventSourceMapping", FIELDS(FUNCTION, SOURCE(false), SETTINGS, START),
	  create },
	{ "GetEventSourceMapping", FIELDS(UUID), get },
	{ "UpdateEventSourceMapping", FIELDS(UUID, FUNCTION, SETTINGS), update },
	{ "DeleteEventSourceMapping", FIELDS(UUID), delete },
	{ "ListEventSourceMappings", FIELDS(SOURCE(false), FUNCTION, FA_MARKER_FIELDS), list },
	{ NULL, NULL, NULL },
};

/* ---- after a restart ---------------------------------------------------------------- */

static int recall(struct faas *rt, const struct fa_message *document, struct faas_error *err)
{
	struct fa_document *in = fa_document_parse(document->body.data, err);
	struct fa_mapping_config *c = in ? fa_mapping_config_read(rt->sources, in, err) : NULL;
	struct fa_mapping *m;

	if (!c) /* of a source that this program does not have (yet): it stays written */
		return err->code == FAAS_ENOMEM ? FAAS_ENOMEM : 0;
	c->recalled = true;
	m = fa_mapping_create(rt->sources, c);
	if (!m) {
		fa_mapping_config_free(c);
		return fa_error_nomem(err);
	}
	snprintf(m->uuid, sizeof(m->uuid), "%s",
		 (const char *)document->address.data + strlen(FA_MAPPING_DOCUMENT));
	if (check_same(rt->sources, m->uuid, m->config, err)) {
		fa_mapping_free(m);
		return 0;
	}
	if (!fa_map_add(&rt->sources->mappings, m->uuid, m))
		return 0;
	fa_mapping_free(m);
	return fa_error_nomem(err);
}

int fa_sources_recall(struct faas *rt, struct faas_error *err)
{
	struct faas_error why = { 0 };
	int rc = fa_documents_read(rt, FA_MAPPING_DOCUMENT, recall, &why);

	return rc ? fa_error(err, rc, "%s", why.message) : 0;
}

void fa_sources_begin(struct faas *rt)
{
	struct fa_mapping *m;
	uint32_t pos = 0;

	pthread_mutex_lock(&rt->sources->lock);
	while ((m = fa_map_next(&rt->sources->mappings, &pos)))
		fa_mapping_call(m);
	pthread_mutex_unlock(&rt->sources->lock);
	if (atomic_load(&rt->tables.count))
		fa_expiry_at(rt->sources, 0);
}
