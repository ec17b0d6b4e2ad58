/* SPDX-License-Identifier: MIT */
/*
 * The library waits in three ways: on a futex, on a condition, for a lock. In this
 * program each of them is ours (the linker's --wrap), and means: let somebody else run.
 * So of all threads one runs at a time, and who is next is decided here.
 */
#include "world.h"

#include <errno.h>
#include <linux/futex.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <runtime.h>

#include "disk.h"

#define TURNS_MAX 10000 /* of the loop without anything new: it is stuck */

struct world world;

/* ---- chance ---------------------------------------------------------- */

/* xorshift64* */
static uint64_t next_random(void)
{
	world.random ^= world.random >> 12;
	world.random ^= world.random << 25;
	world.random ^= world.random >> 27;
	return world.random * 2685821657736338717u;
}

uint64_t draw(uint64_t below)
{
	return (next_random() >> 33) % below;
}

int64_t draw_between(int64_t least, int64_t most)
{
	return least + (int64_t)draw((uint64_t)(most - least) + 1);
}

bool chance(unsigned thousandths)
{
	return draw(1000) < thousandths;
}

int64_t draw_of(const int64_t *values)
{
	int n = 0;

	while (values[n] >= 0)
		n++;
	return values[draw((uint64_t)n)];
}

void __wrap_fa_random_bytes(void *out, size_t len);

/* Which version an alias leads to is drawn, too. Never one number twice: some become names. */
void __wrap_fa_random_bytes(void *out, size_t len)
{
	unsigned char *at = out;

	for (size_t i = 0; i < len; i++) {
		uint64_t x = i % 8 ? world.bytes : (world.bytes += 0x9e3779b97f4a7c15u);

		x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9u;
		x = (x ^ x >> 27) * 0x94d049bb133111ebu;
		at[i] = (unsigned char)((x ^ x >> 31) >> i % 8 * 8);
	}
}

/* ---- what happened ---------------------------------------------------- */

int64_t now(void)
{
	return world.clock.ns;
}

void note(const char *format, ...)
{
	char *step = world.steps[world.happened++ % STEPS];
	int n = snprintf(step, sizeof(*world.steps), "%12.6f ", (double)now() / SECOND);
	va_list args;

	va_start(args, format);
	vsnprintf(step + n, sizeof(*world.steps) - (size_t)n, format, args);
	va_end(args);
	for (const char *c = step; *c; c++)
		world.digest = (world.digest ^ (unsigned char)*c) * 1099511628211u;
	if (getenv("SIMULATE_STEPS"))
		puts(step);
}

void broken(const char *format, ...)
{
	uint64_t first = world.happened > STEPS ? world.happened - STEPS : 0;
	va_list args;

	for (uint64_t i = first; i < world.happened; i++)
		printf("%s\n", world.steps[i % STEPS]);
	printf("seed %llu, step %llu: ", (unsigned long long)world.seed,
	       (unsigned long long)world.happened);
	va_start(args, format);
	vprintf(format, args);
	va_end(args);
	printf("\nagain: simulate --seed %llu%s%s\n", (unsigned long long)world.seed,
	       world.plant ? " --plant " : "", plant_names[world.plant]);
	fflush(stdout);
	disk_end();
	_exit(1);
}

/* ---- threads of the host --------------------------------------------- */

struct client {
	pthread_t thread;
	sem_t go;
	bool exists;
	void (*run)(void *data);
	void *of_run;
	bool (*ready)(const void *data);
	const void *data;
	bool inside, ended, polls;
	bool ours;                   /* the library's own: the store's */
	void *(*main)(void *data);   /* of that */
	const pthread_cond_t *awaits; /* NULL: it was signalled */
};

static struct client clients[CLIENTS];
static sem_t back, born;
static _Thread_local struct client *here;

bool client_here(void)
{
	return here;
}

int clients_inside(void)
{
	int n = 0;

	for (int i = 0; i < CLIENTS; i++)
		n += clients[i].inside && !clients[i].ours;
	return n;
}

int __real_pthread_create(pthread_t *thread, const pthread_attr_t *attr, void *(*main)(void *),
			  void *data);
int __wrap_pthread_create(pthread_t *thread, const pthread_attr_t *attr, void *(*main)(void *),
			  void *data);
int __wrap_pthread_join(pthread_t thread, void **result);
int __real_sem_wait(sem_t *sem);
int __wrap_sem_wait(sem_t *sem);

