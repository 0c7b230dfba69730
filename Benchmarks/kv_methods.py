"""Measures KV policies, key selectors and KV formats, and writes the tables of docs/long-context.md and two pictures.

Of each method: the accuracy on six tasks of `apus eval`, and of selectors on needles in one very long text; what keys
and values take and the time to the first token of a long prompt, by `apus run`; the time per output token behind
contexts of several lengths, by `apus bench throughput`.
"""

import argparse
import json
import math
import os
import platform
import re
import statistics
import subprocess
import sys
import tempfile
import textwrap
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from kv_methods_chart import Point, scatter

TASKS = ["niah", "niah_multikey", "multi_needle", "kv", "qa", "passkey"]
LENGTHS = [4096, 8192]
DEPTHS = [4096, 8192, 32768]
ANSWER = 32  # tokens of a timed answer
LONG_RUNS = 1  # at most so many behind more than the longest of LENGTHS, which takes most of the time
NEEDLES, NEEDLE_CASES = "niah_multikey", 20  # questions about one text of the longest of DEPTHS, for selectors

# HEADS stands for the file that `apus heads find` writes, in which this share of the heads keeps everything.
RETRIEVAL = 0.25
FORMATS = ["q8_0", "q4_0"]
POLICIES = [
    "window:budget=0.2",
    "streaming:budget=0.2",
    "sirllm:budget=0.2,recent=256",
    "h2o:budget=0.2",
    "tova:budget=0.2",
    "keyformer:budget=0.2",
    "snapkv:budget=0.2",
    "snapkv:budget=0.2,kernel=15",
    "snapkv:budget=0.2,kernel=15,merge=pivotal",
    "pyramid:budget=0.2,kernel=15",
    "adaptive:budget=0.2,kernel=15",
    "speckv:budget=0.2,kernel=15",
    "gemfilter:budget=0.2",
    "razor:budget=0.2,heads=HEADS",
    "duo:heads=HEADS",
    "minicache",
]
SELECTORS = ["quest", "landmark", "longheads", "squeezed", "tokenselect", "sentencekv", "hip"]
SELECTED = 2048  # tokens that a selector reads
BEGIN, END = "<!-- table -->", "<!-- end -->"
BYTES_PICTURE, TIME_PICTURE = "long-context-bytes.svg", "long-context-tpot.svg"
DOCS = Path(__file__).resolve().parent.parent / "docs"


class MeasurementFailed(Exception):
    """A command did not give a result; the message says why."""


@dataclass(frozen=True)
class Method:
    name: str
    kind: str  # "none", "format", "policy" or "selector"

    def flags(self, heads: Path) -> list[str]:
        if self.kind == "format":
            return ["--cache-type-k", self.name, "--cache-type-v", self.name]
        flag = {"policy": "--kv-policy", "selector": "--select"}.get(self.kind)
        return [flag, self.name.replace("HEADS", str(heads))] if flag else []

    @property
    def label(self) -> str:
        name = self.name.split(":")[0]
        return name + (
            " merged" if "merge=" in self.name else " wide" if self.name == "snapkv:budget=0.2,kernel=15" else ""
        )


METHODS = [
    Method("none", "none"),
    *(Method(name, "format") for name in FORMATS),
    *(Method(name, "policy") for name in POLICIES),
    *(Method(f"{name}:budget={SELECTED}", "selector") for name in SELECTORS),
]


