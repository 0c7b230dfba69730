// Attention over paged keys and values; part of kernels_vector.h.
//
// A call covers at most one split of 512 keys: the scores of all query vectors are laid out first, then turned into
// weights, then the values are summed, so that nothing is rescaled on the way. Each number is a chain of fused
// multiply-adds over the components (scores) or the keys in order (outputs), whatever the number of query vectors.
//
// Up to QUERIES vectors read the stored numbers directly (decode is bound by memory); more of them share one copy of
// the page as floats.

enum { SPLIT = APUS_SPLIT_PAGES * APUS_PAGE, TILE = 64, MOST_BLOCKS = APUS_MOST_DIM / 32 };

// A query vector as the keys' format wants it.
typedef struct {
  const float *q;
  int8_t rounded[APUS_MOST_DIM];
  float scale[MOST_BLOCKS];
  int32_t offset[MOST_BLOCKS];
} query;

static void quantize_row(const float *x, size_t k, int zero, int sub, int8_t *q, float *scale, int32_t *offset,
                         float *minimum);

APUS_INLINE int is_quantized(int type) { return type >= APUS_KV_Q8_0; }

static void prepare_query(const apus_attention *a, size_t vector, query *out) {
  out->q = apus_query(a, vector);
  if (!is_quantized(a->key_type)) return;
  float padded[APUS_MOST_DIM], minimum[MOST_BLOCKS];
  size_t k = apus_blocks(a->head_dim) * 32;
  memset(padded, 0, sizeof padded);
  memcpy(padded, out->q, a->head_dim * sizeof(float));
  quantize_row(padded, k, apus_kv_zero(a->key_type), 32, out->rounded, out->scale, out->offset, minimum);
}

// While a page is read, the next one is fetched: pages lie far apart, so the processor does not foresee them.
#define PREFETCH(p) __builtin_prefetch((p), 0, 2)

// q·k of N query vectors with the 32 keys of a page; vector n's scores start at score[n * SPLIT].
#define FLOAT_SCORES(TYPE, SIZE, LOADK, N)                                                                       \
  static void scores_##TYPE##_##N(const query *q, const uint8_t *key, size_t dim, const uint8_t *next,           \
                                 float *score) {                                                                 \
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
    UNROLL for (int n = 0; n < N; n++) {                                                                         \
      STORE(score + n * SPLIT, sum[n][0]);                                                                       \
      STORE(score + n * SPLIT + 16, sum[n][1]);                                                                  \
    }                                                                                                            \
  }

// The same for keys in 4 or 8 bits: scales [blocks, 32], then per block 8 groups of [32 keys, 4 numbers].
#define INT8_SCORES(TYPE, BITS, DOT, OFFSET, N)                                                                  \
  static void scores_##TYPE##_##N(const query *q, const uint8_t *key, size_t dim, const uint8_t *next,           \
                                 float *score) {                                                                 \
    size_t blocks = apus_blocks(dim);                                                                            \
    const uint8_t *group = key + blocks * 64;                                                                    \
    v16 sum[N][2];                                                                                               \
    UNROLL for (int n = 0; n < N; n++) sum[n][0] = sum[n][1] = SPLAT(0.0f);                                      \
    for (size_t b = 0; b < blocks; b++, key += 64, group += BITS * 128, next += BITS * 128 + 64) {               \
      i16 dot[N][2];                                                                                             \
      UNROLL for (int n = 0; n < N; n++) dot[n][0] = dot[n][1] = (i16)(OFFSET ? q[n].offset[b] : 0);             \
      UNROLL for (int i = 0; i < 8; i++) UNROLL for (int half = 0; half < 2; half++) {                           \
        b64 u = *(const b64 *)(group + (BITS == 8 ? i : i % 4) * 128 + half * 64);                               \
        if (BITS == 8 || i < 4) PREFETCH(next + 64 + i * 128 + half * 64);                                       \
        if (BITS == 4) u = i < 4 ? u & 15 : u >> 4;                                                              \
        UNROLL for (int n = 0; n < N; n++) DOT(dot[n][half], u, q[n].rounded + b * 32 + i * 4);                  \
      }                                                                                                          \
      UNROLL for (int half = 0; half < 2; half++) {                                                              \
        v16 scale = LOAD_F16(key + half * 32);                                                                   \
        UNROLL for (int n = 0; n < N; n++)                                                                       \
            sum[n][half] = FMA(__builtin_convertvector(dot[n][half], v16), scale * SPLAT(q[n].scale[b]),         \
                               sum[n][half]);                                                                    \
      }                                                                                                          \
    }                                                                                                            \
    UNROLL for (int n = 0; n < N; n++) {                                                                         \
      STORE(score + n * SPLIT, sum[n][0]);                                                                       \
      STORE(score + n * SPLIT + 16, sum[n][1]);                                                                  \
    }                                                                                                            \
  }

