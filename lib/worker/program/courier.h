/* SPDX-License-Identifier: MIT */
#ifndef FA_WORKER_PROGRAM_COURIER_H
#define FA_WORKER_PROGRAM_COURIER_H

#include <netinet/in.h>
#include <poll.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * Takes the events of one subscription to its subscriber, a hostile server in the same
 * sandbox: one batch after the other, while the next one is filled. What two batches cannot
 * hold is dropped, counted, and told of. It waits for nothing; who polls asks how long.
 */

enum fa_telemetry_type {
	FA_TELEMETRY_PLATFORM = 1 << 0,
	FA_TELEMETRY_FUNCTION = 1 << 1,
	FA_TELEMETRY_EXTENSION = 1 << 2,
	FA_TELEMETRY_LOGS = 1 << 3,      /* the platform's, as the Logs API has them */
	FA_TELEMETRY_LOGS_DONE = 1 << 4, /* of them, those of its second schema alone */
};

/* What an extension asked for. */
struct fa_subscription {
	bool logs;                                 /* by the Logs API */
	unsigned types;                            /* enum fa_telemetry_type */
	uint32_t max_items, max_bytes, timeout_ms; /* a batch is sent at the first of them */
	bool tcp;                                  /* else HTTP */
	uint16_t port;
	char method[8], path[512]; /* of HTTP */
};

struct fa_batch {
	char *data;
	size_t len, size;
	uint32_t items;
};

struct fa_courier {
	char name[128]; /* of the extension */
	struct fa_subscription subscription;
	struct sockaddr_in address;

	struct fa_batch filling, sending;
	int64_t filling_due_ns;                /* when there is something in it */
	uint64_t dropped_items, dropped_bytes; /* since that was told */

	enum {
		FA_COURIER_IDLE,
		FA_COURIER_SENDING, /* head and batch, once it is connected */
		FA_COURIER_WAITING, /* for the beginning of an answer of HTTP */
		FA_COURIER_READING, /* what is left of that, if anybody says more */
		FA_COURIER_PAUSING, /* before the batch is sent once more */
	} state;
	int fd;
	int attempts;
	int64_t due_ns; /* SENDING, WAITING: to give up; PAUSING: to go on */
	char head[1024], answer[2048];
	size_t head_len, answer_len, sent;
};

/* Now, by both clocks. */
struct fa_instant {
	int64_t ns, unix_ms;
};

/* NULL: out of memory. It is never destroyed: it ends with process 1. */
struct fa_courier *fa_courier_create(const char *name, const struct fa_subscription *subscription,
				     const struct sockaddr_in *address);

/* An event as JSON. */
void fa_courier_add(struct fa_courier *courier, const char *event, size_t len,
		    struct fa_instant now);

/* What is due is begun, or with `flush` whatever there is. False: nothing is under way. */
bool fa_courier_look(struct fa_courier *courier, bool flush, int64_t now_ns);
/* Until fa_courier_look() has something to do, ns; -1: until its descriptor says so, or never. */
int64_t fa_courier_left_ns(const struct fa_courier *courier, int64_t now_ns);
struct pollfd fa_courier_poll(const struct fa_courier *courier);
void fa_courier_serve(struct fa_courier *courier, short events, int64_t now_ns);
/* The subscriber was not able to do anything until now. */
void fa_courier_woken(struct fa_courier *courier, int64_t now_ns);

#endif
