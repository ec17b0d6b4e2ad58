/* SPDX-License-Identifier: MIT */
#ifndef FA_CONTROL_CONFIG_H
#define FA_CONTROL_CONFIG_H

/* What the operations that make, change and show functions share: a configuration as JSON. */
#include <build.h>
#include <control/control.h>
#include <model/runtimes.h>

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
/* FAAS_EINVAL if a list of that name names any other than this machine's. */
int fa_control_check_architectures(const struct fa_document *in, const char *name,
				   struct faas_error *err);

/* A version, and what it is at. */
int fa_control_answer(struct fa_document *out, struct faas *rt, const struct fa_version *version,
		      const char *qualifier, struct faas_error *err);

/* Answers with what is being built, as it stands now. */
int fa_control_tell_build(struct faas *rt, const struct fa_build *build, struct fa_document *out,
			  struct faas_error *err);
/* The same, and starts it. NULL: err->code. */
int fa_control_build(struct faas *rt, struct fa_build *build, struct fa_document *out,
		     struct faas_error *err);

/* The rows of what fa_control_read_config() reads, for the tables of operations. */
#define FA_ENVIRONMENT_FIELD \
	FA_OBJECT_OF("Environment", false, \
		     { .name = "Variables", .kind = FA_SECRETS_FIELD, \
		       .inner = (const struct fa_field[]){ \
			       FA_TEXT_ITEM(0, 0, fa_fits_variable, \
					    FA_PATTERN "[a-zA-Z]([a-zA-Z0-9_])+"), \
			       FA_TEXT_ITEM(0, 0, NULL, NULL) } })
#define FA_LOGGING_FIELD \
	FA_OBJECT_OF("LoggingConfig", false, \
		     FA_WORD_OF("LogFormat", false, "[JSON, Text]"), \
		     FA_WORD_OF("ApplicationLogLevel", false, \
				"[TRACE, DEBUG, INFO, WARN, ERROR, FATAL]"), \
		     FA_WORD_OF("SystemLogLevel", false, "[DEBUG, INFO, WARN]"), \
		     FA_FITTING("LogGroup", false, 1, 512, fa_fits_log_group, \
				FA_PATTERN "[\\.\\-_/#A-Za-z0-9]+"))
#define FA_FILE_SYSTEMS_FIELD \
	FA_LIST_OF("FileSystemConfigs", false, 0, 1, \
		   FA_OBJECT_OF(NULL, false, \
				FA_FITTING("Arn", true, 0, 200, fa_fits_file_system, \
				  FA_PATTERN "arn:aws[a-zA-Z-]*:elasticfilesystem:[a-z]{2}" \
					     "((-gov)|(-iso(b?)))?-[a-z]+-\\d{1}:\\d{12}:" \
					     "access-point/fsap-[a-f0-9]{17}"), \
				FA_FITTING("LocalMountPath", true, 0, 160, fa_fits_mount_path, \
					   FA_PATTERN "^/mnt/[a-zA-Z0-9-_.]+$")))
#define FA_VPC_FIELD \
	FA_OBJECT_OF("VpcConfig", false, \
		     FA_LIST_OF("SubnetIds", false, 0, 16, FA_TEXT_ITEM(0, 0, NULL, NULL)), \
		     FA_LIST_OF("SecurityGroupIds", false, 0, 5, FA_TEXT_ITEM(0, 0, NULL, NULL)), \
		     FA_BOOLEAN_OF("Ipv6AllowedForDualStack"))
#define FA_CONFIG_FIELDS \
	FA_FITTING("Runtime", false, 0, 0, fa_runtime_known, \
		   FA_RUNTIME_CONSTRAINT " or be a valid ARN"), \
	FA_FITTING("Handler", false, 0, 128, fa_fits_words, FA_PATTERN "[^\\s]+"), \
	FA_TEXT_OF("Description", 256), \
	FA_FITTING("KMSKeyArn", false, 0, 0, fa_fits_key, \
		   FA_PATTERN "(arn:(aws[a-zA-Z-]*)?:[a-z0-9-.]+:.*)|()"), \
	FA_INTEGER_OF("Timeout", false, 1, 900), \
	FA_INTEGER_OF("MemorySize", false, 128, 10240), \
	FA_ENVIRONMENT_FIELD, \
	FA_OBJECT_OF("EphemeralStorage", false, \
		     FA_INTEGER_OF("Size", true, 512, 10240)), \
	FA_OBJECT_OF("DeadLetterConfig", false, \
		     FA_FITTING("TargetArn", false, 0, 0, fa_fits_address, \
				FA_PATTERN "(arn:(aws[a-zA-Z-]*)?:[a-z0-9-.]+:.*)|()")), \
	FA_LOGGING_FIELD, \
	FA_LIST_OF("Layers", false, 0, 0, \
		   FA_TEXT_ITEM(1, 140, fa_fits_layer_version, \
				FA_PATTERN FA_LAYER_VERSION_PATTERN)), \
	FA_OBJECT_OF("TracingConfig", false, \
		     FA_WORD_OF("Mode", false, "[Active, PassThrough]")), \
	FA_FILE_SYSTEMS_FIELD, \
	FA_VPC_FIELD, \
	FA_OBJECT_OF("ImageConfig", false, \
		     FA_LIST_OF("EntryPoint", false, 0, 1500, FA_TEXT_ITEM(0, 0, NULL, NULL)), \
		     FA_LIST_OF("Command", false, 0, 1500, FA_TEXT_ITEM(0, 0, NULL, NULL)), \
		     FA_TEXT_OF("WorkingDirectory", 1000)), \
	FA_OBJECT_OF("SnapStart", false, \
		     FA_WORD_OF("ApplyOn", false, "[PublishedVersions, None]"))

#define FA_SIGNING_ARN_MAX 200
#define FA_SIGNING_FIELD(needed) \
	FA_FITTING("CodeSigningConfigArn", needed, 0, FA_SIGNING_ARN_MAX, fa_fits_signing, \
		   FA_PATTERN "arn:(aws[a-zA-Z-]*)?:lambda:[a-z]{2}((-gov)|(-iso(b?)))?-[a-z]+-" \
			      "\\d{1}:\\d{12}:code-signing-config:csc-[a-z0-9]{17}")
bool fa_fits_signing(const char *text);
/* Whether code that nobody signed is kept from who uses that configuration. */
int fa_control_find_signing(struct faas *rt, const char *arn, bool *enforced,
			    struct faas_error *err);
/* No signature is looked at here: all code is what the policy calls untrusted. */
int fa_control_unsigned(struct faas_error *err);

#define FA_ROLE_FIELD(needed) \
	FA_FITTING("Role", needed, 0, 0, fa_fits_role, \
		   FA_PATTERN "arn:(aws[a-zA-Z-]*)?:iam::\\d{12}:role/?[a-zA-Z_0-9+=,.@\\-_/]+")
bool fa_fits_variable(const char *text);
bool fa_fits_log_group(const char *text);
bool fa_fits_file_system(const char *text);
bool fa_fits_mount_path(const char *text);
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
