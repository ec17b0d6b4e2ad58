/* SPDX-License-Identifier: MIT */
#ifndef FA_WORKER_LANDLOCK_H
#define FA_WORKER_LANDLOCK_H

/* What the kernel knows; 0: no Landlock, errno says why. */
int fa_landlock_abi(void);

/*
 * A ruleset that forbids everything but what is allowed later, and signals and
 * abstract sockets out of the sandbox where the kernel can (ABI 6). -errno on failure.
 */
int fa_landlock_create(int abi);

enum fa_landlock_access {
	FA_READ = 1,    /* files and directories */
	FA_EXECUTE = 2,
	FA_WRITE = 4,   /* everything inside a directory */
	FA_DEVICE = 8,  /* a device node: read and write */
};

/* Allow `access` below a path. 0 (also if the path is not there) or -errno. */
int fa_landlock_allow(int ruleset, int abi, const char *path, unsigned access);

int fa_landlock_enter(int ruleset); /* 0 or -errno */

#endif
