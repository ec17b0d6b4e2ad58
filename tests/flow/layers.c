/* SPDX-License-Identifier: MIT */
/* Layers: published, merged at /opt, and kept by the functions that have them. */
#include "upload.h"

#define LAYER "arn:aws:lambda:local-1:000000000000:layer:"

/* Without files of their own functions see the host's, where a layer lies elsewhere. */
static int open_view(void **state)
{
	struct faas_isolation *report;
	bool view;

	open_real(state);
	assert_int_equal(faas_isolation_report(flow.rt, &report, &err), 0);
	view = report->applied & FAAS_LAYER_MOUNT_NS;
	faas_free(report);
	return view ? 0 : -1;
}

static void publish(const char *name, const char *file, const char *content)
{
	zips_begin(&zip);
	zips_file(&zip, file, content);
	REQUEST("{\"LayerName\":\"%s\",\"Content\":{\"ZipFile\":\"%s\"}}", name, encoded());
	perform("PublishLayerVersion");
}

static void publish_library(const char *name, const char *file)
{
	char path[256], inside[128];

	zips_begin(&zip);
	snprintf(path, sizeof(path), TEST_PLUGINS "/%s", file);
	zips_file(&zip, "about", name);
	snprintf(inside, sizeof(inside), "lib/%s", file);
	zips_copy(&zip, inside, path);
	REQUEST("{\"LayerName\":\"%s\",\"Content\":{\"ZipFile\":\"%s\"}}", name, encoded());
	perform("PublishLayerVersion");
}

static void set_layers(const char *list)
{
	REQUEST("{\"FunctionName\":\"f\",\"Layers\":[%s]}", list);
	deploy("UpdateFunctionConfiguration", "f");
}

static void create(void)
{
	CREATE("", code("one"));
	deploy("CreateFunction", "f");
}

TEST(a_layer_is_published_and_told_in_the_words_of_lambda)
{
	zips_begin(&zip);
	zips_file(&zip, "text", "of the layer");
	REQUEST("{\"LayerName\":\"base\",\"Description\":\"d\",\"LicenseInfo\":\"MIT\","
		"\"CompatibleRuntimes\":[\"provided.al2023\",\"python3.12\"],"
		"\"Content\":{\"ZipFile\":\"%s\"}}",
		encoded());
	perform("PublishLayerVersion");
	has("\"LayerArn\":\"" LAYER "base\"");
	has("\"LayerVersionArn\":\"" LAYER "base:1\",\"Version\":1");
	has("\"CompatibleRuntimes\":[\"provided.al2023\",\"python3.12\"]");
	has("\"LicenseInfo\":\"MIT\"");
	has("\"Content\":{\"Location\":\"");
	perform("PublishLayerVersion");
	has("\"Version\":2");
	REQUEST("{\"LayerName\":\"base\",\"VersionNumber\":1}");
	perform("GetLayerVersion");
	has("\"LayerVersionArn\":\"" LAYER "base:1\"");
	REQUEST("{\"Arn\":\"" LAYER "base:2\"}");
	perform("GetLayerVersionByArn");
	has("\"Version\":2");
}

TEST(layers_are_listed_by_name_and_their_versions_the_latest_first)
{
	publish("b", "text", "1");
	publish("a", "text", "1");
	publish("a", "text", "2");
	REQUEST("{}");
	perform("ListLayers");
	assert_true(strstr(reply, "\"LayerName\":\"a\"") < strstr(reply, "\"LayerName\":\"b\""));
	has("\"LatestMatchingVersion\":{");
	has(LAYER "a:2\"");
	assert_null(strstr(reply, LAYER "a:1\""));
	REQUEST("{\"LayerName\":\"a\",\"MaxItems\":1}");
	perform("ListLayerVersions");
	has(LAYER "a:2\"");
	has("\"NextMarker\":\"1\"");
	assert_null(strstr(reply, LAYER "a:1\""));
	REQUEST("{\"LayerName\":\"none\"}");
	assert_string_equal(perform("ListLayerVersions"), "{\"LayerVersions\":[]}");
}

static void publish_for(const char *members)
{
	zips_begin(&zip);
	zips_file(&zip, "text", members);
	REQUEST("{\"LayerName\":\"l\",%s\"Content\":{\"ZipFile\":\"%s\"}}", members, encoded());
	perform("PublishLayerVersion");
}

