/* SPDX-License-Identifier: MIT */
/* What the last program knew of functions is made again, through the doors it came by. */
#include <remember.h>

#include <stdio.h>
#include <string.h>

#include <base/error.h>
#include <messages.h>
#include <model/account.h>
#include <model/attached.h>
#include <model/config_document.h>
#include <model/event_config.h>
#include <model/sealed.h>
#include <model/tags.h>
#include <model/url.h>

/* One that could not be made. */
struct pending {
	struct fa_document *document;
	char name[];
};

static int number_in(const struct fa_document *document, const char *name)
{
	int64_t number = 0;

	fa_document_integer(fa_document_get(document, name), &number);
	return (int)number;
}

static const char *text_in(const struct fa_document *document, const char *name)
{
	const char *text = fa_document_text(fa_document_get(document, name));

	return text ? text : "";
}

static void read_trouble(struct fa_trouble *trouble, const struct fa_document *in)
{
	snprintf(trouble->code, sizeof(trouble->code), "%s", text_in(in, "Code"));
	snprintf(trouble->reason, sizeof(trouble->reason), "%s", text_in(in, "Reason"));
}

/* ---- versions ---------------------------------------------------------- */

/*
 * Merged as they were: the layers themselves may have been deleted since. If they never were
 * merged, they are taken by their names.
 */
static int open_layers(struct faas *rt, const struct fa_document *opt, struct fa_code *code,
		       struct faas_error *err)
{
	const struct fa_document *size, *sizes = fa_document_get(opt, "Sizes");

	if (!opt)
		return 0;
	for (size_t i = 0; i < FA_LAYERS_MAX && (size = fa_document_item(sizes, i)); i++)
		fa_document_integer(size, &code->layer_sizes[i]);
	code->opt = fa_packages_merged(&rt->packages, text_in(opt, "Sha256"),
				       number_in(opt, "Unzipped"), err);
	return code->opt || err->code == FAAS_ENOTFOUND ? 0 : err->code;
}

/* What cannot be made now stays a document, and the code that it names stays with it. */
static void keep_code(const struct fa_code *code)
{
	fa_package_keep(code->package);
	fa_package_keep(code->opt);
}

/* If it was never unpacked, it is taken from where it lay. */
static int open_image(struct faas *rt, const char *digest, struct fa_code *code,
		      struct faas_error *err)
{
	if (*digest)
		code->package = fa_packages_recall_image(&rt->packages, digest, err);
	return !*digest || code->package || err->code == FAAS_ENOTFOUND ? 0 : err->code;
}

static int open_code(struct faas *rt, const struct fa_document *in,
		     const struct faas_function_config *c, struct fa_code *code,
		     struct faas_error *err)
{
	struct fa_code given = { .package = NULL };
	const char *zip = text_in(in, "Zip");
	char path[4096];
	int rc;

	if (*zip) {
		snprintf(path, sizeof(path), "%s%s%s", rt->config.state_dir,
			 *zip == '/' ? "/code" : "", zip);
		given.package = fa_packages_take_file(&rt->packages, path, err);
		if (!given.package)
			return err->code;
	}
	rc = open_image(rt, text_in(in, "Image"), &given, err);
	if (!rc)
		rc = open_layers(rt, fa_document_get(in, "Opt"), &given, err);
	if (!rc)
		rc = fa_code_take(rt, c, &given, NULL, code, err);
	if (rc)
		keep_code(&given);
	fa_code_drop(&given);
	return rc;
}

/*
 * What was being made when the last program ended is made now, and what failed then has
 * failed. Code that was there and is not any more is no function.
 */
static int make_code(const struct fa_code *code, const struct fa_document *in,
		     struct fa_trouble *trouble, struct faas_error *err)
{
	const struct fa_document *failed = fa_document_get(in, "Failed");
	int rc;

	if (failed) {
		read_trouble(trouble, failed);
		return 0;
	}
	rc = fa_code_make(code, err);
	if (!rc || !number_in(in, "Pending"))
		return rc;
	fa_trouble_of(trouble, code->package && code->package->image, err);
	return 0;
}

/* Numbered, but without a place in the registry. */
static struct fa_version *make_numbered(struct faas *rt, const struct faas_function_config *c,
					const struct fa_code *code, int number,
					const struct fa_version *latest, struct faas_error *err)
{
	struct fa_version *v = fa_version_create_of(&rt->mem, c, code, rt->config.region,
						    rt->config.account, err);

	if (!v)
		return NULL;
	fa_version_number(v, number);
	if (!fa_version_seal(v, &rt->keys, err) && !fa_runner_create(rt, v, latest, err))
		return v;
	fa_version_free(v);
	return NULL;
}

