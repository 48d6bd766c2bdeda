"""Many groups: single numbers do not wait for them, and their effects need few nodes."""

from typing import Any

import numpy as np
import pandas as pd
import pytest

import bayes_sf as sf
from bayes_sf.engines.gaussian.exact import ExactPosterior
from bayes_sf.engines.gaussian.mixture import NormalMixture

SPEC = sf.ModelSpec("y", ("x",), group="g")


@pytest.fixture(scope="module")
def result() -> Any:
    rng = np.random.default_rng(8)
    code = np.repeat(np.arange(130), rng.integers(1, 6, 130))
    x = rng.normal(size=len(code))
    y = 2 + 0.4 * x + 0.7 * rng.normal(size=130)[code] + rng.normal(size=len(code))
    return sf.fit(SPEC, pd.DataFrame({"y": y, "x": x, "g": code}))


def test_single_numbers_ask_for_no_group(result: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    fresh = sf.fit(SPEC, result.data)
    monkeypatch.setattr(ExactPosterior, "ranef", property(lambda _: pytest.fail("asked")))
    monkeypatch.setattr(ExactPosterior, "_groups", lambda *_: pytest.fail("asked"))
    assert list(fresh.fixef().index) == ["(Intercept)", "x"]
    assert 0 < fresh.icc()["mean"] < 1
    assert fresh.icc(adjusted=False)["mean"] < fresh.icc()["mean"]


def test_single_numbers_are_those_of_the_table(result: Any) -> None:
    table = result.estimates[result.estimates["group"] == ""].set_index("term")
    fixed = result.fixef()
    pd.testing.assert_frame_equal(table.loc[fixed.index, fixed.columns], fixed)
    assert result.icc()["mean"] == table.loc["icc", "estimate"]


def test_effects_on_few_nodes_are_those_on_all(result: Any) -> None:
    """A hundred-thousandth of a posterior sd, with a third of the nodes or fewer."""
    (part,) = result.fitted.parts
    few = part.ranef
    full = ExactPosterior(part.moments, part.priors, part.log_evidence, part.grid)
    full.__dict__["_group_grid"] = part.grid
    everything = full.ranef
    assert few.means.shape[1] < everything.means.shape[1] / 3
    sd = everything.sd()
    np.testing.assert_allclose(few.mean() / sd, everything.mean() / sd, atol=1e-5)
    np.testing.assert_allclose(few.sd(), sd, rtol=1e-5)
    difference = few.quantile([0.025, 0.975]) - everything.quantile([0.025, 0.975])
    assert np.abs(difference / sd[:, None]).max() < 1e-5


def test_blocks_give_what_the_whole_gives(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(1)
    mixture = NormalMixture(
        np.full(6, 1 / 6), rng.normal(size=(11, 6)), rng.uniform(0.1, 2, size=(11, 6))
    )
    whole = mixture.quantile([0.1, 0.8]), mixture.cdf(0.0), mixture.sd()
    monkeypatch.setattr("bayes_sf.engines.gaussian.mixture._BLOCK", 24)  # four rows at a time
    for found, expected in zip(
        (mixture.quantile([0.1, 0.8]), mixture.cdf(0.0), mixture.sd()), whole, strict=True
    ):
        np.testing.assert_allclose(found, expected, rtol=1e-12)
