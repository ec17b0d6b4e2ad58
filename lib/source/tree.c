/* SPDX-License-Identifier: MIT */
/*
 * What inotify says is only a hint: by the time it is read the name may mean something else,
 * and who looks sees what is there now. So a watch that has an old name does no harm. Every
 * path is resolved by the kernel from the folder, beneath it. The folder itself is open only
 * during a visit: one that is held open is not told to be deleted.
 */
#include <source/tree.h>

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#define WATCHED \
	(IN_CLOSE_WRITE | IN_CREATE | IN_DELETE | IN_MOVED_FROM | IN_MOVED_TO | IN_DELETE_SELF | \
	 IN_MOVE_SELF | IN_ONLYDIR)
#define BENEATH \
	(RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS | RESOLVE_NO_XDEV)
#define READ_BYTES 4096
#define PATH_MAX_HERE (FA_KEY_MAX + NAME_MAX + 2)

struct place {
	struct fa_list link;
	int watch;
	char name[12];  /* that as text */
	char path[];    /* "": the folder itself */
};

struct folder {
	struct fa_list link;
	char path[];
};

/* ---- below the folder -------------------------------------------------- */

static int open_beneath(const struct fa_tree *t, const char *key, int flags)
{
	struct open_how how = { .flags = (uint64_t)(flags | O_NOFOLLOW | O_CLOEXEC),
				.resolve = BENEATH };

	return (int)syscall(SYS_openat2, t->root, *key ? key : ".", &how, sizeof(how));
}

static void proc_path(char out[40], int fd)
{
	snprintf(out, 40, "/proc/self/fd/%d", fd);
}

static int64_t ns_of(struct timespec t)
{
	return t.tv_sec * INT64_C(1000000000) + t.tv_nsec;
}

/*
 * A lease for reading is granted where nobody has it open for writing. Who opens it while we
 * have the lease waits for microseconds, and the kernel sends a signal: one that does nothing.
 * Where leases are not to be had, all is taken for whole.
 */
