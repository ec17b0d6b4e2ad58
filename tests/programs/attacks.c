/* SPDX-License-Identifier: MIT */
/*
 * What a program might do to its Runtime API, to process 1 that serves it, and to what else
 * is on the machine. Each says in the end what came of it, over the API.
 */
#include "acts.h"
#include "client.h"

#include <arpa/inet.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#define PING "GET /2018-06-01/ping HTTP/1.1\r\nHost: a\r\n\r\n"

/* ---- the API ----------------------------------------------------------- */

/* Pings without end, whose answers nobody reads, until it would block; many times. */
static void flood(const char *times)
{
	for (int i = atoi(times); i > 0; i--) {
		int fd = client_connect();

		for (int n = 0; n < 20000; n++)
			if (send(fd, PING, sizeof(PING) - 1, MSG_DONTWAIT | MSG_NOSIGNAL) < 0)
				break;
		close(fd);
	}
	say("flooded");
}

static void garbage(const char *times)
{
	static unsigned char bytes[4096];

	srand(1);
	for (int i = atoi(times); i > 0; i--) {
		int fd = client_connect();

		for (size_t k = 0; k < sizeof(bytes); k++)
			bytes[k] = (unsigned char)rand();
		client_send(fd, i % 2 ? "POST /2018" : "", i % 2 ? 10 : 0);
		client_send(fd, bytes, (size_t)rand() % sizeof(bytes));
		close(fd);
	}
	say("said");
}

/* Connections with half a request each, all of them open until the answer. */
static void halves(const char *times)
{
	int fds[1024], count = 0;

	while (count < atoi(times) && count < 1024) {
		int fd = client_connect();

		if (fd < 0)
			break;
		client_send(fd, PING, (size_t)(count % (int)(sizeof(PING) - 2)));
		fds[count++] = fd;
	}
	say_number(count);
	while (count > 0)
		close(fds[--count]);
}

static void connections(const char *times)
{
	int made = 0;

	for (int i = atoi(times); i > 0; i--) {
		int fd = client_connect();

		made += fd >= 0;
		close(fd);
	}
	say_number(made);
}

/* A head without an end, then a body without an end. */
static void endless(const char *mb)
{
	static const char *const heads[] = {
		"GET /2018-06-01/ping HTTP/1.1\r\nHost: a\r\nX: ",
		"POST /2018-06-01/runtime/init/error HTTP/1.1\r\nHost: a\r\n"
		"Transfer-Encoding: chunked\r\n\r\n",
	};
	static char piece[65536];

	for (int i = 0; i < 2; i++) {
		int fd = client_connect();

		client_send(fd, heads[i], strlen(heads[i]));
		snprintf(piece, sizeof(piece), "%zx\r\n", sizeof(piece) - 16);
		memset(piece + strlen(piece), 'x', sizeof(piece) - strlen(piece) - 2);
		memcpy(piece + sizeof(piece) - 2, "\r\n", 2);
		for (int n = 0; n < atoi(mb) * 16; n++)
			client_send(fd, piece + (i ? 0 : 100), sizeof(piece) - (i ? 0 : 200));
		close(fd);
	}
	say("sent");
}

/* As many large bodies as it takes to hold more than the environment has. */
static void hold(const char *times)
{
	static const char head[] = "POST /2018-06-01/runtime/init/error HTTP/1.1\r\nHost: a\r\n"
				   "Content-Length: 6000000\r\n\r\n";
	static char body[5900000];
	int fds[64], count = atoi(times);

	for (int i = 0; i < count && i < 64; i++) {
		fds[i] = client_connect();
		client_send(fds[i], head, sizeof(head) - 1);
		client_send(fds[i], body, sizeof(body));
	}
	say("held");
	for (int i = 0; i < count && i < 64; i++)
		close(fds[i]);
}

/* ---- a response in parts ------------------------------------------------- */

#define STREAMING "Lambda-Runtime-Function-Response-Mode: streaming\r\n"

