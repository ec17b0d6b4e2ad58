/* SPDX-License-Identifier: MIT */
#include <worker/seccomp.h>

#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stdint.h>
#include <sys/syscall.h>
#include <unistd.h>

/* `static const struct sock_filter filter_N[]` and the table `filters`. */
#include <worker/seccomp_filters.inc>

int fa_seccomp_available(void)
{
	uint32_t action = SECCOMP_RET_KILL_PROCESS;

	return syscall(SYS_seccomp, SECCOMP_GET_ACTION_AVAIL, 0, &action) < 0 ? -errno : 0;
}

int fa_seccomp_install(unsigned filter)
{
	struct sock_fprog program = {
		.len = filters[filter].len,
		.filter = (struct sock_filter *)filters[filter].code,
	};

	return syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &program) < 0 ? -errno : 0;
}
