/* SPDX-License-Identifier: MIT */

/*
 * The client of the peers that are reached through a socket: FastCGI or HTTP
 * over kept connections, 64 bytes there and back, the echo checked. One
 * connection is driven by blocking reads and writes, which is the least a
 * client can do; several by epoll.
 */

#include "bench.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#define BODY 64
#define MAX_CONNECTIONS 64

struct protocol {
	const char *name;
	size_t (*request)(char *out, const char *body);
	/* Is the answer whole? Then its body is at *body. */
	bool (*whole)(char *in, size_t len, const char **body, size_t *body_len);
};

struct connection {
	int fd;
	uint64_t sent;
	size_t got;
	char in[8192];
};

static char request[4096];
static size_t request_len;
static char body[BODY];

/* ---- FastCGI -------------------------------------------------------------- */

static size_t record(char *out, int type, const void *data, size_t len)
{
	unsigned char head[8] = { 1, (unsigned char)type, 0, 1, (unsigned char)(len >> 8),
				  (unsigned char)len, 0, 0 };

	memcpy(out, head, sizeof(head));
	memcpy(out + sizeof(head), data, len);
	return sizeof(head) + len;
}

static size_t pair(char *out, const char *name, const char *value)
{
	size_t n = strlen(name), v = strlen(value);

	out[0] = (char)n;
	out[1] = (char)v;
	memcpy(out + 2, name, n);
	memcpy(out + 2 + n, value, v);
	return 2 + n + v;
}

static size_t fcgi_request(char *out, const char *data)
{
	static const char begin[8] = { 0, 1, 1 }; /* responder, keep the connection */
	char params[512];
	size_t n = 0, p = 0;

	p += pair(params + p, "REQUEST_METHOD", "POST");
	p += pair(params + p, "SCRIPT_NAME", "/");
	p += pair(params + p, "CONTENT_LENGTH", "64");
	p += pair(params + p, "SERVER_PROTOCOL", "HTTP/1.1");
	n += record(out + n, 1, begin, sizeof(begin));
	n += record(out + n, 4, params, p);
	n += record(out + n, 4, "", 0);
	n += record(out + n, 5, data, BODY);
	n += record(out + n, 5, "", 0);
	return n;
}

static bool fcgi_whole(char *in, size_t len, const char **data, size_t *data_len)
{
	for (size_t at = 0; at + 8 <= len;) {
		const unsigned char *head = (unsigned char *)in + at;
		size_t content = (size_t)head[4] << 8 | head[5];
		char *headers = in + at + 8, *end;

		if (at + 8 + content + head[6] > len)
			return false;
		if (head[1] == 3)
			return true;
		end = head[1] == 6 ? memmem(headers, content, "\r\n\r\n", 4) : NULL;
		if (end) {
			*data = end + 4;
			*data_len = (size_t)(headers + content - *data);
		}
		at += 8 + content + head[6];
	}
	return false;
}

/* ---- HTTP ------------------------------------------------------------------ */

static size_t http_request(char *out, const char *data)
{
	int n = sprintf(out, "POST / HTTP/1.1\r\nHost: bench\r\nContent-Type: "
			     "application/octet-stream\r\nContent-Length: %d\r\n\r\n", BODY);

	memcpy(out + n, data, BODY);
	return (size_t)n + BODY;
}

static bool http_whole(char *in, size_t len, const char **data, size_t *data_len)
{
	char *end, *length;

	in[len] = 0;
	end = strstr(in, "\r\n\r\n");
	length = end ? strcasestr(in, "content-length:") : NULL;
	if (!end)
		return false;
	if (!length || length > end)
		bench_die("the peer answers without Content-Length: %.200s", in);
	*data = end + 4;
	*data_len = strtoul(length + 15, NULL, 10);
	return (size_t)(in + len - *data) >= *data_len;
}

static const struct protocol protocols[] = {
	{ "fcgi", fcgi_request, fcgi_whole },
	{ "http", http_request, http_whole },
};

/* ---- the loop -------------------------------------------------------------- */

static int dial_unix(const char *path)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (strlen(path) >= sizeof(address.sun_path))
		bench_die("%s is too long for a socket", path);
	strcpy(address.sun_path, path);
	return connect(fd, (struct sockaddr *)&address, sizeof(address)) < 0 ? -1 : fd;
}

