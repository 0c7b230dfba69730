// The reference: what every other variant must compute, one number at a time.
#pragma clang fp contract(off)

#include "attention_mask.h"
#include "int8_formats.h"

// Stores sums of one row and panel as the descriptor asks.
static void store_sums(const apus_gemm *g, size_t row, size_t panel, const float *sum) {
  if (g->partial) {
    memcpy(g->partial + row * APUS_PANEL, sum, APUS_PANEL * sizeof(float));
    return;
  }
  for (size_t c = 0; c < APUS_PANEL && panel * APUS_PANEL + c < g->columns; c++) {
    size_t column = panel * APUS_PANEL + c;
    float *y = g->y + row * g->y_stride + column;
    float value = g->bias ? sum[c] + g->bias[column] : sum[c];
    *y = g->accumulate ? *y + value : value;
  }
}

static void start_sums(const apus_gemm *g, size_t row, float *sum) {
  if (g->partial && !g->first) memcpy(sum, g->partial + row * APUS_PANEL, APUS_PANEL * sizeof(float));
  else memset(sum, 0, APUS_PANEL * sizeof(float));
}

#define DEFINE_GEMM(NAME, SIZE, LOAD)                                                    \
  static void NAME(const apus_gemm *g, size_t panel_begin, size_t panel_end) {           \
    for (size_t panel = panel_begin; panel < panel_end; panel++) {                       \
      const uint8_t *w = g->w + panel * g->panel_bytes;                                  \
      for (size_t row = 0; row < g->rows; row++) {                                       \
        float sum[APUS_PANEL];                                                           \
        start_sums(g, row, sum);                                                         \
        const float *x = g->x + row * g->x_stride;                                       \
        for (size_t i = 0; i < g->k; i++)                                                \
          for (size_t c = 0; c < APUS_PANEL; c++)                                        \
            sum[c] = fmaf(LOAD(w + (i * APUS_PANEL + c) * SIZE), x[i], sum[c]);          \
        store_sums(g, row, panel, sum);                                                  \
      }                                                                                  \
    }                                                                                    \
  }

static float load_f32(const uint8_t *p) {
  float x;
  memcpy(&x, p, 4);
  return x;
}

static uint16_t load_u16(const uint8_t *p) {
  uint16_t x;
  memcpy(&x, p, 2);
  return x;
}

static float load_f16(const uint8_t *p) { return apus_half_to_float(load_u16(p)); }
static float load_bf16(const uint8_t *p) { return apus_bf16_to_float(load_u16(p)); }

DEFINE_GEMM(gemm_f32, 4, load_f32)
DEFINE_GEMM(gemm_f16, 2, load_f16)
DEFINE_GEMM(gemm_bf16, 2, load_bf16)

// Number i of a cell and column.
static int cell_number(const apus_int8_format *f, const uint8_t *quants, int column, int i) {
  static const uint8_t iq4[16] = {APUS_IQ4_VALUES};
  int group = i / 4, at = column * 4 + i % 4;
  if (f->bits == 8) return quants[group * 64 + at];
  int low = f->bits >= 4 ? 4 : 2;
  int u = low == 4 ? quants[group % 4 * 64 + at] >> group / 4 * 4 & 15
                   : quants[group / 4 * 64 + at] >> group % 4 * 2 & 3;
  const uint8_t *high = quants + (low == 4 ? 256 : 128);
  if (f->bits - low == 1) u |= (high[at] >> group & 1) << low;
  if (f->bits - low == 2) u |= (high[group / 4 * 64 + at] >> group % 4 * 2 & 3) << low;
  return f->lookup ? iq4[u] : u;
}

// The scale and minimum of a sub-block and column.
static float cell_scale(const apus_int8_format *f, const uint8_t *header, const uint8_t *cell, int sub, int column,
                        float *minimum) {
  if (!f->super) {
    *minimum = f->affine ? load_f16(cell + 32 + column * 2) : 0;
    return load_f16(cell + column * 2);
  }
  int scale = (int8_t)cell[sub * 16 + column], least = 0;
  if (f->affine) least = f->bits == 2 ? (scale & 255) >> 4 : cell[32 / f->sub * 16 + sub * 16 + column];
  if (f->bits == 2) scale &= 15;
  *minimum = f->affine ? -load_f16(header + 32 + column * 2) * (float)least : 0;
  return load_f16(header + column * 2) * (float)scale;
}

