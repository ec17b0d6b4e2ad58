/* SPDX-License-Identifier: MIT */
#ifndef FA_OUTCOME_LETTER_H
#define FA_OUTCOME_LETTER_H

#include <base/mem.h>
#include <model/address.h>
#include <model/store/store.h>

/*
 * What is told of an asynchronous event that ended, word for word as Lambda writes it
 * (semantics 7): a record for a destination, and the event itself, with what it died of as
 * attributes, for a dead-letter queue.
 *
 * An event here need not be JSON. In a record, text that is no JSON becomes a string; bytes
 * that are no text become one in base64, and requestPayloadIsBase64Encoded or
 * responsePayloadIsBase64Encoded says so; nothing at all becomes null.
 */
struct fa_ended {
	const char *request_id;
	const char *arn, *qualifier; /* that it was sent to */
	const char *version;         /* that ran it last */
	const char *region, *account;
	const char *condition;       /* "Success", "RetriesExhausted", ... */
	int attempts;
	int64_t now_ms;
	struct faas_bytes event;
	bool ran, failed;            /* the last attempt */
	struct faas_bytes answer;    /* if it ran: the response, or the error as JSON */
	const char *refusal;         /* if it did not: why */
	const char *trace;           /* the header that goes on with it, or "" */
};

struct fa_letters {
	int count;
	struct fa_message messages[2]; /* of bytes that lie behind */
};

/* Either address may be NULL. One block for fa_free(), NULL: out of memory. */
struct fa_letters *fa_letters_create(const struct fa_mem *mem, const struct fa_ended *ended,
				     const struct fa_address *destination,
				     const struct fa_address *dead_letter);

#endif
