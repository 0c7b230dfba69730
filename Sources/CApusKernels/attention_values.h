// Sums of weighted values; part of kernels_attention.h.

// out[n] += sum over the first `keys` keys of weight[n * LINE + t] * value[t].
#define FLOAT_STRIP(TYPE, SIZE, LOADV, N, P)                                                                     \
  APUS_INLINE void values_##TYPE##_##N##x##P(const float *weight, const uint8_t *value, size_t keys, size_t dim, \
                                             size_t d, const uint8_t *next, float *out) {                        \
    v16 sum[N][P];                                                                                               \
    LOAD_SUMS(N, P)                                                                                              \
    value += d * SIZE;                                                                                           \
    for (size_t t = 0; t < keys; t++, next += 64, value += dim * SIZE) {                                         \
      if (SIZE == 2) PREFETCH(next);                                                                             \
      v16 v[P];                                                                                                  \
      UNROLL for (int p = 0; p < P; p++) v[p] = LOADV(value + p * 16 * SIZE);                                    \
      UNROLL for (int n = 0; n < N; n++) UNROLL for (int p = 0; p < P; p++)                                      \
          sum[n][p] = FMA(v[p], SPLAT(weight[n * LINE + t]), sum[n][p]);                                         \
    }                                                                                                            \
    STORE_SUMS(N, P)                                                                                             \
  }
#define LOAD_SUMS(N, P)                                                      \
  UNROLL for (int n = 0; n < N; n++) UNROLL for (int p = 0; p < P; p++)      \
      sum[n][p] = LOAD(out + n * dim + d + p * 16);
#define STORE_SUMS(N, P)                                                     \
  UNROLL for (int n = 0; n < N; n++) UNROLL for (int p = 0; p < P; p++)      \
      STORE(out + n * dim + d + p * 16, sum[n][p]);

// The same two keys at a time; the weights are bf16.
#define PAIR_STRIP(TYPE, STORED, LOADP, N, P)                                                                    \
  APUS_INLINE void values_##TYPE##_##N##x##P(const float *weight, const uint8_t *value, size_t keys, size_t dim, \
                                             size_t d, const uint8_t *next, float *out) {                        \
    v16 sum[N][P];                                                                                               \
    LOAD_SUMS(N, P)                                                                                              \
    value += d * (STORED ? 2 : 4);                                                                               \
    for (size_t t = 0; t < keys; t += 2, next += 128, value += dim * 4) {                                        \
      if (STORED) {                                                                                              \
        PREFETCH(next);                                                                                          \
        PREFETCH(next + 64);                                                                                     \
      }                                                                                                          \
      const uint8_t *odd = STORED && t + 1 == keys ? no_numbers : value + dim * 2;                               \
      i16 v[P];                                                                                                  \
      UNROLL for (int p = 0; p < P; p++) {                                                                       \
        if (STORED) LOADP(v[p], value + p * 32, odd + p * 32);                                                   \
        else v[p] = *(const i16 *)(value + p * 64);                                                              \
      }                                                                                                          \
      UNROLL for (int n = 0; n < N; n++) UNROLL for (int p = 0; p < P; p++)                                      \
          DOT_PAIRS(sum[n][p], v[p], (const uint16_t *)(weight + n * LINE) + t);                                 \
    }                                                                                                            \
    STORE_SUMS(N, P)                                                                                             \
  }

