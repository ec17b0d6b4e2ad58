/* SPDX-License-Identifier: MIT */
/* What a Condition element makes of a key with these values; semantics 10. */
#include "ask.h"

#include <stdio.h>

struct row {
	const char *condition;
	const char *values[4];
	bool holds;
};

#define NONE \
	{ \
		NULL \
	}

static const char *version = "2012-10-17";

static bool holds(const char *condition, const char *const *values)
{
	const char *name = "bob";
	struct fa_fact facts[] = { { "aws:x", values, 0 }, { "aws:username", &name, 1 } };
	const struct fa_policy_request request = { &bob, "lambda:InvokeFunction", FUNCTION, facts,
						   2 };
	char text[1024];

	while (facts[0].count < 4 && values[facts[0].count])
		facts[0].count++;
	snprintf(text, sizeof(text),
		 "{'Version':'%s','Statement':{'Effect':'Allow','Action':'*','Resource':'*',"
		 "'Condition':%s}}",
		 version, condition);
	return says(text, &request) == FA_ALLOW;
}

static void check(const struct row *rows, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		if (holds(rows[i].condition, rows[i].values) != rows[i].holds)
			print_error("%s with %s\n", rows[i].condition, rows[i].values[0]);
		assert_int_equal(holds(rows[i].condition, rows[i].values), rows[i].holds);
	}
}

#define CHECK(...) \
	do { \
		static const struct row rows[] = { __VA_ARGS__ }; \
		check(rows, sizeof(rows) / sizeof(*rows)); \
	} while (0)

TEST(texts_are_compared_whole_and_with_case)
{
	CHECK({ "{'StringEquals':{'aws:x':'a'}}", { "a" }, true },
	      { "{'StringEquals':{'aws:x':'a'}}", { "A" }, false },
	      { "{'StringEquals':{'aws:x':'a*'}}", { "ab" }, false },
	      { "{'StringEquals':{'aws:x':'a*'}}", { "a*" }, true },
	      { "{'StringEqualsIgnoreCase':{'aws:x':'aB'}}", { "Ab" }, true },
	      { "{'StringNotEquals':{'aws:x':'a'}}", { "A" }, true },
	      { "{'StringNotEqualsIgnoreCase':{'aws:x':'a'}}", { "A" }, false });
}

TEST(a_wildcard_is_any_characters_or_one)
{
	CHECK({ "{'StringLike':{'aws:x':'a*c'}}", { "abbc" }, true },
	      { "{'StringLike':{'aws:x':'a*c'}}", { "ac" }, true },
	      { "{'StringLike':{'aws:x':'a*c'}}", { "acb" }, false },
	      { "{'StringLike':{'aws:x':'*a*b*'}}", { "xxaxaxb" }, true },
	      { "{'StringLike':{'aws:x':'a?c'}}", { "ac" }, false },
	      { "{'StringLike':{'aws:x':'a?c'}}",
		{ "a\xc3\xa4"
		  "c" },
		true },
	      { "{'StringLike':{'aws:x':''}}", { "" }, true },
	      { "{'StringNotLike':{'aws:x':'a*'}}", { "abc" }, false },
	      { "{'StringNotLike':{'aws:x':'a*'}}", { "bc" }, true });
}

TEST(one_of_several_values_is_enough_and_a_negation_wants_none)
{
	CHECK({ "{'StringEquals':{'aws:x':['a','b']}}", { "b" }, true },
	      { "{'StringNotEquals':{'aws:x':['a','b']}}", { "b" }, false },
	      { "{'StringNotEquals':{'aws:x':['a','b']}}", { "c" }, true },
	      { "{'NumericNotEquals':{'aws:x':['1','2']}}", { "2" }, false });
}

TEST(operators_and_keys_must_all_hold)
{
	CHECK({ "{'StringLike':{'aws:x':'a*'},'StringNotEquals':{'aws:x':'ab'}}", { "ac" }, true },
	      { "{'StringLike':{'aws:x':'a*'},'StringNotEquals':{'aws:x':'ab'}}", { "ab" }, false },
	      { "{'StringEquals':{'aws:x':'a','aws:username':'bob'}}", { "a" }, true },
	      { "{'StringEquals':{'aws:x':'a','aws:username':'eve'}}", { "a" }, false },
	      { "{}", NONE, true });
}

TEST(keys_have_no_case)
{
	CHECK({ "{'StringEquals':{'AWS:X':'a'}}", { "a" }, true });
}