#define LOAD_HALF(p) ((float)*(const _Float16 *)(p))

// 16 components from d on of the value of token t.
APUS_INLINE void value_f32(const uint8_t *value, size_t dim, size_t t, size_t d, v16 *out) {
  *out = LOAD(value + (t * dim + d) * 4);
}
APUS_INLINE void value_f16(const uint8_t *value, size_t dim, size_t t, size_t d, v16 *out) {
  *out = LOAD_F16(value + (t * dim + d) * 2);
}
APUS_INLINE void value_bf16(const uint8_t *value, size_t dim, size_t t, size_t d, v16 *out) {
  *out = LOAD_BF16(value + (t * dim + d) * 2);
}
APUS_INLINE void value_q8_0(const uint8_t *value, size_t dim, size_t t, size_t d, v16 *out) {
  size_t blocks = apus_blocks(dim);
  const uint8_t *q = value + blocks * 64 + t * blocks * 32 + d;
  *out = __builtin_convertvector(*(const s16 *)q, v16) * SPLAT(LOAD_HALF(value + (t * blocks + d / 32) * 2));
}
APUS_INLINE void value_q4_0(const uint8_t *value, size_t dim, size_t t, size_t d, v16 *out) {
  size_t blocks = apus_blocks(dim);
  b16 both = *(const b16 *)(value + blocks * 64 + (t * blocks + d / 32) * 16);
  both = d % 32 ? both >> 4 : both & 15;
  *out = (__builtin_convertvector(both, v16) - SPLAT(8.0f)) * SPLAT(LOAD_HALF(value + (t * blocks + d / 32) * 2));
}

enum { PREFETCHED_f32 = 0, PREFETCHED_f16 = 1, PREFETCHED_bf16 = 1, PREFETCHED_q8_0 = 1, PREFETCHED_q4_0 = 1 };

// out[n] += sum over the first `count` keys of weight[n * SPLIT + t] * value[t].
#define VALUES_STRIP(TYPE, N, P)                                                                                 \
  APUS_INLINE void values_##TYPE##_##N##x##P(const float *weight, const uint8_t *value, size_t count, size_t dim, \
                                             size_t d, const uint8_t *next, float *out) {                        \
    v16 sum[N][P];                                                                                               \
    UNROLL for (int n = 0; n < N; n++) UNROLL for (int p = 0; p < P; p++)                                        \
        sum[n][p] = LOAD(out + n * dim + d + p * 16);                                                            \
    for (size_t t = 0; t < count; t++, next += 64) {                                                             \
      if (PREFETCHED_##TYPE) PREFETCH(next);                                                                     \
      v16 v[P];                                                                                                  \
      UNROLL for (int p = 0; p < P; p++) value_##TYPE(value, dim, t, d + p * 16, &v[p]);                         \
      UNROLL for (int n = 0; n < N; n++) UNROLL for (int p = 0; p < P; p++)                                      \
          sum[n][p] = FMA(v[p], SPLAT(weight[n * SPLIT + t]), sum[n][p]);                                        \
    }                                                                                                            \
    UNROLL for (int n = 0; n < N; n++) UNROLL for (int p = 0; p < P; p++)                                        \
        STORE(out + n * dim + d + p * 16, sum[n][p]);                                                            \
  }
#define VALUES(TYPE, N)                                                                                          \
  VALUES_STRIP(TYPE, N, 2)                                                                                       \
  VALUES_STRIP(TYPE, N, 1)                                                                                       \
  static void values_##TYPE##_##N(const float *weight, const uint8_t *value, size_t count, size_t dim,           \
                                  const uint8_t *next, float *out) {                                             \
    size_t d = 0;                                                                                                \
    for (; d + 32 <= dim; d += 32, next += 32 * 64)                                                              \
        values_##TYPE##_##N##x2(weight, value, count, dim, d, next, out);                                        \
    if (d < dim) values_##TYPE##_##N##x1(weight, value, count, dim, d, next, out);                               \
  }

