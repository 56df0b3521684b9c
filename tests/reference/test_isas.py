"""Promise 1 across instruction sets: whole models give the same bits on each."""

import hashlib

import numpy as np
import pytest

import isas
import real_models
from engine_probe import LAYER_OUTPUT, Probe
from soak import soak
from tiny_models import SHAPES

ARITHMETIC = {"integer": "f16", "float": "f32"}


def digests(isa, path, tokens, arithmetic, rows):
    """SHA-256 of the outputs of each layer for all tokens, and of the last `rows` logits."""
    with Probe(isa) as probe:
        info = probe.open(path, arithmetic=arithmetic, kv_type=ARITHMETIC[arithmetic])
        assert info["isa"] == isa
        probe.create()
        probe.append(tokens[:-rows], all=False)
        logits, values = probe.observed_append(tokens[-rows:], LAYER_OUTPUT)
        assert logits.shape == (rows, info["vocabulary"])
        assert len(values) == info["layers"]
        found = {f"layer {layer}": rows for (_, layer), rows in values.items()}
        return {
            name: hashlib.sha256(array.tobytes()).hexdigest()
            for name, array in (found | {"logits": logits}).items()
        }


def check(path, tokens, arithmetic, rows):
    names = isas.available()
    if len(names) < 2:
        pytest.skip("this machine has one instruction set only")
    plain = digests(names[0], path, tokens, arithmetic, rows)
    for isa in names[1:]:
        assert digests(isa, path, tokens, arithmetic, rows) == plain, f"{isa} and {names[0]}"


# Past pages of 64 tokens, pieces of 256 and the window of 70. Models that differ in the type of
# weights only are cut short.
@pytest.mark.parametrize("seed", range(soak(1, 6)))
@pytest.mark.parametrize("arithmetic", ARITHMETIC)
@pytest.mark.parametrize("name", SHAPES)
def test_tiny(tiny, name, arithmetic, seed):
    count = 100 if name.startswith("llama-") else 330
    tokens = np.random.default_rng(seed).integers(0, 300, size=count).tolist()
    check(tiny[name], tokens, arithmetic, rows=count - 60)


# Plain loops take a second for two tokens of a whole model.
@pytest.mark.parametrize("arithmetic", list(ARITHMETIC)[: soak(1, 2)])
@pytest.mark.parametrize("name", real_models.NAMES[: soak(1, 2)])
def test_real(name, arithmetic):
    path = real_models.path_of(name)
    with Probe() as probe:
        probe.open(path)
        tokens = probe.tokenize(real_models.TEXTS[0].read_text(encoding="utf-8"))
    count = soak(20, 300)
    assert len(tokens) >= count
    check(path, tokens[:count], arithmetic, rows=8)