// The same for f16 numbers of one page, P times WIDTH components, 32 or 16.
_Static_assert(APUS_PAGE <= APUS_CHAIN, "the values of a page are summed up in f16");
#define HALF_STRIP(N, P, WIDTH, LOADV)                                                                           \
  APUS_INLINE void values_halves_##N##x##P##x##WIDTH(const float *weight, const uint8_t *value, size_t keys,     \
                                                     size_t dim, const uint8_t *next, float *out) {              \
    i16 chain[N][P];                                                                                             \
    UNROLL for (int n = 0; n < N; n++) UNROLL for (int p = 0; p < P; p++) chain[n][p] = (i16)(0);                \
    for (size_t t = 0; t < keys; t++, value += dim * 2, next += dim * 2) {                                       \
      i16 v[P];                                                                                                  \
      UNROLL for (int p = 0; p < P; p++) {                                                                       \
        PREFETCH(next + p * 64);                                                                                 \
        v[p] = LOADV(value + p * 64);                                                                            \
      }                                                                                                          \
      UNROLL for (int n = 0; n < N; n++) UNROLL for (int p = 0; p < P; p++)                                      \
          ADD_HALVES(chain[n][p], v[p], (const uint16_t *)(weight + n * LINE) + t);                              \
    }                                                                                                            \
    UNROLL for (int n = 0; n < N; n++) UNROLL for (int p = 0; p < P; p++) {                                      \
      float *o = out + n * dim + p * 32;                                                                         \
      STORE(o, FMA(LOW_FLOATS(chain[n][p]), SPLAT((float)APUS_CHAIN), LOAD(o)));                                 \
      if (WIDTH == 32) STORE(o + 16, FMA(HIGH_FLOATS(chain[n][p]), SPLAT((float)APUS_CHAIN), LOAD(o + 16)));     \
    }                                                                                                            \
  }
#define HALF_VALUES(N)                                                                                           \
  HALF_STRIP(N, 2, 32, LOAD_HALVES) HALF_STRIP(N, 1, 32, LOAD_HALVES) HALF_STRIP(N, 1, 16, LOAD_16_HALVES)       \
  static void values_halves_##N(const float *weight, const uint8_t *value, size_t keys, size_t dim,              \
                                const uint8_t *next, float *out) {                                               \
    size_t d = 0;                                                                                                \
    for (; d + 64 <= dim; d += 64)                                                                               \
        values_halves_##N##x2x32(weight, value + d * 2, keys, dim, next + d * 2, out + d);                       \
    if (d + 32 <= dim) {                                                                                         \
      values_halves_##N##x1x32(weight, value + d * 2, keys, dim, next + d * 2, out + d);                         \
      d += 32;                                                                                                   \
    }                                                                                                            \
    if (d < dim) values_halves_##N##x1x16(weight, value + d * 2, keys, dim, next + d * 2, out + d);              \
  }

#define STRIPS(TYPE, N)                                                                                          \
  static void values_##TYPE##_##N(const float *weight, const uint8_t *value, size_t keys, size_t dim,            \
                                  const uint8_t *next, float *out) {                                             \
    size_t d = 0;                                                                                                \
    for (; d + 32 <= dim; d += 32, next += 32 * 64)                                                              \
        values_##TYPE##_##N##x2(weight, value, keys, dim, d, next, out);                                         \
    if (d < dim) values_##TYPE##_##N##x1(weight, value, keys, dim, d, next, out);                                \
  }
#define FLOAT_VALUES(TYPE, SIZE, LOADV, N) \
  FLOAT_STRIP(TYPE, SIZE, LOADV, N, 2) FLOAT_STRIP(TYPE, SIZE, LOADV, N, 1) STRIPS(TYPE, N)
#define PAIR_VALUES(TYPE, STORED, LOADP, N) \
  PAIR_STRIP(TYPE, STORED, LOADP, N, 2) PAIR_STRIP(TYPE, STORED, LOADP, N, 1) STRIPS(TYPE, N)

// The weights of one vector in one page times the scales of the values, in 8 bits: the largest becomes `limit`, so that
// a page of small weights keeps its digits.
typedef struct {
  uint8_t bytes[MOST_BLOCKS][32];
  int32_t offset[MOST_BLOCKS];
  float factor;  // of the sums
} page_weights;

