/* SPDX-License-Identifier: MIT */
/* Ways to eat memory: touched, untouched, in files, in files without a name. */
#include <sys/mman.h>
#include <sys/syscall.h>

#include "hostile.h"

#define MB (1 << 20)

static char chunk[MB];

HOSTILE(malloc_bomb)
{
	for (;;) {
		char *block = malloc(MB);

		if (!block)
			abort();
		memset(block, 1, MB);
	}
}

/* Memory that no address space limit counts. */
HOSTILE(memfd_bomb)
{
	memset(chunk, 1, sizeof(chunk));
	for (;;) {
		int fd = memfd_create("bomb", 0);

		if (fd < 0)
			abort();
		for (int i = 0; i < 1024; i++)
			if (write(fd, chunk, sizeof(chunk)) <= 0)
				break;
	}
}

/* {"mb":N}: N MB in a memfd and still alive afterwards? */
HOSTILE(take_memory)
{
	const long long mb = number_in(event, "mb");
	int fd = -1;

	memset(chunk, 1, sizeof(chunk));
	for (long long i = 0; i < mb; i++) {
		if (i % 32 == 0)
			fd = memfd_create("take", 0);
		if (write(fd, chunk, sizeof(chunk)) != (ssize_t)sizeof(chunk))
			return report(ctx, false);
	}
	return report(ctx, true);
}

/* Address space without memory behind it. */
HOSTILE(reserve_until_refused)
{
	long long mb = 0;

	while (mb < 1 << 20 &&
	       mmap(NULL, 256 * MB, PROT_READ | PROT_WRITE,
		    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0) != MAP_FAILED)
		mb += 256;
	return faas_puts(ctx, "\"done\"");
}

/* {"tmp_mb":N}: its own /tmp must end at about N MB. */
HOSTILE(fill_tmp)
{
	const long long most = number_in(event, "tmp_mb") + 16;
	long long mb = 0;
	char name[32];

	memset(chunk, 1, sizeof(chunk));
	for (int file = 0; mb <= most; file++) {
		int fd;

		snprintf(name, sizeof(name), "/tmp/fill-%d", file);
		fd = open(name, O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
		if (fd < 0)
			break;
		for (int i = 0; i < 16; i++)
			mb += write(fd, chunk, sizeof(chunk)) == (ssize_t)sizeof(chunk);
		if (lseek(fd, 0, SEEK_END) < 16 * MB)
			break;
		close(fd);
	}
	for (int file = 0; snprintf(name, sizeof(name), "/tmp/fill-%d", file), unlink(name) == 0;
	     file++)
		;
	return report(ctx, mb > most);
}

/* How many MB a file takes, at most so many. */
static int write_mb(const char *path, int most)
{
	int fd = open(path, O_CREAT | O_WRONLY | O_CLOEXEC, 0600), mb = 0;

	while (mb < most && write(fd, chunk, sizeof(chunk)) == (ssize_t)sizeof(chunk))
		mb++;
	close(fd);
	return mb;
}

/* How many MB its own /tmp takes in two files, and what ends it. */
HOSTILE(measure_tmp)
{
	char text[64];
	int mb;

	(void)event;
	memset(chunk, 1, sizeof(chunk));
	mb = write_mb("/tmp/first", 400);
	mb += write_mb("/tmp/second", 400);
	snprintf(text, sizeof(text), "\"%d MB, %s\"", mb,
		 errno == ENOSPC ? "then it is full" : strerror(errno));
	unlink("/tmp/first");
	unlink("/tmp/second");
	return faas_puts(ctx, text);
}

HOSTILE(use_up_memory_then_say_so)
{
	long long blocks = 0;
	char *first = NULL;

	for (;;) {
		char *block = mmap(NULL, 16 * MB, PROT_READ | PROT_WRITE,
				   MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

		if (block == MAP_FAILED || ++blocks > 100000)
			break;
		first = block;
	}
	if (first)
		munmap(first, 16 * MB);
	return faas_fail(ctx, "Test.Full", "no more address space");
}

HOSTILE(lock_memory)
{
	void *block =
		mmap(NULL, 64 * MB, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	return report(ctx, block != MAP_FAILED && syscall(SYS_mlock, block, 64 * MB) == 0);
}

FAAS_PLUGIN("memory", "1", FAAS_HANDLER(malloc_bomb), FAAS_HANDLER(memfd_bomb),
	    FAAS_HANDLER(take_memory), FAAS_HANDLER(reserve_until_refused), FAAS_HANDLER(fill_tmp),
	    FAAS_HANDLER(measure_tmp),
	    FAAS_HANDLER(use_up_memory_then_say_so), FAAS_HANDLER(lock_memory));
