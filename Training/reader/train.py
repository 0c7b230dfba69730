"""Trains the reader and its draft for a fixed wall-clock time, on a GPU or on a CPU, and saves them when stopped."""

import argparse
import json
import math
import signal
import time
from pathlib import Path

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from .attention import Spans
from .curve import draw
from .model import CONFIGS, Reader, before, behind
from .muon import Muon
from .rows import SKILL_IDS, Batch
from .start import look_back
from .supply import Supply

SEED = 1
NAMES = {index: name for name, index in SKILL_IDS.items()}
DRAFT_EVERY = 3  # steps between two of the draft


def rate(progress: float, step: int) -> float:
    """Warm up, hold, and fall to zero over the last 40 %."""
    return min(1.0, (step + 1) / 100) * min(1.0, max(0.0, 1 - progress) / 0.4)


def reach(progress: float, first: float, longest: float) -> float:
    """The longest document at this point: it doubles every 6 % of the time."""
    return min(longest, first * 2 ** (progress / 0.06))


def cross_entropy(states: Tensor, embedding: Tensor, targets: Tensor) -> Tensor:
    return F.cross_entropy(F.linear(states, embedding.to(states.dtype)).float(), targets, reduction="none")


class Student:
    """A model with its optimizers."""

    def __init__(self, name: str, lr: float, device: str, out: Path):
        self.name, self.out, self.loss = name, out, cross_entropy
        self.model = Reader(CONFIGS[name])
        look_back(self.model)
        if self.checkpoint.exists():
            self.model.load_state_dict(torch.load(self.checkpoint, weights_only=True))
        self.model.to(device)
        matrices = [w for n, w in self.model.named_parameters() if w.dim() == 2 and "embedding" not in n]
        others = [w for n, w in self.model.named_parameters() if w.dim() < 2 or "embedding" in n]
        self.optimizers = [Muon(matrices, lr=lr), torch.optim.AdamW(others, lr=lr / 5, betas=(0.9, 0.98), weight_decay=0.0)]
        self.base = [o.param_groups[0]["lr"] for o in self.optimizers]

    def compile(self) -> None:
        self.model.before, self.model.behind, self.loss = (
            torch.compile(part, dynamic=False) for part in (before, behind, cross_entropy))

    @property
    def checkpoint(self) -> Path:
        return self.out / f"{self.name}.pt"

    def step(self, batch: dict[str, Tensor], spans: Spans, dtype: torch.dtype, share: float) -> Tensor:
        """One step of all optimizers; returns the loss at each pick."""
        states = self.model.states(batch["tokens"], spans, dtype)[batch["picks"]]
        each = self.loss(states, self.model.embedding.weight, batch["targets"])
        ((each * batch["weights"]).sum() / batch["weights"].sum()).backward()
        torch.nn.utils.clip_grad_norm_(self.model.parameters(), 1.0)
        for optimizer, lr in zip(self.optimizers, self.base):
            optimizer.param_groups[0]["lr"] = lr * share
            optimizer.step()
            optimizer.zero_grad(set_to_none=True)
        return each.detach()

    def save(self) -> None:
        new = self.checkpoint.with_suffix(".new")
        torch.save({name: w.half().cpu() for name, w in self.model.state_dict().items()}, new)
        new.replace(self.checkpoint)


def moved(batch: Batch, device: str) -> tuple[dict[str, Tensor], Spans]:
    def put(array) -> Tensor:
        t = torch.from_numpy(array)
        return t.pin_memory().to(device, non_blocking=True) if device == "cuda" else t

    fields = {name: put(getattr(batch, name)) for name in ("tokens", "picks", "targets", "weights", "skills")}
    for name in ("tokens", "picks", "targets", "skills"):
        fields[name] = fields[name].long()
    return fields, Spans(put(batch.positions).long(), put(batch.starts), int(np.diff(batch.starts).max()))


def check_attention(device: str) -> None:
    """The fast form gives what the plain one gives, forwards and backwards."""
    from .attention import by_rows, flash
    spans = Spans(torch.arange(300, device=device), torch.tensor([0, 40, 41, 300], dtype=torch.int32, device=device), 512)
    inputs = [torch.randn(300, h, 64, device=device, dtype=torch.bfloat16, requires_grad=True) for h in (6, 2, 2)]
    seen = []
    for form in (flash, by_rows):
        out = form(*inputs, spans)
        seen.append([out.detach(), *torch.autograd.grad((out.float() ** 2).sum(), inputs)])
    for a, b in zip(*seen):
        assert (a.float() - b.float()).norm() < 0.03 * b.float().norm(), "attention differs"


