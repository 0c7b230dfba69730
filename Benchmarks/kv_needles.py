"""Needles that key selectors find in very long texts, and their time per output token, all by one server.

Each text is read once and kept by the prefix cache; every selector then answers the same questions about it. So a
hundred questions take seconds a selector, and what differs between two rows is the selector alone.
"""

import argparse
import json
import random
import statistics
import urllib.request

from serve_compare import Server

SELECTORS = ["quest", "landmark", "longheads", "squeezed", "tokenselect", "sentencekv", "hip"]
BUDGET = 2048
ADJECTIVES = "old red calm dry loud pale soft wide young cold deep fair gray keen late mild neat odd plain sad".split()
NOUNS = "boat stone lamp field horse bread cloud door river glass wheel garden letter bell coat table road hill".split()
PEOPLE = "baker judge sailor child nurse farmer guard painter tailor clerk".split()
VERBS = "found sold raised carried praised painted noticed followed moved repaired".split()
ENDS = ["in the yard", "near the bridge", "at dawn", "after the rain", "by candlelight", "as usual", "for an hour"]
ANSWER = 27  # tokens


def filler(chance: random.Random) -> str:
    person, verb, noun = chance.choice(PEOPLE), chance.choice(VERBS), chance.choice(NOUNS)
    return f"The {person} {verb} a {chance.choice(ADJECTIVES)} {noun} {chance.choice(ENDS)}."


def needle(key: str, value: str) -> str:
    return f"The special magic number for {key} is {value}."


class Text:
    """Filler with needles among it, of a length in tokens."""

    def __init__(self, server: "Asked", tokens: int, chance: random.Random) -> None:
        keys = [f"{adjective}-{noun}" for adjective in ADJECTIVES for noun in NOUNS]
        values = {needle(key, value): (key, value) for key in keys for value in [str(chance.randrange(10**6, 10**7))]}
        sentences = [*values, *(filler(chance) for _ in range(6 * len(values)))]
        chance.shuffle(sentences)
        known = len(server.post("/tokenize", {"content": " ".join(sentences)})["tokens"])
        if known < tokens:
            raise SystemExit(f"the text has {known} tokens, not {tokens}")
        sentences = sentences[: len(sentences) * tokens // known]
        self.text = " ".join(sentences)
        self.needles = [values[sentence] for sentence in sentences if sentence in values]

    def some(self, count: int) -> list[tuple[str, str]]:
        """Needles of all depths."""
        return [self.needles[(2 * i + 1) * len(self.needles) // (2 * count)] for i in range(count)]


class Asked(Server):
    def post(self, path: str, body: dict) -> dict:
        data, kind = json.dumps(body).encode(), {"Content-Type": "application/json"}
        request = urllib.request.Request(f"http://127.0.0.1:{self.port}{path}", data, kind)
        with urllib.request.urlopen(request, timeout=600) as response:
            return json.load(response)

    def ask(self, text: str, key: str, selector: str) -> tuple[str, float]:
        """The answer, and milliseconds a token."""
        question = f"{text}\n\nWhat is the special magic number for {key}?"
        body = {"messages": [{"role": "user", "content": question}], "max_tokens": ANSWER, "temperature": 0}
        answer = self.post("/v1/chat/completions", body | ({"apus": {"select": selector}} if selector else {}))
        return answer["choices"][0]["message"]["content"], answer["timings"]["predicted_per_token_ms"]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("selectors", nargs="*", help="with options, as in quest:budget=2048,reuse=2; default: all")
    parser.add_argument("--apus", default="apus")
    parser.add_argument("-m", "--model", default="builtin:reader")
    parser.add_argument("--tokens", type=int, default=32_000, help="of each text")
    parser.add_argument("--texts", type=int, default=2)
    parser.add_argument("--questions", type=int, default=50, help="about each text")
    parser.add_argument("--port", type=int, default=18093)
    options = parser.parse_args()
    context = options.tokens + 256
    command = [options.apus, "serve", "-m", options.model, "--port", str(options.port), "-c", str(context), "--quiet"]
    command += ["--max-num-seqs", str(options.texts + 1)]
    print("| selector | needles | lost | TPOT, ms | over all keys |\n| --- | ---: | ---: | ---: | ---: |")
    with Asked(command, options.port) as server:
        chance = random.Random(1)
        texts = [Text(server, options.tokens, chance) for _ in range(options.texts)]
        first: tuple[list[bool], float] | None = None
        for selector in ["", *(options.selectors or [f"{name}:budget={BUDGET}" for name in SELECTORS])]:
            found, times = [], []
            for text in texts:
                for key, value in text.some(options.questions):
                    answer, time = server.ask(text.text, key, selector)
                    found.append(value in answer)
                    times.append(time)
            time = statistics.median(times)
            first = first or (found, time)
            lost = sum(before and not now for before, now in zip(first[0], found))
            quarters = statistics.quantiles(times, n=4)
            cells = f"{sum(found)} of {len(found)} | {lost} | {time:.2f} ({quarters[0]:.2f}..{quarters[2]:.2f})"
            print(f"| {selector or 'all keys'} | {cells} | {first[1] / time:.1f} |", flush=True)


if __name__ == "__main__":
    main()
