/* SPDX-License-Identifier: MIT */
#ifndef FA_HTTP_FACTS_H
#define FA_HTTP_FACTS_H

#include <control/control.h>
#include <http/route.h>
#include <model/policy/request.h>
#include <model/role.h>
#include <model/vpc.h>

/* What a request says of itself, for the conditions of policies (semantics 10). */
struct fa_facts {
	struct fa_fact list[FA_ROLE_FACTS];
	size_t count;
	const char *values[FA_ROLE_FACTS];               /* of those that have one */
	const char *layers[8], *subnets[16], *groups[8]; /* borrowed of the request */
	char arn[FA_NAME_ARN];                           /* of a mapping's function */
	char principal[257], url_type[16];               /* of a statement that is to go */
};

/* One that has one value, borrowed; NULL: it has none. */
void fa_facts_add(struct fa_facts *facts, const char *key, const char *value);
/*
 * Those of an operation of the Lambda API: the keys lambda:FunctionArn, Layer, VpcIds, SubnetIds,
 * SecurityGroupIds, CodeSigningConfigArn, Principal and FunctionUrlAuthType, each where AWS has
 * it. What an operation does not say it takes from what is there. `in` lives as long as they.
 * 0 or FAAS_ENOMEM.
 */
int fa_facts_read(struct fa_facts *facts, struct faas *rt, const struct fa_route *route,
		  const struct fa_document *in);

#endif
