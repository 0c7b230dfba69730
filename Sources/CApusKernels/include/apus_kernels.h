// Arithmetic on plain buffers: one table of functions per instruction set.
//
// Every variant performs the same operations in the same order for each output number, so that a result depends
// neither on the tile a row fell into nor on the number of rows, threads or chunks.
#ifndef APUS_KERNELS_H
#define APUS_KERNELS_H

#include <stddef.h>
#include <stdint.h>

#include "apus_dequantize.h"
#include "apus_thread.h"

enum {
  APUS_PANEL = 16,      // columns of a packed weight panel
  APUS_BLOCK = 32,      // numbers that share one scale in int8 products
  APUS_PAGE = 32,       // tokens of one KV slot
  APUS_CHAIN = 32,      // products of f16 numbers that are summed up in f16
  APUS_SPLIT_PAGES = 16, // pages of one attention split
  APUS_MOST_DIM = 512,  // components of a head
  APUS_MOST_SUMMARY = 2 * APUS_MOST_DIM,  // numbers of a row in 16 bits that raw_scores takes for a key
  APUS_INT8_COUNT = 12, // formats of quantised weights
  APUS_MANY_ROWS = 16,  // from here on products use tiles of several panels
  APUS_DOT_BASE = 0x4B400000,  // dots of weights or keys and activations start here: see APUS_DOT_ZERO
};

// What the bits of APUS_DOT_BASE are as a float, 1.5 * 2^23: around it floats are the integers, so that the bits of
// APUS_DOT_BASE + n are those of APUS_DOT_ZERO + n, for all n from -2^22 to 2^22 - 1. A dot times its scale is then one
// fused product, (APUS_DOT_ZERO + n) * scale - APUS_DOT_ZERO * scale, rounded once as long as what is taken off is exact:
// scales have at most 22 significant bits (those of int8_formats.h 19). An infinite scale gives NaN.
#define APUS_DOT_ZERO 12582912.0f

// How the numbers of a KV slot are stored. Q8_0 and Q4_0 have one half scale per token and 32 components.
enum { APUS_KV_F32 = 0, APUS_KV_F16 = 1, APUS_KV_BF16 = 2, APUS_KV_Q8_0 = 3, APUS_KV_Q4_0 = 4, APUS_KV_TYPES = 5 };

// y[rows, columns] = x[rows, k] * transpose(w[columns, k]) (+ bias) (+ y).
typedef struct apus_gemm {
  const float *x;        // [rows, k], for float weights
  const int8_t *xq;      // [rows, k], for int8 weights
  const float *xscale;   // [rows, k / 32]
  const int32_t *xoffset;  // [rows, k / sub]: APUS_DOT_BASE - zero * sum of the sub-block's xq
  const float *xmin;     // [rows, k / sub]: xscale * sum of the sub-block's xq
  size_t x_stride;       // numbers from row to row of x or xq
  const uint8_t *w;      // packed panels
  size_t panel_bytes;
  size_t rows, k, columns;
  float *y;
  size_t y_stride;
  const float *bias;     // [columns] or null
  int accumulate;        // add to what y holds
  float *partial;        // [rows, 16]: when set, sums go here instead of y and start from it unless `first`
  int first;
} apus_gemm;

// How keys and values of 16 bits meet queries and weights: all as floats, all as bf16 numbers, two products at a time
// summed up as floats, or those in f16 as such, APUS_CHAIN products summed up as f16 and then as floats.
enum { APUS_AS_FLOATS, APUS_AS_BF16, APUS_AS_F16 };

// One layer and KV head of one sequence.
typedef struct apus_attention {
  const float *q;            // [rows, ...]: group * head_dim numbers used of each row
  size_t q_stride;
  size_t group, head_dim, padded_dim;
  const uint8_t *arena;
  size_t slot_bytes, key_offset, value_offset;
  const int32_t *pages;      // slot of page i = pages[i] * page_stride + page_offset
  size_t page_stride, page_offset;
  int key_type, value_type;
  int halves;                // APUS_AS_...: how keys and values of 16 bits are multiplied; 0, or as the table has it
  size_t first_index;        // index of row 0's own key
  size_t sinks, window;      // keys [0, sinks) and the last `window` are read; window 0: all
  const uint64_t *tree;      // per row: which of the keys from first_index on are read; null: causal
  uint8_t *scratch;          // slot_bytes, with a tree
  const uint32_t *keys;      // per page: which of its keys are read, bit by bit; null: all
  // Null, or per key: a factor of q·k, a summand of its scaled score, a factor of its value, not negative;
  // [3][term_stride].
  const float *terms;
  size_t term_stride;
  float scale;
  float softcap;             // 0: none
} apus_attention;

