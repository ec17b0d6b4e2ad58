/* SPDX-License-Identifier: MIT */
#include <worker/program/frames.h>

#include <arpa/inet.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include <support/test.h>

static struct fa_frames frames;
static int log_pipe[2];

static int open_pipes(void **state)
{
	(void)state;
	if (pipe2(log_pipe, O_NONBLOCK) < 0)
		return -1;
	return fa_frames_open(&frames, log_pipe[1]) ? 0 : -1;
}

static int close_pipes(void **state)
{
	(void)state;
	fa_frames_given(&frames);
	fa_frames_read(&frames);
	close(log_pipe[0]);
	close(log_pipe[1]);
	return frames.fd == -1 ? 0 : -1;
}

static void put(const void *data, size_t len)
{
	assert_int_equal(write(frames.program_fd, data, len), (ssize_t)len);
}

static void put_head(uint32_t type, size_t len)
{
	uint32_t head[4] = { htonl(type), htonl((uint32_t)len), 1, 2 };

	put(head, sizeof(head));
}

static void put_record(uint32_t type, const char *text)
{
	put_head(type, strlen(text));
	put(text, strlen(text));
}

static void logs(const char *expected)
{
	static char text[70000];
	ssize_t n;

	fa_frames_read(&frames);
	n = read(log_pipe[0], text, sizeof(text) - 1);
	text[n > 0 ? n : 0] = '\0';
	assert_string_equal(text, expected);
}

TEST(a_record_has_the_level_of_its_type)
{
	put_record(0xa55a0003, "none");
	put_record(0xa55a0003 | 4, "trace");
	put_record(0xa55a0003 | 12, "info");
	logs("\x1e-none\n\x1e"
	     "0trace\n\x1e"
	     "2info\n");
}

TEST(one_that_is_json_is_known_as_such)
{
	put_record(0xa55a0002 | 4, "{\"trace\":1}");
	put_record(0xa55a0002 | 24, "{\"fatal\":1}");
	put_record(0xa55a0002, "{}");
	logs("\x1e"
	     "a{\"trace\":1}\n\x1e"
	     "f{\"fatal\":1}\n\x1e-{}\n");
}

TEST(its_lines_become_one_and_its_last_newline_goes)
{
	put_record(0xa55a0003, "one\ntwo\n\nthree\n");
	put_record(0xa55a0003, "\n");
	put_record(0xa55a0003, "");
	put_record(0xa55a0003, "a mark: \x1e");
	logs("\x1e-one\rtwo\r\rthree\n\x1e-\n\x1e-\n\x1e-a mark:  \n");
}

TEST(a_record_may_come_in_any_pieces)
{
	static const unsigned char record[] = "\xa5\x5a\x00\x03\0\0\0\4\1\2\3\4\5\6\7\x08text";

	for (size_t i = 0; i < sizeof(record) - 2; i++) {
		put(record + i, 1);
		fa_frames_read(&frames);
	}
	put("t", 1);
	logs("\x1e-text\n");
}

TEST(a_long_record_is_written_whole)
{
	static char text[20000], expected[sizeof(text) + 8];

	memset(text, 'x', sizeof(text) - 1);
	put_record(0xa55a0003 | 16, text);
	snprintf(expected, sizeof(expected), "\x1e"
					     "3%s\n",
		 text);
	logs(expected);
}

TEST(what_is_no_frame_is_plain_output_from_there_on)
{
	put_record(0xa55a0003, "fine");
	put("this is only text\n", 18);
	put("more\n", 5);
	logs("\x1e-fine\nthis is only text\nmore\n");
	put_record(0xa55a0003, "");
	fa_frames_read(&frames);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(a_record_has_the_level_of_its_type, open_pipes,
						close_pipes),
		cmocka_unit_test_setup_teardown(one_that_is_json_is_known_as_such, open_pipes,
						close_pipes),
		cmocka_unit_test_setup_teardown(its_lines_become_one_and_its_last_newline_goes,
						open_pipes, close_pipes),
		cmocka_unit_test_setup_teardown(a_record_may_come_in_any_pieces, open_pipes,
						close_pipes),
		cmocka_unit_test_setup_teardown(a_long_record_is_written_whole, open_pipes,
						close_pipes),
		cmocka_unit_test_setup_teardown(what_is_no_frame_is_plain_output_from_there_on,
						open_pipes, close_pipes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
