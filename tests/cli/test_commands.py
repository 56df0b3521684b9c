"""The program from outside: answers, JSON, exit codes, messages."""

import json
import re
import subprocess

import pytest

GREEDY = ["--temperature", "0", "--max-tokens", "12", "--max-model-len", "1024"]


@pytest.fixture
def weir(weir_program):
    def run(*words, text=None, timeout=300):
        return subprocess.run([weir_program, *map(str, words)], input=text, capture_output=True,
                              text=True, timeout=timeout, check=False)
    return run


def test_version_and_help(weir):
    assert re.fullmatch(r"weir \d+\.\d+\.\d+ \(\S+\)\n", weir("--version").stdout)
    for words in (["--help"], *([c, "--help"] for c in ("serve", "run", "chat", "bench", "kv",
                                                   "model"))):
        result = weir(*words)
        assert result.returncode == 0
        assert "--help" in result.stdout


@pytest.mark.parametrize("words", [
    [], ["frobnicate"], ["run"], ["run", "m"],
    ["serve", "--port", "70000"], ["serve", "--port", "x"],
    ["run", "m", "p", "--temperature", "3"], ["kv"], ["model"], ["model", "pull"], ["bench"],
    ["bench", "speed", "--batch", "0"], ["chat", "m", "--threads", "-1"],
    ["serve", "--kv-cache-memory-bytes", "much"],
])
def test_usage_errors_are_2_and_say_why(weir, words):
    result = weir(*words)
    assert result.returncode == 2
    assert result.stdout == ""
    assert result.stderr.startswith("weir: ")


@pytest.mark.parametrize("words", [
    ["run", "no-such-model", "hi"], ["chat", "no-such-model"], ["serve", "no-such-model"],
    ["model", "show", "no-such-model"], ["model", "pull", "no-such-model"],
    ["bench", "speed", "-m", "no-such-model"],
])
def test_an_unknown_model_is_1_and_lists_the_known_ones(weir, words):
    result = weir(*words)
    assert result.returncode == 1
    assert result.stdout == ""
    assert "no-such-model" in result.stderr
    assert "smollm2" in result.stderr


def test_a_file_that_is_no_model(weir, tmp_path):
    bad = tmp_path / "bad.gguf"
    bad.write_bytes(b"GGUF" + b"\xff" * 60)
    for words in (["run", bad, "hi"], ["model", "show", bad]):
        result = weir(*words)
        assert result.returncode == 1
        assert result.stderr.startswith("weir: ")


def test_run_streams_and_repeats_itself(weir, smollm2):
    first = weir("run", smollm2, "Say hello.", *GREEDY)
    assert first.returncode == 0, first.stderr
    assert "Hello" in first.stdout
    again = weir("run", smollm2, "-", *GREEDY, text="Say hello.")
    assert again.stdout == first.stdout


def test_run_json(weir, smollm2):
    result = weir("run", smollm2, "Hello!", "--json", *GREEDY)
    answer = json.loads(result.stdout)
    assert answer["prompt"] == "Hello!"
    assert answer["text"]
    assert 0 < answer["usage"]["completion_tokens"] <= 12
    assert answer["usage"]["prompt_tokens"] > 10
    assert answer["timings"]["load_s"] > 0
    seeded = [json.loads(weir("run", smollm2, "Hello!", "--json", "--seed", "5", "--max-tokens",
                              "12", "--max-model-len", "512").stdout)["text"] for _ in range(2)]
    assert seeded[0] == seeded[1]


def test_raw_goes_on_from_the_text(weir, smollm2):
    result = weir("run", smollm2, "One, two, three, four,", "--raw", *GREEDY)
    assert "five" in result.stdout


def test_a_stop_text_is_not_shown(weir, smollm2):
    result = weir("run", smollm2, "One, two, three, four,", "--raw", "--stop", "six", *GREEDY)
    assert "five" in result.stdout
    assert "six" not in result.stdout


def test_too_long_a_prompt_fails(weir, smollm2):
    result = weir("run", smollm2, "-", "--max-model-len", "64", text="word " * 500)
    assert result.returncode == 1
    assert "64" in result.stderr


def test_model_list_and_show(weir, smollm2):
    models = json.loads(weir("model", "list", "--json").stdout)["models"]
    assert {"smollm2", "gemma3-270m"} <= {m["name"] for m in models}
    assert "smollm2" in weir("model", "list").stdout
    shown = json.loads(weir("model", "show", smollm2, "--json").stdout)
    assert shown["architecture"] == "llama"
    assert shown["layers"] == 30
    assert shown["context_tokens_max"] == 8192
    assert shown["kv_bytes_per_token"] == 30 * 2 * 3 * 64 * 2
    assert sum(t["bytes"] for t in shown["tensor_types"]) == shown["tensor_bytes"]
    assert {t["type"] for t in shown["tensor_types"]} >= {"Q4_1", "Q8_0", "F32"}
    text = weir("model", "show", smollm2).stdout
    assert "llama" in text
    assert "23040 bytes per token" in text
    assert weir("model", "show", smollm2, "--template").stdout == shown["chat_template"]


