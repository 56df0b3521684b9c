"""bench/kv_measure.py: what is asked of weir eval, one run after another."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "bench"))
import kv_measure  # noqa: E402
import kv_plan  # noqa: E402

ROW = 1000


class Fake(kv_measure.Judge):
    """Instead of runs: bytes by the number of rows, a divergence by the methods that are named."""

    def __init__(self):
        super().__init__(Path("weir"), "smollm2", Path("text"), Path("folder"))
        self.runs = []

    def run(self, name, recipes, *words):
        self.runs.append((name, list(recipes), words))
        arms = [{"recipe": recipe, "bytes": self.bytes_of(recipe),
                 "measures": {"kl": {"mean": self.kl(recipe)}}}
                for recipe in ["keep=all", *recipes]]
        return {"contexts": [{"recipes": arms}]}

    @staticmethod
    def bytes_of(recipe):
        rows = (int(recipe.split("budget=")[1].split(")")[0]) if "budget=" in recipe
                else kv_measure.BYTES_CONTEXT)
        return ROW * rows * (0.5 if "store=" in recipe else 1) * (1.1 if "read=" in recipe else 1)

    @staticmethod
    def kl(recipe):
        return 9 - 4 * ("keep=tova" in recipe) - 2 * ("int8" in recipe) + ("minicache" in recipe)


@pytest.fixture(scope="module")
def runs(weir_program):
    listed = subprocess.run([weir_program, "kv", "methods", "--json"], capture_output=True,
                            check=True).stdout
    judge = Fake()
    kv_measure.judge_model(judge, json.loads(listed)["methods"], [2048, 8064], None)
    return judge.runs


def test_the_best_of_each_role_are_found_before_the_recipes_are_made(runs):
    assert [name for name, _, _ in runs] == [
        "bytes", "best", "best", "bytes", "seen/smollm2", "smollm2-2048", "smollm2-8064"]
    _, stores, _ = runs[2]
    assert all(recipe.startswith("keep=tova(") for recipe in stores)
    _, with_reads, _ = runs[3]
    assert {recipe.split(";")[1] for recipe in with_reads} == {"store=int8"}


def test_three_families_have_the_bytes_that_they_are_to(runs):
    for (_, recipes, _), context in zip(runs[-2:], (2048, 8064)):
        three = [r for r in recipes if r.count(";") == 2]
        assert len(three) == 2 * len(kv_plan.COMPOSED[context])
        for recipe in three:
            assert recipe.startswith("keep=tova(") and ";store=int8;" in recipe
            share = Fake.bytes_of(recipe) / (ROW * context)
            assert min(abs(share - s) for s in kv_plan.COMPOSED[context]) < 0.02


def test_the_question_is_seen_in_one_run(runs):
    assert [name for name, _, words in runs if "--question-seen" in words] == ["seen/smollm2"]
