/* SPDX-License-Identifier: MIT */
/*
 * Each step is done under a name that means nothing, then renamed to what it is: a
 * ZIP is there whole or not at all, and so is its tree. Both are on the disk before
 * they get that name where they are to outlive the program. The lock is not held while
 * anything is written; if two do the same at once, the second one's is thrown away.
 *
 *   <store>/zip-<digest>/code.zip               a ZIP that was taken,
 *   <store>/zip-<digest>/task/...               and made
 *   <store>/opt-<digest>/task/...               layers merged
 *   <store>/new-<number>, gone-<number>         on its way in, and out
 */
#include <model/package/package.h>

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

#define TREE "task"
#define ZIP "code.zip"
#define BOOTSTRAP "bootstrap"
#define INSIDE (O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)

int fa_packages_init(struct fa_packages *store, const struct fa_mem *mem, const char *state_dir)
{
	*store = (struct fa_packages){ .mem = mem,
				       .state_dir = state_dir,
				       .dir = -1,
				       .guard = -1,
				       .readers.silence_ms = FA_READER_SILENCE_MS,
				       .readers.patience_ms = FA_READER_PATIENCE_MS,
				       .zipped_max = FA_CODE_STORAGE };
	fa_map_init(&store->packages, mem);
	fa_list_init(&store->unused);
	return pthread_mutex_init(&store->lock, NULL) ? FAAS_ENOMEM : 0;
}

static void free_package(struct fa_package *p)
{
	if (!p)
		return;
	fa_free((char *)p->directory);
	fa_free((char *)p->zip);
	fa_free(p);
}

void fa_packages_finish(struct fa_packages *store)
{
	struct fa_package *p;
	uint32_t pos = 0;

	while (fa_packages_sweep(store))
		;
	fa_place_close(store);
	while ((p = fa_map_next(&store->packages, &pos)))
		free_package(p);
	fa_map_finish(&store->packages);
	pthread_mutex_destroy(&store->lock);
}

/* ---- one package ------------------------------------------------------- */

static char *join(struct fa_packages *store, const char *id, const char *name)
{
	char path[PATH_MAX];

	snprintf(path, sizeof(path), "%s/%s/%s", store->path, id, name);
	return fa_strdup(store->mem, path);
}

/* base64, but for a name: '/' and '+' are others, and the padding goes. */
static void make_id(char *id, const char *prefix, const char *sha256)
{
	char *at = id + sprintf(id, "%s-", prefix);

	for (; *sha256 && *sha256 != '='; sha256++)
		*at++ = *sha256 == '/' ? '_' : *sha256 == '+' ? '-' : *sha256;
	*at = '\0';
}

static struct fa_package *new_package(struct fa_packages *store, const char *prefix,
				      const char *sha256, struct faas_error *err)
{
	struct fa_package *p = fa_alloc(store->mem, sizeof(*p));
	bool zip = !strcmp(prefix, "zip");

	if (!p) {
		fa_error_nomem(err);
		return NULL;
	}
	p->store = store;
	p->refs = 1;
	make_id(p->id, prefix, sha256);
	strcpy(p->sha256, sha256);
	p->directory = join(store, p->id, TREE);
	p->zip = zip ? join(store, p->id, ZIP) : NULL;
	fa_list_init(&p->link);
	if (p->directory && (p->zip || !zip))
		return p;
	fa_error_nomem(err);
	free_package(p);
	return NULL;
}

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
		free_package(p);
	pthread_mutex_unlock(&store->lock);
	return more;
}

/* ---- adding ------------------------------------------------------------ */

/* A reference to what is there already, or NULL. Under the lock. */
static struct fa_package *find(struct fa_packages *store, const struct fa_package *wanted)
{
	struct fa_package *p = fa_map_get(&store->packages, wanted->id, strlen(wanted->id));

	if (p && !p->refs++) { /* nobody referred to it any more */
		fa_list_remove(&p->link);
		store->zipped += p->kept ? 0 : p->zipped;
		p->kept = false;
	}
	return p;
}

