/* SPDX-License-Identifier: MIT */
/*
 * A configuration is checked whole before anything is kept of it. Whether the
 * code can really be run is known only inside an environment: its file is
 * hostile and is never opened here, only looked for.
 */
#include <model/function.h>

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <base/error.h>
#include <base/prototype.h>
#include <base/text.h>
#include <model/event_config.h>
#include <model/file_system.h>
#include <model/fingerprint.h>
#include <model/kind.h>
#include <model/sealed.h>
#include <model/trace.h>
#include <model/vpc.h>

#define ENVIRONMENT_MAX 4096

static int default_to(int value, int otherwise)
{
	return value ? value : otherwise;
}

static int check_range(const char *what, int value, int low, int high, struct faas_error *err)
{
	if (value >= low && value <= high)
		return 0;
	return fa_error(err, FAAS_EINVAL, "%s is %d: must be between %d and %d", what, value, low,
			high);
}

#define SNAP_START "PublishedVersions"

bool fa_config_snapshot(const struct faas_function_config *config)
{
	return config->snapshot ||
	       (config->snap_start && !strcmp(config->snap_start, SNAP_START));
}

static void fill_defaults(struct faas_function_config *config)
{
	config->memory_mb = default_to(config->memory_mb, 128);
	config->timeout_ms = default_to(config->timeout_ms, 3000);
	config->tmp_mb = default_to(config->tmp_mb, 512);
	config->max_retries = config->max_retries == FAAS_NONE ? 0 :
							       default_to(config->max_retries, 2);
	config->max_age_s = default_to(config->max_age_s, 21600);
	if (!config->description)
		config->description = "";
	if (!config->tracing)
		config->tracing = "PassThrough";
	if (!config->snap_start)
		config->snap_start = "None";
	if (!config->dead_letter)
		config->dead_letter = "";
	if (!config->kms_key_arn)
		config->kms_key_arn = "";
	if (!config->file_system)
		config->file_system = "";
	if (!config->mount_path || !*config->file_system)
		config->mount_path = "";
	if (!config->subnets)
		config->subnets = "";
	if (!config->security_groups)
		config->security_groups = "";
	if (!config->working_directory)
		config->working_directory = "";
	if (config->provisioned == FAAS_NONE)
		config->provisioned = 0;
	if (!config->isolation)
		config->isolation = config->native ? FAAS_THREAD : FAAS_PROCESS;
}

static int check_numbers(const struct faas_function_config *c, struct faas_error *err)
{
	int most = c->max_concurrency == FAAS_NONE ? 0 : c->max_concurrency;
	int rc = check_range("memory_mb", c->memory_mb, 128, 10240, err);

	if (!rc)
		rc = check_range("timeout_ms", c->timeout_ms, 1, 900000, err);
	if (!rc)
		rc = check_range("tmp_mb", c->tmp_mb, 512, 10240, err);
	if (!rc)
		rc = check_range("max_concurrency", most, 0, 1000000, err);
	if (!rc)
		rc = check_range("max_retries", c->max_retries, 0, 2, err);
	if (!rc)
		rc = check_range("max_age_s", c->max_age_s, 60, 21600, err);
	if (!rc)
		rc = check_range("provisioned", c->provisioned, 0, 1000000, err);
	if (!rc && c->max_concurrency && c->provisioned > most)
		rc = fa_error(err, FAAS_EINVAL,
			      "provisioned is %d: must not be greater than the function's "
			      "max_concurrency, which is %d",
			      c->provisioned, most);
	return rc;
}

/* Names that Lambda sets itself (semantics 1.3); others that begin with AWS_ are free. */
static bool reserved(const char *name, size_t len)
{
	static const char *const names[] = {
		"AWS_ACCESS_KEY",
		"AWS_ACCESS_KEY_ID",
		"AWS_DEFAULT_REGION",
		"AWS_EXECUTION_ENV",
		"AWS_LAMBDA_FUNCTION_MEMORY_SIZE",
		"AWS_LAMBDA_FUNCTION_NAME",
		"AWS_LAMBDA_FUNCTION_VERSION",
		"AWS_LAMBDA_INITIALIZATION_TYPE",
		"AWS_LAMBDA_LOG_GROUP_NAME",
		"AWS_LAMBDA_LOG_STREAM_NAME",
		"AWS_LAMBDA_RUNTIME_API",
		"AWS_REGION",
		"AWS_SECRET_ACCESS_KEY",
		"AWS_SESSION_TOKEN",
		"LAMBDA_RUNTIME_DIR",
		"LAMBDA_TASK_ROOT",
	};

	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++)
		if (strlen(names[i]) == len && !memcmp(name, names[i], len))
			return true;
	return false;
}

