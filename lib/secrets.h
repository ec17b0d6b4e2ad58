/* SPDX-License-Identifier: MIT */
#ifndef FA_SECRETS_H
#define FA_SECRETS_H

#include <base/loop.h>
#include <model/secret.h>

struct faas;

/* What functions ask of the host while they run, see secrets.c. All of it is the loop's. */
struct fa_vault {
	struct fa_secrets known;
	struct fa_list asked;  /* of the host, and not given yet */
	int asked_count, waiting;
	uint64_t serial;
	struct fa_timer timer; /* when something is over */
	bool closed;           /* nobody is asked any more */
	_Atomic(struct fa_expired *) expired; /* names that are to be; any thread adds */
};

void fa_vault_init(struct faas *rt);
/* [loop] Whoever waits is told that there is nothing. */
void fa_vault_close(struct faas *rt);
/* [loop] */
void fa_vault_finish(struct faas *rt);

#endif
