/* SPDX-License-Identifier: MIT */
/*
 * The kernel's list of our mappings, kept as text because two texts are
 * compared in no time, and taken apart only when they differ.
 */
#include <worker/maps.h>

#include <fcntl.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <unistd.h>

int fa_maps_open(int *maps_fd, int *pagemap_fd)
{
	bool dumpable = prctl(PR_GET_DUMPABLE, 0, 0, 0, 0) == 1;

	if (!dumpable)
		prctl(PR_SET_DUMPABLE, 1, 0, 0, 0);
	*maps_fd = open("/proc/self/maps", O_RDONLY | O_CLOEXEC);
	*pagemap_fd = open("/proc/self/pagemap", O_RDONLY | O_CLOEXEC);
	if (!dumpable)
		prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
	if (*maps_fd >= 0 && *pagemap_fd >= 0)
		return 0;
	close(*maps_fd);
	close(*pagemap_fd);
	return -1;
}

struct scan {
	uint64_t size, flags, start, end, walk_end, regions, region_count, max_pages;
	uint64_t inverted, mask, any, wanted;
};

#define SCAN _IOWR('f', 16, struct scan)
#define IS_FILE (1u << 2)
#define IS_PRESENT (1u << 3)
#define IS_SWAPPED (1u << 4)

int fa_maps_pages(int pagemap_fd, struct fa_page_region *regions, int room, uintptr_t *start,
		  uintptr_t end, bool own_only)
{
	struct scan scan = {
		.size = sizeof(scan),
		.start = *start,
		.end = end,
		.regions = (uintptr_t)regions,
		.region_count = (uint64_t)room,
		.inverted = own_only ? IS_FILE : 0,
		.mask = own_only ? IS_FILE : 0,
		.any = IS_PRESENT | IS_SWAPPED,
		.wanted = IS_PRESENT,
	};
	int n = ioctl(pagemap_fd, SCAN, &scan);

	*start = scan.walk_end;
	return n;
}

bool fa_maps_read(struct fa_maps *maps, int fd)
{
	ssize_t n;

	maps->len = 0;
	maps->count = 0;
	do {
		n = pread(fd, maps->text + maps->len, sizeof(maps->text) - maps->len,
			  (off_t)maps->len);
		if (n > 0)
			maps->len += (size_t)n;
	} while (n > 0);
	return n == 0 && maps->len && maps->len < sizeof(maps->text);
}

bool fa_maps_same(const struct fa_maps *a, const struct fa_maps *b)
{
	return a->len == b->len && memcmp(a->text, b->text, a->len) == 0;
}

/* A number and the one character behind it. */
static uint64_t number(const char **at, unsigned base)
{
	uint64_t value = 0;
	const char *p = *at;

	for (;; p++) {
		unsigned digit = *p >= '0' && *p <= '9' ? (unsigned)(*p - '0') :
				 *p >= 'a' && *p <= 'f' ? (unsigned)(*p - 'a' + 10) :
							  99;

		if (digit >= base)
			break;
		value = value * base + digit;
	}
	*at = p + 1;
	return value;
}

/* "start-end rwxp offset major:minor inode   name" */
static void parse_line(struct fa_mapping *m, const char *at)
{
	memset(m, 0, sizeof(*m));
	m->start = number(&at, 16);
	m->end = number(&at, 16);
	m->protection = (at[0] == 'r' ? PROT_READ : 0) | (at[1] == 'w' ? PROT_WRITE : 0) |
			(at[2] == 'x' ? PROT_EXEC : 0);
	m->shared = at[3] == 's';
	at += 5;
	m->offset = number(&at, 16);
	m->device = number(&at, 16) << 32;
	m->device |= number(&at, 16);
	m->inode = number(&at, 10);
	while (*at == ' ')
		at++;
	m->stack = strncmp(at, "[stack]", 7) == 0;
	m->kernel = strncmp(at, "[v", 2) == 0;
}

bool fa_maps_parse(struct fa_maps *maps)
{
	const char *at = maps->text, *end = maps->text + maps->len;

	maps->count = 0;
	while (at < end) {
		const char *newline = memchr(at, '\n', (size_t)(end - at));

		if (!newline || maps->count == FA_MAPS_MAX)
			return false;
		parse_line(&maps->list[maps->count++], at);
		at = newline + 1;
	}
	return true;
}
