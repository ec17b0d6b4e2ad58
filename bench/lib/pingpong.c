/* SPDX-License-Identifier: MIT */

/*
 * Round trips. The other side is a plain child that does nothing but answer;
 * both ends make every system call the mechanism needs, every time. What a
 * cleverer protocol saves by not calling is its own merit.
 */

#include "raw.h"
#include "word.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>

#define APART "/sys/fs/cgroup/cpu/libfaas-bench-apart"

struct table {
	_Alignas(64) word ping;
	_Alignas(64) word pong;
};

struct pingpong {
	enum pingpong_kind kind;
	struct table *table;
	uint32_t turn;
	int in, out;   /* this side of the descriptors */
	int far_in, far_out;
	pid_t child;
};

void *shared_pages(size_t bytes)
{
	void *p = mmap(NULL, bytes, PROT_READ | PROT_WRITE,
		       MAP_SHARED | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);

	if (p == MAP_FAILED)
		bench_die("mmap of %zu shared bytes: %s", bytes, strerror(errno));
	return p;
}

static void answer_futex(struct table *t)
{
	for (uint32_t turn = 0;; turn++) {
		word_leave(&t->ping, turn);
		word_post(&t->pong, turn + 1);
	}
}

/* Best effort: what does not come about makes the round trip no dearer. */
static void go_apart(void)
{
	int fd;

	setsid();
	mkdir(APART, 0755);
	fd = open(APART "/cgroup.procs", O_WRONLY | O_CLOEXEC);
	if (fd < 0)
		return;
	if (write(fd, "0", 1) < 0)
		fprintf(stderr, "cgroup of its own: %s\n", strerror(errno));
	close(fd);
}

static void answer_spin(struct table *t)
{
	for (uint32_t turn = 0;; turn++) {
		while (atomic_load_explicit(&t->ping, memory_order_acquire) == turn)
			bench_relax();
		atomic_store_explicit(&t->pong, turn + 1, memory_order_release);
	}
}

static void answer_bytes(int in, int out)
{
	uint64_t word;

	while (read(in, &word, sizeof(word)) == sizeof(word))
		if (write(out, &word, sizeof(word)) != sizeof(word))
			break;
}

__attribute__((noreturn)) static void answer(struct pingpong *p, int cpu)
{
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	bench_pin(cpu);
	if (p->kind == PINGPONG_APART)
		go_apart();
	if (p->kind == PINGPONG_FUTEX || p->kind == PINGPONG_APART)
		answer_futex(p->table);
	else if (p->kind == PINGPONG_SPIN)
		answer_spin(p->table);
	else
		answer_bytes(p->far_in, p->far_out);
	_exit(0);
}

static void open_descriptors(struct pingpong *p)
{
	int there[2], back[2];

	if (p->kind == PINGPONG_SOCKETPAIR) {
		if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, there) < 0)
			bench_die("socketpair: %s", strerror(errno));
		p->in = p->out = there[0];
		p->far_in = p->far_out = there[1];
		return;
	}
	if (pipe2(there, O_CLOEXEC) < 0 || pipe2(back, O_CLOEXEC) < 0)
		bench_die("pipe: %s", strerror(errno));
	p->in = back[0];
	p->out = there[1];
	p->far_in = there[0];
	p->far_out = back[1];
}

struct pingpong *pingpong_open(enum pingpong_kind kind, int cpu)
{
	struct pingpong *p = calloc(1, sizeof(*p));

	if (!p)
		bench_die("no memory");
	p->kind = kind;
	p->table = shared_pages(4096);
	if (kind == PINGPONG_PIPE || kind == PINGPONG_SOCKETPAIR)
		open_descriptors(p);
	p->child = fork();
	if (p->child < 0)
		bench_die("fork: %s", strerror(errno));
	if (p->child == 0)
		answer(p, cpu);
	return p;
}

static void round_trip(struct pingpong *p)
{
	struct table *t = p->table;
	uint32_t turn = p->turn++;
	uint64_t word = turn;

	switch (p->kind) {
	case PINGPONG_FUTEX:
	case PINGPONG_APART:
		word_post(&t->ping, turn + 1);
		word_leave(&t->pong, turn);
		return;
	case PINGPONG_SPIN:
		atomic_store_explicit(&t->ping, turn + 1, memory_order_release);
		while (atomic_load_explicit(&t->pong, memory_order_acquire) == turn)
			bench_relax();
		return;
	default:
		if (write(p->out, &word, sizeof(word)) != sizeof(word) ||
		    read(p->in, &word, sizeof(word)) != sizeof(word))
			bench_die("the other side of a pipe is gone");
	}
}

void pingpong_run(struct pingpong *p, size_t n, struct samples *s)
{
	for (size_t i = 0; i < n / 20; i++)
		round_trip(p);
	for (size_t i = 0; i < n; i++) {
		uint64_t start = bench_now();

		round_trip(p);
		samples_add(s, bench_now() - start);
	}
}

void pingpong_close(struct pingpong *p)
{
	kill(p->child, SIGKILL);
	waitpid(p->child, NULL, 0);
	if (p->kind == PINGPONG_APART)
		rmdir(APART);
	munmap(p->table, 4096);
	if (p->in) {
		close(p->in);
		close(p->far_in);
	}
	if (p->out != p->in) {
		close(p->out);
		close(p->far_out);
	}
	free(p);
}
