/* SPDX-License-Identifier: MIT */
/*
 * Clocks, and a binary heap of timers. Each timer knows its place in the heap,
 * so moving and stopping one costs the depth of the heap and no search. Of a line only
 * its head is there, however many stand in it; joining and leaving it costs nothing of that.
 */
#include <base/clock.h>

#include <string.h>
#include <time.h>
#include <base/counter.h>
#include <faas/types.h>

static int64_t read_ns(clockid_t id)
{
	struct timespec ts;

	clock_gettime(id, &ts);
	return (int64_t)ts.tv_sec * 1000000000 + ts.tv_nsec;
}

static int64_t real_now_ns(const struct fa_clock *clock)
{
	(void)clock;
	return fa_counter_now_ns();
}

static int64_t real_unix_ms(const struct fa_clock *clock)
{
	(void)clock;
	return read_ns(CLOCK_REALTIME) / 1000000;
}

const struct fa_clock fa_clock_real = { .now_ns = real_now_ns, .unix_ms = real_unix_ms };

static const struct fa_clock_virtual *virtual_of(const struct fa_clock *clock)
{
	return (const struct fa_clock_virtual *)clock; /* its first member */
}

static int64_t virtual_now_ns(const struct fa_clock *clock)
{
	return virtual_of(clock)->ns;
}

static int64_t virtual_unix_ms(const struct fa_clock *clock)
{
	return virtual_of(clock)->epoch_ms + virtual_of(clock)->ns / 1000000;
}

void fa_clock_virtual_init(struct fa_clock_virtual *clock, int64_t epoch_ms)
{
	*clock = (struct fa_clock_virtual){
		.clock = { .now_ns = virtual_now_ns, .unix_ms = virtual_unix_ms },
		.epoch_ms = epoch_ms,
	};
}

/* ---- timers; positions count from 1, so that 0 means "not armed" ------ */

#define MIN_CAPACITY 16u
#define MAX_CAPACITY (1u << 28)
#define HOMELESS UINT32_MAX      /* the index of who waits for a place in the heap */
#define IN_LINE (UINT32_MAX - 1) /* of who needs none */

static void place(struct fa_timers *timers, struct fa_timer *timer, uint32_t index)
{
	timers->heap[index - 1] = timer;
	timer->index = index;
}

static struct fa_timer *at(const struct fa_timers *timers, uint32_t index)
{
	return timers->heap[index - 1];
}

static void sift_up(struct fa_timers *timers, struct fa_timer *timer, uint32_t index)
{
	for (; index > 1 && at(timers, index / 2)->at_ns > timer->at_ns; index /= 2)
		place(timers, at(timers, index / 2), index);
	place(timers, timer, index);
}

static void sift_down(struct fa_timers *timers, struct fa_timer *timer, uint32_t index)
{
	for (;;) {
		uint32_t child = index * 2;

		if (child < timers->count &&
		    at(timers, child + 1)->at_ns < at(timers, child)->at_ns)
			child++;
		if (child > timers->count || at(timers, child)->at_ns >= timer->at_ns)
			break;
		place(timers, at(timers, child), index);
		index = child;
	}
	place(timers, timer, index);
}

static void settle(struct fa_timers *timers, struct fa_timer *timer, uint32_t index)
{
	if (index > 1 && at(timers, index / 2)->at_ns > timer->at_ns)
		sift_up(timers, timer, index);
	else
		sift_down(timers, timer, index);
}

void fa_timers_init(struct fa_timers *timers, const struct fa_mem *mem)
{
	*timers = (struct fa_timers){ .mem = mem };
	fa_list_init(&timers->homeless);
}

static struct fa_timer *timer_of(struct fa_list *link)
{
	return fa_container(link, struct fa_timer, link);
}

void fa_timers_finish(struct fa_timers *timers)
{
	for (uint32_t i = 0; i < timers->count; i++)
		timers->heap[i]->index = 0;
	while (!fa_list_empty(&timers->homeless))
		timer_of(fa_list_pop(&timers->homeless))->index = 0;
	fa_free(timers->heap);
	fa_timers_init(timers, timers->mem);
}

