/* SPDX-License-Identifier: MIT */
#ifndef TEST_CONTROL_H
#define TEST_CONTROL_H

/*
 * Short words for tests of faas_control(): a runtime on virtual time with a
 * function "f" (echo.context), the last reply and the last error.
 */
#include "flow.h"

extern struct flow flow;
extern struct faas_error err;
extern char *reply;

int control_open(void **state);
int control_open_with(const struct faas_config *config, bool virtual_time); /* or so */
int control_close(void **state);

/* The same with a state_dir of its own; and that runtime once more, without a new "f". */
extern char control_folder[64];
int control_open_lasting(void **state);
int control_close_lasting(void **state);
void control_restart(void);

/* Perform an operation and return its reply; fails the test if it is refused. */
const char *perform(const char *operation, const char *request);
/* It is refused with this type and message. */
void refused(const char *operation, const char *request, const char *type, const char *message);
/* The last reply has this text in it, or has it not. */
void has(const char *text);
void lacks(const char *text);
/* The text of a member that is in the last reply once. */
void member(char out[64], const char *name);

#endif
