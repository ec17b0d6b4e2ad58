/* SPDX-License-Identifier: MIT */
/* What the API tells of a version is kept as it tells it: nobody here has another use for it. */
#include <model/layers.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <base/error.h>
#include <base/list.h>
#include <model/name.h>
#include <model/package/location.h>

struct layer_version {
	struct fa_list link;
	int number;
	struct fa_package *package; /* NULL: it was in the state_dir and is not any more */
	struct fa_document *said;
	bool coming, going;         /* in the document, and not yet here; the reverse */
};

struct layer {
	const char *name;
	int last_number;
	struct fa_list versions; /* the latest first */
};

int fa_layers_init(struct fa_layers *layers, const struct fa_mem *mem, const char *region,
		   const char *account)
{
	*layers = (struct fa_layers){ .mem = mem, .region = region, .account = account };
	fa_map_init(&layers->layers, mem);
	return pthread_mutex_init(&layers->lock, NULL) ? FAAS_ENOMEM : 0;
}

static void free_version(struct layer_version *version)
{
	fa_package_unref(version->package);
	fa_document_free(version->said);
	fa_free(version);
}

static void free_layer(struct layer *layer)
{
	struct fa_list *pos, *next;

	fa_list_for_safe(pos, next, &layer->versions) {
		struct layer_version *version = fa_container(pos, struct layer_version, link);

		fa_package_keep(version->package);
		free_version(version);
	}
	fa_free((char *)layer->name);
	fa_free(layer);
}

void fa_layers_finish(struct fa_layers *layers)
{
	struct layer *layer;
	uint32_t pos = 0;

	while ((layer = fa_map_next(&layers->layers, &pos)))
		free_layer(layer);
	fa_map_finish(&layers->layers);
	pthread_mutex_destroy(&layers->lock);
}

/* ---- names ------------------------------------------------------------- */

struct name {
	char text[FA_LAYER_NAME_MAX + 1];
	int number; /* 0: none */
};

static int bad_name(const char *text, struct faas_error *err)
{
	return fa_error(err, FAAS_EINVAL, "'%.80s' is neither a layer's name nor its ARN",
			text ? text : "");
}

static bool take_part(const char **at, char *to, size_t size)
{
	size_t len = strcspn(*at, ":");

	if (!len || len >= size)
		return false;
	memcpy(to, *at, len);
	to[len] = '\0';
	*at += len + ((*at)[len] == ':');
	return true;
}

/* What stands before the name in an ARN must be this place. */
static int take_place(const struct fa_layers *layers, const char **at, const char *text,
		      struct faas_error *err)
{
	char part[5][40];

	for (int i = 0; i < 5; i++)
		if (!take_part(at, part[i], sizeof(part[i])))
			return bad_name(text, err);
	if (strcmp(part[1], "lambda") != 0 || strcmp(part[4], "layer") != 0)
		return bad_name(text, err);
	if (strcmp(part[2], layers->region) != 0)
		return fa_error(err, FAAS_EINVAL,
				"Layers are not in the same region as the function. Layers are "
				"expected to be in region %s.",
				layers->region);
	if (strcmp(part[3], layers->account) != 0)
		return fa_error(err, FAAS_EDENIED, "account %s is not account %s", part[3],
				layers->account);
	return 0;
}

/* name, ARN, or ARN:number */
static int parse(const struct fa_layers *layers, struct name *name, const char *text,
		 struct faas_error *err)
{
	const char *at = text ? text : "";
	int rc = 0;

	name->number = 0;
	if (!strncmp(at, "arn:", 4)) {
		at += 4;
		rc = take_place(layers, &at, text, err);
	}
	if (rc)
		return rc;
	if (!take_part(&at, name->text, sizeof(name->text)) ||
	    strspn(name->text, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
			       "0123456789-_") != strlen(name->text))
		return bad_name(text, err);
	if (*at && strlen(at) <= 9 && strspn(at, "0123456789") == strlen(at))
		name->number = atoi(at);
	return *at && !name->number ? bad_name(text, err) : 0;
}

