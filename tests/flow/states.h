/* SPDX-License-Identifier: MIT */
#ifndef TEST_FLOW_STATES_H
#define TEST_FLOW_STATES_H

/*
 * Short words for the tests of what becomes of a function f whose code takes time to make: the
 * threads that make it are held for as long as a test looks.
 */
#include "upload.h"

#include <semaphore.h>
#include <runtime.h>

#define BROKEN "Could not unzip uploaded file. Please check your file, then try to upload again. "

/* ---- holding ----------------------------------------------------------- */

struct hold {
	struct fa_chore chore;
	sem_t *released;
	_Atomic bool done;
};

static struct hold holds[FA_CHORE_THREADS];
static sem_t released;
static bool held;

static inline void wait_for_release(struct fa_chore *chore)
{
	sem_wait(fa_container(chore, struct hold, chore)->released);
}

static inline void is_over(struct fa_chore *chore)
{
	atomic_store(&fa_container(chore, struct hold, chore)->done, true);
}

static inline void hold(void)
{
	sem_init(&released, 0, 0);
	for (int i = 0; i < FA_CHORE_THREADS; i++) {
		holds[i] = (struct hold){ .chore = { .run = wait_for_release, .done = is_over },
					  .released = &released };
		fa_chores_add(&flow.rt->chores, &holds[i].chore);
	}
	held = true;
}

static inline void release(void)
{
	for (int i = 0; held && i < FA_CHORE_THREADS; i++)
		sem_post(&released);
	for (int i = 0; held && i < FA_CHORE_THREADS; i++)
		while (!atomic_load(&holds[i].done))
			nanosleep(&(struct timespec){ .tv_nsec = 100000 }, NULL);
	held = false;
}

static inline int close_released(void **state)
{
	release();
	return close_it(state);
}

/* ---- requests ---------------------------------------------------------- */

/* Its directory is in order, but one of its files is not what it promises. */
static inline const char *broken_code(void)
{
	zips_begin(&zip);
	zips_copy(&zip, "package.so", TEST_PLUGINS "/package.so");
	zips_add(&zip, &(struct zips_entry){ .name = "text", .data = "text", .crc_xor = 1 });
	return encoded();
}

static inline void create(const char *more, const char *zip_file)
{
	REQUEST("{\"FunctionName\":\"f\",\"Role\":\"" ROLE "\",\"Runtime\":\"provided.al2023\","
		"\"Handler\":\"package.content\",\"Code\":{\"ZipFile\":\"%s\"}%s}",
		zip_file, more);
	perform("CreateFunction");
}

static inline void update(const char *zip_file)
{
	REQUEST("{\"FunctionName\":\"f\",\"ZipFile\":\"%s\"}", zip_file);
	perform("UpdateFunctionCode");
}

static inline void get(const char *function)
{
	REQUEST("{\"FunctionName\":\"%s\"}", function);
	perform("GetFunctionConfiguration");
}

static inline void says(const char *function, const char *expected)
{
	answers(function, "text", expected);
}

#endif