#define EACH_TYPE(N)                              \
  FLOAT_SCORES(f32, 4, LOAD_F32, N)               \
  FLOAT_SCORES(f16, 2, LOAD_F16, N)               \
  FLOAT_SCORES(bf16, 2, LOAD_BF16, N)             \
  INT8_SCORES(q8_0, 8, DOT_WIDE, !WIDE_ZERO, N)   \
  INT8_SCORES(q4_0, 4, DOT_NARROW, 1, N)          \
  VALUES(f32, N)                                  \
  VALUES(f16, N)                                  \
  VALUES(bf16, N)                                 \
  VALUES(q8_0, N)                                 \
  VALUES(q4_0, N)
UP_TO_QUERIES(EACH_TYPE)

typedef void (*scores_fn)(const query *, const uint8_t *, size_t, const uint8_t *, float *);
typedef void (*values_fn)(const float *, const uint8_t *, size_t, size_t, const uint8_t *, float *);
#define ROW(TYPE) {UP_TO_QUERIES(ENTRY_##TYPE)}
#define ENTRY_S0(N) scores_f32_##N,
#define ENTRY_S1(N) scores_f16_##N,
#define ENTRY_S2(N) scores_bf16_##N,
#define ENTRY_S3(N) scores_q8_0_##N,
#define ENTRY_S4(N) scores_q4_0_##N,
#define ENTRY_V0(N) values_f32_##N,
#define ENTRY_V1(N) values_f16_##N,
#define ENTRY_V2(N) values_bf16_##N,
#define ENTRY_V3(N) values_q8_0_##N,
#define ENTRY_V4(N) values_q4_0_##N,
static const scores_fn score_table[APUS_KV_TYPES][QUERIES] = {ROW(S0), ROW(S1), ROW(S2), ROW(S3), ROW(S4)};
static const values_fn value_table[APUS_KV_TYPES][QUERIES] = {ROW(V0), ROW(V1), ROW(V2), ROW(V3), ROW(V4)};

#define UNPACK_KEYS(TYPE, SIZE, LOADK)                                                  \
  static void unpack_keys_##TYPE(const uint8_t *key, size_t dim, float *out) {          \
    for (size_t i = 0; i < dim * 32; i += 16) STORE(out + i, LOADK(key + i * SIZE));    \
  }
UNPACK_KEYS(f16, 2, LOAD_F16)
UNPACK_KEYS(bf16, 2, LOAD_BF16)

#define UNPACK_VALUES(TYPE)                                                                              \
  static void unpack_values_##TYPE(const uint8_t *value, size_t count, size_t dim, float *out) {         \
    for (size_t t = 0; t < count; t++)                                                                   \
      for (size_t d = 0; d < dim; d += 16) value_##TYPE(value, dim, t, d, (v16 *)(out + t * dim + d));   \
  }
UNPACK_VALUES(f16)
UNPACK_VALUES(bf16)
UNPACK_VALUES(q8_0)
UNPACK_VALUES(q4_0)

