"""The layer check finds what it must find, and lets pass what is right."""

import subprocess
import sys
from pathlib import Path

import pytest

TOOL = Path(__file__).resolve().parents[2] / "tools" / "check_layers.py"
TABLE = """
| rank | folder | may include |
|---|---|---|
| 0 | base | weir/status.h |
| 1 | tensor | base |
| 2 | kv | tensor |
| 2 | kv/* | kv |
| 3 | model | kv/cache.h, tensor |
| 4 | cli, python, bench | weir/ |
"""
GOOD = {
    "include/weir/status.h": "#include <string>\n",
    "include/weir/engine.h": '#include "weir/status.h"\n',
    "src/base/a.h": '#include "weir/status.h"\n',
    "src/tensor/t.h": '#include "base/a.h"\n',
    "src/kv/cache.h": '#include "tensor/t.h"\n#include "base/a.h"\n',
    "src/kv/other.h": '#include "kv/cache.h"\n',
    "src/kv/codecs/raw.h": '#include "kv/cache.h"\n#include "base/a.h"\n',
    "src/kv/tiers/disk.h": '#include "kv/other.h"\n',
    "src/model/m.cc": '#include "kv/cache.h"\n',
    "src/cli/run.cc": '#include "weir/engine.h"\n#include "cli/run.h"\n',
    "src/cli/run.h": "#include <CLI/CLI.hpp>\n",
}


def check(root, files, table=TABLE):
    for name, text in {"ARCHITECTURE.md": table, **GOOD, **files}.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return subprocess.run([sys.executable, TOOL, "--root", root], capture_output=True, text=True,
                          check=False)


def test_a_tree_in_order_passes(tmp_path):
    result = check(tmp_path, {})
    assert result.returncode == 0, result.stderr


@pytest.mark.parametrize(("name", "include", "complaint"), [
    ("src/base/b.cc", '"tensor/t.h"', "base may not include tensor/t.h"),
    ("src/base/b.cc", '"weir/engine.h"', "base may not include weir/engine.h"),
    ("src/tensor/u.cc", '"kv/cache.h"', "tensor may not include kv/cache.h"),
    ("src/model/n.cc", '"kv/other.h"', "model may not include kv/other.h"),
    ("src/kv/tiers/ram.cc", '"kv/codecs/raw.h"', "kv/tiers may not include kv/codecs/raw.h"),
    ("src/kv/pool.cc", '"kv/codecs/raw.h"', "kv may not include kv/codecs/raw.h"),
    ("src/cli/chat.cc", '"base/a.h"', "cli may not include base/a.h"),
    ("src/cli/chat.cc", '"../base/a.h"', "cli may not include"),
    ("bench/x.cc", '"kv/cache.h"', "bench may not include kv/cache.h"),
    ("python/x.cc", '"base/a.h"', "python may not include base/a.h"),
    ("include/weir/x.h", '"base/a.h"', "weir may not include base/a.h"),
    ("src/base/b.cc", "<weir/engine.h>", "base may not include weir/engine.h"),
    ("src/loose/l.cc", "<string>", "folder loose has no row"),
])
def test_a_wrong_include_fails(tmp_path, name, include, complaint):
    result = check(tmp_path, {name: f"#include {include}\n"})
    assert result.returncode == 1
    assert complaint in result.stderr


def test_rings_fail(tmp_path):
    result = check(tmp_path, {"src/kv/x.h": '#include "kv/y.h"\n',
                              "src/kv/y.h": '#include "kv/x.h"\n'})
    assert result.returncode == 1
    assert "kv/x.h -> kv/y.h -> kv/x.h" in result.stderr


@pytest.mark.parametrize("row", ["| 1 | low | kv |", "| 2 | peer | kv |", "| 3 | lost | nowhere |"])
def test_a_row_that_names_no_lower_one_fails(tmp_path, row):
    assert check(tmp_path, {}, TABLE + row + "\n").returncode == 1


def test_a_missing_table_fails(tmp_path):
    assert check(tmp_path, {}, "no table here\n").returncode == 1
