/* SPDX-License-Identifier: MIT */
#ifndef FA_ENV_SUPERVISOR_H
#define FA_ENV_SUPERVISOR_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include <base/loop.h>
#include <env/wire.h>
#include <faas/types.h>

struct fa_version;

/*
 * The host's end of faas-worker: spawning it, asking it for nests, and hearing
 * of births and deaths. All that it says arrives on the loop thread.
 */
struct fa_supervisor {
	struct fa_loop *loop;
	const char *path;
	struct fa_watch watch; /* the socket; fd -1: not running */
	int pidfd;
	pid_t pid;
	uint32_t serial;       /* of its incarnation; a nest of an older one is dead */
	struct fa_hello hello;
	bool greeted;

	void (*on_nest_dead)(void *data, const struct fa_ctl *ctl);
	void (*on_lost)(void *data); /* every nest is gone; the callee closes it */
	void *data;
};

/* A nest, as the host sees it: a socket on which environments are asked for. */
struct fa_nest {
	struct fa_watch watch;
	uint32_t id;
	bool dead;

	/* fds: -1 where there is none; given to the callee */
	void (*on_message)(struct fa_nest *nest, const struct fa_ctl *ctl, const int fds[2]);
	void *data;
};

/* Spawn the worker and wait for its greeting (milliseconds). [loop] or before it runs. */
int fa_supervisor_open(struct fa_supervisor *supervisor, struct faas_error *err);
/* Let it go with everything below it, and reap it. [loop] */
void fa_supervisor_close(struct fa_supervisor *supervisor);
/* [loop] Start listening; separate from open, which may run before the loop does. */
int fa_supervisor_watch(struct fa_supervisor *supervisor);

/*
 * Ask for a nest and return at once: births may be asked of it in the same
 * breath, they wait in its socket. `weak`: layers to leave out; `cpu_cap`: no more CPU
 * than its memory stands for. 0 or -errno.
 */
int fa_nest_open(struct fa_nest *nest, struct fa_supervisor *supervisor,
		 const struct fa_version *version, uint32_t id, unsigned weak,
		 bool cpu_cap);
int fa_nest_watch(struct fa_nest *nest, struct fa_loop *loop); /* [loop] */
void fa_nest_close(struct fa_nest *nest, struct fa_loop *loop); /* [loop] */

/*
 * Start a process that says what is in `zip`, or only judges it, into the pipe `out`
 * (base/unpacked.h, where `what` is, too); and end it. Under the lock that opening and closing
 * is under. 0 or -errno.
 */
int fa_supervisor_unpack(const struct fa_supervisor *supervisor, uint32_t id, int zip, int out,
			 int what);
int fa_supervisor_end_unpack(const struct fa_supervisor *supervisor, uint32_t id);

/* A message with descriptors; -EAGAIN when the peer is behind. Any thread. */
int fa_ctl_send(int socket, const void *data, size_t len, const int *fds, int count);
/* One message of at least struct fa_ctl, without descriptors. Bytes, 0 at EOF, or -errno. */
ssize_t fa_ctl_recv(int socket, void *buffer, size_t size);

#endif
