// Attention over paged keys and values; part of kernels_vector.h.
//
// A call covers at most one split of 512 keys: the scores of all query vectors are laid out first, then turned into
// weights, then the values are summed, so that nothing is rescaled on the way. What is added to what, and in which
// order, does not depend on the number of query vectors.
//
// Up to QUERIES vectors read the stored numbers directly (decode is bound by memory); more of them share one copy of
// the page, laid out as the arithmetic wants it.

enum { SPLIT = APUS_SPLIT_PAGES * APUS_PAGE, TILE = 64, MOST_BLOCKS = APUS_MOST_DIM / 32 };
enum { LINE = SPLIT + 16 };  // floats from vector to vector: those 2 KiB apart would share few lines of the cache

// While a page is read, the next one is fetched: pages lie far apart, so the processor does not foresee them.
#define PREFETCH(p) __builtin_prefetch((p), 0, 2)

#include "attention_halves.h"
#include "attention_scores.h"
#include "attention_values.h"

static void scale_scores(const apus_attention *a, float *score, size_t count) {
  for (size_t t = 0; t < count; t++) {
    score[t] *= a->scale;
    if (a->softcap > 0) score[t] = a->softcap * tanhf(score[t] / a->softcap);
  }
}

// The terms of the keys of a page: which 0 a factor of q·k, 1 a summand of the score, 2 a factor of the value.
APUS_INLINE const float *page_terms(const apus_attention *a, int which, size_t page) {
  return a->terms + (size_t)which * a->term_stride + page * APUS_PAGE;
}

static void factor_scores(const apus_attention *a, size_t page, float *score) {
  const float *factor = page_terms(a, 0, page);
  for (size_t t = 0; t < APUS_PAGE; t++) score[t] *= factor[t];
}

// Scores have been scaled when `is_scaled`; else they will be.
static void add_terms(const apus_attention *a, size_t page, int is_scaled, float *score) {
  const float *summand = page_terms(a, 1, page);
  float factor = is_scaled ? 1 : 1 / a->scale;
  for (size_t t = 0; t < APUS_PAGE; t++) score[t] += summand[t] * factor;
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
  uint32_t all[APUS_SPLIT_PAGES];  // keys that all vectors read
} pages;

static void list_pages(const apus_attention *a, size_t row, size_t last_row, size_t page, size_t page_end,
                       pages *list) {
  // Without a tree or window, a row reads what the rows before it read.
  size_t step = a->tree || a->window || row == last_row ? 1 : last_row - row;
  for (list->count = 0; page < page_end; page++) {
    uint32_t any = 0, all = UINT32_MAX;
    for (size_t r = row; r <= last_row; r += step) {
      uint32_t mask = apus_page_mask(a, r, page);
      any |= mask;
      all &= mask;
    }
    if (!any) continue;
    list->page[list->count] = page;
    list->any[list->count] = any;
    list->all[list->count++] = all;
  }
}

// The slot that is read after that of page i.
APUS_INLINE const uint8_t *next_slot(const apus_attention *a, const pages *list, size_t i) {
  return apus_slot(a, list->page[i + 1 < list->count ? i + 1 : i]);
}

