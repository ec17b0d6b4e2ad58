/* SPDX-License-Identifier: MIT */
/*
 * The environment's part of the sandbox, and what the nest still does for it when
 * it learns the function. Whatever the nest can set for all is inherited and
 * costs the environment nothing; that it cannot be dumped is of this kind, too.
 */
#include <worker/sandbox.h>

#include <errno.h>
#include <linux/capability.h>
#include <net/if.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <worker/landlock.h>
#include <worker/seccomp.h>
#include <worker/view.h>

#define POOL_TARGET 4
#define DATA_SPARE_MB 4    /* the worker itself, its libraries, one thread stack less */
/*
 * Languages ask for more than they use: stacks of threads, heaps to grow into. What a program
 * uses is counted by the host (env/census.c), and its address space is not bounded at all.
 */
#define PROGRAM_SPARE_MB 1024
#define PROGRAM_THREADS 1024 /* as Lambda; if they take the CPU only from each other */
#define SPACE_SPARE_MB 512l/* where only the address space can be bounded */
#define STACK_MB 8l
#define NPROC_DEFAULT 256
#define SLOTS 60000 /* of the 65536 user ids, from the 1000th on */

/*
 * Watches of epoll are counted per user, open files squared: with the host's
 * own user a function could use up what the host needs. With one of its own it
 * gets as many files as Lambda gives.
 */
#define FILES_OWN_USER 1024
#define FILES_SHARED_USER 64

static struct rlimit bounded(int resource, rlim_t value)
{
	struct rlimit now;

	if (getrlimit((__rlimit_resource_t)resource, &now) == 0 && now.rlim_max < value)
		value = now.rlim_max;
	return (struct rlimit){ .rlim_cur = value, .rlim_max = value };
}

static int limit(int resource, rlim_t value)
{
	struct rlimit limit = bounded(resource, value);

	return setrlimit((__rlimit_resource_t)resource, &limit);
}

/* Those that do not hinder the nest are set here and inherited; two are kept for later. */
static int set_limits(struct fa_sandbox *box, const struct fa_nest_setup *setup)
{
	bool own_user = fa_layers_have(&box->layers, FAAS_LAYER_OWN_UID);
	bool program = setup->flags & (FA_NEST_PROGRAM | FA_NEST_EMBEDDED);
	rlim_t spare_mb = program ? PROGRAM_SPARE_MB : DATA_SPARE_MB;
	rlim_t memory = (rlim_t)setup->memory_mb << 20;
	int rc;

	box->processes = bounded(RLIMIT_NPROC, RLIM_INFINITY);
	box->files = bounded(RLIMIT_NOFILE, own_user ? FILES_OWN_USER : FILES_SHARED_USER);
	rc = limit(RLIMIT_CORE, 0) | limit(RLIMIT_MEMLOCK, 65536) | limit(RLIMIT_SIGPENDING, 64) |
	     limit(RLIMIT_MSGQUEUE, 0) | limit(RLIMIT_NICE, 0) | limit(RLIMIT_RTPRIO, 0) |
	     limit(RLIMIT_FSIZE, *setup->mount_path ? RLIM_INFINITY : (rlim_t)setup->tmp_mb << 20);
	if (rc || setup->flags & FA_NEST_ASAN)
		return rc;
	rc = limit(RLIMIT_STACK, STACK_MB << 20) | limit(RLIMIT_DATA, memory + (spare_mb << 20));
	/* Shared mappings are not data; without a group that counts them, bound them so. */
	if (!fa_layers_have(&box->layers, FAAS_LAYER_CGROUP_MEMORY) && !program)
		rc |= limit(RLIMIT_AS, 2 * memory + (SPACE_SPARE_MB << 20));
	return rc;
}

/* What is mounted after the ruleset was made is under no rule of it yet. */
static int enter_directory(const struct fa_sandbox *box, const char *path, int tree)
{
	int rc = 0;

	if (fa_layers_have(&box->layers, FAAS_LAYER_MOUNT_NS))
		rc = fa_view_enter_tree(tree, path);
	if (!rc && fa_layers_have(&box->layers, FAAS_LAYER_LANDLOCK))
		rc = fa_landlock_allow(FA_FD_RULESET, box->landlock_abi, path,
				       FA_READ | FA_EXECUTE);
	return rc;
}

/* What it is in, has no rule yet, either. */
static int allow_tmp(const struct fa_sandbox *box)
{
	if (!fa_layers_have(&box->layers, FAAS_LAYER_LANDLOCK))
		return 0;
	return fa_landlock_allow(FA_FD_RULESET, box->landlock_abi, FA_VIEW_TMP_PARENT,
				 FA_READ | FA_EXECUTE | FA_WRITE);
}

