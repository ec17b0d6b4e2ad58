/* SPDX-License-Identifier: MIT */
/*
 * The host wants to know whether a handler has printed anything, without a
 * system call of ours to find out. Both streams get buffers of ours, whose first
 * byte is cleared after each handler: whatever passed through a stream since has
 * overwritten it, flushed or not.
 */
#include <worker/output.h>
#include <worker/warm.h>

#include <stdbool.h>
#include <stdio.h>
#include <stdio_ext.h>
#include <string.h>
#include <unistd.h>

#include <base/write.h>
#include <env/wire.h>

#define LOG_TEXT 1023 /* as faas_log() promises */

/* Touched, and so given memory, only by functions that print. */
static char out_buffer[4096], err_buffer[1024];

void fa_output_prepare(void)
{
	setvbuf(stdout, out_buffer, _IOLBF, sizeof(out_buffer));
	setvbuf(stderr, err_buffer, _IOLBF, sizeof(err_buffer));
}

void fa_output_init(int log_fd)
{
	dup2(log_fd, STDOUT_FILENO);
	dup2(log_fd, STDERR_FILENO);
}

/* What was printed before the log call shall be read before it, too. */
static void keep_order(FILE *stream)
{
	if (__fpending(stream))
		fflush(stream);
}

uint32_t fa_output_log(int log_fd, enum faas_level level, const char *text)
{
	char frame[LOG_TEXT + 3];
	size_t len = 2;

	if ((int)level < FAAS_TRACE || level > FAAS_FATAL)
		level = FAAS_INFO;
	frame[0] = FA_LOG_MARK;
	frame[1] = (char)('0' + level);
	for (; text && *text && len < LOG_TEXT + 2; text++)
		frame[len++] = *text == '\n' ? '\r' : *text;
	frame[len++] = '\n';
	keep_order(stdout);
	keep_order(stderr);
	fa_write_all(log_fd, frame, len);
	return (uint32_t)len;
}

static uint32_t end_of(FILE *stream, char *buffer)
{
	size_t pending = __fpending(stream);
	bool used = *buffer != '\0';

	if (pending)
		fflush(stream);
	if (used)
		*buffer = '\0';
	return pending ? (uint32_t)pending : used;
}

FA_WARM uint32_t fa_output_flush(void)
{
	return end_of(stdout, out_buffer) + end_of(stderr, err_buffer);
}

FA_WARM void fa_output_warm(void)
{
	fa_warm(stdout, sizeof(*stdout));
	fa_warm(stderr, sizeof(*stderr));
	fa_warm(out_buffer, 1);
	fa_warm(err_buffer, 1);
}
