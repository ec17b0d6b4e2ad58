/* SPDX-License-Identifier: MIT */
#ifndef SIMULATE_CHANGE_H
#define SIMULATE_CHANGE_H

#include "world.h"

void changes_begin(void);
void create_function(int function);
bool has_functions(void);
/* Something of a function, its versions or its aliases, at random. */
void change_something(void);

/* What a caller may write. */
void draw_name(char name[NAME_ROOM], int function);
int most_retries_of(const struct request *request);

/* What the play is told (play.c): a configuration, by its number, that is new. */
void open_lines(int described);

#endif