static void write_arn(const struct fa_layers *layers, char arn[FA_LAYER_ARN_MAX],
		      const char *name, int number)
{
	size_t len = (size_t)snprintf(arn, FA_LAYER_ARN_MAX, "arn:aws:lambda:%s:%s:layer:%s",
				      layers->region, layers->account, name);

	if (number)
		snprintf(arn + len, FA_LAYER_ARN_MAX - len, ":%d", number);
}

/* ---- under the lock ---------------------------------------------------- */

static struct layer *find(const struct fa_layers *layers, const char *name)
{
	return fa_map_get(&layers->layers, name, strlen(name));
}

static struct layer_version *find_version(const struct fa_layers *layers, const struct name *name)
{
	const struct layer *layer = find(layers, name->text);
	struct fa_list *pos;

	if (!layer)
		return NULL;
	fa_list_for(pos, &layer->versions) {
		struct layer_version *version = fa_container(pos, struct layer_version, link);

		if (version->number == name->number && !version->coming)
			return version;
	}
	return NULL;
}

static struct layer *find_or_make(struct fa_layers *layers, const char *name)
{
	struct layer *layer = find(layers, name);

	if (layer)
		return layer;
	layer = fa_alloc(layers->mem, sizeof(*layer));
	if (!layer)
		return NULL;
	fa_list_init(&layer->versions);
	layer->name = fa_strdup(layers->mem, name);
	if (layer->name && !fa_map_add(&layers->layers, layer->name, layer))
		return layer;
	free_layer(layer);
	return NULL;
}

static int put_content(struct fa_document *told, const struct fa_package *package)
{
	struct fa_document *content = fa_document_object();
	char location[FA_LOCATION_MAX];
	int rc;

	fa_package_locate(package, location);
	rc = fa_document_put_text(content, "Location", location);
	rc |= fa_document_put_text(content, "CodeSha256", package->sha256);
	rc |= fa_document_put_integer(content, "CodeSize", package->zipped);
	return fa_document_put(told, "Content", content) | rc;
}

/* What is said of a version, and where its content is. */
static struct fa_document *tell(const struct fa_layers *layers, const char *name,
				const struct layer_version *version)
{
	struct fa_document *told = fa_document_copy(version->said);
	char arn[FA_LAYER_ARN_MAX];
	int rc = told ? 0 : FAAS_ENOMEM;

	if (rc)
		return NULL;
	write_arn(layers, arn, name, 0);
	if (version->package)
		rc = put_content(told, version->package);
	rc |= fa_document_put_text(told, "LayerArn", arn);
	if (!rc)
		return told;
	fa_document_free(told);
	return NULL;
}

/* ---- publish, get, delete ---------------------------------------------- */

/* [locked] */
/* One at a time. */
static void draft(struct fa_layers *layers, struct layer *layer, struct layer_version *version)
{
	layers->draft = version;
	layers->drafted = layer;
}

static struct layer_version *make_version(struct fa_layers *layers, struct layer *layer,
					  struct fa_package *package, struct fa_document *said)
{
	struct layer_version *version = fa_alloc(layers->mem, sizeof(*version));
	char arn[FA_LAYER_ARN_MAX];

	if (!version)
		return NULL;
	version->number = layer->last_number + 1;
	write_arn(layers, arn, layer->name, version->number);
	if (fa_document_put_text(said, "LayerVersionArn", arn) |
	    fa_document_put_integer(said, "Version", version->number)) {
		fa_free(version);
		return NULL;
	}
	layer->last_number++;
	version->coming = true;
	draft(layers, layer, version);
	version->package = fa_package_ref(package);
	version->said = said;
	fa_list_push(&layer->versions, &version->link);
	return version;
}

struct fa_document *fa_layers_publish(struct fa_layers *layers, const char *text,
				      struct fa_package *package, struct fa_document *said,
				      struct faas_error *err)
{
	struct layer_version *version = NULL;
	struct fa_document *told = NULL;
	struct layer *layer;
	struct name name;