TEST(a_list_may_ask_for_what_is_compatible_with_a_runtime_and_a_processor)
{
	publish_for("\"CompatibleRuntimes\":[\"python3.11\",\"python3.12\"],");
	publish_for("\"CompatibleRuntimes\":[\"nodejs20.x\"],"
		    "\"CompatibleArchitectures\":[\"x86_64\"],");
	publish_for("");
	REQUEST("{\"CompatibleRuntime\":\"python3.11\"}");
	perform("ListLayers");
	has(LAYER "l:1\"");
	assert_null(strstr(reply, LAYER "l:2\""));
	assert_null(strstr(reply, LAYER "l:3\""));
	REQUEST("{\"LayerName\":\"l\",\"CompatibleArchitecture\":\"x86_64\"}");
	perform("ListLayerVersions");
	has(LAYER "l:2\"");
	assert_null(strstr(reply, LAYER "l:1\""));
	assert_null(strstr(reply, LAYER "l:3\""));
	REQUEST("{\"CompatibleRuntime\":\"python3.11\",\"CompatibleArchitecture\":\"x86_64\"}");
	assert_string_equal(perform("ListLayers"), "{\"Layers\":[]}");
	REQUEST("{\"CompatibleRuntime\":\"basic1\"}");
	assert_int_equal(faas_control(flow.rt, "ListLayers", request, NULL, &err), FAAS_EINVAL);
	assert_string_equal(err.type, "ValidationException");
	assert_non_null(strstr(err.message,
			       "Value 'basic1' at 'compatibleRuntime' failed to satisfy "
			       "constraint: Member must satisfy enum value set: ["));
}

TEST(a_functions_layers_lie_merged_at_opt_later_over_earlier)
{
	publish("one", "both", "one");
	publish("two", "both", "two");
	publish("three", "only", "three");
	create();
	answers("f", "/opt/both", "ENOENT");
	set_layers("\"" LAYER "one:1\",\"" LAYER "two:1\",\"" LAYER "three:1\"");
	has("\"Layers\":[{\"Arn\":\"" LAYER "one:1\",\"CodeSize\":");
	answers("f", "/opt/both", "two");
	answers("f", "/opt/only", "three");
	answers("f", "text", "one");
	set_layers("\"" LAYER "two:1\",\"" LAYER "one:1\"");
	answers("f", "/opt/both", "one");
	answers("f", "/opt/only", "ENOENT");
	set_layers("");
	answers("f", "/opt/both", "ENOENT");
	assert_null(strstr(reply, "Layers"));
}

TEST(a_function_made_by_the_typed_door_has_its_layers_or_is_refused_for_them)
{
	static const char *const layers[] = { LAYER "one:1", NULL };
	static const char *const none[] = { "one", NULL };

	publish("one", "text", "one");
	assert_int_equal(faas_function_create(flow.rt,
					      FAAS_FUNCTION(.name = "f", .code = TEST_PLUGINS,
							    .handler = "package.content",
							    .layers = none),
					      &err),
			 FAAS_EINVAL);
	flow_function(&flow, FAAS_FUNCTION(.name = "f", .code = TEST_PLUGINS,
					   .handler = "package.content", .layers = layers));
	answers("f", "/opt/text", "one");
}

TEST(a_layer_cannot_be_written_to)
{
	publish("one", "text", "one");
	CREATE(",\"Layers\":[\"" LAYER "one:1\"]", code("one"));
	deploy("CreateFunction", "f");
	answers("f", "/opt/text", "one");
	REQUEST("{\"FunctionName\":\"f\",\"Handler\":\"package.make\"}");
	deploy("UpdateFunctionConfiguration", "f");
	answers("f", "/opt/new", "EROFS");
}

TEST(the_variables_name_where_layers_are)
{
	create();
	REQUEST("{\"FunctionName\":\"f\",\"Handler\":\"package.variable\"}");
	deploy("UpdateFunctionConfiguration", "f");
	answers("f", "PATH", "/usr/local/bin:/usr/bin:/bin:/opt/bin");
	answers("f", "LD_LIBRARY_PATH",
		"/lib64:/usr/lib64:/var/task:/var/task/lib:/opt/lib");
}

TEST(new_code_and_other_changes_keep_the_layers)
{
	publish("one", "text", "one");
	create();
	set_layers("\"" LAYER "one:1\"");
	REQUEST("{\"FunctionName\":\"f\",\"ZipFile\":\"%s\"}", code("two"));
	deploy("UpdateFunctionCode", "f");
	answers("f", "/opt/text", "one");
	answers("f", "text", "two");
	REQUEST("{\"FunctionName\":\"f\",\"MemorySize\":256}");
	deploy("UpdateFunctionConfiguration", "f");
	answers("f", "/opt/text", "one");
}

