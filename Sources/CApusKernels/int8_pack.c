// Repacks stored blocks of quantised weights into panels, without loss.
#include <string.h>

#include "include/apus_kernels.h"
#include "int8_formats.h"

// Constant indices make constant shifts and shuffles.
#define UNROLL _Pragma("clang loop unroll(full)")

typedef uint8_t b16 __attribute__((ext_vector_type(16), aligned(1)));
typedef uint8_t b32 __attribute__((ext_vector_type(32), aligned(1)));
typedef uint32_t w4 __attribute__((ext_vector_type(4), aligned(1)));

// 256 numbers of one row (32 in the simple formats): unsigned numbers and what they are multiplied by, as stored.
typedef struct {
  b32 u[8];
  int8_t scale[16];
  uint8_t minimum[16];
  uint8_t d[2], dmin[2];
} block;

static int find_format(uint32_t type) {
  for (int i = 0; i < APUS_INT8_FORMAT_COUNT; i++)
    if (apus_int8_table[i].type == type) return i;
  return -1;
}

int apus_int8_format_of(uint32_t type) { return find_format(type); }

size_t apus_int8_panel_bytes(int format, size_t k) {
  const apus_int8_format *f = &apus_int8_table[format];
  return k / 32 * (size_t)f->cell_bytes + (f->super ? k / 256 * (size_t)f->header_bytes : 0);
}

int apus_int8_zero(int format) { return apus_int8_table[format].zero; }
int apus_int8_sub(int format) { return apus_int8_table[format].sub; }

static inline void load(const uint8_t *p, b32 *bytes) { *bytes = *(const b32 *)p; }

// The low nibbles of 16 bytes, then the high ones.
static inline void nibbles(const uint8_t *q, b32 *u) {
  b16 bytes = *(const b16 *)q;
  u->lo = bytes & 15;
  u->hi = bytes >> 4;
}

// Bit i of the four bytes becomes the fifth bit of number i.
static inline void fifth_bits(const uint8_t *high, b32 *u) {
  uint8_t bytes[32];
  for (int i = 0; i < 4; i++) memset(bytes + i * 8, high[i], 8);
  b32 bits, one = {1, 2, 4, 8, 16, 32, 64, 128, 1, 2, 4, 8, 16, 32, 64, 128,
                   1, 2, 4, 8, 16, 32, 64, 128, 1, 2, 4, 8, 16, 32, 64, 128};
  load(bytes, &bits);
  *u |= (b32)((bits & one) == one) & 16;
}

// One block of 32 of the simple formats; IQ4_NL's numbers stay indices, which the kernels look up.
static inline void read_simple(uint32_t type, const uint8_t *b, block *out) {
  memcpy(out->d, b, 2);
  int affine = type == 3 || type == 7;
  if (affine) memcpy(out->dmin, b + 2, 2);
  b += affine ? 4 : 2;
  if (type == 8) {
    load(b, out->u);
    out->u[0] ^= 0x80;
    return;
  }
  int fifth = type == 6 || type == 7;
  nibbles(b + (fifth ? 4 : 0), out->u);
  if (fifth) fifth_bits(b, out->u);
}

static inline void read_q2_k(const uint8_t *b, block *out) {
  for (int group = 0; group < 16; group++) {
    out->scale[group] = (int8_t)(b[group] & 15);
    out->minimum[group] = b[group] >> 4;
  }
  UNROLL for (int cell = 0; cell < 8; cell++) {
    b32 q;
    load(b + 16 + cell / 4 * 32, &q);
    out->u[cell] = q >> (uint8_t)(cell % 4 * 2) & 3;
  }
  memcpy(out->d, b + 80, 2);
  memcpy(out->dmin, b + 82, 2);
}

static inline void read_q3_k(const uint8_t *b, block *out) {
  const uint8_t *scales = b + 96;
  for (int group = 0; group < 16; group++) {
    int low = group < 8 ? scales[group] & 15 : scales[group - 8] >> 4;
    int high = scales[8 + group % 4] >> group / 4 * 2 & 3;
    out->scale[group] = (int8_t)((low | high << 4) - 32);
  }
  UNROLL for (int cell = 0; cell < 8; cell++) {
    b32 q, mask;
    load(b + 32 + cell / 4 * 32, &q);
    load(b, &mask);
    out->u[cell] = (q >> (uint8_t)(cell % 4 * 2) & 3) | (mask >> (uint8_t)cell & 1) << 2;
  }
  memcpy(out->d, b + 108, 2);
}

