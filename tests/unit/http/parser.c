/* SPDX-License-Identifier: MIT */
/* Requests out of bytes, and what is none. */
#include "support/test.h"

#include <stdio.h>
#include <stdlib.h>

#include "support/failing_mem.h"

#include <http/parser.h>

#define HOST "Host: x\r\n"
#define POST "POST /invoke HTTP/1.1\r\n" HOST
#define GET(target) "GET " target " HTTP/1.1\r\n" HOST "\r\n"

static struct fa_http_parser parser;
static size_t body_max;
static char said[1024]; /* "GET /a;POST /b abc;!400" */

static void say(const char *text)
{
	assert_true(strlen(said) + strlen(text) < sizeof(said));
	strcat(said, text);
}

static void say_request(void)
{
	say(parser.request.method);
	say(" ");
	say(parser.request.target);
	if (parser.request.body.len) {
		char body[64];

		snprintf(body, sizeof(body), " %.*s", (int)parser.request.body.len,
			 (const char *)parser.request.body.data);
		say(body);
	}
	say(parser.keep_alive ? ";" : ".");
}

/* All requests in `text`, fed in pieces of `size`; false once it is broken. */
static void feed(const char *text, size_t len, size_t size)
{
	size_t at = 0, used;
	enum fa_http_step step = FA_HTTP_MORE;
	char status[8];

	while (step != FA_HTTP_BROKEN && (at < len || step == FA_HTTP_HEAD)) {
		size_t piece = len - at < size ? len - at : size;

		step = fa_http_parse(&parser, text + at, piece, &used);
		assert_true(used <= piece);
		at += used;
		if (step == FA_HTTP_HEAD)
			parser.body_max = body_max;
		if (step == FA_HTTP_WHOLE) {
			say_request();
			fa_http_parser_next(&parser);
		}
		if (step == FA_HTTP_BROKEN) {
			snprintf(status, sizeof(status), "!%d", parser.status);
			say(status);
		}
	}
}

static const char *parse_bytes(const char *text, size_t len, size_t size)
{
	said[0] = '\0';
	fa_http_parser_init(&parser, &fa_mem_libc);
	feed(text, len, size);
	fa_http_parser_next(&parser);
	return said;
}

static const char *parse(const char *text)
{
	char whole[sizeof(said)];

	strcpy(whole, parse_bytes(text, strlen(text), SIZE_MAX));
	assert_string_equal(parse_bytes(text, strlen(text), 1), whole); /* however it is cut */
	return said;
}

static int prepare(void **state)
{
	(void)state;
	body_max = 1000;
	return 0;
}

TEST(a_request_has_a_method_and_a_target)
{
	assert_string_equal(parse(GET("/a")), "GET /a;");
	assert_string_equal(parse("DELETE /b?c=d HTTP/1.1\r\n" HOST "\r\n"), "DELETE /b?c=d;");
}

TEST(the_target_is_not_decoded)
{
	assert_string_equal(parse(GET("/arn%3Aaws%2Fx/../y//z")), "GET /arn%3Aaws%2Fx/../y//z;");
}

TEST(of_an_absolute_target_the_path_is_taken)
{
	assert_string_equal(parse(GET("http://h:1/ping?x")), "GET /ping?x;");
	assert_string_equal(parse(GET("http://h")), "GET /;");
	assert_string_equal(parse(GET("http://h/?u=http://i/j")), "GET /?u=http://i/j;");
	assert_string_equal(parse(GET("/?u=http://i/j")), "GET /?u=http://i/j;");
}

TEST(requests_may_follow_each_other_at_once)
{
	assert_string_equal(parse(GET("/a") POST "Content-Length: 3\r\n\r\nabc" GET("/b")),
			    "GET /a;POST /invoke abc;GET /b;");
}

TEST(a_body_comes_by_length_or_in_chunks)
{
	assert_string_equal(parse(POST "Content-Length: 0\r\n\r\n"), "POST /invoke;");
	assert_string_equal(parse(POST "Transfer-Encoding: chunked\r\n\r\n"
				       "3\r\nabc\r\n2;x=y\r\nde\r\n0\r\n\r\n" GET("/n")),
			    "POST /invoke abcde;GET /n;");
	assert_string_equal(parse(POST "Transfer-Encoding: Chunked\r\n\r\n0\r\n\r\n"),
			    "POST /invoke;");
}

