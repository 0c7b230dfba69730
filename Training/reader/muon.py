"""Muon: momentum whose update is made orthogonal by Newton-Schulz steps (Jordan et al., 2024). For matrices only."""

from concurrent.futures import ThreadPoolExecutor

import torch
from torch import Tensor


@torch.no_grad()
def orthogonal(g: Tensor, steps: int = 5) -> Tensor:
    a, b, c = 3.4445, -4.7750, 2.0315
    x = (g.T if g.shape[0] > g.shape[1] else g).bfloat16()
    x = x / (x.norm() + 1e-7)
    for _ in range(steps):
        y = x @ x.T
        x = a * x + (b * y + c * (y @ y)) @ x
    return (x.T if g.shape[0] > g.shape[1] else x).float()


class Muon(torch.optim.Optimizer):
    def __init__(self, params, lr: float = 0.02, momentum: float = 0.95, decay: float = 0.01, threads: int = 2):
        super().__init__(params, {"lr": lr, "momentum": momentum, "decay": decay})
        self.pool = ThreadPoolExecutor(threads)

    @torch.no_grad()
    def step(self) -> None:
        for group in self.param_groups:
            wanted = []
            for w in group["params"]:
                kept = self.state[w].setdefault("momentum", torch.zeros_like(w))
                kept.lerp_(w.grad, 1 - group["momentum"])
                wanted.append(w.grad.lerp(kept, group["momentum"]))
            for w, update in zip(group["params"], self.pool.map(orthogonal, wanted)):
                w.mul_(1 - group["lr"] * group["decay"])
                w.add_(update, alpha=-group["lr"] * max(1.0, w.shape[0] / w.shape[1]) ** 0.5)
