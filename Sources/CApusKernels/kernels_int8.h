// Products with quantised weights; part of kernels_vector.h.
#include "int8_formats.h"

typedef uint8_t b64 __attribute__((ext_vector_type(64), aligned(1)));
typedef int8_t s16 __attribute__((ext_vector_type(16), aligned(1)));
typedef uint8_t b16 __attribute__((ext_vector_type(16), aligned(1)));

static const uint8_t iq4_values[16] __attribute__((unused)) = {APUS_IQ4_VALUES};

// Group i of a cell: 16 columns x 4 unsigned numbers.
APUS_INLINE void load_group(int bits, int lookup, const uint8_t *quants, int i, b64 *u) {
  if (bits == 8) {
    *u = *(const b64 *)(quants + i * 64);
    return;
  }
  if (bits >= 4) {
    b64 row = *(const b64 *)(quants + i % 4 * 64);
    *u = i < 4 ? row & 15 : row >> 4;
  } else {
    *u = *(const b64 *)(quants + i / 4 * 64) >> (uint8_t)(i % 4 * 2) & 3;
  }
  if (bits == 5) *u |= (*(const b64 *)(quants + 256) >> (uint8_t)i & 1) << 4;
  if (bits == 6) *u |= (*(const b64 *)(quants + 256 + i / 4 * 64) >> (uint8_t)(i % 4 * 2) & 3) << 4;
  if (bits == 3) *u |= (*(const b64 *)(quants + 128) >> (uint8_t)i & 1) << 2;
  if (lookup) LOOK_UP(*u, iq4_values);
}

// Scales and minima of sub-block s.
APUS_INLINE void load_scales(int bits, int subs, int affine, int super, const uint8_t *header, const uint8_t *cell,
                             int s, v16 *scale, v16 *minimum) {
  if (!super) {
    *scale = LOAD_F16(cell);
    if (affine) *minimum = LOAD_F16(cell + 32);
    return;
  }
  v16 d = LOAD_F16(header);
  if (bits == 2) {
    b16 both = *(const b16 *)(cell + s * 16);
    *scale = d * __builtin_convertvector(both & 15, v16);
    *minimum = -LOAD_F16(header + 32) * __builtin_convertvector(both >> 4, v16);
    return;
  }
  *scale = d * __builtin_convertvector(*(const s16 *)(cell + s * 16), v16);
  if (affine)
    *minimum = -LOAD_F16(header + 32) * __builtin_convertvector(*(const b16 *)(cell + (subs + s) * 16), v16);
}

// Cells that are laid out for many rows: per block, for each sub-block the scales of all panels as floats and, when
// affine, their minima; then 8 groups, of each panel 16 columns x 4 numbers, a byte each.
#define WIDE_HEAD_BYTES(SUBS, AFFINE) ((SUBS) * (1 + (AFFINE)) * PANELS * 64)
#define WIDE_CELL_BYTES(SUBS, AFFINE) (WIDE_HEAD_BYTES(SUBS, AFFINE) + 8 * PANELS * 64)

