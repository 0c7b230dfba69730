"""Writes documents of the small world, with questions whose answers stand in them. The same seed gives the same text."""

import re
from dataclasses import dataclass
from random import Random

from . import names
from .kinds import KINDS, LOG, NOT_STATED, Attribute, Kind
from .prose import sentence

# How a question relates to its document; accuracy is reported by these.
ARTICLE = re.compile(r"\b([Aa]) (?=[aeio])")
STATED, REVERSED, UNSTATED, ABSENT = "stated", "reversed", "unstated", "absent"


@dataclass(frozen=True)
class Question:
    text: str
    answer: str
    value: str  # what an answer has to contain
    relation: str
    kind: str  # "ship.cargo"


@dataclass(frozen=True)
class Fact:
    kind: Kind
    subject: str
    attribute: Attribute
    value: str

    def fill(self, template: str) -> str:
        return with_article(template.replace("{s}", self.subject).replace("{v}", self.value))


@dataclass
class Document:
    text: str
    facts: list[Fact]

    def questions(self, rng: Random, count: int) -> list[Question]:
        """Up to `count` questions, of which no two have the same answer unless it is that there is none."""
        made: dict[str, Question] = {}
        for _ in range(2 * count):
            question = self.question(rng)
            made.setdefault(question.text if question.answer == NOT_STATED else question.answer, question)
        return list(made.values())[:count]

    def question(self, rng: Random, relation: str | None = None) -> Question:
        relation = relation or rng.choices((STATED, REVERSED, UNSTATED, ABSENT), (80, 8, 5, 7))[0]
        fact = rng.choice(self.facts)
        if relation == REVERSED:
            reversible = [f for f in self.facts if f.attribute.finds]
            if not reversible:
                return self.question(rng, STATED)
            fact = rng.choice(reversible)
            return Question(fact.fill(rng.choice(fact.attribute.finds)), fact.fill(fact.attribute.answer), fact.subject,
                            REVERSED, f"{fact.kind.key}.{fact.attribute.key}")
        if relation == UNSTATED:
            known = {f.attribute.key for f in self.facts if f.subject == fact.subject}
            unknown = [a for a in fact.kind.attributes if a.key not in known]
            if not unknown:
                return self.question(rng, ABSENT)
            fact = Fact(fact.kind, fact.subject, rng.choice(unknown), "")
        if relation == ABSENT:
            known = {f.subject for f in self.facts}
            subject = next(s for s in iter(lambda: fact.kind.subject(rng), None) if s not in known)
            fact = Fact(fact.kind, subject, rng.choice(fact.kind.attributes), "")
        stated = relation == STATED
        return Question(fact.fill(rng.choice(fact.attribute.asks)),
                        fact.fill(fact.attribute.answer) if stated else NOT_STATED,
                        fact.value if stated else NOT_STATED, relation, f"{fact.kind.key}.{fact.attribute.key}")


def with_article(text: str) -> str:
    return ARTICLE.sub(r"\1n ", text) if " a " in text or text.startswith("A ") else text


def filler(rng: Random) -> str:
    """A sentence that states nothing anyone asks about."""
    if rng.random() < 0.5:
        return sentence(rng)
    who = rng.choice("The wind|The old clock|A quiet rain|The road|The evening|A grey cat|The market|The smell of smoke|"
                     "The low hills|A line of carts|The sound of hammers|The first light|Nobody|Everyone|A young "
                     "clerk|The river|The crowd|A tired horse|The lamp".split("|"))
    does = rng.choice("turned|waited|rested|went on|lingered|stood still|seemed slow|was quiet|could be heard|changed "
                      "little|stayed|passed|was the same".split("|"))
    where = rng.choice("by the door|near the water|on the hill|in the square|under the trees|along the wall|over the "
                       "fields|behind the inn|at the corner|between the houses|beside the road|in the yard".split("|"))
    when = rng.choice("before noon|until dusk|all morning|for an hour|after the rain|in the cold|as before|that "
                      "winter|for most of the day|without a word|as people do|again".split("|"))
    shape = rng.random()
    if shape < 0.6:
        return f"{who} {does} {where} {when}."
    return f"{who} {does} {when}." if shape < 0.8 else f"{when[0].upper()}{when[1:]}, {who[0].lower()}{who[1:]} {does}."


