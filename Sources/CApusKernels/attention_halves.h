// Kinds of numbers in attention, and products of numbers of 16 bits; part of kernels_attention.h.
//
// An instruction set that multiplies bf16 numbers two at a time defines
//   DOT_PAIRS(sum, pairs, two)     sum[16] += pairs[16][1] * two[1], rounded, then += pairs[16][0] * two[0]
//   PAIR_F16(pairs, even, odd)     16 half numbers each of two rows, as bf16 pairs
//   PAIR_BF16(pairs, even, odd)
//   ROUND_PAIRS(out, x)            stores 16 floats as bf16
// and one that multiplies f16 numbers
//   ADD_HALVES(sum, numbers, one)  sum[32] += numbers[32] * *one, in f16
//   SUM_HALVES(a, b)               a[32] + b[32]
//   LOW_FLOATS(sum), HIGH_FLOATS(sum)  the first and the last 16 of 32 f16 numbers as floats
//   LOAD_HALVES(p), LOAD_16_HALVES(p)  32 f16 numbers; 16, and zeros behind them
//   ROUND_HALVES(out, x)           stores 16 floats as f16

#if defined(DOT_PAIRS)
#define HALVES APUS_AS_BF16
#define IF_PAIRS(...) __VA_ARGS__
#define IF_HALVES(...)
#define ROUND_16(out, x) ROUND_PAIRS(out, x)
#elif defined(ADD_HALVES)
#define HALVES APUS_AS_F16
#define IF_PAIRS(...)
#define IF_HALVES(...) __VA_ARGS__
#define ROUND_16(out, x) ROUND_HALVES(out, (x) * SPLAT(1.0f / APUS_CHAIN))
#else
#define HALVES APUS_AS_FLOATS
#define IF_PAIRS(...)
#define IF_HALVES(...)
#define ROUND_16(out, x) ((void)(out), (void)(x))
#endif

// How keys or values are read: as they are stored, as pairs of bf16 numbers, of a page laid out anew or of one of the
// two formats of 16 bits, or as f16 numbers. From PAIRS on, queries and weights have 16 bits.
enum { PAIRS = APUS_KV_TYPES, PAIRS_F16, PAIRS_BF16, HALVES_F16, KINDS };
#define EACH_KIND(X) KIND(X, f32) KIND(X, f16) KIND(X, bf16) KIND(X, q8_0) KIND(X, q4_0) \
  IF_PAIRS(KIND(X, pairs) KIND(X, pairs_f16) KIND(X, pairs_bf16)) IF_HALVES([HALVES_F16] = KIND(X, halves))
#define KIND(X, NAME) {UP_TO_QUERIES(X##_##NAME)},

APUS_INLINE int kind_of(int type, int halves) {
  int arithmetic = apus_kv_arithmetic(type, halves);
  if (arithmetic == APUS_AS_BF16) return type == APUS_KV_F16 ? PAIRS_F16 : PAIRS_BF16;
  return arithmetic == APUS_AS_F16 ? HALVES_F16 : type;
}
APUS_INLINE int key_kind(const apus_attention *a) { return kind_of(a->key_type, a->halves); }
APUS_INLINE int value_kind(const apus_attention *a) { return kind_of(a->value_type, a->halves); }

// Whether many query vectors share a copy of a page, laid out as the arithmetic wants it.
APUS_INLINE int is_copied(int kind) {
  return kind == APUS_KV_F16 || kind == APUS_KV_BF16 || kind == PAIRS_F16 || kind == PAIRS_BF16;
}

// Stands in for the row behind the last one.
static const uint8_t no_numbers[128] __attribute__((aligned(64), unused)) = {0};

// `count` numbers, a multiple of 16, as floats.
static void unpack_halves(int kind, const uint8_t *stored, size_t count, const uint8_t *next, float *out) {
  for (size_t i = 0; i < count; i += 16, next += 32) {
    PREFETCH(next);
    STORE(out + i, kind == APUS_KV_F16 ? LOAD_F16(stored + i * 2) : LOAD_BF16(stored + i * 2));
  }
}

#ifdef DOT_PAIRS
// Rows 2i and 2i + 1 of `width` numbers, a multiple of 16, as one row of pairs.
static void pair_rows(int kind, const uint8_t *stored, size_t rows, size_t width, const uint8_t *next,
                      int32_t *out) {
  for (size_t row = 0; row < rows; row += 2, out += width)
    for (size_t i = 0; i < width; i += 16, next += 64) {
      PREFETCH(next);
      const uint8_t *even = stored + (row * width + i) * 2, *odd = row + 1 < rows ? even + width * 2 : no_numbers;
      i16 pairs;
      if (kind == PAIRS_F16) PAIR_F16(pairs, even, odd);
      else PAIR_BF16(pairs, even, odd);
      *(i16 *)(out + i) = pairs;
    }
}
#else
static void pair_rows(int kind, const uint8_t *stored, size_t rows, size_t width, const uint8_t *next,
                      int32_t *out) {
  (void)kind, (void)stored, (void)rows, (void)width, (void)next, (void)out;
}
#endif
