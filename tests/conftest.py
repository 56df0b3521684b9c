"""What all Python tests share: where the program and the models are, and a served model.

WEIR_BUILD names the build directory (build/release), WEIR_TEST_MODELS the models' (the cache
directory that `weir model pull` uses).
"""

import os
import re
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
BUILD = Path(os.environ.get("WEIR_BUILD", ROOT / "build/release")).resolve()
sys.path.insert(0, str(BUILD / "python"))  # The module as it was built, where it was.


def cache_directory():
    if "WEIR_CACHE" in os.environ:
        return Path(os.environ["WEIR_CACHE"])
    return Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache")) / "weir"


@pytest.fixture(scope="session")
def build_dir():
    return BUILD


@pytest.fixture(scope="session")
def models_dir():
    return Path(os.environ.get("WEIR_TEST_MODELS", cache_directory() / "models"))


@pytest.fixture(scope="session")
def weir_program(build_dir):
    program = build_dir / "weir"
    assert program.exists(), f"{program} is missing: make build"
    return program


@pytest.fixture(scope="session")
def smollm2(models_dir):
    """The file of the default model."""
    path = models_dir / "smollm2.gguf"
    assert path.exists(), f"{path} is missing: weir model pull smollm2"
    return path


class Served:
    """A `weir serve` that runs: its address, and what it prints."""

    def __init__(self, program, *arguments):
        self.process = subprocess.Popen(
            [program, "serve", *arguments],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        self.lines = []
        self.url = None
        for line in self.process.stdout:
            self.lines.append(line)
            if found := re.search(r"serving .* on (http://\S+)", line):
                self.url = found[1]
                break
        assert self.url, "weir serve did not start: " + "".join(self.lines)
        # Nobody may be blocked by a full pipe.
        self.reader = threading.Thread(target=self.lines.extend, args=(self.process.stdout,))
        self.reader.start()

    def stop(self):
        """SIGTERM; the exit code."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        code = self.process.wait(60)
        self.reader.join()
        return code


@pytest.fixture(scope="session")
def serve(weir_program):
    """serve(arguments...) starts a server; all end with the session."""
    running = []

    def start(*arguments):
        running.append(Served(weir_program, *arguments))
        return running[-1]

    yield start
    for served in running:
        served.stop()


@pytest.fixture(scope="session")
def served_smollm2(serve, smollm2):
    return serve(
        str(smollm2), "--served-model-name", "smollm2", "--port", "0", "--max-model-len", "2048"
    )
