"""Turns lessons into the exact text the model is trained on, and marks what it has to say itself."""

from random import Random

from .lesson import Lesson
from .skills import lesson

END, START, STOP = "<|endoftext|>", "<|im_start|>", "<|im_end|>"
SPECIALS = [END, START, STOP]

TEMPLATE = (
    "{% for message in messages %}{{ '<|im_start|>' + message['role'] + '\\n' + message['content'] + '<|im_end|>' + '\\n' }}"
    "{% endfor %}{% if add_generation_prompt %}{{ '<|im_start|>assistant\\n' }}{% endif %}"
)

INTRODUCTION = "Hello. I am a small reader. Give me a document and ask about it."
NO_DOCUMENT = "Give me a document and I will read it for you."
GREETINGS = ["Hello", "Hello!", "Hi", "Hi there", "Hi!", "Good morning", "Good evening.", "Hey", "Hello there.", "Hello, how are you?"]
IDENTITY = ["Who are you?", "What are you?", "What can you do?", "What is your name?", "Introduce yourself.", "Help",
            "How do you work?", "What can I ask you?", "Tell me about yourself."]
SYSTEMS = ["Answer from the document.", "You are a careful reader.", "You are a helpful assistant.",
           "Read the document and answer the question.", "Be brief.", "You are a reader. Answer in one sentence."]

# One piece of a training row: its text, and whether the model has to say it.
Piece = tuple[str, bool]


def turn(role: str, content: str) -> str:
    return f"{START}{role}\n{content}{STOP}\n"


def prompt(document: str, question: str, system: str | None = None) -> str:
    """What the chat template renders for one question about one document."""
    head = turn("system", system) if system else ""
    return head + turn("user", f"{document}\n\n{question}") + f"{START}assistant\n"


def reply(text: str) -> list[Piece]:
    return [(f"{START}assistant\n", False), (f"{text}{STOP}", True), ("\n", False)]


def small_talk(rng: Random) -> list[Piece]:
    pieces: list[Piece] = [(turn("system", rng.choice(SYSTEMS)), False)] if rng.random() < 0.3 else []
    for _ in range(rng.randint(1, 3)):
        roll = rng.random()
        if roll < 0.75:
            asked, answer = rng.choice(GREETINGS if roll < 0.4 else IDENTITY), INTRODUCTION
        else:
            asked, answer = lesson(rng, 60, "facts").asked[0][0], NO_DOCUMENT
        pieces += [(turn("user", asked), False), *reply(answer)]
    return pieces


def first_turn(rng: Random, text: str, question: str) -> str:
    roll = rng.random()
    if roll < 0.85:
        return f"{text}\n\n{question}"
    if roll < 0.91:
        return f"Document:\n{text}\n\nQuestion: {question}"
    if roll < 0.96:
        return f"Read this document and answer the question.\n\n{text}\n\n{question}"
    return f"{question}\n\n{text}"


def conversation(rng: Random, made: Lesson) -> list[Piece]:
    """The document and the first question in one turn, then further questions."""
    if rng.random() < 0.04:  # the document in the system message
        pieces: list[Piece] = [(turn("system", made.text), False)]
        first = made.asked[0][0]
    else:
        pieces = [(turn("system", rng.choice(SYSTEMS)), False)] if rng.random() < 0.1 else []
        first = first_turn(rng, made.text, made.asked[0][0])
    for index, (question, answer) in enumerate(made.asked):
        pieces += [(turn("user", first if index == 0 else question), False), *reply(answer)]
    return pieces


def example(rng: Random, size: int, skill: str | None = None) -> tuple[list[Piece], str]:
    """One training row around a document of roughly `size` tokens, and the skill it teaches."""
    if not skill and rng.random() < 0.006:
        return small_talk(rng), "small_talk"
    made = lesson(rng, size, skill)
    while not made.asked:  # now and then a world holds nothing to ask for
        made = lesson(rng, size, skill)
    if rng.random() < 0.02:
        return [(made.text, False), (END, False)], made.skill
    return conversation(rng, made), made.skill
