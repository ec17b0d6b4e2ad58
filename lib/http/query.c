/* SPDX-License-Identifier: MIT */
/*
 * IAM and STS are older than the paths and the JSON of Lambda: a form is posted to "/", whose
 * Action is the operation and whose Version is the service, and XML comes back. What is in
 * between is faas_control() as everywhere: its answer is written down as XML, member by member.
 */
#include <http/query.h>

#include <string.h>
#include <strings.h>

#include <base/error.h>
#include <base/text.h>
#include <control/control.h>
#include <http/event.h>
#include <http/signer.h>

#define PAIRS_MAX 64

struct service {
	const char *name, *version, *space;
};

static const struct service services[] = {
	{ "iam", "2010-05-08", "https://iam.amazonaws.com/doc/2010-05-08/" },
	{ "sts", "2011-06-15", "https://sts.amazonaws.com/doc/2011-06-15/" },
};

/* One request, on its way through a thread. */
struct question {
	struct fa_chore chore;
	struct fa_api *api;
	struct fa_http_caller *caller;
	const struct service *service;
	const char *operation; /* the table's */
	const char *action;    /* the same without "iam:" */
	struct fa_document *in, *out;
	struct fa_signer signer;
	struct faas_error err;
};

bool fa_query_is_meant(const struct fa_http_request *request)
{
	static const char form[] = "application/x-www-form-urlencoded";
	const char *type = fa_http_get(request, "Content-Type");

	return !strcmp(request->method, "POST") && request->target[0] == '/' &&
	       (!request->target[1] || request->target[1] == '?') && type &&
	       !strncasecmp(type, form, sizeof(form) - 1);
}

/* ---- the form ------------------------------------------------------------ */

static int malformed(struct faas_error *err)
{
	return fa_error_typed(err, FAAS_EINVAL, "MalformedQueryString",
			      "the form is not of at most %d pairs of text, each name=value",
			      PAIRS_MAX);
}

/* It may be any bytes, and what comes of it shall be a document. */
static bool is_text(const char *text)
{
	size_t len = strlen(text), n;
	bool valid = true;

	for (; len && valid; text += n, len -= n) {
		n = 1;
		if (*text & 0x80)
			n = fa_text_character(text, len, &valid);
	}
	return valid;
}

/* "name=value", written over. */
static int read_pair(struct fa_document *in, char *name, size_t len, struct faas_error *err)
{
	size_t name_len = strcspn(name, "=&"), value_at = name_len + (name_len < len);
	char *value = name + value_at;
	size_t value_len = fa_event_decode(value, len - value_at, true);

	name_len = fa_event_decode(name, name_len, true);
	if (name_len == SIZE_MAX || value_len == SIZE_MAX)
		return malformed(err);
	value[value_len] = '\0';
	name[name_len] = '\0';
	if (!*name || !is_text(name) || !is_text(value) || fa_document_get(in, name))
		return malformed(err);
	return fa_document_put_text(in, name, value) ? fa_error_nomem(err) : 0;
}

static int read_pairs(struct fa_document *in, char *text, struct faas_error *err)
{
	int rc = 0, count = 0;

	while (!rc && *text) {
		size_t len = strcspn(text, "&");
		char *pair = text;

		text += len + (text[len] == '&');
		if (len)
			rc = ++count > PAIRS_MAX ? malformed(err) : read_pair(in, pair, len, err);
	}
	return rc;
}

static struct fa_document *read_form(const struct fa_mem *mem, struct faas_bytes body,
				     struct faas_error *err)
{
	struct fa_document *in = fa_document_object();
	char *copy = fa_memdup(mem, body.data, body.len);
	int rc = !in || !copy ? fa_error_nomem(err) :
		 strlen(copy) != body.len ? malformed(err) :
					    read_pairs(in, copy, err);

	fa_free(copy);
	if (!rc)
		return in;
	fa_document_free(in);
	return NULL;
}

/* ---- XML ----------------------------------------------------------------- */

static void put_escaped(struct fa_text *out, const char *text)
{
	for (size_t len; *text; text += len + !!text[len]) {
		len = strcspn(text, "&<>\"\r");
		fa_text_bytes(out, text, len);
		switch (text[len]) {
		case '&':
			fa_text_add(out, "&amp;");
			break;
		case '<':
			fa_text_add(out, "&lt;");
			break;
		case '>':
			fa_text_add(out, "&gt;");
			break;
		case '"':
			fa_text_add(out, "&quot;");
			break;
		case '\r':
			fa_text_add(out, "&#13;");
			break;
		}
	}
}

/* IAM shows documents as RFC 3986 has them. */
static void put_encoded(struct fa_text *out, const char *text)
{
	static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
				    "0123456789-_.~";
	char hex[3];

	for (; *text; text++) {
		struct fa_text pair = FA_TEXT(hex);

		if (strchr(plain, *text)) {
			fa_text_bytes(out, text, 1);
			continue;
		}
		fa_text_hex(&pair, text, 1);
		for (int i = 0; i < 2; i++)
			hex[i] -= hex[i] >= 'a' ? 'a' - 'A' : 0;
		fa_text_add(out, "%");
		fa_text_add(out, hex);
	}
}

