/* SPDX-License-Identifier: MIT */
/*
 * AWS Signature Version 4. The client says which headers it signed and we put the same
 * text together: method, path, query, those headers, the hash of the body; never a
 * hash that the client only claims. The path is encoded once more as it came.
 */
#include <http/sigv4.h>

#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <time.h>

#include <base/digest.h>
#include <base/error.h>
#include <base/text.h>

#define ALGORITHM "AWS4-HMAC-SHA256"
#define PIECE_MAX FA_ACCESS_KEY_MAX
#define SIGNED_MAX 1024
#define PAIRS_MAX 64
#define SKEW_S 300

struct signature {
	char key[PIECE_MAX], date[PIECE_MAX], region[PIECE_MAX], service[PIECE_MAX];
	char terminator[PIECE_MAX];
	char headers[SIGNED_MAX]; /* "host;x-amz-date" */
	char hex[PIECE_MAX];
};

/* ---- what the client says -------------------------------------------- */

static int incomplete(struct faas_error *err)
{
	return fa_error_typed(err, FAAS_EINVAL, "IncompleteSignatureException",
			      "Authorization header requires existence of 'Credential', "
			      "'SignedHeaders' and 'Signature' parameters");
}

static int wrong(struct faas_error *err, const char *message)
{
	return fa_error_typed(err, FAAS_EDENIED, "InvalidSignatureException", "%s", message);
}

/* The value of "Name=" in a list with commas. */
static bool find_part(const char *list, const char *name, char *out, size_t size)
{
	size_t name_len = strlen(name), len;

	for (list += strspn(list, ", "); *list; list += strspn(list, ", ")) {
		len = strcspn(list, ",");
		if (len > name_len && !strncmp(list, name, name_len) && list[name_len] == '=' &&
		    len - name_len - 1 < size) {
			memcpy(out, list + name_len + 1, len - name_len - 1);
			out[len - name_len - 1] = '\0';
			return true;
		}
		list += len;
	}
	return false;
}

static int read_scope(const char *credential, const char *service, struct signature *s,
		      struct faas_error *err)
{
	char *const pieces[] = { s->key, s->date, s->region, s->service, s->terminator };

	for (int i = 0; i < 5; i++) {
		size_t len = strcspn(credential, "/");

		if (!len || len >= PIECE_MAX || (i < 4) != (credential[len] == '/'))
			return incomplete(err);
		memcpy(pieces[i], credential, len);
		pieces[i][len] = '\0';
		credential += len + (i < 4);
	}
	if (!strcmp(s->service, service) && !strcmp(s->terminator, "aws4_request"))
		return 0;
	return fa_error_typed(err, FAAS_EDENIED, "InvalidSignatureException",
			      "Credential should be scoped to correct service: '%s'.", service);
}

static int read_signature(const struct fa_http_request *request, const char *service,
			  struct signature *s, struct faas_error *err)
{
	const char *header = fa_http_get(request, "Authorization");
	char credential[5 * PIECE_MAX];

	if (!header)
		return fa_error_typed(err, FAAS_EDENIED, "MissingAuthenticationTokenException",
				      "Missing Authentication Token");
	if (strncmp(header, ALGORITHM " ", sizeof(ALGORITHM)) != 0)
		return incomplete(err);
	header += sizeof(ALGORITHM);
	if (!find_part(header, "Credential", credential, sizeof(credential)) ||
	    !find_part(header, "SignedHeaders", s->headers, sizeof(s->headers)) ||
	    !find_part(header, "Signature", s->hex, sizeof(s->hex)))
		return incomplete(err);
	return read_scope(credential, service, s, err);
}

/* Whether a name is in "a;b;c". */
static bool is_signed(const struct signature *s, const char *name)
{
	size_t len = strlen(name);

	for (const char *at = s->headers; at; at = strchr(at, ';')) {
		at += *at == ';';
		if (!strncmp(at, name, len) && (!at[len] || at[len] == ';'))
			return true;
	}
	return false;
}

/* "20261127T040506Z", and the day of the scope before it. */
static int check_date(const struct signature *s, const char *date, int64_t unix_ms,
		      struct faas_error *err)
{
	struct tm tm = { 0 };
	int end = 0;
	int64_t at;

