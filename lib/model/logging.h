/* SPDX-License-Identifier: MIT */
#ifndef FA_MODEL_LOGGING_H
#define FA_MODEL_LOGGING_H

#include <faas/faas.h>
#include <model/name.h>

#define FA_LOG_GROUP_MAX 512
#define FA_LOG_GROUP_DEFAULT (sizeof("/aws/lambda/") + FA_NAME_MAX)

/* How a version's logs are written, and what of them (semantics 1.2, 11.2). */
struct fa_logging {
	bool json;
	enum faas_level application, system; /* the least that is delivered; JSON only */
};

/* The members of a configuration that speak of logs; `group` has room for the default. */
void fa_logging_defaults(struct faas_function_config *config, char group[FA_LOG_GROUP_DEFAULT]);
int fa_logging_read(struct fa_logging *logging, const struct faas_function_config *config,
		    struct faas_error *err);
/* Drop from `config` what `change` drops without naming it. */
void fa_logging_merge(struct faas_function_config *config,
		      const struct faas_function_config *change);

#endif
