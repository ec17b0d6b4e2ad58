/* SPDX-License-Identifier: MIT */
/* What a host may rely on: its loop, its signals, its descriptors, its end, and clear refusals. */
#include "support/test.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include <uv.h>

#include "support/flow.h"

#include <runtime.h>

#define WORKER (getenv("FAAS_TEST_WORKER") ? getenv("FAAS_TEST_WORKER") : TEST_WORKER)

static void tick(void)
{
	nanosleep(&(struct timespec){ 0, 1000000 }, NULL);
}

/* ---- the host's own loop --------------------------------------------- */

struct own {
	struct faas *rt;
	int answers, ticks, closed;
	bool inside;
	uv_timer_t timer;
};

static void on_closed(void *data)
{
	((struct own *)data)->closed++;
}

static void on_answer(void *data, const struct faas_result *result)
{
	struct own *own = data;

	assert_false(own->inside);
	assert_int_equal(result->code, FAAS_OK);
	if (++own->answers == 3) {
		faas_close(own->rt, 0, on_closed, own);
		faas_close(own->rt, 0, on_closed, own); /* again: harmless */
	}
}

static void on_tick(uv_timer_t *timer)
{
	struct own *own = timer->data;

	if (own->closed)
		uv_close((uv_handle_t *)timer, NULL);
	own->ticks++;
}

TEST(on_a_loop_of_the_hosts_no_callback_runs_inside_its_cause_and_no_handle_is_left)
{
	struct own own = { 0 };
	uv_loop_t loop;

	uv_loop_init(&loop);
	uv_timer_init(&loop, &own.timer);
	own.timer.data = &own;
	uv_timer_start(&own.timer, on_tick, 1, 1);
	own.rt = faas_create(FAAS_CONFIG(.loop = &loop, .worker = WORKER), NULL);
	assert_non_null(own.rt);
	assert_ptr_equal(faas_loop(own.rt), &loop);
	assert_int_equal(faas_function_create(own.rt,
					      FAAS_FUNCTION(.name = "f", .code = TEST_PLUGINS,
							    .handler = "life.act"),
					      NULL),
			 0);
	own.inside = true;
	for (int i = 0; i < 3; i++)
		assert_int_equal(
			faas_invoke(own.rt,
				    FAAS_REQUEST(.function = "f", .payload = { "count", 5 },
						 .on_done = on_answer, .data = &own),
				    NULL, NULL),
			0);
	own.inside = false;
	assert_int_equal(faas_destroy(own.rt), FAAS_EDEADLK);
	uv_run(&loop, UV_RUN_DEFAULT);
	assert_int_equal(own.answers, 3);
	assert_int_equal(own.closed, 1);
	assert_true(own.ticks > 0);
	assert_int_equal(uv_loop_close(&loop), 0);
}

/* ---- signals and descriptors ----------------------------------------- */

static int without_cloexec(void)
{
	DIR *dir = opendir("/proc/self/fd");
	struct dirent *entry;
	int n = 0;

	while ((entry = readdir(dir))) {
		int fd = atoi(entry->d_name);

		if (fd > 2 && fd != dirfd(dir) && !(fcntl(fd, F_GETFD) & FD_CLOEXEC))
			n++;
	}
	closedir(dir);
	return n;
}

static int open_descriptors(void)
{
	DIR *dir = opendir("/proc/self/fd");
	int n = 0;

	while (readdir(dir))
		n++;
	closedir(dir);
	return n;
}

TEST(signals_are_the_hosts_and_every_descriptor_is_closed_on_exec)
{
	struct sigaction before[65] = { 0 };
	sigset_t mask_before = { 0 }, mask_after = { 0 };
	struct flow flow;
	int inherited = without_cloexec(), open_before = open_descriptors();

	for (int i = 1; i < 65; i++)
		sigaction(i, NULL, &before[i]);
	pthread_sigmask(SIG_SETMASK, NULL, &mask_before);
	flow_open(&flow, NULL, false);
	flow_function(&flow,
		      &(struct faas_function_config){ .name = "f", .handler = "life.act" });
	flow_call(&flow, "f", "count");
	flow_call_async(&flow, "f", "segv");
	assert_int_equal(without_cloexec(), inherited);
	for (int i = 1; i < 65; i++) {
		struct sigaction after = { 0 };

		sigaction(i, NULL, &after);
		assert_ptr_equal(after.sa_handler, before[i].sa_handler);
	}
	pthread_sigmask(SIG_SETMASK, NULL, &mask_after);
	assert_memory_equal(&mask_before, &mask_after, sizeof(mask_before));
	flow_close(&flow);
	assert_int_equal(open_descriptors(), open_before);
	assert_int_equal(waitpid(-1, NULL, WNOHANG), -1);
	assert_int_equal(errno, ECHILD);
}

