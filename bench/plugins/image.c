/* SPDX-License-Identifier: MIT */

/*
 * An image of 16 MB, written in init. An event writes to 16 of its pages, after
 * it has looked at them: whatever an event before it wrote there must be gone.
 */

#include <stdlib.h>

#include <faas/plugin.h>

#define IMAGE (16u << 20)
#define PAGE 4096u
#define PAGES 16u
#define STRIDE (IMAGE / PAGES)
#define LINE 64u

static unsigned char *image;

static int load(struct faas_context *ctx)
{
	image = malloc(IMAGE);
	if (!image)
		return faas_fail(ctx, "Bench.NoMemory", "no room for the image");
	memset(image, 1, IMAGE);
	return 0;
}

/* Event n writes to the n-th line of each page. */
static unsigned char *line_of(uint32_t n, uint32_t page)
{
	return image + page * STRIDE + n * LINE % PAGE;
}

static int dirty(struct faas_context *ctx, struct faas_bytes event)
{
	uint32_t n;

	if (event.len < sizeof(n))
		return faas_fail(ctx, "Bench.NoNumber", "an event begins with its number");
	memcpy(&n, event.data, sizeof(n));
	for (uint32_t page = 0; page < PAGES; page++) {
		if (*line_of(n - 1, page) != 1 || *line_of(n, page) != 1)
			return faas_fail(ctx, "Bench.Dirty", "an event before this one was here");
		memset(line_of(n, page), 2, LINE);
	}
	return faas_write(ctx, event.data, event.len);
}

FAAS_PLUGIN("image", "1", FAAS_HANDLER(dirty, .init = load));