TEST(fields_are_found_in_whatever_case_and_trailers_apart)
{
	const char *text =
		POST "X-Amz-A:  one \t \r\nx-amz-a: two\r\nTransfer-Encoding: chunked\r\n"
		     "Empty:\r\n\r\n1\r\na\r\n0\r\nFunction-Error: E\r\n\r\n";
	size_t used, at = 0, len = strlen(text);

	fa_http_parser_init(&parser, &fa_mem_libc);
	assert_int_equal(fa_http_parse(&parser, text, len, &at), FA_HTTP_HEAD);
	parser.body_max = 10;
	assert_string_equal(fa_http_get(&parser.request, "x-AMZ-a"), "one");
	assert_string_equal(fa_http_get(&parser.request, "empty"), "");
	assert_null(fa_http_get(&parser.request, "Function-Error"));
	assert_int_equal(fa_http_parse(&parser, text + at, len - at, &used), FA_HTTP_WHOLE);
	assert_int_equal(at + used, len);
	assert_int_equal(parser.request.field_count, 5);
	assert_int_equal(parser.request.trailer_count, 1);
	assert_string_equal(parser.request.trailers[0].name, "Function-Error");
	assert_string_equal(parser.request.trailers[0].value, "E");
	assert_null(fa_http_get(&parser.request, "Function-Error"));
	fa_http_parser_next(&parser);
	assert_true(fa_http_parser_held(&parser) < 64);
}

/* As HTTP has it for those that still take them: the line's end is gone, blanks are left. */
TEST(a_folded_field_is_one_line)
{
	const char *text = "GET /a HTTP/1.1\r\n" HOST "A: b\r\n c\r\n\td\r\nE:\r\n f\r\n\r\n";
	size_t used;

	fa_http_parser_init(&parser, &fa_mem_libc);
	assert_int_equal(fa_http_parse(&parser, text, strlen(text), &used), FA_HTTP_HEAD);
	assert_string_equal(fa_http_get(&parser.request, "A"), "b c\td");
	assert_string_equal(fa_http_get(&parser.request, "E"), "f");
	fa_http_parser_next(&parser);
}

TEST(whether_another_request_may_follow_is_by_version_and_connection)
{
	assert_string_equal(parse("GET /a HTTP/1.0\r\n\r\n"), "GET /a.");
	assert_string_equal(parse("GET /a HTTP/1.0\r\nConnection: keep-alive\r\n\r\n"), "GET /a;");
	assert_string_equal(parse("GET /a HTTP/1.1\r\n" HOST "Connection: close\r\n\r\n"),
			    "GET /a.");
	assert_string_equal(parse("GET /a HTTP/1.1\r\n" HOST "Connection: close\r\n\r\n" GET("/b")),
			    "GET /a.!400");
}

TEST(an_offer_to_speak_another_protocol_is_ignored)
{
	assert_string_equal(parse("GET /a HTTP/1.1\r\n" HOST
				  "Connection: Upgrade, HTTP2-Settings\r\n"
				  "Upgrade: h2c\r\nHTTP2-Settings: AAMA\r\n\r\n" GET("/b")),
			    "GET /a;GET /b;");
	assert_string_equal(parse("CONNECT h:1 HTTP/1.1\r\n" HOST "\r\n"), "!405");
	assert_string_equal(parse("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"), "!400");
}

TEST(an_expectation_is_noted_and_others_are_refused)
{
	const char *text = POST "Expect: 100-Continue\r\nContent-Length: 1\r\n\r\n";
	size_t used;

	fa_http_parser_init(&parser, &fa_mem_libc);
	assert_int_equal(fa_http_parse(&parser, text, strlen(text), &used), FA_HTTP_HEAD);
	assert_true(parser.expects);
	assert_int_equal(fa_http_declared(&parser), 1);
	fa_http_parser_next(&parser);
	assert_string_equal(parse(POST "Expect: 200-ok\r\nContent-Length: 1\r\n\r\n"), "!417");
}