/* Whatever the filter was lost for: here nobody would hear of it. */
static int enter_image(struct fa_sandbox *box, int tree)
{
	bool filter = fa_layers_have(&box->layers, FAAS_LAYER_SECCOMP);
	bool names = box->flags & FA_NEST_NETWORK;
	int rc = fa_layers_have(&box->layers, FAAS_LAYER_MOUNT_NS) ?
			 fa_view_enter_image(tree, names) :
			 -EOPNOTSUPP;

	if (!rc && fa_layers_have(&box->layers, FAAS_LAYER_LANDLOCK))
		rc = fa_landlock_allow(FA_FD_RULESET, box->landlock_abi, "/",
				       FA_READ | FA_EXECUTE);
	if (!rc)
		rc = allow_tmp(box);
	if (rc)
		return rc;
	fa_sandbox_filter(box);
	return filter && !fa_layers_have(&box->layers, FAAS_LAYER_SECCOMP) ? -EPERM : 0;
}

/* Its mount is under a directory that has no rule yet, either. */
static int enter_files(const struct fa_sandbox *box, const char *path, int tree)
{
	int rc = fa_view_enter_files(tree, path);

	if (!rc)
		rc = allow_tmp(box);
	if (!rc && box->group) {
		umask(002);
		rc = syscall(SYS_setgroups, 1, &box->group) < 0 ? -errno : 0;
	}
	return rc;
}

static const char *enter_directories(struct fa_sandbox *box, const struct fa_nest_setup *setup,
				     const int *trees, int tree_count)
{
	static const char *const names[FA_DIRECTORIES] = { "code directory", "directory of layers",
							   "directory of the runtime",
							   "file system" };
	bool view = fa_layers_have(&box->layers, FAAS_LAYER_MOUNT_NS);
	bool image = setup->flags & FA_NEST_IMAGE;
	const char *at = setup->strings;
	int used = 0;

	for (int i = 0; i < FA_DIRECTORIES; i++, at += strlen(at) + 1) {
		int rc = 0, tree = *at && used < tree_count ? trees[used++] : -1;

		box->directories[i] = *at && view ? fa_view_directories[i] : at;
		if (!box->directories[i])
			box->directories[i] = setup->mount_path;
		if (image && !i)
			rc = enter_image(box, tree);
		else if (*at && fa_view_directories[i])
			rc = enter_directory(box, box->directories[i], tree);
		else if (*at)
			rc = enter_files(box, setup->mount_path, tree);
		if (tree >= 0)
			close(tree);
		if (rc < 0) {
			errno = -rc;
			return names[i];
		}
	}
	box->home = image ? "/" : box->directories[0];
	if (image) /* extensions are there, too */
		box->directories[1] = fa_view_directories[1];
	return NULL;
}

/* Where its names come from; and the way to networks for its environments. */
static const char *enter_vpc(struct fa_sandbox *box, const struct fa_nest_setup *setup,
			     struct fa_vpc_fds vpc)
{
	int rc = -EOPNOTSUPP;

	if (!(setup->flags & FA_NEST_VPC))
		return NULL;
	if (fa_layers_have(&box->layers, FAAS_LAYER_MOUNT_NS))
		rc = fa_networks_open(&box->networks, vpc.keeper, FA_FD_NAMESPACES);
	errno = -rc;
	if (rc < 0)
		return "network namespace";
	rc = fa_view_enter_resolvers(vpc.resolvers);
	close(vpc.resolvers);
	errno = -rc;
	return rc < 0 ? "/etc/resolv.conf" : NULL;
}

const char *fa_sandbox_adopt(struct fa_sandbox *box, const struct fa_nest_setup *setup,
			     const int *trees, int tree_count, struct fa_vpc_fds vpc)
{
	bool view = fa_layers_have(&box->layers, FAAS_LAYER_MOUNT_NS);
	const char *failed;
	int rc;

	box->flags = setup->flags;
	box->tmp_mb = setup->tmp_mb;
	box->pool_target = view ? POOL_TARGET : 0;
	failed = enter_directories(box, setup, trees, tree_count);
	if (failed)
		return failed;
	if (view && fa_sandbox_own_network(box) && (rc = fa_view_enter_hosts()) < 0) {
		errno = -rc;
		return "/etc/hosts";
	}
	failed = enter_vpc(box, setup, vpc);
	if (failed)
		return failed;
	if (fa_layers_have(&box->layers, FAAS_LAYER_RLIMITS) && set_limits(box, setup) < 0)
		return "resource limits";
	return NULL;
}

