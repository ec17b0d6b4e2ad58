/* SPDX-License-Identifier: MIT */
#ifndef RAW_H
#define RAW_H

/*
 * The protocol spoken by hand. A plugin shares its process with the worker, so
 * it can find the areas and the bell and say on them whatever it likes.
 */
#include <inttypes.h>
#include <linux/futex.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>

#include <env/wire.h>

#include "hostile.h"

struct raw {
	struct fa_request_head *request;
	struct fa_response_head *response;
	int bell;
	uint32_t seq;                     /* the request being served */
	struct fa_request_slot *question; /* read-only */
	struct fa_response_slot *answer;
};

/* A copy of memory that may not be there: the kernel fetches it, and does not fault. */
static inline bool raw_peek(const void *address, void *copy, size_t len)
{
	static int ends[2] = { -1, -1 };

	if (ends[0] < 0 && pipe2(ends, O_CLOEXEC | O_NONBLOCK) < 0)
		return false;
	/* Not write(2) of the C library: a sanitizer might stand in its place. */
	return syscall(SYS_write, ends[1], address, len) == (ssize_t)len &&
	       read(ends[0], copy, len) == (ssize_t)len;
}

/* Request n is being served if it carries the id that the handler was told. */
static inline bool raw_is_request(const void *head, const char *request_id)
{
	const char *slots = (const char *)head + FA_SLOTS_OFF;
	char id[37] = "";

	for (unsigned i = 0; i < FA_DEPTH; i++) {
		const struct fa_request_slot *slot = (const void *)(slots + i * FA_SLOT_SIZE);

		if (!raw_peek(slot->request_id, id, 36))
			return false;
		if (strcmp(id, request_id) == 0)
			return true;
	}
	return false;
}

static inline bool raw_is_response(const void *at)
{
	struct fa_response_head head;
	struct timespec now;
	uint64_t ns, start, done;

	if (!raw_peek(at, &head, sizeof(head)))
		return false;
	clock_gettime(CLOCK_MONOTONIC, &now);
	ns = (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
	start = atomic_load(&head.init_start_ns);
	done = atomic_load(&head.init_done_ns);
	return start > ns - 600000000000u && start <= done && done <= ns;
}

/*
 * Look at the beginnings of what is mapped. Where /proc is out of reach, the
 * address space is walked in steps that no area can hide between.
 */
static inline void raw_search(struct raw *raw, const char *request_id)
{
	char line[256];
	FILE *maps = fopen("/proc/self/maps", "re");
	uintptr_t start;

	while (maps && fgets(line, sizeof(line), maps)) {
		start = (uintptr_t)strtoull(line, NULL, 16);
		if (strstr(line, "r--s") && raw_is_request((void *)start, request_id))
			raw->request = (void *)start;
		else if (strstr(line, "rw-s") && raw_is_response((void *)start))
			raw->response = (void *)start;
	}
	if (maps)
		fclose(maps);
}

static inline void raw_walk(struct raw *raw, const char *request_id)
{
	const uintptr_t step = 4u << 20, page = 4096;
	const uintptr_t top = (uintptr_t)&step & ~(step - 1);
	unsigned char resident;

	for (uintptr_t at = top; at > top - ((uintptr_t)1 << 40); at -= step) {
		if (raw->request && raw->response)
			return;
		if (mincore((void *)at, page, &resident) < 0)
			continue;
		for (uintptr_t head = at - 2 * step; head < at + step; head += page) {
			if (!raw->request && raw_is_request((void *)head, request_id))
				raw->request = (void *)head;
			else if (!raw->response && raw_is_response((void *)head))
				raw->response = (void *)head;
		}
	}
}

static inline int raw_find_bell(void)
{
	for (int fd = 0; fd < 256; fd++) {
		int type;
		socklen_t len = sizeof(type);

		if (getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &len) == 0 && type == SOCK_SEQPACKET)
			return fd;
	}
	return -1;
}

/* What the current request is; its slot repeats the id that the handler was told. */
static inline bool raw_find(struct raw *raw, struct faas_context *ctx)
{
	uint32_t slot = 0;

	memset(raw, 0, sizeof(*raw));
	raw_search(raw, ctx->request_id);
	if (!raw->request || !raw->response)
		raw_walk(raw, ctx->request_id);
	raw->bell = raw_find_bell();
	if (!raw->request || !raw->response)
		return false;
	for (; slot < FA_DEPTH; slot++) {
		raw->question = (void *)((char *)raw->request + FA_SLOTS_OFF + slot * FA_SLOT_SIZE);
		if (strncmp(raw->question->request_id, ctx->request_id, 36) == 0)
			break;
	}
	if (slot == FA_DEPTH)
		return false;
	raw->answer = (void *)((char *)raw->response + FA_SLOTS_OFF + slot * FA_SLOT_SIZE);
	raw->seq = atomic_load(&raw->response->seq) + 1;
	return true;
}

static inline void raw_wake(struct raw *raw)
{
	syscall(SYS_futex, &raw->response->seq, FUTEX_WAKE, 64, NULL, NULL, 0);
}

static inline void raw_ring(struct raw *raw)
{
	IGNORE(send(raw->bell, "", 1, MSG_DONTWAIT | MSG_NOSIGNAL) < 0);
}

static inline void raw_publish(struct raw *raw, uint32_t seq)
{
	atomic_store(&raw->response->seq, seq);
	raw_wake(raw);
	raw_ring(raw);
}

/* A correct answer, to be spoilt by the caller before it is published. */
static inline void raw_prepare(struct raw *raw, const char *text)
{
	raw->answer->token = raw->question->token;
	raw->answer->status = FA_DONE;
	raw->answer->len = (uint32_t)strlen(text);
	raw->answer->off = (uint32_t)((char *)raw->answer->data - (char *)raw->response);
	memcpy(raw->answer->data, text, strlen(text));
}

/* A handler that speaks for itself; it cannot do without the areas. */
#define RAW(name) \
	static int raw_##name(struct faas_context *ctx, struct faas_bytes event, struct raw *raw); \
	HOSTILE(name) \
	{ \
		static struct raw raw; \
		if (!raw_find(&raw, ctx)) \
			return faas_fail(ctx, "Test.NoAreas", "cannot find the areas"); \
		return raw_##name(ctx, event, &raw); \
	} \
	static int raw_##name(UNUSED struct faas_context *ctx, UNUSED struct faas_bytes event, \
			      UNUSED struct raw *raw)

#endif
