/* SPDX-License-Identifier: MIT */
/*
 * One event from begin to verdict, on whatever thread this is. The same steps
 * as in the worker: load, init, invoke; only that here nobody can be stopped,
 * so a limit that was passed is noticed when the handler is back.
 *
 * CPU time costs 175 ns a reading, more than a short handler. So a call of less
 * than 10 us is taken to have computed all the time, a long one is measured;
 * the reading before it is taken when the call before it was long, too, else
 * the last reading on this thread stands in for it. The result is never less
 * than the truth, and never more than the time that passed.
 */
#include <env/thread.h>

#include <errno.h>
#include <string.h>
#include <time.h>

#include <base/error.h>
#include <base/plugin_abi.h>
#include <base/text.h>
#include <env/env.h>
#include <env/pool.h>
#include <model/function.h>

#define SHORT_NS 10000

/* ---- CPU time --------------------------------------------------------- */

/* The last reading on this thread; 0: none. */
static __thread int64_t cpu_read __attribute__((tls_model("initial-exec")));

static int64_t read_cpu(void)
{
	struct timespec cpu;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &cpu);
	cpu_read = (int64_t)cpu.tv_sec * 1000000000 + cpu.tv_nsec;
	return cpu_read;
}

static int64_t cpu_before(const struct fa_thread *thread)
{
	return cpu_read && thread->handler && thread->took_ns < SHORT_NS ? cpu_read : read_cpu();
}

static int64_t cpu_since(int64_t before, int64_t took_ns)
{
	int64_t used;

	if (took_ns < SHORT_NS)
		return took_ns;
	used = read_cpu() - before;
	return used < took_ns ? used : took_ns;
}

/* ---- init ------------------------------------------------------------- */

/* Under shared->lock. The .so stays loaded for ever: its code may be on some stack. */
static const struct faas_handler *load(struct fa_thread *thread, struct faas_error *err)
{
	const struct fa_version *version = thread->version;
	const struct faas_plugin *plugin;
	const char *opt = version->code.opt ? version->code.opt->directory : "";
	void *module = fa_module_open(version->directory, opt, version->file, err);
	int rc;

	if (!module)
		return NULL;
	plugin = fa_module_symbol(module, "faas_plugin", false);
	if (!plugin) {
		fa_error_typed(err, FAAS_EPLUGIN, "Runtime.HandlerNotFound",
			       "Handler '%.60s' missing on module '%.60s': it has no symbol "
			       "faas_plugin, and only plugins can run in a thread",
			       version->method, version->file);
		return NULL;
	}
	rc = fa_redirect(module);
	if (rc < 0 && rc != -ENOTSUP) {
		fa_error_typed(err, FAAS_EPLUGIN, "Runtime.ImportModuleError",
			       "Unable to import module '%.60s': its memory cannot be counted: %s",
			       version->file, strerrordesc_np(-rc));
		return NULL;
	}
	return fa_plugin_find(plugin, version->file, version->method, err);
}

static const struct faas_handler *find_handler(struct fa_thread *thread, struct faas_error *err)
{
	struct fa_thread_pool *shared = thread->shared;
	const struct faas_handler *handler;

	if (thread->version->config.native) {
		thread->native = (struct faas_handler){ .size = sizeof(thread->native),
							.name = thread->version->config.name,
							.invoke = thread->version->config.native };
		return &thread->native;
	}
	pthread_mutex_lock(&shared->lock);
	if (!shared->handler)
		shared->handler = load(thread, err);
	handler = shared->handler;
	pthread_mutex_unlock(&shared->lock);
	return handler;
}

static void call_init(struct fa_thread *thread, const struct faas_handler *handler)
{
	struct fa_account *before;
	char message[160];
	struct fa_text text = FA_TEXT(message);
	int rc;

	if (!handler->init)
		return;
	before = fa_account_use(&thread->account);
	rc = handler->init(&thread->context);
	fa_account_use(before);
	if (!rc || thread->slot->verdict)
		return;
	fa_text_add(&text, "init() of handler '");
	fa_text_bytes(&text, handler->name, strnlen(handler->name, 80));
	fa_text_add(&text, "' returned ");
	fa_text_int(&text, rc);
	fa_thread_fail(thread, FA_INIT_ERRED, "Runtime.InitError", message);
}

static int64_t init_limit(const struct fa_thread_slot *slot)
{
	return slot->flags & FA_REQ_START ? slot->timeout_ns : FA_INIT_LIMIT_NS;
}

