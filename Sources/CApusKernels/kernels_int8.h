// Products with quantised weights; part of kernels_vector.h.
#include "int8_formats.h"

typedef uint8_t b64 __attribute__((ext_vector_type(64), aligned(1)));
typedef int8_t s16 __attribute__((ext_vector_type(16), aligned(1)));
typedef uint8_t b16 __attribute__((ext_vector_type(16), aligned(1)));

static const uint8_t iq4_values[16] __attribute__((unused)) = {APUS_IQ4_VALUES};

// Group i of a cell: 16 columns x 4 unsigned numbers.
APUS_INLINE void load_group(int bits, int lookup, const uint8_t *quants, int i, b64 *u) {
  if (bits == 8) {
    *u = *(const b64 *)(quants + i * 64);
    return;
  }
  if (bits >= 4) {
    b64 row = *(const b64 *)(quants + i % 4 * 64);
    *u = i < 4 ? row & 15 : row >> 4;
  } else {
    *u = *(const b64 *)(quants + i / 4 * 64) >> (uint8_t)(i % 4 * 2) & 3;
  }
  if (bits == 5) *u |= (*(const b64 *)(quants + 256) >> (uint8_t)i & 1) << 4;
  if (bits == 6) *u |= (*(const b64 *)(quants + 256 + i / 4 * 64) >> (uint8_t)(i % 4 * 2) & 3) << 4;
  if (bits == 3) *u |= (*(const b64 *)(quants + 128) >> (uint8_t)i & 1) << 2;
  if (lookup) LOOK_UP(*u, iq4_values);
}

// Scales and minima of sub-block s.
APUS_INLINE void load_scales(int bits, int subs, int affine, int super, const uint8_t *header, const uint8_t *cell,
                             int s, v16 *scale, v16 *minimum) {
  if (!super) {
    *scale = LOAD_F16(cell);
    if (affine) *minimum = LOAD_F16(cell + 32);
    return;
  }
  v16 d = LOAD_F16(header);
  if (bits == 2) {
    b16 both = *(const b16 *)(cell + s * 16);
    *scale = d * __builtin_convertvector(both & 15, v16);
    *minimum = -LOAD_F16(header + 32) * __builtin_convertvector(both >> 4, v16);
    return;
  }
  *scale = d * __builtin_convertvector(*(const s16 *)(cell + s * 16), v16);
  if (affine)
    *minimum = -LOAD_F16(header + 32) * __builtin_convertvector(*(const b16 *)(cell + (subs + s) * 16), v16);
}

#define INT8_TILE(NAME, BITS, SUB, AFFINE, ZERO, LOOKUP, SUPER, R, P)                                   \
  static void NAME##_##R##x##P(const apus_gemm *g, size_t row, size_t panel) {                         \
    enum { SUBS = 32 / SUB, WIDE = BITS == 8 || LOOKUP, OFFSET = ZERO != (WIDE ? WIDE_ZERO : 0) };      \
    _Static_assert(!WIDE || ZERO == 128, "DOT_WIDE may take 128 off");                                  \
    size_t blocks = g->k / APUS_BLOCK;                                                                  \
    v16 sum[R][P];                                                                                      \
    UNROLL for (int r = 0; r < R; r++) UNROLL for (int p = 0; p < P; p++) sum[r][p] = SPLAT(0.0f);      \
    const uint8_t *w = g->w + panel * g->panel_bytes, *header = w;                                      \
    for (size_t b = 0; b < blocks; b++, w += APUS_CELL_BYTES(BITS, SUB, AFFINE, SUPER)) {               \
      if (SUPER && b % 8 == 0) {                                                                        \
        header = w;                                                                                     \
        w += APUS_HEADER_BYTES(AFFINE, SUPER);                                                          \
      }                                                                                                 \
      UNROLL for (int s = 0; s < SUBS; s++) {                                                           \
        i16 dot[R][P];                                                                                  \
        UNROLL for (int r = 0; r < R; r++) UNROLL for (int p = 0; p < P; p++)                           \
            dot[r][p] = (i16)(OFFSET ? g->xoffset[((row + r) * blocks + b) * SUBS + s] : 0);            \
        UNROLL for (int i = s * 8 / SUBS; i < (s + 1) * 8 / SUBS; i++) UNROLL for (int p = 0; p < P; p++) { \
          b64 u;                                                                                        \
          load_group(BITS, LOOKUP,                                                                      \
                     w + p * g->panel_bytes + APUS_SCALE_BYTES(BITS, SUB, AFFINE, SUPER), i, &u);       \
          UNROLL for (int r = 0; r < R; r++) {                                                          \
            const int8_t *x = g->xq + (row + r) * g->x_stride + b * 32 + i * 4;                         \
            if (WIDE) DOT_WIDE(dot[r][p], u, x);                                                        \
            else DOT_NARROW(dot[r][p], u, x);                                                           \
          }                                                                                             \
        }                                                                                               \
        UNROLL for (int p = 0; p < P; p++) {                                                            \
          v16 scale, minimum;                                                                           \
          load_scales(BITS, SUBS, AFFINE, SUPER, header + p * g->panel_bytes, w + p * g->panel_bytes, s, \
                      &scale, &minimum);                                                                \
          UNROLL for (int r = 0; r < R; r++) {                                                          \
            size_t at = (row + r) * blocks + b;                                                         \
            sum[r][p] = FMA(__builtin_convertvector(dot[r][p], v16), scale * SPLAT(g->xscale[at]), sum[r][p]); \
            if (AFFINE) sum[r][p] = FMA(minimum, SPLAT(g->xmin[at * SUBS + s]), sum[r][p]);             \
          }                                                                                             \
        }                                                                                               \
      }                                                                                                 \
    }                                                                                                   \
    UNROLL for (int r = 0; r < R; r++) UNROLL for (int p = 0; p < P; p++)                               \
        store_tile(g, row + r, panel + p, &sum[r][p]);                                                  \
  }