/*
 * It was made without its key, which may be gone: variables that cannot be opened any more
 * leave the version there, and say so when it runs.
 */
static void adopt_sealed(struct faas *rt, const struct fa_document *in, struct fa_version *v,
			 const char *key)
{
	const char *text = text_in(in, "Sealed");
	size_t len = strlen(text);
	void *bytes = len ? fa_alloc(&rt->mem, len) : NULL;
	char *copy = bytes ? fa_strdup(&rt->mem, key ? key : "") : NULL;

	if (copy) {
		fa_free((char *)v->config.kms_key_arn);
		v->config.kms_key_arn = copy;
	}
	if (bytes)
		fa_version_adopt(v, &rt->keys, bytes, fa_base64_read(bytes, text, len), NULL);
	fa_free(bytes);
}

/* `sibling`: another version of the function, or NULL; with a number it is $LATEST. */
static struct fa_version *make_version(struct faas *rt, const struct fa_document *in,
				       const struct fa_version *sibling, struct faas_error *err)
{
	struct fa_trouble trouble = { .code = "" };
	struct fa_version *v = NULL;
	struct faas_function_config c;
	const char *key;
	struct fa_code code;
	int64_t modified = 0;
	int number = number_in(in, "Number");

	if (fa_config_read(&c, fa_document_get(in, "Config"), &rt->mem) < 0)
		return NULL;
	key = c.kms_key_arn;
	if (*text_in(in, "Sealed"))
		c.kms_key_arn = NULL;
	if (number_in(in, "Native"))
		c.native = sibling ? sibling->config.native : NULL;
	if (!open_code(rt, in, &c, &code, err)) {
		if (!make_code(&code, in, &trouble, err))
			v = number ? make_numbered(rt, &c, &code, number, sibling, err) :
				     fa_function_make(rt, &c, &code, sibling, err);
		if (!v)
			keep_code(&code);
		fa_code_drop(&code);
	}
	fa_config_release(&c);
	if (!v)
		return NULL;
	snprintf(v->revision, sizeof(v->revision), "%s", text_in(in, "RevisionId"));
	fa_document_integer(fa_document_get(in, "ModifiedMs"), &modified);
	v->modified_ms = modified;
	adopt_sealed(rt, in, v, key);
	v->resealed |= v->sealed && !*text_in(in, "Sealed"); /* it lies there as plain text */
	if (v->resealed)
		atomic_store(&rt->durable.scrub, true);
	snprintf(v->config_sha256, sizeof(v->config_sha256), "%s", text_in(in, "ConfigSha256"));
	fa_version_judge(v, trouble.code[0] ? &trouble : NULL);
	fa_version_settle(v);
	if (!trouble.code[0] && number && v->snapshot && number_in(in, "Pending"))
		fa_version_begin(v, FA_STATE_PENDING); /* the code is there, its snapshot is not */
	return v;
}

static void recall_version(struct faas *rt, const struct fa_document *in,
			   struct fa_version *latest)
{
	struct faas_error err = { 0 };
	struct fa_version *v = make_version(rt, in, latest, &err);

	if (!v)
		return;
	if (fa_registry_publish(&rt->registry, latest, v, &err) < 0)
		fa_function_drop(v);
	else
		fa_snapshot_begin(v);
}

/* ---- what is of the function ------------------------------------------- */

static void recall_alias(struct faas *rt, const struct fa_document *in, const char *function)
{
	struct fa_alias_change change = { .function = function,
					  .name = text_in(in, "Name"),
					  .description = text_in(in, "Description"),
					  .becomes = text_in(in, "RevisionId"),
					  .version = number_in(in, "Version"),
					  .second = number_in(in, "Second"),
					  .may_create = true };

	fa_document_number(fa_document_get(in, "Weight"), &change.weight);
	fa_alias_set(&rt->registry, &change, NULL, NULL);
}

static void recall_event_config(struct faas *rt, const struct fa_document *in,
				const char *function)
{
	struct fa_event_change change = { .function = function,
					  .qualifier = text_in(in, "Qualifier"),
					  .whole = true,
					  .max_retries = number_in(in, "MaxRetries"),
					  .max_age_s = number_in(in, "MaxAge"),
					  .on_success = text_in(in, "OnSuccess"),
					  .on_failure = text_in(in, "OnFailure") };

	fa_document_integer(fa_document_get(in, "ModifiedMs"), &change.now_ms);
	fa_event_config_set(&rt->registry, &change, NULL, NULL);
}

static void recall_provisioned(struct faas *rt, const struct fa_document *in, const char *function)
{
	char target[FA_NAME_MAX + FA_QUALIFIER_MAX + 2];

	snprintf(target, sizeof(target), "%s:%s", function, text_in(in, "Qualifier"));
	fa_limits_provision(rt, target, number_in(in, "Requested"), &(struct faas_error){ 0 });
}

