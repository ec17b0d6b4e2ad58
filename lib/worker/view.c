/* SPDX-License-Identifier: MIT */
/*
 * The view is a tiny tmpfs full of read-only mounts. The supervisor, in a mount
 * namespace of its own, hides it under /sys: the one directory that exists
 * everywhere and holds no code. A nest gets a detached clone of the whole tree,
 * mounts its /proc in it while the host's is still there (the kernel insists),
 * pivots into it, and the host's files are gone.
 *
 * Code directories are cloned by the supervisor as well: it can reach what the
 * nest, under its own user, cannot.
 */
#include <worker/view.h>

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <sched.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#define PLACE "/sys"
#define HOSTS ".hosts"

const char *const fa_view_directories[FA_DIRECTORIES] = {
	"/var/task", "/opt", "/var/runtime", NULL,
};

static const char *const directories[] = {
	"usr", "etc", "var", "var/task", "var/runtime", "opt", "mnt", "mnt/tmp", "proc", "dev",
};
static const char *const system_directories[] = { "usr", "etc" };
/* Links into /usr, or real directories on systems that still have them. */
static const char *const library_directories[] = { "bin", "sbin", "lib", "lib32", "lib64",
						   "libx32" };
static const char *const devices[] = { "null", "zero", "full", "random", "urandom" };
static const struct {
	const char *name, *target;
} links[] = {
	{ "tmp", "mnt/tmp" },
	{ "var/tmp", "../mnt/tmp" },
	{ "dev/fd", "/proc/self/fd" },
	{ "dev/stdin", "/proc/self/fd/0" },
	{ "dev/stdout", "/proc/self/fd/1" },
	{ "dev/stderr", "/proc/self/fd/2" },
};

#define COUNT(array) (sizeof(array) / sizeof(*(array)))

/* A detached, private copy of the tree at dir/path with more mount attributes. */
static int clone_tree(int dir, const char *path, unsigned flags, uint64_t attributes)
{
	struct mount_attr attr = { .attr_set = attributes, .propagation = MS_PRIVATE };
	int fd = open_tree(dir, path, OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_RECURSIVE | flags);
	int rc;

	if (fd < 0)
		return -errno;
	rc = mount_setattr(fd, "", AT_EMPTY_PATH | AT_RECURSIVE, &attr, sizeof(attr));
	if (rc < 0) {
		rc = -errno;
		close(fd);
		return rc;
	}
	return fd;
}

static int attach(int tree, int dir, const char *path)
{
	return move_mount(tree, "", dir, path, MOVE_MOUNT_F_EMPTY_PATH) < 0 ? -errno : 0;
}

static int graft(const char *from, int view, const char *to, uint64_t attributes)
{
	int tree = clone_tree(AT_FDCWD, from, 0, attributes);
	int rc;

	if (tree < 0)
		return tree;
	rc = attach(tree, view, to);
	close(tree);
	return rc;
}

static int add_system(int view, const char *name)
{
	char from[32] = "/";

	strcat(from, name);
	return graft(from, view, name,
		     MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV);
}

static int add_libraries(int view, const char *name)
{
	char from[32] = "/", target[256] = "";
	ssize_t len;

	strcat(from, name);
	len = readlink(from, target, sizeof(target) - 1);
	if (len > 0)
		return symlinkat(target, view, name) < 0 ? -errno : 0;
	if (errno != EINVAL) /* not there */
		return 0;
	if (mkdirat(view, name, 0755) < 0)
		return -errno;
	return add_system(view, name);
}

static int add_device(int view, const char *name)
{
	char from[32] = "/dev/";
	int fd;

	strcat(from, name);
	fd = openat(view, from + 1, O_CREAT | O_WRONLY | O_CLOEXEC, 0666);
	if (fd < 0)
		return -errno;
	close(fd);
	return graft(from, view, from + 1,
		     MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NOEXEC);
}

