"""Compares Apus' server with llama.cpp's under load, on the same GGUF file, and Apus with parts of itself switched off.

Each scenario starts a fresh server, warms it up, and measures. With several rounds the servers take turns, so that a
slow minute of the machine hits both; the table holds medians, lowest and highest values. Prompts are random token ids,
so that their lengths are exact for both.
"""

import argparse
import http.client
import json
import random
import socket
import statistics
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path


# Seconds between a server's first answer and the load: what it does when it has nothing else to do is done then.
SETTLING = 3


@dataclass
class Answer:
    """What one streamed request gave: the time of each piece, in seconds since it was sent."""

    sent: float
    times: list[float] = field(default_factory=list)
    tokens: int = 0
    error: str | None = None

    @property
    def first(self) -> float:
        return self.times[0] if self.times else float("inf")

    def gaps(self, begin: float = 0.0, end: float = float("inf")) -> list[float]:
        """Between pieces, those that end between two times of the clock."""
        absolute = [self.sent + t for t in self.times]
        return [b - a for a, b in zip(absolute, absolute[1:]) if begin <= b <= end]


class Server:
    """A server of either kind, started with a command and ended with the `with` block."""

    def __init__(self, command: list[str], port: int):
        self.command, self.port = command, port

    def __enter__(self) -> "Server":
        self.process = subprocess.Popen(self.command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        for _ in range(1200):
            if self.process.poll() is not None:
                raise SystemExit(f"{self.command[0]} ended with status {self.process.returncode}")
            if self.health() is not None:
                return self
            time.sleep(0.1)
        raise SystemExit(f"{self.command[0]} did not get ready")

    def __exit__(self, *_: object) -> None:
        self.process.terminate()
        try:
            self.process.wait(20)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()

    def health(self) -> float | None:
        """Seconds until /health answered 200; None where it did not."""
        begin = time.monotonic()
        try:
            connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=10)
            connection.request("GET", "/health")
            ok = connection.getresponse().status == 200
            connection.close()
        except OSError:
            return None
        return time.monotonic() - begin if ok else None

    def ask(self, connection: http.client.HTTPConnection, prompt: list[int], tokens: int, **extra: object) -> None:
        """Sends the request of a streamed completion of exactly `tokens` tokens."""
        body = {"prompt": prompt, "max_tokens": tokens, "stream": True, "ignore_eos": True, "temperature": 0}
        connection.request(
            "POST", "/v1/completions", json.dumps(body | extra), {"Content-Type": "application/json"}
        )

    def engine(self) -> dict:
        """What runs in Apus' engine, and what its last steps were made of."""
        with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/apus/engine") as response:
            return json.load(response)

    def complete(self, prompt: list[int], tokens: int, **extra: object) -> Answer:
        """One streamed completion of exactly `tokens` tokens."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=600)
        connection.connect()
        connection.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        answer = Answer(time.monotonic(), tokens=tokens)
        try:
            self.ask(connection, prompt, tokens, **extra)
            response = connection.getresponse()
            if response.status != 200:
                answer.error = f"{response.status}: {response.read(200)!r}"
                return answer
            for line in response:
                if line.startswith(b"data: {"):
                    answer.times.append(time.monotonic() - answer.sent)
        except OSError as error:
            answer.error = str(error)
        finally:
            connection.close()
        return answer


def together(calls: list[Callable[[], Answer]]) -> list[Answer]:
    """All calls at once, each on a thread of its own."""
    answers: list[Answer | None] = [None] * len(calls)

    def run(index: int) -> None:
        answers[index] = calls[index]()

    threads = [threading.Thread(target=run, args=(index,)) for index in range(len(calls))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for answer in answers:
        if answer is None or answer.error:
            raise SystemExit(f"a request failed: {answer.error if answer else 'no answer'}")
    return [answer for answer in answers if answer]


def clients(server: Server, texts: list[list[tuple[list[int], int]]]) -> tuple[float, list[Answer]]:
    """Seconds and answers of clients that each send one request after the other: a prompt, and tokens to write."""
    answers: list[Answer] = []

    def client(own: list[tuple[list[int], int]]) -> Answer:
        for text, tokens in own:
            answers.append(server.complete(text, tokens))
        return answers[-1]

    begin = time.monotonic()
    together([lambda own=own: client(own) for own in texts])
    return time.monotonic() - begin, answers


class Prompts:
    """Random token ids, different for each call but the same in each run."""

    def __init__(self, seed: int):
        self.random = random.Random(seed)

    def __call__(self, count: int) -> list[int]:
        return [self.random.randrange(100, 30000) for _ in range(count)]


def mixed(server: Server, prompts: Prompts) -> dict[str, float]:
    """Four streams write while prompts of 4,096 tokens come in every three seconds."""
    begin = time.monotonic()
    long_answers: list[Answer] = []

    def stream() -> Answer:
        return server.complete(prompts(64), 600)

    def arrive() -> Answer:
        time.sleep(3)
        quiet_end.append(time.monotonic())
        for _ in range(3):
            thread = threading.Thread(target=lambda: long_answers.append(server.complete(prompts(4096), 8)))
            thread.start()
            threads.append(thread)
            time.sleep(3)
        return Answer(begin)

    quiet_end: list[float] = []
    threads: list[threading.Thread] = []
    answers = together([stream] * 4 + [arrive])[:4]
    for thread in threads:
        thread.join()
    end = max(a.sent + a.times[-1] for a in answers + long_answers)
    quiet = [gap for a in answers for gap in a.gaps(begin + 1, quiet_end[0])]
    loaded = [gap for a in answers for gap in a.gaps(quiet_end[0])]
    tokens = 4 * (64 + 600) + 3 * (4096 + 8)
    return {
        "quiet median gap, ms": 1e3 * statistics.median(quiet),
        "worst gap, ms": 1e3 * max(loaded),
        "worst gap over quiet median": max(loaded) / statistics.median(quiet),
        "tokens/s": tokens / (end - begin),
        "TTFT of the long prompts, s": statistics.median(a.first for a in long_answers),
    }


def eight_clients(server: Server, prompts: Prompts) -> dict[str, float]:
    """Eight clients, each one request after the other: 512 tokens in, 64 out."""
    rounds = 3
    seconds, answers = clients(server, [[(prompts(512), 64) for _ in range(rounds)] for _ in range(8)])
    gaps = [gap for a in answers for gap in a.gaps()]
    return {
        "output tokens/s": 8 * rounds * 64 / seconds,
        "TPOT median, ms": 1e3 * statistics.median((a.times[-1] - a.first) / 63 for a in answers),
        "TTFT median, s": statistics.median(a.first for a in answers),
        "worst gap, ms": 1e3 * max(gaps),
    }


def unequal_lengths(server: Server, prompts: Prompts) -> dict[str, float]:
    """Eight clients, each one request after the other: 32 to 1,024 tokens in, 8 to 128 out."""
    rounds = 4

    def size(low: int, high: int) -> int:
        return int(2 ** prompts.random.uniform(low, high))

    texts = [[(prompts(size(5, 10)), size(3, 7)) for _ in range(rounds)] for _ in range(8)]
    seconds, answers = clients(server, texts)
    return {
        "tokens/s": sum(len(text) + tokens for own in texts for text, tokens in own) / seconds,
        "TTFT median, s": statistics.median(a.first for a in answers),
        "TTFT p90, s": sorted(a.first for a in answers)[int(len(answers) * 0.9)],
    }


def shared_prefix(server: Server, prompts: Prompts) -> dict[str, float]:
    """Sixteen requests at once whose first 2,048 tokens are the same."""
    prefix = prompts(2048)
    answers = together([lambda end=prompts(16): server.complete(prefix + end, 4) for _ in range(16)])
    return {"all first tokens after, s": max(a.first for a in answers)}


def samples(server: Server, prompts: Prompts) -> dict[str, float]:
    """32 answers over one prefix of 8,000 tokens that is stored already."""
    prefix = prompts(8000)
    server.complete(prefix, 2)
    answers = together([lambda end=prompts(4): server.complete(prefix + end, 256) for _ in range(32)])
    begin = max(a.sent + a.first for a in answers)
    end = min(a.sent + a.times[-1] for a in answers)
    pieces = sum(begin < a.sent + t <= end for a in answers for t in a.times)
    return {"decode tokens/s": pieces / (end - begin)}


def health(server: Server, prompts: Prompts) -> dict[str, float]:
    """/health while the only sequence reads 32,000 tokens, and how soon the next one runs when that is aborted."""
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=600)
    server.ask(connection, prompts(32000), 2)
    time.sleep(0.5)
    times = []
    end = time.monotonic() + 15
    while time.monotonic() < end:
        times.append(server.health() or float("inf"))
        time.sleep(0.01)
    times.sort()
    engine = server.engine()
    if not engine["running"]:
        raise SystemExit("health: the prompt was read before the end, so that /health was not under load throughout")
    reading = [step["ms"] for step in engine["steps"] if step["prefills"]]
    connection.close()
    after = server.complete(prompts(16), 2).first
    return {
        "/health p99, ms": 1e3 * times[int(len(times) * 0.99)],
        "answers": len(times),
        "longest of the last steps, ms": max(reading),
        "first token of the next request after an abort, ms": 1e3 * after,
    }


def tenants(server: Server, prompts: Prompts) -> dict[str, float]:
    """A small tenant's p90 of the time to first token, alone and beside one that sends ten times as much."""

    def run(heavy: bool) -> float:
        results: list[Answer] = []
        threads = []
        for index in range(20):
            users = ["small"] + (["heavy"] * 10 if heavy else [])
            for user in users:

                def call(user: str = user, text: list[int] = prompts(128)) -> None:
                    answer = server.complete(text, 32, user=user)
                    if user == "small":
                        results.append(answer)

                threads.append(threading.Thread(target=call))
                threads[-1].start()
            time.sleep(0.5)
        for thread in threads:
            thread.join()
        return sorted(a.first for a in results)[int(len(results) * 0.9)]

    alone, beside = run(False), run(True)
    return {"p90 TTFT alone, ms": 1e3 * alone, "beside, ms": 1e3 * beside, "ratio": beside / alone}


