/* SPDX-License-Identifier: MIT */
/* What is said of queues: kept in the model, and as documents in the store. */
#include <faas/source.h>

#include <stdio.h>
#include <string.h>

#include <base/error.h>
#include <messages.h>
#include <remember.h>

#define PREFIX ":queue:"
#define DOCUMENT_MAX (sizeof(PREFIX) + FA_ADDRESS_NAME_MAX)
#define PAGE 64

static int say(enum fa_store_outcome outcome, const char *name, struct faas_error *err)
{
	if (outcome == FA_STORE_DONE)
		return 0;
	return fa_error(err, outcome == FA_STORE_UNKNOWN ? FAAS_EUNKNOWN : FAAS_ESYSTEM,
			"what was said of '%s' could not be written", name);
}

/* `text` NULL: forget it. */
static int keep(struct faas *rt, const char *name, const char *text, struct faas_error *err)
{
	char document[DOCUMENT_MAX];
	struct fa_store_op op = { .verb = text ? FA_STORE_KEEP : FA_STORE_FORGET };

	snprintf(document, sizeof(document), PREFIX "%s", name);
	op.message.address = (struct faas_bytes){ document, strlen(document) };
	if (text)
		op.message.body = (struct faas_bytes){ text, strlen(text) };
	return say(fa_store_perform(rt->durable.store, &op), name, err);
}

/* Enter the runtime for a queue. */
static int enter(struct faas *rt, const char *text, struct fa_address *address,
		 struct faas_error *err)
{
	int rc;

	if (!rt)
		return fa_error(err, FAAS_EINVAL, "a runtime is required");
	rc = fa_address_parse(address, text, err);
	if (!rc && address->kind != FA_TO_QUEUE)
		rc = fa_error(err, FAAS_EINVAL, "'%.80s' is no queue", text);
	return rc ? rc : fa_enter(rt, err);
}

int faas_resource_create(struct faas *rt, const char *text, const char *options,
			 struct faas_error *err)
{
	struct fa_address address;
	struct fa_queue queue;
	char *print = NULL;
	int rc = enter(rt, text, &address, err);

	if (rc)
		return rc;
	rc = fa_queue_read(&queue, address.name, options, err);
	if (!rc) {
		print = fa_queue_print(&queue, &rt->mem);
		rc = print ? keep(rt, queue.name, print, err) : fa_error_nomem(err);
	}
	if (!rc && fa_queues_set(&rt->queues, &queue))
		rc = fa_error_nomem(err);
	fa_free(print);
	fa_leave(rt);
	return rc;
}

int faas_resource_delete(struct faas *rt, const char *text, struct faas_error *err)
{
	struct fa_store_op op = { .verb = FA_STORE_PURGE, .gone = FA_STORE_DROPPED };
	struct fa_address address;
	bool was_there;
	int rc = enter(rt, text, &address, err);

	if (rc)
		return rc;
	op.message.address = (struct faas_bytes){ address.text, strlen(address.text) };
	rc = say(fa_store_perform(rt->durable.store, &op), address.name, err);
	if (!rc)
		rc = keep(rt, address.name, NULL, err);
	was_there = !rc && fa_queues_remove(&rt->queues, address.name);
	if (!rc && !was_there && !op.count)
		rc = fa_error(err, FAAS_ENOTFOUND, "there is no %s", address.text);
	fa_leave(rt);
	return rc;
}

static int recall(struct faas *rt, const struct fa_message *m, struct faas_error *err)
{
	const char *name = (const char *)m->address.data + strlen(PREFIX);
	struct fa_queue queue;
	int rc = fa_queue_read(&queue, name, m->body.data, err);

	return rc ? rc : fa_queues_set(&rt->queues, &queue) ? fa_error_nomem(err) : 0;
}

int fa_queues_recall(struct faas *rt, struct faas_error *err)
{
	return fa_documents_read(rt, PREFIX, recall, err);
}

int fa_documents_read(struct faas *rt, const char *prefix,
		      int (*each)(struct faas *rt, const struct fa_message *document,
				  struct faas_error *err),
		      struct faas_error *err)
{
	struct fa_store_op op = { .verb = FA_STORE_RECALL, .max = PAGE };
	struct faas_error own = { 0 };
	char name[FA_DOCUMENT_NAME];
	struct fa_list *pos;
	bool more = true;
	int rc = 0;

	if (!rt->durable.lasts)
		return 0;
	err = err ? err : &own;
	snprintf(name, sizeof(name), "%s", prefix);
	while (!rc && more) {
		op.message.address = (struct faas_bytes){ name, strlen(name) };
		if (fa_store_perform(rt->durable.store, &op) != FA_STORE_DONE)
			return fa_error(err, FAAS_ESYSTEM, "the state_dir cannot be read");
		more = !fa_list_empty(&op.claimed);
		while ((pos = fa_list_pop(&op.claimed))) {
			struct fa_fetched *f = fa_container(pos, struct fa_fetched, link);

			snprintf(name, sizeof(name), "%s", (const char *)f->message.address.data);
			more = more && !strncmp(name, prefix, strlen(prefix));
			if (more && !rc)
				rc = each(rt, &f->message, err);
			fa_free(f);
		}
	}
	return rc;
}
