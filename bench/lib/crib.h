/* SPDX-License-Identifier: MIT */
#ifndef BENCH_CRIB_H
#define BENCH_CRIB_H

/* What the nursery program shares with the benchmark, as its descriptor 3. */

#include "word.h"

#define CRIB_FD 3
#define CRIB_ZYGOTES 8
#define CRIB_CLONES 64

struct crib_zygote {
	_Alignas(64) word command; /* counts orders */
	uint32_t clones;           /* to make for this order; 0: end */
};

struct crib_clone {
	_Alignas(64) word done; /* counts answers */
	uint32_t in_len, out_len;
	unsigned char in[64];
	unsigned char out[128];
};

struct crib {
	_Alignas(64) word command; /* counts orders: make a zygote */
	uint32_t zygote;
	uint32_t kind; /* enum zygote_kind */
	struct crib_zygote zygotes[CRIB_ZYGOTES];
	struct crib_clone clones[CRIB_CLONES];
};

#endif
