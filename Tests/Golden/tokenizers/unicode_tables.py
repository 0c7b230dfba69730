#!/usr/bin/env python3
"""Writes the decomposition tables of Sources/ApusText/Tokenizer/Normalizers/ from the `tokenizers` package.

Usage: unicode_tables.py OUTPUT_FOLDER
"""
import base64
import sys
from pathlib import Path

from tokenizers import normalizers

NFC, NFD, NFKD = normalizers.NFC(), normalizers.NFD(), normalizers.NFKD()


def varint(value, out):
    while value >= 0x80:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)


def entry(code, previous, mapped, composes, out):
    """Distance to the previous code, count of scalars and flag, then each scalar less the one before (zigzag)."""
    varint(code - previous, out)
    varint(len(mapped) << 1 | composes, out)
    last = code
    for scalar in map(ord, mapped):
        delta = scalar - last
        varint(delta << 1 if delta >= 0 else (-delta << 1) - 1, out)
        last = scalar


def tables():
    canonical, compatible = bytearray(), bytearray()
    previous = [0, 0]
    for code in range(0x110000):
        if 0xD800 <= code < 0xE000 or 0xAC00 <= code <= 0xD7A3:
            continue
        text = chr(code)
        nfd = NFD.normalize_str(text)
        if nfd != text:
            composes = int(len(nfd) > 1 and NFC.normalize_str(text) == text)
            entry(code, previous[0], nfd, composes, canonical)
            previous[0] = code
            continue
        nfkd = NFKD.normalize_str(text)
        if nfkd != text:
            entry(code, previous[1], nfkd, 0, compatible)
            previous[1] = code
    return canonical, compatible


def swift(name, comment, data):
    text = base64.b64encode(bytes(data)).decode()
    lines = [text[i : i + 96] for i in range(0, len(text), 96)]
    body = "\n".join("    " + line for line in lines)
    return (
        "// Written by Tests/Golden/tokenizers/unicode_tables.py.\n\nextension DecompositionTable {\n"
        f"  /// {comment}, in base64.\n  static let {name} = \"\"\"\n{body}\n    \"\"\"\n}}\n"
    )


folder = Path(sys.argv[1])
canonical, compatible = tables()
(folder / "DecompositionTable+Canonical.swift").write_text(
    swift("canonicalData", "Full canonical decompositions", canonical)
)
(folder / "DecompositionTable+Compatible.swift").write_text(
    swift("compatibleData", "Full compatibility decompositions of what has no canonical one", compatible)
)
