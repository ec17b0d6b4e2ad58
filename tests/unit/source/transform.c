/* SPDX-License-Identifier: MIT */
/* What targets get of an event: the examples of EventBridge's documentation, and the edges. */
#include <support/test.h>

#include <stdio.h>
#include <stdlib.h>

#include <source/transform.h>

static const char event[] =
	"{\"version\":\"0\",\"id\":\"7bf73129-1428-4cd3-a780-95db273d1602\",\"detail-type\":"
	"\"EC2 Instance State-change Notification\",\"source\":\"aws.ec2\",\"account\":"
	"\"123456789012\",\"time\":\"2015-11-11T21:29:54Z\",\"region\":\"us-east-1\",\"resources\":"
	"[\"arn:aws:ec2:us-east-1:123456789012:instance/i-abcd1111\"],\"detail\":{\"instance-id\":"
	"\"i-0123456789\",\"state\":\"RUNNING\",\"n\":1.50,\"note\":\"a \\\"b\\\"\",\"list\":"
	"[{\"id\":\"x\"},{\"id\":\"y\"},{}],\"none\":null}}";

static char room[2][16384];

static const char *transform(const char *config)
{
	struct fa_text out = FA_TEXT(room[0]), spare = FA_TEXT(room[1]);
	struct fa_document *document = fa_document_parse(config, NULL);
	struct fa_transform t = { .rule_arn = "arn:aws:events:r:a:rule/x",
				  .rule_name = "x",
				  .came_ms = 1447277394123 };
	struct faas_error err = { 0 };

	assert_non_null(document);
	if (fa_transform_check(document, &err))
		fail_msg("%s: %s", config, err.message);
	assert_true(fa_json_read(event, strlen(event), &t.event));
	fa_transform_write(&out, &spare, document, &t);
	fa_document_free(document);
	assert_false(out.cut);
	assert_true(fa_json_valid(out.data, out.len, NULL));
	return out.data;
}

static void fills(const char *template, const char *want)
{
	struct fa_document *config = fa_document_object(), *how = fa_document_object();
	char *text;

	fa_document_put_text(how, "InputTemplate", template);
	fa_document_put(how, "InputPathsMap",
			fa_document_parse("{\"instance\":\"$.detail.instance-id\",\"state\":"
					  "\"$.detail.state\",\"n\":\"$.detail.n\",\"note\":"
					  "\"$.detail.note\",\"ids\":\"$.detail.list[*].id\","
					  "\"detail\":\"$.detail.list\",\"nowhere\":"
					  "\"$.detail.nowhere\"}",
					  NULL));
	fa_document_put(config, "InputTransformer", how);
	text = fa_document_print(config, &fa_mem_libc);
	assert_string_equal(transform(text), want);
	fa_free(text);
	fa_document_free(config);
}

TEST(without_anything_it_is_the_event)
{
	assert_string_equal(transform("{}"), event);
}

TEST(a_constant_is_sent_as_it_is)
{
	assert_string_equal(transform("{\"Input\":\"{ \\\"a\\\" : 1.0 }\"}"), "{ \"a\" : 1.0 }");
}

TEST(a_path_is_a_part_of_it)
{
	assert_string_equal(transform("{\"InputPath\":\"$.detail.n\"}"), "1.50");
	assert_string_equal(transform("{\"InputPath\":\"$.detail.note\"}"), "\"a \\\"b\\\"\"");
	assert_string_equal(transform("{\"InputPath\":\"$\"}"), event);
	assert_string_equal(transform("{\"InputPath\":\"$.resources[0]\"}"),
			    "\"arn:aws:ec2:us-east-1:123456789012:instance/i-abcd1111\"");
	assert_string_equal(transform("{\"InputPath\":\"$.detail.list[1].id\"}"), "\"y\"");
	assert_string_equal(transform("{\"InputPath\":\"$.detail.list[*].id\"}"), "[\"x\",\"y\"]");
	assert_string_equal(transform("{\"InputPath\":\"$.detail.none\"}"), "null");
}

TEST(what_a_path_does_not_find_is_null)
{
	assert_string_equal(transform("{\"InputPath\":\"$.detail.nowhere\"}"), "null");
	assert_string_equal(transform("{\"InputPath\":\"$.detail.list[3]\"}"), "null");
	assert_string_equal(transform("{\"InputPath\":\"$.detail[0]\"}"), "null");
	assert_string_equal(transform("{\"InputPath\":\"$.source.x\"}"), "null");
	assert_string_equal(transform("{\"InputPath\":\"$.source[*]\"}"), "null");
}

TEST(a_template_may_be_a_text)
{
	fills("\"instance <instance> is in <state>\"", "\"instance i-0123456789 is in RUNNING\"");
	fills("<instance> is in state <state>", "\"i-0123456789 is in state RUNNING\"");
	fills("<instance> is in state \"<state>\"", "\"i-0123456789 is in state \\\"RUNNING\\\"\"");
	fills("\xc3\xa9: <note>", "\"\xc3\xa9: a \\\"b\\\"\"");
	fills("1 < 2", "\"1 < 2\"");
}

