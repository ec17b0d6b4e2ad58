/* SPDX-License-Identifier: MIT */
#ifndef CFUNCS_H
#define CFUNCS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Found beside cfuncs.so by whoever gives no prototype. */
int64_t add(int64_t a, int64_t b);
double half(double x); /* of anything */
char *borrowed(const char *name);
int no_prototype_fits(int **matrix);

/* Called with a prototype only: `out` and `free` are not C. */
int8_t neg8(int8_t x);
uint8_t inc8(uint8_t x);
int16_t neg16(int16_t x);
uint16_t inc16(uint16_t x);
int32_t neg32(int32_t x);
uint32_t inc32(uint32_t x);
uint64_t inc64(uint64_t x);
float halff(float x);
bool negate(bool x);
double sum3(const double v[3]);
void square4(const int v[4], int out[4]);
double split(double x, double *whole);
uint32_t checksum(const void *data, size_t len);
uint8_t short_length(const unsigned char *data, uint8_t len);
char *greet(const char *name);
const char *nothing(void);
const char *broken_text(void);
double infinity(int sign);
void fill_text(int n, char text[16]);
void touch(void);
int touched(void);
int many(int a, int b, int c, int d, int e, int f, int g, int h, double i, double j, double k,
	 double l, double m, double n, double o, const char *p);

extern int not_a_function;

#endif
