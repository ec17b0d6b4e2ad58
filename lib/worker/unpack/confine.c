/* SPDX-License-Identifier: MIT */
/*
 * Each step alone would do for most of it; the filter, which knows what a decompressor
 * needs and refuses all else, for everything. The id is changed before the signal of the
 * parent's death is asked for, which that clears.
 */
#include <worker/unpack/unpack.h>

#include <errno.h>
#include <grp.h>
#include <linux/capability.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <worker/landlock.h>
#include <worker/seccomp.h>

#define MEMORY (1ul << 30) /* a ZIP of the largest size, its directory twice, and the libraries */

/* Sanitizers have memory of their own, more than any limit. */
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define MEMORY_LIMIT RLIM_INFINITY
#else
#define MEMORY_LIMIT MEMORY
#endif

static int limit(int resource, rlim_t most)
{
	struct rlimit limit = { most, most };

	return setrlimit(resource, &limit) < 0 ? -errno : 0;
}

static int drop_capabilities(void)
{
	struct __user_cap_header_struct head = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct none[2] = { 0 };

	return syscall(SYS_capset, &head, none) < 0 ? -errno : 0;
}

static int become(uint32_t uid)
{
	if (!uid)
		return 0;
	if (setgroups(0, NULL) < 0 || setresgid(uid, uid, uid) < 0 || setresuid(uid, uid, uid) < 0)
		return -errno;
	return 0;
}

/* A ruleset that allows nothing. */
static int forget_files(void)
{
	int abi = fa_landlock_abi(), ruleset, rc;

	if (!abi)
		return 0;
	ruleset = fa_landlock_create(abi);
	if (ruleset < 0)
		return ruleset;
	rc = fa_landlock_enter(ruleset);
	close(ruleset);
	return rc;
}

int fa_unpack_confine(uint32_t uid, unsigned cpu_s)
{
	pid_t parent = getppid();
	int rc = become(uid);

	if (!rc)
		rc = drop_capabilities();
	if (!rc && (prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) < 0 ||
		    prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) < 0 ||
		    prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0))
		rc = -errno;
	if (!rc && getppid() != parent) /* it died meanwhile */
		rc = -ESRCH;
	if (!rc)
		rc = forget_files();
	if (!rc)
		rc = limit(RLIMIT_CORE, 0);
	if (!rc)
		rc = limit(RLIMIT_NOFILE, 0);
	if (!rc)
		rc = limit(RLIMIT_FSIZE, 0);
	if (!rc)
		rc = limit(RLIMIT_CPU, cpu_s);
	if (!rc)
		rc = limit(RLIMIT_AS, MEMORY_LIMIT);
	if (!rc && fa_seccomp_available() == 0)
		rc = fa_seccomp_install(FA_FILTER_COMPUTE);
	return rc;
}
