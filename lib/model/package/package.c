/* SPDX-License-Identifier: MIT */
/*
 * The store, and packages that are a ZIP; draft.c brings them onto the disk.
 *
 *   <store>/zip-<digest>/code.zip               a ZIP that was taken,
 *   <store>/zip-<digest>/task/...               and made
 *   <store>/opt-<digest>/task/...               layers merged (merged.c)
 *   <store>/img-<digest>/manifest.json          an image (image_package.c)
 *   <store>/img-<digest>/config.json
 *   <store>/img-<digest>/task/...
 *   <store>/new-<number>, gone-<number>         on its way in, and out
 */
#include <model/package/draft.h>

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <base/error.h>
#include <model/package/place.h>
#include <model/package/tree.h>
#include <model/package/zip_file.h>

int fa_packages_init(struct fa_packages *store, const struct fa_mem *mem, const char *state_dir)
{
	*store = (struct fa_packages){ .mem = mem,
				       .state_dir = state_dir,
				       .dir = -1,
				       .guard = -1,
				       .readers.silence_ms = FA_READER_SILENCE_MS,
				       .readers.patience_ms = FA_READER_PATIENCE_MS,
				       .zipped_max = FA_CODE_STORAGE,
				       .image_max = FA_IMAGE_SIZE,
				       .image_nodes = FA_IMAGE_NODES };
	fa_map_init(&store->packages, mem);
	fa_list_init(&store->unused);
	return pthread_mutex_init(&store->lock, NULL) ? FAAS_ENOMEM : 0;
}

void fa_packages_finish(struct fa_packages *store)
{
	struct fa_package *p;
	uint32_t pos = 0;

	while (fa_packages_sweep(store))
		;
	fa_place_close(store);
	while ((p = fa_map_next(&store->packages, &pos)))
		fa_package_free(p);
	fa_map_finish(&store->packages);
	pthread_mutex_destroy(&store->lock);
}

/* ---- one package ------------------------------------------------------- */

struct fa_package *fa_package_ref(struct fa_package *p)
{
	if (!p)
		return NULL;
	pthread_mutex_lock(&p->store->lock);
	p->refs++;
	pthread_mutex_unlock(&p->store->lock);
	return p;
}

void fa_package_keep(struct fa_package *p)
{
	if (!p)
		return;
	pthread_mutex_lock(&p->store->lock);
	p->kept = p->store->state_dir != NULL;
	pthread_mutex_unlock(&p->store->lock);
}

/* It is gone for all but the sweeper, even if the program ends now. */
static void discard(struct fa_packages *store, struct fa_package *p)
{
	char name[sizeof(p->id)];

	p->gone = true;
	fa_map_remove(&store->packages, p->id);
	snprintf(name, sizeof(name), "gone-%llu", (unsigned long long)store->serial++);
	renameat(store->dir, p->id, store->dir, name); /* one that was never made has none */
	strcpy(p->id, name);
}

/* Out of it, to be let go without the lock. Their number. */
static size_t take_layers(struct fa_package *p, struct fa_package *layers[FA_PACKAGE_LAYERS])
{
	size_t count = p->layer_count;

	memcpy(layers, p->layers, sizeof(p->layers));
	p->layer_count = 0;
	return count;
}

static void drop_layers(struct fa_package *const *layers, size_t count)
{
	while (count)
		fa_package_unref(layers[--count]);
}

/* Until it is swept it keeps its name, and may be found by it. */
void fa_package_unref(struct fa_package *p)
{
	struct fa_packages *store;
	bool goes;

	if (!p)
		return;
	store = p->store;
	pthread_mutex_lock(&store->lock);
	goes = !--p->refs && !p->kept;
	if (goes) {
		store->zipped -= p->zipped;
		fa_list_append(&store->unused, &p->link);
	}
	pthread_mutex_unlock(&store->lock);
	if (goes && store->on_unused)
		store->on_unused(store->data);
}

bool fa_packages_are_unused(struct fa_packages *store)
{
	bool are;

	pthread_mutex_lock(&store->lock);
	are = !fa_list_empty(&store->unused);
	pthread_mutex_unlock(&store->lock);
	return are;
}

int64_t fa_packages_used(struct fa_packages *store, int64_t *most)
{
	int64_t used;

	pthread_mutex_lock(&store->lock);
	used = store->zipped;
	*most = store->zipped_max;
	pthread_mutex_unlock(&store->lock);
	return used;
}

