"""What the reader is taught, each skill with its share of the training rows. A new skill is a function and a line here."""

from random import Random

from ..lesson import Lesson, Skill
from . import copying, documents, exams, lists, needles, steps, tables, variables

SKILLS: dict[str, tuple[Skill, float]] = {
    "niah": (needles.niah, 5),
    "niah_multivalue": (needles.multivalue, 4),
    "niah_multiquery": (needles.multiquery, 4),
    "multi_needle": (needles.multi_needle, 3),
    "passkey": (needles.passkey, 1),
    "lines": (needles.lines, 4),
    "kv": (tables.kv, 6),
    "thread": (tables.thread, 4),
    "thread_back": (tables.thread_back, 4),
    "multi_thread": (tables.multi_thread, 2),
    "tsv": (tables.tsv, 3),
    "variables": (variables.variables, 5),
    "latest": (variables.latest, 4),
    "trace": (variables.trace, 3),
    "common_words": (lists.common_words, 1.5),
    "frequent_words": (lists.frequent_words, 1.5),
    "count": (lists.count, 4),
    "sort": (lists.sort, 4),
    "icl": (lists.icl, 2),
    "facts": (documents.facts, 8),
    "absent": (documents.absent, 4),
    "qa": (documents.qa, 6),
    "qa_hop": (documents.qa_hop, 6),
    "altered": (documents.altered, 3),
    "best_answer": (documents.best_answer, 3),
    "quote": (documents.quote, 3),
    "form": (documents.form, 4),
    "format": (documents.format, 4),
    "fim": (documents.fim, 3),
    "tsort": (steps.tsort, 3),
    "path": (steps.path, 3),
    "countdown": (steps.countdown, 3),
    "mind": (steps.mind, 2),
    "travel": (steps.travel, 2),
    "gist": (exams.gist, 2),
    "list": (exams.listed, 2),
    "limt": (exams.limt, 2),
    "chars": (exams.chars, 3),
    "words": (exams.words, 1),
    "copying": (copying.copying, 2),
}
# One answer for a whole document teaches little: most of these documents are short.
SPARSE = {"multi_needle", "trace", "common_words", "frequent_words", "count", "sort", "tsort", "countdown", "travel", "gist",
          "list", "limt", "words", "icl"}
# Documents about the same world: two of them side by side might contradict each other.
WORLD = {"facts", "absent", "qa", "qa_hop", "altered", "best_answer", "form", "format", "fim"}
NAMES = list(SKILLS)
WEIGHTS = [weight for _, weight in SKILLS.values()]


def lesson(rng: Random, size: int, skill: str | None = None) -> Lesson:
    """A lesson of one skill, or now and then of several whose documents stand one behind the other."""
    name = skill or rng.choices(NAMES, WEIGHTS)[0]
    if not skill and name in SPARSE and rng.random() < 0.6:
        size = round(48 * max(1, min(size, 600) / 48) ** rng.random())
    mixed = not skill and size >= 120 and rng.random() < 0.12
    made = SKILLS[name][0](rng, size // 2 if mixed else size)
    made.skill = name
    if not mixed or made.alone:
        return made
    other_name = rng.choices(NAMES, WEIGHTS)[0]
    if other_name == name or {name, other_name} <= WORLD:
        return made
    other = SKILLS[other_name][0](rng, size // 2)
    if other.alone:
        return made
    asked = made.asked + [q for q in other.asked if q[0] not in dict(made.asked)]
    rng.shuffle(asked)
    return Lesson("\n\n".join(part.text for part in rng.sample([made, other], 2)), asked[:40], skill=name)
