/* SPDX-License-Identifier: MIT */
/*
 * A handler may print without end. So a turn of the loop reads at most 64 KB
 * from one pipe and comes back a little later for the rest, and an invocation
 * has a budget of lines; beyond it bytes are counted and thrown away. Reading
 * never stops altogether: an honest handler that prints much must not hang.
 */
#include <env/logs.h>

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include <env/env.h>
#include <env/logs_json.h>
#include <env/pool.h>
#include <model/checks.h>
#include <model/function.h>

#define LATER_NS 1000000
#define PLAIN (-1)

static struct fa_envs *envs_of(const struct fa_env *env)
{
	return env->pool->envs;
}

int fa_logs_init(struct fa_logs *logs)
{
	logs->watch.fd = -1;
	logs->level = PLAIN;
	return pthread_mutex_init(&logs->lock, NULL);
}

void fa_logs_finish(struct fa_logs *logs)
{
	fa_free(logs->partial);
	fa_free(logs->dressed);
	fa_free(logs->tail);
	pthread_mutex_destroy(&logs->lock);
}

/* ---- what becomes of a line ------------------------------------------ */

static void add_tail(struct fa_logs *logs, const char *text, size_t len)
{
	if (!logs->tail)
		return;
	for (size_t i = 0; i < len; i++)
		logs->tail[logs->tail_len++ % FA_LOG_TAIL] = text[i];
}

/* What becomes of the line in JSON; NULL: out of memory. */
static const char *dress(struct fa_env *env, const char *text, size_t *len)
{
	const struct fa_clock *clock = envs_of(env)->clock;
	struct fa_logs *logs = &env->logs;
	const struct fa_json_line line = { .unix_ms = clock->unix_ms(clock),
					   .request_id = logs->request_id,
					   .level = &logs->level,
					   .made = logs->made };

	if (!logs->dressed)
		logs->dressed = fa_alloc_dirty(envs_of(env)->mem,
					       FA_LOG_JSON_MAX(FA_LOG_LINE_MAX));
	return logs->dressed ? fa_logs_json(&line, text, len, logs->dressed) : NULL;
}

static void deliver(struct fa_env *env, const char *text, size_t len)
{
	const struct fa_logging *logging = &env->pool->version->logging;
	struct fa_logs *logs = &env->logs;
	struct fa_envs *envs = envs_of(env);
	size_t written = len;

	if (logging->json)
		text = dress(env, text, &len);
	if (logging->json && logs->level < (int)logging->application)
		return;
	if (!text || (logs->delivered + written > FA_LOG_BUDGET &&
		      !(envs->weak_checks & FA_CHECK_LOG_BOUND))) {
		logs->dropped += written + 1;
		return;
	}
	logs->delivered += written + 1;
	add_tail(logs, text, len);
	add_tail(logs, "\n", 1);
	if (envs->listening)
		envs->on_line(envs->data, env, logs->request_id[0] ? logs->request_id : NULL,
			      logs->level, text, len);
}

static void end_line(struct fa_env *env)
{
	struct fa_logs *logs = &env->logs;

	deliver(env, logs->partial, logs->partial_len);
	logs->partial_len = 0;
	logs->level = PLAIN;
	logs->made = false;
}

static void add_partial(struct fa_env *env, const char *text, size_t len)
{
	struct fa_logs *logs = &env->logs;

	while (len) {
		size_t room = FA_LOG_LINE_MAX - logs->partial_len, n = len < room ? len : room;

		memcpy(logs->partial + logs->partial_len, text, n);
		logs->partial_len += (uint32_t)n;
		text += n;
		len -= n;
		if (logs->partial_len == FA_LOG_LINE_MAX)
			end_line(env);
	}
}

static int level_from(char first, char c)
{
	return c >= first && c <= first + FAAS_FATAL ? c - first : PLAIN;
}

/* A frame of faas_log() begins: what stood before it without a newline is a line. */
static void begin_frame(struct fa_env *env, char c)
{
	struct fa_logs *logs = &env->logs;

	logs->marked = false;
	if (logs->partial_len)
		end_line(env);
	logs->level = level_from(FA_LOG_JSON, c);
	logs->made = logs->level != PLAIN;
	if (!logs->made)
		logs->level = level_from('0', c);
}

static void feed(struct fa_env *env, const char *text, size_t len)
{
	const char *end = text + len, *from = text;

	for (const char *at = text; at < end; at++) {
		if (env->logs.marked) {
			begin_frame(env, *at);
			from = at + 1;
		} else if (*at == '\n') {
			add_partial(env, from, (size_t)(at - from));
			end_line(env);
			from = at + 1;
		} else if (*at == FA_LOG_MARK) {
			add_partial(env, from, (size_t)(at - from));
			env->logs.marked = true;
			from = at + 1;
		}
	}
	add_partial(env, from, (size_t)(end - from));
}

/* ---- reading --------------------------------------------------------- */

static bool wanted(const struct fa_env *env)
{
	return envs_of(env)->listening || env->logs.tail;
}

static void take(struct fa_env *env, const char *text, size_t len)
{
	struct fa_logs *logs = &env->logs;

	if (!wanted(env))
		return;
	if (!logs->partial)
		logs->partial = fa_alloc_dirty(envs_of(env)->mem, FA_LOG_LINE_MAX);
	if (logs->partial)
		feed(env, text, len);
	else
		logs->dropped += len;
}