// Turns the scores of one vector into weights; pages that are not in the list are left alone.
static void softmax(const apus_attention *a, size_t vector, const pages *list, float *score, float *maximum,
                    float *sum) {
  size_t count = list->count * APUS_PAGE;
  if (a->terms)
    for (size_t i = 0; i < list->count; i++) factor_scores(a, list->page[i], score + i * APUS_PAGE);
  if (a->softcap > 0) scale_scores(a, score, count);
  if (a->terms)
    for (size_t i = 0; i < list->count; i++) add_terms(a, list->page[i], a->softcap > 0, score + i * APUS_PAGE);
  for (size_t i = 0; i < list->count; i++)
    if (list->all[i] != UINT32_MAX)
      mask_scores(score + i * APUS_PAGE, apus_page_mask(a, vector / a->group, list->page[i]));
  v16 most[2] = {SPLAT(-INFINITY), SPLAT(-INFINITY)}, total = SPLAT(0.0f);
  for (size_t i = 0; i < count; i += 32) {
    v16 low = LOAD(score + i), high = LOAD(score + i + 16);  // of a number and NaN the number counts
    most[0] = low > most[0] ? low : most[0];
    most[1] = high > most[1] ? high : most[1];
  }
  float highest = __builtin_reduce_max(most[0] > most[1] ? most[0] : most[1]);
  float factor = apus_score_factor(a), base = highest;
  *maximum = a->softcap > 0 ? highest : highest * a->scale;
  if (highest == -INFINITY) {  // nothing is read, or only NaN
    for (size_t i = 0; i < count; i += 16) STORE(score + i, SPLAT(-INFINITY));
    base = 0;
  }
  for (size_t i = 0; i < count; i += 16) {
    v16 weight = LOAD(score + i) - SPLAT(base);
    power_lanes(&weight, factor);
    total += weight;
    if (a->terms) weight *= LOAD(page_terms(a, 2, list->page[i / APUS_PAGE]) + i % APUS_PAGE);
    if (value_kind(a) >= PAIRS) ROUND_16((uint16_t *)score + i, weight);
    else STORE(score + i, weight);
  }
  *sum = sum_lanes(&total);
}

// Adds the weighted values of the pages in the list to the outputs.
static void tile_values(const apus_attention *a, size_t begin, size_t count, const pages *list, const float *weights,
                        float *output) {
  int kind = value_kind(a);
  value_copy copy;
  copy.pages = copy.keys = 0;  // the bytes are written before they are read
  for (size_t i = 0; i < list->count; i++) {
    size_t page = list->page[i], keys = 32 - (size_t)__builtin_clz(list->any[i]);
    const float *w = weights + weights_at(kind, i);
    if (apus_is_tree_page(a, page)) {
      for (size_t n = 0; n < count; n++) {
        uint32_t mask = apus_page_mask(a, (begin + n) / a->group, page);
        if (!mask) continue;
        apus_gather_branch(a, (begin + n) / a->group, page);
        page_values(kind, w + n * LINE, 1, a->scratch + a->value_offset, 32 - (size_t)__builtin_clz(mask),
                    a->padded_dim, a->scratch, output + n * a->padded_dim);
      }
      continue;
    }
    const uint8_t *value = apus_slot(a, page) + a->value_offset, *next = next_slot(a, list, i) + a->value_offset;
    if (count <= QUERIES || !is_copied(kind)) {
      page_values(kind, w, count, value, keys, a->padded_dim, next, output);
      continue;
    }
    add_page(&copy, kind, value, keys, a->padded_dim, next);
    int more = i + 1 < list->count && !apus_is_tree_page(a, list->page[i + 1]) && keys == APUS_PAGE;
    if (more && copy.pages < most_pages(kind, a->padded_dim)) continue;
    page_values(copy.kind, weights + weights_at(kind, i + 1 - copy.pages), count, copy.bytes, copy.keys,
                a->padded_dim, next, output);
    copy.pages = copy.keys = 0;
  }
}

