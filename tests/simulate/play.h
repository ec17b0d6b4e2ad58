/* SPDX-License-Identifier: MIT */
#ifndef SIMULATE_PLAY_H
#define SIMULATE_PLAY_H

#include <stdint.h>

#include "world.h"

/* Play one seed from the beginning to the end. Returns a digest of all that happened. */
uint64_t play(uint64_t seed, enum plant plant);

#endif
