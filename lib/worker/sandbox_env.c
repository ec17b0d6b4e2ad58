/* SPDX-License-Identifier: MIT */
/*
 * The environment's part of the sandbox, and the limits it will set: computed
 * by the nest when it learns the function, set by each environment before any
 * byte of the function is touched.
 */
#include <worker/sandbox.h>

#include <errno.h>
#include <linux/capability.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <worker/landlock.h>
#include <worker/seccomp.h>
#include <worker/view.h>

#define POOL_TARGET 4
#define DATA_SPARE_MB 4    /* the worker itself, its libraries, one thread stack less */
#define SPACE_SPARE_MB 512 /* where only the address space can be bounded */
#define STACK_MB 8
#define NPROC_DEFAULT 256
#define SLOTS 60000 /* of the 65536 user ids, from the 1000th on */

/*
 * Watches of epoll are counted per user, open files squared: with the host's
 * own user a function could use up what the host needs. With one of its own it
 * gets as many files as Lambda gives.
 */
#define FILES_OWN_USER 1024
#define FILES_SHARED_USER 64

static void limit(struct fa_sandbox *box, int resource, uint64_t value)
{
	struct rlimit now;

	if (getrlimit(resource, &now) < 0)
		return;
	if (now.rlim_max != RLIM_INFINITY && now.rlim_max < value)
		value = now.rlim_max;
	box->limits[box->limit_count].resource = resource;
	box->limits[box->limit_count].limit.rlim_cur = value;
	box->limits[box->limit_count++].limit.rlim_max = value;
}

static void compute_limits(struct fa_sandbox *box, const struct fa_nest_setup *setup)
{
	bool own_user = fa_layers_have(&box->layers, FAAS_LAYER_OWN_UID);

	box->limit_count = 0;
	limit(box, RLIMIT_NPROC, RLIM_INFINITY); /* the first: see set_limits() */
	limit(box, RLIMIT_NOFILE, own_user ? FILES_OWN_USER : FILES_SHARED_USER);
	limit(box, RLIMIT_CORE, 0);
	limit(box, RLIMIT_FSIZE, (uint64_t)setup->tmp_mb << 20);
	limit(box, RLIMIT_MEMLOCK, 65536);
	limit(box, RLIMIT_SIGPENDING, 64);
	limit(box, RLIMIT_MSGQUEUE, 0);
	limit(box, RLIMIT_NICE, 0);
	limit(box, RLIMIT_RTPRIO, 0);
	if (setup->flags & FA_NEST_ASAN)
		return;
	limit(box, RLIMIT_STACK, STACK_MB << 20);
	limit(box, RLIMIT_DATA, ((uint64_t)setup->memory_mb + DATA_SPARE_MB) << 20);
	/* Shared mappings are not data; without a group that counts them, bound them so. */
	if (!fa_layers_have(&box->layers, FAAS_LAYER_CGROUP_MEMORY))
		limit(box, RLIMIT_AS, (2 * (uint64_t)setup->memory_mb + SPACE_SPARE_MB) << 20);
}

const char *fa_sandbox_adopt(struct fa_sandbox *box, const struct fa_nest_setup *setup, int code)
{
	bool view = fa_layers_have(&box->layers, FAAS_LAYER_MOUNT_NS);
	int rc = 0;

	box->flags = setup->flags;
	box->tmp_mb = setup->tmp_mb;
	box->task = view ? FA_VIEW_TASK : setup->strings;
	box->pool_target = view ? POOL_TARGET : 0;
	if (view)
		rc = fa_view_enter_code(code);
	else if (fa_layers_have(&box->layers, FAAS_LAYER_LANDLOCK))
		rc = fa_landlock_allow(FA_FD_RULESET, box->landlock_abi, box->task,
				       FA_READ | FA_EXECUTE);
	if (code >= 0)
		close(code);
	compute_limits(box, setup);
	errno = -rc;
	return rc < 0 ? "code directory" : NULL;
}

/* ---- in the environment ------------------------------------------------ */

static bool set_limits(const struct fa_sandbox *box, uint32_t nproc)
{
	struct rlimit processes = box->limits[0].limit;

	if (!nproc)
		nproc = NPROC_DEFAULT;
	if (nproc < processes.rlim_max)
		processes.rlim_cur = processes.rlim_max = nproc;
	if (setrlimit(RLIMIT_NPROC, &processes) < 0)
		return false;
	for (int i = 1; i < box->limit_count; i++)
		if (setrlimit((__rlimit_resource_t)box->limits[i].resource, &box->limits[i].limit) < 0)
			return false;
	return true;
}

/* The system calls themselves: libc's wrappers look for threads to take along. */
static bool change_user(uint32_t id)
{
	return syscall(SYS_setresgid, id, id, id) == 0 && syscall(SYS_setresuid, id, id, id) == 0;
}

static bool drop_capabilities(void)
{
	struct __user_cap_header_struct head = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct none[2] = { 0 };

	return syscall(SYS_capset, &head, none) == 0;
}

static bool enter_namespace(const struct fa_sandbox *box, int mounts)
{
	return (mounts < 0 || setns(mounts, CLONE_NEWNS) == 0) && chdir(box->task) == 0;
}

const char *fa_sandbox_enter(const struct fa_sandbox *box, const struct fa_spawn *spawn,
			     int mounts)
{
	const struct fa_layers *layers = &box->layers;
	uint32_t slot = fa_layers_have(layers, FAAS_LAYER_OWN_UID) ? spawn->slot : 0;
	int rc;

	if (!enter_namespace(box, mounts))
		return "code directory";
	if (fa_layers_have(layers, FAAS_LAYER_RLIMITS) && !set_limits(box, spawn->nproc))
		return "resource limits";
	errno = EINVAL;
	if (box->uid && (slot >= SLOTS || !change_user(box->uid + slot)))
		return "user id";
	/* A namespace of pids dies with the nest by itself. */
	if (!fa_layers_have(layers, FAAS_LAYER_PID_NS))
		prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
	prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
	if (fa_layers_have(layers, FAAS_LAYER_CAPABILITIES) && !drop_capabilities())
		return "capabilities";
	if (fa_layers_have(layers, FAAS_LAYER_LANDLOCK) &&
	    (rc = fa_landlock_enter(FA_FD_RULESET)) < 0) {
		errno = -rc;
		return "Landlock";
	}
	if (fa_layers_have(layers, FAAS_LAYER_SECCOMP) &&
	    !fa_layers_have(layers, FAAS_LAYER_PID_NS) &&
	    (rc = fa_seccomp_install(FA_FILTER_NO_FORK)) < 0) {
		errno = -rc;
		return "filter of system calls";
	}
	return NULL;
}
