/* SPDX-License-Identifier: MIT */
/*
 * Landlock's headers are often older than the kernel: the constants of later
 * ABIs are defined here, and what the running kernel does not know is not asked for.
 *
 * A rule on a mount point does not cover what is mounted there; the rule must
 * be on a directory above it or on a directory of the mounted file system.
 */
#include <worker/landlock.h>

#include <errno.h>
#include <fcntl.h>
#include <linux/landlock.h>
#include <stdint.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#define FS_EXECUTE (1ull << 0)
#define FS_WRITE_FILE (1ull << 1)
#define FS_READ_FILE (1ull << 2)
#define FS_READ_DIR (1ull << 3)
#define FS_ALL_1 ((1ull << 13) - 1)
#define FS_REFER (1ull << 13)     /* ABI 2 */
#define FS_TRUNCATE (1ull << 14)  /* ABI 3 */
#define FS_IOCTL_DEV (1ull << 15) /* ABI 5 */
#define SCOPE_ABSTRACT_SOCKETS (1ull << 0) /* ABI 6 */
#define SCOPE_SIGNALS (1ull << 1)

struct ruleset {
	uint64_t fs, net, scoped;
};

int fa_landlock_abi(void)
{
	long abi = syscall(SYS_landlock_create_ruleset, NULL, 0, LANDLOCK_CREATE_RULESET_VERSION);

	return abi < 0 ? 0 : (int)abi;
}

static uint64_t known(int abi)
{
	uint64_t fs = FS_ALL_1;

	if (abi >= 2)
		fs |= FS_REFER;
	if (abi >= 3)
		fs |= FS_TRUNCATE;
	if (abi >= 5)
		fs |= FS_IOCTL_DEV;
	return fs;
}

int fa_landlock_create(int abi)
{
	struct ruleset ruleset = { .fs = known(abi) };
	size_t size = sizeof(ruleset.fs);
	long fd;

	if (abi >= 6) {
		ruleset.scoped = SCOPE_ABSTRACT_SOCKETS | SCOPE_SIGNALS;
		size = sizeof(ruleset);
	}
	fd = syscall(SYS_landlock_create_ruleset, &ruleset, size, 0);
	return fd < 0 ? -errno : (int)fd;
}

static uint64_t rights(unsigned access)
{
	uint64_t fs = 0;

	if (access & FA_READ)
		fs |= FS_READ_FILE | FS_READ_DIR;
	if (access & FA_EXECUTE)
		fs |= FS_EXECUTE;
	if (access & FA_DEVICE)
		fs |= FS_READ_FILE | FS_WRITE_FILE | FS_TRUNCATE;
	if (access & FA_WRITE)
		fs |= (FS_ALL_1 & ~FS_EXECUTE) | FS_REFER | FS_TRUNCATE;
	return fs;
}

int fa_landlock_allow(int ruleset, int abi, const char *path, unsigned access)
{
	struct landlock_path_beneath_attr rule = {
		.allowed_access = rights(access) & known(abi),
		.parent_fd = open(path, O_PATH | O_CLOEXEC),
	};
	struct stat st;
	int rc = 0;

	if (rule.parent_fd < 0)
		return errno == ENOENT || errno == EACCES ? 0 : -errno;
	if (!fstat(rule.parent_fd, &st) && !S_ISDIR(st.st_mode))
		rule.allowed_access &= FS_EXECUTE | FS_READ_FILE | FS_WRITE_FILE |
				       (known(abi) & FS_TRUNCATE);
	if (syscall(SYS_landlock_add_rule, ruleset, LANDLOCK_RULE_PATH_BENEATH, &rule, 0) < 0)
		rc = -errno;
	close(rule.parent_fd);
	return rc;
}

int fa_landlock_enter(int ruleset)
{
	return syscall(SYS_landlock_restrict_self, ruleset, 0) < 0 ? -errno : 0;
}
