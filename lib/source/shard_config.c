/* SPDX-License-Identifier: MIT */
/* What a mapping of a source with shards is told besides what all are. */
#include <source/shards.h>

#include <string.h>

#include <base/error.h>
#include <control/control.h>

#define AGE_LEAST_S 60

const char *const fa_shard_members[] = {
	"StartingPosition", "StartingPositionTimestamp", "StartingId", "ParallelizationFactor",
	"MaximumRetryAttempts", "MaximumRecordAgeInSeconds", "BisectBatchOnFunctionError",
	"TumblingWindowInSeconds", "DestinationConfig", NULL,
};

static int read_start(struct fa_shard_config *c, const struct fa_mapping_config *m,
		      struct faas_error *err)
{
	const char *start = fa_control_text(m->document, "StartingPosition");
	const struct fa_document *at = fa_document_get(m->document, "StartingPositionTimestamp");
	double at_s = 0;

	if (!start)
		return fa_error(err, FAAS_EINVAL,
				"1 validation error detected: Value null at 'startingPosition' "
				"failed to satisfy constraint: Member must not be null.");
	fa_document_integer(fa_document_get(m->document, "StartingId"), &c->after_id);
	if (strcmp(start, "AT_TIMESTAMP") != 0)
		return at ? fa_error(err, FAAS_EINVAL,
				     "StartingPositionTimestamp is for AT_TIMESTAMP only") : 0;
	if (!m->kind->shards->by_time)
		return fa_error(err, FAAS_EINVAL,
				"Unsupported starting position for arn type: %s", m->arn);
	if (!fa_document_number(at, &at_s))
		return fa_error(err, FAAS_EINVAL,
				"AT_TIMESTAMP needs StartingPositionTimestamp, seconds of Unix "
				"time");
	c->since_ms = (int64_t)(at_s * 1000);
	return 0;
}

static int read_destination(struct fa_shard_config *c, const struct fa_document *in,
			    struct faas_error *err)
{
	const struct fa_document *all = fa_document_get(in, "DestinationConfig");
	const char *to = fa_control_text(fa_document_get(all, "OnFailure"), "Destination");
	int rc;

	if (fa_document_get(all, "OnSuccess"))
		return fa_error(err, FAAS_EINVAL,
				"Unsupported OnSuccess destination for an event source mapping");
	if (!to || !*to)
		return 0;
	c->tells = true;
	rc = fa_address_parse(&c->to, to, err);
	return rc ? rc : fa_queue_refuse_fifo(&c->to, err);
}

static int read_limits(struct fa_shard_config *c, const struct fa_document *in,
		       struct faas_error *err)
{
	int age_s = fa_control_number(in, "MaximumRecordAgeInSeconds", -1);

	c->lanes = fa_control_number(in, "ParallelizationFactor", 1);
	c->retries = fa_control_number(in, "MaximumRetryAttempts", -1);
	c->tumble_ms = fa_control_number(in, "TumblingWindowInSeconds", 0) * INT64_C(1000);
	fa_document_boolean(fa_document_get(in, "BisectBatchOnFunctionError"), &c->bisect);
	if (age_s != -1 && age_s < AGE_LEAST_S)
		return fa_error(err, FAAS_EINVAL,
				"MaximumRecordAgeInSeconds is %d: must be -1, or from %d to 604800",
				age_s, AGE_LEAST_S);
	c->age_ms = age_s < 0 ? 0 : age_s * INT64_C(1000);
	return 0;
}

struct fa_shard_config *fa_shard_config_read(struct fa_sources *all,
					     const struct fa_mapping_config *m,
					     struct faas_error *err)
{
	struct fa_shard_config *c = fa_alloc(&all->rt->mem, sizeof(*c));
	int rc;

	if (!c) {
		fa_error_nomem(err);
		return NULL;
	}
	rc = read_start(c, m, err);
	if (!rc)
		rc = read_limits(c, m->document, err);
	if (!rc)
		rc = read_destination(c, m->document, err);
	if (!rc && fa_document_get(m->document, "ScalingConfig"))
		rc = fa_error(err, FAAS_EINVAL, "%s does nothing with 'ScalingConfig'", m->source);
	if (!rc)
		return c;
	fa_free(c);
	return NULL;
}

int fa_shards_fit(struct fa_sources *all, const struct fa_mapping_config *config,
		  struct faas_error *err)
{
	struct fa_stream like;

	if (config->kind->shards->find(all->rt, config->source, &like))
		return 0;
	return fa_error(err, FAAS_EINVAL, "Stream not found: %s", config->arn);
}
