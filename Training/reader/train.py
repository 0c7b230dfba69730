"""Trains the reader for a fixed wall-clock time; resumes from its checkpoint if there is one, and saves when stopped."""

import argparse
import json
import math
import signal
import time
from pathlib import Path

import torch
from tokenizers import Tokenizer

from .curve import draw
from .model import Config, Reader
from .muon import Muon
from .rows import LONGEST, SEED, Rows
from .start import look_back
from .workers import Workers

BATCHES_PER_STEP = 4
LEARNT = 0.15  # a loss over the answers below this makes documents longer


def rate(progress: float, step: int) -> float:
    """Warm up, hold, and fall to zero over the last 40 %."""
    return min(1.0, (step + 1) / 40) * min(1.0, (1 - progress) / 0.4)


def main() -> None:
    p = argparse.ArgumentParser(description=__doc__)
    p.add_argument("--out", type=Path, default=Path("build"))
    p.add_argument("--minutes", type=float, default=60)
    p.add_argument("--batch-tokens", type=int, default=1024, help="per batch; a step has four")
    p.add_argument("--lr", type=float, default=0.006, help="of Muon; AdamW's is a seventh of it")
    p.add_argument("--workers", type=int, default=2)
    a = p.parse_args()
    torch.manual_seed(SEED)
    config = Config()
    model = Reader(config)
    look_back(model)
    matrices = [w for n, w in model.named_parameters() if w.dim() == 2 and "embedding" not in n]
    others = [w for n, w in model.named_parameters() if w.dim() < 2 or "embedding" in n]
    optimizers = [Muon(matrices, lr=a.lr), torch.optim.AdamW(others, lr=a.lr / 7, betas=(0.9, 0.98), weight_decay=0.0)]
    base = [o.param_groups[0]["lr"] for o in optimizers]
    checkpoint, log = a.out / "checkpoint.pt", a.out / "log.jsonl"
    state = {"step": 0, "tokens": 0, "elapsed": 0.0, "rows": 0, "reach": 100.0}
    if checkpoint.exists():
        saved = torch.load(checkpoint, weights_only=True)
        model.load_state_dict(saved["model"])
        for optimizer, held in zip(optimizers, saved["optimizers"]):
            optimizer.load_state_dict(held)
        state = saved["state"]
    rows = Rows(Tokenizer.from_file(str(a.out / "tokenizer.json")), a.batch_tokens, config.context, state["rows"])
    workers = Workers(model, config, a.workers)
    budget, begun, kept = a.minutes * 60, time.time() - state["elapsed"], time.time()

    def save() -> None:
        state["rows"] = rows.made
        torch.save({"model": model.state_dict(), "optimizers": [o.state_dict() for o in optimizers], "state": state},
                   checkpoint.with_suffix(".new"))
        checkpoint.with_suffix(".new").replace(checkpoint)
        draw(log, a.out / "loss.svg")

    stopped: list[int] = []
    for name in (signal.SIGTERM, signal.SIGINT):
        signal.signal(name, lambda number, _: stopped.append(number))
    recent: list[float] = []
    while state["elapsed"] < budget and not stopped:
        progress = state["elapsed"] / budget
        for optimizer, lr in zip(optimizers, base):
            optimizer.param_groups[0]["lr"] = lr * rate(progress, state["step"])
        reach = max(state["reach"], 300 if progress > 0.9 else 0)
        batches = [rows.batch(reach) for _ in range(BATCHES_PER_STEP)]
        recent.append(workers.step(batches))
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        for optimizer in optimizers:
            optimizer.step()
        state["step"] += 1
        state["tokens"] += sum(int((weights > 0).sum()) for _, weights in batches)
        state["elapsed"] = time.time() - begun
        if state["step"] % 20 == 0:
            if math.isnan(recent[-1]):
                raise SystemExit("the loss is not a number")
            mean = sum(recent) / len(recent)
            recent.clear()
            if mean < LEARNT:
                state["reach"] = min(LONGEST, state["reach"] * 1.3)
            line = {"step": state["step"], "tokens": state["tokens"], "minutes": round(state["elapsed"] / 60, 2),
                    "answer_loss": round(mean, 4), "reach": round(reach)}
            with log.open("a") as f:
                f.write(json.dumps(line) + "\n")
            print(line, flush=True)
        if time.time() - kept > 300:
            kept = time.time()
            save()
    save()


if __name__ == "__main__":
    main()