TEST(a_template_may_be_json)
{
	fills("{\"instance\": <instance>, \"state\": <state>}",
	      "{\"instance\": \"i-0123456789\", \"state\": \"RUNNING\"}");
	fills("{\"instance\": \"<instance>\", \"n\": <n>, \"text\": \"n is <n>\"}",
	      "{\"instance\": \"i-0123456789\", \"n\": 1.50, \"text\": \"n is 1.50\"}");
	fills("{\"status\": \"instance \\\"<instance>\\\" is in <state>\"}",
	      "{\"status\": \"instance \\\"i-0123456789\\\" is in RUNNING\"}");
	fills("{\"ids\": <ids>, \"text\": \"<ids>\"}",
	      "{\"ids\": [\"x\",\"y\"], \"text\": \"[\\\"x\\\",\\\"y\\\"]\"}");
	fills("{\"a\": \"\\\\\", \"b\": <n>}", "{\"a\": \"\\\\\", \"b\": 1.50}");
}

TEST(what_is_not_there_is_null_and_nothing_in_quotes)
{
	fills("{\"a\": <nowhere>, \"b\": \"-<nowhere>-\"}", "{\"a\": null, \"b\": \"--\"}");
}

TEST(some_variables_need_no_path)
{
	char want[4096];
	const char *detail = strstr(event, ",\"detail\":");

	fills("{\"arn\":<aws.events.rule-arn>,\"name\":\"<aws.events.rule-name>\",\"at\":"
	      "<aws.events.event.ingestion-time>}",
	      "{\"arn\":\"arn:aws:events:r:a:rule/x\",\"name\":\"x\",\"at\":"
	      "\"2015-11-11T21:29:54.123Z\"}");
	snprintf(want, sizeof(want), "{\"e\":%s}", event);
	fills("{\"e\":<aws.events.event.json>}", want);
	fills("<aws.events.event.json>", event);
	snprintf(want, sizeof(want), "{\"e\":%.*s}}", (int)(detail - event), event);
	fills("{\"e\":<aws.events.event>}", want);
}

static void refused(const char *config, const char *message)
{
	struct fa_document *document = fa_document_parse(config, NULL);
	struct faas_error err = { 0 };

	assert_int_equal(fa_transform_check(document, &err), FAAS_EINVAL);
	assert_string_equal(err.message, message);
	fa_document_free(document);
}

TEST(what_is_malformed_is_refused)
{
	refused("{\"Input\":\"1\",\"InputPath\":\"$\"}",
		"only one of Input, InputPath and InputTransformer can be given");
	refused("{\"Input\":\"{\"}", "Input must be JSON");
	refused("{\"InputPath\":\"detail\"}",
		"InputPath: 'detail' is no path: expected $.name, [n] and [*]");
	refused("{\"InputPath\":\"$.\"}",
		"InputPath: '$.' is no path: expected $.name, [n] and [*]");
	refused("{\"InputPath\":\"$[x]\"}",
		"InputPath: '$[x]' is no path: expected $.name, [n] and [*]");
	refused("{\"InputPath\":\"$[1\"}",
		"InputPath: '$[1' is no path: expected $.name, [n] and [*]");
	refused("{\"InputTransformer\":{}}",
		"InputTransformer must have an InputTemplate of 1 to 8192 characters");
	refused("{\"InputTransformer\":{\"InputTemplate\":\"<a>\"}}",
		"<a> in InputTemplate has no path in InputPathsMap");
	refused("{\"InputTransformer\":{\"InputTemplate\":\"x\",\"InputPathsMap\":{\"awsx\":\"$\"}}"
		"}",
		"'awsx' in InputPathsMap is no name of a variable: expected up to 64 letters, "
		"digits "
		"and -_.:/, not beginning with aws");
	refused("{\"InputTransformer\":{\"InputTemplate\":\"x\",\"InputPathsMap\":{\"a\":\"x\"}}}",
		"InputPathsMap: 'x' is no path: expected $.name, [n] and [*]");
	refused("{\"InputTransformer\":{\"InputTemplate\":\"x\",\"InputPathsMap\":\"x\"}}",
		"InputPathsMap must be an object of paths");
}

TEST(a_path_and_a_template_have_a_longest_length)
{
	char config[10000], template[8194];

	memset(template, 't', sizeof(template));
	template[8192] = '\0';
	snprintf(config, sizeof(config),
		 "{\"InputTransformer\":{\"InputTemplate\":\"\\\"%.8190s\\\"\"}}", template);
	transform(config);
	template[8193 - 2] = '\0';
	snprintf(config, sizeof(config),
		 "{\"InputTransformer\":{\"InputTemplate\":\"\\\"%s\\\"\"}}", template);
	refused(config, "InputTransformer must have an InputTemplate of 1 to 8192 characters");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(without_anything_it_is_the_event),
		cmocka_unit_test(a_constant_is_sent_as_it_is),
		cmocka_unit_test(a_path_is_a_part_of_it),
		cmocka_unit_test(what_a_path_does_not_find_is_null),
		cmocka_unit_test(a_template_may_be_a_text),
		cmocka_unit_test(a_template_may_be_json),
		cmocka_unit_test(what_is_not_there_is_null_and_nothing_in_quotes),
		cmocka_unit_test(some_variables_need_no_path),
		cmocka_unit_test(what_is_malformed_is_refused),
		cmocka_unit_test(a_path_and_a_template_have_a_longest_length),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