def section_facts(rng: Random, kind: Kind, count: int, taken: set[str]) -> list[Fact]:
    """About `count` facts about several subjects of one kind. `taken` holds the subjects the document already has, and
    the values a question may start from: neither comes twice."""
    facts: list[Fact] = []
    for _ in range(4 * count):
        if len(facts) >= count:
            break
        subject = kind.subject(rng)
        if subject in taken:
            continue
        taken.add(subject)
        width = min(rng.randint(1, 4), len(kind.attributes), count - len(facts))
        for attribute in rng.sample(kind.attributes, width):
            value = attribute.value(rng)
            if attribute.finds:
                if f"{attribute.key} {value}" in taken:
                    continue
                taken.add(f"{attribute.key} {value}")
            facts.append(Fact(kind, subject, attribute, value))
    if kind is LOG:
        facts.sort(key=lambda fact: fact.subject)
    return facts


def sentences_of(rng: Random, facts: list[Fact]) -> list[str]:
    """The facts in words: grouped by subject with an occasional pronoun, or in no order. Some documents say everything
    as an answer would, which is easiest to learn from; most do so here and there."""
    plain = rng.choice((0.3, 1.0, 1.0))
    if facts[0].kind is LOG:
        says = facts[0].attribute.answer if rng.random() < plain else rng.choice(facts[0].attribute.says)
        return [fact.fill(says) for fact in facts]
    grouped = rng.random() < 0.7
    if not grouped:
        facts = rng.sample(facts, len(facts))
    sentences, last = [], None
    for fact in facts:
        template = fact.attribute.answer if rng.random() < plain else rng.choice(fact.attribute.says)
        start = next((s for s in ("The {s} ", "{s} ") if template.startswith(s)), None)
        if grouped and fact.subject == last and fact.kind.pronoun and start and rng.random() < 0.12:
            template = f"{fact.kind.pronoun} {template[len(start):]}"
        sentences.append(fact.fill(template))
        last = fact.subject
    return sentences


def section_text(rng: Random, facts: list[Fact], padding: float) -> str:
    sentences = sentences_of(rng, facts)
    spread: list[str] = []
    for sentence in sentences:
        while rng.random() < padding:
            spread.append(filler(rng))
        spread.append(sentence)
    if rng.random() < padding:
        spread.append(filler(rng))
    listed = facts[0].kind is LOG or rng.random() < 0.15
    if listed:
        mark = rng.choice(("", "- "))
        return "\n".join(mark + s for s in spread)
    per_paragraph = rng.choice((4, 6, 1000))
    paragraphs = [" ".join(spread[i:i + per_paragraph]) for i in range(0, len(spread), per_paragraph)]
    return rng.choice(("\n", "\n\n")).join(paragraphs)


def document(rng: Random, tokens: int, kind: Kind | None = None, padding: float | None = None,
             taken: set[str] | None = None) -> Document:
    """A document of roughly `tokens` tokens, made of one section or several; what is in `taken` does not come again."""
    if padding is None:
        padding = rng.choice((0.0, 0.0, 0.1, 0.3, 0.5, 0.8))
    budget = max(2, round(tokens / (9 + 11 * padding / (1 - padding))))
    text: list[str] = []
    facts: list[Fact] = []
    taken = set() if taken is None else taken
    while len(facts) < budget:
        chosen = kind or rng.choice(KINDS)
        count = min(budget - len(facts), rng.randint(4, 24 if tokens < 600 else 60))
        part = section_facts(rng, chosen, count, taken)
        if not part:
            break
        if rng.random() < 0.8:
            text.append(rng.choice(chosen.titles).replace("{t}", names.town(rng)))
        text.append(section_text(rng, part, padding))
        facts += part
    return Document("\n\n".join(text), facts)