static inline void read_q4_q5_k(uint32_t type, const uint8_t *b, block *out) {
  const uint8_t *s = b + 4, *q = b + (type == 13 ? 48 : 16);
  memcpy(out->d, b, 2);
  memcpy(out->dmin, b + 2, 2);
  for (int j = 0; j < 4; j++) {
    out->scale[j] = (int8_t)(s[j] & 63);
    out->minimum[j] = s[j + 4] & 63;
    out->scale[j + 4] = (int8_t)((s[j + 8] & 15) | s[j] >> 6 << 4);
    out->minimum[j + 4] = (uint8_t)(s[j + 8] >> 4 | s[j + 4] >> 6 << 4);
  }
  UNROLL for (int cell = 0; cell < 8; cell++) {
    b32 numbers, fifth;
    load(q + cell / 2 * 32, &numbers);
    numbers = cell % 2 ? numbers >> 4 : numbers & 15;
    if (type == 13) {
      load(b + 16, &fifth);
      numbers |= (fifth >> (uint8_t)cell & 1) << 4;
    }
    out->u[cell] = numbers;
  }
}

static inline void read_q6_k(const uint8_t *b, block *out) {
  UNROLL for (int cell = 0; cell < 8; cell++) {
    b32 low, high;
    load(b + cell / 4 * 64 + cell % 2 * 32, &low);
    load(b + 128 + cell / 4 * 32, &high);
    low = cell % 4 < 2 ? low & 15 : low >> 4;
    out->u[cell] = low | (high >> (uint8_t)(cell % 4 * 2) & 3) << 4;
  }
  memcpy(out->scale, b + 192, 16);
  memcpy(out->d, b + 208, 2);
}

static inline void read_iq4_xs(const uint8_t *b, block *out) {
  unsigned high = (unsigned)(b[2] | b[3] << 8);
  memcpy(out->d, b, 2);
  for (int j = 0; j < 8; j++) {
    int low = b[4 + j / 2] >> j % 2 * 4 & 15;
    out->scale[j] = (int8_t)((low | (int)(high >> 2 * j & 3) << 4) - 32);
    nibbles(b + 8 + j * 16, &out->u[j]);
  }
}

static inline void read(uint32_t type, const uint8_t *b, block *out) {
  switch (type) {
    case 10: return read_q2_k(b, out);
    case 11: return read_q3_k(b, out);
    case 12: case 13: return read_q4_q5_k(type, b, out);
    case 14: return read_q6_k(b, out);
    case 23: return read_iq4_xs(b, out);
    default: return read_simple(type, b, out);
  }
}

// The 8 groups of a cell, each 4 columns x 4 numbers: a transposition of 32-bit words, in two rounds of interleaving.
static inline void transpose(const block *b, int cell, w4 *groups) {
  for (int half = 0; half < 2; half++) {
    w4 r[4], n[4];
    for (int i = 0; i < 4; i++) r[i] = *(const w4 *)((const uint8_t *)&b[i].u[cell] + half * 16);
    for (int round = 0; round < 2; round++) {
      for (int i = 0; i < 2; i++) {
        n[2 * i] = __builtin_shufflevector(r[i], r[i + 2], 0, 4, 1, 5);
        n[2 * i + 1] = __builtin_shufflevector(r[i], r[i + 2], 2, 6, 3, 7);
      }
      memcpy(r, n, sizeof r);
    }
    memcpy(groups + half * 4, r, sizeof r);
  }
}

static inline void put_row(uint8_t *quants, int row, b16 bytes) { *(b16 *)(quants + row * 64) = bytes; }

// Bit `from` of all numbers to a row: bit i of its bytes is that of group i.
static inline void put_bits(uint8_t *quants, int row, const b16 *g, uint8_t from) {
  b16 bytes = 0;
  for (int i = 0; i < 8; i++) bytes |= (g[i] >> from & 1) << (uint8_t)i;
  put_row(quants, row, bytes);
}

// Bits `from` and `from` + 1 of all numbers to two rows, four groups each.
static inline void put_pairs(uint8_t *quants, int row, const b16 *g, uint8_t from) {
  for (int half = 0; half < 2; half++) {
    b16 bytes = 0;
    for (int i = 0; i < 4; i++) bytes |= (g[half * 4 + i] >> from & 3) << (uint8_t)(i * 2);
    put_row(quants, row + half, bytes);
  }
}