TEST(a_deleted_layer_stays_with_those_that_have_it)
{
	publish("one", "text", "one");
	create();
	set_layers("\"" LAYER "one:1\"");
	REQUEST("{\"FunctionName\":\"f\"}");
	perform("PublishVersion");
	REQUEST("{\"LayerName\":\"one\",\"VersionNumber\":1}");
	perform("DeleteLayerVersion");
	perform("DeleteLayerVersion");
	refused("GetLayerVersion", "ResourceNotFoundException",
		"The resource you requested does not exist.");
	REQUEST("{\"FunctionName\":\"f\",\"MemorySize\":256}");
	deploy("UpdateFunctionConfiguration", "f");
	answers("f", "/opt/text", "one");
	answers("f:1", "/opt/text", "one");
	publish("one", "text", "other");
	has("\"Version\":2"); /* a number is never given twice */
}

/* ---- in a state_dir ---------------------------------------------------- */

static char folder[64];

static void restart(void)
{
	flow_close(&flow);
	flow_open(&flow, &(struct faas_config){ .state_dir = folder }, false);
}

static int open_lasting(void **state)
{
	int rc = open_view(state);

	strcpy(folder, "/tmp/faas-layers-XXXXXX");
	assert_non_null(mkdtemp(folder));
	restart();
	return rc;
}

static int close_lasting(void **state)
{
	char command[80];

	close_it(state);
	snprintf(command, sizeof(command), "rm -r %s", folder);
	return system(command);
}

TEST(a_functions_layers_outlive_the_program_whether_they_are_deleted_or_not)
{
	publish("one", "text", "one");
	create();
	set_layers("\"" LAYER "one:1\"");
	REQUEST("{\"FunctionName\":\"f\"}");
	perform("PublishVersion");
	REQUEST("{\"LayerName\":\"one\",\"VersionNumber\":1}");
	perform("DeleteLayerVersion");
	restart();
	answers("f", "/opt/text", "one");
	answers("f:1", "/opt/text", "one");
	REQUEST("{\"FunctionName\":\"f\"}");
	perform("GetFunctionConfiguration");
	has("\"Layers\":[{\"Arn\":\"" LAYER "one:1\",\"CodeSize\":");
}

TEST(layers_and_their_versions_outlive_the_program)
{
	char before[3][2048];

	publish("a", "text", "1");
	publish("a", "text", "2");
	publish("b", "text", "1");
	for (int i = 0; i < 2; i++) {
		REQUEST("{}");
		snprintf(before[0], sizeof(before[0]), "%s", perform("ListLayers"));
		REQUEST("{\"LayerName\":\"a\"}");
		snprintf(before[1], sizeof(before[1]), "%s", perform("ListLayerVersions"));
		REQUEST("{\"LayerName\":\"a\",\"VersionNumber\":2}");
		snprintf(before[2], sizeof(before[2]), "%s", perform("GetLayerVersion"));
		restart();
		REQUEST("{}");
		assert_string_equal(perform("ListLayers"), before[0]);
		REQUEST("{\"LayerName\":\"a\"}");
		assert_string_equal(perform("ListLayerVersions"), before[1]);
		REQUEST("{\"LayerName\":\"a\",\"VersionNumber\":2}");
		assert_string_equal(perform("GetLayerVersion"), before[2]);
	}
	create();
	set_layers("\"" LAYER "a:2\"");
	answers("f", "/opt/text", "2");
}

TEST(a_deleted_version_stays_deleted_after_a_restart_and_its_number_given)
{
	publish("a", "text", "1");
	publish("a", "text", "2");
	REQUEST("{\"LayerName\":\"a\",\"VersionNumber\":2}");
	perform("DeleteLayerVersion");
	restart();
	refused("GetLayerVersion", "ResourceNotFoundException",
		"The resource you requested does not exist.");
	REQUEST("{\"LayerName\":\"a\",\"VersionNumber\":1}");
	perform("GetLayerVersion");
	perform("DeleteLayerVersion");
	restart();
	REQUEST("{}");
	assert_string_equal(perform("ListLayers"), "{\"Layers\":[]}");
	publish("a", "text", "3");
	has("\"Version\":3");
}