def main() -> None:
    p = argparse.ArgumentParser(description=__doc__)
    p.add_argument("--out", type=Path, default=Path("build"))
    p.add_argument("--minutes", type=float, default=12)
    p.add_argument("--tokens", type=int, default=65_536, help="in a step")
    p.add_argument("--first", type=float, default=256, help="the longest document at the start, in tokens, about")
    p.add_argument("--longest", type=float, default=34_000, help="the longest document in the end")
    p.add_argument("--lr", type=float, default=0.015, help="of Muon; AdamW's is a fifth of it")
    p.add_argument("--workers", type=int, default=14, help="processes that make batches")
    p.add_argument("--models", nargs="+", default=list(CONFIGS))
    p.add_argument("--eager", action="store_true", help="do not compile")
    a = p.parse_args()
    begun = time.time()
    device = "cuda" if torch.cuda.is_available() else "cpu"
    a.out.mkdir(parents=True, exist_ok=True)
    held = a.out / "state.json"
    state = json.loads(held.read_text()) if held.exists() else {"step": 0, "tokens": 0, "seconds": 0, "progress": 0.0}
    if state["progress"] >= 1:  # what was finished is taken further, by another schedule
        state["progress"] = 0.0
    # A step takes fewer than 1000 rows, so that no row comes twice.
    supply = Supply(a.out / "tokenizer.json", a.tokens, a.tokens // 4, a.workers, 1000 * state["step"])
    torch.manual_seed(SEED)
    torch.set_float32_matmul_precision("high")
    dtype = torch.bfloat16 if device == "cuda" else torch.float32
    if device == "cuda":
        check_attention(device)
    students = [Student(name, a.lr, device, a.out) for name in a.models]
    if device == "cuda" and not a.eager:  # the draft is quick enough
        students[0].compile()
    log = a.out / "log.jsonl"

    stopped: list[int] = []
    for name in (signal.SIGTERM, signal.SIGINT):
        signal.signal(name, lambda number, _: stopped.append(number))
    # Loss and count of the answers of each skill, since the last report; the row behind them is what is given.
    sums = torch.zeros(2, len(NAMES) + 1, device=device)
    drafted: Tensor | None = None
    step, tokens, kept, reported = state["step"], state["tokens"], time.time(), time.time()
    first, end, progress = step, begun + 60 * a.minutes, state["progress"]

    def save() -> None:
        for student in students:
            student.save()
        held.write_text(json.dumps({"step": step, "tokens": tokens, "progress": round(progress, 4),
                                    "seconds": round(state["seconds"] + time.time() - begun)}))

    while not stopped:
        progress = state["progress"] + (1 - state["progress"]) * (time.time() - begun) / (end - begun)
        if progress >= 1:
            break
        supply.reach.value = reach(progress, a.first, a.longest)
        fields, spans = moved(supply.next(), device)
        share = rate(progress, step - first)
        each = students[0].step(fields, spans, dtype, share)
        sums.index_add_(1, fields["skills"] % (len(NAMES) + 1), torch.stack([each, torch.ones_like(each)]))
        if len(students) > 1 and step % DRAFT_EVERY == 0:
            found = students[1].step(fields, spans, dtype, share)
            drafted = (found * (fields["skills"] >= 0)).sum() / (fields["skills"] >= 0).sum()
        step, tokens = step + 1, tokens + a.tokens
        if step - first in (1, 10, 50) or step % 100 == 0:
            lost, count = sums.tolist()
            sums.zero_()
            mean = sum(lost[:-1]) / max(1, sum(count[:-1]))
            if not math.isfinite(mean):
                raise SystemExit("the loss is not a number")
            skills = {NAMES[i]: round(lost[i] / count[i], 3) for i in NAMES if count[i]}
            line = {"step": step, "tokens": tokens, "seconds": round(state["seconds"] + time.time() - begun), "answer_loss": round(mean, 4),
                    "given_loss": round(lost[-1] / max(1, count[-1]), 3), "reach": round(supply.reach.value),
                    "draft": drafted and round(float(drafted), 3), "skills": skills}
            with log.open("a") as f:
                f.write(json.dumps(line) + "\n")
            shown = "" if step % 500 else " ".join(f"{k}={v}" for k, v in skills.items())
            print(f"{step} {line['seconds']}s {tokens / 1e6:.0f}M loss {mean:.4f} given {line['given_loss']} reach {line['reach']} "
                  f"draft {line['draft']} queue {supply.queue.qsize()} {time.time() - reported:.1f}s {shown}", flush=True)
            reported = time.time()
        if time.time() - kept > 100:
            kept = time.time()
            save()
    save()
    draw(log, a.out / "loss.svg")
    print(f"done: {step} steps, {tokens / 1e6:.0f}M tokens, {state['seconds'] + time.time() - begun:.0f} s", flush=True)


if __name__ == "__main__":
    main()
