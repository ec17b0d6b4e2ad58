/* SPDX-License-Identifier: MIT */
#ifndef SIMULATE_CHECK_H
#define SIMULATE_CHECK_H

/* What must be so whenever nobody has anything to do: else broken(). */
void check_books(void);
/* A call of this function was told that there is no place: no seat keeps one that nobody uses. */
void check_throttled(int function);
/* That were accepted and have not ended. */
int open_events(void);

#endif
