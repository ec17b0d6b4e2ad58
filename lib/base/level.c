/* SPDX-License-Identifier: MIT */
#include <base/level.h>

#include <string.h>

static const char *const names[] = { [FAAS_TRACE] = "TRACE", [FAAS_DEBUG] = "DEBUG",
				     [FAAS_INFO] = "INFO",   [FAAS_WARN] = "WARN",
				     [FAAS_ERROR] = "ERROR", [FAAS_FATAL] = "FATAL" };

const char *fa_level_name(enum faas_level level)
{
	return names[level];
}

bool fa_level_read(enum faas_level *level, const char *name)
{
	for (int i = FAAS_TRACE; i <= FAAS_FATAL; i++) {
		if (!strcmp(names[i], name)) {
			*level = (enum faas_level)i;
			return true;
		}
	}
	return false;
}
