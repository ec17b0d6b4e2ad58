/* SPDX-License-Identifier: MIT */
/*
 * From a handler string to something callable: a method of a plugin, or any C
 * function whose prototype is known.
 */
#include <worker/plugin.h>
#include <worker/warm.h>

#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>
#include <base/error.h>

#define NOT_FOUND "Runtime.HandlerNotFound"
#define PROTOTYPE "Runtime.InvalidPrototype"

#define HEADER_MAX (1 << 20)

/* ---- C functions ------------------------------------------------------ */

/* The text of <file>.h, or of <file without .so>.h; NULL: there is none. */
static char *read_header(const char *file, size_t *len)
{
	size_t stem = strlen(file);
	char path[PATH_MAX], *text = NULL;
	struct stat st;
	ssize_t n = -1;
	int fd;

	if (stem > 3 && strcmp(file + stem - 3, ".so") == 0)
		stem -= 3;
	if ((size_t)snprintf(path, sizeof(path), "./%.*s.h", (int)stem, file) >= sizeof(path))
		return NULL;
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	if (fd < 0)
		return NULL;
	if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && st.st_size <= HEADER_MAX)
		text = malloc((size_t)st.st_size + 1);
	if (text)
		n = read(fd, text, (size_t)st.st_size);
	close(fd);
	if (n < 0) {
		free(text);
		return NULL;
	}
	*len = (size_t)n;
	return text;
}

static bool find_declaration(const char *file, const char *method, char *out, size_t size)
{
	size_t len = 0, found;
	char *text = read_header(file, &len);

	found = text ? fa_prototype_find(text, len, method, out, size) : 0;
	free(text);
	return found > 0;
}

static int load_function(struct fa_target *target, void *module, const struct fa_settings *settings,
			 const char *prototype, struct faas_error *err)
{
	struct faas_error why = { .code = 0 };
	void *function;

	if (fa_prototype_parse(&target->c.prototype, prototype, &why) < 0)
		return fa_error_typed(err, FAAS_EPLUGIN, PROTOTYPE, "%s", why.message);
	if (strcmp(target->c.prototype.name, settings->method) != 0)
		return fa_error_typed(err, FAAS_EPLUGIN, PROTOTYPE,
				      "the prototype is of '%s', the handler names '%s'",
				      target->c.prototype.name, settings->method);
	function = fa_module_symbol(module, settings->method, true);
	if (!function)
		return fa_error_typed(err, FAAS_EPLUGIN, NOT_FOUND,
				      "Handler '%s' missing on module '%s': it exports no such "
				      "function",
				      settings->method, settings->file);
	return fa_ffi_init(&target->c, function, err);
}

static int load_method(struct fa_target *target, void *module, const struct fa_settings *settings,
		       struct faas_error *err)
{
	const struct faas_plugin *plugin = fa_module_symbol(module, "faas_plugin", false);
	char declaration[FA_PROTOTYPE_MAX];

	if (plugin) {
		target->handler = fa_plugin_find(plugin, settings->file, settings->method, err);
		return target->handler ? 0 : FAAS_EPLUGIN;
	}
	if (find_declaration(settings->file, settings->method, declaration, sizeof(declaration)))
		return load_function(target, module, settings, declaration, err);
	return fa_error_typed(err, FAAS_EPLUGIN, NOT_FOUND,
			      "Handler '%s' missing on module '%s': it has neither the symbol "
			      "faas_plugin nor a prototype for '%s'",
			      settings->method, settings->file, settings->method);
}

/* A language's plugin has one handler for all functions, which finds theirs. */
static int load_language(struct fa_target *target, const struct fa_settings *settings,
			 struct faas_error *err)
{
	void *module = fa_module_open(settings->runtime_directory, settings->opt,
				      settings->runtime, err);
	const struct faas_plugin *plugin =
		module ? fa_module_symbol(module, "faas_plugin", false) : NULL;

	target->handler =
		plugin ? fa_plugin_find(plugin, settings->runtime, "invoke", err) : NULL;
	return target->handler ? 0 : FAAS_EPLUGIN;
}

int fa_target_load(struct fa_target *target, const struct fa_settings *settings,
		   struct faas_error *err)
{
	void *module;

	if (*settings->runtime_directory)
		return load_language(target, settings, err);
	module = fa_module_open(".", settings->opt, settings->file, err);
	if (!module)
		return FAAS_EPLUGIN;
	target->handler = NULL;
	if (*settings->prototype)
		return load_function(target, module, settings, settings->prototype, err);
	return load_method(target, module, settings, err);
}

/* ---- calls ------------------------------------------------------------ */

int fa_target_init(const struct fa_target *target, struct faas_context *context)
{
	if (!target->handler || !target->handler->init)
		return 0;
	return target->handler->init(context);
}

int fa_target_before_snapshot(const struct fa_target *target, struct faas_context *context)
{
	if (!target->handler || !target->handler->before_snapshot)
		return 0;
	return target->handler->before_snapshot(context);
}

int fa_target_after_restore(const struct fa_target *target, struct faas_context *context)
{
	if (!target->handler || !target->handler->after_restore)
		return 0;
	return target->handler->after_restore(context);
}

FA_WARM int fa_target_invoke(const struct fa_target *target, struct faas_context *context,
			     struct faas_bytes event)
{
	if (target->handler)
		return target->handler->invoke(context, event);
	return fa_ffi_invoke(&target->c, context, event);
}

bool fa_target_has_shutdown(const struct fa_target *target)
{
	return target->handler && target->handler->shutdown;
}

void fa_target_shutdown(const struct fa_target *target, struct faas_context *context)
{
	if (fa_target_has_shutdown(target))
		target->handler->shutdown(context);
}
