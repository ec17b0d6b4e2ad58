/* SPDX-License-Identifier: MIT */
/*
 * Records are rendered by the thousand per second, and by a worker whose libc
 * a function may have bent: no format strings, no locale, no allocation. What
 * was cut stays cut, so a later short piece never follows a gap.
 */
#include <base/text.h>

#include <stdio.h>
#include <string.h>
#include <time.h>
#include <sys/random.h>
#include <sys/types.h>

static const char hex_digits[] = "0123456789abcdef";

static size_t room(const struct fa_text *text)
{
	return text->cut || !text->size ? 0 : text->size - 1 - text->len;
}

void fa_text_bytes(struct fa_text *text, const void *data, size_t len)
{
	size_t left = room(text);

	if (len > left) {
		text->cut = true;
		len = left;
	}
	if (len)
		memcpy(text->data + text->len, data, len);
	text->len += len;
	if (text->size)
		text->data[text->len] = '\0';
}

void fa_text_add(struct fa_text *text, const char *string)
{
	fa_text_bytes(text, string, strlen(string));
}

/* Digits of the number, at least `least` of them, right-aligned before `end`. */
static char *digits(char *end, uint64_t value, int least)
{
	do {
		*--end = (char)('0' + value % 10);
		value /= 10;
	} while (--least > 0 || value);
	return end;
}

static uint64_t magnitude(int64_t value)
{
	return value < 0 ? 0 - (uint64_t)value : (uint64_t)value;
}

void fa_text_int(struct fa_text *text, int64_t value)
{
	fa_text_fixed(text, value, 0);
}

void fa_text_fixed(struct fa_text *text, int64_t value, int decimals)
{
	char buf[24], *end = buf + sizeof(buf);
	char *begin = digits(end, magnitude(value), decimals + 1);

	if (value < 0)
		*--begin = '-';
	fa_text_bytes(text, begin, (size_t)(end - begin - decimals));
	if (decimals) {
		fa_text_bytes(text, ".", 1);
		fa_text_bytes(text, end - decimals, (size_t)decimals);
	}
}

#define TIME "0000-00-00T00:00:00.000Z"

static void write_time(char out[sizeof(TIME)], int64_t unix_ms)
{
	int64_t ms = unix_ms % 1000;
	time_t seconds;
	struct tm tm;

	if (ms < 0)
		ms += 1000;
	memcpy(out, TIME, sizeof(TIME));
	seconds = (time_t)((unix_ms - ms) / 1000);
	gmtime_r(&seconds, &tm);
	digits(out + 4, (uint64_t)tm.tm_year + 1900, 4);
	digits(out + 7, (uint64_t)tm.tm_mon + 1, 2);
	digits(out + 10, (uint64_t)tm.tm_mday, 2);
	digits(out + 13, (uint64_t)tm.tm_hour, 2);
	digits(out + 16, (uint64_t)tm.tm_min, 2);
	digits(out + 19, (uint64_t)tm.tm_sec, 2);
	digits(out + 23, (uint64_t)ms, 3);
}

void fa_text_time(struct fa_text *text, int64_t unix_ms)
{
	char out[sizeof(TIME)];

	write_time(out, unix_ms);
	fa_text_add(text, out);
}

void fa_text_second(struct fa_text *text, int64_t unix_ms)
{
	char out[sizeof(TIME)];

	write_time(out, unix_ms);
	strcpy(out + strlen("0000-00-00T00:00:00"), "Z");
	fa_text_add(text, out);
}

bool fa_text_read_time(const char *text, int64_t *unix_s)
{
	struct tm tm = { .tm_year = 0 };
	int hours = 0, minutes = 0;
	const char *at = strptime(text, "%Y-%m-%dT%H:%M:%S", &tm);

	if (!at)
		return false;
	if (*at == '.')
		at += 1 + strspn(at + 1, "0123456789");
	if (*at == '+' || *at == '-') {
		if (sscanf(at + 1, "%2d:%2d", &hours, &minutes) != 2 || strlen(at) != 6)
			return false;
	} else if (strcmp(at, "Z") != 0) {
		return false;
	}
	*unix_s = timegm(&tm) - (*at == '-' ? -1 : 1) * (hours * 3600 + minutes * 60);
	return true;
}

void fa_text_hex(struct fa_text *text, const void *data, size_t len)
{
	const unsigned char *bytes = data;

	for (size_t i = 0; i < len; i++) {
		char pair[2] = { hex_digits[bytes[i] >> 4], hex_digits[bytes[i] & 15] };

		fa_text_bytes(text, pair, 2);
	}
	if (!len)
		fa_text_bytes(text, "", 0);
}

/*
 * How a character that begins with `lead` goes on: the number of further
 * bytes, and the narrowed range of the first of them that excludes overlong
 * forms, surrogates and what lies above U+10FFFF. False: nothing begins so.
 */
static bool sequence(unsigned char lead, size_t *more, unsigned char *low, unsigned char *high)
{
	*low = lead == 0xe0 ? 0xa0 : lead == 0xf0 ? 0x90 : 0x80;
	*high = lead == 0xed ? 0x9f : lead == 0xf4 ? 0x8f : 0xbf;
	*more = lead >= 0xf0 ? 3 : lead >= 0xe0 ? 2 : 1;
	return lead >= 0xc2 && lead <= 0xf4;
}

