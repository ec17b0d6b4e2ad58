/* SPDX-License-Identifier: MIT */
#include <support/images.h>

#include <support/test.h>

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <archive.h>
#include <archive_entry.h>

#define RECORD 512u

/* ---- tar ----------------------------------------------------------------- */

static void *grow(struct images_tar *tar, size_t len)
{
	size_t padded = (len + RECORD - 1) / RECORD * RECORD;
	uint8_t *at;

	if (tar->len + padded > tar->size) {
		tar->size = (tar->len + padded) * 2;
		tar->data = realloc(tar->data, tar->size);
		assert_non_null(tar->data);
	}
	at = tar->data + tar->len;
	memset(at, 0, padded);
	tar->len += padded;
	return at;
}

void images_begin(struct images_tar *tar)
{
	*tar = (struct images_tar){ NULL, 0, 0 };
}

void images_free(struct images_tar *tar)
{
	free(tar->data);
	images_begin(tar);
}

void images_add(struct images_tar *tar, const struct images_entry *e)
{
	size_t len = e->len || !e->data ? e->len : strlen(e->data);
	uint64_t size = e->size ? e->size : len;
	unsigned sum = 0;
	char *head = grow(tar, RECORD);

	assert_true(strlen(e->name) <= 100 && (!e->target || strlen(e->target) <= 100));
	memcpy(head, e->name, strlen(e->name));
	sprintf(head + 100, "%07o", e->mode ? e->mode : 0644);
	sprintf(head + 108, "%07o", 0);
	sprintf(head + 116, "%07o", 0);
	sprintf(head + 124, "%011llo", (unsigned long long)size);
	sprintf(head + 136, "%011o", 0);
	memset(head + 148, ' ', 8);
	head[156] = e->type ? e->type : '0';
	if (e->target)
		memcpy(head + 157, e->target, strlen(e->target));
	memcpy(head + 257, "ustar\00000", 8);
	sprintf(head + 329, "%07o", 1);
	sprintf(head + 337, "%07o", 3);
	for (unsigned i = 0; i < RECORD; i++)
		sum += (unsigned char)head[i];
	sprintf(head + 148, "%06o", sum);
	if (len)
		memcpy(grow(tar, len), e->data, len);
}

static char *read_file(const char *path, size_t *len)
{
	FILE *file = fopen(path, "rb");
	struct stat st;
	char *data;

	if (!file)
		fail_msg("%s cannot be read", path);
	assert_int_equal(fstat(fileno(file), &st), 0);
	*len = (size_t)st.st_size;
	data = malloc(*len + 1);
	assert_non_null(data);
	assert_int_equal(fread(data, 1, *len, file), *len);
	fclose(file);
	return data;
}

void images_program(struct images_tar *tar, const char *name, const char *path)
{
	struct images_entry entry = { .name = name, .mode = 0755 };
	char *data = read_file(path, &entry.len);

	entry.data = data;
	images_add(tar, &entry);
	free(data);
}

void images_end(struct images_tar *tar)
{
	grow(tar, 2 * RECORD);
}

/* ---- a layout ------------------------------------------------------------ */

void images_put(const char *folder, const char *name, const void *data, size_t len)
{
	char path[512];
	FILE *file;

	snprintf(path, sizeof(path), "%s/%s", folder, name);
	file = fopen(path, "wb");
	if (!file)
		fail_msg("%s cannot be written", path);
	assert_int_equal(fwrite(data, 1, len, file), len);
	assert_int_equal(fclose(file), 0);
}

static void make_folders(const char *folder)
{
	static const char layout[] = "{\"imageLayoutVersion\":\"1.0.0\"}";
	static const char *const folders[] = { "", "/blobs", "/blobs/sha256" };
	char path[512];

	for (size_t i = 0; i < sizeof(folders) / sizeof(*folders); i++) {
		snprintf(path, sizeof(path), "%s%s", folder, folders[i]);
		if (mkdir(path, 0755) < 0)
			assert_int_equal(access(path, X_OK), 0);
	}
	images_put(folder, "oci-layout", layout, strlen(layout));
}

char *images_blob_path(char path[256], const char *folder, const struct images_blob *blob)
{
	snprintf(path, 256, "%s/blobs/sha256/%s", folder, blob->digest + strlen("sha256:"));
	return path;
}

