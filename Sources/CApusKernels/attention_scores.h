// Query vectors and q·k; part of kernels_attention.h.

// A query vector as the keys' format wants it.
typedef struct {
  const float *q;
  union {
    int8_t rounded[APUS_MOST_DIM];
    uint16_t halves[APUS_MOST_DIM];
  };
  float scale[MOST_BLOCKS];
  int32_t offset[MOST_BLOCKS];
} query;

static void quantize_row(const float *x, size_t k, int zero, int sub, int8_t *q, float *scale, int32_t *offset,
                         float *minimum);

// As apus_kv_rotate, of whole vectors; what follows the head's components is 0.
static void rotate_query(float *x, size_t count, size_t head_dim) {
  size_t size = apus_rotation_size(head_dim);
  float scale = apus_rotation_scale(head_dim);
  for (size_t i = 0; i < count; i += 16) {
    v16 v = LOAD(x + i);
#define BUTTERFLY(HALF, ...)                                                 \
  if (size > HALF) {                                                         \
    const u16 lane = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15}; \
    v16 other = __builtin_shufflevector(v, v, __VA_ARGS__);                  \
    v = (lane & HALF) != 0 ? other - v : v + other;                          \
  }
    BUTTERFLY(1, 1, 0, 3, 2, 5, 4, 7, 6, 9, 8, 11, 10, 13, 12, 15, 14)
    BUTTERFLY(2, 2, 3, 0, 1, 6, 7, 4, 5, 10, 11, 8, 9, 14, 15, 12, 13)
    BUTTERFLY(4, 4, 5, 6, 7, 0, 1, 2, 3, 12, 13, 14, 15, 8, 9, 10, 11)
    BUTTERFLY(8, 8, 9, 10, 11, 12, 13, 14, 15, 0, 1, 2, 3, 4, 5, 6, 7)
#undef BUTTERFLY
    STORE(x + i, size > 16 ? v : v * SPLAT(scale));
  }
  for (size_t half = 16; half < size; half *= 2)
    for (size_t i = 0; i < count; i += 16) {
      if (i & half) continue;
      v16 a = LOAD(x + i), b = LOAD(x + i + half);
      float factor = half * 2 < size ? 1 : scale;
      STORE(x + i, (a + b) * SPLAT(factor));
      STORE(x + i + half, (a - b) * SPLAT(factor));
    }
}

// `count` components, a multiple of 16, as bf16 or f16 numbers.
static void round_query(int kind, const float *x, size_t count, query *out) {
  v16 most = SPLAT(0.0f), inverse = SPLAT(1.0f);
  if (kind == HALVES_F16) {
    for (size_t i = 0; i < count; i += 16) {
      v16 magnitude = __builtin_elementwise_abs(LOAD(x + i));
      most = magnitude > most ? magnitude : most;
    }
    out->scale[0] = apus_half_unit(__builtin_reduce_max(most));
    inverse = SPLAT(APUS_CHAIN / out->scale[0]);
  }
  for (size_t i = 0; i < count; i += 16) ROUND_16(out->halves + i, LOAD(x + i) * inverse);
}

static void prepare_query(const apus_attention *a, size_t vector, query *out) {
  int kind = key_kind(a);
  out->q = apus_query(a, vector);
  if (kind < APUS_KV_Q8_0) return;
  float padded[APUS_MOST_DIM], minimum[MOST_BLOCKS];
  size_t k = apus_blocks(a->head_dim) * 32;
  memset(padded + k - 32, 0, 32 * sizeof(float));
  memcpy(padded, out->q, a->head_dim * sizeof(float));
  if (apus_kv_is_rotated(kind)) rotate_query(padded, k, a->head_dim);
  if (kind >= PAIRS) round_query(kind, padded, k, out);
  else quantize_row(padded, k, apus_kv_zero(kind), 32, out->rounded, out->scale, out->offset, minimum);
}

#define STORE_SCORES(N)                                                                                          \
  UNROLL for (int n = 0; n < N; n++) {                                                                           \
    STORE(score + n * LINE, sum[n][0]);                                                                          \
    STORE(score + n * LINE + 16, sum[n][1]);                                                                     \
  }

