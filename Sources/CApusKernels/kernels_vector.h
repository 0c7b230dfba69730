// The vector kernels, written once in terms of 16-lane vectors; each instruction set's file includes this after
// opening its target attribute and defining
//   APUS_TABLE, APUS_ISA            the table's symbol and name
//   LOAD_F16(p)                     16 half numbers as floats
//   DOT_NARROW(sum, u, x)           sum[16] += u[16 columns][4] * x[4], exact integers; u 64 bytes below 64
//   DOT_WIDE(sum, u, x)             sum[16] += (u - WIDE_ZERO) * x, for any bytes u
//   DOT_WEIGHTS(sum, v, w)          sum[16] += v[16 columns][4] * w[4], v signed, w up to 254
//   WIDE_ZERO                       0, or 128: the zero of all formats whose numbers are as wide
//   LOOK_UP(u, table)               64 indices below 16 replaced by bytes of a table of 16
//   PANELS                          panels of the register tile of 4 rows for many rows; 1: tiles for a few do
//   FEW_ROWS(X, ...)                X(R, ...) for each number of rows of a tile of one panel, largest first; 4 is one
//   QUERIES, UP_TO_QUERIES(X)       query vectors of an attention tile; X(N) for each number up to it
//   ROUND(x), TIMES_POWER(p, n)     optional: 16 floats as the nearest integers; p * 2^n for n from -126 to 0
//   DOT_PAIRS or ADD_HALVES, ...    optional: see attention_halves.h
//   FETCH_WEIGHTS(w, bytes)         optional: fetches what is read some time after the bytes at w
//   ROOF_CHAINS                     optional: see roofline.h
#include "attention_mask.h"

typedef float v16 __attribute__((ext_vector_type(16), aligned(4)));
typedef float v8 __attribute__((ext_vector_type(8), aligned(4)));
typedef float v4 __attribute__((ext_vector_type(4), aligned(4)));
typedef int32_t i16 __attribute__((ext_vector_type(16), aligned(4)));
typedef uint16_t h16 __attribute__((ext_vector_type(16), aligned(2)));
typedef uint32_t u16 __attribute__((ext_vector_type(16), aligned(4)));

#define LOAD(p) (*(const v16 *)(p))
#define STORE(p, v) (*(v16 *)(p) = (v))
#define SPLAT(s) ((v16)(s))
#define FMA(a, b, c) __builtin_elementwise_fma((a), (b), (c))
#define LOAD_F32(p) LOAD(p)
#define LOAD_BF16(p) ((v16)(__builtin_convertvector(*(const h16 *)(p), u16) << 16))

#ifndef ROUND
#define ROUND(x) __builtin_convertvector(__builtin_elementwise_rint(x), i16)
#endif
#ifndef FETCH_WEIGHTS
#define FETCH_WEIGHTS(w, bytes)
#endif
#ifndef TIMES_POWER
#define TIMES_POWER(p, n) ((p) * (v16)(__builtin_convertvector((n), i16) + 127 << 23))
#endif

APUS_INLINE float sum_lanes(const v16 *lanes) {
  v8 a = lanes->lo + lanes->hi;
  v4 b = a.lo + a.hi;
  return (b[0] + b[2]) + (b[1] + b[3]);
}

// As apus_exp, for 16 numbers that are at most APUS_EXP_HIGH.
APUS_INLINE void exp_lanes(v16 *value) {
  v16 x = *value;
  i16 low = x < SPLAT(APUS_EXP_LOW);
  v16 n = __builtin_elementwise_rint(x * SPLAT(APUS_LOG2E));
  v16 r = FMA(n, SPLAT(-APUS_LN2_HIGH), x);
  r = FMA(n, SPLAT(-APUS_LN2_LOW), r);
  v16 p = FMA(SPLAT(APUS_EXP_C0), r, SPLAT(APUS_EXP_C1));
  p = FMA(p, r, SPLAT(APUS_EXP_C2));
  p = FMA(p, r, SPLAT(APUS_EXP_C3));
  p = FMA(p, r, SPLAT(APUS_EXP_C4));
  p = FMA(p, r, SPLAT(APUS_EXP_C5));
  p = FMA(p, r * r, r) + SPLAT(1.0f);
  i16 power = (__builtin_convertvector(low ? SPLAT(0.0f) : n, i16) + 127) << 23;
  *value = low ? SPLAT(0.0f) : p * (v16)power;
}

