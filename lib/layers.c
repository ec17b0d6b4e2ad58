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

static int write_layer(struct faas *rt, struct fa_pages *pages, struct faas_error *err)
{
	const char *layer = fa_layers_drafted(&rt->layers);
	char name[FA_DOCUMENT_NAME], *text;
	struct fa_document *out;

	if (!layer || !rt->durable.lasts)
		return 0;
	snprintf(name, sizeof(name), PREFIX "%s", layer);
	out = fa_layers_document(&rt->layers, err);
	text = out ? fa_document_print(out, &rt->mem) : NULL;
	fa_document_free(out);
	return text && fa_pages_add(pages, name, text) ? 0 : fa_error_nomem(err);
}

static void settle_layer(struct faas *rt, int rc)
{
	fa_layers_settle(&rt->layers, rc);
}

const struct fa_family fa_layer_family = { write_layer, settle_layer };

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
