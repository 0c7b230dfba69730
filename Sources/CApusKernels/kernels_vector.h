// The vector kernels, written once in terms of 16-lane vectors; each instruction set's file includes this after
// opening its target attribute and defining
//   APUS_TABLE, APUS_ISA            the table's symbol and name
//   LOAD_F16(p)                     16 half numbers as floats
//   DOT_WIDE(sum, u, x)             sum[16] += u[16 columns][4] * x[4], exact integers; u 64 unsigned bytes
//   DOT_NARROW(sum, u, x)           the same where every u is below 64
//   LOOK_UP(u, table)               64 indices below 16 replaced by bytes of a table of 16
//   PANELS                          panels of a register tile
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

// One register tile of R rows and P panels: sums run over k in order, one lane a column.
#define FLOAT_TILE(NAME, SIZE, LOADW, R, P)                                                             \
  static void NAME##_##R##x##P(const apus_gemm *g, size_t row, size_t panel) {                         \
    v16 sum[R][P];                                                                                      \
    UNROLL for (int r = 0; r < R; r++) UNROLL for (int p = 0; p < P; p++)                               \
        sum[r][p] = g->partial && !g->first ? LOAD(g->partial + (row + r) * APUS_PANEL) : SPLAT(0.0f);  \
    const uint8_t *w = g->w + panel * g->panel_bytes;                                                   \
    const float *x = g->x + row * g->x_stride;                                                          \
    for (size_t i = 0; i < g->k; i++, w += APUS_PANEL * SIZE) {                                         \
      v16 column[P];                                                                                    \
      UNROLL for (int p = 0; p < P; p++) column[p] = LOADW(w + p * g->panel_bytes);                     \
      UNROLL for (int r = 0; r < R; r++) UNROLL for (int p = 0; p < P; p++)                             \
          sum[r][p] = FMA(column[p], SPLAT(x[r * g->x_stride + i]), sum[r][p]);                         \
    }                                                                                                   \
    UNROLL for (int r = 0; r < R; r++) UNROLL for (int p = 0; p < P; p++)                               \
        store_tile(g, row + r, panel + p, &sum[r][p]);                                                  \
  }

// All rows over a range of panels: the weights of PANELS panels stay in cache while the rows pass.
#define GEMM(NAME)                                                                                      \
  static void NAME(const apus_gemm *g, size_t panel, size_t panel_end) {                                \
    for (; panel + PANELS <= panel_end; panel += PANELS) {                                              \
      size_t row = 0;                                                                                   \
      for (; row + 4 <= g->rows; row += 4) PASTE(NAME##_4x, PANELS)(g, row, panel);                     \
      for (; row < g->rows; row++) PASTE(NAME##_1x, PANELS)(g, row, panel);                             \
    }                                                                                                   \
    for (; panel < panel_end; panel++) {                                                                \
      size_t row = 0;                                                                                   \
      for (; row + 4 <= g->rows; row += 4) NAME##_4x1(g, row, panel);                                   \
      for (; row < g->rows; row++) NAME##_1x1(g, row, panel);                                           \
    }                                                                                                   \
  }
#define PASTE_(a, b) a##b
#define PASTE(a, b) PASTE_(a, b)

#define FLOAT_GEMM(NAME, SIZE, LOADW)                                                                   \
  FLOAT_TILE(NAME, SIZE, LOADW, 4, 1)                                                                   \
  FLOAT_TILE(NAME, SIZE, LOADW, 1, 1)                                                                   \
  FLOAT_TILE_(NAME, SIZE, LOADW, 4, PANELS)                                                             \
  FLOAT_TILE_(NAME, SIZE, LOADW, 1, PANELS)                                                             \
  GEMM(NAME)
#define FLOAT_TILE_(NAME, SIZE, LOADW, R, P) FLOAT_TILE(NAME, SIZE, LOADW, R, P)

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

// q·k of N query vectors with the 32 keys of a page: score[n][32].
#define PAGE_SCORES(TYPE, SIZE, LOADK, N)                                                          \
  static void scores_##TYPE##_##N(const float *const *q, const uint8_t *key, size_t dim, float *score) { \
    v16 sum[N][2];                                                                                 \
    UNROLL for (int n = 0; n < N; n++) sum[n][0] = sum[n][1] = SPLAT(0.0f);                        \
    for (size_t d = 0; d < dim; d++, key += 32 * SIZE) {                                           \
      v16 low = LOADK(key), high = LOADK(key + 16 * SIZE);                                         \
      UNROLL for (int n = 0; n < N; n++) {                                                         \
        sum[n][0] = FMA(low, SPLAT(q[n][d]), sum[n][0]);                                           \
        sum[n][1] = FMA(high, SPLAT(q[n][d]), sum[n][1]);                                          \
      }                                                                                            \
    }                                                                                              \
    UNROLL for (int n = 0; n < N; n++) {                                                           \
      STORE(score + n * 32, sum[n][0]);                                                            \
      STORE(score + n * 32 + 16, sum[n][1]);                                                       \
    }                                                                                              \
  }

// out[n] = out[n] * correction[n] + sum over keys t < count of weight[n][t] * value[t].
#define PAGE_VALUES(TYPE, SIZE, LOADV, N)                                                          \
  static void values_##TYPE##_##N(const float *weight, const float *correction, const uint8_t *value, \
                                  size_t count, size_t dim, float *out) {                          \
    for (size_t d = 0; d < dim; d += 16) {                                                         \
      v16 sum[N];                                                                                  \
      UNROLL for (int n = 0; n < N; n++) sum[n] = LOAD(out + n * dim + d) * SPLAT(correction[n]);  \
      for (size_t t = 0; t < count; t++) {                                                         \
        v16 v = LOADV(value + (t * dim + d) * SIZE);                                               \
        UNROLL for (int n = 0; n < N; n++) sum[n] = FMA(v, SPLAT(weight[n * 32 + t]), sum[n]);     \
      }                                                                                            \
      UNROLL for (int n = 0; n < N; n++) STORE(out + n * dim + d, sum[n]);                         \
    }                                                                                              \
  }

