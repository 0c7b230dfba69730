// AVX-512 with VNNI and products of f16 numbers.
#define APUS_FP16
#include "kernels_avx512.c"
