/* SPDX-License-Identifier: MIT */
/*
 * The operators of patterns. Each test is an operator with its operand, in the decoded form
 * that is compared; several are a list of which one must accept. Numbers are the same if they
 * are written the same, except for "numeric", as EventBridge has it. Case is that of ASCII.
 */
#include <source/pattern_test.h>

#include <arpa/inet.h>
#include <string.h>

#include <base/error.h>

enum operator {
	SAME,          /* a value, as it is written; text: decoded */
	PREFIX,
	SUFFIX,
	IGNORE_CASE,
	WILDCARD,
	ANYTHING_BUT,
	NUMERIC,
	CIDR,
	EXISTS,
};

static const char *const names[] = {
	[PREFIX] = "prefix",		 [SUFFIX] = "suffix",
	[IGNORE_CASE] = "equals-ignore-case", [WILDCARD] = "wildcard",
	[ANYTHING_BUT] = "anything-but", [NUMERIC] = "numeric",
	[CIDR] = "cidr",		 [EXISTS] = "exists",
};

#define OPERATORS (sizeof(names) / sizeof(*names))

struct range {
	double low, high;
	bool has_low, has_high, low_open, high_open;
};

struct network {
	int family, bits;
	unsigned char bytes[16];
};

struct fa_pattern_test {
	struct fa_pattern_test *next;
	enum operator operator;
	bool ignore_case;               /* of PREFIX and SUFFIX */
	enum fa_json_kind kind;         /* of SAME */
	struct fa_json value;           /* of SAME, but texts */
	struct range range;
	struct network network;
	struct fa_pattern_test *others; /* of ANYTHING_BUT */
	size_t len;
	char text[];
};

static enum operator operator_of(struct fa_json key)
{
	for (size_t i = PREFIX; i < OPERATORS; i++)
		if (fa_json_equals(key, names[i]))
			return (enum operator)i;
	return SAME;
}

bool fa_pattern_is_operator(struct fa_json key)
{
	return operator_of(key) != SAME;
}

/* ---- create -------------------------------------------------------------- */

void fa_pattern_tests_free(struct fa_pattern_test *tests)
{
	while (tests) {
		struct fa_pattern_test *next = tests->next;

		fa_pattern_tests_free(tests->others);
		fa_free(tests);
		tests = next;
	}
}

static struct fa_pattern_test *new_test(const struct fa_mem *mem, enum operator operator,
					struct fa_json text, struct faas_error *err)
{
	struct fa_pattern_test *t = fa_alloc(mem, sizeof(*t) + text.len + 1);

	if (!t) {
		fa_error_nomem(err);
		return NULL;
	}
	t->operator = operator;
	if (fa_json_kind(text) == FA_JSON_STRING)
		t->len = fa_json_string(text, t->text, text.len + 1);
	return t;
}

static struct fa_pattern_test *refuse(const char *what, struct faas_error *err)
{
	fa_error(err, FAAS_EINVAL, "%s", what);
	return NULL;
}

static struct fa_pattern_test *new_same(const struct fa_mem *mem, struct fa_json value,
					struct faas_error *err)
{
	struct fa_pattern_test *t = new_test(mem, SAME, value, err);

	if (t) {
		t->kind = fa_json_kind(value);
		t->value = value;
	}
	return t;
}

/* Stars behind each other, and a backslash before anything but a star or another one. */
static bool is_wildcard(const struct fa_pattern_test *t)
{
	bool star = false;

	for (size_t i = 0; i < t->len; i++) {
		if (t->text[i] == '\\') {
			if (++i == t->len || !strchr("*\\", t->text[i]) || !t->text[i])
				return false;
			star = false;
			continue;
		}
		if (star && t->text[i] == '*')
			return false;
		star = t->text[i] == '*';
	}
	return true;
}

/* An operator whose operand is a text, or for two of them one whose case does not matter. */
static struct fa_pattern_test *new_textual(const struct fa_mem *mem, enum operator operator,
					   struct fa_json operand, struct faas_error *err)
{
	struct fa_json inner = fa_json_kind(operand) == FA_JSON_OBJECT ?
				       fa_json_get(operand, names[IGNORE_CASE]) :
				       (struct fa_json){ NULL, 0 };
	bool ignore_case = (operator == PREFIX || operator == SUFFIX) && inner.text &&
			   fa_json_count(operand) == 1;
	struct fa_pattern_test *t;

