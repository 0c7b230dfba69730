"""Sentences to be found again in a text that is about something else."""

from random import Random

from .. import names
from ..lesson import Lesson, digits, distinct, hexes, key, questions, some
from ..prose import haystack, noise, pick, scatter
from ..words import NOUNS


def value(rng: Random) -> str:
    roll = rng.random()
    if roll < 0.7:
        return digits(rng, 7)
    return digits(rng, 4 + int(rng.random() * 3)) if roll < 0.8 else pick(rng, NOUNS) if roll < 0.9 else hexes(rng)


def needle(key: str, value: str) -> str:
    return f"The special magic number for {key} is {value}."


def niah(rng: Random, size: int) -> Lesson:
    """Needles under different keys: one, some, or nothing but needles."""
    density = rng.choice((0.0, 0.0, 0.1, 0.25, 0.6, 1.0))
    count = max(1, int(size * density / 18)) if density else 1 + int(rng.random() * 3)
    keys = distinct(lambda: key(rng), count)
    pairs = [(k, value(rng)) for k in keys]
    needles = [needle(*p) for p in pairs]
    if density == 1.0:
        text = ("\n" if rng.random() < 0.5 else " ").join(needles)
    else:
        text = scatter(rng, haystack(rng, int(size * (1 - density))), needles)
    return Lesson(text, [(f"What is the special magic number for {k}?", needle(k, v))
                         for k, v in some(rng, pairs, questions(size))])


def multivalue(rng: Random, size: int) -> Lesson:
    keys = distinct(lambda: key(rng), 1 + int(rng.random() * max(1, min(6, size // 150))))
    needles, held = [], {k: [] for k in keys}
    for k in rng.sample(keys * 5, len(keys) * (2 + int(rng.random() * 3))):
        v = value(rng)
        held[k].append(v)
        needles.append(needle(k, v))
    text = scatter(rng, haystack(rng, size), needles)
    return Lesson(text, [(f"What are all the special magic numbers for {k}?",
                          f"The special magic numbers for {k} are {', '.join(v)}.")
                         for k, v in some(rng, list(held.items()), 6) if len(v) > 1] or
                  [(f"What is the special magic number for {k}?", needle(k, v[0])) for k, v in held.items() if len(v) == 1])


def multiquery(rng: Random, size: int) -> Lesson:
    keys = distinct(lambda: key(rng), 3 + int(rng.random() * max(2, min(20, size // 100))))
    pairs = [(k, value(rng)) for k in keys]
    text = scatter(rng, haystack(rng, size), [needle(*p) for p in pairs])
    asked = []
    for _ in range(min(6, 1 + size // 300)):
        chosen = some(rng, pairs, 2 + int(rng.random() * 4))
        listed = ", ".join(k for k, _ in chosen[:-1]) + f" and {chosen[-1][0]}"
        asked.append((f"What are the special magic numbers for {listed}?",
                      f"The special magic numbers are {', '.join(f'{k}: {v}' for k, v in chosen)}."))
    return Lesson(text, asked)


def multi_needle(rng: Random, size: int) -> Lesson:
    left = [(names.person(rng), pick(rng, NOUNS), names.town(rng)) for _ in range(2 + int(rng.random() * 6))]
    text = scatter(rng, haystack(rng, size), [f"{p} left the {n} in {t}." for p, n, t in left])
    return Lesson(text, [("Who left what, and where? List all.", "\n".join(f"{p}: the {n}, {t}" for p, n, t in left))],
                  alone=True)


def passkey(rng: Random, size: int) -> Lesson:
    v = digits(rng, 5)
    hay = noise(max(1, size // 5)) if rng.random() < 0.8 else haystack(rng, size)
    text = scatter(rng, hay, [f"The pass key is {v}. Remember it. {v} is the pass key."])
    return Lesson(text, [("What is the pass key?", f"The pass key is {v}.")], alone=True)


def lines(rng: Random, size: int) -> Lesson:
    pairs = [(k, digits(rng, 5)) for k in distinct(lambda: key(rng), max(2, size // 19))]
    text = "\n".join(f"line {k}: REGISTER_CONTENT is <{v}>" for k, v in pairs)
    return Lesson(text, [(f"What is the REGISTER_CONTENT in line {k}?", f"The REGISTER_CONTENT in line {k} is <{v}>.")
                         for k, v in some(rng, pairs, questions(size))])
