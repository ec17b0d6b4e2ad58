/* SPDX-License-Identifier: MIT */
#ifndef TEST_STANDSTILL_H
#define TEST_STANDSTILL_H

struct faas;

/* The loop of this one does nothing until loop_go_on(): what is asked of it waits. One only. */
void loop_stand_still(struct faas *rt);
void loop_go_on(void);

#endif
