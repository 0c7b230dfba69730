"""One tokenizer of the Python packages per family, built from the artefacts."""
import base64
import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Callable

import gguf
import sentencepiece
from sentencepiece import sentencepiece_model_pb2
from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, processors

GPT2 = r"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+"
LLAMA3 = (
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*"
    r"|\s*[\r\n]+|\s+(?!\S)|\s+"
)
QWEN2 = LLAMA3.replace("{1,3}", "")
QWEN35 = (
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?[\p{L}\p{M}]+|\p{N}| ?[^\s\p{L}\p{M}\p{N}]+[\r\n]*"
    r"|\s*[\r\n]+|\s+(?!\S)|\s+"
)
UPPER, LOWER = r"[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]", r"[\p{Ll}\p{Lm}\p{Lo}\p{M}]"
SPACES = r"\s*[\r\n]+|\s+(?!\S)|\s+"
GPT4O = (
    rf"[^\r\n\p{{L}}\p{{N}}]?{UPPER}*{LOWER}+(?i:'s|'t|'re|'ve|'m|'ll|'d)?"
    rf"|[^\r\n\p{{L}}\p{{N}}]?{UPPER}+{LOWER}*(?i:'s|'t|'re|'ve|'m|'ll|'d)?"
    r"|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n/]*|" + SPACES
)
TEKKEN = (
    rf"[^\r\n\p{{L}}\p{{N}}]?{UPPER}*{LOWER}+|[^\r\n\p{{L}}\p{{N}}]?{UPPER}+{LOWER}*"
    r"|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n/]*|" + SPACES
)
DEEPSEEK3 = [
    r"\p{N}{1,3}",
    "[一-龥\u3040-ゟ゠-ヿ]+",
    r"""[!"#$%&'()*+,\-./:;<=>?@\[\\\]^_`{|}~][A-Za-z]+|[^\r\n\p{L}\p{P}\p{S}]?[\p{L}\p{M}]+"""
    r"| ?[\p{P}\p{S}]+[\r\n]*|" + SPACES,
]
DEEPSEEK_CODER = ["[\r\n]", r"\s?\p{L}+", r"\s?\p{P}+", "[一-龥ࠀ-一가-퟿]+", r"\p{N}"]
CASED = """41-5A 61-7A B5 C0-D6 D8-F6 F8-1BA 1BC-1BF 1C4-293 295-2AF 370-373 376-377 37B-37D 37F 386 388-38A 38C
38E-3A1 3A3-3F5 3F7-481 48A-52F 531-556 10A0-10C5 13A0-13F5 13F8-13FD 1C90-1CBA 1CBD-1CBF 1D00-1D2B 1D6B-1D77 1D79-1D9A
1E00-1F15 1F18-1F1D 1F20-1F45 1F48-1F4D 1F50-1F57 1F59 1F5B 1F5D 1F5F-1F7D 1F80-1FB4 1FB6-1FBC 1FBE 1FC2-1FC4 1FC6-1FCC
1FD0-1FD3 1FD6-1FDB 1FE0-1FEC 1FF2-1FF4 1FF6-1FFC 2102 2107 210A-2113 2115 2119-211D 2124 2126 2128 212A-212D 212F-2134
2139 213C-213F 2145-2149 214E 2183-2184 2C00-2C7B 2C7E-2CE4 2CEB-2CEE 2CF2-2CF3 A640-A66D A680-A69B A722-A76F A771-A787
A78B-A78E AB70-ABBF FB00-FB06 FB13-FB17 FF21-FF3A FF41-FF5A 10400-1044F 104B0-104D3 104D8-104FB 10C80-10CB2 10CC0-10CF2
118A0-118DF 1E900-1E943"""
DEEPSEEK_LLM = [
    "[\r\n]",
    r"\s?[" + "".join("-".join(chr(int(end, 16)) for end in r.split("-")) for r in CASED.split()) + "]+",
    "\\s?[!-/:-~\uff01-\uff0f\uff1a-\uff5e\u2018-\u201f\u3000-\u3002]+",
    r"\s+$",
    "[\u4e00-\u9fa5\u0800-\u4e00\uac00-\ud7ff]+",
    r"\p{N}+",
]
BLOOM = r" ?[^(\s|.,!?\u2026\u3002\uff0c\u3001\u0964\u06d4\u060c)]+"
CHAMELEON = [
    "<sentinel:[0-9]+>", "(IMGIMG)((A|B|C|D|E|F|G|H|I){1,4})Z", r"([\t\n]|    |  )", r"\p{N}",
    r"[\p{P}!-/:-@\[-`{-~]", GPT2,
]
BAILING = (
    r"'(?i:[sdmt]|ll|ve|re)|[^\r\n\p{L}\p{N}]?+\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]++[\r\n]*|\s*[\r\n]|\s+(?!\S)|\s+"
)
SEED_CODER = (
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1}| ?[^\s\p{L}\p{N}\r\n]+|" + SPACES
)
# Names in GGUF's tokenizer.ggml.pre and the patterns of the models' own files.
NAMED = {
    "chameleon": CHAMELEON, "bloom": [BLOOM], "viking": [BLOOM, r"\p{N}"], "bailingmoe": [BAILING],
    "seed-coder": [SEED_CODER], "deepseek-v3": DEEPSEEK3, "superbpe": [r"\p{N}+", r"(?=(\d{3})+(?!\d))"],
    "tiny_aya": [r"\d{1,3}(?=(?:\d{3})*\b)", GPT4O], "smollm": [r"\p{N}", GPT2],
    "minicpm5": [r"\p{N}{1,3}", LLAMA3.replace("{1,3}", "+")],
}
KIMI = (
    r"[\p{Han}]+|[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}&&[^\p{Han}]]*"
    r"[\p{Ll}\p{Lm}\p{Lo}\p{M}&&[^\p{Han}]]+(?i:'s|'t|'re|'ve|'m|'ll|'d)?"
    r"|[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}&&[^\p{Han}]]+"
    r"[\p{Ll}\p{Lm}\p{Lo}\p{M}&&[^\p{Han}]]*(?i:'s|'t|'re|'ve|'m|'ll|'d)?"
    r"|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|" + SPACES
)


