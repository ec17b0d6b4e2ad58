/* SPDX-License-Identifier: MIT */
/*
 * One question, one answer, over the socket of the bell. An answer that nobody waits for
 * any more has another number and is dropped. Values are kept apart from all other
 * memory of the function, so that they can be wiped when its call is over.
 */
#include <worker/secret.h>

#include <errno.h>
#include <poll.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

#include <env/wire.h>

struct fa_kept_secret {
	struct fa_kept_secret *next;
	size_t len;
	struct fa_gift gift; /* the value ends with a NUL */
};

static int64_t now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * INT64_C(1000000000) + now.tv_nsec;
}

static bool send_question(struct fa_asker *asker, const char *name)
{
	size_t len = name ? strlen(name) : 0;
	char bytes[sizeof(struct fa_question) + FA_QUESTION_NAME];

	if (!len || len > FA_QUESTION_NAME)
		return false;
	for (size_t i = 0; i < len; i++)
		if (name[i] <= ' ' || name[i] > '~')
			return false;
	asker->serial++;
	memcpy(bytes, &asker->serial, sizeof(asker->serial));
	memcpy(bytes + sizeof(asker->serial), name, len);
	len += sizeof(asker->serial);
	return send(asker->fd, bytes, len, MSG_NOSIGNAL) == (ssize_t)len;
}

/* The length of the next message, or -1: none by the deadline. */
static ssize_t await_message(int fd, int64_t deadline_ns)
{
	for (;;) {
		struct pollfd wait = { .fd = fd, .events = POLLIN };
		ssize_t len = recv(fd, NULL, 0, MSG_PEEK | MSG_TRUNC | MSG_DONTWAIT);
		int64_t left = deadline_ns - now_ns();

		if (len > 0 || (len < 0 && errno != EAGAIN && errno != EINTR))
			return len;
		if (left <= 0 || len == 0)
			return -1;
		poll(&wait, 1, (int)(left / 1000000 + 1));
	}
}

static struct fa_kept_secret *receive(int fd, int64_t deadline_ns)
{
	ssize_t len = await_message(fd, deadline_ns);
	struct fa_kept_secret *kept;

	if (len < (ssize_t)sizeof(kept->gift))
		return NULL;
	kept = malloc(sizeof(*kept) + (size_t)len + 1);
	if (!kept)
		return NULL;
	kept->len = (size_t)len - sizeof(kept->gift);
	if (recv(fd, &kept->gift, (size_t)len, MSG_DONTWAIT) != len) {
		free(kept);
		return NULL;
	}
	kept->gift.value[kept->len] = '\0';
	return kept;
}

static void drop(struct fa_kept_secret *kept)
{
	explicit_bzero(kept->gift.value, kept->len);
	free(kept);
}

const char *fa_secret_ask(struct fa_asker *asker, const char *name, int64_t deadline_ns)
{
	struct fa_kept_secret *kept;

	if (asker->fd < 0 || asker->count == FA_QUESTIONS_MAX || !send_question(asker, name))
		return NULL;
	asker->count++;
	while ((kept = receive(asker->fd, deadline_ns))) {
		if (kept->gift.serial == asker->serial)
			break;
		drop(kept);
	}
	if (kept && !kept->gift.there) {
		drop(kept);
		kept = NULL;
	}
	if (!kept)
		return NULL;
	kept->next = asker->kept;
	asker->kept = kept;
	return kept->gift.value;
}

void fa_secrets_forget(struct fa_asker *asker)
{
	struct fa_kept_secret *kept = asker->kept, *next;

	for (; kept; kept = next) {
		next = kept->next;
		drop(kept);
	}
	asker->kept = NULL;
	asker->count = 0;
}
