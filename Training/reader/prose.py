"""Sentences that state nothing anyone asks about, of a small grammar with many words."""

from random import Random

from . import names
from .words import ADJECTIVES, DID, DID_TO, NOUNS, WHEN, WHERE, WHO

NOISE = "The grass is green. The sky is blue. The sun is yellow. Here we go. There and back again."


def pick(rng: Random, words: list[str]) -> str:
    return words[int(rng.random() * len(words))]


def article(word: str) -> str:
    return f"an {word}" if word[0] in "aeiou" else f"a {word}"


def capital(text: str) -> str:
    return text[0].upper() + text[1:]


def sentence(rng: Random) -> str:
    shape = int(rng.random() * 10)
    noun, adjective = pick(rng, NOUNS), pick(rng, ADJECTIVES)
    if shape == 0:
        return f"The {adjective} {noun} {pick(rng, DID)} {pick(rng, WHERE)} the {pick(rng, NOUNS)} {pick(rng, WHEN)}."
    if shape == 1:
        return f"{capital(pick(rng, WHO))} {pick(rng, DID_TO)} {article(adjective)} {noun} {pick(rng, WHEN)}."
    if shape == 2:
        return f"{capital(pick(rng, WHEN))}, the {noun} {pick(rng, DID)} {pick(rng, WHERE)} the {pick(rng, ADJECTIVES)} {pick(rng, NOUNS)}."
    if shape == 3:
        return f"Nobody {pick(rng, DID_TO)} the {adjective} {noun}, and {pick(rng, WHO)} {pick(rng, DID)} {pick(rng, WHEN)}."
    if shape == 4:
        return f"It was {article(adjective)} {noun}, {pick(rng, ADJECTIVES)} and {pick(rng, ADJECTIVES)}."
    if shape == 5:
        return f"{capital(pick(rng, WHO))} {pick(rng, DID)} {pick(rng, WHERE)} the {noun} and {pick(rng, DID_TO)} the {pick(rng, NOUNS)}."
    if shape == 6:
        return f"There was {article(adjective)} {noun} {pick(rng, WHERE)} the {pick(rng, NOUNS)}."
    if shape == 7:
        return f"The {noun} of {pick(rng, names.FIRST_NAMES)} {pick(rng, names.LAST_NAMES)} {pick(rng, DID)} {pick(rng, WHEN)}."
    if shape == 8:
        return f"In {names.town(rng)} {pick(rng, WHO)} {pick(rng, DID_TO)} the {noun}."
    return f"The {noun} was {adjective}, but the {pick(rng, NOUNS)} {pick(rng, DID)}."


def noise(count: int) -> list[str]:
    five = NOISE.split(". ")
    return [five[i % 5].rstrip(".") + "." for i in range(count)]


def haystack(rng: Random, tokens: int, kind: str | None = None) -> list[str]:
    """Filler sentences of roughly so many tokens."""
    kind = kind or ("noise" if rng.random() < 0.15 else "prose")
    return noise(max(1, tokens // 5)) if kind == "noise" else [sentence(rng) for _ in range(max(1, tokens // 12))]


def scatter(rng: Random, hay: list[str], needles: list[str]) -> str:
    """Filler with the needles between its sentences, in their order, as paragraphs or as one text."""
    places = sorted(int(rng.random() * (len(hay) + 1)) for _ in needles)
    at: dict[int, list[str]] = {}
    for place, needle in zip(places, needles):
        at.setdefault(place, []).append(needle)
    size = 4 + int(rng.random() * 8)
    join = "\n" if rng.random() < 0.6 else "\n\n" if rng.random() < 0.3 else " "
    lines: list[str] = []
    current: list[str] = []
    for index in range(len(hay) + 1):
        current += at.get(index, ())
        if index < len(hay):
            current.append(hay[index])
        if len(current) >= size:
            lines.append(" ".join(current))
            current = []
    if current:
        lines.append(" ".join(current))
    return join.join(lines)
