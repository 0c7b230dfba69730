// AVX-512 with VNNI and products of bf16 numbers.
#define APUS_BF16
#include "kernels_avx512.c"
