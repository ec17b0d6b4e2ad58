/* SPDX-License-Identifier: MIT */
#ifndef FA_MODEL_FILE_SYSTEM_H
#define FA_MODEL_FILE_SYSTEM_H

#include <model/function.h>

#define FA_MOUNT_PATH_MAX 160 /* semantics 1.2 */

struct fa_file_system {
	char *arn, *path;
	bool read_only;
};

/* The host's, copied; they stay as they are while the runtime lives. */
struct fa_file_systems {
	struct fa_file_system *list;
	size_t count;
};

/* FAAS_EINVAL: one of them is no directory, or has another's ARN. */
int fa_file_systems_init(struct fa_file_systems *all, const struct fa_mem *mem,
			 const struct faas_file_system *from, struct faas_error *err);
void fa_file_systems_finish(struct fa_file_systems *all);
const struct fa_file_system *fa_file_system_find(const struct fa_file_systems *all,
						 const char *arn); /* NULL: there is none */

/* Whether a configuration may be so, as far as it alone can tell. */
int fa_file_system_check(const struct faas_function_config *config, struct faas_error *err);
/* EFSMountFailureException of a version whose file system this host does not have. */
int fa_version_unmounted(const struct fa_version *version, struct faas_error *err);

#endif
