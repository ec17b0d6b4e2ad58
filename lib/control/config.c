/* SPDX-License-Identifier: MIT */
/*
 * A function's configuration as the API writes it, both ways. What is read is
 * borrowed from the request, but for the variables; whether its values are good
 * is for the model to say, except where the API has words of its own.
 */
#include <control/config.h>

#include <limits.h>
#include <stdio.h>
#include <string.h>

#include <base/error.h>
#include <base/text.h>
#include <model/sealed.h>
#include <model/vpc.h>

/* ---- a configuration as JSON ----------------------------------------- */

int fa_control_put_time(struct fa_document *out, const char *name, int64_t unix_ms)
{
	char text[48];
	struct fa_text date = FA_TEXT(text);

	fa_text_time(&date, unix_ms);
	strcpy(text + date.len - 1, "+0000"); /* for the Z */
	return fa_document_put_text(out, name, text);
}

int fa_control_put_text_in(struct fa_document *out, const char *name, const char *member,
			   const char *text)
{
	struct fa_document *object = fa_document_object();
	int rc = fa_document_put_text(object, member, text);

	return fa_document_put(out, name, object) | rc;
}

int fa_control_put_integer_in(struct fa_document *out, const char *name, const char *member,
			      int64_t value)
{
	struct fa_document *object = fa_document_object();
	int rc = fa_document_put_integer(object, member, value);

	return fa_document_put(out, name, object) | rc;
}

/* Why they cannot be shown is shown instead. */
static int put_error(struct fa_document *environment, const struct faas_error *why)
{
	struct fa_document *error = fa_document_object();
	int rc = fa_document_put_text(error, "ErrorCode", why->type) |
		 fa_document_put_text(error, "Message", why->message);

	return fa_document_put(environment, "Error", error) | rc;
}

static int put_list(struct fa_document *environment, const char *const *list)
{
	struct fa_document *variables = fa_document_object();
	int rc = 0;

	for (; *list; list++) {
		size_t len = strcspn(*list, "=");
		char name[len + 1];

		memcpy(name, *list, len);
		name[len] = '\0';
		rc |= fa_document_put_text(variables, name, *list + len + 1);
	}
	return fa_document_put(environment, "Variables", variables) | rc;
}

static int put_variables(struct fa_document *out, const struct fa_version *v)
{
	struct fa_document *environment = fa_document_object();
	struct fa_variables variables;
	struct faas_error why;
	int rc;

	if (fa_variables_open(&variables, v, &why) < 0)
		rc = put_error(environment, &why);
	else
		rc = put_list(environment, variables.list);
	fa_variables_close(&variables);
	return fa_document_put(out, "Environment", environment) | rc;
}

static int put_architectures(struct fa_document *out)
{
	struct fa_document *list = fa_document_array();
#ifdef __aarch64__
	int rc = fa_document_append_text(list, "arm64");
#else
	int rc = fa_document_append_text(list, "x86_64");
#endif

	return fa_document_put(out, "Architectures", list) | rc;
}

/* `qualifier`: as the caller wrote it, or NULL for the function itself. */
static int put_identity(struct fa_document *out, const struct fa_version *v, const char *qualifier)
{
	char arn[FA_TARGET_MAX];

	snprintf(arn, sizeof(arn), "%s%s%s", v->arn, qualifier ? ":" : "",
		 qualifier ? qualifier : "");
	return fa_document_put_text(out, "FunctionName", v->config.name) |
	       fa_document_put_text(out, "FunctionArn", arn) |
	       fa_document_put_text(out, "Version", v->qualifier) |
	       fa_document_put_text(out, "RevisionId", v->revision);
}

static int put_logging(struct fa_document *out, const struct faas_function_config *c)
{
	struct fa_document *logging = fa_document_object();
	int rc = fa_document_put_text(logging, "LogFormat", c->log_format);

	if (c->app_log_level)
		rc |= fa_document_put_text(logging, "ApplicationLogLevel", c->app_log_level);
	if (c->system_log_level)
		rc |= fa_document_put_text(logging, "SystemLogLevel", c->system_log_level);
	rc |= fa_document_put_text(logging, "LogGroup", c->log_group);
	return fa_document_put(out, "LoggingConfig", logging) | rc;
}

static int put_layers(struct fa_document *out, const struct fa_version *v)
{
	struct fa_document *list = fa_document_array();
	int rc = 0;

	for (size_t i = 0; i < v->layer_count; i++) {
		struct fa_document *layer = fa_document_object();

		rc |= fa_document_put_text(layer, "Arn", v->config.layers[i]);
		rc |= fa_document_put_integer(layer, "CodeSize", v->code.layer_sizes[i]);
		rc |= fa_document_append(list, layer);
	}
	return fa_document_put(out, "Layers", list) | rc;
}

