/* SPDX-License-Identifier: MIT */
/*
 * How a handler in a thread asks for a secret: its question goes to the loop, like a
 * worker's, and it sleeps until there is an answer, its time is over or it was given
 * up. An answer to a question that is over by then has another number.
 */
#include <env/thread.h>

#include <string.h>

#include <env/env.h>
#include <env/futex.h>
#include <env/pool.h>
#include <model/secret.h>

#define LOOK_NS 20000000 /* how long it may go unseen that the handler was given up */

struct fa_thread_question {
	struct fa_call call;
	struct fa_envs *envs;
	uint32_t env, serial;
	char name[FA_SECRET_NAME_MAX + 1];
};

struct fa_thread_secret {
	struct fa_thread_secret *next;
	size_t len;
	char value[];
};

/* [loop] Whoever asked may be gone, and its environment with it. */
static void on_question(struct fa_call *call)
{
	struct fa_thread_question *question = fa_container(call, struct fa_thread_question, call);
	struct fa_envs *envs = question->envs;
	struct fa_env *env = fa_envs_find(envs, question->env);

	if (env && env->thread)
		envs->on_ask(envs->data, env, question->serial, question->name);
	fa_free(question);
}

/* [loop] */
void fa_thread_give(struct fa_env *env, uint32_t serial, const struct faas_bytes *value)
{
	struct fa_thread *thread = env->thread;
	struct fa_thread_secret *secret = NULL;

	if (value)
		secret = fa_alloc(env->pool->envs->mem, sizeof(*secret) + value->len + 1);
	if (secret) {
		secret->len = value->len;
		memcpy(secret->value, value->data, value->len);
	}
	pthread_mutex_lock(&thread->lines_lock);
	if (thread->asked == serial && !atomic_load(&thread->answered)) {
		thread->given = secret;
		secret = NULL;
		atomic_store(&thread->answered, 1);
		fa_futex_wake(&thread->answered);
	}
	pthread_mutex_unlock(&thread->lines_lock);
	if (secret)
		explicit_bzero(secret->value, secret->len);
	fa_free(secret);
}

static bool post_question(struct fa_thread *thread, const char *name)
{
	struct fa_thread_question *question = fa_alloc(thread->envs->mem, sizeof(*question));

	if (!question)
		return false;
	pthread_mutex_lock(&thread->lines_lock);
	thread->asked++;
	atomic_store(&thread->answered, 0);
	pthread_mutex_unlock(&thread->lines_lock);
	question->call.run = on_question;
	question->envs = thread->envs;
	question->env = thread->env->id;
	question->serial = thread->asked;
	strcpy(question->name, name);
	fa_loop_call(thread->envs->loop, &question->call);
	return true;
}

/* Its time is the runtime's, which may stand still, and the futex's is not. */
static void await_answer(struct fa_thread *thread)
{
	static const _Atomic uint32_t never;

	while (!atomic_load(&thread->answered) && !fa_thread_stopped(thread) &&
	       fa_now(thread->envs->clock) < thread->deadline_ns)
		fa_futex_wait(&thread->answered, 0, &never, 0, fa_now(&fa_clock_real) + LOOK_NS);
}

const char *fa_thread_secret(struct faas_context *context, const char *name)
{
	struct fa_thread *thread = (struct fa_thread *)context;
	struct fa_thread_secret *secret;

	if (!name || !fa_secret_name_fits(name, strlen(name)) ||
	    thread->questions == FA_QUESTIONS_MAX || !post_question(thread, name))
		return NULL;
	thread->questions++;
	await_answer(thread);
	pthread_mutex_lock(&thread->lines_lock);
	secret = thread->given;
	thread->given = NULL;
	atomic_store(&thread->answered, 1); /* what comes now comes too late */
	pthread_mutex_unlock(&thread->lines_lock);
	if (!secret)
		return NULL;
	secret->next = thread->secrets;
	thread->secrets = secret;
	return secret->value;
}

void fa_thread_forget_secrets(struct fa_thread *thread)
{
	struct fa_thread_secret *secret = thread->secrets, *next;

	for (; secret; secret = next) {
		next = secret->next;
		explicit_bzero(secret->value, secret->len);
		fa_free(secret);
	}
	thread->secrets = NULL;
	thread->questions = 0;
}
