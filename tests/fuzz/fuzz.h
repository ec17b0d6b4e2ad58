/* SPDX-License-Identifier: MIT */
#ifndef TEST_FUZZ_H
#define TEST_FUZZ_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/*
 * A fuzz target is a file with LLVMFuzzerTestOneInput() and a corpus to begin
 * with. driver.c feeds it mutations of the corpus, the same in every run; ./tests/fuzz/run
 * searches longer, with libFuzzer in its place.
 */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
extern const char *const fuzz_corpus[]; /* ends in NULL */
extern const char fuzz_promise[];       /* the sentence that holds if nothing aborts */

/* A property that must hold of every input. */
#define PROPERTY(condition) \
	do { \
		if (!(condition)) { \
			fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #condition); \
			abort(); \
		} \
	} while (0)

#endif