static int reserve(struct fa_timers *timers, uint32_t n)
{
	uint32_t capacity = timers->capacity ? timers->capacity : MIN_CAPACITY;
	struct fa_timer **heap;

	if (n <= timers->capacity)
		return FAAS_OK;
	if (n > MAX_CAPACITY)
		return FAAS_ENOMEM;
	while (capacity < n)
		capacity *= 2;
	heap = fa_alloc_dirty(timers->mem, capacity * sizeof(*heap));
	if (!heap)
		return FAAS_ENOMEM;
	if (timers->count)
		memcpy(heap, timers->heap, timers->count * sizeof(*heap));
	fa_free(timers->heap);
	timers->heap = heap;
	timers->capacity = capacity;
	return FAAS_OK;
}

int fa_timer_start(struct fa_timers *timers, struct fa_timer *timer, int64_t at_ns)
{
	if (timer->index == IN_LINE)
		fa_timer_stop(timers, timer);
	if (!timer->index && reserve(timers, timers->count + 1) < 0)
		return FAAS_ENOMEM;
	timer->at_ns = at_ns;
	if (timer->index != HOMELESS)
		settle(timers, timer, timer->index ? timer->index : ++timers->count);
	return FAAS_OK;
}

void fa_timer_start_sure(struct fa_timers *timers, struct fa_timer *timer, int64_t at_ns)
{
	if (!fa_timer_start(timers, timer, at_ns))
		return;
	timer->at_ns = at_ns;
	timer->index = HOMELESS;
	fa_list_push(&timers->homeless, &timer->link);
}

static void leave_heap(struct fa_timers *timers, const struct fa_timer *timer)
{
	struct fa_timer *last = at(timers, timers->count--);
	struct fa_list *first;

	if (last != timer)
		settle(timers, last, timer->index);
	first = fa_list_pop(&timers->homeless);
	if (first)
		settle(timers, timer_of(first), ++timers->count);
}

void fa_timer_disarm(struct fa_timers *timers, struct fa_timer *timer)
{
	if (timer->index >= IN_LINE)
		fa_list_remove(&timer->link);
	else
		leave_heap(timers, timer);
	timer->index = 0;
}

/* The head was set for the first that there was then. */
static void on_head_due(struct fa_timer *head)
{
	struct fa_timer_line *line = fa_container(head, struct fa_timer_line, head);
	int64_t now_ns = head->at_ns;

	while (!fa_list_empty(&line->armed)) {
		struct fa_timer *timer = timer_of(line->armed.next);

		if (timer->at_ns > now_ns)
			break;
		fa_timer_stop(line->timers, timer);
		timer->on_due(timer);
	}
	if (!fa_list_empty(&line->armed))
		fa_timer_start_sure(line->timers, head, timer_of(line->armed.next)->at_ns);
}

void fa_timer_line_init(struct fa_timer_line *line, struct fa_timers *timers)
{
	*line = (struct fa_timer_line){ .head.on_due = on_head_due, .timers = timers };
	fa_list_init(&line->armed);
}

void fa_timer_line_finish(struct fa_timer_line *line)
{
	fa_timer_stop(line->timers, &line->head);
}

int fa_timer_start_behind(struct fa_timer_line *line, struct fa_timer *timer, int64_t at_ns)
{
	struct fa_timer *head = &line->head;

	fa_timer_stop(line->timers, timer);
	if (!fa_list_empty(&line->armed) && at_ns < timer_of(line->armed.prev)->at_ns)
		return fa_timer_start(line->timers, timer, at_ns);
	if ((!head->index || at_ns < head->at_ns) &&
	    fa_timer_start(line->timers, head, at_ns) < 0)
		return FAAS_ENOMEM;
	timer->at_ns = at_ns;
	timer->index = IN_LINE;
	fa_list_append(&line->armed, &timer->link);
	return FAAS_OK;
}

static struct fa_timer *earliest(const struct fa_timers *timers)
{
	struct fa_timer *first = timers->count ? timers->heap[0] : NULL;
	struct fa_list *pos;

	fa_list_for(pos, &timers->homeless)
		if (!first || timer_of(pos)->at_ns < first->at_ns)
			first = timer_of(pos);
	return first;
}

int64_t fa_timers_next(const struct fa_timers *timers)
{
	const struct fa_timer *first = earliest(timers);

	return first ? first->at_ns : INT64_MAX;
}

void fa_timers_run(struct fa_timers *timers, int64_t now_ns)
{
	struct fa_timer *timer;

	while ((timer = earliest(timers)) && timer->at_ns <= now_ns) {
		fa_timer_stop(timers, timer);
		timer->on_due(timer);
	}
}
