/* SPDX-License-Identifier: MIT */
/* What leads to the layers of a container image, and that nothing is left of one that lies. */
#include "layout.h"

/* Change a byte of a blob that lies there. */
static void damage(const struct images_blob *blob)
{
	char path[256];
	int fd = open(images_blob_path(path, layout, blob), O_RDWR);
	char byte;

	assert_int_equal(pread(fd, &byte, 1, 0), 1);
	byte ^= 1;
	assert_int_equal(pwrite(fd, &byte, 1, 0), 1);
	close(fd);
}

TEST(what_is_not_what_its_digest_says_is_refused)
{
	char expected[128];

	file("run", "x");
	write_layout(CMD);
	damage(&layers[0]);
	snprintf(expected, sizeof(expected), INVALID "(%.20s... is not what its digest says)",
		 layers[0].digest + strlen("sha256:"));
	refused_as_it_is(expected);
	damage(&layers[0]); /* and whole again */
	drop(make());
	damage(&manifest);
	snprintf(expected, sizeof(expected), INVALID "(%.20s... is not what its digest says)",
		 manifest.digest + strlen("sha256:"));
	refused_as_it_is(expected);
}

TEST(a_layer_that_changes_after_it_was_taken_is_refused)
{
	struct fa_package *p;

	file("run", "x");
	write_layout(CMD);
	p = take();
	assert_non_null(p);
	damage(&layers[0]);
	assert_int_equal(fa_package_make(p, &err), FAAS_EINVAL);
	drop(p);
	assert_int_equal(kept(), 0);
}

TEST(a_layer_that_is_missing_is_refused)
{
	struct fa_package *p;
	char path[256];

	file("run", "x");
	write_layout(CMD);
	p = take();
	assert_non_null(p);
	assert_int_equal(unlink(images_blob_path(path, layout, &layers[0])), 0);
	assert_int_equal(fa_package_make(p, &err), FAAS_EINVAL);
	drop(p);
	refused_as_it_is(INVALID "(blobs/sha256/");
}

TEST(a_manifest_that_lies_is_refused)
{
	file("run", "x");
	end_layer();
	layers[0].size++;
	refused(INVALID "(");
	file("run", "x");
	end_layer();
	strcpy(layers[0].digest, "sha256:../../../victim/file");
	refused(INVALID "('sha256:../../../victim/file' is no SHA-256 digest)");
	file("run", "x");
	end_layer();
	layers[0].digest[8] = 'Z';
	refused(INVALID "(");
	file("run", "x");
	end_layer();
	layers[0].type = "application/vnd.oci.image.layer.nondistributable.v1.tar";
	refused("The image manifest, config or layer media type for the source image is not "
		"supported. (application/vnd.oci.image.layer.nondistributable.v1.tar)");
	refused(INVALID "(it has 0 layers, and should have 1 to 128)");
}

/* A manifest and a configuration as texts. */
static void write_documents(const char *config)
{
	struct images_blob blob = { .type = "application/vnd.oci.image.config.v1+json" };
	char text[1024];

	file("run", "x");
	layer_count = 0;
	end_layer();
	images_blob(layout, &blob, config, strlen(config));
	snprintf(text, sizeof(text),
		 "{\"schemaVersion\":2,\"config\":{\"mediaType\":\"%s\",\"digest\":\"%s\",\"size\":"
		 "%zu},"
		 "\"layers\":[{\"mediaType\":\"%s\",\"digest\":\"%s\",\"size\":%zu}]}",
		 blob.type, blob.digest, blob.size, layers[0].type, layers[0].digest,
		 layers[0].size);
	images_blob(layout, &manifest, text, strlen(text));
	manifest.type = IMAGES_MANIFEST;
	images_index(layout, &manifest, "");
}

#define MACHINE "\"os\":\"linux\",\"architecture\":\"" IMAGES_ARCHITECTURE "\""
#define ONE "\"rootfs\":{\"diff_ids\":[\"x\"]}"

