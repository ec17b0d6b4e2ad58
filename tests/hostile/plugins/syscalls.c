/* SPDX-License-Identifier: MIT */
/*
 * System calls that no function needs, strange ones, and quotas that the kernel
 * counts per user rather than per process, which the host shares with us.
 */
#include <sys/epoll.h>
#include <sys/inotify.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>

#include "hostile.h"

/* Arguments chosen so that an unfiltered call fails harmlessly or does nothing. */
static const struct {
	const char *name;
	long number, args[6];
} forbidden[] = {
	{ "io_uring_setup", SYS_io_uring_setup, { 1 } },
	{ "keyctl", SYS_keyctl, { 0, -1 } },
	{ "add_key", SYS_add_key, { 0 } },
	{ "request_key", SYS_request_key, { 0 } },
	{ "userfaultfd", SYS_userfaultfd, { 1 } },
	{ "perf_event_open", SYS_perf_event_open, { 0 } },
	{ "process_vm_readv", SYS_process_vm_readv, { 1 } },
	{ "kcmp", SYS_kcmp, { 1, 1 } },
	{ "ptrace", SYS_ptrace, { 99 } },
	{ "bpf", SYS_bpf, { 0 } },
	{ "setpriority", SYS_setpriority, { 0, 0, 0 } },
	{ "move_pages", SYS_move_pages, { 0 } },
	{ "pidfd_getfd", SYS_pidfd_getfd, { -1, -1, 0 } },
	{ "personality", SYS_personality, { 0x0040000 } },
};

/* Names of those that reached the kernel, as a JSON array. */
HOSTILE(make_forbidden_calls)
{
	const char *separator = "";

	faas_puts(ctx, "[");
	for (size_t i = 0; i < sizeof(forbidden) / sizeof(*forbidden); i++) {
		const long *a = forbidden[i].args;
		char text[64];

		errno = 0;
		if (syscall(forbidden[i].number, a[0], a[1], a[2], a[3], a[4], a[5]) < 0 &&
		    (errno == EPERM || errno == ENOSYS || errno == EACCES))
			continue;
		snprintf(text, sizeof(text), "%s\"%s\"", separator, forbidden[i].name);
		faas_puts(ctx, text);
		separator = ",";
	}
	return faas_puts(ctx, "]");
}

HOSTILE(make_unknown_calls)
{
	bool through = false;

	for (long number = 1000; number < 2000; number++)
		through |= syscall(number, -1L, -1L, -1L, -1L, -1L, -1L) >= 0 ||
			   (errno != ENOSYS && errno != EPERM);
	return report(ctx, through);
}

/* The same numbers by another door: x32. */
HOSTILE(make_x32_calls)
{
	return report(ctx, syscall(0x40000000L + SYS_getpid) > 0);
}

/* And by the 32-bit door; 20 is getpid there. */
HOSTILE(make_32_bit_calls)
{
	long result = 20;

#ifdef __x86_64__
	__asm__ volatile("int $0x80" : "+a"(result) : : "memory", "r8", "r9", "r10", "r11");
#else
	result = -1;
#endif
	return report(ctx, result > 0);
}

/* ---- quotas ---------------------------------------------------------- */

HOSTILE(take_epoll_watches)
{
	int polls[512], pairs[512];
	long long watches = 0;
	int n = 0, m = 0;

	while (n < 512 && (polls[n] = epoll_create1(0)) >= 0 && n < 28)
		n++;
	while (m < 512 && (pairs[m] = epoll_create1(0)) >= 0)
		m++;
	for (int i = 0; i < n; i++)
		for (int j = 0; j < m; j++) {
			struct epoll_event want = { .events = EPOLLIN };

			watches += epoll_ctl(polls[i], EPOLL_CTL_ADD, pairs[j], &want) == 0;
		}
	return report_count(ctx, watches);
}

HOSTILE(take_inotify_instances)
{
	long long made = 0;

	while (made < 100000 && inotify_init1(0) >= 0)
		made++;
	return report_count(ctx, made);
}

HOSTILE(take_pending_signals)
{
	sigset_t all;
	long long made = 0;

	sigfillset(&all);
	sigprocmask(SIG_BLOCK, &all, NULL);
	while (made < 100000 && sigqueue(getpid(), SIGRTMIN, (union sigval){ 0 }) == 0)
		made++;
	return report_count(ctx, made);
}

HOSTILE(take_pipe_pages)
{
	int ends[2];
	long long bytes = 0;

	while (pipe(ends) == 0) {
		int size = fcntl(ends[1], F_SETPIPE_SZ, 1 << 20);

		bytes += size > 0 ? size : 65536;
	}
	return report_count(ctx, bytes >> 20);
}

static bool send_one(int to, int fd)
{
	char byte = 0, control[CMSG_SPACE(sizeof(int))] = { 0 };
	struct iovec part = { .iov_base = &byte, .iov_len = 1 };
	struct msghdr message = { .msg_iov = &part, .msg_iovlen = 1, .msg_control = control,
				  .msg_controllen = sizeof(control) };
	struct cmsghdr *head = CMSG_FIRSTHDR(&message);

	head->cmsg_level = SOL_SOCKET;
	head->cmsg_type = SCM_RIGHTS;
	head->cmsg_len = CMSG_LEN(sizeof(int));
	memcpy(CMSG_DATA(head), &fd, sizeof(fd));
	return sendmsg(to, &message, MSG_DONTWAIT | MSG_NOSIGNAL) == 1;
}

HOSTILE(take_descriptors_in_flight)
{
	int pair[2];
	long long made = 0;

	while (socketpair(AF_UNIX, SOCK_STREAM, 0, pair) == 0)
		for (int i = 0; i < 1000 && send_one(pair[0], pair[1]); i++)
			made++;
	return report_count(ctx, made);
}

FAAS_PLUGIN("syscalls", "1", FAAS_HANDLER(make_forbidden_calls), FAAS_HANDLER(make_unknown_calls),
	    FAAS_HANDLER(make_x32_calls), FAAS_HANDLER(make_32_bit_calls),
	    FAAS_HANDLER(take_epoll_watches), FAAS_HANDLER(take_inotify_instances),
	    FAAS_HANDLER(take_pending_signals), FAAS_HANDLER(take_pipe_pages),
	    FAAS_HANDLER(take_descriptors_in_flight));
