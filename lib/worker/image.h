/* SPDX-License-Identifier: MIT */
#ifndef FA_WORKER_IMAGE_H
#define FA_WORKER_IMAGE_H

#include <worker/maps.h>

/*
 * The memory of this process as it was at one moment, and the way back there.
 * Not part of it, and never put back: shared mappings, and the frames of the
 * stack that are alive.
 */

#define FA_IMAGE_SEGMENTS 512
#define FA_IMAGE_REGIONS 1024
#define FA_IMAGE_PAGES 64 /* private copies that are kept and copied over, not dropped */

/* What was replaced by a private mapping of the image. */
struct fa_segment {
	char *start;
	size_t len;
	size_t offset;     /* in the image */
	int protection;
	bool anonymous;    /* of a mapping without a file: what is not there is zero */
};

struct fa_run_back {
	char *to;
	const char *from;  /* NULL: zeros */
	size_t len;
};

/* Lives in a shared mapping, for whatever is private is reset. */
struct fa_image {
	int maps_fd, pagemap_fd, fd;
	const char *copy;  /* all of the image, read-only */
	size_t size;
	void *brk;
	int segment_count, run_count;
	unsigned overflows;
	struct fa_segment segments[FA_IMAGE_SEGMENTS];
	struct fa_run_back runs[FA_IMAGE_PAGES + 8];
	struct fa_page_region regions[FA_IMAGE_REGIONS];
	struct fa_maps before, now;
};

/*
 * Take the image: NULL, or what cannot be done. `writable`: start of the one
 * shared mapping that may be written besides the one that holds `image`.
 */
const char *fa_image_take(struct fa_image *image, const void *writable);

/*
 * Everything back to the image, and the stack below `limit`, the start of a
 * page, to zero; new mappings disappear. Complete, slower. False: impossible, the process must go.
 */
bool fa_image_restore(struct fa_image *image, char *limit);

/*
 * The same for a process that has had no page fault since the last complete
 * restore: then only pages that were private then can have changed.
 */
void fa_image_copy_back(const struct fa_image *image);

/* Is any page between the two present? */
bool fa_image_present(struct fa_image *image, const void *start, const void *end);

#endif
