"""What the tests of this folder share."""

import sys
from pathlib import Path

import pytest

import tiny_models

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "bench"))  # certified.py's observer.


@pytest.fixture(scope="session")
def tiny(tmp_path_factory):
    """Paths of the tiny models by name."""
    return tiny_models.make_all(tmp_path_factory.mktemp("tiny"))


@pytest.fixture(scope="session")
def engine(smollm2):
    """SmolLM2 whose cache holds keys and values as they were computed, without rounding."""
    import weir

    with weir.Engine(str(smollm2), max_model_len=1024, threads=2, kv_cache_dtype="f32") as engine:
        yield engine
