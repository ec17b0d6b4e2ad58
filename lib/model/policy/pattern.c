/* SPDX-License-Identifier: MIT */
/*
 * A pattern is a row of pieces: literal bytes, one character, any characters, a variable. It
 * is matched greedily and goes back to its last '*' only, which is enough for this language
 * and bounds the time by the product of both lengths.
 */
#include <model/policy/pattern.h>

#include <string.h>

#include <base/text.h>

enum piece_kind { LITERAL, ONE, MANY, VARIABLE };

struct fa_piece {
	enum piece_kind kind;
	struct faas_bytes text;      /* literal bytes, or the key of a variable */
	struct faas_bytes otherwise; /* of a variable; data NULL: it has no default */
};

/* ---- compile ----------------------------------------------------------- */

static size_t skip_blanks(const char *text, size_t at, size_t len)
{
	while (at < len && text[at] == ' ')
		at++;
	return at;
}

/* "key" or "key, 'default'", between the braces. */
static bool read_variable(struct fa_piece *piece, const char *text, size_t len)
{
	const char *comma = memchr(text, ',', len);
	size_t at = skip_blanks(text, 0, len), end = comma ? (size_t)(comma - text) : len;

	while (end > at && text[end - 1] == ' ')
		end--;
	piece->kind = VARIABLE;
	piece->text = (struct faas_bytes){ text + at, end - at };
	if (end == at)
		return false;
	if (!comma)
		return true;
	at = skip_blanks(text, (size_t)(comma - text) + 1, len);
	while (len > at && text[len - 1] == ' ')
		len--;
	if (len < at + 2 || text[at] != '\'' || text[len - 1] != '\'')
		return false;
	piece->otherwise = (struct faas_bytes){ text + at + 1, len - at - 2 };
	return true;
}

static bool is_special(const char *text, size_t len)
{
	return len == 1 && strchr("*?$", *text);
}

/* One piece from the beginning of the text; returns its length, 0 if it is malformed. */
static size_t read_piece(struct fa_piece *piece, const char *text, size_t len, unsigned form)
{
	size_t n = 1;

	if ((form & FA_PATTERN_WILD) && (*text == '*' || *text == '?')) {
		piece->kind = *text == '*' ? MANY : ONE;
		return 1;
	}
	if ((form & FA_PATTERN_VARIABLE) && len > 1 && text[0] == '$' && text[1] == '{') {
		const char *end = memchr(text, '}', len);

		if (!end)
			return 0;
		n = (size_t)(end - text) + 1;
		if (!is_special(text + 2, n - 3))
			return read_variable(piece, text + 2, n - 3) ? n : 0;
		piece->kind = LITERAL;
		piece->text = (struct faas_bytes){ text + 2, 1 };
		return n;
	}
	while (n < len && !((form & FA_PATTERN_WILD) && strchr("*?", text[n])) &&
	       !((form & FA_PATTERN_VARIABLE) && text[n] == '$'))
		n++;
	piece->kind = LITERAL;
	piece->text = (struct faas_bytes){ text, n };
	return n;
}

static size_t count_pieces(const char *text, size_t len, unsigned form)
{
	struct fa_piece piece;
	size_t count = 0, n;

	for (size_t at = 0; at < len; at += n, count++) {
		n = read_piece(&piece, text + at, len - at, form);
		if (!n)
			return SIZE_MAX;
	}
	return count;
}

int fa_pattern_compile(struct fa_pattern *pattern, struct fa_arena *arena, const char *text,
		       size_t len, unsigned form)
{
	size_t count = count_pieces(text, len, form);
	const char *copy = fa_arena_text(arena, text, len);
	struct fa_piece *pieces;

	if (count == SIZE_MAX)
		return FAAS_EINVAL;
	pieces = fa_arena_alloc(arena, count * sizeof(*pieces));
	if (!copy || !pieces)
		return FAAS_ENOMEM;
	*pattern = (struct fa_pattern){ .pieces = pieces, .count = count };
	pattern->fold = form & FA_PATTERN_FOLD;
	for (size_t i = 0, at = 0; i < count; i++) {
		at += read_piece(&pieces[i], copy + at, len - at, form);
		pattern->variables += pieces[i].kind == VARIABLE;
	}
	return pattern->variables > FA_PATTERN_VARIABLES ? FAAS_EINVAL : 0;
}

/* The next colon that is outside of a variable, or the end. */
static size_t segment(const char *text, unsigned form)
{
	size_t at = 0;

	while (text[at] && text[at] != ':') {
		const char *end = NULL;

		if ((form & FA_PATTERN_VARIABLE) && text[at] == '$' && text[at + 1] == '{')
			end = strchr(text + at, '}');
		at = end ? (size_t)(end - text) + 1 : at + 1;
	}
	return at;
}

