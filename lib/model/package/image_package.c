/* SPDX-License-Identifier: MIT */
/*
 * An image as a package. Nobody reads a layer but from a copy that its digest was found right
 * of: what lies in the layout may change meanwhile. Each layer is unpacked into a directory of
 * its own, as it would be for an overlay, and then put over those below it.
 */
#include <model/package/draft.h>

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <base/error.h>
#include <base/write.h>
#include <model/package/image_archive.h>
#include <model/package/tree.h>

#define MANIFEST "manifest.json"
#define CONFIG "config.json"
#define LAYER "layer"
#define PIECE 65536

static const char cannot_make[] = "cannot make a directory for the image";

/* ---- one layer ------------------------------------------------------------ */

static int copy(int from, int to, const struct fa_blob *blob, struct faas_error *err)
{
	char piece[PIECE], digest[FA_DIGEST_HEX];
	struct fa_digest state;
	int64_t left = blob->size;
	ssize_t n = 0;
	int rc = 0;

	fa_digest_begin(&state);
	while (!rc && left > 0) {
		n = read(from, piece, left < PIECE ? (size_t)left : PIECE);
		if (n <= 0)
			break;
		fa_digest_add(&state, piece, (size_t)n);
		left -= n;
		if (fa_write_all(to, piece, (size_t)n) < 0)
			rc = fa_error_errno(err, errno, "cannot copy a layer of the image");
	}
	if (n < 0)
		rc = fa_error_errno(err, errno, "cannot read a layer of the image");
	if (fa_digest_end_hex(&state, digest) < 0)
		return fa_error_nomem(err);
	if (!rc && strcmp(digest, blob->digest) != 0)
		rc = fa_image_refuse(err, "%.20s... is not what its digest says", blob->digest);
	return rc;
}

/* A file without a name, which its reader cannot write to. */
static int open_copy(int draft, const struct fa_image *image, const struct fa_blob *blob,
		     struct faas_error *err)
{
	int from = fa_image_open_layer(image, blob, err), to, fd = -1, rc;
	char self[32];

	if (from < 0)
		return from;
	to = openat(draft, ".", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
	rc = to < 0 ? fa_error_errno(err, errno, "cannot copy a layer of the image") :
		      copy(from, to, blob, err);
	snprintf(self, sizeof(self), "/proc/self/fd/%d", to);
	if (!rc && (fd = open(self, O_RDONLY | O_CLOEXEC)) < 0)
		rc = fa_error_errno(err, errno, "cannot copy a layer of the image");
	if (to >= 0)
		close(to);
	close(from);
	return rc ? rc : fd;
}

static int unpack(struct fa_packages *store, int fd, int layer, struct fa_room *room,
		  struct faas_error *err)
{
	struct fa_reader *reader =
		fa_reader_open_tar(&store->readers, store->mem, fd, room, err);
	int rc = reader ? fa_tree_unpack(layer, reader, err) : err->code;

	fa_reader_close(reader);
	return rc;
}

static int stack(int layer, int tree, struct faas_error *err)
{
	int rc = fa_tree_stack(layer, tree);

	if (rc == -EBADMSG)
		return fa_image_refuse(err, "a layer of it has a whiteout of nothing");
	return rc ? fa_error_errno(err, -rc, "cannot stack the layers of the image") : 0;
}

static int add_layer(const struct fa_package *p, size_t index, int draft, int tree,
		     struct fa_room *room, struct faas_error *err)
{
	struct fa_blob blob;
	int layer = -1, fd, rc;

