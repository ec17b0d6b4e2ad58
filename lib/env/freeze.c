/* SPDX-License-Identifier: MIT */
/* An environment is a process group of its own: one signal is for all of it. */
#include <env/freeze.h>

#include <errno.h>
#include <signal.h>
#include <sys/syscall.h>
#include <unistd.h>

#define GROUP 4u /* PIDFD_SIGNAL_PROCESS_GROUP, since Linux 6.9 */

/* Before 6.9 children are left alone: their number could be another's by now. */
static bool tell(const struct fa_env *env, int signal)
{
	long rc = syscall(SYS_pidfd_send_signal, env->pidfd, signal, NULL, GROUP);

	if (rc < 0 && errno == EINVAL)
		rc = syscall(SYS_pidfd_send_signal, env->pidfd, signal, NULL, 0);
	return rc == 0;
}

void fa_env_freeze(struct fa_env *env)
{
	if (env->pidfd >= 0 && !env->template && env->kit &&
	    atomic_load_explicit(&env->kit->response->company, memory_order_relaxed))
		env->frozen = tell(env, SIGSTOP);
}

void fa_env_thaw(struct fa_env *env)
{
	env->frozen = false;
	if (env->pidfd >= 0)
		tell(env, SIGCONT);
}
