/* SPDX-License-Identifier: MIT */
/*
 * They live in their function's entry, by qualifier, under the registry's lock, and go with
 * the function or the alias. A request knows an id only, so the registry has them by that,
 * too.
 */
#include <model/url.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <base/error.h>
#include <base/text.h>
#include <model/change.h>

static struct fa_url *find(const struct fa_function *function, const char *qualifier)
{
	return fa_map_get(&function->urls, qualifier, strlen(qualifier));
}

/* "" and "$LATEST" are the function itself. */
static const char *own(const char *qualifier)
{
	return !qualifier || !strcmp(qualifier, "$LATEST") ? "" : qualifier;
}

static struct fa_url *ref(struct fa_url *url)
{
	if (url)
		atomic_fetch_add_explicit(&url->refs, 1, memory_order_relaxed);
	return url;
}

void fa_url_unref(struct fa_url *url)
{
	if (!url || atomic_fetch_sub_explicit(&url->refs, 1, memory_order_acq_rel) > 1)
		return;
	fa_document_free(url->cors);
	fa_free(url);
}

static int has_none(struct faas_error *err)
{
	return fa_error(err, FAAS_ENOTFOUND, "The resource you requested does not exist.");
}

/* ---- set ------------------------------------------------------------- */

/* 256 is no multiple of 36; who guesses gains half a bit of 165. */
static void draw_id(char id[FA_URL_ID + 1])
{
	uint8_t random[FA_URL_ID];

	fa_random_bytes(random, sizeof(random));
	for (int i = 0; i < FA_URL_ID; i++)
		id[i] = "abcdefghijklmnopqrstuvwxyz0123456789"[random[i] % 36];
	id[FA_URL_ID] = '\0';
}

static int keep(int change, int was)
{
	return change == FA_URL_KEEP ? was : change;
}

static struct fa_url *make(const struct fa_registry *registry, const struct fa_function *function,
			   const struct fa_url *was, const struct fa_url_change *change)
{
	struct fa_url *url = fa_alloc(registry->functions.mem, sizeof(*url));
	const struct fa_document *cors = change->cors;

	if (!url)
		return NULL;
	if (!cors && was)
		cors = was->cors;
	atomic_init(&url->refs, 1);
	snprintf(url->function, sizeof(url->function), "%s", function->name);
	snprintf(url->qualifier, sizeof(url->qualifier), "%s", own(change->qualifier));
	url->iam = keep(change->iam, was ? was->iam : 0);
	url->streams = keep(change->streams, was ? was->streams : 0);
	url->modified_ms = change->now_ms;
	url->created_ms = was ? was->created_ms : change->id ? change->created_ms : change->now_ms;
	if (was || change->id)
		snprintf(url->id, sizeof(url->id), "%s", was ? was->id : change->id);
	else
		draw_id(url->id);
	url->cors = fa_document_copy(cors);
	if (!cors || url->cors)
		return url;
	fa_url_unref(url);
	return NULL;
}

/* Those of a draft are listed when it is adopted. */
static bool is_listed(const struct fa_registry *registry, const struct fa_function *function)
{
	return !fa_change_find(registry, function->name, strlen(function->name));
}

static int add(struct fa_registry *registry, struct fa_function *function, struct fa_url *url)
{
	bool listed = is_listed(registry, function);

	if (listed && fa_map_add(&registry->urls, url->id, url))
		return FAAS_ENOMEM;
	if (!fa_map_add(&function->urls, url->qualifier, url))
		return 0;
	if (listed)
		fa_map_remove(&registry->urls, url->id);
	return FAAS_ENOMEM;
}

static int set(struct fa_registry *registry, struct fa_function *function,
	       const struct fa_url_change *change, struct fa_url **out, struct faas_error *err)
{
	struct fa_url *was = find(function, own(change->qualifier)), *url;
	int rc = 0;

	if (was && change->create)
		return fa_error(err, FAAS_EEXIST,
				"Failed to create function url config for [functionArn = %s%s%s]. "
				"Error message:  FunctionUrlConfig exists for this Lambda function",
				function->latest->arn, *was->qualifier ? ":" : "", was->qualifier);
	if (!was && !change->create)
		return has_none(err);
	url = make(registry, function, was, change);
	if (url && was) {
		if (is_listed(registry, function))
			fa_map_replace(&registry->urls, url->id, url);
		fa_map_replace(&function->urls, url->qualifier, url);
		fa_url_unref(was);
	} else if (url) {
		rc = add(registry, function, url);
	}
	if (!url || rc) {
		fa_url_unref(url);
		return fa_error_nomem(err);
	}
	if (out)
		*out = ref(url);
	return 0;
}

int fa_url_set(struct fa_registry *registry, const struct fa_url_change *change,
	       struct fa_url **out, struct faas_error *err)
{
	const char *alias = own(change->qualifier);
	struct fa_function *function;
	int rc;

