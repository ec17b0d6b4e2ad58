/* SPDX-License-Identifier: MIT */
/*
 * How a handler in a thread asks for a secret, or calls others: its question goes to the loop,
 * like a worker's, and it sleeps until there is an answer, its time is over or it was given
 * up. An answer to a question that is over by then has another number.
 */
#include <env/thread.h>

#include <stdio.h>
#include <string.h>

#include <base/hidden.h>
#include <env/env.h>
#include <env/futex.h>
#include <env/pool.h>
#include <model/secret.h>
#include <model/trace.h>

#define LOOK_NS 20000000 /* how long it may go unseen that the handler was given up */

struct fa_thread_question {
	struct fa_call call;
	struct fa_envs *envs;
	uint32_t env;
	enum fa_question_kind kind;
	struct fa_called called; /* its texts are below */
	char name[FA_QUESTION_NAME + 1];
	char group[FA_QUESTION_GROUP + 1];
	char trace[FA_TRACE_MAX + 1];
	char body[];
};

struct fa_thread_answer {
	struct fa_thread_answer *next;
	int code;
	bool secret;
	size_t len;
	char value[];
};

/* ---- on the loop ---------------------------------------------------------- */

/* [loop] Whoever asked may be gone, and its environment with it. */
static void on_question(struct fa_call *call)
{
	struct fa_thread_question *question = fa_container(call, struct fa_thread_question, call);
	struct fa_envs *envs = question->envs;
	struct fa_env *env = fa_envs_find(envs, question->env);

	if (env && env->thread && question->kind == FA_ASK_SECRET)
		envs->on_ask(envs->data, env, question->called.serial, question->name,
			     question->group);
	else if (env && env->thread)
		envs->on_call(envs->data, env, &question->called);
	fa_free(question);
}

static void drop(struct fa_thread_answer *answer)
{
	if (answer && answer->secret)
		fa_hidden_free(answer);
	else
		fa_free(answer);
}

/* Without an answer, memory being out, the handler hears of nothing, too. */
static void give(struct fa_env *env, uint32_t serial, int code, bool secret,
		 struct faas_bytes value)
{
	const struct fa_mem *mem = env->pool->envs->mem;
	struct fa_thread *thread = env->thread;
	struct fa_thread_answer *answer;
	size_t size = sizeof(*answer) + value.len + 1;

	if (!thread)
		return;
	answer = secret ? fa_hidden_alloc(mem, size) : fa_alloc(mem, size);
	if (answer) {
		answer->code = code;
		answer->secret = secret;
		answer->len = value.len;
		if (value.len)
			memcpy(answer->value, value.data, value.len);
	}
	pthread_mutex_lock(&thread->lines_lock);
	if (thread->asked == serial && !atomic_load(&thread->answered)) {
		thread->given = answer;
		answer = NULL;
		atomic_store(&thread->answered, 1);
		fa_futex_wake(&thread->answered);
	}
	pthread_mutex_unlock(&thread->lines_lock);
	drop(answer);
}

/* [loop] */
void fa_thread_give(struct fa_env *env, uint32_t serial, const struct faas_bytes *value)
{
	give(env, serial, value ? 0 : FAAS_ENOTFOUND, true,
	     value ? *value : (struct faas_bytes){ 0 });
}

/* [loop] */
void fa_thread_reply(struct fa_env *env, uint32_t serial, int code, struct faas_bytes words)
{
	give(env, serial, code, false, words);
}

/* ---- on the handler's thread ---------------------------------------------- */

static struct fa_thread_question *new_question(struct fa_thread *thread,
					       enum fa_question_kind kind, const char *name,
					       struct faas_bytes body)
{
	struct fa_thread_question *question =
		fa_alloc(thread->envs->mem, sizeof(*question) + body.len);

	if (!question)
		return NULL;
	question->call.run = on_question;
	question->envs = thread->envs;
	question->env = thread->env->id;
	question->kind = kind;
	strcpy(question->name, name);
	if (body.len)
		memcpy(question->body, body.data, body.len);
	question->called = (struct fa_called){ .publishes = kind == FA_ASK_PUBLISH,
					       .name = question->name,
					       .group = question->group,
					       .body = { question->body, body.len },
					       .trace = question->trace };
	return question;
}

/* Its time is the runtime's, which may stand still, and the futex's is not. */
static void await_answer(struct fa_thread *thread)
{
	static const _Atomic uint32_t never;

	while (!atomic_load(&thread->answered) && !fa_thread_stopped(thread) &&
	       fa_now(thread->envs->clock) < thread->deadline_ns)
		fa_futex_wait(&thread->answered, 0, &never, 0, fa_now(&fa_clock_real) + LOOK_NS);
}

