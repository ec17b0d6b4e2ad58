/* SPDX-License-Identifier: MIT */
#ifndef TEST_PROGRAMS_ACTS_H
#define TEST_PROGRAMS_ACTS_H

#include <stddef.h>

/* What the program can do: a word, and what goes with it in the event. */
struct act {
	const char *word;
	void (*run)(const char *text);
};

extern const struct act attacks[]; /* up to one without a word */

/* The answer to the event. */
void answer(const void *body, size_t len);
void say(const char *text);
void say_number(long number);

#endif
