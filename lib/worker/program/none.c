/* SPDX-License-Identifier: MIT */
/* Without a parser of HTTP there are no programs. */
#include <worker/program/program.h>

#include <unistd.h>

bool fa_program_possible(void)
{
	return false;
}

_Noreturn void fa_program_run(const struct fa_run *run)
{
	(void)run;
	_exit(FA_RUN_BROKEN);
}