static int put_file_system(struct fa_document *out, const struct faas_function_config *c)
{
	struct fa_document *list = fa_document_array(), *one = fa_document_object();
	int rc = fa_document_put_text(one, "Arn", c->file_system);

	rc |= fa_document_put_text(one, "LocalMountPath", c->mount_path);
	rc |= fa_document_append(list, one);
	return fa_document_put(out, "FileSystemConfigs", list) | rc;
}

static int put_ids(struct fa_document *out, const char *name, const char *ids)
{
	struct fa_document *list = fa_document_array();
	struct faas_bytes id;
	int rc = 0;

	while (fa_vpc_next_id(&ids, &id)) {
		char text[id.len + 1];

		memcpy(text, id.data, id.len);
		text[id.len] = '\0';
		rc |= fa_document_append_text(list, text);
	}
	return fa_document_put(out, name, list) | rc;
}

/* Of a VPC that this host has not got (any more) the name is not known. */
static int put_vpc(struct fa_document *out, const struct fa_version *v)
{
	const char *id = fa_vpc_id(v->code.vpcs, &v->config);
	struct fa_document *vpc = fa_document_object();
	int rc = put_ids(vpc, "SubnetIds", v->config.subnets);

	rc |= put_ids(vpc, "SecurityGroupIds", v->config.security_groups);
	rc |= fa_document_put_text(vpc, "VpcId", id ? id : "");
	rc |= fa_document_put_boolean(vpc, "Ipv6AllowedForDualStack", false);
	return fa_document_put(out, "VpcConfig", vpc) | rc;
}

static int put_texts(struct fa_document *out, const char *name, const char *const *texts)
{
	struct fa_document *list = fa_document_array();
	int rc = 0;

	if (!texts || !*texts) {
		fa_document_free(list);
		return 0;
	}
	for (; *texts; texts++)
		rc |= fa_document_append_text(list, *texts);
	return fa_document_put(out, name, list) | rc;
}

static int put_image_config(struct fa_document *out, const struct faas_function_config *c)
{
	struct fa_document *response = fa_document_object(), *config = fa_document_object();
	int rc = put_texts(config, "EntryPoint", c->entry_point) |
		 put_texts(config, "Command", c->command);

	if (*c->working_directory)
		rc |= fa_document_put_text(config, "WorkingDirectory", c->working_directory);
	rc |= fa_document_put(response, "ImageConfig", config);
	return fa_document_put(out, "ImageConfigResponse", response) | rc;
}

static bool has_image_config(const struct faas_function_config *c)
{
	return c->entry_point || c->command || *c->working_directory;
}

/* With .snapshot it is that of all versions, for which Lambda has no word. */
static int put_snap_start(struct fa_document *out, const struct fa_version *v)
{
	struct fa_document *snap_start = fa_document_object();
	int rc = fa_document_put_text(snap_start, "ApplyOn", v->config.snap_start);

	rc |= fa_document_put_text(snap_start, "OptimizationStatus", v->snapshot ? "On" : "Off");
	return fa_document_put(out, "SnapStart", snap_start) | rc;
}

/* Lambda counts in seconds: a part of one is told as one. */
int fa_control_put_config(struct fa_document *out, const struct fa_version *v,
			  const char *qualifier)
{
	const struct faas_function_config *c = &v->config;
	int rc = put_identity(out, v, qualifier);

	if (c->runtime)
		rc |= fa_document_put_text(out, "Runtime", c->runtime);
	if (c->role)
		rc |= fa_document_put_text(out, "Role", c->role);
	if (c->handler)
		rc |= fa_document_put_text(out, "Handler", c->handler);
	rc |= fa_document_put_text(out, "Description", c->description);
	rc |= fa_document_put_integer(out, "Timeout", (c->timeout_ms + 999) / 1000);
	rc |= fa_document_put_integer(out, "MemorySize", c->memory_mb);
	rc |= fa_control_put_integer_in(out, "EphemeralStorage", "Size", c->tmp_mb);
	rc |= fa_control_put_time(out, "LastModified", v->modified_ms);
	rc |= fa_document_put_text(out, "CodeSha256", v->code_sha256);
	if (v->code.package)
		rc |= fa_document_put_integer(out, "CodeSize", v->code.package->zipped);
	if (v->layer_count)
		rc |= put_layers(out, v);
	rc |= fa_document_put_text(out, "PackageType", c->image ? "Image" : "Zip");
	rc |= put_architectures(out);
	rc |= fa_control_put_text_in(out, "TracingConfig", "Mode", c->tracing);
	rc |= put_snap_start(out, v);
	rc |= put_logging(out, c);
	if (*c->dead_letter)
		rc |= fa_control_put_text_in(out, "DeadLetterConfig", "TargetArn", c->dead_letter);
	if (v->environment_count || v->unreadable)
		rc |= put_variables(out, v);
	if (*c->kms_key_arn)
		rc |= fa_document_put_text(out, "KMSKeyArn", c->kms_key_arn);
	if (*c->file_system)
		rc |= put_file_system(out, c);
	if (*c->subnets)
		rc |= put_vpc(out, v);
	if (has_image_config(c))
		rc |= put_image_config(out, c);
	return rc;
}

