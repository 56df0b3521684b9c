"""weir's float path agrees with the reference in every value of every layer, row by row."""

import numpy as np
import pytest

import engine_probe
import isas
import real_models
from engine_probe import Probe
from model import Model
from soak import soak
from tiny_models import SHAPES

# Relative, of each row. Both compute in float32 and differ in the order of sums only, which gives
# 1e-5 at the worst; the smallest mistakes in a constant (a rope base off by 1 %) give 1e-2.
TOLERANCE = 1e-4
EVERYTHING = 127
NAMES = {
    engine_probe.QUERY: "query",
    engine_probe.KEY: "key",
    engine_probe.VALUE: "value",
    engine_probe.ATTENTION: "attention",
    engine_probe.LAYER_OUTPUT: "layer_output",
}


def worst_row(expected, found):
    """The largest norm of a row's difference over the norm of the row."""
    assert found.shape == expected.shape
    difference = np.linalg.norm((found - expected).astype(np.float64), axis=1)
    return (difference / np.linalg.norm(expected.astype(np.float64), axis=1)).max()


def compare(probe, model, tokens, logit_rows):
    """The worst relative differences, by name. The logits of the last `logit_rows` are compared."""
    trace = model.forward(tokens)
    first = len(tokens) - logit_rows
    probe.create()
    # Two appends where not all logits are wanted; the values of both are put together.
    parts = [p for p in (tokens[:first], tokens[first:]) if p]
    values = {}
    for i, part in enumerate(parts):
        last = i + 1 == len(parts)
        logits, found = probe.observed_append(part, EVERYTHING, all=last)
        for key, rows in found.items():
            if key[0] != engine_probe.FINAL_NORM or last:
                values.setdefault(key, []).append(rows)
    values = {key: np.concatenate(rows) for key, rows in values.items()}

    final_norm = trace.final_norm[first:]
    worst = {
        "embedding": worst_row(trace.embedding, values[engine_probe.EMBEDDING, -1]),
        "final_norm": worst_row(final_norm, values[engine_probe.FINAL_NORM, -1]),
        "logits": worst_row(model.head(final_norm), logits),
    }
    for what, name in NAMES.items():
        for layer, expected in enumerate(getattr(trace, name)):
            worst[f"{name} {layer}"] = worst_row(expected, values[what, layer])
    return worst


def check(worst):
    bad = {name: error for name, error in worst.items() if not error < TOLERANCE}
    assert not bad
    print(f"worst of {len(worst)} comparisons: {max(worst.values()):.1e}")


def open_float(isa, path, **options):
    probe = Probe(isa)
    info = probe.open(path, arithmetic="float", kv_type="f32", **options)
    assert info["isa"] == isa
    return probe


@pytest.mark.parametrize("seed", range(1, soak(2, 6)))
@pytest.mark.parametrize("isa", isas.available())
@pytest.mark.parametrize("name", SHAPES)
def test_tiny(tiny, name, isa, seed):
    model = Model(tiny[name])
    vocabulary = len(model.head_weight)
    tokens = np.random.default_rng(seed).integers(0, vocabulary, size=300).tolist()
    with open_float(isa, tiny[name]) as probe:
        assert probe.info["vocabulary"] == vocabulary
        check(compare(probe, model, tokens, len(tokens)))


# The last prompt is longer than Gemma's window of 512.
@pytest.mark.parametrize("name", real_models.NAMES)
def test_real(name):
    path = real_models.path_of(name)
    model = real_models.reference(path)
    texts = [t.read_text(encoding="utf-8") for t in real_models.TEXTS]
    short = [(real_models.PROMPTS[0], None), (texts[2], 48)]
    long = [(texts[0], 200), (texts[0] + texts[1], 700)]
    for isa in isas.available():
        with open_float(isa, path) as probe:
            for text, length in short if isa == "scalar" else long:
                tokens = probe.tokenize(text)[:length]
                assert length is None or len(tokens) == length
                check(compare(probe, model, tokens, min(len(tokens), 16)))