// A dot that was summed up from APUS_DOT_BASE, times a scale.
static float scaled_dot(int32_t dot, float scale) {
  return fmaf(apus_float((uint32_t)dot), scale, scale * -APUS_DOT_ZERO);
}

static void gemm_int8(const apus_gemm *g, const apus_int8_format *f, size_t panel_begin, size_t panel_end) {
  size_t blocks = g->k / APUS_BLOCK;
  int subs = 32 / f->sub;
  for (size_t panel = panel_begin; panel < panel_end; panel++)
    for (size_t row = 0; row < g->rows; row++) {
      const uint8_t *w = g->w + panel * g->panel_bytes, *header = w;
      float sum[APUS_PANEL] = {0};
      for (size_t b = 0; b < blocks; b++, w += f->cell_bytes) {
        const int8_t *x = g->xq + row * g->x_stride + b * APUS_BLOCK;
        if (f->super && b % 8 == 0) {
          header = w;
          w += f->header_bytes;
        }
        for (int s = 0; s < subs; s++)
          for (int c = 0; c < APUS_PANEL; c++) {
            size_t at = (row * blocks + b) * (size_t)subs + (size_t)s;
            int32_t dot = g->xoffset[at];
            for (int i = s * f->sub; i < (s + 1) * f->sub; i++)
              dot += cell_number(f, w + f->scale_bytes, c, i) * x[i];
            float minimum, scale = cell_scale(f, header, w, s, c, &minimum);
            if (f->affine) sum[c] = fmaf(minimum, g->xmin[at], sum[c]);
            sum[c] = fmaf(scaled_dot(dot, scale), g->xscale[row * blocks + b], sum[c]);
          }
      }
      store_sums(g, row, panel, sum);
    }
}

#define DEFINE_INT8(NAME, TYPE, BITS, SUB, AFFINE, ZERO, LOOKUP, SUPER)                          \
  static void gemm_##NAME(const apus_gemm *g, size_t panel_begin, size_t panel_end) {            \
    gemm_int8(g, &apus_int8_table[apus_int8_format_of(TYPE)], panel_begin, panel_end);           \
  }
APUS_INT8_FORMATS(DEFINE_INT8)

static void quantize_row(const float *x, size_t k, int zero, int sub, int8_t *q, float *scale, int32_t *offset,
                         float *minimum) {
  for (size_t b = 0; b < k / APUS_BLOCK; b++, x += APUS_BLOCK, q += APUS_BLOCK) {
    float largest = 0;
    for (size_t i = 0; i < APUS_BLOCK; i++) {
      float magnitude = fabsf(x[i]);
      if (magnitude > largest) largest = magnitude;
    }
    if (largest > 3.0e38f) largest = 3.0e38f;
    float inverse = largest > 1e-30f ? 127.0f / largest : 0.0f;
    scale[b] = largest * (1.0f / 127.0f);
    for (int s = 0; s < 32 / sub; s++) {
      int32_t total = 0;
      for (int i = s * sub; i < (s + 1) * sub; i++) {
        float value = rintf(x[i] * inverse);
        if (value != value) value = 0;
        if (value > 127) value = 127;
        if (value < -127) value = -127;
        q[i] = (int8_t)value;
        total += q[i];
      }
      *offset++ = APUS_DOT_BASE - zero * total;
      *minimum++ = scale[b] * (float)total;
    }
  }
}

static void rms_norm(const float *x, const float *weight, float epsilon, size_t n, float *y) {
  float lane[16] = {0};
  for (size_t i = 0; i < n; i++) lane[i % 16] = fmaf(x[i], x[i], lane[i % 16]);
  float inverse = 1.0f / sqrtf(apus_sum16(lane) / (float)n + epsilon);
  for (size_t i = 0; i < n; i++) y[i] = x[i] * inverse * weight[i];
}

static void swiglu(const float *gate, const float *up, size_t n, float *y) {
  for (size_t i = 0; i < n; i++) y[i] = gate[i] / (1.0f + apus_exp(-gate[i])) * up[i];
}

static void rope(float *x, size_t half, const float *cosine, const float *sine, int interleaved) {
  for (size_t i = 0; i < half; i++) {
    float *first = interleaved ? x + 2 * i : x + i, *second = interleaved ? first + 1 : first + half;
    float a = *first, b = *second;
    *first = fmaf(a, cosine[i], -(b * sine[i]));
    *second = fmaf(a, sine[i], b * cosine[i]);
  }
}

