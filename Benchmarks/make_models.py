"""Writes GGUF models with the shapes of known ones and random weights, and quantises them.

Speed depends on shapes and types alone, so nothing has to be downloaded. What such a model writes means nothing.
"""

import argparse
import random
import struct
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import numpy as np

ALIGNMENT = 32
CHUNK = 1 << 22  # values drawn at once
DEVIATION = 0.02
F32, F16 = 0, 1  # numbers of the tensor types; F16 is also the number of the file type
NORMAL, CONTROL = 1, 3  # numbers of the token types
CONTROL_TOKENS = ["<|endoftext|>", "<|im_start|>", "<|im_end|>"]


@dataclass(frozen=True)
class Shape:
    architecture: str
    layers: int
    hidden: int
    heads: int
    kv_heads: int
    feed_forward: int
    vocabulary: int
    context: int
    rope_base: float
    epsilon: float
    pre_tokenizer: str
    adds_bos: bool = False
    biases: bool = False

    @property
    def head_size(self) -> int:
        return self.hidden // self.heads


MODELS = {
    "smollm2-135m": Shape("llama", 30, 576, 9, 3, 1536, 49152, 8192, 1e5, 1e-5, "smollm"),
    "qwen2.5-0.5b": Shape("qwen2", 24, 896, 14, 2, 4864, 151936, 32768, 1e6, 1e-6, "qwen2", biases=True),
    "llama-3.2-1b": Shape("llama", 16, 2048, 32, 8, 8192, 128256, 131072, 5e5, 1e-5, "llama-bpe", adds_bos=True),
}
MIXED_MODEL = "llama-3.2-1b"  # the one that is also written in a mixture of K types


def byte_alphabet() -> list[str]:
    """The character that stands for each byte in a byte-level vocabulary, as GPT-2 has it."""
    printable = {*range(0x21, 0x7F), *range(0xA1, 0xAD), *range(0xAE, 0x100)}
    others = iter(range(0x100, 0x200))
    return [chr(byte if byte in printable else next(others)) for byte in range(256)]


def vocabulary(size: int) -> tuple[list[str], list[str]]:
    """Tokens and merges: the 256 bytes, made-up words in which each merge makes one token, control tokens."""
    rng = random.Random(size)
    letters = [chr(code) for code in range(ord("a"), ord("z") + 1)]
    tokens = byte_alphabet()
    known = set(tokens)
    starts, ends = letters + ["Ġ"], letters.copy()  # Ġ is the space; it begins a word
    merges = []
    while len(tokens) < size - len(CONTROL_TOKENS):
        left, right = rng.choice(starts), rng.choice(ends)
        word = left + right
        if word in known or len(word) > 12:
            continue
        known.add(word)
        tokens.append(word)
        merges.append(f"{left} {right}")
        starts.append(word)
        if not word.startswith("Ġ"):
            ends.append(word)
    return tokens + CONTROL_TOKENS, merges


def text(value: str) -> bytes:
    data = value.encode()
    return struct.pack("<Q", len(data)) + data


def typed(value: object) -> tuple[int, bytes]:
    """The number of a metadata value's type, and its bytes."""
    if isinstance(value, bool):
        return 7, struct.pack("<?", value)
    if isinstance(value, int):
        return 4, struct.pack("<I", value)
    if isinstance(value, float):
        return 6, struct.pack("<f", value)
    if isinstance(value, str):
        return 8, text(value)
    if isinstance(value, list):
        if isinstance(value[0], str):
            return 9, struct.pack("<IQ", 8, len(value)) + b"".join(map(text, value))
        return 9, struct.pack(f"<IQ{len(value)}i", 5, len(value), *value)
    raise TypeError(f"no metadata type for {value!r}")


def metadata(name: str, shape: Shape) -> dict[str, object]:
    tokens, merges = vocabulary(shape.vocabulary)
    first_control = len(tokens) - len(CONTROL_TOKENS)
    types = [NORMAL] * first_control + [CONTROL] * len(CONTROL_TOKENS)
    model = {
        "context_length": shape.context,
        "embedding_length": shape.hidden,
        "block_count": shape.layers,
        "feed_forward_length": shape.feed_forward,
        "attention.head_count": shape.heads,
        "attention.head_count_kv": shape.kv_heads,
        "attention.layer_norm_rms_epsilon": shape.epsilon,
        "rope.dimension_count": shape.head_size,
        "rope.freq_base": shape.rope_base,
        "vocab_size": shape.vocabulary,
    }
    return {
        "general.architecture": shape.architecture,
        "general.name": f"{name}, random weights",
        "general.file_type": F16,
        "general.quantization_version": 2,
        "general.alignment": ALIGNMENT,
        **{f"{shape.architecture}.{key}": value for key, value in model.items()},
        "tokenizer.ggml.model": "gpt2",
        "tokenizer.ggml.pre": shape.pre_tokenizer,
        "tokenizer.ggml.tokens": tokens,
        "tokenizer.ggml.token_type": types,
        "tokenizer.ggml.merges": merges,
        "tokenizer.ggml.bos_token_id": first_control,
        "tokenizer.ggml.eos_token_id": tokens.index("<|im_end|>"),
        "tokenizer.ggml.padding_token_id": first_control,
        "tokenizer.ggml.add_bos_token": shape.adds_bos,
    }