	fa_image_layer(p->image, index, &blob);
	fd = open_copy(draft, p->image, &blob, err);
	if (fd < 0)
		return fd;
	if (mkdirat(draft, LAYER, 0700) == 0)
		layer = openat(draft, LAYER, FA_PACKAGE_INSIDE);
	rc = layer < 0 ? fa_error_errno(err, errno, cannot_make) :
			 unpack(p->store, fd, layer, room, err);
	if (!rc)
		rc = stack(layer, tree, err);
	if (layer >= 0)
		close(layer);
	close(fd);
	fa_tree_remove(draft, LAYER, NULL);
	return rc;
}

/* ---- all of them ------------------------------------------------------------ */

/* Where the sandbox mounts something. */
static int make_mount_point(int tree, const char *name, struct faas_error *err)
{
	struct stat st;

	if (mkdirat(tree, name, 0755) == 0)
		return fchmodat(tree, name, 0755, 0) < 0 ?
			       fa_error_errno(err, errno, cannot_make) : 0;
	if (fstatat(tree, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return fa_error_errno(err, errno, cannot_make);
	return S_ISDIR(st.st_mode) ? 0 : fa_image_refuse(err, "its /%s is no directory", name);
}

/*
 * Where it is written who is asked for names: the host's word, which is put over it. An image
 * whose /etc is none of its directories goes without.
 */
static int make_names_point(int tree, struct faas_error *err)
{
	static const char name[] = "resolv.conf";
	int etc, file, error;
	struct stat st;

	mkdirat(tree, "etc", 0755);
	etc = openat(tree, "etc", O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (etc < 0)
		return 0;
	if (!fstatat(etc, name, &st, AT_SYMLINK_NOFOLLOW) && !S_ISREG(st.st_mode))
		fa_tree_remove(etc, name, NULL);
	file = openat(etc, name, O_RDONLY | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0644);
	error = errno;
	close(etc);
	if (file < 0)
		return fa_error_errno(err, error, cannot_make);
	close(file);
	return 0;
}

/* As any function's: /tmp is the environment's own, and a link to where that is mounted. */
static int furnish(int tree, struct faas_error *err)
{
	static const char *const points[] = { "dev", "proc", "mnt" };
	int rc = 0;

	for (size_t i = 0; i < sizeof(points) / sizeof(*points) && !rc; i++)
		rc = make_mount_point(tree, points[i], err);
	if (!rc && (!fa_tree_remove(tree, "tmp", NULL) || symlinkat("mnt/tmp", tree, "tmp") < 0))
		rc = fa_error_errno(err, errno, cannot_make);
	return rc ? rc : make_names_point(tree, err);
}

static int fill(const struct fa_package *p, int draft, int tree, struct faas_error *err)
{
	struct fa_room room = { p->store->image_max, p->store->image_nodes };
	int rc = 0;

	for (size_t i = 0; i < fa_image_layer_count(p->image) && !rc; i++)
		rc = add_layer(p, i, draft, tree, &room, err);
	return rc ? rc : furnish(tree, err);
}

const struct fa_package_kind fa_package_image = { "img", MANIFEST, fill };

/* ---- taking ------------------------------------------------------------------ */

static int write_documents(int dir, const void *data, struct faas_error *err)
{
	const struct fa_image *image = data;
	int rc = fa_draft_write(dir, MANIFEST,
				(struct faas_bytes){ image->manifest, strlen(image->manifest) },
				err);

	return rc ? rc :
		    fa_draft_write(dir, CONFIG,
				   (struct faas_bytes){ image->config, strlen(image->config) },
				   err);
}

/* Takes the image. */
static struct fa_package *enter(struct fa_packages *store, struct fa_image *image,
				struct faas_error *err)
{
	struct fa_package *p = NULL;

	if (image)
		p = fa_package_new(store, &fa_package_image, image->digest, err);
	if (!p) {
		fa_image_close(image);
		return NULL;
	}
	p->image = image;
	return fa_packages_enter(store, p, write_documents, image, err);
}

/* An archive becomes a layout, in a draft that goes with the image. */
static int unpack_archive(struct fa_packages *store, int archive, const struct fa_draft *draft,
			  struct faas_error *err)
{
	struct fa_room room = { store->image_max, store->image_nodes };
	int rc = unpack(store, archive, draft->dir, &room, err);

	return rc ? rc : fa_image_archive_arrange(draft->dir, store->mem, err);
}

static struct fa_image *open_archive(struct fa_packages *store, const char *path,
				     const char *reference, struct faas_error *err)
{
	int archive = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	struct fa_image *image = NULL;
	struct fa_draft draft;
	char place[PATH_MAX];
	int rc;

	if (archive < 0) {
		fa_image_refuse(err, "%s", strerrordesc_np(errno));
		return NULL;
	}
	rc = fa_draft_open(store, &draft, err);
	if (!rc)
		rc = unpack_archive(store, archive, &draft, err);
	snprintf(place, sizeof(place), "%s/%s", store->path, draft.name);
	if (!rc)
		image = fa_image_open(store->mem, place, reference, err);
	close(archive);
	if (image) {
		image->owns = true;
		close(draft.dir);
	} else {
		fa_draft_close(store, &draft);
	}
	return image;
}

static bool is_file(const char *path)
{
	struct stat st;

	return stat(path, &st) == 0 && S_ISREG(st.st_mode);
}

struct fa_package *fa_packages_take_image(struct fa_packages *store, const char *path,
					  const char *reference, struct faas_error *err)
{
	if (fa_packages_open(store, err) < 0)
		return NULL;
	if (is_file(path))
		return enter(store, open_archive(store, path, reference, err), err);
	return enter(store, fa_image_open(store->mem, path, reference, err), err);
}

/* A text of ours, from the state_dir. */
static char *read_document(struct fa_packages *store, const char *digest, const char *name)
{
	char path[FA_DIGEST_HEX + 32], *text = NULL;
	struct stat st;
	ssize_t n = 0;
	int fd;

	snprintf(path, sizeof(path), "img-%.64s/%s", digest, name);
	fd = openat(store->dir, path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	if (fd >= 0 && fstat(fd, &st) == 0 && st.st_size <= FA_IMAGE_DOCUMENT)
		text = fa_alloc(store->mem, (size_t)st.st_size + 1);
	if (text)
		n = read(fd, text, (size_t)st.st_size);
	if (fd >= 0)
		close(fd);
	if (text && n == st.st_size)
		return text;
	fa_free(text);
	return NULL;
}

struct fa_package *fa_packages_recall_image(struct fa_packages *store, const char *digest,
					    struct faas_error *err)
{
	char *manifest, *config, tree[FA_DIGEST_HEX + 32];

	if (fa_packages_open(store, err) < 0)
		return NULL;
	snprintf(tree, sizeof(tree), "img-%.64s/" FA_PACKAGE_TREE, digest);
	if (faccessat(store->dir, tree, F_OK, AT_SYMLINK_NOFOLLOW) < 0) {
		fa_error(err, FAAS_ENOTFOUND, "the image is gone");
		return NULL;
	}
	manifest = read_document(store, digest, MANIFEST);
	config = read_document(store, digest, CONFIG);
	if (manifest && config)
		return enter(store, fa_image_recall(store->mem, manifest, config, err), err);
	fa_free(manifest);
	fa_free(config);
	fa_error(err, FAAS_ENOTFOUND, "the image is gone");
	return NULL;
}
