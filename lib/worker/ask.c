/* SPDX-License-Identifier: MIT */
/*
 * Questions have numbers: an answer that nobody waits for any more has another one than
 * the last question, and is dropped by who finds it.
 */
#include <worker/ask.h>

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

static int64_t now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * INT64_C(1000000000) + now.tv_nsec;
}

static bool fits(const char *text, size_t len, size_t most)
{
	for (size_t i = 0; i < len; i++)
		if (text[i] <= ' ' || text[i] > '~')
			return false;
	return len >= 1 && len <= most;
}

/* What a host would not hear is not asked: nobody would answer it. */
static bool more_fits(enum fa_question_kind kind, const char *more, size_t len)
{
	if (kind == FA_ASK_SECRET)
		return !more || fits(more, len, FA_QUESTION_VERSION);
	return len <= FA_QUESTION_GROUP;
}

bool fa_ask(struct fa_asker *asker, enum fa_question_kind kind, const char *name,
	    const char *more, uint32_t len)
{
	size_t name_len = name ? strlen(name) : 0, more_len = more ? strlen(more) : 0;
	const struct fa_question head = { .serial = asker->serial + 1, .kind = kind, .len = len };
	char bytes[FA_QUESTION_MAX], *at = bytes;

	if (!fits(name, name_len, FA_QUESTION_NAME) || !more_fits(kind, more, more_len))
		return false;
	asker->serial++;
	memcpy(at, &head, sizeof(head));
	at += sizeof(head);
	memcpy(at, name, name_len);
	at += name_len;
	if (more_len) {
		*at++ = '\0';
		memcpy(at, more, more_len);
		at += more_len;
	}
	return send(asker->fd, bytes, (size_t)(at - bytes), MSG_NOSIGNAL) == at - bytes;
}

ssize_t fa_ask_await(const struct fa_asker *asker, int64_t deadline_ns)
{
	for (;;) {
		struct pollfd wait = { .fd = asker->fd, .events = POLLIN };
		ssize_t len = recv(asker->fd, NULL, 0, MSG_PEEK | MSG_TRUNC | MSG_DONTWAIT);
		int64_t left = deadline_ns - now_ns();

		if (len > 0 || (len < 0 && errno != EAGAIN && errno != EINTR))
			return len;
		if (left <= 0 || len == 0)
			return -1;
		poll(&wait, 1, (int)(left / 1000000 + 1));
	}
}