size_t fa_text_character(const void *data, size_t len, bool *valid)
{
	const unsigned char *p = data;
	unsigned char low, high;
	size_t more, i = 1;

	*valid = false;
	if (!sequence(p[0], &more, &low, &high))
		return 1;
	for (; i <= more && i < len && p[i] >= low && p[i] <= high; i++) {
		low = 0x80;
		high = 0xbf;
	}
	*valid = i == more + 1;
	return i;
}

size_t fa_text_length(const char *text)
{
	size_t length = 0;

	for (; *text; text++)
		length += ((unsigned char)*text & 0xc0) != 0x80;
	return length;
}

bool fa_text_is_utf8(const void *data, size_t len)
{
	const unsigned char *p = data, *end = p + len;
	bool valid = true;

	while (valid && p < end)
		p += *p < 0x80 ? 1 : fa_text_character(p, (size_t)(end - p), &valid);
	return valid;
}

/* All or nothing: half an escape would break the document around it. */
static void whole(struct fa_text *text, const void *data, size_t len)
{
	if (len > room(text))
		text->cut = true;
	else
		fa_text_bytes(text, data, len);
}

static void escape(struct fa_text *text, unsigned char c)
{
	static const char named[] = "\"\\\b\f\n\r\t", letters[] = "\"\\bfnrt";
	const char *found = c ? strchr(named, c) : NULL;
	char buf[6] = { '\\', 'u', '0', '0', hex_digits[c >> 4], hex_digits[c & 15] };

	if (found)
		buf[1] = letters[found - named];
	whole(text, buf, found ? 2 : sizeof(buf));
}

static bool plain(unsigned char c)
{
	return c >= 0x20 && c < 0x80 && c != '"' && c != '\\';
}

void fa_text_json(struct fa_text *text, const void *data, size_t len)
{
	const unsigned char *p = data, *end = p + len;

	fa_text_bytes(text, "", 0);
	while (p < end && !text->cut) {
		const unsigned char *start = p;
		bool valid = true;

		while (p < end && plain(*p))
			p++;
		fa_text_bytes(text, start, (size_t)(p - start));
		if (p == end)
			return;
		if (*p < 0x80) {
			escape(text, *p++);
			continue;
		}
		size_t size = fa_text_character(p, (size_t)(end - p), &valid);

		whole(text, valid ? (const void *)p : "\xef\xbf\xbd", valid ? size : 3);
		p += size;
	}
}

/* A register where the processor has one so wide, else whatever the compiler likes. */
typedef uint8_t bytes16 __attribute__((vector_size(16)));
typedef uint64_t halves16 __attribute__((vector_size(16)));

static inline bytes16 digits_of(bytes16 nibbles)
{
	bytes16 letters = (bytes16)(nibbles > 9); /* all bits set where it is one */

	return nibbles + '0' + (letters & ('a' - '9' - 1));
}

/* It was written in halves a moment ago, and read in one the processor would wait for both. */
static inline bytes16 load_halves(const uint8_t *from)
{
	uint64_t first, second;

	memcpy(&first, from, sizeof(first));
	memcpy(&second, from + 8, sizeof(second));
	return (bytes16)(halves16){ first, second };
}

/* Every event has one, so all digits are made at once: no table, no branch, no byte by byte. */
void fa_uuid(char out[37], const uint8_t random[16])
{
	/* version 4, and the variant */
	const bytes16 kept = { 255,  255, 255, 255, 255, 255, 0x0f, 255,
			       0x3f, 255, 255, 255, 255, 255, 255,  255 };
	const bytes16 said = { 0, 0, 0, 0, 0, 0, 0x40, 0, 0x80, 0, 0, 0, 0, 0, 0, 0 };
	bytes16 bytes = (load_halves(random) & kept) | said;
	bytes16 high = bytes >> 4, low = bytes & 0x0f;
	bytes16 digits[2] = { digits_of(__builtin_shufflevector(high, low, 0, 16, 1, 17, 2, 18, 3,
								19, 4, 20, 5, 21, 6, 22, 7, 23)),
			      digits_of(__builtin_shufflevector(high, low, 8, 24, 9, 25, 10, 26, 11,
								27, 12, 28, 13, 29, 14, 30, 15,
								31)) };
	const char *from = (const char *)digits;

	memcpy(out, from, 8);
	memcpy(out + 9, from + 8, 4);
	memcpy(out + 14, from + 12, 4);
	memcpy(out + 19, from + 16, 4);
	memcpy(out + 24, from + 20, 12);
	out[8] = out[13] = out[18] = out[23] = '-';
	out[36] = '\0';
}

void fa_random_bytes(void *out, size_t len)
{
	char *at = out;

	while (len) {
		ssize_t n = getrandom(at, len, 0);

		if (n < 0)
			continue; /* interrupted: it fails for no other reason */
		at += n;
		len -= (size_t)n;
	}
}
