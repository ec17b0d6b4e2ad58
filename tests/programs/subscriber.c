/* SPDX-License-Identifier: MIT */
/*
 * An extension that subscribes to telemetry and keeps what it hears in /tmp/heard, for who prints
 * it would hear of that, too. Its name says how it behaves; the variable TYPES is what it wants.
 */
#include "client.h"

#include <arpa/inet.h>
#include <netdb.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define PORT 4243

static struct reply reply;
static const char *name;
static char identity[128];
static int lines = -1; /* the connection over which TCP brings them */

static bool is(const char *word)
{
	return !strcmp(name, word);
}

static bool ask(const char *method, const char *path, const char *fields, const char *body)
{
	int fd = client_connect();
	bool done = client_ask_at(fd, method, path, fields, body, strlen(body), &reply);

	close(fd);
	return done;
}

/* Where the name of this machine leads, or, in the host's network, where its API is. */
static struct sockaddr_in own_address(void)
{
	struct addrinfo hints = { .ai_family = AF_INET, .ai_socktype = SOCK_STREAM }, *found;
	struct sockaddr_in address = { .sin_family = AF_INET };
	char api[64];

	if (getaddrinfo("sandbox.localdomain", NULL, &hints, &found) == 0) {
		memcpy(&address, found->ai_addr, sizeof(address));
		freeaddrinfo(found);
	} else {
		snprintf(api, sizeof(api), "%s", getenv("AWS_LAMBDA_RUNTIME_API"));
		*strchr(api, ':') = '\0';
		inet_pton(AF_INET, api, &address.sin_addr);
	}
	address.sin_port = htons(PORT);
	return address;
}

static int listen_there(void)
{
	struct sockaddr_in address = own_address();
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), on = 1;

	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	if (bind(fd, (struct sockaddr *)&address, sizeof(address)) < 0 || listen(fd, 16) < 0) {
		perror("bind");
		exit(7);
	}
	return fd;
}

static void keep(const char *data, size_t len)
{
	FILE *file = fopen("/tmp/heard", "a");

	if (file) {
		fwrite(data, 1, len, file);
		fclose(file);
	}
}

/* ---- subscriptions -------------------------------------------------------- */

/* One that is called logs does it by the Logs API, in the second version of its schema. */
static void subscribe(const char *format, const char *destination)
{
	const char *types = getenv("TYPES") ? getenv("TYPES") : "\"platform\",\"function\"";
	char body[1024];

	snprintf(body, sizeof(body), format, is("logs") ? "2021-03-18" : "2022-12-13", types,
		 destination);
	ask("PUT", is("logs") ? "/2020-08-15/logs" : "/2022-07-01/telemetry", identity, body);
}

#define SUBSCRIPTION "{\"schemaVersion\":\"%s\",\"types\":[%s]," \
		     "\"buffering\":{\"maxItems\":1000,\"maxBytes\":262144,\"timeoutMs\":25}," \
		     "\"destination\":%s}"
#define HTTP "{\"protocol\":\"HTTP\",\"URI\":\"http://sandbox.localdomain:4243/heard?x\"}"

static void subscribe_as_named(void)
{
	if (is("lines"))
		subscribe(SUBSCRIPTION, "{\"protocol\":\"TCP\",\"port\":4243}");
	else if (is("absent"))
		subscribe(SUBSCRIPTION, "{\"protocol\":\"HTTP\","
					"\"URI\":\"http://sandbox.localdomain:4000\"}");
	else if (!is("late"))
		subscribe(SUBSCRIPTION, HTTP);
	for (int i = 0; is("floods") && i < 300; i++) {
		char other[128];

		snprintf(other, sizeof(other),
			 "{\"protocol\":\"HTTP\",\"URI\":\"http://sandbox:%d/\"}", 10000 + i);
		subscribe(SUBSCRIPTION, i % 2 ? HTTP : other);
		subscribe("{%s%s%s", "");
	}
}

