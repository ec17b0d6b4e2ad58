/* SPDX-License-Identifier: MIT */
/*
 * One handler that hides the event's secret where the first word says, and one
 * that looks for such a secret: in all memory it can read, in its environment,
 * in /tmp, in its open files.
 */
#include <ctype.h>
#include <dirent.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <faas/plugin.h>

#define SIZE 64
#define MANY 400 /* pages */

static char in_bss[8192], in_data[64] = "initialised";
static __thread char in_tls[SIZE];
static char *at_init, *at_init_mapped;
static int inits, pipe_of_init[2] = { -1, -1 };

static int init(struct faas_context *ctx)
{
	at_init = malloc(4 * SIZE);
	at_init_mapped = mmap(NULL, 65536, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1,
			      0);
	if (!at_init || at_init_mapped == MAP_FAILED)
		return faas_fail(ctx, "Pristine.NoMemory", "no memory");
	strcpy(at_init, "left by init");
	strcpy(at_init_mapped + 5000, "left by init");
	inits++;
	return 0;
}

/* ---- hiding ------------------------------------------------------------ */

static void in_freed_heap(const char *secret)
{
	char *volatile room[200];

	for (int i = 0; i < 200; i++) {
		room[i] = malloc(100 + (size_t)i * 40);
		memset(room[i], 0, 100);
		strcpy(room[i] + 32, secret);
	}
	for (int i = 0; i < 200; i += 2)
		free(room[i]);
}

static __attribute__((noinline)) void on_stack(const char *secret, int depth)
{
	volatile char frame[1000];

	for (size_t i = 0; i <= strlen(secret); i++)
		frame[i] = secret[i];
	if (depth)
		on_stack(secret, depth - 1);
	frame[999] = frame[0];
}

static void in_mapping(const char *secret, int flags)
{
	char *map = mmap(NULL, 3 * 4096, PROT_READ | PROT_WRITE, flags | MAP_ANONYMOUS, -1, 0);

	strcpy(map + 4096, secret);
}

static void in_many_pages(const char *secret)
{
	char *map = malloc(MANY * 4096);

	for (int i = 0; i < MANY; i++)
		strcpy(map + i * 4096 + 100, secret);
}

/* Written, and then protected as before: nothing of it shows in the mappings. */
static void in_relocated(const char *secret)
{
	uintptr_t page = (uintptr_t)&faas_plugin & ~(uintptr_t)4095;

	mprotect((void *)page, 4096, PROT_READ | PROT_WRITE);
	strcpy((char *)page, secret);
	mprotect((void *)page, 4096, PROT_READ);
}

/* The mapping of init goes, and another of the same size comes in its place. */
static void in_place_of_inits(const char *secret)
{
	munmap(at_init_mapped, 65536);
	strcpy(mmap(at_init_mapped, 65536, PROT_READ | PROT_WRITE,
		    MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0),
	       secret);
}

static void in_tmp(const char *secret)
{
	int fd = open("/tmp/secret", O_CREAT | O_WRONLY, 0600);

	if (write(fd, secret, strlen(secret)) > 0)
		close(fd);
}

static void in_open_file(const char *secret)
{
	int fd = open("/tmp", O_TMPFILE | O_RDWR, 0600);

	if (write(fd, secret, strlen(secret)) > 0)
		lseek(fd, 0, SEEK_SET);
}

/* Open files are above all that are open already; a pipe is memory as well. */
static void in_pipe(const char *secret)
{
	if (pipe(pipe_of_init) == 0 && write(pipe_of_init[1], secret, strlen(secret)) > 0)
		fcntl(pipe_of_init[0], F_SETFL, O_NONBLOCK);
}

static void *sleeper(void *secret)
{
	on_stack(secret, 1);
	for (;;)
		pause();
	return NULL;
}

static void in_thread(const char *secret)
{
	pthread_t thread;

	pthread_create(&thread, NULL, sleeper, strdup(secret));
	usleep(1000);
}

static void *finish(void *secret)
{
	in_freed_heap(secret);
	on_stack(secret, 20);
	strcpy(in_tls, secret);
	return NULL;
}

static void in_finished_thread(const char *secret)
{
	pthread_t thread;

	pthread_create(&thread, NULL, finish, (void *)secret);
	pthread_join(thread, NULL);
}

static void in_child(const char *secret)
{
	if (fork() == 0) {
		on_stack(secret, 1);
		for (;;)
			pause();
	}
}