static void open_tag(struct fa_text *out, const char *name, const char *end)
{
	fa_text_add(out, "<");
	fa_text_add(out, name);
	fa_text_add(out, end);
}

static void close_tag(struct fa_text *out, const char *name, const char *end)
{
	fa_text_add(out, "</");
	fa_text_add(out, name);
	fa_text_add(out, end);
	fa_text_add(out, ">");
}

/* What can be shown is shallow: a list of objects of texts. */
static void put_value(struct fa_text *out, const char *name, const struct fa_document *value)
{
	const struct fa_document *part;
	const char *member = NULL, *text = fa_document_text(value);
	int64_t number;
	bool flag;

	open_tag(out, name, ">");
	if (text && strstr(name, "Document"))
		put_encoded(out, text);
	else if (text)
		put_escaped(out, text);
	else if (fa_document_integer(value, &number))
		fa_text_int(out, number);
	else if (fa_document_boolean(value, &flag))
		fa_text_add(out, flag ? "true" : "false");
	for (size_t i = 0; (part = fa_document_item(value, i)); i++)
		put_value(out, "member", part);
	while ((member = fa_document_next(value, member, &part)))
		put_value(out, member, part);
	close_tag(out, name, "");
}

static void put_result(struct fa_text *out, const struct question *q)
{
	const struct fa_document *value;
	const char *name = NULL;

	open_tag(out, q->action, "Result>");
	while ((name = fa_document_next(q->out, name, &value)))
		put_value(out, name, value);
	if (!strncmp(q->action, "List", 4))
		fa_text_add(out, "<IsTruncated>false</IsTruncated>");
	close_tag(out, q->action, "Result");
}

static void put_response(struct fa_text *out, const struct question *q, const char *id)
{
	open_tag(out, q->action, "Response xmlns=\"");
	fa_text_add(out, q->service->space);
	fa_text_add(out, "\">");
	if (fa_document_count(q->out))
		put_result(out, q);
	fa_text_add(out, "<ResponseMetadata><RequestId>");
	fa_text_add(out, id);
	fa_text_add(out, "</RequestId></ResponseMetadata>");
	close_tag(out, q->action, "Response");
}

/* ---- errors ---------------------------------------------------------------- */

/* What IAM and STS call it, if that is not what Lambda does. */
static const struct {
	const char *type, *code;
	int status;
} errors[] = {
	{ "AccessDeniedException", "AccessDenied", 403 },
	{ "DeleteConflict", NULL, 409 },
	{ "EntityAlreadyExists", NULL, 409 },
	{ "IncompleteSignatureException", "IncompleteSignature", 400 },
	{ "InvalidSignatureException", "SignatureDoesNotMatch", 403 },
	{ "LimitExceeded", NULL, 409 },
	{ "MissingAuthenticationTokenException", "MissingAuthenticationToken", 403 },
	{ "NoSuchEntity", NULL, 404 },
	{ "ServiceException", "ServiceFailure", 500 },
	{ "UnrecognizedClientException", "InvalidClientTokenId", 403 },
	{ "ValidationException", "ValidationError", 400 },
};

static int status_of(const struct faas_error *err, const char **code)
{
	*code = err->type;
	for (size_t i = 0; i < sizeof(errors) / sizeof(*errors); i++) {
		if (strcmp(errors[i].type, err->type))
			continue;
		*code = errors[i].code ? errors[i].code : err->type;
		return errors[i].status;
	}
	return 400;
}

static void answer_xml(struct fa_http_caller *caller, int status, const char *id,
		       const struct fa_text *text)
{
	const struct fa_http_field fields[] = { { "Content-Type", "text/xml" },
						{ "x-amzn-RequestId", id } };

	caller->answer(caller, status, fields, 2, (struct faas_bytes){ text->data, text->len });
}

static void refuse(struct fa_http_caller *caller, const struct faas_error *err)
{
	char xml[6 * sizeof(err->message) + 1024], id[FA_API_ID_MAX];
	struct fa_text text = FA_TEXT(xml);
	const char *code;
	int status = status_of(err, &code);

	fa_api_new_id(id);
	fa_text_add(&text, "<ErrorResponse><Error><Type>");
	fa_text_add(&text, status < 500 ? "Sender" : "Receiver");
	fa_text_add(&text, "</Type><Code>");
	put_escaped(&text, code);
	fa_text_add(&text, "</Code><Message>");
	put_escaped(&text, err->message);
	fa_text_add(&text, "</Message></Error><RequestId>");
	fa_text_add(&text, id);
	fa_text_add(&text, "</RequestId></ErrorResponse>");
	answer_xml(caller, status, id, &text);
}

/* ---- a question ------------------------------------------------------------ */

