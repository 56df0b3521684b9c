"""What goes wrong around the program: lost output, bad bytes, a damaged cache, odd settings."""

import json
import os
import subprocess

import pytest

SHORT = ["--temperature", "0", "--max-tokens", "3", "--max-model-len", "256"]


@pytest.fixture
def weir(weir_program):
    """weir(words..., stdin=bytes, variables...): the finished process, in bytes."""
    def run(*words, stdin=b"", stdout=subprocess.PIPE, **variables):
        return subprocess.run([weir_program, *words], input=stdin, stdout=stdout,
                              stderr=subprocess.PIPE, timeout=300, check=False,
                              env={**os.environ, **variables})
    return run


@pytest.mark.parametrize("words", [
    ["run", "MODEL", "hi", *SHORT], ["run", "MODEL", "hi", "--json", *SHORT],
    ["chat", "MODEL", *SHORT], ["model", "list"], ["model", "list", "--json"],
    ["model", "show", "MODEL"], ["--version"], ["run", "--help"],
], ids=" ".join)
def test_lost_output_is_a_failure(weir, smollm2, words):
    with open("/dev/full", "wb") as full:
        result = weir(*(smollm2 if w == "MODEL" else w for w in words), stdin=b"hi\nhi\n",
                      stdout=full)
    assert result.returncode == 1
    assert result.stderr.decode() == (
        "weir: cannot write to standard output: No space left on device\n")


def test_a_reader_that_went_away_ends_it_quietly(weir, smollm2):
    read, write = os.pipe()
    os.close(read)
    with open(write, "wb") as pipe:
        result = weir("run", smollm2, "hi", *SHORT, stdout=pipe)
    assert result.returncode != 0
    assert result.stderr == b""


def test_a_prompt_must_be_utf8(weir, smollm2):
    for words, stdin in ((["hi \xff\xfe".encode("latin-1")], b""), (["-"], b"hi \xff"),
                         (["--raw", "-"], b"hi \xff")):
        result = weir("run", smollm2, *words, *SHORT, stdin=stdin)
        assert result.returncode == 1
        assert result.stderr == b"weir: the prompt is not UTF-8: byte 3 (0xff) is wrong\n"
    result = weir("run", smollm2, "hi", "--system", b"\xc3(", *SHORT)
    assert result.returncode == 1
    assert b"the system message is not UTF-8: byte 0 (0xc3)" in result.stderr


def test_a_chat_goes_on_after_bytes_that_are_not_utf8(weir, smollm2):
    result = weir("chat", smollm2, "--json", *SHORT,
                  stdin=b"abc\xe4\xb8\n/system \xff\nSay hello.\n")
    assert result.returncode == 0
    assert result.stderr.splitlines() == [
        b"weir: the message is not UTF-8: byte 3 (0xe4) is wrong",
        b"weir: the system message is not UTF-8: byte 0 (0xff) is wrong"]
    assert len(result.stdout.splitlines()) == 1


def test_a_chat_without_a_template_loads_nothing(weir, weir_program, models_dir):
    path = models_dir / "gemma3-270m.gguf"
    if not path.exists():
        pytest.skip(f"no {path}")
    result = weir("chat", path, "--max-model-len", "1000000000")
    assert result.returncode == 1
    assert b"has no chat template" in result.stderr  # Not that the context is too long.


def test_a_damaged_model_is_found_and_not_kept(weir, tmp_path):
    entry = json.loads(weir("model", "list", "--json").stdout)["models"][0]
    damaged = tmp_path / "cache/models" / f"{entry['name']}.gguf"
    damaged.parent.mkdir(parents=True)
    with open(damaged, "wb") as file:
        file.truncate(entry["bytes"])
    settings = {"WEIR_CACHE": str(tmp_path / "cache"), "WEIR_PYTHON": "/bin/false"}
    result = weir("model", "pull", entry["name"], **settings)
    assert result.returncode == 1
    assert f"weir: {damaged} is damaged" in result.stderr.decode()
    assert not damaged.exists()


def test_a_sound_model_is_not_fetched_again(weir, smollm2, tmp_path):
    (tmp_path / "models").mkdir()
    (tmp_path / "models/smollm2.gguf").symlink_to(smollm2)
    result = weir("model", "pull", "smollm2", WEIR_CACHE=str(tmp_path), WEIR_PYTHON="/bin/false")
    assert result.returncode == 0, result.stderr
    assert result.stderr == b""


def test_a_cache_that_cannot_be_is_named(weir, tmp_path):
    (tmp_path / "file").write_text("in the way")
    result = weir("model", "pull", "smollm2", WEIR_CACHE=str(tmp_path / "file"))
    assert result.returncode == 1
    assert f"cannot create the cache directory {tmp_path}/file/models: Not a directory" in (
        result.stderr.decode())


def test_too_small_a_budget_is_named(weir, smollm2):
    result = weir("run", smollm2, "hi", "--kv-cache-memory-bytes", "1")
    assert result.returncode == 1
    assert b"kv-cache-memory-bytes is 1, which holds no token; the least" in result.stderr
    assert b"max-model-len" not in result.stderr
    least = result.stderr.split()[-2].decode()
    assert weir("run", smollm2, "--raw", "a", "--kv-cache-memory-bytes", least,
                "--max-tokens", "1").returncode == 0
    result = weir("run", smollm2, "hi", "--kv-cache-memory-bytes", least, "--max-model-len", "4096")
    assert b"tokens; max-model-len is 4096, which takes " in result.stderr


def test_an_empty_isa_is_none(weir, smollm2):
    assert weir("run", smollm2, "hi", *SHORT, WEIR_ISA="").returncode == 0
    assert b"WEIR_ISA is 'z80'" in weir("run", smollm2, "hi", *SHORT, WEIR_ISA="z80").stderr