TEST(a_configuration_that_makes_no_sense_is_refused)
{
	write_documents("{" MACHINE "," ONE ",\"config\":{\"Cmd\":\"text\"}}");
	refused_as_it_is(INVALID "(Cmd is no list of texts)");
	write_documents("{" MACHINE "," ONE ",\"config\":{\"Cmd\":[1]}}");
	refused_as_it_is(INVALID "(Cmd is no list of texts)");
	write_documents("{" MACHINE "," ONE ",\"config\":{\"Env\":[\"NAME\"]}}");
	refused_as_it_is(INVALID "('NAME' is no variable)");
	write_documents("{" MACHINE "," ONE ",\"config\":{\"Env\":[\"=x\"]}}");
	refused_as_it_is(INVALID "('=x' is no variable)");
	write_documents("{" MACHINE ",\"rootfs\":{\"diff_ids\":[\"x\",\"y\"]}}");
	refused_as_it_is(INVALID "(its manifest has 1 layers, its configuration 2)");
	write_documents("{\"os\":\"linux\",\"architecture\":\"s390x\"," ONE "}");
	refused_as_it_is(INVALID
			 "(it is for linux/s390x, and this machine is linux/" IMAGES_ARCHITECTURE
			 ")");
	write_documents("no JSON");
	refused_as_it_is(INVALID "(a document of it is no JSON object)");
}

TEST(settings_have_an_end)
{
	static char config[20000];
	int len = sprintf(config, "{" MACHINE "," ONE ",\"config\":{\"Cmd\":[\"/run\",\"");
	size_t argument = FA_IMAGE_SETTINGS - sizeof("/run") - 1 - 1; /* and no WorkingDir */
	struct fa_package *p;

	for (int more = 0; more < 2; more++) {
		memset(config + len, 'a', argument + (size_t)more);
		strcpy(config + len + argument + more, "\"]}}");
		write_documents(config);
		if (more) {
			refused_as_it_is(INVALID
					 "(its settings have 16385 bytes, and may have 16384)");
		} else {
			p = take();
			assert_non_null(p);
			drop(p);
		}
	}
}

TEST(a_document_has_an_end)
{
	size_t len = FA_IMAGE_DOCUMENT + 1;
	char *text = malloc(len);

	memset(text, ' ', len);
	images_blob(layout, &manifest, text, len);
	manifest.type = IMAGES_MANIFEST;
	images_index(layout, &manifest, "");
	refused_as_it_is(INVALID "(a document of it is larger than 4194304 bytes)");
	images_put(layout, "index.json", text, len);
	refused_as_it_is(INVALID "(a document of it is larger than 4194304 bytes)");
	free(text);
}

TEST(indexes_in_each_other_have_an_end)
{
	struct fa_package *p;

	file("run", "x");
	write_layout(CMD);
	for (int i = 1; i <= 4; i++) {
		char text[512];
		int len = snprintf(
			text, sizeof(text),
			"{\"manifests\":[{\"mediaType\":\"%s\",\"digest\":\"%s\",\"size\":%zu}]}",
			manifest.type, manifest.digest, manifest.size);

		images_blob(layout, &manifest, text, (size_t)len);
		manifest.type = IMAGES_INDEX;
		images_index(layout, &manifest, "");
		if (i == 4) {
			refused_as_it_is(INVALID "(its indexes are in each other too often)");
			break;
		}
		p = take();
		assert_non_null(p);
		drop(p);
	}
}

