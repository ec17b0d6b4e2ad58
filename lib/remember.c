/* SPDX-License-Identifier: MIT */
/*
 * Functions, and what is of the account, as documents, and what becomes of their drafts.
 */
#include <remember.h>

#include <string.h>

#include <base/error.h>
#include <model/account.h>
#include <model/attached.h>
#include <model/change.h>
#include <model/config_document.h>
#include <model/event_config.h>
#include <model/url.h>

/* ---- a function as a document ----------------------------------------- */

/* What is unpacked lies beside its ZIP, below the state_dir, which may be moved as a whole. */
static const char *zip_of(const struct faas *rt, const struct fa_version *v)
{
	size_t len = rt->packages.path ? strlen(rt->packages.path) : 0;
	const char *zip = v->code.package ? v->code.package->zip : NULL;

	return zip && len && !strncmp(zip, rt->packages.path, len) ? zip + len : zip;
}

/* The variables, where they are sealed; else they are in the configuration. */
static int put_sealed(struct fa_document *out, const struct faas *rt, const struct fa_version *v)
{
	char *text;
	int rc;

	if (!v->sealed)
		return 0;
	text = fa_alloc(&rt->mem, v->sealed_len * 2 + 8);
	if (!text)
		return FAAS_ENOMEM;
	fa_base64(text, v->sealed, v->sealed_len);
	rc = fa_document_put_text(out, "Sealed", text);
	fa_free(text);
	return rc;
}

static int put_layers(struct fa_document *out, const struct fa_version *v)
{
	struct fa_document *opt, *sizes;
	int rc = 0;

	if (!v->code.opt)
		return 0;
	sizes = fa_document_array();
	for (size_t i = 0; i < v->layer_count; i++)
		rc |= fa_document_append_integer(sizes, v->code.layer_sizes[i]);
	opt = fa_document_object();
	rc |= fa_document_put_text(opt, "Sha256", v->code.opt->sha256);
	rc |= fa_document_put_integer(opt, "Unzipped", v->code.opt->unzipped);
	rc |= fa_document_put(opt, "Sizes", sizes);
	return fa_document_put(out, "Opt", opt) | rc;
}

static int put_trouble(struct fa_document *out, const char *name, const struct fa_trouble *trouble)
{
	struct fa_document *object = fa_document_object();
	int rc = fa_document_put_text(object, "Code", trouble->code);

	rc |= fa_document_put_text(object, "Reason", trouble->reason);
	return fa_document_put(out, name, object) | rc;
}

static int put_state(struct fa_document *out, const struct fa_version *v)
{
	switch (atomic_load(&v->verdict)) {
	case FA_STATE_PENDING:
		return fa_document_put_integer(out, "Pending", 1);
	case FA_STATE_FAILED:
		return put_trouble(out, "Failed", &v->trouble);
	default:
		return 0;
	}
}

static struct fa_document *write_version(const struct faas *rt, const struct fa_version *v)
{
	struct faas_function_config config = v->config;
	struct fa_document *out = fa_document_object();
	int rc;

	if (!v->number) /* it may have been changed since */
		config.max_concurrency = fa_limits_member(v);
	rc = fa_document_put(out, "Config", fa_config_write(&config));
	rc |= fa_document_put_integer(out, "Number", v->number);
	rc |= fa_document_put_text(out, "RevisionId", v->revision);
	rc |= fa_document_put_integer(out, "ModifiedMs", v->modified_ms);
	rc |= fa_document_put_text(out, "ConfigSha256", v->config_sha256);
	rc |= fa_document_put_integer(out, "Native", v->config.native != NULL);
	rc |= put_state(out, v);
	rc |= put_sealed(out, rt, v);
	rc |= put_layers(out, v);
	if (v->code.package && v->code.package->image)
		rc |= fa_document_put_text(out, "Image", v->code.package->sha256);
	if (zip_of(rt, v))
		rc |= fa_document_put_text(out, "Zip", zip_of(rt, v));
	if (!rc)
		return out;
	fa_document_free(out);
	return NULL;
}

