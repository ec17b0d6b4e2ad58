/* SPDX-License-Identifier: MIT */
#ifndef FA_ENV_KIT_H
#define FA_ENV_KIT_H

#include <base/loop.h>
#include <base/mem.h>
#include <env/wire.h>

/*
 * What a process needs before it is born: the two areas, the bell and the log
 * pipe. The worker's ends are closed here once they have been sent.
 *
 * The request area is sealed against every writable mapping but the one made
 * here; the response area is mapped read-only by us and cannot shrink, so no
 * worker can make the host fault.
 */
struct fa_kit {
	struct fa_request_head *request;
	struct fa_response_head *response; /* hearsay; only `sleeping` is ever written here */
	int request_fd, response_fd;
	int bell, bell_worker; /* SOCK_SEQPACKET */
	int log, log_worker;   /* pipe */
	struct fa_kit *next;
	struct fa_call buried;
};

struct fa_kit *fa_kit_create(const struct fa_mem *mem); /* NULL: errno says why */
void fa_kit_destroy(struct fa_kit *kit);                /* NULL is fine */
/* Any thread, whatever it holds: the loop does it when it holds nothing. NULL is fine. */
void fa_kit_bury(struct fa_kit *kit, struct fa_loop *loop);
void fa_kit_sent(struct fa_kit *kit);                   /* close the worker's ends */

static inline struct fa_request_slot *fa_request_slot(struct fa_request_head *head, uint32_t n)
{
	return (struct fa_request_slot *)((char *)head + FA_SLOTS_OFF + n * FA_SLOT_SIZE);
}

static inline const struct fa_response_slot *
fa_response_slot(const struct fa_response_head *head, uint32_t n)
{
	return (const struct fa_response_slot *)((const char *)head + FA_SLOTS_OFF +
						 n * FA_SLOT_SIZE);
}

#endif