	if (ignore_case)
		operand = inner;
	if (fa_json_kind(operand) != FA_JSON_STRING)
		return refuse("prefix, suffix, equals-ignore-case and wildcard need a text", err);
	t = new_test(mem, operator, operand, err);
	if (!t)
		return NULL;
	t->ignore_case = ignore_case;
	if (operator != WILDCARD || is_wildcard(t))
		return t;
	fa_pattern_tests_free(t);
	return refuse("a wildcard has no two stars behind each other, and a backslash only before "
		      "a star or a backslash",
		      err);
}

static bool is_text_operator(enum operator operator)
{
	return operator == PREFIX || operator == SUFFIX || operator == IGNORE_CASE ||
	       operator == WILDCARD;
}

/* One of what must not be: a value, or with an operator a text. */
static struct fa_pattern_test *new_other(const struct fa_mem *mem, enum operator operator,
					 struct fa_json one, struct faas_error *err)
{
	enum fa_json_kind kind = fa_json_kind(one);

	if (operator != SAME)
		return new_textual(mem, operator, one, err);
	if (kind == FA_JSON_ARRAY || kind == FA_JSON_OBJECT)
		return refuse("anything-but needs a value, an array of texts, an array of numbers, "
			      "or an operator on texts",
			      err);
	return new_same(mem, one, err);
}

static int add_others(struct fa_pattern_test *t, const struct fa_mem *mem, enum operator operator,
		      struct fa_json operand, struct faas_error *err)
{
	struct fa_pattern_test *other;
	struct fa_json_iter iter;
	struct fa_json one;

	if (fa_json_kind(operand) != FA_JSON_ARRAY) {
		t->others = new_other(mem, operator, operand, err);
		return t->others ? 0 : -1;
	}
	if (!fa_json_count(operand)) {
		refuse("anything-but has an empty array", err);
		return -1;
	}
	fa_json_begin(&iter, operand);
	while (fa_json_next(&iter, NULL, &one)) {
		other = new_other(mem, operator, one, err);
		if (!other)
			return -1;
		other->next = t->others;
		t->others = other;
	}
	return 0;
}

static struct fa_pattern_test *new_anything_but(const struct fa_mem *mem, struct fa_json operand,
						struct faas_error *err)
{
	struct fa_pattern_test *t = new_test(mem, ANYTHING_BUT, (struct fa_json){ NULL, 0 }, err);
	enum operator operator = SAME;
	struct fa_json_iter iter;
	struct fa_json key, value = operand;

	if (!t)
		return NULL;
	if (fa_json_kind(operand) == FA_JSON_OBJECT) {
		fa_json_begin(&iter, operand);
		if (fa_json_count(operand) == 1 && fa_json_next(&iter, &key, &value))
			operator = operator_of(key);
		if (!is_text_operator(operator)) {
			fa_pattern_tests_free(t);
			return refuse("anything-but needs a value, an array of texts, an array of "
				      "numbers, or an operator on texts",
				      err);
		}
	}
	if (!add_others(t, mem, operator, value, err))
		return t;
	fa_pattern_tests_free(t);
	return NULL;
}

static bool read_bound(struct range *r, struct fa_json op, double n)
{
	bool less = fa_json_equals(op, "<"), more = fa_json_equals(op, ">");

	if (fa_json_equals(op, "=") && !r->has_low && !r->has_high) {
		*r = (struct range){ n, n, true, true, false, false };
		return true;
	}
	if (less || fa_json_equals(op, "<=")) {
		if (r->has_high)
			return false;
		r->high = n;
		r->has_high = true;
		r->high_open = less;
		return true;
	}
	if ((!more && !fa_json_equals(op, ">=")) || r->has_low)
		return false;
	r->low = n;
	r->has_low = true;
	r->low_open = more;
	return true;
}

static bool read_range(struct range *r, struct fa_json operand)
{
	struct fa_json_iter iter;
	struct fa_json op, number;
	size_t count = fa_json_kind(operand) == FA_JSON_ARRAY ? fa_json_count(operand) : 0;
	double n;

	if (count != 2 && count != 4)
		return false;
	fa_json_begin(&iter, operand);
	while (fa_json_next(&iter, NULL, &op)) {
		fa_json_next(&iter, NULL, &number);
		if (fa_json_kind(op) != FA_JSON_STRING || !fa_json_double(number, &n) ||
		    !read_bound(r, op, n))
			return false;
	}
	return !(r->has_low && r->has_high) || r->low < r->high ||
	       (r->low == r->high && !r->low_open && !r->high_open);
}