static void attend_tile(const apus_attention *a, size_t begin, size_t count, size_t page_begin, size_t page_end,
                        float *output, float *maximum, float *sum) {
  float score[TILE * LINE] __attribute__((aligned(64)));
  query q[TILE];
  pages list;
  for (size_t n = 0; n < count; n++) prepare_query(a, begin + n, &q[n]);
  list_pages(a, begin / a->group, (begin + count - 1) / a->group, page_begin, page_end, &list);
  for (size_t i = 0; i < list.count; i++) {
    float *s = score + i * APUS_PAGE;
    if (!apus_is_tree_page(a, list.page[i])) {
      page_scores(key_kind(a), q, count, apus_slot(a, list.page[i]) + a->key_offset, a->head_dim,
                  next_slot(a, &list, i) + a->key_offset, s);
      continue;
    }
    for (size_t n = 0; n < count; n++) {
      apus_gather_branch(a, (begin + n) / a->group, list.page[i]);
      page_scores(key_kind(a), q + n, 1, a->scratch + a->key_offset, a->head_dim, a->scratch, s + n * LINE);
    }
  }
  for (size_t n = 0; n < count; n++)
    softmax(a, begin + n, &list, score + n * LINE, maximum + n, sum + n);
  tile_values(a, begin, count, &list, score, output);
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

// Scaled and masked scores of one vector with pages [first, last), as they are stored.
static void stored_scores(const apus_attention *a, size_t row, size_t first, size_t last, float *score) {
  for (size_t page = first; page < last; page++, score += APUS_PAGE) {
    if (a->terms) factor_scores(a, page, score);
    scale_scores(a, score, APUS_PAGE);
    if (a->terms) add_terms(a, page, 1, score);
    mask_scores(score, apus_stored_mask(a, row, page));
  }
}

// The sum of exp(score - base); the powers replace the scores.
static float sum_powers(float *score, size_t count, float base) {
  v16 total = SPLAT(0.0f);
  for (size_t i = 0; i < count; i += 16) {
    v16 weight = LOAD(score + i) - SPLAT(base);
    power_lanes(&weight, APUS_LOG2E);
    total += weight;
    STORE(score + i, weight);
  }
  return sum_lanes(&total);
}

// The scores are computed twice, first for their maxima and sums: the matrix is never stored.
static void tap_tile(const apus_attention *a, size_t begin, size_t count, size_t page_count, float *mass) {
  float score[TILE * LINE] __attribute__((aligned(64)));
  float maximum[TILE], sum[TILE];
  query q[TILE];
  for (size_t n = 0; n < count; n++) {
    prepare_query(a, begin + n, &q[n]);
    maximum[n] = -INFINITY;
    sum[n] = 0;
  }
  for (int pass = 0; pass < 2; pass++)
    for (size_t first = 0; first < page_count; first += APUS_SPLIT_PAGES) {
      size_t last = page_count - first < APUS_SPLIT_PAGES ? page_count : first + APUS_SPLIT_PAGES;
      size_t keys = (last - first) * APUS_PAGE;
      for (size_t page = first; page < last; page++) {
        const uint8_t *key = apus_slot(a, page) + a->key_offset;
        page_scores(key_kind(a), q, count, key, a->head_dim, key, score + (page - first) * APUS_PAGE);
      }
      for (size_t n = 0; n < count; n++) {
        float *s = score + n * LINE, highest = maximum[n];
        stored_scores(a, (begin + n) / a->group, first, last, s);
        for (size_t i = 0; pass == 0 && i < keys; i++) highest = s[i] > highest ? s[i] : highest;
        if (highest == -INFINITY) continue;
        float total = sum_powers(s, keys, highest);
        if (pass == 0) {
          sum[n] = sum[n] * (maximum[n] == highest ? 1 : apus_exp(maximum[n] - highest)) + total;
          maximum[n] = highest;
        } else if (sum[n] > 0) {
          for (size_t i = 0; i < keys; i++) mass[first * APUS_PAGE + i] += s[i] / sum[n];
        }
      }
    }
}

static void tap(const apus_attention *a, size_t begin, size_t end, size_t page_count, float *mass) {
  for (size_t tile = begin; tile < end; tile += TILE)
    tap_tile(a, tile, end - tile < TILE ? end - tile : TILE, page_count, mass);
}

static void raw_scores(const apus_attention *a, size_t begin, size_t end, size_t key_count, float *scores) {
  float score[QUERIES * LINE] __attribute__((aligned(64)));
  size_t pages = (key_count + APUS_PAGE - 1) / APUS_PAGE;
  for (; begin < end; begin += QUERIES, scores += QUERIES * key_count) {
    query q[QUERIES];
    size_t count = end - begin < QUERIES ? end - begin : QUERIES;
    for (size_t n = 0; n < count; n++) prepare_query(a, begin + n, &q[n]);
    for (size_t page = 0; page < pages; page++) {
      size_t first = page * APUS_PAGE, keys = key_count - first < APUS_PAGE ? key_count - first : APUS_PAGE;
      const uint8_t *next = apus_slot(a, page + 1 < pages ? page + 1 : page) + a->key_offset;
      page_scores(key_kind(a), q, count, apus_slot(a, page) + a->key_offset, a->head_dim, next, score);
      for (size_t n = 0; n < count; n++) {
        scale_scores(a, score + n * LINE, APUS_PAGE);
        memcpy(scores + n * key_count + first, score + n * LINE, keys * sizeof(float));
      }
    }
  }
}
