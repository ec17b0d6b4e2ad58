/* SPDX-License-Identifier: MIT */
/*
 * The order matters. Our groups are ours before we run, so that everything counts;
 * then the view; and at last the steps after which nothing of this would be allowed: capabilities,
 * Landlock's ruleset, the filter. The user id was changed before, which clears
 * the signal of the parent's death, so that is set here.
 */
#include <worker/sandbox.h>

#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <linux/securebits.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <worker/landlock.h>
#include <worker/seccomp.h>
#include <worker/view.h>

#define OOM_SCORE "500"
#define HOST_NAME "faas"

/*
 * What the nest goes on using: mounts, namespaces, the ids of its children. And
 * CAP_KILL: the death signal of a child of another id needs it, too.
 */
#define NEST_CAPABILITIES \
	(1u << CAP_SYS_ADMIN | 1u << CAP_SYS_CHROOT | 1u << CAP_SETUID | 1u << CAP_SETGID | \
	 1u << CAP_KILL)

static void offer_to_oom_killer(void)
{
	int fd = open("/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC);

	if (fd < 0)
		return;
	if (write(fd, OOM_SCORE, strlen(OOM_SCORE)) < 0)
		errno = 0; /* a hint: nothing depends on it */
	close(fd);
}

/* The way to our own mount namespace, kept because the host's /proc goes away. */
static void enter_view(struct fa_sandbox *box, int view, int fds[2])
{
	int rc;

	if (!fa_layers_have(&box->layers, FAAS_LAYER_MOUNT_NS))
		return;
	fds[0] = open("/proc/self/ns", O_PATH | O_DIRECTORY | O_CLOEXEC);
	rc = fds[0] < 0 ? -errno : fa_view_enter(view, &box->proc_error);
	if (!rc) {
		fds[1] = openat(fds[0], "mnt", O_RDONLY | O_CLOEXEC);
		rc = fds[1] < 0 ? -errno : 0;
	}
	if (rc < 0)
		fa_layers_lose(&box->layers, FAAS_LAYER_MOUNT_NS, rc);
}

static int set_capabilities(uint32_t keep)
{
	struct __user_cap_header_struct head = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct data[2] = { 0 };

	if (syscall(SYS_capget, &head, data) < 0)
		return -errno;
	data[0].permitted &= keep;
	data[0].effective = data[0].permitted;
	data[0].inheritable = 0;
	memset(&data[1], 0, sizeof(data[1]));
	return syscall(SYS_capset, &head, data) < 0 ? -errno : 0;
}

/* A network of their own, and it begins switched off. */
static uint32_t capabilities_of(const struct fa_sandbox *box)
{
	bool network = fa_sandbox_namespaces(box) & CLONE_NEWNET;

	return NEST_CAPABILITIES | (network ? 1u << CAP_NET_ADMIN : 0);
}

static void shed_privileges(struct fa_sandbox *box)
{
	if (fa_layers_have(&box->layers, FAAS_LAYER_CAPABILITIES)) {
		int rc;

		for (int cap = 0; prctl(PR_CAPBSET_READ, cap, 0, 0, 0) >= 0; cap++)
			prctl(PR_CAPBSET_DROP, cap, 0, 0, 0);
		prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0);
		rc = set_capabilities(capabilities_of(box));
		if (rc < 0)
			fa_layers_lose(&box->layers, FAAS_LAYER_CAPABILITIES, rc);
	} else {
		prctl(PR_SET_SECUREBITS, SECBIT_NO_SETUID_FIXUP, 0, 0, 0);
	}
	if (fa_layers_have(&box->layers, FAAS_LAYER_NO_NEW_PRIVS) &&
	    prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
		fa_layers_lose(&box->layers, FAAS_LAYER_NO_NEW_PRIVS, errno);
	/* Without it an environment, which has no capability left, may not restrict itself. */
	if (!fa_layers_have(&box->layers, FAAS_LAYER_NO_NEW_PRIVS))
		fa_layers_lose(&box->layers, FAAS_LAYER_LANDLOCK, EPERM);
	prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
}

static int allow_files(const struct fa_sandbox *box, int ruleset)
{
	static const char *const system[] = { "/usr", "/bin",	"/sbin",  "/lib",
					      "/lib32", "/lib64", "/libx32" };
	static const char *const devices[] = { "/dev/null", "/dev/zero", "/dev/full",
					       "/dev/random", "/dev/urandom" };
	bool view = fa_layers_have(&box->layers, FAAS_LAYER_MOUNT_NS);
	int abi = box->landlock_abi, rc = 0;

	for (size_t i = 0; i < sizeof(system) / sizeof(*system) && !rc; i++)
		rc = fa_landlock_allow(ruleset, abi, system[i], FA_READ | FA_EXECUTE);
	for (size_t i = 0; i < sizeof(devices) / sizeof(*devices) && !rc; i++)
		rc = fa_landlock_allow(ruleset, abi, devices[i], FA_DEVICE);
	if (!rc)
		rc = fa_landlock_allow(ruleset, abi, "/etc", FA_READ);
	if (!rc && view)
		rc = fa_landlock_allow(ruleset, abi, "/var", FA_READ | FA_EXECUTE);
	if (!rc && view)
		rc = fa_landlock_allow(ruleset, abi, "/proc", FA_READ);
	if (!rc && view)
		rc = fa_landlock_allow(ruleset, abi, FA_VIEW_TMP_PARENT,
				       FA_READ | FA_EXECUTE | FA_WRITE);
	return rc;
}

static int make_ruleset(struct fa_sandbox *box)
{
	int ruleset, rc;

	if (!fa_layers_have(&box->layers, FAAS_LAYER_LANDLOCK))
		return -1;
	ruleset = fa_landlock_create(box->landlock_abi);
	rc = ruleset < 0 ? ruleset : allow_files(box, ruleset);
	if (!rc)
		return ruleset;
	if (ruleset >= 0)
		close(ruleset);
	fa_layers_lose(&box->layers, FAAS_LAYER_LANDLOCK, rc);
	return -1;
}

static int watch_children(void)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGCHLD);
	sigprocmask(SIG_SETMASK, &set, NULL);
	return signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);
}

