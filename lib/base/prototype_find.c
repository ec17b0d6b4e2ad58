/* SPDX-License-Identifier: MIT */
/*
 * Not a C parser: a filter that drops what cannot be part of a declaration
 * (comments, preprocessor lines, strings, bodies) and collects what is left up
 * to each semicolon. The first piece that calls itself `name(` is the answer.
 */
#include <base/prototype.h>

#include <string.h>

struct filter {
	const char *at, *end;
	char *out;
	size_t len, size; /* of the piece in `out` */
	bool cut, line_start;
	int braces; /* of bodies; those of extern "C" do not count */
};

static bool word_char(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
	       c == '_';
}

static bool space(char c)
{
	return !c || c == ' ' || (c >= '\t' && c <= '\r');
}

static bool begins(const struct filter *f, const char *with)
{
	size_t len = strlen(with);

	return (size_t)(f->end - f->at) >= len && memcmp(f->at, with, len) == 0;
}

static void keep(struct filter *f, char c)
{
	if (space(c) && (!f->len || f->out[f->len - 1] == ' '))
		return;
	if (f->len + 1 < f->size)
		f->out[f->len++] = space(c) ? ' ' : c;
	else
		f->cut = true;
}

static void forget(struct filter *f)
{
	f->len = 0;
	f->cut = false;
}

static void skip_past(struct filter *f, const char *mark)
{
	while (f->at < f->end && !begins(f, mark))
		f->at++;
	if (f->at < f->end)
		f->at += strlen(mark);
}

static void skip_line(struct filter *f)
{
	for (; f->at < f->end && *f->at != '\n'; f->at++)
		if (*f->at == '\\' && f->end - f->at > 1)
			f->at++;
}

static void skip_quoted(struct filter *f)
{
	char quote = *f->at++;

	for (; f->at < f->end && *f->at != quote && *f->at != '\n'; f->at++)
		if (*f->at == '\\' && f->end - f->at > 1)
			f->at++;
	if (f->at < f->end)
		f->at++;
}

/* True if something was skipped that leaves white space behind. */
static bool skip_noise(struct filter *f)
{
	if (begins(f, "/*")) {
		f->at += 2;
		skip_past(f, "*/");
	} else if (begins(f, "//") || (f->line_start && *f->at == '#')) {
		skip_line(f);
	} else if (*f->at == '"' || *f->at == '\'') {
		skip_quoted(f);
	} else {
		return false;
	}
	keep(f, ' ');
	return true;
}

static void open_brace(struct filter *f)
{
	bool linkage =
		!f->braces && (f->len == 6 || f->len == 7) && memcmp(f->out, "extern", 6) == 0;

	if (!linkage)
		f->braces++;
	forget(f);
}

static void close_brace(struct filter *f)
{
	if (f->braces)
		f->braces--;
	forget(f);
}

static bool declares(const struct filter *f, const char *name)
{
	size_t len = strlen(name);

	if (f->cut || (f->len > 7 && memcmp(f->out, "typedef", 7) == 0))
		return false;
	for (size_t i = 1; i + len < f->len; i++) {
		const char *behind = f->out + i + len;

		if (memcmp(f->out + i, name, len) != 0 || word_char(f->out[i - 1]))
			continue;
		if (*behind == '(' || (*behind == ' ' && behind[1] == '('))
			return true;
	}
	return false;
}

size_t fa_prototype_find(const char *header, size_t len, const char *name, char *out, size_t size)
{
	struct filter f = {
		.at = header, .end = header + len, .out = out, .size = size, .line_start = true
	};

	while (f.at < f.end && size > 2) {
		if (skip_noise(&f))
			continue;
		f.line_start = *f.at == '\n' || (f.line_start && space(*f.at));
		if (*f.at == '{')
			open_brace(&f);
		else if (*f.at == '}')
			close_brace(&f);
		else if (*f.at != ';')
			keep(&f, *f.at);
		else {
			f.out[f.len] = '\0';
			if (!f.braces && declares(&f, name))
				return f.len;
			forget(&f);
		}
		f.at++;
	}
	return 0;
}
