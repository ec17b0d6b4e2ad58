/* SPDX-License-Identifier: MIT */
#include <worker/alone.h>

#include <sched.h>
#include <signal.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

/* The kernel refuses to separate us from our threads if there are any. */
bool fa_alone_has_threads(void)
{
	return syscall(SYS_unshare, CLONE_THREAD) < 0;
}

bool fa_alone_has_children(void)
{
	siginfo_t info;

	return syscall(SYS_waitid, P_ALL, 0, &info, WNOHANG | WEXITED | WNOWAIT | __WALL, NULL) ==
	       0;
}

const char *fa_alone_why_not(void)
{
	if (fa_alone_has_threads())
		return "it has left a thread running";
	if (fa_alone_has_children())
		return "it has left a process running";
	return NULL;
}
