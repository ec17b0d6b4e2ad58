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

#define TEST(name) static void name(void **state __attribute__((unused)))

#endif
