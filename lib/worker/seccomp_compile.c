/* SPDX-License-Identifier: MIT */
/*
 * A program of the build, not of the product: states the policy to libseccomp
 * and prints the filters as C tables. So the worker needs no libseccomp, starts
 * without compiling, and its environments do not carry the library's pages.
 *
 * The policy is a list of refusals: a function may be any program, so the list
 * of what it may need cannot be written down. What a refusal here stops is what
 * namespaces and Landlock do not (limits and scheduling of other processes) or
 * what has no business in a function (the kernel's more dangerous corners).
 * What needs a capability is left to that, because the nest still needs it.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <sched.h>
#include <seccomp.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <worker/seccomp.h>

#define TIOCSTI_REQUEST 0x5412
#define TIOCLINUX_REQUEST 0x541c

static const char *const refused[] = {
	/* other processes */
	"ptrace", "process_vm_readv", "process_vm_writev", "process_madvise", "pidfd_open",
	"pidfd_getfd", "kcmp", "move_pages", "migrate_pages", "setpriority", "ioprio_set",
	"sched_setscheduler", "sched_setparam", "sched_setattr",
	/* the kernel itself */
	"bpf", "perf_event_open", "userfaultfd", "io_uring_setup", "io_uring_enter",
	"io_uring_register", "keyctl", "add_key", "request_key", "init_module", "finit_module",
	"delete_module", "kexec_load", "kexec_file_load", "reboot", "syslog", "acct", "quotactl",
	"quotactl_fd", "swapon", "swapoff", "iopl", "ioperm", "vhangup", "lookup_dcookie",
	"nfsservctl", "uselib", "_sysctl", "sysfs", "ustat", "modify_ldt", "vmsplice",
	"set_mempolicy", "mbind", "memfd_secret", "settimeofday", "clock_settime",
	"clock_adjtime", "adjtimex", "sethostname", "setdomainname",
	/* file systems; the nest keeps mount, move_mount, setns, unshare behind its capability */
	"umount2", "pivot_root", "chroot", "open_tree", "mount_setattr", "fsopen", "fsconfig",
	"fsmount", "fspick", "name_to_handle_at", "open_by_handle_at",
	/* quotas that are the user's and not the process's */
	"inotify_init", "inotify_init1", "fanotify_init", "fanotify_mark", "shmget", "shmat",
	"shmctl", "shmdt", "semget", "semop", "semctl", "semtimedop", "msgget", "msgsnd",
	"msgrcv", "msgctl", "mq_open", "mq_unlink", "mq_timedsend", "mq_timedreceive",
	"mq_notify", "mq_getsetattr",
};

static void need(int rc, const char *what)
{
	if (rc >= 0)
		return;
	fprintf(stderr, "cannot compile the filter: %s: %s\n", what, strerror(-rc));
	exit(1);
}

static void rule(scmp_filter_ctx filter, uint32_t action, const char *name, unsigned count,
		 const struct scmp_arg_cmp *args)
{
	int number = seccomp_syscall_resolve_name(name);

	if (number == __NR_SCMP_ERROR) /* newer than this libseccomp, or gone */
		return;
	need(seccomp_rule_add_array(filter, action, number, count, args), name);
}

static void refuse(scmp_filter_ctx filter, const char *name)
{
	rule(filter, SCMP_ACT_ERRNO(EPERM), name, 0, NULL);
}

static void refuse_if(scmp_filter_ctx filter, const char *name, struct scmp_arg_cmp arg)
{
	rule(filter, SCMP_ACT_ERRNO(EPERM), name, 1, &arg);
}

/*
 * An environment is process 1 of its namespace, and the kernel drops signals
 * that process 1 sends itself unless it handles them: raise(), abort() and
 * kill(getpid(), ...) would return. They trap instead, and the run loop's
 * handler of SIGSYS does what the signal would have done. (A program is no process 1,
 * and has no such handler.) Signals 1 to 31 are
 * covered by five aligned ranges; libc's own real-time signals pass.
 */
