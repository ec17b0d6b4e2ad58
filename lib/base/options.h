/* SPDX-License-Identifier: MIT */
#ifndef FA_BASE_OPTIONS_H
#define FA_BASE_OPTIONS_H

#include <stddef.h>
#include <string.h>
#include <faas/types.h>

/*
 * Copy the caller's options struct, whose first member is its size_t size, into
 * ours: a missing tail is zero, an unknown tail must be zero. `macro` names the
 * macro that fills in the size, for the message. FAAS_EINVAL otherwise.
 */
int fa_options_adapt(void *ours, size_t our_size, const void *theirs, const char *macro,
		     struct faas_error *err);

/* Mostly both were compiled with the same header, and that takes a few moves. */
static inline int fa_options_copy(void *ours, size_t our_size, const void *theirs,
				  const char *macro, struct faas_error *err)
{
	size_t size = 0;

	if (theirs)
		memcpy(&size, theirs, sizeof(size));
	if (size != our_size)
		return fa_options_adapt(ours, our_size, theirs, macro, err);
	memcpy(ours, theirs, our_size);
	return FAAS_OK;
}

/*
 * The same without a copy where none is needed: `theirs` if it is of our size, else
 * `room`, filled in. NULL: refused, with FAAS_EINVAL.
 */
const void *fa_options_read(void *room, size_t our_size, const void *theirs, const char *macro,
			    struct faas_error *err);

#endif
