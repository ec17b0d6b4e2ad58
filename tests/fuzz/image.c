/* SPDX-License-Identifier: MIT */
/*
 * A document of a container image, behind a letter that says which: a manifest or a configuration
 * as they are kept (m, c), the index of a layout (i), a manifest that an index names (n), or the
 * manifest.json of an archive as `docker save` writes it (d). All else of the image is sound.
 */
#include "fuzz.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <base/mem.h>
#include <model/package/image.h>
#include <model/package/image_archive.h>
#include <model/package/tree.h>
#include <support/images.h>

#define DIGEST "sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
#define MACHINE "\"os\":\"linux\",\"architecture\":\"" IMAGES_ARCHITECTURE "\""
#define DESCRIPTOR(type) "{\"mediaType\":\"" type "\",\"digest\":\"" DIGEST "\",\"size\":5}"
#define MANIFEST \
	"{\"schemaVersion\":2,\"config\":" \
	DESCRIPTOR("application/vnd.oci.image.config.v1+json") ",\"layers\":[" \
	DESCRIPTOR(IMAGES_TAR) "]}"
#define CONFIG \
	"{" MACHINE ",\"config\":{\"Entrypoint\":[\"/bin/sh\",\"-c\"],\"Cmd\":[\"run\"],\"Env\":[" \
	"\"A=b\",\"C=\"],\"WorkingDir\":\"/srv\"},\"rootfs\":{\"diff_ids\":[\"" DIGEST "\"]}}"

const char fuzz_promise[] = "no_document_of_an_image_is_believed_more_than_it_proves";

const char *const fuzz_corpus[] = {
	"m" MANIFEST,
	"c" CONFIG,
	"c{" MACHINE ",\"config\":null,\"rootfs\":{\"diff_ids\":[1]}}",
	"i{\"manifests\":[" DESCRIPTOR(IMAGES_MANIFEST) "," DESCRIPTOR(IMAGES_INDEX) "]}",
	"i{\"manifests\":[{\"mediaType\":\"" IMAGES_MANIFEST "\",\"digest\":"
	"\"sha256:../../../victim"
	"\",\"size\":9,\"platform\":{" MACHINE "},\"annotations\":{\"" FA_IMAGE_TAG
	"\":\"latest\"}}]}",
	"n" MANIFEST,
	"n{\"config\":{\"digest\":\"sha256:\",\"size\":-1},\"layers\":[]}",
	"d[{\"Config\":\"config.json\",\"RepoTags\":[\"app:v1\",\"app\"],\"Layers\":["
	"\"layer.tar\"]}]",
	"d[{\"Config\":\"../victim\",\"RepoTags\":null,\"Layers\":[\"../victim\","
	"\"/etc/passwd\"]}]",
	"d[{\"Config\":\"config.json\",\"Layers\":[\"layer.tar\",\"layer.tar\"]},{\"Config\":"
	"\"x\"}]",
	NULL,
};

static char base[64], layout[96], docker[96], victim[96];

static void clean_up(void)
{
	fa_tree_remove(AT_FDCWD, base, NULL);
}

static void prepare(void)
{
	struct images_tar tar = { NULL, 0, 0 };

	if (*base)
		return;
	strcpy(base, "/dev/shm/faas-fuzz-image-XXXXXX"); /* many files are written */
	if (!mkdtemp(base))
		PROPERTY(mkdtemp(strcpy(base, "/tmp/faas-fuzz-image-XXXXXX")));
	atexit(clean_up);
	snprintf(layout, sizeof(layout), "%s/layout", base);
	snprintf(docker, sizeof(docker), "%s/docker", base);
	snprintf(victim, sizeof(victim), "%s/victim", base);
	images_put(base, "victim", "untouched", 9);
	images_begin(&tar);
	images_file(&tar, "run", "x");
	images_write(layout, &tar, "{\"Cmd\":[\"/run\"]}");
}

static char *text_of(const uint8_t *data, size_t size)
{
	char *text = fa_alloc(&fa_mem_libc, size + 1);

	PROPERTY(text);
	return size ? memcpy(text, data, size) : text;
}

