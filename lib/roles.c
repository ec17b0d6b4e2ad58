/* SPDX-License-Identifier: MIT */
/*
 * What a function's role lets it do, asked where it matters: when the function gets the role,
 * when its handler calls others, and before its logs are told. An answer about logs counts until
 * a role changes. One that was made without a role is its host's own, and may do what that may.
 */
#include <roles.h>

#include <stdio.h>
#include <string.h>

#include <base/error.h>
#include <conduct.h>
#include <env/logs_json.h>
#include <model/permission.h>
#include <model/role.h>

int fa_role_check(struct faas *rt, const char *role, struct faas_error *err)
{
	int rc;

	if (!role || !fa_roles_count(&rt->registry))
		return 0;
	rc = fa_role_trusts(&rt->registry, role, "lambda.amazonaws.com");
	if (rc == FAAS_ENOMEM)
		return fa_error_nomem(err);
	return rc ? fa_error(err, FAAS_EINVAL,
			     "The role defined for the function cannot be assumed by Lambda.")
		  : 0;
}

/* Who asks, besides its role. */
struct asker {
	const char *name, *arn, *role;
};

static int ask(struct faas *rt, const struct asker *who, const char *action,
	       const char *resource, char *why, size_t size)
{
	const struct fa_fact fact = { "lambda:SourceFunctionArn", &who->arn, 1 };
	const struct fa_policy_request request = { NULL, action, resource, &fact, 1 };
	struct fa_policy *own = NULL;
	struct faas_error err = { 0 };
	int rc;

	if (!strcmp(action, "lambda:InvokeFunction"))
		own = fa_permission_policy(&rt->registry, resource, &err);
	if (err.code)
		return err.code;
	rc = fa_role_allows_on(&rt->registry, who->role, who->name, &request, own, why, size);
	fa_policy_free(own);
	return rc;
}

static bool counts(struct faas *rt, const char *role)
{
	return role && fa_roles_epoch(&rt->registry) && fa_roles_count(&rt->registry);
}

int fa_role_may(struct faas *rt, const struct fa_version *v, const char *action,
		const char *resource, char *why, size_t size)
{
	const struct asker who = { v->config.name, v->arn, v->config.role };

	return counts(rt, who.role) ? ask(rt, &who, action, resource, why, size) : 0;
}

/* ---- whom it may send to ------------------------------------------------- */

static void write_function_arn(char arn[FA_SENT_ARN], const struct faas *rt, const char *text)
{
	struct fa_name name;

	if (fa_name_parse(&name, text, NULL))
		snprintf(arn, FA_SENT_ARN, "%s", text);
	else
		fa_name_arn(arn, &name, rt->config.region, rt->config.account);
}

const char *fa_role_sending(const struct faas *rt, const struct fa_address *address,
			    char arn[FA_SENT_ARN])
{
	static const char *const actions[] = { [FA_TO_QUEUE] = "sqs:SendMessage",
					       [FA_TO_FUNCTION] = "lambda:InvokeFunction",
					       [FA_TO_CALLBACK] = NULL,
					       [FA_TO_TOPIC] = "sns:Publish",
					       [FA_TO_BUS] = "events:PutEvents",
					       [FA_TO_DIRECTORY] = "s3:PutObject" };

	if (address->kind == FA_TO_FUNCTION)
		write_function_arn(arn, rt, address->name);
	else if (address->kind == FA_TO_DIRECTORY)
		snprintf(arn, FA_SENT_ARN, "arn:aws:s3:::%s/*", address->name);
	else
		fa_address_arn(address, rt->config.region, rt->config.account, arn);
	return actions[address->kind];
}

/* A letter that is not sent, in the metrics and in the log of its function. */
static void tell_unsent(struct faas *rt, struct fa_version *v, const char *metric,
			const char *request_id, const char *why)
{
	int64_t now_ms = fa_unix_ms(rt, fa_now(rt->clock));
	int level = FAAS_WARN;
	const struct fa_json_line line = { .unix_ms = now_ms,
					   .request_id = request_id,
					   .level = &level };
	char said[FA_ROLE_WHY_MAX + 64], room[FA_LOG_JSON_MAX(sizeof(said))];
	size_t len = (size_t)snprintf(said, sizeof(said), "%s: %s", metric, why);
	const char *text = v->logging.json ? fa_logs_json(&line, said, &len, room) : said;

	fa_tell_metric(&rt->tell, v, metric, "Count", 1, now_ms);
	fa_tell_line(&rt->tell, v, NULL, request_id, FAAS_WARN, text, len, now_ms);
}

