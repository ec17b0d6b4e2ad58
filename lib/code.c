/* SPDX-License-Identifier: MIT */
/*
 * From a configuration to code in the store. Taking it judges it and is quick; making
 * it takes as long as it takes, on the thread of who waits or on one of our own (build.c).
 * Removing is done by the loop, a bounded piece each turn.
 */
#include <code.h>

#include <errno.h>
#include <string.h>

#include <base/error.h>
#include <images.h>

static bool is_zip(const char *code)
{
	size_t len = strlen(code);

	return len > 4 && (!strcmp(code + len - 4, ".zip") || !strcmp(code + len - 4, ".ZIP"));
}

static int take_package(struct faas *rt, const struct faas_function_config *c,
			const struct fa_code *given, const struct fa_version *old,
			struct fa_code *code, struct faas_error *err)
{
	if (given && given->package)
		code->package = fa_package_ref(given->package);
	else if (c->image)
		code->package = fa_images_take(rt, c->image, true, err);
	else if (!c->code)
		code->package = old && !c->native ? fa_package_ref(old->code.package) : NULL;
	else if (is_zip(c->code))
		code->package = fa_packages_take_file(&rt->packages, c->code, err);
	else
		return 0;
	return !code->package && (c->code || c->image) ? err->code : 0;
}

static int merge_layers(struct faas *rt, const char *const *arns, struct fa_code *code,
			struct faas_error *err)
{
	struct fa_package *packages[FA_LAYERS_MAX];
	size_t count = 0;
	int rc = fa_layers_resolve(&rt->layers, arns, packages, &count, err);

	if (!rc && count) {
		code->opt = fa_packages_merge(&rt->packages, packages, count, err);
		rc = code->opt ? 0 : err->code;
	}
	for (size_t i = 0; i < count; i++) {
		code->layer_sizes[i] = packages[i]->zipped;
		fa_package_unref(packages[i]);
	}
	return rc;
}

static int take_layers(struct faas *rt, const struct faas_function_config *c,
		       const struct fa_code *given, const struct fa_version *old,
		       struct fa_code *code, struct faas_error *err)
{
	const struct fa_code *merged = given && given->opt ? given : NULL;
	const struct fa_code *from = merged ? merged : old ? &old->code : NULL;

	if (c->layers && !merged)
		return merge_layers(rt, c->layers, code, err);
	if (!from)
		return 0;
	code->opt = fa_package_ref(from->opt);
	memcpy(code->layer_sizes, from->layer_sizes, sizeof(code->layer_sizes));
	return 0;
}

static int check_sizes(const struct fa_code *code, struct faas_error *err)
{
	int64_t opt = code->opt ? code->opt->unzipped : 0;
	int64_t all = opt + (code->package ? code->package->unzipped : 0);

	if (opt >= FA_ARCHIVE_UNPACKED)
		return fa_error(err, FAAS_EINVAL,
				"Layers consume more than the available size of %u bytes",
				FA_ARCHIVE_UNPACKED);
	if (opt && all >= FA_ARCHIVE_UNPACKED)
		return fa_error(err, FAAS_EINVAL,
				"Function code combined with layers exceeds the maximum allowed "
				"size of %u bytes. The actual size is %lld bytes.",
				FA_ARCHIVE_UNPACKED, (long long)all);
	return 0;
}

/* Lambda does not change the type of a package, either. */
static int check_type(const struct faas_function_config *c, const struct fa_version *old,
		      struct faas_error *err)
{
	if (!old || (!c->image && !c->code && !c->native))
		return 0;
	if (old->config.image && !c->image)
		return fa_error(err, FAAS_EINVAL,
				"Please provide ImageUri when updating a function with packageType "
				"Image.");
	if (!old->config.image && c->image)
		return fa_error(err, FAAS_EINVAL,
				"Please don't provide ImageUri when updating a function with "
				"packageType Zip.");
	return 0;
}

