/* SPDX-License-Identifier: MIT */
#ifndef FA_BASE_PLUGIN_ABI_H
#define FA_BASE_PLUGIN_ABI_H

#include <stdbool.h>
#include <faas/plugin.h>

/*
 * From the file of a handler to the handler. The worker and the thread kind
 * both come here, so they refuse the same things in the same words. Every
 * refusal is FAAS_EPLUGIN with one of the types
 *   Runtime.ImportModuleError   no file, no shared object of this machine, or the
 *                               dynamic linker refused it
 *   Runtime.InvalidPluginAbi    `faas_plugin` is not what faas/plugin.h says
 *   Runtime.HandlerNotFound     there is no such method
 */

/*
 * Load <directory>/<file>.so, or <directory>/<file>. Its constructors run. NULL: see
 * err. Libraries that it needs and the system has not are looked for in <directory>,
 * <directory>/lib and <opt>/lib (`opt` empty: not there), by their SONAMEs.
 */
void *fa_module_open(const char *directory, const char *opt, const char *file,
		     struct faas_error *err);

/* A symbol with the kind it has in its symbol table; NULL: none, or of another kind. */
void *fa_module_symbol(void *module, const char *name, bool function);

#define FA_PLUGIN_HANDLERS 256

/*
 * The handler `method` of what <file> calls `faas_plugin`. Looks only at its
 * data; nothing of it runs.
 */
const struct faas_handler *fa_plugin_find(const struct faas_plugin *plugin, const char *file,
					  const char *method, struct faas_error *err);

#endif
