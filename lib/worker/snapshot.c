/* SPDX-License-Identifier: MIT */
/*
 * The template. Who clones a process must be that process, and who makes an
 * environment needs capabilities; so a template that is forked would have to run
 * foreign code with the right to mount and to change users. Ours is forked from
 * by nobody: it is an environment like any other, with no right at all, that runs
 * init(), writes its memory into a file and is gone before the first event. The
 * nest makes environments as always, and the last step of a birth is to map that
 * file, privately, at the old addresses (restore.c). What a hostile template writes
 * is therefore met only where its own code would run anyway.
 *
 * It works because all are clones of one nest, which has one thread and the same
 * libraries at the same places in all of them: what the template has in common
 * with the nest need not be written, and its stack need not be kept.
 *
 * What a process is besides its memory is kept where it is cheap (signals,
 * limits, directory), and refused where it cannot be shared by many or would be
 * lost in silence (threads, children, shared memory, descriptors, files in /tmp).
 */
#include <worker/snapshot.h>

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/syscall.h>
#include <unistd.h>
#include <worker/alone.h>
#include <worker/maps.h>
#include <worker/view.h>

#define PAGE ((size_t)4096)
#define REGIONS 512
#define WIPED 64
#define HASH_PRIME 0x100000001b3u

struct range {
	uintptr_t start, end;
	bool gone; /* MADV_DONTFORK; else MADV_WIPEONFORK */
};

/* In a shared mapping: those are not part of it. */
struct fa_snapshot {
	int maps_fd, pagemap_fd, file;
	char directory[FA_SNAPSHOT_PATH];
	struct statfs tmp;
	struct rlimit limit[FA_SNAPSHOT_LIMITS];
	uint64_t files;
	struct fa_maps before, now;
	uint64_t hashes[FA_MAPS_MAX]; /* of what `before` has of its own and cannot be written */
	struct fa_page_region regions[REGIONS];
	struct range wiped[WIPED];
	int wiped_count;
	size_t size;
	struct fa_snapshot_head head;
	struct fa_snapshot_note notes[FA_SNAPSHOT_NOTES];
	struct fa_snapshot_signal signals[FA_SNAPSHOT_SIGNALS];
};

static int pages(struct fa_snapshot *s, uintptr_t *at, uintptr_t end, bool own_only)
{
	return fa_maps_pages(s->pagemap_fd, s->regions, REGIONS, at, end, own_only);
}

/* ---- what is in common with the nest ----------------------------------- */

static uint64_t hash_region(uint64_t hash, const struct fa_page_region *region)
{
	const uint64_t *word = (const uint64_t *)(uintptr_t)region->start;
	const uint64_t *end = (const uint64_t *)(uintptr_t)region->end;

	hash = (hash ^ region->start) * HASH_PRIME;
	while (word < end)
		hash = (hash ^ *word++) * HASH_PRIME;
	return hash;
}

/* Of the pages that are not the file's: relocated data, or code that was written to. */
static uint64_t hash_own_pages(struct fa_snapshot *s, const struct fa_mapping *m)
{
	uintptr_t at = m->start;
	uint64_t hash = 0;

	while (at < m->end) {
		int n = pages(s, &at, m->end, true);

		for (int i = 0; i < n; i++)
			hash = hash_region(hash, &s->regions[i]);
		if (n < 0)
			break;
	}
	return hash;
}

static bool is_constant(const struct fa_mapping *m)
{
	return !m->kernel && !m->stack && !m->shared && m->protection & PROT_READ &&
	       !(m->protection & PROT_WRITE);
}

static bool same_place(const struct fa_mapping *a, const struct fa_mapping *b)
{
	return a->start == b->start && a->end == b->end && a->protection == b->protection &&
	       a->shared == b->shared && a->offset == b->offset && a->device == b->device &&
	       a->inode == b->inode;
}

static bool in_common(struct fa_snapshot *s, const struct fa_mapping *m)
{
	for (int i = 0; i < s->before.count; i++)
		if (same_place(&s->before.list[i], m))
			return m->shared ||
			       (is_constant(m) && s->hashes[i] == hash_own_pages(s, m));
	return false;
}

/* ---- memory ------------------------------------------------------------ */

/* Past the end of a mapped file there is nothing to read. */
static bool write_range(struct fa_snapshot *s, uintptr_t from, uintptr_t end, uint64_t offset)
{
	while (from < end) {
		ssize_t n = pwrite(s->file, (const void *)from, end - from, (off_t)offset);

		if (n < 0 && errno == EFAULT)
			n = (ssize_t)PAGE;
		if (n <= 0)
			return false;
		from += (size_t)n;
		offset += (size_t)n;
	}
	return true;
}

/* Of memory without a file only what was touched. */
static bool write_present(struct fa_snapshot *s, const struct fa_mapping *m, uint64_t offset,
			  bool *any)
{
	uintptr_t at = m->start;

	while (at < m->end) {
		int n = pages(s, &at, m->end, false);

		if (n < 0)
			return false;
		for (int i = 0; i < n; i++) {
			const struct fa_page_region *r = &s->regions[i];

			*any = true;
			if (!write_range(s, r->start, r->end, offset + (r->start - m->start)))
				return false;
		}
	}
	return true;
}

