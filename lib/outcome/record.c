/* SPDX-License-Identifier: MIT */
/*
 * Millions of these lines are written per second while somebody listens, so
 * they are put together by hand, and only what differs from the line before is written
 * again. Every piece is bounded by its field, and all of them together stay below
 * FA_REPORT_MAX: nothing is checked on the way.
 */
#include <outcome/record.h>

#include <stdbool.h>
#include <string.h>

#define DIGITS 20

/* The longest REPORT: its fixed words, seven numbers, two names. */
_Static_assert(sizeof("REPORT RequestId: \tDuration: . ms\tBilled Duration:  ms\tMemory Size:  MB\t"
		      "Max Memory Used:  MB\tRestore Duration: . ms\tBilled Restore Duration:  ms\t"
		      "Status: timeout\tError Type: ") +
			       7 * DIGITS + 40 + 64 <=
		       FA_REPORT_MAX,
	       "REPORT");
/* The middle of one is copied with all that may lie behind it. */
_Static_assert(sizeof(" ms\tMemory Size:  MB\tMax Memory Used:  MB\t") + 2 * DIGITS <=
		       FA_LINE_MEMORY_MAX,
	       "memory");

#define PUT(p, literal) put(p, literal, sizeof(literal) - 1)

static inline char *put(char *p, const char *text, size_t len)
{
	memcpy(p, text, len);
	return p + len;
}

static inline char *put_number(char *p, uint64_t value)
{
	char *end = p + 1;

	if (value < 10) {
		*p = (char)('0' + value);
		return end;
	}

	for (uint64_t rest = value; rest >= 10; rest /= 10)
		end++;
	for (p = end; value >= 10; value /= 10)
		*--p = (char)('0' + value % 10);
	*--p = (char)('0' + value);
	return end;
}

static uint64_t not_negative(int64_t value)
{
	return value > 0 ? (uint64_t)value : 0;
}

/* Milliseconds with two digits behind the point, rounded to the nearest. */
static char *put_ms(char *p, int64_t ns)
{
	uint64_t hundredths = (not_negative(ns) + 5000) / 10000, whole = hundredths / 100;
	unsigned int rest = (unsigned int)(hundredths - whole * 100);

	p = put_number(p, whole);
	*p++ = '.';
	*p++ = (char)('0' + rest / 10);
	*p++ = (char)('0' + rest % 10);
	return PUT(p, " ms");
}

static size_t finish(const char *out, char *p)
{
	*p = '\0';
	return (size_t)(p - out);
}

static bool letter(char c)
{
	return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
}

/* The length of the family that the type begins with, 0 if it is of none. */
static size_t family(const char *type)
{
	static const char *const families[] = { "Function.", "Runtime.", "Extension." };

	for (size_t i = 0; i < sizeof(families) / sizeof(*families); i++)
		if (!strncmp(type, families[i], strlen(families[i])))
			return strlen(families[i]);
	return 0;
}

/*
 * The platform's lines name only types of the form Runtime.Xyz, Function.Xyz (semantics 4)
 * and Extension.Xyz ("Understanding the Lambda execution environment lifecycle"); a
 * function may call its errors anything, even "\nREPORT ...".
 */
const char *fa_record_error_type(const struct fa_record *record)
{
	const char *type = record->error_type, *p = type + family(type), *first = p;
	const char *end = type + sizeof(record->error_type);

	while (p < end && letter(*p))
		p++;
	if (first > type && p < end && !*p && p - first >= 2 && *first <= 'Z')
		return type;
	return first > type && *type == 'F' ? "Function.Unknown" : "Runtime.Unknown";
}

static char *put_status(char *p, const struct fa_record *record, bool timed_out)
{
	const char *type;

	if (timed_out)
		return PUT(p, "Status: timeout");
	type = fa_record_error_type(record);
	p = PUT(p, "Status: error\tError Type: ");
	return put(p, type, strlen(type));
}

/* ---- START, END and REPORT ------------------------------------------- */

#define UUID 36 /* characters */
#define START "START RequestId: "
#define END "END RequestId: "
#define REPORT "REPORT RequestId: "

/* Everything around the ids: so long are they. */
static void lay_out(struct fa_lines *lines, size_t id_len)
{
	char *p = PUT(lines->start, START) + id_len;

	p = PUT(p, " Version: ");
	lines->start_len = finish(lines->start, put(p, lines->version, strlen(lines->version)));
	lines->end_len = finish(lines->end, PUT(lines->end, END) + id_len);
	p = PUT(lines->report, REPORT) + id_len;
	lines->report_len = finish(lines->report, PUT(p, "\tDuration: "));
	lines->id_len = id_len;
}