static void perform(struct fa_chore *chore)
{
	struct question *q = fa_container(chore, struct question, chore);
	char *reply = NULL;

	if (fa_signer_may_change(q->api->rt, &q->signer, q->action, q->in, &q->err) ||
	    fa_control(q->api->rt, q->operation, q->in, &reply, &q->err))
		return;
	q->out = fa_document_parse(reply, &q->err);
	fa_free(reply);
}

static void free_question(struct question *q)
{
	fa_document_free(q->in);
	fa_document_free(q->out);
	fa_free(q);
}

/* An answer is at most six times as long as the same in JSON, and its frame. */
static void answer(struct fa_chore *chore)
{
	struct question *q = fa_container(chore, struct question, chore);
	const struct fa_mem *mem = &q->api->rt->mem;
	char id[FA_API_ID_MAX], *json = q->out ? fa_document_print(q->out, mem) : NULL;
	size_t size = json ? 6 * strlen(json) + 1024 : 0;
	struct fa_text text = { .data = size ? fa_alloc_dirty(mem, size) : NULL, .size = size };

	if (!text.data && !q->err.code)
		fa_error_nomem(&q->err);
	if (q->err.code) {
		refuse(q->caller, &q->err);
	} else {
		fa_api_new_id(id);
		put_response(&text, q, id);
		answer_xml(q->caller, 200, id, &text);
	}
	fa_free(text.data);
	fa_free(json);
	free_question(q);
}

static const struct service *service_of(const struct fa_document *in)
{
	const char *version = fa_document_text(fa_document_get(in, "Version"));

	for (size_t i = 0; version && i < sizeof(services) / sizeof(*services); i++)
		if (!strcmp(services[i].version, version))
			return &services[i];
	return NULL;
}

static const char *without_service(const char *operation)
{
	return strncmp(operation, "iam:", 4) ? operation : operation + 4;
}

/* The name in a table of ours; NULL: there is no such action. */
static const char *operation_of(const struct service *service, const struct fa_document *in)
{
	static const struct fa_operation *const tables[] = { fa_role_operations,
							     fa_policy_operations };
	const char *action = fa_document_text(fa_document_get(in, "Action"));

	if (!service || !action)
		return NULL;
	if (!strcmp(service->name, "sts"))
		return strcmp(action, "GetCallerIdentity") ? NULL : "GetCallerIdentity";
	for (size_t i = 0; i < sizeof(tables) / sizeof(*tables); i++)
		for (const struct fa_operation *o = tables[i]; o->name; o++)
			if (!strcmp(without_service(o->name), action))
				return o->name;
	return NULL;
}

static int no_action(const struct fa_document *in, struct faas_error *err)
{
	const char *action = fa_document_text(fa_document_get(in, "Action"));
	const char *version = fa_document_text(fa_document_get(in, "Version"));

	return fa_error_typed(err, FAAS_ENOTFOUND, "InvalidAction",
			      "Could not find operation %.100s for version %.40s",
			      action ? action : "", version ? version : "NO_VERSION_SPECIFIED");
}

/* Anybody may know who he is. */
static void identify(struct question *q)
{
	const struct faas *rt = q->api->rt;
	char arn[FA_SIGNER_ARN_MAX];
	bool root = !*q->signer.role;

	fa_signer_arn(arn, rt, &q->signer);
	q->out = fa_document_object();
	if (!q->out ||
	    fa_document_put_text(q->out, "UserId", root ? rt->config.account : q->signer.key) |
		    fa_document_put_text(q->out, "Account", rt->config.account) |
		    fa_document_put_text(q->out, "Arn", arn))
		fa_error_nomem(&q->err);
}

/* Takes what is in `q`, which is copied. */
static void ask(const struct question *given, struct faas_error *err)
{
	struct question *q = fa_memdup(&given->api->rt->mem, given, sizeof(*q));

	if (!q) {
		fa_error_nomem(err);
		fa_document_free(given->in);
		refuse(given->caller, err);
		return;
	}
	q->chore.run = perform;
	q->chore.done = answer;
	fa_document_drop(q->in, "Action");
	fa_document_drop(q->in, "Version");
	if (strcmp(q->service->name, "sts")) {
		fa_chores_add(q->api->chores, &q->chore);
		return;
	}
	identify(q);
	answer(&q->chore);
}

void fa_query_serve(struct fa_api *api, struct fa_http_caller *caller,
		    const struct fa_http_request *request)
{
	struct faas_error err = { 0 };
	struct question q = { .api = api, .caller = caller };
	int rc = 0;

	q.in = read_form(&api->rt->mem, request->body, &err);
	if (!q.in)
		rc = err.code;
	q.service = service_of(q.in);
	if (!rc)
		rc = fa_signer_read(&q.signer, api, caller, request,
				    q.service ? q.service->name : services[0].name, &err);
	q.operation = operation_of(q.service, q.in);
	if (q.operation)
		q.action = without_service(q.operation);
	if (!rc && !q.operation)
		rc = no_action(q.in, &err);
	if (!rc) {
		ask(&q, &err);
		return;
	}
	refuse(caller, &err);
	fa_document_free(q.in);
}