/* Into the store's list; under the lock. What is in the list holds a name on the disk. */
static int enlist(struct fa_packages *store, struct fa_package *p, struct faas_error *err)
{
	if (store->zipped + p->zipped > store->zipped_max)
		return fa_error_typed(err, FAAS_ETOOLARGE, "CodeStorageExceededException",
				      "Code storage limit exceeded.");
	if (fa_map_add(&store->packages, p->id, p))
		return fa_error_nomem(err);
	store->zipped += p->zipped;
	return 0;
}

/* Somebody else may have been faster, or an earlier program: then that one is taken. */
static int settle(struct fa_packages *store, struct fa_package **p, const char *made,
		  struct faas_error *err)
{
	struct fa_package *there = find(store, *p);
	int rc;

	if (there) {
		free_package(*p);
		*p = there;
		return 0;
	}
	rc = enlist(store, *p, err);
	if (rc)
		return rc;
	if (!made || renameat(store->dir, made, store->dir, (*p)->id) == 0 || errno == EEXIST ||
	    errno == ENOTEMPTY)
		return 0;
	rc = fa_error_errno(err, errno, "cannot keep the code");
	fa_map_remove(&store->packages, (*p)->id);
	store->zipped -= (*p)->zipped;
	return rc;
}

/* A directory with a name of its own, to be filled and then renamed. */
struct draft {
	char name[32];
	int dir;
};

static int open_draft(struct fa_packages *store, struct draft *draft, struct faas_error *err)
{
	draft->dir = -1;
	pthread_mutex_lock(&store->lock);
	snprintf(draft->name, sizeof(draft->name), "new-%llu",
		 (unsigned long long)store->serial++);
	pthread_mutex_unlock(&store->lock);
	if (mkdirat(store->dir, draft->name, 0755) == 0)
		draft->dir = openat(store->dir, draft->name, INSIDE);
	if (draft->dir >= 0 && fchmod(draft->dir, 0755) == 0)
		return 0;
	return fa_error_errno(err, errno, "cannot make a directory for the code");
}

/* What was not renamed goes. */
static void close_draft(struct fa_packages *store, const struct draft *draft)
{
	if (draft->dir >= 0)
		close(draft->dir);
	fa_tree_remove(store->dir, draft->name, NULL);
}

static int sync_draft(const struct fa_packages *store, const struct draft *draft,
		      struct faas_error *err)
{
	int rc = store->state_dir ? fa_tree_sync(draft->dir) : 0;

	return rc ? fa_error_errno(err, -rc, "cannot write the code to the disk") : 0;
}

static int sync_dir(const struct fa_packages *store, int dir, struct faas_error *err)
{
	if (!store->state_dir || fsync(dir) == 0)
		return 0;
	return fa_error_errno(err, errno, "cannot write the code to the disk");
}

static bool is_there(const struct fa_package *p, const char *name)
{
	char path[sizeof(p->id) + 32];

	snprintf(path, sizeof(path), "%s/%s", p->id, name);
	return faccessat(p->store->dir, path, F_OK, AT_SYMLINK_NOFOLLOW) == 0;
}

/* Is it there, or did an earlier program leave it? Under the lock. */
static bool is_known(const struct fa_packages *store, const struct fa_package *p)
{
	return fa_map_get(&store->packages, p->id, strlen(p->id)) ||
	       is_there(p, p->zip ? ZIP : TREE);
}

static int open_place(struct fa_packages *store, struct faas_error *err)
{
	int rc;

	pthread_mutex_lock(&store->lock);
	rc = fa_place_open(store, err);
	pthread_mutex_unlock(&store->lock);
	return rc;
}

/* ---- a ZIP ------------------------------------------------------------- */

static int write_zip(int dir, const void *zip, size_t len, struct faas_error *err)
{
	int fd = openat(dir, ZIP, O_CREAT | O_EXCL | O_WRONLY | O_CLOEXEC, 0644), rc = 0;

	if (fd < 0 || fa_write_all(fd, zip, len) < 0)
		rc = fa_error_errno(err, errno, "cannot write the code");
	if (fd >= 0 && close(fd) < 0 && !rc)
		rc = fa_error_errno(err, errno, "cannot write the code");
	return rc;
}

