/* SPDX-License-Identifier: MIT */
/*
 * What a function is: a handler in the host, a plugin or C function, a language that the worker
 * runs, or a program. It is found by what lies in its code, without opening any of it, and
 * decides what the configuration may ask for.
 */
#include <model/kind.h>

#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <base/error.h>
#include <model/runtimes.h>

#define WORKING_DIRECTORY_MAX 1000

static bool has_bootstrap(const char *directory)
{
	char path[PATH_MAX];
	struct stat st;

	return (size_t)snprintf(path, sizeof(path), "%s/bootstrap", directory) < sizeof(path) &&
	       stat(path, &st) == 0;
}

static bool has_file(const char *directory, const char *name, const char *ending)
{
	char path[PATH_MAX];

	return snprintf(path, sizeof(path), "%s/%s%s", directory, name, ending) < PATH_MAX &&
	       access(path, R_OK) == 0;
}

/* A wrapper executes the interpreter, and extensions are told of it by its Runtime API. */
static bool wants_process(const struct fa_version *v)
{
	const char *const *variable = v->config.environment;

	for (; variable && *variable; variable++)
		if (!strncmp(*variable, "AWS_LAMBDA_EXEC_WRAPPER=", 24))
			return true;
	return v->code.opt && v->code.opt->extensions;
}

static int find_runtime(struct fa_version *v, struct faas_error *err)
{
	char directory[PATH_MAX];
	int rc = fa_runtime_find(v->config.runtime, v->code.runtimes, directory, err);

	if (rc || !*directory)
		return rc;
	if (v->config.native)
		return fa_error(err, FAAS_EINVAL, "a native handler has no runtime %s",
				v->config.runtime);
	v->runtime_directory = fa_strdup(v->mem, directory);
	if (!v->runtime_directory)
		return fa_error_nomem(err);
	v->embedded = has_file(directory, v->config.runtime, ".so") && !wants_process(v);
	return 0;
}

/*
 * What is written in a language, and cannot be run by the worker, is run by a program of ours.
 * What has one of the runtimes that bring their own code is a program if it brings a
 * `bootstrap`, and else a plugin.
 */
static bool is_program(const struct fa_version *v)
{
	const struct faas_function_config *c = &v->config;
	const struct fa_code *code = &v->code;

	if (c->image)
		return true;
	if (!c->runtime || !c->code)
		return false;
	if (v->runtime_directory)
		return !v->embedded;
	if (code->package ? code->package->bootstrap : has_bootstrap(c->code))
		return true;
	return code->opt && code->opt->bootstrap;
}

static int check_kind(const struct faas_function_config *c, struct faas_error *err)
{
	if (c->isolation != FAAS_PROCESS && c->isolation != FAAS_THREAD)
		return fa_error(err, FAAS_EINVAL,
				"isolation is %d: must be FAAS_PROCESS or FAAS_THREAD",
				(int)c->isolation);
	if (c->native && (c->code || c->prototype))
		return fa_error(err, FAAS_EINVAL,
				"give either a native handler or code with a handler, not both");
	if (c->native && c->isolation != FAAS_THREAD)
		return fa_error(err, FAAS_EINVAL,
				"a native handler is code of this program: it cannot be "
				"FAAS_PROCESS");
	if (!c->native && !c->code && !c->image)
		return fa_error(err, FAAS_EINVAL,
				"a function needs code (a directory, one .so or a .zip) and "
				"a handler, or an image, or a native handler");
	if (c->pristine && c->isolation != FAAS_PROCESS)
		return fa_error(err, FAAS_EINVAL,
				"only a FAAS_PROCESS function can be pristine: the memory of a "
				"FAAS_THREAD one is the host's own");
	if (fa_config_snapshot(c) && c->isolation != FAAS_PROCESS)
		return fa_error(err, FAAS_EINVAL,
				"only a FAAS_PROCESS function can have a snapshot: the memory of a "
				"FAAS_THREAD one is the host's own");
	if (c->prototype && c->isolation == FAAS_THREAD)
		return fa_error(err, FAAS_EINVAL,
				"a C function called by its prototype always runs as FAAS_PROCESS");
	return 0;
}

static int check_program(const struct fa_version *v, struct faas_error *err)
{
	const struct faas_function_config *c = &v->config;

	if (v->embedded && (c->isolation != FAAS_PROCESS || c->prototype))
		return fa_error(err, FAAS_EINVAL,
				"a function of runtime %s is always FAAS_PROCESS, and not "
				"called by a prototype", c->runtime);
	if (!v->program)
		return 0;
	if (c->isolation != FAAS_PROCESS || c->pristine || c->prototype)
		return fa_error(err, FAAS_EINVAL,
				"the code is a program (it has a bootstrap, or is run by one, or "
				"is an image): it is always FAAS_PROCESS, and neither pristine "
				"nor called by a prototype");
	if (c->runtime && fa_config_snapshot(c) && !fa_runtime_restores(c->runtime))
		return fa_error(err, FAAS_EINVAL,
				"%s is not supported for SnapStart enabled functions", c->runtime);
	return 0;
}

/* What replaces it is counted, too. */
static size_t size_of(const char *const *list)
{
	size_t size = 0;

	for (; list && *list; list++)
		size += strlen(*list) + 1;
	return size;
}

static int check_image(const struct fa_version *v, struct faas_error *err)
{
	const struct faas_function_config *c = &v->config;
	const struct fa_image *image = v->code.package ? v->code.package->image : NULL;
	size_t size = size_of(c->entry_point) + size_of(c->command);

	if (!c->image && (size || *c->working_directory))
		return fa_error(err, FAAS_EINVAL,
				"entry_point, command and working_directory are for an image");
	if (!c->image)
		return 0;
	if (c->native || c->code || c->handler || c->runtime || (c->layers && *c->layers))
		return fa_error(err, FAAS_EINVAL,
				"Please don't provide Handler or Runtime or Layer when the "
				"intended function PackageType is IMAGE.");
	if (!image)
		return fa_error(err, FAAS_EINVAL, "the image '%.100s' was not taken", c->image);
	if (strlen(c->working_directory) > WORKING_DIRECTORY_MAX)
		return fa_error(err, FAAS_EINVAL, "working_directory has at most %d bytes",
				WORKING_DIRECTORY_MAX);
	if (size + image->settings_size > FA_IMAGE_SETTINGS)
		return fa_error(err, FAAS_EINVAL,
				"the settings of the image and what replaces them have %zu bytes, "
				"and may have %d", size + image->settings_size, FA_IMAGE_SETTINGS);
	if (!size && !*image->entry_point && !*image->command)
		return fa_image_refuse(err, "it has no command, and none was given");
	return 0;
}

int fa_kind_find(struct fa_version *v, struct faas_error *err)
{
	int rc = find_runtime(v, err);

	if (rc)
		return rc;
	v->program = is_program(v);
	rc = check_image(v, err);
	if (!rc)
		rc = check_kind(&v->config, err);
	return rc ? rc : check_program(v, err);
}
