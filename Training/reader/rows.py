"""Training batches: rows of many lengths laid end to end, with the places where the model has to speak."""

import re
from dataclasses import dataclass
from pathlib import Path
from random import Random

import numpy as np
from tokenizers import Tokenizer

from .chat import END, SPECIALS, example
from .skills import NAMES

SEED = 1_000_000_007
SHORTEST, LONGEST = 48, 40_960  # tokens of a document, of a row
GIVEN = 0.06  # the weight of a token that is given, beside 1 for one that is said
SKILL_IDS = {name: index for index, name in enumerate([*NAMES, "small_talk"])}

# How `smollm` splits text that is ASCII: digits alone, then words with the space before them.
SPLIT = re.compile(r"'(?:s|t|re|ve|m|ll|d)| ?[A-Za-z]+|[0-9]| ?[^\sA-Za-z0-9]+|\s+(?=[0-9])|\s+(?!\S)|\s+")
MARKS = re.compile("(" + "|".join(map(re.escape, SPECIALS)) + ")")


class Encoder(dict):
    """The tokenizer with a memory of words: far quicker on a world of few words than merging anew."""

    def __init__(self, path: Path):
        super().__init__()
        self.tokenizer = Tokenizer.from_file(str(path))
        self.end = self.tokenizer.token_to_id(END)

    def __missing__(self, word: str) -> list[int]:
        ids = self.tokenizer.encode(word).ids
        if len(self) < 500_000:
            self[word] = ids
        return ids

    def encode(self, text: str) -> list[int]:
        ids: list[int] = []
        for part in MARKS.split(text):
            if part in SPECIALS:
                ids += self[part]
                continue
            for word in SPLIT.findall(part):
                ids += self[word]
        return ids


@dataclass
class Batch:
    tokens: np.ndarray  # [tokens], rows end to end
    positions: np.ndarray  # [tokens], from 0 in each row
    starts: np.ndarray  # [rows + 1], where rows begin, and the end
    picks: np.ndarray  # [picks], places whose next token counts
    targets: np.ndarray  # [picks]
    weights: np.ndarray  # [picks]
    skills: np.ndarray  # [picks], -1 where the token is given


class Rows:
    """Batches of one worker. `stride` workers share the row numbers."""

    def __init__(self, tokenizer: Path, tokens: int, picks: int, worker: int, stride: int):
        self.encoder, self.tokens, self.picks, self.made, self.stride = Encoder(tokenizer), tokens, picks, worker, stride
        self.left: tuple[list[int], list[bool], int] | None = None

    def row(self, size: int) -> tuple[list[int], list[bool], int]:
        rng = Random(SEED + self.made)
        self.made += self.stride
        pieces, skill = example(rng, size)
        ids: list[int] = []
        said: list[bool] = []
        for text, own in pieces:
            part = self.encoder.encode(text)
            ids += part
            said += [own] * len(part)
        return ids[:LONGEST], said[:LONGEST], SKILL_IDS[skill]

    def size(self, reach: float) -> int:
        u = Random(SEED ^ (self.made * 2_654_435_761)).random()
        return round(SHORTEST * (reach / SHORTEST) ** u)

    def batch(self, reach: float) -> Batch:
        rows, room, misses = [], self.tokens, 0
        while room > 60 and misses < 12:
            row = self.left or self.row(min(self.size(reach), max(SHORTEST, round(room * 0.7))))
            self.left = None
            if len(row[0]) > self.tokens:
                misses += 1
            elif len(row[0]) <= room:
                rows.append(row)
                room -= len(row[0])
            else:
                misses += 1
                if len(row[0]) > 2000 and misses < 3:
                    self.left = row
                    break
        if room:
            rows.append(([self.encoder.end] * room, [False] * room, -1))
        ids = np.fromiter((t for r in rows for t in r[0]), np.int32, self.tokens)
        said = np.fromiter((s for r in rows for s in r[1]), np.bool_, self.tokens)
        lengths = np.array([len(r[0]) for r in rows])
        starts = np.concatenate([[0], lengths.cumsum()]).astype(np.int32)
        positions = np.arange(self.tokens, dtype=np.int32) - np.repeat(starts[:-1], lengths)
        skill = np.repeat(np.array([r[2] for r in rows], np.int16), lengths)
        # A place counts by its next token, which has to be of the same row.
        inside = np.ones(self.tokens, bool)
        inside[starts[1:] - 1] = False
        inside[skill < 0] = False
        ahead = np.roll(said, -1)
        order = np.random.default_rng(self.made).permutation(self.tokens)
        own, given = order[(ahead & inside)[order]], order[(~ahead & inside)[order]]
        picks = np.concatenate([own, given])[:self.picks]
        count = min(len(own), self.picks)
        weights = np.full(self.picks, GIVEN, np.float32)
        weights[:count] = 1
        weights[len(picks):] = 0
        picks = np.resize(picks, self.picks)
        marks = np.where(np.arange(self.picks) < count, skill[picks], -1).astype(np.int16)
        return Batch(ids, positions, starts, picks.astype(np.int32), np.roll(ids, -1)[picks], weights, marks)
