/* SPDX-License-Identifier: MIT */
#ifndef FA_WORKER_SANDBOX_H
#define FA_WORKER_SANDBOX_H

#include <sys/resource.h>
#include <sys/types.h>

#include <env/wire.h>
#include <worker/cgroup.h>
#include <worker/layers.h>
#include <worker/network.h>

/*
 * The sandbox of a nest and of its environments. What environments can inherit
 * is done once, by the nest, ahead of time (fa_sandbox_prepare) or when it
 * learns what function it is for (fa_sandbox_adopt). What is left for the
 * environment itself (fa_sandbox_enter) is a dozen short system calls.
 *
 * All three return NULL, or what failed with the reason in errno.
 */

/* Descriptors of a nest, always taken: what it receives comes above them. */
enum {
	FA_FD_HOST = 3,      /* the supervisor until adoption */
	FA_FD_SIGNAL,        /* signalfd */
	FA_FD_NAMESPACES,    /* /proc/self/ns of the host's proc */
	FA_FD_BASE,          /* mount namespace of the nest */
	FA_FD_RULESET,       /* Landlock */
	FA_FD_TROUBLE,       /* pipe: what a child died of before it ran */
	FA_FD_TROUBLE_END,
	FA_FD_FREE,
	FA_FD_BIRTH = FA_FD_SIGNAL, /* until then: what it is to be */
};

/* What a nest is told first, by the process that executes it. */
struct fa_birth {
	struct fa_layers layers; /* to be applied */
	uint32_t flags;          /* enum fa_nest_flags */
	uint32_t uid;            /* of environments, plus the slot; 0: they keep the nest's */
	uint32_t group;          /* of environments, beside their own; 0: none */
	int landlock_abi;
	int view;                /* detached clone, inherited; -1: none */
};

#define FA_POOL_MAX 64

struct fa_sandbox {
	struct fa_layers layers;
	int landlock_abi;
	int proc_error;          /* errno: no /proc in the view */
	uint32_t uid, group;
	uint32_t flags;
	uint32_t tmp_mb;
	/* code, layers, runtime, file system; "": there is none */
	const char *directories[FA_DIRECTORIES];
	const char *home;        /* of environments: the first of them, or the root directory */

	pid_t nest;              /* its own pid */
	struct rlimit processes, files; /* of an environment */

	int pool[FA_POOL_MAX];   /* mount namespaces with an empty /tmp */
	int pool_count, pool_target;
	struct fa_networks networks;
};

const char *fa_sandbox_prepare(struct fa_sandbox *box, const struct fa_birth *birth);
/* The last step of preparing; with an image, of adopting, which is not done without mounting. */
void fa_sandbox_filter(struct fa_sandbox *box);

/* What a nest in a VPC gets besides: its socket to the keeper, from fa_view_resolvers(). */
struct fa_vpc_fds {
	int keeper, resolvers;
};

/*
 * `trees`: from fa_view_code(), of those directories that there are, or none. Box takes them, and
 * `vpc`, for FA_NEST_VPC.
 */
const char *fa_sandbox_adopt(struct fa_sandbox *box, const struct fa_nest_setup *setup,
			     const int *trees, int tree_count, struct fa_vpc_fds vpc);

/* Which namespaces an environment gets when it is cloned: flags of clone(2). */
unsigned long fa_sandbox_namespaces(const struct fa_sandbox *box);

/* A mount namespace from the pool, or one made now; -1 if none is needed. 0 or -errno. */
int fa_sandbox_take_tmp(struct fa_sandbox *box, int *mounts);
/* Does the pool want more? Then make one. */
bool fa_sandbox_wants_tmp(const struct fa_sandbox *box);
void fa_sandbox_add_tmp(struct fa_sandbox *box);

/* Whether nobody else is in an environment's network, whichever way it got one. */
bool fa_sandbox_own_network(const struct fa_sandbox *box);

/*
 * [environment] `mounts`: from fa_sandbox_take_tmp(), now or for an earlier environment;
 * `network`: from fa_networks_take().
 */
const char *fa_sandbox_enter(const struct fa_sandbox *box, const struct fa_spawn *spawn,
			     int mounts, int network);

#endif
