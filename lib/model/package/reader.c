/* SPDX-License-Identifier: MIT */
/*
 * Each word is looked at once, after it was copied, and judged by the same rules that the
 * other side judged by: names, links, how many and how much. Nothing is ever sent to it, so
 * it can keep nobody waiting but by silence, and that has an end.
 */
#include <model/package/reader.h>

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include <base/error.h>
#include <base/unpacked.h>
#include <base/write.h>

#define DIED "reading it ended in the middle"
#define HANGS "reading it takes too long"

static const char nonsense[] = "what was read of it makes no sense";

struct fa_reader {
	const struct fa_readers *readers;
	int id, in;
	bool tar;
	int64_t waited_ms;
	struct fa_judgement judgement; /* of a tar there is none */
	struct fa_room own, *room;
	uint32_t entries, most;
	uint32_t file;  /* bytes of the current entry that are to come */
	uint32_t piece; /* of them, in the piece that was announced */
	char name[2 * FA_ARCHIVE_NAME + 2];
};

int fa_reader_refuse(const struct fa_reader *r, struct faas_error *err, const char *name,
		     const char *why)
{
	return r->tar ? fa_tarball_refuse(err, name, why) : fa_zip_refuse(err, name, why);
}

struct fa_room *fa_reader_room(struct fa_reader *r)
{
	return r->room;
}

static int64_t now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* ---- bytes ------------------------------------------------------------- */

/* Until there is something to read. What writing takes meanwhile is not held against it. */
static int await(struct fa_reader *r, struct faas_error *err)
{
	struct pollfd wait = { .fd = r->in, .events = POLLIN };
	int64_t left = r->readers->patience_ms - r->waited_ms, begin = now_ms();
	int rc;

	if (left > r->readers->silence_ms)
		left = r->readers->silence_ms;
	rc = left > 0 ? poll(&wait, 1, (int)left) : 0;
	if (rc < 0 && errno != EINTR)
		return fa_error_errno(err, errno, "cannot unpack the code");
	r->waited_ms += now_ms() - begin;
	return rc ? 0 : fa_reader_refuse(r, err, NULL, HANGS);
}

/* It ended. If all of them did, that was not for the ZIP. */
static int tell_end(struct fa_reader *r, struct faas_error *err)
{
	int id = r->id;

	r->id = -1;
	if (r->readers->stop(r->readers->data, id))
		return fa_reader_refuse(r, err, NULL, DIED);
	return fa_error(err, FAAS_ESYSTEM, "cannot unpack the code: the worker has died");
}

static int hear(struct fa_reader *r, void *to, size_t len, struct faas_error *err)
{
	char *at = to;

	while (len) {
		ssize_t n = read(r->in, at, len);
		int rc = 0;

		if (n == 0)
			return tell_end(r, err);
		if (n > 0) {
			at += n;
			len -= (size_t)n;
		} else if (errno == EAGAIN) {
			rc = await(r, err);
		} else if (errno != EINTR) {
			rc = fa_error_errno(err, errno, "cannot unpack the code");
		}
		if (rc)
			return rc;
	}
	return 0;
}

/* ---- words ------------------------------------------------------------- */

static bool may_be_said(int code)
{
	return code == FAAS_EINVAL || code == FAAS_ENOMEM || code == FAAS_ESYSTEM;
}

static int hear_refusal(struct fa_reader *r, const struct fa_unpacked *head,
			struct faas_error *err)
{
	char text[FA_UNPACKED_TEXT + 1] = "";
	int rc;

	if (!head->len || head->len > FA_UNPACKED_TEXT || head->size > INT16_MAX ||
	    !may_be_said(-(int)head->size))
		return fa_reader_refuse(r, err, NULL, nonsense);
	rc = hear(r, text, head->len, err);
	if (rc)
		return rc;
	for (uint32_t i = 0; i < head->len; i++)
		if ((unsigned char)text[i] < ' ' || text[i] == 0x7f)
			text[i] = '?';
	return fa_error(err, -(int)head->size, "%s", text);
}