#define KV_TYPE(TYPE, SIZE, LOADER)                                                  \
  PAGE_SCORES(TYPE, SIZE, LOADER, 1)                                                 \
  PAGE_SCORES(TYPE, SIZE, LOADER, 2)                                                 \
  PAGE_SCORES(TYPE, SIZE, LOADER, 3)                                                 \
  PAGE_SCORES(TYPE, SIZE, LOADER, 4)                                                 \
  PAGE_VALUES(TYPE, SIZE, LOADER, 1)                                                 \
  PAGE_VALUES(TYPE, SIZE, LOADER, 2)                                                 \
  PAGE_VALUES(TYPE, SIZE, LOADER, 3)                                                 \
  PAGE_VALUES(TYPE, SIZE, LOADER, 4)

KV_TYPE(f32, 4, LOAD_F32)
KV_TYPE(f16, 2, LOAD_F16)
KV_TYPE(bf16, 2, LOAD_BF16)

typedef void (*scores_fn)(const float *const *, const uint8_t *, size_t, float *);
typedef void (*values_fn)(const float *, const float *, const uint8_t *, size_t, size_t, float *);
#define FOUR(PREFIX) {PREFIX##_1, PREFIX##_2, PREFIX##_3, PREFIX##_4}
static const scores_fn score_table[APUS_KV_TYPES][4] = {FOUR(scores_f32), FOUR(scores_f16), FOUR(scores_bf16)};
static const values_fn value_table[APUS_KV_TYPES][4] = {FOUR(values_f32), FOUR(values_f16), FOUR(values_bf16)};

APUS_INLINE void scale_scores(const apus_attention *a, float *score) {
  STORE(score, LOAD(score) * SPLAT(a->scale));
  STORE(score + 16, LOAD(score + 16) * SPLAT(a->scale));
  if (a->softcap > 0)
    for (int t = 0; t < 32; t++) score[t] = a->softcap * tanhf(score[t] / a->softcap);
}

// Masks the scores of one page, turns them into weights, and updates the running maximum and sum.
APUS_INLINE float softmax_page(float *score, uint32_t mask, float *maximum, float *sum) {
  const u16 lane = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15};
  i16 low = ((u16)(mask) >> lane & 1) != 0, high = ((u16)(mask >> 16) >> lane & 1) != 0;
  v16 a = low ? LOAD(score) : SPLAT(-INFINITY), b = high ? LOAD(score + 16) : SPLAT(-INFINITY);
  float highest = __builtin_reduce_max(__builtin_elementwise_max(a, b));  // of a number and NaN the number
  if (!(highest > *maximum)) highest = *maximum;
  if (highest == -INFINITY) {
    STORE(score, SPLAT(0.0f));
    STORE(score + 16, SPLAT(0.0f));
    return 1.0f;
  }
  a -= SPLAT(highest);
  b -= SPLAT(highest);
  exp_lanes(&a);
  exp_lanes(&b);
  STORE(score, a);
  STORE(score + 16, b);
  v16 lanes = a + b;
  float correction = highest == *maximum ? 1.0f : apus_exp(*maximum - highest);
  *sum = fmaf(*sum, correction, sum_lanes(&lanes));
  *maximum = highest;
  return correction;
}