static inline void put_id(struct fa_lines *lines, const char *id, size_t len)
{
	memcpy(lines->start + sizeof(START) - 1, id, len);
	memcpy(lines->end + sizeof(END) - 1, id, len);
	memcpy(lines->report + sizeof(REPORT) - 1, id, len);
}

static void say_memory(struct fa_lines *lines, int64_t memory_mb, int64_t peak_mb)
{
	char *p = PUT(lines->memory, " ms\tMemory Size: ");

	p = put_number(p, (uint64_t)memory_mb);
	p = put_number(PUT(p, " MB\tMax Memory Used: "), (uint64_t)peak_mb);
	lines->memory_len = (size_t)(PUT(p, " MB\t") - lines->memory);
	lines->memory_mb = memory_mb;
	lines->peak_mb = peak_mb;
}

static inline char *put_memory(char *p, struct fa_lines *lines, const struct fa_record *record)
{
	int64_t memory_mb = (int64_t)not_negative(record->memory_mb);
	int64_t peak_mb = (int64_t)((not_negative(record->peak_kb) + 1023) / 1024);

	if (memory_mb != lines->memory_mb || peak_mb != lines->peak_mb)
		say_memory(lines, memory_mb, peak_mb);
	memcpy(p, lines->memory, sizeof(lines->memory));
	return p + lines->memory_len;
}

static char *put_init(char *p, const struct fa_record *record)
{
	if (!record->restored) {
		p = put_ms(PUT(p, "Init Duration: "), record->init_ns);
		return PUT(p, "\t");
	}
	p = put_ms(PUT(p, "Restore Duration: "), record->init_ns);
	p = put_number(PUT(p, "\tBilled Restore Duration: "),
		       (uint64_t)record->init_ns / 1000000 + (record->init_ns % 1000000 != 0));
	return PUT(p, " ms\t");
}

void fa_lines_init(struct fa_lines *lines)
{
	memset(lines->memory, 0, sizeof(lines->memory));
	lines->memory_mb = lines->peak_mb = -1;
	lines->id_len = SIZE_MAX;
	lines->version[0] = '\0';
}

void fa_lines_version(struct fa_lines *lines, const char *version)
{
	size_t len = strnlen(version, FA_LINE_VERSION_MAX);

	if (!strncmp(lines->version, version, FA_LINE_VERSION_MAX))
		return;
	memcpy(lines->version, version, len);
	lines->version[len] = '\0';
	lines->id_len = SIZE_MAX;
}

/* Moves of a known size are the fastest, and nearly all ids have the same. */
void fa_lines_record(struct fa_lines *lines, const struct fa_record *record)
{
	const char *id = record->request_id;
	size_t len = id[UUID - 1] && !id[UUID] ? UUID : strnlen(id, sizeof(record->request_id));

	if (len != lines->id_len)
		lay_out(lines, len);
	if (len == UUID)
		put_id(lines, id, UUID);
	else
		put_id(lines, id, len);
}

/* An ordinary REPORT ends with a tab, as AWS's does. */
struct faas_bytes fa_lines_report(struct fa_lines *lines, const struct fa_record *record)
{
	char *p = put_ms(lines->report + lines->report_len, record->duration_ns);

	p = put_number(PUT(p, "\tBilled Duration: "), not_negative(record->billed_ms));
	p = put_memory(p, lines, record);
	if (record->init_ns > 0)
		p = put_init(p, record);
	if (record->timed_out || record->failed)
		p = put_status(p, record, record->timed_out);
	return (struct faas_bytes){ lines->report, finish(lines->report, p) };
}

size_t fa_render_init_report(char *out, const struct fa_record *record)
{
	char *p;

	if (record->restored)
		p = put_ms(PUT(out, "RESTORE_REPORT Restore Duration: "), record->init_ns);
	else
		p = put_ms(PUT(out, "INIT_REPORT Init Duration: "), record->init_ns);
	p = record->restored   ? PUT(p, "\t") :
	    record->suppressed ? PUT(p, "\tPhase: invoke\t") :
				 PUT(p, "\tPhase: init\t");
	if (record->init_timed_out || record->failed)
		p = put_status(p, record, record->init_timed_out);
	return finish(out, p);
}
