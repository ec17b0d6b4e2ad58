/* SPDX-License-Identifier: MIT */
/*
 * Queues, streams and tables are read by the function's role; a host's own sources by nobody's.
 * Directories and schedules, topics and buses invoke by themselves, as the service that they are
 * here for, and from what their events say they come from.
 */
#include <source/rights.h>

#include <stdio.h>
#include <string.h>

#include <base/error.h>
#include <model/permission.h>
#include <model/role.h>
#include <roles.h>
#include <source/shards.h>

#define ARN_MAX (FA_ADDRESS_ARN + FA_ADDRESS_MAX)

static const char *const sqs[] = { "sqs:ReceiveMessage", "sqs:DeleteMessage",
				   "sqs:GetQueueAttributes", NULL };
static const char *const kinesis[] = { "kinesis:GetRecords", "kinesis:GetShardIterator",
				       "kinesis:DescribeStream", "kinesis:DescribeStreamSummary",
				       "kinesis:ListShards", NULL };
static const char *const dynamodb[] = { "dynamodb:GetRecords", "dynamodb:GetShardIterator",
					"dynamodb:DescribeStream", "dynamodb:ListStreams",
					NULL };

static const struct {
	const struct fa_source_kind *kind;
	const char *const *actions; /* NULL: it pushes */
	const char *services[2];
} rows[] = {
	{ &fa_queue_source, sqs, { NULL } },
	{ &fa_stream_source, kinesis, { NULL } },
	{ &fa_table_source, dynamodb, { NULL } },
	{ &fa_directory_source, NULL, { "s3.amazonaws.com" } },
	{ &fa_schedule_source, NULL, { "events.amazonaws.com", "scheduler.amazonaws.com" } },
	{ &fa_topic_source, NULL, { "sns.amazonaws.com" } },
	{ &fa_bus_source, NULL, { "events.amazonaws.com" } },
};

#define ROWS (sizeof(rows) / sizeof(*rows))

static size_t row_of(const struct fa_source_kind *kind)
{
	size_t row = 0;

	while (row < ROWS && rows[row].kind != kind)
		row++;
	return row;
}

/* ---- those that are polled ---------------------------------------------------- */

static int denied(const struct fa_mapping_config *c, const char *action, struct faas_error *err)
{
	if (c->kind->shards)
		return fa_error(err, FAAS_EINVAL,
				"Cannot access stream %.100s. Please ensure the role can perform "
				"the GetRecords, GetShardIterator, DescribeStream, and ListStreams "
				"Actions on your stream in IAM.",
				c->arn);
	return fa_error(err, FAAS_EINVAL,
			"The provided execution role does not have permissions to call %s on %s",
			strchr(action, ':') + 1, c->kind->service);
}

static int may_poll(struct faas *rt, const struct fa_mapping_config *c, struct fa_version *v,
		    const char *const *actions, struct faas_error *err)
{
	char why[FA_ROLE_WHY_MAX];
	int rc = 0;

	for (; !rc && *actions; actions++) {
		rc = fa_role_may(rt, v, *actions, c->arn, why, sizeof(why));
		if (rc == FAAS_EDENIED)
			return denied(c, *actions, err);
	}
	return rc ? fa_error_nomem(err) : 0;
}

/* Those that it polls, and whom it tells of what it gives up. */
static int may_read(struct faas *rt, const struct fa_mapping_config *c, struct fa_version *v,
		    const char *const *actions, struct faas_error *err)
{
	int rc = may_poll(rt, c, v, actions, err);

	if (rc || !c->sharded || !c->sharded->tells)
		return rc;
	return fa_role_check_told(rt, v->config.name, v->config.role, c->sharded->to.text,
				  FA_OF_RECORDS, err);
}

/* ---- those that push ------------------------------------------------------------ */

static int may_push(struct faas *rt, const char *function, const char *const services[2],
		    const char *arn, struct faas_error *err)
{
	int rc = 0;

	if (!fa_roles_epoch(&rt->registry) || !fa_roles_count(&rt->registry))
		return 0;
	for (int i = 0; i < 2 && services[i]; i++) {
		rc = fa_permission_admits(&rt->registry, function, services[i], arn, err);
		if (rc != FAAS_EDENIED)
			break;
	}
	return rc;
}

/* What the events of a directory say they come from. */
static void write_bucket(char out[ARN_MAX], const struct fa_mapping_config *c)
{
	snprintf(out, ARN_MAX, "arn:aws:s3:::%s", strchr(c->source, ':') + 1);
}

/* By the ARN of a subscription or a rule, which its messages carry. */
int fa_sources_may_push(struct faas *rt, const struct fa_message *m, const char *function,
			struct faas_error *err)
{
	struct fa_sources *all = rt->sources;
	const char *source = m->source.data;
	const struct fa_mapping *mapping = NULL;
	char arn[ARN_MAX];
	size_t row = ROWS;

	pthread_mutex_lock(&all->lock);
	if (m->source.len >= 36)
		mapping = fa_map_get(&all->mappings, source + m->source.len - 36, 36);
	if (mapping) {
		row = row_of(mapping->config->kind);
		snprintf(arn, sizeof(arn), "%s",
			 mapping->config->kind == &fa_topic_source ? mapping->config->arn : source);
	}
	pthread_mutex_unlock(&all->lock);
	return row < ROWS ? may_push(rt, function, rows[row].services, arn, err) : 0;
}

/* ---- asked ------------------------------------------------------------------------ */

int fa_rights_check(struct fa_sources *all, const struct fa_mapping_config *c,
		    struct fa_version *v, struct faas_error *err)
{
	size_t row = row_of(c->kind);
	char arn[ARN_MAX];

	if (row < ROWS && rows[row].actions)
		return may_read(all->rt, c, v, rows[row].actions, err);
	if (c->kind != &fa_directory_source)
		return 0; /* like a rule or a subscription, which may be there before */
	write_bucket(arn, c);
	if (may_push(all->rt, c->function, rows[row].services, arn, err) != FAAS_EDENIED)
		return 0;
	return fa_error(err, FAAS_EINVAL,
			"Unable to validate the following destination configurations: Not "
			"authorized to invoke function [%.150s]",
			c->function);
}

bool fa_rights_now(const struct fa_mapping *m, struct fa_version *v)
{
	size_t row = row_of(m->config->kind);
	struct faas_error err;
	char arn[ARN_MAX];

	if (row < ROWS && rows[row].actions)
		return !may_poll(m->all->rt, m->config, v, rows[row].actions, &err);
	if (m->config->kind != &fa_directory_source)
		return true; /* its messages are asked about when they are delivered */
	write_bucket(arn, m->config);
	return !may_push(m->all->rt, m->config->function, rows[row].services, arn, &err);
}
