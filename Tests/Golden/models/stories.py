"""Makes Tests/ApusModelsTests/Fixtures/stories.json: what other engines continue on two trained models.

    python stories.py ARTEFACTS     the folder with weights/stories260K-gguf and weights/tinystories-656k-hf

stories260K runs in llama.cpp (llama-cpp-python), TinyStories-656K in transformers; both greedy and in f32.
"""

import json
import sys
from pathlib import Path

import numpy as np
import torch
from llama_cpp import Llama
from tokenizers import Tokenizer
from transformers import AutoModelForCausalLM

artefacts = Path(sys.argv[1])
target = Path(__file__).resolve().parents[2] / "ApusModelsTests" / "Fixtures" / "stories.json"
SENTENCE = "One day, a clever fox found a shiny key under the old oak tree."


def stories():
    model = Llama(
        str(artefacts / "weights/stories260K-gguf/tinyllm.gguf"), n_ctx=512, n_threads=1, logits_all=True,
        type_k=0, type_v=0, flash_attn=False, verbose=False)
    sentence = model.tokenize(SENTENCE.encode())
    model.eval(sentence)
    scores = torch.tensor(np.array(model.scores[:len(sentence)])).double().log_softmax(-1)
    loss = -sum(float(scores[i, token]) for i, token in enumerate(sentence[1:]))
    model.reset()
    prompt = model.tokenize(b"Once upon a time")
    ids, gap = list(prompt), np.inf
    model.eval(prompt)
    for _ in range(200):
        row = np.array(model.scores[len(ids) - 1])
        best = np.sort(row)[-2:]
        gap = min(gap, best[1] - best[0])
        ids.append(int(row.argmax()))
        model.eval(ids[-1:])
    print("stories260K: loss", loss, "least gap", gap)
    print(model.detokenize(ids).decode())
    return dict(sentence=sentence, loss=loss, prompt=prompt, continuation=ids[len(prompt):])


@torch.no_grad()
def tiny_stories():
    folder = artefacts / "weights/tinystories-656k-hf"
    tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
    model = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32, attn_implementation="eager").eval()
    prompt = tokenizer.encode("Once upon a time, there was a little girl").ids
    ids, gap = list(prompt), np.inf
    for _ in range(100):
        best = model(torch.tensor([ids]), use_cache=False).logits[0, -1].topk(2)
        gap = min(gap, float(best.values[0] - best.values[1]))
        ids.append(int(best.indices[0]))
    print("TinyStories-656K: least gap", gap)
    print(tokenizer.decode(ids))
    return dict(prompt=prompt, continuation=ids[len(prompt):])


golden = dict(stories260K=stories(), tinyStories656K=tiny_stories())
target.write_text(json.dumps(golden).replace(', "', ',\n"') + "\n")