static bool is_being_written(int file)
{
	char path[40];
	int fd;
	bool busy;

	proc_path(path, file);
	fd = open(path, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	if (fd < 0)
		return false;
	fcntl(fd, F_SETSIG, SIGURG);
	busy = fcntl(fd, F_SETLEASE, F_RDLCK) < 0 && errno == EAGAIN;
	close(fd);
	return busy;
}

static bool is_whole(int file, const struct stat *st, enum fa_hint hint)
{
	if (hint == FA_HINT_LINK && !st->st_size)
		return false; /* somebody has just made it, and will close it */
	return hint > FA_HINT_LINK || !is_being_written(file);
}

static enum fa_found judge(int file, enum fa_hint hint, struct fa_stamp *stamp)
{
	struct timespec now;
	struct stat st;

	clock_gettime(CLOCK_REALTIME_COARSE, &now); /* before the look: later changes differ */
	if (fstat(file, &st) < 0)
		return FA_FOUND_UNKNOWN;
	if (!S_ISREG(st.st_mode))
		return FA_FOUND_NONE;
	if (!is_whole(file, &st, hint))
		return FA_FOUND_UNKNOWN;
	*stamp = (struct fa_stamp){ .inode = (int64_t)st.st_ino,
				    .size = st.st_size,
				    .mtime_ns = ns_of(st.st_mtim),
				    .ctime_ns = ns_of(st.st_ctim),
				    .looked_ns = ns_of(now) };
	return FA_FOUND_FILE;
}

enum fa_found fa_tree_look(const struct fa_tree *t, const char *key, enum fa_hint hint,
			   struct fa_stamp *stamp)
{
	enum fa_found found;
	int file;

	if (t->state == FA_TREE_DELETED)
		return FA_FOUND_NONE;
	file = open_beneath(t, key, O_PATH);
	if (file < 0)
		return errno == ENOENT || errno == ENOTDIR || errno == ELOOP || errno == EXDEV ?
			       FA_FOUND_NONE :
			       FA_FOUND_UNKNOWN;
	found = judge(file, hint, stamp);
	close(file);
	return found;
}

/* ---- places that are watched ------------------------------------------- */

static void forget_place(struct fa_tree *t, struct place *place)
{
	fa_map_remove(&t->places, place->name);
	fa_free(place);
}

/* One that was watched before goes by its new name from now on. */
static int add_place(struct fa_tree *t, int watch, const char *path)
{
	struct place *place = fa_alloc(t->mem, sizeof(*place) + strlen(path) + 1), *old;

	if (!place)
		return -ENOMEM;
	place->watch = watch;
	snprintf(place->name, sizeof(place->name), "%d", watch);
	strcpy(place->path, path);
	old = fa_map_get(&t->places, place->name, strlen(place->name));
	if (old)
		forget_place(t, old);
	if (!fa_map_add(&t->places, place->name, place))
		return 0;
	fa_free(place);
	return -ENOMEM;
}

/* By descriptor: by name it might be another one, or a link, by now. */
static int watch_folder(struct fa_tree *t, int fd, const char *path)
{
	char proc[40];
	int watch, rc;

	proc_path(proc, fd);
	watch = inotify_add_watch(t->watch.fd, proc, WATCHED);
	if (watch < 0)
		return -errno;
	rc = add_place(t, watch, path);
	if (rc)
		inotify_rm_watch(t->watch.fd, watch);
	return rc;
}

static bool is_below(const char *path, const char *prefix)
{
	size_t len = strlen(prefix);

	return !strncmp(path, prefix, len) && (!len || !path[len] || path[len] == '/');
}

static void unwatch_below(struct fa_tree *t, const char *prefix)
{
	struct place *place;
	struct fa_list below, *pos;
	uint32_t at = 0;

	fa_list_init(&below);
	while ((place = fa_map_next(&t->places, &at)))
		if (is_below(place->path, prefix))
			fa_list_append(&below, &place->link);
	while ((pos = fa_list_pop(&below))) {
		place = fa_container(pos, struct place, link);
		inotify_rm_watch(t->watch.fd, place->watch);
		forget_place(t, place);
	}
}

/* ---- events -------------------------------------------------------------- */

static void on_self(struct fa_tree *t, struct place *place, uint32_t mask)
{
	bool root = !*place->path;

	if (mask & (IN_IGNORED | IN_UNMOUNT))
		forget_place(t, place);
	if (root)
		fa_tree_close(t, mask & IN_DELETE_SELF ? FA_TREE_DELETED : FA_TREE_AWAY);
}

static void on_name(struct fa_tree *t, const struct place *place, const struct inotify_event *e)
{
	char path[PATH_MAX_HERE];
	int len = snprintf(path, sizeof(path), "%s%s%s", place->path, *place->path ? "/" : "",
			   e->name);

	if (len > FA_KEY_MAX)
		return;
	if (!(e->mask & IN_ISDIR)) {
		t->on_key(t, path, e->mask & IN_MOVED_TO ? FA_HINT_MOVE :
				   e->mask & IN_CREATE	 ? FA_HINT_LINK :
							   FA_HINT_PUT);
		return;
	}
	if (e->mask & IN_MOVED_FROM)
		unwatch_below(t, path);
	t->on_folder(t, path);
}

static void on_event(struct fa_tree *t, const struct inotify_event *e)
{
	struct place *place;
	char name[12];

	if (e->mask & IN_Q_OVERFLOW) {
		t->on_folder(t, "");
		return;
	}
	snprintf(name, sizeof(name), "%d", e->wd);
	place = fa_map_get(&t->places, name, strlen(name));
	if (place && e->len)
		on_name(t, place, e);
	else if (place && e->mask & (IN_DELETE_SELF | IN_MOVE_SELF | IN_IGNORED | IN_UNMOUNT))
		on_self(t, place, e->mask);
}

/* Whoever closes the tree on the way ends it. */
void fa_tree_read(struct fa_tree *t)
{
	_Alignas(struct inotify_event) char buffer[READ_BYTES];
	ssize_t len = t->state == FA_TREE_OPEN ? read(t->watch.fd, buffer, sizeof(buffer)) : -1;

	t->more = len > 0;
	for (ssize_t at = 0; at < len && t->state == FA_TREE_OPEN;) {
		const struct inotify_event *e = (const void *)(buffer + at);

		on_event(t, e);
		at += (ssize_t)(sizeof(*e) + e->len);
	}
}

/* ---- walks ---------------------------------------------------------------- */

void fa_tree_walk(struct fa_tree *t, const char *prefix)
{
	struct folder *folder = fa_alloc(t->mem, sizeof(*folder) + strlen(prefix) + 1);

	if (!folder) {
		t->blind = true;
		return;
	}
	strcpy(folder->path, prefix);
	fa_list_append(&t->folders, &folder->link);
}

static void leave_folder(struct fa_tree *t)
{
	if (t->dir)
		closedir(t->dir);
	fa_free(t->dir_path);
	t->dir = t->dir_path = NULL;
}

/* Watched first, and read then: what comes in between is met twice, and not never. */
static void enter_folder(struct fa_tree *t, const char *path)
{
	int fd = open_beneath(t, path, O_RDONLY | O_DIRECTORY);

	if (fd < 0) {
		t->blind |= errno == EMFILE || errno == ENFILE || errno == ENOMEM;
		return;
	}
	t->blind |= watch_folder(t, fd, path) < 0;
	t->dir_path = fa_strdup(t->mem, path);
	t->dir = t->dir_path ? fdopendir(fd) : NULL;
	if (t->dir)
		return;
	close(fd);
	leave_folder(t);
	t->blind = true;
}

static void on_entry(struct fa_tree *t, const struct dirent *entry)
{
	char path[PATH_MAX_HERE];
	int len = snprintf(path, sizeof(path), "%s%s%s", t->dir_path, *t->dir_path ? "/" : "",
			   entry->d_name);
	unsigned char type = entry->d_type;
	struct stat st;

	if (len > FA_KEY_MAX || !strcmp(entry->d_name, ".") || !strcmp(entry->d_name, ".."))
		return;
	if (type == DT_UNKNOWN &&
	    !fstatat(dirfd(t->dir), entry->d_name, &st, AT_SYMLINK_NOFOLLOW))
		type = IFTODT(st.st_mode);
	if (type == DT_DIR)
		fa_tree_walk(t, path);
	else if (type == DT_REG)
		t->on_key(t, path, FA_HINT_SCAN);
}

bool fa_tree_walk_on(struct fa_tree *t, int most)
{
	const struct dirent *entry;
	struct fa_list *pos;

	while (most-- > 0) {
		if (!t->dir) {
			pos = fa_list_pop(&t->folders);
			if (!pos)
				return false;
			enter_folder(t, fa_container(pos, struct folder, link)->path);
			fa_free(fa_container(pos, struct folder, link));
			continue;
		}
		entry = readdir(t->dir);
		if (entry)
			on_entry(t, entry);
		else
			leave_folder(t);
	}
	return true;
}

/* ---- the folder itself ------------------------------------------------------ */

static int open_root(const struct fa_tree *t, struct stat *st)
{
	int fd = open(t->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (fd >= 0 && fstat(fd, st) < 0) {
		close(fd);
		return -1;
	}
	return fd;
}

bool fa_tree_begin(struct fa_tree *t)
{
	struct stat st;
	int unread = 0;

	if (t->state != FA_TREE_OPEN)
		return t->state == FA_TREE_DELETED;
	t->root = open_root(t, &st);
	if (t->root >= 0 && (int64_t)st.st_dev == t->device && (int64_t)st.st_ino == t->inode)
		return true;
	fa_tree_end(t);
	if (!ioctl(t->watch.fd, FIONREAD, &unread) && unread)
		t->more = true; /* it says what became of the folder */
	else
		fa_tree_close(t, FA_TREE_AWAY);
	return false;
}

void fa_tree_end(struct fa_tree *t)
{
	if (t->root >= 0)
		close(t->root);
	t->root = -1;
}

int fa_tree_open(struct fa_tree *t)
{
	struct stat st;
	int fd = open_root(t, &st), rc;

	if (fd < 0)
		return -errno;
	t->watch.fd = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
	rc = t->watch.fd < 0 ? -errno : watch_folder(t, fd, "");
	close(fd);
	if (!rc)
		rc = fa_loop_watch(t->loop, &t->watch);
	if (rc) {
		fa_tree_close(t, t->state);
		return rc;
	}
	t->device = (int64_t)st.st_dev;
	t->inode = (int64_t)st.st_ino;
	t->state = FA_TREE_OPEN;
	t->more = t->blind = false;
	return 0;
}

void fa_tree_close(struct fa_tree *t, enum fa_tree_state state)
{
	struct fa_list *pos;
	struct place *place;
	uint32_t at = 0;

	if (t->state == FA_TREE_OPEN)
		fa_loop_unwatch(t->loop, &t->watch);
	if (t->watch.fd >= 0)
		close(t->watch.fd);
	t->watch.fd = -1;
	leave_folder(t);
	while ((pos = fa_list_pop(&t->folders)))
		fa_free(fa_container(pos, struct folder, link));
	while ((place = fa_map_next(&t->places, &at)))
		fa_free(place);
	fa_map_finish(&t->places);
	fa_map_init(&t->places, t->mem);
	t->more = false;
	t->state = state;
}

void fa_tree_init(struct fa_tree *t, const struct fa_mem *mem, struct fa_loop *loop,
		  const char *path)
{
	memset(t, 0, sizeof(*t));
	t->mem = mem;
	t->loop = loop;
	t->path = path;
	t->watch.fd = t->root = -1;
	fa_list_init(&t->folders);
	fa_map_init(&t->places, mem);
}

void fa_tree_finish(struct fa_tree *t)
{
	fa_tree_close(t, FA_TREE_AWAY);
	fa_map_finish(&t->places);
}
