/* SPDX-License-Identifier: MIT */
/*
 * Root and an ordinary user end in the same place by two ways. Root keeps its
 * rights, and gives each nest a user namespace with 65536 ids of its own, far
 * from anybody's; each environment gets one of them. An ordinary user's
 * supervisor first moves into a user namespace in which it is root, of its one
 * id; nests get a namespace below that, and all have that one id. Where there
 * are no user namespaces, root can still hand out ids, and an ordinary user has
 * no namespaces at all: then Landlock and the filter hold alone.
 *
 * Each nest executes the program anew. What it inherited otherwise would be the
 * same in all functions: addresses, the stack protector's secret, and whatever
 * the supervisor's memory held of other functions' settings.
 */
#include <worker/birth.h>

#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <worker/clone.h>
#include <worker/ctl.h>
#include <worker/landlock.h>
#include <worker/seccomp.h>
#include <worker/view.h>

#define RANGE 65536u
#define FIRST_BASE 4096u /* times RANGE: above what systems and containers give out */
#define BASES 28000u     /* below 2^31 */
#define FIRST_SLOT_ID 1000u

static const struct {
	uint32_t layer;
	unsigned long flag;
} namespaces[] = {
	{ FAAS_LAYER_USER_NS, CLONE_NEWUSER }, { FAAS_LAYER_PID_NS, CLONE_NEWPID },
	{ FAAS_LAYER_MOUNT_NS, CLONE_NEWNS },  { FAAS_LAYER_IPC_NS, CLONE_NEWIPC },
	{ FAAS_LAYER_UTS_NS, CLONE_NEWUTS },
};
#define NAMESPACES (sizeof(namespaces) / sizeof(*namespaces))

static int write_file(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC), rc = 0;

	if (fd < 0)
		return -errno;
	if (write(fd, text, strlen(text)) < 0)
		rc = -errno;
	close(fd);
	return rc;
}

static int write_map(pid_t pid, const char *which, const char *map)
{
	char path[64];

	snprintf(path, sizeof(path), "/proc/%d/%s", (int)pid, which);
	return write_file(path, map);
}

/* `last`: of the ids outside, instead of the last of the range; 0: none. */
static int map_range(pid_t pid, const char *which, uint32_t outside, uint32_t count, uint32_t last)
{
	char map[96];

	if (last)
		snprintf(map, sizeof(map), "0 %u %u\n%u %u 1", outside, count - 1, count - 1, last);
	else
		snprintf(map, sizeof(map), "0 %u %u", outside, count);
	return write_map(pid, which, map);
}

/* Are all user ids ours to give? Not inside a container with a range of its own. */
static bool all_ids_mapped(void)
{
	unsigned inside, outside, count;
	FILE *file = fopen("/proc/self/uid_map", "re");
	bool all = file && fscanf(file, "%u %u %u", &inside, &outside, &count) == 3 &&
		   !inside && !outside && count == UINT32_MAX;

	if (file)
		fclose(file);
	return all;
}

static bool may(int capability)
{
	struct __user_cap_header_struct head = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct data[2];

	return syscall(SYS_capget, &head, data) == 0 && data[0].effective >> capability & 1;
}

/* Root of our own, over one id. */
static int enter_user_namespace(void)
{
	uint32_t uid = geteuid(), gid = getegid();
	pid_t self = getpid();
	int rc;

	if (unshare(CLONE_NEWUSER | CLONE_NEWNS) < 0)
		return -errno;
	rc = write_file("/proc/self/setgroups", "deny");
	if (!rc)
		rc = map_range(self, "uid_map", uid, 1, 0);
	if (!rc)
		rc = map_range(self, "gid_map", gid, 1, 0);
	return rc;
}

static void open_namespaces(struct fa_nursery *nursery)
{
	struct fa_layers *layers = &nursery->layers;
	int rc = 0;

	nursery->setuid = may(CAP_SETUID) && may(CAP_SETGID) && all_ids_mapped();
	nursery->root = nursery->setuid && unshare(CLONE_NEWNS) == 0;
	if (!nursery->root)
		rc = enter_user_namespace();
	/* In a namespace of one id nobody can be anybody else. */
	if (!nursery->root && !rc)
		nursery->setuid = false;
	if (!nursery->setuid)
		fa_layers_lose(layers, FAAS_LAYER_OWN_UID, EPERM);
	if (rc < 0) {
		fa_layers_lose(layers, FA_LAYERS_NAMESPACES, rc);
		return;
	}
	nursery->view = fa_view_open();
	if (nursery->view < 0)
		fa_layers_lose(layers, FAAS_LAYER_MOUNT_NS, nursery->view);
}

