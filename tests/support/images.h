/* SPDX-License-Identifier: MIT */
#ifndef TEST_IMAGES_H
#define TEST_IMAGES_H

/*
 * Container images as OCI layouts made byte by byte, the honest ones and those that no tool would
 * write.
 */
#include <stddef.h>
#include <stdint.h>

#include <base/digest.h>

#ifdef __aarch64__
#define IMAGES_ARCHITECTURE "arm64"
#else
#define IMAGES_ARCHITECTURE "amd64"
#endif
#define IMAGES_TAR "application/vnd.oci.image.layer.v1.tar"
#define IMAGES_MANIFEST "application/vnd.oci.image.manifest.v1+json"
#define IMAGES_INDEX "application/vnd.oci.image.index.v1+json"

struct images_entry {
	const char *name;
	const char *data;   /* NULL: none */
	size_t len;         /* 0: of the text */
	unsigned mode;      /* 0: 0644 */
	char type;          /* 0: file, '1' hard link, '2' link, '3' device, '5' directory */
	const char *target; /* of a link */
	uint64_t size;      /* that it claims; 0: as it is */
};

struct images_tar {
	uint8_t *data; /* malloc() */
	size_t len, size;
};

void images_begin(struct images_tar *tar); /* one that is empty, or was ended */
void images_add(struct images_tar *tar, const struct images_entry *entry);
#define images_file(tar, entry_name, text) \
	images_add(tar, &(struct images_entry){ .name = (entry_name), .data = (text) })
/* A file of this machine, as a program. */
void images_program(struct images_tar *tar, const char *name, const char *path);
void images_end(struct images_tar *tar);   /* two empty records */
void images_free(struct images_tar *tar);

/* What a layout consists of; each member may be changed before it is written. */
struct images_blob {
	char digest[sizeof("sha256:") + FA_DIGEST_HEX];
	size_t size;
	const char *type; /* media type */
};

/* In the layout at `folder`, which is made if need be. */
void images_blob(const char *folder, struct images_blob *blob, const void *data, size_t len);
/* As images_blob(), of a tar; it is ended, and freed. */
void images_layer(const char *folder, struct images_blob *blob, struct images_tar *tar);
/* The same, packed. */
void images_gzip(const char *folder, struct images_blob *blob, struct images_tar *tar);
void images_zstd(const char *folder, struct images_blob *blob, struct images_tar *tar);
/* Configuration and manifest of these layers; `config` is JSON: {"Cmd":...}. */
void images_manifest(const char *folder, struct images_blob *manifest,
		     const struct images_blob *layers, size_t count, const char *config);
/* index.json, with `more` members in the descriptor ("" none). */
void images_index(const char *folder, const struct images_blob *manifest, const char *more);
/* All of it, of one layer. */
void images_write(const char *folder, struct images_tar *tar, const char *config);
/* A file of the layout, for who wants to change it. */
void images_put(const char *folder, const char *name, const void *data, size_t len);
char *images_blob_path(char path[256], const char *folder, const struct images_blob *blob);

#endif