// One register tile of R rows and P panels: adds blocks [first, last), whose cells begin at w, to `sums` (to zero with
// the first block), and stores them with the last one, but for the first `skip` rows. WIDE: cells are laid out.
//
// Dots start from APUS_DOT_BASE, so that their bits are floats, and the product with the scale takes APUS_DOT_ZERO off.
#define INT8_TILE(WIDE, BITS, SUB, AFFINE, LOOKUP, SUPER, R, P)                                         \
  enum { SUBS = 32 / SUB, BYTES = BITS == 8 || LOOKUP,                                                  \
         CELL = WIDE ? WIDE_CELL_BYTES(SUBS, AFFINE) : APUS_CELL_BYTES(BITS, SUB, AFFINE, SUPER) };     \
  size_t blocks = g->k / APUS_BLOCK;                                                                    \
  v16 sum[R][P];                                                                                        \
  UNROLL for (int r = 0; r < R; r++) UNROLL for (int p = 0; p < P; p++)                                 \
      sum[r][p] = first ? sums[r][p] : SPLAT(0.0f);                                                     \
  for (size_t b = first; b < last; b++, w += CELL) {                                                    \
    if (P == 1) FETCH_WEIGHTS(w, CELL);                                                                 \
    if (!WIDE && SUPER && b % 8 == 0) {                                                                 \
      header = w;                                                                                       \
      w += APUS_HEADER_BYTES(AFFINE, SUPER);                                                            \
    }                                                                                                   \
    UNROLL for (int s = 0; s < SUBS; s++) {                                                             \
      i16 dot[R][P];                                                                                    \
      UNROLL for (int r = 0; r < R; r++) UNROLL for (int p = 0; p < P; p++)                             \
          dot[r][p] = (i16)(BYTES && WIDE_ZERO ? APUS_DOT_BASE                                          \
                                               : g->xoffset[((row + r) * blocks + b) * SUBS + s]);      \
      UNROLL for (int i = s * 8 / SUBS; i < (s + 1) * 8 / SUBS; i++) UNROLL for (int p = 0; p < P; p++) { \
        b64 u;                                                                                          \
        if (WIDE) u = *(const b64 *)(w + WIDE_HEAD_BYTES(SUBS, AFFINE) + (i * P + p) * 64);             \
        else load_group(BITS, LOOKUP, w + p * g->panel_bytes + APUS_SCALE_BYTES(BITS, SUB, AFFINE, SUPER), i, &u); \
        UNROLL for (int r = 0; r < R; r++) {                                                            \
          const int8_t *x = g->xq + (row + r) * g->x_stride + b * 32 + i * 4;                           \
          if (BYTES) DOT_WIDE(dot[r][p], u, x);                                                         \
          else DOT_NARROW(dot[r][p], u, x);                                                             \
        }                                                                                               \
      }                                                                                                 \
      UNROLL for (int p = 0; p < P; p++) {                                                              \
        v16 scale, minimum;                                                                             \
        if (WIDE) {                                                                                     \
          scale = LOAD(w + (s * P + p) * 64);                                                           \
          if (AFFINE) minimum = LOAD(w + ((SUBS + s) * P + p) * 64);                                    \
        } else {                                                                                        \
          load_scales(BITS, SUBS, AFFINE, SUPER, header + p * g->panel_bytes, w + p * g->panel_bytes, s, &scale, \
                      &minimum);                                                                        \
        }                                                                                               \
        v16 zero = scale * SPLAT(-APUS_DOT_ZERO);                                                       \
        UNROLL for (int r = 0; r < R; r++) {                                                            \
          size_t at = (row + r) * blocks + b;                                                           \
          if (AFFINE) sum[r][p] = FMA(minimum, SPLAT(g->xmin[at * SUBS + s]), sum[r][p]);               \
          sum[r][p] = FMA(FMA((v16)dot[r][p], scale, zero), SPLAT(g->xscale[at]), sum[r][p]);           \
        }                                                                                               \
      }                                                                                                 \
    }                                                                                                   \
  }                                                                                                     \
  UNROLL for (size_t r = 0; r < R; r++) UNROLL for (int p = 0; p < P; p++) {                            \
    if (last < blocks) sums[r][p] = sum[r][p];                                                          \
    else if (r >= skip) store_tile(g, row + r, panel + p, &sum[r][p]);                                  \
  }

// Panels as they are stored, from the first block to the last.
#define INT8_STORED(R, P, NAME, BITS, SUB, AFFINE, ZERO, LOOKUP, SUPER)                                 \
  static void NAME##_##R##x##P(const apus_gemm *g, size_t row, size_t panel, size_t skip) {             \
    _Static_assert(!(BITS == 8 || LOOKUP) || ZERO == 128, "DOT_WIDE may take 128 off");                 \
    const uint8_t *w = g->w + panel * g->panel_bytes, *header = w;                                      \
    size_t first = 0, last = g->k / APUS_BLOCK;                                                         \
    v16 sums[R][P];                                                                                     \
    INT8_TILE(0, BITS, SUB, AFFINE, LOOKUP, SUPER, R, P)                                                \
  }
#define INT8_STORED_(R, P, ...) INT8_STORED(R, P, __VA_ARGS__)
#define INT8_FEW(R, ...) INT8_STORED_(R, 1, __VA_ARGS__)

#if PANELS > 1
enum {
  CHUNK_BLOCKS = 16,   // laid out at a time: some 28 KB, which stay in the first cache
  CHUNK_SPARE = 4,     // blocks that join the chunk before them rather than be one of their own
  CHUNK_ROWS = 256,    // whose sums are kept meanwhile
  WORTH_COPYING = 64,  // rows from which bytes, which need no decoding, are laid out too; with 16 it costs 20 %
};
_Static_assert(CHUNK_BLOCKS % 8 == 0 && CHUNK_ROWS % 4 == 0, "whole headers and whole tiles");

typedef struct {
  uint8_t cells[(CHUNK_BLOCKS + CHUNK_SPARE) * WIDE_CELL_BYTES(2, 1)] __attribute__((aligned(64)));
  v16 sums[CHUNK_ROWS][PANELS];
} many_room;

