"""weir eval from outside: the shape of what it prints, and that a known order comes out."""

import json
import xml.dom.minidom

import pytest

RECIPES = ["keep=random(budget=1)", "keep=snapkv(budget=0.1)", "keep=random(budget=0.1)",
           "read=quest(pages=0.5)"]
CONTEXT = 512


@pytest.fixture(scope="module")
def judged(run, tmp_path_factory):
    """(table, figures, page) of one small run."""
    folder = tmp_path_factory.mktemp("eval")
    recipes = [word for recipe in RECIPES for word in ("--recipe", recipe)]
    result = run(*recipes, "--context", CONTEXT, "--samples", 2, "--json", folder / "j", "--html",
                 folder / "h", "--max-model-len", 1024)
    assert result.returncode == 0, result.stderr
    return result.stdout, json.loads((folder / "j").read_text()), (folder / "h").read_text()


@pytest.fixture(scope="module")
def arms(judged):
    (context,) = judged[1]["contexts"]
    assert context["context"] == CONTEXT
    return context["recipes"]


def test_shapes(judged, arms):
    figures = judged[1]
    assert (figures["samples"], figures["seed"], figures["text"]) == (2, 1, "stories")
    assert figures["contexts"][0]["samples"] == 2
    assert figures["text_tokens"] >= 2 * (CONTEXT + 65) and len(figures["text_sha256"]) == 64
    assert [a["recipe"] for a in arms] == ["keep=all", *RECIPES]
    modes = {t["name"]: t["mode"] for t in figures["contexts"][0]["tasks"]}
    once = ["common_words", "frequent_words", "key_value", "needle", "variable_tracking"]
    turns = ["key_value_turns", "needle_turns", "variable_tracking_turns"]
    assert modes == dict.fromkeys(once, "shared_context") | dict.fromkeys(turns, "turns")
    assert figures["contexts"][0]["stream_positions"] == []
    for arm in arms:
        assert arm["bytes_peak"] >= arm["bytes"] > 0
        assert arm["prefill_s"] > 0 and arm["decode_s"] > 0
        for measure in arm["measures"].values():
            assert measure["change_low"] <= measure["change"] <= measure["change_high"]


def test_samples_are_paired_and_their_means_are_what_is_shown(arms):
    for arm in arms:
        for name, measure in arm["measures"].items():
            full = arms[0]["measures"][name]["samples"]
            assert len(measure["samples"]) == 2
            assert measure["mean"] == pytest.approx(sum(measure["samples"]) / 2, abs=1e-12)
            changes = [a - b for a, b in zip(measure["samples"], full, strict=True)]
            assert measure["change"] == pytest.approx(sum(changes) / 2, abs=1e-12)
            assert measure["change_low"] == pytest.approx(min(changes), abs=1e-12)


def test_the_full_cache_does_not_differ_from_itself(arms):
    assert arms[0]["bytes_share"] == 1
    for name, measure in arms[0]["measures"].items():
        assert (measure["change"], measure["change_low"], measure["change_high"]) == (0, 0, 0), name
    for name in ("kl", "kl_1_8", "kl_9_32", "kl_33_64", "right", "attention_error"):
        assert arms[0]["measures"][name]["mean"] == 0
    assert arms[0]["measures"]["same_top"]["mean"] == 1


def test_a_budget_of_everything_changes_nothing(arms):
    assert arms[1]["measures"]["kl"]["mean"] == 0


def test_chance_is_worse_than_snapkv(arms):
    snapkv, chance = arms[2], arms[3]
    assert chance["measures"]["kl"]["mean"] > snapkv["measures"]["kl"]["mean"] > 0.001
    assert chance["measures"]["second_copy"]["mean"] > arms[0]["measures"]["second_copy"]["mean"]
    assert snapkv["bytes_share"] < 0.35  # Pages are of 64 rows.


