"""Promise 1 across instruction sets: whole models give the same bits on each."""

import hashlib
import json
import subprocess

import numpy as np
import pytest

import isas
import real_models
from engine_probe import LAYER_OUTPUT, Probe
from soak import soak
from tiny_models import SHAPES

ARITHMETIC = {"integer": "f16", "float": "f32"}


def digests(isa, path, tokens, arithmetic, rows, kv=""):
    """SHA-256 of the outputs of each layer for all tokens, and of the last `rows` logits."""
    with Probe(isa) as probe:
        info = probe.open(path, arithmetic=arithmetic, kv_type=ARITHMETIC[arithmetic], kv=kv)
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


def check(path, tokens, arithmetic, rows, kv=""):
    names = isas.available()
    if len(names) < 2:
        pytest.skip("this machine has one instruction set only")
    plain = digests(names[0], path, tokens, arithmetic, rows, kv)
    for isa in names[1:]:
        assert digests(isa, path, tokens, arithmetic, rows, kv) == plain, f"{isa} and {names[0]}"


# Past pages of 64 tokens, pieces of 256 and the window of 70. Models that differ in the type of
# weights only are cut short.
@pytest.mark.parametrize("seed", range(soak(1, 6)))
@pytest.mark.parametrize("arithmetic", ARITHMETIC)
@pytest.mark.parametrize("name", SHAPES)
def test_tiny(tiny, name, arithmetic, seed):
    count = 100 if name.startswith("llama-") else 330
    tokens = np.random.default_rng(seed).integers(0, 300, size=count).tolist()
    check(tiny[name], tokens, arithmetic, rows=count - 60)


def small(method):
    """The method alone, its parameters small enough to matter to 330 tokens."""
    sizes = {"budget": 100, "every": 24, "window": 8, "residual": 20, "pages": 2, "dense": 0,
             "error": 1.5}
    named = [f"{p['name']}={sizes[p['name']]}" for p in method["parameters"] if p["name"] in sizes]
    return f"{method['role']}={method['name']}({','.join(named)})"


def test_every_method(tiny, weir_program):
    listed = subprocess.run([weir_program, "kv", "methods", "--json"], capture_output=True,
                            check=True).stdout
    tokens = np.random.default_rng(7).integers(0, 300, size=330).tolist()
    for method in json.loads(listed)["methods"]:
        check(tiny["llama"], tokens, "integer", 60, small(method))


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