TEST(one_of_several_is_named_by_its_tag_or_digest)
{
	struct images_blob first;
	struct fa_package *p;
	char text[1024];

	file("run", "one");
	write_layout(CMD);
	first = manifest;
	layer_count = 0;
	file("run", "two");
	write_layout(CMD);
	snprintf(text, sizeof(text),
		 "{\"manifests\":[{\"mediaType\":\"%s\",\"digest\":\"%s\",\"size\":%zu,"
		 "\"annotations\":{\"org.opencontainers.image.ref.name\":\"one\"}},"
		 "{\"mediaType\":\"%s\",\"digest\":\"%s\",\"size\":%zu,"
		 "\"annotations\":{\"org.opencontainers.image.ref.name\":\"two\"}}]}",
		 first.type, first.digest, first.size, manifest.type, manifest.digest,
		 manifest.size);
	images_put(layout, "index.json", text, strlen(text));
	refused_as_it_is(INVALID "(there are several: name one by its tag or digest)");
	assert_null(fa_packages_take_image(&store, layout, "three", &err));
	assert_string_equal(err.message, INVALID
			    "('three' is none of its tags or digests for linux/" IMAGES_ARCHITECTURE
			    ")");
	p = fa_packages_take_image(&store, layout, "two", &err);
	assert_non_null(p);
	assert_string_equal(p->sha256, manifest.digest + strlen("sha256:"));
	drop(p);
	p = fa_packages_take_image(&store, layout, first.digest, &err);
	assert_non_null(p);
	assert_string_equal(p->sha256, first.digest + strlen("sha256:"));
	drop(p);
}

TEST(the_one_for_this_machine_is_taken)
{
	struct fa_package *p;
	char text[1024];

	file("run", "x");
	write_layout(CMD);
	snprintf(text, sizeof(text),
		 "{\"manifests\":[{\"mediaType\":\"%s\",\"digest\":\"sha256:%064d\",\"size\":7,"
		 "\"platform\":{\"os\":\"linux\",\"architecture\":\"s390x\"}},"
		 "{\"mediaType\":\"%s\",\"digest\":\"%s\",\"size\":%zu,"
		 "\"platform\":{\"os\":\"linux\",\"architecture\":\"" IMAGES_ARCHITECTURE "\"}}]}",
		 manifest.type, 0, manifest.type, manifest.digest, manifest.size);
	images_put(layout, "index.json", text, strlen(text));
	p = take();
	assert_non_null(p);
	drop(p);
}

TEST(what_is_no_regular_file_is_not_waited_for)
{
	char path[256];

	file("run", "x");
	write_layout(CMD);
	images_blob_path(path, layout, &layers[0]);
	assert_int_equal(unlink(path), 0);
	assert_int_equal(mkfifo(path, 0644), 0);
	refused_as_it_is(INVALID "(blobs/sha256/");
	snprintf(path, sizeof(path), "%s/index.json", layout);
	assert_int_equal(unlink(path), 0);
	assert_int_equal(mkfifo(path, 0644), 0);
	refused_as_it_is(INVALID "(index.json is no regular file)");
}

TEST(without_memory_nothing_is_left)
{
	struct fa_package *p = NULL;
	bool failed = true;

	file("run", "x");
	write_layout(CMD);
	for (size_t n = 1; failed; n++) {
		bool made;

		failing_mem_fail_at(&mem, n, false);
		p = take();
		made = p && !fa_package_make(p, &err);
		failed = failing_mem_has_failed(&mem);
		failing_mem_recover(&mem);
		assert_true(made || err.code == FAAS_ENOMEM);
		drop(p);
		assert_int_equal(kept(), 0);
	}
}

#define ROW(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
	static const struct CMUnitTest tests[] = {
		ROW(what_is_not_what_its_digest_says_is_refused),
		ROW(a_layer_that_changes_after_it_was_taken_is_refused),
		ROW(a_layer_that_is_missing_is_refused),
		ROW(a_manifest_that_lies_is_refused),
		ROW(a_configuration_that_makes_no_sense_is_refused),
		ROW(settings_have_an_end),
		ROW(a_document_has_an_end),
		ROW(indexes_in_each_other_have_an_end),
		ROW(one_of_several_is_named_by_its_tag_or_digest),
		ROW(the_one_for_this_machine_is_taken),
		ROW(what_is_no_regular_file_is_not_waited_for),
		ROW(without_memory_nothing_is_left),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
