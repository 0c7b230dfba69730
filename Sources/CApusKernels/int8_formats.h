// The packed layouts of quantised weights, one row a format.
//
// A panel is 16 columns. Its numbers come in cells of 32 along k; a number u is unsigned and means
// scale * (u - zero) (+ minimum), with a scale of at most 22 significant bits. Formats with `super` have a header every 8 cells (256 numbers).
//
//   header  16 half scales d, then 16 half minima (affine)                        only with super
//   cell    super:  per sub-block 16 signed bytes s (scale = d * s), then per sub-block 16 bytes m (minimum =
//                   -dmin * m); at 2 bits one byte holds s in the low and m in the high nibble
//           else:   16 half scales, then 16 half minima (affine)
//           bits    8 groups of 16 columns x 4 numbers along k, 64 numbers a group:
//                   8: 8 x 64 bytes. 4: 4 x 64, group i in the low nibbles of 64-byte row i, group i + 4 in the
//                   high ones. 2: 2 x 64, group i in bits 2 * (i % 4) of row i / 4. 5 = 4 and a row whose bit i is
//                   the fifth bit of group i. 6 = 4 and two rows like those of 2. 3 = 2 and a row like that of 5.
#ifndef APUS_INT8_FORMATS_H
#define APUS_INT8_FORMATS_H

// name, ggml type, bits, numbers that share a scale, affine, zero, values looked up (IQ4), super
#define APUS_INT8_FORMATS(X)          \
  X(q8_0, 8, 8, 32, 0, 128, 0, 0)     \
  X(q4_0, 2, 4, 32, 0, 8, 0, 0)       \
  X(q4_1, 3, 4, 32, 1, 0, 0, 0)       \
  X(q5_0, 6, 5, 32, 0, 16, 0, 0)      \
  X(q5_1, 7, 5, 32, 1, 0, 0, 0)       \
  X(iq4_nl, 20, 4, 32, 0, 128, 1, 0)  \
  X(q2_k, 10, 2, 16, 1, 0, 0, 1)      \
  X(q3_k, 11, 3, 16, 0, 4, 0, 1)      \
  X(q4_k, 12, 4, 32, 1, 0, 0, 1)      \
  X(q5_k, 13, 5, 32, 1, 0, 0, 1)      \
  X(q6_k, 14, 6, 16, 0, 32, 0, 1)     \
  X(iq4_xs, 23, 4, 32, 0, 128, 1, 1)

#define APUS_QUANT_BYTES(BITS) \
  ((BITS) == 8 ? 512 : (BITS) == 6 ? 384 : (BITS) == 5 ? 320 : (BITS) == 4 ? 256 : (BITS) == 3 ? 192 : 128)
#define APUS_HEADER_BYTES(AFFINE, SUPER) ((SUPER) ? 32 * (1 + (AFFINE)) : 0)
#define APUS_SCALE_BYTES(BITS, SUB, AFFINE, SUPER) \
  ((SUPER) ? 32 / (SUB) * 16 * ((AFFINE) && (BITS) != 2 ? 2 : 1) : 32 * (1 + (AFFINE)))
#define APUS_CELL_BYTES(BITS, SUB, AFFINE, SUPER) \
  (APUS_SCALE_BYTES(BITS, SUB, AFFINE, SUPER) + APUS_QUANT_BYTES(BITS))

typedef struct {
  unsigned type;
  int bits, sub, affine, zero, lookup, super, header_bytes, scale_bytes, cell_bytes;
} apus_int8_format;

#define APUS_FORMAT_ROW(NAME, TYPE, BITS, SUB, AFFINE, ZERO, LOOKUP, SUPER)                                   \
  {TYPE, BITS, SUB, AFFINE, ZERO, LOOKUP, SUPER, APUS_HEADER_BYTES(AFFINE, SUPER),                            \
   APUS_SCALE_BYTES(BITS, SUB, AFFINE, SUPER), APUS_CELL_BYTES(BITS, SUB, AFFINE, SUPER)},
static const apus_int8_format apus_int8_table[] = {APUS_INT8_FORMATS(APUS_FORMAT_ROW)};
enum { APUS_INT8_FORMAT_COUNT = sizeof apus_int8_table / sizeof *apus_int8_table };

// The 16 numbers of IQ4_NL and IQ4_XS, + 128.
#define APUS_IQ4_VALUES 1, 24, 45, 63, 79, 93, 106, 118, 129, 141, 153, 166, 181, 197, 217, 241

#endif
