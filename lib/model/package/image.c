/* SPDX-License-Identifier: MIT */
/*
 * From an index to the one manifest that is meant, and from there to all that it names. Who made
 * the layout is not trusted: each document is what its digest says, or nothing of it counts,
 * and a digest is 64 digits before it becomes a part of a path.
 */
#include <model/package/image.h>

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <base/error.h>
#include <model/package/tree.h>

#define DEPTH 4 /* indexes in each other */
#define ALGORITHM "sha256:"

#ifdef __aarch64__
#define ARCHITECTURE "arm64"
#else
#define ARCHITECTURE "amd64"
#endif

int fa_image_refuse(struct faas_error *err, const char *why, ...)
{
	char text[200];
	va_list args;

	va_start(args, why);
	vsnprintf(text, sizeof(text), why, args);
	va_end(args);
	return fa_error(err, FAAS_EINVAL, "The source image is not valid. (%s)", text);
}

static const char *text_in(const struct fa_document *document, const char *name)
{
	const char *text = fa_document_text(fa_document_get(document, name));

	return text ? text : "";
}

/* ---- blobs --------------------------------------------------------------- */

static bool is_hex(const char *text)
{
	return strlen(text) == FA_DIGEST_HEX - 1 &&
	       strspn(text, "0123456789abcdef") == FA_DIGEST_HEX - 1;
}

static int read_descriptor(const struct fa_document *descriptor, struct fa_blob *blob,
			   struct faas_error *err)
{
	const char *digest = text_in(descriptor, "digest");

	if (strncmp(digest, ALGORITHM, strlen(ALGORITHM)) ||
	    !is_hex(digest + strlen(ALGORITHM)))
		return fa_image_refuse(err, "'%.80s' is no SHA-256 digest", digest);
	strcpy(blob->digest, digest + strlen(ALGORITHM));
	if (!fa_document_integer(fa_document_get(descriptor, "size"), &blob->size) ||
	    blob->size < 0)
		return fa_image_refuse(err, "%.20s... has no size", digest);
	return 0;
}

/*
 * A regular file of the layout, of which no link leads out. O_NONBLOCK: it may be a pipe, which
 * nobody ever writes to.
 */
static int open_file(const char *place, const char *name, int64_t *size, struct faas_error *err)
{
	struct open_how how = { .flags = O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY,
				.resolve = RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS };
	int dir = open(place, O_PATH | O_DIRECTORY | O_CLOEXEC), fd;
	struct stat st;

	fd = dir < 0 ? -1 : (int)syscall(SYS_openat2, dir, name, &how, sizeof(how));
	if (dir >= 0)
		close(dir);
	if (fd < 0)
		return fa_image_refuse(err, "%.90s: %s", name, strerrordesc_np(errno));
	if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode)) {
		*size = st.st_size;
		return fd;
	}
	close(fd);
	return fa_image_refuse(err, "%.90s is no regular file", name);
}

static int open_blob(const char *place, const struct fa_blob *blob, struct faas_error *err)
{
	char name[sizeof("blobs/sha256/") + FA_DIGEST_HEX];
	int64_t size;
	int fd;

	snprintf(name, sizeof(name), "blobs/sha256/%s", blob->digest);
	fd = open_file(place, name, &size, err);
	if (fd < 0 || size == blob->size)
		return fd;
	close(fd);
	return fa_image_refuse(err, "%.20s... has %lld bytes and should have %lld", blob->digest,
			       (long long)size, (long long)blob->size);
}

/* A text: what is behind a NUL would be no JSON anyway. */
static char *read_text(const struct fa_mem *mem, int fd, int64_t size, struct faas_error *err)
{
	char *text;
	int64_t len = 0;
	ssize_t n = 1;

	if (size > FA_IMAGE_DOCUMENT) {
		fa_image_refuse(err, "a document of it is larger than %d bytes", FA_IMAGE_DOCUMENT);
		return NULL;
	}
	text = fa_alloc_dirty(mem, (size_t)size + 1);
	if (!text) {
		fa_error_nomem(err);
		return NULL;
	}
	while (len < size && (n = read(fd, text + len, (size_t)(size - len))) > 0)
		len += n;
	text[len] = '\0';
	if (n >= 0)
		return text;
	fa_error_errno(err, errno, "cannot read the source image");
	fa_free(text);
	return NULL;
}

static int hash(const char *text, char digest[FA_DIGEST_HEX], struct faas_error *err)
{
	struct fa_digest state;

	fa_digest_begin(&state);
	fa_digest_add(&state, text, strlen(text));
	return fa_digest_end_hex(&state, digest) < 0 ? fa_error_nomem(err) : 0;
}