/* Not yet where it is looked for: only where there is a network of its own is it right. */
static int add_hosts(int view)
{
	static const char hosts[] = "127.0.0.1\tlocalhost sandbox.localdomain sandbox\n"
				    "::1\tlocalhost\n";
	int fd = openat(view, HOSTS, O_CREAT | O_WRONLY | O_CLOEXEC, 0644);
	int rc = fd < 0 || write(fd, hosts, strlen(hosts)) < 0 ? -errno : 0;

	if (fd >= 0)
		close(fd);
	return rc;
}

static int fill(int view)
{
	int rc = 0;

	for (size_t i = 0; i < COUNT(directories); i++)
		if (mkdirat(view, directories[i], 0755) < 0)
			return -errno;
	for (size_t i = 0; i < COUNT(system_directories) && !rc; i++)
		rc = add_system(view, system_directories[i]);
	for (size_t i = 0; i < COUNT(library_directories) && !rc; i++)
		rc = add_libraries(view, library_directories[i]);
	for (size_t i = 0; i < COUNT(devices) && !rc; i++)
		rc = add_device(view, devices[i]);
	for (size_t i = 0; i < COUNT(links) && !rc; i++)
		if (symlinkat(links[i].target, view, links[i].name) < 0)
			rc = -errno;
	return rc ? rc : add_hosts(view);
}