/* The area of the responses is the one shared mapping that can be written. */
static void in_response_area(const char *secret)
{
	FILE *maps = fopen("/proc/self/maps", "r");
	unsigned long start, end;
	char line[512], mode[8];

	while (maps && fgets(line, sizeof(line), maps))
		if (sscanf(line, "%lx-%lx %7s", &start, &end, mode) == 3 &&
		    !strcmp(mode, "rw-s") && strstr(line, "faas-response")) {
			strcpy((char *)start + 4096 - SIZE, secret);
			strcpy((char *)start + 4096 + 5 * 1024, secret);
			strcpy((char *)start + 40000, secret);
			strcpy((char *)end - SIZE, secret);
		}
	if (maps)
		fclose(maps);
}

static int answer_long(struct faas_context *ctx, const char *secret)
{
	for (int i = 0; i < 5000; i++)
		faas_puts(ctx, secret);
	return faas_fail(ctx, "Pristine.Long", "a long answer, replaced by a short one");
}

static void in_nothing_but_the_event(const char *secret)
{
	(void)secret;
}

static void in_static(const char *secret)
{
	strcpy(in_bss + 5000, secret);
	strcpy(in_data, secret);
}

static void in_heap(const char *secret)
{
	strcpy(at_init, secret);
	strcpy(malloc(50), secret);
	strcpy(malloc(500000), secret);
}

static void on_deep_stack(const char *secret)
{
	on_stack(secret, 100);
}

static void in_private_mapping(const char *secret)
{
	in_mapping(secret, MAP_PRIVATE);
}

static void in_shared_mapping(const char *secret)
{
	in_mapping(secret, MAP_SHARED);
}

static void in_environ(const char *secret)
{
	setenv("SECRET", secret, 1);
}

static void in_stdio(const char *secret)
{
	printf("%s", secret);
	fprintf(stderr, "%s", secret);
}

static void in_thread_local(const char *secret)
{
	strcpy(in_tls, secret);
}

static const struct {
	const char *name;
	void (*hide)(const char *secret);
} places[] = {
	{ "event", in_nothing_but_the_event },
	{ "static", in_static },
	{ "heap", in_heap },
	{ "freed", in_freed_heap },
	{ "stack", on_deep_stack },
	{ "mmap", in_private_mapping },
	{ "shared", in_shared_mapping },
	{ "many", in_many_pages },
	{ "remapped", in_place_of_inits },
	{ "relocated", in_relocated },
	{ "environ", in_environ },
	{ "stdio", in_stdio },
	{ "tls", in_thread_local },
	{ "tmp", in_tmp },
	{ "file", in_open_file },
	{ "pipe", in_pipe },
	{ "thread", in_thread },
	{ "joined", in_finished_thread },
	{ "child", in_child },
	{ "area", in_response_area },
};

/* What another function is told, and says; both lie in the areas. */
static int call_with(struct faas_context *ctx, const char *secret)
{
	struct faas_bytes answer;

	if (faas_call(ctx, "back", (struct faas_bytes){ secret, strlen(secret) }, &answer))
		return faas_fail(ctx, "Pristine.NoAnswer", "the call failed");
	return faas_write(ctx, answer.data, answer.len);
}

/* Places that only the context leads to. */
static int hide_by_context(struct faas_context *ctx, const char *where, const char *secret)
{
	if (!strcmp(where, "answer"))
		return faas_puts(ctx, secret);
	if (!strcmp(where, "fail"))
		return faas_fail(ctx, secret, secret);
	if (!strcmp(where, "long"))
		return answer_long(ctx, secret);
	if (!strcmp(where, "call"))
		return call_with(ctx, secret);
	if (strcmp(where, "alloc"))
		return faas_fail(ctx, "Pristine.Usage", "no such place");
	strcpy(faas_alloc(ctx, 100), secret);
	strcpy(faas_alloc(ctx, 100000), secret);
	return faas_puts(ctx, "hidden");
}

static int hide(struct faas_context *ctx, struct faas_bytes event)
{
	char text[2 * SIZE] = "", secret[SIZE], *what;

	memcpy(text, event.data, event.len < sizeof(text) ? event.len : sizeof(text) - 1);
	what = strchr(text, ' ');
	if (!what)
		return faas_fail(ctx, "Pristine.Usage", "expected a place and a secret");
	*what++ = '\0';
	snprintf(secret, sizeof(secret), "%.*s", SIZE - 1, what);
	for (size_t i = 0; i < sizeof(places) / sizeof(*places); i++) {
		if (strcmp(places[i].name, text) != 0)
			continue;
		places[i].hide(secret);
		return faas_puts(ctx, "hidden");
	}
	return hide_by_context(ctx, text, secret);
}

/* ---- searching --------------------------------------------------------- */

struct search {
	char mark[16]; /* in capitals: the secret is not, so the search does not find itself */
	size_t len;
	int found;
	char where[200];
};

