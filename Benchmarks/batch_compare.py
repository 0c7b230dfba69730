"""Compares `apus batch` with llama.cpp's server and eight clients on the same questions, with shots before each.

The questions are GSM8K's (a JSON line each with question and answer); the first ones serve as shots. Answers have a
fixed number of tokens. Tokens per second count what was asked: all prompts and all answers, over the time from the first
request (or the start of the command) to the last answer.
"""

import argparse
import http.client
import json
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

from serve_compare import Server, llama_command

CLIENTS = 8


def prompts(path: Path, count: int, shots: int) -> list[str]:
    lines = [json.loads(line) for line in path.read_text().splitlines()[: count + shots]]
    head = "\n\n".join(f"Question: {line['question']}\nAnswer: {line['answer']}" for line in lines[:shots])
    return [f"{head}\n\nQuestion: {line['question']}\nAnswer:" for line in lines[shots:]]


def body(prompt: str, tokens: int) -> dict[str, object]:
    return {"prompt": prompt, "max_tokens": tokens, "temperature": 0, "ignore_eos": True}


def apus(options: argparse.Namespace, texts: list[str]) -> tuple[float, int, int]:
    """Seconds of the whole command, tokens, and those of them that were found stored."""
    with tempfile.TemporaryDirectory() as folder:
        source, target = Path(folder, "in.jsonl"), Path(folder, "out.jsonl")
        lines = [
            {"custom_id": str(index), "method": "POST", "url": "/v1/completions", "body": body(text, options.tokens)}
            for index, text in enumerate(texts)
        ]
        source.write_text("".join(json.dumps(line) + "\n" for line in lines))
        begin = time.monotonic()
        command = [options.apus, "batch", str(source), str(target), "-m", options.model, "-t", str(options.threads)]
        subprocess.run(command + ["-c", str(options.context), "--quiet", *options.apus_flag], check=True)
        seconds = time.monotonic() - begin
        answers = [json.loads(line) for line in target.read_text().splitlines()]
    if len({answer["custom_id"] for answer in answers}) != len(texts):
        raise SystemExit("not every line was answered once")
    usages = [answer["response"]["body"]["usage"] for answer in answers]
    cached = sum(usage["prompt_tokens_details"]["cached_tokens"] for usage in usages)
    return seconds, sum(usage["total_tokens"] for usage in usages), cached


def llama(options: argparse.Namespace, texts: list[str]) -> tuple[float, int]:
    tokens = [0] * CLIENTS
    with Server(llama_command(options, options.context, CLIENTS), options.port):
        begin = time.monotonic()

        def client(number: int) -> None:
            for text in texts[number::CLIENTS]:
                connection = http.client.HTTPConnection("127.0.0.1", options.port, timeout=600)
                headers = {"Content-Type": "application/json"}
                connection.request("POST", "/v1/completions", json.dumps(body(text, options.tokens)), headers)
                tokens[number] += json.loads(connection.getresponse().read())["usage"]["total_tokens"]
                connection.close()

        threads = [threading.Thread(target=client, args=(number,)) for number in range(CLIENTS)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        return time.monotonic() - begin, sum(tokens)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--apus", default="apus")
    parser.add_argument("--apus-flag", action="append", default=[], help="a further flag of apus batch, as --flag=value")
    parser.add_argument("--llama-server", metavar="PATH")
    parser.add_argument("-m", "--model", required=True, help="a GGUF file")
    parser.add_argument("--questions", type=Path, required=True, help="GSM8K's test.jsonl")
    parser.add_argument("--count", type=int, default=200)
    parser.add_argument("--shots", type=int, default=8)
    parser.add_argument("--tokens", type=int, default=128, help="of each answer")
    parser.add_argument("--context", type=int, default=2048)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--port", type=int, default=18081)
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()
    texts = prompts(options.questions, options.count, options.shots)
    speeds: dict[str, list[float]] = {}
    for _ in range(options.rounds):
        seconds, tokens, cached = apus(options, texts)
        speeds.setdefault("apus batch", []).append(tokens / seconds)
        print(f"apus batch: {seconds:.1f} s, {tokens} tokens, {cached} found stored", file=sys.stderr, flush=True)
        if options.llama_server:
            seconds, tokens = llama(options, texts)
            speeds.setdefault("llama.cpp", []).append(tokens / seconds)
            print(f"llama.cpp: {seconds:.1f} s, {tokens} tokens", file=sys.stderr, flush=True)
    for name, values in speeds.items():
        print(f"{name}: {statistics.median(values):.0f} tokens/s ({min(values):.0f}..{max(values):.0f})")


if __name__ == "__main__":
    main()
