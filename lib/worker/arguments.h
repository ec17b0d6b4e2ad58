/* SPDX-License-Identifier: MIT */
#ifndef FA_WORKER_ARGUMENTS_H
#define FA_WORKER_ARGUMENTS_H

#include <stdbool.h>
#include <ffi.h>
#include <base/prototype.h>
#include <faas/plugin.h>

/* At least as large as ffi_arg: libffi widens small integer results to that. */
union fa_value {
	int8_t i8;
	uint8_t u8;
	int16_t i16;
	uint16_t u16;
	int32_t i32;
	uint32_t u32;
	int64_t i64;
	uint64_t u64;
	float f;
	double d;
	void *pointer;
	ffi_arg wide;
};

/*
 * One parameter: the place libffi reads the argument from, and what an out
 * parameter without [] points at. Other memory is the context's.
 */
struct fa_cell {
	union fa_value value;
	union fa_value single;
	size_t len; /* of bytes */
	bool given;
};

/* The arguments of one call, or why there is none. */
struct fa_arguments {
	const struct fa_prototype *prototype;
	struct faas_context *context;
	struct fa_cell cells[FA_PROTOTYPE_PARAMS];
	char why[200];
	bool refused, no_memory;
};

/* `prototype` and `context` are set, the rest is zero. False: see `no_memory` and `why`. */
bool fa_arguments_fill(struct fa_arguments *call, struct faas_bytes event);

/* Store the low bits of an integer as one of that type. */
void fa_store_integer(enum fa_c_type type, void *to, uint64_t bits);

#endif
