"""Trains the byte-level BPE on text of the world: digits stand alone, then the GPT-2 split (GGUF pre-type `smollm`)."""

import sys
from pathlib import Path
from random import Random

from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers

from . import names, words
from .chat import SPECIALS, example
from .skills import NAMES

SEED = 20_000_000
VOCABULARY = 4096
# Words that should become one token each, whatever their share of the text.
LISTED = sorted({*names.SHIPS, *names.FIRST_NAMES, *names.LAST_NAMES, *names.CARGOES, *names.TRADES, *names.ANIMALS,
                 *names.ITEMS, *names.RIVERS, *names.COLOURS, *names.DAYS, *names.SHIP_COLOURS, *names.PLACES,
                 *names.PLACE_KINDS, *words.NOUNS, *words.ADJECTIVES, *words.DID, *words.DID_TO, *words.WHERE})


def texts(count: int):
    rng = Random(SEED)
    # Random letters teach no words.
    skills = [n for n in NAMES if n not in ("kv", "thread", "thread_back", "multi_thread", "frequent_words", "icl", "variables")]
    for index in range(count):
        pieces, _ = example(rng, rng.choice((80, 160, 320)), skills[index % len(skills)])
        yield "".join(text for text, _ in pieces)
        yield " ".join(f" {rng.choice(LISTED)} {names.town(rng)}" for _ in range(60))
        yield " ".join(f"-{rng.choice(words.NOUNS)}" for _ in range(10)) + " ".join(f"{rng.choice(words.ADJECTIVES)}-" for _ in range(4))


def train(path: Path, count: int = 12_000) -> Tokenizer:
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence([
        pre_tokenizers.Digits(individual_digits=True),
        pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=True),
    ])
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(vocab_size=VOCABULARY, special_tokens=SPECIALS, show_progress=False,
                                  initial_alphabet=sorted(pre_tokenizers.ByteLevel.alphabet()))
    tokenizer.train_from_iterator(texts(count), trainer)
    path.parent.mkdir(parents=True, exist_ok=True)
    tokenizer.save(str(path))
    return tokenizer


if __name__ == "__main__":
    train(Path(sys.argv[1] if len(sys.argv) > 1 else "build/tokenizer.json"))
