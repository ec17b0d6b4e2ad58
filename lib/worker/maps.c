/* SPDX-License-Identifier: MIT */
/*
 * The kernel's list of our mappings, kept as text because two texts are
 * compared in no time, and taken apart only when they differ.
 */
#include <worker/maps.h>

#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

bool fa_maps_read(struct fa_maps *maps, int fd)
{
	ssize_t n;

	maps->len = 0;
	maps->count = 0;
	do {
		n = pread(fd, maps->text + maps->len, sizeof(maps->text) - maps->len,
			  (off_t)maps->len);
		if (n > 0)
			maps->len += (size_t)n;
	} while (n > 0);
	return n == 0 && maps->len && maps->len < sizeof(maps->text);
}

bool fa_maps_same(const struct fa_maps *a, const struct fa_maps *b)
{
	return a->len == b->len && memcmp(a->text, b->text, a->len) == 0;
}

/* A number and the one character behind it. */
static uint64_t number(const char **at, unsigned base)
{
	uint64_t value = 0;
	const char *p = *at;

	for (;; p++) {
		unsigned digit = *p >= '0' && *p <= '9' ? (unsigned)(*p - '0') :
				 *p >= 'a' && *p <= 'f' ? (unsigned)(*p - 'a' + 10) :
							  99;

		if (digit >= base)
			break;
		value = value * base + digit;
	}
	*at = p + 1;
	return value;
}

/* "start-end rwxp offset major:minor inode   name" */
static void parse_line(struct fa_mapping *m, const char *at)
{
	memset(m, 0, sizeof(*m));
	m->start = number(&at, 16);
	m->end = number(&at, 16);
	m->protection = (at[0] == 'r' ? PROT_READ : 0) | (at[1] == 'w' ? PROT_WRITE : 0) |
			(at[2] == 'x' ? PROT_EXEC : 0);
	m->shared = at[3] == 's';
	at += 5;
	m->offset = number(&at, 16);
	m->device = number(&at, 16) << 32;
	m->device |= number(&at, 16);
	m->inode = number(&at, 10);
	while (*at == ' ')
		at++;
	m->stack = strncmp(at, "[stack]", 7) == 0;
	m->kernel = strncmp(at, "[v", 2) == 0;
}

bool fa_maps_parse(struct fa_maps *maps)
{
	const char *at = maps->text, *end = maps->text + maps->len;

	maps->count = 0;
	while (at < end) {
		const char *newline = memchr(at, '\n', (size_t)(end - at));

		if (!newline || maps->count == FA_MAPS_MAX)
			return false;
		parse_line(&maps->list[maps->count++], at);
		at = newline + 1;
	}
	return true;
}
