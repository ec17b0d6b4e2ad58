/* SPDX-License-Identifier: MIT */

/*
 * The raw cold start, as a program of its own so that it is as small as the
 * worker it is compared with. It forks zygotes; a zygote clones itself, and
 * the clone calls the plugin's handler and answers. No sandbox, no deadline,
 * no reaping: this is the floor.
 */

#include "crib.h"
#include "raw.h"

#include <dlfcn.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>

#include <faas/plugin.h>

static int write_out(struct faas_context *ctx, const void *data, size_t len)
{
	struct crib_clone *c = ctx->state;

	if (len > sizeof(c->out) - c->out_len)
		return -1;
	memcpy(c->out + c->out_len, data, len);
	c->out_len += (uint32_t)len;
	return 0;
}

static const struct faas_handler *load(const char *path)
{
	void *so = dlopen(path, RTLD_NOW);
	const struct faas_plugin *plugin = so ? dlsym(so, "faas_plugin") : NULL;

	if (!plugin) {
		fprintf(stderr, "bench: %s\n", dlerror());
		_exit(1);
	}
	return plugin->handlers[0];
}

/* Not fork(): it runs handlers and takes locks that a clone here does not need. */
static pid_t raw_clone(void)
{
	return (pid_t)syscall(SYS_clone, SIGCHLD, 0, 0, 0, 0);
}

static void serve(const struct faas_handler *handler, struct crib_clone *c)
{
	static const struct faas_api api = { .size = sizeof(api), .write = write_out };
	struct faas_context ctx = { .size = sizeof(ctx), .api = &api, .state = c };

	c->out_len = 0;
	handler->invoke(&ctx, (struct faas_bytes){ c->in, c->in_len });
	word_post(&c->done, atomic_load(&c->done) + 1);
}

__attribute__((noreturn)) static void be_zygote(struct crib *crib, const char *path)
{
	struct crib_zygote *z = &crib->zygotes[crib->zygote];
	const struct faas_handler *handler = crib->kind == ZYGOTE_LOADED ? load(path) : NULL;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	for (uint32_t order = 0;; order++) {
		word_leave(&z->command, order);
		if (z->clones == 0)
			_exit(0);
		for (uint32_t i = 0; i < z->clones; i++) {
			if (raw_clone() != 0)
				continue;
			serve(handler ? handler : load(path), &crib->clones[i]);
			_exit(0);
		}
	}
}

int main(int argc, char **argv)
{
	struct crib *crib = mmap(NULL, sizeof(*crib), PROT_READ | PROT_WRITE,
				 MAP_SHARED | MAP_POPULATE, CRIB_FD, 0);

	if (argc != 2 || crib == MAP_FAILED) {
		fprintf(stderr, "bench: raw-nursery is started by the benchmarks\n");
		return 2;
	}
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	signal(SIGCHLD, SIG_IGN); /* nobody asks how a clone ended */
	for (uint32_t order = 0;; order++) {
		word_leave(&crib->command, order);
		if (raw_clone() == 0)
			be_zygote(crib, argv[1]);
	}
}
