/* SPDX-License-Identifier: MIT */
/*
 * Handlers that tell what they remember, and what a snapshot must not keep in
 * silence. `state` of the context counts the hooks: init 1, before_snapshot 10,
 * after_restore 100.
 */
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <faas/plugin.h>

#define BLOCK 4096

static int hooks, events;
static char *heap;            /* written by init */
static unsigned char *wiped;  /* MADV_WIPEONFORK */
static uint64_t drawn_in_init, drawn_after;
static volatile sig_atomic_t signals;

static void on_signal(int sig)
{
	(void)sig;
	signals++;
}

static int remember(struct faas_context *ctx)
{
	hooks++;
	ctx->state = &hooks;
	heap = malloc(BLOCK);
	if (!heap)
		return -1;
	memset(heap, 'h', BLOCK);
	getrandom(&drawn_in_init, sizeof(drawn_in_init), 0);
	faas_log(ctx, FAAS_INFO, "init ran");
	return 0;
}

static int before(struct faas_context *ctx)
{
	hooks += 10;
	faas_log(ctx, FAAS_INFO, "before_snapshot ran");
	return 0;
}

static int after(struct faas_context *ctx)
{
	hooks += 100;
	getrandom(&drawn_after, sizeof(drawn_after), 0);
	faas_log(ctx, FAAS_INFO, "after_restore ran");
	return 0;
}

/* "hooks events heap": "111 1 h" */
static int tell(struct faas_context *ctx, struct faas_bytes event)
{
	char text[64];

	(void)event;
	(void)ctx;
	snprintf(text, sizeof(text), "%d %d %c", hooks, ++events, heap ? heap[BLOCK - 1] : '-');
	return faas_puts(ctx, text);
}

/* What init drew and what after_restore drew. */
static int draw(struct faas_context *ctx, struct faas_bytes event)
{
	char text[64];

	(void)event;
	snprintf(text, sizeof(text), "%016llx %016llx", (unsigned long long)drawn_in_init,
		 (unsigned long long)drawn_after);
	return faas_puts(ctx, text);
}

/* ---- what a process is besides its memory ------------------------------ */

static int arrange(struct faas_context *ctx)
{
	struct rlimit files = { 100, 100 };

	remember(ctx);
	signal(SIGUSR1, on_signal);
	umask(077);
	setrlimit(RLIMIT_NOFILE, &files);
	wiped = mmap(NULL, BLOCK, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (wiped == MAP_FAILED || madvise(wiped, BLOCK, MADV_WIPEONFORK) < 0)
		return -1;
	*wiped = 'w';
	return chdir("/usr");
}

/* "signals umask files directory wiped type": "1 77 100 /usr 0 snap-start" */
static int look(struct faas_context *ctx, struct faas_bytes event)
{
	char text[160], directory[64] = "";
	struct rlimit files;
	unsigned mask = umask(0);

	(void)event;
	raise(SIGUSR1);
	getrlimit(RLIMIT_NOFILE, &files);
	snprintf(text, sizeof(text), "%d %o %d %s %d %s", (int)signals, mask, (int)files.rlim_cur,
		 getcwd(directory, sizeof(directory)), *wiped,
		 faas_getenv(ctx, "AWS_LAMBDA_INITIALIZATION_TYPE"));
	return faas_puts(ctx, text);
}

/* ---- what cannot be kept ----------------------------------------------- */

static void *wait_for_ever(void *data)
{
	for (;;)
		pause();
	return data;
}

static int start_thread(struct faas_context *ctx)
{
	pthread_t thread;

	(void)ctx;
	return pthread_create(&thread, NULL, wait_for_ever, NULL);
}

static int start_child(struct faas_context *ctx)
{
	(void)ctx;
	if (fork() == 0)
		wait_for_ever(NULL);
	return 0;
}

static int share(struct faas_context *ctx)
{
	(void)ctx;
	return mmap(NULL, BLOCK, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0) ==
	       MAP_FAILED;
}

static int open_file(struct faas_context *ctx)
{
	(void)ctx;
	return open("/dev/null", O_RDONLY) < 0;
}

static int leave_file(struct faas_context *ctx)
{
	(void)ctx;
	return close(open("/tmp/left", O_CREAT | O_WRONLY, 0600));
}

/* ---- hooks that go wrong ----------------------------------------------- */

static int refuse(struct faas_context *ctx)
{
	(void)ctx;
	return 7;
}

static int complain(struct faas_context *ctx)
{
	return faas_fail(ctx, "Snapshot.Complaint", "as it was told to");
}

static int hang(struct faas_context *ctx)
{
	(void)ctx;
	wait_for_ever(NULL);
	return 0;
}

static int crash(struct faas_context *ctx)
{
	(void)ctx;
	abort();
}

/* Until there is a file beside its code. */
static void await_go(void)
{
	while (access("/var/task/go", F_OK) < 0)
		usleep(1000);
}

static int wait_to_remember(struct faas_context *ctx)
{
	await_go();
	return remember(ctx);
}

/* As long as there is that file. */
static int remember_if_told(struct faas_context *ctx)
{
	return access("/var/task/go", F_OK) < 0 ? complain(ctx) : remember(ctx);
}

static int wait_to_complain(struct faas_context *ctx)
{
	await_go();
	return complain(ctx);
}

static int wait_to_tell(struct faas_context *ctx, struct faas_bytes event)
{
	await_go();
	return tell(ctx, event);
}

/* With the status of a template that is done, and nothing in its file. */
static int lie(struct faas_context *ctx)
{
	(void)ctx;
	_exit(124);
}

#define HANDLER(name_, ...) \
	&(const struct faas_handler){ .size = sizeof(struct faas_handler), .name = name_, \
				      .invoke = tell, __VA_ARGS__ }

FAAS_PLUGIN("snapshot", "1",
	    HANDLER("tell", .init = remember, .before_snapshot = before, .after_restore = after),
	    HANDLER("plain"),
	    &(const struct faas_handler){ .size = sizeof(struct faas_handler), .name = "draw",
					  .invoke = draw, .init = remember,
					  .after_restore = after },
	    &(const struct faas_handler){ .size = sizeof(struct faas_handler), .name = "look",
					  .invoke = look, .init = arrange },
	    HANDLER("thread", .init = start_thread), HANDLER("child", .init = start_child),
	    HANDLER("share", .init = share), HANDLER("file", .init = open_file),
	    HANDLER("tmp", .init = leave_file), HANDLER("bad_init", .init = complain),
	    HANDLER("bad_before", .before_snapshot = refuse),
	    HANDLER("bad_after", .init = remember, .after_restore = refuse),
	    HANDLER("crash_after", .after_restore = crash), HANDLER("crash_init", .init = crash),
	    HANDLER("hang_init", .init = hang), HANDLER("hang_after", .after_restore = hang),
	    HANDLER("held", .init = wait_to_remember, .before_snapshot = before,
		    .after_restore = after),
	    &(const struct faas_handler){ .size = sizeof(struct faas_handler), .name = "busy",
					  .invoke = wait_to_tell },
	    HANDLER("moody", .init = remember_if_told, .before_snapshot = before,
		    .after_restore = after),
	    HANDLER("held_bad", .init = wait_to_complain), HANDLER("lie", .init = lie));
