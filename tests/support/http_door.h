/* SPDX-License-Identifier: MIT */
#ifndef TEST_HTTP_DOOR_H
#define TEST_HTTP_DOOR_H

/*
 * An HTTP server on the loop of a runtime with virtual time, and a door behind it:
 *   /ping     "pong"                   /echo     the body
 *   /none     204                      /stream   "one two" in pieces, and a trailer
 *   /big      6 MiB                    /flood    64 MiB, as fast as they are read
 *   /next     waits for /wake          /forbidden  403, without a look at the body
 *   /pour     64 MiB, by who knows no connections: as long as it is told to go on
 */
#include <stdbool.h>
#include <stdint.h>

#include "support/client.h"
#include "support/flow.h"

#include <http/server.h>

#define HOST "Host: x\r\n"
#define GET(target) "GET " target " HTTP/1.1\r\n" HOST "\r\n"
#define POST(target) "POST " target " HTTP/1.1\r\n" HOST
#define MIB (1 << 20)
#define BODY_MAX MIB

extern struct flow door_flow;
extern int door_port;
extern _Atomic int door_gone; /* clients of /next that were seen to leave */
extern _Atomic int door_requests;
extern _Atomic int door_pauses; /* of /pour */

/* As the server was when door_look() asked. */
struct door_state {
	int count;
	bool moving;
	size_t taken; /* bytes of the body or the answer that moved last, so far */
	size_t held;
	uint64_t evicted;
	int pieces; /* of /flood, made so far */
};

void door_open(const struct fa_http_limits *limits);
void door_close(void); /* and fails the test unless nothing is left */
/* For cmocka: with the limits that a server has by default. */
int door_setup(void **state);
int door_teardown(void **state);
struct door_state door_look(void);
/* Until there are so many connections; bounded. */
void door_await_count(int count);
/* Until a body or an answer is under way. */
void door_await_moving(void);
void door_await_requests(int count);
void door_await_gone(int count);

void door_expect(struct answer answer, int status, const char *body);
/* On a connection of its own. */
void door_ask_alone(const char *text, int status);

#endif
