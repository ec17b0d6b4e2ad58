/* SPDX-License-Identifier: MIT */
/*
 * A pattern is compiled into a tree: nodes for objects, leaves for arrays of what is accepted,
 * and choices for $or. An object of an event is walked over once per node; each field that the
 * node has remembers its value meanwhile. An array of the event stands for any one of its
 * elements, the same for all fields below it, except for what must not exist: that is looked
 * for in the whole event. A field that stands beside a $or and in it is bound to one element
 * after the other, for both. Nothing of an event is copied, but strings with escapes.
 */
#include <source/pattern.h>
#include <source/pattern_test.h>

#include <string.h>

#include <base/error.h>

#define DEPTH_MAX 64
#define NAME_MAX_LEN 1024
#define BINDINGS_MOST 10000 /* of one event; beyond them any element will do for each */

struct choice {
	struct choice *next;
	struct fa_pattern_node *alternatives; /* linked by `next` */
};

struct field {
	struct field *next, *parent; /* parent: for the way from the root */
	struct fa_pattern_node *node;
	struct fa_pattern_test *tests; /* of a leaf; node is NULL */
	bool absent;                 /* one of the tests: it must not exist */
	struct fa_json value;        /* while an object is matched */
	size_t len;
	char name[];
};

struct fa_pattern_node {
	struct fa_pattern_node *next;
	struct field *fields;
	struct choice *choices;
};

struct fa_pattern {
	const struct fa_mem *mem;
	struct fa_pattern_node *root;
	char text[];
};

/* ---- destroy ------------------------------------------------------------ */

static void free_node(struct fa_pattern_node *node);

static void free_field(struct field *f)
{
	free_node(f->node);
	fa_pattern_tests_free(f->tests);
	fa_free(f);
}

static void free_node(struct fa_pattern_node *node)
{
	while (node) {
		struct fa_pattern_node *next = node->next;

		while (node->fields) {
			struct field *f = node->fields;

			node->fields = f->next;
			free_field(f);
		}
		while (node->choices) {
			struct choice *c = node->choices;

			node->choices = c->next;
			free_node(c->alternatives);
			fa_free(c);
		}
		fa_free(node);
		node = next;
	}
}

void fa_pattern_destroy(struct fa_pattern *pattern)
{
	if (!pattern)
		return;
	free_node(pattern->root);
	fa_free(pattern);
}

/* ---- compile -------------------------------------------------------------- */

struct compiler {
	struct fa_pattern *pattern;
	struct faas_error *err;
	int depth;
};

static int compile_object(struct compiler *c, struct fa_pattern_node *node, struct field *parent,
			  struct fa_json object);

static struct field *find_field(struct fa_pattern_node *node, const char *name, size_t len)
{
	struct field *f = node->fields;

	while (f && (f->len != len || memcmp(f->name, name, len) != 0))
		f = f->next;
	return f;
}

static struct field *add_field(struct compiler *c, struct fa_pattern_node *node,
			       struct field *parent, const char *name, size_t len)
{
	struct field *f = find_field(node, name, len);

	if (f)
		return f;
	f = fa_alloc(c->pattern->mem, sizeof(*f) + len + 1);
	if (!f) {
		fa_error_nomem(c->err);
		return NULL;
	}
	memcpy(f->name, name, len);
	f->len = len;
	f->parent = parent;
	f->next = node->fields;
	node->fields = f;
	return f;
}

static struct fa_pattern_node *enter(struct compiler *c, struct field *f)
{
	if (f->tests || f->absent) {
		fa_error(c->err, FAAS_EINVAL, "'%.80s' is both a leaf and an object", f->name);
		return NULL;
	}
	if (!f->node)
		f->node = fa_alloc(c->pattern->mem, sizeof(*f->node));
	if (!f->node)
		fa_error_nomem(c->err);
	return f->node;
}

static int compile_leaf(struct compiler *c, struct field *f, struct fa_json array)
{
	if (f->node || f->tests || f->absent)
		return fa_error(c->err, FAAS_EINVAL, "'%.80s' is there twice", f->name);
	if (!fa_json_count(array))
		return fa_error(c->err, FAAS_EINVAL, "'%.80s' has an empty array", f->name);
	return fa_pattern_tests_create(c->pattern->mem, array, &f->tests, &f->absent, c->err);
}

/* A dot in a name is the way into an object. */
static int compile_field(struct compiler *c, struct fa_pattern_node *node, struct field *parent,
			 struct fa_json key, struct fa_json value)
{
	char name[NAME_MAX_LEN];
	size_t len = fa_json_string(key, name, sizeof(name)), head;
	const char *at = name;
	struct field *f;

