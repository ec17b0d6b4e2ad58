/* SPDX-License-Identifier: MIT */
#include <model/policy/value.h>

#include <arpa/inet.h>
#include <string.h>
#include <time.h>

#include <base/json.h>
#include <model/policy/request.h>

bool fa_value_number(const char *text, double *out)
{
	struct fa_json number;

	return fa_json_read(text, strlen(text), &number) && fa_json_double(number, out);
}

static bool is_word(const char *text, const char *word)
{
	return strlen(text) == strlen(word) && fa_folds_to(text, word, strlen(word));
}

bool fa_value_boolean(const char *text, bool *out)
{
	bool yes = is_word(text, "true");

	if (!yes && !is_word(text, "false"))
		return false;
	*out = yes;
	return true;
}

/* ---- dates ------------------------------------------------------------- */

/* Exactly that many digits, from `min` to `max`. */
static bool digits(const char **text, int count, int min, int max, int *out)
{
	int value = 0;

	for (int i = 0; i < count; i++) {
		char c = (*text)[i];

		if (c < '0' || c > '9')
			return false;
		value = value * 10 + (c - '0');
	}
	*text += count;
	*out = value;
	return value >= min && value <= max;
}

static bool skip(const char **text, char c)
{
	if (**text != c)
		return false;
	++*text;
	return true;
}

/* Fractions of a second, of any length; milliseconds of them count. */
static bool fraction(const char **text, int *ms)
{
	int scale = 100;

	if (!skip(text, '.'))
		return true;
	if (**text < '0' || **text > '9')
		return false;
	for (; **text >= '0' && **text <= '9'; scale /= 10)
		*ms += (*(*text)++ - '0') * scale;
	return true;
}

static bool zone(const char **text, int *minutes)
{
	int sign = **text == '-' ? -1 : 1, hour, minute;

	if (skip(text, 'Z'))
		return true;
	if (!skip(text, '+') && !skip(text, '-'))
		return false;
	if (!digits(text, 2, 0, 23, &hour) || !skip(text, ':') || !digits(text, 2, 0, 59, &minute))
		return false;
	*minutes = sign * (hour * 60 + minute);
	return true;
}

static bool calendar(const char *text, int64_t *out)
{
	struct tm tm = { .tm_mon = 1, .tm_mday = 1 };
	int ms = 0, minutes = 0;
	bool ok = digits(&text, 4, 1900, 9999, &tm.tm_year);

	if (ok && skip(&text, '-')) {
		ok = digits(&text, 2, 1, 12, &tm.tm_mon);
		if (ok && skip(&text, '-'))
			ok = digits(&text, 2, 1, 31, &tm.tm_mday);
		if (ok && skip(&text, 'T')) {
			ok = digits(&text, 2, 0, 23, &tm.tm_hour) && skip(&text, ':') &&
			     digits(&text, 2, 0, 59, &tm.tm_min);
			if (ok && skip(&text, ':'))
				ok = digits(&text, 2, 0, 60, &tm.tm_sec) && fraction(&text, &ms);
			ok = ok && zone(&text, &minutes);
		}
	}
	if (!ok || *text)
		return false;
	tm.tm_year -= 1900;
	tm.tm_mon--;
	*out = ((int64_t)timegm(&tm) - minutes * 60) * 1000 + ms;
	return true;
}

bool fa_value_date(const char *text, int64_t *out)
{
	size_t len = strspn(text, "0123456789");
	int64_t seconds = 0;

	if (len < 5 || len > 15 || text[len])
		return calendar(text, out);
	for (size_t i = 0; i < len; i++)
		seconds = seconds * 10 + (text[i] - '0');
	*out = seconds * 1000;
	return true;
}

/* ---- networks ---------------------------------------------------------- */

bool fa_value_network(const char *text, struct fa_network *out)
{
	struct fa_network net = { .family = strchr(text, ':') ? AF_INET6 : AF_INET };
	int most = net.family == AF_INET6 ? 128 : 32;
	size_t len = strcspn(text, "/");
	char address[64];

	if (len >= sizeof(address))
		return false;
	memcpy(address, text, len);
	address[len] = '\0';
	if (inet_pton(net.family, address, net.address) != 1)
		return false;
	net.bits = most;
	if (text[len] == '/') {
		const char *bits = text + len + 1;

		len = strlen(bits);
		if (!len || len > 3 || !digits(&bits, (int)len, 0, most, &net.bits))
			return false;
	}
	*out = net;
	return true;
}

bool fa_network_holds(const struct fa_network *outer, const struct fa_network *inner)
{
	int whole = outer->bits / 8, rest = outer->bits % 8;
	unsigned char mask = (unsigned char)(0xff00 >> rest);

	if (outer->family != inner->family || inner->bits < outer->bits)
		return false;
	if (memcmp(outer->address, inner->address, (size_t)whole) != 0)
		return false;
	return !rest || !((outer->address[whole] ^ inner->address[whole]) & mask);
}
