/* SPDX-License-Identifier: MIT */
/* Layers of a function, each a package, as one tree of hard links. */
#include <model/package/draft.h>

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include <base/error.h>
#include <model/package/tree.h>

#define EXTENSIONS FA_PACKAGE_TREE "/extensions"

static int merge(const struct fa_package *p, int draft, int tree, struct faas_error *err)
{
	(void)draft;
	for (size_t i = 0; i < p->layer_count; i++) {
		int from = open(p->layers[i]->directory, FA_PACKAGE_INSIDE);
		int rc = from < 0 ? -errno : fa_tree_merge(from, tree);

		if (from >= 0)
			close(from);
		if (rc)
			return fa_error_errno(err, -rc, "cannot merge the layers");
	}
	return 0;
}

const struct fa_package_kind fa_package_merged = { "opt", FA_PACKAGE_TREE, merge };

struct fa_package *fa_packages_merge(struct fa_packages *store, struct fa_package *const *layers,
				     size_t count, struct faas_error *err)
{
	char sha256[FA_DIGEST_TEXT];
	struct fa_package *p, *mine;
	struct fa_digest all;
	int64_t unzipped = 0;
	bool bootstrap = false, extensions = false;
	int rc;

	fa_digest_begin(&all);
	for (size_t i = 0; i < count; i++) {
		bootstrap |= layers[i]->bootstrap;
		extensions |= fa_package_is_there(layers[i], EXTENSIONS);
		fa_digest_add(&all, layers[i]->sha256, sizeof(layers[i]->sha256));
		unzipped += layers[i]->unzipped;
	}
	if (fa_digest_end(&all, sha256) < 0) {
		fa_error_nomem(err);
		return NULL;
	}
	if (fa_packages_open(store, err) < 0)
		return NULL;
	p = fa_package_new(store, &fa_package_merged, sha256, err);
	if (!p)
		return NULL;
	p->unzipped = unzipped;
	p->bootstrap = bootstrap;
	p->extensions = extensions;
	mine = p;
	pthread_mutex_lock(&store->lock);
	rc = fa_packages_settle(store, &p, NULL, err);
	for (size_t i = 0; !rc && p == mine && i < count; i++) {
		layers[i]->refs++;
		p->layers[p->layer_count++] = layers[i];
	}
	pthread_mutex_unlock(&store->lock);
	if (!rc)
		return p;
	fa_package_free(p);
	return NULL;
}

struct fa_package *fa_packages_merged(struct fa_packages *store, const char *sha256,
				      int64_t unzipped, struct faas_error *err)
{
	struct fa_package *p = NULL;
	int rc = fa_packages_open(store, err);

	if (!rc && strlen(sha256) == FA_DIGEST_TEXT - 1)
		p = fa_package_new(store, &fa_package_merged, sha256, err);
	else if (!rc)
		fa_error(err, FAAS_EINVAL, "it is no digest");
	if (!p)
		return NULL;
	p->unzipped = unzipped;
	p->bootstrap = fa_package_is_there(p, FA_PACKAGE_TREE "/bootstrap");
	p->extensions = fa_package_is_there(p, EXTENSIONS);
	pthread_mutex_lock(&store->lock);
	rc = fa_package_is_known(store, p) ? fa_packages_settle(store, &p, NULL, err) :
				  fa_error(err, FAAS_ENOTFOUND, "the layers are gone");
	pthread_mutex_unlock(&store->lock);
	if (!rc)
		return p;
	fa_package_free(p);
	return NULL;
}