/* ---- what is heard -------------------------------------------------------- */

static void serve(int listener)
{
	static struct reply request;
	int fd = accept(listener, NULL, NULL);
	char piece[4096], *body = NULL;
	size_t len = 0, want = 0;
	ssize_t n;

	if (is("lines")) {
		lines = fd;
		return;
	}
	request.head[0] = '\0';
	while (!body && (n = read(fd, request.head + len, sizeof(request.head) - 1 - len)) > 0) {
		request.head[len += (size_t)n] = '\0';
		body = strstr(request.head, "\r\n\r\n");
	}
	if (!body)
		return;
	if (is("dies"))
		exit(5);
	body += 4;
	want = (size_t)atol(client_field(&request, "Content-Length"));
	len -= (size_t)(body - request.head);
	keep(body, len);
	for (; len < want && (n = read(fd, piece, sizeof(piece))) > 0; len += (size_t)n)
		keep(piece, (size_t)n);
	keep("\n", 1);
	for (int i = 0; is("rude") && i < 1000; i++)
		client_send(fd, piece, sizeof(piece));
	client_send(fd, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nOK", 41);
	close(fd);
}

static void serve_lines(void)
{
	char piece[4096];
	ssize_t n = read(lines, piece, sizeof(piece));

	if (n <= 0) {
		close(lines);
		lines = -1;
		return;
	}
	keep(piece, (size_t)n);
}

/* At the end it tells of what the function cannot read any more. */
static void tell_last(void)
{
	char whole[65536];
	FILE *file = fopen("/tmp/heard", "r");
	size_t len = file ? fread(whole, 1, sizeof(whole) - 1, file) : 0;

	whole[len] = '\0';
	for (char *at = whole; (at = strstr(at, "platform.report")); at++)
		printf("%s has heard a report\n", name);
	exit(0);
}

static void wait_for_events(int listener)
{
	char request[512];
	int next = -1;

	for (;;) {
		struct pollfd fds[] = { { .events = POLLIN },
					{ .fd = is("deaf") ? -1 : listener, .events = POLLIN },
					{ .fd = lines, .events = POLLIN } };

		if (next < 0) {
			next = client_connect();
			client_send(next, request,
				    (size_t)snprintf(request, sizeof(request),
						     "GET /2020-01-01/extension/event/next HTTP/1.1"
						     "\r\nHost: api\r\n%s\r\n",
						     identity));
		}
		fds[0].fd = next;
		poll(fds, 3, -1);
		if (fds[1].revents)
			serve(listener);
		if (fds[2].revents)
			serve_lines();
		if (!fds[0].revents)
			continue;
		if (!client_read(next, &reply))
			exit(98);
		close(next);
		next = -1;
		if (strstr(reply.body, "SHUTDOWN"))
			tell_last();
		if (is("late")) {
			subscribe(SUBSCRIPTION, HTTP);
			printf("late is told %d %s", reply.status, reply.body);
		}
	}
}

int main(int argc, char **argv)
{
	const char *slash = strrchr(argv[0], '/');
	char fields[128];
	int listener;

	(void)argc;
	name = slash ? slash + 1 : argv[0];
	setvbuf(stdout, NULL, _IOLBF, 0);
	unlink("/tmp/heard"); /* of an earlier process of this environment */
	listener = is("absent") ? -1 : listen_there();
	snprintf(fields, sizeof(fields), "Lambda-Extension-Name: %s\r\n", name);
	ask("POST", "/2020-01-01/extension/register", fields,
	    "{\"events\":[\"INVOKE\",\"SHUTDOWN\"]}");
	snprintf(identity, sizeof(identity), "Lambda-Extension-Identifier: %s\r\n",
		 client_field(&reply, "Lambda-Extension-Identifier"));
	subscribe_as_named();
	printf("%s is told %d %s\n", name, reply.status, reply.body);
	wait_for_events(listener);
}
