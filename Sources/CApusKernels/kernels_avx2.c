// AVX2 + FMA + F16C.
#if defined(__x86_64__)
#pragma clang fp contract(off)
#include <immintrin.h>
#include <math.h>
#include <stdint.h>
#include <string.h>

#pragma clang attribute push(__attribute__((target("avx2,fma,f16c"))), apply_to = function)

#define APUS_TABLE apus_kernels_avx2
#define APUS_ISA "avx2"

#define PANELS 2
#define FEW_ROWS(X, ...) X(4, __VA_ARGS__) X(3, __VA_ARGS__) X(2, __VA_ARGS__) X(1, __VA_ARGS__)
#define QUERIES 3
#define UP_TO_QUERIES(X) X(1) X(2) X(3)

typedef _Float16 half16 __attribute__((ext_vector_type(16), aligned(2)));
#define LOAD_F16(p) __builtin_convertvector(*(const half16 *)(p), v16)

typedef union {
  uint8_t bytes __attribute__((ext_vector_type(64), aligned(1)));
  int32_t sums __attribute__((ext_vector_type(16), aligned(4)));
  __m256i half[2];
} two_registers;

#define WIDE_ZERO 0
// Products of unsigned bytes up to 255 do not fit 16 bits in pairs, so both sides are widened first.
#define DOT_WIDENED(sum, bytes_, widen, four_, widen_four)                                        \
  do {                                                                                            \
    int32_t four;                                                                                 \
    memcpy(&four, (four_), 4);                                                                    \
    __m256i x = widen_four(_mm_set1_epi32(four));                                                 \
    two_registers total = {.sums = (sum)}, w = {.bytes = (bytes_)};                               \
    for (int part = 0; part < 2; part++) {                                                        \
      __m128i low = _mm256_castsi256_si128(w.half[part]);                                         \
      __m128i high = _mm256_extracti128_si256(w.half[part], 1);                                   \
      __m256i a = _mm256_madd_epi16(widen(low), x), b = _mm256_madd_epi16(widen(high), x);        \
      __m256i pairs = _mm256_permute4x64_epi64(_mm256_hadd_epi32(a, b), 0xD8);                    \
      total.half[part] = _mm256_add_epi32(total.half[part], pairs);                               \
    }                                                                                             \
    (sum) = total.sums;                                                                           \
  } while (0)
#define DOT_WIDE(sum, u, activations) \
  DOT_WIDENED(sum, u, _mm256_cvtepu8_epi16, activations, _mm256_cvtepi8_epi16)
#define DOT_WEIGHTS(sum, v, weights) DOT_WIDENED(sum, v, _mm256_cvtepi8_epi16, weights, _mm256_cvtepu8_epi16)
#define DOT_NARROW(sum, u, activations)                                                           \
  do {                                                                                            \
    int32_t four;                                                                                 \
    memcpy(&four, (activations), 4);                                                              \
    two_registers total = {.sums = (sum)}, w = {.bytes = (u)};                                    \
    for (int part = 0; part < 2; part++) {                                                        \
      __m256i pairs = _mm256_maddubs_epi16(w.half[part], _mm256_set1_epi32(four));                \
      total.half[part] =                                                                          \
          _mm256_add_epi32(total.half[part], _mm256_madd_epi16(pairs, _mm256_set1_epi16(1)));     \
    }                                                                                             \
    (sum) = total.sums;                                                                           \
  } while (0)
#define LOOK_UP(u, table)                                                                         \
  do {                                                                                            \
    __m256i values = _mm256_broadcastsi128_si256(_mm_loadu_si128((const __m128i *)(table)));      \
    two_registers index = {.bytes = (u)};                                                         \
    for (int part = 0; part < 2; part++) index.half[part] = _mm256_shuffle_epi8(values, index.half[part]); \
    (u) = index.bytes;                                                                            \
  } while (0)

#include "kernels_vector.h"

#pragma clang attribute pop
#endif
