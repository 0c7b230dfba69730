"""Goodput of Apus' server and of llama.cpp's under a load in the shape of a trace.

The trace's rows give lengths and times; prompts and answers are cut to what fits. First each server is measured with one
request at a time. Its limits are five times its own median time to first token and three times its own median time per
token, and its goodput is the highest rate at which 90 % of the requests keep both, as `apus bench serve --find-goodput`
searches it. Apus is told its limit of a token's time with --slo-tpot; llama.cpp's server has no such option. With
--common, both servers get the limits of the slower one.
"""

import argparse
import csv
import json
import subprocess
import tempfile
from pathlib import Path

from serve_compare import Server, apus_command, llama_command


def cut(trace: Path, target: Path, options: argparse.Namespace) -> None:
    """The trace's first rows, cut to the sizes asked for."""
    with trace.open() as source:
        rows = list(csv.DictReader(source))[: options.requests]
    with target.open("w", newline="") as file:
        writer = csv.DictWriter(file, ["TIMESTAMP", "ContextTokens", "GeneratedTokens"])
        writer.writeheader()
        for row in rows:
            row["ContextTokens"] = str(min(int(row["ContextTokens"]), options.prompt))
            row["GeneratedTokens"] = str(max(2, min(int(row["GeneratedTokens"]), options.answer)))
            writer.writerow({name: row[name] for name in writer.fieldnames})


def bench(options: argparse.Namespace, trace: Path, flags: list[str]) -> dict:
    with tempfile.NamedTemporaryFile(suffix=".json") as result:
        command = [options.apus, "bench", "serve", "--base-url", f"http://127.0.0.1:{options.port}", "--quiet"]
        command += ["--dataset", f"trace:{trace}", "--prompt-ids", "--vocab-size", "30000", "--json", result.name]
        subprocess.run(command + ["--ignore-eos", *flags], check=True, stdout=subprocess.DEVNULL)
        return json.loads(Path(result.name).read_text())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--apus", default="apus")
    parser.add_argument("--llama-server", metavar="PATH")
    parser.add_argument("-m", "--model", required=True, help="a GGUF file")
    parser.add_argument("--trace", type=Path, required=True, help="a CSV file of Azure's LLM inference trace")
    parser.add_argument("--requests", type=int, default=40)
    parser.add_argument("--prompt", type=int, default=2048, help="longest prompt")
    parser.add_argument("--answer", type=int, default=128, help="longest answer")
    parser.add_argument("--sequences", type=int, default=8)
    parser.add_argument("--common", action="store_true")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--port", type=int, default=18082)
    options = parser.parse_args()
    sizes = options.prompt + options.answer + 32, options.sequences
    commands = {"Apus": apus_command(options, *sizes)}
    if options.llama_server:
        commands["llama.cpp"] = llama_command(options, *sizes)
    with tempfile.TemporaryDirectory() as folder:
        trace = Path(folder, "trace.csv")
        cut(options.trace, trace, options)
        unloaded = {}
        for name, command in commands.items():
            with Server(command, options.port):
                alone = bench(options, trace, ["--max-concurrency", "1", "--request-rate", "inf"])
            unloaded[name] = alone["median_ttft_ms"], alone["median_tpot_ms"]
            print(f"{name}, one at a time: TTFT {unloaded[name][0]:.0f} ms, TPOT {unloaded[name][1]:.1f} ms", flush=True)
        for name, command in commands.items():
            ttft, tpot = max(unloaded.values()) if options.common else unloaded[name]
            limits = ["--goodput", f"ttft:{5 * ttft:.0f}", f"tpot:{3 * tpot:.1f}"]
            if name == "Apus":
                command = [*command, "--slo-tpot", f"{3 * tpot:.1f}"]
            with Server(command, options.port):
                found = bench(options, trace, [*limits, "--find-goodput"])
            print(f"{name}: {json.dumps({k: v for k, v in found.items() if 'goodput' in k})} with {limits[1:]}", flush=True)


if __name__ == "__main__":
    main()
