"""Checks GGUF files that `apus quantize` wrote, with gguf-py and llama.cpp.

Needs gguf, llama-cpp-python, torch and transformers. Usage: verify.py HUGGING_FACE_FOLDER FILE.gguf...

For each file: gguf-py can read it; llama.cpp loads it; the token ids of a text are those of the Hugging Face tokenizer;
the logits of that text are near those of transformers (how near is printed; F32 must agree to 1e-3).
"""

import sys

import gguf
import llama_cpp
import numpy as np
import torch
import transformers

TEXT = "Once upon a time there was a little girl. She said: \"Hello, 123 friends!\" It's  a  day.\n\nThe end"


def reference(folder):
    model = transformers.AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32).eval()
    try:
        tokenizer = transformers.PreTrainedTokenizerFast(tokenizer_file=f"{folder}/tokenizer.json")
        ids = tokenizer.encode(TEXT)
    except Exception as error:
        print(f"no tokenizer ({error})")
        ids, tokenizer = list(range(1, min(20, model.config.vocab_size))), None
    with torch.no_grad():
        logits = model(torch.tensor([ids])).logits[0].numpy()
    return tokenizer, ids, logits


def check(path, tokenizer, ids, logits):
    reader = gguf.GGUFReader(path)
    for tensor in reader.tensors:
        gguf.quants.dequantize(tensor.data, tensor.tensor_type)
    kinds = sorted({tensor.tensor_type.name for tensor in reader.tensors})
    model = llama_cpp.Llama(
        path, n_ctx=512, logits_all=True, verbose=False, n_threads=2, type_k=llama_cpp.GGML_TYPE_F32,
        type_v=llama_cpp.GGML_TYPE_F32,
    )
    problems = []
    if tokenizer:
        special = tokenizer.encode(TEXT)[0] != tokenizer.encode(TEXT, add_special_tokens=False)[0]
        found = model.tokenize(TEXT.encode(), add_bos=special, special=True)
        if found != ids:
            problems.append(f"token ids {found} instead of {ids}")
    model.eval(ids)
    found = np.array(model.scores[: len(ids)])
    deviation = np.abs(found - logits).max()
    same = (found.argmax(1) == logits.argmax(1)).mean()
    if kinds == ["F32"] and deviation > 1e-3:
        problems.append("logits differ")
    print(f"{path}: {', '.join(kinds)}; largest logit difference {deviation:.2g}, same argmax {same:.0%}", *problems)
    return not problems


folder, *paths = sys.argv[1:]
expected = reference(folder)
sys.exit(0 if all([check(path, *expected) for path in paths]) else 1)
