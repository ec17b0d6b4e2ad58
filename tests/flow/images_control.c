/* SPDX-License-Identifier: MIT */
/* Container images by the API: by a name that the host gave them, and by no other. */
#include <support/test.h>

#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <model/package/tree.h>
#include <support/control.h>
#include <support/images.h>

#define ROLE "\"Role\":\"arn:aws:iam::000000000000:role/r\""
#define INVALID "InvalidParameterValueException"
#define REPOSITORY "000000000000.dkr.ecr.local-1.amazonaws.com/app"
#define CREATE(uri, more) \
	"{\"FunctionName\":\"i\"," ROLE ",\"PackageType\":\"Image\"," more \
	"\"Code\":{\"ImageUri\":\"" uri "\"}}"

static char base[64], layout[96], other[96];
static struct images_blob one, two;

static void write_image(const char *folder, struct images_blob *manifest, const char *version)
{
	struct images_blob layer;
	struct images_tar tar;

	images_begin(&tar);
	images_file(&tar, "version", version);
	images_program(&tar, "bootstrap", TEST_PROGRAMS "/bootstrap-static");
	images_layer(folder, &layer, &tar);
	images_manifest(folder, manifest, &layer, 1,
			"{\"Entrypoint\":[\"/bootstrap\"],\"Cmd\":[\"own\"]}");
}

static void write_layout(void)
{
	char index[1024];

	write_image(layout, &one, "one");
	write_image(layout, &two, "two");
	snprintf(index, sizeof(index),
		 "{\"manifests\":[{\"mediaType\":\"%s\",\"digest\":\"%s\",\"size\":%zu,"
		 "\"annotations\":{\"org.opencontainers.image.ref.name\":\"v1\"}},"
		 "{\"mediaType\":\"%s\",\"digest\":\"%s\",\"size\":%zu,"
		 "\"annotations\":{\"org.opencontainers.image.ref.name\":\"v2\"}}]}",
		 one.type, one.digest, one.size, two.type, two.digest, two.size);
	images_put(layout, "index.json", index, strlen(index));
}

static int open_it(void **state)
{
	char tagged[112];
	const struct faas_image images[] = {
		{ REPOSITORY, layout },
		{ "localhost:5000/one:fixed", tagged },
		{ "other", other },
		{ NULL, NULL },
	};

	(void)state;
	strcpy(base, "/tmp/faas-images-XXXXXX");
	assert_non_null(mkdtemp(base));
	assert_int_equal(chmod(base, 0755), 0);
	snprintf(layout, sizeof(layout), "%s/image", base);
	snprintf(other, sizeof(other), "%s/other", base);
	snprintf(tagged, sizeof(tagged), "%s:v1", layout);
	write_layout();
	return control_open_with(FAAS_CONFIG(.images = images, .max_image_mb = 50), false);
}

static int close_it(void **state)
{
	control_close(state);
	assert_true(fa_tree_remove(-1, base, NULL));
	return 0;
}

static void await(const char *wanted)
{
	struct faas_function_info *info;
	bool there = false;

	for (int ms = 0; !there && ms < 20000; ms++) {
		assert_int_equal(faas_function_get(flow.rt, "i", &info, &err), 0);
		there = !strcmp(info->state, wanted) &&
			strcmp(info->update_status, "InProgress") != 0;
		faas_free(info);
		if (!there)
			usleep(1000);
	}
	if (!there)
		fail_msg("the function does not become %s", wanted);
}

static void create(const char *request)
{
	perform("CreateFunction", request);
	await("Active");
}

static void change(const char *operation, const char *request)
{
	perform(operation, request);
	await("Active");
}

static void answers(const char *event, const char *answer)
{
	flow_expect(&flow, "i", event, answer);
}

