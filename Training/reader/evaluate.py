"""Asks the reader questions about documents of seeds it never saw, and counts the answers that are exactly right.

An answer counts when the greedy reply, stripped of spaces at its ends, equals the expected sentence. `value` counts
replies that hold the asked-for value, whatever their wording.
"""

import argparse
import json
from collections import defaultdict
from pathlib import Path
from random import Random

import torch

from .chat import END, STOP, prompt
from .export import load, rounded
from .kinds import KINDS
from .world import ABSENT, REVERSED, STATED, UNSTATED, document

SEED = 900_000_000
LENGTHS = (60, 120, 250, 500, 1000)  # of the document, in tokens, about


def main() -> None:
    p = argparse.ArgumentParser(description=__doc__)
    p.add_argument("--out", type=Path, default=Path("build"))
    p.add_argument("--per-cell", type=int, default=40, help="questions for each kind of document and each length")
    p.add_argument("--lengths", type=int, nargs="+", default=LENGTHS)
    p.add_argument("--threads", type=int, default=1)
    p.add_argument("--show", type=int, default=0, help="print that many wrong answers")
    a = p.parse_args()
    torch.set_num_threads(a.threads)
    model, tokenizer = load(a.out)
    model = rounded(model)
    stop = {tokenizer.token_to_id(STOP), tokenizer.token_to_id(END)}
    scores: dict[str, dict[str, list[tuple[bool, bool]]]] = defaultdict(lambda: defaultdict(list))
    shown = 0
    for size in a.lengths:
        for kind in (*KINDS, None):
            rng = Random(f"{SEED} {size} {kind.key if kind else 'mixed'}")
            for index in range(a.per_cell // (1 if kind else 2)):
                made = document(rng, size, kind)
                relation = (STATED, STATED, STATED, STATED, STATED, STATED, REVERSED, REVERSED, UNSTATED, ABSENT)[index % 10]
                question = made.question(rng, relation)
                ids = tokenizer.encode(prompt(made.text, question.text)).ids
                if len(ids) > model.config.context - 48:
                    continue
                said = tokenizer.decode(model.greedy(ids, stop)).strip()
                marks = (said == question.answer, question.value in said)
                for group, key in (("relation", question.relation), ("length", str(size)), ("all", "all"),
                                   ("stated by length", f"{size} {question.relation == STATED}"),
                                   ("document", kind.key if kind else "mixed")):
                    scores[group][key].append(marks)
                if question.relation == STATED:
                    scores["stated, by kind"][question.kind].append(marks)
                if not marks[0] and shown < a.show:
                    shown += 1
                    print(f"{size} {question.relation} {question.kind}: {question.text}\n  wanted {question.answer}\n  said   {said}")
        print(f"... {size}", {k: f"{100 * sum(m[0] for m in v) / len(v):.1f}" for k, v in scores["all"].items()}, flush=True)
    result = {group: {key: {"exact": round(sum(m[0] for m in marks) / len(marks), 4),
                            "value": round(sum(m[1] for m in marks) / len(marks), 4), "count": len(marks)}
                      for key, marks in table.items()} for group, table in scores.items()}
    (a.out / "accuracy.json").write_text(json.dumps(result, indent=2) + "\n")
    for group, table in result.items():
        print(f"\n| {group} | exact | value | questions |\n| --- | --- | --- | --- |")
        for key, row in table.items():
            print(f"| {key} | {100 * row['exact']:.1f} % | {100 * row['value']:.1f} % | {row['count']} |")


if __name__ == "__main__":
    main()
