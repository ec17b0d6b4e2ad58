/* SPDX-License-Identifier: MIT */
#ifndef FA_MESSAGES_H
#define FA_MESSAGES_H

#include <runtime.h>

/* What a host is shown of a message; it borrows all of it. */
void fa_message_show(struct faas_message *shown, const struct fa_message *message);

#endif
