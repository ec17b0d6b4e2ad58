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
	means("function:f:live", FA_TO_FUNCTION, "function:f:live", "f:live");
}

TEST(arns_are_taken_for_what_they_name)
{
	means(ARN, FA_TO_FUNCTION, "function:" ARN, ARN);
	means("function:" ARN, FA_TO_FUNCTION, "function:" ARN, ARN);
	means("arn:aws:sqs:local-1:000000000000:dead", FA_TO_QUEUE, "queue:dead", "dead");
}

TEST(what_is_no_address_is_refused)
{
	static const char *const bad[] = { "", "queue", "queue:", "queue:a b", "queue:.fifo",
					   "queue:a.b.fifo", "callback:a.fifo", "function:",
					   "function:f:", "callback:", "http://x",
					   "arn:aws:sqs:", "arn:aws:sns:r:a:topic" };
	struct fa_address address;
	struct faas_error err;

	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
		assert_int_equal(fa_address_parse(&address, bad[i], &err), FAAS_EINVAL);
	assert_string_equal(err.message, "'arn:aws:sns:r:a:topic' is no address: expected "
					 "queue:NAME, function:NAME[:QUALIFIER] or callback:NAME");
	assert_int_equal(fa_address_parse(&address, NULL, NULL), FAAS_EINVAL);
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
		cmocka_unit_test(what_is_no_address_is_refused),
		cmocka_unit_test(a_queues_name_has_at_most_80_characters),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
