/* SPDX-License-Identifier: MIT */
/*
 * The host's keys. What a file holds is a key only if nobody else could have read it or put it
 * there, so that is looked at in the open file. It is never made here: a path that is mistyped
 * would be a new key, and what the old one encrypted would be lost with it.
 */
#include <model/key.h>

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <base/error.h>
#include <base/hidden.h>

#define HOW "head -c 32 /dev/urandom > FILE; chmod 600 FILE"

/* Whether a file is one that a key may be in. */
static int check_file(int fd, const char *path, struct faas_error *err)
{
	struct stat st;

	if (fstat(fd, &st) < 0)
		return fa_error_errno(err, errno, "keys: cannot look at the file of a key");
	if (!S_ISREG(st.st_mode) || st.st_size != FA_KEY_SIZE)
		return fa_error(err, FAAS_EINVAL,
				"keys: '%.200s' is not a file of %d bytes, a key (" HOW ")", path,
				FA_KEY_SIZE);
	if (st.st_mode & 077)
		return fa_error(err, FAAS_EINVAL,
				"keys: '%.200s' is a key that others may read or write (%03o): "
				"chmod 600",
				path, (unsigned)st.st_mode & 0777);
	if (st.st_uid && st.st_uid != geteuid())
		return fa_error(err, FAAS_EINVAL,
				"keys: '%.200s' is a key of another user (%u), not of this one or "
				"root",
				path, (unsigned)st.st_uid);
	return 0;
}

static int read_file(struct fa_key *key, const char *path, struct faas_error *err)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK), rc;
	ssize_t n;

	if (fd < 0)
		return fa_error(err, FAAS_EINVAL, "keys: cannot open '%.200s': %s", path,
				strerror(errno));
	rc = check_file(fd, path, err);
	if (!rc) {
		n = read(fd, key->bytes, sizeof(key->bytes));
		if (n < 0)
			rc = fa_error_errno(err, errno, "keys: cannot read the file of a key");
		else if (n != sizeof(key->bytes))
			rc = fa_error(err, FAAS_EINVAL, "keys: '%.200s' became shorter", path);
	}
	close(fd);
	return rc;
}

static int copy(struct fa_key *key, const struct fa_mem *mem, const struct faas_key *from,
		struct faas_error *err)
{
	key->arn = fa_strdup(mem, from->arn);
	if (!key->arn)
		return fa_error_nomem(err);
	key->enabled = from->bytes || from->file;
	if (from->bytes && from->file)
		return fa_error(err, FAAS_EINVAL,
				"keys: '%.200s' has bytes and a file: it is one of both",
				from->arn);
	if (from->bytes)
		memcpy(key->bytes, from->bytes, sizeof(key->bytes));
	return from->file ? read_file(key, from->file, err) : 0;
}

int fa_keys_init(struct fa_keys *keys, const struct fa_mem *mem, const struct faas_key *from,
		 struct faas_error *err)
{
	size_t count = 0;
	int rc = 0;

	*keys = (struct fa_keys){ NULL, 0 };
	while (from && from[count].arn)
		count++;
	if (!count)
		return 0;
	keys->list = fa_hidden_alloc(mem, count * sizeof(*keys->list));
	if (!keys->list)
		return fa_error_nomem(err);
	for (; !rc && keys->count < count; keys->count++)
		rc = copy(&keys->list[keys->count], mem, &from[keys->count], err);
	if (rc)
		fa_keys_finish(keys);
	return rc;
}

void fa_keys_finish(struct fa_keys *keys)
{
	for (size_t i = 0; i < keys->count; i++)
		fa_free(keys->list[i].arn);
	fa_hidden_free(keys->list);
	*keys = (struct fa_keys){ NULL, 0 };
}

const struct fa_key *fa_key_find(const struct fa_keys *keys, const char *arn)
{
	for (size_t i = 0; i < keys->count; i++)
		if (!*arn || !strcmp(keys->list[i].arn, arn))
			return &keys->list[i];
	return NULL;
}
