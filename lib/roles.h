/* SPDX-License-Identifier: MIT */
#ifndef FA_ROLES_H
#define FA_ROLES_H

#include <model/address.h>
#include <runtime.h>

#define FA_ROLE_WHY_MAX 768 /* bytes of a refusal */

/* FAAS_EINVAL if there are roles and this one (NULL: none) does not trust Lambda. */
int fa_role_check(struct faas *rt, const char *role, struct faas_error *err);
/*
 * Whether the function's role allows it: 0, FAAS_EDENIED with `why` in the words of AWS, or
 * FAAS_ENOMEM. Without any role in the account, or of the function's, nobody is asked. Any thread.
 */
int fa_role_may(struct faas *rt, const struct fa_version *version, const char *action,
		const char *resource, char *why, size_t size);
/*
 * What one has to be allowed who sends to the address, and on what; NULL: nothing, for it is a
 * callback, which is the host's own.
 */
#define FA_SENT_ARN (FA_ADDRESS_ARN + FA_ARN_MAX)
const char *fa_role_sending(const struct faas *rt, const struct fa_address *address,
			    char arn[FA_SENT_ARN]);
/*
 * [loop] Before a letter is sent there: 0, FAAS_EDENIED, or FAAS_ENOMEM. If the function may not,
 * the metric and a line of its log say so. One that has no role may.
 */
int fa_role_let_send(struct faas *rt, struct fa_version *version,
		     const struct fa_address *address, const char *metric,
		     const char *request_id);
/*
 * FAAS_EINVAL if the function of that name may, with that role (NULL: none), not send to those who
 * are to hear of its events or of a mapping's records. "" and NULL are nobody.
 */
enum fa_telling_of { FA_OF_EVENTS, FA_OF_DEAD_LETTERS, FA_OF_RECORDS };
int fa_role_check_told(struct faas *rt, const char *function, const char *role,
		       const char *address, enum fa_telling_of of, struct faas_error *err);
/* The same of one that is gone: 0, FAAS_EDENIED, or FAAS_ENOMEM, without a word. */
int fa_role_may_tell(struct faas *rt, const char *function, const char *role,
		     const struct fa_address *address);
/* [loop] For fa_tell: whether the function's logs are recorded. `why` is filled in once. */
bool fa_role_may_log(void *rt, struct fa_version *version, char *why, size_t size);

#endif
