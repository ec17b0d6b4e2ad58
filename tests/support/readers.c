/* SPDX-License-Identifier: MIT */
#include <support/readers.h>

#include <errno.h>
#include <libgen.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <base/error.h>

static int start(void *data, int zip, int out, enum fa_unpack_what what, struct faas_error *err)
{
	static char *const words[] = FA_UNPACK_WORDS;
	char worker[] = TEST_WORKER, path[sizeof(worker) + 32];
	char *argv[] = { "faas-unpack", words[what], "0", NULL };
	posix_spawn_file_actions_t actions;
	pid_t pid;
	int rc;

	(void)data;
	snprintf(path, sizeof(path), "%s/faas-unpack", dirname(worker));
	posix_spawn_file_actions_init(&actions);
	posix_spawn_file_actions_adddup2(&actions, zip, STDIN_FILENO);
	posix_spawn_file_actions_adddup2(&actions, out, STDOUT_FILENO);
	rc = posix_spawn(&pid, path, &actions, NULL, argv, NULL);
	posix_spawn_file_actions_destroy(&actions);
	return rc ? fa_error_errno(err, rc, "cannot start faas-unpack") : pid;
}

static bool stop(void *data, int pid)
{
	(void)data;
	kill(pid, SIGKILL);
	while (waitpid(pid, NULL, 0) < 0 && errno == EINTR)
		;
	return true;
}

void readers_init(struct fa_readers *readers)
{
	*readers = (struct fa_readers){ .start = start,
					.stop = stop,
					.silence_ms = FA_READER_SILENCE_MS,
					.patience_ms = FA_READER_PATIENCE_MS };
}
