/* SPDX-License-Identifier: MIT */
#ifndef TEST_UNIT_MODEL_PACKAGE_LAYOUT_H
#define TEST_UNIT_MODEL_PACKAGE_LAYOUT_H

/* Layouts that become packages, or are refused; for tests of one program. */
#include <support/test.h>

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <model/package/draft.h>
#include <model/package/tree.h>
#include <support/failing_mem.h>
#include <support/images.h>
#include <support/readers.h>

#define CMD "{\"Cmd\":[\"/run\"]}"
#define INVALID "The source image is not valid. "
#define UNPACK "The source image is not valid: a layer of it cannot be unpacked. "
#define LAYERS_MAX 8

static struct failing_mem mem;
static struct faas_error err;
static struct fa_packages store;
static char base[64], layout[96], victim[96];
static struct images_tar tar;
static struct images_blob layers[LAYERS_MAX], manifest;
static size_t layer_count;

static inline int setup(void **state)
{
	(void)state;
	failing_mem_init(&mem);
	memset(&err, 0, sizeof(err));
	strcpy(base, "/tmp/faas-image-XXXXXX");
	assert_non_null(mkdtemp(base));
	assert_int_equal(setenv("TMPDIR", base, 1), 0);
	snprintf(layout, sizeof(layout), "%s/layout", base);
	snprintf(victim, sizeof(victim), "%s/victim", base);
	assert_int_equal(mkdir(victim, 0755), 0);
	images_put(victim, "file", "untouched", 9);
	assert_int_equal(fa_packages_init(&store, &mem.mem, NULL), 0);
	readers_init(&store.readers);
	assert_int_equal(fa_packages_open(&store, &err), 0);
	images_begin(&tar);
	layer_count = 0;
	return 0;
}

static inline int teardown(void **state)
{
	(void)state;
	images_free(&tar);
	fa_packages_finish(&store);
	assert_true(failing_mem_clean(&mem));
	assert_true(fa_tree_remove(AT_FDCWD, base, NULL));
	return 0;
}

/* ---- words ----------------------------------------------------------------- */

/* How many names there are below a directory. */
static int count(const char *path)
{
	DIR *stream = opendir(path);
	const struct dirent *entry;
	int n = 0;

	assert_non_null(stream);
	while ((entry = readdir(stream))) {
		char inside[512];

		if (!strcmp(entry->d_name, ".") || !strcmp(entry->d_name, ".."))
			continue;
		snprintf(inside, sizeof(inside), "%s/%s", path, entry->d_name);
		n += 1 + (entry->d_type == DT_DIR ? count(inside) : 0);
	}
	closedir(stream);
	return n;
}

static inline int kept(void)
{
	return count(store.path) - 1; /* of them one is its lock */
}

static inline void file(const char *name, const char *text)
{
	images_file(&tar, name, text);
}

static inline void directory(const char *name)
{
	images_add(&tar, &(struct images_entry){ .name = name, .type = '5', .mode = 0755 });
}

static inline void entry(char type, const char *name, const char *target)
{
	images_add(&tar, &(struct images_entry){ .name = name, .type = type, .target = target });
}

/* What was begun is a layer, and the next is begun. */
static inline void end_layer(void)
{
	assert_true(layer_count < LAYERS_MAX);
	images_layer(layout, &layers[layer_count++], &tar);
}

static inline void write_layout(const char *config)
{
	if (tar.len)
		end_layer();
	images_manifest(layout, &manifest, layers, layer_count, config);
	images_index(layout, &manifest, "");
}

static const char *source = layout; /* what is taken */

static inline struct fa_package *take(void)
{
	return fa_packages_take_image(&store, source, NULL, &err);
}

static inline struct fa_package *make(void)
{
	struct fa_package *p;

	write_layout(CMD);
	p = take();
	if (!p || fa_package_make(p, &err))
		fail_msg("%s", err.message);
	return p;
}

static inline void drop(struct fa_package *p)
{
	fa_package_unref(p);
	while (fa_packages_sweep(&store))
		;
}

static inline const char *content(const struct fa_package *p, const char *name)
{
	static char text[256];
	char path[512];
	FILE *in;

	snprintf(path, sizeof(path), "%s/%s", p->directory, name);
	in = fopen(path, "r");
	if (!in)
		return "(none)";
	text[fread(text, 1, sizeof(text) - 1, in)] = '\0';
	fclose(in);
	return text;
}

static inline struct stat look(const struct fa_package *p, const char *name)
{
	char path[512];
	struct stat st;

	snprintf(path, sizeof(path), "%s/%s", p->directory, name);
	if (lstat(path, &st) < 0)
		memset(&st, 0, sizeof(st));
	return st;
}

static inline void victim_is_well(void)
{
	char text[16] = "";
	char path[128];
	FILE *in;

	snprintf(path, sizeof(path), "%s/file", victim);
	in = fopen(path, "r");
	assert_non_null(in);
	text[fread(text, 1, sizeof(text) - 1, in)] = '\0';
	fclose(in);
	assert_string_equal(text, "untouched");
	assert_int_equal(count(victim), 1);
}

/* What lies in the layout now is refused, at once or when it is made, and nothing is left. */
static inline void refused_as_it_is(const char *message)
{
	int before = count(base);
	struct fa_package *p = take();

	if (p && !fa_package_make(p, &err))
		fail_msg("made, but should be: %s", message);
	drop(p);
	if (strncmp(err.message, message, strlen(message)) != 0)
		fail_msg("'%s' is not '%s'", err.message, message);
	assert_int_equal(err.code, FAAS_EINVAL);
	assert_int_equal(count(base), before);
	victim_is_well();
}

static inline void refused(const char *message)
{
	write_layout(CMD);
	refused_as_it_is(message);
	layer_count = 0;
}

#endif
