/* SPDX-License-Identifier: MIT */
#ifndef FA_MODEL_CHECKS_H
#define FA_MODEL_CHECKS_H

/*
 * For the positive controls of the hostile tests, and for nothing else: a test
 * that still passes when the defence it is about is off has proved nothing.
 * Not exported; tests link the static library.
 */
enum fa_host_check {
	FA_CHECK_TOKEN = 1 << 0,     /* the response repeats the request's token */
	FA_CHECK_LENGTH = 1 << 1,    /* its payload lies inside the area */
	FA_CHECK_JUNK = 1 << 2,      /* useless wake-ups and rings are counted */
	FA_CHECK_LOG_BOUND = 1 << 3, /* function logs end at a budget per invocation */
	FA_CHECK_DEADLINE = 1 << 4,
	FA_CHECK_REPLY_SEQ = 1 << 5, /* no more answers than requests */
};

#endif
