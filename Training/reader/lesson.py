"""A lesson: a document, and questions whose answers follow from it alone."""

from dataclasses import dataclass, field
from random import Random
from typing import Callable

from .prose import pick
from .words import ADJECTIVES, NOUNS


@dataclass
class Lesson:
    text: str
    asked: list[tuple[str, str]]  # question, answer
    alone: bool = False  # its questions make no sense beside another document
    skill: str = field(default="", compare=False)


# Makes a lesson with a document of roughly so many tokens.
Skill = Callable[[Random, int], Lesson]


def digits(rng: Random, count: int) -> str:
    return str(10 ** (count - 1) + int(rng.random() * 9 * 10 ** (count - 1)))


def hexes(rng: Random, count: int = 8) -> str:
    return f"{int(rng.random() * 16 ** count):0{count}x}"


def key(rng: Random) -> str:
    return f"{pick(rng, ADJECTIVES)}-{pick(rng, NOUNS)}"


def distinct(make: Callable[[], str], count: int) -> list[str]:
    """So many different values, in the order they were made; fewer where there are no more."""
    found: dict[str, None] = {}
    for _ in range(20 * count):
        if len(found) == count:
            break
        found[make()] = None
    return list(found)


def some(rng: Random, items: list, count: int) -> list:
    """A sample, in random order, of at most so many."""
    return rng.sample(items, min(count, len(items)))


def questions(size: int) -> int:
    """How many questions to ask about a document of so many tokens: enough that most of it is asked about."""
    return min(80, 6 + size // 60)
