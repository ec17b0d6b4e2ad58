/* SPDX-License-Identifier: MIT */
#ifndef FA_MODEL_POLICY_VALUE_H
#define FA_MODEL_POLICY_VALUE_H

#include <stdbool.h>
#include <stdint.h>

/* Values of conditions as texts. False: it is none, and `out` is untouched. */

bool fa_value_number(const char *text, double *out);
/* "true" and "false", without case. */
bool fa_value_boolean(const char *text, bool *out);
/*
 * Unix time in milliseconds: of a day or time in the profile of ISO 8601 that the W3C wrote
 * (2026, 2026-11, 2026-11-27, 2026-11-27T08:05Z, ...:30.5+01:00), or seconds since 1970 of
 * five digits or more.
 */
bool fa_value_date(const char *text, int64_t *out);

struct fa_network {
	int family; /* AF_INET, AF_INET6 */
	unsigned char address[16];
	int bits; /* of the address that count */
};

/* "10.0.0.1", "10.0.0.0/8", "2001:db8::/32". */
bool fa_value_network(const char *text, struct fa_network *out);
/* Whether all of `inner` lies in `outer`. */
bool fa_network_holds(const struct fa_network *outer, const struct fa_network *inner);

#endif
