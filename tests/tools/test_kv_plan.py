"""What bench/kv_results.sh judges: every method, at equal bytes, within two hours."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "bench"))
import kv_plan  # noqa: E402

ROW, RESIDUAL = 23040, 128  # Bytes of a raw row; rows that a store leaves raw.
SHARE = {"store=int8": 9 / 16, "store=kivi(bits=4)": 5 / 16, "store=kivi(bits=2)": 3 / 16}


@pytest.fixture(scope="module")
def catalogue(weir_program):
    listed = subprocess.run([weir_program, "kv", "methods", "--json"], capture_output=True,
                            check=True).stdout
    return json.loads(listed)["methods"]


def bytes_of(rows, store, fixed):
    share = SHARE.get(store, 5 / 16) if store else 1
    return fixed + ROW * (share * (rows - RESIDUAL) + RESIDUAL)


def taken(catalogue, fixed=0, context=2048):
    at = {store: [bytes_of(rows, store, fixed) for rows in kv_plan.Bytes.MEASURED]
          for store in kv_plan.Bytes.recipes(catalogue)}
    return kv_plan.Bytes(context, fixed + ROW * context, at)


@pytest.mark.parametrize("fixed", [0, 7_500_000])
def test_recipes_take_the_bytes_that_they_are_to(catalogue, fixed):
    measured = taken(catalogue, fixed)
    for share in kv_plan.SHARES:
        for store in measured.lines:
            rows = measured.rows(share, 8064, store)
            if rows is None:
                continue
            assert rows % kv_plan.PAGE == 0
            assert bytes_of(rows, store, 0) == pytest.approx(
                share * 8064 * ROW, abs=ROW * kv_plan.PAGE)
    assert measured.rows(0.5, 8064, "") == 4032
    assert measured.rows(0.5, 8064, "store=kivi(bits=2)") is None  # All rows take less.


def test_every_method_is_judged_alone_and_the_best_with_others(catalogue):
    measured = taken(catalogue)
    recipes = [*kv_plan.single(catalogue, 2048, measured),
               *kv_plan.composed(catalogue, 2048, measured, "tova")]
    assert len(set(recipes)) == len(recipes)
    for method in catalogue:
        word = f"{method['role']}={method['name']}"
        assert any(r == word or r.startswith(word + "(") for r in recipes), word
    assert [r for r in recipes if r.startswith("keep=tova(") and "store=kivi(bits=4)" in r]


def test_the_base_line_looks_at_nothing(catalogue):
    named = kv_plan.base_line(catalogue)
    assert next(m for m in catalogue if m["name"] == named)["observes"] == "nothing"


@pytest.mark.parametrize("best_watches", [False, True])
def test_no_more_is_planned_than_two_hours_hold(catalogue, best_watches):
    best = next(m["name"] for m in catalogue if m["name"] in kv_plan.keeps(catalogue)
                and bool(m["bytes_per_query_head"]) == best_watches)
    measured, planned = taken(catalogue), 0
    for model in kv_plan.RATES:
        for context in kv_plan.CONTEXTS:
            recipes = [*kv_plan.single(catalogue, context, measured),
                       *kv_plan.composed(catalogue, context, measured, best)]
            samples = kv_plan.samples(catalogue, model, context, recipes)
            assert samples >= 2
            planned += samples * kv_plan.seconds_of_a_sample(catalogue, model, context, recipes)
    assert 2000 < planned < 7000
