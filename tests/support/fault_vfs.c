/* SPDX-License-Identifier: MIT */
#include <support/fault_vfs.h>

#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <sqlite3.h>

#define SECTOR 512
#define FILES_MAX 8

/* What was written and not synced: bytes at an offset, or a new end of the file. */
struct pending {
	struct pending *next;
	int64_t offset;
	int len; /* -1: cut at the offset */
	uint8_t data[];
};

/* One path, as the disk has it. */
struct disk_file {
	char path[512];
	uint8_t *synced;
	int64_t size, room; /* room: of `synced` */
	struct pending *first, **last;
	bool deleted;
};

struct open_file {
	sqlite3_file base;
	struct disk_file *disk;
	sqlite3_file *real;
};

static pthread_mutex_t turn = PTHREAD_MUTEX_INITIALIZER; /* of what changes the disk */
static struct fault_plan plan;
static struct disk_file disk[FILES_MAX];
static long ops, syncs;
static const char *_Atomic full_while;
static _Atomic bool standing;
static sqlite3_vfs *real_vfs, vfs;

static uint32_t draw(void)
{
	plan.seed ^= plan.seed << 13;
	plan.seed ^= plan.seed >> 17;
	plan.seed ^= plan.seed << 5;
	return plan.seed;
}

/* ---- what the disk has ----------------------------------------------- */

static void read_whole(struct disk_file *file)
{
	struct stat st = { 0 };
	int fd = open(file->path, O_RDONLY | O_CLOEXEC);

	file->size = 0;
	if (fd < 0)
		return;
	fstat(fd, &st);
	file->synced = realloc(file->synced, (size_t)st.st_size + 1);
	file->size = read(fd, file->synced, (size_t)st.st_size);
	file->room = file->size;
	close(fd);
}

static struct disk_file *find(const char *path)
{
	int i;

	for (i = 0; i < FILES_MAX - 1 && disk[i].path[0]; i++)
		if (!strcmp(disk[i].path, path))
			return &disk[i];
	strncpy(disk[i].path, path, sizeof(disk[i].path) - 1);
	disk[i].last = &disk[i].first;
	read_whole(&disk[i]);
	return &disk[i];
}

static void put(struct disk_file *file, int64_t offset, const uint8_t *data, int len)
{
	if (offset + len > file->room) {
		file->room = (offset + len) * 2; /* a log grows a page at a time */
		file->synced = realloc(file->synced, (size_t)file->room);
	}
	if (offset + len > file->size) {
		memset(file->synced + file->size, 0, (size_t)(offset + len - file->size));
		file->size = offset + len;
	}
	memcpy(file->synced + offset, data, (size_t)len);
}

static void apply(struct disk_file *file, const struct pending *p)
{
	if (p->len >= 0)
		put(file, p->offset, p->data, p->len);
	else if (p->offset < file->size)
		file->size = p->offset;
}

static void add_pending(struct disk_file *file, const void *data, int len, int64_t offset)
{
	struct pending *p = malloc(sizeof(*p) + (size_t)(len > 0 ? len : 0));

	p->next = NULL;
	p->offset = offset;
	p->len = len;
	if (len > 0)
		memcpy(p->data, data, (size_t)len);
	*file->last = p;
	file->last = &p->next;
}

static void settle(struct disk_file *file, bool written)
{
	struct pending *p;

	while ((p = file->first)) {
		file->first = p->next;
		if (written)
			apply(file, p);
		free(p);
	}
	file->last = &file->first;
}

/* Each sector of a write for itself: lost, torn, or written; of 64, `losses` are not. */
static void apply_some(struct disk_file *file, struct pending *p, uint32_t losses)
{
	uint8_t torn[SECTOR];

	if (p->len < 0) {
		if (draw() % 64 >= losses)
			apply(file, p);
		return;
	}
	for (int at = 0; at < p->len; at += SECTOR) {
		int len = p->len - at < SECTOR ? p->len - at : SECTOR;
		bool hit = draw() % 64 < losses;

		if (hit && draw() & 1)
			continue;
		memcpy(torn, p->data + at, (size_t)len);
		for (int i = hit ? (int)(draw() % (uint32_t)len) : len; i < len; i++)
			torn[i] = (uint8_t)draw();
		put(file, p->offset + at, torn, len);
	}
}

/* Neighbours change places: what was written last need not arrive last. */
static void shuffle(struct disk_file *file)
{
	for (struct pending **at = &file->first; *at && (*at)->next; at = &(*at)->next) {
		struct pending *a = *at, *b = a->next;

		if (draw() & 3)
			continue;
		a->next = b->next;
		b->next = a;
		*at = b;
	}
}