// The scales of the values of one page, [blocks, 32]; keys that nobody reads have maybe none.
APUS_INLINE void load_scales_of_keys(const uint8_t *stored, size_t blocks, size_t keys, v16 *scale) {
  const i16 lane = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15};
  for (size_t i = 0; i < 2 * blocks; i++) {
    v16 x = LOAD_F16(stored + i * 32);
    scale[i] = lane < (int)keys - (int)(i % 2 * 16) ? x : SPLAT(0.0f);
  }
}

APUS_INLINE void round_weights(const float *weight, const v16 *scale, size_t blocks, int limit, int zero,
                               page_weights *out) {
  v16 w[2] = {LOAD(weight), LOAD(weight + 16)}, most = SPLAT(0.0f), product[2 * MOST_BLOCKS];
  for (size_t i = 0; i < 2 * blocks; i++) {
    product[i] = w[i % 2] * scale[i];
    v16 magnitude = __builtin_elementwise_abs(product[i]);
    most = magnitude > most ? magnitude : most;
  }
  float largest = apus_float(__builtin_reduce_max((u16)most));  // ordered as the numbers without sign are
  float inverse = largest > 1e-30f ? (float)limit / largest : 0.0f;
  out->factor = largest * (1.0f / (float)limit);
  for (size_t b = 0; b < blocks; b++) {
    i16 low = ROUND(product[2 * b] * SPLAT(inverse)), high = ROUND(product[2 * b + 1] * SPLAT(inverse));
    *(b16 *)out->bytes[b] = __builtin_convertvector(low, b16);  // NaN becomes 0
    *(b16 *)(out->bytes[b] + 16) = __builtin_convertvector(high, b16);
    if (zero) out->offset[b] = (int32_t)(-(uint32_t)zero * __builtin_reduce_add((u16)low + (u16)high));
  }
}

// The same for values in 4 or 8 bits: scales [blocks, 32], then 8 groups of [dim rounded up to blocks, 4 keys].
#define INT8_VALUES(TYPE, BITS, DOT, N)                                                                          \
  static void values_##TYPE##_##N(const float *weight, const uint8_t *value, size_t keys, size_t dim,            \
                                  const uint8_t *next, float *out) {                                             \
    enum { LIMIT = BITS == 8 ? 254 : 127, ZERO = BITS == 8 ? 0 : 8 };                                            \
    size_t blocks = apus_blocks(dim);                                                                            \
    page_weights w[N];                                                                                           \
    v16 scale[2 * MOST_BLOCKS];                                                                                  \
    load_scales_of_keys(value, blocks, keys, scale);                                                             \
    for (int n = 0; n < N; n++) round_weights(weight + n * LINE, scale, blocks, LIMIT, ZERO, &w[n]);             \
    value += blocks * 64;                                                                                        \
    for (size_t b = 0; b < blocks; b++, value += BITS * 16, next += 64) {                                        \
      i16 dot[N][2];                                                                                             \
      UNROLL for (int n = 0; n < N; n++) dot[n][0] = dot[n][1] = (i16)(ZERO ? w[n].offset[b] : 0);               \
      PREFETCH(next);                                                                                            \
      for (size_t g = 0; g * 4 < keys; g++) {                                                                    \
        const uint8_t *group = value + g * blocks * BITS * 16;                                                   \
        PREFETCH(next + blocks * 64 + g * blocks * BITS * 16);                                                   \
        if (BITS == 8) PREFETCH(next + blocks * 64 + g * blocks * BITS * 16 + 64);                               \
        b64 low = *(const b64 *)group, high = BITS == 8 ? *(const b64 *)(group + 64) : low >> 4;                 \
        if (BITS == 4) low &= 15;                                                                                \
        UNROLL for (int n = 0; n < N; n++) {                                                                     \
          DOT(dot[n][0], low, w[n].bytes[b] + g * 4);                                                            \
          DOT(dot[n][1], high, w[n].bytes[b] + g * 4);                                                           \
        }                                                                                                        \
      }                                                                                                          \
      UNROLL for (int n = 0; n < N; n++) UNROLL for (int half = 0; half < 2; half++) {                           \
        float *o = out + n * dim + b * 32 + half * 16;                                                           \
        if (half == 0 || b * 32 + 16 < dim)                                                                      \
          STORE(o, FMA(__builtin_convertvector(dot[n][half], v16), SPLAT(w[n].factor), LOAD(o)));                \
      }                                                                                                          \
    }                                                                                                            \
  }

