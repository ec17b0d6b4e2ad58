/* SPDX-License-Identifier: MIT */
#ifndef BENCH_RAW_H
#define BENCH_RAW_H

/*
 * Raw limits: the least any design must pay on this machine, without safety,
 * limits or accounting. Open every one of them before a runtime is created:
 * they fork, and a fork of a small program is the honest baseline.
 */

#include "bench.h"

/* ---- round trips between two processes, eight bytes each way ---------- */

enum pingpong_kind {
	PINGPONG_FUTEX, /* wakes always, waits always: no flag, no spinning */
	PINGPONG_APART, /* the same; the other side in a session and, as root with cgroup v1, in a
			   group for the CPU of its own, as workers are */
	PINGPONG_SPIN,  /* one shared word, both sides burn their CPU */
	PINGPONG_PIPE,
	PINGPONG_SOCKETPAIR,
};

/* `cpu`: where the other process is pinned; -1: nowhere. */
struct pingpong *pingpong_open(enum pingpong_kind kind, int cpu);
void pingpong_run(struct pingpong *p, size_t n, struct samples *s);
void pingpong_close(struct pingpong *p);

/* ---- two rings of 64-byte slots, window of 64 -------------------------- */

/* The fixed denominator of throughput: `spin` pauses, then a futex. */
struct ring *ring_open(int cpu, int spin);
double ring_run(struct ring *r, int window, double seconds); /* round trips per second */
void ring_close(struct ring *r);

/* ---- births ------------------------------------------------------------ */

enum zygote_kind {
	ZYGOTE_LOADED = 1, /* has the plugin loaded; its clone only calls it */
	ZYGOTE_BLANK = 2,  /* its clone loads the plugin first */
};

/*
 * A small program of its own that makes zygotes; no sandbox anywhere. What is
 * timed: caller -> futex -> zygote -> clone -> handler -> futex -> caller.
 */
struct nursery *nursery_open(const char *program, const char *plugin);
void nursery_close(struct nursery *n);
struct zygote *zygote_open(struct nursery *n, enum zygote_kind kind);
uint64_t zygote_birth(struct zygote *z);             /* ns until the clone answered */
uint64_t zygote_burst(struct zygote *z, int clones); /* until all of them did; at most 64 */
void zygote_close(struct zygote *z);
uint64_t nursery_first(struct nursery *n); /* ns: new zygote, plugin loaded, clone, answer */

/* A child of this program with `mb` of touched heap forks; the clone touches `pages`. */
struct bigfork *bigfork_open(size_t mb, bool huge, int pages);
uint64_t bigfork_birth(struct bigfork *b);
void bigfork_close(struct bigfork *b);

uint64_t spawn_true(void); /* posix_spawn(/bin/true) until it is reaped */

/* ---- copies ------------------------------------------------------------ */

/* Into and out of shared memory: what a payload that is echoed safely must pay. */
void two_copies(size_t bytes, size_t n, struct samples *s);
/* The same with what a function that echoes does in between. */
void echo_copies(size_t bytes, size_t n, struct samples *s);

/* ---- two threads of one program ----------------------------------------- */

double thread_ring_throughput(int window, double seconds); /* callbacks per second */

/* ---- libuv's own thread pool ------------------------------------------- */

void uv_pool_latency(size_t n, struct samples *s);       /* uv_queue_work until its callback */
double uv_pool_throughput(int window, double seconds);   /* finished per second */

#endif