TEST(a_missing_key_meets_negations_and_what_is_if_it_exists)
{
	CHECK({ "{'StringEquals':{'aws:x':'a'}}", NONE, false },
	      { "{'StringNotEquals':{'aws:x':'a'}}", NONE, true },
	      { "{'StringEqualsIfExists':{'aws:x':'a'}}", NONE, true },
	      { "{'StringEqualsIfExists':{'aws:x':'a'}}", { "b" }, false },
	      { "{'NumericLessThan':{'aws:x':'5'}}", NONE, false },
	      { "{'NumericNotEquals':{'aws:x':'5'}}", NONE, true },
	      { "{'BoolIfExists':{'aws:x':'true'}}", NONE, true },
	      { "{'Bool':{'aws:x':'false'}}", NONE, false },
	      { "{'NotIpAddress':{'aws:x':'10.0.0.0/8'}}", NONE, true },
	      { "{'ArnNotLike':{'aws:x':'arn:aws:s3:::b'}}", NONE, true });
}

TEST(null_asks_whether_there_is_a_value)
{
	CHECK({ "{'Null':{'aws:x':'true'}}", NONE, true },
	      { "{'Null':{'aws:x':'true'}}", { "a" }, false },
	      { "{'Null':{'aws:x':'false'}}", { "a" }, true },
	      { "{'Null':{'aws:x':false}}", NONE, false },
	      { "{'Null':{'aws:x':['true','false']}}", { "a" }, true });
}

TEST(numbers_are_compared_as_numbers)
{
	CHECK({ "{'NumericEquals':{'aws:x':'1.0'}}", { "1" }, true },
	      { "{'NumericEquals':{'aws:x':1}}", { "1" }, true },
	      { "{'NumericLessThan':{'aws:x':'10'}}", { "9" }, true },
	      { "{'NumericLessThan':{'aws:x':'10'}}", { "10" }, false },
	      { "{'NumericLessThanEquals':{'aws:x':'10'}}", { "10" }, true },
	      { "{'NumericGreaterThan':{'aws:x':'-1.5'}}", { "-1" }, true },
	      { "{'NumericGreaterThanEquals':{'aws:x':'1e3'}}", { "1000" }, true },
	      { "{'NumericEquals':{'aws:x':1.5}}", { "1.50" }, true });
}

TEST(what_is_no_number_date_or_address_meets_neither_an_operator_nor_its_negation)
{
	CHECK({ "{'NumericEquals':{'aws:x':'1'}}", { "one" }, false },
	      { "{'NumericNotEquals':{'aws:x':'1'}}", { "one" }, false },
	      { "{'DateNotEquals':{'aws:x':'2026-01-01'}}", { "today" }, false },
	      { "{'NotIpAddress':{'aws:x':'10.0.0.0/8'}}", { "10.0.0" }, false },
	      { "{'ArnNotLike':{'aws:x':'arn:aws:s3:::b'}}", { "b" }, false },
	      { "{'Bool':{'aws:x':'true'}}", { "yes" }, false });
}

TEST(dates_are_points_in_time_however_they_are_written)
{
	CHECK({ "{'DateEquals':{'aws:x':'1970-01-02'}}", { "1970-01-02T00:00:00Z" }, true },
	      { "{'DateEquals':{'aws:x':'1970-01-02T01:00:00+01:00'}}", { "86400" }, true },
	      { "{'DateEquals':{'aws:x':'1970-01-01T23:00-01:00'}}", { "86400" }, true },
	      { "{'DateEquals':{'aws:x':'2026-11-27T08:00:00.500Z'}}",
		{ "2026-11-27T08:00:00.5Z" },
		true },
	      { "{'DateLessThan':{'aws:x':'2026'}}", { "2025-12-31T23:59:59Z" }, true },
	      { "{'DateLessThan':{'aws:x':'2026-02'}}", { "2026-02-01" }, false },
	      { "{'DateLessThanEquals':{'aws:x':'2026-02'}}", { "2026-02-01" }, true },
	      { "{'DateGreaterThan':{'aws:x':'2026-02-01'}}", { "1795760000" }, true },
	      { "{'DateGreaterThanEquals':{'aws:x':86400}}", { "1970-01-02" }, true },
	      { "{'DateNotEquals':{'aws:x':'1970-01-02'}}", { "86401" }, true });
}

