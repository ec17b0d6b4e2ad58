/* SPDX-License-Identifier: MIT */
/*
 * The typed doors that change functions: create, update, delete, recycle.
 */
#include <string.h>

#include <base/error.h>
#include <base/options.h>
#include <base/text.h>
#include <functions.h>
#include <model/event_config.h>
#include <model/file_system.h>
#include <model/tags.h>
#include <model/vpc.h>
#include <remember.h>
#include <roles.h>

int fa_function_check_room(const struct faas *rt, int provisioned, int each_mb,
			   struct faas_error *err)
{
	long long memory_mb = (long long)provisioned * each_mb;

	if (provisioned > FA_POOL_MAX)
		return fa_error(err, FAAS_EINVAL, "provisioned is %d: must be at most %d",
				provisioned, FA_POOL_MAX);
	if (memory_mb > rt->config.max_memory_mb)
		return fa_error(err, FAAS_EINVAL,
				"provisioned is %d: with %d MB each they need %lld MB, more than "
				"the runtime's max_memory_mb, which is %lld",
				provisioned, each_mb, memory_mb,
				(long long)rt->config.max_memory_mb);
	return 0;
}

/* What could never be there at the same time is refused; the rest may have to wait. */
static int check_provisioned(const struct faas *rt, const struct faas_function_config *c,
			     struct faas_error *err)
{
	if (c->provisioned > rt->config.max_concurrency)
		return fa_error(err, FAAS_EINVAL,
				"provisioned is %d: must not be greater than the runtime's "
				"max_concurrency, which is %d",
				c->provisioned, rt->config.max_concurrency);
	return fa_function_check_room(rt, c->provisioned, c->memory_mb, err);
}

/* Who is nobody but itself on this machine cannot give others networks. */
static int check_networks(struct faas *rt, struct faas_error *err)
{
	int error;

	pthread_mutex_lock(&rt->envs.lock);
	error = rt->envs.supervisor.hello.vpc_error;
	pthread_mutex_unlock(&rt->envs.lock);
	return error ? fa_error(err, FAAS_EINVAL,
				"no function can be in a VPC here: %s",
				fa_vpc_lack(error))
		     : 0;
}

static const char *said(const char *now, const char *before)
{
	return now ? now : before;
}

/* Those who hear of its events: may it, with the role that it gets, send to them? */
static int check_told(struct faas *rt, const struct faas_function_config *c,
		      const struct fa_version *old, struct faas_error *err)
{
	const char *role = said(c->role, old ? old->config.role : NULL),
		   *letter = said(c->dead_letter, old ? old->config.dead_letter : NULL);
	int rc = 0;

	if (c->role || c->dead_letter)
		rc = fa_role_check_told(rt, c->name, role, letter, FA_OF_DEAD_LETTERS, err);
	if (!rc)
		rc = fa_role_check_told(rt, c->name, role, c->on_success, FA_OF_EVENTS, err);
	return rc ? rc : fa_role_check_told(rt, c->name, role, c->on_failure, FA_OF_EVENTS, err);
}

/*
 * What a configuration names must be there, and what is said besides be fit to be. What it does
 * not say is as it was in `old`.
 */
static int check_named(struct faas *rt, const struct faas_function_config *c,
		       const struct fa_version *old, struct faas_error *err)
{
	const char *arn = c->file_system;
	int rc = fa_tags_read(NULL, c->tags, err);

	if (rc)
		return rc;
	if (arn && *arn && !fa_file_system_find(&rt->file_systems, arn))
		return fa_error(err, FAAS_EINVAL,
				"the file system '%.200s' is none of this host's", arn);
	rc = fa_vpc_check_named(&rt->vpcs, c, err);
	if (!rc && c->subnets && *c->subnets)
		rc = check_networks(rt, err);
	if (rc)
		return rc;
	rc = fa_role_check(rt, c->role, err);
	return rc ? rc : check_told(rt, c, old, err);
}

static struct fa_pool *pool_of(const struct fa_version *v)
{
	return ((struct fa_runner *)v->runner)->pool;
}

struct fa_version *fa_function_make(struct faas *rt, const struct faas_function_config *c,
				    const struct fa_code *code, const struct fa_version *sibling,
				    struct faas_error *err)
{
	struct fa_version *v = fa_version_create_of(&rt->mem, c, code, rt->config.region,
						    rt->config.account, err);

