/* SPDX-License-Identifier: MIT */
/*
 * Log lines as `aws logs tail` prints them: when, whose, what. What a function
 * writes is not to be obeyed by the terminal, so control characters are shown; a record of
 * many lines, which carriage returns separate, is indented from its second on.
 */
#include "server.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#define KEPT 500       /* lines, for the page */
#define KEPT_TEXT 2000 /* bytes of each */
#define SENT 200       /* lines at a time */

/* A copy: it becomes JSON if somebody asks for it, which most lines never see. */
struct line {
	int64_t time_ms;
	enum faas_level level;
	bool requested;
	char function[65], version[24], request_id[40], stream[96];
	size_t len;
	char text[KEPT_TEXT];
};

static const char *const levels[] = { "TRACE", "DEBUG", "INFO", "WARN", "ERROR", "FATAL" };
static struct line kept[KEPT];
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

const char *time_of(int64_t unix_ms)
{
	static char text[32];
	static time_t last;
	time_t seconds = unix_ms / 1000;
	struct tm tm;

	if (seconds != last)
		strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%S.000Z", gmtime_r(&seconds, &tm));
	last = seconds;
	text[20] = (char)('0' + unix_ms / 100 % 10);
	text[21] = (char)('0' + unix_ms / 10 % 10);
	text[22] = (char)('0' + unix_ms % 10);
	return text;
}

static json_t *object_of(const struct faas_log *log)
{
	return json_pack("{ss ss ss ss ss* ss so}", "time", time_of(log->time_ms), "level",
			 levels[log->level], "function", log->function, "version", log->version,
			 "requestId", log->request_id, "stream", log->stream, "message",
			 text_of(log->text.data, log->text.len));
}

static void print_json(const struct faas_log *log)
{
	json_t *object = object_of(log);

	json_dumpf(object, stdout, JSON_COMPACT);
	putchar('\n');
	json_decref(object);
}

static void print_plain(const struct faas_log *log)
{
	const char *text = log->text.data;

	printf("%s %s[%s] ", time_of(log->time_ms), log->function, log->version);
	for (size_t i = 0; i < log->text.len; i++) {
		if ((unsigned char)text[i] >= ' ' || text[i] == '\t')
			putchar_unlocked(text[i]);
		else if (text[i] == '\n' || text[i] == '\r')
			fputs(i + 1 < log->text.len ? "\n\t" : "", stdout);
		else
			printf("\\x%02x", text[i]);
	}
	putchar('\n');
}

static void keep(const struct faas_log *log)
{
	struct line *line = &kept[count++ % KEPT];

	line->time_ms = log->time_ms;
	line->level = log->level;
	line->requested = log->request_id != NULL;
	snprintf(line->function, sizeof(line->function), "%s", log->function);
	snprintf(line->version, sizeof(line->version), "%s", log->version);
	snprintf(line->request_id, sizeof(line->request_id), "%s",
		 log->request_id ? log->request_id : "");
	snprintf(line->stream, sizeof(line->stream), "%s", log->stream);
	line->len = log->text.len < KEPT_TEXT ? log->text.len : KEPT_TEXT;
	memcpy(line->text, log->text.data, line->len);
}

void log_line(const struct faas_log *log)
{
	keep(log);
	if (as_json)
		print_json(log);
	else
		print_plain(log);
}

static json_t *show(const struct line *line)
{
	return object_of(&(struct faas_log){
		.level = line->level,
		.time_ms = line->time_ms,
		.function = line->function,
		.version = line->version,
		.request_id = line->requested ? line->request_id : NULL,
		.stream = line->stream,
		.text = { line->text, line->len },
	});
}

json_t *log_since(uint64_t *number)
{
	json_t *lines = json_array();

	if (count - *number > SENT)
		*number = count - SENT;
	for (; *number < count; ++*number)
		json_array_append_new(lines, show(&kept[*number % KEPT]));
	return lines;
}