static void trap_own_signals(scmp_filter_ctx filter, const char *name, unsigned signal_arg)
{
	static const uint32_t ranges[][2] = {
		{ 0xffffffff, 1 }, { 0xfffffffe, 2 }, { 0xfffffffc, 4 }, { 0xfffffff8, 8 },
		{ 0xfffffff0, 16 },
	};

	for (size_t i = 0; i < sizeof(ranges) / sizeof(*ranges); i++) {
		struct scmp_arg_cmp args[] = {
			SCMP_A0(SCMP_CMP_MASKED_EQ, 0xffffffff, 1),
			SCMP_CMP(signal_arg, SCMP_CMP_MASKED_EQ, ranges[i][0], ranges[i][1]),
		};

		rule(filter, SCMP_ACT_TRAP, name, 2, args);
	}
}

static void bound_sockets(scmp_filter_ctx filter, unsigned variant)
{
	struct scmp_arg_cmp other_netlink[] = {
		SCMP_A0(SCMP_CMP_EQ, AF_NETLINK),
		SCMP_A2(SCMP_CMP_NE, 0), /* all but routes, which getaddrinfo() reads */
	};

	refuse_if(filter, "socketpair", SCMP_A0(SCMP_CMP_NE, AF_UNIX));
	if (variant & (FA_FILTER_NETWORK | FA_FILTER_PROGRAM)) {
		for (unsigned family = 0; family < AF_NETLINK; family++)
			if (family != AF_UNIX && family != AF_INET && family != AF_INET6)
				refuse_if(filter, "socket", SCMP_A0(SCMP_CMP_EQ, family));
		refuse_if(filter, "socket", SCMP_A0(SCMP_CMP_GT, AF_NETLINK));
		rule(filter, SCMP_ACT_ERRNO(EPERM), "socket", 2, other_netlink);
	} else if (variant & FA_FILTER_UNIX) {
		refuse_if(filter, "socket", SCMP_A0(SCMP_CMP_NE, AF_UNIX));
	} else {
		refuse(filter, "socket");
	}
}

/*
 * In a directory of the host's a file outlives its function, and is the host's own user's
 * where that is not root: whoever executes it must not become that. openat2() has its mode
 * where no filter sees it, and who calls it does without if it is missing.
 */
static void refuse_set_user_id_files(scmp_filter_ctx filter)
{
	static const struct {
		const char *name;
		unsigned mode;
	} calls[] = {
		{ "chmod", 1 }, { "fchmod", 1 }, { "fchmodat", 2 }, { "fchmodat2", 2 },
		{ "creat", 1 }, { "mknod", 1 },	 { "mknodat", 2 },
	};
	static const unsigned creating[] = { O_CREAT, O_TMPFILE };

	for (size_t i = 0; i < sizeof(calls) / sizeof(*calls); i++)
		refuse_if(filter, calls[i].name,
			  SCMP_CMP(calls[i].mode, SCMP_CMP_MASKED_EQ, S_ISUID, S_ISUID));
	for (size_t i = 0; i < sizeof(creating) / sizeof(*creating); i++) {
		struct scmp_arg_cmp open[] = {
			SCMP_A1(SCMP_CMP_MASKED_EQ, creating[i], creating[i]),
			SCMP_A2(SCMP_CMP_MASKED_EQ, S_ISUID, S_ISUID),
		};
		struct scmp_arg_cmp openat[] = {
			SCMP_A2(SCMP_CMP_MASKED_EQ, creating[i], creating[i]),
			SCMP_A3(SCMP_CMP_MASKED_EQ, S_ISUID, S_ISUID),
		};

		rule(filter, SCMP_ACT_ERRNO(EPERM), "open", 2, open);
		rule(filter, SCMP_ACT_ERRNO(EPERM), "openat", 2, openat);
	}
	rule(filter, SCMP_ACT_ERRNO(ENOSYS), "openat2", 0, NULL);
}

static void state_policy(scmp_filter_ctx filter, unsigned variant)
{
	for (size_t i = 0; i < sizeof(refused) / sizeof(*refused); i++)
		refuse(filter, refused[i]);
	rule(filter, SCMP_ACT_ERRNO(ENOSYS), "clone3", 0, NULL);
	refuse_if(filter, "clone", SCMP_A0(SCMP_CMP_MASKED_EQ, CLONE_NEWUSER, CLONE_NEWUSER));
	refuse_if(filter, "unshare", SCMP_A0(SCMP_CMP_MASKED_EQ, CLONE_NEWUSER, CLONE_NEWUSER));
	refuse_if(filter, "prlimit64", SCMP_A0(SCMP_CMP_NE, 0));
	refuse_if(filter, "sched_setaffinity", SCMP_A0(SCMP_CMP_NE, 0)); /* see place.c */
	refuse_if(filter, "personality", SCMP_A0(SCMP_CMP_NE, 0xffffffff));
	refuse_if(filter, "ioctl", SCMP_A1(SCMP_CMP_MASKED_EQ, 0xffffffff, TIOCSTI_REQUEST));
	refuse_if(filter, "ioctl", SCMP_A1(SCMP_CMP_MASKED_EQ, 0xffffffff, TIOCLINUX_REQUEST));
	if (!(variant & FA_FILTER_PROGRAM)) {
		trap_own_signals(filter, "kill", 1);
		trap_own_signals(filter, "tkill", 1);
		trap_own_signals(filter, "tgkill", 2);
	}
	bound_sockets(filter, variant);
	refuse_set_user_id_files(filter);
	if (!(variant & FA_FILTER_MEMFD))
		refuse(filter, "memfd_create");
}