	if (len >= sizeof(name))
		return fa_error(c->err, FAAS_EINVAL, "a name has at most %d characters",
				NAME_MAX_LEN - 1);
	for (;;) {
		const char *dot = memchr(at, '.', len);

		if (++c->depth > DEPTH_MAX)
			return fa_error(c->err, FAAS_EINVAL, "a pattern is at most %d deep",
					DEPTH_MAX);
		head = dot ? (size_t)(dot - at) : len;
		f = add_field(c, node, parent, at, head);
		if (!f)
			return FAAS_ENOMEM;
		if (!dot)
			break;
		node = enter(c, f);
		if (!node)
			return FAAS_EINVAL;
		parent = f;
		at += head + 1;
		len -= head + 1;
	}
	if (fa_json_kind(value) == FA_JSON_ARRAY)
		return compile_leaf(c, f, value);
	if (fa_json_kind(value) != FA_JSON_OBJECT)
		return fa_error(c->err, FAAS_EINVAL, "'%.80s' must be an object or an array",
				f->name);
	node = enter(c, f);
	return node ? compile_object(c, node, f, value) : FAAS_EINVAL;
}

/* Two or more objects, none of which has a member that is the name of an operator. */
static bool is_choice(struct fa_json value)
{
	struct fa_json_iter iter, inner;
	struct fa_json one, key, operand;

	if (fa_json_kind(value) != FA_JSON_ARRAY || fa_json_count(value) < 2)
		return false;
	fa_json_begin(&iter, value);
	while (fa_json_next(&iter, NULL, &one)) {
		if (fa_json_kind(one) != FA_JSON_OBJECT || !fa_json_count(one))
			return false;
		fa_json_begin(&inner, one);
		while (fa_json_next(&inner, &key, &operand))
			if (fa_pattern_is_operator(key))
				return false;
	}
	return true;
}

static int compile_choice(struct compiler *c, struct fa_pattern_node *node, struct field *parent,
			  struct fa_json list)
{
	struct choice *choice = fa_alloc(c->pattern->mem, sizeof(*choice));
	struct fa_json_iter iter;
	struct fa_json one;
	int rc = 0;

	if (!choice)
		return fa_error_nomem(c->err);
	choice->next = node->choices;
	node->choices = choice;
	fa_json_begin(&iter, list);
	while (!rc && fa_json_next(&iter, NULL, &one)) {
		struct fa_pattern_node *alternative =
			fa_alloc(c->pattern->mem, sizeof(*alternative));

		if (!alternative)
			return fa_error_nomem(c->err);
		alternative->next = choice->alternatives;
		choice->alternatives = alternative;
		rc = compile_object(c, alternative, parent, one);
	}
	return rc;
}

static bool is_last(struct fa_json object, struct fa_json key, struct fa_json value)
{
	char name[NAME_MAX_LEN];

	if (fa_json_string(key, name, sizeof(name)) >= sizeof(name))
		return true;
	return fa_json_get(object, name).text == value.text;
}

static int compile_object(struct compiler *c, struct fa_pattern_node *node, struct field *parent,
			  struct fa_json object)
{
	struct fa_json_iter iter;
	struct fa_json key, value;
	int rc = 0, depth = c->depth;

	if (!fa_json_count(object))
		return fa_error(c->err, FAAS_EINVAL, "an object of a pattern cannot be empty");
	fa_json_begin(&iter, object);
	while (!rc && fa_json_next(&iter, &key, &value)) {
		if (!is_last(object, key, value))
			continue;
		if (fa_json_equals(key, "$or") && is_choice(value))
			rc = compile_choice(c, node, parent, value);
		else
			rc = compile_field(c, node, parent, key, value);
		c->depth = depth;
	}
	return rc;
}

struct fa_pattern *fa_pattern_create(const struct fa_mem *mem, const char *text,
				     struct faas_error *err)
{
	size_t len = strlen(text);
	struct fa_pattern *p = fa_alloc(mem, sizeof(*p) + len + 1);
	struct compiler c = { .pattern = p, .err = err };
	struct fa_json whole;

	if (p)
		p->root = fa_alloc(mem, sizeof(*p->root));
	if (!p || !p->root) {
		fa_error_nomem(err);
		goto fail;
	}
	p->mem = mem;
	memcpy(p->text, text, len);
	if (!fa_json_read(p->text, len, &whole) || fa_json_kind(whole) != FA_JSON_OBJECT) {
		fa_error(err, FAAS_EINVAL, "a pattern must be an object of JSON");
		goto fail;
	}
	if (!compile_object(&c, p->root, NULL, whole))
		return p;
fail:
	fa_pattern_destroy(p);
	return NULL;
}

