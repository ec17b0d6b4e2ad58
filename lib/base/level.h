/* SPDX-License-Identifier: MIT */
#ifndef FA_BASE_LEVEL_H
#define FA_BASE_LEVEL_H

#include <faas/types.h>

/* Levels of log lines by their names: "TRACE" to "FATAL". */
const char *fa_level_name(enum faas_level level);
/* False: no such name, and *level is untouched. */
bool fa_level_read(enum faas_level *level, const char *name);

#endif
