/* SPDX-License-Identifier: MIT */
#ifndef TEST_INVARIANTS_H
#define TEST_INVARIANTS_H

#include <sched.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/resource.h>
#include <sys/types.h>

/*
 * What must be the same in the host program whatever a function did. Two
 * snapshots are compared; each difference becomes one line of text.
 *
 * "Manners" are what belongs to the host (G1, G8): they may never change.
 * "Holdings" are what the library holds on its behalf (G2, G3): they may
 * change while a function exists and are back soon after it is gone.
 */
struct manners {
	pid_t pid;
	uint64_t signals_taken; /* by the counting handlers */
	sigset_t mask;
	uintptr_t handlers[65];
	struct rlimit limits[RLIM_NLIMITS];
	int nice, oom_score_adj, dumpable;
	cpu_set_t cpus;
	mode_t umask;
	char cwd[512];
	uint64_t environment; /* checksum */
	char locale[128];
};

struct holdings {
	int descriptors, threads, mappings, shared_mappings, mounts, processes, cgroups;
	long rss_kb;
};

struct report {
	char text[4096];
	size_t len;
};

/* Count, from now on, every signal that somebody sends us. */
void count_signals(void);

void manners_note(struct manners *out);
bool manners_kept(const struct manners *before, struct report *report);

void holdings_note(struct holdings *out);
/* Look until nothing changes for a while. */
void holdings_settle(struct holdings *out);
/*
 * Wait up to `ms` until no more is held than `before`; else report what.
 * `rss_kb`: how much more memory is fine; -1: any.
 */
bool holdings_returned(const struct holdings *before, int ms, long rss_kb, struct report *report);

__attribute__((format(printf, 2, 3)))
void report_line(struct report *report, const char *format, ...);

/* Built with a sanitizer: memory and mappings are not what they seem. */
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define SANITIZED 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define SANITIZED 1
#endif
#endif
#ifndef SANITIZED
#define SANITIZED 0
#endif

#endif
