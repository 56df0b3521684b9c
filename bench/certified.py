#!/usr/bin/env python3
"""Measures certified reads: that the error never exceeds the bound, and how much is read.

    bench/certified.py [--cases 1000000] [--page bench/CERTIFIED.md]

Sequences under read=certified(error=E) decode real text, and what the models compute is observed:
of each layer, head and step the distance of attention from that over all rows, in float64, against
the bound that was given with it. Exits with 1 if any bound is exceeded. --page writes the table
between the marks of a page, and the plot beside it.
"""

import argparse
import sys
import time
from pathlib import Path

import numpy as np

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "build/release/python"))

import weir  # noqa: E402

PAGE = 64
ERRORS = (0.001, 0.01, 0.1, 0.5, 1.0, 1.9)
MODELS = {"smollm2": 0.95, "gemma3-270m": 0.05}  # And the share of all cases that each gives.
BEGIN, END = "<!-- measured: begin -->\n", "<!-- measured: end -->\n"


class Seen:
    """What a sequence computed: [rows, heads, head_dim] of each layer; of bounds [rows, heads]."""

    def __init__(self, engine, sequence):
        info, what = engine.info, weir.Observable
        self.group = info.heads // info.kv_heads
        self.heads = {what.QUERY: info.heads, what.KEY: info.kv_heads, what.VALUE: info.kv_heads,
                      what.ATTENTION: info.heads, what.READ_BOUND: info.heads}
        self.rows = {}
        sequence.observe(list(self.heads), self.take)

    def take(self, what, layer, _, values):
        rows = values.reshape(len(values), self.heads[what], -1).astype(np.float64)
        self.rows.setdefault((what.name, layer), []).append(rows)

    def of(self, name, layer):
        return np.concatenate(self.rows[name, layer])

    def layers(self):
        """Those whose rows chose what they read."""
        return sorted(layer for name, layer in self.rows if name == "READ_BOUND")


def decoded(engine, recipe, tokens, prompt):
    """A sequence that took `prompt` tokens at once and the others one by one, and what was seen."""
    sequence = engine.create_sequence(recipe)
    seen = Seen(engine, sequence)
    sequence.append(tokens[:prompt])
    for token in tokens[prompt:]:
        sequence.append([token])
    return sequence, seen


def softmax_weights(q, k, scale, first):
    """Of queries [rows, dim] at positions first, first + 1, ... over keys [positions, dim]."""
    logits = scale * (q @ k.T)
    logits[np.arange(len(k)) > np.arange(first, first + len(q))[:, None]] = -np.inf
    p = np.exp(logits - logits.max(axis=1, keepdims=True))
    return p / p.sum(axis=1, keepdims=True)