TEST(a_function_is_made_of_the_name_of_an_image)
{
	char text[200];

	create(CREATE(REPOSITORY ":v1", ""));
	answers("read /version", "one");
	perform("GetFunction", "{\"FunctionName\":\"i\"}");
	has("\"PackageType\":\"Image\"");
	has("\"Code\":{\"ImageUri\":\"" REPOSITORY ":v1\"");
	snprintf(text, sizeof(text), "\"ResolvedImageUri\":\"" REPOSITORY "@%s\"", one.digest);
	has(text);
	snprintf(text, sizeof(text), "\"CodeSha256\":\"%s\"", one.digest + strlen("sha256:"));
	has(text);
	lacks("Runtime\"");
	lacks("Handler\"");
	lacks("ImageConfigResponse");
}

TEST(an_image_is_named_by_its_digest_too)
{
	char request[400];

	snprintf(request, sizeof(request),
		 "{\"FunctionName\":\"i\"," ROLE ",\"PackageType\":\"Image\",\"Code\":{"
		 "\"ImageUri\":\"" REPOSITORY "@%s\"}}",
		 two.digest);
	create(request);
	answers("read /version", "two");
}

TEST(a_name_with_a_tag_of_its_own_is_one_image)
{
	create(CREATE("localhost:5000/one:fixed", ""));
	answers("read /version", "one");
	refused("UpdateFunctionCode",
		"{\"FunctionName\":\"i\",\"ImageUri\":\"localhost:5000/one:other\"}", INVALID,
		"Source image localhost:5000/one:other does not exist. Provide a valid source "
		"image.");
}

TEST(new_code_is_another_image)
{
	create(CREATE(REPOSITORY ":v1", ""));
	change("UpdateFunctionCode",
	       "{\"FunctionName\":\"i\",\"ImageUri\":\"" REPOSITORY ":v2\",\"DryRun\":true}");
	answers("read /version", "one");
	change("UpdateFunctionCode", "{\"FunctionName\":\"i\",\"ImageUri\":\"" REPOSITORY ":v2\"}");
	answers("read /version", "two");
}

TEST(an_image_config_replaces_what_the_image_says)
{
	create(CREATE(REPOSITORY ":v1", "\"ImageConfig\":{\"Command\":[\"a\",\"b\"],"
					"\"WorkingDirectory\":\"/dev\"},"));
	answers("arguments", "/bootstrap,a,b,");
	answers("cwd", "/dev");
	perform("GetFunctionConfiguration", "{\"FunctionName\":\"i\"}");
	has("\"ImageConfigResponse\":{\"ImageConfig\":{\"Command\":[\"a\",\"b\"],"
	    "\"WorkingDirectory\":\"/dev\"}}");
	change("UpdateFunctionConfiguration", "{\"FunctionName\":\"i\",\"Timeout\":4}");
	answers("arguments", "/bootstrap,a,b,");
	change("UpdateFunctionConfiguration", "{\"FunctionName\":\"i\",\"ImageConfig\":{}}");
	answers("arguments", "/bootstrap,own,");
	answers("cwd", "/");
	perform("GetFunctionConfiguration", "{\"FunctionName\":\"i\"}");
	lacks("ImageConfigResponse");
}

TEST(a_version_keeps_its_image)
{
	create(CREATE(REPOSITORY ":v1", "\"Publish\":true,"));
	change("UpdateFunctionCode", "{\"FunctionName\":\"i\",\"ImageUri\":\"" REPOSITORY ":v2\"}");
	flow_expect(&flow, "i:1", "read /version", "one");
	answers("read /version", "two");
}

static void no_image(const char *uri)
{
	char request[400], message[300];

	snprintf(request, sizeof(request), CREATE("%s", ""), uri);
	snprintf(message, sizeof(message),
		 "Source image %s does not exist. Provide a valid source image.", uri);
	refused("CreateFunction", request, INVALID, message);
}

TEST(only_what_the_host_named_can_be_named)
{
	char uri[128];

	no_image("nobody/knows:it");
	no_image(REPOSITORY "/more");
	no_image(layout);
	snprintf(uri, sizeof(uri), "file://%s:v1", layout);
	no_image(uri);
	no_image("other"); /* nothing lies there */
}