static int put_versions(struct fa_document *out, const struct faas *rt,
			const struct fa_function *function)
{
	struct fa_document *list = fa_document_array();
	struct fa_version *v;
	uint32_t pos = 0;
	int rc = 0;

	while ((v = fa_map_next(&function->versions, &pos)))
		rc |= fa_document_append(list, write_version(rt, v));
	return fa_document_put(out, "Versions", list) | rc;
}

static int put_aliases(struct fa_document *out, const struct fa_function *function)
{
	struct fa_document *list = fa_document_array(), *item;
	const struct fa_alias *a;
	uint32_t pos = 0;
	int rc = 0;

	while ((a = fa_map_next(&function->aliases, &pos))) {
		item = fa_document_object();
		rc |= fa_document_put_text(item, "Name", a->name);
		rc |= fa_document_put_text(item, "Description", a->description);
		rc |= fa_document_put_text(item, "RevisionId", a->revision);
		rc |= fa_document_put_integer(item, "Version", a->version ? a->version->number : 0);
		rc |= fa_document_put_integer(item, "Second", a->second ? a->second->number : 0);
		rc |= fa_document_put_number(item, "Weight", a->weight);
		rc |= fa_document_append(list, item);
	}
	return fa_document_put(out, "Aliases", list) | rc;
}

static int put_event_configs(struct fa_document *out, const char *as,
			     const struct fa_function *function)
{
	struct fa_document *list = fa_document_array(), *item;
	const struct fa_event_config *c;
	uint32_t pos = 0;
	int rc = 0;

	while ((c = fa_map_next(&function->event_configs, &pos))) {
		item = fa_document_object();
		rc |= fa_document_put_text(item, "Qualifier", c->qualifier);
		rc |= fa_document_put_integer(item, "MaxRetries", c->max_retries);
		rc |= fa_document_put_integer(item, "MaxAge", c->max_age_s);
		rc |= fa_document_put_text(item, "OnSuccess", c->on_success);
		rc |= fa_document_put_text(item, "OnFailure", c->on_failure);
		rc |= fa_document_put_integer(item, "ModifiedMs", c->modified_ms);
		rc |= fa_document_append(list, item);
	}
	return fa_document_put(out, as, list) | rc;
}

static int put_provisioned(struct fa_document *out, const struct fa_function *function)
{
	struct fa_document *list = fa_document_array(), *item;
	const struct fa_provisioned *p;
	uint32_t pos = 0;
	int rc = 0;

	while ((p = fa_map_next(&function->provisioned, &pos))) {
		item = fa_document_object();
		rc |= fa_document_put_text(item, "Qualifier", p->qualifier);
		rc |= fa_document_put_integer(item, "Requested", p->requested);
		rc |= fa_document_append(list, item);
	}
	return fa_document_put(out, "Provisioned", list) | rc;
}

static int put_urls(struct fa_document *out, const struct fa_function *function)
{
	struct fa_document *list = fa_document_array(), *item;
	const struct fa_url *url;
	uint32_t pos = 0;
	int rc = 0;

	while ((url = fa_map_next(&function->urls, &pos))) {
		item = fa_document_object();
		rc |= fa_document_put_text(item, "Id", url->id);
		rc |= fa_document_put_text(item, "Qualifier", url->qualifier);
		rc |= fa_document_put_integer(item, "Iam", url->iam);
		rc |= fa_document_put_integer(item, "Streams", url->streams);
		rc |= fa_document_put_integer(item, "CreatedMs", url->created_ms);
		rc |= fa_document_put_integer(item, "ModifiedMs", url->modified_ms);
		if (url->cors)
			rc |= fa_document_put(item, "Cors", fa_document_copy(url->cors));
		rc |= fa_document_append(list, item);
	}
	return fa_document_put(out, "Urls", list) | rc;
}