TEST(a_layer_whose_content_was_taken_away_is_told_and_not_given_to_functions)
{
	char command[80];

	publish("a", "text", "1");
	flow_close(&flow);
	snprintf(command, sizeof(command), "rm -r %s/code", folder);
	assert_int_equal(system(command), 0);
	flow_open(&flow, &(struct faas_config){ .state_dir = folder }, false);
	REQUEST("{\"LayerName\":\"a\",\"VersionNumber\":1}");
	perform("GetLayerVersion");
	has("\"Version\":1");
	assert_null(strstr(reply, "Content"));
	create();
	REQUEST("{\"FunctionName\":\"f\",\"Layers\":[\"" LAYER "a:1\"]}");
	refused("UpdateFunctionConfiguration", INVALID,
		"Layer version " LAYER "a:1 does not exist.");
}

TEST(a_plugin_finds_its_libraries_in_layers_and_in_its_own_lib)
{
	publish_library("needed", "libneeded.so");
	publish_library("deeper", "libdeeper.so");
	zips_begin(&zip);
	zips_copy(&zip, "needing.so", TEST_PLUGINS "/needing.so");
	REQUEST("{\"FunctionName\":\"f\",\"Role\":\"" ROLE "\",\"Runtime\":\"provided.al2023\","
		"\"Handler\":\"needing.handler\",\"Code\":{\"ZipFile\":\"%s\"},"
		"\"Layers\":[\"" LAYER "needed:1\",\"" LAYER "deeper:1\"]}",
		encoded());
	deploy("CreateFunction", "f");
	answers("f", "", "from below");

	set_layers("\"" LAYER "needed:1\""); /* the control: it is the layer that had it */
	assert_non_null(memmem(flow_call(&flow, "f", "")->payload.data,
			       flow_call(&flow, "f", "")->payload.len, "libdeeper.so", 12));

	zips_begin(&zip);
	zips_copy(&zip, "needing.so", TEST_PLUGINS "/needing.so");
	zips_copy(&zip, "lib/libdeeper.so", TEST_PLUGINS "/libdeeper.so");
	REQUEST("{\"FunctionName\":\"f\",\"ZipFile\":\"%s\"}", encoded());
	deploy("UpdateFunctionCode", "f");
	answers("f", "", "from below");
}

TEST(what_cannot_be_a_functions_layers_is_refused_in_the_words_of_lambda)
{
	publish("one", "text", "one");
	publish("one", "text", "two");
	create();
#define LIST(text) REQUEST("{\"FunctionName\":\"f\",\"Layers\":[" text "]}")
	LIST("\"" LAYER "one:3\"");
	refused("UpdateFunctionConfiguration", INVALID,
		"Layer version " LAYER "one:3 does not exist.");
	LIST("\"" LAYER "one:1\",\"" LAYER "one:2\"");
	refused("UpdateFunctionConfiguration", INVALID,
		"Two different versions of the same layer are not allowed to be referenced in the "
		"same function. " LAYER "one:1 and " LAYER "one:2 are versions of the same layer.");
	LIST("\"" LAYER "one:1\",\"" LAYER "a:1\",\"" LAYER "b:1\",\"" LAYER "c:1\",\"" LAYER
	     "d:1\",\"" LAYER "e:1\"");
	assert_int_equal(faas_control(flow.rt, "UpdateFunctionConfiguration", request, NULL, &err),
			 FAAS_EINVAL);
	LIST("\"arn:aws:lambda:us-east-1:000000000000:layer:one:1\"");
	refused("UpdateFunctionConfiguration", INVALID,
		"Layers are not in the same region as the function. Layers are expected to be in "
		"region local-1.");
	LIST("\"arn:aws:lambda:local-1:123456789012:layer:one:1\"");
	refused("UpdateFunctionConfiguration", "AccessDeniedException",
		"account 123456789012 is not account 000000000000");
	LIST("\"one:1\"");
	refused("UpdateFunctionConfiguration", "ValidationException",
		"1 validation error detected: Value '[one:1]' at 'layers' failed to satisfy "
		"constraint: Member must satisfy constraint: [Member must have length less than or "
		"equal to 140, Member must have length greater than or equal to 1, Member must "
		"satisfy regular expr");
	LIST("1");
	refused("UpdateFunctionConfiguration", "SerializationException",
		"each of Layers must be a string");
}