def test_kv_methods(weir, smollm2):
    methods = json.loads(weir("kv", "methods", "--json").stdout)["methods"]
    names = {role: {m["name"] for m in methods if m["role"] == role}
             for role in ("keep", "read", "store")}
    assert {"adakv", "cake", "chelsea", "h2o", "random", "snapkv", "streaming",
            "tova"} <= names["keep"]
    assert {"int8", "kivi", "minicache"} <= names["store"]
    assert {"quest", "certified"} <= names["read"]
    text = weir("kv", "methods").stdout
    for m in methods:
        assert m["paper"] and m["observes"] and (m["bytes_per_row"] > 0) == (m["role"] == "keep")
        assert (m["bytes_per_page_dim"] > 0) == (m["role"] == "read")
        section = text.split(f"{m['role']}={m['name']}\n")[1].split("\n\n")[0]
        assert f"  {m['bytes_per_token']:.4g} bytes a token" in section
        for p in m["parameters"]:
            assert p["default"] in p["words"] if "words" in p else (
                p["minimum"] <= float(p["default"]) <= p["maximum"])
    # Of a row of 64 dimensions: 256 bytes at 16 bits.
    of = {m["name"]: m["bytes_per_token"] for m in methods}
    assert of["streaming"] == 256 + 4 and of["h2o"] == 256 + 4 + 4
    assert of["quest"] == 256 + (8 * 64 + 4) / 64
    assert of["certified"] == 256 + (8 * 64 + 4 * 64 / 16 + 16) / 64
    assert of["int8"] == 128 + 16 and of["kivi"] == 64 + 16
    assert 128 < of["minicache"] < 160
    cake = next(m for m in methods if m["name"] == "cake")
    every = next(p for p in cake["parameters"] if p["name"] == "every")
    assert (every["minimum"], every["least_positive"]) == (0, 16)
    bad = weir("run", smollm2, "hi", "--kv", "keep=snapkw")
    assert bad.returncode == 1 and "snapkw" in bad.stderr and "snapkv" in bad.stderr


def test_bench_speed(weir, smollm2):
    result = weir("bench", "speed", "-m", smollm2, "--prompt-tokens", "32", "--gen-tokens", "4",
                  "--depth", "16", "--batch", "2", "--threads", "2", "--repeat", "3", "--json")
    assert result.returncode == 0, result.stderr
    figures = json.loads(result.stdout)
    for name in ("prefill_tokens_per_s", "decode_tokens_per_s"):
        speeds = figures[name]
        assert len(speeds["all"]) == 3
        assert speeds["best"] == max(speeds["all"])
        assert speeds["median"] == sorted(speeds["all"])[1]
        assert min(speeds["all"]) > 0
    assert figures["load_s"] > 0
    assert figures["peak_rss_bytes"] > 50_000_000
    assert figures["isa"] in ("scalar", "avx2", "avxvnni", "avx512")
    assert (figures["depth"], figures["batch"], figures["threads"]) == (16, 2, 2)
    assert figures["commit"]


def test_bench_speed_takes_lists_and_shows_limits(weir, smollm2):
    result = weir("bench", "speed", "-m", smollm2, "--prompt-tokens", "8,16", "--gen-tokens", "2",
                  "--batch", "1,2", "--repeat", "1", "--roofline", "--json")
    assert result.returncode == 0, result.stderr
    runs = [json.loads(line) for line in result.stdout.splitlines()]
    assert [(r["batch"], r["prompt_tokens"]) for r in runs] == [(1, 8), (1, 16), (2, 8), (2, 16)]
    for run in runs:
        roofline = run["roofline"]
        assert roofline["read_bytes_per_s"] > 1e8
        assert roofline["integer_macs_per_s"] > roofline["float_macs_per_s"] > 1e8
        decode = {k["kernel"]: k for k in roofline["decode"]}
        assert decode["qkv"]["calls"] == 30 * 2
        assert decode["head"]["macs"] == 2 * run["batch"] * 576 * 49152
        assert all(k["seconds"] >= 0 for k in roofline["prefill"] + roofline["decode"])


def test_bench_that_does_not_fit(weir, smollm2):
    result = weir("bench", "speed", "-m", smollm2, "--depth", "9000")
    assert result.returncode == 1
    assert "8192" in result.stderr
