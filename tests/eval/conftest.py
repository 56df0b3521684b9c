import subprocess

import pytest


@pytest.fixture(scope="session")
def run(weir_program, smollm2):
    """run(words...) is `weir eval` of the default model."""
    def start(*words):
        return subprocess.run([weir_program, "eval", smollm2, *map(str, words)],
                              capture_output=True, text=True, timeout=900, check=False)
    return start