#define INT8_TILE_(NAME, BITS, SUB, AFFINE, ZERO, LOOKUP, SUPER, R, P) \
  INT8_TILE(NAME, BITS, SUB, AFFINE, ZERO, LOOKUP, SUPER, R, P)
#define INT8_MANY(R, P, ...) INT8_TILE_(__VA_ARGS__, R, P)
#define INT8_FEW(R, ...) INT8_TILE_(__VA_ARGS__, R, 1)
#define INT8_GEMM(NAME, TYPE, BITS, SUB, AFFINE, ZERO, LOOKUP, SUPER)                    \
  FEW_ROWS(INT8_FEW, gemm_##NAME, BITS, SUB, AFFINE, ZERO, LOOKUP, SUPER)                \
  MANY_ROWS(INT8_MANY, gemm_##NAME, BITS, SUB, AFFINE, ZERO, LOOKUP, SUPER)              \
  GEMM(gemm_##NAME)
#define INT8_ENTRY(NAME, TYPE, BITS, SUB, AFFINE, ZERO, LOOKUP, SUPER) gemm_##NAME,

APUS_INT8_FORMATS(INT8_GEMM)

// One block of 32 with infinity or NaN in it: NaN counts as 0, the rest saturates.
static float quantize_wild(const float *x, int8_t *q) {
  float largest = 0;
  for (int i = 0; i < 32; i++)
    if (fabsf(x[i]) > largest) largest = fabsf(x[i]);
  if (largest > 3.0e38f) largest = 3.0e38f;
  float inverse = largest > 1e-30f ? 127.0f / largest : 0.0f;
  for (int i = 0; i < 32; i++) {
    float value = rintf(x[i] * inverse);
    q[i] = (int8_t)(value != value ? 0 : value > 127 ? 127 : value < -127 ? -127 : value);
  }
  return largest * (1.0f / 127.0f);
}

static void quantize_row(const float *x, size_t k, int zero, int sub, int8_t *q, float *scale, int32_t *offset,
                         float *minimum) {
  for (size_t b = 0; b < k / APUS_BLOCK; b++, x += APUS_BLOCK, q += APUS_BLOCK) {
    v16 low = LOAD(x), high = LOAD(x + 16);
    u16 a = (u16)low & 0x7fffffff, c = (u16)high & 0x7fffffff;  // ordered as the numbers without sign are
    float largest = apus_float(__builtin_reduce_max(a > c ? a : c));
    i16 first, second;
    if (largest <= 3.0e38f) {
      float inverse = largest > 1e-30f ? 127.0f / largest : 0.0f;
      scale[b] = largest * (1.0f / 127.0f);
      first = __builtin_convertvector(__builtin_elementwise_rint(low * SPLAT(inverse)), i16);
      second = __builtin_convertvector(__builtin_elementwise_rint(high * SPLAT(inverse)), i16);
      *(s16 *)q = __builtin_convertvector(first, s16);
      *(s16 *)(q + 16) = __builtin_convertvector(second, s16);
    } else {
      scale[b] = quantize_wild(x, q);
      first = __builtin_convertvector(*(s16 *)q, i16);
      second = __builtin_convertvector(*(s16 *)(q + 16), i16);
    }
    int32_t total[2];
    if (sub == 32) {
      total[0] = __builtin_reduce_add(first + second);
    } else {
      total[0] = __builtin_reduce_add(first);
      total[1] = __builtin_reduce_add(second);
    }
    for (int i = 0; i < 32 / sub; i++) {
      *offset++ = -zero * total[i];
      *minimum++ = scale[b] * (float)total[i];
    }
  }
}
