/* SPDX-License-Identifier: MIT */
#ifndef FA_WORKER_MAPS_H
#define FA_WORKER_MAPS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define FA_MAPS_TEXT 65536
#define FA_MAPS_MAX 512

/* One line of /proc/self/maps. */
struct fa_mapping {
	uintptr_t start, end;
	uint64_t offset, device, inode;
	int protection;  /* PROT_* */
	bool shared;
	bool stack;      /* of the first thread: it grows by itself */
	bool kernel;     /* vdso and its like */
};

/* The mappings of this process. Large: not for a stack. */
struct fa_maps {
	size_t len;
	int count;
	char text[FA_MAPS_TEXT];
	struct fa_mapping list[FA_MAPS_MAX];
};

/*
 * Read all of it from `fd`, an open /proc/self/maps. Takes no memory and sets
 * nothing but *maps. False: it cannot be read, or there are too many mappings.
 */
bool fa_maps_read(struct fa_maps *maps, int fd);

/*
 * /proc/self/maps and /proc/self/pagemap. The files are the kernel's and their
 * owner's, and who cannot be dumped owns nothing in /proc: for a moment we can be.
 * 0 or -1, and then none is open.
 */
int fa_maps_open(int *maps_fd, int *pagemap_fd);

/* As the kernel fills it in; linux/fs.h has it since 6.7. */
struct fa_page_region {
	uint64_t start, end, categories;
};

/*
 * Where pages are present between *start and end: regions filled in, at most
 * `room`, and *start where to go on. `own_only`: only pages that are no file's.
 * -1: the kernel cannot.
 */
int fa_maps_pages(int pagemap_fd, struct fa_page_region *regions, int room, uintptr_t *start,
		  uintptr_t end, bool own_only);

/* The list from the text. */
bool fa_maps_parse(struct fa_maps *maps);

/* To the letter. */
bool fa_maps_same(const struct fa_maps *a, const struct fa_maps *b);

#endif
