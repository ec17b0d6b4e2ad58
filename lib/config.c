/* SPDX-License-Identifier: MIT */
/*
 * Nothing that is said of a configuration is kept by reference, and nothing is left open: from
 * here on 0 is 0, wherever it meant what Lambda has.
 */
#include <config.h>

#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <base/error.h>

#define MIN_UNRESERVED 100
#define NEW_PER_10S 1000
#define INACTIVE_AFTER_MS (14 * 86400 * 1000)
#define MAX_AGE_MS (4 * 3600 * 1000) /* "every few hours" (semantics 2.9); how many is unverified */
#define WORD "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-"

/* Of which ARNs are made. */
static int check_word(const char *what, const char *word, struct faas_error *err)
{
	size_t len = word ? strspn(word, WORD) : 1;

	if (len && len <= 32 && (!word || !word[len]))
		return 0;
	return fa_error(err, FAAS_EINVAL, "%s is '%.40s': must be 1 to 32 letters, digits and '-'",
			what, word);
}

/* Those of which the default is something may be switched off. */
static int check_numbers(const struct faas_config *c, struct faas_error *err)
{
	const struct {
		const char *name;
		int64_t value;
		bool none;
	} numbers[] = {
		{ "max_concurrency", c->max_concurrency, false },
		{ "max_memory_mb", c->max_memory_mb, false },
		{ "idle_ms", c->idle_ms, false },
		{ "max_requests_per_s", c->max_requests_per_s, false },
		{ "max_stream_kb_per_s", c->max_stream_kb_per_s, false },
		{ "max_image_mb", c->max_image_mb, false },
		{ "max_new_per_10s", c->max_new_per_10s, true },
		{ "min_unreserved", c->min_unreserved, true },
		{ "max_age_ms", c->max_age_ms, true },
		{ "inactive_after_ms", c->inactive_after_ms, true },
	};

	for (size_t i = 0; i < sizeof(numbers) / sizeof(*numbers); i++)
		if (numbers[i].value < (numbers[i].none ? FAAS_NONE : 0))
			return fa_error(err, FAAS_EINVAL, "%s is %lld: cannot be negative%s",
					numbers[i].name, (long long)numbers[i].value,
					numbers[i].none ? ", but for FAAS_NONE" : "");
	return 0;
}

int fa_config_check(const struct faas_config *c, struct faas_error *err)
{
	int rc;

	rc = check_numbers(c, err);
	if (rc)
		return rc;
	if ((unsigned)c->keep > FAAS_KEEP_FIXED)
		return fa_error(err, FAAS_EINVAL, "keep is no enum faas_keep: %d", (int)c->keep);
	if (c->min_isolation & ~FAAS_LAYERS_ALL)
		return fa_error(err, FAAS_EINVAL,
				"min_isolation has bits that are no enum faas_layer: 0x%x",
				c->min_isolation & ~FAAS_LAYERS_ALL);
	rc = check_word("region", c->region, err);
	return rc ? rc : check_word("account", c->account, err);
}

/* ---- a copy ----------------------------------------------------------------- */

static char *own(const struct fa_mem *mem, const char *text, const char *otherwise, bool *failed)
{
	char *copy = fa_strdup(mem, text ? text : otherwise);

	*failed |= !copy;
	return copy;
}

/* A file of that name in the directory of another one. */
static char *beside(const struct fa_mem *mem, const char *other, const char *name, bool *failed)
{
	const char *slash = strrchr(other, '/');
	size_t len = slash ? (size_t)(slash + 1 - other) : 0;
	char *path = fa_alloc(mem, len + strlen(name) + 1);

	*failed |= !path;
	if (path) {
		memcpy(path, other, len);
		strcpy(path + len, name);
	}
	return path;
}

/* Absolute, for sandboxes are made of it. Who names none may have none. */
static int own_runtimes(struct faas_config *mine, const struct fa_mem *mem, const char *given,
			struct faas_error *err)
{
	char path[PATH_MAX];
	bool failed = false, found;
	struct stat st;
	char *named = given ? own(mem, given, NULL, &failed) :
			      beside(mem, mine->worker, "runtimes", &failed);

	mine->runtimes = named;
	if (failed)
		return fa_error_nomem(err);
	found = realpath(named, path) && !stat(path, &st) && S_ISDIR(st.st_mode);
	if (!found && given)
		return fa_error(err, FAAS_EINVAL, "runtimes: '%.120s' is no directory", given);
	if (!found)
		return 0;
	mine->runtimes = own(mem, path, NULL, &failed);
	fa_free(named);
	return failed ? fa_error_nomem(err) : 0;
}

static int own_words(struct faas_config *mine, const struct fa_mem *mem,
		     const struct faas_config *from, struct faas_error *err)
{
	static const struct faas_prices list = { 0.0000002, 0.0000166667 };
	struct faas_prices *prices = fa_alloc(mem, sizeof(*prices));
	bool failed = !prices;

	if (prices)
		*prices = from->prices ? *from->prices : list;
	mine->prices = prices;
	mine->worker = own(mem, from->worker, FA_WORKER_PATH, &failed);
	mine->region = own(mem, from->region, "local-1", &failed);
	mine->account = own(mem, from->account, "000000000000", &failed);
	if (from->state_dir)
		mine->state_dir = own(mem, from->state_dir, NULL, &failed);
	return failed ? fa_error_nomem(err) : own_runtimes(mine, mem, from->runtimes, err);
}

/* FAAS_NONE, where it is one of these, becomes 0: no limit, none kept back. */
static void default_to(int *member, int usual)
{
	*member = *member == FAAS_NONE ? 0 : *member ? *member : usual;
}

static int64_t half_the_machine_mb(void)
{
	return (int64_t)sysconf(_SC_PHYS_PAGES) * sysconf(_SC_PAGESIZE) / 2 / 1048576;
}

static void fill_in(struct faas_config *mine)
{
	if (!mine->max_concurrency)
		mine->max_concurrency = 1000;
	default_to(&mine->min_unreserved, mine->max_concurrency < 10 * MIN_UNRESERVED ?
						  mine->max_concurrency / 10 :
						  MIN_UNRESERVED);
	default_to(&mine->max_new_per_10s, NEW_PER_10S);
	default_to(&mine->max_age_ms, MAX_AGE_MS);
	default_to(&mine->inactive_after_ms, INACTIVE_AFTER_MS);
	if (!mine->max_memory_mb)
		mine->max_memory_mb = half_the_machine_mb();
}

int fa_config_copy(struct faas_config *mine, const struct fa_mem *mem,
		   const struct faas_config *config, struct faas_error *err)
{
	*mine = *config;
	mine->prices = NULL;
	mine->worker = mine->region = mine->account = mine->state_dir = mine->runtimes = NULL;
	mine->keys = NULL;
	mine->file_systems = NULL;
	mine->subnets = NULL;
	mine->security_groups = NULL;
	mine->images = NULL;
	fill_in(mine);
	return own_words(mine, mem, config, err);
}

void fa_config_free(struct faas_config *mine)
{
	fa_free((void *)mine->prices);
	fa_free((char *)mine->worker);
	fa_free((char *)mine->region);
	fa_free((char *)mine->account);
	fa_free((char *)mine->state_dir);
	fa_free((char *)mine->runtimes);
}
