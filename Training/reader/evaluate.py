"""Asks the reader questions of seeds that training never used, through the engine, and counts the answers that are right.

An answer counts when the greedy reply, stripped of spaces at its ends, is the expected one, character by character.
"""

import argparse
import hashlib
import json
import subprocess
from pathlib import Path
from random import Random

from .chat import prompt
from .rows import Encoder
from .skills import NAMES, lesson

SEED = 900_000_000
LENGTHS = (512, 1024, 2048, 4096, 8192)  # of the whole prompt, in tokens
SHORT = {"trace": 512, "chars": 1024}  # the longest that a skill comes in
OMITTED = {"words", "copying"}  # nothing of the document to find, or no answer that is the only one


def case(encoder: Encoder, skill: str, length: int, index: int) -> tuple[str, str, str]:
    """Document, question and answer of a prompt of at most `length` tokens and little less."""
    size, best = length * 0.8, None
    for attempt in range(8):
        rng = Random(f"{SEED} {skill} {length} {index} {attempt}")
        made = lesson(rng, max(20, round(size)), skill)
        question, answer = made.asked[int(rng.random() * len(made.asked))]
        count = len(encoder.encode(prompt(made.text, question))) + len(encoder.encode(answer)) + 2
        if count <= length and (best is None or count > best[0]):
            best = (count, made.text, question, answer)
        if best and best[0] > 0.92 * length:
            break
        size *= 0.97 * length / count
    if best is None:
        raise SystemExit(f"no case of {skill} fits {length} tokens")
    return best[1:]


def request(message: str, limit: int) -> dict:
    """The body of a chat with one message, answered greedily."""
    return {"model": "reader", "messages": [{"role": "user", "content": message}], "max_tokens": limit, "temperature": 0}


def request_line(name: str, body: dict) -> str:
    """A line that `apus batch` reads."""
    return json.dumps({"custom_id": name, "method": "POST", "url": "/v1/chat/completions", "body": body}) + "\n"


def answers(path: Path) -> dict[str, str]:
    """What `apus batch` wrote, by name."""
    said = {}
    for line in path.read_text().splitlines():
        record = json.loads(line)
        body = (record["response"] or {}).get("body", {})
        if "choices" not in body:
            raise SystemExit(f"{record['custom_id']}: {record['error'] or body}")
        said[record["custom_id"]] = body["choices"][0]["message"]["content"]
    return said


def main() -> None:
    p = argparse.ArgumentParser(description=__doc__)
    p.add_argument("--out", type=Path, default=Path("build"))
    p.add_argument("--apus", default="../.build/release/apus")
    p.add_argument("--model", type=Path, default=Path("../Sources/Apus/Resources/reader.gguf"))
    p.add_argument("--samples", type=int, default=50, help="questions for each skill and length")
    p.add_argument("--lengths", type=int, nargs="+", default=LENGTHS)
    p.add_argument("--skills", nargs="+", default=[n for n in NAMES if n not in OMITTED])
    p.add_argument("--show", type=int, default=0, help="print that many wrong answers of each skill")
    a = p.parse_args()
    encoder = Encoder(a.out / "tokenizer.json")
    asked, answered = a.out / "asked.jsonl", a.out / "answered.jsonl"
    lines, model = [], hashlib.sha256(a.model.read_bytes()).digest()
    wanted: dict[str, tuple[str, int, str, str]] = {}
    for skill in a.skills:
        for length in a.lengths:
            for index in range(a.samples if length <= SHORT.get(skill, length) else 0):
                text, question, answer = case(encoder, skill, length, index)
                body = request(f"{text}\n\n{question}", len(encoder.encode(answer)) + 8)
                # Answers of another model, or to other questions, are not those of this one.
                digest = hashlib.sha256(model + json.dumps(body).encode()).hexdigest()[:12]
                name = f"{skill} {length} {index} {digest}"
                wanted[name] = (skill, length, question, answer)
                lines.append(request_line(name, body))
    asked.write_text("".join(lines))
    if answered.exists():  # what was interrupted goes on
        kept = [line for line in answered.read_text().splitlines(True) if line.endswith("\n") and json.loads(line)["custom_id"] in wanted]
        answered.write_text("".join(kept))
    subprocess.run([a.apus, "batch", asked, answered, "-m", a.model, "-c", str(max(a.lengths) + 64)], check=True)
    right: dict[tuple[str, int], list[bool]] = {}
    shown: dict[str, int] = {}
    for name, reply in answers(answered).items():
        skill, length, question, answer = wanted[name]
        said = reply.strip()
        right.setdefault((skill, length), []).append(said == answer)
        if said != answer and shown.get(skill, 0) < a.show:
            shown[skill] = shown.get(skill, 0) + 1
            print(f"{name}: {question}\n  wanted {answer!r}\n  said   {said!r}")
    (a.out / "accuracy.json").write_text(json.dumps(
        [{"skill": s, "length": n, "right": sum(m), "of": len(m)} for (s, n), m in sorted(right.items())], indent=1) + "\n")
    print("| skill | " + " | ".join(map(str, a.lengths)) + " |\n| --- |" + " ---: |" * len(a.lengths))
    for skill in a.skills:
        cells = [right.get((skill, n)) for n in a.lengths]
        print(f"| {skill} | " + " | ".join(f"{100 * sum(m) / len(m):.0f} %" if m else "" for m in cells) + " |")
    every = [[m for (_, n), marks in right.items() if n == length for m in marks] for length in a.lengths]
    print("| all | " + " | ".join(f"{100 * sum(m) / len(m):.0f} %" if m else "" for m in every) + " |")


if __name__ == "__main__":
    main()