static struct fa_document *parse(const char *text, struct faas_error *err)
{
	struct fa_document *document = fa_document_parse(text, NULL);

	if (!document)
		fa_image_refuse(err, "a document of it is no JSON object");
	return document;
}

/* What a descriptor describes: of its digest, and an object. */
static struct fa_document *read_blob(const struct fa_image *image, const struct fa_blob *blob,
				     char **text, struct faas_error *err)
{
	int fd = open_blob(image->place, blob, err);
	struct fa_document *document = NULL;
	char digest[FA_DIGEST_HEX];

	if (fd < 0)
		return NULL;
	*text = read_text(image->mem, fd, blob->size, err);
	close(fd);
	if (!*text || hash(*text, digest, err) < 0)
		goto fail;
	if (strcmp(digest, blob->digest) != 0)
		fa_image_refuse(err, "%.20s... is not what its digest says", blob->digest);
	else
		document = parse(*text, err);
fail:
	if (document)
		return document;
	fa_free(*text);
	*text = NULL;
	return NULL;
}

/* ---- which manifest -------------------------------------------------------- */

static bool is_one_of(const char *type, const char *const *types)
{
	while (*types && strcmp(type, *types) != 0)
		types++;
	return *types;
}

static const char *const indexes[] = {
	"application/vnd.oci.image.index.v1+json",
	"application/vnd.docker.distribution.manifest.list.v2+json",
	NULL,
};
static const char *const manifests[] = {
	"application/vnd.oci.image.manifest.v1+json",
	"application/vnd.docker.distribution.manifest.v2+json",
	NULL,
};
static const char *const layer_types[] = {
	"application/vnd.oci.image.layer.v1.tar",
	"application/vnd.oci.image.layer.v1.tar+gzip",
	"application/vnd.oci.image.layer.v1.tar+zstd",
	"application/vnd.docker.image.rootfs.diff.tar",
	"application/vnd.docker.image.rootfs.diff.tar.gzip",
	NULL,
};

static int unsupported(struct faas_error *err, const char *type)
{
	return fa_error(err, FAAS_EINVAL,
			"The image manifest, config or layer media type for the source image is "
			"not supported. (%.120s)",
			type);
}

/* Of this machine, as far as the index knows. */
static bool runs_here(const struct fa_document *descriptor)
{
	const struct fa_document *platform = fa_document_get(descriptor, "platform");

	return !platform || (!strcmp(text_in(platform, "os"), "linux") &&
			     !strcmp(text_in(platform, "architecture"), ARCHITECTURE));
}

static bool is_meant(const struct fa_document *descriptor, const char *reference)
{
	if (!reference)
		return true;
	if (!strncmp(reference, ALGORITHM, strlen(ALGORITHM)))
		return !strcmp(text_in(descriptor, "digest"), reference);
	return !strcmp(text_in(fa_document_get(descriptor, "annotations"), FA_IMAGE_TAG),
		       reference);
}

/* The one descriptor of an index that is meant, or NULL. */
static const struct fa_document *choose(const struct fa_document *index, const char *reference,
					struct faas_error *err)
{
	const struct fa_document *list = fa_document_get(index, "manifests"), *d, *found = NULL;

	for (size_t i = 0; (d = fa_document_item(list, i)); i++) {
		if (!is_meant(d, reference) || !runs_here(d))
			continue;
		if (found && strcmp(text_in(d, "digest"), text_in(found, "digest")) != 0) {
			fa_image_refuse(err, "there are several: name one by its tag or digest");
			return NULL;
		}
		found = d;
	}
	if (!found && reference)
		fa_image_refuse(err, "'%.90s' is none of its tags or digests for linux/"
				ARCHITECTURE, reference);
	else if (!found)
		fa_image_refuse(err, "it has nothing for linux/" ARCHITECTURE);
	return found;
}

static int descend(struct fa_image *image, struct fa_document *index, const char *reference,
		   int depth, struct fa_document **manifest, struct faas_error *err);

/* Reads what the descriptor describes: the manifest, or another index. */
static int follow(struct fa_image *image, const struct fa_document *descriptor, int depth,
		  struct fa_document **manifest, struct faas_error *err)
{
	const char *type = text_in(descriptor, "mediaType");
	bool index = is_one_of(type, indexes);
	struct fa_document *document;
	struct fa_blob blob;
	char *text;

