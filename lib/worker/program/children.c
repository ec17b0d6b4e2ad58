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
#include <unistd.h>

#define SHUTDOWN_MS 1900 /* a little less than the host waits */
#define DELIVERY_MS 400  /* of them, for what subscribers have yet to hear */

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

/*
 * What subscribers have yet to hear is sent before they hear of the end. Of three parts of the
 * time that is left the first is the runtime's, to leave politely; extensions have all of it.
 */
void fa_program_begin_end(struct fa_program *p)
{
	if (p->phase != FA_PROGRAM_SERVING || !p->extensions.count)
		_exit(0);
	p->phase = FA_PROGRAM_ENDING;
	p->end_ns = fa_program_now_ns() + SHUTDOWN_MS * INT64_C(1000000);
	fa_platform_all_wait(&p->platform, fa_program_now_ns());
}

static void tell_end(struct fa_program *p, int64_t left_ms)
{
	p->told = true;
	fa_program_tell_extensions(p, true, fa_telemetry_now().unix_ms + left_ms);
	if (p->runtime > 0)
		kill(p->runtime, SIGTERM);
}

static bool is_over(const struct fa_program *p)
{
	for (int i = 0; i < p->extensions.count; i++)
		if (p->extensions.at[i].pid > 0)
			return false;
	return p->runtime <= 0;
}

static int64_t sooner(int64_t a, int64_t b)
{
	return a < b ? a : b;
}

/* How long to wait for the next step of the end, ms. */
int fa_program_go_on_ending(struct fa_program *p)
{
	int64_t now_ns = fa_program_now_ns(), left_ms = (p->end_ns - now_ns) / 1000000;
	bool delivering = fa_telemetry_look(&p->telemetry, true, now_ns);
	int64_t telemetry_ns = fa_telemetry_left_ns(&p->telemetry, now_ns), wait_ms = left_ms;

	if (is_over(p) || left_ms <= 0)
		_exit(0);
	if (!p->told && (!delivering || left_ms <= SHUTDOWN_MS - DELIVERY_MS))
		tell_end(p, left_ms);
	if (!p->told)
		wait_ms = left_ms - (SHUTDOWN_MS - DELIVERY_MS);
	else if (left_ms > SHUTDOWN_MS * 7 / 10)
		wait_ms = left_ms - SHUTDOWN_MS * 7 / 10;
	else if (p->runtime > 0)
		kill(p->runtime, SIGKILL);
	if (telemetry_ns >= 0)
		wait_ms = sooner(wait_ms, (telemetry_ns + 999999) / 1000000);
	return (int)wait_ms;
}

static void bury_extension(struct fa_program *p, pid_t pid, int status)
{
	char message[64];

	for (int i = 0; i < p->extensions.count; i++) {
		if (p->extensions.at[i].pid != pid)
			continue;
		p->extensions.at[i].pid = -1;
		fa_tap_flush(&p->extensions_output);
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
		fa_program_read_logs(p);
		if (p->phase != FA_PROGRAM_STARTING && p->phase != FA_PROGRAM_SERVING)
			continue;
		if (!p->stream)
			fa_program_end(p, status);
		p->dead = true;
		p->status = status;
	}
}
