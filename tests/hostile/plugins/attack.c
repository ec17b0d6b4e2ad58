/* SPDX-License-Identifier: MIT */
/*
 * Attacks on the host program. Each reports "allowed" or "denied", and each is
 * chosen so that it does little harm where it is allowed: a defence that is
 * switched off for a control must not cost the machine. The event names the
 * host: {"host":pid,"victim":address,"path":file,"secret":file,"own":file,"abstract":name}.
 */
#include <dlfcn.h>
#include <linux/openat2.h>
#include <sched.h>
#include <stddef.h>
#include <sys/ipc.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/shm.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/uio.h>
#include <sys/un.h>

#include "hostile.h"

static pid_t host_in(struct faas_bytes event)
{
	return (pid_t)number_in(event, "host");
}

static int open_of_host(struct faas_bytes event, const char *file, int flags)
{
	char path[64];

	snprintf(path, sizeof(path), "/proc/%d/%s", host_in(event), file);
	return open(path, flags | O_CLOEXEC);
}

static int pidfd_of_host(struct faas_bytes event)
{
	return (int)syscall(SYS_pidfd_open, host_in(event), 0);
}

/* ---- signals --------------------------------------------------------- */

HOSTILE(signal_the_host)
{
	return report(ctx, kill(host_in(event), SIGUSR1) == 0);
}

/* All of them, those that kill last: for a sandbox, never for a control. */
HOSTILE(send_all_signals_to_the_host)
{
	bool through = false;

	for (int number = 64; number >= 0; number--)
		if (number != SIGKILL && number != SIGSTOP)
			through |= kill(host_in(event), number) == 0;
	through |= kill(host_in(event), SIGSTOP) == 0 || kill(host_in(event), SIGKILL) == 0;
	return report(ctx, through);
}

HOSTILE(signal_the_host_by_pidfd)
{
	int fd = pidfd_of_host(event);

	return report(ctx, fd >= 0 && syscall(SYS_pidfd_send_signal, fd, SIGUSR1, NULL, 0) == 0);
}

HOSTILE(queue_a_signal_to_the_host)
{
	siginfo_t info = { .si_signo = SIGUSR2, .si_code = SI_QUEUE };
	bool through = sigqueue(host_in(event), SIGUSR2, (union sigval){ .sival_int = 1 }) == 0;

	through |=
		syscall(SYS_rt_tgsigqueueinfo, host_in(event), host_in(event), SIGUSR2, &info) == 0;
	through |= syscall(SYS_tgkill, host_in(event), host_in(event), SIGUSR2) == 0;
	return report(ctx, through);
}

/* Let the kernel send the signal when a pipe becomes readable. */
HOSTILE(have_the_kernel_signal_the_host)
{
	int ends[2];

	if (pipe(ends) < 0 || fcntl(ends[0], F_SETOWN, host_in(event)) < 0)
		return report(ctx, false);
	fcntl(ends[0], F_SETSIG, SIGUSR1);
	fcntl(ends[0], F_SETFL, O_ASYNC);
	IGNORE(write(ends[1], "x", 1) < 0);
	sleep_ms(20);
	return report(ctx, true);
}

/* Everybody, but only where "everybody" ends at a namespace's border. */
HOSTILE(kill_everybody)
{
	if (getpid() != 1)
		return report(ctx, false);
	kill(-1, SIGKILL);
	kill(1, SIGKILL);
	kill(0, SIGKILL);
	kill(getppid(), SIGKILL);
	for (pid_t pid = 2; pid < 100; pid++)
		kill(pid, SIGKILL);
	return report(ctx, false);
}

/* ---- memory and state ------------------------------------------------ */

HOSTILE(trace_the_host)
{
	return report(ctx, ptrace(PTRACE_SEIZE, host_in(event), NULL, NULL) == 0);
}

HOSTILE(write_memory_of_the_host)
{
	struct iovec ours = { .iov_base = (char[]){ "PWNED" }, .iov_len = 5 };
	struct iovec theirs = { .iov_base = (void *)(uintptr_t)number_in(event, "victim"),
				.iov_len = 5 };

	return report(ctx, process_vm_writev(host_in(event), &ours, 1, &theirs, 1, 0) == 5);
}

HOSTILE(write_proc_mem_of_the_host)
{
	int fd = open_of_host(event, "mem", O_RDWR);

	return report(ctx,
		      fd >= 0 && pwrite(fd, "PWNED", 5, (off_t)number_in(event, "victim")) == 5);
}

HOSTILE(read_environment_of_the_host)
{
	char byte;
	int fd = open_of_host(event, "environ", O_RDONLY);

	return report(ctx, fd >= 0 && read(fd, &byte, 1) == 1);
}

HOSTILE(list_descriptors_of_the_host)
{
	return report(ctx, open_of_host(event, "fd", O_RDONLY | O_DIRECTORY) >= 0);
}

