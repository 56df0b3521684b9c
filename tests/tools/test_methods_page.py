"""docs/methods.md is what tools/methods_page.py makes of the catalogue and the last evaluation."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
COMMAND = "build/release/weir kv methods --json | tools/methods_page.py > docs/methods.md"


@pytest.fixture(scope="module")
def catalogue(weir_program):
    return subprocess.run([weir_program, "kv", "methods", "--json"], capture_output=True,
                          text=True, check=True).stdout


@pytest.fixture(scope="module")
def made(catalogue):
    return subprocess.run([sys.executable, ROOT / "tools/methods_page.py"], input=catalogue,
                          capture_output=True, text=True, check=True).stdout


def test_the_page_is_what_the_script_makes(made):
    page = (ROOT / "docs/methods.md").read_text(encoding="utf-8")
    assert page == made, f"run: {COMMAND}"
    assert COMMAND in page


def test_every_method_and_parameter_is_there(catalogue, made):
    methods = json.loads(catalogue)["methods"]
    assert len(methods) >= 7
    for method in methods:
        _, section = made.split(f"### `{method['role']}={method['name']}`")
        for parameter in method["parameters"]:
            assert f"| `{parameter['name']}` |" in section.split("\n### ")[0]


def test_what_was_measured_stands_with_its_method(made):
    evaluations = json.loads((ROOT / "bench/kv_results.json").read_text(encoding="utf-8"))
    single = {r["recipe"] for e in evaluations for r in e["recipes"]
              if ";" not in r["recipe"] and r["recipe"] != "keep=all"}
    assert single
    for recipe in single:
        _, rows = made.split(f"### `{recipe.split('(')[0]}`")
        assert f"| `{recipe}` |" in rows.split("\n### ")[0]