/* Put descriptors in their places, from FA_FD_HOST on, and close all others. */
static const char *place(int fds[FA_FD_FREE - FA_FD_HOST])
{
	const int count = FA_FD_FREE - FA_FD_HOST;

	for (int i = 0; i < count; i++) {
		fds[i] = fcntl(fds[i] < 0 ? 0 : fds[i], F_DUPFD_CLOEXEC, 2 * FA_FD_FREE);
		if (fds[i] < 0)
			return "descriptors of the nest";
	}
	for (int i = 0; i < count; i++)
		if (dup3(fds[i], FA_FD_HOST + i, O_CLOEXEC) < 0)
			return "descriptors of the nest";
	if (syscall(SYS_close_range, FA_FD_FREE, ~0u, 0) < 0)
		return "close_range";
	return NULL;
}

static const char *collect_descriptors(struct fa_sandbox *box, const int namespaces[2])
{
	int fds[FA_FD_FREE - FA_FD_HOST], trouble[2];

	if (pipe2(trouble, O_NONBLOCK | O_CLOEXEC) < 0)
		return "pipe";
	fds[FA_FD_HOST - FA_FD_HOST] = FA_FD_HOST;
	fds[FA_FD_SIGNAL - FA_FD_HOST] = watch_children();
	fds[FA_FD_NAMESPACES - FA_FD_HOST] = namespaces[0];
	fds[FA_FD_BASE - FA_FD_HOST] = namespaces[1];
	fds[FA_FD_RULESET - FA_FD_HOST] = make_ruleset(box);
	fds[FA_FD_TROUBLE - FA_FD_HOST] = trouble[0];
	fds[FA_FD_TROUBLE_END - FA_FD_HOST] = trouble[1];
	if (fds[FA_FD_SIGNAL - FA_FD_HOST] < 0)
		return "signalfd";
	return place(fds);
}