HOSTILE(steal_a_descriptor_of_the_host)
{
	int fd = pidfd_of_host(event);

	return report(ctx, fd >= 0 && syscall(SYS_pidfd_getfd, fd, 1, 0) >= 0);
}

HOSTILE(limit_the_host)
{
	struct rlimit old;

	if (prlimit(host_in(event), RLIMIT_MSGQUEUE, NULL, &old) < 0)
		return report(ctx, false);
	old.rlim_cur = old.rlim_cur / 2;
	return report(ctx, prlimit(host_in(event), RLIMIT_MSGQUEUE, &old, NULL) == 0);
}

HOSTILE(reschedule_the_host)
{
	cpu_set_t cpus;
	int nice_now;
	bool through = false;

	errno = 0;
	nice_now = getpriority(PRIO_PROCESS, (id_t)host_in(event));
	through |= errno == 0 && setpriority(PRIO_PROCESS, (id_t)host_in(event), nice_now) == 0;
	if (sched_getaffinity(host_in(event), sizeof(cpus), &cpus) == 0)
		through |= sched_setaffinity(host_in(event), sizeof(cpus), &cpus) == 0;
	return report(ctx, through);
}

HOSTILE(offer_the_host_to_the_oom_killer)
{
	int fd = open_of_host(event, "oom_score_adj", O_WRONLY);

	return report(ctx, fd >= 0 && write(fd, "0", 1) == 1);
}

/* ---- rights ---------------------------------------------------------- */

HOSTILE(become_root)
{
	bool through = false;

	if (getuid() != 0)
		through |= setuid(0) == 0 || setresuid(0, 0, 0) == 0;
	if (getgid() != 0)
		through |= setgid(0) == 0;
	return report(ctx, through);
}

HOSTILE(hold_capabilities)
{
	bool through = false;

	for (int cap = 0; cap < 40; cap++)
		through |= prctl(PR_CAPBSET_READ, cap, 0, 0, 0) == 1;
	return report(ctx, through);
}

HOSTILE(gain_privileges_by_exec)
{
	return report(ctx, prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) != 1);
}

HOSTILE(enter_new_namespaces)
{
	bool through = syscall(SYS_unshare, CLONE_NEWUSER) == 0;

	through |= syscall(SYS_unshare, CLONE_NEWNS) == 0;
	through |= syscall(SYS_unshare, CLONE_NEWPID) == 0;
	return report(ctx, through);
}

HOSTILE(mount_something)
{
	bool through = mount("none", "/tmp", "tmpfs", 0, "size=4096") == 0;

	if (through)
		umount2("/tmp", MNT_DETACH);
	through |= syscall(SYS_pivot_root, "/tmp", "/tmp") == 0;
	through |= syscall(SYS_fsopen, "tmpfs", 0) >= 0;
	through |= syscall(SYS_open_tree, AT_FDCWD, "/tmp", 1) >= 0;
	return report(ctx, through);
}

HOSTILE(change_root)
{
	return report(ctx, chroot("/") == 0);
}

/* ---- files ----------------------------------------------------------- */

HOSTILE(write_a_file_of_the_host)
{
	char path[256];
	int fd = open(string_in(event, "path", path, sizeof(path)), O_WRONLY | O_APPEND);

	return report(ctx, fd >= 0 && write(fd, "x", 1) == 1);
}

HOSTILE(remove_a_file_of_the_host)
{
	char path[256];

	return report(ctx, unlink(string_in(event, "path", path, sizeof(path))) == 0);
}

HOSTILE(read_a_file_of_the_host)
{
	char path[256], byte;
	int fd = open(string_in(event, "secret", path, sizeof(path)), O_RDONLY);

	return report(ctx, fd >= 0 && read(fd, &byte, 1) == 1);
}

HOSTILE(create_files_everywhere)
{
	const char *places[] = { "/etc", "/usr", "/usr/lib", "/", "/root", "/home", "/var",
				 "/dev", "/dev/shm", "/run", "/proc", "/sys" };
	bool through = false;
	char path[64];

	for (size_t i = 0; i < sizeof(places) / sizeof(*places); i++) {
		snprintf(path, sizeof(path), "%s/faas-hostile", places[i]);
		if (open(path, O_CREAT | O_WRONLY, 0600) >= 0 && unlink(path) == 0)
			through = true;
		if (mkdir(path, 0700) == 0 && rmdir(path) == 0)
			through = true;
	}
	return report(ctx, through);
}

static bool can_change(const char *path)
{
	return path && *path && (open(path, O_WRONLY) >= 0 || chmod(path, 0777) == 0);
}

HOSTILE(change_its_own_code)
{
	char path[256];
	Dl_info info;
	bool through = can_change(string_in(event, "own", path, sizeof(path)));

	if (dladdr((void *)do_change_its_own_code, &info))
		through |= can_change(info.dli_fname);
	through |= can_change("/proc/self/exe");
	return report(ctx, through);
}