/* For the events that it left; under another name than what the next one would take over. */
static int put_farewell(struct fa_document *out, const struct fa_function *function)
{
	const char *dead_letter = function->dead_letter ? function->dead_letter : "";
	const char *role = function->role ? function->role : "";

	if (!fa_event_config_says_farewell(function))
		return 0;
	return put_event_configs(out, "Farewell", function) |
	       fa_document_put_text(out, "DeadLetter", dead_letter) |
	       fa_document_put_text(out, "Role", role);
}

/* What it is about to become, or why it does not. */
static int put_update(struct fa_document *out, const struct faas *rt,
		      const struct fa_function *function)
{
	const struct fa_trouble *trouble =
		function->judged.code[0] ? &function->judged : &function->trouble;
	int rc = 0;

	if (function->next && trouble != &function->judged)
		rc = fa_document_put(out, "Next", write_version(rt, function->next));
	if (trouble->code[0])
		rc |= put_trouble(out, "UpdateFailed", trouble);
	return rc;
}

static int put_function(struct fa_document *out, const struct faas *rt,
			const struct fa_function *function)
{
	int rc = fa_document_put_integer(out, "LastNumber", function->last_number);

	if (!function->latest)
		return rc | put_farewell(out, function);
	rc |= fa_document_put(out, "Latest", write_version(rt, function->latest));
	rc |= put_update(out, rt, function);
	rc |= put_versions(out, rt, function);
	rc |= put_aliases(out, function);
	rc |= put_event_configs(out, "EventConfigs", function);
	rc |= put_provisioned(out, function);
	rc |= put_urls(out, function);
	rc |= fa_document_put_integer(out, "MayRecur", function->may_recur);
	if (function->attached)
		rc |= fa_document_put(out, "Attached", fa_document_copy(function->attached));
	if (function->tags)
		rc |= fa_document_put(out, "Tags", fa_document_copy(function->tags));
	return rc;
}

/* *text stays NULL if there is nothing to be remembered of it. Under the lock. */
static int write_entry(struct faas *rt, const struct fa_function *function, char **text,
		       struct faas_error *err)
{
	struct fa_document *out;
	bool there = function && (function->latest || function->last_number ||
				  fa_event_config_says_farewell(function));

	if (rt->registry.ending) /* it is not there any more, but was not deleted */
		return fa_error(err, FAAS_ECANCELED, "the runtime is closing");
	if (!there)
		return 0;
	out = fa_document_object();
	if (out && !put_function(out, rt, function))
		*text = fa_document_print(out, &rt->mem);
	fa_document_free(out);
	return *text ? 0 : fa_error_nomem(err);
}

static int write_function(struct faas *rt, const char *name, const struct fa_function *draft,
			  char **text, struct faas_error *err)
{
	struct fa_registry *registry = &rt->registry;
	int rc;

	pthread_rwlock_rdlock(&registry->lock);
	if (!draft)
		draft = fa_map_get(&registry->functions, name, strlen(name));
	rc = write_entry(rt, draft, text, err);
	pthread_rwlock_unlock(&registry->lock);
	return rc;
}

/* ---- functions as a family --------------------------------------------- */

/* `draft` NULL: as it is in the registry. */
static int write_page(struct faas *rt, const char *name, const struct fa_function *draft,
		      struct fa_pages *pages, struct faas_error *err)
{
	char *text = NULL;
	int rc = write_function(rt, name, draft, &text, err);

	return rc ? rc : fa_pages_add(pages, name, text) ? 0 : fa_error_nomem(err);
}

/* What came to be without a change. A draft of the same function says that as well. */
static int write_unwritten(struct faas *rt, struct fa_pages *pages, struct faas_error *err)
{
	char name[FA_NAME_MAX + 1];
	int rc = 0;

	while (!rc && fa_registry_unwritten(&rt->registry, name))
		if (rt->durable.lasts && !fa_change_find(&rt->registry, name, strlen(name)))
			rc = write_page(rt, name, NULL, pages, err);
	return rc;
}