typedef void (*wide_fn)(const apus_gemm *, size_t row, size_t panel, size_t skip, size_t first, size_t last,
                        const uint8_t *w, v16 (*sums)[PANELS]);
#define WIDE_TILE(NAME, BITS, SUB, AFFINE)                                                                       \
  static void wide_##NAME(const apus_gemm *g, size_t row, size_t panel, size_t skip, size_t first, size_t last,  \
                          const uint8_t *w, v16 (*sums)[PANELS]) {                                               \
    const uint8_t *header = w;                                                                                   \
    INT8_TILE(1, BITS, SUB, AFFINE, 0, 0, 4, PANELS)                                                             \
  }
WIDE_TILE(bytes, 8, 32, 0)
WIDE_TILE(32, 4, 32, 0)
WIDE_TILE(32_affine, 4, 32, 1)
WIDE_TILE(16, 4, 16, 0)
WIDE_TILE(16_affine, 4, 16, 1)

APUS_INLINE wide_fn wide_tile(int bytes, int sub, int affine) {
  if (bytes) return wide_bytes;
  if (sub == 32) return affine ? wide_32_affine : wide_32;
  return affine ? wide_16_affine : wide_16;
}

// Blocks that are laid out together from `first` on: the end.
APUS_INLINE size_t chunk_end(size_t first, size_t blocks) {
  return blocks - first <= CHUNK_BLOCKS + CHUNK_SPARE ? blocks : first + CHUNK_BLOCKS;
}

// Fetches a part of what is read next of PANELS panels, the bytes from w on, to the second cache.
APUS_INLINE void fetch_part(const uint8_t *w, size_t panel_bytes, size_t bytes, size_t part, size_t parts) {
  for (size_t at = bytes * part / parts / 64 * 64; at < bytes * (part + 1) / parts; at += 64)
    for (size_t p = 0; p < PANELS; p++) __builtin_prefetch(w + p * panel_bytes + at, 0, 2);
}

// Many rows and PANELS panels: some blocks at a time are laid out, which is little work for each of many rows. The next
// ones are fetched meanwhile.
#define INT8_MANY(NAME, BITS, SUB, AFFINE, LOOKUP, SUPER)                                                        \
  static size_t NAME##_offset(size_t block) {                                                                    \
    return block * APUS_CELL_BYTES(BITS, SUB, AFFINE, SUPER) + block / 8 * APUS_HEADER_BYTES(AFFINE, SUPER);     \
  }                                                                                                              \
  static void NAME##_lay_out(const apus_gemm *g, size_t panel, size_t first, size_t last, uint8_t *cells) {      \
    enum { SUBS = 32 / SUB, P = PANELS };                                                                        \
    for (size_t p = 0; p < P; p++) {                                                                             \
      const uint8_t *w = g->w + (panel + p) * g->panel_bytes + NAME##_offset(first), *header = w;                \
      uint8_t *out = cells + p * 64;                                                                             \
      for (size_t b = first; b < last; b++, w += APUS_CELL_BYTES(BITS, SUB, AFFINE, SUPER)) {                    \
        if (SUPER && b % 8 == 0) {                                                                               \
          header = w;                                                                                            \
          w += APUS_HEADER_BYTES(AFFINE, SUPER);                                                                 \
        }                                                                                                        \
        UNROLL for (int s = 0; s < SUBS; s++) {                                                                  \
          v16 scale, minimum;                                                                                    \
          load_scales(BITS, SUBS, AFFINE, SUPER, header, w, s, &scale, &minimum);                                \
          STORE(out + s * P * 64, scale);                                                                        \
          if (AFFINE) STORE(out + (SUBS + s) * P * 64, minimum);                                                 \
        }                                                                                                        \
        out += WIDE_HEAD_BYTES(SUBS, AFFINE);                                                                    \
        UNROLL for (int i = 0; i < 8; i++, out += P * 64)                                                        \
            load_group(BITS, LOOKUP, w + APUS_SCALE_BYTES(BITS, SUB, AFFINE, SUPER), i, (b64 *)out);             \
      }                                                                                                          \
    }                                                                                                            \
  }                                                                                                              \
  static void NAME##_many(const apus_gemm *g, size_t panel) {                                                      \
    if (BITS == 8 && g->rows < WORTH_COPYING) {                                                                    \
      TILES_OF_ROWS(NAME)                                                                                          \
      return;                                                                                                      \
    }                                                                                                              \
    many_room room;                                                                                                \
    size_t blocks = g->k / APUS_BLOCK;                                                                             \
    for (size_t row = 0, end; row < g->rows; row = end) {                                                          \
      end = g->rows - row < CHUNK_ROWS ? g->rows : row + CHUNK_ROWS;                                               \
      for (size_t first = 0, last; first < blocks; first = last) {                                                 \
        last = chunk_end(first, blocks);                                                                           \
        NAME##_lay_out(g, panel, first, last, room.cells);                                                         \
        size_t next = last < blocks ? last : 0, bytes = NAME##_offset(chunk_end(next, blocks)) - NAME##_offset(next); \
        const uint8_t *w = g->w + (last < blocks ? panel : panel + PANELS) * g->panel_bytes + NAME##_offset(next); \
        for (size_t r = row, begin; r < end; r += 4) {                                                             \
          fetch_part(w, g->panel_bytes, bytes, (r - row) / 4, (end - row + 3) / 4);                                \
          begin = tile_begin(g, r);                                                                                \
          wide_tile(BITS == 8 || LOOKUP, SUB, AFFINE)(g, begin, panel, r - begin, first, last, room.cells,         \
                                                      room.sums + (r - row));                                      \
        }                                                                                                          \
      }                                                                                                            \
    }                                                                                                              \
  }
