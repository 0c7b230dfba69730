"""Facts about ships, towns, people, ledgers, logs and notices, asked for one by one, by link, by form and by format."""

from random import Random

from .. import names
from ..kinds import KINDS, NOT_STATED
from ..lesson import Lesson, digits, distinct, questions, some
from ..prose import article, haystack, pick, scatter
from ..world import ABSENT, REVERSED, STATED, UNSTATED, document, with_article


def facts(rng: Random, size: int) -> Lesson:
    made = document(rng, size)
    return Lesson(made.text, [(q.text, q.answer) for q in made.questions(rng, questions(size))])


def absent(rng: Random, size: int) -> Lesson:
    made = document(rng, size)
    asked = {}
    for _ in range(questions(size) // 2 + 1):
        q = made.question(rng, (ABSENT, UNSTATED, STATED, STATED)[int(rng.random() * 4)])
        asked[q.text] = q.answer
    return Lesson(made.text, list(asked.items()))


def qa(rng: Random, size: int) -> Lesson:
    """Numbered documents, each with a title; all facts differ."""
    parts, found, taken, left, number = [], {}, set(), size, 0
    while left > 0 or not parts:
        number += 1
        made = document(rng, min(max(30, left), 40 + int(rng.random() * 160)), pick(rng, KINDS), padding=pick(rng, (0.0, 0.2, 0.4)),
                        taken=taken)
        if not made.facts:
            break
        head, _, body = made.text.partition("\n\n")
        title, text = (head, body) if body and len(head) < 60 else ("Notes", made.text)
        parts.append(f"Document {number}: {title}\n{text}")
        left -= 12 + len(text) // 4
        for _ in range(3):
            q = made.question(rng, REVERSED if rng.random() < 0.1 else STATED)
            found[q.text] = q.answer
    return Lesson("\n\n".join(parts), some(rng, list(found.items()), questions(size)))


LINKS = [  # a question, and the two facts that answer it
    ("Who is the mayor of the town where {p} lives?", "{p} lives in {t}.", "The mayor of {t} is {q}."),
    ("On which river does the town where {p} lives lie?", "{p} lives in {t}.", "{t} lies on the river {r}."),
    ("What is known of the trade of the town where {p} lives?", "{p} lives in {t}.", "{t} is known for its {c}."),
    ("Who is the mayor of the home port of the {s}?", "The home port of the {s} is {t}.", "The mayor of {t} is {q}."),
    ("Where does the captain of the {s} live?", "The captain of the {s} was {p}.", "{p} lives in {t}."),
    ("How old is the captain of the {s}?", "The captain of the {s} was {p}.", "{p} is {n} years old."),
]
THIRD = [  # with three facts
    ("What animal does the mayor of the town where {p} lives keep?", "{p} lives in {t}.", "The mayor of {t} is {q}.", "{q} keeps {a}."),
    ("What does the mayor of the town where {p} lives do for a living?", "{p} lives in {t}.", "The mayor of {t} is {q}.", "{q} works as {w}."),
    ("Who is the mayor of the town where the captain of the {s} lives?", "The captain of the {s} was {p}.", "{p} lives in {t}.", "The mayor of {t} is {q}."),
    ("How old is the mayor of the town where {p} lives?", "{p} lives in {t}.", "The mayor of {t} is {q}.", "{q} is {n} years old."),
]


def qa_hop(rng: Random, size: int) -> Lesson:
    """Questions over two or three facts that stand apart; the answer says them all."""
    count = max(1, min(24, size // 90))
    people = distinct(lambda: names.person(rng), 2 * count)
    towns, ships = distinct(lambda: names.town(rng), count), distinct(lambda: names.ship(rng), count)
    needles, asked = [], []
    for i in range(count):
        v = {"p": people[2 * i], "q": people[2 * i + 1], "t": towns[i], "s": ships[i], "n": digits(rng, 2),
             "r": pick(rng, names.RIVERS), "c": pick(rng, names.CARGOES), "a": article(pick(rng, names.ANIMALS)),
             "w": article(pick(rng, names.TRADES))}
        question, *parts = pick(rng, THIRD if rng.random() < 0.4 else LINKS)
        said = [part.format(**v) for part in parts]
        needles += said
        asked.append((question.format(**v), " ".join(said)))
    rng.shuffle(needles)
    text = scatter(rng, haystack(rng, max(10, size - 11 * len(needles)), "prose"), needles)
    return Lesson(text, some(rng, asked, questions(size)))


ALTERED = [("{t} has {v} inhabitants.", "In {t} there live {v} people.", "How many people live in {t}?", "{t} has {v} inhabitants.", 4),
           ("{t} was founded in {v}.", "Since {v}, the year of its founding, {t} has a market.", "When was {t} founded?", "{t} was founded in {v}.", 4),
           ("The tower of {t} is {v} feet high.", "One climbs {v} feet to the top of the tower of {t}.", "How high is the tower of {t}?", "The tower of {t} is {v} feet high.", 3)]


def altered(rng: Random, size: int) -> Lesson:
    needles, asked = [], []
    for t in distinct(lambda: names.town(rng), 1 + size // 130):
        for says, again, question, answer, width in ALTERED:
            v = digits(rng, width)
            needles += [says.format(t=t, v=v), again.format(t=t, v=v)]
            asked.append((question.format(t=t), answer.format(t=t, v=v)))
    text = scatter(rng, haystack(rng, max(10, size - 15 * len(needles)), "prose"), needles)
    return Lesson(text, some(rng, asked, questions(size)))


def best_answer(rng: Random, size: int) -> Lesson:
    made = document(rng, size, padding=0.0)
    given: dict[str, str] = {}
    for f in made.facts:
        given.setdefault(f.fill(pick(rng, f.attribute.asks)), f.fill(f.attribute.answer))
    # Statements that would answer two of the questions are left out.
    items = list({a: q for q, a in given.items()}.items())
    rng.shuffle(items)
    text = "\n".join(f"A{i + 1}: {a}" for i, (a, _) in enumerate(items))
    asked = [(f"Which answer fits the question: {q}", f"A{i + 1}") for i, (_, q) in enumerate(items)]
    return Lesson(text, some(rng, asked, questions(size)))


def quote(rng: Random, size: int) -> Lesson:
    hay, starts = haystack(rng, size, "prose"), {}
    for s in hay:
        starts.setdefault(" ".join(s.split(" ")[:3]), []).append(s)
    unique = [(start, found[0]) for start, found in starts.items() if len(found) == 1]
    return Lesson(scatter(rng, hay, []), [(f'Quote the sentence that begins with "{start}".', s)
                                          for start, s in some(rng, unique, max(3, questions(size) // 2))])


def one_subject(rng: Random, size: int) -> tuple[str, dict[str, str]]:
    """A document with everything about one ship or person among other facts."""
    kind = KINDS[int(rng.random() * 3)]
    made = document(rng, max(40, size - 60))
    subject = next(s for s in iter(lambda: kind.subject(rng), None) if s not in made.text)
    held = {a.key: a.value(rng) for a in some(rng, kind.attributes, 2 + int(rng.random() * 3))}
    says = [with_article(pick(rng, a.says).replace("{s}", subject).replace("{v}", held[a.key])) for a in kind.attributes if a.key in held]
    lines = made.text.split("\n")
    for s in says:
        lines.insert(int(rng.random() * (len(lines) + 1)), s)
    return "\n".join(lines), {"name": subject, **held}


def form(rng: Random, size: int) -> Lesson:
    text, held = one_subject(rng, size)
    blank = ", ".join(f'"{k}": ' + (f'"{v}"' if k == "name" else "") for k, v in held.items())
    return Lesson(text, [(f"Fill in the form: {{{blank}}}", "{" + ", ".join(f'"{k}": "{v}"' for k, v in held.items()) + "}")])


def format(rng: Random, size: int) -> Lesson:
    made, asked = document(rng, size), {}
    for _ in range(questions(size)):
        q = made.question(rng, STATED)
        way = int(rng.random() * 3)
        if way == 0 and " " not in q.value:
            asked[f"{q.text} Answer in one word."] = q.value
        elif way == 1:
            asked[f"{q.text} Answer in capitals."] = q.value.upper()
        elif way == 2:
            asked[f'{q.text} Answer as JSON {{"answer": ...}}.'] = f'{{"answer": "{q.value}"}}'
    if not asked:
        q = made.question(rng, STATED)
        asked[q.text] = q.answer
    return Lesson(made.text, list(asked.items()))


def fim(rng: Random, size: int) -> Lesson:
    """A gap in a sentence that stands elsewhere in full or in other words."""
    made, asked = document(rng, size), {}
    for f in some(rng, made.facts, questions(size)):
        answer = f.fill(f.attribute.answer)
        if f.value in answer:
            asked[f"Fill the gap: {answer.replace(f.value, '____', 1)}"] = f.value
    if len(asked) < 2 or rng.random() < 0.3:
        hay = haystack(rng, size, "prose")
        for s in some(rng, hay, 8):
            words = s.rstrip(".").split(" ")
            at = int(rng.random() * (len(words) - 2)) if len(words) > 5 else 0
            gap = " ".join(words[at:at + 2])
            asked[f"Fill the gap: {s.replace(gap, '____', 1)}"] = gap
        return Lesson(made.text + "\n\n" + scatter(rng, hay, []), some(rng, list(asked.items()), 12))
    return Lesson(made.text, list(asked.items()))