// q·k of N query vectors with the 32 keys of a page; vector n's scores start at score[n * LINE].
#define FLOAT_SCORES(TYPE, SIZE, LOADK, N)                                                                       \
  static void scores_##TYPE##_##N(const query *q, const uint8_t *key, size_t dim, const uint8_t *next,           \
                                  float *score) {                                                                \
    v16 sum[N][2];                                                                                               \
    UNROLL for (int n = 0; n < N; n++) sum[n][0] = sum[n][1] = SPLAT(0.0f);                                      \
    for (size_t d = 0; d < dim; d++, key += 32 * SIZE, next += 32 * SIZE) {                                      \
      if (SIZE == 2) PREFETCH(next);                                                                             \
      v16 low = LOADK(key), high = LOADK(key + 16 * SIZE);                                                       \
      UNROLL for (int n = 0; n < N; n++) {                                                                       \
        sum[n][0] = FMA(low, SPLAT(q[n].q[d]), sum[n][0]);                                                       \
        sum[n][1] = FMA(high, SPLAT(q[n].q[d]), sum[n][1]);                                                      \
      }                                                                                                          \
    }                                                                                                            \
    STORE_SCORES(N)                                                                                              \
  }

// The same with products of two components at a time.
#define PAIR_SCORES(TYPE, STORED, LOADP, N)                                                                      \
  static void scores_##TYPE##_##N(const query *q, const uint8_t *key, size_t dim, const uint8_t *next,           \
                                  float *score) {                                                                \
    v16 sum[N][2];                                                                                               \
    UNROLL for (int n = 0; n < N; n++) sum[n][0] = sum[n][1] = SPLAT(0.0f);                                      \
    for (size_t d = 0; d < dim; d += 2, key += 128, next += 128) {                                               \
      if (STORED) {                                                                                              \
        PREFETCH(next);                                                                                          \
        PREFETCH(next + 64);                                                                                     \
      }                                                                                                          \
      const uint8_t *odd = STORED && d + 1 == dim ? no_numbers : key + 64;                                       \
      i16 low, high;                                                                                             \
      if (STORED) {                                                                                              \
        LOADP(low, key, odd);                                                                                    \
        LOADP(high, key + 32, odd + 32);                                                                         \
      } else {                                                                                                   \
        low = *(const i16 *)key;                                                                                 \
        high = *(const i16 *)(key + 64);                                                                         \
      }                                                                                                          \
      UNROLL for (int n = 0; n < N; n++) {                                                                       \
        DOT_PAIRS(sum[n][0], low, q[n].halves + d);                                                               \
        DOT_PAIRS(sum[n][1], high, q[n].halves + d);                                                              \
      }                                                                                                          \
    }                                                                                                            \
    STORE_SCORES(N)                                                                                              \
  }

// The same with products of f16 numbers.
#define HALF_SCORES(N)                                                                                           \
  static void scores_halves_##N(const query *q, const uint8_t *key, size_t dim, const uint8_t *next,             \
                                float *score) {                                                                  \
    v16 sum[N][2];                                                                                               \
    UNROLL for (int n = 0; n < N; n++) sum[n][0] = sum[n][1] = SPLAT(0.0f);                                      \
    for (size_t first = 0; first < dim; first += APUS_CHAIN) {                                                   \
      size_t end = dim - first < APUS_CHAIN ? dim : first + APUS_CHAIN;                                          \
      i16 even[N], odd[N];                                                                                       \
      UNROLL for (int n = 0; n < N; n++) even[n] = odd[n] = (i16)(0);                                            \
      for (size_t d = first; d < end; d += 2, key += 128, next += 128) {                                         \
        PREFETCH(next);                                                                                          \
        PREFETCH(next + 64);                                                                                     \
        i16 numbers = LOAD_HALVES(key);                                                                          \
        UNROLL for (int n = 0; n < N; n++) ADD_HALVES(even[n], numbers, q[n].halves + d);                        \
        if (d + 1 == end) break;                                                                                 \
        numbers = LOAD_HALVES(key + 64);                                                                         \
        UNROLL for (int n = 0; n < N; n++) ADD_HALVES(odd[n], numbers, q[n].halves + d + 1);                     \
      }                                                                                                          \
      UNROLL for (int n = 0; n < N; n++) {                                                                       \
        i16 both = SUM_HALVES(even[n], odd[n]);                                                                  \
        sum[n][0] += LOW_FLOATS(both);                                                                           \
        sum[n][1] += HIGH_FLOATS(both);                                                                          \
      }                                                                                                          \
    }                                                                                                            \
    UNROLL for (int n = 0; n < N; n++) {                                                                         \
      sum[n][0] *= SPLAT(q[n].scale[0]);                                                                         \
      sum[n][1] *= SPLAT(q[n].scale[0]);                                                                         \
    }                                                                                                            \
    STORE_SCORES(N)                                                                                              \
  }