void fa_nursery_open(struct fa_nursery *nursery)
{
	struct fa_layers *layers = &nursery->layers;
	uint32_t random = 0;
	int rc;

	memset(nursery, 0, sizeof(*nursery));
	nursery->view = -1;
	layers->applied = FAAS_LAYERS_ALL;
	fa_cgroups_open(&nursery->groups, layers); /* before /sys is covered */
	open_namespaces(nursery);
	nursery->landlock_abi = fa_landlock_abi();
	if (!nursery->landlock_abi)
		fa_layers_lose(layers, FAAS_LAYER_LANDLOCK, errno);
	rc = fa_seccomp_available();
	if (rc < 0)
		fa_layers_lose(layers, FAAS_LAYER_SECCOMP | FAAS_LAYER_NO_NETWORK, rc);
	if (getrandom(&random, sizeof(random), GRND_NONBLOCK) < 0)
		random = (uint32_t)getpid();
	nursery->uid_base = random % BASES;
}

uint32_t fa_nursery_spare_uid(const struct fa_nursery *nursery)
{
	return nursery->setuid ? (FIRST_BASE + BASES) * RANGE + FIRST_SLOT_ID : 0;
}

static unsigned long clone_flags(uint32_t layers)
{
	unsigned long flags = 0;

	for (size_t i = 0; i < NAMESPACES; i++)
		if (layers & namespaces[i].layer)
			flags |= namespaces[i].flag;
	return flags;
}

/* The whole set was refused: find out which, each in a process that ends at once. */
static void probe_namespaces(struct fa_layers *layers)
{
	for (size_t i = 0; i < NAMESPACES; i++) {
		pid_t pid;

		if (!(layers->applied & namespaces[i].layer))
			continue;
		pid = fa_clone(namespaces[i].flag, NULL);
		if (!pid)
			_exit(0);
		if (pid < 0)
			fa_layers_lose(layers, namespaces[i].layer, pid);
		else
			waitpid(pid, NULL, 0);
	}
}

static uint32_t base_of(const struct fa_nursery *nursery)
{
	return (FIRST_BASE + (nursery->uid_base + nursery->serial) % BASES) * RANGE;
}

/* A new nest gets user ids of its own. */
static bool is_ranged(const struct fa_nursery *nursery, const struct fa_birth *birth)
{
	return nursery->root && fa_layers_have(&birth->layers, FAAS_LAYER_USER_NS);
}

/* The host's group as the nest knows it. Root's, and our own, are no function's to be in. */
static uint32_t group_inside(const struct fa_nursery *nursery, const struct fa_birth *birth,
			     uint32_t group)
{
	if (!nursery->setuid || group >= FIRST_BASE * RANGE)
		return 0;
	return group && is_ranged(nursery, birth) ? RANGE - 1 : group;
}

static void prepare_birth(struct fa_nursery *nursery, struct fa_birth *birth, uint32_t weak,
			  uint32_t flags, uint32_t group)
{
	memset(birth, 0, sizeof(*birth));
	birth->layers = nursery->layers;
	birth->flags = flags;
	fa_layers_lose(&birth->layers, weak, ECANCELED);
	if (flags & (FA_NEST_NETWORK | FA_NEST_VPC))
		fa_layers_lose(&birth->layers, FAAS_LAYER_NO_NETWORK, ECANCELED);
	birth->landlock_abi = nursery->landlock_abi;
	if (nursery->setuid)
		birth->uid = FIRST_SLOT_ID + (is_ranged(nursery, birth) ? 0 : base_of(nursery));
	birth->group = group_inside(nursery, birth, group);
	birth->view = -1;
	if (fa_layers_have(&birth->layers, FAAS_LAYER_MOUNT_NS)) {
		birth->view = fa_view_clone(nursery->view);
		if (birth->view < 0)
			fa_layers_lose(&birth->layers, FAAS_LAYER_MOUNT_NS, birth->view);
	}
	nursery->number = nursery->ready ? nursery->ready : ++nursery->numbers;
	if (!nursery->ready)
		fa_cgroup_make(&nursery->groups, nursery->number, &birth->layers);
	nursery->ready = 0;
}