static struct fa_pattern_test *new_numeric(const struct fa_mem *mem, struct fa_json operand,
					   struct faas_error *err)
{
	struct range range = { .has_low = false };
	struct fa_pattern_test *t;

	if (!read_range(&range, operand))
		return refuse("numeric needs an array of one or two of < <= = > >=, each with a "
			      "number, that leave something between them",
			      err);
	t = new_test(mem, NUMERIC, (struct fa_json){ NULL, 0 }, err);
	if (t)
		t->range = range;
	return t;
}

/* ---- addresses of the internet ------------------------------------------- */

static bool read_network(struct network *n, const char *text)
{
	const char *slash = strchr(text, '/');
	char address[64];
	size_t len = slash ? (size_t)(slash - text) : strlen(text);
	int most;

	if (len >= sizeof(address))
		return false;
	memcpy(address, text, len);
	address[len] = '\0';
	n->family = strchr(address, ':') ? AF_INET6 : AF_INET;
	most = n->family == AF_INET6 ? 128 : 32;
	n->bits = most;
	if (inet_pton(n->family, address, n->bytes) != 1)
		return false;
	if (!slash)
		return true;
	if (strlen(slash) < 2 || strlen(slash) > 4 ||
	    strspn(slash + 1, "0123456789") != strlen(slash + 1))
		return false;
	n->bits = 0;
	for (slash++; *slash; slash++)
		n->bits = n->bits * 10 + (*slash - '0');
	return n->bits <= most;
}

static bool is_within(const struct network *n, const struct network *address)
{
	int whole = n->bits / 8, rest = n->bits % 8;
	unsigned mask = 0xff00u >> rest & 0xff;

	return address->family == n->family && !memcmp(n->bytes, address->bytes, (size_t)whole) &&
	       (!rest || !((n->bytes[whole] ^ address->bytes[whole]) & mask));
}

static struct fa_pattern_test *new_cidr(const struct fa_mem *mem, struct fa_json operand,
					struct faas_error *err)
{
	struct fa_pattern_test *t;

	if (fa_json_kind(operand) != FA_JSON_STRING)
		return refuse("cidr needs a text", err);
	t = new_test(mem, CIDR, operand, err);
	if (!t || (strchr(t->text, '/') && read_network(&t->network, t->text)))
		return t;
	fa_pattern_tests_free(t);
	return refuse("cidr needs an address of IPv4 or IPv6, and how many bits of it count", err);
}

/* ---- one and all ------------------------------------------------------------ */

/* NULL without an error: it must not exist. */
static struct fa_pattern_test *new_operator(const struct fa_mem *mem, struct fa_json object,
					    bool *absent, struct faas_error *err)
{
	struct fa_json_iter iter;
	struct fa_json key, operand;

	fa_json_begin(&iter, object);
	if (fa_json_count(object) != 1 || !fa_json_next(&iter, &key, &operand))
		return refuse("an operator is an object with one member", err);
	switch (operator_of(key)) {
	case SAME:
		return refuse("there is no such operator", err);
	case ANYTHING_BUT:
		return new_anything_but(mem, operand, err);
	case NUMERIC:
		return new_numeric(mem, operand, err);
	case CIDR:
		return new_cidr(mem, operand, err);
	case EXISTS:
		if (fa_json_kind(operand) == FA_JSON_TRUE)
			return new_test(mem, EXISTS, operand, err);
		*absent |= fa_json_kind(operand) == FA_JSON_FALSE;
		return fa_json_kind(operand) == FA_JSON_FALSE ?
			       NULL : refuse("exists needs true or false", err);
	default:
		return new_textual(mem, operator_of(key), operand, err);
	}
}

int fa_pattern_tests_create(const struct fa_mem *mem, struct fa_json array,
			    struct fa_pattern_test **tests, bool *absent, struct faas_error *err)
{
	struct faas_error why = { 0 };
	struct fa_pattern_test *t;
	struct fa_json_iter iter;
	struct fa_json one;