	if (!index && !is_one_of(type, manifests))
		return unsupported(err, type);
	if (read_descriptor(descriptor, &blob, err) < 0)
		return err->code;
	document = read_blob(image, &blob, &text, err);
	if (!document)
		return err->code;
	if (index) {
		fa_free(text);
		return descend(image, document, NULL, depth + 1, manifest, err);
	}
	strcpy(image->digest, blob.digest);
	image->manifest = text;
	*manifest = document;
	return 0;
}

/* Takes the index. */
static int descend(struct fa_image *image, struct fa_document *index, const char *reference,
		   int depth, struct fa_document **manifest, struct faas_error *err)
{
	const struct fa_document *descriptor = choose(index, reference, err);
	int rc = descriptor ? 0 : err->code;

	if (!rc && depth == DEPTH)
		rc = fa_image_refuse(err, "its indexes are in each other too often");
	if (!rc)
		rc = follow(image, descriptor, depth, manifest, err);
	fa_document_free(index);
	return rc;
}

static struct fa_document *read_index(const struct fa_image *image, struct faas_error *err)
{
	struct fa_document *index = NULL;
	int64_t size;
	int fd = open_file(image->place, "index.json", &size, err);
	char *text = fd < 0 ? NULL : read_text(image->mem, fd, size, err);

	if (fd >= 0)
		close(fd);
	if (text)
		index = parse(text, err);
	fa_free(text);
	return index;
}

/* ---- what it says ---------------------------------------------------------- */

static int check_layers(const struct fa_image *image, struct faas_error *err)
{
	const struct fa_document *d;
	struct fa_blob blob;
	size_t i;

	for (i = 0; (d = fa_document_item(image->layers, i)); i++) {
		if (!is_one_of(text_in(d, "mediaType"), layer_types))
			return unsupported(err, text_in(d, "mediaType"));
		if (read_descriptor(d, &blob, err) < 0)
			return err->code;
	}
	if (i > 0 && i <= FA_IMAGE_LAYERS)
		return 0;
	return fa_image_refuse(err, "it has %zu layers, and should have 1 to %d", i,
			       FA_IMAGE_LAYERS);
}

static int find_layers(const struct fa_image *image, struct faas_error *err)
{
	struct fa_blob blob;

	for (size_t i = 0; i < fa_image_layer_count(image); i++) {
		int fd;

		fa_image_layer(image, i, &blob);
		fd = open_blob(image->place, &blob, err);
		if (fd < 0)
			return fd;
		close(fd);
	}
	return 0;
}

/* A list of texts, or nothing at all. */
static int take_list(struct fa_image *image, const char *name, const char ***list,
		     struct faas_error *err)
{
	const struct fa_document *from = fa_document_get(image->settings, name), *item;
	size_t count = 0;

	if (from && !fa_document_is_array(from))
		return fa_image_refuse(err, "%s is no list of texts", name);
	while (fa_document_item(from, count))
		count++;
	*list = fa_alloc(image->mem, (count + 1) * sizeof(**list));
	if (!*list)
		return fa_error_nomem(err);
	for (size_t i = 0; (item = fa_document_item(from, i)); i++) {
		(*list)[i] = fa_document_text(item);
		if (!(*list)[i])
			return fa_image_refuse(err, "%s is no list of texts", name);
		image->settings_size += strlen((*list)[i]) + 1;
	}
	return 0;
}

static int check_settings(const struct fa_image *image, struct faas_error *err)
{
	if (image->settings_size > FA_IMAGE_SETTINGS)
		return fa_image_refuse(err, "its settings have %zu bytes, and may have %d",
				       image->settings_size, FA_IMAGE_SETTINGS);
	for (size_t i = 0; image->variables[i]; i++) {
		size_t name = strcspn(image->variables[i], "=");

		if (!name || !image->variables[i][name])
			return fa_image_refuse(err, "'%.60s' is no variable", image->variables[i]);
	}
	return 0;
}

static int take_settings(struct fa_image *image, struct faas_error *err)
{
	int rc = take_list(image, "Entrypoint", &image->entry_point, err);

	if (!rc)
		rc = take_list(image, "Cmd", &image->command, err);
	if (!rc)
		rc = take_list(image, "Env", &image->variables, err);
	if (rc)
		return rc;
	image->working_directory = text_in(image->settings, "WorkingDir");
	image->settings_size += strlen(image->working_directory) + 1;
	return check_settings(image, err);
}

