"""Answers questions about a document with the rounded weights of the GGUF file: `ask DOCUMENT QUESTION...`."""

import argparse
from pathlib import Path

from .chat import END, STOP, prompt
from .export import load, rounded

if __name__ == "__main__":
    p = argparse.ArgumentParser(description=__doc__)
    p.add_argument("document", type=Path)
    p.add_argument("questions", nargs="+")
    p.add_argument("--out", type=Path, default=Path("build"))
    p.add_argument("--system")
    a = p.parse_args()
    model, tokenizer = load(a.out)
    model = rounded(model)
    stop = {tokenizer.token_to_id(STOP), tokenizer.token_to_id(END)}
    text = a.document.read_text().strip()
    for question in a.questions:
        ids = tokenizer.encode(prompt(text, question, a.system)).ids
        print(f"[{len(ids)}] {question}\n  {tokenizer.decode(model.greedy(ids, stop))}")
