/* SPDX-License-Identifier: MIT */
/*
 * A header is walked field by field and written anew. Its lineage is a list of its own;
 * the entry of the function that is visited moves to the end, so that those that go for
 * want of room are those that were visited longest ago.
 */
#include <model/trace.h>

#include <stdlib.h>
#include <string.h>

#include <base/text.h>
#include <faas/types.h>

#define ENTRY_MAX 20 /* "|", eight hex digits, ":", ten digits */

uint32_t fa_trace_hash(const char *arn)
{
	uint32_t hash = 2166136261u; /* FNV-1a */

	for (; *arn; arn++)
		hash = (hash ^ (unsigned char)*arn) * 16777619u;
	return hash ? hash : 1;
}

/* The next piece of a text up to `end`; false at the end of the text. */
static bool next_piece(const char **at, char end, struct faas_bytes *piece)
{
	const char set[2] = { end, '\0' };

	if (!**at)
		return false;
	piece->data = *at;
	piece->len = strcspn(*at, set);
	*at += piece->len;
	if (**at)
		++*at;
	return true;
}

/* "Name=value": the value, or NULL if it is another field. */
static const char *value_of(const struct faas_bytes *field, const char *name)
{
	size_t len = strlen(name);
	const char *text = field->data;

	return field->len > len && !memcmp(text, name, len) && text[len] == '=' ? text + len + 1
										: NULL;
}

static struct faas_bytes find(const char *header, const char *name)
{
	struct faas_bytes field;
	const char *value;

	while (header && next_piece(&header, ';', &field))
		if ((value = value_of(&field, name)))
			return (struct faas_bytes){ value, field.len - strlen(name) - 1 };
	return (struct faas_bytes){ NULL, 0 };
}

void fa_trace_field(char *out, size_t size, const char *header, const char *name)
{
	struct faas_bytes value = find(header, name);
	struct fa_text text = { .data = out, .size = size };

	fa_text_bytes(&text, value.data, value.len);
}

/* ---- lineage ----------------------------------------------------------- */

struct entry {
	uint32_t hash;
	unsigned long visits;
};

static bool read_entry(struct faas_bytes piece, struct entry *entry)
{
	char text[ENTRY_MAX + 1], *end;

	if (!piece.len || piece.len > ENTRY_MAX)
		return false;
	memcpy(text, piece.data, piece.len);
	text[piece.len] = '\0';
	entry->hash = (uint32_t)strtoul(text, &end, 16);
	if (end != text + 8 || *end != ':')
		return false;
	entry->visits = strtoul(end + 1, &end, 10);
	return !*end && entry->visits <= UINT32_MAX;
}

/* Of the lineage, those that are none skipped. */
static bool next_entry(const char **at, const char *end, struct entry *entry)
{
	while (*at < end) {
		const char *bar = memchr(*at, '|', (size_t)(end - *at));
		struct faas_bytes piece = { *at, (size_t)((bar ? bar : end) - *at) };

		*at = bar ? bar + 1 : end;
		if (read_entry(piece, entry))
			return true;
	}
	return false;
}

unsigned fa_trace_visits(const char *header, uint32_t hash)
{
	struct faas_bytes lineage = find(header, "Lineage");
	const char *at = lineage.data;
	struct entry entry;

	while (at && next_entry(&at, (const char *)lineage.data + lineage.len, &entry))
		if (entry.hash == hash)
			return (unsigned)entry.visits;
	return 0;
}

static void add_entry(struct fa_text *out, struct entry entry)
{
	uint8_t hash[] = { (uint8_t)(entry.hash >> 24), (uint8_t)(entry.hash >> 16),
			   (uint8_t)(entry.hash >> 8), (uint8_t)entry.hash };

	if (out->len)
		fa_text_add(out, "|");
	fa_text_hex(out, hash, sizeof(hash));
	fa_text_add(out, ":");
	fa_text_int(out, (int64_t)entry.visits);
}