/* The head of what comes next, unless that is a refusal. */
static int hear_head(struct fa_reader *r, struct fa_unpacked *head, struct faas_error *err)
{
	int rc = hear(r, head, sizeof(*head), err);

	return rc || head->kind != FA_UNPACKED_REFUSED ? rc : hear_refusal(r, head, err);
}

static int hear_judgement(struct fa_reader *r, struct faas_error *err)
{
	struct fa_unpacked head;
	int rc = hear_head(r, &head, err);

	if (rc)
		return rc;
	if (head.kind != FA_UNPACKED_JUDGED || head.len || head.size >= FA_ARCHIVE_UNPACKED)
		return fa_reader_refuse(r, err, NULL, nonsense);
	r->judgement = (struct fa_judgement){ head.size, head.flag };
	r->own = (struct fa_room){ head.size, FA_TREE_NODES };
	return 0;
}

static struct fa_reader *open_reader(const struct fa_readers *readers, const struct fa_mem *mem,
				     int file, enum fa_unpack_what what, struct fa_room *room,
				     struct faas_error *err)
{
	struct fa_reader *r = fa_alloc(mem, sizeof(*r));
	int pipe_fds[2];

	if (!r) {
		fa_error_nomem(err);
		return NULL;
	}
	r->readers = readers;
	r->id = r->in = -1;
	r->tar = what == FA_UNPACK_TAR;
	r->room = room ? room : &r->own;
	r->most = room ? (uint32_t)room->nodes : FA_ARCHIVE_ENTRIES;
	if (pipe2(pipe_fds, O_CLOEXEC) < 0) {
		fa_error_errno(err, errno, "cannot unpack the code");
		goto fail;
	}
	r->in = pipe_fds[0];
	fcntl(r->in, F_SETFL, O_NONBLOCK); /* of our end alone */
	r->id = readers->start(readers->data, file, pipe_fds[1], what, err);
	close(pipe_fds[1]);
	if (r->id >= 0 && hear_judgement(r, err) == 0)
		return r;
fail:
	fa_reader_close(r);
	return NULL;
}

struct fa_reader *fa_reader_open(const struct fa_readers *readers, const struct fa_mem *mem,
				 int zip, bool judge, struct faas_error *err)
{
	enum fa_unpack_what what = judge ? FA_UNPACK_JUDGE : FA_UNPACK_ALL;

	return open_reader(readers, mem, zip, what, NULL, err);
}

struct fa_reader *fa_reader_open_tar(const struct fa_readers *readers, const struct fa_mem *mem,
				     int tar, struct fa_room *room, struct faas_error *err)
{
	return open_reader(readers, mem, tar, FA_UNPACK_TAR, room, err);
}

void fa_reader_close(struct fa_reader *r)
{
	if (!r)
		return;
	if (r->id >= 0)
		r->readers->stop(r->readers->data, r->id);
	if (r->in >= 0)
		close(r->in);
	fa_free(r);
}

const struct fa_judgement *fa_reader_judgement(const struct fa_reader *r)
{
	return &r->judgement;
}

/* A file in memory, which nobody can change any more. */
static int seal_zip(const void *zip, size_t len, struct faas_error *err)
{
	int fd = memfd_create("zip", MFD_CLOEXEC | MFD_ALLOW_SEALING);

	if (fd >= 0 && fa_write_all(fd, zip, len) == 0 &&
	    fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE | F_SEAL_GROW | F_SEAL_SHRINK | F_SEAL_SEAL) == 0)
		return fd;
	fa_error_errno(err, errno, "cannot hand the code to who judges it");
	if (fd >= 0)
		close(fd);
	return -1;
}

int fa_reader_judge(const struct fa_readers *readers, const struct fa_mem *mem, const void *zip,
		    size_t len, struct fa_judgement *judgement, struct faas_error *err)
{
	struct faas_error own = { 0 };
	struct fa_reader *r;
	int fd;

	err = err ? err : &own;
	fd = seal_zip(zip, len, err);
	if (fd < 0)
		return err->code;
	r = fa_reader_open(readers, mem, fd, true, err);
	close(fd);
	if (!r)
		return err->code;
	*judgement = r->judgement;
	fa_reader_close(r);
	return 0;
}

/* ---- entries ----------------------------------------------------------- */

