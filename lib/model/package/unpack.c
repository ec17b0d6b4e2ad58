/* SPDX-License-Identifier: MIT */
/*
 * The writer of packages. It goes down to each entry one directory at a time, and
 * the kernel is told at each step to follow no link and to stay beneath: that
 * holds whatever those who read the archive may have missed.
 */
#include <model/package/tree.h>

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <base/error.h>
#include <base/write.h>

#define PIECE 65536

struct writer {
	struct fa_reader *reader;
	struct fa_room *room;
	char piece[PIECE];
};

static int open_part(int dir, const char *name, uint64_t flags, uint64_t mode)
{
	struct open_how how = {
		.flags = flags | O_CLOEXEC | O_NOFOLLOW,
		.mode = mode,
		.resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS,
	};

	return (int)syscall(SYS_openat2, dir, name, &how, sizeof(how));
}

/* Counts what is made: a few bytes of an archive can ask for many directories. */
static int count_node(struct writer *w)
{
	if (w->room->nodes-- > 0)
		return 0;
	errno = E2BIG;
	return -1;
}

/* The mode again, because the host's umask took its part of the first. */
static int make_directory(struct writer *w, int dir, const char *name)
{
	if (mkdirat(dir, name, 0755) < 0)
		return errno == EEXIST ? 0 : -1;
	return count_node(w) < 0 ? -1 : fchmodat(dir, name, 0755, 0);
}

/* Goes into a part, making it if need be. Closes `dir`. */
static int enter(struct writer *w, int dir, const char *part)
{
	int next = open_part(dir, part, O_PATH | O_DIRECTORY, 0), error;

	if (next < 0 && errno == ENOENT && make_directory(w, dir, part) == 0)
		next = open_part(dir, part, O_PATH | O_DIRECTORY, 0);
	error = errno;
	close(dir);
	errno = error;
	return next;
}

/* The directory that the entry is to be in; *leaf is what is left of its name. */
static int open_parent(struct writer *w, int dir, const char *name, const char **leaf)
{
	char part[FA_ARCHIVE_PART + 1];
	int at = fcntl(dir, F_DUPFD_CLOEXEC, 3);
	size_t len;

	for (; at >= 0 && name[len = strcspn(name, "/")]; name += len + 1) {
		if (len > FA_ARCHIVE_PART) {
			close(at);
			errno = ENAMETOOLONG;
			return -1;
		}
		memcpy(part, name, len);
		part[len] = '\0';
		at = enter(w, at, part);
	}
	*leaf = name;
	return at;
}

static int cannot_write(const struct writer *w, struct faas_error *err, const char *name)
{
	if (errno == EEXIST || errno == ENOTDIR || errno == ELOOP)
		return fa_reader_refuse(w->reader, err, name, "is in the way of another entry");
	if (errno == E2BIG)
		return fa_reader_refuse(w->reader, err, NULL,
					"it has too many files and directories");
	return fa_error_errno(err, errno, "cannot unpack the code");
}

static int write_file(struct writer *w, int fd, const struct fa_archive_entry *entry,
		      struct faas_error *err)
{
	ssize_t n;

	if (fchmod(fd, entry->executable ? 0755 : 0644) < 0)
		return cannot_write(w, err, entry->name);
	while ((n = fa_reader_read(w->reader, w->piece, sizeof(w->piece), err)) > 0)
		if (fa_write_all(fd, w->piece, (size_t)n) < 0)
			return cannot_write(w, err, entry->name);
	return (int)n;
}

static int add_file(struct writer *w, int parent, const char *leaf,
		    const struct fa_archive_entry *entry, struct faas_error *err)
{
	int fd = open_part(parent, leaf, O_CREAT | O_EXCL | O_WRONLY, 0600), rc;

	if (fd < 0 || count_node(w) < 0)
		rc = cannot_write(w, err, entry->name);
	else
		rc = write_file(w, fd, entry, err);
	if (fd >= 0 && close(fd) < 0 && !rc)
		rc = cannot_write(w, err, entry->name);
	return rc;
}

/* To a file that is there, and to no directory: the kernel would not have it. */
static int add_hard_link(struct writer *w, int dir, int parent, const char *leaf,
			 const struct fa_archive_entry *entry, struct faas_error *err)
{
	const char *other;
	int from = open_parent(w, dir, entry->target, &other), rc = 0;

	if (from < 0 || linkat(from, other, parent, leaf, 0) < 0 || count_node(w) < 0)
		rc = errno == ENOENT || errno == EPERM || errno == EMLINK ?
			     fa_reader_refuse(w->reader, err, entry->name,
					      "is a link to what cannot be linked to") :
			     cannot_write(w, err, entry->name);
	if (from >= 0)
		close(from);
	return rc;
}

static int add(struct writer *w, int dir, const struct fa_archive_entry *entry,
	       struct faas_error *err)
{
	const char *leaf;
	int parent = open_parent(w, dir, entry->name, &leaf), rc = 0;

	if (parent < 0)
		return cannot_write(w, err, entry->name);
	if (!*leaf)
		rc = 0; /* the package's own directory */
	else if (entry->kind == FA_ARCHIVE_FILE)
		rc = add_file(w, parent, leaf, entry, err);
	else if (entry->kind == FA_ARCHIVE_DIRECTORY)
		parent = enter(w, parent, leaf);
	else if (entry->kind == FA_ARCHIVE_HARD_LINK)
		rc = add_hard_link(w, dir, parent, leaf, entry, err);
	else if (symlinkat(entry->target, parent, leaf) < 0 || count_node(w) < 0)
		rc = cannot_write(w, err, entry->name);
	if (parent < 0)
		return cannot_write(w, err, entry->name);
	close(parent);
	return rc;
}

int fa_tree_unpack(int dir, struct fa_reader *reader, struct faas_error *err)
{
	struct writer w = { .reader = reader, .room = fa_reader_room(reader) };
	struct fa_archive_entry entry;
	int rc;

	while ((rc = fa_reader_next(reader, &entry, err)) > 0) {
		rc = add(&w, dir, &entry, err);
		if (rc < 0)
			return rc;
	}
	return rc;
}
