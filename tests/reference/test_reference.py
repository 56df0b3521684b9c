"""The reference itself, as far as it can be checked without weir."""

import gguf
import numpy as np
import pytest

from k_quants import quantise
from model import Model
from tiny_models import SHAPES, Type, make

# Relative errors of rounding normal values to so many bits.
ERRORS = {
    Type.F32: 0,
    Type.F16: 3e-4,
    Type.BF16: 2e-3,
    Type.Q4_0: 0.1,
    Type.Q4_1: 0.09,
    Type.Q5_0: 0.05,
    Type.Q5_1: 0.045,
    Type.Q8_0: 6e-3,
    Type.Q4_K: 0.09,
    Type.Q5_K: 0.045,
    Type.Q6_K: 0.021,
}


@pytest.mark.parametrize("kind", ERRORS)
def test_quantise_and_back(kind):
    x = np.random.default_rng(2).standard_normal((6, 512)).astype(np.float32)
    back = gguf.quants.dequantize(quantise(x, kind), kind)
    assert np.linalg.norm(back - x) <= ERRORS[kind] * np.linalg.norm(x)
    zeros = np.zeros((1, 256), np.float32)
    assert not gguf.quants.dequantize(quantise(zeros, kind), kind).any()


def test_files_are_the_same_each_time(tmp_path):
    (tmp_path / "again").mkdir()
    for name in ("gemma3", "llama-q4_k"):
        first, second = make(name, tmp_path), make(name, tmp_path / "again")
        assert first.read_bytes() == second.read_bytes()


@pytest.mark.parametrize("name", SHAPES)
def test_rounding_is_small(tiny, name):
    tokens = np.random.default_rng(3).integers(0, 300, size=200)
    exact = Model(tiny[name], np.float64).logits(tokens)
    logits = Model(tiny[name]).logits(tokens)
    assert logits.dtype == np.float32
    assert np.linalg.norm(logits - exact) < 1e-5 * np.linalg.norm(exact)


@pytest.mark.parametrize("name", ["llama", "llama3", "qwen2", "qwen3", "gemma3"])
def test_the_past_alone_counts(tiny, name):
    model = Model(tiny[name])
    tokens = np.random.default_rng(4).integers(0, 300, size=120)
    whole = model.logits(tokens)
    assert np.allclose(model.logits(tokens[:90]), whole[:90], atol=1e-4)
    changed = np.append([(tokens[0] + 1) % 300], tokens[1:])
    assert not np.allclose(model.logits(changed)[1:], whole[1:], atol=1e-3)
