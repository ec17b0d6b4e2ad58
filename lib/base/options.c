/* SPDX-License-Identifier: MIT */
/*
 * Options structs grow at the end. An older caller's is shorter than ours, a
 * newer caller's longer: both work as long as nobody asks for what we lack.
 */
#include <base/options.h>

#include <base/error.h>
#include <string.h>

/* No struct will ever be larger; a size that is, was never set. */
#define SANE_SIZE 4096u

static int bad_size(const char *macro, size_t size, struct faas_error *err)
{
	return fa_error(err, FAAS_EINVAL,
			"the options struct says its size is %zu; fill it in with %s()", size,
			macro);
}

int fa_options_adapt(void *ours, size_t our_size, const void *theirs, const char *macro,
		     struct faas_error *err)
{
	const unsigned char *bytes = theirs;
	size_t size;

	if (!theirs)
		return fa_error(err, FAAS_EINVAL, "there are no options (NULL); pass %s()", macro);
	memcpy(&size, theirs, sizeof(size));
	if (size < sizeof(size) || size > SANE_SIZE)
		return bad_size(macro, size, err);
	for (size_t i = our_size; i < size; i++)
		if (bytes[i])
			return fa_error(err, FAAS_EINVAL,
					"%s() sets a member at byte %zu, but this libfaas knows "
					"only the first %zu bytes; leave later ones zero",
					macro, i, our_size);
	memset(ours, 0, our_size);
	memcpy(ours, theirs, size < our_size ? size : our_size);
	memcpy(ours, &our_size, sizeof(our_size));
	return FAAS_OK;
}

const void *fa_options_read(void *room, size_t our_size, const void *theirs, const char *macro,
			    struct faas_error *err)
{
	size_t size = 0;

	if (theirs)
		memcpy(&size, theirs, sizeof(size));
	if (size == our_size)
		return theirs;
	return fa_options_copy(room, our_size, theirs, macro, err) < 0 ? NULL : room;
}
