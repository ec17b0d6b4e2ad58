/* SPDX-License-Identifier: MIT */
/*
 * A program that does what its event says, a word and what goes with it. The variable INIT
 * says what it does before it asks for the first one.
 */
#include "acts.h"
#include "client.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

static struct reply event, reply;
static int api = -1;
static char id[64], path[160];

int connection(void)
{
	return api;
}

void reconnect(void)
{
	close(api);
	api = client_connect();
}

struct reply *last_reply(void)
{
	return &reply;
}

const char *response_path(void)
{
	snprintf(path, sizeof(path), "/runtime/invocation/%s/response", id);
	return path;
}

void answer(const void *body, size_t len)
{
	client_ask(api, "POST", response_path(), "", body, len, &reply);
}

void say(const char *text)
{
	answer(text, strlen(text));
}

void say_number(long number)
{
	char text[32];

	snprintf(text, sizeof(text), "%ld", number);
	say(text);
}

/* ---- what it can do ------------------------------------------------------ */

static void echo(const char *text)
{
	say(text);
}

static void count(const char *text)
{
	static long calls;

	(void)text;
	say_number(++calls);
}

static void header(const char *name)
{
	say(client_field(&event, name));
}

static void env(const char *name)
{
	const char *value = getenv(name);

	say(value ? value : "(none)");
}

static void cwd(const char *text)
{
	char where[256];

	(void)text;
	say(getcwd(where, sizeof(where)) ? where : "?");
}

static void put(const char *text)
{
	FILE *file = fopen("/tmp/kept", "w");

	if (file) {
		fputs(text, file);
		fclose(file);
	}
	say("put");
}

static void get(const char *text)
{
	char kept[64] = "";
	FILE *file = fopen("/tmp/kept", "r");

	(void)text;
	if (file) {
		if (!fgets(kept, sizeof(kept), file))
			kept[0] = '\0';
		fclose(file);
	}
	say(kept);
}

/* What a subscriber of telemetry has heard, once that text is in it. */
static void heard(const char *text)
{
	static char whole[1 << 20];

	for (int ms = 0; ms < 15000; ms++) {
		FILE *file = fopen("/tmp/heard", "r");
		size_t len = file ? fread(whole, 1, sizeof(whole) - 1, file) : 0;

		if (file)
			fclose(file);
		whole[len] = '\0';
		if (strstr(whole, text))
			break;
		usleep(1000);
	}
	say(whole);
}

/* So many lines of a hundred bytes. */
static void chatter(const char *lines)
{
	for (int i = 0; i < atoi(lines); i++)
		printf("%099d\n", i);
	fflush(stdout);
	say("said");
}

static void print(const char *text)
{
	puts(text);
	fflush(stdout);
	say("printed");
}

/* A record of two lines, of that level, as AWS's runtimes write it. */
static void record(const char *level)
{
	static const char text[] = "first line\nsecond line\n";
	uint32_t head[4] = { htonl(0xa55a0003u | (uint32_t)atoi(level)), htonl(sizeof(text) - 1) };
	int fd = atoi(getenv("_LAMBDA_TELEMETRY_LOG_FD"));

	if (write(fd, head, sizeof(head)) == sizeof(head) &&
	    write(fd, text, sizeof(text) - 1) == sizeof(text) - 1)
		say("recorded");
}

/* "TYPE BODY" */
static void fail(const char *text)
{
	size_t len = strcspn(text, " ");
	char field[128];

	snprintf(field, sizeof(field), "Lambda-Runtime-Function-Error-Type: %.*s\r\n", (int)len,
		 text);
	snprintf(path, sizeof(path), "/runtime/invocation/%s/error", id);
	text += len + 1;
	client_ask(api, "POST", path, field, text, strlen(text), &reply);
}

static void sleep_for(const char *ms)
{
	usleep((unsigned)atoi(ms) * 1000);
	say("slept");
}

static void leave(const char *status)
{
	exit(atoi(status));
}

static void die(const char *number)
{
	raise(atoi(number));
}

static void leave_after(const char *text)
{
	say(text);
	exit(3);
}

/* An answer of so many bytes; then the status that it got. */
static void large(const char *size)
{
	size_t len = (size_t)atol(size);
	char *body = malloc(len);

	memset(body, 'x', len);
	answer(body, len);
	free(body);
	printf("status %d\n", reply.status);
	fflush(stdout);
}

static void take_memory(long mb)
{
	for (; mb > 0; mb--) {
		memset(malloc(1 << 20), 1, 1 << 20);
		usleep(500); /* an honest program takes some time, too */
	}
}

static void eat(const char *mb)
{
	take_memory(atol(mb));
	say("eaten");
}

/* "CHILDREN MB MS": each takes so much and keeps it; the answer comes MS after that. */
static void fork_some(const char *text)
{
	int children, mb, ms, ready[2], i;
	char byte;

	if (sscanf(text, "%d %d %d", &children, &mb, &ms) != 3 || pipe(ready) < 0)
		return;
	for (i = 0; i < children; i++)
		if (!fork()) {
			take_memory(mb);
			if (write(ready[1], "", 1) == 1)
				pause();
		}
	while (i > 0 && read(ready[0], &byte, 1) == 1)
		i--;
	usleep((unsigned)ms * 1000);
	say("forked");
}

/* So many milliseconds of CPU time, in a child that lives on. */
static void burn(const char *ms)
{
	int done[2];
	char byte;

	if (pipe(done) == 0 && !fork()) {
		while (clock() * 1000 / CLOCKS_PER_SEC < atoi(ms))
			;
		if (write(done[1], "", 1) == 1)
			pause();
	}
	if (read(done[0], &byte, 1) == 1)
		say("burnt");
}

