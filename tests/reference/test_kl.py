"""The integer path stays close to the reference on real text."""

import pytest

import accuracy
import real_models

MEAN_KL_MAX = 0.01


@pytest.mark.parametrize("name", real_models.NAMES)
def test_divergence(name):
    result = accuracy.measure(name, real_models.path_of(name))
    print(accuracy.page([result]))
    assert len(result.divergences) > 2000
    assert 0 <= result.divergences.mean() < MEAN_KL_MAX
    # A broken position hides in a mean; a sequence that went wrong does not hide here.
    assert result.divergences.max() < 100 * MEAN_KL_MAX
    assert result.perplexity[1] == pytest.approx(result.perplexity[0], rel=0.02)