/* ---- match ------------------------------------------------------------------ */

/* In this object the field of that name is that. */
struct binding {
	const struct binding *outer;
	const char *object, *name;
	struct fa_json value;
};

struct match {
	const struct fa_pattern *pattern;
	struct fa_json event;
	const char *data_key; /* of the root: where the pattern looks into it that is `data` */
	struct fa_json data;
	const struct binding *bound;
	int *left; /* of BINDINGS_MOST */
};

static bool is_leaf(struct fa_json value)
{
	enum fa_json_kind kind = fa_json_kind(value);

	return kind != FA_JSON_NONE && kind != FA_JSON_OBJECT && kind != FA_JSON_ARRAY;
}

/* Some leaf is there, in an array or not. */
static bool has_leaf(struct fa_json value)
{
	struct fa_json_iter iter;
	struct fa_json one;

	if (fa_json_kind(value) != FA_JSON_ARRAY)
		return is_leaf(value);
	fa_json_begin(&iter, value);
	while (fa_json_next(&iter, NULL, &one))
		if (has_leaf(one))
			return true;
	return false;
}

/* An object is no text, and a text is no object. */
static struct fa_json data_of(const struct match *m, const struct field *f)
{
	if (f->node)
		return m->data;
	return fa_json_kind(m->data) == FA_JSON_OBJECT ? (struct fa_json){ NULL, 0 } : f->value;
}

static struct fa_json value_at(const struct match *m, struct fa_json object,
			       const struct field *f)
{
	if (!f->parent && m->data_key && !strcmp(f->name, m->data_key) && f->node)
		return m->data;
	return fa_json_get(object, f->name);
}

/* There is a leaf at the end of this way, in any elements of the arrays on it. */
static bool exists(const struct match *m, const struct field **way, int steps,
		   struct fa_json value)
{
	struct fa_json_iter iter;
	struct fa_json one;

	if (!steps)
		return has_leaf(value);
	if (fa_json_kind(value) == FA_JSON_OBJECT)
		return exists(m, way + 1, steps - 1, value_at(m, value, *way));
	if (fa_json_kind(value) != FA_JSON_ARRAY)
		return false;
	fa_json_begin(&iter, value);
	while (fa_json_next(&iter, NULL, &one))
		if (exists(m, way, steps, one))
			return true;
	return false;
}

static bool is_absent(const struct match *m, const struct field *f)
{
	const struct field *way[DEPTH_MAX];
	int at = DEPTH_MAX;

	for (; f; f = f->parent)
		way[--at] = f;
	return !exists(m, way + at, DEPTH_MAX - at, m->event);
}

static bool match_value(const struct match *m, const struct field *f, struct fa_json value)
{
	struct fa_json_iter iter;
	struct fa_json one;

	if (is_leaf(value))
		return fa_pattern_tests_match(f->tests, m->pattern->mem, value);
	if (fa_json_kind(value) != FA_JSON_ARRAY)
		return false;
	fa_json_begin(&iter, value);
	while (fa_json_next(&iter, NULL, &one))
		if (match_value(m, f, one))
			return true;
	return false;
}

static bool match_node(const struct match *m, const struct fa_pattern_node *node,
		       struct fa_json value);

static bool match_field(const struct match *m, const struct field *f)
{
	if (f->node)
		return match_node(m, f->node, f->value);
	return match_value(m, f, f->value) || (f->absent && is_absent(m, f));
}

/* The innermost binding counts. */
static struct fa_json bound_value(const struct match *m, const struct field *f,
				  struct fa_json object, struct fa_json value)
{
	for (const struct binding *b = m->bound; b; b = b->outer)
		if (b->object == object.text && !strcmp(b->name, f->name))
			return b->value;
	return value;
}

/* Every field gets the value that the object has for it; the last of several. */
static void spread(const struct match *m, const struct fa_pattern_node *node,
		   struct fa_json object)
{
	struct fa_json_iter iter;
	struct fa_json key, value;
	struct field *f;