bool fa_packages_sweep(struct fa_packages *store)
{
	struct fa_package *layers[FA_PACKAGE_LAYERS], *p = NULL;
	int budget = FA_PACKAGE_SWEEP;
	size_t count = 0;
	bool more;

	if (store->may_remove && !store->may_remove(store->data))
		return false;
	pthread_mutex_lock(&store->lock);
	if (!fa_list_empty(&store->unused)) {
		p = fa_container(store->unused.next, struct fa_package, link);
		fa_list_remove(&p->link);
		count = take_layers(p, layers);
		if (!p->gone)
			discard(store, p);
	}
	pthread_mutex_unlock(&store->lock);
	if (!p)
		return false;
	drop_layers(layers, count);
	/* What cannot be removed for another reason than the budget is left to the end. */
	more = !fa_tree_remove(store->dir, p->id, &budget) && budget < 0;
	pthread_mutex_lock(&store->lock);
	if (more)
		fa_list_push(&store->unused, &p->link);
	more = !fa_list_empty(&store->unused);
	if (fa_list_empty(&p->link))
		fa_package_free(p);
	pthread_mutex_unlock(&store->lock);
	return more;
}

/* ---- a ZIP ------------------------------------------------------------- */

static int write_zip(int dir, const void *zip, struct faas_error *err)
{
	const struct faas_bytes *content = zip;

	return fa_draft_write(dir, FA_PACKAGE_ZIP, *content, err);
}

static int digest(const void *data, size_t len, char sha256[FA_DIGEST_TEXT])
{
	struct fa_digest digest;

	fa_digest_begin(&digest);
	fa_digest_add(&digest, data, len);
	return fa_digest_end(&digest, sha256);
}

/* The same ZIP was judged already. */
static bool recall_judgement(struct fa_packages *store, const struct fa_package *wanted,
			     struct fa_judgement *j)
{
	const struct fa_package *p;

	pthread_mutex_lock(&store->lock);
	p = fa_map_get(&store->packages, wanted->id, strlen(wanted->id));
	if (p)
		*j = (struct fa_judgement){ p->unzipped, p->bootstrap };
	pthread_mutex_unlock(&store->lock);
	return p;
}

static struct fa_package *take(struct fa_packages *store, const void *zip, size_t len,
			       struct faas_error *err)
{
	char sha256[FA_DIGEST_TEXT];
	struct fa_judgement j;
	struct fa_package *p;

	if (fa_packages_open(store, err) < 0)
		return NULL;
	if (digest(zip, len, sha256) < 0) {
		fa_error_nomem(err);
		return NULL;
	}
	p = fa_package_new(store, &fa_package_zip, sha256, err);
	if (!p)
		return NULL;
	if (!recall_judgement(store, p, &j) &&
	    fa_reader_judge(&store->readers, store->mem, zip, len, &j, err) < 0) {
		fa_package_free(p);
		return NULL;
	}
	p->zipped = (int64_t)len;
	p->unzipped = j.unpacked;
	p->bootstrap = j.bootstrap;
	return fa_packages_enter(store, p, write_zip, &(struct faas_bytes){ zip, len }, err);
}

struct fa_package *fa_packages_take(struct fa_packages *store, const void *zip, size_t len,
				    struct faas_error *err)
{
	return fa_zip_check_size(len, FA_ZIP_UPLOAD, err) < 0 ? NULL : take(store, zip, len, err);
}

struct fa_package *fa_packages_add(struct fa_packages *store, const void *zip, size_t len,
				   struct faas_error *err)
{
	struct fa_package *p = fa_packages_take(store, zip, len, err);

	if (!p || !fa_package_make(p, err))
		return p;
	fa_package_unref(p);
	return NULL;
}

int fa_packages_check(struct fa_packages *store, const void *zip, size_t len,
		      char sha256[FA_DIGEST_TEXT], struct faas_error *err)
{
	struct fa_judgement j;
	int rc = fa_zip_check_size(len, FA_ZIP_UPLOAD, err);

	if (!rc)
		rc = fa_reader_judge(&store->readers, store->mem, zip, len, &j, err);
	if (!rc && digest(zip, len, sha256) < 0)
		rc = fa_error_nomem(err);
	return rc;
}

