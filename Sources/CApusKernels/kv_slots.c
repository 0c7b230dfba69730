// Writing and reading single tokens of KV slots.
#pragma clang fp contract(off)

#include "kv_layout.h"

size_t apus_kv_key_bytes(int type, size_t head_dim) {
  if (type < APUS_KV_Q8_0) return head_dim * APUS_PAGE * apus_kv_float_bytes(type);
  return apus_blocks(head_dim) * APUS_PAGE * (2 + apus_kv_block_bytes(type));
}

size_t apus_kv_value_bytes(int type, size_t padded_dim) {
  if (type < APUS_KV_Q8_0) return padded_dim * APUS_PAGE * apus_kv_float_bytes(type);
  return apus_blocks(padded_dim) * APUS_PAGE * (2 + apus_kv_block_bytes(type));
}

// `count` numbers of 4 or 2 bytes side by side.
static void store_numbers(int type, uint8_t *out, const float *x, size_t count) {
  uint16_t *halves = (uint16_t *)out;
  if (type == APUS_KV_F32) memcpy(out, x, count * sizeof *x);
  else if (type == APUS_KV_F16)
    for (size_t i = 0; i < count; i++) halves[i] = apus_float_to_half(x[i]);
  else
    for (size_t i = 0; i < count; i++) halves[i] = apus_float_to_bf16(x[i]);
}

