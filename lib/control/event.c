/* SPDX-License-Identifier: MIT */
/* Operations on what becomes of asynchronous events. */
#include <control/control.h>

#include <stdio.h>
#include <string.h>

#include <base/error.h>
#include <model/event_config.h>
#include <roles.h>

/* ---- one as JSON ------------------------------------------------------ */

static int put_destination(struct fa_document *out, const char *name, const char *address)
{
	struct fa_document *destination = fa_document_object();
	int rc = 0;

	if (*address)
		rc = fa_document_put_text(destination, "Destination", address);
	return fa_document_put(out, name, destination) | rc;
}

static int put_config(struct fa_document *out, struct faas *rt, const char *function,
		      const struct fa_event_config *config)
{
	struct fa_document *destinations = fa_document_object();
	char arn[FA_TARGET_MAX + FA_ARN_MAX];
	int rc;

	snprintf(arn, sizeof(arn), "arn:aws:lambda:%s:%s:function:%s:%s", rt->config.region,
		 rt->config.account, function, config->qualifier);
	rc = fa_document_put_number(out, "LastModified", (double)config->modified_ms / 1000);
	rc |= fa_document_put_text(out, "FunctionArn", arn);
	if (config->max_retries != FA_UNSAID)
		rc |= fa_document_put_integer(out, "MaximumRetryAttempts", config->max_retries);
	if (config->max_age_s != FA_UNSAID)
		rc |= fa_document_put_integer(out, "MaximumEventAgeInSeconds", config->max_age_s);
	rc |= put_destination(destinations, "OnSuccess", config->on_success);
	rc |= put_destination(destinations, "OnFailure", config->on_failure);
	return fa_document_put(out, "DestinationConfig", destinations) | rc;
}

/* ---- read what is asked for ------------------------------------------ */

/* No OnSuccess: as it was. One without a destination: nobody. */
static void read_destination(const struct fa_document *destinations, const char *name,
			     const char **address)
{
	const struct fa_document *one = fa_document_get(destinations, name);
	const char *destination = fa_control_text(one, "Destination");

	if (one)
		*address = destination ? destination : "";
}

/* By the role of the version that the qualifier means; one that is not there is told later. */
static int check_told(struct faas *rt, const struct fa_event_change *change,
		      struct faas_error *err)
{
	char name[FA_ARN_MAX + FA_QUALIFIER_MAX + 2];
	struct fa_version *v;
	int rc;

	snprintf(name, sizeof(name), "%s%s%s", change->function, *change->qualifier ? ":" : "",
		 change->qualifier);
	v = fa_registry_find(&rt->registry, name, NULL);
	if (!v)
		return 0;
	rc = fa_role_check_told(rt, v->config.name, v->config.role, change->on_success,
				FA_OF_EVENTS, err);
	if (!rc)
		rc = fa_role_check_told(rt, v->config.name, v->config.role, change->on_failure,
					FA_OF_EVENTS, err);
	fa_version_unref(v);
	return rc;
}

static int set(struct faas *rt, const struct fa_document *in, struct fa_document *out, bool whole,
	       struct faas_error *err)
{
	const struct fa_document *destinations = fa_document_get(in, "DestinationConfig");
	struct fa_event_change change = { .whole = whole,
					  .now_ms = rt->clock->unix_ms(rt->clock) };
	struct fa_event_config config;
	struct fa_control_split target;
	int rc = fa_control_split(&target, rt, in, err);

	change.function = target.function;
	change.qualifier = target.qualifier;
	change.max_retries = fa_control_number(in, "MaximumRetryAttempts", FA_UNSAID);
	change.max_age_s = fa_control_number(in, "MaximumEventAgeInSeconds", FA_UNSAID);
	if (!rc && change.max_retries == FA_UNSAID && change.max_age_s == FA_UNSAID &&
	    !destinations)
		rc = fa_error(err, FAAS_EINVAL,
			      "You must specify at least one of error handling or destination "
			      "setting.");
	read_destination(destinations, "OnSuccess", &change.on_success);
	read_destination(destinations, "OnFailure", &change.on_failure);
	if (!rc)
		rc = check_told(rt, &change, err);
	if (!rc)
		rc = fa_event_config_set(&rt->registry, &change, &config, err);
	if (rc)
		return rc;
	return put_config(out, rt, target.function, &config) ? fa_error_nomem(err) : 0;
}

/* ---- operations ------------------------------------------------------ */

static int put(struct faas *rt, const struct fa_document *in, struct fa_document *out,
	       struct faas_error *err)
{
	return set(rt, in, out, true, err);
}

static int update(struct faas *rt, const struct fa_document *in, struct fa_document *out,
		  struct faas_error *err)
{
	return set(rt, in, out, false, err);
}

static int get(struct faas *rt, const struct fa_document *in, struct fa_document *out,
	       struct faas_error *err)
{
	struct fa_event_config config;
	struct fa_control_split target;
	int rc = fa_control_split(&target, rt, in, err);

	if (!rc)
		rc = fa_event_config_get(&rt->registry, target.function, target.qualifier, &config,
					 err);
	if (rc)
		return rc;
	return put_config(out, rt, target.function, &config) ? fa_error_nomem(err) : 0;
}

static int delete(struct faas *rt, const struct fa_document *in, struct fa_document *out,
		  struct faas_error *err)
{
	struct fa_control_split target;
	int rc = fa_control_split(&target, rt, in, err);

	(void)out;
	return rc ? rc :
		    fa_event_config_delete(&rt->registry, target.function, target.qualifier, err);
}

struct listed {
	struct faas *rt;
	const char *function;
	struct fa_event_config *configs;
};

static int put_nth(const void *data, size_t nth, struct fa_document *item, struct faas_error *err)
{
	const struct listed *all = data;

	(void)err;
	return put_config(item, all->rt, all->function, &all->configs[nth]);
}

static int list(struct faas *rt, const struct fa_document *in, struct fa_document *out,
		struct faas_error *err)
{
	struct fa_control_split target;
	struct listed all = { rt, target.function, NULL };
	size_t count;
	int rc = fa_control_split(&target, rt, in, err);

	if (!rc)
		rc = fa_event_config_list(&rt->registry, target.function, &all.configs, &count,
					  err);
	if (rc)
		return rc;
	rc = fa_control_list(in, out, "FunctionEventInvokeConfigs", count, put_nth, &all, err);
	fa_free(all.configs);
	return rc;
}

/* ---- the table ------------------------------------------------------- */

#define FIELDS(...) (const struct fa_field[]){ FA_FUNCTION_FIELD, __VA_ARGS__, FA_NO_FIELD }
#define QUALIFIER FA_QUALIFIER_FIELD(false)
#define SETTINGS \
	QUALIFIER, FA_INTEGER_OF("MaximumRetryAttempts", false, 0, 2), \
		FA_INTEGER_OF("MaximumEventAgeInSeconds", false, 60, 21600), \
		FA_DESTINATIONS_FIELD

const struct fa_operation fa_event_operations[] = {
	{ "PutFunctionEventInvokeConfig", FIELDS(SETTINGS), put },
	{ "UpdateFunctionEventInvokeConfig", FIELDS(SETTINGS), update },
	{ "GetFunctionEventInvokeConfig", FIELDS(QUALIFIER), get },
	{ "DeleteFunctionEventInvokeConfig", FIELDS(QUALIFIER), delete },
	{ "ListFunctionEventInvokeConfigs", FIELDS(FA_PAGE_FIELDS(FA_PAGE_MOST)), list },
	{ NULL, NULL, NULL },
};
