// Products with weights of all formats.
#include "compare.h"

// A product without its weights: shape, stride, bias, what is in y before.
typedef struct {
  size_t rows, k, columns, panels;
  size_t begin, end;  // panels
  apus_gemm gemm;
  float *y[2];
} product;

// Some have more than are computed at a time, which is 256.
static size_t random_rows(void) { return one_in(25) ? 260 + below(12) : one_in(12) ? 16 + below(60) : 1 + below(20); }

static product start(size_t step) {
  product p = {.rows = random_rows(), .columns = 1 + below(7 * APUS_PANEL)};
  p.k = step * (1 + below(step > 32 ? 5 : step > 1 ? 40 : 150));
  p.panels = (p.columns + APUS_PANEL - 1) / APUS_PANEL;
  p.begin = one_in(3) ? below(p.panels) : 0;
  p.end = one_in(3) ? p.begin + 1 + below(p.panels - p.begin) : p.panels;
  apus_gemm *g = &p.gemm;
  *g = (apus_gemm){.rows = p.rows, .k = p.k, .columns = p.columns, .x_stride = p.k + below(3) * step,
                   .y_stride = p.columns + below(5), .accumulate = one_in(3)};
  if (one_in(2)) {
    float *bias = get_floats(p.columns);
    random_floats(bias, p.columns, 0);
    g->bias = bias;
  }
  size_t size = (p.rows - 1) * g->y_stride + p.columns;
  p.y[0] = get_floats(size);
  p.y[1] = get_floats(size);
  random_floats(p.y[0], size, 0);
  memcpy(p.y[1], p.y[0], size * sizeof(float));
  return p;
}

typedef void (*gemm)(const apus_gemm *, size_t, size_t);

static void run(product *p, gemm a, gemm b) {
  const gemm functions[2] = {a, b};
  problem("rows %zu, k %zu, columns %zu, panels %zu..<%zu, bias %d, accumulate %d", p->rows, p->k, p->columns,
          p->begin, p->end, p->gemm.bias != 0, p->gemm.accumulate);
  for (int i = 0; i < 2; i++) {
    p->gemm.y = p->y[i];
    functions[i](&p->gemm, p->begin, p->end);
  }
  same_floats("y", p->y[0], p->y[1], (p->rows - 1) * p->gemm.y_stride + p->columns);
}

// The same product of one panel in pieces of k, whose sums lie in `partial`.
static void run_pieces(product *p, size_t size, gemm a, gemm b) {
  const gemm functions[2] = {a, b};
  float *partial[2] = {get_floats(p->rows * APUS_PANEL), get_floats(p->rows * APUS_PANEL)};
  size_t cut = below(p->k + 1);
  problem("rows %zu, k %zu + %zu to partial sums", p->rows, cut, p->k - cut);
  for (int i = 0; i < 2; i++) {
    apus_gemm g = p->gemm;
    g.w += p->begin * g.panel_bytes;
    g.partial = partial[i];
    for (int part = 0; part < 2; part++) {
      g.first = part == 0;
      g.k = part == 0 ? cut : p->k - cut;
      functions[i](&g, 0, 1);
      g.x += cut;
      g.w += cut * APUS_PANEL * size;
    }
  }
  same_floats("partial", partial[0], partial[1], p->rows * APUS_PANEL);
}

static void compare_float(const char *name, size_t size, gemm a, gemm b) {
  function(name);
  for (int round = 0; round < 150; round++) {
    int wild = one_in(6);
    product p = start(1);
    float *x = get_floats((p.rows - 1) * p.gemm.x_stride + p.k);
    random_floats(x, (p.rows - 1) * p.gemm.x_stride + p.k, wild);
    size_t count = p.panels * p.k * APUS_PANEL;
    uint8_t *w = get(count * size);
    if (size == 4) {
      random_floats((float *)w, count, wild);
    } else if (wild) {
      random_bytes(w, count * size);  // with tiny, infinite and NaN
    } else {
      for (size_t i = 0; i < count; i++) {
        float number;
        uint32_t bits;
        random_floats(&number, 1, 0);
        memcpy(&bits, &number, 4);
        ((uint16_t *)w)[i] = a == table[0]->gemm_f16 ? apus_half_from_float(number) : (uint16_t)(bits >> 16);
      }
    }
    p.gemm.x = x;
    p.gemm.w = w;
    p.gemm.panel_bytes = p.k * APUS_PANEL * size;
    run(&p, a, b);
    run_pieces(&p, size, a, b);
    give_back();
  }
}

