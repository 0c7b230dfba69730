// AVX-512 F/BW/DQ/VL with VNNI.
#if defined(__x86_64__)
#pragma clang fp contract(off)
#include <immintrin.h>
#include <math.h>
#include <stdint.h>
#include <string.h>

#pragma clang attribute push( \
    __attribute__((target("avx512f,avx512bw,avx512dq,avx512vl,avx512vnni,avx2,fma,f16c"))), apply_to = function)

#define APUS_TABLE apus_kernels_avx512
#define APUS_ISA "avx512"

#define PANELS 3
#define FEW_ROWS(X, ...) \
  X(8, __VA_ARGS__) X(6, __VA_ARGS__) X(4, __VA_ARGS__) X(3, __VA_ARGS__) X(2, __VA_ARGS__) X(1, __VA_ARGS__)
#define QUERIES 8
#define UP_TO_QUERIES(X) X(1) X(2) X(3) X(4) X(5) X(6) X(7) X(8)
#define ROOF_CHAINS 12

#define LOAD_F16(p) ((v16)_mm512_cvtph_ps(_mm256_loadu_si256((const __m256i *)(p))))
#define WIDE_ZERO 0
#define DOT_WIDE(sum, u, activations)                                                         \
  do {                                                                                        \
    int32_t four;                                                                             \
    memcpy(&four, (activations), 4);                                                          \
    (sum) = (i16)_mm512_dpbusd_epi32((__m512i)(sum), (__m512i)(u), _mm512_set1_epi32(four));  \
  } while (0)
#define DOT_NARROW DOT_WIDE
#define LOOK_UP(u, table)                                                                     \
  ((u) = (b64)_mm512_shuffle_epi8(                                                            \
       _mm512_broadcast_i32x4(_mm_loadu_si128((const __m128i *)(table))), (__m512i)(u)))

#include "kernels_vector.h"

#pragma clang attribute pop
#endif