// One page for `count` query vectors that find it in the same slot.
APUS_INLINE void attend_page(const apus_attention *a, const float *const *q, size_t count, const uint32_t *mask,
                             const uint8_t *slot, float *output, float *maximum, float *sum) {
  float score[APUS_QUERY_TILE * 32], correction[APUS_QUERY_TILE];
  uint32_t any = 0;
  score_table[a->key_type][count - 1](q, slot + a->key_offset, a->head_dim, score);
  for (size_t n = 0; n < count; n++) {
    any |= mask[n];
    scale_scores(a, score + n * 32);
    correction[n] = softmax_page(score + n * 32, mask[n], &maximum[n], &sum[n]);
  }
  size_t keys = 32 - (size_t)__builtin_clz(any);
  value_table[a->value_type][count - 1](score, correction, slot + a->value_offset, keys, a->padded_dim, output);
}

static void attend(const apus_attention *a, size_t begin, size_t end, size_t page_begin, size_t page_end,
                   float *output, float *maximum, float *sum) {
  memset(output, 0, (end - begin) * a->padded_dim * sizeof(float));
  for (size_t vector = begin; vector < end; vector++) {
    maximum[vector - begin] = -INFINITY;
    sum[vector - begin] = 0;
  }
  for (size_t tile = begin; tile < end; tile += APUS_QUERY_TILE) {
    size_t count = end - tile < APUS_QUERY_TILE ? end - tile : APUS_QUERY_TILE, first = tile - begin;
    const float *q[APUS_QUERY_TILE];
    for (size_t n = 0; n < count; n++) q[n] = apus_query(a, tile + n);
    for (size_t page = page_begin; page < page_end; page++) {
      uint32_t mask[APUS_QUERY_TILE], any = 0;
      for (size_t n = 0; n < count; n++) any |= mask[n] = apus_page_mask(a, (tile + n) / a->group, page);
      if (!any) continue;
      if (!apus_is_tree_page(a, page)) {
        attend_page(a, q, count, mask, apus_slot(a, page), output + first * a->padded_dim, maximum + first,
                    sum + first);
        continue;
      }
      for (size_t n = 0, gathered = SIZE_MAX; n < count; n++) {
        if (!mask[n]) continue;
        size_t row = (tile + n) / a->group;
        if (row != gathered) apus_gather_branch(a, row, page);
        gathered = row;
        attend_page(a, q + n, 1, mask + n, a->scratch, output + (first + n) * a->padded_dim, maximum + first + n,
                    sum + first + n);
      }
    }
  }
}

static void merge(float *output, float *maximum, float *sum, const float *other, float other_maximum,
                  float other_sum, size_t dimension) {
  if (other_maximum == -INFINITY) return;
  float highest = *maximum > other_maximum ? *maximum : other_maximum;
  float own = *maximum == highest ? 1 : apus_exp(*maximum - highest);
  float theirs = other_maximum == highest ? 1 : apus_exp(other_maximum - highest);
  for (size_t d = 0; d < dimension; d += 16)
    STORE(output + d, FMA(LOAD(other + d), SPLAT(theirs), LOAD(output + d) * SPLAT(own)));
  *sum = fmaf(other_sum, theirs, *sum * own);
  *maximum = highest;
}

static void tap(const apus_attention *a, size_t vector, size_t key_count, float maximum, float sum, float *mass) {
  if (!(sum > 0)) return;
  const float *q = apus_query(a, vector);
  for (size_t page = 0; page * APUS_PAGE < key_count; page++) {
    uint32_t mask = apus_stored_mask(a, vector / a->group, page);
    if (!mask) continue;
    float score[32];
    score_table[a->key_type][0](&q, apus_slot(a, page) + a->key_offset, a->head_dim, score);
    scale_scores(a, score);
    for (size_t t = 0; t < APUS_PAGE && page * APUS_PAGE + t < key_count; t++)
      if (mask >> t & 1) mass[page * APUS_PAGE + t] += apus_exp(score[t] - maximum) / sum;
  }
}

static void raw_scores(const apus_attention *a, size_t vector, size_t key_count, float *scores) {
  const float *q = apus_query(a, vector);
  for (size_t page = 0; page * APUS_PAGE < key_count; page++) {
    float score[32];
    score_table[a->key_type][0](&q, apus_slot(a, page) + a->key_offset, a->head_dim, score);
    scale_scores(a, score);
    for (size_t t = 0; t < APUS_PAGE && page * APUS_PAGE + t < key_count; t++)
      scores[page * APUS_PAGE + t] = score[t];
  }
}

const apus_kernels APUS_TABLE = {
    APUS_ISA, gemm_f32, gemm_f16, gemm_bf16, {APUS_INT8_FORMATS(INT8_ENTRY)},
    quantize_row, rms_norm, swiglu, rope, attend, merge, tap, raw_scores,
};
