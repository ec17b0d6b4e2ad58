/* SPDX-License-Identifier: MIT */
/* Ways to misuse standard output and the log. */
#include "hostile.h"

static char chunk[65536];

HOSTILE(flood_stdout)
{
	memset(chunk, 'A', sizeof(chunk));
	while (for_ever)
		if (write(1, chunk, sizeof(chunk)) < 0)
			sleep_ms(1);
	return 0;
}

/* {"mb":N}: N MB of lines, then an answer. */
HOSTILE(write_lines)
{
	const long long mb = number_in(event, "mb");

	for (size_t i = 0; i < sizeof(chunk); i++)
		chunk[i] = i % 64 == 63 ? '\n' : 'l';
	for (long long i = 0; i < mb * 16; i++)
		if (write(1, chunk, sizeof(chunk)) < 0)
			break;
	return faas_puts(ctx, "\"done\"");
}

/* {"mb":N}: one line of N MB. */
HOSTILE(write_one_long_line)
{
	const long long mb = number_in(event, "mb");

	memset(chunk, 'A', sizeof(chunk));
	for (long long i = 0; i < mb * 16; i++)
		if (write(1, chunk, sizeof(chunk)) < 0)
			break;
	return faas_puts(ctx, "\"done\"");
}

HOSTILE(write_binary)
{
	for (unsigned round = 0; round < 16; round++) {
		for (size_t i = 0; i < sizeof(chunk); i++)
			chunk[i] = (char)((i * 2654435761u + round * 40503u) >> 11);
		IGNORE(write(1, chunk, sizeof(chunk)) < 0);
		IGNORE(write(2, chunk, sizeof(chunk)) < 0);
	}
	return faas_puts(ctx, "\"done\"");
}

/* Frames of faas_log() that faas_log() would never write. */
HOSTILE(forge_log_frames)
{
	const char frames[] = "\x1e" "9level that is none\n" "\x1e\n" "\x1e" "\x1e" "\x1e" "0\n"
			      "\x1e" "5" "\0zero\n" "\x1e" "-1\n" "START RequestId: forged\n"
			      "REPORT RequestId: forged\tDuration: 0.00 ms\n";

	for (int i = 0; i < 1000; i++)
		IGNORE(write(1, frames, sizeof(frames) - 1) < 0);
	IGNORE(write(2, "\x1e", 1) < 0);
	return faas_puts(ctx, "\"done\"");
}

HOSTILE(flood_faas_log)
{
	for (int i = 0; i < 20000; i++)
		faas_log(ctx, (enum faas_level)(i % 9 - 1), "line %d\nwith a second one \x1e %s", i,
			 "and a long tail "
			 "............................................................");
	return faas_puts(ctx, "\"done\"");
}

HOSTILE(close_stdout_and_write)
{
	close(1);
	close(2);
	for (int i = 0; i < 100; i++) {
		printf("nobody hears this\n");
		fflush(stdout);
	}
	faas_log(ctx, FAAS_INFO, "nor this");
	return faas_puts(ctx, "\"done\"");
}

HOSTILE(shrink_the_pipe)
{
	fcntl(1, F_SETPIPE_SZ, 4096);
	fcntl(1, F_SETFL, O_NONBLOCK | O_APPEND | O_DIRECT);
	memset(chunk, 'A', sizeof(chunk));
	for (int i = 0; i < 1000; i++)
		IGNORE(write(1, chunk, 1 + (size_t)i * 61) < 0);
	fcntl(2, F_SETPIPE_SZ, 1 << 20);
	return faas_puts(ctx, "\"done\"");
}

/* To take away what the host should read, or to keep the pipe open for ever. */
HOSTILE(reopen_the_pipe_for_reading)
{
	int fd = open("/proc/self/fd/1", O_RDWR | O_NONBLOCK);

	for (int i = 0; i < 100; i++) {
		IGNORE(write(1, chunk, 1024) < 0);
		if (fd >= 0)
			IGNORE(read(fd, chunk, sizeof(chunk)) < 0);
	}
	return faas_puts(ctx, "\"done\"");
}

static void *keep_writing(UNUSED void *arg)
{
	memset(chunk, 'Z', sizeof(chunk));
	for (;;)
		if (write(1, chunk, sizeof(chunk)) < 0)
			sleep_ms(1);
	return NULL;
}

HOSTILE(write_on_after_the_answer)
{
	pthread_t thread;

	pthread_create(&thread, NULL, keep_writing, NULL);
	return faas_puts(ctx, "\"done\"");
}

FAAS_PLUGIN("output", "1", FAAS_HANDLER(flood_stdout), FAAS_HANDLER(write_lines),
	    FAAS_HANDLER(write_one_long_line), FAAS_HANDLER(write_binary),
	    FAAS_HANDLER(forge_log_frames), FAAS_HANDLER(flood_faas_log),
	    FAAS_HANDLER(close_stdout_and_write), FAAS_HANDLER(shrink_the_pipe),
	    FAAS_HANDLER(reopen_the_pipe_for_reading), FAAS_HANDLER(write_on_after_the_answer));
