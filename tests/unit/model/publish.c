/* SPDX-License-Identifier: MIT */
#include <support/test.h>

#include <stdio.h>
#include <stdlib.h>

#include <model/publish.h>

#include <support/failing_mem.h>

#define NOW 1795000000123

static struct faas_error err;

static int read_entry(struct fa_entry *entry, const char *text)
{
	memset(&err, 0, sizeof(err));
	return fa_entry_read(entry, &fa_mem_libc, (struct faas_bytes){ text, strlen(text) }, NOW,
			     &err);
}

static void becomes(const char *text, const char *want)
{
	struct fa_entry entry;
	char *copy;

	assert_int_equal(read_entry(&entry, text), 0);
	copy = strndup(entry.text, entry.len);
	assert_string_equal(copy, want);
	free(copy);
	fa_free(entry.text);
}

static void refused(const char *text, const char *code, const char *message)
{
	struct fa_entry entry;

	assert_int_equal(read_entry(&entry, text), FAAS_EINVAL);
	assert_string_equal(err.type, code);
	assert_string_equal(err.message, message);
}

#define HEAD "{\"Source\":\"shop\",\"DetailType\":\"order\","
#define WANT "{\"detail-type\":\"order\",\"source\":\"shop\",\"time\":"
#define TIME "\"2026-11-18T11:06:40Z\""

TEST(an_entry_becomes_the_event)
{
	becomes(HEAD "\"Detail\":\"{\\\"a\\\": 1.0}\"}",
		WANT TIME ",\"resources\":[],\"detail\":{\"a\": 1.0}}");
	becomes(HEAD "\"Detail\":{\"a\":\"\\u00e9\"},\"Resources\":[\"x\",\"y\"]}",
		WANT TIME ",\"resources\":[\"x\",\"y\"],\"detail\":{\"a\":\"\\u00e9\"}}");
	becomes(HEAD "\"Detail\":{},\"Resources\":null,\"Time\":null,\"EventBusName\":\"b\"}",
		WANT TIME ",\"resources\":[],\"detail\":{}}");
}

TEST(its_time_may_be_told)
{
	becomes(HEAD "\"Detail\":{},\"Time\":1469731200}",
		WANT "\"2016-07-28T18:40:00Z\",\"resources\":[],\"detail\":{}}");
	becomes(HEAD "\"Detail\":{},\"Time\":1469731200.75}",
		WANT "\"2016-07-28T18:40:00Z\",\"resources\":[],\"detail\":{}}");
	becomes(HEAD "\"Detail\":{},\"Time\":\"2016-07-28T20:40:00.5+02:00\"}",
		WANT "\"2016-07-28T18:40:00Z\",\"resources\":[],\"detail\":{}}");
	becomes(HEAD "\"Detail\":{},\"Time\":\"2016-07-28T18:40:00Z\"}",
		WANT "\"2016-07-28T18:40:00Z\",\"resources\":[],\"detail\":{}}");
}

TEST(a_trace_goes_on_with_it)
{
	struct fa_entry entry;

	assert_int_equal(read_entry(&entry, HEAD "\"Detail\":{},\"TraceHeader\":\"Root=1-2-3\"}"),
			 0);
	assert_string_equal(entry.trace, "Root=1-2-3");
	fa_free(entry.text);
	assert_int_equal(read_entry(&entry, HEAD "\"Detail\":{}}"), 0);
	assert_string_equal(entry.trace, "");
	fa_free(entry.text);
}

TEST(what_is_missing_or_malformed_is_told_in_the_words_of_putevents)
{
	refused("{\"DetailType\":\"t\",\"Detail\":\"{}\"}", "InvalidArgument",
		"Parameter Source is not valid. Reason: Source is a required argument.");
	refused("{\"Source\":\"s\",\"Detail\":\"{}\"}", "InvalidArgument",
		"Parameter DetailType is not valid. Reason: DetailType is a required argument.");
	refused("{\"Source\":\"s\",\"DetailType\":\"t\"}", "InvalidArgument",
		"Parameter Detail is not valid. Reason: Detail is a required argument.");
	refused("{\"Source\":\"\",\"DetailType\":\"t\",\"Detail\":\"{}\"}", "InvalidArgument",
		"Parameter Source is not valid. Reason: Source is a required argument.");
	refused(HEAD "\"Detail\":\"{\"}", "MalformedDetail", "Detail is malformed.");
	refused(HEAD "\"Detail\":\"1\"}", "MalformedDetail", "Detail is malformed.");
	refused(HEAD "\"Detail\":[1]}", "MalformedDetail", "Detail is malformed.");
	refused(HEAD "\"Detail\":{},\"Resources\":[1]}", "InvalidArgument",
		"Parameter Resources is not valid. Reason: it must be a list of texts.");
	refused(HEAD "\"Detail\":{},\"Time\":\"noon\"}", "InvalidArgument",
		"Parameter Time is not valid. Reason: it must be seconds since 1970, or as in "
		"RFC 3339.");
	refused("{\"Source\":\"aws.ec2\",\"DetailType\":\"t\",\"Detail\":\"{}\"}",
		"NotAuthorizedForSource", "Not authorized for the source.");
	refused("[1]", "InvalidArgument",
		"an entry must be an object with Source, DetailType and Detail");
}

TEST(without_memory_there_is_no_entry)
{
	const char *text = HEAD "\"Detail\":{}}";
	struct failing_mem failing;
	struct fa_entry entry;

	failing_mem_init(&failing);
	failing.fail_at = 1;
	assert_int_equal(fa_entry_read(&entry, &failing.mem,
				       (struct faas_bytes){ text, strlen(text) }, NOW, &err),
			 FAAS_ENOMEM);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_entry_becomes_the_event),
		cmocka_unit_test(its_time_may_be_told),
		cmocka_unit_test(a_trace_goes_on_with_it),
		cmocka_unit_test(what_is_missing_or_malformed_is_told_in_the_words_of_putevents),
		cmocka_unit_test(without_memory_there_is_no_entry),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
