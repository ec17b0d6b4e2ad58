/* SPDX-License-Identifier: MIT */
/*
 * faas-unpack: reads a ZIP that nobody vouches for. faas-worker starts it with the ZIP as
 * standard input and the pipe to the host as standard output, as
 * `faas-unpack <all|judge> <user id, or 0>`.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <faas/types.h>
#include <worker/unpack/unpack.h>

/* It was written by the host, and by nobody since. */
static const void *map_zip(size_t *len)
{
	struct stat st;
	void *zip;

	if (fstat(STDIN_FILENO, &st) < 0 || !S_ISREG(st.st_mode) || !st.st_size)
		return NULL;
	zip = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, STDIN_FILENO, 0);
	*len = (size_t)st.st_size;
	return zip == MAP_FAILED ? NULL : zip;
}

int main(int argc, char **argv)
{
	const void *zip;
	size_t len;

	if (argc != 3) {
		fprintf(stderr, "faas-unpack is started by faas-worker\n");
		return 2;
	}
	zip = map_zip(&len);
	if (!zip || fa_unpack_confine((uint32_t)strtoul(argv[2], NULL, 10)) < 0) {
		fa_unpack_refuse(STDOUT_FILENO, FAAS_ESYSTEM,
				 zip ? "cannot confine the process that unpacks the code" :
				       "cannot map the code");
		return 1;
	}
	_exit(fa_unpack(STDOUT_FILENO, zip, len, !strcmp(argv[1], "judge")) ? 0 : 1);
}
