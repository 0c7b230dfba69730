#!/usr/bin/env python3
"""Trains small vocabularies and writes the golden files that stand in the repository.

Usage: make_fixtures.py TEXT_FILE OUTPUT_FOLDER      (TEXT_FILE: any English text, such as a public-domain novel)
"""
import base64
import io
import json
import sys
from pathlib import Path

import sentencepiece
from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, processors, trainers

from families import DEEPSEEK3, GPT4O, LLAMA3, split
from texts import random_texts

COUNT = 120
lines = Path(sys.argv[1]).read_text(encoding="utf-8").splitlines()[200:4000]
lines += ["naïve café Zürich 12345 x² ½ 日本語 漢字 Привет мир 👍🏽 def f(x): return x+1"] * 20
output = Path(sys.argv[2])


def save(name, tokenizer, specials=(), decode=True, encode=None, source=None, **options):
    cases = []
    for text in random_texts(COUNT, seed=len(name), specials=specials):
        ids = encode(text) if encode else tokenizer.encode(text).ids
        case = [text, ids]
        if decode:
            decoded = tokenizer.decode(ids[1:]) if source else tokenizer.decode(ids, skip_special_tokens=False)
            if "\ufffd" not in decoded:
                case.append(decoded)
        cases.append(case)
    source = source or {"tokenizer": json.loads(tokenizer.to_str())}
    golden = {"family": name, "sources": [source], **options, "cases": cases}
    text = json.dumps(golden, ensure_ascii=False, separators=(",", ":"))
    (output / f"{name}.golden.json").write_text(text + "\n", encoding="utf-8")
    print(name, len(text.encode()))


def train(model, trainer, normalizer=None, pre=None, decoder=None):
    tokenizer = Tokenizer(model)
    if normalizer:
        tokenizer.normalizer = normalizer
    if pre:
        tokenizer.pre_tokenizer = pre
    if decoder:
        tokenizer.decoder = decoder
    tokenizer.train_from_iterator(lines, trainer)
    return tokenizer


def byte_level(*splits):
    steps = [split(p) for p in splits] + [pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=not splits)]
    trainer = trainers.BpeTrainer(
        vocab_size=500, special_tokens=["<|end|>"], initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False)
    return train(models.BPE(), trainer, pre=pre_tokenizers.Sequence(steps), decoder=decoders.ByteLevel())


def sentence_piece(kind, **options):
    model = io.BytesIO()
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter(lines), model_writer=model, model_type=kind, vocab_size=options.pop("vocab_size", 400),
        minloglevel=2, **options)
    data = model.getvalue()
    processor = sentencepiece.SentencePieceProcessor(model_proto=data)
    return processor, {"sentencePiece": base64.b64encode(data).decode()}


gpt2 = byte_level()
gpt2.post_processor = processors.ByteLevel(trim_offsets=True)
save("byte-level-gpt2", gpt2, ["<|end|>"])
save("byte-level-llama3", byte_level(LLAMA3), ["<|end|>"])
save("byte-level-gpt4o", byte_level(GPT4O), ["<|end|>"])
save("byte-level-deepseek3", byte_level(*DEEPSEEK3), ["<|end|>"])

special = ["<unk>", "<s>", "</s>"]
spm = train(
    models.BPE(unk_token="<unk>", byte_fallback=True, fuse_unk=True),
    trainers.BpeTrainer(vocab_size=600, special_tokens=special + [f"<0x{i:02X}>" for i in range(256)],
                        limit_alphabet=80, show_progress=False),
    normalizer=normalizers.Sequence([normalizers.Prepend("▁"), normalizers.Replace(" ", "▁")]),
    decoder=decoders.Sequence([decoders.Replace("▁", " "), decoders.ByteFallback(), decoders.Fuse(),
                               decoders.Strip(" ", 1, 0)]))
spm.post_processor = processors.TemplateProcessing(single="<s> $A </s>", special_tokens=[("<s>", 1), ("</s>", 2)])
save("bpe-byte-fallback", spm, ["<s>", "</s>"])

unigram = train(
    models.Unigram(), trainers.UnigramTrainer(vocab_size=400, unk_token="<unk>", special_tokens=["<unk>"],
                                              show_progress=False),
    normalizer=normalizers.Sequence([normalizers.NFKC(), normalizers.Replace(Regex(" {2,}"), " ")]),
    pre=pre_tokenizers.Metaspace(), decoder=decoders.Metaspace())
save("unigram-metaspace", unigram, ["<unk>"])

wordpiece = train(
    models.WordPiece(unk_token="[UNK]"),
    trainers.WordPieceTrainer(vocab_size=400, special_tokens=["[UNK]", "[CLS]", "[SEP]"], show_progress=False),
    normalizer=normalizers.BertNormalizer(), pre=pre_tokenizers.BertPreTokenizer(), decoder=decoders.WordPiece())
wordpiece.post_processor = processors.BertProcessing(("[SEP]", 2), ("[CLS]", 1))
save("wordpiece-bert", wordpiece, ["[CLS]", "[SEP]"])

clip = train(
    models.BPE(unk_token="<unk>", end_of_word_suffix="</w>"),
    trainers.BpeTrainer(vocab_size=400, special_tokens=["<unk>"], end_of_word_suffix="</w>", show_progress=False),
    normalizer=normalizers.Sequence(
        [normalizers.NFC(), normalizers.Replace(Regex(r"\s+"), " "), normalizers.Lowercase()]),
    pre=pre_tokenizers.Sequence([
        pre_tokenizers.Split(Regex(r"'s|'t|'re|'ve|'m|'ll|'d|[\p{L}]+|[\p{N}]|[^\s\p{L}\p{N}]+"), "removed", invert=True)]),
    decoder=decoders.BPEDecoder())
save("bpe-end-of-word", clip)

prefix = train(
    models.BPE(unk_token="<unk>", continuing_subword_prefix="##"),
    trainers.BpeTrainer(vocab_size=400, special_tokens=["<unk>"], continuing_subword_prefix="##", show_progress=False),
    pre=pre_tokenizers.Sequence([pre_tokenizers.WhitespaceSplit(), pre_tokenizers.Punctuation("merged_with_previous"),
                                 pre_tokenizers.Digits(True)]))
save("bpe-continuing-prefix", prefix)

words = train(models.WordLevel(unk_token="<unk>"), trainers.WordLevelTrainer(vocab_size=300, special_tokens=["<unk>"],
              show_progress=False), pre=pre_tokenizers.Whitespace())
words.add_tokens([AddedToken("Elizabeth Bennet", single_word=True), AddedToken("<left>", lstrip=True),
                  AddedToken("<right>", rstrip=True)])
save("word-level", words, ["Elizabeth Bennet", "<left>", "<right>"])

for name, kind, options in [
    ("sentencepiece-bpe", "bpe", dict(byte_fallback=True, vocab_size=600, normalization_rule_name="identity",
                                      remove_extra_whitespaces=False, user_defined_symbols=["<tag>", "ing"])),
    ("sentencepiece-unigram", "unigram", dict(user_defined_symbols=["<tag>"], normalization_rule_name="nmt_nfkc")),
    ("sentencepiece-suffix", "unigram", dict(treat_whitespace_as_suffix=True, normalization_rule_name="identity")),
]:
    processor, source = sentence_piece(kind, **options)
    # A normalisation table of this size does not belong in the repository; compare.py covers it.
    if len(source["sentencePiece"]) < 60_000:
        save(name, processor, ["<tag>"], encode=lambda text: processor.encode(text, add_bos=True), source=source,
             parseSpecialTokens=False)
    else:
        print(name, "left out:", len(source["sentencePiece"]))
