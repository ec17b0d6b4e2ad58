/* SPDX-License-Identifier: MIT */

/*
 * A picture comes in, a small JPEG goes out. The event is the bytes of a JPEG
 * or PNG file, the answer those of a JPEG of at most 400 x 300 pixels.
 *
 * There is deliberately no defence here against hostile pictures. Decoders have
 * bugs and a small file may unfold into gigabytes; the environment's memory
 * limit, timeout and sandbox are what keeps that from anyone else.
 */

#include <gd.h>

#include <faas/plugin.h>

#include "orientation.h"

#define MAX_WIDTH 400
#define MAX_HEIGHT 300
#define QUALITY 85

/* What libgd said first about the picture. Its hook carries no pointer of ours. */
static _Thread_local char complaint[200];

__attribute__((format(printf, 2, 0)))
static void on_gd_message(int priority, const char *format, va_list args)
{
	(void)priority;
	if (*complaint)
		return;
	vsnprintf(complaint, sizeof(complaint), format, args);
	complaint[strcspn(complaint, "\n")] = '\0';
}

static int init(struct faas_context *ctx)
{
	(void)ctx;
	gdSetErrorMethod(on_gd_message);
	return 0;
}

static bool starts_with(struct faas_bytes bytes, const void *magic, size_t len)
{
	return bytes.len >= len && !memcmp(bytes.data, magic, len);
}

static bool is_jpeg(struct faas_bytes bytes)
{
	return starts_with(bytes, "\xff\xd8\xff", 3);
}

static bool is_png(struct faas_bytes bytes)
{
	return starts_with(bytes, "\x89PNG\r\n\x1a\n", 8);
}

static gdImagePtr decode(struct faas_bytes file)
{
	void *data = (void *)(uintptr_t)file.data; /* libgd only reads it */

	complaint[0] = '\0';
	if (is_png(file))
		return gdImageCreateFromPngPtr((int)file.len, data);
	return gdImageCreateFromJpegPtr((int)file.len, data);
}

/* The largest size of the same shape that fits. Small pictures stay as they are. */
static void fit(gdImagePtr picture, bool turns, int *width, int *height)
{
	int max_width = turns ? MAX_HEIGHT : MAX_WIDTH;
	int max_height = turns ? MAX_WIDTH : MAX_HEIGHT;
	double scale = 1.0;

	if (gdImageSX(picture) > max_width)
		scale = (double)max_width / gdImageSX(picture);
	if (gdImageSY(picture) * scale > max_height)
		scale = (double)max_height / gdImageSY(picture);
	*width = (int)(gdImageSX(picture) * scale + 0.5);
	*height = (int)(gdImageSY(picture) * scale + 0.5);
	*width += !*width; /* a line one pixel thin is still a picture */
	*height += !*height;
}

/* JPEG knows no transparency: what shows through is white. */
static gdImagePtr shrink(gdImagePtr picture, bool turns)
{
	gdImagePtr small;
	int width, height;

	fit(picture, turns, &width, &height);
	small = gdImageCreateTrueColor(width, height);
	if (!small)
		return NULL;
	gdImageFilledRectangle(small, 0, 0, width - 1, height - 1, gdTrueColor(255, 255, 255));
	gdImageCopyResampled(small, picture, 0, 0, 0, 0, width, height, gdImageSX(picture),
			     gdImageSY(picture));
	return small;
}

/* Takes the picture: the large one is not needed while the small one is worked on. */
static gdImagePtr make_thumbnail(gdImagePtr picture, int orientation)
{
	gdImagePtr small = shrink(picture, orientation_turns(orientation));
	gdImagePtr upright;

	gdImageDestroy(picture);
	if (!small || orientation == 1)
		return small;
	upright = orientation_correct(small, orientation);
	gdImageDestroy(small);
	return upright;
}

/* Takes the thumbnail. */
static int answer(struct faas_context *ctx, gdImagePtr thumbnail)
{
	int len = 0;
	void *jpeg = gdImageJpegPtr(thumbnail, &len, QUALITY);

	gdImageDestroy(thumbnail);
	if (!jpeg)
		return faas_fail(ctx, "Function.OutOfMemory", "No memory to encode the JPEG.");
	faas_write(ctx, jpeg, (size_t)len);
	gdFree(jpeg);
	return 0;
}

static int handler(struct faas_context *ctx, struct faas_bytes event)
{
	gdImagePtr picture;

	if (!is_jpeg(event) && !is_png(event))
		return faas_fail(ctx, "Function.NotAPicture",
				 "The event is neither a JPEG nor a PNG file.");
	picture = decode(event);
	if (!picture)
		return faas_fail(ctx, "Function.Unreadable",
				 *complaint ? complaint : "The picture cannot be decoded.");
	faas_log(ctx, FAAS_INFO, "%d x %d pixels", gdImageSX(picture), gdImageSY(picture));
	picture = make_thumbnail(picture, is_jpeg(event) ? orientation_of(event) : 1);
	if (!picture)
		return faas_fail(ctx, "Function.OutOfMemory", "No memory for the thumbnail.");
	return answer(ctx, picture);
}

FAAS_PLUGIN("thumbnail", "1.0", FAAS_HANDLER(handler, .init = init));
