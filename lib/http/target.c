/* SPDX-License-Identifier: MIT */
/*
 * DynamoDB and EventBridge have neither paths nor forms: JSON is posted to "/", the header
 * X-Amz-Target says "Service_Version.Operation", and JSON comes back. A row of the table is an
 * operation: what it may be told, and which of the library's own doors it is.
 */
#include <http/target.h>

#include <stdio.h>
#include <string.h>

#include <base/error.h>
#include <control/control.h>
#include <faas/source.h>
#include <http/signer.h>
#include <model/address.h>
#include <model/table.h>

#define MEMBERS_MAX 5

struct target {
	const char *name;
	const char *action; /* "service:Operation", for a role */
	const char *members[MEMBERS_MAX];
	int (*ask)(struct faas *rt, const struct target *target, const struct fa_document *in,
		   struct fa_document *out, struct faas_error *err);
	/* Whether who asks may. */
	int (*may)(struct faas *rt, const struct fa_signer *signer, const struct target *target,
		   const struct fa_document *in, struct faas_error *err);
};

/* One request, on its way through a thread. */
struct request {
	struct fa_chore chore;
	struct fa_api *api;
	struct fa_http_caller *caller;
	const struct target *target;
	struct fa_signer signer;
	char *body;
	struct fa_document *out;
	struct faas_error err;
};

static int invalid(struct faas_error *err, const char *what, const char *name)
{
	return fa_error_typed(err, FAAS_EINVAL, "ValidationException", "%s: %.80s", what, name);
}

/* ---- DynamoDB -------------------------------------------------------------- */

#define ADDRESS_MAX (FA_TABLE_NAME_MAX + 8)

/* In the one form that it has here, so that a policy cannot be evaded by another. */
static int read_table(char out[ADDRESS_MAX], const struct fa_document *in, struct faas_error *err)
{
	const char *text = fa_control_text(in, "TableName");
	char name[FA_TABLE_NAME_MAX + 1], address[FA_ADDRESS_MAX];

	if (!text)
		return invalid(err, "a text is required", "TableName");
	snprintf(address, sizeof(address), "%s%s", strncmp(text, "arn:", 4) ? "table:" : "", text);
	if (!fa_table_name(name, address))
		return invalid(err, "TableName is a name of 3 to 255 letters, digits, '-', '_' and "
				    "'.', or the ARN of a table, not", text);
	snprintf(out, ADDRESS_MAX, "table:%s", name);
	return 0;
}

/* The text of a member that is an object; fa_free(). */
static char *read_object(const struct fa_document *in, const char *name, const struct fa_mem *mem,
			 struct faas_error *err)
{
	const struct fa_document *value = fa_document_get(in, name);
	char *text;

	if (!fa_document_is_object(value)) {
		invalid(err, "an object is required", name);
		return NULL;
	}
	text = fa_document_print(value, mem);
	if (!text)
		fa_error_nomem(err);
	return text;
}

/* Takes the item; NULL: there is none. */
static int put_item(struct fa_document *out, const char *name, char *item, struct faas_error *err)
{
	struct fa_document *value = item ? fa_document_parse(item, err) : NULL;

	faas_free(item);
	if (!item)
		return 0;
	return !value || fa_document_put(out, name, value) ? fa_error_nomem(err) : 0;
}

static int get(struct faas *rt, const struct target *target, const struct fa_document *in,
	       struct fa_document *out, struct faas_error *err)
{
	char table[ADDRESS_MAX], *key, *item = NULL;
	int rc = read_table(table, in, err);

	(void)target;
	key = rc ? NULL : read_object(in, "Key", &rt->mem, err);
	if (!key)
		return err->code;
	rc = faas_item_get(rt, table, key, &item, err);
	fa_free(key);
	return rc ? rc : put_item(out, "Item", item, err);
}

typedef int item_door(struct faas *rt, const char *table, const char *text, const char *condition,
		      char **old, struct faas_error *err);

/* `member`: what the door is told, an item or its key. */
static int change(struct faas *rt, item_door *door, const char *member,
		  const struct fa_document *in, struct fa_document *out, struct faas_error *err)
{
	const char *wanted = fa_control_text(in, "ReturnValues");
	bool tells = wanted && !strcmp(wanted, "ALL_OLD");
	char table[ADDRESS_MAX], *text, *old = NULL;
	int rc = read_table(table, in, err);

	if (!rc && wanted && !tells && strcmp(wanted, "NONE") != 0)
		rc = invalid(err, "ReturnValues is NONE or ALL_OLD, not", wanted);
	text = rc ? NULL : read_object(in, member, &rt->mem, err);
	if (!text)
		return err->code;
	rc = door(rt, table, text, NULL, tells ? &old : NULL, err);
	fa_free(text);
	return rc ? rc : put_item(out, "Attributes", old, err);
}

static int put(struct faas *rt, const struct target *target, const struct fa_document *in,
	       struct fa_document *out, struct faas_error *err)
{
	(void)target;
	return change(rt, faas_item_put, "Item", in, out, err);
}

