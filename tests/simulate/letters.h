/* SPDX-License-Identifier: MIT */
#ifndef SIMULATE_LETTERS_H
#define SIMULATE_LETTERS_H

#include "world.h"

#define DEAD "queue:dead"
#define DONE "queue:done"

void letters_begin(void);
/* What lies in the queues is taken and judged. `all`: and nothing left behind. */
void letters_read(bool all);
/* Some were taken, and come back. */
bool letters_are_hidden(void);
/* All events have ended: each of them once. */
void letters_check(void);

#endif
