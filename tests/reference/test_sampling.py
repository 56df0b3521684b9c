"""Tokens are drawn from the distribution that the options describe: the same set, the same
probabilities (chi-square; the seeds are fixed, so that a test that passes passes always)."""

import numpy as np
import pytest

import sampling
from engine_probe import Probe, Refused
from soak import soak

DRAWS = 4000
PROMPT = [20, 30, 40, 30, 50, 30, 60, 70, 20]

OPTIONS = {
    "plain": {},
    "cold": {"temperature": 0.5},
    "hot": {"temperature": 1.7},
    "top_k": {"top_k": 12},
    "top_k_of_one": {"top_k": 1},
    "top_k_beyond": {"top_k": 100000},
    "top_p": {"top_p": 0.7},
    "top_p_tiny": {"top_p": 1e-6},
    "min_p": {"min_p": 0.12},
    "typical": {"typical_p": 0.6},
    "penalties": {
        "repetition_penalty": 1.8,
        "presence_penalty": 0.7,
        "frequency_penalty": 0.9,
        "temperature": 0.8,
    },
    "rewards": {"repetition_penalty": 0.5, "presence_penalty": -1.5, "frequency_penalty": -1},
    "bias": {"logit_bias": [[20, 6.5], [33, 7], [30, -100]]},
    "bias_before_penalties": {"logit_bias": [[30, 8]], "repetition_penalty": 2},
    "all": {
        "temperature": 1.3,
        "top_k": 60,
        "typical_p": 0.9,
        "top_p": 0.85,
        "min_p": 0.05,
        "frequency_penalty": 0.4,
        "logit_bias": [[25, 4]],
    },
}


@pytest.fixture(scope="module")
def probe(tiny):
    with Probe() as opened:
        opened.open(tiny["qwen3"], arithmetic="float", kv_type="f32")
        opened.create()
        opened.logits = opened.append(PROMPT, all=False)[0]
        yield opened


def check_draws(drawn, p):
    """The counts' chi-square against p; rare tokens are counted together."""
    counts = np.bincount(drawn, minlength=len(p))
    assert not counts[p == 0].any(), "a token that the filters drop was drawn"
    common = p * len(drawn) >= 10
    expected = np.append(p[common], p[~common].sum()) * len(drawn)
    found = np.append(counts[common], counts[~common].sum())
    expected, found = expected[expected > 1e-9], found[expected > 1e-9]
    freedom = len(expected) - 1
    chi_square = np.sum((found - expected) ** 2 / expected)
    assert chi_square <= freedom + 4 * np.sqrt(2 * freedom) + 8 * (freedom > 0)


@pytest.mark.parametrize("turn", range(soak(1, 8)))
@pytest.mark.parametrize("name", OPTIONS)
def test_distribution(probe, name, turn):
    p = sampling.probabilities(probe.logits, PROMPT, **OPTIONS[name])
    drawn = probe.sample(range(turn * DRAWS, (turn + 1) * DRAWS), **OPTIONS[name])
    check_draws(drawn, p)
    # Every token of the set that is not rare appears.
    assert set(np.flatnonzero(p > 0.005)) <= set(drawn)


def test_seeds_reproduce(probe):
    first = probe.sample(range(50))
    assert probe.sample(range(50)) == first
    assert probe.sample(reversed(range(50))) == first[::-1]
    assert len(set(first)) > 5


def test_greedy(probe):
    assert probe.sample([1, 2, 3], temperature=0) == [probe.logits.argmax()] * 3
    penalties = {"repetition_penalty": 1.5, "logit_bias": [[30, 5], [40, 5.5]]}
    expected = sampling.penalised(probe.logits, PROMPT, **penalties).argmax()
    assert probe.sample([1], temperature=0, **penalties) == [expected]
    # Ties go to the lower id.
    best = float(probe.logits.max())
    bias = [[t, best + 1 - float(probe.logits[t])] for t in (90, 80)]
    tied = sampling.penalised(probe.logits.astype(np.float32), [], logit_bias=bias)
    if np.float32(tied[80]) == np.float32(tied[90]):
        assert probe.sample([1], temperature=0, logit_bias=bias) == [80]


@pytest.mark.parametrize(
    "options",
    [
        {"temperature": -0.1},
        {"temperature": 2.1},
        {"top_k": -2},
        {"top_p": 0},
        {"top_p": 1.1},
        {"min_p": -0.1},
        {"typical_p": 0},
        {"repetition_penalty": 0},
        {"presence_penalty": 2.5},
        {"frequency_penalty": -2.5},
        {"logit_bias": [[-1, 1]]},
        {"logit_bias": [[1000000, 1]]},
        {"logit_bias": [[1, 101]]},
    ],
)
def test_bounds(probe, options):
    with pytest.raises(Refused, match=next(iter(options))):
        probe.sample([1], **options)
