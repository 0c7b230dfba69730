"""Turns documents and questions into the exact text the model is trained on, and marks what it has to say itself."""

from random import Random

from .world import Document, document

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

# One piece of a training row: its text and its weight in the loss. What the model says counts most; documents outside a
# chat count for something, so that it can write them; what it is given counts little.
Piece = tuple[str, float]
OWN, GIVEN, WRITTEN = 1.0, 0.03, 0.2


def turn(role: str, content: str) -> str:
    return f"{START}{role}\n{content}{STOP}\n"


def prompt(document: str, question: str, system: str | None = None) -> str:
    """What the chat template renders for one question about one document."""
    head = turn("system", system) if system else ""
    return head + turn("user", f"{document}\n\n{question}") + f"{START}assistant\n"


def reply(text: str) -> list[Piece]:
    return [(f"{START}assistant\n", GIVEN), (f"{text}{STOP}", OWN), ("\n", GIVEN)]


def small_talk(rng: Random) -> list[Piece]:
    pieces: list[Piece] = [(turn("system", rng.choice(SYSTEMS)), GIVEN)] if rng.random() < 0.3 else []
    for _ in range(rng.randint(1, 3)):
        roll = rng.random()
        if roll < 0.75:
            asked, answer = rng.choice(GREETINGS if roll < 0.4 else IDENTITY), INTRODUCTION
        else:
            asked, answer = document(rng, 40).question(rng).text, NO_DOCUMENT
        pieces += [(turn("user", asked), GIVEN), *reply(answer)]
    return pieces


def first_turn(rng: Random, text: str, question: str) -> str:
    roll = rng.random()
    if roll < 0.7:
        return f"{text}\n\n{question}"
    if roll < 0.85:
        return f"Document:\n{text}\n\nQuestion: {question}"
    if roll < 0.93:
        return f"Read this document and answer the question.\n\n{text}\n\n{question}"
    return f"{question}\n\n{text}"


def conversation(rng: Random, made: Document, turns: int) -> list[Piece]:
    questions = made.questions(rng, turns)
    if rng.random() < 0.08:  # the document in the system message
        pieces: list[Piece] = [(turn("system", made.text), GIVEN)]
        first = questions[0].text
    else:
        pieces = [(turn("system", rng.choice(SYSTEMS)), GIVEN)] if rng.random() < 0.25 else []
        first = first_turn(rng, made.text, questions[0].text)
    for index, question in enumerate(questions):
        asked = first if index == 0 else question.text
        pieces += [(turn("user", asked), GIVEN), *reply(question.answer)]
    return pieces


def plain(rng: Random, made: Document, turns: int) -> list[Piece]:
    """A document outside any chat, sometimes followed by questions and answers."""
    head = END if rng.random() < 0.5 else ""
    if rng.random() < 0.5:
        return [(f"{head}{made.text}{END}", WRITTEN)]
    pieces: list[Piece] = [(f"{head}{made.text}\n\n", GIVEN)]
    for question in made.questions(rng, turns):
        pieces += [(f"Question: {question.text}\nAnswer:", GIVEN), (f" {question.answer}\n", OWN)]
    return pieces + [(END, OWN)]


def example(rng: Random, tokens: int, turns: int) -> list[Piece]:
    """One training row around a document of roughly `tokens` tokens."""
    roll = rng.random()
    if roll < 0.015:
        return small_talk(rng)
    made = document(rng, tokens)
    return plain(rng, made, turns) if roll < 0.09 else conversation(rng, made, turns)
