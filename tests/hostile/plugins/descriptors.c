/* SPDX-License-Identifier: MIT */
/* Ways to exhaust, close and confuse descriptors, those of the library included. */
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>

#include "hostile.h"

#define MOST 1024

HOSTILE(exhaust)
{
	while (dup(1) >= 0)
		;
	return faas_puts(ctx, "\"done\"");
}

/* {"count":N}: how many of N descriptors it gets. */
HOSTILE(open_some)
{
	const long long count = number_in(event, "count");
	int last = -1, fd;
	long long made = 0;

	for (; made < count && (fd = dup(1)) >= 0; made++)
		last = fd;
	for (fd = last; made > 0 && fd > last - made; fd--)
		close(fd);
	return report_count(ctx, made);
}

static void close_all(void)
{
	for (int fd = 0; fd < MOST; fd++)
		close(fd);
}

HOSTILE(close_all_and_hang)
{
	close_all();
	wait_for_ever();
}

HOSTILE(close_all_and_exit)
{
	close_all();
	_exit(0);
}

HOSTILE(close_all_and_answer)
{
	close_all();
	return faas_puts(ctx, "\"done\"");
}

HOSTILE(replace_all_by_dev_null)
{
	int null = open("/dev/null", O_RDWR);

	for (int fd = 0; null >= 0 && fd < MOST; fd++)
		if (fd != null && fcntl(fd, F_GETFD) >= 0)
			dup2(null, fd);
	return faas_puts(ctx, "\"done\"");
}

HOSTILE(replace_all_by_a_full_pipe)
{
	int ends[2];
	char byte = 0;

	if (pipe2(ends, O_NONBLOCK) < 0)
		return faas_puts(ctx, "\"done\"");
	while (write(ends[1], &byte, 1) == 1)
		;
	fcntl(ends[1], F_SETFL, 0);
	for (int fd = 0; fd < MOST; fd++)
		if (fd != ends[0] && fd != ends[1] && fcntl(fd, F_GETFD) >= 0)
			dup2(ends[1], fd);
	return faas_puts(ctx, "\"done\"");
}

/* Flags live in the open file, which another process may share. */
HOSTILE(change_all_flags)
{
	for (int fd = 0; fd < MOST; fd++) {
		int flags = fcntl(fd, F_GETFL);

		if (flags < 0)
			continue;
		fcntl(fd, F_SETFL, (flags ^ O_NONBLOCK) | O_ASYNC | O_DIRECT);
		fcntl(fd, F_SETFL, flags ^ O_NONBLOCK);
		fcntl(fd, F_SETLEASE, F_WRLCK);
	}
	return faas_puts(ctx, "\"done\"");
}

HOSTILE(shut_all_sockets_down)
{
	for (int fd = 0; fd < MOST; fd++) {
		shutdown(fd, SHUT_RD);
		shutdown(fd, SHUT_WR);
	}
	return faas_puts(ctx, "\"done\"");
}

HOSTILE(read_all_dry)
{
	static char buffer[65536];

	for (int fd = 0; fd < MOST; fd++) {
		int flags = fcntl(fd, F_GETFL);

		if (flags < 0 || fcntl(fd, F_SETFL, flags | O_NONBLOCK) < 0)
			continue;
		for (int i = 0; i < 64 && read(fd, buffer, sizeof(buffer)) > 0; i++)
			;
		fcntl(fd, F_SETFL, flags);
	}
	return faas_puts(ctx, "\"done\"");
}

HOSTILE(set_extreme_buffer_sizes)
{
	const int sizes[] = { 1, 0, -1, 1 << 30, 2048 };

	for (int fd = 0; fd < MOST; fd++)
		for (size_t i = 0; i < sizeof(sizes) / sizeof(*sizes); i++) {
			setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &sizes[i], sizeof(int));
			setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &sizes[i], sizeof(int));
		}
	return faas_puts(ctx, "\"done\"");
}

/*
 * It must own nothing that speaks for its keepers: of sockets the one bell, of
 * directories and of descriptors that control processes none.
 */
HOSTILE(list_what_it_holds)
{
	int sockets = 0, others = 0;

	for (int fd = 3; fd < MOST; fd++) {
		int type;
		socklen_t len = sizeof(type);

		if (fcntl(fd, F_GETFD) < 0)
			continue;
		if (getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &len) == 0)
			sockets++;
		else if (syscall(SYS_pidfd_send_signal, fd, 0, NULL, 0) == 0 ||
			 openat(fd, ".", O_RDONLY | O_DIRECTORY) >= 0)
			others++;
	}
	return report(ctx, sockets > 1 || others > 0);
}

FAAS_PLUGIN("descriptors", "1", FAAS_HANDLER(exhaust), FAAS_HANDLER(open_some),
	    FAAS_HANDLER(close_all_and_hang), FAAS_HANDLER(close_all_and_exit),
	    FAAS_HANDLER(close_all_and_answer), FAAS_HANDLER(replace_all_by_dev_null),
	    FAAS_HANDLER(replace_all_by_a_full_pipe), FAAS_HANDLER(change_all_flags),
	    FAAS_HANDLER(shut_all_sockets_down), FAAS_HANDLER(read_all_dry),
	    FAAS_HANDLER(set_extreme_buffer_sizes), FAAS_HANDLER(list_what_it_holds));