@dataclass
class Scenario:
    run: Callable[[Server, Prompts], dict[str, float]]
    context: int  # tokens of one sequence
    sequences: int
    # Names and flags of the servers; llama.cpp is asked where the first list is not None.
    llama: list[str] | None
    apus: dict[str, list[str]]


SCENARIOS = {
    "mixed": Scenario(mixed, 5120, 8, [], {"Apus": []}),
    "clients": Scenario(eight_clients, 1024, 8, [], {"Apus": [], "Apus, fcfs": ["--sched", "fcfs"]}),
    "lengths": Scenario(
        unequal_lengths,
        1280,
        8,
        [],
        {
            "Apus": [],
            "Apus, dynamic": ["--batching", "dynamic"],
            "Apus, static": ["--batching", "static"],
            "Apus, padded": ["--prefill-batching", "padded"],
        },
    ),
    "prefix": Scenario(
        shared_prefix, 2304, 16, [], {"Apus": [], "Apus, no prefix cache": ["--prefix-cache", "off"]}
    ),
    "samples": Scenario(
        samples, 8448, 32, None, {"Apus": [], "Apus, separate reads": ["--shared-prefix-attn", "off"]}
    ),
    "health": Scenario(health, 33000, 1, None, {"Apus": []}),
    "tenants": Scenario(
        tenants, 512, 8, None, {"Apus, fair": ["--sched", "fair"], "Apus, stall-free": []}
    ),
}