static bool add_note(struct fa_snapshot *s, const struct fa_mapping *m, bool content)
{
	struct fa_snapshot_note *last = s->head.notes ? &s->notes[s->head.notes - 1] : NULL;
	uint64_t offset = content ? s->size : 0;

	if (content)
		s->size += m->end - m->start;
	if (last && last->start + last->len == m->start && content == (last->offset != 0) &&
	    last->protection == (uint64_t)m->protection) {
		last->len += m->end - m->start;
		return true;
	}
	if (s->head.notes == FA_SNAPSHOT_NOTES)
		return false;
	s->notes[s->head.notes++] = (struct fa_snapshot_note){
		.start = m->start,
		.len = m->end - m->start,
		.offset = offset,
		.protection = (uint64_t)m->protection,
	};
	return true;
}

static const struct range *wiped(const struct fa_snapshot *s, const struct fa_mapping *m)
{
	for (int i = 0; i < s->wiped_count; i++)
		if (s->wiped[i].start <= m->start && m->end <= s->wiped[i].end)
			return &s->wiped[i];
	return NULL;
}

static bool fits(uint64_t size)
{
	struct rlimit limit; /* beyond it a signal would kill us */

	return getrlimit(RLIMIT_FSIZE, &limit) == 0 && size <= limit.rlim_cur;
}

/* Whether there is anything to keep but the place comes back in *content. */
static bool write_mapping(struct fa_snapshot *s, const struct fa_mapping *m, bool *content)
{
	bool readable = m->protection & PROT_READ;

	*content = m->inode && readable;
	if (*content)
		return write_range(s, m->start, m->end, s->size);
	if (m->inode)
		return true; /* the linker's gaps */
	if (!readable)
		mprotect((void *)m->start, m->end - m->start, PROT_READ);
	return write_present(s, m, s->size, content);
}

static const char *keep_mapping(struct fa_snapshot *s, const struct fa_mapping *m)
{
	const struct range *range = wiped(s, m);
	bool content = false;

	if (range && range->gone)
		return NULL;
	if (!range && !fits(s->size + (m->end - m->start)))
		return "its memory is more than tmp_mb";
	if (!range && !write_mapping(s, m, &content))
		return "its memory cannot be copied";
	return add_note(s, m, content) ? NULL : "it has too many mappings";
}

static const char *keep_memory(struct fa_snapshot *s)
{
	const char *failed = NULL;

	if (!fa_maps_read(&s->now, s->maps_fd) || !fa_maps_parse(&s->now))
		return "it has too many mappings";
	s->head.brk = (uint64_t)syscall(SYS_brk, NULL);
	s->size = FA_SNAPSHOT_PAGES;
	for (int i = 0; i < s->now.count && !failed; i++) {
		const struct fa_mapping *m = &s->now.list[i];

		if (m->kernel || m->stack || in_common(s, m))
			continue;
		if (m->shared && m->protection & PROT_WRITE)
			return "it has shared memory that it can write";
		failed = keep_mapping(s, m);
	}
	return failed;
}

/*
 * Libraries keep what must never be twice, such as the state of a random
 * generator, in memory that a fork wipes or leaves out. We are none, and so we
 * look which that is.
 */
static void find_wiped(struct fa_snapshot *s)
{
	FILE *smaps = fopen("/proc/self/smaps", "re");
	struct range now = { 0 };
	uintptr_t start, end;
	char line[512];

	while (smaps && fgets(line, sizeof(line), smaps)) {
		if (sscanf(line, "%lx-%lx ", &start, &end) == 2)
			now = (struct range){ .start = start, .end = end };
		if (strncmp(line, "VmFlags:", 8) != 0 || s->wiped_count == WIPED)
			continue;
		now.gone = strstr(line, " dc") != NULL;
		if (now.gone || strstr(line, " wf"))
			s->wiped[s->wiped_count++] = now;
	}
	if (smaps)
		fclose(smaps);
}

/* ---- the rest of a process --------------------------------------------- */

/* Which descriptors are open, one bit each, and the highest; 0: there is no /proc. */
static uint64_t list_files(int *highest)
{
	DIR *files = opendir("/proc/self/fd");
	struct dirent *entry;
	uint64_t open = 0;

	*highest = -1;
	while (files && (entry = readdir(files))) {
		int fd = atoi(entry->d_name);

		if (fd == dirfd(files) || entry->d_name[0] == '.')
			continue;
		open |= UINT64_C(1) << (fd & 63);
		if (fd > *highest)
			*highest = fd;
	}
	if (files)
		closedir(files);
	return open;
}

