"""Compares Apus with llama.cpp and OpenVINO GenAI on the same GGUF files, all in one run.

Each round measures every row with every program, one after the other, so that a slow minute of the machine hits all of
them. Each measurement is a process of its own that loads the model, warms up and reports tokens per second without
either. The table holds medians over the rounds, the lowest and highest value, and the ratios of the medians.
"""

import argparse
import json
import platform
import re
import statistics
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path

from roof import Roofs, Work, read_model, read_roofs

LONG = 8192
MODELS = ["smollm2-135m", "qwen2.5-0.5b", "llama-3.2-1b"]
LARGE_MODEL = "llama-3.2-1b"  # has a file in K types, and no long rows, which would take hours
OPENVINO_KV = {"f16": "f16", "q8_0": "u8"}


class MeasurementFailed(Exception):
    pass


@dataclass
class Series:
    """What one program gave for one row, over the rounds."""

    command: list[str]
    test: str | None  # the row to look for in the program's output; None takes the only one
    samples: list[float] = field(default_factory=list)
    failure: str | None = None

    @property
    def median(self) -> float:
        return statistics.median(self.samples)

    def json(self) -> dict[str, object]:
        spread = {"median": self.median, "min": min(self.samples), "max": max(self.samples)} if self.samples else {}
        return spread | {"samples": self.samples, "failure": self.failure}


@dataclass
class Row:
    model: str
    weights: str
    work: Work
    series: dict[str, Series]  # by program; the first is compared with the others
    share_of_roof: float | None = None  # of the first

    @property
    def test(self) -> str:
        return self.work.name + (f", KV {self.work.kv}" if LONG in (self.work.depth, self.work.prompt) else "")

    @property
    def name(self) -> str:
        return f"{self.model} {self.weights} {self.test}"

    @property
    def first(self) -> Series:
        return next(iter(self.series.values()))

    def ratio(self, program: str) -> float | None:
        """The first program's median over that of another."""
        other = self.series.get(program)
        return self.first.median / other.median if other and other.samples and self.first.samples else None

    def json(self) -> dict[str, object]:
        programs = {
            program: series.json() | {"first_over_this": self.ratio(program)} for program, series in self.series.items()
        }
        return {
            "model": self.model,
            "weights": self.weights,
            "test": self.work.name,
            "kv": self.work.kv,
            "tokens_per_second": programs,
            "share_of_roof": self.share_of_roof,
        }


class Measurements:
    """Runs programs; a command that several rows share runs once a round."""

    def __init__(self) -> None:
        self.outputs: dict[tuple[str, ...], list[dict]] = {}

    def begin_round(self) -> None:
        self.outputs = {}

    def speed(self, series: Series) -> float:
        """Tokens per second."""
        for row in self.output(tuple(series.command)):
            if series.test is None or row["test"] == series.test:
                return row["avg_ts"]
        raise MeasurementFailed(f"no row {series.test} in the output")

    def output(self, command: tuple[str, ...]) -> list[dict]:
        if command not in self.outputs:
            result = subprocess.run(command, capture_output=True, text=True)
            if result.returncode:
                lines = result.stderr.strip().splitlines()
                raise MeasurementFailed(lines[-1] if lines else f"exit status {result.returncode}")
            self.outputs[command] = json.loads(result.stdout)
        return self.outputs[command]


def sizes(work: Work) -> list[str]:
    return ["-p", str(work.prompt), "-n", str(work.answer), "-d", str(work.depth)]


def model_file(options: argparse.Namespace, model: str, weights: str) -> str:
    return str(options.models / f"{model}-{weights}.gguf")


def apus_command(options: argparse.Namespace, file: str, work: Work) -> list[str]:
    command = [options.apus, "bench", "throughput", "-m", file, "-t", str(options.threads), "-r", "1", "--json"]
    command += sizes(work) + ["--cache-type-k", work.kv, "--cache-type-v", work.kv]
    return command + (["--batch", f"1,{work.batch}"] if work.batch > 1 else [])


def llama_command(options: argparse.Namespace, file: str, work: Work) -> list[str]:
    command = [options.llama_bench, "-m", file, "-t", str(options.threads), "-r", "1", "-o", "json", "-fa", "1"]
    return command + sizes(work) + ["-ctk", work.kv, "-ctv", work.kv]


def openvino_command(options: argparse.Namespace, file: str, work: Work) -> list[str]:
    """Reading a long prompt and writing behind it is one run, which two rows share."""
    prompt = work.prompt or work.depth
    answer = 64 if prompt == LONG else work.answer
    script = str(Path(__file__).with_name("openvino_bench.py"))
    command = [sys.executable, script, "-m", file, "-t", str(options.threads)]
    return command + ["-p", str(prompt), "-n", str(answer), "--kv", OPENVINO_KV[work.kv]]