int fa_arn_pattern_compile(struct fa_arn_pattern *pattern, struct fa_arena *arena, const char *text,
			   unsigned form)
{
	int rc = 0;

	*pattern = (struct fa_arn_pattern){ .count = 0 };
	if (!strcmp(text, "*"))
		return 0;
	while (!rc && pattern->count < 6) {
		size_t len = pattern->count == 5 ? strlen(text) : segment(text, form);

		rc = fa_pattern_compile(&pattern->part[pattern->count], arena, text, len, form);
		pattern->varies |= !rc && pattern->part[pattern->count].variables;
		pattern->count++;
		if (!text[len])
			break;
		text += len + 1;
	}
	return rc;
}

/* ---- match ------------------------------------------------------------- */

static bool resolve(const struct fa_pattern *pattern, const struct fa_policy_request *request,
		    struct faas_bytes *values)
{
	for (size_t i = 0; i < pattern->count; i++) {
		const struct fa_piece *piece = &pattern->pieces[i];
		const struct fa_fact *fact;

		if (piece->kind != VARIABLE)
			continue;
		fact = fa_fact_find(request, piece->text.data, piece->text.len);
		if (fact && fact->count == 1)
			*values++ = (struct faas_bytes){ fact->values[0], strlen(fact->values[0]) };
		else if (piece->otherwise.data)
			*values++ = piece->otherwise;
		else
			return false;
	}
	return true;
}

static bool begins_with(const char *text, size_t len, struct faas_bytes with, bool fold)
{
	if (len < with.len)
		return false;
	return fold ? fa_folds_to(text, with.data, with.len) : !memcmp(text, with.data, with.len);
}

/* How many bytes of the text this piece takes, SIZE_MAX if it does not fit. */
static size_t step(const struct fa_pattern *pattern, const struct fa_piece *piece,
		   const struct faas_bytes *value, const char *text, size_t len)
{
	struct faas_bytes what = piece->kind == VARIABLE ? *value : piece->text;
	bool valid;

	if (piece->kind == ONE)
		return !len ? SIZE_MAX : *text & 0x80 ? fa_text_character(text, len, &valid) : 1;
	return begins_with(text, len, what, pattern->fold) ? what.len : SIZE_MAX;
}

static bool match(const struct fa_pattern *pattern, const struct faas_bytes *values,
		  const char *text, size_t len)
{
	size_t i = 0, value = 0, at = 0, n;
	size_t star = SIZE_MAX, star_value = 0, star_at = 0;

	for (;;) {
		const struct fa_piece *piece = &pattern->pieces[i];

		if (i == pattern->count && at == len)
			return true;
		if (i < pattern->count && piece->kind == MANY) {
			star = ++i;
			star_value = value;
			star_at = at;
			if (i == pattern->count)
				return true;
			continue;
		}
		n = i == pattern->count ? SIZE_MAX
					: step(pattern, piece, &values[value], text + at, len - at);
		if (n != SIZE_MAX) {
			at += n;
			value += piece->kind == VARIABLE;
			i++;
			continue;
		}
		if (star == SIZE_MAX || star_at >= len)
			return false;
		at = ++star_at;
		value = star_value;
		i = star;
	}
}

enum fa_match fa_pattern_match(const struct fa_pattern *pattern, const char *text, size_t len,
			       const struct fa_policy_request *request)
{
	struct faas_bytes values[FA_PATTERN_VARIABLES + 1] = { { NULL, 0 } };

	if (pattern->variables && !resolve(pattern, request, values))
		return FA_MATCH_VOID;
	return match(pattern, values, text, len) ? FA_MATCH_YES : FA_MATCH_NO;
}

enum fa_match fa_arn_pattern_match(const struct fa_arn_pattern *pattern, const char *text,
				   const struct fa_policy_request *request)
{
	enum fa_match all = FA_MATCH_YES, now;

	for (size_t i = 0; i < pattern->count; i++) {
		size_t len = i == 5 ? strlen(text) : strcspn(text, ":");

		now = fa_pattern_match(&pattern->part[i], text, len, request);
		if (now == FA_MATCH_VOID)
			return FA_MATCH_VOID;
		if (now == FA_MATCH_NO || (!text[len] && i < 5))
			all = FA_MATCH_NO;
		if (all == FA_MATCH_NO && !pattern->varies)
			return all; /* else a later variable may have no value */
		text += len + (text[len] == ':');
	}
	return all;
}