// Stored blocks of the formats of int8_formats.h: numbers and bytes of a block, where its half numbers lie.
static const struct {
  const char *name;
  uint32_t type;
  size_t numbers, bytes;
  int scale, minimum;
} formats[APUS_INT8_COUNT] = {
    {"gemm_q8_0", 8, 32, 34, 0, -1},     {"gemm_q4_0", 2, 32, 18, 0, -1},      {"gemm_q4_1", 3, 32, 20, 0, 2},
    {"gemm_q5_0", 6, 32, 22, 0, -1},     {"gemm_q5_1", 7, 32, 24, 0, 2},       {"gemm_iq4_nl", 20, 32, 18, 0, -1},
    {"gemm_q2_k", 10, 256, 84, 80, 82},  {"gemm_q3_k", 11, 256, 110, 108, -1}, {"gemm_q4_k", 12, 256, 144, 0, 2},
    {"gemm_q5_k", 13, 256, 176, 0, 2},   {"gemm_q6_k", 14, 256, 210, 208, -1}, {"gemm_iq4_xs", 23, 256, 136, 0, -1},
};

static void put_half(uint8_t *at, int wild) {
  float number;
  random_floats(&number, 1, wild);
  uint16_t bits = apus_half_from_float(number * 0.1f);
  memcpy(at, &bits, 2);
}

// One row of blocks; some rows are extreme throughout.
static void random_row(int format, uint8_t *row, size_t k, int wild) {
  size_t bytes = k / formats[format].numbers * formats[format].bytes;
  const uint8_t extreme[] = {0x00, 0x7f, 0x80, 0xff};
  if (one_in(4)) memset(row, extreme[below(4)], bytes);
  else random_bytes(row, bytes);
  for (size_t at = 0; at < bytes; at += formats[format].bytes) {
    put_half(row + at + formats[format].scale, wild);
    if (formats[format].minimum >= 0) put_half(row + at + formats[format].minimum, wild);
  }
}

static void random_panels(int format, product *p, int wild) {
  size_t panel_bytes = apus_int8_panel_bytes(format, p->k);
  size_t row_bytes = p->k / formats[format].numbers * formats[format].bytes;
  uint8_t *w = get(p->panels * panel_bytes), *stored = get(APUS_PANEL * row_bytes);
  const void *rows[APUS_PANEL];
  for (size_t i = 0; i < APUS_PANEL; i++) rows[i] = stored + i * row_bytes;
  for (size_t panel = 0; panel < p->panels; panel++) {
    size_t rest = p->columns - panel * APUS_PANEL, count = rest < APUS_PANEL ? rest : APUS_PANEL;
    for (size_t i = 0; i < count; i++) random_row(format, stored + i * row_bytes, p->k, wild);
    apus_pack_int8(format, rows, count, p->k, w + panel * panel_bytes);
  }
  p->gemm.w = w;
  p->gemm.panel_bytes = panel_bytes;
}

static void random_activations(int format, product *p, int wild) {
  apus_gemm *g = &p->gemm;
  size_t sub = (size_t)apus_int8_sub(format);
  int8_t *q = get((p->rows - 1) * g->x_stride + p->k);
  float *scale = get_floats(p->rows * p->k / 32), *minimum = get_floats(p->rows * p->k / sub);
  int32_t *offset = get(p->rows * p->k / sub * sizeof *offset);
  float *x = get_floats(p->k);
  for (size_t row = 0; row < p->rows; row++) {
    random_floats(x, p->k, wild);
    if (one_in(4))  // as large as int8 allows
      for (size_t i = 0; i < p->k; i++) x[i] = x[0] < 0 || one_in(20) ? -1 : 1;
    table[0]->quantize_row(x, p->k, apus_int8_zero(format), (int)sub, q + row * g->x_stride, scale + row * p->k / 32,
                           offset + row * p->k / sub, minimum + row * p->k / sub);
  }
  g->xq = q;
  g->xscale = scale;
  g->xoffset = offset;
  g->xmin = minimum;
}

static void compare_int8(int format) {
  function(formats[format].name);
  if (apus_int8_format_of(formats[format].type) != format) abort();
  for (int round = 0; round < 150; round++) {
    int wild = one_in(6);
    product p = start(formats[format].numbers);
    random_panels(format, &p, wild);
    random_activations(format, &p, wild);
    run(&p, table[0]->gemm_int8[format], table[1]->gemm_int8[format]);
    give_back();
  }
}

void compare_products(void) {
  compare_float("gemm_f32", 4, table[0]->gemm_f32, table[1]->gemm_f32);
  compare_float("gemm_f16", 2, table[0]->gemm_f16, table[1]->gemm_f16);
  compare_float("gemm_bf16", 2, table[0]->gemm_bf16, table[1]->gemm_bf16);
  for (int format = 0; format < APUS_INT8_COUNT; format++) compare_int8(format);
}
