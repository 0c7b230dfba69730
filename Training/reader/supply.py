"""Processes that make batches, so that the trainer never waits for one."""

import multiprocessing as mp
import queue
import signal
from pathlib import Path

from .rows import Batch, Rows


def work(tokenizer: Path, tokens: int, picks: int, worker: int, stride: int, reach, made) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the trainer ends us
    rows = Rows(tokenizer, tokens, picks, worker, stride)
    while True:
        made.put(rows.batch(reach.value))


class Supply:
    """An endless supply of batches; `reach` is the longest document now."""

    def __init__(self, tokenizer: Path, tokens: int, picks: int, workers: int, first: int = 0):
        context = mp.get_context("fork")
        self.reach = context.Value("d", 256.0, lock=False)
        self.queue = context.Queue(2 * workers)
        self.workers = [context.Process(
            target=work, args=(tokenizer, tokens, picks, first + worker, workers, self.reach, self.queue), daemon=True)
            for worker in range(workers)]
        for worker in self.workers:
            worker.start()

    def next(self) -> Batch:
        while True:
            try:
                return self.queue.get(timeout=5)
            except queue.Empty:
                if not any(worker.is_alive() for worker in self.workers):
                    raise SystemExit("no process is left that makes batches") from None
