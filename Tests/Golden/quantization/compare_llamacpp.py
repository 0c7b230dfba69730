"""Quantises one F32 GGUF with `apus quantize` and with llama.cpp's own function, compares the files tensor by tensor,
and lets both programs continue prompts greedily from both files.

    python compare_llamacpp.py --apus .build/release/apus [--model F32.gguf]

Needs gguf, numpy and llama-cpp-python. Without --model a small checkpoint with random weights is made from the
metadata and shapes of the embedded model; its weights lie on the grid of the type under test where the type allows it
(q8_0, q4_0, f16, bf16), so that rounding twice changes nothing.
"""

import argparse
import ctypes
import json
import pathlib
import subprocess
import tempfile

import gguf
import llama_cpp
import numpy as np

SILENT = llama_cpp.llama_log_callback(lambda level, text, data: None)
llama_cpp.llama_log_set(SILENT, ctypes.c_void_p(0))

TYPES = {
    "f16": (llama_cpp.LLAMA_FTYPE_MOSTLY_F16, gguf.GGMLQuantizationType.F16),
    "bf16": (llama_cpp.LLAMA_FTYPE_MOSTLY_BF16, gguf.GGMLQuantizationType.BF16),
    "q8_0": (llama_cpp.LLAMA_FTYPE_MOSTLY_Q8_0, gguf.GGMLQuantizationType.Q8_0),
    "q4_0": (llama_cpp.LLAMA_FTYPE_MOSTLY_Q4_0, gguf.GGMLQuantizationType.Q4_0),
    "q4_k": (llama_cpp.LLAMA_FTYPE_MOSTLY_Q4_K_S, None),
    "q5_k": (llama_cpp.LLAMA_FTYPE_MOSTLY_Q5_K_S, None),
    "q6_k": (llama_cpp.LLAMA_FTYPE_MOSTLY_Q6_K, None),
}
PROMPTS = ["Once upon a time", "The ship left the harbour", "Ledger of the town:", "Who was the captain?", "7 crates of"]
READER = pathlib.Path(__file__).parents[3] / "Sources/Apus/Resources/reader.gguf"


def make_model(path, grid):
    """An F32 GGUF with the embedded model's tokenizer and shapes and random weights on the grid of a type."""
    reader = gguf.GGUFReader(READER)
    random = np.random.default_rng(7)
    writer = gguf.GGUFWriter(path, "llama")
    for field in reader.fields.values():
        if field.name.startswith("GGUF.") or field.name in ("general.architecture", "general.file_type"):
            continue
        kind = field.types[0]
        sub = field.types[-1] if kind == gguf.GGUFValueType.ARRAY else None
        writer.add_key_value(field.name, field.contents(), kind, sub)
    for tensor in reader.tensors:
        shape = tuple(reversed(tensor.shape.tolist()))
        if len(shape) == 1:
            data = 1 + 0.1 * random.standard_normal(shape)
        else:
            data = random.standard_normal(shape) * (2.0 / np.sqrt(shape[-1]))
        data = data.astype(np.float32)
        if grid is not None and len(shape) == 2:
            data = gguf.quants.dequantize(gguf.quants.quantize(data, grid), grid).reshape(shape)
        writer.add_tensor(tensor.name, np.ascontiguousarray(data, dtype=np.float32))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def quantize_with_llamacpp(source, target, ftype):
    parameters = llama_cpp.llama_model_quantize_default_params()
    parameters.ftype = ftype
    parameters.nthread = 2
    status = llama_cpp.llama_model_quantize(str(source).encode(), str(target).encode(), ctypes.byref(parameters))
    assert status == 0, "llama_model_quantize failed"


def compare_tensors(ours, theirs):
    """Counts of tensors with the same bytes, other bytes, and another type."""
    a = {t.name: t for t in gguf.GGUFReader(ours).tensors}
    b = {t.name: t for t in gguf.GGUFReader(theirs).tensors}
    assert a.keys() == b.keys(), a.keys() ^ b.keys()
    same, other, typed = 0, [], []
    for name in a:
        if a[name].tensor_type != b[name].tensor_type:
            typed.append(f"{name}: {a[name].tensor_type.name} / {b[name].tensor_type.name}")
        elif np.array_equal(a[name].data, b[name].data):
            same += 1
        else:
            bytes_a, bytes_b = a[name].data.reshape(-1).view(np.uint8), b[name].data.reshape(-1).view(np.uint8)
            other.append(f"{name}: {np.mean(bytes_a != bytes_b):.2%} of the bytes")
    return same, other, typed


def continue_with_llamacpp(path, count):
    model = llama_cpp.Llama(str(path), n_ctx=256, n_threads=2, verbose=False, logits_all=False)
    texts = []
    for prompt in PROMPTS:
        tokens = model.tokenize(prompt.encode(), add_bos=True, special=True)
        model.reset()
        out = []
        for token in model.generate(tokens, temp=0, top_k=1, repeat_penalty=1.0):
            out.append(token)
            if len(out) == count:
                break
        texts.append(out)
    return texts


def continue_with_apus(apus, path, count, precision):
    texts = []
    for prompt in PROMPTS:
        command = [apus, "run", "-m", str(path), "-p", prompt, "-n", str(count), "--ignore-eos", "--json",
                   "--ctx-size", "256", "--precision", precision]
        texts.append(json.loads(subprocess.check_output(command))["tokens"])
    return texts


def agreement(a, b):
    """Prompts with the same continuation, and tokens before the first difference over all prompts."""
    equal = sum(x == y for x, y in zip(a, b))
    prefix = sum(next((i for i, (p, q) in enumerate(zip(x, y)) if p != q), len(x)) for x, y in zip(a, b))
    return f"{equal}/{len(a)} ({prefix} tokens)"


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--apus", required=True)
    parser.add_argument("--model")
    parser.add_argument("-n", type=int, default=32)
    options = parser.parse_args()
    print("Each figure: prompts with equal greedy text of", len(PROMPTS), "and tokens before the first difference.")
    print("type | tensors equal | differ | apus: own=theirs file | llama.cpp: own=theirs file | apus f32=llama.cpp | apus int8=llama.cpp")
    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        for name, (ftype, grid) in TYPES.items():
            source = pathlib.Path(options.model) if options.model else folder / f"source-{name}.gguf"
            if not options.model:
                make_model(source, grid)
            ours, theirs = folder / f"ours-{name}.gguf", folder / f"theirs-{name}.gguf"
            subprocess.check_call([options.apus, "quantize", str(source), str(ours), "--type", name],
                                  stdout=subprocess.DEVNULL)
            quantize_with_llamacpp(source, theirs, ftype)
            same, other, typed = compare_tensors(ours, theirs)
            llama = [continue_with_llamacpp(path, options.n) for path in (ours, theirs)]
            apus = [continue_with_apus(options.apus, path, options.n, "f32") for path in (ours, theirs)]
            rounded = continue_with_apus(options.apus, theirs, options.n, "int8")
            print(f"{name} | {same} | {len(other) + len(typed)} | {agreement(*apus)} | {agreement(*llama)} | "
                  f"{agreement(apus[1], llama[1])} | {agreement(rounded, llama[1])}", flush=True)
            for line in other + typed:
                print("   ", line)


if __name__ == "__main__":
    main()