static void write_back(const struct disk_file *file)
{
	int fd = open(file->path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	if (fd < 0 || write(fd, file->synced, (size_t)file->size) != file->size)
		abort();
	close(fd);
}

/* What others have appended, which is zeros, may have come to the disk. */
static void take_appended(struct disk_file *file)
{
	static const uint8_t zero;
	struct stat st;

	if (draw() & 1 && !stat(file->path, &st) && st.st_size > file->size)
		put(file, st.st_size - 1, &zero, 1);
}

_Noreturn static void end_now(void)
{
	for (;;)
		kill(getpid(), SIGKILL);
}

/* [turn] which is never given back. */
_Noreturn static void cut_power(void)
{
	static const uint32_t of_64[] = { 0, 1, 16, 64 };
	uint32_t losses = of_64[draw() % 4];

	for (int i = 0; i < FILES_MAX && disk[i].path[0]; i++) {
		struct disk_file *file = &disk[i];

		if (file->deleted)
			continue;
		shuffle(file);
		for (struct pending *p = file->first; p; p = p->next)
			apply_some(file, p, losses);
		take_appended(file);
		write_back(file);
	}
	end_now();
}

_Noreturn void fault_vfs_power_off(void)
{
	pthread_mutex_lock(&turn);
	cut_power();
}

/* ---- the plan -------------------------------------------------------- */

/* [turn] Whether this operation fails; whoever is to die here does. */
static bool fails(bool is_sync)
{
	long n = ++ops;

	syncs += is_sync;
	if (plan.fault == FAULT_NONE || n < plan.at || (plan.once && n > plan.at))
		return false;
	if (plan.fault == FAULT_KILL)
		end_now();
	if (plan.fault == FAULT_POWER)
		cut_power();
	if (plan.fault == FAULT_SYNC) { /* the next sync there is */
		if (is_sync)
			plan.fault = FAULT_NONE;
		return is_sync;
	}
	return true;
}

/* ---- a file ---------------------------------------------------------- */

static struct open_file *ours(sqlite3_file *file)
{
	return (struct open_file *)file;
}

static sqlite3_file *real(sqlite3_file *file)
{
	return ours(file)->real;
}

static int close_file(sqlite3_file *file)
{
	return real(file)->pMethods->xClose(real(file));
}

static int read_file(sqlite3_file *file, void *data, int len, sqlite3_int64 offset)
{
	return real(file)->pMethods->xRead(real(file), data, len, offset);
}

static int write_raw(sqlite3_file *file, const void *data, int len, sqlite3_int64 offset)
{
	add_pending(ours(file)->disk, data, len, offset);
	return real(file)->pMethods->xWrite(real(file), data, len, offset);
}

static int write_turn(sqlite3_file *file, const void *data, int len, sqlite3_int64 offset)
{
	const char *ballast = full_while;
	bool bad = fails(false);

	if ((bad && plan.fault == FAULT_FULL) || (ballast && !access(ballast, F_OK))) {
		write_raw(file, data, len / 2, offset);
		return SQLITE_FULL;
	}
	return bad && plan.fault == FAULT_EIO ? SQLITE_IOERR_WRITE :
						write_raw(file, data, len, offset);
}

static void wait_while_standing(void)
{
	while (standing)
		usleep(1000);
}

static int write_file(sqlite3_file *file, const void *data, int len, sqlite3_int64 offset)
{
	int rc;

	wait_while_standing();
	pthread_mutex_lock(&turn);
	rc = write_turn(file, data, len, offset);
	pthread_mutex_unlock(&turn);
	return rc;
}

static int truncate_turn(sqlite3_file *file, sqlite3_int64 size)
{
	if (fails(false) && plan.fault == FAULT_EIO)
		return SQLITE_IOERR_TRUNCATE;
	add_pending(ours(file)->disk, NULL, -1, size);
	return real(file)->pMethods->xTruncate(real(file), size);
}

static int truncate_file(sqlite3_file *file, sqlite3_int64 size)
{
	int rc;

	pthread_mutex_lock(&turn);
	rc = truncate_turn(file, size);
	pthread_mutex_unlock(&turn);
	return rc;
}

static int sync_turn(sqlite3_file *file)
{
	bool syncing = plan.fault == FAULT_SYNC, bad = fails(true);

	if (bad && plan.fault == FAULT_EIO)
		return SQLITE_IOERR_FSYNC;
	bad = bad && syncing;
	settle(ours(file)->disk, !bad);
	return bad ? SQLITE_IOERR_FSYNC : SQLITE_OK;
}

static int sync_file(sqlite3_file *file, int flags)
{
	int rc;

	(void)flags;
	wait_while_standing();
	pthread_mutex_lock(&turn);
	rc = sync_turn(file);
	pthread_mutex_unlock(&turn);
	return rc;
}

static int size_file(sqlite3_file *file, sqlite3_int64 *size)
{
	return real(file)->pMethods->xFileSize(real(file), size);
}

static int lock_file(sqlite3_file *file, int level)
{
	return real(file)->pMethods->xLock(real(file), level);
}

static int unlock_file(sqlite3_file *file, int level)
{
	return real(file)->pMethods->xUnlock(real(file), level);
}

static int check_lock(sqlite3_file *file, int *out)
{
	return real(file)->pMethods->xCheckReservedLock(real(file), out);
}

static int control_file(sqlite3_file *file, int what, void *arg)
{
	return real(file)->pMethods->xFileControl(real(file), what, arg);
}

static int sector_size(sqlite3_file *file)
{
	(void)file;
	return SECTOR;
}

/* Like the real one: what a write does not touch, no loss of power damages. */
static int characteristics(sqlite3_file *file)
{
	(void)file;
	return SQLITE_IOCAP_POWERSAFE_OVERWRITE;
}

static const sqlite3_io_methods methods = {
	.iVersion = 1,
	.xClose = close_file,
	.xRead = read_file,
	.xWrite = write_file,
	.xTruncate = truncate_file,
	.xSync = sync_file,
	.xFileSize = size_file,
	.xLock = lock_file,
	.xUnlock = unlock_file,
	.xCheckReservedLock = check_lock,
	.xFileControl = control_file,
	.xSectorSize = sector_size,
	.xDeviceCharacteristics = characteristics,
};

/* ---- the file system ------------------------------------------------- */

static int open_file(sqlite3_vfs *self, const char *name, sqlite3_file *file, int flags, int *out)
{
	struct open_file *f = ours(file);
	int rc;

	(void)self;
	memset(f, 0, sizeof(*f));
	f->real = (sqlite3_file *)(f + 1);
	f->disk = find(name ? name : "");
	f->disk->deleted = !name;
	rc = real_vfs->xOpen(real_vfs, name, f->real, flags, out);
	if (f->real->pMethods)
		f->base.pMethods = &methods;
	return rc;
}

static int delete_turn(const char *name, int sync)
{
	struct disk_file *file = find(name);

	if (fails(false) && plan.fault == FAULT_EIO)
		return SQLITE_IOERR_DELETE;
	settle(file, false);
	file->size = 0;
	file->deleted = true;
	return real_vfs->xDelete(real_vfs, name, sync);
}

static int delete_file(sqlite3_vfs *self, const char *name, int sync)
{
	int rc;

	(void)self;
	pthread_mutex_lock(&turn);
	rc = delete_turn(name, sync);
	pthread_mutex_unlock(&turn);
	return rc;
}

static void forget_disk(void)
{
	for (int i = 0; i < FILES_MAX && disk[i].path[0]; i++) {
		settle(&disk[i], false);
		free(disk[i].synced);
	}
	memset(disk, 0, sizeof(disk));
}

void fault_vfs_plan(const struct fault_plan *p)
{
	pthread_mutex_lock(&turn);
	plan = *p;
	plan.seed = plan.seed * 2654435761u + 1;
	plan.seed = plan.seed ? plan.seed : 1;
	ops = syncs = 0;
	pthread_mutex_unlock(&turn);
}

void fault_vfs_install(const struct fault_plan *p)
{
	forget_disk();
	fault_vfs_plan(p);
	if (real_vfs)
		return;
	real_vfs = sqlite3_vfs_find(NULL);
	vfs = *real_vfs;
	vfs.zName = "fault";
	vfs.szOsFile = (int)sizeof(struct open_file) + real_vfs->szOsFile;
	vfs.xOpen = open_file;
	vfs.xDelete = delete_file;
	vfs.pNext = NULL;
	sqlite3_vfs_register(&vfs, 1);
}

void fault_vfs_fill(const char *while_there)
{
	full_while = while_there;
}

void fault_vfs_stand_still(bool still)
{
	standing = still;
}

static long look(const long *count)
{
	long n;

	pthread_mutex_lock(&turn);
	n = *count;
	pthread_mutex_unlock(&turn);
	return n;
}

long fault_vfs_ops(void)
{
	return look(&ops);
}

long fault_vfs_syncs(void)
{
	return look(&syncs);
}