static void recall_url(struct faas *rt, const struct fa_document *in, const char *function)
{
	struct fa_url_change change = { .function = function,
					.qualifier = text_in(in, "Qualifier"),
					.create = true,
					.id = text_in(in, "Id"),
					.iam = number_in(in, "Iam"),
					.streams = number_in(in, "Streams"),
					.cors = fa_document_get(in, "Cors") };

	fa_document_integer(fa_document_get(in, "CreatedMs"), &change.created_ms);
	fa_document_integer(fa_document_get(in, "ModifiedMs"), &change.now_ms);
	fa_url_set(&rt->registry, &change, NULL, NULL);
}

void fa_recall_rest(struct faas *rt, const struct fa_document *document, struct fa_version *latest)
{
	const struct fa_document *item, *tags = fa_document_get(document, "Tags"),
				 *attached = fa_document_get(document, "Attached"),
				 *versions = fa_document_get(document, "Versions"),
				 *aliases = fa_document_get(document, "Aliases"),
				 *configs = fa_document_get(document, "EventConfigs"),
				 *provisioned = fa_document_get(document, "Provisioned"),
				 *urls = fa_document_get(document, "Urls");
	const char *name = latest->config.name;
	int last = number_in(document, "LastNumber");

	fa_registry_mark(&rt->registry, name, false, &last); /* so that nobody gets these */
	for (size_t i = 0; (item = fa_document_item(versions, i)); i++)
		recall_version(rt, item, latest);
	for (size_t i = 0; (item = fa_document_item(aliases, i)); i++)
		recall_alias(rt, item, name);
	for (size_t i = 0; (item = fa_document_item(configs, i)); i++)
		recall_event_config(rt, item, name);
	for (size_t i = 0; (item = fa_document_item(provisioned, i)); i++)
		recall_provisioned(rt, item, name);
	for (size_t i = 0; (item = fa_document_item(urls, i)); i++)
		recall_url(rt, item, name);
	if (tags)
		fa_tags_add(&rt->registry, name, tags, NULL);
	if (attached)
		fa_attached_restore(&rt->registry, name, attached, NULL);
	if (number_in(document, "MayRecur"))
		fa_recursion_set(&rt->registry, name, true, NULL);
}

/* ---- all of them -------------------------------------------------------- */

static int add_pending(struct faas *rt, const struct fa_message *m, struct faas_error *err)
{
	const char *name = m->address.data;
	struct pending *p;

	if (*name == ':') /* of no function; what is not of the account either, others read */
		return fa_account_restore(&rt->registry, name, m->body.data, err) ? 0 : err->code;
	p = fa_alloc(&rt->mem, sizeof(*p) + m->address.len + 1);
	if (!p)
		return fa_error_nomem(err);
	strcpy(p->name, name);
	p->document = fa_document_parse(m->body.data, err);
	if (!p->document) {
		fa_free(p);
		return err->code;
	}
	if (!fa_map_add(&rt->pending, p->name, p))
		return 0;
	fa_document_free(p->document);
	fa_free(p);
	return fa_error_nomem(err);
}

int fa_recall_read(struct faas *rt, struct faas_error *err)
{
	rt->registry.remembers = rt->durable.lasts;
	atomic_store(&rt->recalling, true);
	return fa_documents_read(rt, "", add_pending, err);
}

/* An update was under way: it comes about now, or has failed. */
static void recall_update(struct faas *rt, const struct fa_document *document,
			  struct fa_version *latest)
{
	const struct fa_document *in = fa_document_get(document, "Next");
	const struct fa_document *failed = fa_document_get(document, "UpdateFailed");
	struct faas_error err = { 0 };
	struct fa_trouble trouble;
	struct fa_version *next = in ? make_version(rt, in, latest, &err) : NULL;

	if (next && !fa_registry_swap(&rt->registry, latest, next, &err)) {
		fa_function_begin(rt, next);
		fa_function_drop(latest);
		return;
	}
	fa_function_drop(next);
	if (in)
		fa_trouble_of(&trouble, *text_in(in, "Image"), &err);
	else if (failed)
		read_trouble(&trouble, failed);
	if (in || failed)
		fa_registry_fail(&rt->registry, latest, &trouble);
}

