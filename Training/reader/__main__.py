"""Makes the reader from nothing: tokenizer, training, export, evaluation. Each is also a command of its own."""

import runpy
import sys
from pathlib import Path

from . import tokenizer

if __name__ == "__main__":
    out = Path(sys.argv[sys.argv.index("--out") + 1]) if "--out" in sys.argv else Path("build")
    if not (out / "tokenizer.json").exists():
        tokenizer.train(out / "tokenizer.json")
    wanted = sys.argv[1:]
    for step in ("train", "export", "evaluate"):
        sys.argv = [step, "--out", str(out)]
        if step == "train":
            sys.argv = [step, *wanted] if wanted else sys.argv
        runpy.run_module(f"reader.{step}", run_name="__main__")