@dataclass
class Family:
    name: str
    build: Callable
    kind: str = "tokenizers"
    sources: list = field(default_factory=list)
    specials: list = field(default_factory=list)
    options: dict = field(default_factory=dict)
    sweep: bool = False
    decodes: bool = True


def split(pattern):
    return pre_tokenizers.Split(Regex(pattern), "isolated")


def byte_level(use_regex=False):
    return pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=use_regex)


def all_families(artefacts: Path):
    root = artefacts / "tokenizers"

    def metadata(name):
        fields = gguf.GGUFReader(str(root / f"llama.cpp-vocab/ggml-vocab-{name}.gguf")).fields
        return {key: value.contents() for key, value in fields.items() if key.startswith("tokenizer")}

    def gguf_bpe(name, pre, special=(), **model):
        values = metadata(name)
        tokens, types = values["tokenizer.ggml.tokens"], values["tokenizer.ggml.token_type"]
        merges = []
        for merge in values["tokenizer.ggml.merges"]:
            at = merge.index(" ", 1)
            merges.append((merge[:at], merge[at + 1 :]))
        tokenizer = Tokenizer(models.BPE({token: i for i, token in enumerate(tokens)}, merges, **model))
        tokenizer.pre_tokenizer = pre
        tokenizer.decoder = decoders.ByteLevel()
        for token, type in zip(tokens, types):
            if type == 3:
                tokenizer.add_special_tokens([AddedToken(token, normalized=False, special=True)])
            elif type == 4:
                tokenizer.add_tokens([AddedToken(token, normalized=False)])
        return tokenizer

    def llama3(pre, normalizer=None):
        ranks = {}
        for line in (root / "llama3/test_tiktoken_tokenizer.model").read_bytes().splitlines():
            piece, rank = line.split()
            ranks[base64.b64decode(piece)] = int(rank)
        alphabet = byte_alphabet()
        text = lambda piece: "".join(alphabet[byte] for byte in piece)
        merges = []
        for piece, rank in ranks.items():
            local = []
            for at in range(1, len(piece)):
                left, right = piece[:at], piece[at:]
                if left in ranks and right in ranks:
                    local.append((ranks[left], ranks[right], text(left), text(right)))
            merges += [(left, right) for _, _, left, right in sorted(local)]
        tokenizer = Tokenizer(models.BPE({text(p): r for p, r in ranks.items()}, merges, ignore_merges=True))
        patterns = pre if isinstance(pre, list) else [pre]
        tokenizer.pre_tokenizer = pre_tokenizers.Sequence([split(p) for p in patterns] + [byte_level()])
        tokenizer.decoder = decoders.ByteLevel()
        names = ["<|begin_of_text|>", "<|end_of_text|>", "<|reserved_special_token_0|>"]
        tokenizer.add_special_tokens([AddedToken(name, normalized=False, special=True) for name in names])
        tokenizer.post_processor = processors.TemplateProcessing(
            single="<|begin_of_text|> $A", special_tokens=[("<|begin_of_text|>", 128000)]
        )
        return tokenizer

    def qwen2(pattern=QWEN2):
        folder = root / "qwen2.5-cogito"
        tokenizer = Tokenizer(models.BPE.from_file(str(folder / "vocab.json"), str(folder / "merges.txt")))
        tokenizer.normalizer = normalizers.NFC()
        tokenizer.pre_tokenizer = pre_tokenizers.Sequence([split(pattern), byte_level()])
        tokenizer.decoder = decoders.ByteLevel()
        config = json.loads((folder / "tokenizer_config.json").read_text())
        for entry in config["added_tokens_decoder"].values():
            token = AddedToken(entry["content"], normalized=False, special=entry["special"])
            (tokenizer.add_special_tokens if entry["special"] else tokenizer.add_tokens)([token])
        return tokenizer

    def unigram():
        processor = sentencepiece.SentencePieceProcessor(model_file=str(root / "sentencepiece/test_model.model"))
        pieces = [(processor.id_to_piece(i), processor.get_score(i)) for i in range(processor.get_piece_size())]
        tokenizer = Tokenizer(models.Unigram(pieces, unk_id=processor.unk_id()))
        # Field 3 of the model is the normaliser's specification, whose field 2 is the character map.
        proto = sentencepiece_model_pb2.ModelProto()
        proto.ParseFromString((root / "sentencepiece/test_model.model").read_bytes())
        tokenizer.normalizer = normalizers.Sequence([
            normalizers.Precompiled(proto.normalizer_spec.precompiled_charsmap),
            normalizers.Replace(Regex(" {2,}"), " ")])
        tokenizer.pre_tokenizer = pre_tokenizers.Metaspace(prepend_scheme="first")
        tokenizer.decoder = decoders.Metaspace(prepend_scheme="first")
        tokenizer.add_special_tokens([AddedToken("</s>", special=True, normalized=False)])
        return tokenizer

    def bert(**options):
        values = metadata("bert-bge")
        vocabulary = {}
        for i, (token, type) in enumerate(zip(values["tokenizer.ggml.tokens"], values["tokenizer.ggml.token_type"])):
            special = type == 3 or token.startswith("[") and token.endswith("]")
            plain = token[1:] if token.startswith("▁") else token if special else "##" + token
            vocabulary[plain] = i
        tokenizer = Tokenizer(models.WordPiece(vocabulary, unk_token="[UNK]"))
        tokenizer.normalizer = normalizers.BertNormalizer(**options)
        tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
        tokenizer.decoder = decoders.WordPiece()
        tokenizer.post_processor = processors.BertProcessing(("[SEP]", 102), ("[CLS]", 101))
        names = ["[CLS]", "[SEP]", "[PAD]", "[MASK]", "[UNK]"]
        tokenizer.add_special_tokens([AddedToken(name, normalized=False, special=True) for name in names])
        return tokenizer

    def awkward():
        tokenizer = gguf_bpe("gpt-2", byte_level(True))
        tokenizer.normalizer = normalizers.Sequence([normalizers.Lowercase(), normalizers.NFKC()])
        tokenizer.add_tokens([
            AddedToken("<left>", lstrip=True, normalized=False), AddedToken("<right>", rstrip=True, normalized=False),
            AddedToken("<both>", lstrip=True, rstrip=True, normalized=True), AddedToken("word", single_word=True),
            AddedToken("<A>", normalized=True), AddedToken("<aa>", normalized=False), AddedToken("<a", normalized=False),
        ])
        tokenizer.add_special_tokens([AddedToken("<S>", normalized=True, special=True)])
        return tokenizer

    def falcon():
        return gguf_bpe("falcon", pre_tokenizers.Sequence([
            pre_tokenizers.Punctuation("contiguous"), byte_level(True), pre_tokenizers.Digits(False),
            split("[0-9][0-9][0-9]"),
        ]))

    def file(path):
        return lambda: Tokenizer.from_file(str(artefacts / path))

    def piece_model(path):
        return lambda: sentencepiece.SentencePieceProcessor(model_file=str(root / path))

    def with_normalizer(normalizer):
        tokenizer = gguf_bpe("gpt-2", byte_level(True))
        tokenizer.normalizer = normalizer
        return tokenizer

    def path(name):
        return f"tokenizers/llama.cpp-vocab/ggml-vocab-{name}.gguf"

    end = ["<|endoftext|>"]
    llama3_source = {"llama3": "llama-bpe"}
    deepseek_pre = lambda patterns: pre_tokenizers.Sequence([split(p) for p in patterns] + [byte_level()])
    chat = ["<|im_start|>", "<|im_end|>", "<tool_call>", "</tool_call>", "<|endoftext|>"]
    spm = ["<s>", "</s>", "<unk>", "▁", "▁▁", "<0x0A>"]
    phi3 = ["<|user|>", "<|end|>", "<|assistant|>", "<s>", "</s>", "<|endoftext|>"]
    return [
        Family("gpt-2", lambda: gguf_bpe("gpt-2", byte_level(True)), sources=[{"gguf": path("gpt-2")}],
               specials=end, sweep=True),
        Family("llama-3", lambda: llama3(LLAMA3), sources=[llama3_source], sweep=True,
               specials=["<|begin_of_text|>", "<|end_of_text|>"]),
        Family("qwen2", qwen2, sources=[{"qwen2": "qwen2"}], specials=chat, sweep=True),
        Family("qwen35-pattern", lambda: qwen2(QWEN35), sources=[{"qwen2": "qwen35"}], specials=chat, sweep=True),
        Family("starcoder", lambda: gguf_bpe("starcoder", pre_tokenizers.Sequence(
            [pre_tokenizers.Digits(True), byte_level(True)])), sources=[{"gguf": path("starcoder")}],
            specials=["<|endoftext|>", "<fim_prefix>"], sweep=True),
        Family("refact", lambda: gguf_bpe("refact", pre_tokenizers.Sequence(
            [pre_tokenizers.Digits(True), byte_level(True)])), sources=[{"gguf": path("refact")}], specials=end),
        Family("gpt-neox-mpt", lambda: gguf_bpe("mpt", byte_level(True)), sources=[{"gguf": path("mpt")}],
               specials=end + ["<|padding|>"]),
        Family("deepseek-coder", lambda: gguf_bpe("deepseek-coder", deepseek_pre(DEEPSEEK_CODER)),
               options={"addSpecialTokens": False}, sources=[{"gguf": path("deepseek-coder")}],
               specials=["<｜begin▁of▁sentence｜>"], sweep=True),
        Family("deepseek-v3-pattern", lambda: gguf_bpe("deepseek-llm", deepseek_pre(DEEPSEEK3)), sweep=True,
               specials=["<｜begin▁of▁sentence｜>"]),
        Family("tekken-pattern", lambda: llama3(TEKKEN), sources=[{"llama3": "tekken"}], sweep=True),
        Family("gpt-4o-pattern", lambda: llama3(GPT4O), sources=[{"llama3": "gpt-4o"}], sweep=True),
        Family("kimi-pattern", lambda: llama3(KIMI), sources=[{"llama3": "kimi-k2"}], sweep=True),
        Family("deepseek-llm", lambda: gguf_bpe("deepseek-llm", deepseek_pre(DEEPSEEK_LLM)), sweep=True,
               options={"addSpecialTokens": False}, sources=[{"gguf": path("deepseek-llm")}],
               specials=["<｜begin▁of▁sentence｜>"]),
        *[Family(f"{name}-named", lambda patterns=patterns: llama3(patterns), sources=[{"llama3": name}],
                 sweep=True, specials=["<sentinel:12>", "IMGIMGABZ"]) for name, patterns in NAMED.items()],
        Family("unigram-precompiled", unigram, sweep=True, specials=["</s>"]),
        Family("falcon", falcon, specials=[">>TITLE<<", "<|endoftext|>"], sweep=True),
        Family("phi-3", file("tokenizers/phi-3-mini/tokenizer.json"), specials=phi3),
        Family("tinystories", file("weights/tinystories-656k-hf/tokenizer.json"), specials=["<|start_story|>"]),
        Family("llama2-sentencepiece", piece_model("llama2.c/tokenizer.model"), kind="sentencepiece",
               sources=[{"model": "tokenizers/llama2.c/tokenizer.model"}], options={"parseSpecialTokens": False},
               specials=spm, sweep=True),
        Family("stories-sentencepiece", piece_model("../weights/stories260K-llama2c/tok512.model"), kind="sentencepiece",
               sources=[{"model": "weights/stories260K-llama2c/tok512.model"}],
               options={"parseSpecialTokens": False}, specials=spm),
        Family("unigram-sentencepiece", piece_model("sentencepiece/test_model.model"), kind="sentencepiece",
               sources=[{"model": "tokenizers/sentencepiece/test_model.model"}],
               options={"parseSpecialTokens": False}, sweep=True, specials=spm),
        Family("unigram-ja-sentencepiece", piece_model("sentencepiece/test_ja_model.model"), kind="sentencepiece",
               sources=[{"model": "tokenizers/sentencepiece/test_ja_model.model"}],
               options={"parseSpecialTokens": False}, sweep=True),
        Family("bert", lambda: bert(lowercase=True), sources=[{"gguf": path("bert-bge"), "decodes": False}], sweep=True,
               specials=["[CLS]", "[MASK]", "[SEP]"]),
        Family("bert-cased", lambda: bert(lowercase=False, strip_accents=False, clean_text=False), sweep=True),
        Family("awkward-added-tokens", awkward, sweep=True,
               specials=["<left>", "<right>", "<both>", "word", "<A>", "<a>", "<aa>", "<a", "<S>", "<s>", "Word"]),
        Family("nfc", lambda: with_normalizer(normalizers.NFC()), sweep=True),
        Family("nfd", lambda: with_normalizer(normalizers.NFD()), sweep=True),
        Family("nfkc", lambda: with_normalizer(normalizers.NFKC()), sweep=True),
        Family("nfkd-strip-accents", lambda: with_normalizer(normalizers.Sequence(
            [normalizers.NFKD(), normalizers.StripAccents(), normalizers.Strip()])), sweep=True),
        Family("lowercase-nmt-replace", lambda: with_normalizer(normalizers.Sequence(
            [normalizers.Nmt(), normalizers.Lowercase(), normalizers.Replace(Regex(r"\s+"), " "),
             normalizers.Replace("a", "bb"), normalizers.Prepend("_")])), sweep=True),
    ]


def byte_alphabet():
    printable = list(range(0x21, 0x7F)) + list(range(0xA1, 0xAD)) + list(range(0xAE, 0x100))
    alphabet, extra = {}, 0
    for byte in range(256):
        alphabet[byte] = chr(byte) if byte in printable else chr(256 + extra)
        extra += byte not in printable
    return alphabet
