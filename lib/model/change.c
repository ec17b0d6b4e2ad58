/* SPDX-License-Identifier: MIT */
/*
 * A draft is a whole entry of the registry that no other thread finds. Maps and documents in it
 * are copies, versions are referenced once more: so to adopt it is to exchange two pointers, and
 * what differs between the two entries is all that anybody has to be told.
 */
#include <model/change.h>

#include <assert.h>
#include <stddef.h>
#include <string.h>

#include <base/text.h>
#include <model/alias.h>
#include <model/event_config.h>
#include <model/provisioned.h>
#include <model/url.h>

/* Under the lock. */
static bool is_mine(const struct fa_registry *registry)
{
	return registry->change.open && pthread_equal(registry->change.thread, pthread_self());
}

void fa_change_begin(struct fa_registry *registry)
{
	pthread_mutex_lock(&registry->changing);
	pthread_rwlock_wrlock(&registry->lock);
	assert(!registry->change.open);
	registry->change.open = true;
	registry->change.thread = pthread_self();
	pthread_rwlock_unlock(&registry->lock);
}

bool fa_change_is_open(struct fa_registry *registry)
{
	bool mine;

	pthread_rwlock_rdlock(&registry->lock);
	mine = is_mine(registry);
	pthread_rwlock_unlock(&registry->lock);
	return mine;
}

void fa_change_end(struct fa_registry *registry)
{
	pthread_rwlock_wrlock(&registry->lock);
	assert(!registry->change.drafts);
	registry->change.open = false;
	pthread_rwlock_unlock(&registry->lock);
	pthread_mutex_unlock(&registry->changing);
}

/* ---- to make one ------------------------------------------------------- */

/* Values of this size, whose key is the first thing in them. */
static int copy_values(struct fa_map *out, const struct fa_map *in, size_t size)
{
	void *value, *copy;
	uint32_t pos = 0;

	static_assert(!offsetof(struct fa_alias, name), "the key of an alias");
	static_assert(!offsetof(struct fa_event_config, qualifier), "of an event config");
	static_assert(!offsetof(struct fa_provisioned, qualifier), "of what is provisioned");
	while ((value = fa_map_next(in, &pos))) {
		copy = fa_alloc(in->mem, size);
		if (!copy)
			return FAAS_ENOMEM;
		memcpy(copy, value, size);
		if (fa_map_add(out, copy, copy) < 0) {
			fa_free(copy);
			return FAAS_ENOMEM;
		}
	}
	return 0;
}

static int copy_versions(struct fa_function *out, const struct fa_function *in)
{
	struct fa_version *v;
	uint32_t pos = 0;

	while ((v = fa_map_next(&in->versions, &pos))) {
		if (fa_map_add(&out->versions, v->qualifier, v) < 0)
			return FAAS_ENOMEM;
		fa_version_ref(v);
	}
	out->latest = in->latest;
	if (out->latest)
		fa_version_ref(out->latest);
	out->next = in->next;
	if (out->next)
		fa_version_ref(out->next);
	return 0;
}

static int copy_document(struct fa_document **out, const struct fa_document *in)
{
	*out = fa_document_copy(in);
	return in && !*out ? FAAS_ENOMEM : 0;
}

/* All but what was compiled, which is made again when somebody asks. */
static int copy_content(struct fa_function *out, const struct fa_function *in)
{
	int rc = copy_versions(out, in);

	out->last_number = in->last_number;
	out->updating = in->updating;
	out->trouble = in->trouble;
	out->judged = in->judged;
	out->recalled = in->recalled;
	out->may_recur = in->may_recur;
	if (!rc && in->dead_letter) {
		out->dead_letter = fa_strdup(in->versions.mem, in->dead_letter);
		rc = out->dead_letter ? 0 : FAAS_ENOMEM;
	}
	if (!rc)
		rc = copy_values(&out->aliases, &in->aliases, sizeof(struct fa_alias));
	if (!rc)
		rc = copy_values(&out->event_configs, &in->event_configs,
				 sizeof(struct fa_event_config));
	if (!rc)
		rc = copy_values(&out->provisioned, &in->provisioned,
				 sizeof(struct fa_provisioned));
	if (!rc)
		rc = fa_urls_copy(&out->urls, &in->urls);
	if (!rc)
		rc = copy_document(&out->tags, in->tags);
	return rc ? rc : copy_document(&out->attached, in->attached);
}

static bool holds(const struct fa_function *function, const struct fa_version *v)
{
	return function && (function->latest == v ||
			    fa_map_get(&function->versions, v->qualifier,
				       strlen(v->qualifier)) == v);
}

static struct fa_version *let_go(struct fa_version *v, const struct fa_function *other,
				 struct fa_version *gone)
{
	if (!v)
		return gone;
	if (holds(other, v)) {
		fa_version_unref(v);
		return gone;
	}
	v->also = gone;
	return v;
}

/* Free an entry. Versions that the other has not go on, with the references that it had. */
static struct fa_version *dissolve(struct fa_function *function, const struct fa_function *other)
{
	struct fa_version *v, *gone = NULL;
	uint32_t pos = 0;

	while ((v = fa_map_next(&function->versions, &pos)))
		gone = let_go(v, other, gone);
	gone = let_go(function->latest, other, gone);
	fa_registry_end_update(function);
	fa_registry_free_function(function);
	return gone;
}

struct fa_function *fa_change_find(const struct fa_registry *registry, const char *name, size_t len)
{
	struct fa_function *draft = is_mine(registry) ? registry->change.drafts : NULL;