static int check_environment(const char *const *variables, size_t *count, struct faas_error *err)
{
	size_t total = 1; /* as the JSON of the map: the braces less the last comma */

	for (*count = 0; variables && variables[*count]; (*count)++) {
		const char *text = variables[*count];
		size_t name = strcspn(text, "="), i;

		total += strlen(text) + 5; /* quotes, colon, comma */
		for (i = 0; i < name; i++)
			if (!strchr("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
				    "0123456789_", text[i]))
				break;
		if (!text[name] || i < name || name < 2 || strchr("0123456789_", *text))
			return fa_error(err, FAAS_EINVAL,
					"environment variable '%.60s': expected NAME=value, the "
					"name of at least two letters, digits and '_', a letter "
					"first",
					text);
		if (reserved(text, name))
			return fa_error(err, FAAS_EINVAL,
					"Lambda was unable to configure your environment variables "
					"because the environment variables you have provided "
					"contains reserved keys that are currently not supported "
					"for modification. Reserved keys used in this request: "
					"%.*s",
					(int)name, text);
	}
	if (total > ENVIRONMENT_MAX)
		return fa_error(err, FAAS_EINVAL,
				"the environment variables exceed the 4KB limit by %zu bytes",
				total - ENVIRONMENT_MAX);
	return 0;
}

static int check_snap_start(const char *apply_on, struct faas_error *err)
{
	if (!strcmp(apply_on, "None") || !strcmp(apply_on, SNAP_START))
		return 0;
	return fa_error(err, FAAS_EINVAL,
			"snap_start is '%.20s': must be " SNAP_START " or None", apply_on);
}

static int check_tracing(const char *tracing, struct faas_error *err)
{
	if (!strcmp(tracing, "Active") || !strcmp(tracing, "PassThrough"))
		return 0;
	return fa_error(err, FAAS_EINVAL, "tracing is '%.20s': must be Active or PassThrough",
			tracing);
}

static int check_prototype(const struct faas_function_config *c, const char *method,
			   struct faas_error *err)
{
	struct fa_prototype prototype;
	int rc;

	if (!c->prototype)
		return 0;
	rc = fa_prototype_parse(&prototype, c->prototype, err);
	if (rc < 0)
		return rc;
	if (strcmp(prototype.name, method))
		return fa_error(err, FAAS_EINVAL,
				"the prototype declares '%.60s', but the handler's method is "
				"'%.60s'",
				prototype.name, method);
	return 0;
}

static bool names_file(const char *code, const char *file)
{
	size_t len = strlen(file);

	return !strncmp(code, file, len) && (!code[len] || !strcmp(code + len, ".so"));
}

/*
 * `code` is a directory, or one .so whose own name is then the file of the
 * handler: the name that was given, for libraries are often links to others.
 */
static int find_code(struct fa_version *v, const char *code, struct faas_error *err)
{
	const char *slash = strrchr(code, '/'), *name = slash ? slash + 1 : code;
	char given[PATH_MAX], path[PATH_MAX];
	struct fa_text directory = FA_TEXT(given);
	struct stat st;

	if (stat(code, &st) < 0)
		return fa_error(err, FAAS_EINVAL, "code '%.100s': %s", code,
				strerrordesc_np(errno));
	if (!S_ISDIR(st.st_mode) && !S_ISREG(st.st_mode))
		return fa_error(err, FAAS_EINVAL,
				"code '%.100s' is neither a directory nor a file", code);
	if (S_ISREG(st.st_mode) && !names_file(name, v->file))
		return fa_error(err, FAAS_EINVAL,
				"the handler's file '%.60s' is not the code '%.100s'", v->file,
				code);
	fa_text_bytes(&directory, code, S_ISREG(st.st_mode) ? (size_t)(name - code) : strlen(code));
	if (!realpath(directory.len ? given : ".", path))
		return fa_error(err, FAAS_EINVAL, "code '%.100s': %s", code,
				strerrordesc_np(errno));
	v->directory = fa_strdup(v->mem, path);
	return v->directory ? 0 : fa_error_nomem(err);
}

static int find_package(struct fa_version *v, struct faas_error *err)
{
	v->directory = fa_strdup(v->mem, v->code.package->directory);
	return v->directory ? 0 : fa_error_nomem(err);
}