	if (parse(layers, &name, text, err) < 0 || name.number) {
		if (name.number)
			bad_name(text, err);
		fa_document_free(said);
		return NULL;
	}
	pthread_mutex_lock(&layers->lock);
	layer = find_or_make(layers, name.text);
	if (layer)
		version = make_version(layers, layer, package, said);
	if (version)
		told = tell(layers, name.text, version);
	pthread_mutex_unlock(&layers->lock);
	if (!version)
		fa_document_free(said);
	if (!told)
		fa_error_nomem(err);
	return told;
}

static struct fa_document *get(struct fa_layers *layers, const struct name *name,
			       struct faas_error *err)
{
	struct fa_document *told = NULL;
	struct layer_version *version;

	pthread_mutex_lock(&layers->lock);
	version = find_version(layers, name);
	if (version)
		told = tell(layers, name->text, version);
	pthread_mutex_unlock(&layers->lock);
	if (!version)
		fa_error(err, FAAS_ENOTFOUND, "The resource you requested does not exist.");
	else if (!told)
		fa_error_nomem(err);
	return told;
}

static int parse_numbered(const struct fa_layers *layers, struct name *name, const char *text,
			  int number, struct faas_error *err)
{
	int rc = parse(layers, name, text, err);

	if (!rc && name->number)
		rc = bad_name(text, err);
	if (!rc && number < 1)
		rc = fa_error(err, FAAS_EINVAL, "Layer Version Cannot be less than 1.");
	name->number = number;
	return rc;
}

struct fa_document *fa_layers_get(struct fa_layers *layers, const char *text, int number,
				  struct faas_error *err)
{
	struct name name;

	return parse_numbered(layers, &name, text, number, err) < 0 ? NULL :
								      get(layers, &name, err);
}

struct fa_document *fa_layers_get_arn(struct fa_layers *layers, const char *arn,
				      struct faas_error *err)
{
	struct name name;

	if (parse(layers, &name, arn, err) < 0)
		return NULL;
	if (name.number)
		return get(layers, &name, err);
	bad_name(arn, err);
	return NULL;
}

int fa_layers_delete(struct fa_layers *layers, const char *text, int number,
		     struct faas_error *err)
{
	struct layer_version *version;
	struct name name;
	int rc = parse_numbered(layers, &name, text, number, err);

	if (rc)
		return rc;
	pthread_mutex_lock(&layers->lock);
	version = find_version(layers, &name);
	if (version) {
		version->going = true;
		draft(layers, find(layers, name.text), version);
	}
	pthread_mutex_unlock(&layers->lock);
	return 0;
}

/* ---- a change ends ------------------------------------------------------- */

static void take_out(struct layer *layer, struct layer_version *version)
{
	fa_list_remove(&version->link);
	if (version->coming)
		layer->last_number--;
}

void fa_layers_settle(struct fa_layers *layers, int rc)
{
	struct layer_version *version, *gone = NULL;

	pthread_mutex_lock(&layers->lock);
	version = layers->draft;
	if (version && (rc ? version->coming : version->going)) {
		take_out(layers->drafted, version);
		gone = version;
	}
	if (version)
		version->coming = version->going = false;
	draft(layers, NULL, NULL);
	pthread_mutex_unlock(&layers->lock);
	if (gone && rc == FAAS_EUNKNOWN)
		fa_package_keep(gone->package);
	if (gone)
		free_version(gone);
}

/* ---- lists ------------------------------------------------------------- */

static int compare_names(const void *a, const void *b)
{
	return strcmp((*(struct layer *const *)a)->name, (*(struct layer *const *)b)->name);
}

static bool is_said(const struct layer_version *version, const char *member, const char *what)
{
	const struct fa_document *list = fa_document_get(version->said, member), *item;

	for (size_t i = 0; what && (item = fa_document_item(list, i)); i++)
		if (fa_document_text(item) && !strcmp(fa_document_text(item), what))
			return true;
	return !what;
}

static bool is_listed(const struct layer_version *version, const struct fa_layer_filter *filter)
{
	return !version->coming && is_said(version, "CompatibleRuntimes", filter->runtime) &&
	       is_said(version, "CompatibleArchitectures", filter->architecture);
}