TEST(booleans_have_no_case)
{
	CHECK({ "{'Bool':{'aws:x':'True'}}", { "true" }, true },
	      { "{'Bool':{'aws:x':true}}", { "true" }, true },
	      { "{'Bool':{'aws:x':'false'}}", { "true" }, false });
}

TEST(bytes_are_compared_as_base64)
{
	CHECK({ "{'BinaryEquals':{'aws:x':'QmluYXJ5'}}", { "QmluYXJ5" }, true },
	      { "{'BinaryEquals':{'aws:x':'QmluYXJ5'}}", { "qmluYXJ5" }, false });
}

TEST(an_address_is_in_its_network_and_in_no_other_family)
{
	CHECK({ "{'IpAddress':{'aws:x':'10.0.0.0/8'}}", { "10.2.3.4" }, true },
	      { "{'IpAddress':{'aws:x':'10.0.0.0/8'}}", { "11.2.3.4" }, false },
	      { "{'IpAddress':{'aws:x':'10.128.0.0/9'}}", { "10.127.0.1" }, false },
	      { "{'IpAddress':{'aws:x':'10.1.2.3'}}", { "10.1.2.3" }, true },
	      { "{'IpAddress':{'aws:x':'0.0.0.0/0'}}", { "1.1.1.1" }, true },
	      { "{'IpAddress':{'aws:x':'2001:db8::/33'}}", { "2001:db8:7fff::1" }, true },
	      { "{'IpAddress':{'aws:x':'2001:db8::/33'}}", { "2001:db8:8000::1" }, false },
	      { "{'NotIpAddress':{'aws:x':'10.0.0.0/8'}}", { "10.2.3.4" }, false },
	      { "{'NotIpAddress':{'aws:x':'10.0.0.0/8'}}", { "::1" }, true });
}

TEST(arns_are_compared_segment_by_segment)
{
	CHECK({ "{'ArnLike':{'aws:x':'arn:aws:s3:::b*'}}", { "arn:aws:s3:::bucket/a" }, true },
	      { "{'ArnEquals':{'aws:x':'arn:aws:s3:::b*'}}", { "arn:aws:s3:::bucket" }, true },
	      { "{'ArnLike':{'aws:x':'arn:aws:sns:*:t'}}", { "arn:aws:sns:us:1:t" }, false },
	      { "{'ArnLike':{'aws:x':'arn:aws:sns:*:*:t'}}", { "arn:aws:sns:us:1:t" }, true },
	      { "{'ArnLike':{'aws:x':'arn:aws:lambda:us:1:function*'}}",
		{ "arn:aws:lambda:us:1:function:f:live" },
		true },
	      { "{'ArnNotEquals':{'aws:x':'arn:aws:s3:::b*'}}", { "arn:aws:s3:::c" }, true },
	      { "{'ArnNotLike':{'aws:x':'arn:aws:s3:::b*'}}", { "arn:aws:s3:::b" }, false });
}

TEST(for_all_values_wants_each_of_them_and_is_true_of_none)
{
	CHECK({ "{'ForAllValues:StringEquals':{'aws:x':['a','b']}}", { "a", "b" }, true },
	      { "{'ForAllValues:StringEquals':{'aws:x':['a','b']}}", { "a", "c" }, false },
	      { "{'ForAllValues:StringEquals':{'aws:x':'a'}}", NONE, true },
	      { "{'ForAllValues:StringNotEquals':{'aws:x':'a'}}", { "a", "b" }, false },
	      { "{'ForAllValues:StringNotEquals':{'aws:x':'a'}}", { "c", "b" }, true });
}

TEST(for_any_value_wants_one_of_them_and_is_false_of_none)
{
	CHECK({ "{'ForAnyValue:StringLike':{'aws:x':['a*','b']}}", { "x", "ab" }, true },
	      { "{'ForAnyValue:StringEquals':{'aws:x':'a'}}", { "x", "y" }, false },
	      { "{'ForAnyValue:StringEquals':{'aws:x':'a'}}", NONE, false },
	      { "{'ForAnyValue:StringNotEquals':{'aws:x':'a'}}", NONE, false },
	      { "{'ForAnyValue:StringNotEquals':{'aws:x':'a'}}", { "a", "b" }, true });
}

TEST(several_values_need_an_operator_for_sets)
{
	CHECK({ "{'StringEquals':{'aws:x':['a','b']}}", { "a", "b" }, false },
	      { "{'StringNotEquals':{'aws:x':'c'}}", { "a", "b" }, false });
}