static int dial_port(const char *port)
{
	struct sockaddr_in address = { .sin_family = AF_INET,
				       .sin_port = htons((uint16_t)atoi(port)),
				       .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), on = 1;

	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	return connect(fd, (struct sockaddr *)&address, sizeof(address)) < 0 ? -1 : fd;
}

static void dial(struct connection *c, const char *address)
{
	c->fd = *address == '/' ? dial_unix(address) : dial_port(address);
	if (c->fd < 0)
		bench_die("%s: %s", address, strerror(errno));
}

static void send_request(struct connection *c)
{
	c->got = 0;
	c->sent = bench_now();
	if (write(c->fd, request, request_len) != (ssize_t)request_len)
		bench_die("the peer does not take a request: %s", strerror(errno));
}

/* Reads once; true when an answer is whole, and then it was the right one. */
static bool receive(struct connection *c, const struct protocol *protocol)
{
	ssize_t n = read(c->fd, c->in + c->got, sizeof(c->in) - 1 - c->got);
	const char *data = NULL;
	size_t len = 0;

	if (n <= 0)
		bench_die("the peer closed a connection that was to be kept");
	c->got += (size_t)n;
	if (!protocol->whole(c->in, c->got, &data, &len))
		return false;
	if (len != BODY || memcmp(data, body, BODY) != 0)
		bench_die("the peer did not echo: %.200s", c->in);
	return true;
}

static void drive_one(struct connection *c, const struct protocol *protocol, uint64_t end,
		      struct samples *s)
{
	while (bench_now() < end) {
		send_request(c);
		while (!receive(c, protocol))
			;
		samples_add(s, bench_now() - c->sent);
	}
}

static void drive_many(struct connection *cs, int n, const struct protocol *protocol, uint64_t end,
		       struct samples *s)
{
	struct epoll_event events[MAX_CONNECTIONS];
	int epoll = epoll_create1(EPOLL_CLOEXEC), left = n;

	for (int i = 0; i < n; i++) {
		struct epoll_event event = { .events = EPOLLIN, .data.ptr = &cs[i] };

		epoll_ctl(epoll, EPOLL_CTL_ADD, cs[i].fd, &event);
		send_request(&cs[i]);
	}
	while (left) {
		int ready = epoll_wait(epoll, events, MAX_CONNECTIONS, 5000);

		if (ready <= 0)
			bench_die("the peer is silent for 5 s");
		for (int i = 0; i < ready; i++) {
			struct connection *c = events[i].data.ptr;
			uint64_t now;

			if (!receive(c, protocol))
				continue;
			now = bench_now();
			samples_add(s, now - c->sent);
			if (now < end)
				send_request(c);
			else
				left--;
		}
	}
	close(epoll);
}

static const struct protocol *find_protocol(const char *name)
{
	for (size_t i = 0; i < sizeof(protocols) / sizeof(*protocols); i++)
		if (strcmp(protocols[i].name, name) == 0)
			return &protocols[i];
	bench_die("%s is not fcgi or http", name);
}

static void drive(struct connection *cs, int n, const struct protocol *protocol, double seconds,
		  struct samples *s)
{
	uint64_t end = bench_now() + (uint64_t)(seconds * 1e9);

	samples_clear(s);
	if (n == 1)
		drive_one(cs, protocol, end, s);
	else
		drive_many(cs, n, protocol, end, s);
}

int main(int argc, char **argv)
{
	const struct protocol *protocol;
	struct connection *cs;
	struct samples s;
	double seconds;
	uint64_t start;
	int n;

	if (argc != 6 || (n = atoi(argv[4])) < 1 || n > MAX_CONNECTIONS)
		bench_die("client KEY fcgi|http SOCKET|PORT CONNECTIONS SECONDS");
	protocol = find_protocol(argv[2]);
	seconds = strtod(argv[5], NULL);
	memset(body, 'x', sizeof(body));
	request_len = protocol->request(request, body);
	cs = calloc((size_t)n, sizeof(*cs));
	if (!cs)
		bench_die("no memory");
	for (int i = 0; i < n; i++)
		dial(&cs[i], argv[3]);
	samples_open(&s, 1 << 22);
	drive(cs, n, protocol, seconds / 5, &s);
	start = bench_now();
	drive(cs, n, protocol, seconds, &s);
	report_value((double)s.n / ((double)(bench_now() - start) / 1e9), "%s.per_s", argv[1]);
	if (n == 1)
		report_latency(argv[1], &s);
	return 0;
}
