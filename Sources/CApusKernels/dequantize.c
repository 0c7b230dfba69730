#include "apus_dequantize.h"

#include <string.h>

// A fused multiply-add would give other last bits on some machines.
#pragma STDC FP_CONTRACT OFF

enum { SMALL = 32, SUPER = 256 };

static uint16_t load16(const uint8_t *p) { return (uint16_t)(p[0] | p[1] << 8); }

static uint32_t load32(const uint8_t *p) {
  return (uint32_t)p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
}

static float float_from_bits(uint32_t bits) {
  float value;
  memcpy(&value, &bits, sizeof value);
  return value;
}

float apus_float_from_half(uint16_t half) {
  uint32_t sign = (uint32_t)(half & 0x8000) << 16, exponent = half >> 10 & 31, mantissa = half & 1023;
  if (exponent == 31) {
    uint32_t quiet = mantissa ? 0x400000 : 0;
    return float_from_bits(sign | 0x7F800000 | quiet | mantissa << 13);
  }
  if (exponent == 0) {  // zero or subnormal: the mantissa counts units of 2^-24
    float magnitude = (float)mantissa * 0x1p-24f;
    return sign ? -magnitude : magnitude;
  }
  return float_from_bits(sign | (exponent + 112) << 23 | mantissa << 13);
}

uint16_t apus_half_from_float(float value) {
  uint32_t bits;
  memcpy(&bits, &value, sizeof bits);
  uint16_t sign = (uint16_t)(bits >> 16 & 0x8000);
  bits &= 0x7FFFFFFF;
  if (bits > 0x7F800000) return sign | 0x7E00;
  if (bits >= 0x477FF000) return sign | 0x7C00;  // 65520 and above round to infinity
  if (bits < 0x38800000) {                       // below 2^-14: subnormal, units of 2^-24
    uint32_t exponent = bits >> 23;
    if (exponent < 102) return sign;  // below 2^-25
    uint32_t mantissa = (bits & 0x7FFFFF) | 0x800000, shift = 126 - exponent;
    uint32_t kept = mantissa >> shift, rest = mantissa & ((1u << shift) - 1), half = 1u << (shift - 1);
    return sign | (uint16_t)(kept + (rest > half || (rest == half && (kept & 1))));
  }
  bits += 0xFFF + (bits >> 13 & 1);
  return sign | (uint16_t)((bits - 0x38000000) >> 13);
}

static float half_at(const uint8_t *p) { return apus_float_from_half(load16(p)); }

// One decoder a type: the bytes of one block in, its numbers out.

static void f32(const uint8_t *b, float *y) { y[0] = float_from_bits(load32(b)); }
static void f16(const uint8_t *b, float *y) { y[0] = half_at(b); }
static void bf16(const uint8_t *b, float *y) { y[0] = float_from_bits((uint32_t)load16(b) << 16); }

// d[2] qs[16]: number i is nibble i of the low nibbles, then of the high ones.
static void q4_0(const uint8_t *b, float *y) {
  float d = half_at(b);
  for (int i = 0; i < 16; i++) {
    y[i] = (float)((b[2 + i] & 15) - 8) * d;
    y[i + 16] = (float)((b[2 + i] >> 4) - 8) * d;
  }
}

// d[2] m[2] qs[16]
static void q4_1(const uint8_t *b, float *y) {
  float d = half_at(b), m = half_at(b + 2);
  for (int i = 0; i < 16; i++) {
    y[i] = (float)(b[4 + i] & 15) * d + m;
    y[i + 16] = (float)(b[4 + i] >> 4) * d + m;
  }
}

// d[2] qh[4] qs[16]: bit i of qh is the fifth bit of number i.
static void q5_0(const uint8_t *b, float *y) {
  float d = half_at(b);
  uint32_t high = load32(b + 2);
  for (int i = 0; i < 16; i++) {
    y[i] = (float)((int)((b[6 + i] & 15) | (high >> i & 1) << 4) - 16) * d;
    y[i + 16] = (float)((int)((b[6 + i] >> 4) | (high >> (i + 16) & 1) << 4) - 16) * d;
  }
}

