/* SPDX-License-Identifier: MIT */
/*
 * The reset has two speeds. An event that caused no page fault can have written
 * only to pages that were written before, so these are copied back and nothing
 * is asked. After any other event the mappings are compared and the written
 * pages are listed anew. What is not memory is looked at by the cheapest system
 * call that would show a change: the number of open files, the room in /tmp,
 * whether there are children. What is rare (signal handlers, limits) takes turns.
 */
#include <worker/pristine.h>

#include <dirent.h>
#include <fcntl.h>
#include <malloc.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>
#include <base/error.h>
#include <worker/alone.h>
#include <worker/image.h>
#include <worker/registers.h>
#include <worker/run.h>
#include <worker/signals.h>
#include <worker/view.h>

#define OWN_STACK 16384 /* of FA_PRISTINE_GAP: for the reset itself */
#define ROOM 122880     /* of heap, twice; less than malloc() would map */
#define SIGNALS 64
#define LIMITS 16       /* RLIM_NLIMITS */
#define TURNS (SIGNALS + LIMITS + 2)
#define TURNS_PER_EVENT 2

struct fa_pristine {
	struct fa_context *call;
	struct fa_context call_then;
	const char *directory;
	bool spilled;           /* the response area beyond the first slots was written */

	int files_fd, tmp_fd;   /* tmp_fd -1: /tmp is not ours alone */
	int highest_fd;
	off_t open_files;
	struct statfs tmp;
	struct fa_disposition signals[SIGNALS + 1];
	struct rlimit limits[LIMITS];
	uint64_t blocked;
	unsigned turn;

	long faults;
	struct fa_image image;
};

/* ---- what is not memory ------------------------------------------------ */

static long count_faults(void)
{
	struct rusage usage;

	getrusage(RUSAGE_SELF, &usage);
	return usage.ru_minflt + usage.ru_majflt;
}

static off_t count_files(const struct fa_pristine *p)
{
	struct stat st;

	return fstat(p->files_fd, &st) == 0 ? st.st_size : -1;
}

static bool same_tmp(const struct fa_pristine *p)
{
	struct statfs now;

	return p->tmp_fd < 0 || (fstatfs(p->tmp_fd, &now) == 0 && now.f_ffree == p->tmp.f_ffree &&
				 now.f_bfree == p->tmp.f_bfree);
}

static void put_signal_back(const struct fa_pristine *p, int sig)
{
	const struct fa_disposition *then = &p->signals[sig];
	struct fa_disposition now;

	if (syscall(SYS_rt_sigaction, sig, NULL, &now, sizeof(now.mask)) == 0 &&
	    memcmp(&now, then, sizeof(now)) != 0)
		syscall(SYS_rt_sigaction, sig, then, NULL, sizeof(now.mask));
}

static bool same_limit(const struct fa_pristine *p, int resource)
{
	struct rlimit now;

	return getrlimit((__rlimit_resource_t)resource, &now) == 0 &&
	       now.rlim_cur == p->limits[resource].rlim_cur &&
	       now.rlim_max == p->limits[resource].rlim_max;
}

static bool take_turn(struct fa_pristine *p)
{
	unsigned turn = p->turn++ % TURNS;

	if (turn < SIGNALS) {
		put_signal_back(p, (int)turn + 1);
		return true;
	}
	if (turn < SIGNALS + LIMITS)
		return same_limit(p, (int)turn - SIGNALS);
	if (turn == SIGNALS + LIMITS)
		return chdir(p->directory) == 0;
	return syscall(SYS_rt_sigprocmask, SIG_SETMASK, &p->blocked, NULL, sizeof(p->blocked)) == 0;
}

/* Most lie above the old ones. One that took a free place below ends the process. */
static bool close_new_files(const struct fa_pristine *p)
{
	if (count_files(p) == p->open_files)
		return true;
	syscall(SYS_close_range, p->highest_fd + 1, ~0u, 0);
	return count_files(p) == p->open_files;
}

/* Files before /tmp: what was unlinked is gone only when it is closed. */
static bool surroundings_same(struct fa_pristine *p)
{
	if (fa_alone_has_children() || !close_new_files(p) || !same_tmp(p))
		return false;
	for (int i = 0; i < TURNS_PER_EVENT; i++)
		if (!take_turn(p))
			return false;
	return true;
}

/* ---- the response area ------------------------------------------------- */

/* An event that is not handed over ahead has the first slot; the rest of its page is idle. */
#define SLOT_END (FA_SLOTS_OFF + FA_SLOT_SIZE)
#define SLOT_PAGE_END ((SLOT_END + 4095) & ~4095u)

static char *response_at(const struct fa_pristine *p, size_t offset)
{
	return (char *)p->call->response + offset;
}

static void clear(const struct fa_pristine *p, size_t from, size_t to)
{
	memset(response_at(p, from), 0, to - from);
}

