/* SPDX-License-Identifier: MIT */
#include <worker/program/tap.h>

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#define READS 16

void fa_tap_init(struct fa_tap *tap, int log_fd, fa_tap_line_fn *line, void *data)
{
	tap->fd = tap->writer = -1;
	tap->log_fd = log_fd;
	tap->line = line;
	tap->data = data;
	tap->len = 0;
}

void fa_tap_open(struct fa_tap *tap)
{
	int pair[2];

	if (tap->fd >= 0 || pipe2(pair, O_CLOEXEC) < 0)
		return;
	fcntl(pair[0], F_SETFL, O_NONBLOCK);
	tap->fd = pair[0];
	tap->writer = pair[1];
}

void fa_tap_given(struct fa_tap *tap)
{
	if (tap->writer >= 0)
		close(tap->writer);
	tap->writer = -1;
}

static void pass_on(const struct fa_tap *tap, size_t len)
{
	size_t at = 0;

	while (at < len) {
		ssize_t n = write(tap->log_fd, tap->held + at, len - at);

		if (n < 0 && errno != EINTR)
			return;
		at += n > 0 ? (size_t)n : 0;
	}
}

/* The first `len` bytes: lines, and what is to be told though it is no whole one. */
static void tell(struct fa_tap *tap, size_t len)
{
	size_t at = 0;

	pass_on(tap, len);
	while (at < len) {
		const char *line = tap->held + at;
		const char *end = memchr(line, '\n', len - at);
		size_t used = end ? (size_t)(end - line) : len - at;

		tap->line(tap->data, line, used);
		at += used + (end != NULL);
	}
	tap->len -= len;
	memmove(tap->held, tap->held + len, tap->len);
}

static void tell_lines(struct fa_tap *tap)
{
	const char *last = memrchr(tap->held, '\n', tap->len);

	if (last)
		tell(tap, (size_t)(last - tap->held) + 1);
	else if (tap->len == sizeof(tap->held))
		tell(tap, tap->len);
}

void fa_tap_read(struct fa_tap *tap)
{
	for (int i = 0; i < READS && tap->fd >= 0; i++) {
		ssize_t n = read(tap->fd, tap->held + tap->len, sizeof(tap->held) - tap->len);

		if (n < 0)
			return;
		tap->len += (size_t)n;
		tell_lines(tap);
		if (n == 0) { /* nobody has the other end */
			tell(tap, tap->len);
			close(tap->fd);
			tap->fd = -1;
		}
	}
}

void fa_tap_flush(struct fa_tap *tap)
{
	fa_tap_read(tap);
	tell(tap, tap->len);
}
