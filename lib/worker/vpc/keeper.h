/* SPDX-License-Identifier: MIT */
#ifndef FA_WORKER_VPC_KEEPER_H
#define FA_WORKER_VPC_KEEPER_H

#include <sys/types.h>

#include <env/wire.h>

/*
 * The process that has the right to change networks, and does it for nests: it runs beside the
 * supervisor, which waits for nobody, and ends with it.
 */
struct fa_keeper {
	pid_t pid; /* 0: none was needed yet */
	int sock;
};

/* errno, or 0: this machine and this root of it can give environments networks. */
int fa_keeper_lack(void);

/*
 * Tell it of a nest, starting it if need be. Returns the nest's end of a socket to it, on
 * which FA_NETWORK_RULES and FA_NETWORK_JOIN are asked and answered; or -errno.
 */
int fa_keeper_introduce(struct fa_keeper *keeper, const struct fa_vpc *vpc);

void fa_keeper_bury(struct fa_keeper *keeper, pid_t pid); /* of anybody that was reaped */
void fa_keeper_end(struct fa_keeper *keeper);

#endif