bool fa_fits_role(const char *text)
{
	const char *place = strstr(text, ":iam::"), *role = place ? strstr(place, ":role/") : NULL;

	return !strncmp(text, "arn:", 4) && role && role[6] &&
	       strspn(place + 6, "0123456789") == (size_t)(role - place - 6);
}

/* ---- a configuration from JSON ------------------------------------------ */

static void free_variables(const char *const *variables)
{
	for (size_t i = 0; variables && variables[i]; i++) {
		explicit_bzero((char *)variables[i], strlen(variables[i]));
		fa_free((char *)variables[i]);
	}
	fa_free((void *)variables);
}

static char *join(struct faas *rt, const char *name, const char *value)
{
	size_t len = strlen(name) + strlen(value) + 2;
	char *text = fa_alloc_dirty(&rt->mem, len);

	if (text)
		snprintf(text, len, "%s=%s", name, value);
	return text;
}

/* Environment.Variables as "NAME=value", or NULL if the request does not speak of them. */
static int read_variables(struct faas *rt, const struct fa_document *in, const char ***variables,
			  struct faas_error *err)
{
	const struct fa_document *map =
		fa_document_get(fa_document_get(in, "Environment"), "Variables");
	const struct fa_document *value;
	const char *name = NULL;
	size_t n = 0;

	*variables = NULL;
	if (!map)
		return 0;
	*variables = fa_alloc(&rt->mem, (fa_document_count(map) + 1) * sizeof(**variables));
	if (!*variables)
		return fa_error_nomem(err);
	while ((name = fa_document_next(map, name, &value))) {
		(*variables)[n] = join(rt, name, fa_document_text(value));
		if (!(*variables)[n++])
			return fa_error_nomem(err);
	}
	return 0;
}

/* ---- objects of texts -------------------------------------------------- */

static const char *text_in(const struct fa_document *in, const char *object, const char *name)
{
	return fa_control_text(fa_document_get(in, object), name);
}

static void read_logging(const struct fa_document *in, struct faas_function_config *c)
{
	c->log_format = text_in(in, "LoggingConfig", "LogFormat");
	c->app_log_level = text_in(in, "LoggingConfig", "ApplicationLogLevel");
	c->system_log_level = text_in(in, "LoggingConfig", "SystemLogLevel");
	c->log_group = text_in(in, "LoggingConfig", "LogGroup");
}

/* Without a TargetArn: nobody. */
static const char *read_dead_letter(const struct fa_document *in)
{
	const char *target = text_in(in, "DeadLetterConfig", "TargetArn");

	return target || !fa_document_get(in, "DeadLetterConfig") ? target : "";
}

/* Without any in it: none again. */
static void read_file_system(const struct fa_document *in, struct faas_function_config *c)
{
	const struct fa_document *list = fa_document_get(in, "FileSystemConfigs");
	const struct fa_document *first = fa_document_item(list, 0);

	c->file_system = first ? fa_control_text(first, "Arn") : list ? "" : NULL;
	c->mount_path = fa_control_text(first, "LocalMountPath");
}

/* ---- what texts may be --------------------------------------------------- */

#define LETTERS "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
#define DIGITS "0123456789"

bool fa_fits_variable(const char *text)
{
	return *text && strchr(LETTERS, *text) && text[1] &&
	       !text[strspn(text, LETTERS DIGITS "_")];
}

bool fa_fits_log_group(const char *text)
{
	return !text[strspn(text, LETTERS DIGITS ".-_/#")];
}

bool fa_fits_file_system(const char *text)
{
	return !strncmp(text, "arn:", 4); /* it is the host that names them */
}

bool fa_fits_mount_path(const char *text)
{
	const char *name = text + strlen("/mnt/");

	return !strncmp(text, "/mnt/", 5) && *name &&
	       !name[strspn(name, LETTERS DIGITS "-_.")];
}

bool fa_fits_key(const char *text)
{
	return !*text || !strncmp(text, "arn:", 4);
}

/* The list alone is ours; what is in it (NULL: nothing) is the request's. */
static int read_list(struct faas *rt, const struct fa_document *list, const char *const **to,
		     struct faas_error *err)
{
	const struct fa_document *item;
	const char **texts;
	size_t count = 0;