static int list_layer(const struct fa_layers *layers, const struct layer *layer,
		      const struct fa_layer_filter *filter, struct fa_document *list)
{
	const struct layer_version *latest = NULL;
	struct fa_document *item;
	char arn[FA_LAYER_ARN_MAX];
	struct fa_list *pos;
	int rc;

	fa_list_for(pos, &layer->versions)
		if (!latest && is_listed(fa_container(pos, struct layer_version, link), filter))
			latest = fa_container(pos, struct layer_version, link);
	if (!latest)
		return 0;
	item = fa_document_object();
	write_arn(layers, arn, layer->name, 0);
	rc = fa_document_put_text(item, "LayerName", layer->name);
	rc |= fa_document_put_text(item, "LayerArn", arn);
	rc |= fa_document_put(item, "LatestMatchingVersion", fa_document_copy(latest->said));
	return fa_document_append(list, item) | rc;
}

static int list_all(const struct fa_layers *layers, const struct fa_layer_filter *filter,
		    struct fa_document *list)
{
	struct layer **all = fa_alloc(layers->mem, (layers->layers.count + 1) * sizeof(*all));
	struct layer *layer;
	uint32_t pos = 0, count = 0;
	int rc = all ? 0 : FAAS_ENOMEM;

	while (all && (layer = fa_map_next(&layers->layers, &pos)))
		all[count++] = layer;
	if (all)
		qsort(all, count, sizeof(struct layer *), compare_names);
	for (uint32_t i = 0; i < count; i++)
		rc |= list_layer(layers, all[i], filter, list);
	fa_free(all);
	return rc;
}

static int list_versions(const struct layer *layer, const struct fa_layer_filter *filter,
			 struct fa_document *list)
{
	struct fa_list *pos;
	int rc = 0;

	if (!layer)
		return 0;
	fa_list_for(pos, &layer->versions) {
		const struct layer_version *v = fa_container(pos, struct layer_version, link);

		if (is_listed(v, filter))
			rc |= fa_document_append(list, fa_document_copy(v->said));
	}
	return rc;
}

static struct fa_document *finish_list(struct fa_document *list, int rc, struct faas_error *err)
{
	if (!rc)
		return list;
	fa_error_nomem(err);
	fa_document_free(list);
	return NULL;
}

struct fa_document *fa_layers_list(struct fa_layers *layers, const struct fa_layer_filter *filter,
				   struct faas_error *err)
{
	struct fa_document *list = fa_document_array();
	int rc;

	pthread_mutex_lock(&layers->lock);
	rc = list_all(layers, filter, list);
	pthread_mutex_unlock(&layers->lock);
	return finish_list(list, rc, err);
}

struct fa_document *fa_layers_list_versions(struct fa_layers *layers, const char *text,
					    const struct fa_layer_filter *filter,
					    struct faas_error *err)
{
	struct fa_document *list;
	struct name name;
	int rc;

	if (parse(layers, &name, text, err) < 0)
		return NULL;
	list = fa_document_array();
	pthread_mutex_lock(&layers->lock);
	rc = list_versions(find(layers, name.text), filter, list);
	pthread_mutex_unlock(&layers->lock);
	return finish_list(list, rc, err);
}

/* ---- of a function ----------------------------------------------------- */

static int check_twice(const struct fa_layers *layers, const struct name *names, size_t count,
		       struct faas_error *err)
{
	char one[FA_LAYER_ARN_MAX], other[FA_LAYER_ARN_MAX];

	for (size_t i = 0; i + 1 < count; i++)
		if (!strcmp(names[i].text, names[count - 1].text)) {
			write_arn(layers, one, names[i].text, names[i].number);
			write_arn(layers, other, names[count - 1].text, names[count - 1].number);
			return fa_error(err, FAAS_EINVAL,
					"Two different versions of the same layer are not allowed "
					"to be referenced in the same function. %s and %s are "
					"versions of the same layer.",
					one, other);
		}
	return 0;
}

static struct fa_package *take(struct fa_layers *layers, const struct name *name)
{
	struct layer_version *version;
	struct fa_package *package = NULL;

	pthread_mutex_lock(&layers->lock);
	version = find_version(layers, name);
	if (version)
		package = fa_package_ref(version->package);
	pthread_mutex_unlock(&layers->lock);
	return package;
}