static int write_functions(struct faas *rt, struct fa_pages *pages, struct faas_error *err)
{
	const struct fa_function *draft = fa_change_draft(&rt->registry);
	int rc = write_unwritten(rt, pages, err);

	for (; !rc && draft; draft = draft->following) {
		if (fa_change_ready(&rt->registry, draft))
			rc = fa_error_nomem(err);
		else if (rt->durable.lasts)
			rc = write_page(rt, draft->name, draft, pages, err);
	}
	return rc;
}

/* The next program may find that it was written after all: its code stays for that. */
static void keep_code(const struct fa_function *draft)
{
	const struct fa_version *const both[] = { draft->latest, draft->next };
	const struct fa_version *v;
	uint32_t pos = 0;

	for (int i = 0; i < 2; i++) {
		fa_package_keep(both[i] ? both[i]->code.package : NULL);
		fa_package_keep(both[i] ? both[i]->code.opt : NULL);
	}
	while ((v = fa_map_next(&draft->versions, &pos))) {
		fa_package_keep(v->code.package);
		fa_package_keep(v->code.opt);
	}
}

/* What was claimed ahead stays, or is given back; what nothing leads to any more goes. */
static void end_draft(struct faas *rt, struct fa_function *draft, int rc)
{
	bool written = !rc;
	int reserved = written ? FA_UNTOUCHED : draft->reserved;
	bool moved = draft->moved, there;
	struct fa_version *gone, *latest;
	char name[FA_NAME_MAX + 1];

	strcpy(name, draft->name);
	if (rc == FAAS_EUNKNOWN)
		keep_code(draft);
	gone = written ? fa_change_adopt(&rt->registry, draft)
		       : fa_change_discard(&rt->registry, draft);
	latest = fa_registry_latest(&rt->registry, name, NULL);
	there = latest;
	fa_version_unref(latest);
	if (written && there)
		fa_recall_drop(rt, name);
	if (gone && !there)
		fa_limits_release(rt, gone);
	fa_function_drop(gone);
	if (moved)
		fa_limits_settle(rt, name, reserved);
	fa_registry_forget(&rt->registry, name);
}

static void settle_functions(struct faas *rt, int rc)
{
	struct fa_function *draft;

	while ((draft = fa_change_draft(&rt->registry)))
		end_draft(rt, draft, rc);
	fa_registry_written(&rt->registry, !rc);
}

const struct fa_family fa_function_family = { write_functions, settle_functions };

/* ---- what is of the account: a document for each kind of it --------------- */

static int write_part(struct faas *rt, enum fa_account_kind kind, struct fa_pages *pages)
{
	const struct fa_document *all = fa_change_part(&rt->registry, kind);
	char *text = all ? fa_document_print(all, &rt->mem) : NULL;

	if (!all)
		return 0;
	return text && fa_pages_add(pages, fa_account_name(kind), text) ? 0 : FAAS_ENOMEM;
}

static int write_parts(struct faas *rt, struct fa_pages *pages, struct faas_error *err)
{
	int rc = 0;

	for (int kind = 0; rt->durable.lasts && !rc && kind < FA_ACCOUNT_KINDS; kind++)
		rc = write_part(rt, kind, pages);
	return rc ? fa_error_nomem(err) : 0;
}

static void settle_parts(struct faas *rt, int rc)
{
	for (int kind = 0; kind < FA_ACCOUNT_KINDS; kind++) {
		if (!rc && fa_change_part(&rt->registry, kind))
			fa_change_adopt_part(&rt->registry, kind);
		fa_change_discard_part(&rt->registry, kind);
	}
}

const struct fa_family fa_account_family = { write_parts, settle_parts };