	if (!v)
		return NULL;
	v->modified_ms = rt->clock->unix_ms(rt->clock);
	if (check_provisioned(rt, &v->config, err) < 0 ||
	    fa_version_seal(v, &rt->keys, err) < 0 ||
	    fa_runner_create(rt, v, sibling, err) < 0) {
		fa_version_free(v);
		return NULL;
	}
	if (fa_limits_claim(rt, v, err) < 0) {
		fa_function_drop(v);
		return NULL;
	}
	return v;
}

static int code_of(const struct faas_error *err, int otherwise)
{
	return err->code ? err->code : otherwise;
}

/* Its environments refer to it, so they must be told to go before it can. */
void fa_function_drop(struct fa_version *v)
{
	while (v) {
		struct fa_version *also = v->also;

		v->also = NULL; /* others may have it still */
		fa_runner_renew(v->runner, true);
		fa_version_unref(v);
		v = also;
	}
}

/* What is the function's and of none of its versions; all of it, or an error and nothing. */
static int say_rest(struct faas *rt, const char *name, const struct faas_function_config *c,
		    int64_t now_ms, struct faas_error *err)
{
	struct fa_document *tags = NULL;
	int rc = fa_tags_read(&tags, c->tags, err);

	if (!rc)
		rc = fa_event_config_say(&rt->registry, name, c, now_ms, err);
	if (!rc && tags)
		fa_tags_replace(&rt->registry, name, tags);
	else
		fa_document_free(tags);
	return rc;
}

/* Takes the reference. Ours outlives the registry's, which anybody may take from it. */
int fa_function_add(struct faas *rt, struct fa_version *v, const struct faas_function_config *c,
		    struct faas_error *err)
{
	int rc;

	fa_version_ref(v);
	rc = fa_registry_add(&rt->registry, v, err);
	if (rc) {
		fa_limits_release(rt, v); /* at once: its runner ends later, on the loop */
		fa_version_unref(v);
	} else {
		rc = say_rest(rt, v->config.name, c, v->modified_ms, err);
	}
	fa_version_unref(v);
	return rc;
}

void fa_function_begin(struct faas *rt, struct fa_version *v)
{
	fa_provision_begin(pool_of(v));
	fa_durable_kick(rt);
}

/* Events go on to the old version until then, else they would meet none that is ready. */
static void make_ready(struct faas *rt, const struct fa_version *old, const struct fa_version *next)
{
	fa_provision_begin(pool_of(next));
	if (old->config.provisioned && next->config.provisioned && !fa_loop_here(&rt->loop))
		fa_provision_wait(pool_of(next));
}

/* Takes what the registry handed out in a change, whose end is what ends them. */
static void let_go(struct fa_version *v)
{
	while (v) {
		struct fa_version *also = v->also;

		v->also = NULL;
		fa_version_unref(v);
		v = also;
	}
}

/* A change of `old` is under way, and on the disk. */
int fa_function_swap(struct faas *rt, struct fa_version *old, struct fa_version *next,
		     struct faas_error *err)
{
	int rc;

	make_ready(rt, old, next);
	rc = fa_registry_swap(&rt->registry, old, next, err);
	if (rc) /* it was deleted meanwhile */
		fa_limits_release(rt, next);
	fa_function_drop(rc ? next : old); /* the registry's reference */
	return rc;
}

/* Whether nothing would change. */
static bool is_same(const struct fa_version *a, const struct fa_version *b)
{
	return !strcmp(a->config_sha256, b->config_sha256) &&
	       !strcmp(a->code_sha256, b->code_sha256) &&
	       a->config.provisioned == b->config.provisioned;
}

void fa_function_give_up(struct faas *rt, struct fa_version *old, struct fa_version *next,
			 int reserved)
{
	struct fa_version *now = fa_registry_latest(&rt->registry, old->config.name, NULL);

	if (now == old) /* making `next` claimed its limits */
		fa_limits_restore(rt, old, reserved);
	else if (next)
		fa_limits_release(rt, next);
	fa_version_unref(now);
	fa_registry_abandon(&rt->registry, old);
	fa_function_drop(next);
}

/* In a change. */
static int put_next(struct faas *rt, struct fa_version *old, struct fa_version *next,
		    struct faas_error *err)
{
	int rc;

