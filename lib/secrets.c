/* SPDX-License-Identifier: MIT */
/*
 * Secrets: a handler asks for one by name and version, the host is asked if it was not lately, and
 * what it gives is kept for as long as it says and wiped then. Whoever asks for the
 * same thing meanwhile waits for the same answer. An answer finds its way by the
 * number of an environment and the birth of its process: who asked may be gone.
 */
#include <secrets.h>

#include <string.h>

#include <base/error.h>
#include <base/hidden.h>
#include <runtime.h>

#define ASKED_MAX 64           /* questions to the host at a time */
#define WAITING_MAX 4096       /* for answers */
#define PATIENCE_NS 30000000000LL
#define KEEP_MAX_MS 86400000

struct waiting {
	struct waiting *next;
	uint32_t env, serial;
	int64_t birth_ns;
};

struct question {
	struct fa_list link;
	uint64_t id;
	int64_t until_ns;
	struct fa_version *version; /* one reference */
	struct waiting *waiting;
	char key[FA_SECRET_KEY_MAX]; /* "": what it asked for has expired meanwhile */
};

static struct fa_vault *vault_of(struct faas *rt)
{
	return &rt->vault;
}

/* ---- answers ------------------------------------------------------------ */

static void give(struct faas *rt, const struct waiting *to, const struct faas_bytes *value)
{
	struct fa_env *env = fa_envs_find(&rt->envs, to->env);

	if (env && env->birth_ns == to->birth_ns)
		env->kind->give(env, to->serial, value);
}

static void end_question(struct faas *rt, struct question *question,
			 const struct faas_bytes *value)
{
	struct waiting *waiting;

	fa_list_remove(&question->link);
	vault_of(rt)->asked_count--;
	while ((waiting = question->waiting)) {
		question->waiting = waiting->next;
		rt->vault.waiting--;
		give(rt, waiting, value);
		fa_free(waiting);
	}
	fa_version_unref(question->version);
	fa_free(question);
}

/* ---- time ---------------------------------------------------------------- */

static void plan(struct faas *rt)
{
	struct fa_vault *vault = vault_of(rt);
	int64_t now = fa_now(rt->clock), next = fa_secrets_sweep(&vault->known, now);
	struct fa_list *pos, *after;

	fa_list_for_safe(pos, after, &vault->asked) {
		struct question *question = fa_container(pos, struct question, link);

		if (question->until_ns <= now)
			end_question(rt, question, NULL);
		else if (question->until_ns < next)
			next = question->until_ns;
	}
	if (next == INT64_MAX)
		fa_loop_timer_stop(&rt->loop, &vault->timer);
	else
		fa_loop_timer(&rt->loop, &vault->timer, next);
}

static void on_due(struct fa_timer *timer)
{
	plan(fa_container(timer, struct faas, vault.timer));
}

/* ---- questions ----------------------------------------------------------- */

static struct question *find_key(struct fa_vault *vault, const char *key)
{
	struct fa_list *pos;

	fa_list_for(pos, &vault->asked) {
		struct question *question = fa_container(pos, struct question, link);

		if (!strcmp(question->key, key))
			return question;
	}
	return NULL;
}

static struct question *find_id(struct fa_vault *vault, uint64_t id)
{
	struct fa_list *pos;

	fa_list_for(pos, &vault->asked) {
		struct question *question = fa_container(pos, struct question, link);

		if (question->id == id)
			return question;
	}
	return NULL;
}

/* Nobody else waits for what may have been read before, and it is not kept. */
static void expire_asked(struct fa_vault *vault, const char *name)
{
	struct fa_list *pos;

	fa_list_for(pos, &vault->asked) {
		struct question *question = fa_container(pos, struct question, link);

		if (*question->key && fa_secret_key_is_of(question->key, name))
			*question->key = '\0';
	}
}

