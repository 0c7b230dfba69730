"""Random words that teach nothing but to look back."""

from random import Random

from ..lesson import Lesson, distinct, hexes, some
from ..prose import pick
from ..words import ADJECTIVES, NOUNS


def copying(rng: Random, size: int) -> Lesson:
    """Short pairs of which the keys come again, and runs to repeat."""
    roll = rng.random()
    if roll < 0.4:
        words = [pick(rng, NOUNS) for _ in range(max(6, min(120, size // 2)))]
        run = " ".join(words)
        return Lesson(run, [("Repeat the text.", run)], alone=True)
    make = (lambda: pick(rng, NOUNS)) if roll < 0.7 else (lambda: f"{pick(rng, ADJECTIVES)} {pick(rng, NOUNS)}") if roll < 0.85 else (lambda: hexes(rng, 4))
    keys = distinct(make, max(2, min(400, size // 6)))
    pairs = [(k, make()) for k in keys]
    return Lesson("\n".join(f"{k} = {v}" for k, v in pairs), [(f"{k} =", v) for k, v in some(rng, pairs, min(40, 4 + size // 60))],
                  alone=True)
