/* SPDX-License-Identifier: MIT */
#include <worker/unpackers.h>

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <base/unpacked.h>
#include <faas/types.h>
#include <worker/clone.h>

#define PROGRAM "faas-unpack" /* beside faas-worker */

struct unpacker {
	struct fa_list link;
	uint32_t id;
	pid_t pid;
};

void fa_unpackers_init(struct fa_unpackers *u, uint32_t uid)
{
	ssize_t len = readlink("/proc/self/exe", u->program, sizeof(u->program) - sizeof(PROGRAM));
	char *slash;

	fa_list_init(&u->all);
	u->uid = uid;
	u->program[len < 0 ? 0 : len] = '\0';
	slash = strrchr(u->program, '/');
	strcpy(slash ? slash + 1 : u->program, PROGRAM);
}

static void refuse(int out, const char *why, int error)
{
	struct {
		struct fa_unpacked head;
		char text[FA_UNPACKED_TEXT + 1];
	} word = { .head.kind = FA_UNPACKED_REFUSED, .head.size = -FAAS_ESYSTEM };

	word.head.len = (uint32_t)snprintf(word.text, sizeof(word.text), "%s: %s", why,
					   strerror(error));
	fcntl(out, F_SETFL, O_NONBLOCK); /* it is empty, if it is a pipe */
	if (write(out, &word, sizeof(word.head) + word.head.len) < 0)
		errno = 0; /* nobody listens */
}

/* In the clone. Where a sanitizer speaks, standard error stays. */
_Noreturn static void become_unpacker(const struct fa_unpackers *u, int zip, int out,
				      enum fa_unpack_what what)
{
	static char *const words[] = FA_UNPACK_WORDS;
	char uid[16], *const argv[] = { PROGRAM, words[what], uid, NULL };
	sigset_t none;

	snprintf(uid, sizeof(uid), "%u", u->uid);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
	if (dup2(zip, STDIN_FILENO) < 0 || dup2(out, STDOUT_FILENO) < 0)
		_exit(1);
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
	close(STDERR_FILENO);
	open("/dev/null", O_RDWR);
#endif
	syscall(SYS_close_range, STDERR_FILENO + 1, ~0u, 0);
	execve(u->program, argv, environ);
	refuse(STDOUT_FILENO, "cannot start faas-unpack", errno);
	_exit(1);
}

void fa_unpackers_start(struct fa_unpackers *u, uint32_t id, int zip, int out,
			enum fa_unpack_what what)
{
	struct unpacker *unpacker = calloc(1, sizeof(*unpacker));

	if (!unpacker) {
		refuse(out, "cannot unpack the code", ENOMEM);
		return;
	}
	unpacker->id = id;
	unpacker->pid = fa_clone(0, NULL);
	if (!unpacker->pid)
		become_unpacker(u, zip, out, what);
	if (unpacker->pid > 0) {
		fa_list_append(&u->all, &unpacker->link);
		return;
	}
	refuse(out, "cannot start a process to unpack the code", -unpacker->pid);
	free(unpacker);
}

void fa_unpackers_kill(struct fa_unpackers *u, uint32_t id)
{
	struct fa_list *pos;

	fa_list_for(pos, &u->all) {
		struct unpacker *unpacker = fa_container(pos, struct unpacker, link);

		if (unpacker->id == id) /* not reaped yet, so the pid is still its own */
			kill(unpacker->pid, SIGKILL);
	}
}

void fa_unpackers_bury(struct fa_unpackers *u, pid_t pid)
{
	struct fa_list *pos, *tmp;

	fa_list_for_safe(pos, tmp, &u->all) {
		struct unpacker *unpacker = fa_container(pos, struct unpacker, link);

		if (unpacker->pid != pid)
			continue;
		fa_list_remove(&unpacker->link);
		free(unpacker);
	}
}

void fa_unpackers_end(struct fa_unpackers *u)
{
	while (!fa_list_empty(&u->all)) {
		pid_t pid = fa_container(u->all.next, struct unpacker, link)->pid;

		kill(pid, SIGKILL);
		waitpid(pid, NULL, 0);
		fa_unpackers_bury(u, pid);
	}
}
