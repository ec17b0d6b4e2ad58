/* SPDX-License-Identifier: MIT */
#ifndef TEST_SUPPORT_READERS_H
#define TEST_SUPPORT_READERS_H

#include <model/package/reader.h>

/* Readers of ZIPs for a store without a runtime: children of the test. */
void readers_init(struct fa_readers *readers);

#endif