// d[2] m[2] qh[4] qs[16]
static void q5_1(const uint8_t *b, float *y) {
  float d = half_at(b), m = half_at(b + 2);
  uint32_t high = load32(b + 4);
  for (int i = 0; i < 16; i++) {
    y[i] = (float)((b[8 + i] & 15) | (high >> i & 1) << 4) * d + m;
    y[i + 16] = (float)((b[8 + i] >> 4) | (high >> (i + 16) & 1) << 4) * d + m;
  }
}

// d[2] qs[32]
static void q8_0(const uint8_t *b, float *y) {
  float d = half_at(b);
  for (int i = 0; i < SMALL; i++) y[i] = (float)(int8_t)b[2 + i] * d;
}

// scales[16] (low nibble scale, high nibble minimum) qs[64] d[2] dmin[2]; 16 groups of 16
static void q2_k(const uint8_t *b, float *y) {
  float d = half_at(b + 80), minimum = half_at(b + 82);
  for (int group = 0; group < 16; group++) {
    const uint8_t *q = b + 16 + group / 8 * 32 + group % 2 * 16;
    int shift = group % 8 / 2 * 2;
    float scale = d * (float)(b[group] & 15), offset = minimum * (float)(b[group] >> 4);
    for (int i = 0; i < 16; i++) y[group * 16 + i] = scale * (float)(q[i] >> shift & 3) - offset;
  }
}

// hmask[32] qs[64] scales[12] (6 bits: 8 low nibbles, 8 high nibbles, then 2 high bits each) d[2]
static void q3_k(const uint8_t *b, float *y) {
  const uint8_t *scales = b + 96;
  float d = half_at(b + 108);
  for (int group = 0; group < 16; group++) {
    int low = group < 8 ? scales[group] & 15 : scales[group - 8] >> 4;
    int high = scales[8 + group % 4] >> group / 4 * 2 & 3;
    float scale = d * (float)((low | high << 4) - 32);
    const uint8_t *q = b + 32 + group / 8 * 32 + group % 2 * 16, *mask = b + group % 2 * 16;
    int shift = group % 8 / 2 * 2, bit = group / 2;
    for (int i = 0; i < 16; i++) {
      y[group * 16 + i] = scale * (float)((q[i] >> shift & 3) - (mask[i] >> bit & 1 ? 0 : 4));
    }
  }
}

// The 6-bit scale and minimum of group `j` of 8 in the 12 bytes that Q4_K and Q5_K share.
static void scale_and_minimum(const uint8_t *s, int j, int *scale, int *minimum) {
  if (j < 4) {
    *scale = s[j] & 63;
    *minimum = s[j + 4] & 63;
  } else {
    *scale = (s[j + 4] & 15) | s[j - 4] >> 6 << 4;
    *minimum = s[j + 4] >> 4 | s[j] >> 6 << 4;
  }
}

// d[2] dmin[2] scales[12] qs[128]; 8 groups of 32, two of them side by side in the nibbles of 32 bytes
static void q4_k(const uint8_t *b, float *y) {
  float d = half_at(b), dmin = half_at(b + 2);
  for (int group = 0; group < 8; group++) {
    int scale, minimum, shift = group % 2 * 4;
    scale_and_minimum(b + 4, group, &scale, &minimum);
    float factor = d * (float)scale, offset = dmin * (float)minimum;
    const uint8_t *q = b + 16 + group / 2 * 32;
    for (int i = 0; i < 32; i++) y[group * 32 + i] = factor * (float)(q[i] >> shift & 15) - offset;
  }
}