	fa_version_ref(next);
	rc = fa_registry_swap(&rt->registry, old, next, err);
	fa_version_unref(rc ? next : old); /* the draft's reference */
	return rc;
}

int fa_function_end_change(struct faas *rt, struct fa_version *old, struct fa_version *next,
			   const struct faas_function_config *c, struct fa_version **published,
			   struct faas_error *err)
{
	int rc;

	make_ready(rt, old, next);
	rc = fa_change_prepare(rt, err);
	if (rc)
		return rc;
	rc = say_rest(rt, old->config.name, c, next->modified_ms, err);
	if (!rc)
		rc = put_next(rt, old, next, err);
	if (!rc && published) {
		*published = fa_function_publish(rt, next, NULL, err);
		rc = *published ? 0 : err->code;
	}
	rc = fa_change_close(rt, rc, err);
	if (!rc && published)
		fa_function_published(*published);
	if (rc && published) {
		fa_version_unref(*published);
		*published = NULL;
	}
	return rc;
}

/* It came out of the state_dir: what this program says of it counts from now on. */
static int adopt(struct faas *rt, struct fa_version *old, struct fa_version *next, bool same,
		 const struct faas_function_config *c, struct faas_error *err)
{
	int rc = fa_change_prepare(rt, err);

	if (rc)
		return rc;
	rc = say_rest(rt, old->config.name, c, next->modified_ms, err);
	if (!rc && fa_registry_mark(&rt->registry, c->name, false, NULL))
		rc = fa_error_nomem(err);
	if (!rc && !same)
		rc = put_next(rt, old, next, err);
	if (!rc && same)
		fa_registry_abandon(&rt->registry, old);
	return fa_change_close(rt, rc, err);
}

static int take_over(struct faas *rt, struct fa_version *old, const struct faas_function_config *c,
		     const struct fa_code *code, struct faas_error *err)
{
	int reserved = fa_quota_reserved(fa_quota_of(old)), rc = check_named(rt, c, NULL, err);
	struct fa_version *next;
	bool same;

	if (!rc)
		rc = fa_registry_begin(&rt->registry, old, err);
	if (rc)
		return rc;
	next = fa_function_make(rt, c, code, old, err);
	same = next && is_same(old, next);
	if (next && !same)
		make_ready(rt, old, next);
	rc = next ? adopt(rt, old, next, same, c, err) : code_of(err, FAAS_ENOMEM);
	if (rc)
		fa_function_give_up(rt, old, next, reserved);
	else if (same)
		fa_function_drop(next);
	else
		fa_version_unref(next);
	return rc;
}

/* What the state_dir has of one that could not be made until now. */
static int make_rest(struct faas *rt, struct fa_version *v, const struct faas_function_config *c,
		     struct faas_error *err)
{
	struct fa_document *document;
	int rc = fa_recall_look(rt, c->name, &document, err);

	if (rc || !document)
		return rc;
	fa_recall_rest(rt, document, v);
	fa_document_free(document);
	return say_rest(rt, c->name, c, v->modified_ms, err);
}

struct fa_version *fa_function_make_anew(struct faas *rt, const struct faas_function_config *c,
					 const struct fa_code *code, enum fa_state state,
					 struct faas_error *err)
{
	int rc = check_named(rt, c, NULL, err);
	struct fa_version *v = rc ? NULL : fa_function_make(rt, c, code, NULL, err);

	if (!v)
		return NULL;
	fa_version_begin(v, state);
	fa_version_ref(v);
	rc = fa_function_add(rt, v, c, err);
	if (!rc)
		rc = make_rest(rt, v, c, err);
	if (!rc)
		return v;
	fa_version_unref(v);
	return NULL;
}

static int create(struct faas *rt, const struct faas_function_config *c,
		  const struct fa_code *code, struct fa_version *old, struct faas_error *err)
{
	struct fa_version *v;

	int rc;

	if (old)
		return take_over(rt, old, c, code, err);
	rc = fa_change_prepare(rt, err);
	if (rc)
		return rc;
	v = fa_function_make_anew(rt, c, code, FA_STATE_ACTIVE, err);
	rc = fa_change_close(rt, v ? 0 : code_of(err, FAAS_ENOMEM), err);
	if (!rc)
		fa_function_begin(rt, v);
	fa_version_unref(v);
	return rc;
}