// As apus_power, for 16 numbers.
APUS_INLINE void power_lanes(v16 *value, float factor) {
  v16 x = *value, product = x * SPLAT(factor), n = __builtin_elementwise_rint(product);
  v16 r = FMA(x, SPLAT(factor), -n);
  v16 p = FMA(SPLAT(APUS_POWER_C5), r, SPLAT(APUS_POWER_C4));
  p = FMA(p, r, SPLAT(APUS_POWER_C3));
  p = FMA(p, r, SPLAT(APUS_POWER_C2));
  p = FMA(p, r, SPLAT(APUS_POWER_C1));
  p = FMA(p, r, SPLAT(1.0f));
  i16 low = product < SPLAT(APUS_POWER_LOW);
  *value = low ? SPLAT(0.0f) : TIMES_POWER(p, low ? SPLAT(0.0f) : n);
}

APUS_INLINE void store_tile(const apus_gemm *g, size_t row, size_t panel, const v16 *sum) {
  if (g->partial) {
    STORE(g->partial + row * APUS_PANEL, *sum);
    return;
  }
  size_t column = panel * APUS_PANEL;
  float *y = g->y + row * g->y_stride + column;
  if (column + APUS_PANEL <= g->columns) {
    v16 value = g->bias ? *sum + LOAD(g->bias + column) : *sum;
    STORE(y, g->accumulate ? LOAD(y) + value : value);
    return;
  }
  for (size_t c = 0; column + c < g->columns; c++) {
    float value = g->bias ? (*sum)[c] + g->bias[column + c] : (*sum)[c];
    y[c] = g->accumulate ? y[c] + value : value;
  }
}

#define UNROLL _Pragma("clang loop unroll(full)")

// One register tile of R rows and P panels: sums run over k in order, one lane a column. The first `skip` rows belong
// to another tile and are not stored.
#define FLOAT_TILE(NAME, SIZE, LOADW, R, P)                                                             \
  static void NAME##_##R##x##P(const apus_gemm *g, size_t row, size_t panel, size_t skip) {            \
    v16 sum[R][P];                                                                                      \
    UNROLL for (int r = 0; r < R; r++) UNROLL for (int p = 0; p < P; p++)                               \
        sum[r][p] = g->partial && !g->first ? LOAD(g->partial + (row + r) * APUS_PANEL) : SPLAT(0.0f);  \
    const uint8_t *w = g->w + panel * g->panel_bytes;                                                   \
    const float *x = g->x + row * g->x_stride;                                                          \
    for (size_t i = 0; i < g->k; i++, w += APUS_PANEL * SIZE) {                                         \
      if (P == 1) FETCH_WEIGHTS(w, APUS_PANEL * SIZE);                                                  \
      v16 column[P];                                                                                    \
      UNROLL for (int p = 0; p < P; p++) column[p] = LOADW(w + p * g->panel_bytes);                     \
      UNROLL for (int r = 0; r < R; r++) UNROLL for (int p = 0; p < P; p++)                             \
          sum[r][p] = FMA(column[p], SPLAT(x[r * g->x_stride + i]), sum[r][p]);                         \
    }                                                                                                   \
    UNROLL for (size_t r = 0; r < R; r++) UNROLL for (int p = 0; p < P; p++)                            \
        if (r >= skip) store_tile(g, row + r, panel + p, &sum[r][p]);                                   \
  }

// Where the tile of 4 rows from `row` on begins: earlier where there are fewer left.
APUS_INLINE size_t tile_begin(const apus_gemm *g, size_t row) { return row + 4 <= g->rows ? row : g->rows - 4; }

