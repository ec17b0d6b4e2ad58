/* SPDX-License-Identifier: MIT */
#ifndef THUMBNAIL_ORIENTATION_H
#define THUMBNAIL_ORIENTATION_H

#include <gd.h>

#include <faas/types.h>

/*
 * Cameras store pictures as their sensor saw them and note in the Exif data
 * how to hold the result: 1 is upright, 2 to 8 are the other ways to turn or
 * mirror it.
 */

/* Of a JPEG file; 1 if it does not say, or not clearly. */
int orientation_of(struct faas_bytes jpeg);

/* Whether upright swaps width and height. */
static inline bool orientation_turns(int orientation)
{
	return orientation >= 5;
}

/* A new picture, upright; NULL without memory. */
gdImagePtr orientation_correct(gdImagePtr picture, int orientation);

#endif
