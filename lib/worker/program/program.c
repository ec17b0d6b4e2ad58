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

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include <base/error.h>
#include <base/text.h>
#include <worker/areas.h>
#include <worker/context.h>
#include <worker/output.h>
#include <worker/program/extensions.h>
#include <worker/program/frames.h>
#include <worker/program/launch.h>
#include <worker/program/rest.h>
#include <worker/program/runtime_api.h>
#include <worker/program/server.h>
#include <worker/stream.h>

#define SHUTDOWN_MS 1900 /* a little less than the host waits */
#define OWN_FDS 3 /* of a turn, before the server's */
#define LAST_BREATH_NS 50000000 /* between a socket's end and that of its process */

static struct program {
	const struct fa_run *run;
	struct fa_areas areas;
	struct fa_context call;
	struct fa_runtime_api api;
	struct fa_server server;
	struct fa_frames frames;
	struct fa_extensions extensions;
	struct fa_rest rest;
	struct fa_connection *waiter; /* asked for the next event */
	struct fa_connection *stream; /* sends the answer part by part */
	size_t streamed;
	bool stalled;   /* until there is room for more of it */
	int64_t cut_ns; /* not 0: until then whoever cut it short may be found dead */
	bool dead;      /* the runtime, with `status`, and not all it sent is taken */
	int status;
	int signals;
	pid_t runtime;
	enum { STARTING, SERVING, BROKEN, ENDING } phase;
	char *error; /* of init, in the program's own words; or call.failure */
	size_t error_len;
	bool open;   /* a request has begun and is not answered */
	uint32_t seq, flags;
	uint32_t done, rung;
	int64_t begun_ns, finished_ns, end_ns; /* ENDING: until then */
} program;

static int64_t now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * INT64_C(1000000000) + now.tv_nsec;
}

/* ---- answers to the host ------------------------------------------------- */

static void answer(struct program *p)
{
	struct fa_response_head *head = p->areas.response;
	int64_t took_ns;

	fa_frames_read(&p->frames); /* what it logged of this event is before its end */
	p->finished_ns = now_ns();
	took_ns = p->finished_ns - p->begun_ns;
	p->call.logged = 1; /* it writes by itself: who knows */
	fa_context_close(&p->call);
	p->open = false;
	p->done = p->seq;
	atomic_store_explicit(&head->cpu, (uint32_t)sched_getcpu(), memory_order_relaxed);
	atomic_store_explicit(&head->service_ns,
			      took_ns > UINT32_MAX ? UINT32_MAX : (uint32_t)took_ns,
			      memory_order_relaxed);
	atomic_store(&head->resetting, p->flags & FA_REQ_START ? 0 : p->seq);
	atomic_store(&head->seq, p->seq);
	if (p->flags & FA_REQ_ASYNC)
		fa_areas_ring(p->run, &p->rung);
	else
		fa_areas_wake_host(&p->areas);
}

/* As the host expects it of a process 1, which cannot die of a signal of its own. */
static _Noreturn void end(struct program *p, int status)
{
	int sig = WIFSIGNALED(status) ? WTERMSIG(status) : 0;

	if (!sig)
		_exit(WEXITSTATUS(status));
	atomic_store(&p->areas.response->last_words, (uint32_t)sig);
	_exit(128 + sig);
}

static void fail_event(struct program *p, const char *type, const char *message)
{
	char text[256];

	snprintf(text, sizeof(text), "RequestId: %s Error: %s", p->call.context.request_id,
		 message);
	fa_context_fail(&p->call, FA_FAILED, type, text);
}

/* Of an answer that was passed on all is there but its end. */
static void finish(struct program *p)
{
	const struct fa_runtime_result *result = &p->api.result;

	p->stream = NULL;
	fa_server_forget(&p->server, p->api.event);
	if (result->too_large)
		p->call.outcome = FA_TOO_LARGE;
	else if (result->message)
		fail_event(p, result->type, result->message);
	else if (result->failed)
		fa_context_fail_body(&p->call, FA_FAILED, result->type, result->body);
	else if (faas_write(&p->call.context, result->body.data, result->body.len) == 0)
		p->call.outcome = FA_DONE;
	answer(p);
	if (p->dead)
		end(p, p->status);
}

static _Noreturn void report_broken(struct program *p)
{
	char message[sizeof(p->call.failure.message) + 64], type[FA_RUNTIME_TYPE];

	if (p->error) {
		snprintf(type, sizeof(type), "%s", p->call.failure.type);
		fa_context_fail_body(&p->call, FA_INIT_FAILED, type,
				     (struct faas_bytes){ p->error, p->error_len });
	} else {
		snprintf(type, sizeof(type), "%s", p->call.failure.type);
		snprintf(message, sizeof(message), "RequestId: %s Error: %s",
			 p->call.context.request_id, p->call.failure.message);
		fa_context_fail(&p->call, FA_INIT_FAILED, type, message);
	}
	answer(p);
	_exit(FA_RUN_INIT_FAILED);
}