struct fa_package *fa_packages_take_file(struct fa_packages *store, const char *path,
					 struct faas_error *err)
{
	size_t len;
	char *data = fa_zip_file_read(store->mem, path, &len, err);
	struct fa_package *p = data ? take(store, data, len, err) : NULL;

	fa_free(data);
	return p;
}

static int unpack(const struct fa_package *p, int draft, int tree, struct faas_error *err)
{
	struct fa_packages *store = p->store;
	int fd = open(p->zip, O_RDONLY | O_NOFOLLOW | O_CLOEXEC), rc;
	struct fa_reader *reader;

	(void)draft;
	if (fd < 0)
		return fa_error_errno(err, errno, "cannot open the code");
	reader = fa_reader_open(&store->readers, store->mem, fd, false, err);
	if (!reader)
		rc = err->code;
	else if (fa_reader_judgement(reader)->unpacked != p->unzipped)
		rc = fa_zip_refuse(err, NULL, "it is not what it was judged to be");
	else
		rc = fa_tree_unpack(tree, reader, err);
	fa_reader_close(reader);
	close(fd);
	return rc;
}

const struct fa_package_kind fa_package_zip = { "zip", FA_PACKAGE_ZIP, unpack };

/* ---- making ------------------------------------------------------------ */

/* Under the name of its package; somebody else may have been faster. */
static int place_tree(const struct fa_package *p, const struct fa_draft *draft,
		      struct faas_error *err)
{
	struct fa_packages *store = p->store;
	int dir, rc = 0;

	if (mkdirat(store->dir, p->id, 0755) < 0 && errno != EEXIST)
		return fa_error_errno(err, errno, "cannot make a directory for the code");
	dir = openat(store->dir, p->id, FA_PACKAGE_INSIDE);
	if (dir < 0 || fchmod(dir, 0755) < 0 ||
	    (renameat(draft->dir, FA_PACKAGE_TREE, dir, FA_PACKAGE_TREE) < 0 && errno != EEXIST &&
	     errno != ENOTEMPTY))
		rc = fa_error_errno(err, errno, "cannot keep the code");
	else if (!fa_packages_sync(store, dir, err))
		rc = fa_packages_sync(store, store->dir, err);
	if (dir >= 0)
		close(dir);
	return rc;
}

static int fill(const struct fa_package *p, const struct fa_draft *draft, struct faas_error *err)
{
	int tree = -1, rc;

	if (mkdirat(draft->dir, FA_PACKAGE_TREE, 0755) == 0)
		tree = openat(draft->dir, FA_PACKAGE_TREE, FA_PACKAGE_INSIDE);
	if (tree < 0 || fchmod(tree, 0755) < 0)
		rc = fa_error_errno(err, errno, "cannot make a directory for the code");
	else
		rc = p->kind->fill(p, draft->dir, tree, err);
	if (tree >= 0)
		close(tree);
	return rc;
}

static int make_tree(const struct fa_package *p, struct faas_error *err)
{
	struct fa_draft draft;
	int rc = fa_draft_open(p->store, &draft, err);

	if (!rc)
		rc = fill(p, &draft, err);
	if (!rc)
		rc = fa_draft_sync(p->store, &draft, err);
	if (!rc)
		rc = place_tree(p, &draft, err);
	fa_draft_close(p->store, &draft);
	if (rc)
		unlinkat(p->store->dir, p->id, AT_REMOVEDIR); /* if it is empty */
	return rc;
}

int fa_package_make(struct fa_package *p, struct faas_error *err)
{
	struct fa_package *layers[FA_PACKAGE_LAYERS];
	struct faas_error own = { 0 };
	size_t count = 0;
	bool last;
	int rc;

	if (!p || atomic_load(&p->made))
		return 0;
	pthread_mutex_lock(&p->store->lock);
	p->makers++;
	pthread_mutex_unlock(&p->store->lock);
	rc = fa_package_is_there(p, FA_PACKAGE_TREE) ? 0 : make_tree(p, err ? err : &own);
	if (!rc)
		atomic_store(&p->made, true);
	pthread_mutex_lock(&p->store->lock);
	last = !--p->makers && !rc;
	if (last)
		count = take_layers(p, layers);
	if (last && p->image)
		fa_image_forget(p->image);
	pthread_mutex_unlock(&p->store->lock);
	drop_layers(layers, count);
	return rc;
}