static int is_mark(const struct search *s, const char *at)
{
	for (size_t i = 0; i < s->len; i++)
		if (at[i] != tolower(s->mark[i]))
			return 0;
	return 1;
}

static void search_bytes(struct search *s, const char *at, size_t len, const char *name)
{
	for (const char *end = at + len - s->len; at < end; at++) {
		at = memchr(at, tolower(s->mark[0]), (size_t)(end - at));
		if (!at)
			return;
		if (!is_mark(s, at))
			continue;
		if (!s->found++)
			snprintf(s->where, sizeof(s->where), "%s at %p", name, (const void *)at);
	}
}

static void search_memory(struct search *s)
{
	static const char *const never[] = { "[vvar", "[vsyscall" };
	FILE *maps = fopen("/proc/self/maps", "r");
	unsigned long start, end;
	char line[512], mode[8];

	while (maps && fgets(line, sizeof(line), maps)) {
		line[strcspn(line, "\n")] = '\0';
		if (sscanf(line, "%lx-%lx %7s", &start, &end, mode) != 3 || mode[0] != 'r' ||
		    strstr(line, never[0]) || strstr(line, never[1]))
			continue;
		search_bytes(s, (const char *)start, end - start, line);
	}
	if (maps)
		fclose(maps);
}

static void search_file(struct search *s, int fd, const char *name)
{
	char text[4096];
	ssize_t n = fd < 0 ? -1 : read(fd, text, sizeof(text));

	if (n > (ssize_t)s->len)
		search_bytes(s, text, (size_t)n, name);
	memset(text, 0, sizeof(text));
}

static void search_files(struct search *s)
{
	DIR *tmp = opendir("/tmp");
	struct dirent *entry;
	char path[300];

	while (tmp && (entry = readdir(tmp))) {
		int fd;

		snprintf(path, sizeof(path), "/tmp/%s", entry->d_name);
		fd = open(path, O_RDONLY);
		search_file(s, fd, path);
		close(fd);
	}
	if (tmp)
		closedir(tmp);
	for (int fd = 3; fd < 64; fd++) {
		int flags = fcntl(fd, F_GETFL);

		snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
		if (flags >= 0 && flags & O_NONBLOCK)
			search_file(s, fd, path); /* a pipe */
		else if (flags >= 0) {
			int again = open(path, O_RDONLY | O_NONBLOCK);

			search_file(s, again, path);
			close(again);
		}
	}
}

static int state_is_inits(void)
{
	return inits == 1 && !strcmp(at_init, "left by init") && !strcmp(in_data, "initialised") &&
	       !strcmp(at_init_mapped + 5000, "left by init") && !in_bss[5000] && !in_tls[0];
}

static int search(struct faas_context *ctx, struct faas_bytes event)
{
	struct search s = { .len = event.len < 16 ? event.len : 16 };
	int same = state_is_inits();
	char text[300];

	memcpy(s.mark, event.data, s.len);
	search_memory(&s);
	search_files(&s);
	if (s.found)
		snprintf(text, sizeof(text), "found %s", s.where);
	else
		snprintf(text, sizeof(text), "%s", same ? "nothing" : "something else");
	return faas_puts(ctx, text);
}

/* ---- the rest ---------------------------------------------------------- */

static int dirty(struct faas_context *ctx, struct faas_bytes event)
{
	static char pages[16][4096];

	for (int i = 0; i < 16; i++) {
		if (pages[i][100])
			return faas_fail(ctx, "Pristine.Dirty", "a page was not reset");
		pages[i][100] = 1;
	}
	return faas_write(ctx, event.data, event.len);
}

static int init_thread(struct faas_context *ctx)
{
	(void)ctx;
	in_thread("none");
	return 0;
}

static int init_child(struct faas_context *ctx)
{
	(void)ctx;
	in_child("none");
	return 0;
}

static int init_shared(struct faas_context *ctx)
{
	(void)ctx;
	in_mapping("none", MAP_SHARED);
	return 0;
}

static int one(struct faas_context *ctx, struct faas_bytes event)
{
	return faas_write(ctx, event.data, event.len);
}

#define WITH_INIT(name_, init_) \
	&(const struct faas_handler){ .size = sizeof(struct faas_handler), .name = name_, \
				      .invoke = one, .init = init_ }

static int both(struct faas_context *ctx, struct faas_bytes event)
{
	return event.len && isupper(*(const unsigned char *)event.data) ? search(ctx, event) :
									 hide(ctx, event);
}

FAAS_PLUGIN("pristine", "1", FAAS_HANDLER(both, .init = init), FAAS_HANDLER(dirty),
	    WITH_INIT("init_thread", init_thread), WITH_INIT("init_child", init_child),
	    WITH_INIT("init_shared", init_shared));
