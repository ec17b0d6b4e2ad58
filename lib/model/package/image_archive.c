/* SPDX-License-Identifier: MIT */
/*
 * The archive of `docker save` has no manifest with digests: it names files, and the digests of
 * its layers are in the configuration. So each file becomes the blob that it should be by that;
 * whether it is will be seen by who reads it, as of any blob. Nobody is trusted who
 * wrote the archive: links in it lead nowhere but into it.
 */
#include <model/package/image_archive.h>

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <base/error.h>
#include <model/package/draft.h>
#include <model/package/image.h>

#define INDEX "index.json"
#define ALGORITHM "sha256:"

static const char cannot[] = "cannot arrange the archive of the image";

/* Directories, of which no link leads out: what was in the archive, and blobs/sha256 of it. */
struct place {
	int dir, blobs;
	const struct fa_mem *mem;
};

static int open_inside(int dir, const char *name, uint64_t flags)
{
	struct open_how how = { .flags = flags | O_CLOEXEC,
				.resolve = RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS };

	return (int)syscall(SYS_openat2, dir, name, &how, sizeof(how));
}

/* All of a small file, between two texts. NULL: an error. */
static char *read_text(const struct place *place, const char *name, const char *before,
		       const char *after, struct faas_error *err)
{
	int fd = open_inside(place->dir, name, O_RDONLY | O_NONBLOCK | O_NOCTTY);
	size_t len = strlen(before), at = len;
	char *text = NULL;
	struct stat st;
	ssize_t n = 1;

	if (fd < 0 || fstat(fd, &st) < 0 || !S_ISREG(st.st_mode) ||
	    st.st_size > FA_IMAGE_DOCUMENT) {
		fa_image_refuse(err, "its archive has no %.90s that is a small file", name);
	} else {
		text = fa_alloc(place->mem, len + (size_t)st.st_size + strlen(after) + 1);
		if (!text)
			fa_error_nomem(err);
	}
	if (text) {
		memcpy(text, before, len);
		while (at < len + (size_t)st.st_size && n > 0) {
			n = read(fd, text + at, len + (size_t)st.st_size - at);
			at += n > 0 ? (size_t)n : 0;
		}
		strcpy(text + at, after);
	}
	if (fd >= 0)
		close(fd);
	return text;
}

static const char *text_of(const struct fa_document *document)
{
	const char *text = fa_document_text(document);

	return text ? text : "";
}

/* ---- blobs ----------------------------------------------------------------- */

/* A file of the archive by its digest. */
static int name_blob(const struct place *place, const char *name, const char *digest, int64_t *size,
		     struct faas_error *err)
{
	int fd = open_inside(place->dir, name, O_PATH), rc = 0;
	char self[32];
	struct stat st;

	if (fd < 0 || fstat(fd, &st) < 0 || !S_ISREG(st.st_mode)) {
		rc = fa_image_refuse(err, "its archive has no file '%.90s'", name);
	} else {
		*size = st.st_size;
		snprintf(self, sizeof(self), "/proc/self/fd/%d", fd);
		if (linkat(AT_FDCWD, self, place->blobs, digest, AT_SYMLINK_FOLLOW) < 0 &&
		    errno != EEXIST)
			rc = fa_error_errno(err, errno, cannot);
	}
	if (fd >= 0)
		close(fd);
	return rc;
}

static int write_blob(const struct place *place, const char *text, char digest[FA_DIGEST_HEX],
		      struct faas_error *err)
{
	struct fa_digest state;

	fa_digest_begin(&state);
	fa_digest_add(&state, text, strlen(text));
	if (fa_digest_end_hex(&state, digest) < 0)
		return fa_error_nomem(err);
	if (faccessat(place->blobs, digest, F_OK, AT_SYMLINK_NOFOLLOW) == 0)
		return 0;
	return fa_draft_write(place->blobs, digest, (struct faas_bytes){ text, strlen(text) }, err);
}

static struct fa_document *describe(const char *type, const char *digest, int64_t size)
{
	struct fa_document *out = fa_document_object();
	char text[sizeof(ALGORITHM) + FA_DIGEST_HEX];

	snprintf(text, sizeof(text), ALGORITHM "%.64s", digest);
	fa_document_put_text(out, "mediaType", type);
	fa_document_put_text(out, "digest", text);
	fa_document_put_integer(out, "size", size);
	return out;
}

/* ---- one image --------------------------------------------------------------- */

static int add_layers(const struct place *place, const struct fa_document *names,
		      const struct fa_document *ids, struct fa_document *layers,
		      struct faas_error *err)
{
	const struct fa_document *name, *id;

	for (size_t i = 0; (name = fa_document_item(names, i)) || fa_document_item(ids, i); i++) {
		const char *digest = text_of(id = fa_document_item(ids, i));
		int64_t size = 0;
		int rc;

		if (!name || !id || i == FA_IMAGE_LAYERS)
			return fa_image_refuse(err,
					       "its layers are not those of its configuration");
		if (strncmp(digest, ALGORITHM, strlen(ALGORITHM)) ||
		    strspn(digest + strlen(ALGORITHM), "0123456789abcdef") != FA_DIGEST_HEX - 1 ||
		    strlen(digest) != strlen(ALGORITHM) + FA_DIGEST_HEX - 1)
			return fa_image_refuse(err, "'%.80s' is no SHA-256 digest", digest);
		digest += strlen(ALGORITHM);
		rc = name_blob(place, text_of(name), digest, &size, err);
		if (rc)
			return rc;
		if (fa_document_append(layers, describe("application/vnd.oci.image.layer.v1.tar",
							digest, size)))
			return fa_error_nomem(err);
	}
	return 0;
}

