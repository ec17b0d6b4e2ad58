/* SPDX-License-Identifier: MIT */
/*
 * Process 1 of the environment is ours: it holds the areas, as any worker does, and is the
 * Runtime API to the program, its child, which shares the sandbox with it. The program
 * cannot reach it but through the API: process 1 gets no signal from its own namespace, it
 * cannot be dumped or traced, and what it holds open is closed in the child. For the host
 * nothing is different: an answer, an exit status, last words.
 *
 * What the program sent before it ended counts: its sockets are read before its end is.
 */
#include <worker/program/program.h>

#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>
#include <worker/output.h>
#include <worker/program/launch.h>
#include <worker/program/state.h>
#include <worker/stream.h>

#define OWN_FDS 5 /* of a turn; those of telemetry and of the server follow */

static struct fa_program program;

int64_t fa_program_now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * INT64_C(1000000000) + now.tv_nsec;
}

/* ---- requests of the host ------------------------------------------------ */

static bool is_posted(const struct fa_program *p)
{
	return atomic_load(&p->areas.request->seq) != p->done;
}

static void send_event(struct fa_program *p, struct fa_connection *to)
{
	struct fa_runtime_answer event;

	fa_runtime_event(&p->api, &event);
	atomic_store(&p->areas.response->resetting, 0);
	fa_server_answer(to, event.status, event.fields, event.field_count, event.body);
}

static void offer(struct fa_program *p, const struct fa_request_slot *slot)
{
	struct fa_connection *waiter = p->waiter;
	struct faas_bytes event = { (const char *)p->areas.request + slot->off, slot->len };

	p->open = true;
	if (p->api.state == FA_RUNTIME_RESTORABLE)
		fa_platform_restores(&p->platform, fa_program_now_ns());
	fa_platform_begin(&p->platform, &p->call.context, fa_telemetry_now());
	fa_program_tell_extensions(p, false, p->call.context.deadline_ms);
	if (p->api.state == FA_RUNTIME_RESTORABLE) {
		fa_runtime_offer(&p->api, &p->call.context, event);
		fa_program_restore(p);
		return;
	}
	if (!fa_runtime_offer(&p->api, &p->call.context, event) || !waiter)
		return;
	p->waiter = NULL;
	send_event(p, waiter);
}

static void wake(struct fa_program *p)
{
	if (p->rest.still)
		fa_telemetry_woken(&p->telemetry, fa_program_now_ns());
	fa_rest_end(&p->rest);
}

static void begin(struct fa_program *p)
{
	const struct fa_request_slot *slot = fa_areas_slot(&p->areas, p->done + 1);

	wake(p);
	if (slot->flags & FA_REQ_SHUTDOWN) {
		fa_program_begin_end(p);
		return;
	}
	p->seq = p->done + 1;
	p->flags = slot->flags;
	p->begun_ns = fa_program_now_ns();
	fa_context_open(&p->call, slot, p->seq,
			fa_areas_deadline(slot, p->run->timeout_ms, p->done, p->finished_ns));
	if (p->phase == FA_PROGRAM_BROKEN)
		fa_program_report_broken(p);
	if (slot->flags & FA_REQ_START) {
		p->call.outcome = FA_STARTED;
		fa_program_answer(p);
	} else {
		offer(p, slot);
	}
}

/* ---- life ---------------------------------------------------------------- */

static void read_bell(const struct fa_program *p)
{
	char ring[64];

	while (recv(p->run->bell_fd, ring, sizeof(ring), MSG_DONTWAIT) > 0)
		;
}

/* Why the host shall ring, as its wire has it. */
static uint32_t wish(const struct fa_program *p, bool ready)
{
	return ready ? 3 : p->stalled ? 5 : 0;
}

static bool is_granted(const struct fa_program *p, uint32_t wish)
{
	return (wish == 3 && is_posted(p)) || (wish == 5 && fa_stream_has_room(&p->call));
}

/* The sooner of two, of which -1 is never. */
static int64_t sooner(int64_t a, int64_t b)
{
	return a < 0 ? b : b < 0 || a < b ? a : b;
}

