// Attention over pages of every format.
#include <math.h>

#include "compare.h"

enum { STRIDE = 3, OFFSET = 1 };  // of slots among those of other layers and heads

typedef struct {
  apus_attention a;
  size_t rows, keys, pages, vectors;
  int wild;
} attention;

static const size_t dimensions[] = {64, 80, 96, 112, 128, 256, 4, 24, 512, 33};

// What each row of a draft tree reads: itself and its ancestors.
static const uint64_t *random_tree(size_t rows) {
  uint64_t *tree = get(rows * sizeof *tree);
  for (size_t i = 0; i < rows; i++) {
    size_t parent = below(i + 1);
    tree[i] = (parent == 0 ? 0 : tree[parent - 1]) | 1ull << i;
  }
  return tree;
}

static void store_keys(attention *p, uint8_t *arena) {
  apus_attention *a = &p->a;
  float *key = get_floats(a->head_dim), *value = get_floats(a->head_dim);
  for (size_t index = 0; index < p->keys; index++) {
    random_floats(key, a->head_dim, p->wild);
    random_floats(value, a->head_dim, 0);
    uint8_t *slot = arena + ((size_t)a->pages[index / 32] * STRIDE + OFFSET) * a->slot_bytes;
    apus_kv_store(a->key_type, a->value_type, slot + a->key_offset, slot + a->value_offset, index % 32, a->head_dim,
                  a->padded_dim, key, value);
  }
}

// Keys that are left out, and factors and summands of the others.
static void alter_keys(attention *p) {
  apus_attention *a = &p->a;
  if (one_in(2)) {
    uint32_t *keys = get(p->pages * sizeof *keys);
    random_bytes((uint8_t *)keys, p->pages * sizeof *keys);
    if (one_in(2)) keys[below(p->pages)] = 0;
    a->keys = keys;
  }
  if (one_in(2)) {
    a->term_stride = p->pages * 32 + below(2) * 32;
    float *terms = get_floats(3 * a->term_stride);
    random_floats(terms, 3 * a->term_stride, 0);
    for (size_t i = 2 * a->term_stride; i < 3 * a->term_stride; i++) terms[i] = fabsf(terms[i]);
    a->terms = terms;
  }
}

static attention start(int round) {
  attention p = {.rows = 1 + below(9), .wild = one_in(5)};
  apus_attention *a = &p.a;
  a->key_type = round % APUS_KV_TYPES;
  a->value_type = round / APUS_KV_TYPES % APUS_KV_TYPES;
  a->head_dim = dimensions[one_in(4) ? below(10) : below(6)];
  a->padded_dim = (a->head_dim + 15) / 16 * 16;
  a->group = 1 + below(7);
  a->first_index = one_in(3) ? 0 : one_in(4) ? 480 + below(200) : below(150);
  a->scale = 1 / sqrtf((float)a->head_dim);
  a->softcap = one_in(4) ? 5 : 0;
  a->halves = one_in(2) ? table[1]->halves : APUS_AS_FLOATS;
  if (one_in(3)) {
    a->window = 1 + below(one_in(2) ? 80 : 400);
    a->sinks = below(3) * below(40);
  }
  if (one_in(3)) a->tree = random_tree(p.rows);
  p.keys = a->first_index + p.rows;
  p.pages = (p.keys + 31) / 32;
  if (!a->tree) alter_keys(&p);
  p.vectors = p.rows * a->group;
  a->q_stride = a->group * a->head_dim + below(7);
  size_t numbers = (p.rows - 1) * a->q_stride + a->group * a->head_dim;
  float *q = get_floats(numbers);
  random_floats(q, numbers, p.wild);
  a->q = q;
  a->key_offset = 128;
  a->value_offset = a->key_offset + apus_kv_key_bytes(a->key_type, a->head_dim);
  a->slot_bytes = (a->value_offset + apus_kv_value_bytes(a->value_type, a->padded_dim) + 63) / 64 * 64;
  int32_t *pages = get(p.pages * sizeof *pages);
  for (size_t i = 0; i < p.pages; i++) {
    size_t j = below(i + 1);
    pages[i] = pages[j];
    pages[j] = (int32_t)i;
  }
  a->pages = pages;
  a->page_stride = STRIDE;
  a->page_offset = OFFSET;
  // What no token was written to holds anything, NaN included.
  size_t bytes = a->slot_bytes * ((p.pages - 1) * STRIDE + OFFSET + 1);
  uint8_t *arena = get(bytes);
  random_bytes(arena, bytes);
  a->arena = arena;
  a->scratch = get(a->slot_bytes);
  store_keys(&p, arena);
  return p;
}

