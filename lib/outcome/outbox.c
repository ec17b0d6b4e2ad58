/* SPDX-License-Identifier: MIT */
/*
 * Whoever else writes to the directory may be a function. So no symbolic link below it is
 * followed, and nothing that is there is opened for writing: a new file is written without a
 * name, or under a hidden one where the file system knows no such files, and takes its own when
 * all of it is on the disk. It is open until then, so a mapping of the directory, which passes
 * over what somebody writes, hears of the whole one only.
 */
#include <outcome/outbox.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <base/digest.h>
#include <base/error.h>
#include <base/json.h>
#include <base/text.h>
#include <base/write.h>
#include <model/bucket.h>

#define INSIDE (O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)
#define ID_MAX 64
#define MAPPING ":event-source-mapping:"

/* ---- the key ------------------------------------------------------------ */

/* A text that may be part of a path. */
static bool read_part(char out[ID_MAX], struct fa_json text)
{
	return fa_json_kind(text) == FA_JSON_STRING && fa_json_string(text, out, ID_MAX) < ID_MAX &&
	       *out && strspn(out, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
				   "0123456789-") == strlen(out);
}

/* The same for the same message, and for no other. */
static void draw_id(char out[37], const struct fa_message *m)
{
	uint8_t sum[2 * FA_SHA256];
	char seed[2 * FA_SHA256 + 64];

	fa_sha256(sum, m->body.data, m->body.len);
	memcpy(seed, sum, FA_SHA256);
	snprintf(seed + FA_SHA256, sizeof(seed) - FA_SHA256, "%lld %lld", (long long)m->id,
		 (long long)m->sent_ms);
	fa_sha256(sum, seed, FA_SHA256 + strlen(seed + FA_SHA256));
	fa_uuid(out, sum);
}

static struct fa_json member_of(const struct fa_message *m, const char *one, const char *other,
				const char *name)
{
	struct fa_json body, inner;

	if (!fa_json_read(m->body.data, m->body.len, &body))
		return (struct fa_json){ 0 };
	inner = fa_json_get(body, one);
	if (fa_json_kind(inner) != FA_JSON_OBJECT)
		inner = fa_json_get(body, other);
	return fa_json_get(inner, name);
}

/* Whose it is, up to the date. */
static void write_owner(struct fa_text *out, const struct fa_message *m)
{
	const char *mapping = m->source.len ? strstr(m->source.data, MAPPING) : NULL;
	const char *function = m->source.len ? strstr(m->source.data, ":function:") : NULL;
	char shard[ID_MAX];

	if (m->kind == FA_MESSAGE_RECORD && function) {
		function += strlen(":function:");
		fa_text_add(out, "aws/lambda/async/");
		fa_text_bytes(out, function, strcspn(function, ":/"));
		fa_text_add(out, "/");
	} else if (mapping && read_part(shard, member_of(m, "KinesisBatchInfo",
							 "DDBStreamBatchInfo", "shardId"))) {
		fa_text_add(out, "aws/lambda/");
		fa_text_add(out, mapping + strlen(MAPPING));
		fa_text_add(out, "/");
		fa_text_add(out, shard);
		fa_text_add(out, "/");
	}
}

/* "2026-11-27T18:40:00Z" as 2026/11/27/2026-11-27T18.40.00 */
static void write_time(struct fa_text *out, int64_t unix_ms)
{
	char space[32], parts[48];
	struct fa_text time = FA_TEXT(space);

	fa_text_second(&time, unix_ms);
	snprintf(parts, sizeof(parts), "%.4s/%.2s/%.2s/%.13s.%.2s.%.2s", space, space + 5,
		 space + 8, space, space + 14, space + 17);
	fa_text_add(out, parts);
}

void fa_outbox_key(char out[FA_OUTBOX_KEY], const struct fa_message *m)
{
	struct fa_text text = { .data = out, .size = FA_OUTBOX_KEY };
	char id[ID_MAX];

	if (m->kind != FA_MESSAGE_RECORD ||
	    !read_part(id, member_of(m, "requestContext", "requestContext", "requestId")))
		draw_id(id, m);
	write_owner(&text, m);
	write_time(&text, m->sent_ms);
	fa_text_add(&text, "-");
	fa_text_add(&text, id);
}

