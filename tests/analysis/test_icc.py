"""Unadjusted ICC: against the variances written out."""

import numpy as np
import pandas as pd
import pytest
import xarray as xr

import bayes_sf as sf


def frame() -> pd.DataFrame:
    rng = np.random.default_rng(8)
    code = np.repeat(np.arange(6), 20)
    x = rng.normal(size=120) + 0.3 * code
    y = 2 * x + rng.normal(size=6)[code] + rng.normal(size=120)
    return pd.DataFrame({"y": y, "x": x, "z": rng.normal(size=120), "g": code.astype(str)})


SPEC = sf.ModelSpec("y", ("x", "z"), "g")


def test_unadjusted_icc_of_reml_is_that_of_its_variances() -> None:
    result = sf.fit(SPEC, frame(), engine="reml")
    fixed, df = result.fixef()["estimate"], frame()
    explained = np.var(fixed["x"] * df["x"] + fixed["z"] * df["z"])
    spread = result.estimates.set_index("term")["estimate"]
    between, within = spread["sd_group"] ** 2, spread["sd_resid"] ** 2
    expected = between / (between + within + explained)
    assert result.icc(adjusted=False)["estimate"] == pytest.approx(expected)
    assert expected < result.icc()["estimate"]


def _shares(draws: xr.Dataset, df: pd.DataFrame) -> np.ndarray:
    beta = draws["beta"].to_numpy().reshape(-1, 3)
    explained = (beta[:, 1:] @ df[["x", "z"]].to_numpy().T).var(axis=1)
    between, within = (draws[n].to_numpy().ravel() ** 2 for n in ("sd_group", "sd_resid"))
    return between / (between + within + explained)


def test_unadjusted_icc_of_a_posterior_is_that_of_its_draws() -> None:
    result, df = sf.fit(SPEC, frame()), frame()
    values = _shares(
        result.draws(20_000, rows=False)["posterior"].to_dataset(), df
    )  # those of `icc`
    tails = np.quantile(values, [0.5, 0.025, 0.975])
    expected = dict(zip(("median", "lower", "upper"), tails, strict=True))
    variance = ((values - values.mean()) ** 2).sum() / 19_999
    expected |= {"mean": values.mean(), "sd": np.sqrt(variance)}
    found = result.icc(adjusted=False)
    assert {name: found[name] for name in expected} == pytest.approx(expected, rel=1e-9)
    assert found["upper"] < result.icc()["upper"]
    assert np.isnan(found["prior_median"])


def test_without_predictors_both_are_the_same() -> None:
    result = sf.fit(sf.ModelSpec("y", (), "g"), frame(), engine="reml")
    assert result.icc(adjusted=False) == pytest.approx(result.icc())
