/* SPDX-License-Identifier: MIT */
#ifndef SIMULATE_WORLD_H
#define SIMULATE_WORLD_H

/*
 * A world in which nothing is left to chance but a seed: one clock that jumps from one
 * thing that happens to the next, the library's own loop turned by hand, machines in
 * place of processes (machine.c), and threads of the host program of which only one runs
 * at a time. The same seed plays the same play, step by step.
 */
#include <semaphore.h>
#include <stdbool.h>
#include <stdint.h>
#include <uv.h>

#include <base/clock.h>
#include <faas/faas.h>
#include <support/failing_mem.h>

#define MS 1000000LL
#define SECOND (1000 * MS)

#define FUNCTIONS 5
#define REQUESTS 4096
#define STEPS 80   /* that are told when something is wrong */
#define NAME_ROOM 8 /* of a function, with its qualifier */
#define CLIENTS 16 /* threads of the host inside the library at once */

/* How likely the misfortunes of this play are, in thousandths. */
struct dials {
	unsigned error, crash, starve, hang, long_work, idle_crash;
	unsigned init_error, init_crash, init_hang, slow_init;
	unsigned birth_error, stillbirth, slow_birth;
	unsigned polite, awake;
	unsigned killed, nest_killed; /* from outside: a shell, an heir, whoever it is */
};

/* One event, from the call to the last that is heard of it. */
struct request {
	int number, function;
	char name[NAME_ROOM]; /* that it calls */
	enum faas_mode mode;
	bool canceled, has_wait;
	bool in_line;       /* its turn can be told from its number */
	int refused;        /* by the call itself; then nothing else happens */
	int told;           /* on_done, or the return of the waiting call */
	int code;           /* what it said */
	int posted;         /* handed to an environment */
	int started;        /* begun by a machine */
	int64_t started_ns; /* the last time */
	enum { NOT_RUN, REPLIED, ERRED, DIED } end; /* of the last time */
	bool succeeded;                             /* an event whose answer was taken */
	int letters;                                /* that told that it failed for good */
	bool orphan; /* its function was deleted, and with it who is told of its end */
	int restarts; /* of the program, which may have cut off an attempt each */
	uint64_t id;
};

/* What a test may break on purpose, to see it found. */
enum plant {
	NO_PLANT,
	LOST_WAKE_UP, /* now and then nobody looks for who could run now */
	TOO_MANY,     /* a function's limit is not looked at now and then */
	LOST_PROMISE, /* who is in its init is not promised to the next event now and then */
	LOST_PLACE,   /* a place under the limits is not given back now and then */
	LOST_LETTER,  /* nobody is told of the end of an event now and then */
	LOST_EVENT,   /* one is told to be in the store, and is not */
	COMES_BACK,   /* the end of one is not written now and then */
	ENDLESS_RETRIES,
	WRONG_ORDER, /* who comes last waits in front */
	WRONG_SUM,   /* of the memory of environments */
	TOLD_TWICE,
	KEPT_SHELL,  /* the shells of a pool stay now and then when they should go */
	KEPT_SEAT,   /* now and then a seat gives back nothing to who asks for it */
	BEGINS_TWICE, /* what is behind a job that is called off is not held back */
	PLANTS,
};
extern const char *const plant_names[PLANTS];

struct world {
	uint64_t seed, random, bytes; /* bytes: what the library draws, of its own */
	enum plant plant;
	struct fa_clock_virtual clock;
	uv_loop_t uv;
	struct faas *rt;
	bool closing, closed;
	bool quiet; /* the host begins nothing more */
	struct failing_mem memory;
	struct fa_timers timers; /* of the machines */
	struct dials dials;
	bool steady;      /* some functions are of a kind that a seat may keep */
	const char *disk;  /* the state_dir of this play, or NULL */
	bool fixed_limits; /* no limit changes while this play lasts */
	struct request requests[REQUESTS];
	int request_count;
	int dropped;       /* events, as the library tells */
	int machines;      /* that exist */
	bool evicting;     /* one had to go for its memory, and its pool still has its shells */
	uint64_t happened; /* counts everything that is noted */
	uint64_t digest;   /* of it */
	char steps[STEPS][160];
};
extern struct world world;

uint64_t draw(uint64_t below);
int64_t draw_between(int64_t least, int64_t most);
bool chance(unsigned thousandths);
/* One of these, which end with -1. */
int64_t draw_of(const int64_t *values);

__attribute__((format(printf, 1, 2))) void note(const char *format, ...);
/* A promise is broken: tell seed and steps, and end the program with status 1. */
__attribute__((noreturn, format(printf, 1, 2))) void broken(const char *format, ...);

int64_t now(void);

/* ---- threads of the host --------------------------------------------- */

/*
 * Run this on a thread of the host's: the first that is not in use, so that threads come again
 * and again. It begins at the next settle(). False: all are in use.
 */
bool client_begin(void (*run)(void *data), void *data);
/* [client] Stay until it is so; looked at whenever the loop has nothing to do. */
void client_wait(bool (*ready)(const void *data), const void *data);
bool client_here(void);
int clients_inside(void);

/* ---- time ------------------------------------------------------------ */

/* Turn the loop, and let clients run, until nobody has anything to do at this time. */
void settle(void);
/* When the next thing happens by itself. INT64_MAX: nothing ever does. */
int64_t next_ns(void);
/* Go there: what is due to the machines happens; the library has not looked yet. */
void go_to(int64_t at_ns);

void world_open(uint64_t seed, enum plant plant);
void world_close(void);

#endif
