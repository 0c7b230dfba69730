// Picks the table of kernels.
#include <string.h>
#if defined(__aarch64__) && defined(__linux__)
#include <sys/auxv.h>
#endif

#include "include/apus_kernels.h"

extern const apus_kernels apus_kernels_scalar;
#if defined(__x86_64__)
extern const apus_kernels apus_kernels_avx2;
extern const apus_kernels apus_kernels_avx512;
extern const apus_kernels apus_kernels_avx512_bf16;
extern const apus_kernels apus_kernels_avx512_fp16;

static int has_avx2(void) {
  return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") && __builtin_cpu_supports("f16c");
}

static int has_avx512(void) {
  return has_avx2() && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
         __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl") &&
         __builtin_cpu_supports("avx512vnni");
}
#elif defined(__aarch64__)
extern const apus_kernels apus_kernels_neon;

static int has_neon(void) {
#if defined(__ARM_FEATURE_DOTPROD)  // as for every Mac
  return 1;
#elif defined(__linux__)
  return (getauxval(AT_HWCAP) & HWCAP_ASIMDDP) != 0;
#else
  return 0;
#endif
}
#endif

const apus_kernels *apus_kernels_for(const char *isa) {
  if (strcmp(isa, "scalar") == 0) return &apus_kernels_scalar;
#if defined(__x86_64__)
  __builtin_cpu_init();
  if (strcmp(isa, "avx2") == 0 && has_avx2()) return &apus_kernels_avx2;
  if (strcmp(isa, "avx512") == 0 && has_avx512()) return &apus_kernels_avx512;
  if (strcmp(isa, "avx512_bf16") == 0 && has_avx512() && __builtin_cpu_supports("avx512bf16"))
    return &apus_kernels_avx512_bf16;
  if (strcmp(isa, "avx512_fp16") == 0 && has_avx512() && __builtin_cpu_supports("avx512fp16"))
    return &apus_kernels_avx512_fp16;
#elif defined(__aarch64__)
  if (strcmp(isa, "neon") == 0 && has_neon()) return &apus_kernels_neon;
#endif
  return 0;
}

// Products of bf16 numbers are twice as quick as those of floats on AMD's cores. Intel's take two cycles for an
// instruction of 64 operations, and half a cycle for one of 32.
static int has_fast_bf16(void) {
#if defined(__x86_64__)
  return __builtin_cpu_is("amd");
#else
  return 0;
#endif
}

const apus_kernels *apus_kernels_best(void) {
  static const char *const names[] = {"avx512_fp16", "avx512_bf16", "avx512", "avx2", "neon", "scalar"};
  for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
    if (strcmp(names[i], "avx512_bf16") == 0 && !has_fast_bf16()) continue;
    const apus_kernels *kernels = apus_kernels_for(names[i]);
    if (kernels) return kernels;
  }
  return &apus_kernels_scalar;
}
