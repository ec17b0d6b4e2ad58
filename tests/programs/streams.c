/* SPDX-License-Identifier: MIT */
/* A program that answers part by part, in the ways that one may, and in those that one may not. */
#include "acts.h"
#include "client.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define STREAMING "Lambda-Runtime-Function-Response-Mode: streaming\r\n"
#define MIB (1 << 20)

static void read_reply(void)
{
	client_read(connection(), last_reply());
	printf("status %d %s\n", last_reply()->status, last_reply()->body);
	fflush(stdout);
}

static void begin(const char *fields)
{
	client_begin(connection(), response_path(), fields);
}

/* So many chunks of that size, whose bytes count. */
static void send_chunks(long count, long size)
{
	static unsigned char chunk[MIB + 256];
	size_t at = 0;

	for (size_t i = 0; i < sizeof(chunk); i++)
		chunk[i] = (unsigned char)i;
	for (; count > 0; count--) {
		client_chunk(connection(), chunk + at % 256, (size_t)size);
		at += (size_t)size;
		if (at % MIB < (size_t)size) {
			printf("sent %zu\n", at / MIB);
			fflush(stdout);
		}
	}
}

/* "COUNT SIZE" */
static void send_all(const char *fields, const char *text)
{
	long count = 0, size = 0;

	sscanf(text, "%ld %ld", &count, &size);
	begin(fields);
	send_chunks(count, size);
	client_end(connection(), "");
}

static void stream(const char *text)
{
	send_all(STREAMING, text);
	read_reply();
}

/* It does not wait for what is said to it. */
static void stream_and_leave(const char *text)
{
	send_all(STREAMING, text);
	exit(3);
}

/* In chunks, too, but not in the mode for it. */
static void chunks(const char *text)
{
	send_all("", text);
	read_reply();
}

static void http(const char *text)
{
	begin(STREAMING "Content-Type: application/vnd.awslambda.http-integration-response\r\n");
	client_chunk(connection(), "{\"statusCode\":201,\"headers\":{\"X-Mine\":\"yes\"}}", 45);
	client_chunk(connection(), "\0\0\0\0\0\0\0", 8);
	client_chunk(connection(), text, strlen(text));
	client_end(connection(), "");
	read_reply();
}

/* So many bytes where a head of HTTP would be, and nothing that ends it. */
static void no_head(const char *bytes)
{
	begin(STREAMING "Content-Type: application/vnd.awslambda.http-integration-response\r\n");
	for (long left = atol(bytes); left > 0; left -= 100)
		client_chunk(connection(), memset((char[100]){ 0 }, ' ', 100), 100);
	client_end(connection(), "");
	read_reply();
}

/* "half", and then what the text says. */
static void half(const char *text)
{
	begin(STREAMING "Trailer: Lambda-Runtime-Function-Error-Type\r\n");
	client_chunk(connection(), "half", 4);
	if (!strcmp(text, "hang"))
		pause();
	if (!strcmp(text, "exit"))
		exit(0);
	if (!strcmp(text, "crash"))
		raise(SIGSEGV);
	if (!strcmp(text, "cut")) {
		reconnect();
		return;
	}
	if (!strcmp(text, "cut and go on")) {
		reconnect();
		usleep(300000);
		return;
	}
	if (!strcmp(text, "garbage")) {
		client_send(connection(), "this is no chunk\r\n", 18);
		reconnect();
		return;
	}
	if (!strcmp(text, "twice")) {
		int other = client_connect();

		client_ask(other, "POST", response_path(), "", "1", 1, last_reply());
		client_chunk(connection(), last_reply()->body, last_reply()->len);
		close(other);
		client_end(connection(), "");
	}
	if (!strcmp(text, "fail")) /* {"errorMessage":"mine"} */
		client_end(
			connection(),
			"Lambda-Runtime-Function-Error-Type: Function.Mine\r\n"
			"Lambda-Runtime-Function-Error-Body: eyJlcnJvck1lc3NhZ2UiOiJtaW5lIn0=\r\n");
	if (!strcmp(text, "fail badly"))
		client_end(connection(), "Lambda-Runtime-Function-Error-Type: what?\r\n"
					 "Lambda-Runtime-Function-Error-Body: no base64!\r\n");
	read_reply();
}

static void mode(const char *name)
{
	char field[128];

	snprintf(field, sizeof(field), "Lambda-Runtime-Function-Response-Mode: %s\r\n", name);
	client_ask(connection(), "POST", response_path(), field, "1", 1, last_reply());
}

const struct act streams[] = {
	{ "stream", stream }, { "flow", stream_and_leave },
	{ "chunks", chunks }, { "http", http },
	{ "half", half },     { "mode", mode },
	{ "no-head", no_head },
	{ NULL, NULL },
};