	if (!date || strlen(date) != 16 ||
	    sscanf(date, "%4d%2d%2dT%2d%2d%2dZ%n", &tm.tm_year, &tm.tm_mon, &tm.tm_mday,
		   &tm.tm_hour, &tm.tm_min, &tm.tm_sec, &end) != 6 ||
	    end != 16)
		return incomplete(err);
	if (strncmp(date, s->date, 8) != 0 || s->date[8])
		return wrong(err, "Date in Credential scope does not match YYYYMMDD from ISO-8601 "
				  "version of date from HTTP");
	tm.tm_year -= 1900;
	tm.tm_mon--;
	at = timegm(&tm);
	if (at < unix_ms / 1000 - SKEW_S)
		return wrong(err, "Signature expired");
	return at > unix_ms / 1000 + SKEW_S ? wrong(err, "Signature not yet current") : 0;
}

/* ---- the text that was signed ---------------------------------------- */

static void add_encoded(struct fa_text *text, const char *path, size_t len)
{
	static const char plain[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
				    "0123456789-_.~/";
	static const char digits[] = "0123456789ABCDEF";

	for (size_t i = 0; i < len; i++) {
		uint8_t c = (uint8_t)path[i];
		char code[] = { '%', digits[c >> 4], digits[c & 15] };

		if (c && strchr(plain, c))
			fa_text_bytes(text, path + i, 1);
		else
			fa_text_bytes(text, code, 3);
	}
}

static int order(const struct faas_bytes *a, const struct faas_bytes *b)
{
	size_t len = a->len < b->len ? a->len : b->len;
	int rc = memcmp(a->data, b->data, len);

	return rc ? rc : (a->len > b->len) - (a->len < b->len);
}

/* Sorted by name, then by value; as a whole that is the same, for '=' is before what names have. */
static bool add_query(struct fa_text *text, const char *query)
{
	struct faas_bytes pairs[PAIRS_MAX], pair;
	int count = 0, at;

	while (query && *query) {
		pair = (struct faas_bytes){ query, strcspn(query, "&") };
		query += pair.len + (query[pair.len] == '&');
		if (!pair.len)
			continue;
		if (count == PAIRS_MAX)
			return false;
		for (at = count++; at && order(&pairs[at - 1], &pair) > 0; at--)
			pairs[at] = pairs[at - 1];
		pairs[at] = pair;
	}
	for (int i = 0; i < count; i++) {
		fa_text_add(text, i ? "&" : "");
		fa_text_bytes(text, pairs[i].data, pairs[i].len);
		fa_text_add(text, memchr(pairs[i].data, '=', pairs[i].len) ? "" : "=");
	}
	return true;
}

/* Without blanks around it, and one where there are many. */
static void add_trimmed(struct fa_text *text, const char *value)
{
	for (value += strspn(value, " \t"); *value; value++) {
		size_t blanks = strspn(value, " \t");

		if (blanks && !value[blanks])
			return;
		if (blanks)
			value += blanks - 1;
		fa_text_bytes(text, blanks ? " " : value, 1);
	}
}

static bool add_header(struct fa_text *text, const struct fa_http_request *r, const char *name,
		       size_t len)
{
	bool first = true;

	fa_text_bytes(text, name, len);
	fa_text_add(text, ":");
	for (int i = 0; i < r->field_count; i++) {
		if (strncasecmp(r->fields[i].name, name, len) != 0 || r->fields[i].name[len])
			continue;
		fa_text_add(text, first ? "" : ",");
		add_trimmed(text, r->fields[i].value);
		first = false;
	}
	fa_text_add(text, "\n");
	return !first;
}

static bool add_headers(struct fa_text *text, const struct fa_http_request *r, const char *names)
{
	while (*names) {
		size_t len = strcspn(names, ";");

		if (!len || !add_header(text, r, names, len))
			return false;
		names += len + (names[len] == ';');
	}
	return true;
}

static void add_hash(struct fa_text *text, const void *data, size_t len)
{
	uint8_t hash[FA_SHA256];

	fa_sha256(hash, data, len);
	fa_text_hex(text, hash, sizeof(hash));
}

static bool write_canonical(struct fa_text *text, const struct fa_http_request *r,
			    const struct signature *s)
{
	size_t path_len = strcspn(r->target, "?");

	fa_text_add(text, r->method);
	fa_text_add(text, "\n");
	add_encoded(text, r->target, path_len);
	fa_text_add(text, "\n");
	if (!add_query(text, r->target[path_len] ? r->target + path_len + 1 : NULL))
		return false;
	fa_text_add(text, "\n");
	if (!add_headers(text, r, s->headers))
		return false;
	fa_text_add(text, "\n");
	fa_text_add(text, s->headers);
	fa_text_add(text, "\n");
	add_hash(text, r->body.data, r->body.len);
	return !text->cut;
}

/* ---- the signature --------------------------------------------------- */

static void derive(uint8_t key[FA_SHA256], const struct signature *s, const char *secret)
{
	const char *const steps[] = { s->date, s->region, s->service, s->terminator };
	char first[512];
	int len = snprintf(first, sizeof(first), "AWS4%s", secret);

	fa_hmac(key, first, len < (int)sizeof(first) ? (size_t)len : sizeof(first) - 1, steps[0],
		strlen(steps[0]));
	for (int i = 1; i < 4; i++)
		fa_hmac(key, key, FA_SHA256, steps[i], strlen(steps[i]));
}

static bool fits(const struct signature *s, const char *date, const char *secret,
		 const struct fa_text *canonical)
{
	uint8_t key[FA_SHA256], code[FA_SHA256];
	char bytes[4 * PIECE_MAX + 256], hex[2 * FA_SHA256 + 1];
	struct fa_text text = FA_TEXT(bytes), result = FA_TEXT(hex);
	const char *const pieces[] = {
		ALGORITHM "\n", date, "\n",          s->date, "/", s->region, "/",
		s->service,     "/",  s->terminator, "\n"
	};

	for (size_t i = 0; i < sizeof(pieces) / sizeof(*pieces); i++)
		fa_text_add(&text, pieces[i]);
	add_hash(&text, canonical->data, canonical->len);
	derive(key, s, secret);
	fa_hmac(code, key, sizeof(key), text.data, text.len);
	fa_text_hex(&result, code, sizeof(code));
	return !text.cut && fa_hex_is_same(hex, s->hex);
}

/* All there is of the request, every byte of it encoded. */
static size_t canonical_max(const struct fa_http_request *r)
{
	size_t size = 3 * strlen(r->target) + SIGNED_MAX * 2 + 1024;

	for (int i = 0; i < r->field_count; i++)
		size += strlen(r->fields[i].name) + strlen(r->fields[i].value) + 4;
	return size;
}

static int compare(const struct signature *s, const struct fa_mem *mem,
		   const struct fa_http_request *request, const char *secret,
		   struct faas_error *err)
{
	size_t size = canonical_max(request);
	struct fa_text text = { .data = fa_alloc_dirty(mem, size), .size = size };
	const char *date = fa_http_get(request, "X-Amz-Date");
	bool good;

	if (!text.data)
		return fa_error_nomem(err);
	good = write_canonical(&text, request, s) && fits(s, date, secret, &text);
	fa_free(text.data);
	if (good)
		return 0;
	return wrong(err, "The request signature we calculated does not match the signature you "
			  "provided. Check your AWS Secret Access Key and signing method.");
}

int fa_sigv4_verify(const struct fa_sigv4_keys *keys, const struct fa_mem *mem,
		    const struct fa_http_request *request, const char *service, int64_t unix_ms,
		    char access_key[FA_ACCESS_KEY_MAX], struct faas_error *err)
{
	struct signature s;
	const char *secret;
	int rc = read_signature(request, service, &s, err);

	if (!rc)
		rc = check_date(&s, fa_http_get(request, "X-Amz-Date"), unix_ms, err);
	if (!rc && (!is_signed(&s, "host") || !is_signed(&s, "x-amz-date")))
		rc = wrong(err, "'Host' and 'X-Amz-Date' must be signed headers");
	if (rc)
		return rc;
	strcpy(access_key, s.key);
	secret = keys->secret_of(keys->data, s.key);
	if (!secret)
		return fa_error_typed(err, FAAS_EDENIED, "UnrecognizedClientException",
				      "The security token included in the request is invalid.");
	return compare(&s, mem, request, secret, err);
}
