/* SPDX-License-Identifier: MIT */
/*
 * faas-unpack: reads a ZIP, or a layer of an image, that nobody vouches for. faas-worker
 * starts it with that as standard input and the pipe to the host as standard output, as
 * `faas-unpack <all|judge|tar> <user id, or 0>`.
 */
#include <locale.h>
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

static void confine(const char *uid, unsigned cpu_s)
{
	if (fa_unpack_confine((uint32_t)strtoul(uid, NULL, 10), cpu_s) == 0)
		return;
	fa_unpack_refuse(STDOUT_FILENO, FAAS_ESYSTEM,
			 "cannot confine the process that unpacks the code");
	_exit(1);
}

int main(int argc, char **argv)
{
	const void *zip;
	size_t len;

	if (argc != 3) {
		fprintf(stderr, "faas-unpack is started by faas-worker\n");
		return 2;
	}
	if (!strcmp(argv[1], "tar")) {
		setlocale(LC_CTYPE, "C.UTF-8"); /* or libarchive loses names beyond ASCII */
		confine(argv[2], FA_UNPACK_TAR_S);
		_exit(fa_unpack_tar(STDOUT_FILENO, STDIN_FILENO) ? 0 : 1);
	}
	zip = map_zip(&len);
	if (!zip) {
		fa_unpack_refuse(STDOUT_FILENO, FAAS_ESYSTEM, "cannot map the code");
		return 1;
	}
	confine(argv[2], FA_UNPACK_ZIP_S);
	_exit(fa_unpack(STDOUT_FILENO, zip, len, !strcmp(argv[1], "judge")) ? 0 : 1);
}