struct fa_expired {
	struct fa_call call;
	struct faas *rt;
	struct fa_expired *next;
	char name[FA_SECRET_NAME_MAX + 1];
};

/* A question may come to the loop before the call does, and looks here first. */
static void expire(struct faas *rt)
{
	struct fa_expired *expired = atomic_exchange(&rt->vault.expired, NULL);

	for (; expired; expired = expired->next) {
		fa_secrets_expire(&rt->vault.known, expired->name);
		expire_asked(&rt->vault, expired->name);
	}
}

static void on_expired(struct fa_call *call)
{
	struct fa_expired *expired = fa_container(call, struct fa_expired, call);

	expire(expired->rt);
	plan(expired->rt);
	fa_free(expired);
}

static struct question *new_question(struct faas *rt, struct fa_version *version, const char *key)
{
	struct fa_vault *vault = vault_of(rt);
	struct question *question;

	if (vault->asked_count == ASKED_MAX)
		return NULL;
	question = fa_alloc(&rt->mem, sizeof(*question));
	if (!question)
		return NULL;
	question->id = ++vault->serial;
	question->until_ns = fa_now(rt->clock) + PATIENCE_NS;
	question->version = version;
	fa_version_ref(version);
	strcpy(question->key, key);
	fa_list_append(&vault->asked, &question->link);
	vault->asked_count++;
	return question;
}

static bool wait_for(struct faas *rt, struct question *question, const struct waiting *who)
{
	struct waiting *waiting;

	if (rt->vault.waiting == WAITING_MAX)
		return false;
	waiting = fa_alloc(&rt->mem, sizeof(*waiting));
	if (!waiting)
		return false;
	*waiting = *who;
	waiting->next = question->waiting;
	question->waiting = waiting;
	rt->vault.waiting++;
	return true;
}

/* The host may answer within the callback: nothing of the question is touched after it. */
static void ask_host(struct faas *rt, const struct question *question, const char *name,
		     const char *secret_version)
{
	const struct faas_ask ask = { .size = sizeof(ask),
				      .id = question->id,
				      .name = name,
				      .function = question->version->config.name,
				      .version = question->version->qualifier,
				      .secret_version = secret_version };

	plan(rt);
	rt->config.on_secret(rt->config.data, &ask);
}

/* Unless it is asked already. */
static void ask(struct faas *rt, struct fa_version *version, const char *key, const char *name,
		const char *secret_version, const struct waiting *who)
{
	struct question *asked = find_key(&rt->vault, key), *question = asked;

	if (!question)
		question = new_question(rt, version, key);
	if (question && wait_for(rt, question, who)) {
		if (!asked)
			ask_host(rt, question, name, secret_version);
		return;
	}
	if (question && !asked)
		end_question(rt, question, NULL);
	give(rt, who, NULL);
}

/* Of a version as it is: another revision, another question. */
static void on_ask(void *data, struct fa_env *env, uint32_t serial, const char *name,
		   const char *secret_version)
{
	struct faas *rt = data;
	struct fa_version *version = env->pool->version;
	const struct waiting who = { .env = env->id, .serial = serial, .birth_ns = env->birth_ns };
	char key[FA_SECRET_KEY_MAX];
	struct faas_bytes value;

	if (!rt->config.on_secret || rt->vault.closed) {
		give(rt, &who, NULL);
		return;
	}
	expire(rt);
	fa_secret_key(key, version->revision, name, secret_version);
	if (fa_secrets_find(&rt->vault.known, key, fa_now(rt->clock), &value)) {
		give(rt, &who, &value);
		return;
	}
	ask(rt, version, key, name, secret_version, &who);
}

/* ---- what the host gives ------------------------------------------------- */

struct gift {
	struct fa_call call;
	struct faas *rt;
	uint64_t id;
	int ttl_ms;
	bool none;
	size_t len;
	char bytes[];
};

