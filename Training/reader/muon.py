"""Muon: momentum whose update is made orthogonal by Newton-Schulz steps (Jordan et al., 2024). For matrices only."""

from collections import defaultdict

import torch
from torch import Tensor


def orthogonal(g: Tensor, steps: int = 5) -> Tensor:
    """Of matrices of one shape, [count, rows, columns]."""
    a, b, c = 3.4445, -4.7750, 2.0315
    tall = g.shape[1] > g.shape[2]
    x = (g.mT if tall else g).to(torch.bfloat16 if g.is_cuda else g.dtype)
    x = x / (x.norm(dim=(1, 2), keepdim=True) + 1e-7)
    for _ in range(steps):
        y = x @ x.mT
        x = a * x + (b * y + c * (y @ y)) @ x
    return (x.mT if tall else x).float()


class Muon(torch.optim.Optimizer):
    def __init__(self, params, lr: float = 0.02, momentum: float = 0.95, decay: float = 0.05):
        super().__init__(params, {"lr": lr, "momentum": momentum, "decay": decay})

    @torch.no_grad()
    def step(self) -> None:
        for group in self.param_groups:
            shapes: dict[torch.Size, list[Tensor]] = defaultdict(list)
            for w in group["params"]:
                shapes[w.shape].append(w)
            for shape, weights in shapes.items():
                grads = torch.stack([w.grad for w in weights])
                state = self.state[weights[0]]
                if "momentum" not in state:
                    state["momentum"] = torch.zeros_like(grads)
                kept = state["momentum"]
                kept.lerp_(grads, 1 - group["momentum"])
                update = orthogonal(grads.lerp(kept, group["momentum"]))
                torch._foreach_mul_(weights, 1 - group["lr"] * group["decay"])
                torch._foreach_add_(weights, list(update.unbind()), alpha=-group["lr"] * max(1.0, shape[0] / shape[1]) ** 0.5)