	for (f = node->fields; f; f = f->next)
		f->value = (struct fa_json){ NULL, 0 };
	if (fa_json_kind(object) != FA_JSON_OBJECT)
		return;
	fa_json_begin(&iter, object);
	while (fa_json_next(&iter, &key, &value))
		for (f = node->fields; f; f = f->next)
			if (fa_json_equals(key, f->name))
				f->value = value;
	for (f = node->fields; f && m->data_key; f = f->next)
		if (!f->parent && !strcmp(f->name, m->data_key))
			f->value = data_of(m, f);
	for (f = node->fields; f && m->bound; f = f->next)
		f->value = bound_value(m, f, object, f->value);
}

static bool match_choice(const struct match *m, const struct choice *choice, struct fa_json object)
{
	for (const struct fa_pattern_node *a = choice->alternatives; a; a = a->next)
		if (match_node(m, a, object))
			return true;
	return false;
}

static bool is_in_choices(const struct fa_pattern_node *node, const char *name)
{
	for (const struct choice *c = node->choices; c; c = c->next)
		for (const struct fa_pattern_node *a = c->alternatives; a; a = a->next) {
			for (const struct field *f = a->fields; f; f = f->next)
				if (!strcmp(f->name, name))
					return true;
			if (is_in_choices(a, name))
				return true;
		}
	return false;
}

/* An array of which all that look there must see the same element. */
struct shared {
	const char *object, *name;
	struct fa_json array;
};

static bool find_array(const struct match *m, const struct field *f, struct fa_json object,
		       struct fa_json value, struct shared *out)
{
	struct fa_json_iter iter;
	struct fa_json first;

	if (fa_json_kind(value) == FA_JSON_ARRAY) {
		*out = (struct shared){ object.text, f->name, value };
		fa_json_begin(&iter, value);
		return fa_json_next(&iter, NULL, &first);
	}
	if (!f->node || fa_json_kind(value) != FA_JSON_OBJECT)
		return false;
	for (const struct field *inner = f->node->fields; inner; inner = inner->next)
		if (find_array(m, inner, value,
			       bound_value(m, inner, value, fa_json_get(value, inner->name)), out))
			return true;
	return false;
}

/* One that is beside a choice and in it, or inside of what is; none, if there are too many. */
static bool find_shared(const struct match *m, const struct fa_pattern_node *node,
			struct fa_json object, struct shared *out)
{
	for (const struct field *f = node->fields; f && *m->left > 0; f = f->next)
		if (is_in_choices(node, f->name) && find_array(m, f, object, f->value, out))
			return true;
	return false;
}

static bool match_object(const struct match *m, const struct fa_pattern_node *node,
			 struct fa_json object);

static bool match_bound(const struct match *m, const struct fa_pattern_node *node,
			struct fa_json object, const struct shared *shared)
{
	struct binding b = { .outer = m->bound, .object = shared->object, .name = shared->name };
	struct match inner = *m;
	struct fa_json_iter iter;

	inner.bound = &b;
	fa_json_begin(&iter, shared->array);
	while (fa_json_next(&iter, NULL, &b.value)) {
		--*m->left;
		if (match_object(&inner, node, object))
			return true;
	}
	return false;
}

static bool match_object(const struct match *m, const struct fa_pattern_node *node,
			 struct fa_json object)
{
	struct shared shared;

	spread(m, node, object);
	if (node->choices && find_shared(m, node, object, &shared))
		return match_bound(m, node, object, &shared);
	for (const struct field *f = node->fields; f; f = f->next)
		if (!match_field(m, f))
			return false;
	for (const struct choice *c = node->choices; c; c = c->next)
		if (!match_choice(m, c, object))
			return false;
	return true;
}

/* What is no object has none of the fields; that may be what is asked for. */
static bool match_node(const struct match *m, const struct fa_pattern_node *node,
		       struct fa_json value)
{
	struct fa_json_iter iter;
	struct fa_json one;

	if (fa_json_kind(value) != FA_JSON_ARRAY || !fa_json_count(value))
		return match_object(m, node, value);
	fa_json_begin(&iter, value);
	while (fa_json_next(&iter, NULL, &one))
		if (match_node(m, node, one))
			return true;
	return false;
}

bool fa_pattern_matches(const struct fa_pattern *pattern, struct fa_json event)
{
	int left = BINDINGS_MOST;
	struct match m = { .pattern = pattern, .event = event, .left = &left };

	return match_node(&m, pattern->root, event);
}

bool fa_pattern_matches_data(const struct fa_pattern *pattern, struct fa_json event,
			     const char *key, struct fa_json data)
{
	int left = BINDINGS_MOST;
	struct match m = { .pattern = pattern, .event = event, .data_key = key, .data = data,
			   .left = &left };

	return match_node(&m, pattern->root, event);
}
