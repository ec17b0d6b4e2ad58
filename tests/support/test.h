/* SPDX-License-Identifier: MIT */
#ifndef TEST_H
#define TEST_H

/* What cmocka wants included before itself, and short names for its tables. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

/*
 * How many times as much the other builds repeat: faults at each operation, plays, crowds. What
 * ThreadSanitizer looks for is in the ways of a program, and each way is gone many times.
 */
#ifdef __SANITIZE_THREAD__
#define TEST_FEWER 5
#else
#define TEST_FEWER 1
#endif

#define TEST(name) static void name(void **state __attribute__((unused)))

#endif