#define EACH_VALUES(N)                            \
  FLOAT_VALUES(f32, 4, LOAD_F32, N)               \
  FLOAT_VALUES(f16, 2, LOAD_F16, N)               \
  FLOAT_VALUES(bf16, 2, LOAD_BF16, N)             \
  INT8_VALUES(q8_0, 8, DOT_WEIGHTS, N)            \
  INT8_VALUES(q4_0, 4, DOT_NARROW, N)             \
  IF_PAIRS(                                       \
      PAIR_VALUES(pairs, 0, , N)                  \
      PAIR_VALUES(pairs_f16, 1, PAIR_F16, N)      \
      PAIR_VALUES(pairs_bf16, 1, PAIR_BF16, N))  \
  IF_HALVES(HALF_VALUES(N))
UP_TO_QUERIES(EACH_VALUES)

typedef void (*values_fn)(const float *, const uint8_t *, size_t, size_t, const uint8_t *, float *);
#define VALUES_f32(N) values_f32_##N,
#define VALUES_f16(N) values_f16_##N,
#define VALUES_bf16(N) values_bf16_##N,
#define VALUES_q8_0(N) values_q8_0_##N,
#define VALUES_q4_0(N) values_q4_0_##N,
#define VALUES_pairs(N) values_pairs_##N,
#define VALUES_pairs_f16(N) values_pairs_f16_##N,
#define VALUES_pairs_bf16(N) values_pairs_bf16_##N,
#define VALUES_halves(N) values_halves_##N,
static const values_fn value_table[KINDS][QUERIES] = {EACH_KIND(VALUES)};

// Where the weights of page i of a list stand behind those of the first, in floats: those of pairs are half as long.
APUS_INLINE size_t weights_at(int kind, size_t i) { return i * APUS_PAGE / (kind >= PAIRS ? 2 : 1); }

// Adds the weighted values of the first `keys` tokens of a page, or of pages side by side, to the outputs.
static void page_values(int kind, const float *weight, size_t count, const uint8_t *value, size_t keys, size_t dim,
                        const uint8_t *next, float *output) {
  for (size_t n = 0; n < count; n += QUERIES)
    value_table[kind][(count - n < QUERIES ? count - n : QUERIES) - 1](weight + n * LINE, value, keys, dim, next,
                                                                      output + n * dim);
}

// Values of several pages as the arithmetic wants them, so that the sums of a tile stay in registers for long.
typedef struct {
  uint8_t bytes[APUS_MOST_DIM * APUS_PAGE * 4] __attribute__((aligned(64)));
  int kind;
  size_t pages, keys;
} value_copy;

APUS_INLINE size_t most_pages(int kind, size_t dim) {
  return sizeof((value_copy *)0)->bytes / (APUS_PAGE * dim * (kind >= PAIRS ? 2 : 4));
}

static void add_page(value_copy *copy, int kind, const uint8_t *value, size_t keys, size_t dim, const uint8_t *next) {
  float *out = (float *)(copy->bytes + copy->keys * dim * (kind >= PAIRS ? 2 : 4));
  if (kind < PAIRS) unpack_halves(kind, value, keys * dim, next, out);
  else pair_rows(kind, value, keys, dim, next, (int32_t *)out);
  copy->kind = kind < PAIRS ? APUS_KV_F32 : PAIRS;
  copy->keys += keys;
  copy->pages++;
}
