/* SPDX-License-Identifier: MIT */
#ifndef FA_WORKER_REGISTERS_H
#define FA_WORKER_REGISTERS_H

/*
 * The wide registers that no function has to preserve. They still hold what was
 * copied last, and whoever saves them all writes it down: so does the dynamic
 * linker at a function's first call.
 */

#include <stdbool.h>
#include <stdint.h>

#if defined(__x86_64__)
#include <cpuid.h>

static inline bool fa_registers_clearable(void)
{
	unsigned a, b, c, d;

	return __get_cpuid(1, &a, &b, &c, &d) && c & bit_OSXSAVE;
}

/* Restored from an area whose header says: everything is as after power-on. */
static inline void fa_registers_clear(void)
{
	static const struct {
		_Alignas(64) unsigned char legacy[24];
		uint32_t control;
		unsigned char rest[804];
	} initial = { .control = 0x1f80 };

	__asm__ volatile("xrstor64 %0"
			 :
			 : "m"(initial), "a"(0xe6), "d"(0) /* SSE, AVX, AVX-512 */
			 : "xmm0", "xmm1", "xmm2", "xmm3", "xmm4", "xmm5", "xmm6", "xmm7", "xmm8",
			   "xmm9", "xmm10", "xmm11", "xmm12", "xmm13", "xmm14", "xmm15");
}
#elif defined(__aarch64__)
static inline bool fa_registers_clearable(void)
{
	return true;
}

#define FA_CLEAR(n) __asm__ volatile("movi v" #n ".2d, #0" : : : "v" #n)

static inline void fa_registers_clear(void)
{
	FA_CLEAR(0); FA_CLEAR(1); FA_CLEAR(2); FA_CLEAR(3);
	FA_CLEAR(4); FA_CLEAR(5); FA_CLEAR(6); FA_CLEAR(7);
	FA_CLEAR(16); FA_CLEAR(17); FA_CLEAR(18); FA_CLEAR(19);
	FA_CLEAR(20); FA_CLEAR(21); FA_CLEAR(22); FA_CLEAR(23);
	FA_CLEAR(24); FA_CLEAR(25); FA_CLEAR(26); FA_CLEAR(27);
	FA_CLEAR(28); FA_CLEAR(29); FA_CLEAR(30); FA_CLEAR(31);
}
#endif

#endif
