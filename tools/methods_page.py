#!/usr/bin/env python3
"""Prints docs/methods.md: the catalogue of KV methods, as `weir kv methods --json` gives it on
standard input, with what bench/kv_results.sh measured last (bench/kv_results.json)."""

import json
import sys
from pathlib import Path

MEASURED = Path(__file__).resolve().parents[1] / "bench/kv_results.json"

HEAD = """# KV methods

Which methods a recipe may name ([kv-methods.md](kv-methods.md) says how), and what was last
measured of each alone, with `weir eval` ([eval.md](eval.md) says what each figure is). This page is
made, not written: `build/release/weir kv methods --json | tools/methods_page.py > docs/methods.md`.

"Bytes a token" is all that a row takes which stays, in one layer and KV head of 64 dimensions with
one query head, with the method's defaults: as it is, at 16 bits, it takes 256.
"""

ROLES = {"keep": "which rows stay", "store": "how settled rows are stored",
         "read": "which rows a query reads"}


def bounds(p):
    if "words" in p:
        return " or ".join(p["words"])
    least = p.get("least_positive")
    if least:
        return f"0 or {least:.15g} to {p['maximum']:.15g}"
    return f"{p['minimum']:.15g} to {p['maximum']:.15g}"


def parameters(method):
    if not method["parameters"]:
        return
    yield "| parameter | default | may be | is |"
    yield "|---|---|---|---|"
    for p in method["parameters"]:
        yield f"| `{p['name']}` | {p['default']} | {bounds(p)} | {p['description']} |"
    yield ""


def interval(m):
    return f"{m['mean']:.3f} [{m['change_low']:.3f}, {m['change_high']:.3f}]"


def is_of(recipe, method):
    """Whether a recipe is this method alone."""
    word = f"{method['role']}={method['name']}"
    return recipe == word or (recipe.startswith(word + "(") and ";" not in recipe)


def measured(method, evaluations):
    rows = [(e, r) for e in evaluations for r in e["recipes"] if is_of(r["recipe"], method)]
    if not rows:
        yield "Not measured yet."
        return
    yield ("| model, context, samples | recipe | bytes, % | KL | same top, % | attention error "
           "| second copy |")
    yield "|---|---|---|---|---|---|---|"
    for e, r in rows:
        m = r["measures"]
        yield (f"| {e['model']}, {e['context']}, {e['samples']} | `{r['recipe']}` "
               f"| {100 * r['bytes_share']:.1f} | {interval(m['kl'])} "
               f"| {100 * m['same_top']['mean']:.0f} | {m['attention_error']['mean']:.2f} "
               f"| {m['second_copy']['change']:+.2f} |")


def held(method):
    """What a method holds beside keys and values, in words."""
    row, head, dim, page = (method[f"bytes_per_{of}"]
                            for of in ("row", "query_head", "page_dim", "page"))
    if row or head:
        yield (f"a row of a KV head takes up to {row} bytes"
               + (f" and {head} for each of its query heads" if head else ""))
    if dim:
        yield f"a page of 64 rows takes {dim:g} bytes for each dimension of a KV head and {page}"


def cost(method):
    return (f"Observes {method['observes']}; beside keys and values "
            f"{' and '.join(held(method)) or 'nothing is held'}. "
            f"Bytes a token: {method['bytes_per_token']:.4g}.")


def section(method, evaluations):
    description = method["description"]
    yield f"### `{method['role']}={method['name']}`: {description}\n"
    yield f"{method['paper'][0].upper()}{method['paper'][1:]}.\n"
    yield cost(method) + "\n"
    yield from parameters(method)
    yield from measured(method, evaluations)
    yield ""


def page(catalogue, evaluations):
    yield HEAD
    for role in dict.fromkeys(m["role"] for m in catalogue):
        yield f"## `{role}=`: {ROLES[role]}\n"
        for method in (m for m in catalogue if m["role"] == role):
            yield from section(method, evaluations)


def main():
    evaluations = json.loads(MEASURED.read_text(encoding="utf-8"))
    print("\n".join(page(json.load(sys.stdin)["methods"], evaluations)).rstrip())


if __name__ == "__main__":
    main()