int fa_layers_resolve(struct fa_layers *layers, const char *const *arns,
		      struct fa_package *packages[FA_LAYERS_MAX], size_t *count,
		      struct faas_error *err)
{
	struct name names[FA_LAYERS_MAX];
	int rc = 0;

	for (*count = 0; !rc && arns[*count]; ++*count) {
		struct name *name = names + *count;

		if (*count == FA_LAYERS_MAX) {
			rc = fa_error(err, FAAS_EINVAL, "Cannot reference more than %d layers.",
				      FA_LAYERS_MAX);
			break;
		}
		rc = parse(layers, name, arns[*count], err);
		if (!rc)
			rc = check_twice(layers, names, *count + 1, err);
		packages[*count] = rc ? NULL : take(layers, name);
		if (!rc && !packages[*count])
			rc = fa_error(err, FAAS_EINVAL, "Layer version %s does not exist.",
				      arns[*count]);
	}
	for (; rc && *count; --*count)
		fa_package_unref(packages[*count - 1]);
	return rc;
}

/* ---- what outlives the program ----------------------------------------- */

static int write_version(struct fa_document *list, const struct layer_version *version)
{
	struct fa_document *item = fa_document_object();
	int rc = fa_document_put(item, "Said", fa_document_copy(version->said));

	rc |= fa_document_put_integer(item, "Number", version->number);
	if (version->package)
		rc |= fa_document_put_text(item, "Package", version->package->id);
	return fa_document_append(list, item) | rc;
}

const char *fa_layers_drafted(struct fa_layers *layers)
{
	return layers->drafted ? layers->drafted->name : NULL; /* nobody else's */
}

struct fa_document *fa_layers_document(struct fa_layers *layers, struct faas_error *err)
{
	struct fa_document *out = fa_document_object(), *list = fa_document_array();
	const struct layer *layer;
	struct fa_list *pos;
	int rc;

	pthread_mutex_lock(&layers->lock);
	layer = layers->drafted;
	rc = fa_document_put_integer(out, "LastNumber", layer->last_number);
	fa_list_for(pos, &layer->versions)
		if (!fa_container(pos, struct layer_version, link)->going)
			rc |= write_version(list, fa_container(pos, struct layer_version, link));
	pthread_mutex_unlock(&layers->lock);
	rc |= fa_document_put(out, "Versions", list);
	return finish_list(out, rc, err);
}

static int number_in(const struct fa_document *document, const char *name)
{
	int64_t number = 0;

	fa_document_integer(fa_document_get(document, name), &number);
	return (int)number;
}

/* Takes `package`. They come the latest first. */
static int restore_version(struct fa_layers *layers, struct layer *layer,
			   const struct fa_document *item, struct fa_package *package)
{
	struct layer_version *version = fa_alloc(layers->mem, sizeof(*version));

	if (version) {
		version->number = number_in(item, "Number");
		version->said = fa_document_copy(fa_document_get(item, "Said"));
		version->package = package;
		fa_list_append(&layer->versions, &version->link);
		return version->said ? 0 : FAAS_ENOMEM;
	}
	fa_package_unref(package);
	return FAAS_ENOMEM;
}

int fa_layers_restore(struct fa_layers *layers, const char *name,
		      const struct fa_document *document,
		      struct fa_package *(*take)(void *data, const char *id,
						 struct faas_error *err),
		      void *data, struct faas_error *err)
{
	const struct fa_document *list = fa_document_get(document, "Versions"), *item;
	struct layer *layer = find_or_make(layers, name);
	int rc = layer ? 0 : FAAS_ENOMEM;

	if (layer)
		layer->last_number = number_in(document, "LastNumber");
	for (size_t i = 0; !rc && (item = fa_document_item(list, i)); i++) {
		const char *id = fa_document_text(fa_document_get(item, "Package"));
		struct faas_error why = { 0 };

		rc = restore_version(layers, layer, item, id ? take(data, id, &why) : NULL);
		if (why.code == FAAS_ENOMEM)
			rc = FAAS_ENOMEM;
	}
	return rc ? fa_error_nomem(err) : 0;
}