/* ---- the file ------------------------------------------------------------- */

static int close_with(int fd, int rc)
{
	int error = errno;

	close(fd);
	errno = error;
	return rc;
}

/* Into a folder, which is made if need be. Closes `dir`. */
static int enter(int dir, const char *name)
{
	int next = openat(dir, name, INSIDE);

	if (next < 0 && errno == ENOENT &&
	    ((mkdirat(dir, name, 0777) == 0 && fsync(dir) == 0) || errno == EEXIST))
		next = openat(dir, name, INSIDE);
	return close_with(dir, next);
}

/* The folder that a key is in; *leaf is the rest of the key. */
static int open_folder(const char *directory, char *key, const char **leaf)
{
	int dir = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	char *slash;

	for (; dir >= 0 && (slash = strchr(key, '/')); key = slash + 1) {
		*slash = '\0';
		dir = enter(dir, key);
	}
	*leaf = key;
	return dir;
}

/* Whether it has the hidden name already. */
static int open_new(int dir, const char *hidden, bool *named)
{
	int fd = openat(dir, ".", O_WRONLY | O_TMPFILE | O_CLOEXEC, 0666);

	*named = fd < 0;
	if (*named)
		fd = openat(dir, hidden, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC,
			    0666);
	return fd;
}

static int give_name(int fd, int dir, const char *hidden)
{
	char path[40];

	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	return linkat(AT_FDCWD, path, dir, hidden, AT_SYMLINK_FOLLOW);
}

/* What the last attempt left under the hidden name goes first. */
static int write_file(int dir, const char *leaf, const char *hidden, struct faas_bytes body)
{
	bool named;
	int fd, error;

	unlinkat(dir, hidden, 0);
	fd = open_new(dir, hidden, &named);
	if (fd < 0)
		return -1;
	if (fa_write_all(fd, body.data, body.len) == 0 && fsync(fd) == 0 &&
	    (named || give_name(fd, dir, hidden) == 0) && renameat(dir, hidden, dir, leaf) == 0)
		return close_with(fd, fsync(dir));
	error = errno;
	close(fd);
	unlinkat(dir, hidden, 0);
	errno = error;
	return -1;
}

/* Under `hidden` first; NULL: the key's own, with a dot. */
static int write_key(const char *directory, const char *key, const char *hidden,
		     struct faas_bytes body, struct faas_error *err)
{
	char path[FA_BUCKET_KEY_MAX + 1], own[FA_OUTBOX_KEY + 1];
	const char *leaf;
	int dir, rc;

	snprintf(path, sizeof(path), "%s", key);
	dir = open_folder(directory, path, &leaf);
	if (!hidden)
		snprintf(own, sizeof(own), ".%.*s", FA_OUTBOX_KEY - 1, leaf);
	rc = dir < 0 ? -1 :
		       close_with(dir, write_file(dir, leaf, hidden ? hidden : own, body));
	return rc ? fa_error(err, FAAS_ESYSTEM, "cannot write %.100s/%.100s: %s", directory, key,
			     strerrordesc_np(errno)) :
		    0;
}

int fa_outbox_write(const char *directory, const struct fa_message *m, struct faas_error *err)
{
	char key[FA_OUTBOX_KEY];

	fa_outbox_key(key, m);
	return write_key(directory, key, NULL, m->body, err);
}

/* Others may be writing the same key: each has a hidden name of its own. */
int fa_outbox_put(const char *directory, const char *key, struct faas_bytes body,
		  struct faas_error *err)
{
	char hidden[1 + 37] = ".";
	uint8_t random[16];

	fa_random_bytes(random, sizeof(random));
	fa_uuid(hidden + 1, random);
	return write_key(directory, key, hidden, body, err);
}
