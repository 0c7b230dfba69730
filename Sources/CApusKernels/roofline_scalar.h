// The same as roofline.h in plain C; part of kernels_scalar.c.
enum { ROOF_CHAINS = 1 };

static float roof_fma(size_t rounds, float factor) {
  float sum[16] = {0}, total = 0;
  for (size_t round = 0; round < rounds; round++)
    for (size_t lane = 0; lane < 16; lane++) sum[lane] = fmaf(sum[lane], factor, factor);
  for (size_t lane = 0; lane < 16; lane++) total += sum[lane];
  return total;
}

static uint32_t roof_dot(size_t rounds, const int8_t *activations, const uint8_t *weights) {
  uint32_t sum[16] = {0}, total = 0;
  for (size_t round = 0; round < rounds; round++) {
    __asm__ volatile("" : : "r"(activations), "r"(weights) : "memory");
    for (size_t lane = 0; lane < 16; lane++)
      for (size_t i = 0; i < 4; i++) sum[lane] += (uint32_t)((weights[lane * 4 + i] & 63) * activations[i]);
  }
  for (size_t lane = 0; lane < 16; lane++) total += sum[lane];
  return total;
}

static uint32_t roof_read(const uint8_t *bytes, size_t count, size_t streams) {
  size_t stretch = count / streams / 8 * 8;
  uint64_t sum = 0;
  for (size_t at = 0; at < stretch; at += 8)
    for (size_t i = 0; i < streams; i++) {
      uint64_t word;
      memcpy(&word, bytes + i * stretch + at, 8);
      sum ^= word;
    }
  return (uint32_t)(sum ^ sum >> 32);
}