/* ---- requests of the host ------------------------------------------------ */

static bool is_posted(const struct program *p)
{
	return atomic_load(&p->areas.request->seq) != p->done;
}

static void send_event(struct program *p, struct fa_connection *to)
{
	struct fa_runtime_answer event;

	fa_runtime_event(&p->api, &event);
	atomic_store(&p->areas.response->resetting, 0);
	fa_server_answer(to, event.status, event.fields, event.field_count, event.body);
}

static void tell_extensions(struct program *p, bool shutdown, int64_t deadline_ms)
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

static void offer(struct program *p, const struct fa_request_slot *slot)
{
	struct fa_connection *waiter = p->waiter;
	struct faas_bytes event = { (const char *)p->areas.request + slot->off, slot->len };

	p->open = true;
	tell_extensions(p, false, p->call.context.deadline_ms);
	if (!fa_runtime_offer(&p->api, &p->call.context, event) || !waiter)
		return;
	p->waiter = NULL;
	send_event(p, waiter);
}

/* Of three parts the first is the runtime's, to leave politely; extensions have all of it. */
static void begin_end(struct program *p)
{
	struct timespec now;

	if (p->phase != SERVING || !p->extensions.count)
		_exit(0);
	clock_gettime(CLOCK_REALTIME, &now);
	p->phase = ENDING;
	p->end_ns = now_ns() + SHUTDOWN_MS * INT64_C(1000000);
	tell_extensions(p, true, now.tv_sec * 1000 + now.tv_nsec / 1000000 + SHUTDOWN_MS);
	kill(p->runtime, SIGTERM);
}

static bool is_over(const struct program *p)
{
	for (int i = 0; i < p->extensions.count; i++)
		if (p->extensions.at[i].pid > 0)
			return false;
	return p->runtime <= 0;
}

/* How long to wait for the next step of the end, ms. */
static int go_on_ending(struct program *p)
{
	int64_t left_ms = (p->end_ns - now_ns()) / 1000000;

	if (is_over(p) || left_ms <= 0)
		_exit(0);
	if (left_ms > SHUTDOWN_MS * 7 / 10)
		return (int)left_ms - SHUTDOWN_MS * 7 / 10;
	if (p->runtime > 0)
		kill(p->runtime, SIGKILL);
	return (int)left_ms;
}

static void begin(struct program *p)
{
	const struct fa_request_slot *slot = fa_areas_slot(&p->areas, p->done + 1);

	fa_rest_end(&p->rest);
	if (slot->flags & FA_REQ_SHUTDOWN) {
		begin_end(p);
		return;
	}
	p->seq = p->done + 1;
	p->flags = slot->flags;
	p->begun_ns = now_ns();
	fa_context_open(&p->call, slot, p->seq,
			fa_areas_deadline(slot, p->run->timeout_ms, p->done, p->finished_ns));
	if (p->phase == BROKEN)
		report_broken(p);
	if (slot->flags & FA_REQ_START) {
		p->call.outcome = FA_STARTED;
		answer(p);
	} else {
		offer(p, slot);
	}
}

/* ---- requests of the program --------------------------------------------- */

static void init_is_over(struct program *p, int phase)
{
	p->phase = phase;
	p->finished_ns = now_ns();
	atomic_store(&p->areas.response->init_done_ns, (uint64_t)p->finished_ns);
}

static void start_runtime(struct program *p)
{
	p->runtime = fa_launch(p->run, p->frames.program_fd, &p->call.failure);
	fa_frames_given(&p->frames);
	if (p->runtime < 0)
		init_is_over(p, BROKEN);
}

static void keep_error(struct program *p)
{
	const struct fa_runtime_result *result = &p->api.result;

	p->error_len = result->too_large ? 0 : result->body.len;
	p->error = malloc(p->error_len + 1);
	if (p->error)
		memcpy(p->error, result->body.data, p->error_len);
	memcpy(p->call.failure.type, result->type, sizeof(result->type));
	init_is_over(p, BROKEN);
}

/* Who asks again has given up what it asked before. */
static void wait_for_event(struct program *p, struct fa_connection *from)
{
	if (p->waiter)
		fa_server_answer(p->waiter, 503, NULL, 0, (struct faas_bytes){ "", 0 });
	p->waiter = from;
}

/* The runtime waits for an event, and so does every extension. */
static void look_at_init(struct program *p)
{
	if (p->phase != STARTING)
		return;
	if (p->runtime <= 0 && fa_extensions_registered(&p->extensions))
		start_runtime(p);
	else if (p->extensions.closed && fa_extensions_ready(&p->extensions))
		init_is_over(p, SERVING);
}

