/* SPDX-License-Identifier: MIT */
/*
 * Mutations of a corpus from a fixed seed: flipped, cut, doubled, spliced. Each
 * input lies in a block of exactly its size, so a byte too many is caught. With the
 * name of a folder it writes the corpus there, for who searches longer.
 */
#include "fuzz.h"

#define MAX_INPUT 8192
#define ROUNDS 100000

static uint64_t seed = 0x9e3779b97f4a7c15;

static uint32_t draw(uint32_t below)
{
	seed ^= seed << 13;
	seed ^= seed >> 7;
	seed ^= seed << 17;
	return below ? (uint32_t)(seed >> 32) % below : 0;
}

static size_t corpus_size(void)
{
	size_t n = 0;

	while (fuzz_corpus[n])
		n++;
	return n;
}

static size_t pick(uint8_t *buf)
{
	const char *text = fuzz_corpus[draw((uint32_t)corpus_size())];
	size_t len = strlen(text);

	memcpy(buf, text, len);
	return len;
}

static size_t cut_out(uint8_t *buf, size_t len)
{
	uint32_t at = draw((uint32_t)len), n = draw((uint32_t)(len - at) + 1);

	memmove(buf + at, buf + at + n, len - at - n);
	return len - n;
}

static size_t repeat(uint8_t *buf, size_t len)
{
	uint32_t at = draw((uint32_t)len), n = draw((uint32_t)(len - at) + 1);

	if (len + n > MAX_INPUT)
		return len;
	memmove(buf + at + n, buf + at, len - at);
	return len + n;
}

static size_t splice(uint8_t *buf, size_t len)
{
	static uint8_t other[MAX_INPUT];
	size_t n = pick(other), at = draw((uint32_t)len + 1);

	if (at + n > MAX_INPUT)
		return len;
	memcpy(buf + at, other, n);
	return at + n > len ? at + n : len;
}

/* Bytes that mean something to one parser or another; the last is the NUL. */
static const char telling[] = "\"\\{}[](),:;*0-9.eE \n\r/u#x";

static size_t mutate(uint8_t *buf, size_t len)
{
	if (!len)
		return splice(buf, len);
	switch (draw(6)) {
	case 0:
		buf[draw((uint32_t)len)] ^= (uint8_t)(1u << draw(8));
		return len;
	case 1:
		buf[draw((uint32_t)len)] = (uint8_t)draw(256);
		return len;
	case 2:
		buf[draw((uint32_t)len)] = (uint8_t)telling[draw(sizeof(telling))];
		return len;
	case 3:
		return cut_out(buf, len);
	case 4:
		return repeat(buf, len);
	default:
		return splice(buf, len);
	}
}

static void feed(const uint8_t *buf, size_t len)
{
	uint8_t *exact = malloc(len ? len : 1);

	PROPERTY(exact);
	memcpy(exact, buf, len);
	LLVMFuzzerTestOneInput(exact, len);
	free(exact);
}

static int write_corpus(const char *folder)
{
	char path[4096];

	for (size_t i = 0; fuzz_corpus[i]; i++) {
		FILE *file;

		snprintf(path, sizeof(path), "%s/seed-%zu", folder, i);
		file = fopen(path, "w");
		if (!file || fputs(fuzz_corpus[i], file) < 0 || fclose(file)) {
			perror(path);
			return 1;
		}
	}
	return 0;
}

int main(int argc, char **argv)
{
	static uint8_t buf[MAX_INPUT];

	if (argc > 1)
		return write_corpus(argv[1]);

	printf("1..1\n");
	fflush(stdout);
	for (size_t i = 0; fuzz_corpus[i]; i++)
		feed((const uint8_t *)fuzz_corpus[i], strlen(fuzz_corpus[i]));
	for (int round = 0; round < ROUNDS; round++) {
		size_t len = pick(buf);

		for (uint32_t n = 1 + draw(6); n; n--)
			len = mutate(buf, len);
		feed(buf, len);
	}
	printf("ok 1 - %s\n", fuzz_promise);
	return 0;
}