void fa_sandbox_filter(struct fa_sandbox *box)
{
	unsigned filter = 0;
	int rc;

	if (!fa_layers_have(&box->layers, FAAS_LAYER_SECCOMP)) {
		fa_layers_lose(&box->layers, FAAS_LAYER_NO_NETWORK,
			       box->layers.errors[__builtin_ctz(FAAS_LAYER_SECCOMP)]);
		return;
	}
	if (fa_layers_have(&box->layers, FAAS_LAYER_LANDLOCK) && box->landlock_abi >= 6)
		filter |= FA_FILTER_UNIX;
	if (fa_layers_have(&box->layers, FAAS_LAYER_CGROUP_MEMORY))
		filter |= FA_FILTER_MEMFD;
	if (!fa_layers_have(&box->layers, FAAS_LAYER_NO_NETWORK))
		filter |= FA_FILTER_NETWORK;
	if (box->flags & FA_NEST_PROGRAM)
		filter |= FA_FILTER_PROGRAM;
	rc = fa_seccomp_install(filter);
	if (rc < 0)
		fa_layers_lose(&box->layers, FAAS_LAYER_SECCOMP | FAAS_LAYER_NO_NETWORK, rc);
}

const char *fa_sandbox_prepare(struct fa_sandbox *box, const struct fa_birth *birth)
{
	int namespaces[2] = { -1, -1 };
	const char *failed;

	box->layers = birth->layers;
	box->flags = birth->flags;
	box->landlock_abi = birth->landlock_abi;
	box->uid = birth->uid;
	box->group = birth->group;
	box->nest = getpid();
	offer_to_oom_killer();
	prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
	if (fa_layers_have(&box->layers, FAAS_LAYER_UTS_NS))
		sethostname(HOST_NAME, strlen(HOST_NAME));
	setsid();
	umask(022);
	enter_view(box, birth->view, namespaces);
	shed_privileges(box);
	failed = collect_descriptors(box, namespaces);
	if (failed)
		return failed;
	if (!(box->flags & FA_NEST_IMAGE))
		fa_sandbox_filter(box);
	return NULL;
}

/* ---- a /tmp for each environment -------------------------------------- */

static int make_tmp(const struct fa_sandbox *box)
{
	char options[64];
	int fd;

	if (unshare(CLONE_NEWNS) < 0)
		return -errno;
	snprintf(options, sizeof(options), "size=%um,mode=1777", box->tmp_mb);
	if (mount("tmpfs", FA_VIEW_TMP, "tmpfs", MS_NOSUID | MS_NODEV, options) < 0)
		fd = -errno;
	else if ((fd = openat(FA_FD_NAMESPACES, "mnt", O_RDONLY | O_CLOEXEC)) < 0)
		fd = -errno;
	if (setns(FA_FD_BASE, CLONE_NEWNS) < 0)
		_exit(1); /* we would stay in the environment's */
	return fd;
}

int fa_sandbox_take_tmp(struct fa_sandbox *box, int *mounts)
{
	int fd = -1;

	if (box->pool_count)
		fd = box->pool[--box->pool_count];
	else if (fa_layers_have(&box->layers, FAAS_LAYER_MOUNT_NS) && (fd = make_tmp(box)) < 0)
		return fd;
	*mounts = fd;
	return 0;
}

bool fa_sandbox_wants_tmp(const struct fa_sandbox *box)
{
	return box->pool_count < box->pool_target;
}

void fa_sandbox_add_tmp(struct fa_sandbox *box)
{
	int fd = make_tmp(box);

	if (fd >= 0)
		box->pool[box->pool_count++] = fd;
	else
		box->pool_target = box->pool_count; /* whoever needs one will hear why */
}