/* NULL: there was no answer. */
static struct fa_thread_answer *ask(struct fa_thread *thread, struct fa_thread_question *question)
{
	struct fa_thread_answer *answer;

	pthread_mutex_lock(&thread->lines_lock);
	question->called.serial = ++thread->asked;
	atomic_store(&thread->answered, 0);
	pthread_mutex_unlock(&thread->lines_lock);
	fa_loop_call(thread->envs->loop, &question->call);
	await_answer(thread);
	pthread_mutex_lock(&thread->lines_lock);
	answer = thread->given;
	thread->given = NULL;
	atomic_store(&thread->answered, 1); /* what comes now comes too late */
	pthread_mutex_unlock(&thread->lines_lock);
	return answer;
}

/* ---- secrets ---------------------------------------------------------------- */

const char *fa_thread_secret_version(struct faas_context *context, const char *name,
				     const char *version)
{
	struct fa_thread *thread = (struct fa_thread *)context;
	struct fa_thread_question *question;
	struct fa_thread_answer *answer;

	if (!name || !fa_secret_name_fits(name, strlen(name)) || !version ||
	    !fa_secret_version_fits(version) || thread->questions == FA_QUESTIONS_MAX)
		return NULL;
	question = new_question(thread, FA_ASK_SECRET, name, (struct faas_bytes){ NULL, 0 });
	if (!question)
		return NULL;
	strcpy(question->group, version);
	thread->questions++;
	answer = ask(thread, question);
	if (!answer || answer->code) {
		drop(answer);
		return NULL;
	}
	answer->next = thread->secrets;
	thread->secrets = answer;
	return answer->value;
}

const char *fa_thread_secret(struct faas_context *context, const char *name)
{
	return fa_thread_secret_version(context, name, FA_SECRET_CURRENT);
}

void fa_thread_forget_secrets(struct fa_thread *thread)
{
	struct fa_thread_answer *secret = thread->secrets, *next;

	for (; secret; secret = next) {
		next = secret->next;
		drop(secret);
	}
	thread->secrets = NULL;
	thread->questions = thread->calls = 0;
}

/* ---- calls of others -------------------------------------------------------- */

static int refuse(int code, const char *text, struct faas_bytes *answer)
{
	if (answer)
		*answer = (struct faas_bytes){ text, strlen(text) };
	return code;
}

/* Into memory that is the handler's, and counted as such. */
static int take(struct fa_thread *thread, struct fa_thread_answer *given,
		struct faas_bytes *answer)
{
	int code = given->code;
	char *copy = NULL;

	if (answer && given->len) {
		copy = faas_alloc(&thread->context, given->len);
		if (!copy) {
			drop(given);
			return refuse(FAAS_ENOMEM, FA_CALL_NO_ROOM, answer);
		}
		memcpy(copy, given->value, given->len);
	}
	if (answer)
		*answer = (struct faas_bytes){ copy, given->len };
	drop(given);
	return code;
}

static int call(struct fa_thread *thread, enum fa_question_kind kind, const char *name,
		const char *group, struct faas_bytes body, struct faas_bytes *answer)
{
	const char *trace = thread->context.trace_id;
	struct fa_thread_question *question;
	struct fa_thread_answer *given;

	if (body.len > FA_REQUEST_MAX)
		return refuse(FAAS_ETOOLARGE, FA_CALL_TOO_LARGE, answer);
	if (thread->calls == FA_CALLS_MAX)
		return refuse(FAAS_ETHROTTLED, FA_CALL_TOO_MANY, answer);
	if (!name || !fa_secret_name_fits(name, strlen(name)) ||
	    strlen(group) > FA_QUESTION_GROUP)
		return refuse(FAAS_EINVAL, FA_CALL_NO_NAME, answer);
	question = new_question(thread, kind, name, body);
	if (!question)
		return refuse(FAAS_ENOMEM, FA_CALL_NO_ROOM, answer);
	strcpy(question->group, group);
	snprintf(question->trace, sizeof(question->trace), "%s", trace ? trace : "");
	thread->calls++;
	given = ask(thread, question);
	return given ? take(thread, given, answer) :
		       refuse(FAAS_ECANCELED, FA_CALL_UNANSWERED, answer);
}

int fa_thread_call(struct faas_context *context, const char *function, struct faas_bytes event,
		   struct faas_bytes *answer)
{
	return call((struct fa_thread *)context, FA_ASK_INVOKE, function, "", event, answer);
}

int fa_thread_publish(struct faas_context *context, const char *address, const char *group,
		      struct faas_bytes body, struct faas_bytes *answer)
{
	return call((struct fa_thread *)context, FA_ASK_PUBLISH, address, group ? group : "",
		    body, answer);
}
