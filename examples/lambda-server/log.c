/* SPDX-License-Identifier: MIT */
/*
 * Log lines as `aws logs tail` prints them: when, whose, what. What a function
 * writes is not to be obeyed by the terminal, so control characters are shown.
 */
#include "server.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#define KEPT 500       /* lines, for the page */
#define KEPT_TEXT 2000 /* bytes of each */
#define SENT 200       /* lines at a time */

static const char *const levels[] = { "TRACE", "DEBUG", "INFO", "WARN", "ERROR", "FATAL" };
static json_t *kept[KEPT];
static uint64_t count;
static bool as_json;

void log_open(bool json)
{
	static char buffer[1 << 16];

	as_json = json;
	setvbuf(stdout, buffer, _IOFBF, sizeof(buffer));
}

json_t *text_of(const void *data, size_t len)
{
	json_t *text = json_stringn(data, len);
	char *plain = text ? NULL : malloc(len);

	for (size_t i = 0; plain && i < len; i++)
		plain[i] = ((const char *)data)[i] & 0x80 ? '?' : ((const char *)data)[i];
	if (plain)
		text = json_stringn(plain, len);
	free(plain);
	return text ? text : json_string("");
}

static void time_of(char out[32], int64_t unix_ms)
{
	time_t seconds = unix_ms / 1000;
	struct tm tm;

	gmtime_r(&seconds, &tm);
	snprintf(out + strftime(out, 32, "%Y-%m-%dT%H:%M:%S", &tm), 8, ".%03dZ",
		 (int)(unix_ms % 1000));
}

static json_t *object_of(const struct faas_log *log, size_t most)
{
	size_t len = log->text.len < most ? log->text.len : most;
	char at[32];

	time_of(at, log->time_ms);
	return json_pack("{ss ss ss ss ss* ss so}", "time", at, "level", levels[log->level],
			 "function", log->function, "version", log->version, "requestId",
			 log->request_id, "stream", log->stream, "message",
			 text_of(log->text.data, len));
}

static void print_plain(const struct faas_log *log)
{
	const char *text = log->text.data;
	char at[32];

	time_of(at, log->time_ms);
	printf("%s %s[%s] ", at, log->function, log->version);
	for (size_t i = 0; i < log->text.len; i++) {
		if (text[i] == '\n')
			fputs("\n\t", stdout);
		else if ((unsigned char)text[i] < ' ' && text[i] != '\t')
			printf("\\x%02x", text[i]);
		else
			putchar(text[i]);
	}
	putchar('\n');
}

void log_line(const struct faas_log *log)
{
	json_t **place = &kept[count++ % KEPT];

	json_decref(*place);
	*place = object_of(log, KEPT_TEXT);
	if (as_json) {
		json_t *whole = object_of(log, SIZE_MAX);

		json_dumpf(whole, stdout, JSON_COMPACT);
		putchar('\n');
		json_decref(whole);
	} else {
		print_plain(log);
	}
}

json_t *log_since(uint64_t *number)
{
	json_t *lines = json_array();

	if (count - *number > SENT)
		*number = count - SENT;
	for (; *number < count; ++*number)
		json_array_append(lines, kept[*number % KEPT]);
	return lines;
}
