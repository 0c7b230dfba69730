// Repacks stored blocks of quantised weights into panels, without loss.
#include <string.h>

#include "include/apus_kernels.h"
#include "int8_formats.h"

// 256 numbers of one row: unsigned numbers and what they are multiplied by, as stored.
typedef struct {
  uint8_t u[256];
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

static void nibbles(const uint8_t *q, uint8_t *u) {
  for (int i = 0; i < 16; i++) {
    u[i] = q[i] & 15;
    u[i + 16] = q[i] >> 4;
  }
}

static void fifth_bits(const uint8_t *high, uint8_t *u) {
  for (int i = 0; i < 32; i++) u[i] |= (uint8_t)((high[i / 8] >> i % 8 & 1) << 4);
}

// One block of 32 of the simple formats; IQ4_NL's numbers stay indices, which the kernels look up.
static void read_simple(uint32_t type, const uint8_t *b, block *out) {
  memcpy(out->d, b, 2);
  int affine = type == 3 || type == 7;
  if (affine) memcpy(out->dmin, b + 2, 2);
  b += affine ? 4 : 2;
  if (type == 8) {
    for (int i = 0; i < 32; i++) out->u[i] = b[i] ^ 0x80;
    return;
  }
  int fifth = type == 6 || type == 7;
  nibbles(b + (fifth ? 4 : 0), out->u);
  if (fifth) fifth_bits(b, out->u);
}

static void read_q2_k(const uint8_t *b, block *out) {
  for (int group = 0; group < 16; group++) {
    out->scale[group] = (int8_t)(b[group] & 15);
    out->minimum[group] = b[group] >> 4;
    const uint8_t *q = b + 16 + group / 8 * 32 + group % 2 * 16;
    for (int i = 0; i < 16; i++) out->u[group * 16 + i] = q[i] >> group % 8 / 2 * 2 & 3;
  }
  memcpy(out->d, b + 80, 2);
  memcpy(out->dmin, b + 82, 2);
}

static void read_q3_k(const uint8_t *b, block *out) {
  const uint8_t *scales = b + 96;
  for (int group = 0; group < 16; group++) {
    int low = group < 8 ? scales[group] & 15 : scales[group - 8] >> 4;
    int high = scales[8 + group % 4] >> group / 4 * 2 & 3;
    out->scale[group] = (int8_t)((low | high << 4) - 32);
    const uint8_t *q = b + 32 + group / 8 * 32 + group % 2 * 16, *mask = b + group % 2 * 16;
    for (int i = 0; i < 16; i++)
      out->u[group * 16 + i] =
          (uint8_t)((q[i] >> group % 8 / 2 * 2 & 3) | (mask[i] >> group / 2 & 1) << 2);
  }
  memcpy(out->d, b + 108, 2);
}

static void read_q4_q5_k(uint32_t type, const uint8_t *b, block *out) {
  const uint8_t *s = b + 4, *q = b + (type == 13 ? 48 : 16);
  memcpy(out->d, b, 2);
  memcpy(out->dmin, b + 2, 2);
  for (int j = 0; j < 8; j++) {
    if (j < 4) {
      out->scale[j] = (int8_t)(s[j] & 63);
      out->minimum[j] = s[j + 4] & 63;
    } else {
      out->scale[j] = (int8_t)((s[j + 4] & 15) | s[j - 4] >> 6 << 4);
      out->minimum[j] = (uint8_t)(s[j + 4] >> 4 | s[j] >> 6 << 4);
    }
    for (int i = 0; i < 32; i++) {
      int u = q[j / 2 * 32 + i] >> j % 2 * 4 & 15;
      if (type == 13) u |= (b[16 + i] >> j & 1) << 4;
      out->u[j * 32 + i] = (uint8_t)u;
    }
  }
}

static void read_q6_k(const uint8_t *b, block *out) {
  for (int half = 0; half < 2; half++) {
    const uint8_t *low = b + half * 64, *high = b + 128 + half * 32;
    uint8_t *u = out->u + half * 128;
    for (int i = 0; i < 32; i++) {
      u[i] = (uint8_t)((low[i] & 15) | (high[i] & 3) << 4);
      u[i + 32] = (uint8_t)((low[i + 32] & 15) | (high[i] >> 2 & 3) << 4);
      u[i + 64] = (uint8_t)(low[i] >> 4 | (high[i] >> 4 & 3) << 4);
      u[i + 96] = (uint8_t)(low[i + 32] >> 4 | (high[i] >> 6) << 4);
    }
  }
  memcpy(out->scale, b + 192, 16);
  memcpy(out->d, b + 208, 2);
}

static void read_iq4_xs(const uint8_t *b, block *out) {
  unsigned high = (unsigned)(b[2] | b[3] << 8);
  memcpy(out->d, b, 2);
  for (int j = 0; j < 8; j++) {
    int low = b[4 + j / 2] >> j % 2 * 4 & 15;
    out->scale[j] = (int8_t)((low | (int)(high >> 2 * j & 3) << 4) - 32);
    nibbles(b + 8 + j * 16, out->u + j * 32);
  }
}

static void read_super(uint32_t type, const uint8_t *b, block *out) {
  switch (type) {
    case 10: read_q2_k(b, out); break;
    case 11: read_q3_k(b, out); break;
    case 14: read_q6_k(b, out); break;
    case 23: read_iq4_xs(b, out); break;
    default: read_q4_q5_k(type, b, out);
  }
}

// Puts number i (0..31) of a cell and column into its place.
static void put(uint8_t *quants, int bits, int column, int i, unsigned u) {
  int group = i / 4, at = column * 4 + i % 4;
  if (bits == 8) {
    quants[group * 64 + at] = (uint8_t)u;
    return;
  }
  int low = bits >= 4 ? 4 : 2;
  uint8_t *row = quants + (low == 4 ? group % 4 : group / 4) * 64;
  row[at] |= (uint8_t)((u & ((1u << low) - 1)) << (low == 4 ? group / 4 * 4 : group % 4 * 2));
  uint8_t *high = quants + (low == 4 ? 256 : 128);
  if (bits - low == 1) high[at] |= (uint8_t)((u >> low & 1) << group);
  if (bits - low == 2) high[group / 4 * 64 + at] |= (uint8_t)((u >> low & 3) << group % 4 * 2);
}

static void put_cell(const apus_int8_format *f, uint8_t *cell, int column, const block *b, int index) {
  uint8_t *quants = cell + f->scale_bytes;
  const uint8_t *u = f->super ? b->u + index * 32 : b->u;
  for (int i = 0; i < 32; i++) put(quants, f->bits, column, i, u[i]);
  if (!f->super) {
    memcpy(cell + column * 2, b->d, 2);
    if (f->affine) memcpy(cell + 32 + column * 2, b->dmin, 2);
    return;
  }
  int subs = 32 / f->sub;
  for (int s = 0; s < subs; s++) {
    int group = index * subs + s;
    uint8_t scale = (uint8_t)b->scale[group], minimum = b->minimum[group];
    if (f->affine && f->bits == 2) scale |= (uint8_t)(minimum << 4);
    cell[s * 16 + column] = scale;
    if (f->affine && f->bits != 2) cell[subs * 16 + s * 16 + column] = minimum;
  }
}

void apus_pack_int8(int format, const void *const *rows, size_t count, size_t k, void *panel) {
  const apus_int8_format *f = &apus_int8_table[format];
  memset(panel, 0, apus_int8_panel_bytes(format, k));
  size_t step = f->super ? 256 : 32, cells = step / 32;
  static const size_t stored[] = {[8] = 34, [2] = 18,  [3] = 20,   [6] = 22,   [7] = 24,   [20] = 18,
                                  [10] = 84, [11] = 110, [12] = 144, [13] = 176, [14] = 210, [23] = 136};
  for (size_t column = 0; column < count; column++) {
    uint8_t *out = panel;
    const uint8_t *in = rows[column];
    for (size_t i = 0; i < k; i += step, in += stored[f->type]) {
      block b = {.u = {0}};
      if (f->super) read_super(f->type, in, &b);
      else read_simple(f->type, in, &b);
      if (f->super) {
        memcpy(out + column * 2, b.d, 2);
        if (f->affine) memcpy(out + 32 + column * 2, b.dmin, 2);
        out += f->header_bytes;
      }
      for (size_t cell = 0; cell < cells; cell++, out += f->cell_bytes)
        put_cell(f, out, (int)column, &b, (int)cell);
    }
  }
}
