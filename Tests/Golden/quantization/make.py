"""Writes fixtures for the block formats: random blocks with what gguf-py decodes, and numbers with what ggml encodes.

Needs the packages gguf and llama-cpp-python (for ggml's reference quantisers). Usage: make.py [FOLDER]

Files, little endian:
  TYPE.blocks  raw blocks of random bytes (their scales are finite), and TYPE.floats, the float32 they decode to
  numbers.f32  rows of 512 float32, and TYPE.bytes, those rows as ggml_quantize_chunk writes them
"""

import ctypes
import pathlib
import sys

import gguf
import llama_cpp
import numpy as np

folder = pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else pathlib.Path(__file__).parent)
random = np.random.default_rng(20)

# The byte offsets of binary16 scales in a block.
DECODED = {
    "Q4_0": [0], "Q4_1": [0, 2], "Q5_0": [0], "Q5_1": [0, 2], "Q8_0": [0], "Q2_K": [80, 82], "Q3_K": [108],
    "Q4_K": [0, 2], "Q5_K": [0, 2], "Q6_K": [208], "IQ4_NL": [0], "IQ4_XS": [0], "BF16": [], "F16": [],
}
ENCODED = ["Q4_0", "Q4_1", "Q5_0", "Q5_1", "Q8_0", "Q2_K", "Q3_K", "Q4_K", "Q5_K", "Q6_K", "IQ4_NL"]
BLOCKS = {32: 8, 256: 3, 1: 64}


def decode():
    for name, scales in DECODED.items():
        kind = gguf.GGMLQuantizationType[name]
        size, width = gguf.GGML_QUANT_SIZES[kind]
        blocks = random.integers(0, 256, (BLOCKS[size], width), dtype=np.uint8)
        for offset in scales:
            values = random.normal(0, 1, len(blocks)).astype(np.float16)
            blocks[:, offset:offset + 2] = values.view(np.uint8).reshape(-1, 2)
        if name in ("BF16", "F16"):
            words = blocks.view(np.uint16)
            words[(words & 0x7C00) == 0x7C00] = 0x3C00
        floats = gguf.quants.dequantize(blocks, kind)
        (folder / f"{name.lower()}.blocks").write_bytes(blocks.tobytes())
        (folder / f"{name.lower()}.floats").write_bytes(floats.astype("<f4").tobytes())


def numbers():
    """Rows of many kinds: normal, one-sided, with outliers, tiny, constant, zero, sparse, on a grid."""
    rows = [
        random.normal(0, 0.02, 512), random.normal(0, 3, 512), random.uniform(0, 1, 512), -random.uniform(1, 2, 512),
        random.standard_t(2, 512), random.normal(0, 1e-6, 512), np.full(512, 0.37), np.zeros(512),
        np.where(random.uniform(size=512) < 0.05, random.normal(size=512), 0), np.round(random.normal(0, 4, 512)),
        np.linspace(-1, 1, 512), random.laplace(0, 0.1, 512),
    ]
    return np.stack(rows).astype(np.float32)


def encode():
    library = ctypes.CDLL(str(pathlib.Path(llama_cpp.__file__).parent / "lib" / "libggml-base.so"))
    library.ggml_quantize_chunk.restype = ctypes.c_size_t
    library.ggml_quantize_chunk.argtypes = [
        ctypes.c_int, ctypes.c_void_p, ctypes.c_void_p, ctypes.c_int64, ctypes.c_int64, ctypes.c_int64, ctypes.c_void_p,
    ]
    rows = numbers()
    (folder / "numbers.f32").write_bytes(rows.tobytes())
    for name in ENCODED:
        target = np.zeros(rows.nbytes, dtype=np.uint8)
        kind = gguf.GGMLQuantizationType[name]
        count = library.ggml_quantize_chunk(kind, rows.ctypes.data, target.ctypes.data, 0, *rows.shape, None)
        (folder / f"{name.lower()}.bytes").write_bytes(target[:count].tobytes())


decode()
encode()
