/* SPDX-License-Identifier: MIT */
/*
 * The snapshot is mapped over ourselves, libc's data and the thread's own
 * included. So this file calls nothing that remembers anything: system calls,
 * and its frames are on the stack, which is not replaced.
 *
 * The kernel writes the number of our CPU into the thread's memory whenever it
 * moves us, and would not do so for a page that only arrives: therefore that is
 * taken back for the while.
 */
#include <worker/snapshot.h>

#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>
#include <worker/clone.h>

#if __has_include(<sys/rseq.h>)
#include <sys/rseq.h>
#if defined(__x86_64__) || defined(__aarch64__)
#define HAVE_RSEQ 1
#endif
#endif

#define RSEQ_SIZE 32
#define USUAL_UMASK 022

/* Whether the kernel did as told; `off` 1: no longer, 0: again. */
static bool switch_rseq(int off)
{
#ifdef HAVE_RSEQ
	char *thread = __builtin_thread_pointer();

	return __rseq_size &&
	       syscall(SYS_rseq, thread + __rseq_offset, RSEQ_SIZE, off, RSEQ_SIG) == 0;
#else
	return off && false;
#endif
}

static bool map_notes(int file, const struct fa_snapshot_note *note, uint32_t count)
{
	for (; count; note++, count--) {
		int flags = MAP_PRIVATE | MAP_FIXED | MAP_NORESERVE;
		bool content = note->offset != 0;

		if (syscall(SYS_mmap, note->start, note->len, note->protection,
			    content ? flags : flags | MAP_ANONYMOUS, content ? file : -1,
			    note->offset) < 0)
			return false;
	}
	return true;
}

static void put_signals(const struct fa_snapshot_head *head, const struct fa_snapshot_signal *s)
{
	for (uint32_t i = 0; i < head->signals; i++)
		syscall(SYS_rt_sigaction, s[i].number, &s[i].disposition, NULL, sizeof(uint64_t));
	syscall(SYS_rt_sigprocmask, SIG_SETMASK, &head->blocked, NULL, sizeof(uint64_t));
	if (!(head->stack.ss_flags & SS_DISABLE))
		syscall(SYS_sigaltstack, &head->stack, NULL);
}

static bool put_rest(const struct fa_snapshot_head *head)
{
	for (int i = 0; i < FA_SNAPSHOT_LIMITS; i++)
		if (head->limits >> i & 1)
			syscall(SYS_prlimit64, 0, i, &head->limit[i], NULL);
	if (head->umask != USUAL_UMASK)
		umask((mode_t)head->umask);
	return !head->directory[0] || chdir(head->directory) == 0;
}

static bool restore(int file, const struct fa_snapshot_head *head)
{
	const struct fa_snapshot_note *notes = (const void *)(head + 1);
	bool rseq = switch_rseq(1);

	syscall(SYS_brk, head->brk);
	if (!map_notes(file, notes, head->notes))
		return false;
	if (rseq)
		switch_rseq(0);
	fa_clone_settle();
	close(file);
	put_signals(head, (const void *)(notes + head->notes));
	return put_rest(head);
}

static bool is_snapshot(const struct fa_snapshot_head *head)
{
	return head->magic == FA_SNAPSHOT_MAGIC && head->notes <= FA_SNAPSHOT_NOTES &&
	       head->signals <= FA_SNAPSHOT_SIGNALS;
}

/* Sealed: what is read twice is the same twice. */
static bool read_and_restore(int file, size_t len)
{
	_Alignas(16) char all[len];

	return pread(file, all, len, 0) == (ssize_t)len && restore(file, (const void *)all);
}

static bool read_head(int file, struct fa_snapshot_head *head)
{
	return pread(file, head, sizeof(*head), 0) == (ssize_t)sizeof(*head) && is_snapshot(head);
}

bool fa_snapshot_is_whole(int file)
{
	struct fa_snapshot_head head;

	return read_head(file, &head);
}

bool fa_snapshot_restore(int file)
{
	struct fa_snapshot_head head;

	if (!read_head(file, &head))
		return false;
	return read_and_restore(file, sizeof(head) + head.notes * sizeof(struct fa_snapshot_note) +
					      head.signals * sizeof(struct fa_snapshot_signal));
}
