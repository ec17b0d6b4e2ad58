/* SPDX-License-Identifier: MIT */
#ifndef FA_MODEL_PACKAGE_IMAGE_H
#define FA_MODEL_PACKAGE_IMAGE_H

#include <stdint.h>
#include <base/digest.h>
#include <base/document.h>

#define FA_IMAGE_TAG "org.opencontainers.image.ref.name"
#define FA_IMAGE_SETTINGS 16384    /* bytes of all that a configuration has for its process (1.2) */
#define FA_IMAGE_DOCUMENT 4194304  /* bytes of an index, a manifest or a configuration */
#define FA_IMAGE_LAYERS 128
#define FA_IMAGE_NODES 1048576     /* files, directories and links of all layers */
#define FA_IMAGE_SIZE 10737418240LL /* bytes of them, unpacked: Lambda's 10 GB */

/*
 * A container image: its manifest and its configuration, both of which were what their digests
 * say, and where its layers lie. Immutable.
 */
struct fa_image {
	const struct fa_mem *mem;
	char *place;                   /* directory of the OCI layout; NULL: not needed any more */
	bool owns;                     /* that, which goes with it */
	char digest[FA_DIGEST_HEX];    /* of the manifest */
	char *manifest, *config;       /* their bytes; texts */
	struct fa_document *layers;    /* descriptors */
	struct fa_document *settings;  /* what is borrowed below */
	/* Lists end with NULL. */
	const char **entry_point, **command, **variables;
	const char *working_directory; /* "": none */
	size_t settings_size;          /* bytes of all these */
};

/* One blob of a layout. */
struct fa_blob {
	char digest[FA_DIGEST_HEX];
	int64_t size;
};

/*
 * The image in the OCI layout at `path`: that of `reference`, a tag or "sha256:" and a digest, or
 * (NULL) the only one for this machine. Its layers are looked for, not read. NULL:
 * FAAS_EINVAL and why, FAAS_ENOMEM.
 */
struct fa_image *fa_image_open(const struct fa_mem *mem, const char *path, const char *reference,
			       struct faas_error *err);
/* The same of two documents that were an image's. Takes the texts. */
struct fa_image *fa_image_recall(const struct fa_mem *mem, char *manifest, char *config,
				 struct faas_error *err);
void fa_image_close(struct fa_image *image); /* NULL is fine */
void fa_image_forget(struct fa_image *image); /* where its layers are: it is made */

size_t fa_image_layer_count(const struct fa_image *image);
void fa_image_layer(const struct fa_image *image, size_t index, struct fa_blob *blob);
/* The blob of a layer, to be read; what is in it is to be judged by who reads it. */
int fa_image_open_layer(const struct fa_image *image, const struct fa_blob *blob,
			struct faas_error *err);

/* FAAS_EINVAL in the words of Lambda, and in brackets why. */
int fa_image_refuse(struct faas_error *err, const char *why, ...)
	__attribute__((format(printf, 2, 3)));

#endif