TEST(a_variable_stands_for_a_value_of_the_request)
{
	CHECK({ "{'StringEquals':{'aws:x':'${aws:username}'}}", { "bob" }, true },
	      { "{'StringEquals':{'aws:x':'home/${ AWS:UserName }/x'}}", { "home/bob/x" }, true },
	      { "{'StringEquals':{'aws:x':'${aws:username}'}}", { "eve" }, false },
	      { "{'StringLike':{'aws:x':'*${aws:username}?'}}", { "bobobobs" }, true },
	      { "{'ArnLike':{'aws:x':'arn:aws:iam::1:user/${aws:username}'}}",
		{ "arn:aws:iam::1:user/bob" },
		true });
}

TEST(what_a_variable_brings_in_has_no_wildcards)
{
	CHECK({ "{'StringLike':{'aws:username':'${aws:x}'}}", { "b*" }, false },
	      { "{'StringLike':{'aws:username':'${aws:x}'}}", { "bob" }, true });
}

TEST(a_variable_without_a_value_has_its_default_or_meets_nothing)
{
	CHECK({ "{'StringEquals':{'aws:username':'${aws:x, `bob`}'}}", NONE, true },
	      { "{'StringEquals':{'aws:username':'${aws:x, `bob`}'}}", { "eve" }, false },
	      { "{'StringEquals':{'aws:username':'${aws:x}'}}", NONE, false },
	      { "{'StringNotEquals':{'aws:username':'${aws:x}'}}", NONE, false },
	      { "{'StringEquals':{'aws:username':['${aws:x}','bob']}}", NONE, true },
	      { "{'StringEquals':{'aws:username':'${aws:x}'}}", { "bob", "eve" }, false });
}

TEST(special_characters_can_be_meant_literally)
{
	CHECK({ "{'StringLike':{'aws:x':'a${*}b'}}", { "a*b" }, true },
	      { "{'StringLike':{'aws:x':'a${*}b'}}", { "axb" }, false },
	      { "{'StringLike':{'aws:x':'a${?}b'}}", { "a?b" }, true },
	      { "{'StringEquals':{'aws:x':'a${$}b$'}}", { "a$b$" }, true });
}

TEST(the_old_version_has_no_variables)
{
	version = "2008-10-17";
	CHECK({ "{'StringEquals':{'aws:x':'${aws:username}'}}", { "bob" }, false },
	      { "{'StringEquals':{'aws:x':'${aws:username}'}}", { "${aws:username}" }, true },
	      { "{'StringLike':{'aws:x':'a${*}'}}", { "a${bc}" }, true });
	version = "2012-10-17";
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(texts_are_compared_whole_and_with_case),
		cmocka_unit_test(a_wildcard_is_any_characters_or_one),
		cmocka_unit_test(one_of_several_values_is_enough_and_a_negation_wants_none),
		cmocka_unit_test(operators_and_keys_must_all_hold),
		cmocka_unit_test(keys_have_no_case),
		cmocka_unit_test(a_missing_key_meets_negations_and_what_is_if_it_exists),
		cmocka_unit_test(null_asks_whether_there_is_a_value),
		cmocka_unit_test(numbers_are_compared_as_numbers),
		cmocka_unit_test(
			what_is_no_number_date_or_address_meets_neither_an_operator_nor_its_negation),
		cmocka_unit_test(dates_are_points_in_time_however_they_are_written),
		cmocka_unit_test(booleans_have_no_case),
		cmocka_unit_test(bytes_are_compared_as_base64),
		cmocka_unit_test(an_address_is_in_its_network_and_in_no_other_family),
		cmocka_unit_test(arns_are_compared_segment_by_segment),
		cmocka_unit_test(for_all_values_wants_each_of_them_and_is_true_of_none),
		cmocka_unit_test(for_any_value_wants_one_of_them_and_is_false_of_none),
		cmocka_unit_test(several_values_need_an_operator_for_sets),
		cmocka_unit_test(a_variable_stands_for_a_value_of_the_request),
		cmocka_unit_test(what_a_variable_brings_in_has_no_wildcards),
		cmocka_unit_test(a_variable_without_a_value_has_its_default_or_meets_nothing),
		cmocka_unit_test(special_characters_can_be_meant_literally),
		cmocka_unit_test(the_old_version_has_no_variables),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