	while (fa_document_item(list, count))
		count++;
	texts = fa_alloc(&rt->mem, (count + 1) * sizeof(*texts));
	*to = texts;
	if (!texts)
		return fa_error_nomem(err);
	for (size_t i = 0; (item = fa_document_item(list, i)); i++)
		texts[i] = fa_document_text(item);
	return 0;
}

static int read_layers(struct faas *rt, const struct fa_document *in,
		       struct faas_function_config *c, struct faas_error *err)
{
	const struct fa_document *list = fa_document_get(in, "Layers");

	return list ? read_list(rt, list, &c->layers, err) : 0;
}

/* What it does not name is the image's own again. */
static int read_image_config(struct faas *rt, const struct fa_document *in,
			     struct faas_function_config *c, struct faas_error *err)
{
	const struct fa_document *image = fa_document_get(in, "ImageConfig");
	const char *directory = fa_control_text(image, "WorkingDirectory");
	int rc;

	if (!image)
		return 0;
	c->working_directory = directory ? directory : "";
	rc = read_list(rt, fa_document_get(image, "EntryPoint"), &c->entry_point, err);
	return rc ? rc : read_list(rt, fa_document_get(image, "Command"), &c->command, err);
}

/* NULL: the request does not speak of them. The text is fa_alloc()ed. */
static int read_ids(struct faas *rt, const struct fa_document *list, const char **ids,
		    struct faas_error *err)
{
	const struct fa_document *item;
	struct fa_text text = { .size = 1 };

	if (!list)
		return 0;
	for (size_t i = 0; (item = fa_document_item(list, i)); i++)
		text.size += strlen(fa_document_text(item)) + 1;
	text.data = fa_alloc(&rt->mem, text.size);
	*ids = text.data;
	if (!text.data)
		return fa_error_nomem(err);
	for (size_t i = 0; (item = fa_document_item(list, i)); i++) {
		if (!*fa_document_text(item) || strchr(fa_document_text(item), ','))
			return fa_error(err, FAAS_EINVAL, "'%.100s' is no id in a VpcConfig",
					fa_document_text(item));
		fa_text_add(&text, i ? "," : "");
		fa_text_add(&text, fa_document_text(item));
	}
	return 0;
}

static int read_vpc(struct faas *rt, const struct fa_document *in, struct faas_function_config *c,
		    struct faas_error *err)
{
	const struct fa_document *vpc = fa_document_get(in, "VpcConfig");
	bool dual = false;
	int rc = read_ids(rt, fa_document_get(vpc, "SubnetIds"), &c->subnets, err);

	fa_document_boolean(fa_document_get(vpc, "Ipv6AllowedForDualStack"), &dual);
	if (!rc)
		rc = read_ids(rt, fa_document_get(vpc, "SecurityGroupIds"), &c->security_groups,
			      err);
	if (!rc && dual)
		rc = fa_error(err, FAAS_EINVAL,
			      "Ipv6AllowedForDualStack must be false: subnets here are of IPv4");
	return rc;
}

/* ---- all of it --------------------------------------------------------- */

void fa_control_release_config(struct faas_function_config *c)
{
	free_variables(c->environment);
	c->environment = NULL;
	fa_free((void *)c->layers);
	fa_free((char *)c->subnets);
	fa_free((char *)c->security_groups);
	c->subnets = c->security_groups = NULL;
	fa_free((void *)c->entry_point);
	fa_free((void *)c->command);
	c->layers = c->entry_point = c->command = NULL;
}

int fa_control_read_config(struct faas *rt, const struct fa_document *in,
			   struct faas_function_config *c, struct faas_error *err)
{
	const char **variables;
	int rc = read_variables(rt, in, &variables, err);

	*c = (struct faas_function_config){ .size = sizeof(*c),
					    .environment = variables,
					    .runtime = fa_control_text(in, "Runtime"),
					    .role = fa_control_text(in, "Role"),
					    .handler = fa_control_text(in, "Handler"),
					    .description = fa_control_text(in, "Description"),
					    .tracing = text_in(in, "TracingConfig", "Mode"),
					    .snap_start = text_in(in, "SnapStart", "ApplyOn"),
					    .dead_letter = read_dead_letter(in),
					    .tmp_mb = fa_control_number(
						    fa_document_get(in, "EphemeralStorage"),
						    "Size", 0),
					    .kms_key_arn = fa_control_text(in, "KMSKeyArn"),
					    .timeout_ms =
						    fa_control_number(in, "Timeout", 0) * 1000,
					    .memory_mb = fa_control_number(in, "MemorySize", 0) };
	read_logging(in, c);
	read_file_system(in, c);
	if (!rc)
		rc = read_layers(rt, in, c, err);
	if (!rc)
		rc = read_vpc(rt, in, c, err);
	if (!rc)
		rc = read_image_config(rt, in, c, err);
	if (rc)
		fa_control_release_config(c);
	return rc;
}