typedef struct apus_kernels {
  const char *name;
  size_t panels;  // of a tile for many rows
  void (*gemm_f32)(const apus_gemm *, size_t panel_begin, size_t panel_end);
  void (*gemm_f16)(const apus_gemm *, size_t panel_begin, size_t panel_end);
  void (*gemm_bf16)(const apus_gemm *, size_t panel_begin, size_t panel_end);
  // One function a row of int8_formats.h.
  void (*gemm_int8[APUS_INT8_COUNT])(const apus_gemm *, size_t panel_begin, size_t panel_end);
  // One row of k numbers (a multiple of 32) to int8 with a scale per 32; `offset` and `minimum` as in apus_gemm.
  void (*quantize_row)(const float *x, size_t k, int zero, int sub, int8_t *q, float *scale, int32_t *offset,
                       float *minimum);
  void (*rms_norm)(const float *x, const float *weight, float epsilon, size_t n, float *y);
  // y = silu(gate) * up
  void (*swiglu)(const float *gate, const float *up, size_t n, float *y);
  // Pairs (i, i + half) or (2i, 2i + 1) of one head turned by the angles whose cosines and sines are given.
  void (*rope)(float *x, size_t half, const float *cosine, const float *sine, int interleaved);
  int halves;  // APUS_AS_...: the quickest way to multiply keys and values of 16 bits; the scalar table knows all
  // Query vectors [begin, end) of rows * group over pages [page_begin, page_end), which lie in one split:
  // unnormalised output, maximum, sum.
  void (*attend)(const apus_attention *, size_t begin, size_t end, size_t page_begin, size_t page_end,
                 float *output, float *maximum, float *sum);
  // Adds other partials (over later keys) to the first; dimension = padded_dim.
  void (*merge)(float *output, float *maximum, float *sum, const float *other, float other_maximum,
                float other_sum, size_t dimension);
  // mass[key] += weights of the key in the softmax of query vectors [begin, end) over the first `page_count` pages;
  // mass has room for whole pages.
  void (*tap)(const apus_attention *, size_t begin, size_t end, size_t page_count, float *mass);
  // scores[n * key_count + key] = scaled q·k of query vector `begin` + n.
  void (*raw_scores)(const apus_attention *, size_t begin, size_t end, size_t key_count, float *scores);
  // What the roofline is measured with: each round does `roof_chains` times 16 fused multiply-adds, or as many dot
  // products of 4 numbers in 8 bits, of 64 weights; reading takes 1, 4 or 8 streams and at least 64 bytes of each.
  size_t roof_chains;
  float (*roof_fma)(size_t rounds, float factor);
  float (*roof_halves)(size_t rounds, const uint16_t *two);  // twice 16 products of 16 bits a chain; null without
  uint32_t (*roof_dot)(size_t rounds, const int8_t *activations, const uint8_t *weights);
  uint32_t (*roof_read)(const uint8_t *bytes, size_t count, size_t streams);
} apus_kernels;

// The best table for this machine.
const apus_kernels *apus_kernels_best(void);
// The table of that name ("scalar", "avx2", "avx512", "avx512_bf16", "avx512_fp16",
// "neon"); null when the machine or the build lacks it.
const apus_kernels *apus_kernels_for(const char *isa);

// Packing: 16 rows (fewer: the rest is zero) of one tensor to a panel; `rows` are row-major pointers.
void apus_pack_f32(const void *const *rows, size_t count, size_t k, void *panel);
void apus_pack_f16(const void *const *rows, size_t count, size_t k, void *panel);
// The row of int8_formats.h for a ggml type, or -1; bytes of a panel, and its constants.
int apus_int8_format_of(uint32_t type);
size_t apus_int8_panel_bytes(int format, size_t k);
int apus_int8_zero(int format);
int apus_int8_sub(int format);
void apus_pack_int8(int format, const void *const *rows, size_t count, size_t k, void *panel);
// 16 rows of floats, `stride` apart, to a float panel of k.
void apus_pack_rows(const float *rows, size_t stride, size_t count, size_t k, float *panel);

// Bytes of the keys or values of a slot.
size_t apus_kv_key_bytes(int type, size_t head_dim);
size_t apus_kv_value_bytes(int type, size_t padded_dim);
// One token's key and value of one head into a slot; values beyond the format's range saturate.
void apus_kv_store(int key_type, int value_type, uint8_t *key_base, uint8_t *value_base, size_t token,
                   size_t head_dim, size_t padded_dim, const float *key, const float *value);
// One token of a slot to a token of the same or another slot, bit by bit.
void apus_kv_copy(int key_type, int value_type, size_t head_dim, size_t padded_dim, size_t key_offset,
                  size_t value_offset, const uint8_t *from, size_t source, uint8_t *to, size_t target);
// One token's key or value out of a slot.
void apus_kv_load_key(int type, const uint8_t *base, size_t token, size_t head_dim, float *key);
void apus_kv_load_value(int type, const uint8_t *base, size_t token, size_t head_dim, size_t padded_dim,
                        float *value);
void apus_kv_store_key(int type, uint8_t *base, size_t token, size_t head_dim, const float *key);

#endif
