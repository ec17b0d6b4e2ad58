/* SPDX-License-Identifier: MIT */
/* No value can end its line: what is no text becomes a blank. */
#include <http/answer.h>

#include <stdio.h>
#include <string.h>
#include <time.h>

#include <base/text.h>

#define ROOM_FOR_OURS 256 /* for the fields that every answer has */

static void put_plain(struct fa_text *text, const char *value)
{
	for (; *value; value++) {
		char c = (unsigned char)*value < ' ' || *value == 0x7f ? ' ' : *value;

		fa_text_bytes(text, &c, 1);
	}
}

static void put_field(struct fa_text *text, const char *name, const char *value)
{
	if (text->len + strlen(name) + strlen(value) + 4 > FA_ANSWER_HEAD_MAX - ROOM_FOR_OURS)
		return;
	put_plain(text, name);
	fa_text_add(text, ": ");
	put_plain(text, value);
	fa_text_add(text, "\r\n");
}

/* "Date: Fri, 27 Nov 2026 04:05:06 GMT", in nobody's locale. */
static void put_date(struct fa_text *text, int64_t unix_ms)
{
	static const char days[] = "SunMonTueWedThuFriSat";
	static const char months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
	time_t seconds = unix_ms / 1000;
	char line[64];
	struct tm tm;

	if (!gmtime_r(&seconds, &tm))
		return;
	snprintf(line, sizeof(line), "Date: %.3s, %02d %.3s %d %02d:%02d:%02d GMT\r\n",
		 days + 3 * tm.tm_wday, tm.tm_mday, months + 3 * tm.tm_mon, tm.tm_year + 1900,
		 tm.tm_hour, tm.tm_min, tm.tm_sec);
	fa_text_add(text, line);
}

static void put_length(struct fa_text *text, const struct fa_answer *answer)
{
	if (answer->status == 204)
		return;
	if (answer->length == FA_ANSWER_CHUNKED) {
		fa_text_add(text, answer->http10 ? "" : "Transfer-Encoding: chunked\r\n");
		return;
	}
	fa_text_add(text, "Content-Length: ");
	fa_text_int(text, answer->length);
	fa_text_add(text, "\r\n");
}

size_t fa_answer_head(char out[FA_ANSWER_HEAD_MAX], const struct fa_answer *answer,
		      const struct fa_http_field *fields, int count)
{
	struct fa_text text = { .data = out, .size = FA_ANSWER_HEAD_MAX };

	fa_text_add(&text, "HTTP/1.1 ");
	fa_text_int(&text, answer->status);
	fa_text_add(&text, " ");
	fa_text_add(&text, fa_http_reason(answer->status));
	fa_text_add(&text, "\r\n");
	for (int i = 0; i < count; i++)
		put_field(&text, fields[i].name, fields[i].value);
	put_date(&text, answer->unix_ms);
	put_length(&text, answer);
	if (answer->last)
		fa_text_add(&text, "Connection: close\r\n");
	else if (answer->http10)
		fa_text_add(&text, "Connection: keep-alive\r\n");
	fa_text_add(&text, "\r\n");
	return text.len;
}

size_t fa_answer_chunk(char out[20], size_t len)
{
	return (size_t)snprintf(out, 20, "%zx\r\n", len);
}

size_t fa_answer_last_chunk(char out[FA_ANSWER_HEAD_MAX], const struct fa_http_field *trailers,
			    int count)
{
	struct fa_text text = { .data = out, .size = FA_ANSWER_HEAD_MAX };

	fa_text_add(&text, "0\r\n");
	for (int i = 0; i < count; i++)
		put_field(&text, trailers[i].name, trailers[i].value);
	fa_text_add(&text, "\r\n");
	return text.len;
}