static bool make_function(struct faas *rt, const struct pending *p)
{
	const struct fa_document *latest = fa_document_get(p->document, "Latest");
	struct faas_error why = { 0 };
	struct fa_version *v = latest ? make_version(rt, latest, NULL, &why) : NULL;

	if (!v)
		return false;
	fa_version_ref(v);
	if (!fa_function_add(rt, v, FAAS_FUNCTION(.name = p->name), &why)) {
		if (atomic_load(&v->state) == FA_STATE_ACTIVE)
			fa_function_begin(rt, v);
		fa_recall_rest(rt, p->document, v);
		recall_update(rt, p->document, v);
		fa_registry_mark(&rt->registry, p->name, true, NULL);
	}
	fa_version_unref(v);
	return !why.code;
}

/* What a new key encrypts, or the first, is written, and the old is wiped off the disk. */
static void remember_resealed(struct faas *rt)
{
	struct fa_version **all;

	if (!atomic_load(&rt->durable.scrub))
		return;
	all = fa_registry_all(&rt->registry, &rt->mem);
	for (size_t i = 0; all && all[i]; i++) {
		if (all[i]->resealed)
			fa_registry_touch(&rt->registry, all[i]->config.name);
		fa_version_unref(all[i]);
	}
	if (all && !fa_change_may(rt, NULL))
		fa_remember(rt, NULL);
	fa_free(all);
}

void fa_recall_make(struct faas *rt)
{
	struct pending *p;
	uint32_t pos = 0;

	while ((p = fa_map_next(&rt->pending, &pos))) {
		if (!make_function(rt, p))
			continue;
		pthread_mutex_lock(&rt->pending_lock); /* the loop may look for it by now */
		fa_map_remove(&rt->pending, p->name);
		pthread_mutex_unlock(&rt->pending_lock);
		fa_document_free(p->document);
		fa_free(p);
		pos = 0; /* the others may have moved */
	}
}

void fa_recall_settle(struct faas *rt)
{
	fa_registry_settle(&rt->registry);
	atomic_store(&rt->recalling, false);
	remember_resealed(rt);
}

int fa_recall_look(struct faas *rt, const char *name, struct fa_document **out,
		   struct faas_error *err)
{
	const struct pending *p;

	*out = NULL;
	if (!rt->durable.lasts)
		return 0;
	pthread_mutex_lock(&rt->pending_lock);
	p = fa_map_get(&rt->pending, name, strlen(name));
	if (p)
		*out = fa_document_copy(p->document);
	pthread_mutex_unlock(&rt->pending_lock);
	return p && !*out ? fa_error_nomem(err) : 0;
}

void fa_recall_drop(struct faas *rt, const char *name)
{
	struct pending *p;

	pthread_mutex_lock(&rt->pending_lock);
	p = fa_map_remove(&rt->pending, name);
	pthread_mutex_unlock(&rt->pending_lock);
	if (p)
		fa_document_free(p->document);
	fa_free(p);
}

static void read_farewell(const struct fa_document *in, const char *qualifier,
			  struct fa_farewell *out)
{
	const struct fa_document *latest = fa_document_get(in, "Latest"), *item;
	const struct fa_document *configs = fa_document_get(in, latest ? "EventConfigs" :
									 "Farewell");
	const struct fa_document *config = fa_document_get(latest, "Config");
	const char *dead_letter = latest ? text_in(config, "dead_letter") :
					   text_in(in, "DeadLetter"),
		   *role = latest ? text_in(config, "role") : text_in(in, "Role");

	*out = (struct fa_farewell){ .config.max_age_s = FA_MAX_AGE_S,
				     .config.max_retries = FA_MAX_RETRIES };
	snprintf(out->dead_letter, sizeof(out->dead_letter), "%s", dead_letter ? dead_letter : "");
	snprintf(out->role, sizeof(out->role), "%s", role ? role : "");
	for (size_t i = 0; (item = fa_document_item(configs, i)); i++) {
		if (strcmp(text_in(item, "Qualifier"), qualifier) != 0)
			continue;
		snprintf(out->config.on_failure, sizeof(out->config.on_failure), "%s",
			 text_in(item, "OnFailure"));
		if (number_in(item, "MaxAge") != FA_UNSAID)
			out->config.max_age_s = number_in(item, "MaxAge");
	}
}

bool fa_recall_farewell(struct faas *rt, struct faas_bytes name, const char *qualifier,
			struct fa_farewell *out)
{
	const struct pending *p;

	pthread_mutex_lock(&rt->pending_lock);
	p = fa_map_get(&rt->pending, name.data, name.len);
	if (p)
		read_farewell(p->document, qualifier, out);
	pthread_mutex_unlock(&rt->pending_lock);
	return p;
}

void fa_recall_finish(struct faas *rt)
{
	struct pending *p;
	uint32_t pos = 0;

	while ((p = fa_map_next(&rt->pending, &pos))) {
		fa_document_free(p->document);
		fa_free(p);
	}
	fa_map_finish(&rt->pending);
}
