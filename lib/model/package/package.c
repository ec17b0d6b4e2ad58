/* SPDX-License-Identifier: MIT */
/*
 * A package is unpacked under a name that means nothing, then renamed to what it
 * is: it is there whole or not at all. It is on the disk before it gets that name
 * where it is to outlive the program. The lock is not held while anything is
 * unpacked; if two unpack the same at once, the second one's is thrown away.
 *
 *   <store>/zip-<digest>/code.zip, task/...     a ZIP and what was in it
 *   <store>/opt-<digest>/task/...               layers merged
 *   <store>/new-<number>, gone-<number>         on its way in, and out
 */
#include <model/package/package.h>

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <base/error.h>
#include <model/package/place.h>
#include <model/package/tree.h>

#define TREE "task"
#define ZIP "code.zip"
#define INSIDE (O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)

int fa_packages_init(struct fa_packages *store, const struct fa_mem *mem, const char *state_dir)
{
	*store = (struct fa_packages){ .mem = mem,
				       .state_dir = state_dir,
				       .dir = -1,
				       .guard = -1,
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

	fa_map_remove(&store->packages, p->id);
	store->zipped -= p->zipped;
	snprintf(name, sizeof(name), "gone-%llu", (unsigned long long)store->serial++);
	if (renameat(store->dir, p->id, store->dir, name) == 0)
		strcpy(p->id, name);
	fa_list_append(&store->unused, &p->link);
}

void fa_package_unref(struct fa_package *p)
{
	struct fa_packages *store;
	bool goes;

	if (!p)
		return;
	store = p->store;
	pthread_mutex_lock(&store->lock);
	goes = !--p->refs && !p->kept;
	if (goes)
		discard(store, p);
	pthread_mutex_unlock(&store->lock);
	if (goes && store->on_unused)
		store->on_unused(store->data);
}

bool fa_packages_sweep(struct fa_packages *store)
{
	int budget = FA_PACKAGE_SWEEP;
	struct fa_package *p = NULL;
	bool more;

	pthread_mutex_lock(&store->lock);
	if (!fa_list_empty(&store->unused)) {
		p = fa_container(store->unused.next, struct fa_package, link);
		fa_list_remove(&p->link);
	}
	pthread_mutex_unlock(&store->lock);
	if (!p)
		return false;
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

	if (p)
		p->refs++;
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

/* What makes the tree of a package, and what of. */
struct recipe {
	int (*fill)(const struct recipe *recipe, int dir, int tree, struct faas_error *err);
	const void *zip;
	size_t len;
	struct fa_archive *archive;
	struct fa_package *const *layers;
	size_t count;
};

static int fill_new(struct fa_packages *store, const struct recipe *recipe, const char *name,
		    struct faas_error *err)
{
	int dir = -1, tree = -1, rc = 0;

	if (mkdirat(store->dir, name, 0755) < 0 || (dir = openat(store->dir, name, INSIDE)) < 0 ||
	    fchmod(dir, 0755) < 0 || mkdirat(dir, TREE, 0755) < 0 ||
	    (tree = openat(dir, TREE, INSIDE)) < 0 || fchmod(tree, 0755) < 0)
		rc = fa_error_errno(err, errno, "cannot make a directory for the code");
	if (!rc)
		rc = recipe->fill(recipe, dir, tree, err);
	if (!rc && store->state_dir) {
		rc = fa_tree_sync(dir);
		if (rc)
			rc = fa_error_errno(err, -rc, "cannot write the code to the disk");
	}
	if (tree >= 0)
		close(tree);
	if (dir >= 0)
		close(dir);
	return rc;
}

/* Is it there, or did an earlier program leave it? Under the lock. */
static bool is_known(const struct fa_packages *store, const struct fa_package *p)
{
	return fa_map_get(&store->packages, p->id, strlen(p->id)) ||
	       faccessat(store->dir, p->id, F_OK, AT_SYMLINK_NOFOLLOW) == 0;
}

static int make_new(struct fa_packages *store, struct fa_package **p, const char *name,
		    const struct recipe *recipe, struct faas_error *err)
{
	int rc = fill_new(store, recipe, name, err);

	if (!rc) {
		pthread_mutex_lock(&store->lock);
		rc = settle(store, p, name, err);
		pthread_mutex_unlock(&store->lock);
	}
	fa_tree_remove(store->dir, name, NULL); /* unless it is what it was to be */
	return rc;
}

/* Takes p, which nobody knows yet. Hands out a reference to it, or to its like. */
static struct fa_package *make(struct fa_packages *store, struct fa_package *p,
			       const struct recipe *recipe, struct faas_error *err)
{
	char name[32];
	bool known;
	int rc = 0;

	pthread_mutex_lock(&store->lock);
	known = is_known(store, p);
	if (known)
		rc = settle(store, &p, NULL, err);
	snprintf(name, sizeof(name), "new-%llu", (unsigned long long)store->serial++);
	pthread_mutex_unlock(&store->lock);
	if (!known)
		rc = make_new(store, &p, name, recipe, err);
	if (rc) {
		free_package(p);
		return NULL;
	}
	if (!store->state_dir || fsync(store->dir) == 0)
		return p;
	fa_error_errno(err, errno, "cannot write the code to the disk");
	fa_package_unref(p);
	return NULL;
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

static int write_zip(int dir, const struct recipe *recipe, struct faas_error *err)
{
	int fd = openat(dir, ZIP, O_CREAT | O_EXCL | O_WRONLY | O_CLOEXEC, 0644), rc = 0;

	if (fd < 0 || fa_write_all(fd, recipe->zip, recipe->len) < 0)
		rc = fa_error_errno(err, errno, "cannot write the code");
	if (fd >= 0 && close(fd) < 0 && !rc)
		rc = fa_error_errno(err, errno, "cannot write the code");
	return rc;
}

static int fill_zip(const struct recipe *recipe, int dir, int tree, struct faas_error *err)
{
	int rc = fa_tree_unpack(tree, recipe->archive, err);

	return rc ? rc : write_zip(dir, recipe, err);
}

static int digest(const void *data, size_t len, char sha256[FA_DIGEST_TEXT])
{
	struct fa_digest digest;

	fa_digest_begin(&digest);
	fa_digest_add(&digest, data, len);
	return fa_digest_end(&digest, sha256);
}

static int check_size(size_t len, size_t most, struct faas_error *err)
{
	if (len < most)
		return 0;
	return fa_error_typed(err, FAAS_ETOOLARGE, "RequestEntityTooLargeException",
			      "Zipped size must be smaller than %zu bytes", most);
}

static struct fa_package *add(struct fa_packages *store, const void *zip, size_t len,
			      struct faas_error *err)
{
	struct recipe recipe = { .fill = fill_zip, .zip = zip, .len = len };
	char sha256[FA_DIGEST_TEXT];
	struct fa_package *p = NULL;

	if (open_place(store, err) < 0)
		return NULL;
	if (digest(zip, len, sha256) < 0) {
		fa_error_nomem(err);
		return NULL;
	}
	recipe.archive = fa_archive_open(store->mem, zip, len, err);
	if (recipe.archive)
		p = new_package(store, "zip", sha256, err);
	if (p) {
		p->zipped = (int64_t)len;
		p->unzipped = (int64_t)fa_archive_unpacked(recipe.archive);
		p = make(store, p, &recipe, err);
	}
	fa_archive_close(recipe.archive);
	return p;
}

struct fa_package *fa_packages_add(struct fa_packages *store, const void *zip, size_t len,
				   struct faas_error *err)
{
	return check_size(len, FA_ZIP_UPLOAD, err) < 0 ? NULL : add(store, zip, len, err);
}

int fa_packages_check(struct fa_packages *store, const void *zip, size_t len,
		      char sha256[FA_DIGEST_TEXT], struct faas_error *err)
{
	struct fa_archive *archive;

	if (check_size(len, FA_ZIP_UPLOAD, err) < 0)
		return FAAS_ETOOLARGE;
	archive = fa_archive_open(store->mem, zip, len, err);
	if (!archive)
		return FAAS_EINVAL;
	fa_archive_close(archive);
	return digest(zip, len, sha256) < 0 ? fa_error_nomem(err) : 0;
}

/* The file as it is now: it may change while it is read, and is not mapped. */
static char *read_file(struct fa_packages *store, int fd, size_t *len, struct faas_error *err)
{
	struct stat st;
	char *data;
	ssize_t n;

	if (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode)) {
		fa_error(err, FAAS_EINVAL, "the code is not a regular file");
		return NULL;
	}
	if (check_size((size_t)st.st_size, FA_ARCHIVE_UNPACKED, err) < 0)
		return NULL;
	data = fa_alloc_dirty(store->mem, (size_t)st.st_size + 1);
	if (!data) {
		fa_error_nomem(err);
		return NULL;
	}
	for (*len = 0; *len < (size_t)st.st_size; *len += (size_t)n) {
		n = read(fd, data + *len, (size_t)st.st_size - *len);
		if (n <= 0)
			break;
	}
	return data;
}

struct fa_package *fa_packages_add_file(struct fa_packages *store, const char *path,
					struct faas_error *err)
{
	int fd = open(path, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	struct fa_package *p = NULL;
	size_t len = 0;
	char *data;

	if (fd < 0) {
		fa_error(err, FAAS_EINVAL, "code '%.100s': %s", path, strerrordesc_np(errno));
		return NULL;
	}
	data = read_file(store, fd, &len, err);
	close(fd);
	if (data)
		p = add(store, data, len, err);
	fa_free(data);
	return p;
}

/* ---- layers ------------------------------------------------------------ */

static int fill_layers(const struct recipe *recipe, int dir, int tree, struct faas_error *err)
{
	(void)dir;
	for (size_t i = 0; i < recipe->count; i++) {
		int from = open(recipe->layers[i]->directory, INSIDE);
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
	const struct recipe recipe = { .fill = fill_layers, .layers = layers, .count = count };
	char sha256[FA_DIGEST_TEXT];
	struct fa_digest all;
	struct fa_package *p;
	int64_t unzipped = 0;

	fa_digest_begin(&all);
	for (size_t i = 0; i < count; i++) {
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
	return make(store, p, &recipe, err);
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
	pthread_mutex_lock(&store->lock);
	rc = is_known(store, p) ? settle(store, &p, NULL, err) :
				  fa_error(err, FAAS_ENOTFOUND, "the layers are gone");
	pthread_mutex_unlock(&store->lock);
	if (!rc)
		return p;
	free_package(p);
	return NULL;
}
