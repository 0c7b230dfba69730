"""Trains the byte-level BPE on text of the world: digits stand alone, then the GPT-2 split (GGUF pre-type `smollm`)."""

from pathlib import Path
from random import Random

from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers

from .chat import SPECIALS, example
from . import names

SEED = 20_000_000
VOCABULARY = 2048
# Words that should become one token each, whatever their share of the text.
LISTED = [*names.SHIPS, *names.FIRST_NAMES, *names.LAST_NAMES, *names.CARGOES, *names.CARGOES, *names.TRADES,
          *names.ANIMALS, *names.ITEMS, *names.RIVERS, *names.TOWN_STARTS]


def texts(count: int):
    rng = Random(SEED)
    for _ in range(count):
        yield "".join(text for text, _ in example(rng, rng.choice((80, 160, 320)), 6))
        yield " ".join(f" {rng.choice(LISTED)} {names.town(rng)}" for _ in range(40))


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
    train(Path("build/tokenizer.json"))