const char **fa_config_text(struct faas_function_config *config, size_t index)
{
	static const size_t members[] = {
		offsetof(struct faas_function_config, name),
		offsetof(struct faas_function_config, code),
		offsetof(struct faas_function_config, handler),
		offsetof(struct faas_function_config, prototype),
		offsetof(struct faas_function_config, description),
		offsetof(struct faas_function_config, log_format),
		offsetof(struct faas_function_config, app_log_level),
		offsetof(struct faas_function_config, system_log_level),
		offsetof(struct faas_function_config, log_group),
		offsetof(struct faas_function_config, tracing),
		offsetof(struct faas_function_config, dead_letter),
		offsetof(struct faas_function_config, runtime),
		offsetof(struct faas_function_config, role),
		offsetof(struct faas_function_config, kms_key_arn),
		offsetof(struct faas_function_config, file_system),
		offsetof(struct faas_function_config, mount_path),
		offsetof(struct faas_function_config, snap_start),
		offsetof(struct faas_function_config, subnets),
		offsetof(struct faas_function_config, security_groups),
		offsetof(struct faas_function_config, image),
		offsetof(struct faas_function_config, working_directory),
	};

	if (index >= sizeof(members) / sizeof(*members))
		return NULL;
	return (const char **)((char *)config + members[index]);
}

static int copy_list(const struct fa_mem *mem, const char *const **to, size_t count)
{
	const char *const *from = *to;
	const char **list = NULL;

	*to = NULL;
	if (!count)
		return 0;
	list = fa_alloc(mem, (count + 1) * sizeof(*list));
	*to = list;
	for (size_t i = 0; list && i < count; i++) {
		list[i] = fa_strdup(mem, from[i]);
		if (!list[i])
			return FAAS_ENOMEM;
	}
	return list ? 0 : FAAS_ENOMEM;
}

static size_t count_texts(const char *const *list)
{
	size_t count = 0;

	while (list && list[count])
		count++;
	return count;
}

/* They are the caller's before, and all ours after, whatever comes of it. */
static int copy_strings(struct fa_version *v)
{
	int rc = copy_list(v->mem, &v->config.environment, v->environment_count);
	const char **text;

	if (copy_list(v->mem, &v->config.layers, v->layer_count) < 0 ||
	    copy_list(v->mem, &v->config.entry_point, count_texts(v->config.entry_point)) < 0 ||
	    copy_list(v->mem, &v->config.command, count_texts(v->config.command)) < 0)
		rc = FAAS_ENOMEM;

	/* these are the function's, see event_config.h and tags.h */
	v->config.on_success = v->config.on_failure = NULL;
	v->config.tags = NULL;
	for (size_t i = 0; (text = fa_config_text(&v->config, i)); i++) {
		const char *from = *text;

		*text = fa_strdup(v->mem, from);
		if (from && !*text)
			rc = FAAS_ENOMEM;
	}
	return rc;
}

/* To a program its handler is a word that it alone understands. */
static int take_handler(struct fa_version *v, const char *handler, struct faas_error *err)
{
	int rc = fa_handler_check(handler, err);

	if (rc)
		return rc;
	v->file = fa_strdup(v->mem, "");
	v->method = fa_strdup(v->mem, handler);
	return v->file && v->method ? 0 : fa_error_nomem(err);
}

/* Nor has an image one at all. */
static int take_no_handler(struct fa_version *v, struct faas_error *err)
{
	v->file = fa_strdup(v->mem, "");
	v->method = fa_strdup(v->mem, "");
	return v->file && v->method ? 0 : fa_error_nomem(err);
}

static int split_handler(struct fa_version *v, const char *handler, struct faas_error *err)
{
	size_t len;
	int rc;

	if (v->program || v->embedded)
		return take_handler(v, handler, err);
	rc = fa_handler_split(handler, &len, err);
	if (rc && handler && v->config.runtime)
		return fa_error(err, FAAS_EINVAL,
				"Bad handler '%.100s': the code has no bootstrap, so it is a "
				"plugin and no program, of which \"file.method\" is expected",
				handler);
	if (rc)
		return rc;
	v->file = fa_memdup(v->mem, handler, len);
	v->method = fa_strdup(v->mem, handler + len + 1);
	return v->file && v->method ? 0 : fa_error_nomem(err);
}