// Partial results of some vectors over some pages of one split.
typedef struct {
  float *output, *maximum, *sum;
} partial;

static partial attend(const apus_kernels *kernels, const attention *p, size_t begin, size_t end, size_t page,
                      size_t page_end) {
  size_t count = end - begin;
  partial out = {get_floats(count * p->a.padded_dim), get_floats(count), get_floats(count)};
  kernels->attend(&p->a, begin, end, page, page_end, out.output, out.maximum, out.sum);
  return out;
}

static void same_partials(const attention *p, partial a, partial b, size_t count) {
  same_floats("output", a.output, b.output, count * p->a.padded_dim);
  same_floats("sum", a.sum, b.sum, count);
  for (size_t i = 0; i < count; i++)
    if (a.sum[i] == a.sum[i]) same_floats("maximum", a.maximum + i, b.maximum + i, 1);
}

static void describe(const attention *p) {
  const apus_attention *a = &p->a;
  problem("head %zu, group %zu, rows %zu, first %zu, types %d and %d, halves %d, window %zu, sinks %zu, softcap %g, tree %d, "
          "wild %d", a->head_dim, a->group, p->rows, a->first_index, a->key_type, a->value_type, a->halves, a->window, a->sinks,
          (double)a->softcap, a->tree != 0, p->wild);
}

static void compare_attend(void) {
  function("attend");
  for (int round = 0; round < 500; round++) {
    attention p = start(round);
    size_t begin = one_in(3) ? below(p.vectors) : 0;
    size_t end = one_in(3) ? begin + 1 + below(p.vectors - begin) : p.vectors;
    describe(&p);
    for (size_t page = 0; page < p.pages; page += APUS_SPLIT_PAGES) {
      size_t page_end = page + APUS_SPLIT_PAGES < p.pages ? page + APUS_SPLIT_PAGES : p.pages;
      size_t first = one_in(4) ? page + below(page_end - page) : page;
      same_partials(&p, attend(table[0], &p, begin, end, first, page_end),
                    attend(table[1], &p, begin, end, first, page_end), end - begin);
    }
    give_back();
  }
}

static void compare_merge(void) {
  function("merge");
  for (int round = 0; round < 300; round++) {
    attention p = start(round);
    size_t vector = below(p.vectors), cut = below(p.pages + 1);
    if (cut > APUS_SPLIT_PAGES) cut = APUS_SPLIT_PAGES;
    size_t end = cut + APUS_SPLIT_PAGES < p.pages ? cut + APUS_SPLIT_PAGES : p.pages;
    describe(&p);
    partial merged[2];
    for (int i = 0; i < 2; i++) {
      merged[i] = attend(table[0], &p, vector, vector + 1, 0, cut);
      partial later = attend(table[0], &p, vector, vector + 1, cut, end);
      table[i]->merge(merged[i].output, merged[i].maximum, merged[i].sum, later.output, *later.maximum, *later.sum,
                      p.a.padded_dim);
    }
    same_partials(&p, merged[0], merged[1], 1);
    give_back();
  }
}

static void compare_tap(void) {
  function("tap");
  for (int round = 0; round < 300; round++) {
    attention p = start(round);
    size_t begin = one_in(3) ? below(p.vectors) : 0, end = begin + 1 + below(p.vectors - begin);
    size_t pages = one_in(3) ? below(p.pages) + 1 : p.pages, count = pages * 32;
    describe(&p);
    float *mass[2] = {get_floats(count), get_floats(count)};
    random_floats(mass[0], count, 0);
    memcpy(mass[1], mass[0], count * sizeof(float));
    for (int i = 0; i < 2; i++) table[i]->tap(&p.a, begin, end, pages, mass[i]);
    close_floats("mass", mass[0], mass[1], count);
    give_back();
  }
}

static void compare_raw_scores(void) {
  function("raw_scores");
  for (int round = 0; round < 300; round++) {
    attention p = start(round);
    size_t begin = below(p.vectors), end = begin + 1 + below(p.vectors - begin);
    size_t count = one_in(3) ? below(p.keys) + 1 : p.keys, total = (end - begin) * count;
    describe(&p);
    float *scores[2] = {get_floats(total), get_floats(total)};
    for (int i = 0; i < 2; i++) table[i]->raw_scores(&p.a, begin, end, count, scores[i]);
    same_floats("score", scores[0], scores[1], total);
    give_back();
  }
}

void compare_attention(void) {
  compare_attend();
  compare_merge();
  compare_tap();
  compare_raw_scores();
}