/* ---- what must hold --------------------------------------------------------- */

static size_t add_up(const char *const *list)
{
	size_t size = 0;

	PROPERTY(list);
	for (; *list; list++)
		size += strlen(*list) + 1;
	return size;
}

/* Takes the image. */
static void judge(struct fa_image *image, const struct faas_error *err)
{
	struct fa_blob blob;
	size_t size;

	if (!image) {
		PROPERTY(err->code == FAAS_EINVAL && *err->message);
		return;
	}
	size = add_up(image->entry_point) + add_up(image->command) + add_up(image->variables) +
	       strlen(image->working_directory) + 1;
	PROPERTY(size == image->settings_size && size <= FA_IMAGE_SETTINGS);
	for (const char **v = image->variables; *v; v++)
		PROPERTY(strchr(*v, '=') > *v);
	PROPERTY(strspn(image->digest, "0123456789abcdef") == 64 && !image->digest[64]);
	PROPERTY(fa_image_layer_count(image) >= 1 &&
		 fa_image_layer_count(image) <= FA_IMAGE_LAYERS);
	for (size_t i = 0; i < fa_image_layer_count(image); i++) {
		fa_image_layer(image, i, &blob);
		PROPERTY(blob.size >= 0);
		PROPERTY(strspn(blob.digest, "0123456789abcdef") == 64 && !blob.digest[64]);
	}
	fa_image_close(image);
}

static void look_at_victim(void)
{
	struct stat st;

	PROPERTY(!stat(victim, &st) && st.st_size == 9 && st.st_nlink == 1);
}

/* ---- the documents ----------------------------------------------------------- */

static void keep(const char *manifest, size_t manifest_len, const char *config, size_t config_len)
{
	struct faas_error err = { 0 };
	char *one = text_of((const uint8_t *)manifest, manifest_len);
	char *other = text_of((const uint8_t *)config, config_len);

	judge(fa_image_recall(&fa_mem_libc, one, other, &err), &err);
}

static void open_layout(void)
{
	static const char *const references[] = { NULL, "latest", DIGEST };
	struct faas_error err = { 0 };

	for (int i = 0; i < 3; i++)
		judge(fa_image_open(&fa_mem_libc, layout, references[i], &err), &err);
}

static void name_manifest(const uint8_t *data, size_t size)
{
	struct images_blob blob = { .type = IMAGES_MANIFEST };
	char path[256];

	images_blob(layout, &blob, data, size);
	images_index(layout, &blob, "");
	open_layout();
	unlink(images_blob_path(path, layout, &blob));
}

static void arrange(const uint8_t *data, size_t size)
{
	struct faas_error err = { 0 };
	int dir, rc;

	fa_tree_remove(AT_FDCWD, docker, NULL);
	PROPERTY(!mkdir(docker, 0755));
	images_put(docker, "config.json", CONFIG, strlen(CONFIG));
	images_put(docker, "layer.tar", "", 0);
	images_put(docker, "manifest.json", data, size);
	dir = open(docker, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	PROPERTY(dir >= 0);
	rc = fa_image_archive_arrange(dir, &fa_mem_libc, &err);
	close(dir);
	PROPERTY(rc == 0 || (rc == FAAS_EINVAL && *err.message));
	if (!rc)
		judge(fa_image_open(&fa_mem_libc, docker, NULL, &err), &err);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	prepare();
	if (!size)
		return 0;
	switch (*data) {
	case 'm':
		keep((const char *)data + 1, size - 1, CONFIG, strlen(CONFIG));
		break;
	case 'c':
		keep(MANIFEST, strlen(MANIFEST), (const char *)data + 1, size - 1);
		break;
	case 'i':
		images_put(layout, "index.json", data + 1, size - 1);
		open_layout();
		break;
	case 'n':
		name_manifest(data + 1, size - 1);
		break;
	case 'd':
		arrange(data + 1, size - 1);
		break;
	default:
		break;
	}
	look_at_victim();
	return 0;
}