static int make_arn(struct fa_version *v, const char *region, const char *account,
		    struct faas_error *err)
{
	char arn[FA_ARN_MAX];
	struct fa_text text = FA_TEXT(arn);

	fa_text_add(&text, "arn:aws:lambda:");
	fa_text_add(&text, region);
	fa_text_add(&text, ":");
	fa_text_add(&text, account);
	fa_text_add(&text, ":function:");
	fa_text_add(&text, v->config.name);
	v->arn = fa_strdup(v->mem, arn);
	return v->arn ? 0 : fa_error_nomem(err);
}

static void make_revision(struct fa_version *v)
{
	uint8_t random[16];

	fa_random_bytes(random, sizeof(random));
	fa_uuid(v->revision, random);
}

static int check_addresses(const struct faas_function_config *c, struct faas_error *err)
{
	int rc = fa_event_config_check(c->name, c->on_success, err);
	struct fa_address address;

	if (!rc)
		rc = fa_event_config_check(c->name, c->on_failure, err);
	if (!rc)
		rc = fa_event_config_check(c->name, c->dead_letter, err);
	if (!rc && c->dead_letter && *c->dead_letter)
		rc = fa_address_parse_letter(&address, c->dead_letter, err);
	return rc;
}

static int fill(struct fa_version *v, const struct faas_function_config *config,
		struct faas_error *err)
{
	int rc = fa_name_check(config->name, err);

	if (!rc)
		rc = fa_kind_find(v, err);
	if (!rc)
		rc = check_numbers(&v->config, err);
	if (!rc)
		rc = fa_logging_read(&v->logging, &v->config, err);
	if (!rc)
		rc = check_tracing(v->config.tracing, err);
	if (!rc)
		rc = check_snap_start(v->config.snap_start, err);
	if (!rc)
		rc = fa_file_system_check(&v->config, err);
	if (!rc)
		rc = fa_vpc_check(&v->config, err);
	if (!rc)
		rc = check_addresses(config, err);
	if (!rc)
		rc = check_environment(config->environment, &v->environment_count, err);
	if (!rc && config->code)
		rc = split_handler(v, config->handler, err);
	if (!rc && config->code)
		rc = check_prototype(config, v->method, err);
	if (!rc && config->image)
		rc = take_no_handler(v, err);
	if (!rc && (config->code || config->image))
		rc = v->code.package ? find_package(v, err) : find_code(v, config->code, err);
	return rc;
}

static void find_given(struct fa_version *v)
{
	const char *arn = v->config.file_system;

	v->unconnected = *v->config.subnets &&
			 (!v->code.vpcs || fa_vpc_check_named(v->code.vpcs, &v->config, NULL));
	if (!*arn)
		return;
	if (v->code.file_systems)
		v->file_system = fa_file_system_find(v->code.file_systems, arn);
	v->unmounted = !v->file_system;
}

static void take_code(struct fa_version *v, const struct fa_code *code)
{
	if (!code)
		return;
	v->code = *code;
	fa_package_ref(code->package);
	fa_package_ref(code->opt);
	while (v->config.layers && v->layer_count < FA_LAYERS_MAX &&
	       v->config.layers[v->layer_count])
		v->layer_count++;
}

struct fa_version *fa_version_create(const struct fa_mem *mem,
				     const struct faas_function_config *config,
				     const char *region, const char *account,
				     struct faas_error *err)
{
	return fa_version_create_of(mem, config, NULL, region, account, err);
}

struct fa_version *fa_version_create_of(const struct fa_mem *mem,
					const struct faas_function_config *config,
					const struct fa_code *code, const char *region,
					const char *account, struct faas_error *err)
{
	struct fa_version *v = fa_alloc(mem, sizeof(*v));
	char log_group[FA_LOG_GROUP_DEFAULT];

	if (!v) {
		fa_error_nomem(err);
		return NULL;
	}
	v->refs = 1;
	v->mem = mem;
	v->qualifier = "$LATEST";
	make_revision(v);
	v->config = *config;
	fill_defaults(&v->config);
	fa_logging_defaults(&v->config, log_group);
	take_code(v, code);
	find_given(v);
	if (fill(v, config, err) < 0)
		goto fail_borrowed;
	if (copy_strings(v) < 0) {
		fa_error_nomem(err);
		goto fail;
	}
	if (make_arn(v, region, account, err) < 0)
		goto fail;
	v->trace_hash = fa_trace_hash(v->arn);
	v->traced = !strcmp(v->config.tracing, "Active");
	v->snapshot = v->config.snapshot;
	if (fa_fingerprint_code(v, v->code_sha256) < 0 ||
	    fa_fingerprint_config(v, v->config_sha256) < 0) {
		fa_error_nomem(err);
		goto fail;
	}
	return v;

fail_borrowed: /* the strings are still the caller's */
	memset(&v->config, 0, sizeof(v->config));
fail:
	fa_version_free(v);
	return NULL;
}

