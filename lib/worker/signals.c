/* SPDX-License-Identifier: MIT */
/*
 * Everything here runs inside the handler of SIGSYS: no locks, no memory, raw
 * system calls where libc would interfere. The handler may be left by longjmp()
 * out of the function's own signal handler, therefore it does not block SIGSYS
 * (SA_NODEFER) and keeps nothing that would have to be put back.
 */
#include <worker/signals.h>

#include <errno.h>
#include <linux/audit.h>
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <string.h>
#include <sys/syscall.h>
#include <ucontext.h>
#include <unistd.h>

#ifndef SYS_SECCOMP
#define SYS_SECCOMP 1 /* si_code; in the kernel's headers only */
#endif

/* Where the arguments of a system call are, and where its result goes. */
#if defined(__x86_64__)
#define ARCH AUDIT_ARCH_X86_64
#define ARG(uc, n) ((uc)->uc_mcontext.gregs[(const int[]){ REG_RDI, REG_RSI, REG_RDX }[n]])
#define RESULT(uc) ((uc)->uc_mcontext.gregs[REG_RAX])
#elif defined(__aarch64__)
#define ARCH AUDIT_ARCH_AARCH64
#define ARG(uc, n) ((uc)->uc_mcontext.regs[n])
#define RESULT(uc) ((uc)->uc_mcontext.regs[0])
#else
#error "the registers of a system call are not known for this machine"
#endif

static struct {
	_Atomic uint32_t *last_words;
	bool first; /* process 1 */
} self;

enum action { DELIVER, IGNORE, STOP, DIE };

static enum action default_action(int sig)
{
	switch (sig) {
	case SIGCHLD:
	case SIGCONT:
	case SIGURG:
	case SIGWINCH:
		return IGNORE;
	case SIGSTOP:
	case SIGTSTP:
	case SIGTTIN:
	case SIGTTOU:
		return STOP;
	default:
		return DIE;
	}
}

static bool blocked(const ucontext_t *uc, int sig)
{
	return sig != SIGKILL && sig != SIGSTOP && sigismember(&uc->uc_sigmask, sig) == 1;
}

/* What the signal would do to a process that is not number 1. */
static enum action action_of(const ucontext_t *uc, int sig)
{
	struct fa_disposition current = { .handler = NULL };

	if (sig != SIGKILL && sig != SIGSTOP)
		syscall(SYS_rt_sigaction, sig, NULL, &current, sizeof(current.mask));
	if (current.handler == (void *)SIG_IGN)
		return IGNORE;
	if (current.handler != (void *)SIG_DFL || blocked(uc, sig))
		return DELIVER;
	return default_action(sig);
}

static _Noreturn void die(int sig)
{
	atomic_store(self.last_words, (uint32_t)sig);
	_exit(128 + sig);
}

/* Nobody is there to continue us: the deadline will. */
static _Noreturn void stop(void)
{
	for (;;)
		pause();
}

/* What kill() would have queued; `tid` 0: for the whole process. */
static long queue(pid_t pid, pid_t tid, int sig, int code)
{
	siginfo_t info;

	memset(&info, 0, sizeof(info));
	info.si_signo = sig;
	info.si_code = code;
	info.si_pid = getpid();
	info.si_uid = getuid();
	if (!tid)
		return syscall(SYS_rt_sigqueueinfo, pid, sig, &info);
	return syscall(SYS_rt_tgsigqueueinfo, pid, tid, sig, &info);
}

static long perform(const ucontext_t *uc, pid_t tid, int sig)
{
	switch (action_of(uc, sig)) {
	case DELIVER:
		return queue(1, tid, sig, tid ? SI_TKILL : SI_USER);
	case STOP:
		stop();
	case DIE:
		die(sig);
	case IGNORE:
		break;
	}
	return 0;
}

/* The system call that was trapped, as it should have gone. */
static long emulate(const ucontext_t *uc, int number)
{
	bool thread = number == SYS_tkill || number == SYS_tgkill;
	pid_t target = (pid_t)ARG(uc, 0);
	int sig = (int)(number == SYS_tgkill ? ARG(uc, 2) : ARG(uc, 1));

	errno = EPERM;
	if ((number != SYS_kill && !thread) || !self.first || target != 1 || sig < 1 || sig > 64)
		return -1;
	/* a child of process 1: the kernel lets through what is handled there */
	if (getpid() != 1)
		return queue(1, 0, sig, SI_QUEUE);
	return perform(uc, !thread ? 0 : number == SYS_tkill ? 1 : (pid_t)ARG(uc, 1), sig);
}

static void on_trap(int sig, siginfo_t *info, void *context)
{
	ucontext_t *uc = context;
	int saved = errno;
	long result;

	if (info->si_code != SYS_SECCOMP)
		die(sig);
	errno = EPERM;
	result = info->si_arch == ARCH ? emulate(uc, info->si_syscall) : -1;
	RESULT(uc) = result < 0 ? -errno : result;
	errno = saved;
}

void fa_signals_init(_Atomic uint32_t *last_words)
{
	struct sigaction action = { .sa_flags = SA_SIGINFO | SA_NODEFER | SA_RESTART };
	sigset_t none;

	self.last_words = last_words;
	self.first = getpid() == 1;
	action.sa_sigaction = on_trap;
	sigaction(SIGSYS, &action, NULL);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
}
