/* SPDX-License-Identifier: MIT */
#ifndef TEST_PLUGINS_KILLED_H
#define TEST_PLUGINS_KILLED_H

/*
 * What the functions of the plugin "killed" and the programs that run them have in common: memory
 * that outlives all of them, a file. Who is killed leaves it as it is; what he had locked in the
 * file he has no longer.
 */
#include <stdatomic.h>

#define KILLED_MOUNT "/mnt/seen"
#define KILLED_FILE "seen"

/* It begins with this, whatever it is. */
struct killed_workers {
	int each;             /* of so many batches one stands until somebody is killed */
	_Atomic int begun;    /* batches */
	_Atomic int ended;
	_Atomic int asked;    /* batches that stood */
	_Atomic int rounds;   /* how often environments were killed for that */
	_Atomic int killed;   /* environments */
	_Atomic int twice, out_of_order;
	_Atomic int at_once;  /* batches of a group or key while another one had it */
};

/* ---- keys of a stream or a table ---- */

#define KILLED_KEYS 16

struct killed_keys {
	struct killed_workers workers;
	_Atomic int accepted;
	struct killed_key {
		_Atomic int next; /* what is written next, once more where a program was killed */
		_Atomic int done; /* processed in order up to here */
	} keys[KILLED_KEYS];
};

/* ---- messages of queues ---- */

#define KILLED_SENDERS 48 /* each has a group, and every third message goes to it */
#define KILLED_MOST 1200000
#define KILLED_DIES(n) ((n) % 1000 == 7)

/* The k-th message of sender s is known by the number s * share + k. */
struct killed_messages {
	struct killed_workers workers;
	int share;                /* of each sender */
	_Atomic int accepted;
	struct killed_sender {
		_Atomic int next; /* what it sends next */
		_Atomic int done; /* of its group: processed in order up to here */
	} senders[KILLED_SENDERS];
	_Atomic unsigned char sent[KILLED_MOST]; /* once more where a program was killed */
	_Atomic unsigned char runs[KILLED_MOST], letters[KILLED_MOST];
};

#endif