class Bench:
    """Runs the program with the options of one session."""

    def __init__(self, options: argparse.Namespace, folder: Path) -> None:
        self.options = options
        self.folder = folder
        self.heads = folder / "heads.tsv"
        self.prompt = folder / "prompt.txt"

    def run(self, *words: str) -> str:
        command = [self.options.apus, *words, "-m", self.options.model]
        result = subprocess.run(command, capture_output=True, text=True)
        if result.returncode:
            lines = result.stderr.strip().splitlines()
            raise MeasurementFailed(lines[-1] if lines else f"exit status {result.returncode}")
        return result.stdout

    def prepare(self) -> None:
        """Finds the heads, and writes a prompt that is a little shorter than the longest length."""
        self.run("heads", "find", "--retrieval", str(RETRIEVAL), "-o", str(self.heads))
        sentences = [f"Ship {n} took {n * 7 % 90 + 10} crates of salt to harbour {n * 13 % 40}. " for n in range(2000)]
        self.prompt.write_text("".join(sentences))
        count = len(json.loads(self.run("tokenize", "-f", str(self.prompt), "--json"))["ids"])
        fitting = int(len(sentences) * (LENGTHS[-1] - ANSWER) / count * 0.99)
        self.prompt.write_text("".join(sentences[:fitting]))

    def measure(self, method: Method, known: dict) -> dict:
        """What is not known yet of a method: the accuracy, and the times unless they are left out."""
        flags = method.flags(self.heads)
        result = dict(known)
        if "scores" not in result:
            result["scores"] = self.accuracy(TASKS, LENGTHS, self.options.samples, flags)
        if "needles" not in result and self.seeks_needles(method):
            result["needles"] = self.accuracy([NEEDLES], DEPTHS[-1:], NEEDLE_CASES, flags)
        if self.options.accuracy_only:
            return result
        if "ttft_ms" not in result:
            result |= self.prefill(method, flags)
        return result | {"tpot_ms": self.decode(flags, result.get("tpot_ms", {}))}

    def is_measured(self, method: Method, known: dict) -> bool:
        has_scores = "scores" in known and ("needles" in known or not self.seeks_needles(method))
        return has_scores and (self.options.accuracy_only or known.get("tpot_ms", {}).keys() >= set(self.depths()))

    def depths(self) -> list[str]:
        return [str(depth) for depth in DEPTHS if depth <= LENGTHS[-1] or not self.options.no_32k]

    def seeks_needles(self, method: Method) -> bool:
        return method.kind in ("none", "selector") and not self.options.no_32k

    def accuracy(self, tasks: list[str], lengths: list[int], samples: int, flags: list[str]) -> list[dict]:
        words = ["--lengths", ",".join(str(length) for length in lengths), "--samples", str(samples), "--json", "-"]
        rows = json.loads(self.run("eval", *tasks, *words, *flags))["rows"]
        return [{key: row[key] for key in ("task", "length", "n", "score", "stderr")} for row in rows]

    def prefill(self, method: Method, flags: list[str]) -> dict:
        """The memory and the times of the first token, of the prompt that `prepare` wrote."""
        words = ["run", "-f", str(self.prompt), "-n", str(ANSWER), "--ignore-eos", "--json", *flags]
        answers = [json.loads(self.run(*words)) for _ in range(self.options.runs)]
        # A draft is written before the first step, while the request counts as queued.
        times = [answer["timings"]["queued_ms"] + answer["timings"]["prompt_ms"] for answer in answers]
        tokens = answers[0]["timings"]["prompt_n"]
        kv = answers[0].get("kv") or self.everything(method, tokens + ANSWER - 1)
        return {"methods": answers[0].get("methods", []), "prompt_tokens": tokens, "ttft_ms": times, "kv": kv}

    def everything(self, method: Method, tokens: int) -> dict:
        """What all keys and values take; an answer that keeps and reads them all does not tell."""
        flags = method.flags(self.heads) if method.kind == "format" else []
        words = ["plan", "-c", str(tokens), "--bandwidth", "1", "--compute", "1", "--json", *flags]
        return {"kept_tokens": tokens, "bytes": json.loads(self.run(*words))["rows"][-1]["kv_bytes_per_user"]}

    def decode(self, flags: list[str], known: dict[str, list[float]]) -> dict[str, list[float]]:
        """Milliseconds a token behind each depth, by depth; the program takes the context that the depth needs."""
        times = dict(known)
        for depth in [depth for depth in self.depths() if depth not in known]:
            runs = self.options.runs if int(depth) <= LENGTHS[-1] else min(self.options.runs, LONG_RUNS)
            words = ["-p", "0", "-n", str(ANSWER), "-d", depth, "-r", str(runs), "--json"]
            row = json.loads(self.run("bench", "throughput", *words, *flags))[0]
            times[depth] = [nanoseconds / 1e6 / ANSWER for nanoseconds in row["samples_ns"]]
        return times


