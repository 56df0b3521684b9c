"""Every marked example of README.md and docs/ runs, against a served model."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
MARKED = re.compile(r"<!-- test: (\w+) -->\n```\w+\n(.*?)```", re.DOTALL)
DEFAULT_URL = "http://127.0.0.1:8080"


def pages():
    return [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]


def examples_of(page):
    text = page.read_text(encoding="utf-8")
    for match in MARKED.finditer(text):
        line = text.count("\n", 0, match.start()) + 1
        yield pytest.param(match[1], match[2], id=f"{page.relative_to(ROOT)}:{line}")


def examples():
    return [example for page in pages() for example in examples_of(page)]


def test_there_are_examples_of_all_kinds():
    kinds = [p.values[0] for p in examples_of(ROOT / "README.md")]
    assert kinds.count("sh") >= 3
    assert kinds.count("python") >= 2


@pytest.mark.parametrize("page", pages(), ids=lambda p: p.name)
def test_no_python_example_lacks_its_marker(page):
    kinds = [p.values[0] for p in examples_of(page)]
    assert page.read_text(encoding="utf-8").count("```python") == kinds.count("python")


@pytest.mark.parametrize(("kind", "code"), examples())
def test_example(kind, code, served_smollm2, weir_program, build_dir, tmp_path):
    code = code.replace(DEFAULT_URL, served_smollm2.url)
    environment = {
        **os.environ,
        "PATH": f"{weir_program.parent}:{os.environ['PATH']}",
        "PYTHONPATH": str(build_dir / "python"),
    }
    command = ["bash", "-euo", "pipefail", "-c", code] if kind == "sh" else [
        sys.executable, "-W", "error::SyntaxWarning", "-c", code]
    result = subprocess.run(command, env=environment, cwd=tmp_path, capture_output=True, text=True,
                            timeout=300, check=False)
    assert result.returncode == 0, result.stderr
    assert result.stdout.strip()
    assert '"error"' not in result.stdout
