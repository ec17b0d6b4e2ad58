/* SPDX-License-Identifier: MIT */
#ifndef FA_MODEL_ADDRESS_H
#define FA_MODEL_ADDRESS_H

#include <stddef.h>
#include <faas/types.h>

#define FA_ADDRESS_MAX 400     /* with its NUL; an ARN with a qualifier is the longest */
#define FA_ADDRESS_NAME_MAX 80 /* of a queue or a callback */

/*
 * Where a message may go. "queue:NAME", "callback:NAME", and "function:" with any name that
 * a function can be called by. The ARNs of AWS's clients are taken for what they name here:
 * arn:aws:sqs:REGION:ACCOUNT:NAME, arn:aws:lambda:REGION:ACCOUNT:function:NAME[:QUALIFIER].
 */
enum fa_address_kind { FA_TO_QUEUE, FA_TO_FUNCTION, FA_TO_CALLBACK };

struct fa_address {
	enum fa_address_kind kind;
	const char *name;          /* in `text` */
	char text[FA_ADDRESS_MAX]; /* KIND:NAME, whatever was written */
};

int fa_address_parse(struct fa_address *address, const char *text, struct faas_error *err);

#endif
