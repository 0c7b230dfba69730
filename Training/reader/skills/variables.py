"""Variables: chains of assignments, values that change, programs to follow."""

from random import Random

from ..lesson import Lesson, digits, distinct, questions, some
from ..prose import haystack, pick, scatter
from ..words import NOUNS

LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"


def name(rng: Random) -> str:
    return "".join(pick(rng, LETTERS) for _ in range(3))


def variables(rng: Random, size: int) -> Lesson:
    chains = 1 + int(rng.random() * max(1, min(8, size // 120)))
    hops = 1 + int(rng.random() * 4)
    ids = distinct(lambda: name(rng), chains * (hops + 1))
    values = distinct(lambda: digits(rng, 5), chains)
    made = [ids[i * (hops + 1):(i + 1) * (hops + 1)] for i in range(chains)]
    queues = [[f"VAR {c[0]} = {v}."] + [f"VAR {b} = VAR {a}." for a, b in zip(c, c[1:])] for c, v in zip(made, values)]
    needles = []
    while queues:
        queue = queues[int(rng.random() * len(queues))]
        needles.append(queue.pop(0))
        queues = [q for q in queues if q]
    text = scatter(rng, haystack(rng, max(10, size - 12 * len(needles))), needles)
    asked = [(f"Which variables have the value {v}?", ", ".join(c)) for c, v in zip(made, values)]
    return Lesson(text, some(rng, asked, questions(size)))


def latest(rng: Random, size: int) -> Lesson:
    count = 1 + int(rng.random() * max(2, min(25, size // 60)))
    ids = distinct(lambda: pick(rng, NOUNS), count)
    needles, now = [], {}
    for _ in range(count * (2 + int(rng.random() * 3))):
        k, v = pick(rng, ids), digits(rng, 2 + int(rng.random() * 3))
        needles.append(f"{k} = {v}" if k not in now or rng.random() < 0.3 else f"{k} is now {v}.")
        now[k] = v
    hay = haystack(rng, max(10, size - 10 * len(needles)))
    text = scatter(rng, hay, needles) if rng.random() < 0.6 else "\n".join(needles)
    return Lesson(text, [(f"What is the last value of {k}?", f"The last value of {k} is {v}.")
                         for k, v in some(rng, list(now.items()), questions(size))])


def trace(rng: Random, size: int) -> Lesson:
    """A short program; the answer says each assigned value, line after line."""
    ids = distinct(lambda: pick(rng, "abcdefghijkmnpqrstuvwxyz"), 2 + int(rng.random() * 4))
    now: dict[str, int] = {}
    code, said = [], []
    for _ in range(3 + int(rng.random() * max(2, min(12, size // 20)))):
        target, known = pick(rng, ids), list(now)
        roll = rng.random()
        if not known or roll < 0.25:
            v = 1 + int(rng.random() * 9)
            code.append(f"{target} = {v}")
        else:
            a, other = pick(rng, known), 1 + int(rng.random() * 9)
            if roll < 0.65:
                b = pick(rng, known) if rng.random() < 0.3 else None
                v = now[a] + (now[b] if b else other)
                code.append(f"{target} = {a} + {b or other}")
            elif now[a] > other:
                v = now[a] - other
                code.append(f"{target} = {a} - {other}")
            else:
                v = now[a]
                code.append(f"{target} = {a}")
        if v > 99:
            code.pop()
            continue
        now[target] = v
        said.append(f"{target} = {v}")
    return Lesson("\n".join(code), [("Write the value of each variable after each line.", "\n".join(said))], alone=True)
