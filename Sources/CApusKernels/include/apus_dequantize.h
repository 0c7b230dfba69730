#ifndef APUS_DEQUANTIZE_H
#define APUS_DEQUANTIZE_H

#include <stddef.h>
#include <stdint.h>

/// Decodes `count` numbers of ggml type `type` from `source` into `destination`; returns 0, or -1 when the type is
/// unknown or `count` is no whole number of blocks (nothing is written then).
///
/// Plain C without alignment needs: the reference for every faster kernel. Block layouts: ggml-common.h of llama.cpp.
int apus_dequantize(uint32_t type, const void *source, float *destination, size_t count);

/// IEEE 754 binary16 to binary32, exact; a signalling NaN becomes quiet.
float apus_float_from_half(uint16_t bits);

/// IEEE 754 binary32 to binary16, to nearest, ties to even; overflow gives infinity.
uint16_t apus_half_from_float(float value);

#endif
