"""Training rows and the order they come in: short documents first, longer ones as it learns."""

from random import Random

import torch
from tokenizers import Tokenizer
from torch import Tensor

from .chat import example

SEED = 1
LOOKED_UP = 0.5  # the weight of a token that a row of random tokens repeats
SHORTEST, LONGEST = 30, 1500
POOL = 256  # rows sorted by length together, so that little is padding
Batch = tuple[Tensor, Tensor]  # tokens and weights, [rows, length]


def length(rng: Random, reach: float) -> tuple[int, int]:
    """Document tokens and question turns for one row. `reach` is the longest document now; short ones stay common."""
    tokens = round(SHORTEST * (reach / SHORTEST) ** rng.random())
    return tokens, min(20, 6 + tokens // 60)


def copying(rng: Random, vocabulary: int) -> tuple[list[int], list[float]]:
    """Random tokens that teach nothing but to look back: a run said twice, or pairs of which the keys come again."""
    def some(low: int, high: int) -> list[int]:
        return [rng.randrange(3, vocabulary) for _ in range(rng.randint(low, high))]

    if rng.random() < 0.4:
        run = some(12, 80)
        return run + run, [0.0] * len(run) + [LOOKED_UP] * len(run)
    mark, end = some(1, 2), some(1, 1)
    pairs = [(some(1, 3) + mark, some(1, 3) + end) for _ in range(rng.randint(3, 16))]
    ids = [token for key, value in pairs for token in key + value]
    weights = [0.0] * len(ids)
    for key, value in rng.sample(pairs, len(pairs)):
        ids += key + value
        weights += [0.0] * len(key) + [LOOKED_UP] * len(value)
    return ids, weights


class Rows:
    """An endless supply of batches; row `n` depends on the seed, on `n` and on the reach it was asked for."""

    def __init__(self, tokenizer: Tokenizer, tokens_per_batch: int, limit: int, start: int = 0):
        self.tokenizer, self.tokens_per_batch, self.limit, self.made = tokenizer, tokens_per_batch, limit, start
        self.waiting: list[list[Batch]] = []
        self.order = Random(SEED + start)

    def row(self, reach: float) -> Batch:
        rng = Random(SEED * 1_000_000_007 + self.made)
        self.made += 1
        if rng.random() < (0.2 if reach < 300 else 0.04):
            ids, weights = copying(rng, self.tokenizer.get_vocab_size())
            return torch.tensor(ids), torch.tensor(weights)
        ids, weights = [], []
        for text, weight in example(rng, *length(rng, reach)):
            part = self.tokenizer.encode(text).ids
            ids += part
            weights += [weight] * len(part)
        return torch.tensor(ids[:self.limit]), torch.tensor(weights[:self.limit])

    def batch(self, reach: float) -> Batch:
        """Rows of about the same length, padded with weight 0."""
        if not self.waiting:
            groups, current = [], []
            for row in sorted((self.row(reach) for _ in range(POOL)), key=lambda r: len(r[0])):
                if current and (len(current) + 1) * len(row[0]) > self.tokens_per_batch:
                    groups.append(current)
                    current = []
                current.append(row)
            self.waiting = [*groups, current]
            self.order.shuffle(self.waiting)
        rows = self.waiting.pop()
        pad = torch.nn.utils.rnn.pad_sequence
        return pad([r[0] for r in rows], batch_first=True), pad([r[1] for r in rows], batch_first=True)
