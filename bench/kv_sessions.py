#!/usr/bin/env python3
"""How many sessions fit into a KV budget, and what they decode together.

    bench/kv_sessions.py [MODEL] [--tokens 4000] [--whole 5] [--recipe ...]

The budget holds --whole sessions of --tokens that keep every row. For each recipe, sessions are
opened in it one after the other until the engine refuses the next; then `weir bench speed` decodes
as many at that depth. The last column is what a recipe costs while a prompt is computed: seconds of
one prefill, to those of the first recipe, A B A B.
"""

import argparse
import json
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "build/release/python"))

import weir  # noqa: E402
from kv_decode import tokens_of  # noqa: E402

RECIPES = ["keep=all", "keep=snapkv(budget=0.2)"]
STEPS = 48
ROUNDS = 4


def bytes_of_one(model, count):
    with weir.Engine(model, max_model_len=8192) as engine:
        sequence = engine.create_sequence()
        sequence.append(tokens_of(engine, count + STEPS))
        return sequence.kv_bytes


def sessions_that_fit(model, recipe, count, budget):
    with weir.Engine(model, kv_cache_memory_bytes=budget, max_num_seqs=256) as engine:
        tokens, held = tokens_of(engine, count), []
        while True:
            try:
                sequence = engine.create_sequence(recipe)
                sequence.append(tokens)
            except weir.errors.UnavailableError:
                return len(held)
            held.append(sequence)


def prefill_seconds(model, recipes, count):
    seconds = {recipe: [] for recipe in recipes}
    with weir.Engine(model, max_model_len=8192) as engine:
        tokens = tokens_of(engine, count)
        for _ in range(ROUNDS):
            for recipe in recipes:
                sequence = engine.create_sequence(recipe)
                begin = time.perf_counter()
                sequence.append(tokens)
                seconds[recipe].append(time.perf_counter() - begin)
    return {recipe: min(of) for recipe, of in seconds.items()}


def decode_speed(model, recipe, count, sessions):
    line = subprocess.run(
        [ROOT / "build/release/weir", "bench", "speed", "-m", model, "--kv", recipe, "--json",
         "--prompt-tokens", "0", "--depth", str(count), "--batch", str(sessions),
         "--gen-tokens", str(STEPS), "--repeat", "1"],
        check=True, capture_output=True, text=True).stdout
    return json.loads(line)["decode_tokens_per_s"]["best"]


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("model", nargs="?", default="smollm2")
    parser.add_argument("--tokens", type=int, default=4000)
    parser.add_argument("--whole", type=int, default=5)
    parser.add_argument("--recipe", action="append")
    a = parser.parse_args()
    recipes = a.recipe or RECIPES
    budget = a.whole * bytes_of_one(a.model, a.tokens)
    prefill = prefill_seconds(a.model, recipes, a.tokens)
    print(f"budget {budget / 1e6:.0f} MB")
    print("| recipe | sessions | decode, tokens/s of all | prefill of one |")
    print("|---|---|---|---|")
    for recipe in recipes:
        sessions = sessions_that_fit(a.model, recipe, a.tokens, budget)
        speed = decode_speed(a.model, recipe, a.tokens, sessions)
        print(f"| `{recipe}` | {sessions} | {speed:.0f} "
              f"| {prefill[recipe] / prefill[recipes[0]]:.2f} |", flush=True)


if __name__ == "__main__":
    main()
