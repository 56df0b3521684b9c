"""Writes src/text/jinja_unicode_{flags,case}.inc: what Python's str knows about characters.

Run it with Python 3.11 (Unicode 14.0), whose behaviour the chat templates follow:
    python3 tools/make_jinja_unicode.py
"""

import pathlib
import sys
import unicodedata

TEXT = pathlib.Path(__file__).resolve().parent.parent / "src" / "text"
POINTS = [c for c in range(sys.maxunicode + 1)]
HEAD = f"// Made by tools/make_jinja_unicode.py from Unicode {unicodedata.unidata_version}.\n"


def case_ignorable(char):
    """CPython's lower() turns a final sigma by this property; seen from outside."""
    return ("a" + char + "\u03a3").lower().endswith("\u03c2") and (
        "\u03a3" + char + "a"
    ).lower().startswith("\u03c3")


def cased(char):
    return ("\u03a3" + char).lower().startswith("\u03c3") and (
        (char + "\u03a3").lower().endswith("\u03c2")
    )


def flags(c):
    char = chr(c)
    if 0xD800 <= c < 0xE000:
        return 0
    tests = (
        char.isprintable(),
        char.islower(),
        char.isupper(),
        unicodedata.category(char) == "Lt",
        char.isalpha(),
        char.isdecimal(),
        char.isdigit(),
        char.isnumeric(),
        cased(char),
        not cased(char) and case_ignorable(char),
    )
    return sum(1 << bit for bit, test in enumerate(tests) if test)


def write(name, lines):
    (TEXT / name).write_text(HEAD + "".join(lines))


def rows(items, per_line):
    for at in range(0, len(items), per_line):
        yield ", ".join(items[at : at + per_line]) + ",\n"


def write_flags():
    runs, last = [], None
    for c in POINTS:
        now = flags(c)
        if now != last:
            runs.append(f"0x{c << 10 | now:x}")
            last = now
    write("jinja_unicode_flags.inc", rows(runs, 8))
    return len(runs)


def case_runs(convert):
    """Runs (first, last, stride, delta) of characters that map to one character."""
    runs = []
    for c in POINTS:
        if 0xD800 <= c < 0xE000:
            continue
        to = convert(chr(c))
        if len(to) != 1 or ord(to) == c:
            continue
        delta = ord(to) - c
        if runs and runs[-1][3] == delta:
            first, last, stride, _ = runs[-1]
            gap = c - last
            if gap <= 2 and stride in (0, gap):
                runs[-1] = (first, c, gap, delta)
                continue
        runs.append((c, c, 0, delta))
    return [f"{{0x{f:x}, 0x{l:x}, {s or 1}, {d}}}" for f, l, s, d in runs]


def special(convert):
    return [
        f'{{0x{c:x}, U"{"".join(f"{chr(92)}U{ord(x):08X}" for x in convert(chr(c)))}"}}'
        for c in POINTS
        if not 0xD800 <= c < 0xE000 and len(convert(chr(c))) > 1
    ]


def write_case():
    out = []
    for name, convert in (("Upper", str.upper), ("Lower", str.lower), ("Title", str.title)):
        out.append(f"constexpr CaseRun k{name}Runs[] = {{\n")
        out += rows(case_runs(convert), 4)
        out.append(f"}};\nconstexpr CaseSpecial k{name}Special[] = {{\n")
        out += rows(special(convert), 2)
        out.append("};\n")
    write("jinja_unicode_case.inc", out)


write_flags()
write_case()