def test_what_was_read_is_a_column(judged, arms):
    assert "READ %" in judged[0]
    shares = [arm["measures"]["pages_read"]["mean"] for arm in arms]
    assert shares[:4] == [1, 1, 1, 1]
    assert 0.5 < shares[4] < 0.7  # Half of 9 pages, rounded up.
    assert arms[4]["measures"]["kl"]["mean"] > 0
    assert arms[4]["bytes_share"] > 1


def test_of_two_contexts_no_task_is_more_than_guessing(judged, arms):
    tasks = judged[1]["contexts"][0]["tasks"]
    assert len(tasks) == 8
    for task in tasks:
        assert (task["contexts"], task["threshold"], task["reported"]) == (2, 1.5, False)
        assert task["full"] == arms[0]["measures"][task["name"]]["mean"]
        assert all(task["name"] not in arm["measures"] for arm in arms[1:])
    assert "of so few contexts nothing is more than guessing (of 2 contexts, 10 que" in judged[0]


@pytest.fixture(scope="module")
def asked(run, tmp_path_factory):
    """(table, what there is of the context) of a run with enough contexts for two tasks."""
    folder = tmp_path_factory.mktemp("asked")
    result = run("--recipe", "keep=random(budget=0.25)", "--context", 256, "--samples", 5,
                 "--tasks", "needle,common_words", "--json", folder / "j", "--max-model-len", 512)
    assert result.returncode == 0, result.stderr
    return result.stdout, json.loads((folder / "j").read_text())["contexts"][0]


def test_tasks_are_reported_where_the_full_cache_is_no_guess(asked):
    tasks = {t["name"]: t for t in asked[1]["tasks"]}
    for task in tasks.values():
        assert task["contexts"] == 5
        assert task["threshold"] == 0.8  # Four or five right of five: 36/32768.
        assert task["reported"] == (task["full"] > 0.8 - 1e-9)
        assert (task["name"] in asked[1]["recipes"][1]["measures"]) == task["reported"]
    reported = {name: task["reported"] for name, task in tasks.items()}
    assert reported == {"needle": True, "needle_turns": True, "common_words": False}


def test_a_conversation_is_reported_by_turn(asked):
    table, context = asked
    tasks = {t["name"]: t for t in context["tasks"]}
    task = tasks["needle_turns"]
    assert (task["turns"], task["questions"], tasks["needle"]["turns"]) == (5, 25, 0)
    for arm in context["recipes"]:
        for suffix in ("", "_logp"):
            turns = [arm["measures"][f"needle_turns_{k}{suffix}"]["mean"] for k in range(1, 6)]
            whole = arm["measures"][f"needle_turns{suffix}"]["mean"]
            assert whole == pytest.approx(sum(turns) / 5, abs=1e-12)
    assert "needle (shared_context): 25 questions" in table
    assert "needle_turns (turns): 25 questions" in table
    assert "by turn" in table


def test_the_page_stands_alone(judged):
    table, _, page = judged
    assert all(recipe in table for recipe in RECIPES)
    assert "<script" not in page and "http" not in page.replace("http://www.w3.org/2000/svg", "")
    plots = page.split("<svg")[1:]
    assert len(plots) >= 5 + len(RECIPES)  # And a heat map for each.
    for plot in plots:
        xml.dom.minidom.parseString("<svg" + plot.split("</svg>")[0] + "</svg>")


@pytest.mark.parametrize("words, says", [
    (["--recipe", "keep=snapkw"], "snapkw"),
    (["--context", 32], "--context 32"),
    (["--context", 1000, "--max-model-len", 1024], "--context 1000"),
    (["--text", "no-such-file"], "--text"),
    (["--json", "no-such-folder/j"], "--json"),
    (["--tasks", "needle,haystack"], "haystack"),
])
def test_what_is_wrong_is_named_before_the_work(run, words, says):
    result = run(*words)
    assert result.returncode == 1
    assert result.stdout == ""
    assert says in result.stderr


def test_a_short_text_is_refused(run, tmp_path):
    (tmp_path / "t").write_text("Too short.")
    result = run("--text", tmp_path / "t", "--context", 128)
    assert result.returncode == 1
    assert "--text" in result.stderr
