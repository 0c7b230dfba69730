"""Scores a multiple-choice task with lm-evaluation-harness on transformers and on `apus serve`, and compares the two.

    pip install "lm_eval[api]" torch transformers gguf
    python3 Tests/Clients/harness_scores.py --model FOLDER [--apus .build/release/apus]
    python3 Tests/Clients/harness_scores.py --gguf stories260K.gguf --sentencepiece tok512.model

FOLDER is a Hugging Face checkpoint with tokenizer.json; `--gguf` makes one of a Llama whose tokenizer is SentencePiece's.
The task is made here: short stories and four endings, which the harness asks for as log-likelihoods of
`local-completions`. Prints both scores and the largest difference of a log-likelihood. The exit status is 1 when the
scores differ by more than 0.1 points.
"""

import argparse
import json
import os
import pathlib
import random
import shutil
import sys
import tempfile

os.environ.setdefault("HF_HUB_OFFLINE", "1")
os.environ.setdefault("HF_DATASETS_OFFLINE", "1")

import lm_eval
import torch
from lm_eval.tasks import TaskManager
from transformers import AutoConfig, AutoModelForCausalLM, LlamaTokenizerFast

from run import model_name, start

NAMES = ["Lily", "Tom", "Sue", "Ben", "Anna", "Max", "Mia", "Tim"]
COLOURS = ["red", "blue", "big", "small", "green", "pretty", "old", "soft"]
THINGS = ["ball", "dog", "cat", "bird", "car", "tree", "flower", "box", "boat", "bear", "cake", "hat"]
PLACES = ["park", "garden", "house", "woods", "beach", "store"]
OPENINGS = ["One day, {name} went to the {place} with {list}. {name} liked the {thing} best.",
            "Once upon a time, {name} had {list}. The {thing} was very {colour}. {name} was at the {place}.",
            "{name} saw {list} in the {place}. \"Mom, can I have the {thing}?\" asked {name}."]
ENDINGS = ["{name} played with the {thing}", "Then {name} took the {thing} home", "They all wanted to see the {thing}"]
TASK = """task: short_stories
dataset_path: json
dataset_kwargs: {{data_files: {{validation: {file}}}}}
validation_split: validation
output_type: multiple_choice
doc_to_text: "{{{{text}}}}"
doc_to_choice: "{{{{choices}}}}"
doc_to_target: "{{{{label}}}}"
metric_list: [{{metric: acc}}, {{metric: acc_norm}}]
"""


def stories(count):
    rng = random.Random(7)
    for _ in range(count):
        words = {"name": rng.choice(NAMES), "colour": rng.choice(COLOURS), "place": rng.choice(PLACES)}
        things = rng.sample(THINGS, 4)
        label = rng.randrange(4)
        listed = ", ".join(f"a {thing}" for thing in things[:3]) + f" and a {things[3]}"
        text = rng.choice(OPENINGS).format(thing=things[label], list=listed, **words)
        ending = rng.choice(ENDINGS)
        choices = [ending.format(thing=thing, **words) + "." for thing in things]
        yield {"text": text, "choices": choices, "label": label}


def checkpoint(gguf, sentencepiece, folder):
    """The same weights as a folder that both programs read."""
    path = pathlib.Path(gguf).resolve()
    source = {"pretrained_model_name_or_path": path.parent, "gguf_file": path.name}
    config = AutoConfig.from_pretrained(**source)
    config.pad_token_id = None  # Some files have one beyond the vocabulary.
    model = AutoModelForCausalLM.from_pretrained(**source, config=config, dtype=torch.float32)
    plain = AutoModelForCausalLM.from_config(config, dtype=torch.float32)
    plain.load_state_dict(model.state_dict())
    plain.save_pretrained(folder)
    shutil.copy(sentencepiece, folder / "tokenizer.model")
    LlamaTokenizerFast.from_pretrained(folder).save_pretrained(folder)
    return str(folder)


def score(tasks, backend, **arguments):
    """The results and the log-likelihoods of all endings."""
    outcome = lm_eval.simple_evaluate(
        backend, model_args=arguments, tasks=["short_stories"], task_manager=tasks, batch_size=8, bootstrap_iters=0)
    samples = sorted(outcome["samples"]["short_stories"], key=lambda sample: sample["doc_id"])
    values = [float(value[0]) for sample in samples for value in sample["filtered_resps"]]
    results = outcome["results"]["short_stories"]
    return {name: 100 * results[name + ",none"] for name in ("acc", "acc_norm")}, values


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    source = parser.add_mutually_exclusive_group(required=True)
    source.add_argument("--model", help="a Hugging Face folder")
    source.add_argument("--gguf", help="a GGUF file; with --sentencepiece")
    parser.add_argument("--sentencepiece", help="the tokenizer of the GGUF file")
    parser.add_argument("--apus", default=".build/release/apus")
    parser.add_argument("--stories", type=int, default=1000)
    parser.add_argument("flags", nargs="*", help="more flags of apus serve, after --")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        model = options.model or checkpoint(options.gguf, options.sentencepiece, folder / "model")
        lines = [json.dumps(story) + "\n" for story in stories(options.stories)]
        (folder / "stories.jsonl").write_text("".join(lines))
        (folder / "short_stories.yaml").write_text(TASK.format(file=folder / "stories.jsonl"))
        tasks = TaskManager(include_path=str(folder), include_defaults=False)
        expected, likelihoods = score(tasks, "hf", pretrained=model, dtype="float32", device="cpu")
        server, address = start(options.apus, ["-m", model, "--log-level", "warning", *options.flags])
        try:
            measured, others = score(
                tasks, "local-completions", base_url=address + "/v1/completions", model=model_name(address, "none"),
                tokenizer=model, tokenizer_backend="huggingface", num_concurrent=4, max_length=512)
        finally:
            server.terminate()
            server.wait(60)
    largest = max(abs(a - b) for a, b in zip(likelihoods, others, strict=True))
    for name in expected:
        print(f"{name:9} transformers {expected[name]:6.2f}, Apus {measured[name]:6.2f}")
    print(f"{len(likelihoods)} log-likelihoods, largest difference {largest:.2g}")
    return 1 if any(abs(expected[name] - measured[name]) > 0.1 for name in expected) else 0


if __name__ == "__main__":
    sys.exit(main())
