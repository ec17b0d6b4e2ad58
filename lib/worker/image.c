/* SPDX-License-Identifier: MIT */
/*
 * Every private mapping that holds pages of its own becomes a private mapping of
 * one memfd with the same bytes. From then on a page that is our own, and not
 * the file's, is one that was written since: the kernel lists them (PAGEMAP_SCAN),
 * and copying the old bytes over them is cheaper than dropping them, because the
 * next event writes to the same pages again and finds them present.
 *
 * What runs here must not depend on what it overwrites. Its state is in a shared
 * mapping, its frames are above the limit on the stack, and it allocates nothing.
 */
#include <worker/image.h>

#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#if __has_include(<sys/rseq.h>)
#include <sys/rseq.h>
#define HAVE_RSEQ 1
#endif

#define PAGE ((size_t)4096)
#define DROP_ALL_EVERY 64 /* overflows: pages no longer in use leave the set that is kept */

/* Regions with pages between start and end, from `*start` on; -1: the kernel cannot. */
static int scan(struct fa_image *image, uintptr_t *start, uintptr_t end, bool own_only)
{
	return fa_maps_pages(image->pagemap_fd, image->regions, FA_IMAGE_REGIONS, start, end,
			     own_only);
}

bool fa_image_present(struct fa_image *image, const void *start, const void *end)
{
	uintptr_t at = (uintptr_t)start;

	return scan(image, &at, (uintptr_t)end, false) != 0;
}

/* ---- taking ------------------------------------------------------------ */

static bool add_segment(struct fa_image *image, const struct fa_mapping *m, uintptr_t start,
			uintptr_t end)
{
	if (image->segment_count == FA_IMAGE_SEGMENTS)
		return false;
	image->segments[image->segment_count++] = (struct fa_segment){
		.start = (char *)start,
		.len = end - start,
		.offset = image->size,
		.protection = m->protection,
		.anonymous = !m->inode,
	};
	image->size += end - start;
	return true;
}

/* Of a mapping that cannot be written only what was written before: relocated pages. */
static bool add_own_pages(struct fa_image *image, const struct fa_mapping *m)
{
	uintptr_t at = m->start;

	while (at < m->end) {
		int n = scan(image, &at, m->end, true);

		if (n < 0)
			return false;
		for (int i = 0; i < n; i++)
			if (!add_segment(image, m, image->regions[i].start, image->regions[i].end))
				return false;
	}
	return true;
}

static bool holds(const struct fa_mapping *m, const void *p)
{
	return m->start <= (uintptr_t)p && (uintptr_t)p < m->end;
}

static const char *choose_segments(struct fa_image *image, const void *writable)
{
	for (int i = 0; i < image->before.count; i++) {
		const struct fa_mapping *m = &image->before.list[i];

		if (m->kernel || m->stack)
			continue;
		if (m->shared && m->protection & PROT_WRITE && !holds(m, writable) &&
		    !holds(m, image))
			return "it has shared memory that it can write";
		if (m->shared)
			continue;
		if (!(m->protection & PROT_WRITE ? add_segment(image, m, m->start, m->end) :
						   add_own_pages(image, m)))
			return "it has too many mappings, or the kernel is older than 6.7";
	}
	return NULL;
}

static bool fits_limit(size_t size)
{
	struct rlimit limit; /* beyond it a signal would kill us */

	return getrlimit(RLIMIT_FSIZE, &limit) == 0 && size <= limit.rlim_cur;
}

/*
 * Without memory groups memfds are refused: they would be memory that nobody
 * counts. A file in /tmp then takes all its room now, as what /tmp has left
 * tells whether an event left something there.
 */
