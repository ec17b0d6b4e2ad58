/* SPDX-License-Identifier: MIT */
#include <support/test.h>

#include <model/address.h>

#define ARN "arn:aws:lambda:local-1:000000000000:function:f:live"

static void means(const char *text, enum fa_address_kind kind, const char *shortest,
		  const char *name)
{
	struct fa_address address;

	assert_int_equal(fa_address_parse(&address, text, NULL), 0);
	assert_int_equal(address.kind, kind);
	assert_string_equal(address.text, shortest);
	assert_string_equal(address.name, name);
}

TEST(each_kind_of_address_is_known_by_its_scheme)
{
	means("queue:dead", FA_TO_QUEUE, "queue:dead", "dead");
	means("callback:ops", FA_TO_CALLBACK, "callback:ops", "ops");
	means("topic:news", FA_TO_TOPIC, "topic:news", "news");
	means("bus:default", FA_TO_BUS, "bus:default", "default");
	means("dir:/srv/a b", FA_TO_DIRECTORY, "dir:/srv/a b", "/srv/a b");
	means("function:f:live", FA_TO_FUNCTION, "function:f:live", "f:live");
}

TEST(arns_are_taken_for_what_they_name)
{
	means(ARN, FA_TO_FUNCTION, "function:" ARN, ARN);
	means("function:" ARN, FA_TO_FUNCTION, "function:" ARN, ARN);
	means("arn:aws:sqs:local-1:000000000000:dead", FA_TO_QUEUE, "queue:dead", "dead");
	means("arn:aws:sns:local-1:000000000000:news", FA_TO_TOPIC, "topic:news", "news");
	means("arn:aws:events:local-1:000000000000:event-bus/default", FA_TO_BUS, "bus:default",
	      "default");
}

static void is_called(const char *text, const char *arn)
{
	struct fa_address address;
	char out[FA_ADDRESS_ARN];

	assert_int_equal(fa_address_parse(&address, text, NULL), 0);
	fa_address_arn(&address, "local-1", "000000000000", out);
	assert_string_equal(out, arn);
}

TEST(what_aws_has_has_an_arn_and_others_are_called_as_here)
{
	is_called("queue:q.fifo", "arn:aws:sqs:local-1:000000000000:q.fifo");
	is_called("topic:news", "arn:aws:sns:local-1:000000000000:news");
	is_called("bus:b", "arn:aws:events:local-1:000000000000:event-bus/b");
	is_called("callback:ops", "callback:ops");
	is_called("dir:/srv", "dir:/srv");
}

TEST(what_is_no_address_is_refused)
{
	static const char *const bad[] = { "", "queue", "queue:", "queue:a b", "queue:.fifo",
					   "queue:a.b.fifo", "callback:a.fifo", "function:",
					   "function:f:", "callback:", "http://x", "dir:",
					   "dir:/", "dir:srv", "dir:/srv/",
					   "arn:aws:sqs:", "arn:aws:sqs:r:a", "bus:",
					   "topic:a.fifo",
					   "arn:aws:events:r:a:rule/x", "arn:aws:sns:r:a:topic:1" };
	struct fa_address address;
	struct faas_error err;

	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
		assert_int_equal(fa_address_parse(&address, bad[i], &err), FAAS_EINVAL);
	assert_string_equal(err.message, "'arn:aws:sns:r:a:topic:1' is no address: expected "
					 "queue:NAME, topic:NAME, bus:NAME, "
					 "dir:/PATH, function:NAME[:QUALIFIER] or callback:NAME");
	assert_int_equal(fa_address_parse(&address, NULL, NULL), FAAS_EINVAL);
}

TEST(a_directory_is_no_address_for_a_letter)
{
	struct fa_address address;

	assert_int_equal(fa_address_parse_letter(&address, "queue:q", NULL), 0);
	assert_int_equal(fa_address_parse_letter(&address, "dir:/srv", NULL), FAAS_EINVAL);
	assert_int_equal(fa_address_parse_letter(&address, "nowhere", NULL), FAAS_EINVAL);
}

TEST(a_queues_name_has_at_most_80_characters)
{
	char text[100] = "queue:";
	struct fa_address address;

	memset(text + 6, 'q', 80);
	assert_int_equal(fa_address_parse(&address, text, NULL), 0);
	text[86] = 'q';
	assert_int_equal(fa_address_parse(&address, text, NULL), FAAS_EINVAL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_kind_of_address_is_known_by_its_scheme),
		cmocka_unit_test(arns_are_taken_for_what_they_name),
		cmocka_unit_test(what_aws_has_has_an_arn_and_others_are_called_as_here),
		cmocka_unit_test(what_is_no_address_is_refused),
		cmocka_unit_test(a_directory_is_no_address_for_a_letter),
		cmocka_unit_test(a_queues_name_has_at_most_80_characters),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
