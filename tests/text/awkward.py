"""Texts that tokenizers stumble over, from a seed: the same ones in every run."""

import random

WORDS = (
    "the of and to in is you that it he was for on are as with his they I at be this have from or "
    "one had by word but not what all were we when your can said there use an each which "
    "she do how "
    "their if will up other about out many then them these so some her would make like him into "
    "don't I'll we've they're it's she'd I'm DON'T I'LL WE'VE 'tis rock'n'roll naïve café Straße "
    "Владимир Привет Ελληνικά ὠφέλεια עברית العربية हिन्दी ไทย 日本語 中文字符 한국어 Tiếng Việt ſtraße it'ſ"
).split()
CODE = (
    "for (int i = 0; i < n; ++i) {\n    x[i] += 0x1F;\n}\n",
    "def f(x):\n\treturn {'a': [1, 2.5e-3], \"b\": None}  # why\n\n\n",
    "SELECT * FROM t WHERE id = 'x' -- ;\r\n",
    '<div class="a">&nbsp;</div>\n      <br/>\n',
    "https://example.org/a/b?c=d&e=%20#frag user@mail.example $HOME ~/.ssh C:\\dir\\file.txt",
    "a->b::c<T&&>(*p)[0]...???!!! ==> != <= >>= //// ---- ____ ####",
)
SPECIAL = (
    "<|im_start|> <|im_end|> <|endoftext|> <bos> <eos> <s> </s> <unk> <0x41> <0x0A> ▁ ▁▁ Ġ Ċ"
).split()
SPACES = (
    " \t\n\r\v\f\x1c\x85\xa0\u1680\u180e\u2000"
    "\u2003\u2007\u200a\u200b\u2028\u2029\u202f\u205f\u2060\u3000\ufeff"
)
MARKS = [
    chr(c)
    for c in [
        *range(0x300, 0x370),
        *range(0x483, 0x488),
        *range(0x591, 0x5BE),
        0x93C,
        0x94D,
        0x9BE,
        0x302A,
        0x3099,
        0xFE0F,
        *range(0x20D0, 0x20F0),
        0x1D165,
        0xE0100,
    ]
]
DIGITS = [
    chr(c)
    for c in [
        *range(0x30, 0x3A),
        *range(0x660, 0x66A),
        *range(0x966, 0x970),
        0xB2,
        0xBC,
        0x2160,
        0x2460,
        0x3007,
        0xFF11,
        0x1D7D8,
        0x1F100,
        0x11F50,
        0x1E4F1,
    ]
]
EMOJI = ["😀", "👍🏽", "👩‍👩‍👧‍👦", "🏳️‍🌈", "🇩🇪", "1️⃣", "❤️", "🧑🏿‍🚀", "☃", "🫠", "\U0001fae8"]


def scalar(rng, low=0, high=0x10FFFF):
    """A code point that is not a surrogate."""
    while True:
        code = rng.randint(low, high)
        if not 0xD800 <= code < 0xE000:
            return chr(code)


def _words(rng):
    return rng.choice([" ", " ", "  ", "", "\n"]).join(rng.choices(WORDS, k=rng.randint(1, 12)))


def _planes(rng):
    return "".join(
        scalar(
            rng,
            *rng.choice(
                [
                    (0, 0x7F),
                    (0x80, 0x7FF),
                    (0x800, 0xFFFF),
                    (0x10000, 0x1FFFF),
                    (0x20000, 0x3FFFF),
                    (0xE0000, 0x10FFFF),
                ]
            ),
        )
        for _ in range(rng.randint(1, 20))
    )


def _marks(rng):
    return "".join(
        rng.choice("aeoAEO áñ中ก") + "".join(rng.choices(MARKS, k=rng.randint(0, 6)))
        for _ in range(rng.randint(1, 6))
    )


def _digits(rng):
    return "".join(
        rng.choice([*DIGITS, *"0123456789", " ", ".", ",", "-", "x"])
        for _ in range(rng.randint(1, 20))
    )


def _spaces(rng):
    return "".join(
        rng.choice(
            [
                rng.choice(SPACES) * rng.randint(1, 5),
                " " * rng.randint(1, 40),
                rng.choice(WORDS),
                "\n" * rng.randint(1, 5),
            ]
        )
        for _ in range(rng.randint(1, 8))
    )


def _controls(rng):
    return "".join(
        chr(rng.choice([*range(0x20), *range(0x7F, 0xA0), 0x41])) for _ in range(rng.randint(1, 20))
    )


def _run(rng):
    unit = rng.choice([*"aA0 .\n-=é中", "ab", " a", "\r\n", rng.choice(EMOJI), scalar(rng)])
    return unit * rng.choice([2, 3, 7, 16, 31, 32, 33, 41, 64, 100, 300])


def _mixture(rng):
    return "".join(rng.choice(_KINDS)(rng) for _ in range(rng.randint(2, 4)))


_KINDS = [
    _words,
    _planes,
    _marks,
    _digits,
    _spaces,
    _controls,
    _run,
    lambda rng: rng.choice(CODE),
    lambda rng: rng.choice(EMOJI) * rng.randint(1, 3),
    lambda rng: rng.choice(["", " "]) + rng.choice(SPECIAL),
]


def texts(count, seed=1):
    """`count` texts, the empty one and a few very long ones among them."""
    rng = random.Random(seed)
    fixed = [
        "",
        " ",
        "\n",
        "a",
        "a" * 20000,
        " " * 20000,
        "\n" * 5000,
        "ab " * 5000,
        "中" * 5000,
        "👍🏽" * 2000,
        "=" * 5000 + "\n",
        " " * 3000 + "x",
        "\r\n" * 3000,
        "1" * 5000,
        "'" * 999 + "s",
        *CODE,
        *SPECIAL,
        *EMOJI,
    ]
    return fixed + [
        rng.choice([*_KINDS, _mixture, _mixture, _mixture])(rng) for _ in range(count - len(fixed))
    ]


def every_code_point():
    """Each code point after a letter, a digit, a space, an apostrophe and itself.

    Of the ranges that are all CJK, Hangul, private or unassigned it takes some.
    """
    alike = [
        (0x4E00, 0x9F00),
        (0xAC00, 0xD700),
        (0xE000, 0xF800),
        (0x17000, 0x18700),
        (0x20000, 0x32300),
        (0x32400, 0xE0000),
        (0xE0200, 0x110000),
    ]
    codes = [
        chr(c)
        for c in range(0x110000)
        if not 0xD800 <= c < 0xE000
        and (c % 61 == 0 or not any(low <= c < high for low, high in alike))
    ]
    for start in range(0, len(codes), 256):
        yield "".join(f"a{c}1{c} {c}'{c}{c}\n{c}" for c in codes[start : start + 256])
