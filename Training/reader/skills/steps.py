"""Answers in several steps: orders, paths, sums, beliefs, plans."""

from random import Random

from .. import names
from ..lesson import Lesson, distinct, some
from ..prose import haystack, pick, scatter, sentence
from ..words import NOUNS

ORDINALS = "first second third fourth fifth sixth seventh eighth ninth tenth eleventh twelfth".split()


def tsort(rng: Random, size: int) -> Lesson:
    """Segments of a story, shuffled; each says which day it tells of."""
    count = 2 + int(rng.random() * (3 if size < 200 else 7))
    days = sorted(rng.sample(range(12), count))
    length = max(1, size // count // 12)
    segments = []
    for day in days:
        body = [sentence(rng) for _ in range(length)]
        body.insert(0, f"On the {ORDINALS[day]} day {pick(rng, ('the clerk', 'the captain', 'a stranger', 'the cook'))} came to {names.town(rng)}.")
        segments.append(" ".join(body))
    order = list(range(count))
    rng.shuffle(order)
    text = "\n".join(f"[{i + 1}] {segments[at]}" for i, at in enumerate(order))
    return Lesson(text, [("In which order do the segments belong?", ", ".join(str(order.index(i) + 1) for i in range(count)))],
                  alone=True)


def path(rng: Random, size: int) -> Lesson:
    """Roads between towns that form chains, so that there is one path."""
    towns = distinct(lambda: names.town(rng), max(6, size // 13))
    chains = []
    while len(towns) > 3:
        hops = 2 + int(rng.random() * 5) if len(chains) < 8 else 1
        chains.append([towns.pop() for _ in range(min(hops + 1, len(towns)))])
    roads = [f"From {a} one can go to {b}." for c in chains for a, b in zip(c, c[1:])]
    rng.shuffle(roads)
    asked = [(f"Give the path from {c[0]} to {c[-1]}.", " -> ".join(c)) for c in chains if len(c) > 2]
    return Lesson("\n".join(roads), some(rng, asked, 8))


def countdown(rng: Random, size: int) -> Lesson:
    """A target from given numbers with + and -, one step a line; examples stand in the document."""
    def puzzle() -> tuple[str, str]:
        numbers = [1 + int(rng.random() * 49) for _ in range(3)]
        a, b, c = numbers
        first = a + b if rng.random() < 0.5 or a <= b else a - b
        op = "+" if first == a + b else "-"
        second, other = (first + c, "+") if rng.random() < 0.5 or first <= c else (first - c, "-")
        shown = rng.sample(numbers, 3)
        return (f"Reach {second} from {shown[0]}, {shown[1]}, {shown[2]} with + and -. Show each step.",
                f"{a} {op} {b} = {first}\n{first} {other} {c} = {second}")

    examples = [puzzle() for _ in range(max(1, size // 50))]
    return Lesson("\n\n".join(f"{q}\n{a}" for q, a in examples), [puzzle() for _ in range(4)], alone=True)


def mind(rng: Random, size: int) -> Lesson:
    """Who was in the room when a thing was moved knows where it is; who had left believes what was true then."""
    people = distinct(lambda: pick(rng, names.FIRST_NAMES), 2 + int(rng.random() * 3))
    things = distinct(lambda: pick(rng, NOUNS), 1 + int(rng.random() * 2))
    places = distinct(lambda: f"{pick(rng, names.PLACES)}", 8)
    there, believes, said = set(people), {}, []
    said.append(f"{', '.join(people[:-1])} and {people[-1]} were in the room.")
    for thing in things:
        place = pick(rng, places)
        said.append(f"The {thing} was in the {place}.")
        for p in people:
            believes[p, thing] = place
    for _ in range(3 + int(rng.random() * 6)):
        who = pick(rng, people)
        roll = rng.random()
        if who in there and roll < 0.6:
            thing, place = pick(rng, things), pick(rng, places)
            said.append(f"{who} moved the {thing} to the {place}.")
            for p in there:
                believes[p, thing] = place
        elif who in there and len(there) > 1:
            said.append(f"{who} left the room.")
            there.discard(who)
        elif who not in there:
            said.append(f"{who} came back, and nobody spoke.")
            there.add(who)
    text = scatter(rng, haystack(rng, max(1, size - 9 * len(said)), "prose"), said) if size > 150 else "\n".join(said)
    return Lesson(text, [(f"Where does {p} think the {t} is?", f"{p} thinks the {t} is in the {place}.")
                         for (p, t), place in some(rng, list(believes.items()), 5)])


def travel(rng: Random, size: int) -> Lesson:
    """A trip through all the named towns along the only flights that allow it, with days counted."""
    count = 3 + int(rng.random() * 3)
    towns = distinct(lambda: names.town(rng), count + 3 + size // 40)
    trip, others = towns[:count], towns[count:]
    flights = list(zip(trip, trip[1:])) + [(a, b) for a, b in zip(others, others[1:])]
    stays = [1 + int(rng.random() * 4) for _ in trip]
    lines = [f"Flights from {a} go to {b}." for a, b in flights]
    lines += [f"Stay {n} {'day' if n == 1 else 'days'} in {t}." for t, n in zip(trip, stays)]
    rng.shuffle(lines)
    day, plan = 1, []
    for t, n in zip(trip, stays):
        plan.append(f"Day {day}: {t}" if n == 1 else f"Day {day}-{day + n - 1}: {t}")
        day += n
    text = scatter(rng, haystack(rng, size - 12 * len(lines), "prose"), lines) if size > 12 * len(lines) + 60 else "\n".join(lines)
    listed = ", ".join(sorted(trip))
    return Lesson(text, [(f"Plan the trip: {listed} starting in {trip[0]}, using only listed flights.", "\n".join(plan))], alone=True)