/* Chunks of one byte each, which are seven on the wire. */
static void drip(const char *times)
{
	client_begin(connection(), response_path(), STREAMING);
	for (int i = atoi(times); i > 0; i--)
		client_chunk(connection(), "x", 1);
	client_end(connection(), "");
	client_read(connection(), last_reply());
}

/* All connections say that they answer; only the first one does. */
static void answer_often(const char *times)
{
	int fds[200], count = 0, status[600] = { 0 };
	struct reply *reply = last_reply();
	char said[64];

	client_begin(connection(), response_path(), STREAMING);
	client_chunk(connection(), "first", 5);
	while (count < atoi(times) && count < 200) {
		fds[count] = client_connect();
		client_begin(fds[count], response_path(), STREAMING);
		client_chunk(fds[count], "other", 5);
		client_end(fds[count++], "");
	}
	while (count > 0) {
		status[client_read(fds[--count], reply) ? reply->status : 0]++;
		close(fds[count]);
	}
	snprintf(said, sizeof(said), ", and %d are refused", status[403]);
	client_chunk(connection(), said, strlen(said));
	client_end(connection(), "");
	client_read(connection(), reply);
}

/* A length that no body has, of chunks and of all; then the answer again, on a new connection. */
static void lie_of_length(const char *text)
{
	static const char *const lies[] = {
		"Transfer-Encoding: chunked\r\n\r\nffffffffffffffff\r\nabc",
		"Transfer-Encoding: chunked\r\n\r\n-1\r\nabc",
		"Content-Length: 18446744073709551615\r\n\r\nabc",
		"Content-Length: 9000000000\r\n\r\nabc",
	};
	char head[512];
	int n = snprintf(head, sizeof(head), "POST /2018-06-01%s HTTP/1.1\r\nHost: a\r\n" STREAMING,
			 response_path());

	client_send(connection(), head, (size_t)n);
	client_send(connection(), lies[atoi(text)], strlen(lies[atoi(text)]));
	reconnect();
}

/* Trailers without end. */
static void trail(const char *times)
{
	client_begin(connection(), response_path(), STREAMING);
	client_chunk(connection(), "some", 4);
	client_send(connection(), "0\r\n", 3);
	for (int i = atoi(times); i > 0; i--)
		client_send(connection(), "Lambda-Runtime-Function-Error-Body: AAAA\r\n", 42);
	reconnect();
}

/* While its own answer waits for a reader it wants all else of the API. */
static void besides(const char *text)
{
	int other = client_connect();

	(void)text;
	client_begin(connection(), response_path(), STREAMING);
	for (int i = 0; i < 100; i++) {
		client_ask(other, "GET", "/ping", "", NULL, 0, last_reply());
		client_chunk(connection(), "ping", 4);
	}
	close(other);
	client_end(connection(), "");
	client_read(connection(), last_reply());
}

/* ---- process 1 ---------------------------------------------------------- */

/* Every signal, to process 1 or to a child of our own; is it there after that? */
static void signal_it(const char *whom)
{
	pid_t child = fork(), target = strcmp(whom, "child") ? 1 : child;
	int status, gone = 0;

	if (!child) {
		pause();
		_exit(0);
	}
	for (int sig = 1; sig <= 64; sig++) {
		kill(target, sig);
		syscall(SYS_tgkill, target, target, sig);
	}
	for (int ms = 0; !gone && ms < (target == 1 ? 50 : 5000); ms += 10) {
		usleep(10000);
		gone = waitpid(child, &status, WNOHANG) == child;
	}
	say(gone ? "dead" : "alive");
	kill(child, SIGKILL);
}

static void add(char *list, const char *name)
{
	strcat(list, *list ? " " : "");
	strcat(list, name);
}

