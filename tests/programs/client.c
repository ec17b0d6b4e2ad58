/* SPDX-License-Identifier: MIT */
#include "client.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

int client_connect(void)
{
	struct sockaddr_in address = { .sin_family = AF_INET };
	char where[64];
	char *colon;
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	snprintf(where, sizeof(where), "%s", getenv("AWS_LAMBDA_RUNTIME_API"));
	colon = strchr(where, ':');
	if (fd < 0 || !colon)
		return -1;
	*colon = '\0';
	address.sin_port = htons((unsigned short)atoi(colon + 1));
	if (inet_pton(AF_INET, where, &address.sin_addr) == 1 &&
	    connect(fd, (struct sockaddr *)&address, sizeof(address)) == 0)
		return fd;
	close(fd);
	return -1;
}

void client_send(int fd, const void *data, size_t len)
{
	const char *at = data;

	while (len) {
		ssize_t n = send(fd, at, len, MSG_NOSIGNAL);

		if (n <= 0)
			return;
		at += n;
		len -= (size_t)n;
	}
}

static bool read_head(int fd, struct reply *reply)
{
	size_t len = 0;

	reply->head[0] = '\0';
	while (len < sizeof(reply->head) - 1 && !strstr(reply->head, "\r\n\r\n")) {
		if (read(fd, reply->head + len, 1) != 1)
			return false;
		reply->head[++len] = '\0';
	}
	return sscanf(reply->head, "HTTP/1.1 %d", &reply->status) == 1;
}

bool client_read(int fd, struct reply *reply)
{
	size_t want;

	free(reply->body);
	reply->body = NULL;
	do
		if (!read_head(fd, reply))
			return false;
	while (reply->status == 100);
	want = (size_t)atol(client_field(reply, "Content-Length"));
	reply->body = malloc(want + 1);
	for (reply->len = 0; reply->len < want;) {
		ssize_t n = read(fd, reply->body + reply->len, want - reply->len);

		if (n <= 0)
			return false;
		reply->len += (size_t)n;
	}
	reply->body[want] = '\0';
	return true;
}

bool client_ask(int fd, const char *method, const char *path, const char *fields, const void *body,
		size_t len, struct reply *reply)
{
	char whole[512];

	snprintf(whole, sizeof(whole), "/2018-06-01%s", path);
	return client_ask_at(fd, method, whole, fields, body, len, reply);
}

bool client_ask_at(int fd, const char *method, const char *path, const char *fields,
		   const void *body, size_t len, struct reply *reply)
{
	char head[65536];
	int n = snprintf(head, sizeof(head),
			 "%s %s HTTP/1.1\r\nHost: api\r\nContent-Length: %zu\r\n%s\r\n",
			 method, path, len, fields);

	client_send(fd, head, (size_t)n);
	client_send(fd, body, len);
	return client_read(fd, reply);
}

void client_begin(int fd, const char *path, const char *fields)
{
	char head[4096];
	int n = snprintf(head, sizeof(head),
			 "POST /2018-06-01%s HTTP/1.1\r\nHost: api\r\n%s"
			 "Transfer-Encoding: chunked\r\n\r\n",
			 path, fields);

	client_send(fd, head, (size_t)n);
}

void client_chunk(int fd, const void *data, size_t len)
{
	char line[32];

	client_send(fd, line, (size_t)snprintf(line, sizeof(line), "%zx\r\n", len));
	client_send(fd, data, len);
	client_send(fd, "\r\n", 2);
}

void client_end(int fd, const char *trailers)
{
	client_send(fd, "0\r\n", 3);
	client_send(fd, trailers, strlen(trailers));
	client_send(fd, "\r\n", 2);
}

const char *client_field(const struct reply *reply, const char *name)
{
	static char value[65536];
	const char *line = reply->head;
	size_t len = strlen(name);

	while ((line = strstr(line, "\r\n"))) {
		line += 2;
		if (strncasecmp(line, name, len) != 0 || line[len] != ':')
			continue;
		line += len + 1 + strspn(line + len + 1, " ");
		snprintf(value, sizeof(value), "%.*s", (int)strcspn(line, "\r"), line);
		return value;
	}
	return "";
}
