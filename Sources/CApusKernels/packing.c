// Weight panels of floats: how numbers are laid out for the kernels.
#pragma clang fp contract(off)

#include "apus_math.h"
#include "include/apus_kernels.h"

void apus_pack_rows(const float *rows, size_t stride, size_t count, size_t k, float *panel) {
  for (size_t i = 0; i < k; i++)
    for (size_t c = 0; c < APUS_PANEL; c++) panel[i * APUS_PANEL + c] = c < count ? rows[c * stride + i] : 0.0f;
}

void apus_pack_f32(const void *const *rows, size_t count, size_t k, void *panel) {
  uint8_t *out = panel;
  for (size_t i = 0; i < k; i++)
    for (size_t c = 0; c < APUS_PANEL; c++, out += 4) {
      if (c < count) memcpy(out, (const uint8_t *)rows[c] + i * 4, 4);
      else memset(out, 0, 4);
    }
}

void apus_pack_f16(const void *const *rows, size_t count, size_t k, void *panel) {
  uint8_t *out = panel;
  for (size_t i = 0; i < k; i++)
    for (size_t c = 0; c < APUS_PANEL; c++, out += 2) {
      if (c < count) memcpy(out, (const uint8_t *)rows[c] + i * 2, 2);
      else memset(out, 0, 2);
    }
}
