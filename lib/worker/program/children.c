/* SPDX-License-Identifier: MIT */
/*
 * The runtime and its extensions are processes. At the end of an environment that has
 * extensions they are told of it and given their time; one that ends before ends all.
 */
#include <worker/program/state.h>

#include <signal.h>
#include <stdio.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define SHUTDOWN_MS 1900 /* a little less than the host waits */

void fa_program_tell_extensions(struct fa_program *p, bool shutdown, int64_t deadline_ms)
{
	struct fa_runtime_answer event;

	for (int i = 0; i < p->extensions.count; i++) {
		struct fa_extension *extension = &p->extensions.at[i];
		struct fa_connection *waiter = extension->waiter;

		if (!fa_extension_event(extension, &p->call.context, shutdown, deadline_ms, &event))
			continue;
		extension->waiter = NULL;
		fa_server_answer(waiter, event.status, event.fields, event.field_count, event.body);
	}
}

/* Of three parts the first is the runtime's, to leave politely; extensions have all of it. */
void fa_program_begin_end(struct fa_program *p)
{
	struct timespec now;

	if (p->phase != FA_PROGRAM_SERVING || !p->extensions.count)
		_exit(0);
	clock_gettime(CLOCK_REALTIME, &now);
	p->phase = FA_PROGRAM_ENDING;
	p->end_ns = fa_program_now_ns() + SHUTDOWN_MS * INT64_C(1000000);
	fa_program_tell_extensions(p, true,
				   now.tv_sec * 1000 + now.tv_nsec / 1000000 + SHUTDOWN_MS);
	kill(p->runtime, SIGTERM);
}

static bool is_over(const struct fa_program *p)
{
	for (int i = 0; i < p->extensions.count; i++)
		if (p->extensions.at[i].pid > 0)
			return false;
	return p->runtime <= 0;
}

/* How long to wait for the next step of the end, ms. */
int fa_program_go_on_ending(struct fa_program *p)
{
	int64_t left_ms = (p->end_ns - fa_program_now_ns()) / 1000000;

	if (is_over(p) || left_ms <= 0)
		_exit(0);
	if (left_ms > SHUTDOWN_MS * 7 / 10)
		return (int)left_ms - SHUTDOWN_MS * 7 / 10;
	if (p->runtime > 0)
		kill(p->runtime, SIGKILL);
	return (int)left_ms;
}

static void bury_extension(struct fa_program *p, pid_t pid, int status)
{
	char message[64];

	for (int i = 0; i < p->extensions.count; i++) {
		if (p->extensions.at[i].pid != pid)
			continue;
		p->extensions.at[i].pid = -1;
		if (WIFSIGNALED(status))
			snprintf(message, sizeof(message), "signal %d", WTERMSIG(status));
		else
			snprintf(message, sizeof(message), "exit status %d", WEXITSTATUS(status));
		if (p->phase != FA_PROGRAM_ENDING && p->phase != FA_PROGRAM_BROKEN)
			fa_program_fail(p, "Extension.Crash", message);
	}
}

/* Others than the runtime are its children, which became ours when it let go of them. */
void fa_program_bury(struct fa_program *p)
{
	struct signalfd_siginfo info;
	int status;
	pid_t pid;

	while (read(p->signals, &info, sizeof(info)) > 0)
		;
	while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
		if (pid != p->runtime) {
			bury_extension(p, pid, status);
			continue;
		}
		p->runtime = 0;
		fa_server_drain(&p->server);
		fa_frames_read(&p->frames);
		if (p->phase != FA_PROGRAM_STARTING && p->phase != FA_PROGRAM_SERVING)
			continue;
		if (!p->stream)
			fa_program_end(p, status);
		p->dead = true;
		p->status = status;
	}
}
