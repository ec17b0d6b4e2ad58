/* SPDX-License-Identifier: MIT */
/*
 * A layer and its versions as a document in the store. Its packages lie in the state_dir
 * by their names; a version whose package was taken from there is told, but has no content.
 */
#include <remember.h>

#include <stdio.h>
#include <string.h>

#include <base/error.h>
#include <messages.h>

#define PREFIX ":layer:"

static int keep(struct faas *rt, const char *name, struct faas_error *err)
{
	struct fa_document *out = fa_layers_document(&rt->layers, name, err);
	char *text = out ? fa_document_print(out, &rt->mem) : NULL;
	struct fa_store_op op = { .verb = FA_STORE_KEEP, .insists = true };
	enum fa_store_outcome outcome;
	char document[FA_DOCUMENT_NAME];

	fa_document_free(out);
	if (!text)
		return fa_error_nomem(err);
	snprintf(document, sizeof(document), PREFIX "%s", name);
	op.message.address = (struct faas_bytes){ document, strlen(document) };
	op.message.body = (struct faas_bytes){ text, strlen(text) };
	outcome = fa_store_perform(rt->durable.store, &op);
	fa_free(text);
	if (outcome == FA_STORE_DONE)
		return 0;
	return fa_error(err, outcome == FA_STORE_UNKNOWN ? FAAS_EUNKNOWN : FAAS_ESYSTEM,
			"the layer '%s' was changed, but the state_dir could not be written", name);
}

int fa_layers_remember(struct faas *rt, struct faas_error *err)
{
	char name[FA_LAYER_NAME_MAX + 1];
	int rc = 0;

	while (!rc && fa_layers_changed(&rt->layers, name)) {
		rc = keep(rt, name, err);
		if (rc)
			fa_layers_touch(&rt->layers, name); /* the next one tries again */
	}
	return rc;
}

/* Without its files it is a layer still, and tells what it was. */
static struct fa_package *take(void *data, const char *id, struct faas_error *err)
{
	struct faas *rt = data;
	struct fa_package *p;
	char path[4096];

	snprintf(path, sizeof(path), "%s/code/%s/code.zip", rt->config.state_dir, id);
	p = fa_packages_take_file(&rt->packages, path, err);
	if (!p || !fa_package_make(p, err))
		return p;
	fa_package_unref(p);
	return NULL;
}

static int recall(struct faas *rt, const struct fa_message *m, struct faas_error *err)
{
	const char *name = (const char *)m->address.data + strlen(PREFIX);
	struct fa_document *document = fa_document_parse(m->body.data, err);
	int rc = document ? fa_layers_restore(&rt->layers, name, document, take, rt, err) :
			    err->code;

	fa_document_free(document);
	return rc;
}

int fa_layers_recall(struct faas *rt, struct faas_error *err)
{
	return fa_documents_read(rt, PREFIX, recall, err);
}
