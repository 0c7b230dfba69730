// Where the numbers of a KV slot lie.
//
//   keys    f32, f16, bf16   [head_dim, 32 tokens]: one vector holds the same component of 16 tokens
//           q8_0, q4_0       half scales [blocks, 32 tokens], then per block of 32 components 8 groups of 4:
//                            q8_0 [8, 32 tokens, 4] bytes + 128; q4_0 [4, 32 tokens, 4] bytes, group i in the low
//                            nibbles of row i, group i + 4 in the high ones, + 8; keys of q4_0 are rotated first
//   values  f32, f16, bf16   [32 tokens, padded_dim]
//           q8_0, q4_0       half scales [blocks, 32 tokens], then 8 groups of 4 tokens: q8_0 [8, blocks, 32, 4] signed
//                            bytes; q4_0 [8, blocks, 16, 4] bytes, component i low, i + 16 high, + 8
#ifndef APUS_KV_LAYOUT_H
#define APUS_KV_LAYOUT_H

#include "apus_math.h"
#include "include/apus_kernels.h"

APUS_INLINE size_t apus_blocks(size_t dim) { return (dim + 31) / 32; }
APUS_INLINE size_t apus_kv_float_bytes(int type) { return type == APUS_KV_F32 ? 4 : 2; }
// How numbers of a type are multiplied where those of 16 bits are multiplied as `halves` says.
APUS_INLINE int apus_kv_arithmetic(int type, int halves) {
  int is_half = type == APUS_KV_F16 || (type == APUS_KV_BF16 && halves == APUS_AS_BF16);
  return is_half ? halves : APUS_AS_FLOATS;
}
APUS_INLINE int apus_kv_zero(int type) { return type == APUS_KV_Q8_0 ? 128 : 8; }
// Keys in 4 bits are stored, and met by queries, after a Hadamard rotation, which leaves q·k as it is and spreads a
// component that is large in all keys over its neighbours, so that it does not coarsen them (QuaRot, arXiv:2404.00456).
APUS_INLINE int apus_kv_is_rotated(int type) { return type == APUS_KV_Q4_0; }
// Components that are rotated together: the largest power of two that divides a head.
APUS_INLINE size_t apus_rotation_size(size_t head_dim) { return head_dim & -head_dim; }
APUS_INLINE float apus_rotation_scale(size_t head_dim) { return 1 / sqrtf((float)apus_rotation_size(head_dim)); }
// Bytes of 4 components of 32 tokens, and how many such groups a block has.
enum { APUS_KV_GROUP = APUS_PAGE * 4 };
APUS_INLINE size_t apus_kv_groups(int type) { return type == APUS_KV_Q8_0 ? 8 : 4; }
APUS_INLINE size_t apus_kv_block_bytes(int type) { return type == APUS_KV_Q8_0 ? 32 : 16; }

// Its own inverse.
APUS_INLINE void apus_kv_rotate(float *x, size_t head_dim) {
  size_t size = apus_rotation_size(head_dim);
  for (size_t half = 1; half < size; half *= 2)
    for (size_t i = 0; i < head_dim; i++) {
      if (i & half) continue;
      float a = x[i], b = x[i + half];
      x[i] = a + b;
      x[i + half] = a - b;
    }
  float scale = apus_rotation_scale(head_dim);
  for (size_t i = 0; i < head_dim; i++) x[i] *= scale;
}

APUS_INLINE void apus_kv_copy_key(int type, size_t head_dim, const uint8_t *from, size_t source, uint8_t *to,
                                  size_t target) {
  size_t blocks = apus_blocks(head_dim), size = apus_kv_float_bytes(type), count = head_dim;
  if (type >= APUS_KV_Q8_0) {
    count = blocks;
    size = 2;
  }
  for (size_t i = 0; i < count; i++)
    memcpy(to + (i * APUS_PAGE + target) * size, from + (i * APUS_PAGE + source) * size, size);
  if (type < APUS_KV_Q8_0) return;
  from += blocks * APUS_PAGE * 2 + source * 4;
  to += blocks * APUS_PAGE * 2 + target * 4;
  for (size_t i = 0; i < blocks * apus_kv_groups(type); i++)
    memcpy(to + i * APUS_KV_GROUP, from + i * APUS_KV_GROUP, 4);
}

// Where component i (below the bytes of a block) of a token's value and block stands behind the scales.
APUS_INLINE size_t apus_kv_value_at(int type, size_t blocks, size_t token, size_t block, size_t i) {
  return ((token / 4 * blocks + block) * apus_kv_block_bytes(type) + i) * 4 + token % 4;
}

APUS_INLINE void apus_kv_copy_value(int type, size_t padded_dim, const uint8_t *from, size_t source, uint8_t *to,
                                    size_t target) {
  if (type < APUS_KV_Q8_0) {
    size_t size = padded_dim * apus_kv_float_bytes(type);
    memcpy(to + target * size, from + source * size, size);
    return;
  }
  size_t blocks = apus_blocks(padded_dim);
  for (size_t b = 0; b < blocks; b++)
    memcpy(to + (b * APUS_PAGE + target) * 2, from + (b * APUS_PAGE + source) * 2, 2);
  from += blocks * APUS_PAGE * 2 + apus_kv_value_at(type, blocks, source, 0, 0);
  to += blocks * APUS_PAGE * 2 + apus_kv_value_at(type, blocks, target, 0, 0);
  for (size_t i = 0; i < blocks * apus_kv_block_bytes(type); i++) to[i * 4] = from[i * 4];
}

#endif