def mean_score(result: dict, length: int) -> tuple[float, float]:
    """The mean over the tasks and its standard error."""
    rows = [row for row in result["scores"] if row["length"] == length]
    error = math.sqrt(sum((row["stderr"] or 0) ** 2 for row in rows)) / len(rows)
    return statistics.mean(row["score"] for row in rows), error


def spread(values: list[float] | None) -> str:
    """Median and half the distance from the lowest to the highest."""
    if not values:
        return ""
    decimals = 0 if statistics.median(values) >= 100 else 1 if statistics.median(values) >= 10 else 2
    return f"{statistics.median(values):.{decimals}f} ± {(max(values) - min(values)) / 2:.{decimals}f}"


def markdown(header: list[str], rows: list[list[str]], texts: int) -> str:
    """A table whose first columns, `texts` of them, are text."""
    rule = ["---"] * texts + ["---:"] * (len(header) - texts)
    return "\n".join(f"| {' | '.join(line)} |" for line in [header, rule, *rows])


def short(length: int) -> str:
    return f"{length // 1024}k"


def has_needles(results: dict[Method, dict]) -> bool:
    return any("needles" in result for result in results.values())


def measured_depths(results: dict[Method, dict]) -> list[int]:
    return [depth for depth in DEPTHS if any(str(depth) in result["tpot_ms"] for result in results.values())]


def method_table(results: dict[Method, dict]) -> str:
    depths, seeks_needles = measured_depths(results), has_needles(results)
    header = ["method", "exact", *(f"accuracy {short(length)}" for length in LENGTHS)]
    header += [f"needles {short(DEPTHS[-1])}"] if seeks_needles else []
    header += ["KV, MiB", "tokens kept", "TTFT, ms", *(f"TPOT {short(depth)}, ms" for depth in depths)]
    rows = []
    for method, result in results.items():
        cells = [f"`{method.name.replace('HEADS', 'heads.tsv')}`", "no" if result["methods"] else "yes"]
        cells += ["{:.2f} ± {:.2f}".format(*mean_score(result, length)) for length in LENGTHS]
        if seeks_needles:
            cells.append("{:.2f}".format(result["needles"][0]["score"]) if "needles" in result else "")
        cells += [f"{result['kv']['bytes'] / 2**20:.1f}", f"{result['kv']['kept_tokens']:.0f}"]
        cells.append(spread(result["ttft_ms"]))
        rows.append(cells + [spread(result["tpot_ms"].get(str(depth))) for depth in depths])
    return markdown(header, rows, texts=2)


def task_table(results: dict[Method, dict]) -> str:
    rows = []
    for method, result in results.items():
        scores = {(row["task"], row["length"]): f"{row['score']:.2f}" for row in result["scores"]}
        cells = [" / ".join(scores.get((task, length), "") for length in LENGTHS) for task in TASKS]
        rows.append([method.label, *cells])
    return markdown(["method", *TASKS], rows, texts=1)


def section(session: dict, results: dict[Method, dict]) -> str:
    """What stands between the markers."""
    tokens = max(result["prompt_tokens"] for result in results.values())
    lengths = " and ".join(short(length) for length in LENGTHS)
    needles = f"needles are {NEEDLE_CASES} questions of `{NEEDLES}` about one text. " if has_needles(results) else ""
    long_runs = f" (behind {short(DEPTHS[-1])} tokens {LONG_RUNS})" if DEPTHS[-1] in measured_depths(results) else ""
    about = (
        f"`Benchmarks/kv_methods.py` with `{session['model']}`, {session['processor']}, {session['threads']} threads. "
        f"Accuracy is the mean over {len(TASKS)} tasks, {session['samples']} cases of each, at {lengths} tokens, with "
        f"its standard error{'; ' if needles else '. '}{needles}KV, tokens kept by a "
        f"head and TTFT are those of a prompt of {tokens:,} tokens. Times are "
        f"medians of {session['runs']} runs{long_runs}, with half the "
        f"distance from the lowest to the highest. `heads.tsv` is "
        f"what `apus heads find --retrieval {RETRIEVAL}` writes."
    )
    pictures = f"![Accuracy against bytes]({BYTES_PICTURE})\n![Accuracy against TPOT]({TIME_PICTURE})"
    tasks = f"Scores by task, at {' / '.join(short(length) for length in LENGTHS)}:"
    return "\n\n".join([textwrap.fill(about, 120), method_table(results), pictures, tasks, task_table(results)])