// All rows of PANELS panels, at least 4.
#define TILES_OF_ROWS(NAME)                                                                             \
  for (size_t row = 0, begin; row < g->rows; row += 4) {                                                \
    begin = tile_begin(g, row);                                                                         \
    PASTE(NAME##_4x, PANELS)(g, begin, panel, row - begin);                                             \
  }

// All rows over a range of panels. Many rows: the weights of PANELS panels stay in cache while tiles of 4 rows pass. A
// few: one stream of weights, read once, whose cost hardly depends on the number of rows.
#define GEMM(NAME)                                                                                      \
  static void NAME##_few(const apus_gemm *g, size_t panel) {                                            \
    size_t row = 0;                                                                                     \
    FEW_ROWS(STEP, NAME)                                                                                \
  }                                                                                                     \
  static void NAME(const apus_gemm *g, size_t panel, size_t panel_end) {                                \
    IF_MANY(for (; g->rows >= APUS_MANY_ROWS && panel + PANELS <= panel_end; panel += PANELS)           \
                NAME##_many(g, panel);)                                                                 \
    for (; panel < panel_end; panel++) NAME##_few(g, panel);                                            \
  }
#define STEP(R, NAME) \
  for (; row + R <= g->rows; row += R) NAME##_##R##x1(g, row, panel, 0);
#define PASTE_(a, b) a##b
#define PASTE(a, b) PASTE_(a, b)
#if PANELS > 1
#define IF_MANY(...) __VA_ARGS__
#else
#define IF_MANY(...)
#endif

#define FLOAT_FEW(R, NAME, SIZE, LOADW) FLOAT_TILE(NAME, SIZE, LOADW, R, 1)
#define FLOAT_MANY(NAME, SIZE, LOADW, P)                                                  \
  FLOAT_TILE(NAME, SIZE, LOADW, 4, P)                                                     \
  static void NAME##_many(const apus_gemm *g, size_t panel) { TILES_OF_ROWS(NAME) }
#define FLOAT_MANY_(...) FLOAT_MANY(__VA_ARGS__)
#define FLOAT_GEMM(NAME, SIZE, LOADW)                  \
  FEW_ROWS(FLOAT_FEW, NAME, SIZE, LOADW)               \
  IF_MANY(FLOAT_MANY_(NAME, SIZE, LOADW, PANELS))      \
  GEMM(NAME)

FLOAT_GEMM(gemm_f32, 4, LOAD_F32)
FLOAT_GEMM(gemm_f16, 2, LOAD_F16)
FLOAT_GEMM(gemm_bf16, 2, LOAD_BF16)

#include "kernels_int8.h"

static void rms_norm(const float *x, const float *weight, float epsilon, size_t n, float *y) {
  v16 lane = SPLAT(0.0f);
  size_t i = 0;
  for (; i + 16 <= n; i += 16) lane = FMA(LOAD(x + i), LOAD(x + i), lane);
  for (size_t j = 0; i + j < n; j++) lane[j] = fmaf(x[i + j], x[i + j], lane[j]);
  float inverse = 1.0f / sqrtf(sum_lanes(&lane) / (float)n + epsilon);
  for (i = 0; i + 16 <= n; i += 16) STORE(y + i, LOAD(x + i) * SPLAT(inverse) * LOAD(weight + i));
  for (; i < n; i++) y[i] = x[i] * inverse * weight[i];
}

static void swiglu(const float *gate, const float *up, size_t n, float *y) {
  size_t i = 0;
  for (; i + 16 <= n; i += 16) {
    v16 g = LOAD(gate + i), e = -g;
    e = e > SPLAT(APUS_EXP_HIGH) ? SPLAT(APUS_EXP_HIGH) : e;
    exp_lanes(&e);
    STORE(y + i, g / (SPLAT(1.0f) + e) * LOAD(up + i));
  }
  for (; i < n; i++) y[i] = gate[i] / (1.0f + apus_exp(-gate[i])) * up[i];
}

static void rope(float *x, size_t half, const float *cosine, const float *sine, int interleaved) {
  size_t i = 0;
  if (!interleaved)
    for (; i + 16 <= half; i += 16) {
      v16 a = LOAD(x + i), b = LOAD(x + half + i), c = LOAD(cosine + i), s = LOAD(sine + i);
      STORE(x + i, FMA(a, c, -(b * s)));
      STORE(x + half + i, FMA(a, s, b * c));
    }
  for (; i < half; i++) {
    float *first = interleaved ? x + 2 * i : x + i, *second = interleaved ? first + 1 : first + half;
    float a = *first, b = *second;
    *first = fmaf(a, cosine[i], -(b * sine[i]));
    *second = fmaf(a, sine[i], b * cosine[i]);
  }
}

#include "kernels_attention.h"
#include "roofline.h"

const apus_kernels APUS_TABLE = {
    APUS_ISA, PANELS, gemm_f32, gemm_f16, gemm_bf16, {APUS_INT8_FORMATS(INT8_ENTRY)},
    quantize_row, rms_norm, swiglu, rope, HALVES, attend, merge, tap, raw_scores,
    ROOF_CHAINS, roof_fma, roof_halves, roof_dot, roof_read,
};
