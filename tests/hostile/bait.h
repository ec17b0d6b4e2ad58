/* SPDX-License-Identifier: MIT */
#ifndef HOSTILE_BAIT_H
#define HOSTILE_BAIT_H

#include <support/invariants.h>

/*
 * What an attacker would go for: files that are wide open, a socket, shared
 * memory, a piece of this program's memory. And the check that nobody did.
 */
void bait_place(const char *plugins, const char *worker);
void bait_remove(void);
void bait_check(struct report *report);

/* All of it as an event: {"host":pid,"victim":address,"path":...}. */
const char *bait_event(void);

#endif