	function = fa_registry_open(registry, change->function, true, &rc, err);
	if (!function)
		return rc;
	if (*alias && !fa_map_get(&function->aliases, alias, strlen(alias)))
		rc = fa_error(err, FAAS_ENOTFOUND, "Function does not exist");
	else
		rc = set(registry, function, change, out, err);
	fa_registry_close(registry);
	return rc;
}

/* ---- get, list, delete ------------------------------------------------ */

struct fa_url *fa_url_get(struct fa_registry *registry, const char *text, const char *qualifier,
			  struct faas_error *err)
{
	struct fa_function *function;
	struct fa_url *url;
	int rc;

	function = fa_registry_open(registry, text, false, &rc, err);
	if (!function)
		return NULL;
	url = ref(find(function, own(qualifier)));
	fa_registry_close(registry);
	if (!url)
		has_none(err);
	return url;
}

static int by_qualifier(const void *a, const void *b)
{
	struct fa_url *const *one = a, *const *other = b;

	return strcmp((*one)->qualifier, (*other)->qualifier);
}

int fa_url_list(struct fa_registry *registry, const char *text, struct fa_url ***all,
		size_t *count, struct faas_error *err)
{
	struct fa_function *function;
	struct fa_url *url;
	uint32_t pos = 0;
	int rc;

	function = fa_registry_open(registry, text, false, &rc, err);
	if (!function)
		return rc;
	*count = 0;
	*all = fa_alloc(registry->functions.mem, (function->urls.count + 1) * sizeof(**all));
	while (*all && (url = fa_map_next(&function->urls, &pos)))
		(*all)[(*count)++] = ref(url);
	fa_registry_close(registry);
	if (!*all)
		return fa_error_nomem(err);
	qsort(*all, *count, sizeof(**all), by_qualifier);
	return 0;
}

int fa_url_delete(struct fa_registry *registry, const char *text, const char *qualifier,
		  struct faas_error *err)
{
	struct fa_function *function;
	int rc;

	function = fa_registry_open(registry, text, true, &rc, err);
	if (!function)
		return rc;
	if (find(function, own(qualifier)))
		fa_url_drop(registry, function, own(qualifier));
	else
		rc = has_none(err);
	fa_registry_close(registry);
	return rc;
}

struct fa_url *fa_url_find(struct fa_registry *registry, const char *id, size_t len)
{
	struct fa_url *url;

	pthread_rwlock_rdlock(&registry->lock);
	url = ref(fa_map_get(&registry->urls, id, len));
	pthread_rwlock_unlock(&registry->lock);
	return url;
}

/* ---- where they are ---------------------------------------------------- */

void fa_url_place(struct fa_registry *registry, const char *base)
{
	pthread_rwlock_wrlock(&registry->lock);
	snprintf(registry->url_base, sizeof(registry->url_base), "%s", base);
	pthread_rwlock_unlock(&registry->lock);
}

void fa_url_write(struct fa_registry *registry, const struct fa_url *url, char out[FA_URL_MAX])
{
	pthread_rwlock_rdlock(&registry->lock);
	if (*registry->url_base)
		snprintf(out, FA_URL_MAX, "%s/url/%s/", registry->url_base, url->id);
	else
		snprintf(out, FA_URL_MAX, "http://%s.lambda-url.%s.localhost/", url->id,
			 registry->region);
	pthread_rwlock_unlock(&registry->lock);
}

/* ---- for the function's entry ------------------------------------------ */

void fa_url_drop(struct fa_registry *registry, struct fa_function *function,
		 const char *qualifier)
{
	struct fa_url *url = fa_map_remove(&function->urls, qualifier);

	if (url && is_listed(registry, function))
		fa_map_remove(&registry->urls, url->id);
	fa_url_unref(url);
}

void fa_urls_drop(struct fa_registry *registry, struct fa_function *function)
{
	if (is_listed(registry, function))
		fa_urls_unlist(registry, &function->urls);
	fa_urls_free(&function->urls);
}

int fa_urls_copy(struct fa_map *out, const struct fa_map *urls)
{
	struct fa_url *url;
	uint32_t pos = 0;

	while ((url = fa_map_next(urls, &pos))) {
		if (fa_map_add(out, url->qualifier, url) < 0)
			return FAAS_ENOMEM;
		ref(url);
	}
	return 0;
}

void fa_urls_list(struct fa_registry *registry, const struct fa_map *urls)
{
	struct fa_url *url;
	uint32_t pos = 0;

	while ((url = fa_map_next(urls, &pos)))
		fa_map_add(&registry->urls, url->id, url);
}

void fa_urls_unlist(struct fa_registry *registry, const struct fa_map *urls)
{
	const struct fa_url *url;
	uint32_t pos = 0;

	while ((url = fa_map_next(urls, &pos)))
		fa_map_remove(&registry->urls, url->id);
}

void fa_urls_free(struct fa_map *urls)
{
	struct fa_url *url;
	uint32_t pos = 0;

	while ((url = fa_map_next(urls, &pos)))
		fa_url_unref(url);
	fa_map_finish(urls);
}
