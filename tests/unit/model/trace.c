/* SPDX-License-Identifier: MIT */
#include <support/test.h>

#include <stdio.h>

#include <model/trace.h>

#define ROOT "Root=1-5759e988-bd862e3fe1be46a994272793"
#define PARENT "Parent=53995c3f42cd8ad8"

static char out[FA_TRACE_MAX + 1];

static const char *write(const char *header, struct fa_trace_change change)
{
	size_t len = fa_trace_write(out, header, &change);

	assert_int_equal(len, strlen(out));
	return out;
}

TEST(a_header_without_a_change_stays_as_it_is)
{
	static const char *const headers[] = {
		ROOT,
		ROOT ";" PARENT ";Sampled=1",
		ROOT ";Sampled=0;Lineage=a87bd80c:1|68fd508a:5",
		ROOT ";Sampled=?",
		"Self=1;" ROOT,
		"",
	};

	for (size_t i = 0; i < sizeof(headers) / sizeof(*headers); i++)
		write(headers[i], (struct fa_trace_change){ 0 });
	assert_string_equal(write(headers[1], (struct fa_trace_change){ 0 }), headers[1]);
	assert_string_equal(write(headers[2], (struct fa_trace_change){ 0 }), headers[2]);
	assert_string_equal(write(headers[3], (struct fa_trace_change){ 0 }), headers[3]);
	assert_string_equal(write(headers[4], (struct fa_trace_change){ 0 }), ROOT ";Self=1");
	assert_string_equal(write(headers[5], (struct fa_trace_change){ 0 }), "");
	assert_string_equal(write(NULL, (struct fa_trace_change){ 0 }), "");
}

TEST(what_is_missing_is_filled_in_and_what_is_there_is_kept)
{
	struct fa_trace_change change = { .root = "1-0-0", .parent = "p", .sampled = "1" };

	assert_string_equal(write(NULL, change), "Root=1-0-0;Parent=p;Sampled=1");
	assert_string_equal(write(ROOT ";" PARENT ";Sampled=0", change),
			    ROOT ";Parent=p;Sampled=0");
	assert_string_equal(write(ROOT ";Sampled=?", change), ROOT ";Parent=p;Sampled=1");
}

TEST(each_visit_is_counted)
{
	struct fa_trace_change visit = { .visits = 0xa87bd80c };
	char before[FA_TRACE_MAX + 1];

	write(ROOT, visit);
	assert_string_equal(out, ROOT ";Lineage=a87bd80c:1");
	strcpy(before, out);
	write(before, visit);
	assert_string_equal(out, ROOT ";Lineage=a87bd80c:2");
	assert_int_equal(fa_trace_visits(out, 0xa87bd80c), 2);
	assert_int_equal(fa_trace_visits(out, 0xa87bd80d), 0);
	assert_int_equal(fa_trace_visits(NULL, 1), 0);
}

TEST(the_function_visited_last_stands_last)
{
	assert_string_equal(write(ROOT ";Lineage=00000001:3|00000002:7",
				  (struct fa_trace_change){ .visits = 1 }),
			    ROOT ";Lineage=00000002:7|00000001:4");
}

TEST(what_is_no_lineage_is_not_counted)
{
	static const char *const bad[] = {
		"Lineage=",
		"Lineage=00000001",
		"Lineage=00000001:",
		"Lineage=00000001:x",
		"Lineage=1:5",
		"Lineage=000000001:5",
		"Lineage=00000001:99999999999999999999",
		"Lineage=|||",
		"lineage=00000001:5",
		"Lineage=0x000001:5:6",
	};

	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
		if (fa_trace_visits(bad[i], 1))
			fail_msg("%s: %u", bad[i], fa_trace_visits(bad[i], 1));
	assert_int_equal(fa_trace_visits("Lineage=junk|00000001:5|:", 1), 5);
}

TEST(a_header_never_grows_past_its_limit_and_the_oldest_visits_go_first)
{
	char header[FA_TRACE_MAX + 1], before[FA_TRACE_MAX + 1] = ROOT;

	for (uint32_t hash = 1; hash < 200; hash++) {
		write(before,
		      (struct fa_trace_change){ .visits = hash, .parent = "0123456789abcdef" });
		assert_true(strlen(out) <= FA_TRACE_MAX);
		assert_int_equal(fa_trace_visits(out, hash), 1);
		strcpy(before, out);
	}
	assert_int_equal(fa_trace_visits(out, 1), 0);
	assert_int_equal(fa_trace_visits(out, 150), 1);
	/* one that has no room at all for a lineage keeps what it has */
	memset(header, 'x', FA_TRACE_MAX);
	header[FA_TRACE_MAX] = '\0';
	write(header, (struct fa_trace_change){ .visits = 1 });
	assert_true(strlen(out) <= FA_TRACE_MAX);
}

TEST(a_root_has_the_time_and_random_bits_in_it)
{
	static const uint8_t random[12] = { 0xbd, 0x86, 0x2e, 0x3f, 0xe1, 0xbe,
					    0x46, 0xa9, 0x94, 0x27, 0x27, 0x93 };
	char root[36], id[17], field[40];

	fa_trace_root(root, 0x5759e988LL * 1000 + 999, random);
	assert_string_equal(root, ROOT + 5);
	fa_trace_id(id, random);
	assert_string_equal(id, "bd862e3fe1be46a9");
	fa_trace_field(field, sizeof(field), ROOT ";" PARENT, "Root");
	assert_string_equal(field, ROOT + 5);
	fa_trace_field(field, 5, ROOT ";" PARENT, "Parent");
	assert_string_equal(field, "5399");
	fa_trace_field(field, 5, ROOT, "Parent");
	assert_string_equal(field, "");
}

TEST(a_function_has_a_hash_of_its_own)
{
	assert_int_equal(fa_trace_hash("arn:a"), fa_trace_hash("arn:a"));
	assert_true(fa_trace_hash("arn:a") != fa_trace_hash("arn:b"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_header_without_a_change_stays_as_it_is),
		cmocka_unit_test(what_is_missing_is_filled_in_and_what_is_there_is_kept),
		cmocka_unit_test(each_visit_is_counted),
		cmocka_unit_test(the_function_visited_last_stands_last),
		cmocka_unit_test(what_is_no_lineage_is_not_counted),
		cmocka_unit_test(
			a_header_never_grows_past_its_limit_and_the_oldest_visits_go_first),
		cmocka_unit_test(a_root_has_the_time_and_random_bits_in_it),
		cmocka_unit_test(a_function_has_a_hash_of_its_own),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