/* How long there is nothing to do, ms; -1: until somebody says something. */
static int patience(struct fa_program *p)
{
	int64_t now = fa_program_now_ns(), left_ns = fa_rest_left_ns(&p->rest, now);

	if (p->phase == FA_PROGRAM_ENDING)
		return fa_program_go_on_ending(p);
	if (p->cut_ns)
		left_ns = p->cut_ns > now ? p->cut_ns - now : 0;
	if (p->restore_ns)
		left_ns = sooner(left_ns, p->restore_ns > now ? p->restore_ns - now : 0);
	if (!p->rest.still)
		left_ns = sooner(left_ns, fa_telemetry_left_ns(&p->telemetry, now));
	return left_ns < 0 ? -1 : (int)((left_ns + 999999) / 1000000);
}

/* The runtime waits for its next event, and so does every extension. */
static bool all_wait(const struct fa_program *p)
{
	return p->phase == FA_PROGRAM_SERVING && !p->open && p->waiter &&
	       fa_extensions_ready(&p->extensions);
}

/* Before they rest, subscribers are told all there is, as long as that goes on. */
static void rest(struct fa_program *p)
{
	int64_t now = fa_program_now_ns();
	bool waiting = all_wait(p);

	if (waiting)
		fa_platform_all_wait(&p->platform, now);
	fa_rest_note(&p->rest, waiting, now);
	if (fa_rest_left_ns(&p->rest, now) != 0 || is_posted(p))
		return;
	if (!fa_telemetry_look(&p->telemetry, true, now) || !fa_rest_hold(&p->rest))
		fa_rest_begin(&p->rest);
}

void fa_program_read_logs(struct fa_program *p)
{
	fa_tap_flush(&p->output);
	fa_tap_flush(&p->extensions_output);
	fa_frames_read(&p->frames);
}

static void serve(struct fa_program *p, const struct pollfd *fds, int subscribers, int count)
{
	if (fds[0].revents)
		read_bell(p);
	if (fds[2].revents)
		fa_frames_read(&p->frames);
	if (fds[3].revents)
		fa_tap_read(&p->output);
	if (fds[4].revents)
		fa_tap_read(&p->extensions_output);
	fa_telemetry_serve(&p->telemetry, fds + OWN_FDS, subscribers);
	fa_server_serve(&p->server, fds + OWN_FDS + subscribers, count - OWN_FDS - subscribers);
	if (fds[1].revents)
		fa_program_bury(p);
}

/* With `ready` the host shall ring for what it posts. */
static void turn(struct fa_program *p, bool ready)
{
	_Atomic uint32_t *sleeping = &p->areas.response->sleeping;
	uint32_t why = wish(p, ready);
	struct pollfd fds[OWN_FDS + FA_EXTENSIONS_MAX + FA_SERVER_FDS] = {
		{ .fd = p->run->bell_fd, .events = POLLIN },
		{ .fd = p->signals, .events = POLLIN },
		{ .fd = p->frames.fd, .events = POLLIN },
		{ .fd = p->output.fd, .events = POLLIN },
		{ .fd = p->extensions_output.fd, .events = POLLIN },
	};
	int patience_ms, subscribers, count, ready_fds;

	rest(p);
	if (!p->rest.still)
		fa_telemetry_look(&p->telemetry, false, fa_program_now_ns());
	patience_ms = patience(p);
	subscribers = fa_telemetry_fill(&p->telemetry, fds + OWN_FDS);
	count = OWN_FDS + subscribers;
	count += fa_server_fill(&p->server, fds + count);
	atomic_store(sleeping, why);
	ready_fds = poll(fds, (nfds_t)count, is_granted(p, why) ? 0 : patience_ms);
	atomic_store_explicit(sleeping, 0, memory_order_relaxed);
	if (ready_fds >= 0)
		serve(p, fds, subscribers, count);
	fa_program_go_on_with_parts(p);
	fa_program_look_at_restore(p);
}

