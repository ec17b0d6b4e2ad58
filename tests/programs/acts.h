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
extern const struct act streams[];
extern const struct act looks[];

/* Its connection to the API, and what it has read of that last. */
int connection(void);
void reconnect(void);
struct reply *last_reply(void);
/* Where the answer to the event is posted. */
const char *response_path(void);
/* The answer to the event. */
void answer(const void *body, size_t len);
void say(const char *text);
void say_number(long number);

#endif