HOSTILE(read_block_devices)
{
	bool through = mknod("/tmp/disk", S_IFBLK | 0600, makedev(254, 0)) == 0;

	through |= open("/dev/vda", O_RDONLY) >= 0 || open("/dev/sda", O_RDONLY) >= 0;
	through |= open("/dev/mem", O_RDONLY) >= 0 || open("/dev/kmsg", O_RDWR) >= 0;
	return report(ctx, through);
}

/* By all ways that there are; the 452nd is fchmodat2(), newer than some headers. */
HOSTILE(make_set_user_id_files)
{
	static const char *const made[] = { "/tmp/1", "/tmp/2", "/tmp/3", "/tmp/4", "/tmp/5" };
	struct open_how how = { .flags = O_CREAT | O_WRONLY, .mode = 04755 };
	int fd = open("/tmp/1", O_CREAT | O_WRONLY | O_CLOEXEC, 0755);
	bool through = fd >= 0 && fchmod(fd, 04755) == 0;
	struct stat st;

	through |= chmod("/tmp/1", 04755) == 0;
	through |= syscall(SYS_fchmodat, AT_FDCWD, "/tmp/1", 06755) == 0;
	through |= syscall(452, AT_FDCWD, "/tmp/1", 04755, 0) == 0;
	through |= open("/tmp", O_TMPFILE | O_WRONLY | O_CLOEXEC, 04755) >= 0;
	open("/tmp/2", O_CREAT | O_WRONLY | O_CLOEXEC, 04755);
	creat("/tmp/3", 04755);
	mknod("/tmp/4", S_IFREG | 04755, 0);
	syscall(SYS_openat2, AT_FDCWD, "/tmp/5", &how, sizeof(how));
	for (size_t i = 0; i < sizeof(made) / sizeof(*made); i++)
		through |= stat(made[i], &st) == 0 && st.st_mode & S_ISUID;
	return report(ctx, through);
}

/* ---- network and other ways out ------------------------------------- */

HOSTILE(open_network_sockets)
{
	bool through = socket(AF_INET, SOCK_STREAM, 0) >= 0;

	through |= socket(AF_INET, SOCK_DGRAM, 0) >= 0;
	through |= socket(AF_INET6, SOCK_STREAM, 0) >= 0;
	through |= socket(AF_NETLINK, SOCK_RAW, 0) >= 0;
	through |= socket(AF_PACKET, SOCK_RAW, 0) >= 0;
	through |= socket(AF_VSOCK, SOCK_STREAM, 0) >= 0;
	return report(ctx, through);
}

HOSTILE(connect_to_an_abstract_socket_of_the_host)
{
	struct sockaddr_un to = { .sun_family = AF_UNIX };
	char name[64];
	size_t len = strlen(string_in(event, "abstract", name, sizeof(name)));
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);

	memcpy(to.sun_path + 1, name, len);
	return report(ctx, fd >= 0 && connect(fd, (struct sockaddr *)&to,
					      (socklen_t)(offsetof(struct sockaddr_un, sun_path) +
							  1 + len)) == 0);
}

HOSTILE(attach_shared_memory_of_the_host)
{
	return report(ctx, shmget((key_t)number_in(event, "shm"), 4096, 0) >= 0);
}

FAAS_PLUGIN("attack", "1", FAAS_HANDLER(signal_the_host),
	    FAAS_HANDLER(send_all_signals_to_the_host), FAAS_HANDLER(signal_the_host_by_pidfd),
	    FAAS_HANDLER(queue_a_signal_to_the_host), FAAS_HANDLER(have_the_kernel_signal_the_host),
	    FAAS_HANDLER(kill_everybody), FAAS_HANDLER(trace_the_host),
	    FAAS_HANDLER(write_memory_of_the_host), FAAS_HANDLER(write_proc_mem_of_the_host),
	    FAAS_HANDLER(read_environment_of_the_host), FAAS_HANDLER(list_descriptors_of_the_host),
	    FAAS_HANDLER(steal_a_descriptor_of_the_host), FAAS_HANDLER(limit_the_host),
	    FAAS_HANDLER(reschedule_the_host), FAAS_HANDLER(offer_the_host_to_the_oom_killer),
	    FAAS_HANDLER(become_root), FAAS_HANDLER(hold_capabilities),
	    FAAS_HANDLER(gain_privileges_by_exec), FAAS_HANDLER(enter_new_namespaces),
	    FAAS_HANDLER(mount_something), FAAS_HANDLER(change_root),
	    FAAS_HANDLER(write_a_file_of_the_host), FAAS_HANDLER(remove_a_file_of_the_host),
	    FAAS_HANDLER(read_a_file_of_the_host), FAAS_HANDLER(create_files_everywhere),
	    FAAS_HANDLER(change_its_own_code), FAAS_HANDLER(make_set_user_id_files),
	    FAAS_HANDLER(read_block_devices),
	    FAAS_HANDLER(open_network_sockets),
	    FAAS_HANDLER(connect_to_an_abstract_socket_of_the_host),
	    FAAS_HANDLER(attach_shared_memory_of_the_host));