/* ---- in the environment ------------------------------------------------ */

static bool set_own_limits(const struct fa_sandbox *box, uint32_t nproc)
{
	struct rlimit processes = box->processes;

	if (!nproc)
		nproc = NPROC_DEFAULT;
	if (box->flags & FA_NEST_PROGRAM &&
	    fa_layers_have(&box->layers, FAAS_LAYER_OWN_UID | FAAS_LAYER_CGROUP_CPU))
		nproc = PROGRAM_THREADS;
	if (nproc < processes.rlim_max)
		processes.rlim_cur = processes.rlim_max = nproc;
	return setrlimit(RLIMIT_NPROC, &processes) == 0 &&
	       setrlimit(RLIMIT_NOFILE, &box->files) == 0;
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

unsigned long fa_sandbox_namespaces(const struct fa_sandbox *box)
{
	unsigned long flags = fa_layers_have(&box->layers, FAAS_LAYER_PID_NS) ? CLONE_NEWPID : 0;

	/* nobody but its own processes shall reach its Runtime API */
	if (box->flags & FA_NEST_PROGRAM && fa_layers_have(&box->layers, FAAS_LAYER_NO_NETWORK))
		flags |= CLONE_NEWNET;
	return flags;
}

bool fa_sandbox_own_network(const struct fa_sandbox *box)
{
	return box->flags & FA_NEST_VPC || fa_sandbox_namespaces(box) & CLONE_NEWNET;
}

static int switch_loopback_on(void)
{
	struct ifreq request = { .ifr_name = "lo", .ifr_flags = IFF_UP | IFF_RUNNING };
	int sock = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	int rc = sock < 0 ? -1 : ioctl(sock, SIOCSIFFLAGS, &request);

	if (sock >= 0)
		close(sock);
	return rc;
}

static bool enter_namespace(const struct fa_sandbox *box, int mounts)
{
	return (mounts < 0 || setns(mounts, CLONE_NEWNS) == 0) && chdir(box->home) == 0;
}

/* Another user than the nest's has no capabilities: the kernel sees to that. */
static const char *change_identity(const struct fa_sandbox *box, const struct fa_spawn *spawn)
{
	uint32_t slot = fa_layers_have(&box->layers, FAAS_LAYER_OWN_UID) ? spawn->slot : 0;

	if (slot >= SLOTS) {
		errno = EINVAL;
		return "slot";
	}
	if (box->uid && !change_user(box->uid + slot))
		return "user id";
	if (!box->uid && fa_layers_have(&box->layers, FAAS_LAYER_CAPABILITIES) &&
	    !drop_capabilities())
		return "capabilities";
	return NULL;
}

/* A namespace of pids dies with the nest by itself; nests without one leave orphans. */
static void die_with_nest(const struct fa_sandbox *box)
{
	if (fa_layers_have(&box->layers, FAAS_LAYER_PID_NS))
		return;
	prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
	if (getppid() != box->nest)
		_exit(1);
}

static int restrict_calls(const struct fa_sandbox *box)
{
	int rc = 0;

	if (fa_layers_have(&box->layers, FAAS_LAYER_LANDLOCK))
		rc = fa_landlock_enter(FA_FD_RULESET);
	if (!rc && fa_layers_have(&box->layers, FAAS_LAYER_SECCOMP) &&
	    !fa_layers_have(&box->layers, FAAS_LAYER_PID_NS))
		rc = fa_seccomp_install(FA_FILTER_NO_FORK);
	return rc;
}

const char *fa_sandbox_enter(const struct fa_sandbox *box, const struct fa_spawn *spawn,
			     int mounts, int network)
{
	const char *failed;
	int rc;

	if (!enter_namespace(box, mounts))
		return "code directory";
	if (network >= 0 && setns(network, CLONE_NEWNET) < 0)
		return "network";
	if (fa_layers_have(&box->layers, FAAS_LAYER_RLIMITS) && !set_own_limits(box, spawn->nproc))
		return "resource limits";
	if (fa_sandbox_namespaces(box) & CLONE_NEWNET && switch_loopback_on() < 0)
		return "loopback interface";
	failed = change_identity(box, spawn);
	if (failed)
		return failed;
	die_with_nest(box);
	rc = restrict_calls(box);
	if (rc < 0) {
		errno = -rc;
		return "Landlock or filter";
	}
	return NULL;
}
