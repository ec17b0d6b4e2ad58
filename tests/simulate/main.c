/* SPDX-License-Identifier: MIT */
/*
 * simulate [--seeds N] [--from SEED] [--seed SEED] [--steps] [--plant FAULT]
 *
 * Plays seeds one after the other until one breaks a promise, and says which.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "play.h"

static enum plant plant_of(const char *name)
{
	for (int i = 1; i < PLANTS; i++)
		if (!strcmp(plant_names[i], name))
			return (enum plant)i;
	fprintf(stderr, "no such fault: %s; there are:", name);
	for (int i = 1; i < PLANTS; i++)
		fprintf(stderr, " %s", plant_names[i]);
	fprintf(stderr, "\n");
	exit(2);
}

int main(int argc, char **argv)
{
	uint64_t from = 1, seeds = 1, steps = 0, digest = 0;
	enum plant plant = NO_PLANT;

	for (int i = 1; i < argc; i++) {
		const char *value = i + 1 < argc ? argv[i + 1] : "";

		if (!strcmp(argv[i], "--steps")) {
			setenv("SIMULATE_STEPS", "1", 1);
			continue;
		}
		i++;
		if (!strcmp(argv[i - 1], "--seeds")) {
			seeds = strtoull(value, NULL, 10);
		} else if (!strcmp(argv[i - 1], "--from") || !strcmp(argv[i - 1], "--seed")) {
			from = strtoull(value, NULL, 10);
		} else if (!strcmp(argv[i - 1], "--plant")) {
			plant = plant_of(value);
		} else {
			fprintf(stderr, "usage: simulate [--seeds N] [--from SEED] [--seed SEED] "
					"[--steps] [--plant FAULT]\n");
			return 2;
		}
	}
	for (uint64_t seed = from; seed < from + seeds; seed++) {
		digest = digest * 31 + play(seed, plant);
		steps += world.happened;
	}
	printf("%llu seeds, %llu steps, digest %016llx: every promise was kept\n",
	       (unsigned long long)seeds, (unsigned long long)steps, (unsigned long long)digest);
	return 0;
}
