/* SPDX-License-Identifier: MIT */

/*
 * The denominator of every throughput ratio: two single-producer rings of
 * 64-byte slots between two processes, each message copied in and out once.
 * Its build (-O2), pinning, window and spin count are fixed, because an
 * unpinned ring has two modes that differ by a factor of two.
 */

#include "raw.h"
#include "word.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>

#define SLOTS 1024u

struct lane {
	_Alignas(64) word head; /* written by the producer */
	_Alignas(64) word tail; /* written by the consumer */
	_Alignas(64) word sleeping;
	_Alignas(64) unsigned char slot[SLOTS][64];
};

struct ring {
	struct lane *there;
	struct lane *back;
	int spin;
	pid_t child;
};

static void push(struct lane *l, const void *message)
{
	uint32_t head = atomic_load_explicit(&l->head, memory_order_relaxed);

	memcpy(l->slot[head % SLOTS], message, 64);
	atomic_store_explicit(&l->head, head + 1, memory_order_release);
}

static void pop(struct lane *l, void *message)
{
	uint32_t tail = atomic_load_explicit(&l->tail, memory_order_relaxed);

	memcpy(message, l->slot[tail % SLOTS], 64);
	atomic_store_explicit(&l->tail, tail + 1, memory_order_release);
}

/* Only the sleeper clears its flag: if the waker did, a wake could be lost. */
static void notify(struct lane *l)
{
	atomic_thread_fence(memory_order_seq_cst);
	if (atomic_load_explicit(&l->sleeping, memory_order_relaxed))
		word_wake(&l->head);
}

static uint32_t waiting(struct lane *l)
{
	return atomic_load_explicit(&l->head, memory_order_acquire) -
	       atomic_load_explicit(&l->tail, memory_order_relaxed);
}

static uint32_t await(struct lane *l, int spin)
{
	uint32_t n, head;

	for (;;) {
		for (int i = 0; i <= spin; i++) {
			n = waiting(l);
			if (n)
				return n;
			bench_relax();
		}
		head = atomic_load(&l->head);
		atomic_store(&l->sleeping, 1);
		if (atomic_load(&l->head) == head && !waiting(l))
			word_wait(&l->head, head);
		atomic_store(&l->sleeping, 0);
	}
}

__attribute__((noreturn)) static void echo_for_ever(struct ring *r, int cpu)
{
	unsigned char message[64];

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	bench_pin(cpu);
	for (;;) {
		for (uint32_t n = await(r->there, r->spin); n; n--) {
			pop(r->there, message);
			push(r->back, message);
		}
		notify(r->back);
	}
}

struct ring *ring_open(int cpu, int spin)
{
	struct ring *r = calloc(1, sizeof(*r));

	if (!r)
		bench_die("no memory");
	r->there = shared_pages(2 * sizeof(*r->there));
	r->back = r->there + 1;
	r->spin = spin;
	r->child = fork();
	if (r->child < 0)
		bench_die("fork: %s", strerror(errno));
	if (r->child == 0)
		echo_for_ever(r, cpu);
	return r;
}

static uint64_t collect(struct ring *r)
{
	unsigned char message[64];
	uint32_t n = await(r->back, r->spin);

	for (uint32_t i = 0; i < n; i++)
		pop(r->back, message);
	return n;
}

double ring_run(struct ring *r, int window, double seconds)
{
	unsigned char message[64] = { 0 };
	uint64_t start = bench_now(), end = start + (uint64_t)(seconds * 1e9), now;
	uint64_t sent = 0, received = 0;

	while ((now = bench_now()) < end) {
		bool pushed = sent - received < (uint64_t)window;

		for (; sent - received < (uint64_t)window; sent++) {
			memcpy(message, &now, sizeof(now));
			push(r->there, message);
		}
		if (pushed)
			notify(r->there);
		received += collect(r);
	}
	seconds = (double)(now - start) / 1e9;
	for (uint64_t counted = received; counted < sent;)
		counted += collect(r);
	return (double)received / seconds;
}

void ring_close(struct ring *r)
{
	kill(r->child, SIGKILL);
	waitpid(r->child, NULL, 0);
	munmap(r->there, 2 * sizeof(*r->there));
	free(r);
}
