/* SPDX-License-Identifier: MIT */
/*
 * What the host may know of functions, and of all of them together. Each question is
 * answered as things stand now: nothing here is kept.
 */
#include <errno.h>
#include <stddef.h>
#include <string.h>
#include <sys/statvfs.h>

#include <base/error.h>
#include <functions.h>
#include <model/file_system.h>

/* Added up. */
struct census {
	int idle, cold, busy, starting; /* cold: of the idle ones */
};

static void count_environments(const struct fa_version *v, struct census *census)
{
	struct fa_runner *runner = v->runner;
	struct fa_pool *pool = runner->pool;
	struct fa_list *pos;

	fa_seats_clear(runner->rt, pool);
	pthread_mutex_lock(&pool->lock);
	census->idle += pool->idle_count;
	fa_list_for(pos, &pool->cold)
		census->cold++;
	fa_list_for(pos, &pool->away) {
		struct fa_env *env = fa_container(pos, struct fa_env, link);

		census->busy += env->state == FA_BUSY || env->state == FA_CRASHED;
		census->starting += env->state == FA_STARTING;
	}
	pthread_mutex_unlock(&pool->lock);
}

/* What an info borrows. */
struct backing {
	struct fa_provision_report report;
	struct fa_trouble state, update;
};

static void fill_state(struct faas_function_info *info, const struct fa_version *v,
		       struct backing *backing)
{
	struct faas *rt = ((struct fa_runner *)v->runner)->rt;

	backing->update.reason[0] = '\0';
	info->update_status =
		fa_update_name(fa_registry_update(&rt->registry, v, &backing->update));
	info->update_reason = backing->update.reason;
	info->state = fa_state_name(fa_registry_state(&rt->registry, v, &backing->state));
	info->state_reason = backing->state.reason;
}

static void fill_info(struct faas_function_info *info, const struct fa_version *v,
		      struct backing *backing)
{
	const struct fa_runner *runner = v->runner;
	struct fa_provision_report *report = &backing->report;
	struct census census = { 0 };

	memset(info, 0, sizeof(*info));
	info->size = sizeof(*info);
	info->name = v->config.name;
	info->version = v->qualifier;
	info->arn = v->arn;
	info->code = v->config.code ? v->config.code : v->config.image ? v->config.image : "";
	info->handler = v->config.handler ? v->config.handler : "";
	info->description = v->config.description;
	info->isolation = v->config.isolation;
	info->memory_mb = v->config.memory_mb;
	info->timeout_ms = v->config.timeout_ms;
	info->tmp_mb = v->config.tmp_mb;
	info->max_concurrency = fa_limits_member(v);
	count_environments(v, &census);
	info->environments_idle = census.idle;
	info->environments_cold = census.cold;
	info->environments_busy = census.busy;
	info->environments_starting = census.starting;
	fa_provision_report(runner->pool, report);
	info->provisioned_requested = report->requested;
	info->provisioned_available = report->available;
	info->provisioned_status = report->status;
	info->provisioned_reason = report->why;
	info->code_sha256 = v->code_sha256;
	info->revision = v->revision;
	fill_state(info, v, backing);
}

static const char *put(char **at, const char *text)
{
	char *to = *at;
	size_t len = strlen(text) + 1;

	memcpy(to, text, len);
	*at += len;
	return to;
}

static struct faas_function_info *copy_info(const struct fa_mem *mem,
					    const struct faas_function_info *from)
{
	const char *texts[] = { from->name,
				from->version,
				from->arn,
				from->code,
				from->handler,
				from->description,
				from->provisioned_status,
				from->provisioned_reason,
				from->code_sha256,
				from->revision,
				from->state,
				from->state_reason,
				from->update_status,
				from->update_reason };
	struct faas_function_info *info;
	size_t size = sizeof(*info);
	char *at;

	for (unsigned i = 0; i < sizeof(texts) / sizeof(*texts); i++)
		size += strlen(texts[i]) + 1;
	info = fa_alloc_dirty(mem, size);
	if (!info)
		return NULL;
	*info = *from;
	at = (char *)(info + 1);
	info->name = put(&at, from->name);
	info->version = put(&at, from->version);
	info->arn = put(&at, from->arn);
	info->code = put(&at, from->code);
	info->handler = put(&at, from->handler);
	info->description = put(&at, from->description);
	info->provisioned_status = put(&at, from->provisioned_status);
	info->provisioned_reason = put(&at, from->provisioned_reason);
	info->code_sha256 = put(&at, from->code_sha256);
	info->revision = put(&at, from->revision);
	info->state = put(&at, from->state);
	info->state_reason = put(&at, from->state_reason);
	info->update_status = put(&at, from->update_status);
	info->update_reason = put(&at, from->update_reason);
	return info;
}

int faas_function_get(struct faas *rt, const char *function, struct faas_function_info **info,
		      struct faas_error *err)
{
	struct backing backing;
	struct faas_function_info shown;
	int rc;
	struct fa_version *v = fa_function_open(rt, function, false, &rc, err);

