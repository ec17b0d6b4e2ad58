/* SPDX-License-Identifier: MIT */
/* Images as `docker save` writes them, and that nothing is left of one that lies. */
#include "layout.h"

static char archive[128];
static struct images_tar outer;
static struct images_blob inner;
static char config[1024];

#define MACHINE "\"os\":\"linux\",\"architecture\":\"" IMAGES_ARCHITECTURE "\""
#define MANIFEST \
	"[{\"Config\":\"config.json\",\"RepoTags\":[\"app:v1\"],\"Layers\":[\"layer.tar\"]}]"

static int setup_archive(void **state)
{
	setup(state);
	snprintf(archive, sizeof(archive), "%s/archive.tar", base);
	source = archive;
	images_begin(&outer);
	return 0;
}

static int teardown_archive(void **state)
{
	images_free(&outer);
	source = layout;
	return teardown(state);
}

/* What was begun, as the file of a layer; and the configuration that has its digest. */
static void add_layer(const char *name)
{
	struct images_entry layer = { .name = name };

	images_end(&tar);
	layer.data = memcpy(malloc(tar.len), tar.data, tar.len);
	layer.len = tar.len;
	images_add(&outer, &layer);
	images_blob(layout, &inner, tar.data, tar.len); /* for its digest alone */
	free((void *)layer.data);
	images_free(&tar);
	snprintf(config, sizeof(config),
		 "{" MACHINE ",\"config\":{\"Cmd\":[\"/run\"]},\"rootfs\":{\"diff_ids\":[\"%s\"]}}",
		 inner.digest);
}

static void write_archive(void)
{
	images_end(&outer);
	images_put(base, "archive.tar", outer.data, outer.len);
	images_free(&outer);
	assert_true(fa_tree_remove(AT_FDCWD, layout, NULL));
}

static void add_text(const char *name, const char *text)
{
	images_file(&outer, name, text);
}

static void refuse_archive(const char *message)
{
	write_archive();
	refused_as_it_is(message);
}

TEST(what_docker_saves_is_an_image)
{
	struct fa_package *p, *again;

	file("run", "of the archive");
	add_layer("layer.tar");
	add_text("config.json", config);
	add_text("manifest.json", MANIFEST);
	write_archive();
	p = fa_packages_take_image(&store, archive, "v1", &err);
	if (!p || fa_package_make(p, &err))
		fail_msg("%s", err.message);
	assert_string_equal(content(p, "run"), "of the archive");
	assert_int_equal(count(store.path), 1 + 1 + 2 + 1 + count(p->directory)); /* and no draft */
	again = take();
	assert_ptr_equal(p, again);
	fa_package_unref(again);
	drop(p);
	assert_int_equal(kept(), 0);
	assert_null(fa_packages_take_image(&store, archive, "v2", &err));
	assert_int_equal(kept(), 0);
}

TEST(an_archive_that_is_taken_and_never_made_leaves_nothing)
{
	file("run", "x");
	add_layer("layer.tar");
	add_text("config.json", config);
	add_text("manifest.json", MANIFEST);
	write_archive();
	drop(take());
	assert_int_equal(kept(), 0);
}

TEST(an_archive_whose_layer_is_another_is_refused)
{
	file("run", "x");
	add_layer("layer.tar");
	outer.data[512] ^= 1; /* the first byte of the layer */
	add_text("config.json", config);
	add_text("manifest.json", MANIFEST);
	refuse_archive(INVALID "(");
	assert_non_null(strstr(err.message, "is not what its digest says"));
}

TEST(an_archive_that_lacks_what_it_names_is_refused)
{
	add_text("manifest.json", MANIFEST);
	refuse_archive(INVALID "(its archive has no config.json that is a small file)");
	add_text("config.json", config);
	add_text("manifest.json", MANIFEST);
	refuse_archive(INVALID "(");
	file("run", "x");
	add_layer("other.tar");
	add_text("config.json", config);
	add_text("manifest.json", MANIFEST);
	refuse_archive(INVALID "(its archive has no file 'layer.tar')");
	add_text("something", "else");
	refuse_archive(INVALID "(its archive has no manifest.json that is a small file)");
	add_text("manifest.json", "no JSON");
	refuse_archive(INVALID "(a document of it is no JSON object)");
	add_text("manifest.json", "[]");
	refuse_archive(INVALID "(it has nothing for linux/" IMAGES_ARCHITECTURE ")");
}

TEST(an_archive_cannot_name_files_outside)
{
	char outside[160];

	file("run", "x");
	add_layer("x");
	snprintf(outside, sizeof(outside), "%s/file", victim);
	images_add(&outer,
		   &(struct images_entry){ .name = "layer.tar", .type = '2', .target = outside });
	add_text("config.json", config);
	add_text("manifest.json", MANIFEST);
	refuse_archive(INVALID "(its archive has no file 'layer.tar')");
	file("run", "x");
	add_layer("x");
	add_text("config.json", config);
	add_text("manifest.json",
		 "[{\"Config\":\"config.json\",\"Layers\":[\"../../../../victim/file\"]}]");
	refuse_archive(INVALID "(its archive has no file '../../../../victim/file')");
	images_add(&outer, &(struct images_entry){
				   .name = "manifest.json", .type = '2', .target = outside });
	refuse_archive(INVALID "(its archive has no manifest.json that is a small file)");
	images_add(&outer,
		   &(struct images_entry){ .name = "blobs", .type = '2', .target = victim });
	add_text("config.json", config);
	add_text("manifest.json", MANIFEST);
	refuse_archive(INVALID "(its archive has no place for blobs)");
}

TEST(what_is_no_archive_is_refused)
{
	images_put(base, "archive.tar", "no archive at all", 17);
	refused_as_it_is(UNPACK);
	images_put(base, "archive.tar", "", 0);
	refused_as_it_is(UNPACK);
	file("../escaped", "x");
	images_end(&tar);
	images_put(base, "archive.tar", tar.data, tar.len);
	refused_as_it_is(UNPACK "('../escaped' leads out of the package)");
}

#define ROW(test) cmocka_unit_test_setup_teardown(test, setup_archive, teardown_archive)

int main(void)
{
	static const struct CMUnitTest tests[] = {
		ROW(what_docker_saves_is_an_image),
		ROW(an_archive_that_is_taken_and_never_made_leaves_nothing),
		ROW(an_archive_whose_layer_is_another_is_refused),
		ROW(an_archive_that_lacks_what_it_names_is_refused),
		ROW(an_archive_cannot_name_files_outside),
		ROW(what_is_no_archive_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
