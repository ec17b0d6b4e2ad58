/* SPDX-License-Identifier: MIT */
#ifndef FA_MODEL_LAYERS_H
#define FA_MODEL_LAYERS_H

#include <pthread.h>
#include <base/document.h>
#include <base/map.h>
#include <model/function.h>
#include <model/package/package.h>

#define FA_LAYER_NAME_MAX 140
#define FA_LAYER_ARN_MAX 256

/*
 * Layers by name, each with its versions. A version is a package and what was said
 * of it; it never changes, and its number is never given twice. Functions hold the
 * packages themselves: deleting a version does not concern those that have it.
 */
struct fa_layers {
	const struct fa_mem *mem;
	const char *region, *account;
	pthread_mutex_t lock;
	struct fa_map layers; /* name -> struct layer */
	_Atomic bool changed; /* one of them did, since they were last remembered */
};

int fa_layers_init(struct fa_layers *layers, const struct fa_mem *mem, const char *region,
		   const char *account);
void fa_layers_finish(struct fa_layers *layers);

/*
 * `name` is a layer's name or ARN everywhere; FAAS_EINVAL, FAAS_EDENIED for one of
 * another region or account.
 *
 * Publish: takes `said`, the members that the API tells of a version, and adds its
 * ARN and number. Hands out what fa_layers_get() does.
 */
struct fa_document *fa_layers_publish(struct fa_layers *layers, const char *name,
				      struct fa_package *package, struct fa_document *said,
				      struct faas_error *err);
/* All that the API tells of a version. NULL: FAAS_ENOTFOUND and others. */
struct fa_document *fa_layers_get(struct fa_layers *layers, const char *name, int number,
				  struct faas_error *err);
/* By the ARN of a version. */
struct fa_document *fa_layers_get_arn(struct fa_layers *layers, const char *arn,
				      struct faas_error *err);
/* One that is not there is no error. */
int fa_layers_delete(struct fa_layers *layers, const char *name, int number,
		     struct faas_error *err);
/* What versions say that they are compatible with; NULL: any. */
struct fa_layer_filter {
	const char *runtime, *architecture;
};

/*
 * As the API lists them: all layers by name, each with its latest version that fits, or the
 * versions of one that fit, the latest first.
 */
struct fa_document *fa_layers_list(struct fa_layers *layers, const struct fa_layer_filter *filter,
				   struct faas_error *err);
struct fa_document *fa_layers_list_versions(struct fa_layers *layers, const char *name,
					    const struct fa_layer_filter *filter,
					    struct faas_error *err);

/*
 * For who remembers them: the name of one that changed since it was last named here (false:
 * none did), all of it as a document, and that this was not remembered after all.
 */
bool fa_layers_changed(struct fa_layers *layers, char name[FA_LAYER_NAME_MAX + 1]);
struct fa_document *fa_layers_document(struct fa_layers *layers, const char *name,
				       struct faas_error *err);
void fa_layers_touch(struct fa_layers *layers, const char *name);
/*
 * Before anybody else knows the layer. `take` hands out a reference, or NULL: a version whose
 * package is not there any more is one still. FAAS_ENOMEM, its own or of `take`.
 */
int fa_layers_restore(struct fa_layers *layers, const char *name,
		      const struct fa_document *document,
		      struct fa_package *(*take)(void *data, const char *id,
						 struct faas_error *err),
		      void *data, struct faas_error *err);

/*
 * The packages that a function's list of version ARNs stands for (NULL-terminated), one
 * reference each. FAAS_EINVAL in the words of Lambda.
 */
int fa_layers_resolve(struct fa_layers *layers, const char *const *arns,
		      struct fa_package *packages[FA_LAYERS_MAX], size_t *count,
		      struct faas_error *err);

#endif