#else
#define INT8_MANY(...)
#endif

#define INT8_GEMM(NAME, TYPE, BITS, SUB, AFFINE, ZERO, LOOKUP, SUPER)                    \
  FEW_ROWS(INT8_FEW, gemm_##NAME, BITS, SUB, AFFINE, ZERO, LOOKUP, SUPER)                \
  IF_MANY(INT8_STORED_(4, PANELS, gemm_##NAME, BITS, SUB, AFFINE, ZERO, LOOKUP, SUPER))  \
  INT8_MANY(gemm_##NAME, BITS, SUB, AFFINE, LOOKUP, SUPER)                               \
  GEMM(gemm_##NAME)
#define INT8_ENTRY(NAME, TYPE, BITS, SUB, AFFINE, ZERO, LOOKUP, SUPER) gemm_##NAME,

APUS_INT8_FORMATS(INT8_GEMM)

// One block of 32 with infinity or NaN in it: NaN counts as 0, the rest saturates.
static float quantize_wild(const float *x, int8_t *q) {
  float largest = 0;
  for (int i = 0; i < 32; i++)
    if (fabsf(x[i]) > largest) largest = fabsf(x[i]);
  if (largest > 3.0e38f) largest = 3.0e38f;
  float inverse = largest > 1e-30f ? 127.0f / largest : 0.0f;
  for (int i = 0; i < 32; i++) {
    float value = rintf(x[i] * inverse);
    q[i] = (int8_t)(value != value ? 0 : value > 127 ? 127 : value < -127 ? -127 : value);
  }
  return largest * (1.0f / 127.0f);
}

static void quantize_row(const float *x, size_t k, int zero, int sub, int8_t *q, float *scale, int32_t *offset,
                         float *minimum) {
  for (size_t b = 0; b < k / APUS_BLOCK; b++, x += APUS_BLOCK, q += APUS_BLOCK) {
    v16 low = LOAD(x), high = LOAD(x + 16);
    u16 a = (u16)low & 0x7fffffff, c = (u16)high & 0x7fffffff;  // ordered as the numbers without sign are
    float largest = apus_float(__builtin_reduce_max(a > c ? a : c));
    i16 first, second;
    if (largest <= 3.0e38f) {
      float inverse = largest > 1e-30f ? 127.0f / largest : 0.0f;
      scale[b] = largest * (1.0f / 127.0f);
      first = __builtin_convertvector(__builtin_elementwise_rint(low * SPLAT(inverse)), i16);
      second = __builtin_convertvector(__builtin_elementwise_rint(high * SPLAT(inverse)), i16);
      *(s16 *)q = __builtin_convertvector(first, s16);
      *(s16 *)(q + 16) = __builtin_convertvector(second, s16);
    } else {
      scale[b] = quantize_wild(x, q);
      first = __builtin_convertvector(*(s16 *)q, i16);
      second = __builtin_convertvector(*(s16 *)(q + 16), i16);
    }
    int32_t total[2];
    if (sub == 32) {
      total[0] = __builtin_reduce_add(first + second);
    } else {
      total[0] = __builtin_reduce_add(first);
      total[1] = __builtin_reduce_add(second);
    }
    for (int i = 0; i < 32 / sub; i++) {
      *offset++ = APUS_DOT_BASE - zero * total[i];
      *minimum++ = scale[b] * (float)total[i];
    }
  }
}
