/* SPDX-License-Identifier: MIT */
#ifndef FA_CONTROL_CONFIG_H
#define FA_CONTROL_CONFIG_H

/* What the operations that make, change and show functions share: a configuration as JSON. */
#include <build.h>
#include <control/control.h>

/* `qualifier`: as the caller wrote it, or NULL for the function itself. 0 or FAAS_ENOMEM. */
int fa_control_put_config(struct fa_document *out, const struct fa_version *version,
			  const char *qualifier);
/*
 * What a request says of a configuration; members that it does not name are at their
 * default. The strings live as long as `in`; release it when this returned 0.
 */
int fa_control_read_config(struct faas *rt, const struct fa_document *in,
			   struct faas_function_config *config, struct faas_error *err);
void fa_control_release_config(struct faas_function_config *config);

/* The ZIP in `code`, the bytes fa_alloc()ed; NULL: see err->code. */
void *fa_control_zip(struct faas *rt, const struct fa_document *code, size_t *len,
		     struct faas_error *err);
/* FAAS_EINVAL if the object of that name has members that fa_control_zip() does not know. */
int fa_control_check_zip_object(const struct fa_document *in, const char *name,
				struct faas_error *err);
/* FAAS_EINVAL if a list of that name names any other than this machine's. */
int fa_control_check_architectures(const struct fa_document *in, const char *name,
				   struct faas_error *err);

/* A version, and what it is at. */
int fa_control_answer(struct fa_document *out, struct faas *rt, const struct fa_version *version,
		      const char *qualifier, struct faas_error *err);

/* Answers with what is being built, as it stands now, and starts it. NULL: err->code. */
int fa_control_build(struct faas *rt, struct fa_build *build, struct fa_document *out,
		     struct faas_error *err);

/* The rows of what fa_control_read_config() reads, for the tables of operations. */
#define FA_CONFIG_FIELDS \
	{ "Runtime", FA_TEXT_FIELD, false, 0, 0, NULL, NULL }, \
	{ "Handler", FA_TEXT_FIELD, false, 0, 128, NULL, NULL }, \
	FA_TEXT_OF("Description", 256), \
	{ "KMSKeyArn", FA_TEXT_FIELD, false, 0, 0, fa_fits_key, \
	  "Member must satisfy regular expression pattern: " \
	  "(arn:(aws[a-zA-Z-]*)?:[a-z0-9-.]+:.*)|()" }, \
	{ "Timeout", FA_INTEGER_FIELD, false, 1, 900, NULL, NULL }, \
	{ "MemorySize", FA_INTEGER_FIELD, false, 128, 10240, NULL, NULL }, \
	{ "Environment", FA_OBJECT_FIELD, false, 0, 0, NULL, NULL }, \
	{ "EphemeralStorage", FA_OBJECT_FIELD, false, 0, 0, NULL, NULL }, \
	{ "DeadLetterConfig", FA_OBJECT_FIELD, false, 0, 0, NULL, NULL }, \
	{ "LoggingConfig", FA_OBJECT_FIELD, false, 0, 0, NULL, NULL }, \
	{ "Layers", FA_LIST_FIELD, false, 0, 0, NULL, NULL }, \
	{ "TracingConfig", FA_OBJECT_FIELD, false, 0, 0, NULL, NULL }, \
	{ "FileSystemConfigs", FA_LIST_FIELD, false, 0, 0, NULL, NULL }

#define FA_ROLE_FIELD(needed) \
	{ "Role", FA_TEXT_FIELD, needed, 0, 0, fa_fits_role, \
	  "Member must satisfy regular expression pattern: " \
	  "arn:(aws[a-zA-Z-]*)?:iam::\\d{12}:role/?[a-zA-Z_0-9+=,.@\\-_/]+" }
bool fa_fits_role(const char *text);
bool fa_fits_key(const char *text);

/* These return 0 or FAAS_ENOMEM. A time is in milliseconds of Unix time. */
int fa_control_put_time(struct fa_document *out, const char *name, int64_t unix_ms);
/* {"member": value} under a name. */
int fa_control_put_text_in(struct fa_document *out, const char *name, const char *member,
			   const char *text);
int fa_control_put_integer_in(struct fa_document *out, const char *name, const char *member,
			      int64_t value);

#endif
