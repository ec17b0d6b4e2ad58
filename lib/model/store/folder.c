/* SPDX-License-Identifier: MIT */
/*
 * The lock is a file of its own: SQLite's POSIX locks are lost as soon as anybody in
 * this process opens and closes the database. The ballast is another file, filled
 * ahead. On a full disk it is let go, so that the end of what was accepted can still
 * be written, and nothing new is accepted until it is there again. The log of the database is
 * opened beside SQLite, which has no locks on that file to be lost.
 */
#include <model/store/folder.h>

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <base/error.h>

#define LOG_PIECE (128 << 10)

static int take_lock(struct fa_folder *folder, const char *path, struct faas_error *err)
{
	folder->lock = openat(folder->dir, "lock", O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (folder->lock < 0)
		return fa_error_errno(err, errno, "cannot open the lock of state_dir");
	if (!flock(folder->lock, LOCK_EX | LOCK_NB))
		return 0;
	if (errno == EWOULDBLOCK)
		return fa_error(err, FAAS_EEXIST, "another runtime uses the state_dir %s", path);
	return fa_error_errno(err, errno, "cannot lock state_dir");
}

int fa_folder_open(struct fa_folder *folder, const char *path, int64_t ballast,
		   struct faas_error *err)
{
	int rc;

	*folder = (struct fa_folder){ .dir = -1, .lock = -1, .ballast = ballast, .light = true };
	if (mkdir(path, 0700) < 0 && errno != EEXIST)
		return fa_error(err, FAAS_ESYSTEM, "cannot make the state_dir '%.120s': %s", path,
				strerrordesc_np(errno));
	folder->dir = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (folder->dir < 0)
		return fa_error(err, FAAS_ESYSTEM, "cannot open the state_dir '%.120s': %s", path,
				strerrordesc_np(errno));
	rc = take_lock(folder, path, err);
	if (rc)
		fa_folder_close(folder);
	else
		fa_folder_is_heavy(folder);
	return rc;
}

void fa_folder_close(struct fa_folder *folder)
{
	if (folder->lock >= 0)
		close(folder->lock);
	if (folder->dir >= 0)
		close(folder->dir);
	folder->lock = folder->dir = -1;
}

void fa_folder_drop_ballast(struct fa_folder *folder)
{
	unlinkat(folder->dir, "ballast", 0);
	folder->light = true;
}

/* Written, not only reserved, where the file system cannot reserve: glibc sees to it. */
bool fa_folder_is_heavy(struct fa_folder *folder)
{
	int fd, rc;

	if (!folder->light)
		return true;
	fd = openat(folder->dir, "ballast", O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd < 0)
		return false;
	rc = posix_fallocate(fd, 0, folder->ballast);
	close(fd);
	if (rc)
		unlinkat(folder->dir, "ballast", 0);
	folder->light = rc != 0;
	return !rc;
}

/*
 * Behind what the engine has written, wherever that ends by then: so it may write meanwhile. No
 * frame begins with zeros, so whoever reads the log stops there. They are written, for room that
 * is only reserved costs as much as growing; and not synced, only sent to the disk, for the next
 * commit would wait for that.
 */
static int64_t append(int log, int64_t size, int64_t goal)
{
	static char zeros[LOG_PIECE]; /* not const, or they would lie in the library's file */
	ssize_t len = goal - size < LOG_PIECE ? (ssize_t)(goal - size) : LOG_PIECE;

	if (len <= 0)
		return size;
	if (write(log, zeros, (size_t)len) != len)
		return -1;
	sync_file_range(log, size, len, SYNC_FILE_RANGE_WRITE);
	return size + len;
}

int64_t fa_folder_lengthen_log(const struct fa_folder *folder, int64_t goal)
{
	int log = openat(folder->dir, "queue.db-wal",
			 O_WRONLY | O_APPEND | O_CLOEXEC | O_NOFOLLOW);
	int64_t size = -1;
	struct stat st;

	if (log < 0)
		return -1;
	if (!fstat(log, &st))
		size = append(log, st.st_size, goal);
	close(log);
	return size;
}