/* At most `room` bytes: the oldest go first. */
static void add_lineage(struct fa_text *out, size_t room, const char *header, uint32_t visited)
{
	struct faas_bytes lineage = find(header, "Lineage");
	const char *at = lineage.data, *end;
	struct entry entry, mine = { visited, 1 + fa_trace_visits(header, visited) };
	char bytes[FA_TRACE_MAX + ENTRY_MAX + 1], *from = bytes;
	struct fa_text text = FA_TEXT(bytes);

	bytes[0] = '\0';
	while (at && next_entry(&at, (const char *)lineage.data + lineage.len, &entry))
		if (entry.hash != visited && text.len + ENTRY_MAX < FA_TRACE_MAX)
			add_entry(&text, entry);
	if (visited)
		add_entry(&text, mine);
	end = bytes + text.len;
	while ((size_t)(end - from) > room && (from = strchr(from, '|')))
		from++;
	if (from && from < end && (size_t)(end - from) <= room)
		fa_text_bytes(out, from, (size_t)(end - from));
}

/* ---- the whole ---------------------------------------------------------- */

static void add_field(struct fa_text *out, const char *name, struct faas_bytes value)
{
	if (!value.len || out->len + strlen(name) + value.len + 2 > FA_TRACE_MAX)
		return;
	if (out->len)
		fa_text_add(out, ";");
	fa_text_add(out, name);
	fa_text_add(out, "=");
	fa_text_bytes(out, value.data, value.len);
}

static struct faas_bytes text_of(const char *text)
{
	return (struct faas_bytes){ text, text ? strlen(text) : 0 };
}

static struct faas_bytes sampled_of(const char *header, const char *otherwise)
{
	struct faas_bytes own = find(header, "Sampled");

	if (own.len == 1 && (*(const char *)own.data == '0' || *(const char *)own.data == '1'))
		return own;
	return otherwise ? text_of(otherwise) : own;
}

/* What is neither of ours goes on, too. */
static void add_others(struct fa_text *out, const char *header)
{
	static const char *const ours[] = { "Root", "Parent", "Sampled", "Lineage" };
	struct faas_bytes field;

	while (header && next_piece(&header, ';', &field)) {
		bool known = !field.len || out->len + field.len + 1 > FA_TRACE_MAX;

		for (unsigned i = 0; i < sizeof(ours) / sizeof(*ours); i++)
			known |= value_of(&field, ours[i]) != NULL;
		if (known)
			continue;
		if (out->len)
			fa_text_add(out, ";");
		fa_text_bytes(out, field.data, field.len);
	}
}

size_t fa_trace_write(char out[FA_TRACE_MAX + 1], const char *header,
		      const struct fa_trace_change *change)
{
	struct fa_text text = { .data = out, .size = FA_TRACE_MAX + 1 };
	struct faas_bytes root = find(header, "Root");
	char lineage[FA_TRACE_MAX + 1] = "";
	struct fa_text list = FA_TEXT(lineage);

	out[0] = '\0';
	add_field(&text, "Root", root.len ? root : text_of(change->root));
	add_field(&text, "Parent",
		  change->parent ? text_of(change->parent) : find(header, "Parent"));
	add_field(&text, "Sampled", sampled_of(header, change->sampled));
	add_others(&text, header);
	if (text.len + sizeof(";Lineage=") < FA_TRACE_MAX)
		add_lineage(&list, FA_TRACE_MAX - text.len - sizeof(";Lineage="), header,
			    change->visits);
	add_field(&text, "Lineage", (struct faas_bytes){ lineage, list.len });
	return text.len;
}

/* ---- new ones ----------------------------------------------------------- */

void fa_trace_root(char out[36], int64_t unix_ms, const uint8_t random[12])
{
	uint32_t seconds = (uint32_t)(unix_ms / 1000);
	const uint8_t time[] = { (uint8_t)(seconds >> 24), (uint8_t)(seconds >> 16),
				 (uint8_t)(seconds >> 8), (uint8_t)seconds };
	struct fa_text text = { .data = out, .size = 36 };

	fa_text_add(&text, "1-");
	fa_text_hex(&text, time, sizeof(time));
	fa_text_add(&text, "-");
	fa_text_hex(&text, random, 12);
}

void fa_trace_id(char out[17], const uint8_t random[8])
{
	struct fa_text text = { .data = out, .size = 17 };

	fa_text_hex(&text, random, 8);
}