void images_blob(const char *folder, struct images_blob *blob, const void *data, size_t len)
{
	char path[256];
	struct fa_digest digest;

	make_folders(folder);
	fa_digest_begin(&digest);
	fa_digest_add(&digest, data, len);
	strcpy(blob->digest, "sha256:");
	assert_int_equal(fa_digest_end_hex(&digest, blob->digest + strlen("sha256:")), 0);
	blob->size = len;
	images_blob_path(path, folder, blob);
	images_put(folder, path + strlen(folder) + 1, data, len);
}

void images_layer(const char *folder, struct images_blob *blob, struct images_tar *tar)
{
	images_end(tar);
	images_blob(folder, blob, tar->data, tar->len);
	blob->type = IMAGES_TAR;
	images_free(tar);
}

/* libarchive's filters, without a format. */
static void pack(const char *folder, struct images_blob *blob, struct images_tar *tar,
		 int (*add_filter)(struct archive *))
{
	struct archive *writer = archive_write_new();
	struct archive_entry *entry = archive_entry_new();
	size_t room, len = 0;
	char *packed;

	images_end(tar);
	room = tar->len + 65536;
	packed = malloc(room);
	archive_write_set_format_raw(writer);
	assert_int_equal(add_filter(writer), ARCHIVE_OK);
	assert_int_equal(archive_write_open_memory(writer, packed, room, &len), ARCHIVE_OK);
	archive_entry_set_filetype(entry, AE_IFREG);
	assert_int_equal(archive_write_header(writer, entry), ARCHIVE_OK);
	assert_int_equal(archive_write_data(writer, tar->data, tar->len), tar->len);
	assert_int_equal(archive_write_close(writer), ARCHIVE_OK);
	archive_entry_free(entry);
	archive_write_free(writer);
	images_blob(folder, blob, packed, len);
	free(packed);
	images_free(tar);
}

void images_gzip(const char *folder, struct images_blob *blob, struct images_tar *tar)
{
	pack(folder, blob, tar, archive_write_add_filter_gzip);
	blob->type = IMAGES_TAR "+gzip";
}

void images_zstd(const char *folder, struct images_blob *blob, struct images_tar *tar)
{
	pack(folder, blob, tar, archive_write_add_filter_zstd);
	blob->type = IMAGES_TAR "+zstd";
}

static int descriptor(char *to, size_t size, const struct images_blob *blob, const char *more)
{
	return snprintf(to, size, "{\"mediaType\":\"%s\",\"digest\":\"%s\",\"size\":%zu%s}",
			blob->type, blob->digest, blob->size, more);
}

void images_manifest(const char *folder, struct images_blob *manifest,
		     const struct images_blob *layers, size_t count, const char *config)
{
	static char text[65536];
	struct images_blob settings = { .type = "application/vnd.oci.image.config.v1+json" };
	int len = snprintf(text, sizeof(text),
			   "{\"architecture\":\"" IMAGES_ARCHITECTURE "\",\"os\":\"linux\","
			   "\"config\":%s,\"rootfs\":{\"type\":\"layers\",\"diff_ids\":[",
			   config);

	for (size_t i = 0; i < count; i++)
		len += sprintf(text + len, "%s\"%s\"", i ? "," : "", layers[i].digest);
	len += sprintf(text + len, "]}}");
	images_blob(folder, &settings, text, (size_t)len);
	len = sprintf(text, "{\"schemaVersion\":2,\"config\":");
	len += descriptor(text + len, sizeof(text) - (size_t)len, &settings, "");
	len += sprintf(text + len, ",\"layers\":[");
	for (size_t i = 0; i < count; i++) {
		len += sprintf(text + len, "%s", i ? "," : "");
		len += descriptor(text + len, sizeof(text) - (size_t)len, &layers[i], "");
	}
	len += sprintf(text + len, "]}");
	images_blob(folder, manifest, text, (size_t)len);
	manifest->type = IMAGES_MANIFEST;
}

void images_index(const char *folder, const struct images_blob *manifest, const char *more)
{
	char text[1024];
	int len = sprintf(text, "{\"schemaVersion\":2,\"manifests\":[");

	len += descriptor(text + len, sizeof(text) - (size_t)len, manifest, more);
	len += sprintf(text + len, "]}");
	images_put(folder, "index.json", text, (size_t)len);
}

void images_write(const char *folder, struct images_tar *tar, const char *config)
{
	struct images_blob layer, manifest;

	images_layer(folder, &layer, tar);
	images_manifest(folder, &manifest, &layer, 1, config);
	images_index(folder, &manifest, "");
}