/* Init that costs the invocation nothing may take so long and no longer. */
static void judge_init_time(struct fa_thread *thread, struct fa_thread_slot *slot, int64_t now_ns)
{
	const struct fa_env *env = thread->env;

	slot->cold = true;
	atomic_store(&thread->init_done_ns, now_ns);
	if (env->suppressed)
		return;
	slot->init_ns = now_ns - env->birth_ns;
	slot->start_ns = now_ns;
	if (slot->init_ns > init_limit(slot))
		slot->verdict = FA_INIT_TIMED_OUT;
}

static void init(struct fa_thread *thread, struct fa_thread_slot *slot)
{
	struct faas_error err = { .code = 0 };
	const struct faas_handler *handler;

	fa_thread_enter(thread, slot, true, thread->env->birth_ns + init_limit(slot));
	handler = find_handler(thread, &err);
	if (handler)
		call_init(thread, handler);
	else
		fa_thread_fail(thread, FA_INIT_ERRED, err.type, err.message);
	judge_init_time(thread, slot, fa_now(thread->envs->clock));
	fa_thread_leave(thread);
	if (!slot->verdict)
		thread->handler = handler;
}

/* ---- the event -------------------------------------------------------- */

static void returned(struct fa_thread *thread, struct fa_thread_slot *slot, int rc)
{
	char message[160];
	struct fa_text text = FA_TEXT(message);

	if (slot->verdict)
		return;
	if (!rc) {
		slot->verdict = FA_REPLIED;
		return;
	}
	fa_text_add(&text, "handler '");
	fa_text_bytes(&text, thread->handler->name, strnlen(thread->handler->name, 80));
	fa_text_add(&text, "' returned ");
	fa_text_int(&text, rc);
	fa_text_add(&text, " without faas_fail()");
	fa_thread_fail(thread, FA_ERRED, "Runtime.HandlerError", message);
}

static void invoke(struct fa_thread *thread, struct fa_thread_slot *slot)
{
	struct fa_account *before;
	int rc;

	fa_thread_enter(thread, slot, false, slot->start_ns + slot->timeout_ns);
	before = fa_account_use(&thread->account);
	rc = thread->handler->invoke(&thread->context, slot->event);
	fa_account_use(before);
	returned(thread, slot, rc);
	fa_thread_leave(thread);
}

static void begin(struct fa_thread *thread, struct fa_thread_slot *slot)
{
	/* one that waited behind another begins when that one ends */
	slot->start_ns = slot->posted_ns > thread->finished_ns ? slot->posted_ns :
								 thread->finished_ns;
	slot->verdict = FA_OPEN;
	slot->cold = false;
	slot->init_ns = 0;
	slot->answer.len = 0;
}

static void refuse(struct fa_thread_slot *slot)
{
	slot->verdict = FA_NO_BIRTH;
	memcpy(slot->why, "Cannot allocate memory", sizeof("Cannot allocate memory"));
}

void fa_thread_run(struct fa_thread *thread, struct fa_thread_slot *slot)
{
	int64_t before = cpu_before(thread), from_ns;

	atomic_store_explicit(&thread->cpu_from_ns, before, memory_order_relaxed);
	begin(thread, slot);
	from_ns = slot->start_ns;
	if (slot->refused)
		refuse(slot);
	else if (!thread->handler)
		init(thread, slot);
	if (!slot->verdict && slot->flags & FA_REQ_START)
		slot->verdict = FA_REPLIED;
	if (!slot->verdict && !(slot->cold && fa_thread_stopped(thread)))
		invoke(thread, slot);
	slot->end_ns = fa_now(thread->envs->clock);
	thread->finished_ns = slot->end_ns;
	thread->took_ns = slot->end_ns - from_ns;
	slot->cpu_ns = cpu_since(before, thread->took_ns);
	slot->peak_kb = (uint32_t)((thread->account.peak + 1023) >> 10);
}

bool fa_thread_has_shutdown(const struct fa_thread *thread)
{
	return thread->handler && thread->handler->shutdown;
}

void fa_thread_shutdown(struct fa_thread *thread)
{
	struct fa_account *before;

	fa_thread_enter(thread, NULL, true,
			fa_now(thread->envs->clock) + (int64_t)FA_SHUTDOWN_GRACE_MS * 1000000);
	before = fa_account_use(&thread->account);
	thread->handler->shutdown(&thread->context);
	fa_account_use(before);
	fa_thread_leave(thread);
}
