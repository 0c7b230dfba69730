"""Makes the models from nothing: tokenizer, training, export, evaluation. Each is also a command of its own."""

import runpy
import sys
from pathlib import Path

from . import tokenizer

if __name__ == "__main__":
    wanted = sys.argv[1:]
    out = Path(wanted[wanted.index("--out") + 1]) if "--out" in wanted else Path("build")
    if not (out / "tokenizer.json").exists():
        tokenizer.train(out / "tokenizer.json")
    for step in ("train", "export", "evaluate"):
        sys.argv = [step, *wanted] if step == "train" else [step, "--out", str(out)]
        runpy.run_module(f"reader.{step}", run_name="__main__")