static float load_half(const uint8_t *in) {
  uint16_t h;
  memcpy(&h, in, 2);
  return apus_half_to_float(h);
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

// Up to 32 numbers to unsigned ones with a half scale, as ggml's Q8_0 and Q4_0 round; NaN counts as 0.
static void quantize_block(int type, const float *x, size_t count, uint8_t *scale, uint8_t *u) {
  float largest = 0, signed_largest = 0;
  for (size_t i = 0; i < count; i++)
    if (fabsf(x[i]) > largest) {
      largest = fabsf(x[i]);
      signed_largest = x[i];
    }
  float limit = type == APUS_KV_Q8_0 ? 65504.0f * 127 : 65504.0f * 8;
  if (largest > limit) {
    largest = limit;
    signed_largest = signed_largest < 0 ? -limit : limit;
  }
  float d = type == APUS_KV_Q8_0 ? largest / 127 : signed_largest / -8;
  float inverse = fabsf(d) > 1e-30f ? 1 / d : 0;
  float zero = (float)apus_kv_zero(type), low = type == APUS_KV_Q8_0 ? 1 : 0, high = 2 * zero - 1;
  uint16_t h = apus_float_to_half(d);
  memcpy(scale, &h, 2);
  for (size_t i = 0; i < 32; i++) {
    float value = i < count ? rintf(x[i] * inverse) : 0;
    value = value == value ? value + zero : zero;
    u[i] = (uint8_t)(value < low ? low : value > high ? high : value);
  }
}

void apus_kv_store_key(int type, uint8_t *base, size_t token, size_t head_dim, const float *key) {
  if (type < APUS_KV_Q8_0) {
    union {
      float floats[APUS_MOST_SUMMARY];
      uint16_t halves[APUS_MOST_SUMMARY];
    } row;
    store_numbers(type, (uint8_t *)&row, key, head_dim);
    for (size_t d = 0; d < head_dim; d++)
      if (type == APUS_KV_F32) ((float *)base)[d * APUS_PAGE + token] = row.floats[d];
      else ((uint16_t *)base)[d * APUS_PAGE + token] = row.halves[d];
    return;
  }
  float rotated[APUS_MOST_DIM];
  if (apus_kv_is_rotated(type)) {
    memcpy(rotated, key, head_dim * sizeof(float));
    apus_kv_rotate(rotated, head_dim);
    key = rotated;
  }
  size_t blocks = apus_blocks(head_dim);
  uint8_t *out = base + blocks * APUS_PAGE * 2 + token * 4;
  for (size_t b = 0; b < blocks; b++) {
    uint8_t u[32];
    size_t rest = head_dim - b * 32;
    quantize_block(type, key + b * 32, rest < 32 ? rest : 32, base + (b * APUS_PAGE + token) * 2, u);
    for (size_t i = 0; i < apus_kv_groups(type); i++, out += APUS_KV_GROUP)
      for (size_t j = 0; j < 4; j++)
        out[j] = type == APUS_KV_Q8_0 ? u[i * 4 + j] : (uint8_t)(u[i * 4 + j] | u[i * 4 + 16 + j] << 4);
  }
}

static void store_value(int type, uint8_t *base, size_t token, size_t head_dim, size_t padded_dim,
                        const float *value) {
  if (type < APUS_KV_Q8_0) {
    size_t size = apus_kv_float_bytes(type);
    uint8_t *out = base + token * padded_dim * size;
    store_numbers(type, out, value, head_dim);
    memset(out + head_dim * size, 0, (padded_dim - head_dim) * size);
    return;
  }
  size_t blocks = apus_blocks(padded_dim), used = apus_blocks(head_dim), size = apus_kv_block_bytes(type);
  uint8_t *out = base + APUS_PAGE * blocks * 2;
  for (size_t b = 0; b < used; b++) {
    uint8_t u[32];
    size_t rest = head_dim - b * 32;
    quantize_block(type, value + b * 32, rest < 32 ? rest : 32, base + (b * APUS_PAGE + token) * 2, u);
    for (size_t i = 0; i < size; i++)
      out[apus_kv_value_at(type, blocks, token, b, i)] =
          type == APUS_KV_Q8_0 ? u[i] ^ 0x80 : (uint8_t)(u[i] | u[i + 16] << 4);
  }
}

void apus_kv_store(int key_type, int value_type, uint8_t *key_base, uint8_t *value_base, size_t token,
                   size_t head_dim, size_t padded_dim, const float *key, const float *value) {
  apus_kv_store_key(key_type, key_base, token, head_dim, key);
  store_value(value_type, value_base, token, head_dim, padded_dim, value);
}

void apus_kv_load_key(int type, const uint8_t *base, size_t token, size_t head_dim, float *key) {
  size_t blocks = apus_blocks(head_dim), size = apus_kv_float_bytes(type);
  for (size_t d = 0; d < head_dim; d++) {
    if (type < APUS_KV_Q8_0) {
      key[d] = load_number(type, base + (d * APUS_PAGE + token) * size);
      continue;
    }
    size_t b = d / 32, group = d % 32 / 4;
    const uint8_t *at = base + blocks * APUS_PAGE * 2 + token * 4 + d % 4;
    at += (b * apus_kv_groups(type) + group % apus_kv_groups(type)) * APUS_KV_GROUP;
    int u = type == APUS_KV_Q8_0 ? *at : *at >> group / 4 * 4 & 15;
    key[d] = (float)(u - apus_kv_zero(type)) * load_half(base + (b * APUS_PAGE + token) * 2);
  }
  if (apus_kv_is_rotated(type)) apus_kv_rotate(key, head_dim);
}

void apus_kv_load_value(int type, const uint8_t *base, size_t token, size_t head_dim, size_t padded_dim,
                        float *value) {
  size_t blocks = apus_blocks(padded_dim), size = apus_kv_float_bytes(type);
  for (size_t d = 0; d < head_dim; d++) {
    if (type < APUS_KV_Q8_0) {
      value[d] = load_number(type, base + (token * padded_dim + d) * size);
      continue;
    }
    size_t b = d / 32, i = d % apus_kv_block_bytes(type);
    const uint8_t *at = base + APUS_PAGE * blocks * 2 + apus_kv_value_at(type, blocks, token, b, i);
    int number = type == APUS_KV_Q8_0 ? (int8_t)*at : (*at >> d % 32 / 16 * 4 & 15) - 8;
    value[d] = (float)number * load_half(base + (b * APUS_PAGE + token) * 2);
  }
}

void apus_kv_copy(int key_type, int value_type, size_t head_dim, size_t padded_dim, size_t key_offset,
                  size_t value_offset, const uint8_t *from, size_t source, uint8_t *to, size_t target) {
  apus_kv_copy_key(key_type, head_dim, from + key_offset, source, to + key_offset, target);
  apus_kv_copy_value(value_type, padded_dim, from + value_offset, source, to + value_offset, target);
}
