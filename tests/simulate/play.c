/* SPDX-License-Identifier: MIT */
/*
 * The play: a host program that does at random all that a host may do, and keeps its own
 * account of every event, which what it is told has to agree with.
 */
#include "play.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <runtime.h>

#include "change.h"
#include "check.h"
#include "disk.h"
#include "letters.h"
#include "machine.h"

#define LINES 512 /* versions with an order of their own */
#define DAY (86400 * SECOND)
#define CLOSE_STEPS 20000

static int last_in[LINES]; /* of the requests that wait: the last that was handed over */

/* ---- what machines tell ------------------------------------------------ */

/* What is published keeps the description, and waits in a line of its own. */
static int line_of(const struct fa_version *version)
{
	return (atoi(version->config.description) * 2 + (version->number != 0)) % LINES;
}

void open_lines(int described)
{
	last_in[described * 2 % LINES] = last_in[(described * 2 + 1) % LINES] = -1;
}

/* Who waits is handed over in the order of the calls; again only if it has not begun. */
struct request *request_posted(const struct fa_job *job, const struct fa_env *env)
{
	struct request *r;
	int number, *last = &last_in[line_of(env->pool->version)];

	if (job->payload.len != sizeof(number))
		broken("an event of %zu bytes", job->payload.len);
	memcpy(&number, job->payload.data, sizeof(number));
	r = &world.requests[number];
	if (r->told && r->mode != FAAS_EVENT)
		broken("r%d is handed over after it was told about", number);
	if (!r->posted++ && r->in_line) {
		if (number < *last)
			broken("r%d is handed over after r%d", number, *last);
		*last = number;
	}
	return r;
}

void request_starts(struct request *r)
{
	int most = r->mode == FAAS_EVENT ? most_retries_of(r) + 1 : 1;
	int64_t pause_ns = r->started * 60 * SECOND - (world.disk ? MS : 0); /* stored in ms */

	most += r->restarts;
	if (r->started && !r->restarts && now() - r->started_ns < pause_ns)
		broken("r%d begins again after %.6f s", r->number,
		       (double)(now() - r->started_ns) / SECOND);
	if (++r->started > most)
		broken("r%d begins %d times", r->number, r->started);
	if (r->told && r->mode != FAAS_EVENT)
		broken("r%d begins after it was told about", r->number);
	if (r->succeeded)
		broken("r%d begins after it succeeded", r->number);
	r->started_ns = now();
	r->end = NOT_RUN;
}

/* ---- what the library tells -------------------------------------------- */

static bool payload_is(const struct faas_result *result, int number)
{
	char text[16];
	int n = snprintf(text, sizeof(text), "r%d", number);

	return result->payload.len == (size_t)n && !memcmp(result->payload.data, text, (size_t)n);
}

static void judge_result(const struct request *r, const struct faas_result *result)
{
	bool answered = r->end == REPLIED || r->end == ERRED;

	switch (result->code) {
	case FAAS_OK:
		if (r->mode == FAAS_DRY_RUN ? r->posted : !payload_is(result, r->number))
			broken("r%d is told an answer that is not its own", r->number);
		if (r->mode == FAAS_SYNC && r->end != REPLIED)
			broken("r%d is told to have succeeded", r->number);
		break;
	case FAAS_EFUNCTION:
		if (r->end == REPLIED)
			broken("r%d is told to have failed, it was answered", r->number);
		break;
	case FAAS_ETIMEOUT:
		if (answered)
			broken("r%d is told to be late, its answer was there", r->number);
		break;
	case FAAS_ETHROTTLED:
		if (r->started)
			broken("r%d is told to be throttled, it has begun", r->number);
		check_throttled(r->function);
		break;
	case FAAS_ECANCELED:
		if (!r->canceled && !world.closing)
			broken("r%d is told to be called off, nobody did", r->number);
		break;
	case FAAS_ESYSTEM:
		if (!world.dials.birth_error && !world.dials.stillbirth)
			broken("r%d is told of a fault of the system", r->number);
		break;
	default:
		broken("r%d is told code %d", r->number, result->code);
	}
}

static void hear(struct request *r, const struct faas_result *result)
{
	note("r%d is told %s", r->number, faas_error_name(result->code));
	if (r->told++)
		broken("r%d is told about twice", r->number);
	r->code = result->code;
	if (r->mode != FAAS_EVENT)
		judge_result(r, result);
	else if (result->code &&
		 (result->code != FAAS_ECANCELED || !(r->canceled || world.closing)))
		broken("event r%d is told code %d", r->number, result->code);
}

static void on_done(void *data, const struct faas_result *result)
{
	hear(data, result);
}

/* ---- what the host does ------------------------------------------------ */