/* Its manifest as a text, or NULL. */
static char *make_manifest(const struct place *place, const struct fa_document *image,
			   struct faas_error *err)
{
	const char *name = text_of(fa_document_get(image, "Config"));
	struct fa_document *out = NULL, *layers = fa_document_array(), *config = NULL;
	char *text = read_text(place, name, "", "", err);
	char digest[FA_DIGEST_HEX], *print = NULL;
	const struct fa_document *ids;
	int rc = text ? write_blob(place, text, digest, err) : err->code;

	if (!rc && !(config = fa_document_parse(text, NULL)))
		rc = fa_image_refuse(err, "a document of it is no JSON object");
	ids = fa_document_get(fa_document_get(config, "rootfs"), "diff_ids");
	if (!rc)
		rc = add_layers(place, fa_document_get(image, "Layers"), ids, layers, err);
	if (!rc) {
		out = fa_document_object();
		fa_document_put_integer(out, "schemaVersion", 2);
		fa_document_put(out, "config",
				describe("application/vnd.oci.image.config.v1+json", digest,
					 (int64_t)strlen(text)));
		fa_document_put(out, "layers", layers);
		layers = NULL;
		print = fa_document_print(out, place->mem);
		if (!print)
			fa_error_nomem(err);
	}
	fa_document_free(out);
	fa_document_free(layers);
	fa_document_free(config);
	fa_free(text);
	return print;
}

/* A descriptor for each of its tags, or one. */
static int add_tags(struct fa_document *list, const struct fa_document *image, const char *digest,
		    int64_t size)
{
	const struct fa_document *tags = fa_document_get(image, "RepoTags"), *tag;
	int rc = 0;

	for (size_t i = 0; (tag = fa_document_item(tags, i)) || !i; i++) {
		struct fa_document *one =
			describe("application/vnd.oci.image.manifest.v1+json", digest, size);
		const char *at = strrchr(text_of(tag), ':');

		if (at) {
			struct fa_document *notes = fa_document_object();

			rc |= fa_document_put_text(notes, FA_IMAGE_TAG, at + 1);
			rc |= fa_document_put(one, "annotations", notes);
		}
		rc |= fa_document_append(list, one);
	}
	return rc;
}

static int add_image(const struct place *place, const struct fa_document *image,
		     struct fa_document *list, struct faas_error *err)
{
	char *manifest = make_manifest(place, image, err), digest[FA_DIGEST_HEX];
	int rc = manifest ? write_blob(place, manifest, digest, err) : err->code;

	if (!rc && add_tags(list, image, digest, (int64_t)strlen(manifest)))
		rc = fa_error_nomem(err);
	fa_free(manifest);
	return rc;
}

/* ---- all of them --------------------------------------------------------------- */

static int write_index(const struct place *place, const struct fa_document *index,
		       struct faas_error *err)
{
	char *text = fa_document_print(index, place->mem);
	int rc;

	if (!text)
		return fa_error_nomem(err);
	rc = fa_draft_write(place->dir, INDEX, (struct faas_bytes){ text, strlen(text) }, err);
	fa_free(text);
	return rc;
}

static int open_made(int dir, const char *name)
{
	mkdirat(dir, name, 0700); /* or it is there */
	return openat(dir, name, FA_PACKAGE_INSIDE);
}

static int open_blobs(struct place *place, struct faas_error *err)
{
	int above = open_made(place->dir, "blobs");

	place->blobs = above < 0 ? -1 : open_made(above, "sha256");
	if (above >= 0)
		close(above);
	return place->blobs < 0 ? fa_image_refuse(err, "its archive has no place for blobs") : 0;
}

static int arrange(const struct place *place, const struct fa_document *images,
		   struct faas_error *err)
{
	struct fa_document *index = fa_document_object(), *list = fa_document_array();
	const struct fa_document *image;
	int rc = 0;

	for (size_t i = 0; !rc && (image = fa_document_item(images, i)); i++)
		rc = add_image(place, image, list, err);
	if (fa_document_put(index, "manifests", list) && !rc)
		rc = fa_error_nomem(err);
	if (!rc)
		rc = write_index(place, index, err);
	fa_document_free(index);
	return rc;
}

int fa_image_archive_arrange(int dir, const struct fa_mem *mem, struct faas_error *err)
{
	struct place place = { dir, -1, mem };
	struct fa_document *given;
	char *text;
	int rc;

	if (faccessat(dir, INDEX, F_OK, AT_SYMLINK_NOFOLLOW) == 0)
		return 0;
	text = read_text(&place, "manifest.json", "{\"images\":", "}", err); /* it is a list */
	if (!text)
		return err->code;
	given = fa_document_parse(text, NULL);
	fa_free(text);
	if (!given)
		return fa_image_refuse(err, "a document of it is no JSON object");
	rc = open_blobs(&place, err);
	if (!rc)
		rc = arrange(&place, fa_document_get(given, "images"), err);
	if (place.blobs >= 0)
		close(place.blobs);
	fa_document_free(given);
	return rc;
}
