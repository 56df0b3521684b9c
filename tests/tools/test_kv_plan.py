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
SUMMARY = 0.03              # Of a raw row's bytes, what a read method notes of it.
STORE = "store=kivi(bits=4)"  # The one that goes with read methods.
SHARE = {"store=int8": 9 / 16, "store=kivi(bits=4)": 5 / 16, "store=kivi(bits=2)": 3 / 16}


@pytest.fixture(scope="module")
def catalogue(weir_program):
    listed = subprocess.run([weir_program, "kv", "methods", "--json"], capture_output=True,
                            check=True).stdout
    return json.loads(listed)["methods"]


def bytes_of(rows, words, fixed):
    store, _, read = words.partition(";")
    share = SHARE.get(store, 5 / 16) if store else 1
    noted = SUMMARY * rows if read else 0
    return fixed + ROW * (share * (rows - RESIDUAL) + RESIDUAL + noted)


def taken(catalogue, fixed=0, context=2048):
    def at(words):
        return {w: [bytes_of(rows, w, fixed) for rows in kv_plan.Bytes.MEASURED] for w in words}

    measured = kv_plan.Bytes(context, fixed + ROW * context,
                             at(["", *kv_plan.settings(catalogue, "store")]))
    measured.add(at(kv_plan.with_reads(catalogue, STORE)))
    return measured


@pytest.mark.parametrize("fixed", [0, 7_500_000])
def test_recipes_take_the_bytes_that_they_are_to(catalogue, fixed):
    measured = taken(catalogue, fixed)
    for share in kv_plan.SHARES:
        for words in measured.lines:
            rows = measured.rows(share, 8064, words)
            if rows is None:
                continue
            assert rows % kv_plan.PAGE == 0
            assert bytes_of(rows, words, 0) == pytest.approx(
                share * 8064 * ROW, abs=ROW * kv_plan.PAGE / 2)
    assert measured.rows(0.5, 8064, "") == 4032
    assert measured.rows(0.5, 8064, "store=kivi(bits=2)") is None  # All rows take less.


def test_every_method_is_judged_alone_and_the_best_with_others(catalogue):
    measured = taken(catalogue)
    recipes = kv_plan.judged(catalogue, 2048, measured, "tova", STORE)
    assert len(set(recipes)) == len(recipes)
    for method in catalogue:
        word = f"{method['role']}={method['name']}"
        assert any(r == word or r.startswith(word + "(") for r in recipes), word
    for words in filter(None, measured.lines):
        assert [r for r in recipes if r.startswith("keep=tova(") and r.endswith(f";{words}")]


def test_what_a_read_method_notes_counts(catalogue):
    measured = taken(catalogue)
    (read,) = (w for w in measured.lines if "read=quest" in w)
    assert read == f"{STORE};read=quest(pages=0.5)"
    alone, with_read = (measured.rows(0.1, 8064, words) for words in (STORE, read))
    assert with_read < alone - kv_plan.PAGE
    recipes = kv_plan.judged(catalogue, 8064, measured, "tova", STORE)
    assert f"keep=tova(budget={with_read});{read}" in recipes
    assert [r.split(";")[1] for r in recipes if ";" in r] == [STORE] * 3  # One store, two reads.


def test_choices_of_a_method_are_judged_one_at_a_time(catalogue):
    stores, reads = (list(kv_plan.settings(catalogue, role)) for role in ("store", "read"))
    assert [s for s in stores if "kivi" in s] == [
        "store=kivi(bits=2)", "store=kivi(bits=4)", "store=kivi(group=64)"]
    assert [r for r in reads if "quest" in r] == [
        f"read=quest(pages={share})" for share in kv_plan.SHARES]
    assert [r for r in reads if "certified" in r] == ["read=certified"]


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
            recipes = kv_plan.judged(catalogue, context, measured, best, STORE)
            samples = kv_plan.samples(catalogue, model, context, recipes)
            assert samples >= (5 if context <= kv_plan.TASKS_UP_TO else 2)
            planned += samples * kv_plan.seconds_of_a_sample(catalogue, model, context, recipes)
        planned += kv_plan.seconds_of_seen(catalogue, model, kv_plan.seen(catalogue, measured))
    assert 2000 < planned < 6700  # What is found out before the plan takes some minutes more.