/* ---- the end of the host --------------------------------------------- */

struct family {
	pid_t pids[64];
	int count;
};

static pid_t parent_of(pid_t pid)
{
	char path[64], text[512] = "", *after_name;
	int fd, parent = -1;

	snprintf(path, sizeof(path), "/proc/%d/stat", pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return -1;
	if (read(fd, text, sizeof(text) - 1) > 0 && (after_name = strrchr(text, ')')))
		sscanf(after_name, ") %*c %d", &parent);
	close(fd);
	return parent;
}

/* All that descend from `pid`, each after its parent. */
static void find_family(struct family *family, pid_t pid)
{
	DIR *dir = opendir("/proc");
	struct dirent *entry;

	while ((entry = readdir(dir)) && family->count < 64) {
		pid_t child = atoi(entry->d_name);

		if (child > 0 && parent_of(child) == pid)
			family->pids[family->count++] = child;
	}
	closedir(dir);
}

static void find_descendants(struct family *family, pid_t host)
{
	find_family(family, host);
	for (int i = 0; i < family->count; i++)
		find_family(family, family->pids[i]);
}

static int alive(const struct family *family)
{
	int n = 0;

	for (int i = 0; i < family->count; i++)
		n += kill(family->pids[i], 0) == 0;
	return n;
}

static _Noreturn void be_a_host(int ready)
{
	struct flow flow;
	char byte = 'r';

	prctl(PR_SET_PDEATHSIG, SIGKILL); /* a failing test must leave nobody behind */
	flow_open(&flow, NULL, false);
	flow_function(&flow, &(struct faas_function_config){ .name = "f", .handler = "life.act",
							     .timeout_ms = 900000 });
	for (int i = 0; i < 3; i++)
		faas_invoke(flow.rt,
			    FAAS_REQUEST(.function = "f", .payload = { "loop", 4 }), NULL, NULL);
	flow_await_idle(&flow, 0, 3);
	if (write(ready, &byte, 1) != 1)
		_exit(1);
	for (;;)
		pause();
}

TEST(kill_9_of_the_host_leaves_no_process)
{
	struct family family = { 0 };
	int ready[2];
	char byte;
	pid_t host;

	assert_int_equal(pipe(ready), 0);
	host = fork();
	if (!host)
		be_a_host(ready[1]);
	assert_int_equal(read(ready[0], &byte, 1), 1);
	/* supervisor, nest, three environments; busy ones may still be on their way */
	for (int i = 0; i < 5000 && family.count < 5; i++) {
		tick();
		family.count = 0;
		find_descendants(&family, host);
	}
	kill(host, SIGKILL);
	waitpid(host, NULL, 0);
	assert_true(family.count >= 5);
	for (int i = 0; i < 5000 && alive(&family); i++)
		tick();
	assert_int_equal(alive(&family), 0);
	close(ready[0]);
	close(ready[1]);
}

static void kill_supervisor(struct faas *rt)
{
	pid_t pid;

	pthread_mutex_lock(&rt->envs.lock);
	pid = rt->envs.supervisor.pid;
	pthread_mutex_unlock(&rt->envs.lock);
	kill(pid, SIGKILL);
}

TEST(a_supervisor_that_is_killed_comes_back_and_the_next_invocation_runs)
{
	bool renewed = false;
	struct flow flow;

	flow_open(&flow, NULL, false);
	flow_function(&flow,
		      &(struct faas_function_config){ .name = "f", .handler = "life.act" });
	flow_call(&flow, "f", "count");
	kill_supervisor(flow.rt);
	for (int i = 0; i < 5000 && !renewed; i++) {
		struct faas_result *result = NULL;

		tick();
		faas_invoke_wait(flow.rt, FAAS_REQUEST(.function = "f", .payload = { "count", 5 }),
				 &result, NULL);
		/* until the loss is noticed the old environment counts on, or is lost, too */
		renewed = result && result->code == FAAS_OK && flow_says(result, "1");
		faas_free(result);
	}
	assert_true(renewed);
	assert_true(flow_says(flow_call(&flow, "f", "count"), "2"));
	flow_close(&flow);
}

/* ---- closing --------------------------------------------------------- */

static void on_canceled(void *data, const struct faas_result *result)
{
	*(_Atomic int *)data = result->code;
}

TEST(closing_calls_off_what_runs_and_every_callback_comes)
{
	_Atomic int codes[3] = { 1, 1, 1 };
	struct flow flow;

	flow_open(&flow, NULL, false);
	flow_function(&flow, &(struct faas_function_config){ .name = "f", .handler = "life.act",
							     .timeout_ms = 900000 });
	for (int i = 0; i < 3; i++)
		faas_invoke(flow.rt,
			    FAAS_REQUEST(.function = "f", .payload = { "loop", 4 },
					 .on_done = on_canceled, .data = &codes[i]),
			    NULL, NULL);
	flow_await_idle(&flow, 0, 3);
	flow_close(&flow);
	for (int i = 0; i < 3; i++)
		assert_int_equal(codes[i], FAAS_ECANCELED);
}

static void *call_forever(void *data)
{
	struct faas_result *result = NULL;

	faas_invoke_wait(data, FAAS_REQUEST(.function = "f", .payload = { "loop", 4 }), &result,
			 NULL);
	assert_non_null(result);
	assert_int_equal(result->code, FAAS_ECANCELED);
	faas_free(result);
	return NULL;
}

TEST(closing_frees_a_thread_that_waits_for_its_answer)
{
	struct flow flow;
	pthread_t thread;

	flow_open(&flow, NULL, false);
	flow_function(&flow, &(struct faas_function_config){ .name = "f", .handler = "life.act",
							     .timeout_ms = 900000 });
	pthread_create(&thread, NULL, call_forever, flow.rt);
	flow_await_idle(&flow, 0, 1);
	flow_close(&flow);
	pthread_join(thread, NULL);
}

static void count_closed(void *data)
{
	*(_Atomic int *)data += 1;
}

TEST(a_close_with_grace_lets_running_invocations_finish)
{
	_Atomic int code = 1, closed = 0;
	struct faas *rt = faas_create(FAAS_CONFIG(.worker = WORKER), NULL);

	assert_non_null(rt);
	faas_function_create(rt, FAAS_FUNCTION(.name = "f", .code = TEST_PLUGINS,
					       .handler = "life.act"), NULL);
	faas_invoke(rt,
		    FAAS_REQUEST(.function = "f", .payload = { "sleep 200", 9 },
				 .on_done = on_canceled, .data = &code),
		    NULL, NULL);
	faas_close(rt, 5000, count_closed, &closed);
	assert_int_equal(faas_invoke(rt, FAAS_REQUEST(.function = "f"), NULL, NULL),
			 FAAS_ECANCELED);
	for (int i = 0; !closed && i < 10000; i++)
		tick();
	assert_int_equal(closed, 1);
	assert_int_equal(code, FAAS_OK);
}

/* ---- refusals -------------------------------------------------------- */

static void expect_refusal(const struct faas_config *config, const char *message)
{
	struct faas_error err = { 0 };

	assert_null(faas_create(config, &err));
	if (!strstr(err.message, message))
		fail_msg("'%s' does not say '%s'", err.message, message);
}

TEST(a_runtime_that_cannot_be_is_refused_with_the_reason)
{
	struct { struct faas_config config; long tail; } newer = { .tail = 1 };

	expect_refusal(&(struct faas_config){ 0 }, "FAAS_CONFIG");
	expect_refusal(FAAS_CONFIG(.worker = "/nowhere/faas-worker"), "/nowhere/faas-worker");
	expect_refusal(FAAS_CONFIG(.worker = "/bin/true"),
		       "the worker '/bin/true' ended before it was ready: is it faas-worker");
	expect_refusal(FAAS_CONFIG(.worker = WORKER, .min_isolation = 1u << 31), "min_isolation");
	expect_refusal(FAAS_CONFIG(.idle_ms = -1), "idle_ms is -1: cannot be negative");
	expect_refusal(FAAS_CONFIG(.max_age_ms = -2),
		       "max_age_ms is -2: cannot be negative, but for FAAS_NONE");
	newer.config.size = sizeof(newer);
	expect_refusal(&newer.config, "leave later ones zero");
}

static struct own early;
static char vanishing[] = "/tmp/faas-manners-XXXXXX";
static int refused;

static void *ask_at_once(void *data)
{
	struct faas_result *result = NULL;

	(void)data;
	assert_int_equal(faas_function_create(early.rt,
					      FAAS_FUNCTION(.name = "f", .code = vanishing,
							    .handler = "echo.echo"), NULL), 0);
	assert_int_equal(rmdir(vanishing), 0);
	refused = faas_invoke_wait(early.rt, FAAS_REQUEST(.function = "f"), &result, NULL);
	if (!refused)
		refused = result->code;
	faas_free(result);
	faas_close(early.rt, 0, on_closed, &early);
	return NULL;
}

/* Meanwhile the loop does not listen: then it hears of everything in one turn. */
static void let_ask(uv_prepare_t *prepare)
{
	uv_close((uv_handle_t *)prepare, NULL);
	assert_int_equal(pthread_create(prepare->data, NULL, ask_at_once, NULL), 0);
	for (int ms = 0; ms < 100; ms++)
		tick();
}

TEST(who_asks_at_once_for_what_cannot_begin_is_told_so)
{
	pthread_t thread;
	uv_prepare_t prepare = { .data = &thread };
	uv_loop_t loop;

	assert_non_null(mkdtemp(vanishing));
	uv_loop_init(&loop);
	uv_prepare_init(&loop, &prepare);
	uv_prepare_start(&prepare, let_ask); /* whose prepare was first is called last */
	uv_timer_init(&loop, &early.timer);
	early.timer.data = &early;
	uv_timer_start(&early.timer, on_tick, 1, 1);
	early.rt = faas_create(FAAS_CONFIG(.loop = &loop, .worker = WORKER), NULL);
	assert_non_null(early.rt);
	uv_run(&loop, UV_RUN_DEFAULT);
	pthread_join(thread, NULL);
	assert_int_not_equal(refused, FAAS_OK);
	assert_int_equal(uv_loop_close(&loop), 0);
}

TEST(the_isolation_report_accounts_for_every_layer)
{
	struct faas_isolation *report;
	struct flow flow;
	int lines = 0;

	flow_open(&flow, NULL, false);
	assert_int_equal(faas_isolation_report(flow.rt, &report, NULL), 0);
	assert_int_equal(report->applied ^ report->missing, FAAS_LAYERS_ALL);
	assert_int_equal(report->applied & report->missing, 0);
	assert_true(report->applied & FAAS_LAYER_PROCESS);
	for (const char *at = report->text; (at = strchr(at, '\n')); at++)
		lines++;
	assert_int_equal(lines, 17); /* the layers, and whether roles say what is allowed */
	faas_free(report);
	flow_close(&flow);
}

TEST(below_the_floor_of_isolation_nothing_starts)
{
	struct faas_isolation *report;
	struct flow flow;
	unsigned missing;

	flow_open(&flow, NULL, false);
	assert_int_equal(faas_isolation_report(flow.rt, &report, NULL), 0);
	missing = report->missing;
	faas_free(report);
	flow_close(&flow);
	flow_open(&flow, &(struct faas_config){ .min_isolation = FAAS_LAYERS_ALL & ~missing },
		  false);
	flow_close(&flow);
	if (missing)
		expect_refusal(FAAS_CONFIG(.worker = WORKER, .min_isolation = FAAS_LAYERS_ALL),
			       "layers that are not to be had here");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
			on_a_loop_of_the_hosts_no_callback_runs_inside_its_cause_and_no_handle_is_left),
		cmocka_unit_test(signals_are_the_hosts_and_every_descriptor_is_closed_on_exec),
		cmocka_unit_test(kill_9_of_the_host_leaves_no_process),
		cmocka_unit_test(
			a_supervisor_that_is_killed_comes_back_and_the_next_invocation_runs),
		cmocka_unit_test(closing_calls_off_what_runs_and_every_callback_comes),
		cmocka_unit_test(closing_frees_a_thread_that_waits_for_its_answer),
		cmocka_unit_test(a_close_with_grace_lets_running_invocations_finish),
		cmocka_unit_test(a_runtime_that_cannot_be_is_refused_with_the_reason),
		cmocka_unit_test(who_asks_at_once_for_what_cannot_begin_is_told_so),
		cmocka_unit_test(the_isolation_report_accounts_for_every_layer),
		cmocka_unit_test(below_the_floor_of_isolation_nothing_starts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
