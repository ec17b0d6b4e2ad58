/* SPDX-License-Identifier: MIT */

/*
 * draw FOLDER [COUNT] - pictures for the thumbnail example.
 *
 * Three that hurt: one that is damaged, one larger than a request may be, and
 * one of a few kilobytes that unfolds into almost a gigabyte. Then COUNT
 * landscapes of twelve megapixels, for when there are no photographs.
 */

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <gd.h>
#include <png.h>

#define WIDTH 4000
#define HEIGHT 3000
#define BOMB 30000 /* pixels each way */
#define MAX_PATH 4096

static unsigned noise(void)
{
	static unsigned x = 2463534242u;

	x ^= x << 13;
	x ^= x >> 17;
	x ^= x << 5;
	return x;
}

static FILE *create(const char *folder, const char *name)
{
	char path[MAX_PATH];
	FILE *file;

	snprintf(path, sizeof(path), "%s/%s", folder, name);
	file = fopen(path, "wb");
	if (!file) {
		perror(path);
		exit(1);
	}
	return file;
}

static void finish(FILE *file, const char *name)
{
	if (fclose(file)) {
		perror(name);
		exit(1);
	}
}

static gdImagePtr blank(void)
{
	gdImagePtr picture = gdImageCreateTrueColor(WIDTH, HEIGHT);

	if (!picture) {
		fprintf(stderr, "no memory for a picture\n");
		exit(1);
	}
	return picture;
}

/* ---- landscapes ------------------------------------------------------- */

static int grain(int colour)
{
	int spread = (int)(noise() % 13) - 6;

	colour += spread;
	return colour < 0 ? 0 : colour > 255 ? 255 : colour;
}

static double hill(int x, int layer, int seed)
{
	double at = (double)x / WIDTH * 6.0 + seed * 1.7 + layer * 2.3;

	return HEIGHT * (0.42 + 0.13 * layer + 0.05 * sin(at) + 0.03 * sin(2.7 * at + seed));
}

/* Layers of hills under the sky; the nearer, the darker. */
static int pixel(int x, int y, int seed)
{
	double dusk = (double)y / HEIGHT;

	for (int layer = 3; layer >= 0; layer--)
		if (y > hill(x, layer, seed))
			return gdTrueColor(grain(95 - 20 * layer), grain(125 - 22 * layer),
					   grain(120 - 26 * layer));
	return gdTrueColor(grain(90 + (int)(200 * dusk)), grain(140 + (int)(110 * dusk)),
			   grain(220 - (int)(60 * dusk)));
}

static void draw_landscape(const char *folder, int seed)
{
	gdImagePtr picture = blank();
	char name[32];
	FILE *file;

	for (int y = 0; y < HEIGHT; y++)
		for (int x = 0; x < WIDTH; x++)
			gdImageSetPixel(picture, x, y, pixel(x, y, seed));
	snprintf(name, sizeof(name), "landscape-%d.jpg", seed);
	file = create(folder, name);
	gdImageJpeg(picture, file, 85);
	finish(file, name);
	gdImageDestroy(picture);
}

/* ---- pictures that hurt ------------------------------------------------ */

/* Pure noise does not compress: a correct JPEG, far over the request limit. */
static gdImagePtr draw_noise(void)
{
	gdImagePtr picture = blank();

	for (int y = 0; y < HEIGHT; y++)
		for (int x = 0; x < WIDTH; x++)
			gdImageSetPixel(picture, x, y, (int)(noise() & 0xffffff));
	return picture;
}

/* The same picture, cut off and continued with garbage. */
static void draw_damaged(const char *folder, const unsigned char *jpeg)
{
	FILE *file = create(folder, "damaged.jpg");

	fwrite(jpeg, 1, 30000, file);
	for (int i = 0; i < 30000; i++)
		fputc((int)(noise() & 0xff), file);
	finish(file, "damaged.jpg");
}

static void draw_huge_and_damaged(const char *folder)
{
	gdImagePtr picture = draw_noise();
	int len;
	void *jpeg = gdImageJpegPtr(picture, &len, 90);
	FILE *file = create(folder, "huge.jpg");

	fwrite(jpeg, 1, (size_t)len, file);
	finish(file, "huge.jpg");
	draw_damaged(folder, jpeg);
	gdFree(jpeg);
	gdImageDestroy(picture);
}

/* Nothing but black, one bit a pixel: a thousand to one, and gd wants a byte for each. */
static void draw_bomb(const char *folder)
{
	static unsigned char row[(BOMB + 7) / 8];
	FILE *file = create(folder, "bomb.png");
	png_structp png = png_create_write_struct(PNG_LIBPNG_VER_STRING, NULL, NULL, NULL);
	png_infop info = png_create_info_struct(png);

	if (setjmp(png_jmpbuf(png)))
		exit(1);
	png_init_io(png, file);
	png_set_IHDR(png, info, BOMB, BOMB, 1, PNG_COLOR_TYPE_GRAY, PNG_INTERLACE_NONE,
		     PNG_COMPRESSION_TYPE_DEFAULT, PNG_FILTER_TYPE_DEFAULT);
	png_write_info(png, info);
	for (int y = 0; y < BOMB; y++)
		png_write_row(png, row);
	png_write_end(png, info);
	png_destroy_write_struct(&png, &info);
	finish(file, "bomb.png");
}

int main(int argc, char **argv)
{
	int count = argc > 2 ? atoi(argv[2]) : 0;

	if (argc < 2) {
		fprintf(stderr, "usage: draw FOLDER [COUNT]\n");
		return 2;
	}
	draw_huge_and_damaged(argv[1]);
	draw_bomb(argv[1]);
	for (int i = 1; i <= count; i++)
		draw_landscape(argv[1], i);
	return 0;
}