def program_rows(options: argparse.Namespace) -> list[Row]:
    """The rows that compare Apus with the other programs, on the files that are there."""
    cases: list[tuple[str, str, Work]] = []
    for model in MODELS:
        types = ["q8_0", "q4_0"] + (["q4_k_s", "q4_k_m"] if model == LARGE_MODEL else [])
        cases += [(model, weights, Work(prompt=512)) for weights in types]
        cases += [(model, weights, Work(answer=128)) for weights in types]
        if model != LARGE_MODEL:
            cases += [(model, "q8_0", Work(prompt=LONG, kv=kv)) for kv in OPENVINO_KV]
            cases += [(model, "q8_0", Work(answer=64, depth=LONG, kv=kv)) for kv in OPENVINO_KV]
    rows = []
    for model, weights, work in cases:
        file = model_file(options, model, weights)
        if not Path(file).exists():
            continue
        series = {"Apus": Series(apus_command(options, file, work), work.name)}
        if options.llama_bench:
            series["llama.cpp"] = Series(llama_command(options, file, work), None)
        if options.openvino:
            series["OpenVINO"] = Series(openvino_command(options, file, work), work.name)
        rows.append(Row(model, weights, work, series))
    return rows


def batch_rows(options: argparse.Namespace) -> list[Row]:
    """The rows that compare eight answers at once with one, both by Apus."""
    rows = []
    for model in MODELS:
        one, eight = Work(answer=128), Work(answer=128, batch=8)
        file = model_file(options, model, "q8_0")
        if not Path(file).exists():
            continue
        command = apus_command(options, file, eight)
        series = {"batch 8": Series(command, eight.name), "batch 1": Series(command, one.name)}
        rows.append(Row(model, "q8_0", eight, series))
    return rows


def measure(rows: list[Row], measurements: Measurements) -> None:
    """One round; a series that failed once is not tried again."""
    measurements.begin_round()
    for row in rows:
        for program, series in row.series.items():
            if series.failure:
                continue
            try:
                series.samples.append(measurements.speed(series))
                outcome = f"{series.samples[-1]:.1f}"
            except MeasurementFailed as error:
                series.failure = str(error)
                outcome = f"not measured: {error}"
            print(f"  {row.name}, {program}: {outcome}", file=sys.stderr, flush=True)


def add_shares(rows: list[Row], options: argparse.Namespace, roofs: Roofs) -> None:
    for row in rows:
        if row.first.samples:
            model = read_model(options.apus, model_file(options, row.model, row.weights))
            row.share_of_roof = model.share(row.work, row.first.median, roofs)


def number(value: float) -> str:
    return f"{value:.0f}" if value >= 100 else f"{value:.1f}"


def table(rows: list[Row]) -> str:
    """The rows, which have the same programs, as a Markdown table."""
    first, *others = rows[0].series
    header = ["model", "weights", "test", first, *others, *(f"{first} / {other}" for other in others), "share of roof"]
    lines = [header, ["---"] * 3 + ["---:"] * (len(header) - 3)]
    for row in rows:
        cells = [row.model, row.weights, row.test]
        for series in row.series.values():
            spread = [number(value(series.samples)) for value in (min, max)] if series.samples else []
            cells.append(f"{number(series.median)} ({'..'.join(spread)})" if spread else "")
        ratios = [row.ratio(other) for other in others]
        cells += [f"{ratio:.2f}" if ratio else "" for ratio in ratios]
        lines.append(cells + [f"{row.share_of_roof:.0%}" if row.share_of_roof else ""])
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def processor() -> str:
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.machine()


def write_json(path: Path, rows: list[Row], options: argparse.Namespace, rounds: int) -> None:
    report = {"processor": processor(), "threads": options.threads, "rounds": rounds}
    path.write_text(json.dumps(report | {"rows": [row.json() for row in rows]}, indent=1) + "\n")


def parse_options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--apus", default="apus")
    parser.add_argument("--llama-bench", metavar="PATH", help="llama.cpp's program; without it, llama.cpp is left out")
    parser.add_argument("--openvino", action="store_true", help="also OpenVINO GenAI, by this Python's package")
    parser.add_argument("--models", type=Path, required=True, help="the folder that make_models.py filled")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--only", type=re.compile, default="", metavar="REGEX", help="rows whose names match")
    parser.add_argument("--json", type=Path, help="a file for all samples, written after each round")
    parser.add_argument("--list", action="store_true", help="print the rows' names and stop")
    return parser.parse_args()


def main() -> None:
    options = parse_options()
    tables = [
        [row for row in rows if re.search(options.only, row.name)]
        for rows in (program_rows(options), batch_rows(options))
    ]
    rows = [row for part in tables for row in part]
    if options.list:
        print("\n".join(row.name for row in rows))
        return
    if not rows:
        raise SystemExit(f"no row: {options.models} holds no model whose rows match")
    roofs = read_roofs(options.apus)
    if roofs is None:
        print("no share of the roof: apus bench kernels --json gave no roofs", file=sys.stderr)
    measurements = Measurements()
    for turn in range(1, options.rounds + 1):
        print(f"round {turn} of {options.rounds}", file=sys.stderr)
        measure(rows, measurements)
        if roofs:
            add_shares(rows, options, roofs)
        if options.json:
            write_json(options.json, rows, options, turn)
    print("\n\n".join(table(part) for part in tables if part))
    failures = [f"{row.name}, {name}: {one.failure}" for row in rows for name, one in row.series.items() if one.failure]
    if failures:
        print("\nNot measured:\n" + "\n".join(failures), file=sys.stderr)


if __name__ == "__main__":
    main()
