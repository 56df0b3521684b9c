"""What the tests of this folder share."""

import pytest

import tiny_models


@pytest.fixture(scope="session")
def tiny(tmp_path_factory):
    """Paths of the tiny models by name."""
    return tiny_models.make_all(tmp_path_factory.mktemp("tiny"))