/*
 * A thread's seat is that of its number, which it has from its first call on. So each makes one
 * when it begins: then the same threads have the same seats in every play, as one alone would.
 */
static void take_number(void)
{
	static struct faas nobody;
	struct fa_seat *seat = fa_seat_take(&nobody);

	fa_seat_leave(&nobody, seat);
}

/* It does one thing after the other, until the program ends. */
static void *client_main(void *data)
{
	here = data;
	take_number();
	sem_post(&born);
	for (;;) {
		while (__real_sem_wait(&here->go))
			;
		here->run(here->of_run);
		here->ended = true;
		sem_post(&back);
	}
	return NULL;
}

static void make_thread(struct client *c)
{
	sem_init(&c->go, 0, 0);
	sem_init(&born, 0, 0);
	if (__real_pthread_create(&c->thread, NULL, client_main, c))
		broken("no more threads");
	while (__real_sem_wait(&born))
		;
	sem_destroy(&born);
	c->exists = true;
}

static struct client *begin(void (*run)(void *data), void *data)
{
	struct client *c = clients;

	while (c < clients + CLIENTS && c->inside)
		c++;
	if (c == clients + CLIENTS)
		return NULL;
	if (!c->exists)
		make_thread(c);
	c->run = run;
	c->of_run = data;
	c->inside = true;
	c->ended = c->ours = false;
	return c;
}

bool client_begin(void (*run)(void *data), void *data)
{
	return begin(run, data);
}

static void resume(struct client *c)
{
	sem_post(&c->go);
	while (__real_sem_wait(&back))
		;
	if (c->ended)
		c->inside = false;
}

static void yield(void)
{
	sem_post(&back);
	while (__real_sem_wait(&here->go))
		;
}

void client_wait(bool (*ready)(const void *data), const void *data)
{
	if (!here)
		broken("the loop's thread waits");
	here->ready = ready;
	here->data = data;
	yield();
	here->ready = NULL;
}

/* For what is not known to have changed: look again each time that something may have. */
static void look_again(void)
{
	here->polls = true;
	yield();
	here->polls = false;
}

/* `all`: also those of which nobody knows whether they can go on. */
static bool resume_clients(bool all)
{
	bool any = false;

	for (int i = 0; i < CLIENTS; i++) {
		struct client *c = &clients[i];

		if (!c->inside || (c->polls && !all) || (c->ready && !c->ready(c->data)))
			continue;
		any |= !c->polls;
		resume(c);
		any |= !c->inside || !c->polls;
	}
	return any;
}

/* ---- the library's ways to wait --------------------------------------- */

long __real_syscall(long number, ...);
long __wrap_syscall(long number, ...);
int __real_pthread_mutex_lock(pthread_mutex_t *mutex);
int __wrap_pthread_mutex_lock(pthread_mutex_t *mutex);
int __wrap_pthread_cond_wait(pthread_cond_t *cond, pthread_mutex_t *mutex);
int __wrap_pthread_cond_signal(pthread_cond_t *cond);
int __wrap_pthread_cond_broadcast(pthread_cond_t *cond);

struct futex {
	const _Atomic uint32_t *word;
	uint32_t value;
};

static bool has_changed(const void *data)
{
	const struct futex *futex = data;

	return atomic_load(futex->word) != futex->value;
}

static long wait_on_futex(const struct futex *futex, int operation)
{
	if ((operation & FUTEX_CMD_MASK) == FUTEX_WAIT)
		client_wait(has_changed, futex);
	return 0;
}

long __wrap_syscall(long number, ...)
{
	long a[6];
	va_list args;

	va_start(args, number);
	for (int i = 0; i < 6; i++)
		a[i] = va_arg(args, long);
	va_end(args);
	if (number == SYS_futex)
		return wait_on_futex(
			&(struct futex){ (const _Atomic uint32_t *)a[0], (uint32_t)a[2] },
			(int)a[1]);
	return __real_syscall(number, a[0], a[1], a[2], a[3], a[4], a[5]);
}

/* A lock is held while somebody waits for provisioned environments. */
int __wrap_pthread_mutex_lock(pthread_mutex_t *mutex)
{
	int rc;

	while ((rc = pthread_mutex_trylock(mutex)) && here)
		look_again();
	return rc ? __real_pthread_mutex_lock(mutex) : 0;
}

static bool is_signalled(const void *data)
{
	return !((const struct client *)data)->awaits;
}

