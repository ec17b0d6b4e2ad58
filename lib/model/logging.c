/* SPDX-License-Identifier: MIT */
/* What a configuration says of logs is read once, so that nobody compares words per line. */
#include <model/logging.h>

#include <stdio.h>
#include <string.h>

#include <base/error.h>
#include <base/level.h>
#include <base/text.h>

static bool is_json(const struct faas_function_config *config)
{
	return !strcmp(config->log_format, "JSON");
}

/* A name that is no name is refused later, and needs no group. */
void fa_logging_defaults(struct faas_function_config *config, char group[FA_LOG_GROUP_DEFAULT])
{
	if (!config->log_format)
		config->log_format = "Text";
	if (!config->app_log_level && is_json(config))
		config->app_log_level = "INFO";
	if (!config->system_log_level && is_json(config))
		config->system_log_level = "INFO";
	if (config->log_group)
		return;
	snprintf(group, FA_LOG_GROUP_DEFAULT, "/aws/lambda/%s", config->name ? config->name : "");
	config->log_group = group;
}

void fa_logging_merge(struct faas_function_config *config,
		      const struct faas_function_config *change)
{
	if (change->log_format && !is_json(change))
		config->app_log_level = config->system_log_level = NULL;
}

static int read_level(enum faas_level *level, const char *what, const char *name,
		      enum faas_level least, enum faas_level most, struct faas_error *err)
{
	char space[64];
	struct fa_text all = FA_TEXT(space);

	if (!name)
		return 0;
	if (fa_level_read(level, name) && *level >= least && *level <= most)
		return 0;
	for (enum faas_level one = least; one <= most; one++) {
		fa_text_add(&all, one == least ? "" : one == most ? " or " : ", ");
		fa_text_add(&all, fa_level_name(one));
	}
	return fa_error(err, FAAS_EINVAL, "%s is '%.20s': must be %s", what, name, space);
}

static int check_group(const char *group, struct faas_error *err)
{
	size_t len = strlen(group);

	if (len >= 1 && len <= FA_LOG_GROUP_MAX &&
	    strspn(group, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
			  "_./#-") == len)
		return 0;
	return fa_error(err, FAAS_EINVAL,
			"'%.60s' is not the name of a log group: 1 to %d letters, digits and "
			"_ . / # -",
			group, FA_LOG_GROUP_MAX);
}

int fa_logging_read(struct fa_logging *logging, const struct faas_function_config *config,
		    struct faas_error *err)
{
	int rc;

	*logging = (struct fa_logging){ .json = is_json(config),
					.application = FAAS_TRACE,
					.system = FAAS_TRACE };
	if (!logging->json && strcmp(config->log_format, "Text"))
		return fa_error(err, FAAS_EINVAL, "log_format is '%.20s': must be Text or JSON",
				config->log_format);
	if (!logging->json && (config->app_log_level || config->system_log_level))
		return fa_error(err, FAAS_EINVAL, "log levels are for the log format JSON only");
	rc = read_level(&logging->application, "app_log_level", config->app_log_level, FAAS_TRACE,
			FAAS_FATAL, err);
	if (!rc)
		rc = read_level(&logging->system, "system_log_level", config->system_log_level,
				FAAS_DEBUG, FAAS_WARN, err);
	return rc ? rc : check_group(config->log_group, err);
}