static float scaled(const apus_attention *a, float score) {
  score *= a->scale;
  return a->softcap > 0 ? a->softcap * tanhf(score / a->softcap) : score;
}

static float dot_in_order(const float *key, const float *q, size_t dim) {
  float dot = 0;
  for (size_t d = 0; d < dim; d++) dot = fmaf(key[d], q[d], dot);
  return dot;
}

// Of each two components the second comes first.
static float dot_in_pairs(const float *key, const float *q, size_t dim) {
  float dot = 0;
  for (size_t d = 0; d < dim; d += 2) {
    if (d + 1 < dim) dot = apus_fma_bf16(apus_round_bf16(key[d + 1]), apus_round_bf16(q[d + 1]), dot);
    dot = apus_fma_bf16(apus_round_bf16(key[d]), apus_round_bf16(q[d]), dot);
  }
  return dot;
}

// Chains of products of f16 numbers, even and odd components apart, summed up as floats.
static float dot_in_chains(const float *key, const float *q, size_t dim) {
  float dot = 0, largest = 0;
  for (size_t d = 0; d < dim; d++) largest = fabsf(q[d]) > largest ? fabsf(q[d]) : largest;
  float unit = apus_half_unit(largest);
  for (size_t first = 0; first < dim; first += APUS_CHAIN) {
    float chain[2] = {0};
    for (size_t d = first; d < dim && d < first + APUS_CHAIN; d++)
      chain[d % 2] = apus_fma_f16(key[d], apus_round_f16(q[d] / unit), chain[d % 2]);
    dot += apus_round_f16((double)chain[0] + chain[1]);
  }
  return dot * unit;
}

// q·k, as the vector kernels add it up: keys in 4 or 8 bits meet a rounded query, block by block.
static void page_scores(const apus_attention *a, const float *q, const uint8_t *slot, float *score) {
  const uint8_t *keys = slot + a->key_offset;
  int quantized = a->key_type >= APUS_KV_Q8_0, zero = apus_kv_zero(a->key_type);
  int arithmetic = apus_kv_arithmetic(a->key_type, a->halves);
  size_t blocks = apus_blocks(a->head_dim), groups = apus_kv_groups(a->key_type);
  float padded[APUS_MOST_DIM] = {0}, qscale[APUS_MOST_DIM / 32], minimum[APUS_MOST_DIM / 32];
  int8_t rounded[APUS_MOST_DIM];
  int32_t offset[APUS_MOST_DIM / 32];
  if (quantized) memcpy(padded, q, a->head_dim * sizeof(float));
  if (apus_kv_is_rotated(a->key_type)) apus_kv_rotate(padded, a->head_dim);
  if (quantized) quantize_row(padded, blocks * 32, zero, 32, rounded, qscale, offset, minimum);
  for (size_t t = 0; t < APUS_PAGE; t++) {
    float dot = 0, key[APUS_MOST_SUMMARY];
    if (!quantized) {
      apus_kv_load_key(a->key_type, keys, t, a->head_dim, key);
      if (arithmetic == APUS_AS_BF16) dot = dot_in_pairs(key, q, a->head_dim);
      else if (arithmetic == APUS_AS_F16) dot = dot_in_chains(key, q, a->head_dim);
      else dot = dot_in_order(key, q, a->head_dim);
    }
    for (size_t b = 0; quantized && b < blocks; b++) {
      int32_t sum = APUS_DOT_BASE;
      for (size_t i = 0; i < 32; i++) {
        size_t group = b * groups + i / 4 % groups;
        int u = keys[blocks * APUS_PAGE * 2 + group * APUS_KV_GROUP + t * 4 + i % 4];
        if (groups == 4) u = u >> i / 16 * 4 & 15;
        sum += (u - zero) * rounded[b * 32 + i];
      }
      dot = fmaf(scaled_dot(sum, load_f16(keys + (b * APUS_PAGE + t) * 2)), qscale[b], dot);
    }
    score[t] = dot;
  }
}