/* Returns whether there may be more. */
static bool read_some(struct fa_env *env, size_t most)
{
	char buffer[8192];
	size_t total = 0;
	ssize_t n = 0;

	while (total < most && env->logs.watch.fd >= 0) {
		n = read(env->logs.watch.fd, buffer, sizeof(buffer));
		if (n <= 0)
			break;
		take(env, buffer, (size_t)n);
		total += (size_t)n;
		if ((size_t)n < sizeof(buffer))
			return false;
	}
	return n > 0;
}

static void read_turn(struct fa_env *env)
{
	bool more;

	pthread_mutex_lock(&env->logs.lock);
	more = read_some(env, FA_LOG_READ_MAX);
	pthread_mutex_unlock(&env->logs.lock);
	if (more && fa_loop_timer(envs_of(env)->loop, &env->logs.later,
				  fa_now(envs_of(env)->clock) + LATER_NS) < 0)
		fa_loop_rearm(envs_of(env)->loop, &env->logs.watch);
}

static void on_readable(struct fa_watch *watch, uint32_t events)
{
	(void)events;
	read_turn(fa_container(watch, struct fa_env, logs.watch));
}

static void on_later(struct fa_timer *timer)
{
	read_turn(fa_container(timer, struct fa_env, logs.later));
}

/* ---- the life of the pipe -------------------------------------------- */

void fa_logs_open(struct fa_env *env, int fd)
{
	pthread_mutex_lock(&env->logs.lock);
	env->logs.watch.fd = fd;
	env->logs.watch.on_ready = on_readable;
	env->logs.later.on_due = on_later;
	pthread_mutex_unlock(&env->logs.lock);
}

int fa_logs_watch(struct fa_env *env)
{
	return fa_loop_watch(envs_of(env)->loop, &env->logs.watch);
}

void fa_logs_close(struct fa_env *env)
{
	struct fa_logs *logs = &env->logs;

	fa_loop_timer_stop(envs_of(env)->loop, &logs->later);
	pthread_mutex_lock(&logs->lock);
	read_some(env, FA_LOG_BUDGET);
	if (logs->partial_len)
		end_line(env);
	logs->marked = false;
	fa_loop_unwatch(envs_of(env)->loop, &logs->watch);
	logs->watch.fd = -1;
	pthread_mutex_unlock(&logs->lock);
}

/* ---- an invocation --------------------------------------------------- */

/*
 * For who holds the lease. If that is the loop nobody else touches them meanwhile:
 * it alone reads pipes of environments that others do not hold. What a thread logs
 * comes from everywhere.
 */
static bool enter(struct fa_env *env)
{
	if (!env->thread && fa_loop_here(envs_of(env)->loop))
		return false;
	pthread_mutex_lock(&env->logs.lock);
	return true;
}

static void leave(struct fa_env *env, bool locked)
{
	if (locked)
		pthread_mutex_unlock(&env->logs.lock);
}

static void report_dropped(struct fa_env *env)
{
	struct fa_logs *logs = &env->logs;
	struct fa_envs *envs = envs_of(env);

	if (logs->dropped)
		envs->on_dropped(envs->data, env, logs->request_id, logs->dropped);
	logs->dropped = 0;
}

void fa_logs_begin(struct fa_env *env, const char *request_id, bool want_tail)
{
	struct fa_logs *logs = &env->logs;
	bool locked = enter(env);

	report_dropped(env); /* of what was printed since the last end */
	memcpy(logs->request_id, request_id, sizeof(logs->request_id));
	logs->delivered = 0;
	logs->tail_len = 0;
	if (want_tail && !logs->tail)
		logs->tail = fa_alloc(envs_of(env)->mem, FA_LOG_TAIL);
	if (!want_tail && logs->tail) {
		fa_free(logs->tail);
		logs->tail = NULL;
	}
	leave(env, locked);
}

void fa_logs_line(struct fa_env *env, int level, const char *text, size_t len)
{
	pthread_mutex_lock(&env->logs.lock);
	env->logs.level = level < FAAS_TRACE || level > FAAS_FATAL ? FAAS_INFO : level;
	deliver(env, text, len);
	env->logs.level = PLAIN;
	pthread_mutex_unlock(&env->logs.lock);
}

void fa_logs_end(struct fa_env *env, bool drain)
{
	bool locked = enter(env);

	if (drain)
		read_some(env, FA_LOG_BUDGET);
	report_dropped(env);
	leave(env, locked);
}

void fa_logs_add_tail(struct fa_env *env, const char *text, size_t len)
{
	pthread_mutex_lock(&env->logs.lock);
	add_tail(&env->logs, text, len);
	add_tail(&env->logs, "\n", 1);
	pthread_mutex_unlock(&env->logs.lock);
}

size_t fa_logs_tail(struct fa_env *env, char *out)
{
	struct fa_logs *logs = &env->logs;
	size_t n = 0;

	pthread_mutex_lock(&logs->lock);
	if (logs->tail) {
		uint64_t from = logs->tail_len > FA_LOG_TAIL ? logs->tail_len - FA_LOG_TAIL : 0;

		for (uint64_t i = from; i < logs->tail_len; i++)
			out[n++] = logs->tail[i % FA_LOG_TAIL];
	}
	pthread_mutex_unlock(&logs->lock);
	return n;
}
