// Operations on one row.
#include <math.h>

#include "compare.h"

static void quantize(const float *x, size_t k, int zero, int sub) {
  size_t subs = k / (size_t)sub;
  int8_t *q[2];
  float *scale[2], *minimum[2];
  int32_t *offset[2];
  for (int i = 0; i < 2; i++) {
    q[i] = get(k);
    scale[i] = get_floats(k / 32);
    minimum[i] = get_floats(subs);
    offset[i] = get(subs * sizeof(int32_t));
    table[i]->quantize_row(x, k, zero, sub, q[i], scale[i], offset[i], minimum[i]);
  }
  same_bytes("q", q[0], q[1], k);
  same_floats("scale", scale[0], scale[1], k / 32);
  same_floats("minimum", minimum[0], minimum[1], subs);
  same_bytes("offset", offset[0], offset[1], subs * sizeof(int32_t));
}

static void compare_quantize_row(void) {
  function("quantize_row");
  const int zeros[] = {0, 4, 8, 16, 32, 128};
  for (int round = 0; round < 400; round++) {
    size_t k = 32 * (1 + below(40));
    int zero = zeros[below(6)], sub = one_in(2) ? 16 : 32, wild = one_in(2);
    float *x = get_floats(k);
    random_floats(x, k, wild);
    problem("k %zu, zero %d, sub %d, wild %d", k, zero, sub, wild);
    quantize(x, k, zero, sub);
    give_back();
  }
  const float special[] = {0,        -0.0f,     1e-31f, 1e-30f, 1.1e-30f, 1e-38f, 1e-45f,
                           3e38f,    3.0001e38f, 3.4e38f, INFINITY, -INFINITY, NAN};
  for (size_t i = 0; i < sizeof special / sizeof *special; i++)
    for (int all = 0; all < 2; all++) {
      float *x = get_floats(32);
      for (size_t j = 0; j < 32; j++) x[j] = all || j == 7 ? special[i] : 0;
      problem("%s %g", all ? "all" : "one", (double)special[i]);
      quantize(x, 32, 128, 32);
      quantize(x, 32, 8, 16);
      give_back();
    }
}

// Lengths with every remainder.
static size_t some_length(int round) { return round < 70 ? (size_t)round + 1 : 1 + below(1500); }

static void compare_rms_norm(void) {
  function("rms_norm");
  for (int round = 0; round < 300; round++) {
    size_t n = some_length(round);
    int wild = one_in(3);
    float *x = get_floats(n), *weight = get_floats(n), *y[2] = {get_floats(n), get_floats(n)};
    random_floats(x, n, wild);
    random_floats(weight, n, wild);
    problem("n %zu, wild %d", n, wild);
    for (int i = 0; i < 2; i++) table[i]->rms_norm(x, weight, 1e-5f, n, y[i]);
    same_floats("y", y[0], y[1], n);
    give_back();
  }
}

static void compare_swiglu(void) {
  function("swiglu");
  for (int round = 0; round < 300; round++) {
    size_t n = some_length(round);
    int wild = one_in(3);
    float *gate = get_floats(n), *up = get_floats(n), *y[2] = {get_floats(n), get_floats(n)};
    random_floats(gate, n, wild);
    random_floats(up, n, wild);
    float size = one_in(2) ? 1 : 60;  // past both ends of the exponential
    for (size_t i = 0; i < n; i++) gate[i] *= size;
    problem("n %zu, wild %d", n, wild);
    for (int i = 0; i < 2; i++) table[i]->swiglu(gate, up, n, y[i]);
    same_floats("y", y[0], y[1], n);
    give_back();
  }
}

static void compare_rope(void) {
  function("rope");
  for (int round = 0; round < 300; round++) {
    size_t half = 1 + below(round < 200 ? 40 : 140);
    int wild = one_in(3), interleaved = one_in(2);
    float *x[2] = {get_floats(2 * half), get_floats(2 * half)};
    float *cosine = get_floats(half), *sine = get_floats(half);
    random_floats(x[0], 2 * half, wild);
    memcpy(x[1], x[0], 2 * half * sizeof(float));
    random_floats(cosine, half, 0);
    for (size_t i = 0; i < half; i++) {
      float angle = cosine[i] * 3;
      cosine[i] = cosf(angle);
      sine[i] = sinf(angle);
    }
    problem("half %zu, wild %d, interleaved %d", half, wild, interleaved);
    for (int i = 0; i < 2; i++) table[i]->rope(x[i], half, cosine, sine, interleaved);
    same_floats("x", x[0], x[1], 2 * half);
    give_back();
  }
}

void compare_rows(void) {
  compare_quantize_row();
  compare_rms_norm();
  compare_swiglu();
  compare_rope();
}
