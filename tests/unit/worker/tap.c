/* SPDX-License-Identifier: MIT */
#include <worker/program/tap.h>

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <support/test.h>

static struct fa_tap tap;
static int log_pipe[2];
static char told[4 * FA_TAP_LINE];

static void tell(void *data, const char *line, size_t len)
{
	(void)data;
	strncat(told, line, len);
	strcat(told, "|");
}

static int start(void **state)
{
	(void)state;
	*told = '\0';
	if (pipe2(log_pipe, O_NONBLOCK) < 0)
		return -1;
	fa_tap_init(&tap, log_pipe[1], tell, NULL);
	fa_tap_open(&tap);
	return tap.fd < 0 ? -1 : 0;
}

static int stop(void **state)
{
	(void)state;
	fa_tap_given(&tap);
	fa_tap_read(&tap);
	close(log_pipe[0]);
	close(log_pipe[1]);
	return tap.fd == -1 ? 0 : -1;
}

static void put(const char *text)
{
	assert_int_equal(write(tap.writer, text, strlen(text)), (ssize_t)strlen(text));
}

static void logged(const char *expected)
{
	static char text[4 * FA_TAP_LINE];
	ssize_t n = read(log_pipe[0], text, sizeof(text) - 1);

	text[n > 0 ? n : 0] = '\0';
	assert_string_equal(text, expected);
}

TEST(whole_lines_go_on_together_and_each_is_told)
{
	put("one\ntwo\nthr");
	fa_tap_read(&tap);
	logged("one\ntwo\n");
	assert_string_equal(told, "one|two|");
	put("ee\n\n");
	fa_tap_read(&tap);
	logged("three\n\n");
	assert_string_equal(told, "one|two|three||");
}

TEST(where_an_event_ends_the_beginning_of_a_line_is_told)
{
	put("no end");
	fa_tap_read(&tap);
	logged("");
	fa_tap_flush(&tap);
	logged("no end");
	assert_string_equal(told, "no end|");
	put("\n");
	fa_tap_read(&tap);
	logged("\n");
}

TEST(a_line_that_is_too_long_is_told_in_pieces_and_logged_whole)
{
	static char line[FA_TAP_LINE + 3], expected[FA_TAP_LINE + 8];

	memset(line, 'x', sizeof(line) - 2);
	strcpy(line + sizeof(line) - 2, "\n");
	put(line);
	fa_tap_read(&tap);
	logged(line);
	memset(expected, 'x', FA_TAP_LINE);
	strcpy(expected + FA_TAP_LINE, "|x|");
	assert_string_equal(told, expected);
}

TEST(what_is_left_when_all_writers_are_gone_is_told)
{
	put("last");
	fa_tap_given(&tap);
	fa_tap_read(&tap);
	logged("last");
	assert_string_equal(told, "last|");
	assert_int_equal(tap.fd, -1);
}

#define ROW(test) cmocka_unit_test_setup_teardown(test, start, stop)

int main(void)
{
	static const struct CMUnitTest tests[] = {
		ROW(whole_lines_go_on_together_and_each_is_told),
		ROW(where_an_event_ends_the_beginning_of_a_line_is_told),
		ROW(a_line_that_is_too_long_is_told_in_pieces_and_logged_whole),
		ROW(what_is_left_when_all_writers_are_gone_is_told),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
