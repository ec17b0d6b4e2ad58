/* SPDX-License-Identifier: MIT */
#ifndef FA_SOURCE_PATTERN_H
#define FA_SOURCE_PATTERN_H

#include <base/document.h>
#include <base/json.h>
#include <base/mem.h>

/*
 * Event patterns as EventBridge and the filters of mappings have them: an object whose leaves
 * are arrays of what is accepted. What is not mentioned does not matter; all that is
 * mentioned must match, in one element where an event has arrays.
 *
 *   "a"  1  null  true            the same
 *   {"prefix": s} {"suffix": s}   s may be {"equals-ignore-case": s}
 *   {"equals-ignore-case": s}
 *   {"wildcard": "a*b"}           \* and \\ are a star and a backslash
 *   {"anything-but": v}           v, [v, ...], or prefix, suffix, equals-ignore-case or
 *                                 wildcard with one or several texts
 *   {"numeric": ["<", 1, ...]}    < <= = > >=, one or two of them
 *   {"cidr": "10.0.0.0/24"}       IPv4 and IPv6
 *   {"exists": true}              of leaves only
 *   "$or": [{...}, {...}]         beside fields, two or more
 */
struct fa_pattern;

/* NULL with FAAS_EINVAL and what is wrong, or FAAS_ENOMEM. Nothing of `text` is kept. */
struct fa_pattern *fa_pattern_create(const struct fa_mem *mem, const char *text,
				     struct faas_error *err);
void fa_pattern_destroy(struct fa_pattern *pattern);
/* One thread at a time for one pattern: it notes in itself how far it is. */
bool fa_pattern_matches(const struct fa_pattern *pattern, struct fa_json event);
/*
 * The same; where the pattern looks into the member `key` of the event, that is `data`
 * (which may be nothing) and not what is written there.
 */
bool fa_pattern_matches_data(const struct fa_pattern *pattern, struct fa_json event,
			     const char *key, struct fa_json data);

#endif