def cases(seen, layer, prompt, scale):
    """Of every step and head, [steps, heads]: the error, its bound, the longest value; and the
    masses of pages, [heads][steps, pages]."""
    q, k, v, out = (seen.of(name, layer) for name in ("QUERY", "KEY", "VALUE", "ATTENTION"))
    bounds = seen.of("READ_BOUND", layer)[..., 0]
    steps, heads = bounds.shape
    errors, longest, masses = np.empty((steps, heads)), np.empty((steps, heads)), []
    lengths = np.maximum.accumulate(np.linalg.norm(v, axis=-1), axis=0)[prompt:]
    for head in range(heads):
        keys, values = k[:, head // seen.group], v[:, head // seen.group]
        p = softmax_weights(q[prompt:, head], keys, scale, prompt)
        errors[:, head] = np.linalg.norm(out[prompt:, head] - p @ values, axis=-1)
        longest[:, head] = lengths[:, head // seen.group]
        masses.append(np.add.reduceat(p, np.arange(0, p.shape[1], PAGE), axis=1))
    return errors, bounds, longest, masses


def needed(masses, error):
    """Pages that would do if every page's mass were known, summed over steps."""
    sum_of = 0
    for step in np.stack(masses, axis=1):  # [heads, pages]
        order = np.argsort(-step.max(axis=0), kind="stable")
        left = 1 - np.cumsum(step[:, order], axis=1)
        sum_of += 1 + int(np.argmax((2 * left <= error).all(axis=0)))
    return sum_of


class Sums:
    """Of one model and error."""

    def __init__(self):
        self.cases = self.exceeded = self.read = self.there = self.known = 0
        self.worst_of_bound = self.worst = self.widest = 0.0

    def add(self, sequence, seen, prompt, scale, error):
        read, there = sequence.pages_read
        self.read, self.there = self.read + read, self.there + there
        for layer in seen.layers():
            errors, bounds, longest, masses = cases(seen, layer, prompt, scale)
            self.cases += errors.size
            self.exceeded += int((errors > bounds).sum())
            self.worst_of_bound = max(self.worst_of_bound, (errors / bounds).max())
            self.worst = max(self.worst, (errors / longest).max())
            self.widest = max(self.widest, (bounds / longest).max())
            for first in range(0, len(masses), seen.group):
                self.known += needed(masses[first : first + seen.group], error)


def measure(model, wanted, prompt, steps):
    """Sums by error, of `wanted` cases or more."""
    text = "".join(path.read_text(encoding="utf-8") for folder in ("docs", "tests/reference/texts")
                   for path in sorted((ROOT / folder).iterdir()) if path.suffix in (".md", ".txt"))
    sums = {error: Sums() for error in ERRORS}
    with weir.Engine(model, max_model_len=prompt + steps, kv_cache_dtype="f32") as engine:
        tokens = engine.tokenize(text, add_special=False, parse_special=False)
        scale = engine.info.head_dim ** -0.5  # As both models have it.
        begin, start = 0, time.perf_counter()
        while sum(s.cases for s in sums.values()) < wanted:
            stretch = (tokens * 2)[begin % len(tokens) :][: prompt + steps]
            begin += prompt + steps
            for error, to in sums.items():
                recipe = f"read=certified(error={error})"
                sequence, seen = decoded(engine, recipe, stretch, prompt)
                to.add(sequence, seen, prompt, scale, error)
            done = sum(s.cases for s in sums.values())
            print(f"{model}: {done} cases, {time.perf_counter() - start:.0f} s", file=sys.stderr)
    return sums


def table(results, prompt, steps):
    yield (f"Prompts of {prompt} tokens, {steps} tokens decoded after each; "
           "keys and values in float32.\n")
    yield ("| model | `error=` | cases | exceeded | pages read, % | if masses were known, % "
           "| greatest error | greatest bound | greatest error / bound |")
    yield "|---|---|---|---|---|---|---|---|---|"
    for model, sums in results.items():
        for error, s in sums.items():
            yield (f"| {model} | {error} | {s.cases} | {s.exceeded} | {100 * s.read / s.there:.1f} "
                   f"| {100 * s.known / s.there:.1f} | {s.worst:.2g} | {s.widest:.2g} "
                   f"| {s.worst_of_bound:.2g} |")
    yield ("\nErrors and bounds are shares of the longest value of the head's rows.")


def plot(results):
    """Pages read against the error, as SVG: solid what was read, dashed if masses were known."""
    width, height, left, low = 640, 320, 60, 270
    at = {e: left + 540 * i / (len(ERRORS) - 1) for i, e in enumerate(ERRORS)}
    out = [f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" '
           'font-family="sans-serif" font-size="12">',
           f'<rect width="{width}" height="{height}" fill="white"/>']
    for share in (0, 25, 50, 75, 100):
        y = low - 2.4 * share
        out.append(f'<path d="M{left} {y}H600" stroke="#ddd"/>'
                   f'<text x="50" y="{y + 4}" text-anchor="end">{share} %</text>')
    out += [f'<text x="{x}" y="288" text-anchor="middle">{e}</text>' for e, x in at.items()]
    out.append('<text x="330" y="308" text-anchor="middle">error, of the longest value</text>')
    for i, ((model, sums), colour) in enumerate(zip(results.items(), ("#c0392b", "#2471a3"))):
        for of, dash in (("read", ""), ("known", ' stroke-dasharray="5 4"')):
            points = " ".join(f"{at[e]:.0f},{low - 240 * getattr(s, of) / s.there:.0f}"
                              for e, s in sums.items())
            out.append(f'<polyline points="{points}" fill="none" stroke="{colour}"{dash}/>')
        out.append(f'<text x="{left + 8 + 110 * i}" y="20" fill="{colour}">{model}</text>')
    out.append('<text x="300" y="20">pages read; dashed: if masses were known</text>')
    return "\n".join(out + ["</svg>", ""])


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--cases", type=int, default=1_000_000)
    parser.add_argument("--prompt", type=int, default=1500)
    parser.add_argument("--steps", type=int, default=200)
    parser.add_argument("--page", type=Path)
    a = parser.parse_args()
    results = {model: measure(model, a.cases * share, a.prompt, a.steps)
               for model, share in MODELS.items()}
    lines = "\n".join(table(results, a.prompt, a.steps)) + "\n"
    print(lines, end="")
    if a.page:
        before, rest = a.page.read_text(encoding="utf-8").split(BEGIN)
        after = rest.split(END)[1]
        a.page.write_text(before + BEGIN + "\n" + lines + "\n" + END + after, encoding="utf-8")
        a.page.with_suffix(".svg").write_text(plot(results), encoding="utf-8")
    return int(any(s.exceeded for sums in results.values() for s in sums.values()))


if __name__ == "__main__":
    sys.exit(main())