/* A name for the first that was not open at our birth; those all environments have. */
static const char *check_files(const struct fa_snapshot *s, char *why, size_t size)
{
	char name[32], path[96] = "";
	int open;
	uint64_t more = list_files(&open) & ~s->files;

	if (!more && open < 64)
		return NULL;
	if (more)
		open = __builtin_ctzll(more);
	snprintf(name, sizeof(name), "/proc/self/fd/%d", open);
	if (readlink(name, path, sizeof(path) - 1) < 0)
		path[0] = '\0';
	snprintf(why, size, "it has left descriptor %d open: %s", open, path);
	return why;
}

static bool same_tmp(const struct fa_snapshot *s)
{
	struct statfs now;

	return s->tmp.f_files == 0 ||
	       (statfs("/tmp", &now) == 0 && now.f_ffree == s->tmp.f_ffree);
}

static void keep_signals(struct fa_snapshot *s)
{
	struct fa_disposition now;

	for (int sig = 1; sig <= FA_SNAPSHOT_SIGNALS; sig++)
		if (syscall(SYS_rt_sigaction, sig, NULL, &now, sizeof(now.mask)) == 0 &&
		    now.handler)
			s->signals[s->head.signals++] = (struct fa_snapshot_signal){ sig, now };
	syscall(SYS_rt_sigprocmask, SIG_SETMASK, NULL, &s->head.blocked, sizeof(uint64_t));
	sigaltstack(NULL, &s->head.stack);
}

static void keep_limits(struct fa_snapshot *s)
{
	for (int i = 0; i < FA_SNAPSHOT_LIMITS; i++) {
		struct rlimit *now = &s->head.limit[i];

		getrlimit((__rlimit_resource_t)i, now);
		if (now->rlim_cur != s->limit[i].rlim_cur || now->rlim_max != s->limit[i].rlim_max)
			s->head.limits |= 1u << i;
	}
}

static bool keep_directory(struct fa_snapshot *s)
{
	char *to = s->head.directory;

	if (!getcwd(to, FA_SNAPSHOT_PATH) || !strncmp(to, FA_VIEW_TMP "/", sizeof(FA_VIEW_TMP)))
		return false;
	if (!strcmp(to, s->directory))
		*to = '\0';
	s->head.umask = umask(0);
	umask((mode_t)s->head.umask);
	return true;
}

/* ---- begin and take ---------------------------------------------------- */

static bool look_around(struct fa_snapshot *s)
{
	bool read = fa_maps_open(&s->maps_fd, &s->pagemap_fd) == 0;
	int highest;

	if (!read || !getcwd(s->directory, sizeof(s->directory)))
		return false;
	for (int i = 0; i < FA_SNAPSHOT_LIMITS; i++)
		getrlimit((__rlimit_resource_t)i, &s->limit[i]);
	if (!strcmp(s->directory, fa_view_directories[0]))
		statfs("/tmp", &s->tmp);
	read = fa_maps_read(&s->before, s->maps_fd) && fa_maps_parse(&s->before);
	for (int i = 0; i < s->before.count; i++)
		if (is_constant(&s->before.list[i]))
			s->hashes[i] = hash_own_pages(s, &s->before.list[i]);
	close(s->maps_fd);
	close(s->pagemap_fd);
	s->files = list_files(&highest);
	return read && s->files;
}

struct fa_snapshot *fa_snapshot_begin(void)
{
	struct fa_snapshot *s = mmap(NULL, sizeof(*s), PROT_READ | PROT_WRITE,
				     MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	if (s == MAP_FAILED)
		return NULL;
	madvise(s, sizeof(*s), MADV_DONTFORK);
	return look_around(s) ? s : NULL;
}

static bool write_head(struct fa_snapshot *s)
{
	uintptr_t head = (uintptr_t)&s->head, notes = (uintptr_t)s->notes,
		  signals = (uintptr_t)s->signals;
	size_t head_len = sizeof(s->head), notes_len = s->head.notes * sizeof(*s->notes);

	s->head.magic = FA_SNAPSHOT_MAGIC;
	return ftruncate(s->file, (off_t)s->size) == 0 &&
	       write_range(s, notes, notes + notes_len, head_len) &&
	       write_range(s, signals, signals + s->head.signals * sizeof(*s->signals),
			   head_len + notes_len) &&
	       write_range(s, head, head + head_len, 0);
}

const char *fa_snapshot_take(struct fa_snapshot *s, int file)
{
	static char why[160];
	const char *failed;

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
	return "a sanitizer has memory everywhere";
#endif
	s->file = file;
	failed = fa_alone_why_not();
	if (!failed)
		failed = check_files(s, why, sizeof(why));
	if (!failed && !same_tmp(s))
		failed = "it has left files in /tmp, which is empty in each environment";
	if (!failed && !keep_directory(s))
		failed = "its current directory is in /tmp";
	if (failed)
		return failed;
	keep_signals(s);
	keep_limits(s);
	find_wiped(s);
	if (fa_maps_open(&s->maps_fd, &s->pagemap_fd) < 0)
		return "there is no /proc in its view";
	failed = keep_memory(s);
	return failed || write_head(s) ? failed : "its memory cannot be copied";
}