	while (draft && (strlen(draft->name) != len || memcmp(draft->name, name, len) != 0))
		draft = draft->following;
	return draft;
}

static void begin_draft(struct fa_registry *registry, struct fa_function *draft)
{
	draft->following = registry->change.drafts;
	registry->change.drafts = draft;
}

int fa_change_add(struct fa_registry *registry, struct fa_function *function)
{
	int rc;

	if (is_mine(registry)) {
		begin_draft(registry, function);
		return 0;
	}
	rc = fa_map_add(&registry->functions, function->name, function);
	if (!rc)
		fa_registry_note(registry, function);
	return rc;
}

int fa_change_open(struct fa_registry *registry, struct fa_function **function)
{
	struct fa_function *draft;

	if (!is_mine(registry)) {
		fa_registry_note(registry, *function);
		return 0;
	}
	if (fa_change_find(registry, (*function)->name, strlen((*function)->name)))
		return 0; /* it is that */
	draft = fa_registry_new_function(registry, (*function)->name);
	if (!draft)
		return FAAS_ENOMEM;
	if (copy_content(draft, *function) < 0) {
		dissolve(draft, *function);
		return FAAS_ENOMEM;
	}
	begin_draft(registry, draft);
	*function = draft;
	return 0;
}

/* ---- what becomes of it ------------------------------------------------ */

struct fa_function *fa_change_draft(struct fa_registry *registry)
{
	return registry->change.drafts; /* nobody else's */
}

static struct fa_function *original(const struct fa_registry *registry,
				    const struct fa_function *draft)
{
	return fa_map_get(&registry->functions, draft->name, strlen(draft->name));
}

static void take_out(struct fa_registry *registry, const struct fa_function *draft)
{
	struct fa_function **at = &registry->change.drafts;

	while (*at != draft)
		at = &(*at)->following;
	*at = draft->following;
}

int fa_change_ready(struct fa_registry *registry, const struct fa_function *draft)
{
	int rc;

	pthread_rwlock_wrlock(&registry->lock);
	rc = fa_map_reserve(&registry->urls, draft->urls.count);
	if (!rc && !original(registry, draft))
		rc = fa_map_reserve(&registry->functions, 1);
	pthread_rwlock_unlock(&registry->lock);
	return rc;
}

struct fa_version *fa_change_discard(struct fa_registry *registry, struct fa_function *draft)
{
	struct fa_version *gone;

	pthread_rwlock_wrlock(&registry->lock);
	take_out(registry, draft);
	gone = dissolve(draft, original(registry, draft));
	pthread_rwlock_unlock(&registry->lock);
	return gone;
}

/* Under the lock; there is room. */
static struct fa_version *exchange(struct fa_registry *registry, struct fa_function *draft)
{
	struct fa_function *old = original(registry, draft);

	if (old) {
		draft->unwritten = old->unwritten;
		if (draft->updating) /* it may have been judged meanwhile */
			draft->judged = old->judged;
		fa_urls_unlist(registry, &old->urls);
		fa_map_replace(&registry->functions, draft->name, draft);
	} else {
		fa_map_add(&registry->functions, draft->name, draft);
	}
	fa_urls_list(registry, &draft->urls);
	draft->following = NULL;
	if (!draft->unwritten)
		fa_registry_settle_verdicts(draft);
	atomic_fetch_add(&registry->changes, 1);
	return old ? dissolve(old, draft) : NULL;
}

struct fa_version *fa_change_adopt(struct fa_registry *registry, struct fa_function *draft)
{
	struct fa_version *gone;

	pthread_rwlock_wrlock(&registry->lock);
	take_out(registry, draft);
	if (registry->ending) /* the next program finds it written */
		gone = dissolve(draft, original(registry, draft));
	else
		gone = exchange(registry, draft);
	pthread_rwlock_unlock(&registry->lock);
	return gone;
}

/* ---- what is of the account -------------------------------------------- */

struct fa_document **fa_change_open_part(struct fa_registry *registry, enum fa_account_kind kind)
{
	struct fa_account_part *part = &registry->parts[kind];
	struct fa_document **all = &part->all;

	if (is_mine(registry)) {
		all = &registry->change.parts[kind];
		if (!*all && part->all) {
			*all = fa_document_copy(part->all);
			return *all ? all : NULL;
		}
	} else {
		part->epoch++;
	}
	if (!*all)
		*all = fa_document_object();
	return *all ? all : NULL;
}

const struct fa_document *fa_change_read_part(const struct fa_registry *registry,
					      enum fa_account_kind kind)
{
	if (is_mine(registry) && registry->change.parts[kind])
		return registry->change.parts[kind];
	return registry->parts[kind].all;
}

const struct fa_document *fa_change_part(struct fa_registry *registry, enum fa_account_kind kind)
{
	return registry->change.parts[kind]; /* nobody else's */
}

void fa_change_discard_part(struct fa_registry *registry, enum fa_account_kind kind)
{
	fa_document_free(registry->change.parts[kind]);
	registry->change.parts[kind] = NULL;
}

void fa_change_adopt_part(struct fa_registry *registry, enum fa_account_kind kind)
{
	struct fa_account_part *part = &registry->parts[kind];
	struct fa_document *old = part->all;

	pthread_rwlock_wrlock(&registry->lock);
	part->all = registry->change.parts[kind];
	part->epoch++;
	pthread_rwlock_unlock(&registry->lock);
	registry->change.parts[kind] = NULL;
	fa_document_free(old);
}
