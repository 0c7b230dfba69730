// Compares every function of two kernel tables bit by bit on random problems.
#ifndef COMPARE_H
#define COMPARE_H

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "apus_kernels.h"

// The two tables; the first one is called the reference in messages.
extern const apus_kernels *table[2];

// Random numbers.
uint64_t random_bits(void);
size_t below(size_t count);
int one_in(size_t count);
// About unit size; with `wild`, some are huge, tiny, infinite or NaN.
void random_floats(float *x, size_t count, int wild);
void random_bytes(void *memory, size_t count);

// Memory whose end is the end of what may be touched: one byte further is a fault.
void *get(size_t bytes);
float *get_floats(size_t count);
void give_back(void);  // all of it

// Names what is compared from here on; its parameters stand in the messages.
void function(const char *name);
void problem(const char *format, ...) __attribute__((format(printf, 1, 2)));
// Equal bits; any NaN equals any NaN.
void same_floats(const char *what, const float *a, const float *b, size_t count);
// As near to each other as sums in another order are; any NaN equals any NaN.
void close_floats(const char *what, const float *a, const float *b, size_t count);
void same_bytes(const char *what, const void *a, const void *b, size_t count);

void compare_products(void);
void compare_rows(void);
void compare_attention(void);

#endif
