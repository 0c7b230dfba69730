// The loops that measure what a table's instructions can do at best; part of kernels_vector.h.
//
// They compute nothing of use: what they return, and inputs the compiler does not know, keep it from leaving work out.
// ROOF_CHAINS groups of 16 lanes are at least 12 registers that do not wait for each other.
#ifndef ROOF_CHAINS
#define ROOF_CHAINS 6
#endif

static float roof_fma(size_t rounds, float factor) {
  v16 sum[ROOF_CHAINS], f = SPLAT(factor), total = SPLAT(0.0f);
  UNROLL for (int i = 0; i < ROOF_CHAINS; i++) sum[i] = SPLAT((float)i);
  for (size_t round = 0; round < rounds; round++)
    UNROLL for (int i = 0; i < ROOF_CHAINS; i++) sum[i] = FMA(sum[i], f, f);
  UNROLL for (int i = 0; i < ROOF_CHAINS; i++) total += sum[i];
  return sum_lanes(&total);
}

#ifdef DOT_PAIRS
#define ADD_TWICE_16 DOT_PAIRS
typedef v16 sums_of_halves;
#elif defined(ADD_HALVES)
#define ADD_TWICE_16 ADD_HALVES
typedef i16 sums_of_halves;
#endif
#ifdef ADD_TWICE_16
static float roof_halves(size_t rounds, const uint16_t *two) {
  i16 numbers = (i16)(0x3c003c00);
  v16 total = SPLAT(0.0f);
  sums_of_halves sum[ROOF_CHAINS];
  UNROLL for (int i = 0; i < ROOF_CHAINS; i++) sum[i] = (sums_of_halves)SPLAT((float)i);
  for (size_t round = 0; round < rounds; round++) {
    __asm__ volatile("" : : "r"(two) : "memory");
    UNROLL for (int i = 0; i < ROOF_CHAINS; i++) ADD_TWICE_16(sum[i], numbers, two);
  }
  UNROLL for (int i = 0; i < ROOF_CHAINS; i++) total += (v16)sum[i];
  return sum_lanes(&total);
}
#else
#define roof_halves 0
#endif

// DOT_NARROW is the faster one where there are two. As in a product, each group of weights meets several activations,
// which are loaded anew in each round.
static uint32_t roof_dot(size_t rounds, const int8_t *activations, const uint8_t *weights) {
  i16 sum[ROOF_CHAINS];
  b64 u = *(const b64 *)weights & 63;
  UNROLL for (int i = 0; i < ROOF_CHAINS; i++) sum[i] = (i16)(i);
  for (size_t round = 0; round < rounds; round++) {
    __asm__ volatile("" : : "r"(activations) : "memory");
    UNROLL for (int i = 0; i < ROOF_CHAINS; i++) DOT_NARROW(sum[i], u, activations + i * 4);
  }
  u16 total = (u16)(0);
  UNROLL for (int i = 0; i < ROOF_CHAINS; i++) total += (u16)sum[i];
  return __builtin_reduce_add(total);
}

// N stretches side by side, each an odd number of lines long so that they do not meet in the same cache sets.
#define ROOF_READ(N)                                                                                     \
  static uint32_t roof_read_##N(const uint8_t *bytes, size_t count) {                                    \
    size_t stretch = ((count / N / 64 - 1) | 1) * 64;                                                    \
    u16 sum[N], total = (u16)(0);                                                                        \
    UNROLL for (int i = 0; i < N; i++) sum[i] = (u16)(0);                                                \
    for (size_t at = 0; at < stretch; at += 64)                                                          \
      UNROLL for (int i = 0; i < N; i++) sum[i] ^= *(const u16 *)(bytes + (size_t)i * stretch + at);     \
    UNROLL for (int i = 0; i < N; i++) total ^= sum[i];                                                  \
    return __builtin_reduce_xor(total);                                                                  \
  }
ROOF_READ(1)
ROOF_READ(4)
ROOF_READ(8)

static uint32_t roof_read(const uint8_t *bytes, size_t count, size_t streams) {
  return streams == 1 ? roof_read_1(bytes, count)
                      : streams == 4 ? roof_read_4(bytes, count) : roof_read_8(bytes, count);
}
