/* SPDX-License-Identifier: MIT */
/*
 * A frame is a type, a length and a time, in network order, and the record. The type tells
 * the level, and whether the record is JSON. It may have many lines and any bytes: here it
 * becomes one line, its newlines carriage returns, as with faas_log().
 */
#include <worker/program/frames.h>

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <string.h>
#include <unistd.h>
#include <env/wire.h>

#define TEXT 0xa55a0003u
#define JSON 0xa55a0002u
#define LEVELS 0x1cu
#define READS 16

bool fa_frames_open(struct fa_frames *frames, int log_fd)
{
	int pair[2];

	memset(frames, 0, offsetof(struct fa_frames, text));
	frames->fd = frames->program_fd = -1;
	frames->log_fd = log_fd;
	if (pipe2(pair, O_CLOEXEC) < 0)
		return false;
	fcntl(pair[0], F_SETFL, O_NONBLOCK);
	frames->fd = pair[0];
	frames->program_fd = pair[1];
	return true;
}

void fa_frames_given(struct fa_frames *frames)
{
	if (frames->program_fd >= 0)
		close(frames->program_fd);
	frames->program_fd = -1;
}

/* ---- out ----------------------------------------------------------------- */

static void flush(struct fa_frames *f)
{
	size_t at = 0;

	while (at < f->out_len) {
		ssize_t n = write(f->log_fd, f->out + at, f->out_len - at);

		if (n < 0 && errno != EINTR)
			break;
		at += n > 0 ? (size_t)n : 0;
	}
	f->out_len = 0;
}

static void put(struct fa_frames *f, char c)
{
	if (f->out_len == sizeof(f->out))
		flush(f);
	f->out[f->out_len++] = c;
}

static void tell(struct fa_frames *f)
{
	if (f->record)
		f->record(f->data, f->text, f->text_len);
	f->text_len = 0;
}

static void put_record(struct fa_frames *f, unsigned char c)
{
	if (f->text_len == sizeof(f->text))
		tell(f);
	f->text[f->text_len++] = (char)c;
	if (f->newline)
		put(f, '\r');
	f->newline = c == '\n';
	if (!f->newline)
		put(f, c == FA_LOG_MARK ? ' ' : (char)c);
}

static void end_record(struct fa_frames *f)
{
	f->newline = false;
	f->head_len = 0;
	put(f, '\n');
	flush(f);
	tell(f);
}

/* ---- in ------------------------------------------------------------------ */

static uint32_t word(const unsigned char *at)
{
	uint32_t value;

	memcpy(&value, at, sizeof(value));
	return ntohl(value);
}

static void begin_record(struct fa_frames *f)
{
	uint32_t type = word(f->head), level = (type & LEVELS) >> 2;
	bool json = (type & ~LEVELS) == JSON;

	f->plain = (type & ~LEVELS) != TEXT && !json;
	if (f->plain) {
		for (size_t i = 0; i < sizeof(f->head); i++)
			put(f, (char)f->head[i]);
		return;
	}
	put(f, FA_LOG_MARK);
	put(f, level ? (char)((json ? FA_LOG_JSON : '0') + level - 1) : '-');
	f->left = word(f->head + 4);
	if (!f->left)
		end_record(f);
}

static void take(struct fa_frames *f, unsigned char c)
{
	if (f->plain) {
		put(f, (char)c);
	} else if (f->head_len < sizeof(f->head)) {
		f->head[f->head_len++] = c;
		if (f->head_len == sizeof(f->head))
			begin_record(f);
	} else {
		put_record(f, c);
		if (!--f->left)
			end_record(f);
	}
}

void fa_frames_read(struct fa_frames *f)
{
	unsigned char piece[4096];

	for (int i = 0; i < READS && f->fd >= 0; i++) {
		ssize_t n = read(f->fd, piece, sizeof(piece));

		for (ssize_t k = 0; k < n; k++)
			take(f, piece[k]);
		if (n == 0) { /* nobody has the other end */
			close(f->fd);
			f->fd = -1;
		}
		if (n <= 0)
			break;
	}
	if (f->plain)
		flush(f);
}