static struct faas_request describe(struct request *r)
{
	static const int64_t waits[] = { 1, 10, 1000, 20000, -1 };

	return (struct faas_request){
		.size = sizeof(struct faas_request),
		.function = r->name,
		.payload = { &r->number, sizeof(r->number) },
		.mode = r->mode,
		.capacity_wait_ms = r->has_wait ? (int)draw_of(waits) : 0,
		.on_done = on_done,
		.data = r,
	};
}

static struct request *new_request(enum faas_mode mode)
{
	struct request *r = &world.requests[world.request_count];

	*r = (struct request){ .number = world.request_count++,
			       .mode = mode,
			       .function = (int)draw(FUNCTIONS) };
	r->has_wait = mode != FAAS_EVENT && chance(600);
	return r;
}

static void call_by_callback(enum faas_mode mode, int function)
{
	struct request *r = new_request(mode), copy;
	struct faas_request request;

	if (function >= 0)
		r->function = function;
	draw_name(r->name, r->function);
	request = describe(r);
	r->in_line = mode == FAAS_SYNC && r->has_wait;
	note("r%d calls f%s, mode %d, waits %d ms", r->number, r->name, (int)mode,
	     request.capacity_wait_ms);
	copy = *r;
	r->refused = faas_invoke(world.rt, &request, &r->id, NULL);
	if (r->told != copy.told || r->posted != copy.posted)
		broken("r%d is called back within its call", r->number);
}

static void wait_for_it(void *data)
{
	struct request *r = data;
	struct faas_request request = describe(r);
	struct faas_result *result = NULL;
	int rc;

	request.on_done = NULL;
	note("r%d waits for f%s, up to %d ms", r->number, r->name, request.capacity_wait_ms);
	rc = faas_invoke_wait(world.rt, &request, &result, NULL);
	if (rc == FAAS_ENOTFOUND || (rc == FAAS_ECANCELED && !r->posted)) {
		r->refused = rc;
		note("r%d is refused: %s", r->number, faas_error_name(rc));
		return;
	}
	hear(r, rc ? &(struct faas_result){ .code = rc } : result);
	faas_free(result);
}

static void call_and_wait(void)
{
	struct request *r = new_request(FAAS_SYNC);

	draw_name(r->name, r->function);
	if (!client_begin(wait_for_it, r))
		world.request_count--;
}

static void cancel_one(void)
{
	int recent = world.request_count < 50 ? world.request_count : 50;
	struct request *r;

	if (!recent)
		return;
	r = &world.requests[world.request_count - 1 - (int)draw((uint64_t)recent)];
	if (!r->id || r->refused)
		return;
	note("r%d is called off", r->number);
	r->canceled = true;
	faas_cancel(world.rt, r->id);
}

static void burst(void)
{
	int function = chance(700) ? (int)draw(FUNCTIONS) : -1, n = (int)draw_between(2, 40);
	enum faas_mode mode = chance(500) ? FAAS_SYNC : FAAS_EVENT;

	if (chance(20))
		n = 150; /* more than may be born at a time */
	while (n-- && world.request_count < REQUESTS - 2)
		call_by_callback(mode, function);
}

static void act(void)
{
	if (world.request_count >= REQUESTS - 2)
		return;
	switch (draw(17)) {
	case 0:
		change_something();
		break;
	case 16:
		letters_read(false);
		break;
	case 1:
		burst();
		break;
	case 2:
	case 3:
		cancel_one();
		break;
	case 4:
	case 5:
	case 6:
	case 7:
		call_and_wait();
		break;
	case 8:
	case 9:
	case 10:
		call_by_callback(FAAS_EVENT, -1);
		break;
	case 11:
		call_by_callback(chance(100) ? FAAS_DRY_RUN : FAAS_SYNC, -1);
		break;
	default:
		call_by_callback(FAAS_SYNC, -1);
	}
}

/* ---- the course of the play --------------------------------------------- */

static void step_to(int64_t at_ns)
{
	go_to(at_ns);
	if (chance(50) && !world.quiet)
		act(); /* while the library has not seen yet what happened */
	settle();
	check_books();
}

static void run_until(int64_t at_ns)
{
	while (next_ns() <= at_ns)
		step_to(next_ns());
	step_to(at_ns);
}

static unsigned draw_dial(void)
{
	return chance(600) ? 0 : chance(700) ? (unsigned)draw(50) : (unsigned)draw(400);
}