/* No environment goes on without one of its extensions. */
static void fail(struct program *p, const char *type, const char *message)
{
	if (p->open) {
		fail_event(p, type, message);
		answer(p);
	}
	if (p->phase != STARTING)
		_exit(1);
	fa_error_typed(&p->call.failure, FAAS_EFUNCTION, type, "%s", message);
	init_is_over(p, BROKEN);
}

/* ---- an answer in parts --------------------------------------------------- */

static bool on_head(void *data, struct fa_connection *from, const struct fa_http_request *request)
{
	struct program *p = data;

	if (!p->open || !fa_runtime_begin(&p->api, request, p->call.streams))
		return false;
	p->stream = from;
	p->streamed = 0;
	if (p->api.http)
		fa_context_begin_http(&p->call);
	return true;
}

static size_t on_piece(void *data, struct fa_connection *from, struct faas_bytes piece)
{
	struct program *p = data;
	bool fits = p->api.streaming || piece.len <= FA_RUNTIME_BODY_MAX - p->streamed;
	int64_t taken = fits ? fa_context_pour(&p->call, piece.data, piece.len) : -1;
	struct fa_runtime_answer reply;

	if (taken >= 0) {
		p->streamed += (size_t)taken;
		p->stalled = (size_t)taken < piece.len;
		return (size_t)taken;
	}
	fa_runtime_overflow(&p->api, &reply);
	finish(p);
	fa_server_answer(from, reply.status, reply.fields, reply.field_count, reply.body);
	return piece.len;
}

static void finish_stream(struct program *p, struct fa_connection *from,
			  const struct fa_http_request *request)
{
	struct fa_runtime_answer reply;

	fa_runtime_end(&p->api, request, &reply);
	finish(p);
	fa_server_answer(from, reply.status, reply.fields, reply.field_count, reply.body);
}

/* Who died in the middle has an end of its own, and that is about to be known. */
static void lose_stream(struct program *p)
{
	p->stream = NULL;
	p->stalled = false;
	if (p->dead)
		end(p, p->status);
	p->cut_ns = now_ns() + LAST_BREATH_NS;
}

static void cut_stream(struct program *p)
{
	p->cut_ns = 0;
	fa_runtime_cut(&p->api);
	finish(p);
}

static void go_on_streaming(struct program *p)
{
	if (p->cut_ns && now_ns() >= p->cut_ns)
		cut_stream(p);
	if (!p->stalled || !fa_stream_has_room(&p->call))
		return;
	p->stalled = false;
	fa_server_resume(p->stream);
}

/* ---- requests of all kinds ------------------------------------------------ */

static void serve_extension(struct program *p, struct fa_connection *from,
			    const struct fa_http_request *request)
{
	struct fa_runtime_answer reply;
	enum fa_runtime_step step = fa_extensions_take(&p->extensions, request, from, &reply);

	if (step != FA_RUNTIME_WAIT)
		fa_server_answer(from, reply.status, reply.fields, reply.field_count, reply.body);
	if (step == FA_RUNTIME_RESULT)
		fail(p, p->extensions.error, "an extension gave up");
	else
		look_at_init(p);
}

static void on_request(void *data, struct fa_connection *from,
		       const struct fa_http_request *request)
{
	struct program *p = data;
	struct fa_runtime_answer reply;
	enum fa_runtime_step step;

	if (fa_extensions_meant(request)) {
		serve_extension(p, from, request);
		return;
	}
	if (from == p->stream) {
		finish_stream(p, from, request);
		return;
	}
	if (p->cut_ns)
		cut_stream(p); /* whoever asks is not dead */
	step = fa_runtime_take(&p->api, request, &reply);
	if (step == FA_RUNTIME_RESULT && p->api.state == FA_RUNTIME_INIT_FAILED)
		keep_error(p);
	else if (step == FA_RUNTIME_RESULT)
		finish(p);
	else if (p->api.state == FA_RUNTIME_RUNNING)
		atomic_store(&p->areas.response->resetting, 0);
	p->extensions.closed = p->api.state != FA_RUNTIME_STARTED;
	look_at_init(p);
	if (step == FA_RUNTIME_WAIT)
		wait_for_event(p, from);
	else
		fa_server_answer(from, reply.status, reply.fields, reply.field_count, reply.body);
}

static void on_gone(void *data, struct fa_connection *from)
{
	struct program *p = data;

	if (p->waiter == from)
		p->waiter = NULL;
	if (p->stream == from)
		lose_stream(p);
	fa_extensions_gone(&p->extensions, from);
}

/* ---- the program's end --------------------------------------------------- */

static void bury_extension(struct program *p, pid_t pid, int status)
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
		if (p->phase != ENDING && p->phase != BROKEN)
			fail(p, "Extension.Crash", message);
	}
}

