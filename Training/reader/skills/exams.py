"""Exams to mark, characters to look at, words to write."""

from random import Random

from .. import names
from ..lesson import Lesson, distinct, some
from ..prose import article, haystack, pick, scatter
from ..words import ADJECTIVES, NOUNS


def larger(rng: Random) -> tuple[str, bool]:
    a, b = int(rng.random() * 90) + 10, int(rng.random() * 90) + 10
    return f"{a} is larger than {b}.", a > b


# Nouns that are colours too are never asked about.
THINGS = [n for n in NOUNS if n not in {"silver", "rose", "olive", "lime", "plum", "peach", "lemon", "mint", "pearl", "sand", "wine"}]


def colour(rng: Random) -> tuple[str, bool]:
    word = pick(rng, names.COLOURS) if rng.random() < 0.5 else pick(rng, THINGS)
    return f"{word} is a colour.", word in names.COLOURS


def animal(rng: Random) -> tuple[str, bool]:
    word = pick(rng, names.ANIMALS) if rng.random() < 0.5 else pick(rng, names.TRADES)
    return f"{word} is an animal.", word in names.ANIMALS


def even(rng: Random) -> tuple[str, bool]:
    n = int(rng.random() * 900) + 100
    return f"{n} is even.", n % 2 == 0


TASKS = [larger, colour, animal, even]
INSTRUCTION = "Each item has an answer, yes or no. Some answers are wrong."
ASKS = "Which numbers have a wrong answer?"


def exam(rng: Random, size: int, way: str) -> Lesson:
    tasks = TASKS if way == "limt" else [pick(rng, TASKS)]
    lines, wrong = [], []
    count = max(4, size // (26 if way != "gist" else 16))
    flaws = set(rng.sample(range(count), max(1, min(10, count // 10))))
    for index in range(count):
        statement, holds = pick(rng, tasks)(rng)
        if index in flaws:
            wrong.append(str(index + 1))
            holds = not holds
        local = " Is this true?" if way != "gist" else ""
        lines.append(f"{index + 1}. {statement}{local} Answer: {'yes' if holds else 'no'}")
    return Lesson(INSTRUCTION + "\n" + "\n".join(lines), [(ASKS, ", ".join(wrong))], alone=True)


def gist(rng: Random, size: int) -> Lesson:
    return exam(rng, size, "gist")


def listed(rng: Random, size: int) -> Lesson:
    return exam(rng, size, "list")


def limt(rng: Random, size: int) -> Lesson:
    return exam(rng, size, "limt")


def chars(rng: Random, size: int) -> Lesson:
    words = distinct(lambda: pick(rng, NOUNS), max(4, min(300, size // 3)))
    asked = []
    for word in some(rng, words, 8):
        c, at = pick(rng, word), int(rng.random() * len(word))
        way = int(rng.random() * 3)
        if way == 0:
            asked.append((f'How many times does "{c}" occur in "{word}"?', str(word.count(c))))
        elif way == 1:
            asked.append((f'At which position is the first "{c}" in "{word}"?', str(word.index(c) + 1)))
        else:
            asked.append((f'Which character is at position {at + 1} of "{word}"?', word[at]))
    return Lesson(", ".join(words), asked)


def written(rng: Random, noun: str, count: int) -> str:
    """Exactly so many words about a thing."""
    words: list[str] = []
    while len(words) < count:
        words += f"The {noun} is {pick(rng, ADJECTIVES)}. It stands near {article(pick(rng, NOUNS))}.".split(" ")
    return " ".join(words[:count]).rstrip(".") + "."


def words(rng: Random, size: int) -> Lesson:
    asked = []
    for _ in range(3):
        n, noun = rng.choice((5, 10, 15, 20, 30, 40, 50)), pick(rng, NOUNS)
        asked.append((f"Write exactly {n} words about {noun}.", written(rng, noun, n)))
    return Lesson(scatter(rng, haystack(rng, size), []), asked)