/* Some misfortunes at a time: with all of them, each would hide the others. */
static void draw_dials(void)
{
	struct dials *d = &world.dials;

	d->error = draw_dial();
	d->crash = draw_dial();
	d->starve = draw_dial();
	d->hang = draw_dial() / 4;
	d->long_work = draw_dial() * 2;
	d->idle_crash = draw_dial();
	d->init_error = draw_dial();
	d->init_crash = draw_dial();
	d->init_hang = draw_dial() / 4;
	d->slow_init = draw_dial();
	d->birth_error = draw_dial();
	d->stillbirth = draw_dial();
	d->slow_birth = draw_dial();
	d->polite = draw_dial() * 2;
	d->awake = draw_dial() * 2;
	d->killed = draw_dial();
	d->nest_killed = draw_dial() * 8;
}

static struct faas_config draw_runtime(void)
{
	static const int64_t limits[] = { 1, 2, 4, 8, 200, 1000, -1 };
	static const int64_t memory[] = { 512, 768, 1024, 4096, 100000, -1 };
	static const int64_t idle[] = { 0, 0, 100, 10000, -1 };

	return (struct faas_config){ .size = sizeof(struct faas_config),
				     .loop = &world.uv,
				     .worker = "none",
				     .max_concurrency = (int)draw_of(limits),
				     .max_memory_mb = draw_of(memory),
				     .idle_ms = (int)draw_of(idle),
				     .keep = (enum faas_keep)draw(3),
				     .state_dir = world.disk,
				     .realloc = failing_realloc,
				     .data = &world.memory };
}

static void open_runtime(const struct faas_config *config)
{
	struct faas_error err = { 0 };

	world.rt = fa_create(config, &world.clock.clock, &err);
	if (!world.rt)
		broken("no runtime: %s", err.message);
	note("at most %d at a time, %lld MB, keep %d", world.rt->config.max_concurrency,
	     (long long)world.rt->config.max_memory_mb, (int)world.rt->config.keep);
}

static int open_requests(void)
{
	int n = 0;

	for (int i = 0; i < world.request_count; i++)
		n += !world.requests[i].refused && !world.requests[i].told;
	return n;
}

/* Nothing new comes: everything has to end by itself. */
static void drain(void)
{
	int64_t until = now() + DAY;

	while (world.disk && !has_functions()) /* then events of the last program rest */
		create_function((int)draw(FUNCTIONS));
	settle();
	world.quiet = true;
	while (open_requests() || open_events() || clients_inside()) {
		if (next_ns() == INT64_MAX || now() > until)
			broken("%d requests are open and %d events queued, and nothing happens",
			       open_requests(), open_events());
		step_to(next_ns());
	}
	while (letters_are_hidden())
		run_until(now() + SECOND);
	letters_check();
}

static void on_closed(void *data)
{
	(void)data;
	note("closed");
	world.closed = true;
}

static void close_runtime(void)
{
	static const int64_t graces[] = { 0, 0, 100, 5000, -1 };
	int grace = (int)draw_of(graces);

	note("is closed, with %d ms", grace);
	world.quiet = world.closing = true;
	world.closed = false;
	faas_close(world.rt, grace, on_closed, NULL);
	settle();
	for (int i = 0; !world.closed; i++) {
		if (i == CLOSE_STEPS || next_ns() == INT64_MAX)
			broken("it does not close");
		step_to(next_ns());
	}
	if (open_requests())
		broken("it is closed, and %d requests were never told about", open_requests());
}

/* The program ends, in order, and another finds what it left. */
static void restart(const struct faas_config *config)
{
	close_runtime();
	for (int i = 0; i < world.request_count; i++) {
		struct request *r = &world.requests[i];

		r->id = 0;
		r->restarts += r->mode == FAAS_EVENT && !r->refused && !r->succeeded;
	}
	world.quiet = world.closing = world.closed = false;
	open_runtime(config);
	settle();
	check_books();
}

uint64_t play(uint64_t seed, enum plant plant)
{
	static const int64_t gaps[] = {
		0, 2000, 10000, 50000, MS, 20 * MS, SECOND, 100 * SECOND, -1
	};
	struct faas_config config;
	int acts;

	world_open(seed, plant);
	changes_begin();
	letters_begin();
	draw_dials();
	world.fixed_limits = chance(400);
	world.steady = chance(500);
	if (chance(300))
		world.disk = disk_begin();
	config = draw_runtime();
	open_runtime(&config);
	for (int i = 0; i < FUNCTIONS; i++)
		create_function(i);
	acts = (int)draw_between(20, 300);
	for (int i = 0; i < acts; i++) {
		for (int n = (int)draw(4); n >= 0; n--)
			act();
		run_until(now() + draw_of(gaps));
		if (world.disk && chance(10))
			restart(&config);
	}
	if (chance(700))
		drain();
	close_runtime();
	disk_end();
	world_close();
	return world.digest;
}
