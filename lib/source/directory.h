/* SPDX-License-Identifier: MIT */
#ifndef FA_SOURCE_DIRECTORY_H
#define FA_SOURCE_DIRECTORY_H

#include <faas/source.h>
#include <source/config.h>
#include <source/tree.h>

/* What a directory's mapping is configured to, in the words of S3's notifications. */
enum fa_directory_event { FA_OBJECT_PUT, FA_OBJECT_COPY, FA_OBJECT_DELETE };

int fa_directory_check(const struct fa_mem *mem, const struct fa_mapping_config *config,
		       struct faas_error *err);
int fa_directory_fits(struct fa_sources *all, const struct fa_mapping_config *config,
		      struct faas_error *err);
bool fa_directory_wants(const struct fa_mapping_config *config, const char *key,
			enum fa_directory_event event);
/* What was there before that is nothing new: Unix time in ns. */
int64_t fa_directory_begun_ns(const struct fa_mapping_config *config);
/* The members that the typed door has for it. */
int fa_directory_put(struct fa_document *out, const struct faas_mapping_config *config);

/* The record of one event; `sequence` grows with each of a key. */
void fa_directory_write(struct fa_text *out, const struct fa_mapping *mapping, const char *key,
			enum fa_directory_event event, const struct fa_stamp *stamp,
			int64_t sequence);

#endif