def write(folder: Path, session: dict, results: dict[Method, dict]) -> None:
    page = folder / "long-context.md"
    text = page.read_text()
    before, begin, rest = text.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise SystemExit(f"{page} has no {BEGIN} … {END}")
    page.write_text(f"{before}{BEGIN}\n\n{section(session, results)}\n\n{END}{after}")
    length = LENGTHS[-1]

    def draw(file: str, title: str, figure: Callable[[dict], float]) -> None:
        points = [
            Point(method.label, method.kind, figure(result), mean_score(result, length)[0])
            for method, result in results.items()
        ]
        (folder / file).write_text(scatter(points, x_title=title, y_title=f"accuracy at {short(length)}"))

    draw(BYTES_PICTURE, "MiB of keys and values", lambda result: result["kv"]["bytes"] / 2**20)
    draw(
        TIME_PICTURE,
        f"milliseconds a token behind {short(length)}",
        lambda result: statistics.median(result["tpot_ms"][str(length)]),
    )


def processor() -> str:
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.machine()


def load(path: Path | None, session: dict) -> dict[str, dict]:
    """What an earlier run of the same session has measured, by method."""
    if path is None or not path.exists():
        return {}
    stored = json.loads(path.read_text())
    if stored["session"] != session:
        raise SystemExit(f"{path} holds another session, {stored['session']}; name another file")
    return stored["methods"]


def store(path: Path | None, session: dict, measured: dict[str, dict]) -> None:
    if path:
        scratch = path.with_name(path.name + ".new")
        scratch.write_text(json.dumps({"session": session, "methods": measured}, indent=1) + "\n")
        scratch.replace(path)


def parse_options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--apus", default="apus")
    parser.add_argument("-m", "--model", default="builtin:reader")
    parser.add_argument("--samples", type=int, default=20, help="cases of each task and length")
    parser.add_argument("--runs", type=int, default=5, help="of each timed command")
    parser.add_argument("--methods", type=re.compile, default="", metavar="REGEX", help="methods whose names match")
    parser.add_argument("--out", type=Path, default=DOCS, help="the folder of long-context.md")
    parser.add_argument("--json", type=Path, help="a file that keeps all results; what is in it is not measured again")
    parser.add_argument(
        "--accuracy-only",
        action="store_true",
        help="no times yet, so that other programs may run; with --json, a second run adds them",
    )
    parser.add_argument("--no-32k", action="store_true", help="leave out the context of 32k tokens")
    return parser.parse_args()


def main() -> None:
    options = parse_options()
    session = {"model": options.model, "samples": options.samples, "runs": options.runs}
    session |= {"processor": processor(), "threads": os.cpu_count()}
    measured = load(options.json, session)
    failures = []
    with tempfile.TemporaryDirectory() as folder:
        bench = Bench(options, Path(folder))
        missing = [
            method
            for method in METHODS
            if re.search(options.methods, method.name) and not bench.is_measured(method, measured.get(method.name, {}))
        ]
        if missing:
            bench.prepare()
        for number, method in enumerate(missing, 1):
            print(f"{number} of {len(missing)}: {method.name}", file=sys.stderr, flush=True)
            try:
                measured[method.name] = bench.measure(method, measured.get(method.name, {}))
                store(options.json, session, measured)
            except MeasurementFailed as error:
                failures.append(f"{method.name}: {error}")
                print(f"  not measured: {error}", file=sys.stderr, flush=True)
    results = {method: measured[method.name] for method in METHODS if "tpot_ms" in measured.get(method.name, {})}
    if results:
        write(options.out, session, results)
    if failures:
        raise SystemExit("Not measured:\n" + "\n".join(failures))


if __name__ == "__main__":
    main()
