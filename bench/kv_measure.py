#!/usr/bin/env python3
"""Runs weir eval over what bench/kv_plan.py says, into a folder: MODEL-CONTEXT.json and .html."""

import argparse
import json
import subprocess
import time
from pathlib import Path

import kv_plan


BYTES_CONTEXT = 2 * max(kv_plan.Bytes.MEASURED)
SEEN = "seen"  # A folder of its own, for reports that are no section of the page.
KV_BYTES = 8 << 30  # Some forty recipes hold a prompt side by side; what is not used is not taken.


class Judge:
    def __init__(self, weir, model, text, folder):
        self.weir, self.model, self.text, self.folder = weir, model, text, folder

    def run(self, name, recipes, *words):
        """The report on these recipes, as it is kept in the folder."""
        out = self.folder / f"{name}.json"
        named = [word for recipe in recipes for word in ("--recipe", recipe)]
        subprocess.run([self.weir, "eval", self.model, *named, "--text", self.text, "--json", out,
                        "--kv-cache-memory-bytes", str(KV_BYTES), *map(str, words)],
                       check=True, stdout=subprocess.DEVNULL)
        return json.loads(out.read_text(encoding="utf-8"))

    def bytes_at(self, catalogue, words):
        """What kv_plan.Bytes.add takes, and the bytes of all rows of BYTES_CONTEXT."""
        recipes = kv_plan.Bytes.recipes(catalogue, words)
        report = self.run("bytes", [r for pair in recipes.values() for r in pair], "--context",
                          BYTES_CONTEXT, "--samples", 1, "--tasks", "none")
        found = {a["recipe"]: a["bytes"] for a in report["contexts"][0]["recipes"]}
        return {w: [found[r] for r in pair] for w, pair in recipes.items()}, found["keep=all"]

    def best(self, recipes, context, samples):
        """The recipe of the least divergence."""
        report = self.run("best", recipes, "--context", context, "--samples", samples, "--tasks",
                          "none")
        arms = [a for a in report["contexts"][0]["recipes"] if a["recipe"] in recipes]
        return min(arms, key=lambda a: a["measures"]["kl"]["mean"])["recipe"]

    def best_keep(self, catalogue, taken):
        """The keep method of the least divergence at a quarter of the bytes."""
        context = kv_plan.CONTEXTS[0]
        rows = taken.rows(0.25, context)
        named = {kv_plan.keep(name, rows): name for name in kv_plan.keeps(catalogue)}
        return named[self.best(list(named), context, 4)]

    def best_store(self, catalogue, taken, keep):
        """The word of the store that goes best with a keep method, at a tenth of the bytes."""
        recipes = list(kv_plan.composed(BYTES_CONTEXT, taken, keep, 0.1))
        return self.best(recipes, BYTES_CONTEXT, 2).partition(";")[2]


    def seen(self, catalogue, taken):
        """One task with the question unseen and seen."""
        self.run(f"{SEEN}/{self.model}", kv_plan.seen(catalogue, taken), "--context",
                 kv_plan.SEEN_CONTEXT, "--samples", kv_plan.SEEN_SAMPLES, "--tasks",
                 kv_plan.SEEN_TASK, "--question-seen")


def judge_model(judge, catalogue, contexts, samples):
    at, full = judge.bytes_at(catalogue, ["", *kv_plan.settings(catalogue, "store")])
    taken = kv_plan.Bytes(BYTES_CONTEXT, full, at)
    best = judge.best_keep(catalogue, taken)
    store = judge.best_store(catalogue, taken, best)
    taken.add(judge.bytes_at(catalogue, kv_plan.with_reads(catalogue, store))[0])
    judge.seen(catalogue, taken)
    for context in contexts:
        recipes = kv_plan.judged(catalogue, context, taken, best, store)
        count = samples or kv_plan.samples(catalogue, judge.model, context, recipes)
        tasks = ["--tasks", "none"] if context > kv_plan.TASKS_UP_TO else []
        begin = time.monotonic()
        name = f"{judge.model}-{context}"
        judge.run(name, recipes, "--context", context, "--samples", count, *tasks, "--html",
                  judge.folder / f"{name}.html")
        print(f"{name}: {len(recipes)} recipes, {count} samples, "
              f"{time.monotonic() - begin:.0f} s", flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--weir", type=Path, default=Path("build/release/weir"))
    parser.add_argument("--text", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--models", nargs="+", default=list(kv_plan.RATES))
    parser.add_argument("--contexts", nargs="+", type=int, default=list(kv_plan.CONTEXTS))
    parser.add_argument("--samples", type=int, help="instead of as many as the time allows")
    arguments = parser.parse_args()
    catalogue = json.loads(subprocess.run([arguments.weir, "kv", "methods", "--json"], check=True,
                                          capture_output=True).stdout)["methods"]
    (arguments.out / SEEN).mkdir(parents=True, exist_ok=True)
    for model in arguments.models:
        judge_model(Judge(arguments.weir, model, arguments.text, arguments.out), catalogue,
                    arguments.contexts, arguments.samples)


if __name__ == "__main__":
    main()
