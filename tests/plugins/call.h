/* SPDX-License-Identifier: MIT */
/*
 * Handlers that call others, for a process and for a thread: what they are to call is
 * the first word of their event.
 */
#ifndef TEST_PLUGINS_CALL_H
#define TEST_PLUGINS_CALL_H

#include <faas/plugin.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Up to the next blank, which is left out of the rest. */
static inline void call_word(struct faas_bytes *text, char *word, size_t size)
{
	const char *at = text->data, *blank = text->len ? memchr(at, ' ', text->len) : NULL;
	size_t len = blank ? (size_t)(blank - at) : text->len;

	snprintf(word, size, "%.*s", (int)len, len ? at : "");
	text->data = at + len + (blank != NULL);
	text->len -= len + (blank != NULL);
}

static inline int call_say(struct faas_context *ctx, int code, struct faas_bytes answer)
{
	char text[24];

	snprintf(text, sizeof(text), "%d ", code);
	faas_puts(ctx, text);
	return faas_write(ctx, answer.data, answer.len);
}

/* "FUNCTION EVENT": answers "CODE ANSWER". */
static inline int invoke(struct faas_context *ctx, struct faas_bytes event)
{
	struct faas_bytes answer = { "?", 1 };
	char name[600];

	call_word(&event, name, sizeof(name));
	return call_say(ctx, faas_call(ctx, name, event, &answer), answer);
}

/* "ADDRESS GROUP BODY", the group "-": none. */
static inline int publish(struct faas_context *ctx, struct faas_bytes event)
{
	struct faas_bytes answer = { "?", 1 };
	char address[600], group[2000];
	int rc;

	call_word(&event, address, sizeof(address));
	call_word(&event, group, sizeof(group));
	rc = faas_publish(ctx, address, strcmp(group, "-") ? group : NULL, event, &answer);
	return call_say(ctx, rc, answer);
}

/* "N FUNCTION": how many of N calls went well. */
static inline int many(struct faas_context *ctx, struct faas_bytes event)
{
	char word[24], name[100];
	int good = 0;

	call_word(&event, word, sizeof(word));
	call_word(&event, name, sizeof(name));
	for (int i = atoi(word); i > 0; i--)
		good += faas_call(ctx, name, event, NULL) == 0;
	snprintf(word, sizeof(word), "%d", good);
	return faas_puts(ctx, word);
}

/* "SIZE FUNCTION": a string of JSON of so many bytes there; whether the same came back. */
static inline int large(struct faas_context *ctx, struct faas_bytes event)
{
	struct faas_bytes answer = { NULL, 0 };
	char word[24], name[100], *data;
	size_t size;
	int rc;

	call_word(&event, word, sizeof(word));
	call_word(&event, name, sizeof(name));
	size = (size_t)atol(word);
	data = malloc(size);
	memset(data, 'x', size);
	data[0] = data[size - 1] = '"';
	rc = faas_call(ctx, name, (struct faas_bytes){ data, size }, &answer);
	if (!rc && (answer.len != size || memcmp(answer.data, data, size) != 0))
		rc = 1;
	free(data);
	return call_say(ctx, rc, rc ? answer : (struct faas_bytes){ "same", 4 });
}

/* "ME": calls ME with the same, until that is refused; answers as its call was answered. */
static inline int circle(struct faas_context *ctx, struct faas_bytes event)
{
	struct faas_bytes answer = { "", 0 };
	char name[100];
	int rc;

	snprintf(name, sizeof(name), "%.*s", (int)event.len, (const char *)event.data);
	rc = faas_call(ctx, name, event, &answer);
	return rc ? call_say(ctx, rc, answer) : faas_write(ctx, answer.data, answer.len);
}

#endif
