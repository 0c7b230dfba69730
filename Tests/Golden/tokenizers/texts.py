"""Random texts that are hard to tokenise; the same for every run of the same seed."""
import random

WORDS = (
    "the of and to in is you that it he was for on are as with his they I at be this have from or one had by "
    "word but not what all were we when your can said there use an each which she do how their if will up other "
    "about out many then them these so some her would make like him into time has look two more write go see "
    "number no way could people my than first water been call who oil its now find long down day did get come "
    "tokenizer Encoding UPPER MixedCase camelCase snake_case kebab-case HTTPServer iPhone X86_64 naïve café Zürich "
    "résumé İstanbul straße ŒUVRE ﬁne ½ cup x² H₂O 10⁹ №5 ℃ Å Ω"
).split()
CONTRACTIONS = "I'm you're he's we've they'll she'd can't DON'T I'M we'Ve a'lL o'clock 'tis 's 't 're 've 'm 'll 'd ''s 'S ’s 'ſ 'Ll".split()
SCRIPTS = [
    (0x400, 0x4FF), (0x370, 0x3FF), (0x5D0, 0x5EA), (0x600, 0x6FF), (0x900, 0x97F), (0x980, 0x9FF), (0xE00, 0xE7F),
    (0x1780, 0x17FF), (0x3040, 0x30FF), (0x4E00, 0x9FFF), (0xAC00, 0xD7A3), (0x1100, 0x11FF), (0x10A0, 0x10FF),
    (0x530, 0x58F), (0x1E00, 0x1FFF), (0xFF00, 0xFFEF), (0xA0, 0x24F), (0x2000, 0x206F), (0x2070, 0x218F),
    (0x2190, 0x2BFF), (0x20000, 0x20FFF), (0x10400, 0x1044F), (0x1D400, 0x1D7FF), (0xF900, 0xFAFF), (0x3400, 0x4DBF),
]
EMOJI = "😀 😁 👍🏽 👩‍👩‍👧‍👦 🏳️‍🌈 🇩🇪 🦙 ❤️ ☺️ 1️⃣ 🫠 🧑🏿‍🚀 ™ ©".split(" ")
SPACES = [" ", "  ", "   ", "\t", "\n", "\r\n", "\n\n", "\u00a0", "\u3000", "\u2003", "\u200b", "\u2028", "\x0b", "\x0c", "\x85", "\r", " \n ", "\n \t"]
MARKS = [chr(c) for c in [0x300, 0x301, 0x308, 0x323, 0x327, 0x345, 0x5B0, 0x64B, 0x93C, 0x94D, 0xE31, 0x20DD, 0x3099, 0xFE0F]]
PUNCTUATION = "! \" # $ % & ' ( ) * + , - . / : ; < = > ? @ [ \\ ] ^ _ ` { | } ~ … — – “ ” ‘ ’ « » ¿ ¡ 。 、 ！ ？ § ¶ † ‡ • ₹ € £ ¥ ± × ÷ ¬ ° ´ ¨ ¸ ▁ ĠĊ".split()
CODE = [
    "for (int i = 0; i < n; ++i) {\n    sum += a[i] * b[i];\n}", "def f(x: int) -> str:\n\treturn f'{x!r}'\n", "let x = y?.z ?? [:]\r\n",
    "SELECT * FROM t WHERE id >= 10;", "<div class=\"a\">&nbsp;</div>", "https://example.com/a?b=c&d=%20#e", "{\"key\": [1, 2.5e-3, null]}",
    "#include <stdio.h>\n\n\n", "x=$((1+2))&&echo \"$x\"||exit 1", "//////////", "-----------", "=====", "...!!!???", "###\n", "`````",
]
CONTROLS = ["\x00", "\x01", "\x07", "\x1b", "\x7f", "\x9f", "\ufeff", "\ufffd", "\u200d", "\u00ad", "\ue000", "\U000e0001"]


def scalar(rng, low=0, high=0x10FFFF):
    while True:
        code = rng.randint(low, high)
        if not 0xD800 <= code < 0xE000:
            return chr(code)


def piece(rng, specials):
    kind = rng.randrange(16)
    if kind <= 3:
        return rng.choice(["", " "]) + rng.choice(WORDS)
    if kind == 4:
        return rng.choice(CONTRACTIONS)
    if kind == 5:
        low, high = rng.choice(SCRIPTS)
        return "".join(scalar(rng, low, high) for _ in range(rng.randint(1, 8)))
    if kind == 6:
        return rng.choice(EMOJI)
    if kind == 7:
        return rng.choice(SPACES) * rng.choice([1, 1, 1, 2, 3, 7, 20])
    if kind == 8:
        return "".join(rng.choice("0123456789") for _ in range(rng.choice([1, 2, 3, 4, 5, 7, 13]))) + rng.choice(["", "٣", "五", "²", ".5", ",000"])
    if kind == 9:
        return rng.choice(WORDS)[:3] + "".join(rng.choice(MARKS) for _ in range(rng.randint(1, 4)))
    if kind == 10:
        return rng.choice(PUNCTUATION) * rng.choice([1, 1, 2, 3, 9])
    if kind == 11:
        return rng.choice(CODE)
    if kind == 12:
        return rng.choice(CONTROLS) if rng.random() < 0.5 else scalar(rng)
    if kind == 13 and specials:
        return rng.choice(["", "", " "]) + rng.choice(specials) + rng.choice(["", "", " ", "\n", "x"])
    if kind == 14:
        return rng.choice("aAbZ éЖ中 \n1.'") * rng.choice([1, 2, 5, 17, 60])
    return "".join(chr(rng.randint(32, 126)) for _ in range(rng.randint(1, 10)))


def random_texts(count, seed, specials=()):
    rng = random.Random(seed)
    texts = ["", " ", "\n", "a", "\u0301", "Hello, world!", " leading", "trailing ", "  two  spaces  "]
    while len(texts) < count:
        texts.append("".join(piece(rng, specials) for _ in range(rng.choice([1, 2, 3, 4, 6, 10, 20]))))
    return texts


def scalar_sweep(step=128):
    """Every scalar that is no surrogate and not in planes 4 to 13, between letters, digits and spaces."""
    texts = []
    codes = [c for c in range(0x40000) if not 0xD800 <= c < 0xE000] + list(range(0xE0000, 0xE0200)) + [0xF0000, 0x10FFFD]
    for i in range(0, len(codes), step):
        block = [chr(c) for c in codes[i : i + step]]
        texts.append("".join("x" + c for c in block))
        texts.append("".join(" " + c + "1" for c in block))
    return texts
