/* SPDX-License-Identifier: MIT */
#ifndef FA_MODEL_CONFIG_DOCUMENT_H
#define FA_MODEL_CONFIG_DOCUMENT_H

#include <base/document.h>
#include <faas/faas.h>

/*
 * A configuration as a document and back, every member under its own name. Not in it:
 * the native handler, which is a place in one program's memory, and what is said of
 * asynchronous events, which is the function's own (model/event_config.h).
 */
struct fa_document *fa_config_write(const struct faas_function_config *config);
/*
 * Texts are borrowed from the document; its lists are released by
 * fa_config_release(). What is not there is at its default. FAAS_ENOMEM.
 */
int fa_config_read(struct faas_function_config *config, const struct fa_document *document,
		   const struct fa_mem *mem);

/* Of one that was read: its lists. */
void fa_config_release(struct faas_function_config *config);

#endif
