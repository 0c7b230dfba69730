// AVX-512 F/BW/DQ/VL with VNNI; kernels_avx512_bf16.c and kernels_avx512_fp16.c compile it once more each, with
// products of bf16 and of f16 numbers.
#if defined(__x86_64__)
#pragma clang fp contract(off)
#include <immintrin.h>
#include <math.h>
#include <stdint.h>
#include <string.h>

#define FEATURES "avx512f,avx512bw,avx512dq,avx512vl,avx512vnni,avx2,fma,f16c"
#ifdef APUS_BF16
#pragma clang attribute push(__attribute__((target(FEATURES ",avx512bf16"))), apply_to = function)
#define APUS_TABLE apus_kernels_avx512_bf16
#define APUS_ISA "avx512_bf16"
#elif defined(APUS_FP16)
#pragma clang attribute push(__attribute__((target(FEATURES ",avx512fp16"))), apply_to = function)
#define APUS_TABLE apus_kernels_avx512_fp16
#define APUS_ISA "avx512_fp16"
#else
#pragma clang attribute push(__attribute__((target(FEATURES))), apply_to = function)
#define APUS_TABLE apus_kernels_avx512
#define APUS_ISA "avx512"
#endif

#define PANELS 3
#define FEW_ROWS(X, ...) \
  X(8, __VA_ARGS__) X(6, __VA_ARGS__) X(4, __VA_ARGS__) X(3, __VA_ARGS__) X(2, __VA_ARGS__) X(1, __VA_ARGS__)
#define QUERIES 8
#define UP_TO_QUERIES(X) X(1) X(2) X(3) X(4) X(5) X(6) X(7) X(8)
#define ROOF_CHAINS 12

#define LOAD_F16(p) ((v16)_mm512_cvtph_ps(_mm256_loadu_si256((const __m256i *)(p))))
#define ROUND(x) ((i16)_mm512_cvtps_epi32((__m512)(x)))
#define TIMES_POWER(p, n) ((v16)_mm512_scalef_ps((__m512)(p), (__m512)(n)))
#define WIDE_ZERO 0
#define DOT_WIDE(sum, u, activations)                                                         \
  do {                                                                                        \
    int32_t four;                                                                             \
    memcpy(&four, (activations), 4);                                                          \
    (sum) = (i16)_mm512_dpbusd_epi32((__m512i)(sum), (__m512i)(u), _mm512_set1_epi32(four));  \
  } while (0)
#define DOT_NARROW DOT_WIDE
#define DOT_WEIGHTS(sum, v, weights)                                                          \
  do {                                                                                        \
    int32_t four;                                                                             \
    memcpy(&four, (weights), 4);                                                              \
    (sum) = (i16)_mm512_dpbusd_epi32((__m512i)(sum), _mm512_set1_epi32(four), (__m512i)(v));  \
  } while (0)
#define LOOK_UP(u, table)                                                                     \
  ((u) = (b64)_mm512_shuffle_epi8(                                                            \
       _mm512_broadcast_i32x4(_mm_loadu_si128((const __m128i *)(table))), (__m512i)(u)))

#ifndef APUS_BF16
// These tables serve Intel's cores, which fetch too little of a stream of weights by themselves: some lines to the
// second cache early, to the first one late. AMD's are slower with it.
#define FETCH_WEIGHTS(w, bytes)                                                               \
  for (int line = 0; line < ((bytes) + 63) / 64; line++) {                                    \
    __builtin_prefetch((w) + 8192 + line * 64, 0, 2);                                         \
    __builtin_prefetch((w) + 2048 + line * 64, 0, 3);                                         \
  }
#endif

#ifdef APUS_BF16
#define DOT_PAIRS(sum, pairs, two)                                                            \
  do {                                                                                        \
    int32_t both;                                                                             \
    memcpy(&both, (two), 4);                                                                  \
    (sum) = (v16)_mm512_dpbf16_ps((__m512)(sum), (__m512bh)(pairs),                           \
                                  (__m512bh)_mm512_set1_epi32(both));                         \
  } while (0)
// The numbers of the first half of the register and those of the second, in turn.
#define IN_TURN(numbers) ((i16)_mm512_permutexvar_epi16(IN_TURN_ORDER, (__m512i)(numbers)))
#define IN_TURN_ORDER                                                                         \
  ((__m512i)(s32){0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23,                     \
                  8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31})
typedef int16_t s32 __attribute__((ext_vector_type(32)));
#define PAIR_F16(pairs, even, odd) \
  ((pairs) = IN_TURN(_mm512_cvtne2ps_pbh((__m512)LOAD_F16(odd), (__m512)LOAD_F16(even))))
#define PAIR_BF16(pairs, even, odd)                                                           \
  ((pairs) = IN_TURN(_mm512_inserti64x4(                                                      \
       _mm512_castsi256_si512(_mm256_loadu_si256((const __m256i *)(even))),                   \
       _mm256_loadu_si256((const __m256i *)(odd)), 1)))
#define ROUND_PAIRS(out, x) \
  (_mm256_storeu_si256((__m256i *)(out), (__m256i)_mm512_cvtneps_pbh((__m512)(x))))
#elif defined(APUS_FP16)
// A number of 16 bits that is spread out in a register of its own, as compilers do when it is used twice, takes a place
// among the products; as an operand in memory it does not.
#define ADD_HALVES(sum, numbers, one)                                                         \
  __asm__("vfmadd231ph %2%{1to32%}, %1, %0" : "+v"(sum) : "v"(numbers), "m"(*(const uint16_t *)(one)))
#define SUM_HALVES(a, b) ((i16)_mm512_add_ph((__m512h)(a), (__m512h)(b)))
#define LOW_FLOATS(sum) ((v16)_mm512_cvtph_ps(_mm512_castsi512_si256((__m512i)(sum))))
#define HIGH_FLOATS(sum) ((v16)_mm512_cvtph_ps(_mm512_extracti64x4_epi64((__m512i)(sum), 1)))
#define LOAD_HALVES(p) ((i16)_mm512_loadu_si512(p))
#define LOAD_16_HALVES(p) ((i16)_mm512_zextsi256_si512(_mm256_loadu_si256((const __m256i *)(p))))
#define ROUND_HALVES(out, x)                                                                  \
  (_mm256_storeu_si256((__m256i *)(out), _mm512_cvtps_ph((__m512)(x), _MM_FROUND_TO_NEAREST_INT)))
#endif

#include "kernels_vector.h"

#pragma clang attribute pop
#endif
