/* SPDX-License-Identifier: MIT */
#ifndef FAAS_GIVEN_H
#define FAAS_GIVEN_H

/* What a host program gives in struct faas_config and faas_function_config; all copied. */

#include <faas/types.h>

FAAS_BEGIN_DECLS

/* What an invocation costs. Zero members: AWS's price for x86 in us-east-1. */
struct faas_prices {
	double per_request;    /* 0.0000002 */
	double per_gb_second;  /* 0.0000166667 */
};

/*
 * A key of yours: 32 bytes, copied. NULL: it is disabled, what it encrypted is unreadable.
 * To change a key, give the new one before the old one, both with its ARN (the first of all
 * is that of functions that name none, which every key is tried on): the new one encrypts.
 * What the old one encrypted, and what lies in the state_dir as plain text because there was
 * no key, is encrypted anew when faas_create() returns, and its former text is in no file of
 * the state_dir; then the old one may go. A function that is not there again by then
 * (see faas_function_create()) is encrypted anew when it is created.
 */
struct faas_key {
	const char *arn;
	const void *bytes;
};

/*
 * A directory of yours that functions may mount (.file_system of a function, FileSystemConfigs
 * of the API), under the ARN of an access point or any other. What lies in it keeps its owners.
 * An environment acts there as others do, and as the directory's group unless that is root's:
 * `chgrp functions shared; chmod 2770 shared` is how functions share files, and what they make
 * can be written by the group. Let it be a group for this alone: in the machine's /usr and /etc
 * they may read what it may. If your program is not run by root, they act as its user. There are
 * no devices and no set-user-id in it, and what you mount below later is not seen. Do not trust
 * what they leave there: to open a FIFO waits for its other end.
 */
struct faas_file_system {
	const char *arn;  /* at most 200 bytes; NULL ends the list */
	const char *path; /* absolute; where links lead is looked at once */
	bool read_only;   /* for functions */
};

/* As TagResource has them: up to 50, with keys of 1 to 128 bytes of UTF-8, none of "aws:". */
struct faas_tag {
	const char *key;   /* NULL ends the list */
	const char *value; /* at most 256 bytes; NULL: "" */
};

FAAS_END_DECLS

#endif
