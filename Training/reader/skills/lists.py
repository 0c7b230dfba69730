"""Lists: counting, sorting, the most common."""

from random import Random

from .. import names
from ..lesson import Lesson, digits, distinct, some
from ..prose import article, haystack, pick, scatter
from ..words import NOUNS


def common_words(rng: Random, size: int) -> Lesson:
    total = max(24, size // 5)
    often = distinct(lambda: pick(rng, NOUNS), 5)
    # Frequencies differ, so that their order is one.
    times = sorted(rng.sample(range(max(3, total // 16), max(10, total // 7)), 5), reverse=True)
    words = [w for w, n in zip(often, times) for _ in range(n)]
    others = [w for w in distinct(lambda: pick(rng, NOUNS), min(300, total)) if w not in often]
    rest = total - len(words)
    words += (others * 2)[:max(4, rest)] if rest > len(others) else others[:max(4, rest)]
    rng.shuffle(words)
    text = " ".join(f"{i + 1}. {w}" for i, w in enumerate(words))
    return Lesson(text, [("Which 5 words are most common in the list?", ", ".join(often))], alone=True)


def frequent_words(rng: Random, size: int) -> Lesson:
    total = max(20, size // 4)
    coded = distinct(lambda: "".join(pick(rng, "abcdefghijklmnopqrstuvwxyz") for _ in range(5)), max(6, min(60, total // 8)))
    shares = [1 / (i + 1) ** 1.5 for i in range(len(coded))]
    times = [max(1, round(total * share / sum(shares))) for share in shares]
    for i in (2, 1, 0):  # no two of the first four are equally frequent
        times[i] = max(times[i], times[i + 1] + 1)
    words = [w for w, n in zip(coded, times) for _ in range(n)]
    rng.shuffle(words)
    return Lesson(" ".join(words), [("Which 3 coded words appear most often?", ", ".join(coded[:3]))], alone=True)


def count(rng: Random, size: int) -> Lesson:
    pairs = distinct(lambda: (pick(rng, names.FIRST_NAMES), pick(rng, names.ANIMALS)), 1 + int(rng.random() * 4))
    times = {p: 1 + int(rng.random() * 10) for p in pairs}
    needles = [f"{who} saw {article(animal)}." for (who, animal), k in times.items() for _ in range(k)]
    rng.shuffle(needles)
    text = scatter(rng, haystack(rng, max(10, size - 7 * len(needles))), needles)
    return Lesson(text, [(f"How many times did {who} see {article(animal)}?", str(k))
                         for (who, animal), k in times.items()])


def sort(rng: Random, size: int) -> Lesson:
    many = 3 + int(rng.random() * max(2, min(14, size // 30)))
    if rng.random() < 0.5:
        items = distinct(lambda: digits(rng, 2 + int(rng.random() * 2)), many)
        question, answer = "Sort the numbers from small to large.", sorted(items, key=int)
        says = "The number {v} stood on the list."
    else:
        items = distinct(lambda: pick(rng, names.FIRST_NAMES), many)
        question, answer = "Sort the names alphabetically.", sorted(items)
        says = "{v} was on the list."
    if size > 200 or rng.random() < 0.3:
        text = scatter(rng, haystack(rng, max(10, size - 9 * many)), [says.format(v=v) for v in items])
    else:
        text = ", ".join(items)
    return Lesson(text, [(question, ", ".join(answer))], alone=True)


def icl(rng: Random, size: int) -> Lesson:
    """Made-up words with labels, which the ending of the word decides; many examples."""
    endings = distinct(lambda: pick(rng, "bdfgklmnprstvz") + pick(rng, "aeiou") + pick(rng, "bdfgklmnprstvz"),
                       2 + int(rng.random() * max(2, min(60, size // 40))))
    labels = dict(zip(endings, distinct(lambda: pick(rng, NOUNS), len(endings))))

    def word(ending: str) -> str:
        return "".join(pick(rng, "bcdfghjklmnprstvw") + pick(rng, "aeiou") for _ in range(1 + int(rng.random() * 2))) + ending

    lines, kinds = [], list(labels)
    for index in range(max(2 * len(kinds), size // 9)):
        ending = kinds[index] if index < len(kinds) else pick(rng, kinds)
        lines.append(f"{word(ending)}: {labels[ending]}")
    rng.shuffle(lines)
    asked = []
    for ending in rng.choices(kinds, k=min(12, len(kinds))):
        asked.append((f"{word(ending)}:", labels[ending]))
    return Lesson("\n".join(lines), asked, alone=True)
