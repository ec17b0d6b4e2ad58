/* SPDX-License-Identifier: MIT */
#ifndef FA_MODEL_PACKAGE_LOCATION_H
#define FA_MODEL_PACKAGE_LOCATION_H

#include <limits.h>
#include <base/clock.h>
#include <model/package/package.h>

/* What the path of a download begins with; its package and its signature follow. */
#define FA_LOCATION_PATH "/code/"
#define FA_LOCATION_MAX PATH_MAX
#define FA_LOCATION_VALID_MS 600000 /* as Lambda's (1.2) */

/* From now on packages are downloaded below this base, "http://127.0.0.1:9001". Any thread. */
void fa_packages_place(struct fa_packages *store, const struct fa_clock *clock, const char *base);
/*
 * Where the ZIP of a package is: a URL that lets who knows it have the ZIP for ten minutes,
 * or, in a program without such a place, the path of the file.
 */
void fa_package_locate(const struct fa_package *package, char out[FA_LOCATION_MAX]);
/*
 * A reference to the package that such a URL is of; `text` is what follows FA_LOCATION_PATH.
 * NULL: FAAS_EDENIED, it is signed by nobody or expired; FAAS_ENOTFOUND, the code is gone.
 */
struct fa_package *fa_packages_locate(struct fa_packages *store, const char *text,
				      struct faas_error *err);

#endif
