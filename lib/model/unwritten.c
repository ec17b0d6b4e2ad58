/* SPDX-License-Identifier: MIT */
/*
 * What comes to be of a function without a change, as the end of a build does: it is noted here
 * until a commit has written it. What was judged is not true before that.
 */
#include <model/registry.h>

#include <string.h>

bool fa_registry_unwritten(struct fa_registry *registry, char name[FA_NAME_MAX + 1])
{
	struct fa_function *function;
	uint32_t pos = 0;
	bool found = false;

	if (!atomic_load(&registry->unwritten))
		return false;
	pthread_rwlock_wrlock(&registry->lock);
	while (!found && (function = fa_map_next(&registry->functions, &pos))) {
		found = function->unwritten;
		if (!found)
			continue;
		function->unwritten = false;
		function->writing = true;
		strcpy(name, function->name);
	}
	pthread_rwlock_unlock(&registry->lock);
	return found;
}

/* It may have been judged since it was named: then it is written once more, and told then. */
static void end_writing(struct fa_function *function, bool done)
{
	if (function->writing && !done)
		function->unwritten = true;
	else if (function->writing && !function->unwritten)
		fa_registry_settle_verdicts(function);
	function->writing = false;
}

void fa_registry_written(struct fa_registry *registry, bool done)
{
	struct fa_function *function;
	uint32_t pos = 0;
	bool any = false;

	if (!atomic_load(&registry->unwritten))
		return;
	pthread_rwlock_wrlock(&registry->lock);
	while ((function = fa_map_next(&registry->functions, &pos))) {
		end_writing(function, done);
		any |= function->unwritten;
	}
	atomic_store(&registry->unwritten, any);
	pthread_rwlock_unlock(&registry->lock);
}

static void note_named(struct fa_registry *registry, const char *name)
{
	struct fa_function *function = fa_map_get(&registry->functions, name, strlen(name));

	if (function)
		fa_registry_note(registry, function);
}

void fa_registry_touch(struct fa_registry *registry, const char *name)
{
	pthread_rwlock_wrlock(&registry->lock);
	note_named(registry, name);
	pthread_rwlock_unlock(&registry->lock);
}

void fa_registry_judge(struct fa_registry *registry, struct fa_version *version,
		       const struct fa_trouble *trouble)
{
	pthread_rwlock_wrlock(&registry->lock);
	fa_version_judge(version, trouble);
	note_named(registry, version->config.name);
	pthread_rwlock_unlock(&registry->lock);
}

void fa_registry_judge_update(struct fa_registry *registry, const struct fa_version *latest,
			      const struct fa_trouble *trouble)
{
	const char *name = latest->config.name;
	struct fa_function *function;

	pthread_rwlock_wrlock(&registry->lock);
	function = fa_map_get(&registry->functions, name, strlen(name));
	if (function && function->latest == latest && function->updating) {
		function->judged = *trouble;
		fa_registry_note(registry, function);
	}
	pthread_rwlock_unlock(&registry->lock);
}

void fa_registry_settle(struct fa_registry *registry)
{
	struct fa_function *function;
	uint32_t pos = 0;
	bool any = false;

	pthread_rwlock_wrlock(&registry->lock);
	while ((function = fa_map_next(&registry->functions, &pos))) {
		function->unwritten = fa_registry_has_verdict(function);
		any |= function->unwritten;
	}
	atomic_store(&registry->unwritten, any);
	pthread_rwlock_unlock(&registry->lock);
}