@dataclass(frozen=True)
class Tensor:
    name: str
    dimensions: tuple[int, ...]  # the file's order: the row's length first

    @property
    def is_norm(self) -> bool:
        return "norm" in self.name

    @property
    def type(self) -> int:
        return F16 if len(self.dimensions) > 1 else F32

    @property
    def count(self) -> int:
        return int(np.prod(self.dimensions))

    @property
    def padded_size(self) -> int:
        size = self.count * (2 if self.type == F16 else 4)
        return size + -size % ALIGNMENT


def tensors(shape: Shape) -> Iterator[Tensor]:
    """All tensors of a dense decoder whose output matrix is its embedding."""
    hidden, kv = shape.hidden, shape.kv_heads * shape.head_size
    yield Tensor("token_embd.weight", (hidden, shape.vocabulary))
    for layer in range(shape.layers):
        prefix = f"blk.{layer}"
        yield Tensor(f"{prefix}.attn_norm.weight", (hidden,))
        for part, width in (("q", hidden), ("k", kv), ("v", kv)):
            yield Tensor(f"{prefix}.attn_{part}.weight", (hidden, width))
            if shape.biases:
                yield Tensor(f"{prefix}.attn_{part}.bias", (width,))
        yield Tensor(f"{prefix}.attn_output.weight", (hidden, hidden))
        yield Tensor(f"{prefix}.ffn_norm.weight", (hidden,))
        yield Tensor(f"{prefix}.ffn_gate.weight", (hidden, shape.feed_forward))
        yield Tensor(f"{prefix}.ffn_up.weight", (hidden, shape.feed_forward))
        yield Tensor(f"{prefix}.ffn_down.weight", (shape.feed_forward, hidden))
    yield Tensor("output_norm.weight", (hidden,))


def write_values(file: BinaryIO, tensor: Tensor, rng: np.random.Generator) -> None:
    kind = np.float16 if tensor.type == F16 else np.float32
    for start in range(0, tensor.count, CHUNK):
        count = min(CHUNK, tensor.count - start)
        if tensor.is_norm:
            values = np.ones(count, np.float32)
        else:
            values = rng.standard_normal(count, np.float32) * DEVIATION
        file.write(values.astype(kind).tobytes())


def pad(file: BinaryIO) -> None:
    file.write(bytes(-file.tell() % ALIGNMENT))


def write_model(path: Path, name: str, shape: Shape) -> None:
    """Writes one GGUF file, tensor by tensor; an interrupted run leaves none under the final name."""
    fields, layout = metadata(name, shape), list(tensors(shape))
    rng = np.random.default_rng(0)
    unfinished = path.with_suffix(".part")
    with unfinished.open("wb") as file:
        file.write(struct.pack("<4sIQQ", b"GGUF", 3, len(layout), len(fields)))
        for key, value in fields.items():
            number, data = typed(value)
            file.write(text(key) + struct.pack("<I", number) + data)
        offset = 0
        for tensor in layout:
            rank = len(tensor.dimensions)
            file.write(text(tensor.name) + struct.pack(f"<I{rank}Q", rank, *tensor.dimensions))
            file.write(struct.pack("<IQ", tensor.type, offset))
            offset += tensor.padded_size
        pad(file)
        for tensor in layout:
            write_values(file, tensor, rng)
            pad(file)
    unfinished.rename(path)


def quantize(command: list[str], path: Path) -> None:
    """Runs a quantiser whose arguments name `path` with the suffix .part as the output."""
    print("making", path.name, flush=True)
    result = subprocess.run(command, capture_output=True, text=True)
    if result.returncode:
        raise SystemExit(f"{command[0]} failed: {result.stderr.strip()}")
    path.with_suffix(".part").rename(path)


def make(name: str, options: argparse.Namespace) -> None:
    source = options.output / f"{name}-f16.gguf"
    if not source.exists():
        print("making", source.name, flush=True)
        write_model(source, name, MODELS[name])
    commands = {kind: [options.apus, "quantize", "--quiet", "--type", kind] for kind in ("q8_0", "q4_0")}
    if name == MIXED_MODEL and options.llama_quantize:
        commands["q4_k_m"] = [options.llama_quantize]
    elif name == MIXED_MODEL:
        commands["q4_k_s"] = [options.apus, "quantize", "--quiet", "--type", "q4_k"]
    for kind, command in commands.items():
        path = options.output / f"{name}-{kind}.gguf"
        unfinished = str(path.with_suffix(".part"))
        if not path.exists():
            last = ["Q4_K_M"] if kind == "q4_k_m" else []
            quantize([*command, str(source), unfinished, *last], path)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("models", nargs="*", metavar="MODEL", help=f"which to make: {', '.join(MODELS)}; default: all")
    parser.add_argument("--output", type=Path, required=True, help="the folder to write to; files in it are kept")
    parser.add_argument("--apus", default="apus", help="the program that quantises")
    parser.add_argument("--llama-quantize", help="llama.cpp's quantiser, to write Q4_K_M where Apus writes Q4_K_S")
    options = parser.parse_args()
    if unknown := set(options.models) - set(MODELS):
        parser.error(f"unknown: {', '.join(unknown)}; known: {', '.join(MODELS)}")
    options.output.mkdir(parents=True, exist_ok=True)
    for name in options.models or MODELS:
        make(name, options)


if __name__ == "__main__":
    main()
