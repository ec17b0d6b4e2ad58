/* SPDX-License-Identifier: MIT */
/*
 * Values are kept apart from all other memory of the function, so that they can be wiped
 * when its event is over.
 */
#include <worker/secret.h>

#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

struct fa_kept_secret {
	struct fa_kept_secret *next;
	size_t len;
	struct fa_gift gift; /* the value ends with a NUL */
};

static struct fa_kept_secret *receive(struct fa_asker *asker, int64_t deadline_ns)
{
	ssize_t len = fa_ask_await(asker, deadline_ns);
	struct fa_kept_secret *kept;

	if (len < (ssize_t)sizeof(kept->gift))
		return NULL;
	kept = malloc(sizeof(*kept) + (size_t)len + 1);
	if (!kept)
		return NULL;
	kept->len = (size_t)len - sizeof(kept->gift);
	if (recv(asker->fd, &kept->gift, (size_t)len, MSG_DONTWAIT) != len) {
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

const char *fa_secret_ask(struct fa_asker *asker, const char *name, const char *version,
			  int64_t deadline_ns)
{
	struct fa_kept_secret *kept;

	if (asker->fd < 0 || asker->count == FA_QUESTIONS_MAX ||
	    !fa_ask(asker, FA_ASK_SECRET, name, version, 0))
		return NULL;
	asker->count++;
	while ((kept = receive(asker, deadline_ns))) {
		if (kept->gift.serial == asker->serial)
			break;
		drop(kept);
	}
	if (kept && kept->gift.code) {
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
	asker->count = asker->calls = 0;
}
