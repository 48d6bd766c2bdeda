"""Rankings come with their probability: against symmetry and a normal integral."""

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from bayes_sf.analysis.ranking import end_probabilities
from bayes_sf.engines.fit import fit
from bayes_sf.engines.result import Result
from bayes_sf.errors import UsageError
from bayes_sf.spec.model import ModelSpec

GROUPS = ("a", "b", "c", "d")


def fitted(means: tuple[float, ...], size: int = 12) -> Result:
    """Groups with exactly these means."""
    noise = np.random.default_rng(2).normal(size=size)
    noise -= noise.mean()
    rows = [(g, m + e) for g, m in zip(GROUPS, means, strict=False) for e in noise]
    return fit(ModelSpec("y", group="g", name="m"), pd.DataFrame(rows, columns=["g", "y"]))


def test_groups_that_are_alike_are_as_probably_the_lowest() -> None:
    """Four equal means: a quarter each, within four Monte Carlo errors."""
    found = end_probabilities(fitted((1.0, 1.0, 1.0, 1.0)), GROUPS)
    error = 4 * np.sqrt(0.25 * 0.75 / 10_000)
    assert np.allclose(list(found.values()), 0.25, atol=error)


def test_two_of_four_that_are_not_told_apart() -> None:
    """Against the normal integral for the difference of the two, given the variances."""
    result = fitted((0.0, 0.3, 3.0, 5.0))
    found = end_probabilities(result, GROUPS, seed=4)
    assert sum(low for low, _ in found.values()) == pytest.approx(1)
    assert sum(high for _, high in found.values()) == pytest.approx(1)
    assert found["d"] == (0.0, 1.0)
    # Given the variances, the difference of a and b is normal: its mean and variance are shrunk.
    draws = result.draws(40_000, seed=9, rows=False)["posterior"]
    spread, noise = (draws[name].to_numpy().ravel() for name in ("sd_group", "sd_resid"))
    weight = spread**2 / (spread**2 + noise**2 / 12)
    below = stats.norm.cdf(0.3 * weight / np.sqrt(2 * weight * noise**2 / 12))
    assert found["a"][0] == pytest.approx(below.mean(), abs=4 * 0.5 / np.sqrt(10_000))
    assert 0.6 < found["a"][0] < 0.95


def test_only_groups_of_the_model_are_ranked() -> None:
    result = fitted((1.0, 2.0))
    for groups in (("a",), ("a", "nobody")):
        with pytest.raises(UsageError, match="two or more of the model's"):
            end_probabilities(result, groups)
    assert end_probabilities(result, ("b", "a"))["b"][1] > 0.5
