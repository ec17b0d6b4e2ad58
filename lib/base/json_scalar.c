/* SPDX-License-Identifier: MIT */
/*
 * Scalars of a validated text as C values. Strings are decoded a character at a
 * time, whoever wants them whole or compared. A double is read as a decimal of
 * bounded length first, so that a number of a million digits costs no memory and
 * still rounds correctly.
 */
#include <base/json.h>

#include <locale.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static bool is_digit(char byte)
{
	return byte >= '0' && byte <= '9';
}

/* ---- strings ---------------------------------------------------------- */

static uint32_t four_hex(const char *at)
{
	uint32_t code = 0;

	for (int i = 0; i < 4; i++)
		code = code << 4 | (uint32_t)(is_digit(at[i]) ? at[i] - '0' : (at[i] & 7) + 9);
	return code;
}

/* The code point of \uXXXX[\uXXXX]; `at` stands behind the u and is moved on. */
static uint32_t unicode_escape(const char **at, const char *end)
{
	uint32_t code = four_hex(*at), low;

	*at += 4;
	if (code < 0xd800 || code > 0xdfff)
		return code;
	if (code > 0xdbff || end - *at < 6 || (*at)[0] != '\\' || (*at)[1] != 'u')
		return 0xfffd;
	low = four_hex(*at + 2);
	if (low < 0xdc00 || low > 0xdfff)
		return 0xfffd;
	*at += 6;
	return 0x10000 + ((code - 0xd800) << 10) + (low - 0xdc00);
}

static size_t put_utf8(char out[4], uint32_t code)
{
	size_t more = code < 0x80 ? 0 : code < 0x800 ? 1 : code < 0x10000 ? 2 : 3;
	static const unsigned char lead[] = { 0, 0xc0, 0xe0, 0xf0 };

	for (size_t i = more; i; i--, code >>= 6)
		out[i] = (char)(0x80 | (code & 0x3f));
	out[0] = (char)(lead[more] | code);
	return more + 1;
}

/* The next character of the inside of a string, decoded: 1 to 4 bytes. */
static size_t next_bytes(const char **at, const char *end, char out[4])
{
	static const char from[] = "bfnrt", to[] = "\b\f\n\r\t";
	const char *known;

	out[0] = *(*at)++;
	if (out[0] != '\\')
		return 1;
	out[0] = *(*at)++;
	if (out[0] == 'u')
		return put_utf8(out, unicode_escape(at, end));
	known = strchr(from, out[0]);
	if (known)
		out[0] = to[known - from];
	return 1;
}

size_t fa_json_string(struct fa_json string, char *out, size_t size)
{
	const char *at = string.text + 1, *end = string.text + string.len - 1;
	size_t len = 0;

	if (fa_json_kind(string) != FA_JSON_STRING)
		at = end = NULL;
	while (at < end) {
		char bytes[4];
		size_t n = next_bytes(&at, end, bytes);

		for (size_t i = 0; i < n; i++, len++)
			if (len + 1 < size)
				out[len] = bytes[i];
	}
	if (size)
		out[len < size ? len : size - 1] = '\0';
	return len;
}

bool fa_json_equals(struct fa_json string, const char *text)
{
	const char *at = string.text + 1, *end = string.text + string.len - 1;

	if (fa_json_kind(string) != FA_JSON_STRING)
		return false;
	while (at < end) {
		char bytes[4];
		size_t n = next_bytes(&at, end, bytes);

		if (strncmp(text, bytes, n) != 0 || !bytes[0])
			return false;
		text += n;
	}
	return !*text;
}

/* ---- numbers ---------------------------------------------------------- */

/* Sign and magnitude of a number without point and exponent. */
static bool read_integer(struct fa_json number, bool *negative, uint64_t *magnitude)
{
	size_t i = 0;
	uint64_t sum = 0;

	if (fa_json_kind(number) != FA_JSON_NUMBER)
		return false;
	*negative = number.text[0] == '-';
	for (i = *negative; i < number.len; i++) {
		if (!is_digit(number.text[i]) || __builtin_mul_overflow(sum, 10u, &sum) ||
		    __builtin_add_overflow(sum, (uint64_t)(number.text[i] - '0'), &sum))
			return false;
	}
	*magnitude = sum;
	return true;
}

bool fa_json_int(struct fa_json number, int64_t *out)
{
	uint64_t magnitude;
	bool negative;

	if (!read_integer(number, &negative, &magnitude) ||
	    magnitude > (uint64_t)INT64_MAX + negative)
		return false;
	*out = negative ? (int64_t)(0 - magnitude) : (int64_t)magnitude;
	return true;
}