void fa_version_number(struct fa_version *v, int number)
{
	v->number = number;
	v->snapshot = fa_config_snapshot(&v->config);
	snprintf(v->number_text, sizeof(v->number_text), "%d", number);
	v->qualifier = v->number_text;
}

struct fa_version *fa_version_freeze(const struct fa_version *latest, int number,
				     const char *description, const char *region,
				     const char *account, struct faas_error *err)
{
	struct faas_function_config config;
	struct fa_variables variables;
	struct fa_version *v;

	if (fa_variables_open(&variables, latest, err) < 0)
		return NULL;
	fa_version_merge(&config, &latest->config,
			 FAAS_FUNCTION(.description = description, .provisioned = FAAS_NONE));
	config.environment = variables.list;
	v = fa_version_create_of(latest->mem, &config, &latest->code, region, account, err);
	fa_variables_close(&variables);
	if (v && latest->keys && fa_version_seal(v, latest->keys, err) < 0) {
		fa_version_free(v);
		v = NULL;
	}
	if (!v)
		return NULL;
	fa_version_number(v, number);
	/* A description of its own does not make it another version. */
	memcpy(v->config_sha256, latest->config_sha256, sizeof(v->config_sha256));
	return v;
}

void fa_version_merge(struct faas_function_config *out, const struct faas_function_config *base,
		      const struct faas_function_config *change)
{
	const char *const *said, **text;

	*out = *base;
	out->size = sizeof(*out);
	fa_logging_merge(out, change);
	for (size_t i = 0; (text = fa_config_text(out, i)); i++) {
		said = (const char *const *)((const char *)change + ((char *)text - (char *)out));
		if (*said)
			*text = *said;
	}
#define TAKE(member) \
	if (change->member) \
		out->member = change->member
	TAKE(native);
	TAKE(isolation);
	TAKE(memory_mb);
	TAKE(timeout_ms);
	TAKE(tmp_mb);
	TAKE(max_concurrency);
	TAKE(network);
	TAKE(pristine);
	TAKE(snapshot);
	TAKE(environment);
	TAKE(layers);
	TAKE(entry_point);
	TAKE(command);
	TAKE(on_success);
	TAKE(on_failure);
	TAKE(max_age_s);
	TAKE(provisioned);
#undef TAKE
	/* 0 retries was written as FAAS_NONE and must stay 0 when nothing is said */
	if (change->max_retries)
		out->max_retries = change->max_retries;
	else if (!out->max_retries)
		out->max_retries = FAAS_NONE;
}

void fa_version_unref(struct fa_version *version)
{
	if (!version ||
	    atomic_fetch_sub_explicit(&version->refs, 1, memory_order_acq_rel) != 1)
		return;
	if (version->on_unused)
		version->on_unused(version);
	else
		fa_version_free(version);
}

void fa_version_forget_variables(struct fa_version *v)
{
	for (size_t i = 0; v->config.environment && v->config.environment[i]; i++) {
		char *text = (char *)v->config.environment[i];

		explicit_bzero(text, strlen(text));
		fa_free(text);
	}
	fa_free((void *)v->config.environment);
	v->config.environment = NULL;
}

static void free_list(const char *const *list)
{
	for (size_t i = 0; list && list[i]; i++)
		fa_free((char *)list[i]);
	fa_free((void *)list);
}

void fa_version_free(struct fa_version *v)
{
	const char **text;

	if (!v)
		return;
	fa_version_forget_variables(v);
	fa_free(v->sealed);
	free_list(v->config.layers);
	free_list(v->config.entry_point);
	free_list(v->config.command);
	for (size_t i = 0; (text = fa_config_text(&v->config, i)); i++)
		fa_free((char *)*text);
	fa_free((char *)v->directory);
	fa_free((char *)v->file);
	fa_free((char *)v->method);
	fa_free((char *)v->runtime_directory);
	fa_free((char *)v->arn);
	fa_package_unref(v->code.package);
	fa_package_unref(v->code.opt);
	fa_free(v);
}