	fa_json_begin(&iter, array);
	while (fa_json_next(&iter, NULL, &one)) {
		if (fa_json_kind(one) == FA_JSON_OBJECT)
			t = new_operator(mem, one, absent, &why);
		else if (fa_json_kind(one) == FA_JSON_ARRAY)
			t = refuse("an array in an array is no pattern", &why);
		else
			t = new_same(mem, one, &why);
		if (why.code) {
			if (err)
				*err = why;
			return why.code;
		}
		if (t) {
			t->next = *tests;
			*tests = t;
		}
	}
	return 0;
}

/* ---- match -------------------------------------------------------------------- */

static int lower(char c)
{
	return c >= 'A' && c <= 'Z' ? c | 0x20 : c;
}

static bool same_text(const char *a, const char *b, size_t len, bool ignore_case)
{
	size_t i = 0;

	if (!ignore_case)
		return !memcmp(a, b, len);
	while (i < len && lower(a[i]) == lower(b[i]))
		i++;
	return i == len;
}

static bool same_value(const struct fa_pattern_test *t, struct fa_json leaf)
{
	if (t->kind != FA_JSON_NUMBER)
		return true;
	return t->value.len == leaf.len && !memcmp(t->value.text, leaf.text, leaf.len);
}

/* Where there is a star it matches as little as will do; more only if that leads nowhere. */
static bool matches_wildcard(const struct fa_pattern_test *t, const char *text, size_t len)
{
	const char *p = t->text, *end = p + t->len, *at = text, *stop = text + len;
	const char *star = NULL, *resume = NULL;

	while (at < stop) {
		if (p < end && *p == '*') {
			star = ++p;
			resume = at;
			continue;
		}
		if (p < end && p[*p == '\\'] == *at) {
			p += 1 + (*p == '\\');
			at++;
			continue;
		}
		if (!star)
			return false;
		p = star;
		at = ++resume;
	}
	return p == end || (*p == '*' && p + 1 == end);
}

static bool match_text(const struct fa_pattern_test *t, const char *text, size_t len)
{
	struct network address;

	switch (t->operator) {
	case SAME:
		return t->kind == FA_JSON_STRING && t->len == len && !memcmp(t->text, text, len);
	case PREFIX:
		return len >= t->len && same_text(t->text, text, t->len, t->ignore_case);
	case SUFFIX:
		return len >= t->len &&
		       same_text(t->text, text + len - t->len, t->len, t->ignore_case);
	case IGNORE_CASE:
		return len == t->len && same_text(t->text, text, len, true);
	case WILDCARD:
		return matches_wildcard(t, text, len);
	case CIDR:
		return strlen(text) == len && !strchr(text, '/') && read_network(&address, text) &&
		       is_within(&t->network, &address);
	default:
		return false;
	}
}

static bool is_in(const struct range *r, double n)
{
	return (!r->has_low || n > r->low || (n == r->low && !r->low_open)) &&
	       (!r->has_high || n < r->high || (n == r->high && !r->high_open));
}

/* `text`: what a leaf says that is a text; NULL: it is none. */
static bool match_one(const struct fa_pattern_test *t, struct fa_json leaf, const char *text,
		      size_t len)
{
	double n;

	if (t->operator == EXISTS)
		return true;
	if (t->operator == ANYTHING_BUT) {
		for (const struct fa_pattern_test *o = t->others; o; o = o->next)
			if (match_one(o, leaf, text, len))
				return false;
		return true;
	}
	if (text)
		return match_text(t, text, len);
	if (t->operator == NUMERIC)
		return fa_json_double(leaf, &n) && is_in(&t->range, n);
	return t->operator == SAME && t->kind == fa_json_kind(leaf) && same_value(t, leaf);
}

bool fa_pattern_tests_match(const struct fa_pattern_test *tests, const struct fa_mem *mem,
			    struct fa_json leaf)
{
	char few[256], *text = NULL;
	bool matches = false;
	size_t len = 0;

	if (fa_json_kind(leaf) == FA_JSON_STRING) {
		text = leaf.len < sizeof(few) ? few : fa_alloc_dirty(mem, leaf.len + 1);
		if (!text)
			return true;
		len = fa_json_string(leaf, text, leaf.len + 1);
	}
	for (; tests && !matches; tests = tests->next)
		matches = match_one(tests, leaf, text, len);
	if (text != few)
		fa_free(text);
	return matches;
}