int fa_function_create(struct faas *rt, const struct faas_function_config *c,
		       const struct fa_code *given, struct faas_error *err)
{
	struct fa_version *old = c->name ? fa_registry_recalled(&rt->registry, c->name) : NULL;
	struct fa_code code;
	int rc = fa_code_take(rt, c, given, NULL, &code, err);

	if (!rc)
		rc = fa_code_make(&code, err);
	if (!rc)
		rc = create(rt, c, &code, old, err);
	fa_code_drop(&code);
	fa_version_unref(old);
	return rc;
}

int faas_function_create(struct faas *rt, const struct faas_function_config *config,
			 struct faas_error *err)
{
	struct faas_error own = { 0 };
	struct faas_function_config c;
	int rc;

	if (!rt)
		return fa_error(err, FAAS_EINVAL, "a runtime is required");
	if (!err)
		err = &own;
	rc = fa_options_copy(&c, sizeof(c), config, "FAAS_FUNCTION", err);
	if (!rc)
		rc = fa_enter(rt, err);
	if (rc)
		return rc;
	rc = fa_change_may(rt, err); /* before what takes its time */
	if (!rc)
		rc = fa_function_create(rt, &c, NULL, err);
	fa_leave(rt);
	return rc;
}

int fa_function_check_revision(const struct fa_version *v, const char *revision,
			       struct faas_error *err)
{
	if (!revision || !strcmp(revision, v->revision))
		return 0;
	return fa_error(err, FAAS_EPRECONDITION,
			"The Revision Id provided does not match the latest Revision Id. Call the "
			"GetFunction/GetAlias API to retrieve the latest Revision Id");
}

static struct fa_version *make_merged(struct faas *rt, struct fa_version *old,
				      const struct faas_function_config *c,
				      const struct fa_code *code, struct faas_error *err)
{
	struct fa_variables variables = { NULL, NULL };
	struct faas_function_config merged;
	struct fa_version *next;

	if (!c->environment && fa_variables_open(&variables, old, err) < 0)
		return NULL;
	fa_version_merge(&merged, &old->config, c);
	if (!c->environment)
		merged.environment = variables.list;
	if (!c->max_concurrency) /* it may have been changed since */
		merged.max_concurrency = fa_limits_member(old);
	next = fa_function_make(rt, &merged, code, old, err);
	fa_variables_close(&variables);
	return next;
}

/* The version that `old` becomes by the change, or NULL. */
static struct fa_version *make_next(struct faas *rt, struct fa_version *old,
				    const struct faas_function_config *c,
				    const struct fa_code *given, bool now, struct faas_error *err)
{
	struct fa_version *next = NULL;
	struct fa_code code;

	if (fa_code_take(rt, c, given, old, &code, err) < 0)
		return NULL;
	if (!now || !fa_code_make(&code, err))
		next = make_merged(rt, old, c, &code, err);
	fa_code_drop(&code);
	return next;
}

struct fa_version *fa_function_begin_change(struct faas *rt, struct fa_version *old,
					    const struct faas_function_config *c,
					    const struct fa_code *given, const char *revision,
					    bool now, struct faas_error *err)
{
	int reserved = fa_quota_reserved(fa_quota_of(old));
	struct fa_version *next;

	if (fa_function_check_revision(old, revision, err) < 0 ||
	    check_named(rt, c, old, err) < 0 ||
	    fa_registry_begin(&rt->registry, old, err) < 0)
		return NULL;
	next = make_next(rt, old, c, given, now, err);
	if (!next)
		fa_function_give_up(rt, old, NULL, reserved);
	return next;
}

int fa_function_expect(struct faas *rt, struct fa_version *old, struct fa_version *next,
		       const struct faas_function_config *c, struct faas_error *err)
{
	int rc = fa_change_prepare(rt, err);

	if (rc)
		return rc;
	rc = say_rest(rt, old->config.name, c, next->modified_ms, err);
	if (!rc && fa_registry_expect(&rt->registry, old, next))
		rc = fa_error_nomem(err);
	return fa_change_close(rt, rc, err);
}

int fa_function_change(struct faas *rt, struct fa_version *old,
		       const struct faas_function_config *c, const struct fa_code *given,
		       const char *revision, struct fa_version **published,
		       struct faas_error *err)
{
	int rc, reserved = fa_quota_reserved(fa_quota_of(old));
	struct fa_version *next = fa_function_begin_change(rt, old, c, given, revision, true, err);