// The same for keys in 4 or 8 bits: scales [blocks, 32], then per block 8 groups of [32 keys, 4 numbers].
#define INT8_SCORES(TYPE, BITS, DOT, OFFSET, N)                                                                  \
  static void scores_##TYPE##_##N(const query *q, const uint8_t *key, size_t dim, const uint8_t *next,           \
                                  float *score) {                                                                \
    size_t blocks = apus_blocks(dim);                                                                            \
    const uint8_t *group = key + blocks * 64;                                                                    \
    v16 sum[N][2];                                                                                               \
    UNROLL for (int n = 0; n < N; n++) sum[n][0] = sum[n][1] = SPLAT(0.0f);                                      \
    for (size_t b = 0; b < blocks; b++, key += 64, group += BITS * 128, next += BITS * 128 + 64) {               \
      i16 dot[N][2];                                                                                             \
      UNROLL for (int n = 0; n < N; n++) dot[n][0] = dot[n][1] = (i16)(OFFSET ? q[n].offset[b] : APUS_DOT_BASE); \
      UNROLL for (int i = 0; i < 8; i++) UNROLL for (int half = 0; half < 2; half++) {                           \
        b64 u = *(const b64 *)(group + (BITS == 8 ? i : i % 4) * 128 + half * 64);                               \
        if (BITS == 8 || i < 4) PREFETCH(next + 64 + i * 128 + half * 64);                                       \
        if (BITS == 4) u = i < 4 ? u & 15 : u >> 4;                                                              \
        UNROLL for (int n = 0; n < N; n++) DOT(dot[n][half], u, q[n].rounded + b * 32 + i * 4);                  \
      }                                                                                                          \
      UNROLL for (int half = 0; half < 2; half++) {                                                              \
        v16 scale = LOAD_F16(key + half * 32), zero = scale * SPLAT(-APUS_DOT_ZERO);                             \
        UNROLL for (int n = 0; n < N; n++)                                                                       \
            sum[n][half] = FMA(FMA((v16)dot[n][half], scale, zero), SPLAT(q[n].scale[b]), sum[n][half]);         \
      }                                                                                                          \
    }                                                                                                            \
    STORE_SCORES(N)                                                                                              \
  }

#define EACH_SCORES(N)                            \
  FLOAT_SCORES(f32, 4, LOAD_F32, N)               \
  FLOAT_SCORES(f16, 2, LOAD_F16, N)               \
  FLOAT_SCORES(bf16, 2, LOAD_BF16, N)             \
  INT8_SCORES(q8_0, 8, DOT_WIDE, !WIDE_ZERO, N)   \
  INT8_SCORES(q4_0, 4, DOT_NARROW, 1, N)          \
  IF_PAIRS(                                       \
      PAIR_SCORES(pairs, 0, , N)                  \
      PAIR_SCORES(pairs_f16, 1, PAIR_F16, N)      \
      PAIR_SCORES(pairs_bf16, 1, PAIR_BF16, N))  \
  IF_HALVES(HALF_SCORES(N))
UP_TO_QUERIES(EACH_SCORES)

typedef void (*scores_fn)(const query *, const uint8_t *, size_t, const uint8_t *, float *);
#define SCORES_f32(N) scores_f32_##N,
#define SCORES_f16(N) scores_f16_##N,
#define SCORES_bf16(N) scores_bf16_##N,
#define SCORES_q8_0(N) scores_q8_0_##N,
#define SCORES_q4_0(N) scores_q4_0_##N,
#define SCORES_pairs(N) scores_pairs_##N,
#define SCORES_pairs_f16(N) scores_pairs_f16_##N,
#define SCORES_pairs_bf16(N) scores_pairs_bf16_##N,
#define SCORES_halves(N) scores_halves_##N,
static const scores_fn score_table[KINDS][QUERIES] = {EACH_KIND(SCORES)};

// Scores of `count` query vectors with one page.
static void page_scores(int kind, const query *q, size_t count, const uint8_t *key, size_t dim, const uint8_t *next,
                        float *score) {
  float copy[APUS_MOST_DIM * 32] __attribute__((aligned(64)));
  if (count > QUERIES && is_copied(kind)) {
    if (kind < PAIRS) unpack_halves(kind, key, dim * 32, next, copy);
    else pair_rows(kind, key, dim, 32, next, (int32_t *)copy);
    key = (const uint8_t *)copy;
    kind = kind < PAIRS ? APUS_KV_F32 : PAIRS;
  }
  for (size_t n = 0; n < count; n += QUERIES)
    score_table[kind][(count - n < QUERIES ? count - n : QUERIES) - 1](q + n, key, dim, next, score + n * LINE);
}