// d[2] dmin[2] scales[12] qh[32] qs[128]: bit `group` of qh[i] is the fifth bit
static void q5_k(const uint8_t *b, float *y) {
  float d = half_at(b), dmin = half_at(b + 2);
  for (int group = 0; group < 8; group++) {
    int scale, minimum, shift = group % 2 * 4;
    scale_and_minimum(b + 4, group, &scale, &minimum);
    float factor = d * (float)scale, offset = dmin * (float)minimum;
    const uint8_t *q = b + 48 + group / 2 * 32;
    for (int i = 0; i < 32; i++) {
      int number = (q[i] >> shift & 15) | (b[16 + i] >> group & 1) << 4;
      y[group * 32 + i] = factor * (float)number - offset;
    }
  }
}

// ql[128] qh[64] scales[16] d[2]; 16 groups of 16; each half of the block packs four runs of 32
static void q6_k(const uint8_t *b, float *y) {
  float d = half_at(b + 208);
  for (int i = 0; i < SUPER; i++) {
    int half = i / 128, run = i % 128 / 32, lane = i % 32;
    int low = b[half * 64 + run % 2 * 32 + lane] >> run / 2 * 4 & 15;
    int high = b[128 + half * 32 + lane] >> run * 2 & 3;
    y[i] = d * (float)(int8_t)b[192 + i / 16] * (float)((low | high << 4) - 32);
  }
}

// d[4] (float) qs[256] sums[32]
static void q8_k(const uint8_t *b, float *y) {
  float d = float_from_bits(load32(b));
  for (int i = 0; i < SUPER; i++) y[i] = d * (float)(int8_t)b[4 + i];
}

static const int8_t iq4_values[16] = {-127, -104, -83, -65, -49, -35, -22, -10,
                                      1,    13,   25,  38,  53,  69,  89,  113};

// d[2] qs[16]
static void iq4_nl(const uint8_t *b, float *y) {
  float d = half_at(b);
  for (int i = 0; i < 16; i++) {
    y[i] = d * (float)iq4_values[b[2 + i] & 15];
    y[i + 16] = d * (float)iq4_values[b[2 + i] >> 4];
  }
}

// d[2] scales_h[2] scales_l[4] qs[128]; 8 groups of 32
static void iq4_xs(const uint8_t *b, float *y) {
  float d = half_at(b);
  uint32_t high = load16(b + 2);
  for (int group = 0; group < 8; group++) {
    int low = b[4 + group / 2] >> group % 2 * 4 & 15;
    float scale = d * (float)((low | (int)(high >> group * 2 & 3) << 4) - 32);
    const uint8_t *q = b + 8 + group * 16;
    for (int i = 0; i < 16; i++) {
      y[group * 32 + i] = scale * (float)iq4_values[q[i] & 15];
      y[group * 32 + i + 16] = scale * (float)iq4_values[q[i] >> 4];
    }
  }
}

// By ggml's type number; a zero block size marks a type that is not supported.
static const struct {
  size_t numbers, bytes;
  void (*decode)(const uint8_t *, float *);
} types[] = {
    [0] = {1, 4, f32},         [1] = {1, 2, f16},         [2] = {SMALL, 18, q4_0},
    [3] = {SMALL, 20, q4_1},   [6] = {SMALL, 22, q5_0},   [7] = {SMALL, 24, q5_1},
    [8] = {SMALL, 34, q8_0},   [10] = {SUPER, 84, q2_k},  [11] = {SUPER, 110, q3_k},
    [12] = {SUPER, 144, q4_k}, [13] = {SUPER, 176, q5_k}, [14] = {SUPER, 210, q6_k},
    [15] = {SUPER, 292, q8_k}, [20] = {SMALL, 18, iq4_nl}, [23] = {SUPER, 136, iq4_xs},
    [30] = {1, 2, bf16},
};

int apus_dequantize(uint32_t type, const void *source, float *destination, size_t count) {
  if (type >= sizeof types / sizeof types[0] || types[type].numbers == 0) return -1;
  if (count % types[type].numbers != 0) return -1;
  const uint8_t *block = source;
  for (size_t done = 0; done < count; done += types[type].numbers) {
    types[type].decode(block, destination + done);
    block += types[type].bytes;
  }
  return 0;
}
