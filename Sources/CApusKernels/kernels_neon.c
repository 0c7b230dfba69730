// NEON with dot products (FEAT_DotProd).
#if defined(__aarch64__)
#pragma clang fp contract(off)
#include <arm_neon.h>
#include <math.h>
#include <stdint.h>
#include <string.h>

#pragma clang attribute push(__attribute__((target("dotprod"))), apply_to = function)

#define APUS_TABLE apus_kernels_neon
#define APUS_ISA "neon"

// 16 lanes are 4 of the 32 registers. Products of many rows use the tiles for a few: two panels would not fit.
#define PANELS 1
#define FEW_ROWS(X, ...) X(4, __VA_ARGS__) X(3, __VA_ARGS__) X(2, __VA_ARGS__) X(1, __VA_ARGS__)
#define QUERIES 2
#define UP_TO_QUERIES(X) X(1) X(2)

typedef _Float16 half16 __attribute__((ext_vector_type(16), aligned(2)));
#define LOAD_F16(p) __builtin_convertvector(*(const half16 *)(p), v16)

typedef union {
  uint8_t bytes __attribute__((ext_vector_type(64), aligned(1)));
  int32_t sums __attribute__((ext_vector_type(16), aligned(4)));
  uint8x16_t unsigned_part[4];
  int8x16_t signed_part[4];
  int32x4_t sum_part[4];
} four_registers;

// Both sides of a dot product are signed here.
#define DOT_NARROW(sum, u, activations)                                                              \
  do {                                                                                               \
    int32_t four;                                                                                    \
    memcpy(&four, (activations), 4);                                                                 \
    int8x16_t x = vreinterpretq_s8_s32(vdupq_n_s32(four));                                           \
    four_registers total = {.sums = (sum)}, w = {.bytes = (u)};                                      \
    for (int part = 0; part < 4; part++)                                                             \
      total.sum_part[part] = vdotq_s32(total.sum_part[part], w.signed_part[part], x);                \
    (sum) = total.sums;                                                                              \
  } while (0)
#define WIDE_ZERO 128
#define DOT_WIDE(sum, u, activations) DOT_NARROW(sum, (u) ^ 0x80, activations)
// Unsigned numbers up to 254 are sums of two signed ones.
#define DOT_WEIGHTS(sum, v, weights)                                                                 \
  do {                                                                                               \
    uint32_t four;                                                                                   \
    memcpy(&four, (weights), 4);                                                                     \
    uint32_t half = four >> 1 & 0x7f7f7f7f, rest = four - half;                                      \
    DOT_NARROW(sum, v, &half);                                                                       \
    DOT_NARROW(sum, v, &rest);                                                                       \
  } while (0)
#define LOOK_UP(u, table)                                                                            \
  do {                                                                                               \
    uint8x16_t values = vld1q_u8(table);                                                             \
    four_registers index = {.bytes = (u)};                                                           \
    for (int part = 0; part < 4; part++)                                                             \
      index.unsigned_part[part] = vqtbl1q_u8(values, index.unsigned_part[part]);                     \
    (u) = index.bytes;                                                                               \
  } while (0)

#include "kernels_vector.h"

#pragma clang attribute pop
#endif