int __wrap_pthread_cond_wait(pthread_cond_t *cond, pthread_mutex_t *mutex)
{
	if (!here)
		broken("the loop's thread waits for a condition");
	here->awaits = cond;
	pthread_mutex_unlock(mutex);
	client_wait(is_signalled, here);
	return __wrap_pthread_mutex_lock(mutex);
}

int __wrap_pthread_cond_broadcast(pthread_cond_t *cond)
{
	for (int i = 0; i < CLIENTS; i++)
		if (clients[i].awaits == cond)
			clients[i].awaits = NULL;
	return 0;
}

int __wrap_pthread_cond_signal(pthread_cond_t *cond)
{
	return __wrap_pthread_cond_broadcast(cond);
}

/* ---- the library's own threads ------------------------------------------ */

static void run_ours(void *data)
{
	here->main(data);
}

/* It may begin before this returns, as any thread may: so not before the next resume(). */
int __wrap_pthread_create(pthread_t *thread, const pthread_attr_t *attr, void *(*main)(void *),
			  void *data)
{
	struct client *c = begin(run_ours, data);

	(void)attr;
	if (!c)
		return EAGAIN;
	c->ours = true;
	c->main = main;
	*thread = c->thread;
	return 0;
}

/* The store's thread depends on nobody else, so whoever waits for it may let only it run. */
static void resume_ours(void)
{
	bool any = false;

	for (int i = 0; i < CLIENTS; i++) {
		struct client *c = &clients[i];

		if (!c->inside || !c->ours || (c->ready && !c->ready(c->data)))
			continue;
		resume(c);
		any = true;
	}
	if (!any)
		broken("the loop's thread waits for nobody");
}

int __wrap_pthread_join(pthread_t thread, void **result)
{
	struct client *c = clients;

	(void)result;
	while (!c->inside || !pthread_equal(c->thread, thread))
		c++;
	while (c->inside)
		resume_ours();
	return 0;
}

static bool is_posted(const void *data)
{
	int value = 0;

	sem_getvalue((sem_t *)data, &value);
	return value > 0;
}

int __wrap_sem_wait(sem_t *sem)
{
	while (!is_posted(sem)) {
		if (here)
			client_wait(is_posted, sem);
		else
			resume_ours();
	}
	return __real_sem_wait(sem);
}

/* ---- time ------------------------------------------------------------ */

static bool has_more(void)
{
	return !world.closed && (atomic_load(&world.rt->loop.posts.top) ||
				 fa_timers_next(&world.rt->loop.timers) <= now());
}

static void turn(void)
{
	int turns = 0;

	do {
		uv_run(&world.uv, UV_RUN_NOWAIT);
		if (++turns == TURNS_MAX)
			broken("the loop has always more to do at the same time");
	} while (has_more());
}

void settle(void)
{
	bool first = true, any;
	int rounds = 0;

	do {
		turn();
		any = resume_clients(first);
		first = false;
		if (++rounds == TURNS_MAX)
			broken("the host's threads have always more to do at the same time");
	} while (any || has_more());
	turn();
}

int64_t next_ns(void)
{
	int64_t ours = fa_timers_next(&world.timers);
	int64_t theirs = world.closed ? INT64_MAX : fa_timers_next(&world.rt->loop.timers);

	return ours < theirs ? ours : theirs;
}

void go_to(int64_t at_ns)
{
	if (at_ns > now())
		world.clock.ns = at_ns;
	fa_timers_run(&world.timers, now());
}

/* ---- its beginning and its end ---------------------------------------- */

void world_open(uint64_t seed, enum plant plant)
{
	memset(&world, 0, sizeof(world));
	world.seed = seed;
	world.random = seed * 0x9e3779b97f4a7c15u + 1;
	world.plant = plant;
	world.bytes = seed;
	for (int i = 0; i < 8; i++)
		next_random();
	fa_clock_virtual_init(&world.clock, 1700000000000);
	world.clock.ns = SECOND;
	failing_mem_init(&world.memory);
	fa_timers_init(&world.timers, &fa_mem_libc);
	sem_init(&back, 0, 0);
	uv_loop_init(&world.uv);
}

void world_close(void)
{
	if (clients_inside())
		broken("a thread of the host never came back");
	if (uv_loop_close(&world.uv))
		broken("the runtime left handles in the loop");
	if (world.machines)
		broken("%d environments are left", world.machines);
	if (!failing_mem_clean(&world.memory))
		broken("%zu blocks of memory are left", world.memory.blocks);
	fa_timers_finish(&world.timers);
	sem_destroy(&back);
}
