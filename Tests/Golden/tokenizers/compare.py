#!/usr/bin/env python3
"""Encodes random texts with the Python packages and writes golden files that the Swift tests compare with.

Usage: compare.py ARTEFACTS OUTPUT_FOLDER [--count N] [--family NAME ...]
Then:  APUS_TOKENIZER_GOLDEN=OUTPUT_FOLDER swift test --filter TokenizerGoldenTests

Needs: tokenizers, sentencepiece, gguf. Each golden file names the source that Swift shall load (one or more) and
lists texts with their ids and decoded forms.
"""
import argparse
import json
from pathlib import Path

import families
from texts import random_texts, scalar_sweep


def write(folder, name, sources, texts, encode, decode, options):
    cases = []
    for text in texts:
        ids = encode(text)
        case = [text, ids]
        if decode:
            decoded = decode(ids)
            if decoded is not None and "\ufffd" not in decoded:
                case.append(decoded)
        cases.append(case)
    golden = {"family": name, "sources": sources, **options, "cases": cases}
    (folder / f"{name}.golden.json").write_text(json.dumps(golden, ensure_ascii=False), encoding="utf-8")
    print(f"{name}: {len(cases)} texts")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("artefacts", type=Path)
    parser.add_argument("output", type=Path)
    parser.add_argument("--count", type=int, default=10_000)
    parser.add_argument("--family", nargs="*")
    args = parser.parse_args()
    args.output.mkdir(parents=True, exist_ok=True)

    for number, family in enumerate(families.all_families(args.artefacts)):
        if args.family and family.name not in args.family:
            continue
        built = family.build()
        texts = random_texts(args.count, seed=1000 + number, specials=family.specials)
        if family.sweep:
            texts += scalar_sweep()
        sources = list(family.sources)
        if family.kind == "tokenizers":
            file = f"{family.name}.tokenizer.json"
            built.save(str(args.output / file), pretty=False)
            sources.insert(0, {"json": file})
            encode = lambda text: built.encode(text).ids
            # Since 0.22 the package decodes added tokens that are `normalized` to their normalised text.
            changed = {i for i, token in built.get_added_tokens_decoder().items() if token.normalized}
            decode = lambda ids: None if changed & set(ids) else built.decode(ids, skip_special_tokens=False)
        else:
            encode = lambda text: built.encode(text, add_bos=True)
            decode = lambda ids: built.decode(ids[1:])
        write(args.output, family.name, sources, texts, encode, decode if family.decodes else None, family.options)


if __name__ == "__main__":
    main()
