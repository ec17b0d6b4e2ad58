/* SPDX-License-Identifier: MIT */

/*
 * libfaas on a loop that is already there. The program below lives on its own
 * uv_loop_t and has a timer on it; functions run beside that. Every callback
 * comes on this one thread, so nothing here needs a lock.
 */

#include <stdio.h>
#include <string.h>
#include <uv.h>

#include <faas/faas.h>

struct program {
	struct faas *rt;
	uv_timer_t heartbeat;
	int beats;
	int waiting; /* for so many answers */
};

static const char *const names[] = { "Ada", "Grace", "Barbara", "Frances", "" };

#define NAMES (int)(sizeof(names) / sizeof(names[0]))

static void on_heartbeat(uv_timer_t *timer)
{
	struct program *program = timer->data;

	program->beats++;
}

/* The last of all callbacks: the runtime is gone, the loop holds nothing of it. */
static void on_closed(void *data)
{
	struct program *program = data;

	printf("closed; the timer beat %s meanwhile\n", program->beats ? "on" : "never");
	uv_close((uv_handle_t *)&program->heartbeat, NULL);
}

static void on_done(void *data, const struct faas_result *result)
{
	struct program *program = data;

	printf("%s: %.*s\n", result->code ? result->error_type : "answer",
	       (int)result->payload.len, (const char *)result->payload.data);
	if (!--program->waiting)
		faas_close(program->rt, 1000, on_closed, program);
}

static int start(struct program *program, uv_loop_t *loop, const char *code,
		 struct faas_error *err)
{
	program->rt = faas_create(FAAS_CONFIG(.loop = loop), err);
	if (!program->rt)
		return err->code;
	return faas_function_create(program->rt,
				    FAAS_FUNCTION(.name = "hello", .code = code,
						  .handler = "hello.handler"), err);
}

/* All at once: each needs an environment of its own, so several start together. */
static int greet_all(struct program *program, struct faas_error *err)
{
	for (int i = 0; i < NAMES; i++) {
		int ret = faas_invoke(program->rt,
				      FAAS_REQUEST(.function = "hello",
						   .payload = { names[i], strlen(names[i]) },
						   .on_done = on_done, .data = program),
				      NULL, err);

		if (ret)
			return ret;
		program->waiting++;
	}
	return 0;
}

int main(int argc, char **argv)
{
	struct program program = { .heartbeat.data = &program };
	struct faas_error err;
	uv_loop_t loop;

	uv_loop_init(&loop);
	uv_timer_init(&loop, &program.heartbeat);
	uv_timer_start(&program.heartbeat, on_heartbeat, 1, 1);

	if (start(&program, &loop, argc > 1 ? argv[1] : "hello.so", &err) ||
	    greet_all(&program, &err)) {
		fprintf(stderr, "%s: %s\n", err.type, err.message);
		return 1;
	}
	uv_run(&loop, UV_RUN_DEFAULT);
	if (uv_loop_close(&loop)) {
		fprintf(stderr, "something was left on the loop\n");
		return 1;
	}
	printf("the loop is empty\n");
	return 0;
}