/* One that was made ahead: nothing of the function is here before somebody wants it. */
static void await_first(struct fa_program *p)
{
	struct pollfd bell = { .fd = p->run->bell_fd, .events = POLLIN };

	while (p->run->waits && !is_posted(p)) {
		atomic_store(&p->areas.response->sleeping, 3);
		if (!is_posted(p))
			poll(&bell, 1, -1);
		read_bell(p);
	}
	atomic_store(&p->areas.response->sleeping, 0);
	atomic_store(&p->areas.response->init_start_ns, (uint64_t)fa_program_now_ns());
}

static void set_up(struct fa_program *p, const struct fa_run *run)
{
	struct sigaction ends = { .sa_handler = SIG_DFL, .sa_flags = SA_NOCLDSTOP };
	sigset_t children;

	p->run = run;
	p->call.run = run;
	fa_areas_map(&p->areas, run);
	fa_areas_close(run);
	fa_output_init(run->log_fd);
	p->call.settings = &run->settings;
	p->call.variables = run->variables;
	p->call.request = p->areas.request;
	p->call.response = p->areas.response;
	p->call.log_fd = run->log_fd;
	fa_context_init(&p->call, run->memory_mb);
	sigemptyset(&children);
	sigaddset(&children, SIGCHLD);
	sigprocmask(SIG_SETMASK, &children, NULL);
	sigaction(SIGCHLD, &ends, NULL); /* nobody hears of it who stands still */
	p->signals = signalfd(-1, &children, SFD_NONBLOCK | SFD_CLOEXEC);
	if (p->signals < 0)
		_exit(FA_RUN_BROKEN);
}

static void on_function_line(void *data, const char *line, size_t len)
{
	struct fa_program *p = data;

	fa_telemetry_line(&p->telemetry, FA_TELEMETRY_FUNCTION, line, len);
}

static void on_extension_line(void *data, const char *line, size_t len)
{
	struct fa_program *p = data;

	fa_telemetry_line(&p->telemetry, FA_TELEMETRY_EXTENSION, line, len);
}

static void start(struct fa_program *p)
{
	struct sockaddr_in address = fa_launch_address(p->run);

	fa_runtime_init(&p->api);
	p->api.snap_start = p->run->flags & FA_NEST_SNAP_START;
	p->server.on_head = fa_program_on_head;
	p->server.on_piece = fa_program_on_piece;
	p->server.on_request = fa_program_on_request;
	p->server.on_gone = fa_program_on_gone;
	p->server.data = p;
	if (fa_server_open(&p->server, &address) < 0)
		_exit(FA_RUN_BROKEN);
	fa_telemetry_init(&p->telemetry, &address, p->run->settings.log_format);
	fa_frames_open(&p->frames, p->run->log_fd);
	p->frames.record = on_function_line;
	p->frames.data = p;
	fa_tap_init(&p->output, p->run->log_fd, on_function_line, p);
	fa_tap_init(&p->extensions_output, p->run->log_fd, on_extension_line, p);
	fa_launch_prepare(p->run, &address, p->frames.program_fd);
	fa_platform_init(&p->platform, &p->telemetry, p->run);
	p->extensions.settings = &p->run->settings;
	if (fa_launch_extensions(p->run, &p->extensions, &p->extensions_output, &p->call.failure) <
	    0)
		fa_program_init_is_over(p, FA_PROGRAM_BROKEN);
	atomic_store(&p->areas.response->has_shutdown, p->extensions.count > 0);
	fa_program_look_at_init(p);
}

bool fa_program_possible(void)
{
	return true;
}

/* An environment is free again once all in it wait for the next event. */
static bool is_ready(const struct fa_program *p)
{
	return p->phase == FA_PROGRAM_BROKEN ||
	       (p->phase == FA_PROGRAM_SERVING && fa_extensions_ready(&p->extensions));
}

_Noreturn void fa_program_run(const struct fa_run *run)
{
	struct fa_program *p = &program;

	set_up(p, run);
	await_first(p);
	start(p);
	for (;;) {
		bool ready = !p->open && is_ready(p);

		if (ready && is_posted(p) && fa_areas_claim(&p->areas, p->done + 1))
			begin(p);
		else
			turn(p, ready);
	}
}