int fa_view_open(void)
{
	struct mount_attr attr = {
		.attr_set = MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV,
	};
	int view, rc;

	/* What the host mounts later shall still arrive here, nothing goes back. */
	if (mount(NULL, "/", NULL, MS_REC | MS_SLAVE, NULL) < 0 ||
	    mount("tmpfs", PLACE, "tmpfs", MS_NOSUID | MS_NODEV, "size=64k,mode=0755") < 0)
		return -errno;
	view = open(PLACE, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (view < 0)
		return -errno;
	rc = fill(view);
	if (!rc && mount_setattr(view, "", AT_EMPTY_PATH, &attr, sizeof(attr)) < 0)
		rc = -errno;
	if (rc < 0) {
		close(view);
		return rc;
	}
	return view;
}

int fa_view_clone(int view)
{
	return clone_tree(view, "", AT_EMPTY_PATH, 0);
}

int fa_view_code(const char *path)
{
	return clone_tree(AT_FDCWD, path, 0,
			  MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV);
}

/* A link in its way was not there when the host gave it: a function of another one put it there. */
int fa_view_files(const char *path, bool read_only)
{
	struct open_how how = { .flags = O_PATH | O_DIRECTORY | O_CLOEXEC,
				.resolve = RESOLVE_NO_SYMLINKS };
	int dir = (int)syscall(SYS_openat2, AT_FDCWD, path, &how, sizeof(how)), tree;

	if (dir < 0)
		return -errno;
	tree = clone_tree(dir, "", AT_EMPTY_PATH,
			  MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV |
				  (read_only ? MOUNT_ATTR_RDONLY : 0));
	close(dir);
	return tree;
}

static int write_resolvers(const char *path, const uint32_t *addresses, size_t count)
{
	FILE *file = fopen(path, "we");

	for (size_t i = 0; file && i < count && addresses[i]; i++)
		fprintf(file, "nameserver %u.%u.%u.%u\n", addresses[i] >> 24,
			addresses[i] >> 16 & 255, addresses[i] >> 8 & 255, addresses[i] & 255);
	return !file || fclose(file) ? -errno : 0;
}

/* In a file system of its own, which nobody else sees and which goes with the last clone. */
int fa_view_resolvers(const uint32_t *addresses, size_t count)
{
	static const char file[] = PLACE "/resolv.conf";
	int tree, rc;

	if (mount("tmpfs", PLACE, "tmpfs", MS_NOSUID | MS_NODEV, "size=4k,mode=0755") < 0)
		return -errno;
	rc = write_resolvers(file, addresses, count);
	tree = rc ? rc : clone_tree(AT_FDCWD, file, 0, MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOEXEC);
	umount2(PLACE, MNT_DETACH); /* ours, a moment ago */
	return tree;
}

static int mount_proc(void)
{
	static const char *const options[] = { "subset=pid,hidepid=4", "hidepid=2" };

	const unsigned long flags = MS_NOSUID | MS_NODEV | MS_NOEXEC;

	for (size_t i = 0; i < COUNT(options); i++)
		if (mount("proc", "proc", "proc", flags, options[i]) == 0)
			return 0;
	return errno;
}

int fa_view_enter(int clone, int *proc_error)
{
	int rc = attach(clone, AT_FDCWD, PLACE);

	if (rc < 0)
		return rc;
	if (chdir(PLACE) < 0)
		return -errno;
	*proc_error = mount_proc();
	if (syscall(SYS_pivot_root, ".", ".") < 0 || umount2(".", MNT_DETACH) < 0 ||
	    chdir("/") < 0)
		return -errno;
	return 0;
}

int fa_view_enter_hosts(void)
{
	bool done = mount("/" HOSTS, "/etc/hosts", NULL, MS_BIND, NULL) == 0;

	return done || errno == ENOENT ? 0 : -errno;
}

/* The host's may be a link to what is not in the view: it is covered, not followed. */
int fa_view_enter_resolvers(int tree)
{
	int rc = attach(tree, AT_FDCWD, "/etc/resolv.conf");

	return rc == -ENOENT ? 0 : rc;
}

int fa_view_enter_tree(int tree, const char *path)
{
	return attach(tree, AT_FDCWD, path);
}

/* With nothing in it but the place of /tmp, and another (NULL: none). */
static int mount_tmp_parent(const char *path)
{
	const unsigned long flags = MS_NOSUID | MS_NODEV;

	if (mount("tmpfs", FA_VIEW_TMP_PARENT, "tmpfs", flags, "size=4k,mode=0755") < 0 ||
	    mkdir(FA_VIEW_TMP, 0755) < 0 || (path && mkdir(path, 0755) < 0) ||
	    mount(NULL, FA_VIEW_TMP_PARENT, NULL, flags | MS_REMOUNT | MS_BIND | MS_RDONLY,
		  NULL) < 0)
		return -errno;
	return 0;
}

/*
 * The view is that of all functions and has no place for it, so there is a directory of
 * this function's own over theirs.
 */
int fa_view_enter_files(int tree, const char *path)
{
	int rc = mount_tmp_parent(path);

	return rc ? rc : fa_view_enter_tree(tree, path);
}

/* Both are in the old root directory; the paths are those of the new one. */
static int move_in(int devices, int proc)
{
	int rc = attach(devices, AT_FDCWD, "/dev");

	if (!rc)
		rc = attach(proc, AT_FDCWD, "/proc");
	return rc ? rc : mount_tmp_parent(NULL);
}

int fa_view_enter_image(int tree, bool names)
{
	const char *place = fa_view_directories[0];
	int devices = clone_tree(AT_FDCWD, "/dev", 0, 0);
	int proc = clone_tree(AT_FDCWD, "/proc", 0, 0);
	int resolvers = names ? clone_tree(AT_FDCWD, "/etc/resolv.conf", 0, 0) : -1;
	int rc = devices < 0 ? devices : proc < 0 ? proc : attach(tree, AT_FDCWD, place);

	if (!rc && (chdir(place) < 0 || syscall(SYS_pivot_root, ".", ".") < 0 ||
		    umount2(".", MNT_DETACH) < 0 || chdir("/") < 0))
		rc = -errno;
	if (!rc)
		rc = move_in(devices, proc);
	if (!rc && resolvers >= 0)
		rc = fa_view_enter_resolvers(resolvers);
	if (resolvers >= 0)
		close(resolvers);
	if (devices >= 0)
		close(devices);
	if (proc >= 0)
		close(proc);
	return rc;
}