static void state_no_fork(scmp_filter_ctx filter)
{
	refuse(filter, "fork");
	refuse(filter, "vfork");
	rule(filter, SCMP_ACT_ERRNO(ENOSYS), "clone3", 0, NULL);
	refuse_if(filter, "clone", SCMP_A0(SCMP_CMP_MASKED_EQ, CLONE_THREAD, 0));
}

/* The one list of what is allowed, for a program that is known. */
static void state_compute(scmp_filter_ctx filter)
{
	static const char *const allowed[] = {
		"read", "lseek", "munmap", "mremap", "brk", "madvise", "futex", "exit",
		"exit_group", "rt_sigreturn", "rt_sigprocmask", "clock_gettime", "gettimeofday",
		"getrandom", "sched_yield", "sigaltstack",
	};
	struct scmp_arg_cmp no_code = SCMP_A2(SCMP_CMP_MASKED_EQ, PROT_EXEC, 0);
	struct scmp_arg_cmp output = SCMP_A0(SCMP_CMP_LE, STDERR_FILENO);

	for (size_t i = 0; i < sizeof(allowed) / sizeof(*allowed); i++)
		rule(filter, SCMP_ACT_ALLOW, allowed[i], 0, NULL);
	rule(filter, SCMP_ACT_ALLOW, "mmap", 1, &no_code);
	rule(filter, SCMP_ACT_ALLOW, "mprotect", 1, &no_code);
	rule(filter, SCMP_ACT_ALLOW, "write", 1, &output);
}

static void print(unsigned variant, scmp_filter_ctx filter)
{
	struct sock_filter insn;
	int fd = memfd_create("filter", MFD_CLOEXEC);

	need(fd < 0 ? -errno : 0, "memfd_create");
	need(seccomp_export_bpf(filter, fd), "export");
	lseek(fd, 0, SEEK_SET);
	printf("static const struct sock_filter filter_%u[] = {\n", variant);
	while (read(fd, &insn, sizeof(insn)) == (ssize_t)sizeof(insn))
		printf("\t{ 0x%02x, %u, %u, 0x%08x },\n", insn.code, insn.jt, insn.jf, insn.k);
	printf("};\n");
	close(fd);
}

static void compile(unsigned variant)
{
	bool compute = variant == FA_FILTER_COMPUTE;
	scmp_filter_ctx filter = seccomp_init(compute ? SCMP_ACT_ERRNO(EPERM) : SCMP_ACT_ALLOW);

	if (!filter)
		need(-ENOMEM, "init");
	/* Foreign and x32 system calls end the process: the rules would not see them. */
	need(seccomp_attr_set(filter, SCMP_FLTATR_ACT_BADARCH, SCMP_ACT_KILL_PROCESS), "arch");
	need(seccomp_attr_set(filter, SCMP_FLTATR_CTL_OPTIMIZE, 2), "tree");
	if (compute)
		state_compute(filter);
	else if (variant == FA_FILTER_NO_FORK)
		state_no_fork(filter);
	else
		state_policy(filter, variant);
	print(variant, filter);
	seccomp_release(filter);
}

int main(void)
{
	for (unsigned i = 0; i < FA_FILTERS; i++)
		compile(i);
	printf("static const struct {\n\tconst struct sock_filter *code;\n"
	       "\tunsigned short len;\n} filters[] = {\n");
	for (unsigned i = 0; i < FA_FILTERS; i++)
		printf("\t{ filter_%u, sizeof(filter_%u) / sizeof(*filter_%u) },\n", i, i, i);
	printf("};\n");
	return 0;
}
