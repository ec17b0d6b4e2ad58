/* SPDX-License-Identifier: MIT */
/* A state_dir that is empty when a play begins and gone when it ends; nothing is really synced. */
#include "disk.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "support/fault_vfs.h"
#include "world.h"

static char path[64];

const char *disk_begin(void)
{
	static const struct fault_plan none;

	fault_vfs_install(&none);
	strcpy(path, "/dev/shm/simulate-XXXXXX");
	if (!mkdtemp(path))
		broken("no folder in /dev/shm");
	return path;
}

void disk_end(void)
{
	DIR *dir = *path ? opendir(path) : NULL;
	struct dirent *entry;
	char file[384];

	while (dir && (entry = readdir(dir))) {
		snprintf(file, sizeof(file), "%s/%s", path, entry->d_name);
		unlink(file); /* or rmdir(), of the empty folder of packages */
		rmdir(file);
	}
	if (dir)
		closedir(dir);
	if (*path && rmdir(path))
		fprintf(stderr, "%s stays: it is not empty\n", path);
	*path = '\0';
}