/* All but what the host has yet to read: the head, the one slot, its large place. */
static void clear_around_answer(struct fa_pristine *p)
{
	clear(p, sizeof(struct fa_response_head), FA_SLOTS_OFF);
	clear(p, SLOT_END, SLOT_PAGE_END);
}

static void look_for_spills(struct fa_pristine *p)
{
	p->spilled |= fa_image_present(&p->image, response_at(p, SLOT_PAGE_END),
				       response_at(p, FA_RESPONSE_AREA));
}

void fa_pristine_begin(struct fa_pristine *p)
{
	clear(p, FA_SLOTS_OFF, SLOT_END);
	if (p->spilled)
		madvise(response_at(p, SLOT_PAGE_END), FA_RESPONSE_AREA - SLOT_PAGE_END,
			MADV_REMOVE);
	p->spilled = false;
	atomic_store(&p->call->response->resetting, 0);
}

/* ---- freezing ---------------------------------------------------------- */

/* The heap gets some room now, and keeps it, so that few events have to move its end. */
static void make_room(void)
{
	void *volatile room[2];

	mallopt(M_TRIM_THRESHOLD, 1 << 30);
	room[0] = malloc(ROOM);
	room[1] = malloc(ROOM);
	free(room[1]);
	free(room[0]);
}

static int highest_fd(void)
{
	DIR *files = opendir("/proc/self/fd");
	struct dirent *entry;
	int highest = 0;

	while (files && (entry = readdir(files))) {
		int fd = atoi(entry->d_name);

		if (fd != dirfd(files) && fd > highest)
			highest = fd;
	}
	if (files)
		closedir(files);
	return highest;
}

static const char *look_around(struct fa_pristine *p)
{
	bool own_tmp = strcmp(p->directory, fa_view_directories[0]) == 0;

	p->files_fd = open("/proc/self/fd", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	p->tmp_fd = own_tmp ? open("/tmp", O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1;
	if (p->files_fd < 0 || (own_tmp && (p->tmp_fd < 0 || fstatfs(p->tmp_fd, &p->tmp) < 0)))
		return "there is no /proc or /tmp in its view";
	p->highest_fd = highest_fd();
	p->open_files = count_files(p);
	if (p->open_files <= 0)
		return "the kernel is older than 6.7";
	for (int sig = 1; sig <= SIGNALS; sig++)
		syscall(SYS_rt_sigaction, sig, NULL, &p->signals[sig], sizeof(uint64_t));
	for (int i = 0; i < LIMITS; i++)
		getrlimit((__rlimit_resource_t)i, &p->limits[i]);
	syscall(SYS_rt_sigprocmask, SIG_SETMASK, NULL, &p->blocked, sizeof(p->blocked));
	return NULL;
}

static const char *freeze(struct fa_pristine *p)
{
	const char *failed;

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
	return "a sanitizer has memory everywhere";
#endif
	if (!fa_registers_clearable())
		return "the processor has no XSAVE";
	failed = fa_alone_why_not();
	if (failed)
		return failed;
	make_room();
	failed = fa_image_take(&p->image, p->call->response);
	return failed ? failed : look_around(p);
}

struct fa_pristine *fa_pristine_freeze(struct fa_context *call, struct faas_error *err)
{
	/* shared: private memory is what is reset, and it is not a child's to change */
	struct fa_pristine *p = mmap(NULL, sizeof(*p), PROT_READ | PROT_WRITE,
				     MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	const char *failed = "out of memory";

	if (p != MAP_FAILED) {
		madvise(p, sizeof(*p), MADV_DONTFORK);
		p->call = call;
		p->call_then = *call;
		p->directory = call->settings->code;
		failed = freeze(p);
	}
	if (!failed)
		return p;
	fa_error_typed(err, FAAS_EFUNCTION, "Runtime.NotPristine",
		       "the function cannot be reset after each event: %s", failed);
	return NULL;
}

/* ---- after an event ---------------------------------------------------- */

/* Its faults may have come from new mappings, threads, or pages that are new to us. */
static bool restore(struct fa_pristine *p, char *limit)
{
	look_for_spills(p);
	if (fa_alone_has_threads() || !fa_image_restore(&p->image, limit))
		return false;
	p->faults = count_faults();
	return true;
}

void fa_pristine_reset(struct fa_pristine *p)
{
	uintptr_t limit = ((uintptr_t)__builtin_frame_address(0) - OWN_STACK) & ~(uintptr_t)4095;

	fa_registers_clear();
	if (!surroundings_same(p))
		_exit(FA_RUN_SPENT);
	clear_around_answer(p);
	if (count_faults() == p->faults)
		fa_image_copy_back(&p->image);
	else if (!restore(p, (char *)limit))
		_exit(FA_RUN_SPENT);
	*p->call = p->call_then;
}
