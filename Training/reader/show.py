"""Prints training rows, to see the world."""

import argparse
from random import Random

from .chat import example
from .skills import NAMES

if __name__ == "__main__":
    p = argparse.ArgumentParser(description=__doc__)
    p.add_argument("--seed", type=int, default=1)
    p.add_argument("--tokens", type=int, default=150, help="of the document, about")
    p.add_argument("--skill", choices=NAMES)
    p.add_argument("--rows", type=int, default=1)
    a = p.parse_args()
    rng = Random(a.seed)
    for _ in range(a.rows):
        pieces, _ = example(rng, a.tokens, a.skill)
        print("".join(text for text, _ in pieces))