static int take_config(struct fa_image *image, const struct fa_document *config,
		       struct faas_error *err)
{
	const struct fa_document *ids =
		fa_document_get(fa_document_get(config, "rootfs"), "diff_ids");
	size_t count = 0;

	if (strcmp(text_in(config, "os"), "linux") != 0 ||
	    strcmp(text_in(config, "architecture"), ARCHITECTURE) != 0)
		return fa_image_refuse(err, "it is for %.40s/%.40s, and this machine is linux/"
				       ARCHITECTURE, text_in(config, "os"),
				       text_in(config, "architecture"));
	while (fa_document_item(ids, count))
		count++;
	if (count != fa_image_layer_count(image))
		return fa_image_refuse(err, "its manifest has %zu layers, its configuration %zu",
				       fa_image_layer_count(image), count);
	image->settings = fa_document_copy(fa_document_get(config, "config"));
	return take_settings(image, err);
}

static int take_manifest(struct fa_image *image, const struct fa_document *manifest,
			 struct faas_error *err)
{
	image->layers = fa_document_copy(fa_document_get(manifest, "layers"));
	return check_layers(image, err);
}

/* ---- an image ---------------------------------------------------------------- */

static struct fa_image *new_image(const struct fa_mem *mem, struct faas_error *err)
{
	struct fa_image *image = fa_alloc(mem, sizeof(*image));

	if (image)
		image->mem = mem;
	else
		fa_error_nomem(err);
	return image;
}

void fa_image_forget(struct fa_image *image)
{
	if (image->owns)
		fa_tree_remove(AT_FDCWD, image->place, NULL);
	image->owns = false;
	fa_free(image->place);
	image->place = NULL;
}

void fa_image_close(struct fa_image *image)
{
	if (!image)
		return;
	fa_document_free(image->layers);
	fa_document_free(image->settings);
	fa_free(image->entry_point);
	fa_free(image->command);
	fa_free(image->variables);
	fa_free(image->manifest);
	fa_free(image->config);
	fa_image_forget(image);
	fa_free(image);
}

static int read_image(struct fa_image *image, const char *reference, struct faas_error *err)
{
	struct fa_document *index = read_index(image, err), *manifest = NULL, *config = NULL;
	struct fa_blob blob;
	int rc = index ? descend(image, index, reference, 0, &manifest, err) : err->code;

	if (!rc)
		rc = take_manifest(image, manifest, err);
	if (!rc)
		rc = read_descriptor(fa_document_get(manifest, "config"), &blob, err);
	if (!rc) {
		config = read_blob(image, &blob, &image->config, err);
		rc = config ? take_config(image, config, err) : err->code;
	}
	if (!rc)
		rc = find_layers(image, err);
	fa_document_free(manifest);
	fa_document_free(config);
	return rc;
}

struct fa_image *fa_image_open(const struct fa_mem *mem, const char *path, const char *reference,
			       struct faas_error *err)
{
	struct fa_image *image = new_image(mem, err);

	if (!image)
		return NULL;
	image->place = fa_strdup(mem, path);
	if (!image->place)
		fa_error_nomem(err);
	else if (!read_image(image, reference, err))
		return image;
	fa_image_close(image);
	return NULL;
}

struct fa_image *fa_image_recall(const struct fa_mem *mem, char *manifest_text, char *config_text,
				 struct faas_error *err)
{
	struct fa_document *manifest = parse(manifest_text, err);
	struct fa_document *config = manifest ? parse(config_text, err) : NULL;
	struct fa_image *image = config ? new_image(mem, err) : NULL;
	int rc = image ? 0 : err->code;

	if (image) {
		image->manifest = manifest_text;
		image->config = config_text;
		rc = hash(manifest_text, image->digest, err);
	} else {
		fa_free(manifest_text);
		fa_free(config_text);
	}
	if (!rc)
		rc = take_manifest(image, manifest, err);
	if (!rc)
		rc = take_config(image, config, err);
	fa_document_free(manifest);
	fa_document_free(config);
	if (!rc)
		return image;
	fa_image_close(image);
	return NULL;
}

size_t fa_image_layer_count(const struct fa_image *image)
{
	size_t count = 0;

	while (fa_document_item(image->layers, count))
		count++;
	return count;
}

void fa_image_layer(const struct fa_image *image, size_t index, struct fa_blob *blob)
{
	read_descriptor(fa_document_item(image->layers, index), blob, NULL); /* it was judged */
}

int fa_image_open_layer(const struct fa_image *image, const struct fa_blob *blob,
			struct faas_error *err)
{
	return open_blob(image->place, blob, err);
}