// The groups of 4 columns to their places in the rows of a cell.
static inline void put(uint8_t *quants, int bits, const b16 *g) {
  if (bits == 8)
    for (int i = 0; i < 8; i++) put_row(quants, i, g[i]);
  else if (bits >= 4)
    for (int i = 0; i < 4; i++) put_row(quants, i, (g[i] & 15) | g[i + 4] << 4);
  else
    put_pairs(quants, 0, g, 0);
  if (bits == 3) put_bits(quants, 2, g, 2);
  if (bits == 5) put_bits(quants, 4, g, 4);
  if (bits == 6) put_pairs(quants, 4, g, 4);
}

static inline void put_scales(const apus_int8_format f, uint8_t *cell, int column, const block *b, int index) {
  if (!f.super) {
    memcpy(cell + column * 2, b->d, 2);
    if (f.affine) memcpy(cell + 32 + column * 2, b->dmin, 2);
    return;
  }
  int subs = 32 / f.sub;
  for (int s = 0; s < subs; s++) {
    int group = index * subs + s;
    uint8_t scale = (uint8_t)b->scale[group];
    if (f.affine && f.bits == 2) scale |= (uint8_t)(b->minimum[group] << 4);
    cell[s * 16 + column] = scale;
    if (f.affine && f.bits != 2) cell[subs * 16 + s * 16 + column] = b->minimum[group];
  }
}

// Four columns of one block: their header and their cells.
static inline void put_columns(const apus_int8_format f, uint8_t *out, int first, const block *b) {
  if (f.super)
    for (int i = 0; i < 4; i++) {
      memcpy(out + (first + i) * 2, b[i].d, 2);
      if (f.affine) memcpy(out + 32 + (first + i) * 2, b[i].dmin, 2);
    }
  out += f.header_bytes;
  for (int cell = 0; cell < (f.super ? 8 : 1); cell++, out += f.cell_bytes) {
    w4 groups[8];
    b16 bytes[8];
    transpose(b, cell, groups);
    memcpy(bytes, groups, sizeof bytes);
    put(out + f.scale_bytes + first * 4, f.bits, bytes);
    for (int i = 0; i < 4; i++) put_scales(f, out, first + i, b + i, cell);
  }
}

// Inlined with a constant format. Block by block, so that the panel is written once from its start to its end.
static inline __attribute__((always_inline)) void pack(const apus_int8_format f, const void *const *rows,
                                                       size_t count, size_t k, uint8_t *panel) {
  static const uint8_t stored[] = {[8] = 34, [2] = 18,  [3] = 20,   [6] = 22,   [7] = 24,   [20] = 18,
                                   [10] = 84, [11] = 110, [12] = 144, [13] = 176, [14] = 210, [23] = 136};
  size_t numbers = f.super ? 256 : 32, step = apus_int8_panel_bytes(apus_int8_format_of(f.type), numbers);
  for (size_t i = 0; i < k / numbers; i++, panel += step)
    for (int first = 0; first < APUS_PANEL; first += 4) {
      block b[4];
      for (int c = 0; c < 4; c++) {
        if (first + c < (int)count) read(f.type, (const uint8_t *)rows[first + c] + i * stored[f.type], &b[c]);
        else memset(&b[c], 0, sizeof b[c]);
      }
      put_columns(f, panel, first, b);
    }
}

#define APUS_PACK(NAME, ...)                                                                 \
  static void pack_##NAME(const void *const *rows, size_t count, size_t k, uint8_t *panel) { \
    static const apus_int8_format format[] = {APUS_FORMAT_ROW(NAME, __VA_ARGS__)};           \
    pack(format[0], rows, count, k, panel);                                                  \
  }
#define APUS_PACK_ENTRY(NAME, ...) pack_##NAME,

APUS_INT8_FORMATS(APUS_PACK)

void apus_pack_int8(int format, const void *const *rows, size_t count, size_t k, void *panel) {
  static void (*const table[])(const void *const *, size_t, size_t, uint8_t *) = {
      APUS_INT8_FORMATS(APUS_PACK_ENTRY)};
  table[format](rows, count, k, panel);
}