/* What two programs could read in two ways: the way to smuggle a request past one of them. */
TEST(what_can_be_read_in_two_ways_is_refused)
{
	static const char *const bad[] = {
		POST "Content-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n" GET("/x"),
		POST "Transfer-Encoding: chunked\r\nContent-Length: 4\r\n\r\n0\r\n\r\n",
		POST "Content-Length: 3\r\nContent-Length: 5\r\n\r\nabcde",
		POST "Content-Length: 3\r\nContent-Length: 3\r\n\r\nabc",
		POST "Content-Length: +3\r\n\r\nabc",
		POST "Content-Length: 3x\r\n\r\nabc",
		POST "Content-Length: -1\r\n\r\nabc",
		POST "Content-Length: 3, 3\r\n\r\nabc",
		POST "Content-Length: 1\r\n 0\r\n\r\n0123456789",
		POST "Transfer-Encoding: chunked\r\n , identity\r\n\r\n0\r\n\r\n",
		POST "Content-Length: 18446744073709551619\r\n\r\nabc",
		POST "Content-Length : 3\r\n\r\nabc",
		POST "Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n",
		POST "Transfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n",
		POST "Transfer-Encoding: identity\r\n\r\n0\r\n\r\n",
		POST "Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
		POST "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
		POST "Transfer-Encoding: chunked\r\n\r\nzz\r\nabc\r\n0\r\n\r\n",
		POST "Transfer-Encoding: chunked\r\n\r\n-1\r\nabc\r\n0\r\n\r\n",
		POST "Transfer-Encoding: chunked\r\n\r\n10000000000000003\r\nabc\r\n0\r\n\r\n",
		POST "Transfer-Encoding: chunked\r\n\r\n3\r\nabcXX0\r\n\r\n",
		POST "Transfer-Encoding: chunked\r\n\r\n3\nabc\n0\n\n",
		"POST /i HTTP/1.0\r\n" HOST "Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
		"GET /a HTTP/1.1\nHost: x\n\n",
		"GET /a HTTP/1.1\r\nHost: x\r\nX: \rTransfer-Encoding: chunked\r\n\r\n",
		"GET /a HTTP/1.1\r\nHost: x\r\nA: b\rc\r\n\r\n",
		"GET /a HTTP/1.1\r\n Host: x\r\n\r\n",
		"GET /a HTTP/1.1\r\nHost: x\r\nA b\r\n\r\n",
		"GET /a HTTP/1.1\r\nHost: x\r\n: b\r\n\r\n",
		"GET /a HTTP/1.1\r\nHost: x\r\nHost: y\r\n\r\n",
		"GET /a HTTP/1.1\r\n\r\n",
		"GET /a HTTP/9.9\r\n" HOST "\r\n",
		"GET /a\r\n\r\n",
		"GET /a b HTTP/1.1\r\n" HOST "\r\n",
		"get /a HTTP/1.1\r\n" HOST "\r\n",
		"GET %2Fping HTTP/1.1\r\n" HOST "\r\n",
		"\x16\x03\x01\x02\x01\x01\x01\xfc\x03\x03",
	};
	int accepted = 0;

	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		const char *answer = parse(bad[i]);

		if (answer[0] != '!') {
			print_message("%s\nwas taken for %s\n", bad[i], answer);
			accepted++;
		}
	}
	assert_int_equal(accepted, 0);
}

TEST(a_nul_ends_no_field)
{
	static const char text[] = "GET /a HTTP/1.1\r\nHost: x\r\nA: b\0c\r\n\r\n";
	static const char name[] = "GET /a HTTP/1.1\r\nHost: x\r\nA\0b: c\r\n\r\n";
	static const char target[] = "GET /a\0b HTTP/1.1\r\nHost: x\r\n\r\n";

	assert_string_equal(parse_bytes(text, sizeof(text) - 1, SIZE_MAX), "!400");
	assert_string_equal(parse_bytes(name, sizeof(name) - 1, SIZE_MAX), "!400");
	assert_string_equal(parse_bytes(target, sizeof(target) - 1, SIZE_MAX), "!400");
}

static const char *sized(const char *before, size_t n, const char *after)
{
	static char text[200000];
	size_t len = strlen(before);

	memcpy(text, before, len);
	memset(text + len, 'x', n);
	strcpy(text + len + n, after);
	return text;
}

static int status_of(const char *text)
{
	enum fa_http_step step = FA_HTTP_MORE;
	size_t at = 0, used, len = strlen(text);

	fa_http_parser_init(&parser, &fa_mem_libc);
	while (at < len && step == FA_HTTP_MORE) {
		step = fa_http_parse(&parser, text + at, len - at, &used);
		at += used;
	}
	used = (size_t)parser.status;
	fa_http_parser_next(&parser);
	return step == FA_HTTP_HEAD ? 200 : step == FA_HTTP_BROKEN ? (int)used : 0;
}

TEST(a_target_has_a_longest_length)
{
	const char *rest = " HTTP/1.1\r\n" HOST "\r\n";

	assert_int_equal(status_of(sized("GET /", FA_HTTP_TARGET_MAX - 1, rest)), 200);
	assert_int_equal(status_of(sized("GET /", FA_HTTP_TARGET_MAX, rest)), 414);
}

TEST(a_head_has_a_longest_length_and_a_largest_number_of_fields)
{
	const char *start = "GET / HTTP/1.1\r\n" HOST "A: ";
	size_t taken = strlen("/") + strlen("Hostx") + strlen("A") + 5;
	char *many = malloc(100000);
	size_t len = (size_t)sprintf(many, "GET / HTTP/1.1\r\n" HOST);

	assert_int_equal(status_of(sized(start, FA_HTTP_HEAD_MAX - taken, "\r\n\r\n")), 200);
	assert_int_equal(status_of(sized(start, FA_HTTP_HEAD_MAX - taken + 1, "\r\n\r\n")), 431);
	for (int i = 1; i < FA_HTTP_FIELDS_MAX; i++)
		len += (size_t)sprintf(many + len, "A%d: x\r\n", i);
	strcpy(many + len, "\r\n");
	assert_int_equal(status_of(many), 200);
	strcpy(many + len, "Last: x\r\n\r\n");
	assert_int_equal(status_of(many), 431);
	free(many);
}

