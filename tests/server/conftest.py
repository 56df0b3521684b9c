"""Servers for tests: the fake model's, which starts at once, and the real one's."""

import re
import signal
import subprocess
import threading

import pytest


class Server:
    def __init__(self, command):
        self.process = subprocess.Popen(
            [str(part) for part in command],
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        self.port = self._read_port()
        # Logs go on; nobody else empties the pipe.
        self._drain = threading.Thread(target=lambda: self.process.stdout.read(), daemon=True)
        self._drain.start()

    def _read_port(self):
        for line in self.process.stdout:
            if found := re.search(r"serving .* on http://[^ ]*:(\d+)", line):
                return int(found.group(1))
        raise RuntimeError(f"the server ended: {self.process.wait()}")

    @property
    def url(self):
        return f"http://127.0.0.1:{self.port}"

    @property
    def alive(self):
        return self.process.poll() is None

    def signal(self, number=signal.SIGTERM):
        self.process.send_signal(number)

    def wait(self, timeout=60):
        return self.process.wait(timeout)

    def stop(self):
        if self.alive:
            self.process.kill()
        self.process.wait()


@pytest.fixture(scope="session")
def start_fake(build_dir):
    """start_fake("--api-key", "k", ...) -> Server; it ends with the session."""
    started = []

    def start(*arguments):
        server = Server([build_dir / "fake_server", *arguments])
        started.append(server)
        return server

    yield start
    for server in started:
        server.stop()


@pytest.fixture(scope="module")
def fake(start_fake):
    server = start_fake()
    yield server
    assert server.alive, "a test ended the server"
    server.stop()


@pytest.fixture(scope="module")
def real(build_dir):
    """`weir serve smollm2`; tests that use it are skipped where it is not there."""
    binary = build_dir / "weir"
    if not binary.exists():
        pytest.skip(f"{binary} is not built")
    if (
        "smollm2"
        not in subprocess.run([binary, "model", "list"], capture_output=True, text=True).stdout
    ):
        pytest.skip("smollm2 is not known")
    server = Server([binary, "serve", "smollm2", "--port", "0", "--threads", "2"])
    yield server
    assert server.alive, "a test ended the server"
    server.stop()
