"""Asks the same questions of the same GGUF file in Apus and in llama-cpp-python, and compares the greedy answers.

Where they part, llama.cpp's logits say by how little: its own token's above that of Apus's.
"""

import argparse
import subprocess
from pathlib import Path

import numpy as np
from llama_cpp import Llama

from .chat import STOP, prompt
from .evaluate import OMITTED, answers, case, request, request_line
from .rows import Encoder
from .skills import NAMES


class Other:
    def __init__(self, model: Path, context: int, threads: int):
        self.llama = Llama(str(model), n_ctx=context, n_threads=threads, n_threads_batch=threads, flash_attn=True,
                           logits_all=False, verbose=False)
        self.stop = self.llama.tokenize(STOP.encode(), add_bos=False, special=True)[0]

    def answer(self, text: str, limit: int) -> tuple[list[int], list[np.ndarray]]:
        """The greedy tokens, and the logits each was picked from."""
        llama = self.llama
        llama.reset()
        llama.eval(llama.tokenize(text.encode(), add_bos=False, special=True))
        said, logits = [], []
        while len(said) < limit:
            logits.append(np.array(llama._ctx.get_logits_ith(-1)[:llama.n_vocab()]))
            best = int(logits[-1].argmax())
            if best == self.stop:
                break
            said.append(best)
            llama.eval([best])
        return said, logits


def main() -> None:
    p = argparse.ArgumentParser(description=__doc__)
    p.add_argument("--out", type=Path, default=Path("build"))
    p.add_argument("--apus", default="../.build/release/apus")
    p.add_argument("--model", type=Path, default=Path("../Sources/Apus/Resources/reader.gguf"))
    p.add_argument("--cases", type=int, default=200)
    p.add_argument("--lengths", type=int, nargs="+", default=(256, 512, 1024, 2048))
    p.add_argument("--threads", type=int, default=2)
    a = p.parse_args()
    encoder, skills = Encoder(a.out / "tokenizer.json"), [n for n in NAMES if n not in OMITTED]
    cases = {}
    for index in range(a.cases):
        skill, length = skills[index % len(skills)], a.lengths[index % len(a.lengths)]
        text, question, answer = case(encoder, skill, length, 1000 + index)
        cases[f"{index} {skill} {length}"] = (f"{text}\n\n{question}", prompt(text, question), len(encoder.encode(answer)) + 8)
    asked, answered = a.out / "agree.jsonl", a.out / "agreed.jsonl"
    answered.unlink(missing_ok=True)
    asked.write_text("".join(request_line(name, request(message, limit)) for name, (message, _, limit) in cases.items()))
    subprocess.run([a.apus, "batch", asked, answered, "-m", a.model, "-t", str(a.threads)], check=True)
    ours = answers(answered)
    other, equal = Other(a.model, max(a.lengths) + 512, a.threads), 0
    for name, (_, rendered, limit) in cases.items():
        said, logits = other.answer(rendered, limit)
        theirs = encoder.tokenizer.decode(said)
        if theirs == ours[name]:
            equal += 1
            continue
        # Their next token against ours, at the first place where the texts part.
        tokens = encoder.encode(ours[name])
        at = next((i for i, (x, y) in enumerate(zip(said, tokens)) if x != y), min(len(said), len(tokens)))
        mine = tokens[at] if at < len(tokens) else other.stop
        row = logits[min(at, len(logits) - 1)]
        print(f"{name}: token {at}, by {row.max() - row[mine]:.3f} of logits with deviation {row.std():.2f}\n"
              f"  Apus      {ours[name]!r}\n  llama.cpp {theirs!r}")
    print(f"{equal} of {len(cases)} answers are equal")


if __name__ == "__main__":
    main()
