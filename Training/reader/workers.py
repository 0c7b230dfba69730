"""Computes a step's gradient on several threads, each with its own bfloat16 copy of the model.

The threads take batches from one queue, so that a core that other programs slow down simply takes fewer. That is much
faster on a shared machine than several threads inside each matrix product, where all wait for the slowest.
"""

from collections import deque
from concurrent.futures import ThreadPoolExecutor

import torch
from torch import Tensor
from torch.nn import functional as F

from .model import Config, Reader
from .rows import Batch

KEPT = 0.25  # the share of the given text that the loss looks at; all of the model's own words count


def batch_loss(model: Reader, batch: Batch, own_tokens: float) -> tuple[Tensor, float, float]:
    """The weighted loss as a part of the step's, and the summed plain loss and count of the model's own words."""
    tokens, weights = batch
    states = model.states(tokens[:, :-1]).flatten(0, 1)
    weights, targets = weights[:, 1:].flatten(), tokens[:, 1:].flatten()
    picked = ((weights == 1) | ((weights > 0) & (torch.rand(len(weights)) < KEPT))).nonzero()[:, 0]
    logits = F.linear(states[picked], model.embedding.weight).float()
    each, weights = F.cross_entropy(logits, targets[picked], reduction="none"), weights[picked]
    own = weights == 1
    weights = torch.where(own, weights, weights / KEPT)
    return (each * weights).sum() / own_tokens, float(each.detach()[own].sum()), float(own.sum())


class Workers:
    def __init__(self, master: Reader, config: Config, count: int):
        torch.set_num_threads(1)
        self.master = master
        self.copies = [Reader(config).bfloat16() for _ in range(count)]
        self.pool = ThreadPoolExecutor(count)

    def step(self, batches: list[Batch]) -> float:
        """Leaves the gradient over `batches` in the master; returns the mean loss over the model's own words."""
        own_tokens = sum(float((b[1] == 1).sum()) for b in batches) + 1
        queue = deque(batches)

        def work(copy: Reader) -> tuple[float, float]:
            copy.load_state_dict(self.master.state_dict())
            copy.zero_grad(set_to_none=True)
            lost = said = 0.0
            while True:
                try:
                    batch = queue.popleft()
                except IndexError:
                    return lost, said
                loss, own_loss, own = batch_loss(copy, batch, own_tokens)
                loss.backward()
                lost, said = lost + own_loss, said + own

        done = list(self.pool.map(work, self.copies))
        for weight, *parts in zip(self.master.parameters(), *(c.parameters() for c in self.copies)):
            grads = [p.grad.float() for p in parts if p.grad is not None]
            weight.grad = sum(grads[1:], grads[0])
        return sum(d[0] for d in done) / max(1.0, sum(d[1] for d in done))
