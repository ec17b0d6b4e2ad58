/* SPDX-License-Identifier: MIT */
/*
 * Millions of these lines are written per second while somebody listens, so
 * they are put together by hand. Every piece is bounded by its field, and all of
 * them together stay below FA_REPORT_MAX: nothing is checked on the way.
 */
#include <outcome/record.h>

#include <stdbool.h>
#include <string.h>

#define VERSION_MAX 128
#define DIGITS 20

/* The longest REPORT: its fixed words, seven numbers, two names. */
_Static_assert(sizeof("REPORT RequestId: \tDuration: . ms\tBilled Duration:  ms\tMemory Size:  MB\t"
		      "Max Memory Used:  MB\tRestore Duration: . ms\tBilled Restore Duration:  ms\t"
		      "Status: timeout\tError Type: ") +
			       7 * DIGITS + 40 + 64 <=
		       FA_REPORT_MAX,
	       "REPORT");

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
	uint64_t hundredths = (not_negative(ns) + 5000) / 10000;

	p = put_number(p, hundredths / 100);
	*p++ = '.';
	*p++ = (char)('0' + hundredths / 10 % 10);
	*p++ = (char)('0' + hundredths % 10);
	return PUT(p, " ms");
}

#define UUID 36 /* characters */

/* All of the field and then its length: moves of a known size are the fastest. */
static inline char *put_id(char *p, const struct fa_record *record)
{
	const char *id = record->request_id;

	p = PUT(p, "RequestId: ");
	memcpy(p, id, sizeof(record->request_id));
	return p + (id[UUID - 1] && !id[UUID] ? UUID : strnlen(id, sizeof(record->request_id)));
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

size_t fa_render_start(char *out, const struct fa_record *record, const char *version)
{
	char *p = put_id(PUT(out, "START "), record);

	p = PUT(p, " Version: ");
	return finish(out, put(p, version, strnlen(version, VERSION_MAX)));
}

size_t fa_render_end(char *out, const struct fa_record *record)
{
	return finish(out, put_id(PUT(out, "END "), record));
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

/* An ordinary REPORT ends with a tab, as AWS's does. */
size_t fa_render_report(char *out, const struct fa_record *record)
{
	char *p = put_id(PUT(out, "REPORT "), record);

	p = put_ms(PUT(p, "\tDuration: "), record->duration_ns);
	p = put_number(PUT(p, "\tBilled Duration: "), not_negative(record->billed_ms));
	p = put_number(PUT(p, " ms\tMemory Size: "), not_negative(record->memory_mb));
	p = put_number(PUT(p, " MB\tMax Memory Used: "),
		       (not_negative(record->peak_kb) + 1023) / 1024);
	p = PUT(p, " MB\t");
	if (record->init_ns > 0)
		p = put_init(p, record);
	if (record->timed_out || record->failed)
		p = put_status(p, record, record->timed_out);
	return finish(out, p);
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
