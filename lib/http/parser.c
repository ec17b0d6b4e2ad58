/* SPDX-License-Identifier: MIT */
/*
 * llhttp decides where each part of a request begins and ends; nothing here
 * looks for a line end or a length itself, so there is one opinion on that. What
 * llhttp leaves to others is judged when the fields are complete: the version,
 * Host, one Transfer-Encoding that is "chunked". All that can be read in two ways is
 * refused, and nothing follows on that connection.
 */
#include <http/parser.h>

#include <string.h>
#include <strings.h>

#define HEAD_FIRST 1024
#define BODY_FIRST 16384

static struct fa_http_parser *parser_of(llhttp_t *machine)
{
	return machine->data;
}

static int broken(struct fa_http_parser *p, int status)
{
	p->status = status;
	return HPE_USER;
}

/* Room for `more` bytes behind `len`, by doubling; `max` is never exceeded. */
static bool grow(const struct fa_mem *mem, char **data, size_t *size, size_t len, size_t more,
		 size_t first, size_t max)
{
	size_t want = *size ? *size : first;
	char *bigger;

	if (len + more <= *size)
		return true;
	while (want < len + more)
		want *= 2;
	bigger = fa_alloc_dirty(mem, want < max ? want : max);
	if (!bigger)
		return false;
	if (len)
		memcpy(bigger, *data, len);
	fa_free(*data);
	*data = bigger;
	*size = want < max ? want : max;
	return true;
}

/* ---- what llhttp says ------------------------------------------------ */

static int add_to_head(struct fa_http_parser *p, const char *text, size_t len, int status)
{
	if (len > FA_HTTP_HEAD_MAX - p->head_len)
		return broken(p, status);
	if (!grow(p->mem, &p->head, &p->head_size, p->head_len, len, HEAD_FIRST, FA_HTTP_HEAD_MAX))
		return broken(p, 503);
	if (len)
		memcpy(p->head + p->head_len, text, len);
	p->head_len += len;
	return 0;
}

static int on_url(llhttp_t *machine, const char *text, size_t len)
{
	struct fa_http_parser *p = parser_of(machine);

	return p->head_len + len > FA_HTTP_TARGET_MAX ? broken(p, 414)
						      : add_to_head(p, text, len, 414);
}

static int on_text(llhttp_t *machine, const char *text, size_t len)
{
	struct fa_http_parser *p = parser_of(machine);

	if (!len)
		return 0; /* of a piece that ended where this begins */
	return memchr(text, 0, len) ? broken(p, 400) : add_to_head(p, text, len, 431);
}

static int on_text_end(llhttp_t *machine)
{
	return add_to_head(parser_of(machine), "", 1, 431);
}

static int on_name_end(llhttp_t *machine)
{
	struct fa_http_parser *p = parser_of(machine);

	return p->head_len && p->head[p->head_len - 1] ? on_text_end(machine) : broken(p, 400);
}

/* The blanks behind a value are none of it. */
static int on_value_end(llhttp_t *machine)
{
	struct fa_http_parser *p = parser_of(machine);

	while (p->head_len && memchr(" \t", p->head[p->head_len - 1], 2))
		p->head_len--;
	return ++p->count > FA_HTTP_FIELDS_MAX ? broken(p, 431) : on_text_end(machine);
}

static int on_body(llhttp_t *machine, const char *data, size_t len)
{
	struct fa_http_parser *p = parser_of(machine);

	if (len > p->body_max - p->body_len)
		return broken(p, 413);
	if (!grow(p->mem, &p->body, &p->body_size, p->body_len, len, BODY_FIRST, p->body_max))
		return broken(p, 503);
	memcpy(p->body + p->body_len, data, len);
	p->body_len += len;
	return 0;
}

/* Of "http://host/path" only the path; an authority is no more than a Host to us. */
static const char *path_of(const char *target)
{
	const char *authority = strstr(target, "://"), *path;

	if (*target == '/' || !authority)
		return target;
	path = strpbrk(authority + 3, "/?");
	return path && *path == '/' ? path : "/";
}

/* Where each name and value is: after the last growth, so that nothing moves any more. */
static int point(struct fa_http_parser *p)
{
	struct fa_http_request *r = &p->request;
	char *at = p->head + p->target_len + 1;

	fa_free(p->fields);
	p->fields = fa_alloc_dirty(p->mem, sizeof(*p->fields) * (size_t)(p->count + 1));
	if (!p->fields)
		return broken(p, 503);
	for (int i = 0; i < p->count; i++) {
		p->fields[i].name = at;
		at += strlen(at) + 1;
		p->fields[i].value = at;
		at += strlen(at) + 1;
	}
	r->method = llhttp_method_name(p->machine.method);
	r->target = path_of(p->head);
	r->fields = p->fields;
	r->field_count = p->whole ? p->head_count : p->count;
	r->trailers = p->fields + r->field_count;
	r->trailer_count = p->count - r->field_count;
	r->body = (struct faas_bytes){ p->body ? p->body : "", p->body_len };
	return 0;
}

