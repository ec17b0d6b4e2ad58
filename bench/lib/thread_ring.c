/* SPDX-License-Identifier: MIT */

/*
 * The least that events between two threads of one program can cost, both awake: a
 * ring with one producer and one consumer. Each event gets the times of its begin and
 * end from the thread that serves it, and a callback on the thread that submitted it,
 * which looks at the clock once when it submits and once in the callback, as the loops
 * beside it do. Each has a CPU. No handler, no copy, no limit, no lock, nobody ever sleeps.
 */

#include "raw.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

#define SLOTS 1024u

struct event {
	_Alignas(64) void (*on_done)(struct event *event);
	uint64_t submitted, begun, ended;
	uint64_t *total; /* of what its callback has seen */
};

struct lane {
	_Alignas(64) _Atomic uint32_t head; /* written by the producer */
	_Alignas(64) _Atomic uint32_t tail; /* written by the consumer */
	_Alignas(64) struct event *slot[SLOTS];
};

struct thread_ring {
	struct lane there, back;
	_Alignas(64) _Atomic bool over;
};

static void push(struct lane *lane, struct event *event)
{
	uint32_t head = atomic_load_explicit(&lane->head, memory_order_relaxed);

	lane->slot[head % SLOTS] = event;
	atomic_store_explicit(&lane->head, head + 1, memory_order_release);
}

static struct event *pop(struct lane *lane)
{
	uint32_t tail = atomic_load_explicit(&lane->tail, memory_order_relaxed);
	struct event *event;

	if (atomic_load_explicit(&lane->head, memory_order_acquire) == tail)
		return NULL;
	event = lane->slot[tail % SLOTS];
	atomic_store_explicit(&lane->tail, tail + 1, memory_order_release);
	return event;
}

static void *serve(void *data)
{
	struct thread_ring *ring = data;
	struct event *event;
	uint64_t now = 0;

	bench_pin(1);
	while (!atomic_load_explicit(&ring->over, memory_order_relaxed)) {
		event = pop(&ring->there);
		if (!event) {
			bench_relax();
			continue;
		}
		/* one that waited begins when the one before it ends */
		event->begun = event->submitted > now ? event->submitted : now;
		now = event->ended = bench_now();
		push(&ring->back, event);
	}
	return NULL;
}

static void done(struct event *event)
{
	*event->total += bench_now() - event->submitted;
}

static void submit(struct thread_ring *ring, struct event *event)
{
	event->submitted = bench_now();
	push(&ring->there, event);
}

double thread_ring_throughput(int window, double seconds)
{
	struct thread_ring *ring = aligned_alloc(64, sizeof(*ring));
	struct event *events = aligned_alloc(64, (size_t)window * sizeof(*events)), *event;
	uint64_t start, end, total = 0, n = 0;
	pthread_t thread;

	if (!ring || !events || window > (int)SLOTS)
		bench_die("no memory");
	*ring = (struct thread_ring){ 0 };
	bench_pin(0);
	if (pthread_create(&thread, NULL, serve, ring))
		bench_die("no thread");
	start = bench_now();
	end = start + (uint64_t)(seconds * 1e9);
	for (int i = 0; i < window; i++) {
		events[i] = (struct event){ .on_done = done, .total = &total };
		submit(ring, &events[i]);
	}
	do {
		event = pop(&ring->back);
		if (!event) {
			bench_relax();
			continue;
		}
		event->on_done(event);
		n++;
		submit(ring, event);
	} while (!event || event->submitted < end);
	atomic_store(&ring->over, true);
	pthread_join(thread, NULL);
	bench_pin(-1);
	free(events);
	free(ring);
	return (double)n / ((double)(bench_now() - start) / 1e9);
}