TEST(a_tag_that_is_not_there_is_named)
{
	refused("CreateFunction", CREATE(REPOSITORY ":v3", ""), INVALID,
		"The source image is not valid. ('v3' is none of its tags or digests for "
		"linux/" IMAGES_ARCHITECTURE ")");
}

TEST(what_an_image_cannot_have_is_refused)
{
	refused("CreateFunction", CREATE(REPOSITORY ":v1", "\"Handler\":\"a.b\","), INVALID,
		"Please don't provide Handler or Runtime or Layer when the intended function "
		"PackageType is IMAGE.");
	refused("CreateFunction",
		"{\"FunctionName\":\"i\"," ROLE ",\"PackageType\":\"Image\",\"Code\":{\"ZipFile\":"
		"\"AAAA\"}}",
		INVALID,
		"Please provide ImageUri when creating a function with packageType Image.");
	refused("UpdateFunctionCode", "{\"FunctionName\":\"f\",\"ImageUri\":\"" REPOSITORY "\"}",
		INVALID,
		"Please don't provide ImageUri when updating a function with packageType Zip.");
	create(CREATE(REPOSITORY ":v1", ""));
	refused("UpdateFunctionCode", "{\"FunctionName\":\"i\",\"ZipFile\":\"AAAA\"}", INVALID,
		"Please provide ImageUri when updating a function with packageType Image.");
	answers("read /version", "one");
}

/* "other" becomes an image of more than may be unpacked. */
static void write_a_bomb(void)
{
	struct images_blob layer, manifest;
	struct images_tar tar;
	char name[32];
	static char zeros[1 << 20];

	images_begin(&tar);
	for (int i = 0; i < 51; i++) {
		snprintf(name, sizeof(name), "zeros-%d", i);
		images_add(&tar, &(struct images_entry){
					 .name = name, .data = zeros, .len = sizeof(zeros) });
	}
	images_gzip(other, &layer, &tar);
	images_manifest(other, &manifest, &layer, 1, "{\"Cmd\":[\"/x\"]}");
	images_index(other, &manifest, "");
}

TEST(an_image_that_cannot_be_unpacked_leaves_a_function_that_failed)
{
	write_a_bomb();
	perform("CreateFunction", CREATE("other", ""));
	has("\"State\":\"Pending\"");
	await("Failed");
	perform("GetFunctionConfiguration", "{\"FunctionName\":\"i\"}");
	has("the image is too large");
	has("\"StateReasonCode\":\"InvalidImage\"");
}

TEST(an_image_that_cannot_be_unpacked_leaves_the_one_before_it)
{
	create(CREATE(REPOSITORY ":v1", ""));
	write_a_bomb();
	change("UpdateFunctionCode", "{\"FunctionName\":\"i\",\"ImageUri\":\"other\"}");
	perform("GetFunctionConfiguration", "{\"FunctionName\":\"i\"}");
	has("\"LastUpdateStatus\":\"Failed\",\"LastUpdateStatusReason\":");
	has("\"LastUpdateStatusReasonCode\":\"InvalidImage\"");
	answers("read /version", "one");
}

#define ROW(test) cmocka_unit_test_setup_teardown(test, open_it, close_it)

int main(void)
{
	static const struct CMUnitTest tests[] = {
		ROW(a_function_is_made_of_the_name_of_an_image),
		ROW(an_image_is_named_by_its_digest_too),
		ROW(a_name_with_a_tag_of_its_own_is_one_image),
		ROW(new_code_is_another_image),
		ROW(an_image_config_replaces_what_the_image_says),
		ROW(a_version_keeps_its_image),
		ROW(only_what_the_host_named_can_be_named),
		ROW(a_tag_that_is_not_there_is_named),
		ROW(what_an_image_cannot_have_is_refused),
		ROW(an_image_that_cannot_be_unpacked_leaves_a_function_that_failed),
		ROW(an_image_that_cannot_be_unpacked_leaves_the_one_before_it),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
