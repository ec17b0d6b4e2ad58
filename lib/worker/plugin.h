/* SPDX-License-Identifier: MIT */
#ifndef FA_WORKER_PLUGIN_H
#define FA_WORKER_PLUGIN_H

#include <base/plugin_abi.h>
#include <faas/plugin.h>
#include <worker/ffi.h>
#include <worker/settings.h>

/* What a function turned out to be: a handler of a plugin, or a C function. */
struct fa_target {
	const struct faas_handler *handler; /* NULL: `c` */
	struct fa_ffi c;
};

/*
 * Load the function's .so from the current directory and find its method. From
 * here on foreign code runs. FAAS_EPLUGIN with one of the types
 *   Runtime.ImportModuleError   no file, no shared object of this machine, or the
 *                               dynamic linker refused it
 *   Runtime.InvalidPluginAbi    `faas_plugin` is not what faas/plugin.h says
 *   Runtime.HandlerNotFound     there is no such method
 *   Runtime.InvalidPrototype    it cannot be called from its declaration
 */
int fa_target_load(struct fa_target *target, const struct fa_settings *settings,
		   struct faas_error *err);

/* Hooks that a handler does not have do nothing. init: 0 or what it returned. */
int fa_target_init(const struct fa_target *target, struct faas_context *context);
int fa_target_before_snapshot(const struct fa_target *target, struct faas_context *context);
int fa_target_after_restore(const struct fa_target *target, struct faas_context *context);
int fa_target_invoke(const struct fa_target *target, struct faas_context *context,
		     struct faas_bytes event);
bool fa_target_has_shutdown(const struct fa_target *target);
void fa_target_shutdown(const struct fa_target *target, struct faas_context *context);

#endif
