/* SPDX-License-Identifier: MIT */
#ifndef TEST_VPC_H
#define TEST_VPC_H

/*
 * Functions in subnets of a host. The machine is one that the test makes: a network namespace
 * with two bridges, VPC_HERE and 10.78.0.1, and behind its third interface another namespace,
 * where VPC_FAR is. Both listen on 8001 and 8002, by TCP and UDP. At VPC_HERE names are asked
 * for: all of them are VPC_FAR. Nothing of the real machine's network is touched.
 */
#include "control.h"

#define VPC_HERE "10.77.0.1"
#define VPC_FAR "10.88.0.2"
#define VPC_PATIENCE_MS 60000 /* for functions whose time is not what is tested */

/* subnet-a and -b are there; subnet-lost has no bridge, subnet-other is in another VPC. */
extern const struct faas_subnet vpc_subnets[];
/* sg-port: HERE, 8001 by TCP. sg-udp: FAR, up to 8001 by UDP. sg-all, sg-none. */
extern const struct faas_security_group vpc_groups[];

/* Once, first of all. */
void vpc_make_machine(void);
bool vpc_has_machine(void);
void vpc_needs_machine(void); /* or the test is skipped */

int vpc_open(void **state); /* a runtime in `flow`, with those subnets and groups */
void vpc_open_lasting(const char *state_dir);
int vpc_close(void **state);
void vpc_function(const char *name, const char *handler, const char *subnets, const char *groups);

/* Links of environments in the machine's bridges; and wait (bounded) until there are so many. */
int vpc_links(void);
void vpc_await_links(int n);

#endif