int fa_code_take(struct faas *rt, const struct faas_function_config *c,
		 const struct fa_code *given, const struct fa_version *old, struct fa_code *code,
		 struct faas_error *err)
{
	int rc;

	*code = (struct fa_code){ .runtimes = rt->config.runtimes,
				  .file_systems = &rt->file_systems,
				  .vpcs = &rt->vpcs };
	rc = check_type(c, old, err);
	if (!rc)
		rc = take_package(rt, c, given, old, code, err);
	if (!rc)
		rc = take_layers(rt, c, given, old, code, err);
	if (!rc)
		rc = check_sizes(code, err);
	if (rc)
		fa_code_drop(code);
	return rc;
}

bool fa_code_is_made(const struct fa_code *code)
{
	return (!code->package || atomic_load(&code->package->made)) &&
	       (!code->opt || atomic_load(&code->opt->made));
}

int fa_code_make(const struct fa_code *code, struct faas_error *err)
{
	int rc = fa_package_make(code->package, err);

	return rc ? rc : fa_package_make(code->opt, err);
}

void fa_code_drop(struct fa_code *code)
{
	fa_package_unref(code->package);
	fa_package_unref(code->opt);
	code->package = code->opt = NULL;
}

/* ---- reading ----------------------------------------------------------- */

#define IDS 0x7fffff

/* One id for the process, and for the supervisor whose it is. */
static int start_reader(void *data, int zip, int out, enum fa_unpack_what what,
			struct faas_error *err)
{
	struct faas *rt = data;
	struct fa_envs *envs = &rt->envs;
	int id = (int)(atomic_fetch_add(&rt->readers, 1) & IDS), rc;

	pthread_mutex_lock(&envs->lock);
	rc = fa_supervisor_unpack(&envs->supervisor, (uint32_t)id, zip, out, what);
	id |= (int)(envs->supervisor.serial & 0xff) << 23;
	pthread_mutex_unlock(&envs->lock);
	return rc < 0 ? fa_error_errno(err, -rc, "cannot unpack the code") : id;
}

static bool stop_reader(void *data, int id)
{
	struct faas *rt = data;
	struct fa_envs *envs = &rt->envs;
	bool same;

	pthread_mutex_lock(&envs->lock);
	same = (envs->supervisor.serial & 0xff) == (uint32_t)id >> 23 &&
	       fa_supervisor_end_unpack(&envs->supervisor, (uint32_t)id & IDS) != -EPIPE;
	pthread_mutex_unlock(&envs->lock);
	return same;
}

/* ---- removing ---------------------------------------------------------- */

/* What a runtime that ends has not removed by then, it removes at once. */
static void on_unused(void *data)
{
	struct faas *rt = data;

	if (!fa_is_closing(rt) && !atomic_exchange(&rt->sweeping, true))
		fa_loop_call(&rt->loop, &rt->sweep);
}

void fa_code_sweep(struct faas *rt)
{
	if (fa_packages_are_unused(&rt->packages))
		on_unused(rt);
}

/* What is not written yet is in the state_dir as it was, with the code that it had. */
static bool may_remove(void *data)
{
	struct faas *rt = data;

	return !rt->durable.lasts ||
	       (!atomic_load(&rt->recalling) && !atomic_load(&rt->registry.unwritten));
}

static void sweep(struct fa_call *call)
{
	struct faas *rt = fa_container(call, struct faas, sweep);

	atomic_store(&rt->sweeping, false);
	if (!rt->finishing && fa_packages_sweep(&rt->packages))
		on_unused(rt);
}

void fa_code_init(struct faas *rt)
{
	rt->sweep.run = sweep;
	rt->packages.on_unused = on_unused;
	rt->packages.may_remove = may_remove;
	rt->packages.data = rt;
	rt->packages.readers.start = start_reader;
	rt->packages.readers.stop = stop_reader;
	rt->packages.readers.data = rt;
	if (rt->config.max_image_mb)
		rt->packages.image_max = (int64_t)rt->config.max_image_mb << 20;
}