int fa_role_let_send(struct faas *rt, struct fa_version *v, const struct fa_address *address,
		     const char *metric, const char *request_id)
{
	char arn[FA_SENT_ARN], why[FA_ROLE_WHY_MAX];
	const char *action;
	int rc = 0;

	if (!counts(rt, v->config.role))
		return 0;
	action = fa_role_sending(rt, address, arn);
	if (action)
		rc = fa_role_may(rt, v, action, arn, why, sizeof(why));
	if (rc == FAAS_EDENIED)
		tell_unsent(rt, v, metric, request_id, why);
	return rc;
}

/* The words are Lambda's for queues and topics, and for others by analogy. */
static int may_not_tell(const struct fa_address *to, const char *action, const char *arn,
			enum fa_telling_of of, struct faas_error *err)
{
	const char *call = strchr(action, ':') + 1;

	if (of != FA_OF_EVENTS && (to->kind == FA_TO_QUEUE || to->kind == FA_TO_TOPIC))
		return fa_error(err, FAAS_EINVAL,
				"The provided execution role does not have permissions to call "
				"%s on %s",
				call, to->kind == FA_TO_QUEUE ? "SQS" : "SNS");
	return fa_error(err, FAAS_EINVAL,
			"The function's execution role does not have permissions to call %s on "
			"%.200s",
			call, arn);
}

/* Whether that role (NULL: none) lets the function of that name send there. */
static int may_tell(struct faas *rt, const char *function, const char *role,
		    const char *action, const char *arn)
{
	char own[FA_ARN_MAX], why[FA_ROLE_WHY_MAX];
	const struct asker who = { function, own, role };

	if (!action || !counts(rt, role))
		return 0;
	snprintf(own, sizeof(own), "arn:aws:lambda:%s:%s:function:%s", rt->config.region,
		 rt->config.account, function);
	return ask(rt, &who, action, arn, why, sizeof(why));
}

int fa_role_may_tell(struct faas *rt, const char *function, const char *role,
		     const struct fa_address *to)
{
	char arn[FA_SENT_ARN];
	const char *action = fa_role_sending(rt, to, arn);

	return may_tell(rt, function, role, action, arn);
}

int fa_role_check_told(struct faas *rt, const char *function, const char *role,
		       const char *address, enum fa_telling_of of, struct faas_error *err)
{
	char arn[FA_SENT_ARN];
	struct fa_address to;
	const char *action;
	int rc;

	if (!address || !*address || fa_address_parse(&to, address, NULL))
		return 0;
	action = fa_role_sending(rt, &to, arn);
	rc = may_tell(rt, function, role, action, arn);
	if (rc == FAAS_ENOMEM)
		return fa_error_nomem(err);
	return rc ? may_not_tell(&to, action, arn, of, err) : 0;
}

/* ---- whether its logs are told ------------------------------------------- */

/* The three that the documentation says are enough. */
static int check_writing(struct faas *rt, const struct fa_version *v, char *why, size_t size)
{
	static const struct {
		const char *action, *below;
	} asked[] = { { "logs:CreateLogGroup", "" },
		      { "logs:CreateLogStream", ":log-stream:" },
		      { "logs:PutLogEvents", ":log-stream:" } };
	const struct asker who = { v->config.name, v->arn, v->config.role };
	char arn[700];
	int rc = 0;

	for (size_t i = 0; !rc && i < sizeof(asked) / sizeof(*asked); i++) {
		snprintf(arn, sizeof(arn), "arn:aws:logs:%s:%s:log-group:%s%s", rt->config.region,
			 rt->config.account, v->config.log_group, asked[i].below);
		rc = ask(rt, &who, asked[i].action, arn, why, size);
	}
	return rc;
}

bool fa_role_may_log(void *data, struct fa_version *v, char *why, size_t size)
{
	struct faas *rt = data;
	uint32_t epoch;
	int rc;

	epoch = fa_roles_epoch(&rt->registry);
	if (!epoch || !v->config.role)
		return true;
	if (v->logs_asked != epoch) {
		rc = fa_roles_count(&rt->registry) ? check_writing(rt, v, why, size) : 0;
		if (rc == FAAS_ENOMEM)
			return false; /* the next lines ask again */
		v->logs_refused = rc;
		v->logs_asked = epoch;
	}
	return !v->logs_refused;
}
