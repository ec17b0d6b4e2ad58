/* SPDX-License-Identifier: MIT */
#ifndef FA_WORKER_PROGRAM_FRAMES_H
#define FA_WORKER_PROGRAM_FRAMES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * The log of a program that knows _LAMBDA_TELEMETRY_LOG_FD: a pipe of frames, each one
 * record of any length with a level. They become frames of the log pipe, see wire.h.
 */
struct fa_frames {
	int fd, program_fd; /* to read; for the program to write, until it has it; -1: none */
	int log_fd;
	bool plain;         /* it wrote what is no frame: from there on all of it is plain output */
	unsigned char head[16];
	size_t head_len;
	uint32_t left;      /* bytes of the record that are yet to come */
	bool newline;       /* the last one read: of the record only if more comes */
	char out[2048];     /* what is written at once, less than a pipe would tear apart */
	size_t out_len;
	void (*record)(void *data, const char *text,
		       size_t len); /* told of each, or of its pieces */
	void *data;
	size_t text_len;
	char text[16384]; /* last: nobody but who has records pays for its pages */
};

/* False: there is no pipe to be had, and the program logs to its standard output. */
bool fa_frames_open(struct fa_frames *frames, int log_fd);
/* The program has its end. */
void fa_frames_given(struct fa_frames *frames);
/* What there is by now. */
void fa_frames_read(struct fa_frames *frames);

#endif