// out += weights times values of the keys in `mask`, one key after the other, in pairs of which the second is first, or
// in a chain of f16 numbers.
static void sum_values(const apus_attention *a, const uint8_t *values, const float *weight, uint32_t mask, float *out) {
  int arithmetic = apus_kv_arithmetic(a->value_type, a->halves);
  float chain[APUS_MOST_DIM] = {0};
  for (size_t i = 0; i < APUS_PAGE; i++) {
    size_t t = arithmetic == APUS_AS_BF16 ? i ^ 1 : i;
    float value[APUS_MOST_DIM];
    if (!(mask >> t & 1)) continue;
    apus_kv_load_value(a->value_type, values, t, a->padded_dim, a->padded_dim, value);
    for (size_t d = 0; d < a->padded_dim; d++) {
      if (arithmetic == APUS_AS_BF16)
        out[d] = apus_fma_bf16(apus_round_bf16(value[d]), apus_round_bf16(weight[t]), out[d]);
      else if (arithmetic == APUS_AS_F16)
        chain[d] = apus_fma_f16(value[d], apus_round_f16(weight[t] / APUS_CHAIN), chain[d]);
      else
        out[d] = fmaf(value[d], weight[t], out[d]);
    }
  }
  if (arithmetic == APUS_AS_F16)
    for (size_t d = 0; d < a->padded_dim; d++) out[d] = fmaf(chain[d], APUS_CHAIN, out[d]);
}

// The same for values in 4 or 8 bits: each weight times the scale of a value's block is rounded to steps of which the
// largest of the page has `limit`.
static void sum_rounded_values(const apus_attention *a, const uint8_t *values, const float *weight, uint32_t mask,
                               float *out) {
  size_t blocks = apus_blocks(a->padded_dim), bytes = apus_kv_block_bytes(a->value_type);
  float product[APUS_MOST_DIM / 32][APUS_PAGE] = {0}, largest = 0;
  float limit = a->value_type == APUS_KV_Q8_0 ? 254 : 127;
  for (size_t b = 0; b < blocks; b++)
    for (size_t t = 0; t < APUS_PAGE; t++) {
      if (!(mask >> t & 1) || !(weight[t] > 0)) continue;
      product[b][t] = weight[t] * load_f16(values + (b * APUS_PAGE + t) * 2);
      if (fabsf(product[b][t]) > largest) largest = fabsf(product[b][t]);
    }
  float inverse = largest > 1e-30f ? limit / largest : 0, factor = largest * (1.0f / limit);
  for (size_t d = 0; d < a->padded_dim; d++) {
    int32_t sum = 0;
    for (size_t t = 0; t < APUS_PAGE; t++) {
      if (!(mask >> t & 1)) continue;
      uint8_t stored = values[blocks * APUS_PAGE * 2 + apus_kv_value_at(a->value_type, blocks, t, d / 32, d % bytes)];
      int number = bytes == 32 ? (int8_t)stored : (stored >> d % 32 / 16 * 4 & 15) - 8;
      sum += number * (int32_t)rintf(product[d / 32][t] * inverse);
    }
    out[d] = fmaf((float)sum, factor, out[d]);
  }
}

static float term(const apus_attention *a, size_t which, size_t page, size_t token) {
  return a->terms[which * a->term_stride + page * APUS_PAGE + token];
}

// What the softmax is taken of: scaled already where there is a softcap.
static float with_terms(const apus_attention *a, size_t page, size_t token, float score) {
  if (a->terms) score *= term(a, 0, page, token);
  if (a->softcap > 0) score = scaled(a, score);
  return a->terms ? score + term(a, 1, page, token) * (a->softcap > 0 ? 1 : 1 / a->scale) : score;
}

