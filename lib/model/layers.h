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
	struct layer_version *draft; /* of the change that is open (model/change.h), or NULL */
	struct layer *drafted;       /* the layer that it is of */
};

int fa_layers_init(struct fa_layers *layers, const struct fa_mem *mem, const char *region,
		   const char *account);
void fa_layers_finish(struct fa_layers *layers);

/*
 * What is published or deleted is a draft until it is settled: it changes the layer's document,
 * and nothing else. One change at a time, by whoever is in it.
 *
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

/* The name of the layer that the change is about, NULL: it is about none; and all of it. */
const char *fa_layers_drafted(struct fa_layers *layers);
struct fa_document *fa_layers_document(struct fa_layers *layers, struct faas_error *err);
/* The change ended. 0: it is true now; an error: it never was (FAAS_EUNKNOWN: code is kept). */
void fa_layers_settle(struct fa_layers *layers, int rc);
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