	if (!v)
		return rc;
	fill_info(&shown, v, &backing);
	*info = copy_info(&rt->mem, &shown);
	rc = *info ? 0 : fa_error_nomem(err);
	fa_function_close(rt, v);
	return rc;
}

static int list(struct faas *rt, bool published,
		bool (*each)(void *data, const struct faas_function_info *info), void *data)
{
	struct fa_version **all;
	bool more = true;

	if (!rt || !each)
		return FAAS_EINVAL;
	if (fa_enter(rt, NULL))
		return FAAS_ECANCELED;
	all = fa_registry_all(&rt->registry, &rt->mem);
	for (size_t i = 0; all && all[i]; i++) {
		struct backing backing;
		struct faas_function_info info;

		if (more && (published || !all[i]->number)) {
			fill_info(&info, all[i], &backing);
			more = each(data, &info);
		}
		fa_version_unref(all[i]);
	}
	fa_leave(rt);
	if (!all)
		return FAAS_ENOMEM;
	fa_free(all);
	return 0;
}

int faas_function_list(struct faas *rt,
		       bool (*each)(void *data, const struct faas_function_info *info),
		       void *data)
{
	return list(rt, false, each, data);
}

int faas_version_list(struct faas *rt,
		      bool (*each)(void *data, const struct faas_function_info *info), void *data)
{
	return list(rt, true, each, data);
}

static void sum_environments(struct faas *rt, struct faas_stats *s)
{
	struct fa_version **all = fa_registry_all(&rt->registry, &rt->mem);
	struct census census = { 0 };

	for (size_t i = 0; all && all[i]; i++) {
		count_environments(all[i], &census);
		fa_version_unref(all[i]);
	}
	fa_free(all);
	s->environments_idle = census.idle;
	s->environments_busy = census.busy;
}

static void add_counts(struct faas_stats *s, const struct fa_counts *counts, uint64_t *memory_ms)
{
	s->invocations += atomic_load(&counts->invoked);
	s->errors += atomic_load(&counts->failed);
	s->billed_ms += (int64_t)atomic_load(&counts->billed_ms);
	*memory_ms += atomic_load(&counts->memory_ms);
}

int faas_stats(struct faas *rt, struct faas_stats *stats)
{
	struct faas_stats s = { .size = sizeof(s) };
	uint64_t memory_ms = 0;

	if (!rt || !stats || stats->size < offsetof(struct faas_stats, throttles))
		return FAAS_EINVAL;
	if (fa_enter(rt, NULL))
		return FAAS_ECANCELED;
	add_counts(&s, &rt->counts, &memory_ms);
	add_counts(&s, &rt->loop_counts, &memory_ms);
	for (int i = 0; i < FA_SEATS; i++)
		add_counts(&s, &rt->seats[i].counts, &memory_ms);
	s.throttles = atomic_load(&rt->throttled);
	s.cold_starts = atomic_load(&rt->envs.cold_starts);
	s.log_bytes_dropped = atomic_load(&rt->dropped);
	s.queued = atomic_load(&rt->queued);
	s.gb_seconds = (double)memory_ms / 1024 / 1000;
	s.cost = s.gb_seconds * rt->config.prices->per_gb_second +
		 (double)s.invocations * rt->config.prices->per_request;
	sum_environments(rt, &s);
	fa_durable_stats(rt, &s);
	if (s.size > stats->size)
		s.size = stats->size;
	memcpy(stats, &s, s.size);
	fa_leave(rt);
	return 0;
}

/* ---- file systems ------------------------------------------------------ */

static void measure(struct faas_file_system_info *info, const struct fa_file_system *fs,
		    const struct statvfs *now)
{
	info->size = sizeof(*info);
	info->arn = fs->arn;
	info->path = fs->path;
	info->read_only = fs->read_only;
	info->bytes_total = (uint64_t)now->f_blocks * now->f_frsize;
	info->bytes_free = (uint64_t)now->f_bavail * now->f_frsize;
	info->files_total = now->f_files;
	info->files_free = now->f_favail;
}

int faas_file_system_get(struct faas *rt, const char *arn, struct faas_file_system_info **info,
			 struct faas_error *err)
{
	const struct fa_file_system *fs;
	struct statvfs now;

	if (!rt || !arn || !info)
		return fa_error(err, FAAS_EINVAL,
				"a runtime, an ARN and a place for the answer are required");
	fs = fa_file_system_find(&rt->file_systems, arn);
	if (!fs)
		return fa_error(err, FAAS_ENOTFOUND,
				"the file system '%.200s' is none of this host's", arn);
	if (statvfs(fs->path, &now) < 0)
		return fa_error_errno(err, errno, fs->path);
	*info = fa_alloc(&rt->mem, sizeof(**info));
	if (!*info)
		return fa_error_nomem(err);
	measure(*info, fs, &now);
	return 0;
}
