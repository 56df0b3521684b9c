"""Read methods read what their rules choose, and what they certify holds.

Quest's rule is written out a second time, in NumPy, from the queries and keys that the model
computed; attention over the pages that it chooses, in float64, is what the heads must have given.
Where two pages' scores lie so near that float32 may order them otherwise, either may be read: such
cases are left out.
"""

from pathlib import Path

import numpy as np
import pytest

from attention import attention

ROOT = Path(__file__).resolve().parents[2]
PAGE = 64
PROMPT, STEPS = 900, 40
NEAR = 1e-4  # Of scores, relative to the greatest.


@pytest.fixture(scope="module")
def tokens(engine):
    text = (ROOT / "docs/server.md").read_text(encoding="utf-8")
    return engine.tokenize(text, add_special=True, parse_special=False)[: PROMPT + STEPS]


def quest_pages(q, k, count, tail):
    """The pages that a group of heads reads: q [heads, dim], k [rows, dim] of whole pages."""
    pages = k.reshape(-1, PAGE, k.shape[-1])
    least, greatest = pages.min(axis=1), pages.max(axis=1)
    bounds = np.maximum(q[:, None] * least, q[:, None] * greatest).sum(axis=-1)
    scores = bounds.max(axis=0)[1:]
    order = np.argsort(-scores, kind="stable")
    best = count - 1 - tail
    near = scores[order[best - 1]] - scores[order[best]] < NEAR * np.abs(scores).max()
    return [0, *sorted(1 + order[:best])], near


def test_quest(engine, tokens):
    from certified import decoded

    count, dense = 6, 2
    sequence, seen = decoded(engine, f"read=quest(pages={count},dense={dense})", tokens, PROMPT)
    checked = left_out = 0
    for layer in range(0, engine.info.layers, 3):
        q, k, v, out = (seen.of(name, layer) for name in ("QUERY", "KEY", "VALUE", "ATTENTION"))
        for position in range(PROMPT, PROMPT + STEPS, 3):
            whole = position // PAGE * PAGE
            for kv_head in range(engine.info.kv_heads):
                heads = np.arange(kv_head * seen.group, (kv_head + 1) * seen.group)
                rows = np.arange(position + 1)
                near = False
                if layer >= dense:
                    pages, near = quest_pages(q[position, heads], k[:whole, kv_head], count, 1)
                    rows = np.concatenate([*(np.arange(p * PAGE, (p + 1) * PAGE) for p in pages),
                                           np.arange(whole, position + 1)])
                left_out += near
                if near:
                    continue
                for head in heads:
                    want = attention(q[position, head], k[rows, kv_head], v[rows, kv_head])
                    error = np.linalg.norm(out[position, head] - want) / np.linalg.norm(want)
                    assert error < 1e-4, f"layer {layer} head {head} position {position}: {error}"
                    checked += 1
    assert checked > 1000 and left_out < 0.02 * checked
    read, there = sequence.pages_read
    layers = engine.info.layers - dense
    assert read == STEPS * layers * engine.info.kv_heads * count
    assert there == layers * engine.info.kv_heads * sum(
        position // PAGE + 1 for position in range(PROMPT, PROMPT + STEPS))


@pytest.mark.parametrize("error", [0.01, 1.9])
def test_bounds_hold(engine, tokens, error):
    from certified import cases, decoded

    sequence, seen = decoded(engine, f"read=certified(error={error})", tokens, PROMPT)
    assert seen.layers() == list(range(engine.info.layers))
    for layer in seen.layers():
        errors, bounds, longest, _ = cases(seen, layer, PROMPT, engine.info.head_dim ** -0.5)
        assert (errors <= bounds).all(), f"layer {layer}"
        # Beyond what was asked for stands what the kernels themselves may have rounded.
        assert (bounds <= (error + 0.02) * longest).all(), f"layer {layer}"
    read, there = sequence.pages_read
    assert 0 < read <= there
