/* SPDX-License-Identifier: MIT */
/*
 * Each step is done under a name that means nothing, then renamed to what it is: a
 * package is there whole or not at all, and so is its tree. Both are on the disk before
 * they get that name where they are to outlive the program. The lock is not held while
 * anything is written; if two do the same at once, the second one's is thrown away.
 */
#include <model/package/draft.h>

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <base/error.h>
#include <base/write.h>
#include <model/package/place.h>
#include <model/package/tree.h>

void fa_package_free(struct fa_package *p)
{
	if (!p)
		return;
	fa_free((char *)p->directory);
	fa_free((char *)p->zip);
	fa_image_close(p->image);
	fa_free(p);
}

static char *join(struct fa_packages *store, const char *id, const char *name)
{
	char path[PATH_MAX];

	snprintf(path, sizeof(path), "%s/%s/%s", store->path, id, name);
	return fa_strdup(store->mem, path);
}

/* base64, but for a name: '/' and '+' are others, and the padding goes. Or hexadecimal. */
static void make_id(char *id, const char *prefix, const char *sha256)
{
	char *at = id + sprintf(id, "%s-", prefix);

	for (; *sha256 && *sha256 != '='; sha256++)
		*at++ = *sha256 == '/' ? '_' : *sha256 == '+' ? '-' : *sha256;
	*at = '\0';
}

struct fa_package *fa_package_new(struct fa_packages *store, const struct fa_package_kind *kind,
				  const char *sha256, struct faas_error *err)
{
	struct fa_package *p = fa_alloc(store->mem, sizeof(*p));
	bool zip = kind == &fa_package_zip;

	if (!p) {
		fa_error_nomem(err);
		return NULL;
	}
	p->store = store;
	p->kind = kind;
	p->refs = 1;
	make_id(p->id, kind->prefix, sha256);
	strcpy(p->sha256, sha256);
	p->directory = join(store, p->id, FA_PACKAGE_TREE);
	p->zip = zip ? join(store, p->id, FA_PACKAGE_ZIP) : NULL;
	fa_list_init(&p->link);
	if (p->directory && (p->zip || !zip))
		return p;
	fa_error_nomem(err);
	fa_package_free(p);
	return NULL;
}

/* ---- adding ------------------------------------------------------------ */

struct fa_package *fa_packages_find(struct fa_packages *store, const char *id)
{
	struct fa_package *p = fa_map_get(&store->packages, id, strlen(id));

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
int fa_packages_settle(struct fa_packages *store, struct fa_package **p, const char *made,
		       struct faas_error *err)
{
	struct fa_package *there = fa_packages_find(store, (*p)->id);
	int rc;

	if (there) {
		fa_package_free(*p);
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

int fa_draft_open(struct fa_packages *store, struct fa_draft *draft, struct faas_error *err)
{
	draft->dir = -1;
	pthread_mutex_lock(&store->lock);
	snprintf(draft->name, sizeof(draft->name), "new-%llu",
		 (unsigned long long)store->serial++);
	pthread_mutex_unlock(&store->lock);
	if (mkdirat(store->dir, draft->name, 0755) == 0)
		draft->dir = openat(store->dir, draft->name, FA_PACKAGE_INSIDE);
	if (draft->dir >= 0 && fchmod(draft->dir, 0755) == 0)
		return 0;
	return fa_error_errno(err, errno, "cannot make a directory for the code");
}

/* What was not renamed goes. */
void fa_draft_close(struct fa_packages *store, const struct fa_draft *draft)
{
	if (draft->dir >= 0)
		close(draft->dir);
	fa_tree_remove(store->dir, draft->name, NULL);
}

int fa_draft_sync(const struct fa_packages *store, const struct fa_draft *draft,
		  struct faas_error *err)
{
	int rc = store->state_dir ? fa_tree_sync(draft->dir) : 0;

	return rc ? fa_error_errno(err, -rc, "cannot write the code to the disk") : 0;
}

int fa_packages_sync(const struct fa_packages *store, int dir, struct faas_error *err)
{
	if (!store->state_dir || fsync(dir) == 0)
		return 0;
	return fa_error_errno(err, errno, "cannot write the code to the disk");
}

bool fa_package_is_there(const struct fa_package *p, const char *name)
{
	char path[sizeof(p->id) + 32];

	snprintf(path, sizeof(path), "%s/%s", p->id, name);
	return faccessat(p->store->dir, path, F_OK, AT_SYMLINK_NOFOLLOW) == 0;
}

bool fa_package_is_known(const struct fa_packages *store, const struct fa_package *p)
{
	return fa_map_get(&store->packages, p->id, strlen(p->id)) ||
	       fa_package_is_there(p, p->kind->taken);
}

int fa_packages_open(struct fa_packages *store, struct faas_error *err)
{
	int rc;

	pthread_mutex_lock(&store->lock);
	rc = fa_place_open(store, err);
	pthread_mutex_unlock(&store->lock);
	return rc;
}

int fa_draft_write(int dir, const char *name, struct faas_bytes content, struct faas_error *err)
{
	int fd = openat(dir, name, O_CREAT | O_EXCL | O_WRONLY | O_CLOEXEC, 0644), rc = 0;

	if (fd < 0 || fa_write_all(fd, content.data, content.len) < 0)
		rc = fa_error_errno(err, errno, "cannot write the code");
	if (fd >= 0 && close(fd) < 0 && !rc)
		rc = fa_error_errno(err, errno, "cannot write the code");
	return rc;
}

static int write_new(struct fa_packages *store, struct fa_package **p,
		     int (*write)(int dir, const void *data, struct faas_error *err),
		     const void *data, struct faas_error *err)
{
	struct fa_draft draft;
	int rc = fa_draft_open(store, &draft, err);

	if (!rc)
		rc = write(draft.dir, data, err);
	if (!rc)
		rc = fa_draft_sync(store, &draft, err);
	if (!rc) {
		pthread_mutex_lock(&store->lock);
		rc = fa_packages_settle(store, p, draft.name, err);
		pthread_mutex_unlock(&store->lock);
	}
	fa_draft_close(store, &draft);
	return rc;
}

struct fa_package *fa_packages_enter(struct fa_packages *store, struct fa_package *p,
				     int (*write)(int dir, const void *data,
						  struct faas_error *err),
				     const void *data, struct faas_error *err)
{
	bool known;
	int rc = 0;

	pthread_mutex_lock(&store->lock);
	known = fa_package_is_known(store, p);
	if (known)
		rc = fa_packages_settle(store, &p, NULL, err);
	pthread_mutex_unlock(&store->lock);
	if (!known)
		rc = write_new(store, &p, write, data, err);
	if (rc) {
		fa_package_free(p);
		return NULL;
	}
	if (!fa_packages_sync(store, store->dir, err))
		return p;
	fa_package_unref(p);
	return NULL;
}

