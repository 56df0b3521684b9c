#!/usr/bin/env python3
"""Decode with a long cache, recipes in turn.

    bench/kv_decode.py [MODEL] [--depth 7000] [--rounds 6] [--recipe ...]

One engine holds one sequence of --depth tokens for each recipe; each takes 24 steps, A B C A B C,
so that a busy neighbour meets all of them. Prints tokens per second, best and median, and their
ratio to the first recipe's, with the bytes that the cache takes.
"""

import argparse
import statistics
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "build/release/python"))

import weir  # noqa: E402

STEPS = 24
RECIPES = ["keep=all", "store=int8", "store=kivi(bits=4)", "store=kivi(bits=4,group=64)",
           "store=kivi(bits=2)"]


def tokens_of(engine, count):
    text = "".join((ROOT / page).read_text() for page in ("ARCHITECTURE.md", "docs/server.md"))
    tokens = engine.tokenize(text, add_special=True, parse_special=False)
    return (tokens * (count // len(tokens) + 1))[:count]


def filled(engine, recipe, tokens):
    sequence = engine.create_sequence(recipe)
    begin = time.perf_counter()
    sequence.append(tokens)
    return sequence, len(tokens) / (time.perf_counter() - begin)


def decode_speed(sequence, tokens):
    begin = time.perf_counter()
    for token in tokens:
        sequence.append([token])
    return len(tokens) / (time.perf_counter() - begin)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("model", nargs="?", default="smollm2")
    parser.add_argument("--depth", type=int, default=7000)
    parser.add_argument("--rounds", type=int, default=6)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--recipe", action="append")
    a = parser.parse_args()
    recipes = a.recipe or RECIPES
    with weir.Engine(a.model, max_model_len=8192, threads=a.threads) as engine:
        tokens = tokens_of(engine, a.depth)
        held = {recipe: filled(engine, recipe, tokens) for recipe in recipes}
        speeds = {recipe: [] for recipe in recipes}
        for _ in range(a.rounds):
            for recipe, (sequence, _) in held.items():
                speeds[recipe].append(decode_speed(sequence, tokens[:STEPS]))
        first = speeds[recipes[0]]
        print("| recipe | cache, MB | prefill, tokens/s | decode, best (median) | ratio |")
        print("|---|---|---|---|---|")
        for recipe, (sequence, prefill) in held.items():
            mine = speeds[recipe]
            best, median = max(mine), statistics.median(mine)
            ratio = f"{best / max(first):.2f} ({median / statistics.median(first):.2f})"
            print(f"| `{recipe}` | {sequence.kv_bytes / 1e6:.1f} | {prefill:.0f} "
                  f"| {best:.1f} ({median:.1f}) | {ratio} |")


if __name__ == "__main__":
    main()
