/* SPDX-License-Identifier: MIT */
/*
 * Walks over unpacked packages. Each directory is opened in the one above it,
 * without following links; an archive's depth is bounded, so recursion is, too.
 */
#include <model/package/tree.h>

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define INSIDE (O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)

/* Its own descriptor: a stream closes the one that it was made of. */
static DIR *list(int dir)
{
	int fd = openat(dir, ".", INSIDE);
	DIR *stream = fd < 0 ? NULL : fdopendir(fd);

	if (fd >= 0 && !stream)
		close(fd);
	return stream;
}

static const struct dirent *next(DIR *stream)
{
	const struct dirent *entry;

	do
		entry = readdir(stream);
	while (entry && (!strcmp(entry->d_name, ".") || !strcmp(entry->d_name, "..")));
	return entry;
}

/* ---- remove ------------------------------------------------------------ */

static bool spend(int *budget)
{
	return !budget || (*budget)-- > 0;
}

static bool empty(int dir, int *budget)
{
	DIR *stream = list(dir);
	const struct dirent *entry;
	bool gone = stream;

	while (gone && (entry = next(stream)))
		gone = fa_tree_remove(dir, entry->d_name, budget);
	if (stream)
		closedir(stream);
	return gone;
}

bool fa_tree_remove(int parent, const char *name, int *budget)
{
	bool gone;
	int dir;

	if (!spend(budget))
		return false;
	if (unlinkat(parent, name, 0) == 0 || errno == ENOENT)
		return true;
	if (errno != EISDIR && errno != EPERM)
		return false;
	dir = openat(parent, name, INSIDE);
	if (dir < 0)
		return false;
	gone = empty(dir, budget);
	close(dir);
	return gone && unlinkat(parent, name, AT_REMOVEDIR) == 0;
}

/* ---- sync -------------------------------------------------------------- */

static int sync_name(int dir, const char *name)
{
	int fd = openat(dir, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC), rc;
	struct stat st;

	if (fd < 0)
		return errno == ELOOP ? 0 : -errno; /* a link is in its directory */
	rc = fstat(fd, &st) < 0 ? -errno : 0;
	if (!rc && S_ISDIR(st.st_mode))
		rc = fa_tree_sync(fd);
	else if (!rc && fsync(fd) < 0)
		rc = -errno;
	close(fd);
	return rc;
}

int fa_tree_sync(int dir)
{
	DIR *stream = list(dir);
	const struct dirent *entry;
	int rc = stream ? 0 : -errno;

	while (!rc && (entry = next(stream)))
		rc = sync_name(dir, entry->d_name);
	if (stream)
		closedir(stream);
	if (!rc && fsync(dir) < 0)
		rc = -errno;
	return rc;
}

/* ---- merge ------------------------------------------------------------- */

#define WHITEOUT ".wh."
#define OPAQUE ".wh..wh..opq"
#define OTHERS ".wh..wh." /* what the first of such file systems kept for itself */

static int merge(int from, int to, bool whiteouts);

static int merge_directory(int from, int to, const char *name, bool whiteouts)
{
	int inside = openat(from, name, INSIDE), rc = 0, target;

	if (inside < 0)
		return -errno;
	target = openat(to, name, INSIDE);
	if (target < 0) {
		fa_tree_remove(to, name, NULL); /* something else of that name, or nothing */
		if (mkdirat(to, name, 0755) < 0 || fchmodat(to, name, 0755, 0) < 0)
			rc = -errno;
		else if ((target = openat(to, name, INSIDE)) < 0)
			rc = -errno;
	}
	if (!rc)
		rc = merge(inside, target, whiteouts);
	close(inside);
	if (target >= 0)
		close(target);
	return rc;
}

static int merge_name(int from, int to, const char *name, bool whiteouts)
{
	struct stat st;

	if (fstatat(from, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return -errno;
	if (S_ISDIR(st.st_mode))
		return merge_directory(from, to, name, whiteouts);
	fa_tree_remove(to, name, NULL);
	return linkat(from, name, to, name, 0) < 0 ? -errno : 0;
}

/* A name that leads elsewhere would be an order to empty the directory above. */
static int white_out(int to, const char *name)
{
	const char *hidden = name + strlen(WHITEOUT);
	bool gone = true;

	if (!*hidden || !strcmp(hidden, ".") || !strcmp(hidden, ".."))
		return -EBADMSG;
	if (!strcmp(name, OPAQUE))
		gone = empty(to, NULL);
	else if (strncmp(name, OTHERS, strlen(OTHERS)) != 0)
		gone = fa_tree_remove(to, hidden, NULL);
	return gone ? 0 : -EIO;
}

/* All that are whiteouts, or all that are none. */
static int merge_some(int from, int to, bool whiteouts, bool some)
{
	DIR *stream = list(from);
	const struct dirent *entry;
	int rc = stream ? 0 : -errno;

	while (!rc && (entry = next(stream))) {
		const char *name = entry->d_name;
		bool is = whiteouts && !strncmp(name, WHITEOUT, strlen(WHITEOUT));

		if (is == some)
			rc = is ? white_out(to, name) : merge_name(from, to, name, whiteouts);
	}
	if (stream)
		closedir(stream);
	return rc;
}

/* First what is taken away, for that is others' only, whatever came first in the archive. */
static int merge(int from, int to, bool whiteouts)
{
	int rc = whiteouts ? merge_some(from, to, true, true) : 0;

	return rc ? rc : merge_some(from, to, whiteouts, false);
}

int fa_tree_merge(int from, int to)
{
	return merge(from, to, false);
}

int fa_tree_stack(int layer, int root)
{
	return merge(layer, root, true);
}