static int write_new(struct fa_packages *store, struct fa_package **p, const void *zip,
		     size_t len, struct faas_error *err)
{
	struct draft draft;
	int rc = open_draft(store, &draft, err);

	if (!rc)
		rc = write_zip(draft.dir, zip, len, err);
	if (!rc)
		rc = sync_draft(store, &draft, err);
	if (!rc) {
		pthread_mutex_lock(&store->lock);
		rc = settle(store, p, draft.name, err);
		pthread_mutex_unlock(&store->lock);
	}
	close_draft(store, &draft);
	return rc;
}

/* Takes p, which nobody knows yet. Hands out a reference to it, or to its like. */
static struct fa_package *enter(struct fa_packages *store, struct fa_package *p, const void *zip,
				size_t len, struct faas_error *err)
{
	bool known;
	int rc = 0;

	pthread_mutex_lock(&store->lock);
	known = is_known(store, p);
	if (known)
		rc = settle(store, &p, NULL, err);
	pthread_mutex_unlock(&store->lock);
	if (!known)
		rc = write_new(store, &p, zip, len, err);
	if (rc) {
		free_package(p);
		return NULL;
	}
	if (!sync_dir(store, store->dir, err))
		return p;
	fa_package_unref(p);
	return NULL;
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

	if (open_place(store, err) < 0)
		return NULL;
	if (digest(zip, len, sha256) < 0) {
		fa_error_nomem(err);
		return NULL;
	}
	p = new_package(store, "zip", sha256, err);
	if (!p)
		return NULL;
	if (!recall_judgement(store, p, &j) &&
	    fa_reader_judge(&store->readers, store->mem, zip, len, &j, err) < 0) {
		free_package(p);
		return NULL;
	}
	p->zipped = (int64_t)len;
	p->unzipped = j.unpacked;
	p->bootstrap = j.bootstrap;
	return enter(store, p, zip, len, err);
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

static int unpack(const struct fa_package *p, int tree, struct faas_error *err)
{
	struct fa_packages *store = p->store;
	int fd = open(p->zip, O_RDONLY | O_NOFOLLOW | O_CLOEXEC), rc;
	struct fa_reader *reader;

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

/* ---- layers ------------------------------------------------------------ */

static int merge(const struct fa_package *p, int tree, struct faas_error *err)
{
	for (size_t i = 0; i < p->layer_count; i++) {
		int from = open(p->layers[i]->directory, INSIDE);
		int rc = from < 0 ? -errno : fa_tree_merge(from, tree);

		if (from >= 0)
			close(from);
		if (rc)
			return fa_error_errno(err, -rc, "cannot merge the layers");
	}
	return 0;
}

struct fa_package *fa_packages_merge(struct fa_packages *store, struct fa_package *const *layers,
				     size_t count, struct faas_error *err)
{
	char sha256[FA_DIGEST_TEXT];
	struct fa_package *p, *mine;
	struct fa_digest all;
	int64_t unzipped = 0;
	bool bootstrap = false;
	int rc;

	fa_digest_begin(&all);
	for (size_t i = 0; i < count; i++) {
		bootstrap |= layers[i]->bootstrap;
		fa_digest_add(&all, layers[i]->sha256, sizeof(layers[i]->sha256));
		unzipped += layers[i]->unzipped;
	}
	if (fa_digest_end(&all, sha256) < 0) {
		fa_error_nomem(err);
		return NULL;
	}
	if (open_place(store, err) < 0)
		return NULL;
	p = new_package(store, "opt", sha256, err);
	if (!p)
		return NULL;
	p->unzipped = unzipped;
	p->bootstrap = bootstrap;
	mine = p;
	pthread_mutex_lock(&store->lock);
	rc = settle(store, &p, NULL, err);
	for (size_t i = 0; !rc && p == mine && i < count; i++) {
		layers[i]->refs++;
		p->layers[p->layer_count++] = layers[i];
	}
	pthread_mutex_unlock(&store->lock);
	if (!rc)
		return p;
	free_package(p);
	return NULL;
}

struct fa_package *fa_packages_merged(struct fa_packages *store, const char *sha256,
				      int64_t unzipped, struct faas_error *err)
{
	struct fa_package *p = NULL;
	int rc = open_place(store, err);

	if (!rc && strlen(sha256) == FA_DIGEST_TEXT - 1)
		p = new_package(store, "opt", sha256, err);
	else if (!rc)
		fa_error(err, FAAS_EINVAL, "it is no digest");
	if (!p)
		return NULL;
	p->unzipped = unzipped;
	p->bootstrap = is_there(p, TREE "/" BOOTSTRAP);
	pthread_mutex_lock(&store->lock);
	rc = is_known(store, p) ? settle(store, &p, NULL, err) :
				  fa_error(err, FAAS_ENOTFOUND, "the layers are gone");
	pthread_mutex_unlock(&store->lock);
	if (!rc)
		return p;
	free_package(p);
	return NULL;
}

/* ---- making ------------------------------------------------------------ */

/* Under the name of its package; somebody else may have been faster. */
static int place_tree(const struct fa_package *p, const struct draft *draft,
		      struct faas_error *err)
{
	struct fa_packages *store = p->store;
	int dir, rc = 0;

	if (mkdirat(store->dir, p->id, 0755) < 0 && errno != EEXIST)
		return fa_error_errno(err, errno, "cannot make a directory for the code");
	dir = openat(store->dir, p->id, INSIDE);
	if (dir < 0 || fchmod(dir, 0755) < 0 ||
	    (renameat(draft->dir, TREE, dir, TREE) < 0 && errno != EEXIST && errno != ENOTEMPTY))
		rc = fa_error_errno(err, errno, "cannot keep the code");
	else if (!sync_dir(store, dir, err))
		rc = sync_dir(store, store->dir, err);
	if (dir >= 0)
		close(dir);
	return rc;
}

static int fill(const struct fa_package *p, const struct draft *draft, struct faas_error *err)
{
	int tree = -1, rc;

	if (mkdirat(draft->dir, TREE, 0755) == 0)
		tree = openat(draft->dir, TREE, INSIDE);
	if (tree < 0 || fchmod(tree, 0755) < 0)
		rc = fa_error_errno(err, errno, "cannot make a directory for the code");
	else
		rc = p->zip ? unpack(p, tree, err) : merge(p, tree, err);
	if (tree >= 0)
		close(tree);
	return rc;
}

static int make_tree(const struct fa_package *p, struct faas_error *err)
{
	struct draft draft;
	int rc = open_draft(p->store, &draft, err);

	if (!rc)
		rc = fill(p, &draft, err);
	if (!rc)
		rc = sync_draft(p->store, &draft, err);
	if (!rc)
		rc = place_tree(p, &draft, err);
	close_draft(p->store, &draft);
	if (rc && !p->zip)
		unlinkat(p->store->dir, p->id, AT_REMOVEDIR); /* unless it is somebody else's */
	return rc;
}

int fa_package_make(struct fa_package *p, struct faas_error *err)
{
	struct fa_package *layers[FA_PACKAGE_LAYERS];
	struct faas_error own = { 0 };
	size_t count = 0;
	int rc;

	if (!p || atomic_load(&p->made))
		return 0;
	pthread_mutex_lock(&p->store->lock);
	p->makers++;
	pthread_mutex_unlock(&p->store->lock);
	rc = is_there(p, TREE) ? 0 : make_tree(p, err ? err : &own);
	if (!rc)
		atomic_store(&p->made, true);
	pthread_mutex_lock(&p->store->lock);
	if (!--p->makers && !rc)
		count = take_layers(p, layers);
	pthread_mutex_unlock(&p->store->lock);
	drop_layers(layers, count);
	return rc;
}
