// Weight panels of floats: how numbers are laid out for the kernels.
#pragma clang fp contract(off)

#include "apus_math.h"
#include "include/apus_kernels.h"

void apus_pack_rows(const float *rows, size_t stride, size_t count, size_t k, float *panel) {
  for (size_t i = 0; i < k; i++)
    for (size_t c = 0; c < APUS_PANEL; c++) panel[i * APUS_PANEL + c] = c < count ? rows[c * stride + i] : 0.0f;
}

typedef uint32_t w4 __attribute__((ext_vector_type(4), aligned(1)));
typedef uint16_t h8 __attribute__((ext_vector_type(8), aligned(1)));

// Sixteen bytes of one row; zeros where there is no such row.
static inline void load(const void *const *rows, size_t count, size_t column, size_t offset, void *bytes) {
  if (column < count) memcpy(bytes, (const uint8_t *)rows[column] + offset, 16);
  else memset(bytes, 0, 16);
}

// The numbers behind the last whole vector.
static void pack_rest(const void *const *rows, size_t count, size_t i, size_t k, size_t bytes, uint8_t *out) {
  for (; i < k; i++)
    for (size_t c = 0; c < APUS_PANEL; c++) {
      if (c < count) memcpy(out + (i * APUS_PANEL + c) * bytes, (const uint8_t *)rows[c] + i * bytes, bytes);
      else memset(out + (i * APUS_PANEL + c) * bytes, 0, bytes);
    }
}

// Squares of 4 x 4 numbers, transposed in two rounds of interleaving.
void apus_pack_f32(const void *const *rows, size_t count, size_t k, void *panel) {
  uint8_t *out = panel;
  size_t i = 0;
  for (; i + 4 <= k; i += 4)
    for (size_t first = 0; first < APUS_PANEL; first += 4) {
      w4 r[4], n[4];
      for (size_t c = 0; c < 4; c++) load(rows, count, first + c, i * 4, &r[c]);
      for (int round = 0; round < 2; round++) {
        for (int j = 0; j < 2; j++) {
          n[2 * j] = __builtin_shufflevector(r[j], r[j + 2], 0, 4, 1, 5);
          n[2 * j + 1] = __builtin_shufflevector(r[j], r[j + 2], 2, 6, 3, 7);
        }
        memcpy(r, n, sizeof r);
      }
      for (size_t j = 0; j < 4; j++) memcpy(out + ((i + j) * APUS_PANEL + first) * 4, &r[j], 16);
    }
  pack_rest(rows, count, i, k, 4, out);
}

// Squares of 8 x 8 numbers, in three rounds.
void apus_pack_f16(const void *const *rows, size_t count, size_t k, void *panel) {
  uint8_t *out = panel;
  size_t i = 0;
  for (; i + 8 <= k; i += 8)
    for (size_t first = 0; first < APUS_PANEL; first += 8) {
      h8 r[8], n[8];
      for (size_t c = 0; c < 8; c++) load(rows, count, first + c, i * 2, &r[c]);
      for (int round = 0; round < 3; round++) {
        for (int j = 0; j < 4; j++) {
          n[2 * j] = __builtin_shufflevector(r[j], r[j + 4], 0, 8, 1, 9, 2, 10, 3, 11);
          n[2 * j + 1] = __builtin_shufflevector(r[j], r[j + 4], 4, 12, 5, 13, 6, 14, 7, 15);
        }
        memcpy(r, n, sizeof r);
      }
      for (size_t j = 0; j < 8; j++) memcpy(out + ((i + j) * APUS_PANEL + first) * 2, &r[j], 16);
    }
  pack_rest(rows, count, i, k, 2, out);
}