/* Others than the runtime are its children, which became ours when it let go of them. */
static void bury(struct program *p)
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
		if (p->phase != STARTING && p->phase != SERVING)
			continue;
		if (!p->stream)
			end(p, status);
		p->dead = true;
		p->status = status;
	}
}

/* ---- life ---------------------------------------------------------------- */

static void read_bell(const struct program *p)
{
	char ring[64];

	while (recv(p->run->bell_fd, ring, sizeof(ring), MSG_DONTWAIT) > 0)
		;
}

/* Why the host shall ring, as its wire has it. */
static uint32_t wish(const struct program *p, bool ready)
{
	return ready ? 3 : p->stalled ? 5 : 0;
}

static bool is_granted(const struct program *p, uint32_t wish)
{
	return (wish == 3 && is_posted(p)) || (wish == 5 && fa_stream_has_room(&p->call));
}

/* How long there is nothing to do, ms; -1: until somebody says something. */
static int patience(struct program *p)
{
	int64_t now = now_ns(), left_ns = fa_rest_left_ns(&p->rest, now);

	if (p->phase == ENDING)
		return go_on_ending(p);
	if (p->cut_ns)
		left_ns = p->cut_ns > now ? p->cut_ns - now : 0;
	return left_ns < 0 ? -1 : (int)((left_ns + 999999) / 1000000);
}

/* The runtime waits for its next event, and so does every extension. */
static bool all_wait(const struct program *p)
{
	return p->phase == SERVING && !p->open && p->waiter && fa_extensions_ready(&p->extensions);
}

static void rest(struct program *p)
{
	int64_t now = now_ns();

	fa_rest_note(&p->rest, all_wait(p), now);
	if (fa_rest_left_ns(&p->rest, now) == 0 && !is_posted(p))
		fa_rest_begin(&p->rest);
}

/* With `ready` the host shall ring for what it posts. */
static void turn(struct program *p, bool ready)
{
	_Atomic uint32_t *sleeping = &p->areas.response->sleeping;
	uint32_t why = wish(p, ready);
	struct pollfd fds[OWN_FDS + FA_SERVER_FDS] = {
		{ .fd = p->run->bell_fd, .events = POLLIN },
		{ .fd = p->signals, .events = POLLIN },
		{ .fd = p->frames.fd, .events = POLLIN },
	};
	int count = OWN_FDS + fa_server_fill(&p->server, fds + OWN_FDS), patience_ms;

	rest(p);
	patience_ms = patience(p);
	atomic_store(sleeping, why);
	if (poll(fds, (nfds_t)count, is_granted(p, why) ? 0 : patience_ms) < 0)
		count = 0;
	atomic_store_explicit(sleeping, 0, memory_order_relaxed);
	if (!count)
		return;
	if (fds[0].revents)
		read_bell(p);
	if (fds[2].revents)
		fa_frames_read(&p->frames);
	fa_server_serve(&p->server, fds + OWN_FDS, count - OWN_FDS);
	if (fds[1].revents)
		bury(p);
	go_on_streaming(p);
}

/* One that was made ahead: nothing of the function is here before somebody wants it. */
static void await_first(struct program *p)
{
	struct pollfd bell = { .fd = p->run->bell_fd, .events = POLLIN };

	while (p->run->waits && !is_posted(p)) {
		atomic_store(&p->areas.response->sleeping, 3);
		if (!is_posted(p))
			poll(&bell, 1, -1);
		read_bell(p);
	}
	atomic_store(&p->areas.response->sleeping, 0);
	atomic_store(&p->areas.response->init_start_ns, (uint64_t)now_ns());
}

static void set_up(struct program *p, const struct fa_run *run)
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

static void start(struct program *p)
{
	struct sockaddr_in address = fa_launch_address(p->run);

	fa_runtime_init(&p->api);
	p->server.on_head = on_head;
	p->server.on_piece = on_piece;
	p->server.on_request = on_request;
	p->server.on_gone = on_gone;
	p->server.data = p;
	if (fa_server_open(&p->server, &address) < 0)
		_exit(FA_RUN_BROKEN);
	fa_frames_open(&p->frames, p->run->log_fd);
	fa_launch_prepare(p->run, &address, p->frames.program_fd);
	p->extensions.settings = &p->run->settings;
	if (fa_launch_extensions(p->run, &p->extensions, &p->call.failure) < 0)
		init_is_over(p, BROKEN);
	atomic_store(&p->areas.response->has_shutdown, p->extensions.count > 0);
	look_at_init(p);
}

bool fa_program_possible(void)
{
	return true;
}

/* An environment is free again once all in it wait for the next event. */
static bool is_ready(const struct program *p)
{
	return p->phase == BROKEN ||
	       (p->phase == SERVING && fa_extensions_ready(&p->extensions));
}

_Noreturn void fa_program_run(const struct fa_run *run)
{
	struct program *p = &program;

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
