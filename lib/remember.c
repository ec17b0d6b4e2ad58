/* SPDX-License-Identifier: MIT */
/*
 * All that a change touches is written by one commit, and becomes true behind it. What comes to
 * be without a change, as the end of a build does, the registry notes, and it is written with
 * all that is noted. Both in turn with others: the last thing written of a function is the last
 * thing that happened to it.
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

static int put_function(struct fa_document *out, const struct faas *rt,
			const struct fa_function *function)
{
	int rc = fa_document_put_integer(out, "LastNumber", function->last_number);

	if (!function->latest)
		return rc | put_farewell(out, function);
	rc |= fa_document_put(out, "Latest", write_version(rt, function->latest));
	if (function->next)
		rc |= fa_document_put(out, "Next", write_version(rt, function->next));
	if (function->trouble.code[0])
		rc |= put_trouble(out, "UpdateFailed", &function->trouble);
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

/* NULL: as it is in the registry. */
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

/* ---- onto the disk ---------------------------------------------------- */

/* What is of the account is a document for each kind of it. */
static int write_part(struct faas *rt, enum fa_account_kind kind, char **text,
		      struct faas_error *err)
{
	struct fa_document *all = fa_account_all(&rt->registry, kind);

	*text = all ? fa_document_print(all, &rt->mem) : NULL;
	fa_document_free(all);
	return *text ? 0 : fa_error_nomem(err);
}

static int code_of(enum fa_store_outcome outcome)
{
	return outcome == FA_STORE_DONE ? 0 :
	       outcome == FA_STORE_UNKNOWN ? FAAS_EUNKNOWN : FAAS_ESYSTEM;
}

/* Takes the text; NULL: there is nothing of that name any more. */
static int remember_text(struct faas *rt, const char *name, char *text, struct faas_error *err)
{
	struct fa_store_op op = { .verb = FA_STORE_FORGET, .insists = true };
	enum fa_store_outcome outcome;

	op.message.address = (struct faas_bytes){ name, strlen(name) };
	if (text) {
		op.verb = FA_STORE_KEEP;
		op.message.body = (struct faas_bytes){ text, strlen(text) };
	}
	outcome = fa_store_perform(rt->durable.store, &op);
	fa_free(text);
	if (outcome == FA_STORE_DONE && op.verb == FA_STORE_FORGET)
		fa_registry_forget(&rt->registry, name);
	return outcome == FA_STORE_DONE ? 0 :
		fa_error(err, code_of(outcome),
			 "'%s' was changed, but the state_dir could not be written", name);
}

static int remember_one(struct faas *rt, const char *name, struct faas_error *err)
{
	char *text = NULL;
	int rc = write_function(rt, name, NULL, &text, err);

	return rc ? rc : remember_text(rt, name, text, err);
}

static int remember_part(struct faas *rt, enum fa_account_kind kind, struct faas_error *err)
{
	struct fa_account_part *part = &rt->registry.parts[kind];
	char *text = NULL;
	int rc;

	if (!atomic_exchange(&part->changed, false))
		return 0;
	rc = write_part(rt, kind, &text, err);
	if (!rc)
		rc = remember_text(rt, fa_account_name(kind), text, err);
	if (rc)
		atomic_store(&part->changed, true); /* the next one tries again */
	return rc;
}

/* ---- a change ---------------------------------------------------------- */

int fa_change_prepare(struct faas *rt, struct faas_error *err)
{
	int rc = fa_remember_may(rt, err);

	if (!rc)
		fa_change_begin(&rt->registry);
	return rc;
}

/* All that a change writes, in one commit. */
struct pages {
	struct fa_store_document *list;
	int count;
	char layer[FA_DOCUMENT_NAME];
};

/* Takes the text; NULL: what has that name goes. The name stays until it is written. */
static void add_page(struct pages *pages, const char *name, char *text)
{
	pages->list[pages->count++] = (struct fa_store_document){
		{ name, strlen(name) }, { text, text ? strlen(text) : 0 }
	};
}

static int write_draft_part(struct faas *rt, enum fa_account_kind kind, struct pages *pages,
			    struct faas_error *err)
{
	const struct fa_document *all = fa_change_part(&rt->registry, kind);
	char *text = all ? fa_document_print(all, &rt->mem) : NULL;

	if (all && !text)
		return fa_error_nomem(err);
	if (all)
		add_page(pages, fa_account_name(kind), text);
	return 0;
}

static int write_draft(struct faas *rt, const struct fa_function *draft, struct pages *pages,
		       struct faas_error *err)
{
	char *text = NULL;
	int rc = write_function(rt, draft->name, draft, &text, err);

	if (!rc)
		add_page(pages, draft->name, text);
	return rc;
}

static int write_layer(struct faas *rt, struct pages *pages, struct faas_error *err)
{
	char *text = NULL;
	int rc = fa_layers_write(rt, pages->layer, &text, err);

	if (text)
		add_page(pages, pages->layer, text);
	return rc;
}

