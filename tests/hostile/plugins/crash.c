/* SPDX-License-Identifier: MIT */
/* Ways to die of a signal, and ways to make dying of one difficult. */
#include <dlfcn.h>
#include <setjmp.h>
#include <sys/mman.h>

#include "hostile.h"

static volatile int *volatile nowhere;

HOSTILE(segfault)
{
	*nowhere = 1;
	return 0;
}

HOSTILE(call_abort)
{
	abort();
}

HOSTILE(illegal_instruction)
{
	__builtin_trap();
}

HOSTILE(divide_by_zero)
{
	volatile int zero = 0;

	/* Not left to the compiler, which may drop the division. */
	__asm__ volatile("xorl %%edx, %%edx\n\tmovl $1, %%eax\n\tidivl %0" : : "r"(zero)
			 : "eax", "edx");
	return 0;
}

HOSTILE(bus_error)
{
	char path[] = "/tmp/short-XXXXXX";
	int fd = mkstemp(path);
	volatile char *map;

	if (fd < 0 || ftruncate(fd, 4096) < 0)
		return faas_fail(ctx, "Test.NoFile", "cannot make a file to truncate");
	map = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (map == MAP_FAILED || ftruncate(fd, 0) < 0)
		return faas_fail(ctx, "Test.NoFile", "cannot map the file");
	map[100] = 1;
	return 0;
}

static int deeper(volatile char *above)
{
	volatile char frame[65536];

	frame[0] = above[0];
	frame[65535] = 1;
	return for_ever ? deeper(frame) + frame[65535] : 0;
}
static int (*volatile deep)(volatile char *) = deeper;

HOSTILE(overflow_stack)
{
	volatile char start = 1;

	return deep(&start);
}

static void *overflow_here(void *arg)
{
	volatile char start = 1;

	return (void *)(intptr_t)(deep(&start) + (arg != NULL));
}

HOSTILE(overflow_stack_of_a_thread)
{
	pthread_t thread;

	if (pthread_create(&thread, NULL, overflow_here, NULL) != 0)
		abort();
	pthread_join(thread, NULL);
	return 0;
}

HOSTILE(corrupt_heap)
{
	char *volatile block = malloc(32);

	for (int i = -16; i < 200; i++)
		block[i] = 0x41;
	free(block);
	for (size_t i = 1; i < 100; i++)
		free(malloc(i * 50));
	abort();
}

/* The heap is in ruins but the answer looks good: only the next event would notice. */
HOSTILE(corrupt_heap_then_succeed)
{
	char *volatile block = malloc(32);

	for (int i = -16; i < 200; i++)
		block[i] = 0x41;
	return faas_puts(ctx, "\"done\"");
}

static jmp_buf left_behind;

__attribute__((noinline)) static int remember(void)
{
	return setjmp(left_behind);
}

HOSTILE(jump_out_of_the_frame)
{
	static volatile int jumped;

	if (jumped++ == 0 && remember() == 0)
		longjmp(left_behind, 1);
	abort();
}

/* What a C++ plugin does when nothing catches its exception. */
HOSTILE(throw_an_exception)
{
	void *lib = dlopen("libstdc++.so.6", RTLD_NOW);
	void *(*allocate)(size_t);
	void (*raise_it)(void *, void *, void (*)(void *));

	if (!lib)
		abort();
	*(void **)&allocate = dlsym(lib, "__cxa_allocate_exception");
	*(void **)&raise_it = dlsym(lib, "__cxa_throw");
	if (!allocate || !raise_it)
		abort();
	raise_it(allocate(sizeof(int)), dlsym(lib, "_ZTIi"), NULL);
	return 0;
}

static void fault_again(int number)
{
	signal(number, fault_again);
	*nowhere = 1;
}

/* The handler returns, the instruction faults again, for ever. */
static void come_back(UNUSED int number)
{
}

HOSTILE(handle_segv_and_fault_again)
{
	struct sigaction act = { .sa_handler = fault_again, .sa_flags = SA_NODEFER };

	sigaction(SIGSEGV, &act, NULL);
	*nowhere = 1;
	return 0;
}

HOSTILE(handle_segv_and_return_for_ever)
{
	struct sigaction act = { .sa_handler = come_back };

	sigaction(SIGSEGV, &act, NULL);
	*nowhere = 1;
	return 0;
}

FAAS_PLUGIN("crash", "1", FAAS_HANDLER(segfault), FAAS_HANDLER(call_abort),
	    FAAS_HANDLER(illegal_instruction), FAAS_HANDLER(divide_by_zero),
	    FAAS_HANDLER(bus_error), FAAS_HANDLER(overflow_stack),
	    FAAS_HANDLER(overflow_stack_of_a_thread), FAAS_HANDLER(corrupt_heap),
	    FAAS_HANDLER(corrupt_heap_then_succeed), FAAS_HANDLER(jump_out_of_the_frame),
	    FAAS_HANDLER(throw_an_exception), FAAS_HANDLER(handle_segv_and_fault_again),
	    FAAS_HANDLER(handle_segv_and_return_for_ever));
