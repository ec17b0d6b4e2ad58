/* SPDX-License-Identifier: MIT */
/* Who is let in from a browser. */
#include "support/test.h"

#include <stdio.h>
#include <stdlib.h>

#include <http/guard.h>

#define NAMES "lambda.example.com  other"

static struct faas_error err;

static int check(const char *host, const char *origin, bool local)
{
	struct fa_http_field fields[2];
	struct fa_http_request request = { .method = "POST", .target = "/", .fields = fields };

	if (host)
		fields[request.field_count++] = (struct fa_http_field){ "host", host };
	if (origin)
		fields[request.field_count++] = (struct fa_http_field){ "origin", origin };
	return fa_guard_check(&request, local, false, NAMES, &err);
}

TEST(numbers_localhost_and_the_given_names_are_good_hosts)
{
	static const char *const good[] = {
		"127.0.0.1:9001",
		"127.0.0.1",
		"[::1]:9001",
		"localhost",
		"LocalHost:1",
		"localhost.:9001",
		"abc.lambda-url.us-east-1.localhost:9001",
		"10.0.0.7:80",
		"lambda.example.com:9001",
		"LAMBDA.example.com",
		"other",
		NULL,
	};

	for (int i = 0; good[i]; i++)
		if (check(good[i], NULL, true))
			fail_msg("%s: %s", good[i], err.message);
	assert_int_equal(check(NULL, NULL, true), 0);
}

TEST(any_other_name_may_have_been_made_to_lead_here)
{
	static const char *const bad[] = {
		"evil.example:9001",
		"evil.example",
		"notlocalhost",
		"localhost.evil.example",
		"127.0.0.1.evil.example",
		"127.0.0.1x",
		"[",
		"[evil]",
		"",
		":9001",
		"lambda.example",
		"lambda.example.com.evil",
		"example.com",
		"othe",
		" ",
		"0x7f.1",
		NULL,
	};
	char long_name[600];

	for (int i = 0; bad[i]; i++)
		if (check(bad[i], NULL, true) != FAAS_EDENIED)
			fail_msg("'%s' was let in", bad[i]);
	snprintf(long_name, sizeof(long_name), "%0500d.localhost", 0);
	assert_int_equal(check(long_name, NULL, true), FAAS_EDENIED);
	assert_int_equal(check("evil.example:9001", NULL, true), FAAS_EDENIED);
	assert_string_equal(err.type, "AccessDeniedException");
	assert_non_null(strstr(err.message, "'evil.example:9001' is no name of this door"));
}

TEST(from_elsewhere_than_this_machine_a_host_may_have_any_name)
{
	assert_int_equal(check("machine.lan:9001", NULL, false), 0);
	assert_int_equal(check("machine.lan:9001", "http://machine.lan:9001", false), 0);
	assert_int_equal(check("machine.lan:9001", "http://evil.example", false), FAAS_EDENIED);
}

TEST(only_pages_of_this_door_may_send)
{
	static const char *const bad[] = {
		"https://evil.example",
		"http://127.0.0.1:3000",
		"http://localhost:9001",
		"null",
		"",
		"http://127.0.0.1:90011",
		"file://",
		"127.0.0.1:9001",
		NULL,
	};

	assert_int_equal(check("127.0.0.1:9001", "http://127.0.0.1:9001", true), 0);
	assert_int_equal(check("LOCALHOST", "https://localhost", true), 0);
	for (int i = 0; bad[i]; i++)
		if (check("127.0.0.1:9001", bad[i], true) != FAAS_EDENIED)
			fail_msg("'%s' was let in", bad[i]);
	assert_int_equal(check("127.0.0.1:9001", "https://evil.example", true), FAAS_EDENIED);
	assert_string_equal(err.message, "a page of 'https://evil.example' may not use this door: "
					 "only pages of 'http://127.0.0.1:9001' may");
	assert_int_equal(check(NULL, "https://evil.example", true), FAAS_EDENIED);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(numbers_localhost_and_the_given_names_are_good_hosts),
		cmocka_unit_test(any_other_name_may_have_been_made_to_lead_here),
		cmocka_unit_test(from_elsewhere_than_this_machine_a_host_may_have_any_name),
		cmocka_unit_test(only_pages_of_this_door_may_send),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