/* A child that looks at the clock each millisecond, and keeps the longest time between. */
static long *longest_ms;

static void tick(const char *text)
{
	struct timespec now;
	long ms, before = 0;

	(void)text;
	longest_ms = mmap(NULL, sizeof(*longest_ms), PROT_READ | PROT_WRITE,
			  MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (fork()) {
		say("ticks");
		return;
	}
	for (;;) {
		clock_gettime(CLOCK_MONOTONIC, &now);
		ms = now.tv_sec * 1000 + now.tv_nsec / 1000000;
		if (before && ms - before > *longest_ms)
			*longest_ms = ms - before;
		before = ms;
		usleep(1000);
	}
}

static void longest(const char *text)
{
	(void)text;
	usleep(20000); /* it has looked at the clock since */
	say_number(*longest_ms);
}

/* So many milliseconds of work behind the answer. */
static void work_on(const char *ms)
{
	say("said");
	usleep((unsigned)atoi(ms) * 1000);
	puts("and done");
	fflush(stdout);
}

static const struct act acts[] = {
	{ "echo", echo },      { "count", count }, { "header", header },   { "env", env },
	{ "cwd", cwd },        { "put", put },     { "get", get },         { "print", print },
	{ "record", record },  { "fail", fail },   { "sleep", sleep_for }, { "exit", leave },
	{ "raise", die },      { "large", large }, { "eat", eat },         { "last", leave_after },
	{ "fork", fork_some }, { "burn", burn },   { "tick", tick },       { "longest", longest },
	{ "work", work_on },   { "heard", heard }, { "chatter", chatter }, { NULL, NULL },
};

/* The event says what to do, unless the variable ACT does. */
static bool act_as(const struct act *acts)
{
	const char *line = getenv("ACT") ? getenv("ACT") : event.body;
	size_t len = strcspn(line, " ");
	const char *text = line + len + (line[len] == ' ');

	for (; acts->word; acts++) {
		if (strlen(acts->word) != len || strncmp(line, acts->word, len) != 0)
			continue;
		acts->run(text);
		return true;
	}
	return false;
}

/* ---- init ----------------------------------------------------------------- */

static void on_term(int sig)
{
	static const char line[] = "hears SIGTERM, and stays\n";

	(void)sig;
	if (write(STDOUT_FILENO, line, sizeof(line) - 1) < 0)
		_exit(99);
}

/* Who wants to see its end finds its number in /tmp. */
static void be_stubborn(void)
{
	struct sigaction action = { .sa_handler = on_term, .sa_flags = SA_RESTART };
	FILE *file = fopen("/tmp/program", "w");

	if (!file || sigaction(SIGTERM, &action, NULL))
		exit(99);
	fprintf(file, "%d", (int)getpid());
	fclose(file);
}

/* "restore", "restore fail TYPE", "restore sleep MS", "restore exit STATUS" */
static void restore(const char *then)
{
	static const char error[] = "{\"errorMessage\":\"not me\"}";
	char field[128];

	printf("asks to be restored\n");
	fflush(stdout);
	client_ask(api, "GET", "/runtime/restore/next", "", NULL, 0, &reply);
	printf("restored %d\n", reply.status);
	fflush(stdout);
	if (!strncmp(then, " sleep ", 7))
		usleep((unsigned)atoi(then + 7) * 1000);
	if (!strncmp(then, " exit ", 6))
		exit(atoi(then + 6));
	if (strncmp(then, " fail ", 6) != 0)
		return;
	snprintf(field, sizeof(field), "Lambda-Runtime-Function-Error-Type: %s\r\n", then + 6);
	client_ask(api, "POST", "/runtime/restore/error", field, error, strlen(error), &reply);
	exit(65);
}

/* "fail TYPE", "exit STATUS", "sleep MS", "raise SIGNAL", "restore ..." */
static void init(const char *what)
{
	const char *text = what + strcspn(what, " ") + 1;
	char field[128];

	printf("init\n");
	fflush(stdout);
	if (!strcmp(what, "stubborn"))
		be_stubborn();
	if (!strncmp(what, "sleep", 5))
		usleep((unsigned)atoi(text) * 1000);
	if (!strncmp(what, "restore", 7))
		restore(what + 7);
	if (!strncmp(what, "once ", 5)) {
		if (open("/tmp/once", O_CREAT | O_EXCL, 0600) < 0)
			return;
		what = text;
		text = what + strcspn(what, " ") + 1;
	}
	if (!strncmp(what, "exit", 4))
		exit(atoi(text));
	if (!strncmp(what, "raise", 5))
		raise(atoi(text));
	if (!strncmp(what, "large", 5)) {
		size_t len = (size_t)atol(text);

		client_ask(api, "POST", "/runtime/init/error", "", calloc(1, len), len, &reply);
		exit(1);
	}
	if (strncmp(what, "fail", 4) != 0)
		return;
	snprintf(field, sizeof(field), "Lambda-Runtime-Function-Error-Type: %s\r\n", text);
	client_ask(api, "POST", "/runtime/init/error", field, "{\"errorMessage\":\"no\"}", 21,
		   &reply);
	exit(1);
}

int main(void)
{
	api = client_connect();
	if (api < 0)
		return 99;
	if (getenv("INIT"))
		init(getenv("INIT"));
	while (client_ask(api, "GET", "/runtime/invocation/next", "", NULL, 0, &event)) {
		snprintf(id, sizeof(id), "%s",
			 client_field(&event, "Lambda-Runtime-Aws-Request-Id"));
		if (!act_as(acts) && !act_as(attacks) && !act_as(streams) && !act_as(looks))
			fail("Test.UnknownWord {}");
	}
	return 98;
}