// Scores of `count` query vectors with one page.
static void page_scores(int type, const query *q, size_t count, const uint8_t *key, size_t dim, const uint8_t *next,
                        float *score) {
  float copy[APUS_MOST_DIM * 32] __attribute__((aligned(64)));
  if (count > QUERIES && (type == APUS_KV_F16 || type == APUS_KV_BF16)) {
    if (type == APUS_KV_F16) unpack_keys_f16(key, dim, copy);
    else unpack_keys_bf16(key, dim, copy);
    key = (const uint8_t *)copy;
    type = APUS_KV_F32;
  }
  for (size_t n = 0; n < count; n += QUERIES)
    score_table[type][(count - n < QUERIES ? count - n : QUERIES) - 1](q + n, key, dim, next, score + n * SPLIT);
}

// Adds the weighted values of the first `keys` tokens of one page to the outputs.
static void page_values(int type, const float *weight, size_t count, const uint8_t *value, size_t keys, size_t dim,
                        const uint8_t *next, float *output) {
  float copy[APUS_MOST_DIM * 32] __attribute__((aligned(64)));
  if (count > QUERIES && type != APUS_KV_F32) {
    if (type == APUS_KV_F16) unpack_values_f16(value, keys, dim, copy);
    else if (type == APUS_KV_BF16) unpack_values_bf16(value, keys, dim, copy);
    else if (type == APUS_KV_Q8_0) unpack_values_q8_0(value, keys, dim, copy);
    else unpack_values_q4_0(value, keys, dim, copy);
    value = (const uint8_t *)copy;
    type = APUS_KV_F32;
  }
  for (size_t n = 0; n < count; n += QUERIES)
    value_table[type][(count - n < QUERIES ? count - n : QUERIES) - 1](weight + n * SPLIT, value, keys, dim,
                                                                      next, output + n * dim);
}

APUS_INLINE void scale_scores(const apus_attention *a, float *score) {
  STORE(score, LOAD(score) * SPLAT(a->scale));
  STORE(score + 16, LOAD(score + 16) * SPLAT(a->scale));
  if (a->softcap > 0)
    for (int t = 0; t < 32; t++) score[t] = a->softcap * tanhf(score[t] / a->softcap);
}

APUS_INLINE void mask_scores(float *score, uint32_t mask) {
  const u16 lane = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15};
  i16 low = ((u16)(mask) >> lane & 1) != 0, high = ((u16)(mask >> 16) >> lane & 1) != 0;
  STORE(score, low ? LOAD(score) : SPLAT(-INFINITY));
  STORE(score + 16, high ? LOAD(score + 16) : SPLAT(-INFINITY));
}

// The pages of a split that some vector of a tile reads.
typedef struct {
  size_t count;
  size_t page[APUS_SPLIT_PAGES];
  uint32_t any[APUS_SPLIT_PAGES];  // keys that some vector reads
} pages;

// The slot that is read after that of page i.
APUS_INLINE const uint8_t *next_slot(const apus_attention *a, const pages *list, size_t i) {
  return apus_slot(a, list->page[i + 1 < list->count ? i + 1 : i]);
}

// Turns the scores of one vector into weights; pages that are not in the list are left alone.
static void softmax(const apus_attention *a, size_t vector, const pages *list, float *score, float *maximum,
                    float *sum) {
  v16 most = SPLAT(-INFINITY), total = SPLAT(0.0f);
  size_t row = vector / a->group;
  for (size_t i = 0; i < list->count; i++) {
    float *s = score + i * APUS_PAGE;
    uint32_t mask = apus_page_mask(a, row, list->page[i]);
    scale_scores(a, s);
    if (mask != UINT32_MAX) mask_scores(s, mask);
    v16 low = LOAD(s), high = LOAD(s + 16);  // of a number and NaN the number counts
    most = low > most ? low : most;
    most = high > most ? high : most;
  }
  float highest = __builtin_reduce_max(most);
  *maximum = highest;
  for (size_t i = 0; i < list->count * APUS_PAGE; i += 16) {
    v16 weight = highest == -INFINITY ? SPLAT(-INFINITY) : LOAD(score + i) - SPLAT(highest);
    exp_lanes(&weight);
    STORE(score + i, weight);
    total += weight;
  }
  *sum = sum_lanes(&total);
}

