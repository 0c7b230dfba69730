"""Keys and values, chains of them, and tables."""

from random import Random

from .. import names
from ..lesson import Lesson, digits, distinct, hexes, key, questions, some
from ..prose import haystack, pick
from ..words import NOUNS


def as_json(pairs: list[tuple[str, str]]) -> str:
    return "{\n" + ",\n".join(f'"{k}": "{v}"' for k, v in pairs) + "\n}"


def kv(rng: Random, size: int) -> Lesson:
    count = max(2, size // 24)
    kind = rng.random()
    make = (lambda: hexes(rng)) if kind < 0.7 else (lambda: key(rng)) if kind < 0.85 else (lambda: digits(rng, 6))
    keys = distinct(make, count)
    pairs = [(k, make()) for k in keys]
    return Lesson(as_json(pairs), [(f'What is the value of "{k}"?', f'"{v}"') for k, v in some(rng, pairs, questions(size))])


def chains(rng: Random, size: int) -> tuple[list[tuple[str, str]], list[list[str]]]:
    """Pairs in random order, and the chains that some of them make: each value is the key of the next pair."""
    kind = rng.random()
    make = (lambda: hexes(rng)) if kind < 0.75 else (lambda: key(rng))
    count = max(3, size // 24)
    ids = distinct(make, count * 2 + 12)
    made, pairs = [], []
    while len(pairs) < count and len(ids) > 10:
        hops = 2 + int(rng.random() * 7) if len(made) < max(3, count // 8) else 1
        chain = [ids.pop() for _ in range(hops + 1)]
        if hops > 1:
            made.append(chain)
        pairs += list(zip(chain, chain[1:]))
    rng.shuffle(pairs)
    return pairs, made


FOLLOW = "Take each value as the next key and follow it until there is none."


def thread(rng: Random, size: int) -> Lesson:
    pairs, made = chains(rng, size)
    return Lesson(as_json(pairs), [(f'Start at "{c[0]}". {FOLLOW}', " -> ".join(c)) for c in some(rng, made, 8)])


def thread_back(rng: Random, size: int) -> Lesson:
    pairs, made = chains(rng, size)
    return Lesson(as_json(pairs), [
        (f'Start at the value "{c[-1]}". Find its key, take the key as the next value and follow it until there is none.',
         " -> ".join(reversed(c))) for c in some(rng, made, 8)])


def multi_thread(rng: Random, size: int) -> Lesson:
    pairs, made = chains(rng, size)
    asked = []
    for _ in range(3):
        chosen = some(rng, made, 3)
        asked.append((f"Start at each of {', '.join(chr(34) + c[0] + chr(34) for c in chosen)}. {FOLLOW}",
                      "\n".join(" -> ".join(c) for c in chosen)))
    return Lesson(as_json(pairs), asked)


COLUMNS = {"ship": names.ship, "captain": names.person, "port": names.town, "cargo": lambda r: pick(r, names.CARGOES),
           "crew": lambda r: digits(r, 2), "day": lambda r: pick(r, names.DAYS), "item": lambda r: pick(r, NOUNS),
           "price": lambda r: digits(r, 3), "colour": lambda r: pick(r, names.COLOURS)}


def tsv(rng: Random, size: int) -> Lesson:
    """Tables in HTML among other markup, to be written as tab separated values."""
    parts, asked, left = [], [], size
    titles = distinct(lambda: f"{pick(rng, NOUNS).capitalize()}s of {names.town(rng)}", 1 + size // 250)
    for title in titles:
        columns = some(rng, list(COLUMNS), 2 + int(rng.random() * 2))
        rows = [[COLUMNS[c](rng) for c in columns] for _ in range(2 + int(rng.random() * 5))]
        head = "".join(f"<th>{c}</th>" for c in columns)
        body = "\n".join("<tr>" + "".join(f"<td>{v}</td>" for v in row) + "</tr>" for row in rows)
        parts.append(f"<h2>{title}</h2>\n<table>\n<tr>{head}</tr>\n{body}\n</table>")
        left -= 30 + len(rows) * len(columns) * 9
        if left > 100 and rng.random() < 0.7:
            hay = haystack(rng, min(left, 20 + int(rng.random() * 120)), "prose")
            parts.append(f"<p>{' '.join(hay)}</p>")
            left -= len(hay) * 12
        asked.append((f'Write the rows of the table "{title}" as tab separated values: {", ".join(columns)}.',
                      "\n".join("\t".join(row) for row in rows)))
        if left < 0:
            break
    text = "<html><body>\n" + "\n".join(parts) + "\n</body></html>"
    return Lesson(text, some(rng, asked, 6))
