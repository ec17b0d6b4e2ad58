/* SPDX-License-Identifier: MIT */
/*
 * The lock is a file of its own: SQLite's POSIX locks are lost as soon as anybody in
 * this process opens and closes the database. The ballast is another file, filled
 * ahead. On a full disk it is let go, so that the end of what was accepted can still
 * be written, and nothing new is accepted until it is there again.
 */
#include <model/store/folder.h>

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <base/error.h>

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