TEST(a_body_has_the_longest_length_that_is_set)
{
	body_max = 3;
	assert_string_equal(parse(POST "Content-Length: 3\r\n\r\nabc"), "POST /invoke abc;");
	assert_string_equal(parse(POST "Content-Length: 4\r\n\r\nabcd"), "!413");
	assert_string_equal(parse(POST "Transfer-Encoding: chunked\r\n\r\n"
				       "2\r\nab\r\n2\r\ncd\r\n0\r\n\r\n"),
			    "!413");
	body_max = 0;
	assert_string_equal(parse(POST "Content-Length: 1\r\n\r\na"), "!413");
}

TEST(a_body_may_be_taken_as_it_comes_and_only_what_is_held_is_bounded)
{
	static const char head[] = POST "Transfer-Encoding: chunked\r\n\r\n";
	struct faas_bytes piece;
	size_t used;

	fa_http_parser_init(&parser, &fa_mem_libc);
	assert_int_equal(fa_http_parse(&parser, head, sizeof(head) - 1, &used), FA_HTTP_HEAD);
	parser.body_max = 3;
	for (int i = 0; i < 100; i++) {
		assert_int_equal(fa_http_parse(&parser, "3\r\nabc\r\n", 8, &used), FA_HTTP_MORE);
		piece = fa_http_parser_take_body(&parser);
		assert_int_equal(piece.len, 3);
		assert_memory_equal(piece.data, "abc", 3);
		assert_int_equal(fa_http_parser_take_body(&parser).len, 0);
	}
	assert_int_equal(fa_http_parse(&parser, "1\r\nd\r\n0\r\n\r\n", 11, &used), FA_HTTP_WHOLE);
	assert_int_equal(fa_http_parser_take_body(&parser).len, 1);
	assert_int_equal(parser.request.body.len, 0);
	fa_http_parser_next(&parser);
}

TEST(a_declared_length_takes_no_memory)
{
	const char *text = POST "Content-Length: 10737418240\r\n\r\nab";
	size_t used;

	fa_http_parser_init(&parser, &fa_mem_libc);
	assert_int_equal(fa_http_parse(&parser, text, strlen(text), &used), FA_HTTP_HEAD);
	assert_int_equal(fa_http_declared(&parser), 10737418240);
	parser.body_max = SIZE_MAX / 2;
	assert_int_equal(fa_http_parse(&parser, text + used, strlen(text) - used, &used),
			 FA_HTTP_MORE);
	assert_true(fa_http_parser_held(&parser) < 32768);
	fa_http_parser_next(&parser);
}

/* Every allocation fails once; none is forgotten, none freed twice. */
TEST(without_memory_the_answer_is_unavailable)
{
	const char *text = POST "A: b\r\nTransfer-Encoding: chunked\r\n\r\n"
				"3\r\nabc\r\n0\r\nT: u\r\n\r\n";
	struct failing_mem fm;
	size_t n = 0;

	do {
		failing_mem_init(&fm);
		fm.fail_at = ++n;
		said[0] = '\0';
		fa_http_parser_init(&parser, &fm.mem);
		feed(text, strlen(text), SIZE_MAX);
		fa_http_parser_next(&parser);
		assert_true(failing_mem_clean(&fm));
		assert_string_equal(said, fm.failed ? "!503" : "POST /invoke abc;");
	} while (fm.failed);
	assert_true(n > 3);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define PREPARED(name) cmocka_unit_test_setup(name, prepare)
		PREPARED(a_request_has_a_method_and_a_target),
		PREPARED(the_target_is_not_decoded),
		PREPARED(of_an_absolute_target_the_path_is_taken),
		PREPARED(requests_may_follow_each_other_at_once),
		PREPARED(a_body_comes_by_length_or_in_chunks),
		PREPARED(fields_are_found_in_whatever_case_and_trailers_apart),
		PREPARED(whether_another_request_may_follow_is_by_version_and_connection),
		PREPARED(a_folded_field_is_one_line),
		PREPARED(an_offer_to_speak_another_protocol_is_ignored),
		PREPARED(an_expectation_is_noted_and_others_are_refused),
		PREPARED(what_can_be_read_in_two_ways_is_refused),
		PREPARED(a_nul_ends_no_field),
		PREPARED(a_target_has_a_longest_length),
		PREPARED(a_head_has_a_longest_length_and_a_largest_number_of_fields),
		PREPARED(a_body_has_the_longest_length_that_is_set),
		PREPARED(a_body_may_be_taken_as_it_comes_and_only_what_is_held_is_bounded),
		PREPARED(a_declared_length_takes_no_memory),
		PREPARED(without_memory_the_answer_is_unavailable),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
