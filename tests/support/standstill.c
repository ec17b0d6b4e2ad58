/* SPDX-License-Identifier: MIT */
#include <support/standstill.h>

#include <stdatomic.h>
#include <stdbool.h>
#include <time.h>

#include <runtime.h>

static struct {
	struct fa_call call;
	_Atomic bool stands, over;
} standstill;

static void pause_a_little(void)
{
	nanosleep(&(struct timespec){ 0, 1000000 }, NULL);
}

static void wait_in_loop(struct fa_call *call)
{
	(void)call;
	standstill.stands = true;
	while (!standstill.over)
		pause_a_little();
	standstill.stands = false;
}

void loop_stand_still(struct faas *rt)
{
	standstill.call.run = wait_in_loop;
	standstill.over = false;
	fa_loop_call(&rt->loop, &standstill.call);
	while (!standstill.stands)
		pause_a_little();
}

void loop_go_on(void)
{
	standstill.over = true;
	while (standstill.stands)
		pause_a_little();
}