static int delete(struct faas *rt, const struct target *target, const struct fa_document *in,
		  struct fa_document *out, struct faas_error *err)
{
	(void)target;
	return change(rt, faas_item_delete, "Key", in, out, err);
}

static void table_arn(char out[FA_ADDRESS_ARN], const struct faas *rt, const char *table)
{
	snprintf(out, FA_ADDRESS_ARN, "arn:aws:dynamodb:%s:%s:table/%s", rt->config.region,
		 rt->config.account, table + strlen("table:"));
}

/* What a table is there for is what it was made for: its members are shown again. */
static int describe(struct fa_document *out, const struct faas *rt, const struct fa_document *in,
		    const char *table, const char *status)
{
	struct fa_document *shown = fa_document_copy(in);
	char arn[FA_ADDRESS_ARN];
	int rc;

	table_arn(arn, rt, table);
	fa_document_drop(shown, "BillingMode");
	rc = !shown || fa_document_put_text(shown, "TableStatus", status) |
			       fa_document_put_text(shown, "TableArn", arn);
	return rc | fa_document_put(out, "TableDescription", shown);
}

static int create_table(struct faas *rt, const struct target *target, const struct fa_document *in,
			struct fa_document *out, struct faas_error *err)
{
	struct fa_document *options = fa_document_copy(in);
	char table[ADDRESS_MAX], *text;
	int rc = read_table(table, in, err);

	(void)target;
	fa_document_drop(options, "TableName");
	fa_document_drop(options, "BillingMode");
	text = options ? fa_document_print(options, &rt->mem) : NULL;
	if (!rc && !text)
		rc = fa_error_nomem(err);
	if (!rc)
		rc = faas_resource_create(rt, table, text, err);
	fa_free(text);
	fa_document_free(options);
	return rc ? rc : describe(out, rt, in, table, "ACTIVE") ? fa_error_nomem(err) : 0;
}

static int delete_table(struct faas *rt, const struct target *target, const struct fa_document *in,
			struct fa_document *out, struct faas_error *err)
{
	char table[ADDRESS_MAX];
	int rc = read_table(table, in, err);

	(void)target;
	if (!rc)
		rc = faas_resource_delete(rt, table, err);
	return rc ? rc : describe(out, rt, in, table, "DELETING") ? fa_error_nomem(err) : 0;
}

static int may_use_table(struct faas *rt, const struct fa_signer *signer,
			 const struct target *target, const struct fa_document *in,
			 struct faas_error *err)
{
	char table[ADDRESS_MAX], arn[FA_ADDRESS_ARN];
	int rc = read_table(table, in, err);

	if (rc)
		return rc;
	table_arn(arn, rt, table);
	return fa_signer_may_use(rt, signer, target->action, arn, err);
}

/* ---- EventBridge ----------------------------------------------------------- */

static int put_events(struct faas *rt, const struct target *target, const struct fa_document *in,
		      struct fa_document *out, struct faas_error *err)
{
	struct fa_document *reply;
	const struct fa_document *value;
	const char *name = NULL;
	char *text = NULL;
	int rc = fa_control(rt, "PutEvents", in, &text, err);

	(void)target;
	reply = rc ? NULL : fa_document_parse(text, err);
	faas_free(text);
	while (reply && (name = fa_document_next(reply, name, &value)))
		rc |= fa_document_put(out, name, fa_document_copy(value));
	if (!err->code && (rc || !reply))
		fa_error_nomem(err);
	fa_document_free(reply);
	return err->code;
}

static int may_use_buses(struct faas *rt, const struct fa_signer *signer,
			 const struct target *target, const struct fa_document *in,
			 struct faas_error *err)
{
	const struct fa_document *entries = fa_document_get(in, "Entries"), *entry;
	char text[FA_ADDRESS_MAX], arn[FA_ADDRESS_ARN];
	struct fa_address bus;
	int rc = 0;

	for (size_t i = 0; !rc && (entry = fa_document_item(entries, i)); i++) {
		const char *name = fa_control_text(entry, "EventBusName");

		snprintf(text, sizeof(text), "%s%s",
			 name && !strncmp(name, "arn:", 4) ? "" : "bus:", name ? name : "default");
		if (fa_address_parse(&bus, text, NULL))
			continue; /* nor will it be sent anywhere */
		fa_address_arn(&bus, rt->config.region, rt->config.account, arn);
		rc = fa_signer_may_use(rt, signer, target->action, arn, err);
	}
	return rc;
}

/* ---- the table --------------------------------------------------------------- */

#define DYNAMODB "DynamoDB_20120810."

