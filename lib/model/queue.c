/* SPDX-License-Identifier: MIT */
/*
 * Queues need not be made: what is said of one is a few numbers beside its messages. Values
 * are taken as SQS's own clients send them, numbers as texts, too.
 */
#include <model/queue.h>

#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <base/document.h>
#include <base/error.h>

static const struct member {
	const char *name;
	size_t at;
	int min, max;
} members[] = {
	{ "VisibilityTimeout", offsetof(struct fa_queue, visibility_s), 0, 43200 },
	{ "DelaySeconds", offsetof(struct fa_queue, delay_s), 0, 900 },
	{ "MessageRetentionPeriod", offsetof(struct fa_queue, retention_s), 60, 1209600 },
};

#define MEMBERS (sizeof(members) / sizeof(*members))

bool fa_queue_is_fifo(const char *name)
{
	size_t len = strlen(name);

	return len > 5 && !strcmp(name + len - 5, ".fifo");
}

int fa_queue_refuse_fifo(const struct fa_address *address, struct faas_error *err)
{
	if (address->kind != FA_TO_QUEUE || !fa_queue_is_fifo(address->name))
		return 0;
	return fa_error(err, FAAS_EINVAL,
			"'%.80s' is a FIFO queue, and what is sent there has no group: expected a "
			"queue that is none",
			address->text);
}

/* ---- JSON ------------------------------------------------------------ */

static bool read_number(const struct fa_document *value, int64_t *out)
{
	const char *text = fa_document_text(value);
	char *end;

	if (!text)
		return fa_document_integer(value, out);
	*out = strtoll(text, &end, 10);
	return *text && !*end && strlen(text) < 12;
}

static int read_flag(bool *out, const char *name, const struct fa_document *value,
		     struct faas_error *err)
{
	const char *text = fa_document_text(value);

	if (text && (!strcmp(text, "true") || !strcmp(text, "false")))
		*out = *text == 't';
	else if (!fa_document_boolean(value, out))
		return fa_error(err, FAAS_EINVAL, "%s must be true or false", name);
	return 0;
}

static int read_redrive(struct fa_queue *q, const struct fa_document *value,
			struct faas_error *err)
{
	struct fa_document *inner = NULL;
	struct fa_address to = { .text = "" };
	int64_t most = 0;
	const char *target;
	int rc;

	if (fa_document_text(value))
		value = inner = fa_document_parse(fa_document_text(value), NULL);
	target = fa_document_text(fa_document_get(value, "deadLetterTargetArn"));
	if (!target || !read_number(fa_document_get(value, "maxReceiveCount"), &most) ||
	    most < 1 || most > 1000)
		rc = fa_error(err, FAAS_EINVAL,
			      "RedrivePolicy must have deadLetterTargetArn, an address, and "
			      "maxReceiveCount from 1 to 1000");
	else
		rc = fa_address_parse_letter(&to, target, err);
	if (!rc && to.kind == FA_TO_QUEUE && !strcmp(to.name, q->name))
		rc = fa_error(err, FAAS_EINVAL, "a queue cannot be its own dead-letter queue");
	if (!rc && to.kind == FA_TO_QUEUE && fa_queue_is_fifo(to.name) != fa_queue_is_fifo(q->name))
		rc = fa_error(err, FAAS_EINVAL,
			      "the dead-letter queue of a FIFO queue must be a FIFO queue, too, "
			      "and of another none");
	q->max_receives = (int)most;
	snprintf(q->dead_letter, sizeof(q->dead_letter), "%s", to.text);
	fa_document_free(inner);
	return rc;
}

static int read_member(struct fa_queue *q, const char *name, const struct fa_document *value,
		       struct faas_error *err)
{
	int64_t number;
	bool fifo = false;
	int rc;

	for (size_t i = 0; i < MEMBERS; i++) {
		const struct member *m = &members[i];

		if (strcmp(m->name, name) != 0)
			continue;
		if (!read_number(value, &number) || number < m->min || number > m->max)
			return fa_error(err, FAAS_EINVAL, "%s must be a number from %d to %d",
					name, m->min, m->max);
		*(int *)((char *)q + m->at) = (int)number;
		return 0;
	}
	if (!strcmp(name, "RedrivePolicy"))
		return read_redrive(q, value, err);
	if (!strcmp(name, "ContentBasedDeduplication"))
		return read_flag(&q->content_dedup, name, value, err);
	if (strcmp(name, "FifoQueue") != 0)
		return fa_error(err, FAAS_EINVAL, "'%.80s' is no attribute that a queue has here",
				name);
	rc = read_flag(&fifo, name, value, err);
	if (!rc && fifo != fa_queue_is_fifo(q->name))
		rc = fa_error(err, FAAS_EINVAL,
			      "the name of a FIFO queue ends in .fifo, and no other does");
	return rc;
}

int fa_queue_read(struct fa_queue *queue, const char *name, const char *attributes,
		  struct faas_error *err)
{
	struct fa_queue q = { .visibility_s = FA_QUEUE_HIDDEN_S };
	struct fa_document *in = fa_document_parse(attributes ? attributes : "{}", err);
	const struct fa_document *value;
	const char *member = NULL;
	int rc = 0;

	if (!in)
		return FAAS_EINVAL;
	snprintf(q.name, sizeof(q.name), "%s", name);
	while (!rc && (member = fa_document_next(in, member, &value)))
		rc = read_member(&q, member, value, err);
	if (!rc && q.content_dedup && !fa_queue_is_fifo(name))
		rc = fa_error(err, FAAS_EINVAL,
			      "ContentBasedDeduplication is of FIFO queues only");
	if (!rc)
		*queue = q;
	fa_document_free(in);
	return rc;
}

char *fa_queue_print(const struct fa_queue *q, const struct fa_mem *mem)
{
	struct fa_document *out = fa_document_object(), *redrive;
	char *text;
	int rc = 0;

	for (size_t i = 0; i < MEMBERS; i++) {
		int value = *(const int *)((const char *)q + members[i].at);

		if (value >= members[i].min)
			rc |= fa_document_put_integer(out, members[i].name, value);
	}
	if (q->content_dedup)
		rc |= fa_document_put_text(out, "ContentBasedDeduplication", "true");
	if (q->max_receives) {
		redrive = fa_document_object();
		rc |= fa_document_put_text(redrive, "deadLetterTargetArn", q->dead_letter);
		rc |= fa_document_put_integer(redrive, "maxReceiveCount", q->max_receives);
		rc |= fa_document_put(out, "RedrivePolicy", redrive);
	}
	text = rc ? NULL : fa_document_print(out, mem);
	fa_document_free(out);
	return text;
}

void fa_queue_get(struct fa_named *queues, const char *name, struct fa_queue *queue)
{
	if (fa_named_get(queues, name, queue))
		return;
	*queue = (struct fa_queue){ .visibility_s = FA_QUEUE_HIDDEN_S };
	snprintf(queue->name, sizeof(queue->name), "%s", name);
}
