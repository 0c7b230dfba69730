// Weight panels and KV slots: how numbers are laid out for the kernels.
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

static size_t element_bytes(int type) { return type == APUS_KV_F32 ? 4 : 2; }

static void store_number(int type, uint8_t *out, float x) {
  if (type == APUS_KV_F32) {
    memcpy(out, &x, 4);
    return;
  }
  uint16_t h = type == APUS_KV_F16 ? apus_float_to_half(x) : apus_float_to_bf16(x);
  memcpy(out, &h, 2);
}

static float load_number(int type, const uint8_t *in) {
  if (type == APUS_KV_F32) {
    float x;
    memcpy(&x, in, 4);
    return x;
  }
  uint16_t h;
  memcpy(&h, in, 2);
  return type == APUS_KV_F16 ? apus_half_to_float(h) : apus_bf16_to_float(h);
}

// Keys are stored [head_dim, 32 tokens], so that one vector holds the same component of 16 tokens.
void apus_kv_store_key(int type, uint8_t *base, size_t token, size_t head_dim, const float *key) {
  size_t size = element_bytes(type);
  for (size_t d = 0; d < head_dim; d++) store_number(type, base + (d * APUS_PAGE + token) * size, key[d]);
}

// Values are stored [32 tokens, padded_dim].
void apus_kv_store(int key_type, int value_type, uint8_t *key_base, uint8_t *value_base, size_t token,
                   size_t head_dim, size_t padded_dim, const float *key, const float *value) {
  apus_kv_store_key(key_type, key_base, token, head_dim, key);
  size_t size = element_bytes(value_type);
  uint8_t *out = value_base + token * padded_dim * size;
  for (size_t d = 0; d < padded_dim; d++) store_number(value_type, out + d * size, d < head_dim ? value[d] : 0.0f);
}

void apus_kv_load_key(int type, const uint8_t *base, size_t token, size_t head_dim, float *key) {
  size_t size = element_bytes(type);
  for (size_t d = 0; d < head_dim; d++) key[d] = load_number(type, base + (d * APUS_PAGE + token) * size);
}

void apus_kv_load_value(int type, const uint8_t *base, size_t token, size_t head_dim, size_t padded_dim,
                        float *value) {
  size_t size = element_bytes(type);
  for (size_t d = 0; d < head_dim; d++) value[d] = load_number(type, base + (token * padded_dim + d) * size);
}