TEST(at_most_five_layers_are_a_functions)
{
	char list[512] = "";

	create();
	for (int i = 0; i < 6; i++) {
		char name[8];

		snprintf(name, sizeof(name), "n%d", i);
		publish(name, name, name);
		snprintf(list + strlen(list), sizeof(list) - strlen(list), "%s\"" LAYER "n%d:1\"",
			 i ? "," : "", i);
		if (i == 4)
			set_layers(list);
	}
	answers("f", "/opt/n0", "n0");
	answers("f", "/opt/n4", "n4");
	REQUEST("{\"FunctionName\":\"f\",\"Layers\":[%s]}", list);
	refused("UpdateFunctionConfiguration", INVALID, "Cannot reference more than 5 layers.");
}

TEST(what_cannot_be_a_layer_is_refused)
{
	REQUEST("{\"LayerName\":\"a b\",\"Content\":{\"ZipFile\":\"%s\"}}", code("one"));
	refused("PublishLayerVersion", "ValidationException",
		"1 validation error detected: Value 'a b' at 'layerName' failed to satisfy "
		"constraint: Member must satisfy regular expression pattern: (arn:[a-zA-Z0-9-]+:"
		"lambda:[a-zA-Z0-9-]+:\\d{12}:layer:[a-zA-Z0-9-_]+)|[a-zA-Z0-9-_]+");
	REQUEST("{\"LayerName\":\"a\",\"Content\":{\"ZipFile\":\"AAAA\"}}");
	refused("PublishLayerVersion", INVALID,
		"Could not unzip uploaded file. Please check your file, then try to upload again. "
		"(it is no ZIP, or cut)");
	REQUEST("{\"LayerName\":\"a\",\"Content\":{\"S3Bucket\":\"bucket\"}}");
	refused("PublishLayerVersion", INVALID,
		"S3Bucket leads nowhere here: a ZIP is taken as ZipFile");
	REQUEST("{\"LayerName\":\"a\",\"CompatibleRuntimes\":[\"cobol\"],"
		"\"Content\":{\"ZipFile\":\"AAAA\"}}");
	assert_true(faas_control(flow.rt, "PublishLayerVersion", request, NULL, &err) < 0);
	assert_string_equal(err.type, "ValidationException");
	REQUEST("{\"LayerName\":\"a\",\"VersionNumber\":0}");
	refused("GetLayerVersion", INVALID, "Layer Version Cannot be less than 1.");
	refused("DeleteLayerVersion", INVALID, "Layer Version Cannot be less than 1.");
	REQUEST("{\"Arn\":\"" LAYER "none:1\"}");
	refused("GetLayerVersionByArn", "ResourceNotFoundException",
		"The resource you requested does not exist.");
	REQUEST("{\"Arn\":\"" LAYER "none\"}");
	refused("GetLayerVersionByArn", "ValidationException",
		"1 validation error detected: Value '" LAYER "none' at 'arn' failed to satisfy "
		"constraint: Member must satisfy regular expression pattern: arn:[a-zA-Z0-9-]+:"
		"lambda:[a-zA-Z0-9-]+:\\d{12}:layer:[a-zA-Z0-9-_]+:[0-9]+");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define FLOW(name) cmocka_unit_test_setup_teardown(name, open_view, close_it)
		FLOW(a_layer_is_published_and_told_in_the_words_of_lambda),
		FLOW(layers_are_listed_by_name_and_their_versions_the_latest_first),
		FLOW(a_list_may_ask_for_what_is_compatible_with_a_runtime_and_a_processor),
		FLOW(a_functions_layers_lie_merged_at_opt_later_over_earlier),
		FLOW(a_function_made_by_the_typed_door_has_its_layers_or_is_refused_for_them),
		FLOW(a_layer_cannot_be_written_to),
		FLOW(the_variables_name_where_layers_are),
		FLOW(new_code_and_other_changes_keep_the_layers),
		FLOW(a_deleted_layer_stays_with_those_that_have_it),
#define LASTING(name) cmocka_unit_test_setup_teardown(name, open_lasting, close_lasting)
		LASTING(a_functions_layers_outlive_the_program_whether_they_are_deleted_or_not),
		LASTING(layers_and_their_versions_outlive_the_program),
		LASTING(a_deleted_version_stays_deleted_after_a_restart_and_its_number_given),
		LASTING(a_layer_whose_content_was_taken_away_is_told_and_not_given_to_functions),
		FLOW(a_plugin_finds_its_libraries_in_layers_and_in_its_own_lib),
		FLOW(what_cannot_be_a_functions_layers_is_refused_in_the_words_of_lambda),
		FLOW(at_most_five_layers_are_a_functions),
		FLOW(what_cannot_be_a_layer_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
