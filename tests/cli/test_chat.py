"""Conversations: through a pipe, and in a terminal with its keys."""

import json
import os
import pty
import re
import select
import signal
import subprocess
import time

import pytest

ARGS = ["--temperature", "0", "--max-tokens", "16", "--max-model-len", "1024"]


def test_a_conversation_is_not_computed_twice(weir_program, smollm2):
    question = "Say hello.\n"
    lines = question + "Now name a river.\n/reset\n" + question
    result = subprocess.run([weir_program, "chat", smollm2, "--json", *ARGS], input=lines,
                            capture_output=True, text=True, timeout=300, check=False)
    assert result.returncode == 0, result.stderr
    first, second, third = map(json.loads, result.stdout.splitlines())
    assert "Hello" in first["text"]
    assert first["usage"]["cached_tokens"] == 0
    # The second prompt begins with all of the first, and at least that is kept.
    assert second["usage"]["cached_tokens"] >= first["usage"]["prompt_tokens"]
    assert second["usage"]["prompt_tokens"] > second["usage"]["cached_tokens"]
    assert second["kv_bytes"] >= first["kv_bytes"] > 0
    # Reset: the same as at first.
    assert third["text"] == first["text"]
    assert third["usage"] == first["usage"]


def test_kept_tokens_change_no_answer(weir_program, smollm2):
    """The second answer equals that to the same conversation computed at once."""
    lines = "Say hello.\nNow name a river.\n"
    result = subprocess.run([weir_program, "chat", smollm2, "--json", *ARGS], input=lines,
                            capture_output=True, text=True, timeout=300, check=True)
    first, second = map(json.loads, result.stdout.splitlines())
    import weir
    engine = weir.Engine(str(smollm2), max_model_len=1024)
    generation = engine.generate(
        [{"role": "user", "content": "Say hello."},
         {"role": "assistant", "content": first["text"]},
         {"role": "user", "content": "Now name a river."}],
        weir.SamplingOptions(temperature=0), max_tokens=16)
    assert generation.text() == second["text"]


def test_commands_and_continued_lines(weir_program, smollm2):
    lines = "/help\n/nonsense\n/system You are a pirate.\nOne line \\\nand another\n"
    result = subprocess.run([weir_program, "chat", smollm2, *ARGS], input=lines,
                            capture_output=True, text=True, timeout=300, check=False)
    assert result.returncode == 0
    assert "/reset" in result.stdout
    assert "no command /nonsense" in result.stderr
    assert len(re.findall(r"\[\d+ tokens, [\d.]+ tokens/s; .* KV [\d.]+ \wB\]", result.stdout)) == 1


class Terminal:
    """A pseudo-terminal that runs a command, and reads until something shows."""

    def __init__(self, command, environment):
        self.pid, self.fd = pty.fork()
        if self.pid == 0:
            os.execve(command[0], command, {**os.environ, "TERM": "xterm", **environment})
        self.seen = ""

    def wait_for(self, pattern, seconds=120):
        end = time.monotonic() + seconds
        while not (found := re.search(pattern, self.seen)):
            assert time.monotonic() < end, f"no {pattern!r} in {self.seen!r}"
            if select.select([self.fd], [], [], 1)[0]:
                self.seen += os.read(self.fd, 65536).decode(errors="replace")
        self.seen = self.seen[found.end():]
        return found

    def type(self, text):
        time.sleep(0.3)  # As a person would: the terminal's mode changes as the prompt shows.
        os.write(self.fd, text.encode())

    def end(self):
        while True:
            try:
                if not os.read(self.fd, 65536):
                    break
            except OSError:
                break
        return os.waitstatus_to_exitcode(os.waitpid(self.pid, 0)[1])


@pytest.fixture
def terminal(weir_program, smollm2, tmp_path):
    def start(*arguments):
        return Terminal([str(weir_program), *map(str, arguments)],
                        {"XDG_STATE_HOME": str(tmp_path), "LC_ALL": "C.UTF-8"})
    return start


def test_the_terminal(terminal, smollm2, tmp_path):
    t = terminal("chat", smollm2, "--temperature", "0", "--max-model-len", "2048")
    t.wait_for("> ")
    t.type("Hallo, schön\x03")  # Ctrl-C drops the line,
    t.wait_for(r"\^C")
    t.wait_for("> ")
    t.type("Write a very long story about a river.\r")
    t.wait_for(r"river\.\r\n")  # The echo, which is no answer yet.
    t.wait_for("[A-Za-z]{3,} [a-z]+ [a-z]+ [a-z]+")
    os.kill(t.pid, signal.SIGINT)  # and interrupts an answer.
    t.wait_for(r"\[\d+ tokens, .*\] interrupted")
    t.wait_for("> ")
    t.type("\x1b[A")  # The line before this one.
    t.wait_for("Write a very long story")
    t.type("\x03")
    t.wait_for("> ")
    t.type("\x04")
    assert t.end() == 0
    assert "story" in (tmp_path / "weir/history").read_text()


def test_interrupting_a_run(terminal, smollm2):
    t = terminal("run", smollm2, "Write a very long story about a river.", "--temperature", "0")
    t.wait_for("[A-Za-z]{3,} [a-z]+ [a-z]+")
    os.kill(t.pid, signal.SIGINT)
    assert t.end() == 130
