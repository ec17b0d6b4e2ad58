/* SPDX-License-Identifier: MIT */
#ifndef FA_MODEL_PACKAGE_DRAFT_H
#define FA_MODEL_PACKAGE_DRAFT_H

/* How packages come onto the disk; for the files of this folder. */
#include <model/package/package.h>

#define FA_PACKAGE_TREE "task"
#define FA_PACKAGE_ZIP "code.zip"
#define FA_PACKAGE_INSIDE (O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)

/* What a package is made of. */
struct fa_package_kind {
	const char *prefix; /* of the name of its directory */
	const char *taken;  /* what lies in that once it is taken */
	/* Write its tree; `draft` is a directory for what is needed meanwhile. */
	int (*fill)(const struct fa_package *package, int draft, int tree, struct faas_error *err);
};

extern const struct fa_package_kind fa_package_zip, fa_package_merged, fa_package_image;

/* A directory with a name of its own, to be filled and then renamed. */
struct fa_draft {
	char name[32];
	int dir;
};

int fa_packages_open(struct fa_packages *store, struct faas_error *err); /* for the first */
/* `sha256`: base64 or hexadecimal. One reference; nobody knows it yet. */
struct fa_package *fa_package_new(struct fa_packages *store, const struct fa_package_kind *kind,
				  const char *sha256, struct faas_error *err);
void fa_package_free(struct fa_package *package); /* NULL is fine */
bool fa_package_is_there(const struct fa_package *package, const char *name);
/* Is it there, or did an earlier program leave it? Under the lock. */
bool fa_package_is_known(const struct fa_packages *store, const struct fa_package *package);

/* A reference to what is there already, or NULL. Under the lock. */
struct fa_package *fa_packages_find(struct fa_packages *store, const char *id);
/*
 * Under the lock: *package is in the list, or its like that was there already is *package
 * now. `made` (NULL: none) is a draft that becomes its directory.
 */
int fa_packages_settle(struct fa_packages *store, struct fa_package **package, const char *made,
		       struct faas_error *err);
/*
 * Takes a package that nobody knows yet. Hands out a reference to it, or to its like, with
 * what `write` puts into its directory. NULL: an error.
 */
struct fa_package *fa_packages_enter(struct fa_packages *store, struct fa_package *package,
				     int (*write)(int dir, const void *data,
						  struct faas_error *err),
				     const void *data, struct faas_error *err);

int fa_draft_open(struct fa_packages *store, struct fa_draft *draft, struct faas_error *err);
void fa_draft_close(struct fa_packages *store, const struct fa_draft *draft); /* it goes */
/* On the disk, where that is to outlive the program: all of a draft; one directory. */
int fa_draft_sync(const struct fa_packages *store, const struct fa_draft *draft,
		  struct faas_error *err);
int fa_packages_sync(const struct fa_packages *store, int dir, struct faas_error *err);
/* A new file in a directory, whole. */
int fa_draft_write(int dir, const char *name, struct faas_bytes content, struct faas_error *err);

#endif