static int write_pages(struct faas *rt, struct pages *pages, struct faas_error *err)
{
	const struct fa_function *draft = fa_change_draft(&rt->registry);
	int rc = 0;

	for (int kind = 0; !rc && kind < FA_ACCOUNT_KINDS; kind++)
		rc = write_draft_part(rt, kind, pages, err);
	for (; !rc && draft; draft = draft->following)
		rc = write_draft(rt, draft, pages, err);
	return rc ? rc : write_layer(rt, pages, err);
}

static int put_pages(struct faas *rt, const struct pages *pages, struct faas_error *err)
{
	struct fa_store_op op = { .verb = FA_STORE_CHANGE,
				  .insists = true,
				  .documents = pages->list,
				  .document_count = pages->count };
	enum fa_store_outcome outcome = FA_STORE_DONE;

	if (pages->count)
		outcome = fa_store_perform(rt->durable.store, &op);
	return outcome == FA_STORE_DONE ? 0 :
		fa_error(err, code_of(outcome),
			 "nothing was changed, for the state_dir could not be written");
}

static int count_drafts(struct faas *rt)
{
	const struct fa_function *draft = fa_change_draft(&rt->registry);
	int count = 0;

	for (; draft; draft = draft->following)
		count++;
	return count;
}

/* Whatever becomes true then does so without fail. */
static int commit(struct faas *rt, struct faas_error *err)
{
	struct pages pages = { .count = 0 };
	const struct fa_function *draft = fa_change_draft(&rt->registry);
	int rc = 0;

	for (; !rc && draft; draft = draft->following)
		rc = fa_change_ready(&rt->registry, draft) ? fa_error_nomem(err) : 0;
	if (rc || !rt->durable.lasts)
		return rc;
	pages.list = fa_alloc(&rt->mem, sizeof(*pages.list) *
						(size_t)(count_drafts(rt) + FA_ACCOUNT_KINDS + 1));
	rc = pages.list ? write_pages(rt, &pages, err) : fa_error_nomem(err);
	if (!rc)
		rc = put_pages(rt, &pages, err);
	for (int i = 0; i < pages.count; i++)
		fa_free((void *)pages.list[i].body.data);
	fa_free(pages.list);
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

static void end_parts(struct faas *rt, int rc)
{
	for (int kind = 0; kind < FA_ACCOUNT_KINDS; kind++) {
		if (!rc && fa_change_part(&rt->registry, kind))
			fa_change_adopt_part(&rt->registry, kind);
		fa_change_discard_part(&rt->registry, kind);
	}
}

/* Nobody writes down what is there now before it is what was written. */
int fa_change_close(struct faas *rt, int rc, struct faas_error *err)
{
	struct fa_function *draft;

	pthread_mutex_lock(&rt->remembering);
	if (!rc)
		rc = commit(rt, err);
	end_parts(rt, rc);
	while ((draft = fa_change_draft(&rt->registry)))
		end_draft(rt, draft, rc);
	fa_layers_settle(&rt->layers, rc);
	pthread_mutex_unlock(&rt->remembering);
	fa_change_end(&rt->registry);
	if (!rc)
		fa_remember(rt, NULL); /* what could not be written before */
	return rc;
}

/* ---- what does not come as a change ------------------------------------ */

int fa_remember_may(struct faas *rt, struct faas_error *err)
{
	if (!rt->durable.lasts || fa_store_is_well(rt->durable.store))
		return 0;
	return fa_error(err, FAAS_ESYSTEM,
			"nothing was changed, for the state_dir cannot be written now");
}

/* If that fails, the next one tries again. */
static void scrub(struct faas *rt)
{
	struct fa_store_op op = { .verb = FA_STORE_SCRUB };

	if (!atomic_exchange(&rt->durable.scrub, false))
		return;
	if (fa_store_perform(rt->durable.store, &op) != FA_STORE_DONE)
		atomic_store(&rt->durable.scrub, true);
}

int fa_remember(struct faas *rt, struct faas_error *err)
{
	char name[FA_NAME_MAX + 1];
	int rc = 0;

	fa_sources_functions(rt);
	if (!rt->durable.lasts)
		return 0;
	pthread_mutex_lock(&rt->remembering);
	for (int kind = 0; !rc && kind < FA_ACCOUNT_KINDS; kind++)
		rc = remember_part(rt, kind, err);
	while (!rc && fa_registry_changed(&rt->registry, name)) {
		rc = remember_one(rt, name, err);
		if (rc)
			fa_registry_touch(&rt->registry, name);
	}
	if (!rc)
		scrub(rt);
	pthread_mutex_unlock(&rt->remembering);
	if (!rc)
		fa_code_sweep(rt);
	if (rc == FAAS_ENOMEM)
		fa_error(err, rc, "it was changed, but out of memory before it was written");
	return rc;
}
