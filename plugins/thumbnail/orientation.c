/* SPDX-License-Identifier: MIT */

/*
 * A JPEG file is a chain of segments: 0xff, kind, length, content. Exif data is
 * the content of one of kind 0xe1: a TIFF file, whose first directory has
 * entries of twelve bytes. Everything is looked at through at(), which knows
 * where the bytes end.
 */

#include "orientation.h"

#include <string.h>

#define EXIF 0xe1
#define START_OF_SCAN 0xda
#define TAG_ORIENTATION 0x0112

/* `count` bytes from `offset` as a number; 0 past the end. */
static unsigned at(struct faas_bytes bytes, size_t offset, int count, bool little)
{
	const unsigned char *data = bytes.data;
	unsigned value = 0;

	if (offset > bytes.len || bytes.len - offset < (size_t)count)
		return 0;
	for (int i = 0; i < count; i++)
		value = value << 8 | data[offset + (size_t)(little ? count - 1 - i : i)];
	return value;
}

static struct faas_bytes from(struct faas_bytes bytes, size_t offset)
{
	if (offset > bytes.len)
		offset = bytes.len;
	return (struct faas_bytes){ (const char *)bytes.data + offset, bytes.len - offset };
}

static struct faas_bytes find_exif(struct faas_bytes jpeg)
{
	size_t offset = 2;

	while (at(jpeg, offset, 1, false) == 0xff) {
		unsigned kind = at(jpeg, offset + 1, 1, false);
		unsigned len = at(jpeg, offset + 2, 2, false);
		struct faas_bytes content = from(jpeg, offset + 4);

		if (kind == START_OF_SCAN || len < 2)
			break;
		if (kind == EXIF && content.len >= 6 && !memcmp(content.data, "Exif\0\0", 6))
			return from(content, 6);
		offset += 2 + len;
	}
	return (struct faas_bytes){ 0 };
}

int orientation_of(struct faas_bytes jpeg)
{
	struct faas_bytes tiff = find_exif(jpeg);
	bool little = at(tiff, 0, 1, false) == 'I';
	size_t directory = at(tiff, 4, 4, little);
	unsigned entries = at(tiff, directory, 2, little);

	for (unsigned i = 0; i < entries; i++) {
		size_t entry = directory + 2 + 12 * (size_t)i;

		if (at(tiff, entry, 2, little) == TAG_ORIENTATION) {
			unsigned value = at(tiff, entry + 8, 2, little);

			return value >= 1 && value <= 8 ? (int)value : 1;
		}
	}
	return 1;
}

/* Where the pixel that belongs at x, y upright is found in the stored picture. */
static int stored_pixel(gdImagePtr picture, int orientation, int x, int y)
{
	/*                                    1  2  3  4  5  6  7  8 */
	static const bool from_right[] = { 0, 0, 1, 1, 0, 0, 0, 1, 1 };
	static const bool from_below[] = { 0, 0, 0, 1, 1, 0, 1, 1, 0 };
	int column = orientation_turns(orientation) ? y : x;
	int row = orientation_turns(orientation) ? x : y;

	if (from_right[orientation])
		column = gdImageSX(picture) - 1 - column;
	if (from_below[orientation])
		row = gdImageSY(picture) - 1 - row;
	return gdImageGetTrueColorPixel(picture, column, row);
}

gdImagePtr orientation_correct(gdImagePtr picture, int orientation)
{
	bool turns = orientation_turns(orientation);
	int width = turns ? gdImageSY(picture) : gdImageSX(picture);
	int height = turns ? gdImageSX(picture) : gdImageSY(picture);
	gdImagePtr upright = gdImageCreateTrueColor(width, height);

	if (!upright)
		return NULL;
	for (int y = 0; y < height; y++)
		for (int x = 0; x < width; x++)
			gdImageSetPixel(upright, x, y, stored_pixel(picture, orientation, x, y));
	return upright;
}