static void attend_tile(const apus_attention *a, size_t begin, size_t count, size_t page_begin, size_t page_end,
                        float *output, float *maximum, float *sum) {
  float score[TILE * SPLIT] __attribute__((aligned(64)));
  query q[TILE];
  pages list = {0};
  for (size_t n = 0; n < count; n++) prepare_query(a, begin + n, &q[n]);
  for (size_t page = page_begin; page < page_end; page++) {
    uint32_t any = 0;
    for (size_t row = begin / a->group; row <= (begin + count - 1) / a->group; row++)
      any |= apus_page_mask(a, row, page);
    if (!any) continue;
    list.page[list.count] = page;
    list.any[list.count++] = any;
  }
  for (size_t i = 0; i < list.count; i++) {
    float *s = score + i * APUS_PAGE;
    if (!apus_is_tree_page(a, list.page[i])) {
      page_scores(a->key_type, q, count, apus_slot(a, list.page[i]) + a->key_offset, a->head_dim,
                  next_slot(a, &list, i) + a->key_offset, s);
      continue;
    }
    for (size_t n = 0; n < count; n++) {
      apus_gather_branch(a, (begin + n) / a->group, list.page[i]);
      page_scores(a->key_type, q + n, 1, a->scratch + a->key_offset, a->head_dim, a->scratch, s + n * SPLIT);
    }
  }
  for (size_t n = 0; n < count; n++)
    softmax(a, begin + n, &list, score + n * SPLIT, maximum + n, sum + n);
  for (size_t i = 0; i < list.count; i++) {
    const float *s = score + i * APUS_PAGE;
    size_t keys = 32 - (size_t)__builtin_clz(list.any[i]);
    if (!apus_is_tree_page(a, list.page[i])) {
      page_values(a->value_type, s, count, apus_slot(a, list.page[i]) + a->value_offset, keys, a->padded_dim,
                  next_slot(a, &list, i) + a->value_offset, output);
      continue;
    }
    for (size_t n = 0; n < count; n++) {
      uint32_t mask = apus_page_mask(a, (begin + n) / a->group, list.page[i]);
      if (!mask) continue;
      apus_gather_branch(a, (begin + n) / a->group, list.page[i]);
      page_values(a->value_type, s + n * SPLIT, 1, a->scratch + a->value_offset, 32 - (size_t)__builtin_clz(mask),
                  a->padded_dim, a->scratch, output + n * a->padded_dim);
    }
  }
}

static void attend(const apus_attention *a, size_t begin, size_t end, size_t page_begin, size_t page_end,
                   float *output, float *maximum, float *sum) {
  memset(output, 0, (end - begin) * a->padded_dim * sizeof(float));
  for (size_t tile = begin; tile < end; tile += TILE) {
    size_t count = end - tile < TILE ? end - tile : TILE, at = tile - begin;
    attend_tile(a, tile, count, page_begin, page_end, output + at * a->padded_dim, maximum + at, sum + at);
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
  query q;
  prepare_query(a, vector, &q);
  for (size_t page = 0; page * APUS_PAGE < key_count; page++) {
    uint32_t mask = apus_stored_mask(a, vector / a->group, page);
    if (!mask) continue;
    float score[32];
    page_scores(a->key_type, &q, 1, apus_slot(a, page) + a->key_offset, a->head_dim, apus_slot(a, page), score);
    scale_scores(a, score);
    for (size_t t = 0; t < APUS_PAGE && page * APUS_PAGE + t < key_count; t++)
      if (mask >> t & 1) mass[page * APUS_PAGE + t] += apus_exp(score[t] - maximum) / sum;
  }
}

static void raw_scores(const apus_attention *a, size_t vector, size_t key_count, float *scores) {
  query q;
  prepare_query(a, vector, &q);
  for (size_t page = 0; page * APUS_PAGE < key_count; page++) {
    float score[32];
    page_scores(a->key_type, &q, 1, apus_slot(a, page) + a->key_offset, a->head_dim, apus_slot(a, page), score);
    scale_scores(a, score);
    for (size_t t = 0; t < APUS_PAGE && page * APUS_PAGE + t < key_count; t++)
      scores[page * APUS_PAGE + t] = score[t];
  }
}