	if (!next)
		return code_of(err, FAAS_ENOMEM);
	rc = fa_function_end_change(rt, old, next, c, published, err);
	if (rc)
		fa_function_give_up(rt, old, next, reserved);
	else
		fa_version_unref(next);
	return rc;
}

int faas_function_update(struct faas *rt, const struct faas_function_config *config,
			 struct faas_error *err)
{
	struct faas_error own = { 0 };
	struct faas_function_config c;
	struct fa_version *old;
	int rc;

	if (!rt)
		return fa_error(err, FAAS_EINVAL, "a runtime is required");
	if (!err)
		err = &own;
	rc = fa_options_copy(&c, sizeof(c), config, "FAAS_FUNCTION", err);
	if (rc)
		return rc;
	old = fa_function_open(rt, c.name, true, &rc, err);
	if (!old)
		return rc;
	rc = fa_change_may(rt, err); /* before what takes its time */
	if (!rc)
		rc = fa_function_change(rt, old, &c, NULL, NULL, NULL, err);
	fa_function_close(rt, old);
	return rc;
}

struct fa_version *fa_function_open(struct faas *rt, const char *function, bool latest, int *rc,
				    struct faas_error *err)
{
	struct faas_error own = { 0 };
	struct fa_version *v;

	if (!rt) {
		*rc = fa_error(err, FAAS_EINVAL, "a runtime is required");
		return NULL;
	}
	*rc = fa_enter(rt, err);
	if (*rc)
		return NULL;
	v = latest ? fa_registry_latest(&rt->registry, function, &own) :
		     fa_registry_find(&rt->registry, function, &own);
	*rc = own.code;
	if (!v && err)
		*err = own;
	if (!v)
		fa_leave(rt);
	return v;
}

void fa_function_close(struct faas *rt, struct fa_version *v)
{
	fa_version_unref(v);
	fa_leave(rt);
}

/* What the last colon of a function's name that was found stands before, or "". */
static const char *qualifier_of(const char *function)
{
	struct fa_name name;

	fa_name_parse(&name, function, NULL);
	return name.qualifier.data ? name.qualifier.data : "";
}

/* With all that is of it. In a change: $LATEST may be another than the one that was found. */
static int delete_function(struct faas *rt, const char *name, struct faas_error *err)
{
	struct fa_version *latest = fa_registry_latest(&rt->registry, name, err);
	int rc = 0;

	if (!latest)
		return err->code;
	if (fa_registry_open(&rt->registry, name, true, &rc, err)) { /* which may fail */
		fa_registry_close(&rt->registry);
		let_go(fa_registry_remove(&rt->registry, latest));
	}
	fa_version_unref(latest);
	return rc;
}

/* A number goes alone. */
static int delete_number(struct faas *rt, struct fa_version *v, const char *qualifier,
			 struct faas_error *err)
{
	struct fa_version *removed;

	if (!strcmp(qualifier, "$LATEST"))
		return fa_error(err, FAAS_EINVAL,
				"$LATEST version cannot be deleted without deleting the function.");
	if (strcmp(qualifier, v->qualifier))
		return fa_error(err, FAAS_EINVAL, "'%s' is an alias: use faas_alias_delete()",
				qualifier);
	removed = fa_registry_unpublish(&rt->registry, v, err);
	if (!removed)
		return err->code;
	fa_version_unref(removed);
	fa_limits_rearrange(rt, v->config.name);
	return 0;
}

int faas_function_delete(struct faas *rt, const char *function, struct faas_error *err)
{
	struct faas_error own = { 0 };
	const char *qualifier;
	int rc;
	struct fa_version *v = fa_function_open(rt, function, false, &rc, err);

	if (!v)
		return rc;
	if (!err)
		err = &own;
	qualifier = qualifier_of(function);
	rc = fa_change_prepare(rt, err);
	if (!rc) {
		rc = *qualifier ? delete_number(rt, v, qualifier, err)
				: delete_function(rt, v->config.name, err);
		rc = fa_change_close(rt, rc, err);
	}
	fa_function_close(rt, v);
	return rc;
}

int faas_recycle(struct faas *rt, const char *function, struct faas_error *err)
{
	int rc;
	struct fa_version *v = fa_function_open(rt, function, false, &rc, err);

	if (!v)
		return rc;
	fa_runner_renew(v->runner, false);
	fa_function_close(rt, v);
	return 0;
}
