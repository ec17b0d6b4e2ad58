/* SPDX-License-Identifier: MIT */
/* Plain C functions, one for each thing a prototype can say. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#pragma GCC visibility push(default)
#include "cfuncs.h"
#pragma GCC visibility pop

int not_a_function = 3;
static int touches;

int64_t add(int64_t a, int64_t b)
{
	return (int64_t)((uint64_t)a + (uint64_t)b);
}

double half(double x)
{
	return x / 2;
}

float halff(float x)
{
	return x / 2;
}

int8_t neg8(int8_t x)
{
	return (int8_t)-x;
}

uint8_t inc8(uint8_t x)
{
	return (uint8_t)(x + 1);
}

int16_t neg16(int16_t x)
{
	return (int16_t)-x;
}

uint16_t inc16(uint16_t x)
{
	return (uint16_t)(x + 1);
}

int32_t neg32(int32_t x)
{
	return (int32_t)(0 - (uint32_t)x);
}

uint32_t inc32(uint32_t x)
{
	return x + 1;
}

uint64_t inc64(uint64_t x)
{
	return x + 1;
}

bool negate(bool x)
{
	return !x;
}

double sum3(const double v[3])
{
	return v[0] + v[1] + v[2];
}

void square4(const int v[4], int out[4])
{
	for (int i = 0; i < 4; i++)
		out[i] = v[i] * v[i];
}

double split(double x, double *whole)
{
	return modf(x, whole);
}

uint32_t checksum(const void *data, size_t len)
{
	const unsigned char *bytes = data;
	uint32_t sum = 0;

	for (size_t i = 0; i < len; i++)
		sum = sum * 31 + bytes[i];
	return sum;
}

uint8_t short_length(const unsigned char *data, uint8_t len)
{
	return data[0] == 'a' ? len : 0;
}

char *greet(const char *name)
{
	size_t size = strlen(name) + 8;
	char *text = malloc(size);

	if (text)
		snprintf(text, size, "hello %s", name);
	return text;
}

char *borrowed(const char *name)
{
	static char text[64];

	snprintf(text, sizeof(text), "<%s>", name);
	return text;
}

const char *nothing(void)
{
	return NULL;
}

const char *broken_text(void)
{
	return "a\"\xff\n";
}

double infinity(int sign)
{
	return sign ? sign * HUGE_VAL : NAN;
}

/* Without a NUL if it is asked for 16 or more. */
void fill_text(int n, char text[16])
{
	memset(text, 'z', (size_t)(n < 16 ? n : 16));
}

void touch(void)
{
	touches++;
}

int touched(void)
{
	return touches;
}

int no_prototype_fits(int **matrix)
{
	return **matrix;
}

int many(int a, int b, int c, int d, int e, int f, int g, int h, double i, double j, double k,
	 double l, double m, double n, double o, const char *p)
{
	return a + b + c + d + e + f + g + h + (int)(i + j + k + l + m + n + o) + (int)strlen(p);
}
