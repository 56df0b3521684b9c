"""bench/kv_results.py: tables, plots and figures of reports, written beside a page's prose."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PROSE = "# Title\n\nBefore.\n\n<!-- measured: begin -->\nold\n<!-- measured: end -->\n\nAfter.\n"


def measure(mean, change):
    return {"mean": mean, "change": change, "change_low": change - 0.5, "change_high": change + 0.5,
            "samples": [mean - 0.1, mean, mean + 0.1]}


def arm(recipe, share, kl):
    names = ["kl", "kl_1_8", "kl_9_32", "kl_33_64", "same_top", "attention_error", "second_copy",
             "right", "pages_read", "needle", "needle_logp", "needle_seen", "needle_seen_logp",
             "needle_turns", "needle_turns_1", "needle_turns_2"]
    return {"recipe": recipe, "bytes": 1000 * share, "bytes_share": share, "prefill_s": 2 * share,
            "decode_s": 0.01 * share,
            "bytes_peak": 1000, "measures": {name: measure(kl, kl) for name in names}}


def report(context):
    task = {"name": "needle_turns", "turns": 2, "full": 1.0, "threshold": 0.5, "reported": True}
    guessed = {"name": "key_value", "turns": 0, "full": 0.25, "threshold": 0.5, "reported": False}
    return {"samples": 4, "text": "a-text", "text_tokens": 99, "text_bytes": 400,
            "text_sha256": "ab12", "seed": 1, "isa": "avx2", "contexts": [
        {"context": context, "samples": 3, "tasks": [task, guessed],
         "recipes": [arm("keep=all", 1, 0), arm("keep=x(budget=64)", 0.25, 0.75),
                     arm("keep=random(budget=64)", 0.25, 1.25),
                     arm("keep=x(budget=64);store=y;read=z", 0.25, 0.5)]}]}


def report_of_seen():
    whole = report(512)
    whole["contexts"][0]["tasks"] = [
        {"name": "needle", "mode": "shared_context", "turns": 0, "reported": True},
        {"name": "needle_turns", "mode": "turns", "turns": 2, "reported": True},
        {"name": "needle_seen", "mode": "question_seen", "turns": 0, "reported": True},
        {"name": "key_value_seen", "mode": "question_seen", "turns": 0, "reported": False,
         "full": 0.25, "threshold": 0.5}]
    return whole


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    """The folder with the page, after two reports."""
    folder = tmp_path_factory.mktemp("results")
    (folder / "page.md").write_text(PROSE)
    (folder / "bytes.json").write_text("{}")  # Is of no table.
    (folder / "seen").mkdir()
    (folder / "seen/m-1b.json").write_text(json.dumps(report_of_seen()))
    for context in (2048, 512):
        (folder / f"m-1b-{context}.json").write_text(json.dumps(report(context)))
        (folder / f"m-1b-{context}.html").write_text(f"<p><svg>{context}</svg><svg>2</svg></p>")
    subprocess.run([sys.executable, ROOT / "bench/kv_results.py", folder, folder / "page.md"],
                   check=True)
    return folder


def test_the_prose_stays_and_the_tables_are_new(written):
    page = (written / "page.md").read_text()
    assert page.startswith("# Title\n\nBefore.\n\n<!-- measured: begin -->\n")
    assert page.endswith("<!-- measured: end -->\n\nAfter.\n")
    assert "old" not in page
    assert page.index("m-1b, 512 tokens: 3 samples") < page.index("m-1b, 2048 tokens")
    assert "`a-text` has 99 tokens, 400 bytes, SHA-256 `ab12`." in page
    assert "| `keep=x(budget=64)` | 25.0 | 100 | 75 | 0.750 [0.250, 1.250] |" in page
    assert "| `keep=x(budget=64)` | 0.75 (+0.75 [+0.25, +1.25]) |" in page
    assert "`needle_turns` by turn: `keep=all` 0.00 0.00; `keep=x(budget=64)` 0.75 0.75;" in page
    assert "`key_value` is not reported: the full cache has 0.25; 0.50 is more" in page
    assert "| `keep=x(budget=64)` | 0.50 | 0.25 | 2.5 | 0.25 |" in page  # Times.
    assert "0.75 | +0.75 [+0.25, +1.25] | +0.75 [+0.25, +1.25] |\n" in page  # Right, second copy.


def test_whether_the_question_was_seen_is_a_column(written):
    page = (written / "page.md").read_text()
    table = page[page.index("## m-1b, 512 tokens: the question unseen and seen"):]
    assert "`key_value_seen` is not reported" in table
    rows = [row for row in table.splitlines() if row.startswith("| `keep=x(budget=64)` |")]
    assert rows == [f"| `keep=x(budget=64)` | needle | {question} | 0.75 (+0.75 [+0.25, +1.25]) "
                    "| +0.75 [+0.25, +1.25] |" for question in ("unseen", "seen")]


def test_recipes_are_compared_with_each_other(written):
    page = (written / "page.md").read_text()
    best = "`keep=x(budget=64)`, 25.0"
    assert ("| `keep=x(budget=64);store=y;read=z` | 3 | 25.0 | -0.250 [-0.250, -0.250] lower "
            f"| {best} | -0.750 [-0.750, -0.750] lower |") in page
    assert ("| `keep=random(budget=64)` | 1 | 25.0 | +0.500 [+0.500, +0.500] higher "
            f"| {best} | - |") in page
    assert "against the best one of one method: 1 lower, 0 open, 0 higher." in page
    assert "Of 3 samples all have one sign by chance alone in one of 4 cases." in page


def test_plots_lie_beside_the_page(written):
    for context in (512, 2048):
        assert f"](kv_m-1b-{context}.svg)" in (written / "page.md").read_text()
        assert (written / f"kv_m-1b-{context}.svg").read_text() == f"<svg>{context}</svg>\n"


def test_figures_are_kept_for_the_page_of_methods(written):
    first, second = json.loads((written / "kv_results.json").read_text())
    assert (first["model"], first["context"], second["context"]) == ("m-1b", 512, 2048)
    assert (first["samples"], first["text_sha256"]) == (3, "ab12")
    assert [r["recipe"] for r in first["recipes"]][:2] == ["keep=all", "keep=x(budget=64)"]
    assert first["recipes"][1]["bytes_share"] == 0.25
    assert set(first["recipes"][1]["measures"]) == {
        "kl", "same_top", "attention_error", "second_copy", "needle_turns"}
    assert set(first["recipes"][1]["measures"]["kl"]) == {
        "mean", "change", "change_low", "change_high"}
