/* SPDX-License-Identifier: MIT */
#ifndef FA_MODEL_ADDRESS_H
#define FA_MODEL_ADDRESS_H

#include <stdbool.h>
#include <stddef.h>
#include <faas/types.h>

#define FA_ADDRESS_MAX 400     /* with its NUL; an ARN with a qualifier is the longest */
#define FA_ADDRESS_NAME_MAX 80 /* of all but a function */

/*
 * Where a message may go. "queue:NAME", "topic:NAME", "bus:NAME", "callback:NAME", "dir:" with
 * an absolute path, and "function:" with any name that a function can be called by. The ARNs
 * of AWS's clients are taken for what they name here: arn:aws:sqs:REGION:ACCOUNT:NAME,
 * arn:aws:sns:..., :NAME, arn:aws:events:...:event-bus/NAME,
 * arn:aws:lambda:...:function:NAME[:QUALIFIER].
 */
enum fa_address_kind {
	FA_TO_QUEUE,
	FA_TO_FUNCTION,
	FA_TO_CALLBACK,
	FA_TO_TOPIC,
	FA_TO_BUS,
	FA_TO_DIRECTORY,
};

struct fa_address {
	enum fa_address_kind kind;
	const char *name;          /* in `text` */
	char text[FA_ADDRESS_MAX]; /* KIND:NAME, whatever was written */
};

int fa_address_parse(struct fa_address *address, const char *text, struct faas_error *err);
/* The same for what has attributes besides its body: a file has none. */
int fa_address_parse_letter(struct fa_address *address, const char *text,
			    struct faas_error *err);
/* Of a directory: absolute, and without a "/" at its end. */
bool fa_address_is_path(const char *path);
/* What AWS calls a queue, a topic or a bus; others keep their text. */
#define FA_ADDRESS_ARN (FA_ADDRESS_MAX + 64)
void fa_address_arn(const struct fa_address *address, const char *region, const char *account,
		    char out[FA_ADDRESS_ARN]);

#endif