bool fa_json_uint(struct fa_json number, uint64_t *out)
{
	uint64_t magnitude;
	bool negative;

	if (!read_integer(number, &negative, &magnitude) || (negative && magnitude))
		return false;
	*out = magnitude;
	return true;
}

/*
 * A number as digits times a power of ten. 770 significant digits decide the
 * rounding of every double; of what follows only whether it is zero matters.
 */
#define DIGITS 770

struct decimal {
	char digits[DIGITS + 2];
	int count;
	int64_t exponent;
	bool negative;
};

static void add_digit(struct decimal *d, char digit, bool behind_point)
{
	if (!d->count && digit == '0') {
		d->exponent -= behind_point;
	} else if (d->count < DIGITS) {
		d->digits[d->count++] = digit;
		d->exponent -= behind_point;
	} else {
		d->exponent += !behind_point;
		if (digit != '0')
			d->digits[DIGITS - 1] |= 1; /* '0' becomes '1': sticky, odd stays */
	}
}

static int64_t read_exponent(const char *at, const char *end)
{
	bool negative = *at == '-';
	int64_t sum = 0;

	for (at += *at == '-' || *at == '+'; at < end; at++)
		if (sum < 100000000)
			sum = sum * 10 + (*at - '0');
	return negative ? -sum : sum;
}

static void read_decimal(struct decimal *d, struct fa_json number)
{
	const char *at = number.text, *end = at + number.len;
	bool behind_point = false;

	d->count = 0;
	d->exponent = 0;
	d->negative = *at == '-';
	for (at += d->negative; at < end && (*at | 0x20) != 'e'; at++) {
		if (*at == '.')
			behind_point = true;
		else
			add_digit(d, *at, behind_point);
	}
	if (at < end)
		d->exponent += read_exponent(at + 1, end);
}

/* Up to 15 digits and 10^22 are exact in a double, so is one operation on them. */
static bool small_double(const struct decimal *d, double *out)
{
	static const double power[] = { 1e0,  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,
					1e8,  1e9,  1e10, 1e11, 1e12, 1e13, 1e14, 1e15,
					1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22 };
	int64_t sum = 0;

	if (d->count > 15 || d->exponent < -22 || d->exponent > 22)
		return d->count == 0 ? (*out = 0.0, true) : false;
	for (int i = 0; i < d->count; i++)
		sum = sum * 10 + (d->digits[i] - '0');
	*out = d->exponent < 0 ? (double)sum / power[-d->exponent]
			       : (double)sum * power[d->exponent];
	return true;
}

/* glibc keeps one "C" locale in read-only data; this takes no memory. */
static locale_t c_locale(void)
{
	return newlocale(LC_ALL_MASK, "C", (locale_t)0);
}

static double large_double(const struct decimal *d)
{
	char text[DIGITS + 32];
	int64_t exponent = d->exponent;
	locale_t locale = c_locale();
	double value;

	exponent = exponent > 9999999 ? 9999999 : exponent < -9999999 ? -9999999 : exponent;
	snprintf(text, sizeof(text), "%.*se%d", d->count, d->digits, (int)exponent);
	value = strtod_l(text, NULL, locale);
	freelocale(locale);
	return value;
}

bool fa_json_double(struct fa_json number, double *out)
{
	struct decimal decimal;
	double value;

	if (fa_json_kind(number) != FA_JSON_NUMBER)
		return false;
	read_decimal(&decimal, number);
	if (!small_double(&decimal, &value))
		value = large_double(&decimal);
	if (isinf(value))
		return false;
	*out = decimal.negative ? -value : value;
	return true;
}

size_t fa_json_print(char out[FA_JSON_DOUBLE], double value, bool single)
{
	locale_t locale, callers;
	int len = 0;

	if (!isfinite(value))
		return (size_t)(stpcpy(out, "null") - out);
	locale = c_locale();
	callers = uselocale(locale);
	for (int digits = single ? 6 : 15; digits <= (single ? 9 : 17); digits++) {
		double back;

		len = snprintf(out, FA_JSON_DOUBLE, "%.*g", digits, value);
		back = strtod(out, NULL);
		if (single ? (float)back == (float)value : back == value)
			break;
	}
	uselocale(callers);
	freelocale(locale);
	return (size_t)len;
}