/* Which of these worked: what a debugger, or a jealous neighbour, would do. */
static void touch(const char *whom)
{
	char list[256] = "", byte = 0;
	static char stranger; /* there in any process that is a copy of this one */
	pid_t child = fork(), target = strcmp(whom, "child") ? 1 : child;
	struct iovec here = { &byte, 1 }, there = { &stranger, 1 };
	struct rlimit files = { 10, 10 };

	if (!child) {
		pause();
		_exit(0);
	}
	if (ptrace(PTRACE_ATTACH, target, NULL, NULL) == 0)
		add(list, "ptrace");
	if (process_vm_readv(target, &here, 1, &there, 1, 0) == 1)
		add(list, "process_vm_readv");
	if (prlimit(target, RLIMIT_NOFILE, &files, NULL) == 0)
		add(list, "prlimit");
	if (setpriority(PRIO_PROCESS, (id_t)target, 5) == 0)
		add(list, "setpriority");
	if (syscall(SYS_pidfd_open, target, 0) >= 0)
		add(list, "pidfd_open");
	say(*list ? list : "nothing");
	kill(child, SIGKILL);
}

/* Whose memory or descriptors /proc lets us open, besides our own. */
static void look(const char *text)
{
	char self[32], path[300], list[256] = "";
	ssize_t len = readlink("/proc/self", self, sizeof(self) - 1);
	const struct dirent *entry;
	DIR *proc = opendir("/proc");

	(void)text;
	self[len > 0 ? len : 0] = '\0';
	while (proc && (entry = readdir(proc))) {
		if (atoi(entry->d_name) <= 0 || !strcmp(entry->d_name, self))
			continue;
		snprintf(path, sizeof(path), "/proc/%s/mem", entry->d_name);
		if (open(path, O_RDWR) >= 0)
			add(list, "mem");
		snprintf(path, sizeof(path), "/proc/%s/fd", entry->d_name);
		if (opendir(path))
			add(list, "fd");
	}
	say(*list ? list : "nothing");
}

/* ---- the rest of the machine --------------------------------------------- */

static int reach(const char *ip, int port)
{
	struct sockaddr_in address = { .sin_family = AF_INET, .sin_port = htons((uint16_t)port) };
	socklen_t len = sizeof(address);
	int fd = socket(AF_INET, SOCK_STREAM, 0), rc;

	inet_pton(AF_INET, ip, &address.sin_addr);
	rc = connect(fd, (struct sockaddr *)&address, len);
	if (!rc) /* who is given that very port as his own meets himself */
		rc = getsockname(fd, (struct sockaddr *)&address, &len) ||
		     ntohs(address.sin_port) == port;
	close(fd);
	return rc == 0;
}

/* "IP PORT" */
static void connect_to(const char *text)
{
	char ip[64];
	int port;

	if (sscanf(text, "%63s %d", ip, &port) == 2)
		say(reach(ip, port) ? "connected" : "refused");
}

/* How many ports of the loopback interface answer. */
static void scan(const char *text)
{
	int open_ports = 0;

	(void)text;
	for (int port = 1; port < 65536; port++)
		open_ports += reach("127.0.0.1", port);
	say_number(open_ports);
}

static void descriptors(const char *text)
{
	int count = 0;

	(void)text;
	for (int fd = 3; fd < 1024; fd++)
		count += fcntl(fd, F_GETFD) >= 0;
	say_number(count);
}

/* A process that wants to outlive everything. */
static void daemonize(const char *text)
{
	(void)text;
	if (!fork()) {
		setsid();
		for (int sig = 1; sig < 32; sig++)
			signal(sig, SIG_IGN);
		if (fork())
			_exit(0);
		for (;;)
			pause();
	}
	say("left");
}

static void bomb(const char *text)
{
	(void)text;
	for (;;)
		fork();
}

const struct act attacks[] = {
	{ "flood", flood },
	{ "garbage", garbage },
	{ "halves", halves },
	{ "connections", connections },
	{ "endless", endless },
	{ "hold", hold },
	{ "drip", drip },
	{ "often", answer_often },
	{ "lie", lie_of_length },
	{ "trail", trail },
	{ "besides", besides },
	{ "signal", signal_it },
	{ "touch", touch },
	{ "look", look },
	{ "connect", connect_to },
	{ "scan", scan },
	{ "descriptors", descriptors },
	{ "daemon", daemonize },
	{ "bomb", bomb },
	{ NULL, NULL },
};
