"""Processes that make batches, so that the trainer never waits for one."""

import multiprocessing as mp
from pathlib import Path

from .rows import Batch, Rows


def work(tokenizer: Path, tokens: int, picks: int, worker: int, stride: int, reach, queue) -> None:
    rows = Rows(tokenizer, tokens, picks, worker, stride)
    while True:
        queue.put(rows.batch(reach.value))


class Supply:
    """An endless supply of batches; `reach` is the longest document now."""

    def __init__(self, tokenizer: Path, tokens: int, picks: int, workers: int, first: int = 0):
        context = mp.get_context("fork")
        self.reach = context.Value("d", 256.0, lock=False)
        self.queue = context.Queue(2 * workers)
        for worker in range(workers):
            context.Process(target=work, args=(tokenizer, tokens, picks, first + worker, workers, self.reach, self.queue),
                            daemon=True).start()

    def next(self) -> Batch:
        return self.queue.get()