/* What is wrong with a name, or NULL. */
static const char *judge_name(const struct fa_reader *r, const char *name)
{
	size_t len = strlen(name);
	const char *why = r->tar ? fa_tarball_judge_name(name, len) :
				   fa_archive_judge_name(name, len);

	return why ? why : fa_archive_judge_parts(name);
}

/* Where a link leads. A layer's may lead anywhere: nobody follows it but the function. */
static const char *judge_target(const struct fa_reader *r, const char *target, uint32_t kind)
{
	if (kind == FA_ARCHIVE_HARD_LINK)
		return judge_name(r, target);
	if (r->tar)
		return *target ? NULL : "is a link that cannot be read";
	return fa_archive_stays_inside(r->name, target) ?
		       NULL : "is a link that leads out of the package";
}

/* Its name, and behind that where it leads. What is wrong with them, or NULL. */
static const char *judge(const struct fa_reader *r, const struct fa_unpacked *head)
{
	size_t len = strlen(r->name);
	const char *target = r->name + len + 1;
	const char *why = len ? judge_name(r, r->name) : NULL;

	if (why)
		return why;
	if (head->kind == FA_ARCHIVE_FILE || head->kind == FA_ARCHIVE_DIRECTORY)
		return len == head->len && (len || head->kind == FA_ARCHIVE_DIRECTORY) ? NULL :
											 nonsense;
	if (!len || len + 1 + strlen(target) != head->len || strlen(target) > FA_ARCHIVE_NAME)
		return nonsense;
	return judge_target(r, target, head->kind);
}

static bool makes_sense(struct fa_reader *r, const struct fa_unpacked *head)
{
	uint32_t last = r->tar ? FA_ARCHIVE_HARD_LINK : FA_ARCHIVE_LINK;

	return head->kind >= FA_ARCHIVE_FILE && head->kind <= last &&
	       head->len <= sizeof(r->name) - 2 && (!head->size || head->kind == FA_ARCHIVE_FILE) &&
	       (r->tar || (head->size <= r->room->bytes && r->entries < r->most));
}

static int hear_entry(struct fa_reader *r, const struct fa_unpacked *head,
		      struct fa_archive_entry *entry, struct faas_error *err)
{
	const char *why;
	int rc;

	if (!makes_sense(r, head))
		return fa_reader_refuse(r, err, NULL, nonsense);
	if (head->size > r->room->bytes || r->entries++ == r->most)
		return fa_reader_refuse(r, err, NULL, "the image is too large");
	rc = hear(r, r->name, head->len, err);
	if (rc)
		return rc;
	r->name[head->len] = r->name[head->len + 1] = '\0';
	why = judge(r, head);
	if (why)
		return fa_reader_refuse(r, err, why == nonsense ? NULL : r->name, why);
	r->file = head->size;
	r->piece = 0;
	*entry = (struct fa_archive_entry){ .kind = head->kind,
					    .name = r->name,
					    .executable = head->flag,
					    .size = head->size };
	if (head->kind >= FA_ARCHIVE_LINK)
		entry->target = r->name + strlen(r->name) + 1;
	return 1;
}

int fa_reader_next(struct fa_reader *r, struct fa_archive_entry *entry, struct faas_error *err)
{
	struct fa_unpacked head;
	int rc = hear_head(r, &head, err);

	if (rc)
		return rc;
	return head.kind == FA_UNPACKED_END ? 0 : hear_entry(r, &head, entry, err);
}

ssize_t fa_reader_read(struct fa_reader *r, void *to, size_t len, struct faas_error *err)
{
	struct fa_unpacked head;
	int rc = 0;

	if (!r->file)
		return 0;
	if (!r->piece) {
		rc = hear_head(r, &head, err);
		if (!rc && (head.kind != FA_UNPACKED_DATA || !head.len || head.len > r->file))
			rc = fa_reader_refuse(r, err, NULL, nonsense);
		r->piece = rc ? 0 : head.len;
	}
	len = len < r->piece ? len : r->piece;
	if (!rc)
		rc = hear(r, to, len, err);
	if (rc)
		return rc;
	r->file -= (uint32_t)len;
	r->piece -= (uint32_t)len;
	r->room->bytes -= (int64_t)len;
	return (ssize_t)len;
}