static bool make_file(struct fa_image *image)
{
	off_t size = (off_t)image->size;

	if (!fits_limit(image->size))
		return false;
	image->fd = memfd_create("image", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	if (image->fd >= 0)
		return ftruncate(image->fd, size) == 0;
	image->fd = open("/tmp", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
	return image->fd >= 0 && fallocate(image->fd, 0, 0, size) == 0;
}

static bool write_all(int fd, const char *from, size_t len, size_t offset)
{
	while (len) {
		ssize_t n = pwrite(fd, from, len, (off_t)offset);

		if (n <= 0)
			return false;
		from += n;
		len -= (size_t)n;
		offset += (size_t)n;
	}
	return true;
}

static bool write_segment(struct fa_image *image, const struct fa_segment *s)
{
	uintptr_t at = (uintptr_t)s->start, end = at + s->len;

	if (!s->anonymous)
		return write_all(image->fd, s->start, s->len, s->offset);
	while (at < end) {
		int n = scan(image, &at, end, false);

		if (n < 0)
			return false;
		for (int i = 0; i < n; i++) {
			const char *from = (const char *)(uintptr_t)image->regions[i].start;

			if (!write_all(image->fd, from,
				       (size_t)(image->regions[i].end - image->regions[i].start),
				       s->offset + (size_t)(from - s->start)))
				return false;
		}
	}
	return true;
}

static bool write_file(struct fa_image *image)
{
	for (int i = 0; i < image->segment_count; i++)
		if (!write_segment(image, &image->segments[i]))
			return false;
	fcntl(image->fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE | F_SEAL_SEAL);
	image->copy = mmap(NULL, image->size, PROT_READ, MAP_SHARED, image->fd, 0);
	return image->copy != MAP_FAILED;
}

/* Also drops every private copy. */
static bool map_segments(const struct fa_image *image)
{
	for (int i = 0; i < image->segment_count; i++) {
		const struct fa_segment *s = &image->segments[i];

		if (mmap(s->start, s->len, s->protection, MAP_PRIVATE | MAP_FIXED, image->fd,
			 (off_t)s->offset) == MAP_FAILED)
			return false;
	}
	return true;
}

const char *fa_image_take(struct fa_image *image, const void *writable)
{
	const char *failed;

	if (fa_maps_open(&image->maps_fd, &image->pagemap_fd) < 0)
		return "there is no /proc in its view";
	image->brk = (void *)syscall(SYS_brk, NULL);
	if (!fa_maps_read(&image->before, image->maps_fd) || !fa_maps_parse(&image->before))
		return "it has too many mappings";
	failed = choose_segments(image, writable);
	if (failed)
		return failed;
	if (!make_file(image))
		return "it has no room for a copy of its memory";
	if (!write_file(image) || !map_segments(image))
		return "its memory cannot be copied into a file in memory";
	if (!fa_maps_read(&image->before, image->maps_fd) || !fa_maps_parse(&image->before))
		return "it has too many mappings";
	return NULL;
}

/* ---- mappings ---------------------------------------------------------- */

static void unmap(uintptr_t start, uintptr_t end)
{
	if (start < end)
		munmap((void *)start, end - start);
}

/* Whatever of this mapping lies where there was none. */
static void unmap_new_parts(const struct fa_image *image, const struct fa_mapping *m)
{
	uintptr_t at = m->start;

	for (int i = 0; i < image->before.count && at < m->end; i++) {
		const struct fa_mapping *old = &image->before.list[i];

		if (old->end <= at || old->start >= m->end)
			continue;
		unmap(at, old->start);
		at = old->end;
	}
	unmap(at, m->end);
}

static bool same_mapping(const struct fa_mapping *a, const struct fa_mapping *b)
{
	return a->end == b->end && a->protection == b->protection && a->shared == b->shared &&
	       a->offset == b->offset && a->device == b->device && a->inode == b->inode &&
	       (a->start == b->start || (a->stack && b->stack));
}

static bool same_list(const struct fa_maps *a, const struct fa_maps *b)
{
	for (int i = 0; i < a->count && i < b->count; i++)
		if (!same_mapping(&a->list[i], &b->list[i]))
			return false;
	return a->count == b->count;
}

/* The break goes first: where it shrank, it can only grow while nothing lies there. */
static bool rebuild(struct fa_image *image)
{
	if (!fa_maps_parse(&image->now) || (void *)syscall(SYS_brk, image->brk) != image->brk ||
	    !map_segments(image))
		return false;
	for (int i = 0; i < image->now.count; i++)
		if (!image->now.list[i].stack && !image->now.list[i].kernel)
			unmap_new_parts(image, &image->now.list[i]);
	if (!fa_maps_read(&image->now, image->maps_fd) || !fa_maps_parse(&image->now) ||
	    !same_list(&image->before, &image->now))
		return false;
	memcpy(&image->before, &image->now, sizeof(image->now)); /* the stack may have grown */
	return true;
}

/* ---- pages ------------------------------------------------------------- */

static const struct fa_segment *segment_at(const struct fa_image *image, const char *at)
{
	for (int i = 0; i < image->segment_count; i++) {
		const struct fa_segment *s = &image->segments[i];

		if (at >= s->start && at < s->start + s->len)
			return s;
	}
	return NULL;
}

static const struct fa_mapping *stack_of(const struct fa_image *image)
{
	for (int i = 0; i < image->before.count; i++)
		if (image->before.list[i].stack)
			return &image->before.list[i];
	return NULL;
}

/* Between events the kernel keeps the number of our CPU there; it is never old. */
static size_t kernels_words(const char **at)
{
#if defined(HAVE_RSEQ) && defined(__x86_64__)
	const char *thread;

	__asm__("mov %%fs:0, %0" : "=r"(thread));
	*at = thread + __rseq_offset;
	return __rseq_size ? 32 : 0;
#elif defined(HAVE_RSEQ) && defined(__aarch64__)
	const char *thread;

	__asm__("mrs %0, tpidr_el0" : "=r"(thread));
	*at = thread + __rseq_offset;
	return __rseq_size ? 32 : 0;
#else
	*at = NULL;
	return 0;
#endif
}

static void add_run(struct fa_image *image, char *to, const char *from, size_t len)
{
	if (len)
		image->runs[image->run_count++] = (struct fa_run_back){ to, from, len };
}

static void add_run_around(struct fa_image *image, char *to, const char *from, size_t len)
{
	const char *hole;
	size_t size = kernels_words(&hole);

	if (!size || hole < to || hole >= to + len) {
		add_run(image, to, from, len);
		return;
	}
	add_run(image, to, from, (size_t)(hole - to));
	add_run(image, (char *)hole + size, from + (hole - to) + size,
		(size_t)(to + len - hole) - size);
}

/* Keep what fits, from the end; the rest is dropped and read from the image when needed. */
static size_t keep_or_drop(struct fa_image *image, char *start, char *end, const char *from,
			   size_t room)
{
	size_t kept = (size_t)(end - start) < room ? (size_t)(end - start) : room;
	char *cut = end - kept;

	if (kept && image->run_count < FA_IMAGE_PAGES)
		add_run_around(image, cut, from ? from + (cut - start) : NULL, kept);
	else
		cut = end, kept = 0;
	if (cut > start)
		madvise(start, (size_t)(cut - start), MADV_DONTNEED);
	return room - kept;
}

static size_t treat_stack(struct fa_image *image, char *start, char *end, char *limit, size_t room)
{
	if (end > limit)
		end = limit;
	return end > start ? keep_or_drop(image, start, end, NULL, room) : room;
}

/* One region may span several segments; from the last to the first. */
static bool treat_region(struct fa_image *image, char *start, char *end, size_t *room)
{
	while (end > start) {
		const struct fa_segment *s = segment_at(image, end - 1);
		char *from;

		if (!s)
			return false;
		from = s->start > start ? s->start : start;
		if (s->protection & PROT_WRITE)
			*room = keep_or_drop(image, from, end,
					     image->copy + s->offset + (from - s->start), *room);
		else /* it could be written for a while; now it cannot */
			madvise(from, (size_t)(end - from), MADV_DONTNEED);
		end = from;
	}
	return true;
}

/* From the highest address down: the stack and libc's data are used by every event. */
static bool collect(struct fa_image *image, int n, char *limit)
{
	const struct fa_mapping *stack = stack_of(image);
	size_t room = FA_IMAGE_PAGES * PAGE, pages = 0;

	for (int i = 0; i < n; i++)
		pages += (size_t)(image->regions[i].end - image->regions[i].start) / PAGE;
	if (pages > FA_IMAGE_PAGES && ++image->overflows % DROP_ALL_EVERY == 0)
		room = 0;
	while (n--) {
		char *start = (char *)(uintptr_t)image->regions[n].start;
		char *end = (char *)(uintptr_t)image->regions[n].end;

		if (stack && holds(stack, start))
			room = treat_stack(image, start, end, limit, room);
		else if (!treat_region(image, start, end, &room))
			return false;
	}
	return true;
}

/* Regions with pages of our own, wherever there may be any. */
static int scan_all(struct fa_image *image)
{
	uintptr_t at = PAGE, end = PAGE;

	for (int i = 0; i < image->before.count; i++)
		if (image->before.list[i].end < UINTPTR_MAX / 2)
			end = image->before.list[i].end;
	return scan(image, &at, end, true);
}

bool fa_image_restore(struct fa_image *image, char *limit)
{
	int n;

	if (!fa_maps_read(&image->now, image->maps_fd))
		return false;
	if (!fa_maps_same(&image->before, &image->now) && !rebuild(image))
		return false;
	image->run_count = 0;
	n = scan_all(image);
	if (n == FA_IMAGE_REGIONS) /* more than can be listed: drop them all */
		n = map_segments(image) ? scan_all(image) : -1;
	if (n < 0 || n == FA_IMAGE_REGIONS || !collect(image, n, limit))
		return false;
	fa_image_copy_back(image);
	return true;
}

void fa_image_copy_back(const struct fa_image *image)
{
	for (int i = 0; i < image->run_count; i++) {
		const struct fa_run_back *run = &image->runs[i];

		if (run->from)
			memcpy(run->to, run->from, run->len);
		else
			memset(run->to, 0, run->len);
	}
}
