"""bench/kv_compare.py: recipes compared with each other by the differences of their samples."""

import random
import statistics
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "bench"))
import kv_compare  # noqa: E402


def arm(recipe, taken, *samples):
    return {"recipe": recipe, "bytes": taken,
            "measures": {"kl": {"samples": list(samples), "mean": statistics.fmean(samples)}}}


FULL = arm("keep=all", 1000, 0, 0)
WIDE = arm("keep=a(budget=512)", 500, 0.1, 0.2)
BEST = arm("keep=a(budget=64)", 125, 0.4, 0.6)
GOOD = arm("keep=b(budget=64)", 100, 0.5, 0.8)
CHANCE = arm("keep=random(budget=64)", 110, 2, 3)
THREE = arm("keep=a(budget=192);store=s;read=r", 110, 0.3, 0.2)
ARMS = [FULL, WIDE, BEST, GOOD, CHANCE, THREE]


def test_a_recipe_meets_the_best_single_one_of_no_more_bytes():
    assert kv_compare.slack(ARMS) == pytest.approx(27)
    assert kv_compare.best_single(THREE, ARMS) is BEST  # 15 bytes more are alike.
    assert kv_compare.best_single(WIDE, ARMS) is BEST   # Its bytes are less than it may have.
    assert kv_compare.best_single(BEST, ARMS) is GOOD   # Itself is none of the others.
    assert kv_compare.best_single(GOOD, [FULL, WIDE, GOOD]) is None


def test_chance_is_of_like_bytes_or_of_none():
    assert kv_compare.chance(THREE, ARMS) is CHANCE
    assert kv_compare.chance(WIDE, ARMS) is None
    assert kv_compare.chance(CHANCE, ARMS) is None


def test_families_are_the_roles_that_are_named():
    assert [kv_compare.families(a) for a in ARMS] == [0, 1, 1, 1, 1, 3]


def test_differences_are_of_pairs():
    # The two overlap as sets of values, and yet one is lower in each sample.
    low, high = arm("keep=a", 1, 1, 2, 3, 4, 5), arm("keep=b", 1, 1.5, 2.6, 3.4, 4.5, 5.5)
    got = kv_compare.difference(low, high, 1)
    assert got[0] == pytest.approx(-0.5)
    assert -0.6 <= got[1] <= got[0] <= got[2] <= -0.4
    assert kv_compare.verdict(got) == "lower"
    assert kv_compare.verdict(kv_compare.difference(high, low, 1)) == "higher"
    assert kv_compare.verdict(kv_compare.bootstrap([-1, 1, -2, 2], 1)) == "open"
    with pytest.raises(ValueError):
        kv_compare.difference(low, THREE, 1)


def test_an_interval_is_a_matter_of_the_seed():
    values = [1, 2.3, 4.9, 8.1, 16.7, 33.3, 64.9]
    assert kv_compare.bootstrap(values, 3) == kv_compare.bootstrap(values, 3)
    assert kv_compare.bootstrap(values, 3) != kv_compare.bootstrap(values, 4)
    assert kv_compare.bootstrap([2, 2, 2], 1) == (2, 2, 2)


def test_intervals_cover_the_truth_as_often_as_they_say():
    draw, held = random.Random(11), 0
    for seed in range(200):
        _, low, high = kv_compare.bootstrap([draw.gauss(7, 3) for _ in range(40)], seed)
        held += low <= 7 <= high
    assert 0.9 <= held / 200 <= 0.985