/* ---- what it leaves to us -------------------------------------------- */

static int count_of(const struct fa_http_request *r, const char *name)
{
	int n = 0;

	for (int i = 0; i < r->field_count; i++)
		n += !strcasecmp(r->fields[i].name, name);
	return n;
}

static int judge_head(struct fa_http_parser *p)
{
	const struct fa_http_request *r = &p->request;
	const char *coding = fa_http_get(r, "Transfer-Encoding");
	const char *expect = fa_http_get(r, "Expect");
	int hosts = count_of(r, "Host");

	if (p->machine.http_major != 1 || p->machine.http_minor > 1)
		return broken(p, 505);
	p->http10 = !p->machine.http_minor;
	if (p->machine.method == HTTP_CONNECT)
		return broken(p, 405);
	if (hosts > 1 || (!hosts && !p->http10))
		return broken(p, 400);
	if (coding && (p->http10 || count_of(r, "Transfer-Encoding") > 1 ||
		       strcasecmp(coding, "chunked") != 0))
		return broken(p, 400);
	if (expect && strcasecmp(expect, "100-continue") != 0)
		return broken(p, 417);
	p->chunked = coding != NULL;
	p->expects = expect && !p->http10;
	return 0;
}

static int on_head(llhttp_t *machine)
{
	struct fa_http_parser *p = parser_of(machine);
	int rc;

	p->head_count = p->count;
	rc = point(p);
	if (!rc)
		rc = judge_head(p);
	machine->upgrade = 0; /* an offer, and we do not take it */
	return rc ? rc : HPE_PAUSED;
}

static int on_url_end(llhttp_t *machine)
{
	struct fa_http_parser *p = parser_of(machine);

	p->target_len = p->head_len;
	return on_text_end(machine);
}

static int on_whole(llhttp_t *machine)
{
	struct fa_http_parser *p = parser_of(machine);

	p->whole = true;
	p->keep_alive = llhttp_should_keep_alive(machine);
	return point(p) ? HPE_USER : HPE_PAUSED;
}

static const llhttp_settings_t settings = {
	.on_url = on_url,
	.on_url_complete = on_url_end,
	.on_header_field = on_text,
	.on_header_field_complete = on_name_end,
	.on_header_value = on_text,
	.on_header_value_complete = on_value_end,
	.on_headers_complete = on_head,
	.on_body = on_body,
	.on_message_complete = on_whole,
};

/* ---- the door -------------------------------------------------------- */

void fa_http_parser_init(struct fa_http_parser *parser, const struct fa_mem *mem)
{
	memset(parser, 0, sizeof(*parser));
	llhttp_init(&parser->machine, HTTP_REQUEST, &settings);
	parser->machine.data = parser;
	parser->mem = mem;
}

enum fa_http_step fa_http_parse(struct fa_http_parser *p, const char *data, size_t len,
				size_t *used)
{
	llhttp_errno_t rc = llhttp_execute(&p->machine, data, len);

	*used = len;
	if (rc == HPE_OK)
		return FA_HTTP_MORE;
	*used = (size_t)(llhttp_get_error_pos(&p->machine) - data);
	if (rc != HPE_PAUSED) {
		p->status = p->status ? p->status : 400;
		return FA_HTTP_BROKEN;
	}
	llhttp_resume(&p->machine);
	return p->whole ? FA_HTTP_WHOLE : FA_HTTP_HEAD;
}

uint64_t fa_http_declared(const struct fa_http_parser *parser)
{
	return parser->machine.flags & F_CONTENT_LENGTH ? parser->machine.content_length : 0;
}

struct faas_bytes fa_http_parser_take_body(struct fa_http_parser *p)
{
	struct faas_bytes taken = { p->body ? p->body : "", p->body_len };

	p->body_len = 0;
	p->request.body.len = 0;
	return taken;
}

void fa_http_parser_drop_body(struct fa_http_parser *p)
{
	fa_free(p->body);
	p->body = NULL;
	p->body_len = p->body_size = 0;
	p->request.body = (struct faas_bytes){ "", 0 };
}

void fa_http_parser_next(struct fa_http_parser *p)
{
	fa_http_parser_drop_body(p);
	fa_free(p->head);
	fa_free(p->fields);
	memset(&p->request, 0, sizeof(p->request));
	p->head = NULL;
	p->fields = NULL;
	p->head_len = p->head_size = p->target_len = 0;
	p->count = p->head_count = p->status = 0;
	p->body_max = 0;
	p->whole = p->expects = p->keep_alive = p->http10 = p->chunked = false;
}

size_t fa_http_parser_held(const struct fa_http_parser *p)
{
	return p->head_size + p->body_size + sizeof(*p->fields) * (size_t)(p->count + 1);
}