static void on_gift(struct fa_call *call)
{
	struct gift *gift = fa_container(call, struct gift, call);
	const struct faas_bytes value = { gift->bytes, gift->len };
	struct faas *rt = gift->rt;
	struct question *question = find_id(&rt->vault, gift->id);

	if (question) {
		if (!gift->none && gift->ttl_ms > 0 && *question->key)
			fa_secrets_keep(&rt->vault.known, question->key, value,
					fa_now(rt->clock) + (int64_t)gift->ttl_ms * 1000000);
		end_question(rt, question, gift->none ? NULL : &value);
		plan(rt);
	}
	fa_hidden_free(gift);
}

int faas_secret_give(struct faas *rt, uint64_t id, struct faas_bytes value, int ttl_ms,
		     struct faas_error *err)
{
	struct gift *gift;
	int rc;

	if (!rt)
		return fa_error(err, FAAS_EINVAL, "a runtime is required");
	if (value.len > FA_SECRET_MAX || (value.len && !value.data) ||
	    (value.len && memchr(value.data, '\0', value.len)))
		return fa_error(err, FAAS_EINVAL, "a secret is a text of at most %d bytes",
				FA_SECRET_MAX);
	if (ttl_ms < 0 || ttl_ms > KEEP_MAX_MS)
		return fa_error(err, FAAS_EINVAL, "ttl_ms is %d: must be between 0 and %d", ttl_ms,
				KEEP_MAX_MS);
	rc = fa_enter(rt, err);
	if (rc)
		return rc;
	gift = fa_hidden_alloc(&rt->mem, sizeof(*gift) + value.len);
	if (gift) {
		gift->call.run = on_gift;
		gift->rt = rt;
		gift->id = id;
		gift->ttl_ms = ttl_ms;
		gift->none = !value.data;
		gift->len = value.len;
		if (value.len)
			memcpy(gift->bytes, value.data, value.len);
		fa_loop_call(&rt->loop, &gift->call);
	}
	fa_leave(rt);
	return gift ? 0 : fa_error_nomem(err);
}

/* ---- what it gave is old --------------------------------------------------- */

int faas_secret_expire(struct faas *rt, const char *name, struct faas_error *err)
{
	struct fa_expired *expired;
	int rc;

	if (!rt)
		return fa_error(err, FAAS_EINVAL, "a runtime is required");
	if (!name || !fa_secret_name_fits(name, strlen(name)))
		return fa_error(err, FAAS_EINVAL,
				"a secret has a name of 1 to %d printable characters",
				FA_SECRET_NAME_MAX);
	rc = fa_enter(rt, err);
	if (rc)
		return rc;
	expired = fa_alloc(&rt->mem, sizeof(*expired));
	if (expired) {
		expired->call.run = on_expired;
		expired->rt = rt;
		strcpy(expired->name, name);
		expired->next = atomic_load(&rt->vault.expired);
		while (!atomic_compare_exchange_weak(&rt->vault.expired, &expired->next, expired))
			;
		fa_loop_call(&rt->loop, &expired->call);
	}
	fa_leave(rt);
	return expired ? 0 : fa_error_nomem(err);
}

/* ---- life ---------------------------------------------------------------- */

void fa_vault_init(struct faas *rt)
{
	struct fa_vault *vault = vault_of(rt);

	fa_secrets_init(&vault->known, &rt->mem);
	fa_list_init(&vault->asked);
	vault->timer.on_due = on_due;
	rt->envs.on_ask = on_ask;
}

void fa_vault_close(struct faas *rt)
{
	struct fa_vault *vault = vault_of(rt);

	vault->closed = true;
	while (!fa_list_empty(&vault->asked))
		end_question(rt, fa_container(vault->asked.next, struct question, link), NULL);
}

void fa_vault_finish(struct faas *rt)
{
	fa_vault_close(rt);
	fa_secrets_finish(&vault_of(rt)->known);
	fa_loop_timer_stop(&rt->loop, &vault_of(rt)->timer);
}