static const struct target targets[] = {
	{ DYNAMODB "PutItem", "dynamodb:PutItem", { "TableName", "Item", "ReturnValues" }, put,
	  may_use_table },
	{ DYNAMODB "GetItem", "dynamodb:GetItem", { "TableName", "Key", "ConsistentRead" }, get,
	  may_use_table },
	{ DYNAMODB "DeleteItem", "dynamodb:DeleteItem", { "TableName", "Key", "ReturnValues" },
	  delete, may_use_table },
	{ DYNAMODB "CreateTable", "dynamodb:CreateTable",
	  { "TableName", "KeySchema", "AttributeDefinitions", "StreamSpecification",
	    "BillingMode" }, create_table, may_use_table },
	{ DYNAMODB "DeleteTable", "dynamodb:DeleteTable", { "TableName" }, delete_table,
	  may_use_table },
	{ "AWSEvents.PutEvents", "events:PutEvents", { "Entries" }, put_events, may_use_buses },
};

static const struct target *find(const char *name)
{
	for (size_t i = 0; i < sizeof(targets) / sizeof(*targets); i++)
		if (!strcmp(targets[i].name, name))
			return &targets[i];
	return NULL;
}

bool fa_target_is_meant(const struct fa_http_request *request)
{
	const char *name = fa_http_get(request, "X-Amz-Target");

	return !strcmp(request->method, "POST") && !strcmp(request->target, "/") && name &&
	       find(name);
}

/* ---- a request --------------------------------------------------------------- */

/* What would do nothing here is refused, not ignored. */
static int check_members(const struct target *target, const struct fa_document *in,
			 struct faas_error *err)
{
	const struct fa_document *value;
	const char *name = NULL;

	while ((name = fa_document_next(in, name, &value))) {
		bool known = false;

		for (int i = 0; i < MEMBERS_MAX && target->members[i]; i++)
			known |= !strcmp(target->members[i], name);
		if (!known)
			return invalid(err, "this would do nothing here", name);
	}
	return 0;
}

static void perform(struct fa_chore *chore)
{
	struct request *r = fa_container(chore, struct request, chore);
	const struct target *target = r->target;
	struct faas *rt = r->api->rt;
	struct fa_document *in = fa_document_parse(r->body, &r->err);

	r->out = fa_document_object();
	if (!r->out)
		fa_error_nomem(&r->err);
	else if (in && !check_members(target, in, &r->err) &&
		 !target->may(rt, &r->signer, target, in, &r->err))
		target->ask(rt, target, in, r->out, &r->err);
	fa_document_free(in);
}

/* An error of any of them is its type and its text, and a status that says whose it was. */
static void write_error(struct fa_document *out, const struct faas_error *err, bool of_tables)
{
	const char *type = err->type;

	if (of_tables && !strcmp(type, "InvalidParameterValueException"))
		type = "ValidationException";
	if (of_tables && err->code == FAAS_EEXIST)
		type = "ResourceInUseException";
	fa_document_put_text(out, "__type", type);
	fa_document_put_text(out, "message", err->message);
}

static int status_of(const struct faas_error *err)
{
	return err->code == FAAS_ESYSTEM || err->code == FAAS_ENOMEM || err->code == FAAS_EUNKNOWN
		       ? 500 : 400;
}

static void answer(struct fa_chore *chore)
{
	struct request *r = fa_container(chore, struct request, chore);
	bool of_tables = !strncmp(r->target->name, DYNAMODB, strlen(DYNAMODB));
	struct fa_document *out = r->err.code ? fa_document_object() : r->out;
	char id[FA_API_ID_MAX], *text;
	const struct fa_http_field fields[] = {
		{ "Content-Type", of_tables ? "application/x-amz-json-1.0"
					   : "application/x-amz-json-1.1" },
		{ "x-amzn-RequestId", id },
	};

	if (r->err.code && out)
		write_error(out, &r->err, of_tables);
	text = out ? fa_document_print(out, &r->api->rt->mem) : NULL;
	fa_api_new_id(id);
	r->caller->answer(r->caller, !text ? 500 : r->err.code ? status_of(&r->err) : 200, fields,
			  2, (struct faas_bytes){ text ? text : "", text ? strlen(text) : 0 });
	if (out != r->out)
		fa_document_free(out);
	fa_document_free(r->out);
	fa_free(text);
	fa_free(r->body);
	fa_free(r);
}

void fa_target_serve(struct fa_api *api, struct fa_http_caller *caller,
		     const struct fa_http_request *request)
{
	const struct target *target = find(fa_http_get(request, "X-Amz-Target"));
	struct request *r = fa_alloc(&api->rt->mem, sizeof(*r));
	char service[16];

	if (r)
		r->body = fa_memdup(&api->rt->mem, request->body.data, request->body.len);
	if (!r || !r->body) {
		fa_free(r);
		fa_api_no_memory(api, caller);
		return;
	}
	r->chore.run = perform;
	r->chore.done = answer;
	r->api = api;
	r->caller = caller;
	r->target = target;
	snprintf(service, sizeof(service), "%.*s", (int)strcspn(target->action, ":"),
		 target->action);
	if (fa_signer_read(&r->signer, api, caller, request, service, &r->err))
		answer(&r->chore);
	else
		fa_chores_add(api->chores, &r->chore);
}