/* Its user ids, from outside. Without a namespace of its own there is nothing to map. */
static int map_ids(const struct fa_nursery *nursery, const struct fa_birth *birth, pid_t pid,
		   uint32_t group)
{
	bool ranged = is_ranged(nursery, birth);
	uint32_t outside = ranged ? base_of(nursery) : 0;
	uint32_t count = ranged ? RANGE : 1;
	int rc;

	if (!fa_layers_have(&birth->layers, FAAS_LAYER_USER_NS))
		return 0;
	rc = map_range(pid, "uid_map", outside, count, 0);
	return rc ? rc : map_range(pid, "gid_map", outside, count,
				   ranged && birth->group ? group : 0);
}

/* To what we execute: it inherits a pipe with its birth in it, and its view. */
static bool bequeath(struct fa_birth *birth, int sock)
{
	int will[2];

	if (birth->view >= 0)
		birth->view = fcntl(birth->view, F_DUPFD, FA_FD_FREE);
	if (dup2(sock, FA_FD_HOST) < 0 || pipe(will) < 0)
		return false;
	if (write(will[1], birth, sizeof(*birth)) != (ssize_t)sizeof(*birth))
		return false;
	close(will[1]);
	return dup2(will[0], FA_FD_BIRTH) == FA_FD_BIRTH;
}

/*
 * In the clone. Groups are open to who we are yet; nobody waits for us. Only
 * who is root in the namespace keeps its capabilities when it executes a program, so
 * the ids must be mapped, and ours changed, before.
 */
_Noreturn static void become_nest(const struct fa_nursery *nursery, struct fa_birth *birth,
				  int sock)
{
	char *const argv[] = { "faas-worker", "nest", NULL };
	struct fa_ctl ctl = { .type = FA_NEST_DEAD };
	char go;

	fa_cgroup_enter(&nursery->groups, nursery->number, &birth->layers);
	if (recv(sock, &go, 1, 0) != 1)
		_exit(1);
	if (is_ranged(nursery, birth) &&
	    (syscall(SYS_setresgid, 0, 0, 0) < 0 || syscall(SYS_setgroups, 0, NULL) < 0 ||
	     syscall(SYS_setresuid, 0, 0, 0) < 0))
		_exit(1);
	if (!bequeath(birth, sock))
		_exit(1);
	setenv("GLIBC_TUNABLES", "glibc.pthread.rseq=0", 1); /* work at each switch, for nothing */
	execve("/proc/self/exe", argv, environ);
	ctl.error = errno;
	fa_ctl_set_text(&ctl, "faas-worker: others need r-x on it");
	fa_ctl_send(sock, &ctl, sizeof(ctl), NULL, 0);
	_exit(1);
}

static pid_t clone_nest(struct fa_nursery *nursery, struct fa_birth *birth, uint32_t weak,
			const int pair[2])
{
	/* to return to, for who makes networks of its environments */
	unsigned long also = birth->flags & FA_NEST_VPC ? CLONE_NEWNET : 0;
	pid_t pid = fa_clone(clone_flags(birth->layers.applied) | also, NULL);

	if (pid < 0) {
		probe_namespaces(&nursery->layers);
		birth->layers.applied &= nursery->layers.applied;
		memcpy(birth->layers.errors, nursery->layers.errors, sizeof(birth->layers.errors));
		fa_layers_lose(&birth->layers, weak, ECANCELED);
		pid = fa_clone(clone_flags(birth->layers.applied) | also, NULL);
	}
	if (!pid) {
		close(pair[0]); /* or its end would never be seen */
		become_nest(nursery, birth, pair[1]);
	}
	return pid;
}

/* It waits for its ids. */
static int settle_nest(const struct fa_nursery *nursery, const struct fa_birth *birth, pid_t pid,
		       uint32_t group, int sock)
{
	int rc = map_ids(nursery, birth, pid, group);

	return !rc && send(sock, "", 1, MSG_NOSIGNAL) < 0 ? -errno : rc;
}

pid_t fa_nursery_bear(struct fa_nursery *nursery, uint32_t weak, uint32_t flags, uint32_t group,
		      int *sock)
{
	struct fa_birth birth;
	int pair[2], rc;
	pid_t pid;

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0)
		return -errno;
	nursery->serial++;
	prepare_birth(nursery, &birth, weak, flags, group);
	pid = clone_nest(nursery, &birth, weak, pair);
	rc = pid < 0 ? pid : settle_nest(nursery, &birth, pid, group, pair[0]);
	close(pair[1]);
	if (birth.view >= 0)
		close(birth.view);
	if (rc == 0) {
		*sock = pair[0];
		return pid;
	}
	close(pair[0]); /* the nest, if there is one, ends of it */
	if (pid > 0)
		waitpid(pid, NULL, 0);
	fa_cgroup_remove(&nursery->groups, nursery->number);
	return rc;
}
