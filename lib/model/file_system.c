/* SPDX-License-Identifier: MIT */
/*
 * The host says once which of its directories functions may mount, and versions name one of
 * them. A version that came out of the state_dir may name one that this host does not
 * have (any more): it stays, as one whose key is gone does, and says so when it shall run.
 */
#include <model/file_system.h>

#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <base/error.h>

#define ARN_MAX 200

static int check_given(const struct fa_file_systems *before, const struct faas_file_system *fs,
		       char path[PATH_MAX], struct faas_error *err)
{
	struct stat st;

	if (!*fs->arn || strlen(fs->arn) > ARN_MAX)
		return fa_error(err, FAAS_EINVAL,
				"file_systems: an ARN has 1 to %d bytes, not %zu", ARN_MAX,
				strlen(fs->arn));
	if (fa_file_system_find(before, fs->arn))
		return fa_error(err, FAAS_EINVAL, "file_systems: '%s' is there twice", fs->arn);
	if (!fs->path || *fs->path != '/')
		return fa_error(err, FAAS_EINVAL,
				"file_systems: the path of '%s' must be absolute: '%.200s'",
				fs->arn, fs->path ? fs->path : "");
	if (!realpath(fs->path, path) || stat(path, &st) < 0 || !S_ISDIR(st.st_mode))
		return fa_error(err, FAAS_EINVAL, "file_systems: '%.200s' is no directory",
				fs->path);
	return 0;
}

/* Where its links lead now: later ones may be a function's (worker/view.c). */
static int add_given(struct fa_file_systems *all, const struct fa_mem *mem,
		     const struct faas_file_system *from, struct faas_error *err)
{
	struct fa_file_system *fs = &all->list[all->count];
	char path[PATH_MAX];
	int rc = check_given(all, from, path, err);

	if (rc)
		return rc;
	fs->arn = fa_strdup(mem, from->arn);
	fs->path = fa_strdup(mem, path);
	fs->read_only = from->read_only;
	all->count++;
	return fs->arn && fs->path ? 0 : fa_error_nomem(err);
}

int fa_file_systems_init(struct fa_file_systems *all, const struct fa_mem *mem,
			 const struct faas_file_system *from, struct faas_error *err)
{
	size_t count = 0;
	int rc = 0;

	*all = (struct fa_file_systems){ NULL, 0 };
	while (from && from[count].arn)
		count++;
	if (!count)
		return 0;
	all->list = fa_alloc(mem, count * sizeof(*all->list));
	if (!all->list)
		return fa_error_nomem(err);
	while (all->count < count && !rc)
		rc = add_given(all, mem, &from[all->count], err);
	if (rc)
		fa_file_systems_finish(all);
	return rc;
}

void fa_file_systems_finish(struct fa_file_systems *all)
{
	for (size_t i = 0; i < all->count; i++) {
		fa_free(all->list[i].arn);
		fa_free(all->list[i].path);
	}
	fa_free(all->list);
	*all = (struct fa_file_systems){ NULL, 0 };
}

const struct fa_file_system *fa_file_system_find(const struct fa_file_systems *all,
						 const char *arn)
{
	for (size_t i = 0; i < all->count; i++)
		if (!strcmp(all->list[i].arn, arn))
			return &all->list[i];
	return NULL;
}

/* /mnt/[a-zA-Z0-9-_.]+, and no place that is taken. */
static bool is_mount_path(const char *path)
{
	static const char *const taken[] = { "", ".", "..", "tmp" };
	const char *name = path + strlen("/mnt/");

	if (strncmp(path, "/mnt/", strlen("/mnt/")) || strlen(path) > FA_MOUNT_PATH_MAX)
		return false;
	for (size_t i = 0; i < sizeof(taken) / sizeof(*taken); i++)
		if (!strcmp(name, taken[i]))
			return false;
	return name[strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
				 "0123456789-_.")] == '\0';
}

int fa_file_system_check(const struct faas_function_config *c, struct faas_error *err)
{
	if (!*c->file_system)
		return 0;
	if (!is_mount_path(c->mount_path))
		return fa_error(err, FAAS_EINVAL,
				"a file system is mounted at /mnt/ and a name of letters, digits, "
				"'-', '_' and '.', at most %d bytes, and not at /mnt/tmp: '%.200s'",
				FA_MOUNT_PATH_MAX, c->mount_path);
	if (c->isolation != FAAS_PROCESS)
		return fa_error(err, FAAS_EINVAL,
				"only a FAAS_PROCESS function can have a file system: a "
				"FAAS_THREAD one sees the host's own files");
	if (fa_config_snapshot(c))
		return fa_error(err, FAAS_EINVAL,
				"a function with a file system cannot have a snapshot, as with "
				"Lambda's SnapStart");
	return 0;
}

int fa_version_unmounted(const struct fa_version *v, struct faas_error *err)
{
	return fa_error_typed(err, FAAS_EDENIED, "EFSMountFailureException",
			      "The function could not mount the file system %s: this host has "
			      "none of that name.",
			      v->config.file_system);
}
