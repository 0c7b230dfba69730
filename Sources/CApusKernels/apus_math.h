// Conversions and the exponential, written so that scalar and vector code give the same bits.
#ifndef APUS_MATH_H
#define APUS_MATH_H

#include <math.h>
#include <stdint.h>
#include <string.h>

#define APUS_INLINE static inline __attribute__((always_inline, unused))

#define APUS_EXP_LOW -87.0f
#define APUS_EXP_HIGH 88.0f
#define APUS_LOG2E 1.44269504088896341f
#define APUS_LN2_HIGH 0.693359375f
#define APUS_LN2_LOW -2.12194440e-4f
#define APUS_EXP_C0 1.9875691500e-4f
#define APUS_EXP_C1 1.3981999507e-3f
#define APUS_EXP_C2 8.3334519073e-3f
#define APUS_EXP_C3 4.1665795894e-2f
#define APUS_EXP_C4 1.6666665459e-1f
#define APUS_EXP_C5 5.0000001201e-1f

APUS_INLINE uint32_t apus_bits(float x) {
  uint32_t u;
  memcpy(&u, &x, 4);
  return u;
}

APUS_INLINE float apus_float(uint32_t u) {
  float x;
  memcpy(&x, &u, 4);
  return x;
}

// e^x; below -87 it is 0, above 88 it stays e^88 (Cephes' polynomial).
APUS_INLINE float apus_exp(float x) {
  if (!(x >= APUS_EXP_LOW)) return x != x ? x : 0.0f;
  if (x > APUS_EXP_HIGH) x = APUS_EXP_HIGH;
  float n = rintf(x * APUS_LOG2E);
  float r = fmaf(n, -APUS_LN2_HIGH, x);
  r = fmaf(n, -APUS_LN2_LOW, r);
  float p = fmaf(APUS_EXP_C0, r, APUS_EXP_C1);
  p = fmaf(p, r, APUS_EXP_C2);
  p = fmaf(p, r, APUS_EXP_C3);
  p = fmaf(p, r, APUS_EXP_C4);
  p = fmaf(p, r, APUS_EXP_C5);
  p = fmaf(p, r * r, r) + 1.0f;
  return p * apus_float((uint32_t)((int32_t)n + 127) << 23);
}

// 2^(x * factor) for a product that is at most 0: the weight of a score. Below 2^-126 it is 0.
#define APUS_POWER_LOW -126.0f
#define APUS_POWER_C1 0x1.62e42ap-1f
#define APUS_POWER_C2 0x1.ebf9bcp-3f
#define APUS_POWER_C3 0x1.c6b752p-5f
#define APUS_POWER_C4 0x1.3cea88p-7f
#define APUS_POWER_C5 0x1.5bba14p-10f
APUS_INLINE float apus_power(float x, float factor) {
  float product = x * factor, n = rintf(product), r = fmaf(x, factor, -n);
  if (product < APUS_POWER_LOW) return 0;
  if (product != product) return product;
  float p = fmaf(APUS_POWER_C5, r, APUS_POWER_C4);
  p = fmaf(p, r, APUS_POWER_C3);
  p = fmaf(p, r, APUS_POWER_C2);
  p = fmaf(p, r, APUS_POWER_C1);
  p = fmaf(p, r, 1.0f);
  return p * apus_float((uint32_t)((int32_t)n + 127) << 23);
}

APUS_INLINE float apus_half_to_float(uint16_t h) {
  uint32_t sign = (uint32_t)(h & 0x8000) << 16;
  uint32_t exponent = (h >> 10) & 31, mantissa = h & 1023;
  if (exponent == 31) return apus_float(sign | 0x7f800000 | mantissa << 13);
  if (exponent != 0) return apus_float(sign | (exponent + 112) << 23 | mantissa << 13);
  float tiny = (float)mantissa * 0x1p-24f;
  return sign ? -tiny : tiny;
}

// Round to nearest even; beyond the range it saturates at 65504, NaN stays NaN. Without branches, so that loops of it
// become vector code.
APUS_INLINE uint16_t apus_float_to_half(float x) {
  int32_t u = (int32_t)(apus_bits(x) & 0x7fffffff), sign = (int32_t)(apus_bits(x) >> 16 & 0x8000);
  int32_t capped = u < 0x477fe000 ? u : 0x477fe000;
  // The sum's rounding is the wanted one.
  int32_t tiny = (int32_t)apus_bits(apus_float((uint32_t)capped) + 0.5f) - 0x3f000000;
  int32_t half = (capped + 0xfff + (capped >> 13 & 1) - 0x38000000) >> 13;
  half = capped < 0x38800000 ? tiny : half;
  half = u > 0x7f800000 ? 0x7e00 : half;
  return (uint16_t)(sign | half);
}

APUS_INLINE float apus_bf16_to_float(uint16_t h) { return apus_float((uint32_t)h << 16); }

APUS_INLINE uint16_t apus_float_to_bf16(float x) {
  uint32_t u = apus_bits(x);
  if ((u & 0x7fffffff) > 0x7f800000) return (uint16_t)(u >> 16 | 64);
  uint32_t rounded = u + 0x7fff + ((u >> 16) & 1);
  if ((rounded & 0x7fffffff) >= 0x7f800000) return (uint16_t)((u >> 16 & 0x8000) | 0x7f7f);
  return (uint16_t)(rounded >> 16);
}

// The tree in which 16 lanes are added.
APUS_INLINE float apus_sum16(const float *lane) {
  float a[8], b[4], c[2];
  for (int i = 0; i < 8; i++) a[i] = lane[i] + lane[i + 8];
  for (int i = 0; i < 4; i++) b[i] = a[i] + a[i + 4];
  for (int i = 0; i < 2; i++) c[i] = b[i] + b[i + 2];
  return c[0] + c[1];
}

// As products of bf16 numbers take a float: nearest even, what is below the smallest normal number is 0.
APUS_INLINE float apus_round_bf16(float x) {
  uint32_t u = apus_bits(x);
  if ((u & 0x7fffffff) > 0x7f800000) return x;
  if ((u & 0x7f800000) == 0) return apus_float(u & 0x80000000);
  return apus_float((u + 0x7fff + ((u >> 16) & 1)) & 0xffff0000);
}

// What a query is divided by before its components become f16 numbers: the power of two that leaves them below 1 /
// APUS_CHAIN, so that no sum of so many products with f16 numbers is too large for one.
APUS_INLINE float apus_half_unit(float largest) {
  uint32_t exponent = apus_bits(largest) >> 23;
  exponent = exponent < 32 ? 32 : exponent > 224 ? 224 : exponent;
  return apus_float((exponent + 6) << 23);
}

// The nearest number of f16, ties to even; what is too large becomes infinite.
APUS_INLINE float apus_round_f16(double x) {
  if (!(fabs(x) < 65520)) return x != x ? NAN : x > 0 ? INFINITY : -INFINITY;
  int exponent;
  frexp(x, &exponent);
  double step = ldexp(1, (exponent < -13 ? -13 : exponent) - 11);
  return (float)(rint(x / step) * step);
}

// One multiply and add of f16 numbers; the double holds enough of the sum to be rounded rightly.
APUS_INLINE float apus_fma_f16(float a, float b, float sum) { return apus_round_f16((double)a * b + sum); }

// One multiply and add of products of bf16 numbers.
APUS_INLINE float apus_fma_bf16(float a, float b, float sum) {
  float result = fmaf(a, b, fabsf(sum) < 0x1p-126f ? 0.0f : sum);
  return fabsf(result) < 0x1p-126f ? 0.0f : result;
}

#endif