static void attend(const apus_attention *a, size_t begin, size_t end, size_t page_begin, size_t page_end,
                   float *output, float *maximum, float *sum) {
  enum { SPLIT = APUS_SPLIT_PAGES * APUS_PAGE };
  for (size_t vector = begin; vector < end; vector++) {
    float *out = output + (vector - begin) * a->padded_dim;
    float score[SPLIT], largest = -INFINITY, lane[16] = {0};
    memset(out, 0, a->padded_dim * sizeof(float));
    size_t row = vector / a->group;
    for (size_t page = page_begin; page < page_end; page++) {
      uint32_t mask = apus_page_mask(a, row, page);
      float *s = score + (page - page_begin) * APUS_PAGE;
      if (mask) {
        int tree = apus_is_tree_page(a, page);
        if (tree) apus_gather_branch(a, row, page);
        page_scores(a, apus_query(a, vector), tree ? a->scratch : apus_slot(a, page), s);
      }
      for (size_t t = 0; t < APUS_PAGE; t++) {
        if (!(mask >> t & 1)) s[t] = -INFINITY;
        else s[t] = with_terms(a, page, t, s[t]);
        if (s[t] > largest) largest = s[t];
      }
    }
    for (size_t i = 0; i < (page_end - page_begin) * APUS_PAGE; i++) {
      score[i] = largest > -INFINITY ? apus_power(score[i] - largest, apus_score_factor(a)) : 0;
      lane[i % 16] += score[i];
    }
    for (size_t page = page_begin; page < page_end; page++) {
      uint32_t mask = apus_page_mask(a, row, page);
      if (!mask) continue;
      const uint8_t *slot = apus_slot(a, page);
      if (apus_is_tree_page(a, page)) {
        apus_gather_branch(a, row, page);
        slot = a->scratch;
      }
      float *weight = score + (page - page_begin) * APUS_PAGE;
      for (size_t t = 0; a->terms && t < APUS_PAGE; t++) weight[t] *= term(a, 2, page, t);
      if (a->value_type < APUS_KV_Q8_0) sum_values(a, slot + a->value_offset, weight, mask, out);
      else sum_rounded_values(a, slot + a->value_offset, weight, mask, out);
    }
    maximum[vector - begin] = a->softcap > 0 ? largest : largest * a->scale;
    sum[vector - begin] = apus_sum16(lane);
  }
}

static void merge(float *output, float *maximum, float *sum, const float *other, float other_maximum,
                  float other_sum, size_t dimension) {
  if (other_maximum == -INFINITY) return;
  float highest = *maximum > other_maximum ? *maximum : other_maximum;
  float own = *maximum == highest ? 1 : apus_exp(*maximum - highest);
  float theirs = other_maximum == highest ? 1 : apus_exp(other_maximum - highest);
  for (size_t d = 0; d < dimension; d++) output[d] = fmaf(other[d], theirs, output[d] * own);
  *sum = fmaf(other_sum, theirs, *sum * own);
  *maximum = highest;
}

static void tap(const apus_attention *a, size_t begin, size_t end, size_t page_count, float *mass) {
  for (size_t vector = begin; vector < end; vector++) {
    float maximum = -INFINITY, sum = 0;
    for (int pass = 0; pass < 3; pass++)  // the maximum, the sum, the weights
      for (size_t page = 0; page < page_count; page++) {
        uint32_t mask = apus_stored_mask(a, vector / a->group, page);
        float score[APUS_PAGE];
        if (mask) page_scores(a, apus_query(a, vector), apus_slot(a, page), score);
        for (size_t t = 0; t < APUS_PAGE; t++) {
          if (!(mask >> t & 1)) continue;
          float s = with_terms(a, page, t, score[t]);
          if (a->softcap <= 0) s *= a->scale;
          if (pass == 0) maximum = s > maximum ? s : maximum;
          else if (pass == 1) sum += apus_exp(s - maximum);
          else if (sum > 0) mass[page * APUS_PAGE + t] += apus_exp(s - maximum) / sum;
        }
      }
  }
}

static void raw_scores(const apus_attention *a, size_t begin, size_t end, size_t key_count, float *scores) {
  for (size_t vector = begin; vector < end; vector++, scores += key_count)
    for (size_t page = 0; page * APUS_PAGE < key_count; page++) {
      float score[APUS_PAGE];
      page_scores(a, apus_query(a, vector), apus_slot(a, page), score);
      for (size_t t = 0; t < APUS_PAGE && page * APUS_PAGE + t < key_count; t++)
        scores[page * APUS_PAGE + t] = scaled(a, score[t]);
    }
}

#include "roofline_scalar.h"

#define INT8_ENTRY(NAME, TYPE, BITS, SUB, AFFINE, ZERO, LOOKUP, SUPER) gemm_##NAME,

const apus_kernels apus_kernels_scalar = {
    "scalar", 1, gemm_f32, gemm_f16, gemm_bf16, {APUS_INT8_FORMATS(INT8_ENTRY)},
    quantize_row, rms_norm, swiglu, rope, APUS_AS_BF16, attend, merge, tap, raw_scores,
    ROOF_CHAINS, roof_fma, 0, roof_dot, roof_read,
};
