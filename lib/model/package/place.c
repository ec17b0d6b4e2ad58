/* SPDX-License-Identifier: MIT */
/*
 * The store's directory. In a state_dir one program at a time is at work, which
 * model/store/ sees to; what begins with "new-" or "gone-" was begun by one that
 * ended in the middle. A temporary one is held by a lock on a file in it: who can
 * take that lock knows that its program is dead, and removes it.
 */
#include <model/package/place.h>

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <base/error.h>
#include <model/package/tree.h>

#define PREFIX "libfaas-code-"
#define GUARD "lock"
#define INSIDE (O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)

static int open_folder(struct fa_packages *store, const char *path, struct faas_error *err)
{
	/* Others may pass: an environment with a user of its own, and no view, must. */
	store->dir = chmod(path, 0711) < 0 ? -1 : open(path, INSIDE);
	if (store->dir < 0)
		return fa_error_errno(err, errno, "cannot open the directory for code");
	store->path = fa_strdup(store->mem, path);
	if (store->path)
		return 0;
	close(store->dir);
	store->dir = -1;
	return fa_error_nomem(err);
}

/* ---- in a state_dir ---------------------------------------------------- */

static bool is_unfinished(const char *name)
{
	return !strncmp(name, "new-", 4) || !strncmp(name, "gone-", 5);
}

/* Calls `unwanted` for each name in the store's directory and removes what it says. */
static void clean(struct fa_packages *store,
		  bool (*unwanted)(const struct fa_packages *store, const char *name))
{
	int fd = openat(store->dir, ".", INSIDE);
	DIR *stream = fd < 0 ? NULL : fdopendir(fd);
	const struct dirent *entry;

	while (stream && (entry = readdir(stream)))
		if (strcmp(entry->d_name, ".") && strcmp(entry->d_name, "..") &&
		    unwanted(store, entry->d_name))
			fa_tree_remove(store->dir, entry->d_name, NULL);
	if (stream)
		closedir(stream);
	else if (fd >= 0)
		close(fd);
}

static bool unfinished(const struct fa_packages *store, const char *name)
{
	(void)store;
	return is_unfinished(name);
}

static bool unclaimed(const struct fa_packages *store, const char *name)
{
	return !fa_map_get(&store->packages, name, strlen(name));
}

static int open_state(struct fa_packages *store, struct faas_error *err)
{
	char given[PATH_MAX], path[PATH_MAX];

	if (snprintf(given, sizeof(given), "%s/code", store->state_dir) >= (int)sizeof(given))
		return fa_error_errno(err, ENAMETOOLONG, "cannot make a directory for code");
	if ((mkdir(given, 0711) < 0 && errno != EEXIST) || !realpath(given, path))
		return fa_error_errno(err, errno, "cannot make a directory for code");
	if (open_folder(store, path, err) < 0)
		return err ? err->code : FAAS_ESYSTEM;
	clean(store, unfinished);
	return 0;
}

/* ---- of this program's own --------------------------------------------- */

/* The lock on a temporary directory, or -1: somebody has it, or it is not one. */
static int take_guard(int dir)
{
	int fd = openat(dir, GUARD, O_RDWR | O_NOFOLLOW | O_CLOEXEC);

	if (fd >= 0 && flock(fd, LOCK_EX | LOCK_NB) < 0) {
		close(fd);
		return -1;
	}
	return fd;
}

static void remove_if_left(int parent, const char *name)
{
	int dir = openat(parent, name, INSIDE), guard;
	struct stat st;

	if (dir < 0)
		return;
	guard = fstat(dir, &st) == 0 && st.st_uid == geteuid() ? take_guard(dir) : -1;
	close(dir);
	if (guard < 0)
		return;
	fa_tree_remove(parent, name, NULL);
	close(guard);
}

static void remove_left_ones(const char *parent)
{
	DIR *stream = opendir(parent);
	const struct dirent *entry;

	while (stream && (entry = readdir(stream)))
		if (!strncmp(entry->d_name, PREFIX, strlen(PREFIX)))
			remove_if_left(dirfd(stream), entry->d_name);
	if (stream)
		closedir(stream);
}

/*
 * Locked before it gets its name: one that has the name and no lock, or not yet,
 * would be taken for one that was left.
 */
static int make_guard(struct fa_packages *store, struct faas_error *err)
{
	int fd = openat(store->dir, ".", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
	char self[32];

	if (fd < 0 || flock(fd, LOCK_EX | LOCK_NB) < 0)
		goto fail;
	snprintf(self, sizeof(self), "/proc/self/fd/%d", fd);
	if (linkat(AT_FDCWD, self, store->dir, GUARD, AT_SYMLINK_FOLLOW) < 0)
		goto fail;
	store->guard = fd;
	return 0;
fail:
	fa_error_errno(err, errno, "cannot lock the directory for code");
	if (fd >= 0)
		close(fd);
	return FAAS_ESYSTEM;
}

static int open_temporary(struct fa_packages *store, struct faas_error *err)
{
	const char *parent = getenv("TMPDIR");
	char path[PATH_MAX];

	if (!parent || parent[0] != '/')
		parent = "/tmp";
	remove_left_ones(parent);
	if (snprintf(path, sizeof(path), "%s/" PREFIX "XXXXXX", parent) >= (int)sizeof(path))
		return fa_error_errno(err, ENAMETOOLONG, "cannot make a directory for code");
	if (!mkdtemp(path))
		return fa_error_errno(err, errno, "cannot make a directory for code");
	if (!open_folder(store, path, err)) {
		if (!make_guard(store, err))
			return 0;
		fa_place_close(store);
	}
	rmdir(path);
	return err ? err->code : FAAS_ESYSTEM;
}

int fa_place_open(struct fa_packages *store, struct faas_error *err)
{
	struct faas_error own = { 0 };

	if (store->dir >= 0)
		return 0;
	err = err ? err : &own;
	return store->state_dir ? open_state(store, err) : open_temporary(store, err);
}

void fa_place_close(struct fa_packages *store)
{
	if (store->dir < 0)
		return;
	if (!store->state_dir)
		fa_tree_remove(AT_FDCWD, store->path, NULL);
	else if (!store->may_remove || store->may_remove(store->data))
		clean(store, unclaimed);
	close(store->dir);
	if (store->guard >= 0)
		close(store->guard);
	store->dir = store->guard = -1;
	fa_free(store->path);
	store->path = NULL;
}
