/* SPDX-License-Identifier: MIT */
#ifndef FA_TESTING_H
#define FA_TESTING_H

#include <faas/faas.h>
#include <model/checks.h>

/*
 * Leave out these enum faas_layer of nests opened from now on, and these host
 * checks at once. (0, 0): everything is back.
 */
void fa_testing_weaken(struct faas *rt, unsigned layers, unsigned host_checks);

#endif
