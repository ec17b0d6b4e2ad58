/* SPDX-License-Identifier: MIT */
#ifndef TEST_WORKER_PEER_H
#define TEST_WORKER_PEER_H

#include <stdbool.h>
#include <sys/types.h>
#include <env/wire.h>

/* The host's side of fa_run(), by hand; the worker is a forked child without a sandbox. */
struct peer {
	struct fa_request_head *request;
	struct fa_response_head *response;
	struct fa_loop_page *page;
	int bell, log; /* our ends */
	pid_t pid;
	uint32_t want;
	char logged[65536];
	size_t logged_len;
};

struct peer_setup {
	const char *file, *method, *prototype; /* of the plugins of the tests */
	const char *variable;                  /* one "NAME=value", or NULL */
	uint32_t depth;                        /* 0: 1 */
	uint32_t memory_mb;                    /* 0: 128 */
};

void peer_start(struct peer *peer, const struct peer_setup *setup);
/* Post without waiting; its sequence number. `meta`: four strings with their NULs. */
uint32_t peer_post(struct peer *peer, const void *data, size_t len, uint32_t flags);
uint32_t peer_post_meta(struct peer *peer, const char *text, const char *meta, size_t meta_len);
/* Wait for an answer (fails the test after ten seconds) and check its token. */
const struct fa_response_slot *peer_await(struct peer *peer, uint32_t seq);
const char *peer_payload(const struct peer *peer, const struct fa_response_slot *slot);
/* Post a text synchronously and await its answer. */
const struct fa_response_slot *peer_ask(struct peer *peer, const char *text);
void peer_consumed(struct peer *peer, uint32_t seq);
int peer_rings(struct peer *peer); /* since the last time */
/* All that came through the log pipe so far; with `more` waits until there is more. */
const char *peer_log(struct peer *peer, bool more);
int peer_exit(struct peer *peer); /* wait for its end: wait status */
/* Shut it down, if it still lives, and release everything. */
void peer_finish(struct peer *peer);

#endif
