// Which keys of a page a query row reads; shared by all variants.
#ifndef APUS_ATTENTION_MASK_H
#define APUS_ATTENTION_MASK_H

#include "apus_math.h"
#include "include/apus_kernels.h"
#include "kv_layout.h"

// Bits [low, high) of 32; bounds may lie outside.
APUS_INLINE uint32_t apus_range_bits(int64_t low, int64_t high) {
  if (low < 0) low = 0;
  if (high > 32) high = 32;
  if (low >= high) return 0;
  return (uint32_t)(((1ull << (high - low)) - 1) << low);
}

// The index a row's own key would have if its branch of the draft tree stood alone.
APUS_INLINE int64_t apus_own_index(const apus_attention *a, size_t row) {
  return (int64_t)a->first_index + (a->tree ? __builtin_popcountll(a->tree[row]) - 1 : (int64_t)row);
}

// Which keys of a page the row reads; in a draft tree, of the page as its branch alone would have filled it.
APUS_INLINE uint32_t apus_page_mask(const apus_attention *a, size_t row, size_t page) {
  int64_t base = (int64_t)(page * APUS_PAGE);
  int64_t own = apus_own_index(a, row);
  uint32_t bits = apus_range_bits(0, own + 1 - base);
  if (a->window) {
    uint32_t recent = apus_range_bits(own + 1 - (int64_t)a->window - base, 32);
    bits &= recent | apus_range_bits(0, (int64_t)a->sinks - base);
  }
  return a->keys ? bits & a->keys[page] : bits;
}

APUS_INLINE const uint8_t *apus_slot(const apus_attention *a, size_t page) {
  size_t slot = (size_t)a->pages[page] * a->page_stride + a->page_offset;
  return a->arena + slot * a->slot_bytes;
}

// Whether a page holds tokens of a draft tree.
APUS_INLINE int apus_is_tree_page(const apus_attention *a, size_t page) {
  return a->tree && (page + 1) * APUS_PAGE > a->first_index;
}

APUS_INLINE uint64_t apus_without_lowest(uint64_t bits, size_t count) {
  while (count--) bits &= bits - 1;
  return bits;
}

// Lays the keys and values of a row's branch side by side in a->scratch, as page `page` of the branch alone: the same
// numbers in the same places give the same bits.
static void __attribute__((unused)) apus_gather_branch(const apus_attention *a, size_t row, size_t page) {
  size_t index = page * APUS_PAGE, first = a->first_index;
  uint64_t rest = apus_without_lowest(a->tree[row], index > first ? index - first : 0);
  for (size_t t = 0; t < APUS_PAGE; t++, index++) {
    size_t source = index;
    if (index >= first) {
      if (!rest) return;
      source = first + (size_t)__builtin_ctzll(rest);
      rest &= rest - 1;
    }
    const uint8_t *slot = apus_slot(a, source / APUS_PAGE);
    apus_kv_copy_key(a->key_type, a->head_dim, slot + a->key_offset, source % APUS_PAGE, a->scratch + a->key_offset, t);
    apus_kv_copy_value(a->value_type, a->padded_dim, slot + a->value_offset, source % APUS_PAGE,
                       a->scratch + a->value_offset, t);
  }
}

// Which keys of a page the row reads, where they are stored.
APUS_INLINE uint32_t apus_stored_mask(const apus_attention *a, size_t row, size_t page) {
  if (!apus_is_tree_page(a, page)) return apus_page_mask(a, row, page);
  int64_t base = (int64_t)(page * APUS_PAGE), first = (int64_t)a->first_index;
  uint32_t bits = apus_page_mask(a, row, page) & apus_range_bits(0, first - base);
  uint64_t rest = a->tree[row];
  for (int64_t index = first; rest; index++, rest &= rest - 1) {
    int64_t at = first + __builtin_ctzll(rest) - base;
    if (at < 0 || at >= 32) continue;
    bits |= (apus_page_mask(a, row, (size_t)index / APUS_PAGE) >> index % APUS_PAGE & 1) << at;
  }
  return bits;
}

// What a weight is two to the power of: this times how far a score as page_scores leaves it lies below the largest.
APUS_INLINE float apus_score_factor(const apus_attention *a) {
  return APUS_LOG2E * (a->softcap > 0 ? 1.0f : a->scale);
}

APUS_INLINE const float *apus_query(const apus_attention *a, size_t vector) {
  return a->q + vector / a->group * a->q_stride + vector % a->group * a->head_dim;
}

#endif
