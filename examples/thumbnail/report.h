/* SPDX-License-Identifier: MIT */
#ifndef THUMBNAIL_REPORT_H
#define THUMBNAIL_REPORT_H

#include <stdbool.h>
#include <stddef.h>

#include <faas/faas.h>

/* What this program tells the person who runs it. All of it prints to stdout. */

/* A picture on its way through the function. */
struct picture {
	const char *path;
	size_t bytes;
	char request_id[40]; /* "" until the function has run */
	char outcome[400];   /* the thumbnail's file, or why there is none */
	size_t thumbnail_bytes;
	bool ran, failed;
	double waited_ms;    /* from call to answer */
	double handler_ms, init_ms;
};

const char *base_name(const char *path);
void show_isolation(struct faas *rt);
void show_picture(int number, const struct picture *picture, const char *report);
void show_table(const struct picture *pictures, int count);
void show_bill(struct faas *rt);

#endif