def apus_command(options: argparse.Namespace, context: int, sequences: int) -> list[str]:
    command = [options.apus, "serve", "-m", options.model, "--port", str(options.port), "-t", str(options.threads)]
    return command + ["-c", str(context), "--max-num-seqs", str(sequences), "--quiet"]


def llama_command(options: argparse.Namespace, context: int, sequences: int) -> list[str]:
    """Its context is that of all sequences together."""
    command = [options.llama_server, "-m", options.model, "--port", str(options.port), "-t", str(options.threads)]
    return command + ["-fa", "on", "-c", str(context * sequences), "-np", str(sequences)]


def commands(options: argparse.Namespace, scenario: Scenario) -> dict[str, list[str]]:
    sizes = scenario.context, scenario.sequences
    result = {name: apus_command(options, *sizes) + flags for name, flags in scenario.apus.items()}
    if options.llama_server and scenario.llama is not None:
        result["llama.cpp"] = llama_command(options, *sizes) + scenario.llama
    return result


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("scenarios", nargs="*", default=list(SCENARIOS), help=", ".join(SCENARIOS))
    parser.add_argument("--apus", default="apus")
    parser.add_argument("--llama-server", metavar="PATH", help="llama.cpp's server; without it, it is left out")
    parser.add_argument("-m", "--model", required=True, help="a GGUF file")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--port", type=int, default=18080)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--json", type=Path, help="a file for all samples")
    options = parser.parse_args()
    report: dict[str, dict[str, list[dict[str, float]]]] = {}
    for name in options.scenarios:
        if name not in SCENARIOS:
            raise SystemExit(f"there is no scenario {name}; valid: {', '.join(SCENARIOS)}")
        scenario = SCENARIOS[name]
        results: dict[str, list[dict[str, float]]] = {}
        for turn in range(options.rounds):
            for program, command in commands(options, scenario).items():
                with Server(command, options.port) as server:
                    server.complete(Prompts(99)(32), 4)
                    time.sleep(SETTLING)
                    results.setdefault(program, []).append(scenario.run(server, Prompts(turn)))
                print(f"{name}, {program}: {results[program][-1]}", file=sys.stderr, flush=True)
        report[name] = results
        print(f"\n{name}: {(scenario.run.__doc__ or '').strip()}\n")
        print(f"| | {' | '.join(results)} |\n| --- | {' | '.join('---:' for _ in results)} |")
        for key in next(iter(results.values()))[0]:
            cells = []
            for samples_of in results.values():
                values = [sample[key] for sample in samples_of]
                cells.append(f"{statistics.median(values):.3g} ({min(values):.3g}..{max(values):.3g})")
            print(f"| {key} | {' | '.join(cells)} |", flush=True)
        if options.json:
            options.json.write_text(json.dumps(report, indent=1) + "\n")


if __name__ == "__main__":
    main()
