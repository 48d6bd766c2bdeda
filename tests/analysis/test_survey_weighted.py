"""Survey weights: against brute force, against rows and groups written out, and refusals."""

from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy.integrate import quad_vec
from scipy.optimize import approx_fprime, minimize
from scipy.stats import norm

import bayes_sf as sf
from bayes_sf.errors import BayesSFError, DataError, UsageError

FORMULA = "y ~ x + (1 | g)"


def sample(groups: int = 14, seed: int = 3) -> pd.DataFrame:
    """Groups of two to nine rows, with weights of rows and of groups."""
    rng = np.random.default_rng(seed)
    code = np.repeat(np.arange(groups), rng.integers(2, 10, groups))
    x, u = rng.normal(size=len(code)), 2 * rng.normal(size=groups)
    return pd.DataFrame({
        "y": 1 + 0.5 * x + u[code] + rng.normal(size=len(code)), "x": x,
        "g": [f"g{j:02}" for j in code], "w": rng.integers(1, 4, len(code)).astype(float),
        "W": rng.integers(1, 4, groups)[code].astype(float),
    })  # fmt: skip


def pseudo(df: pd.DataFrame, place: np.ndarray) -> np.ndarray:
    """Pseudo-log likelihood of every group, its integral over u taken numerically."""
    *coef, log_group, log_resid = place
    found = []
    for _, own in df.groupby("g", sort=True):
        r, w = (own["y"] - coef[0] - coef[1] * own["x"]).to_numpy(), own["w"].to_numpy()

        def density(u: float, r: np.ndarray = r, w: np.ndarray = w) -> float:
            inside = (w * norm.logpdf(r - u, scale=np.exp(log_resid))).sum()
            return float(np.exp(inside + norm.logpdf(u, scale=np.exp(log_group)) + 20))

        whole, _ = quad_vec(density, -15, 15, epsabs=0, epsrel=1e-10, points=[float(r.mean())])
        found.append(own["W"].iloc[0] * (np.log(whole) - 20))
    return np.array(found)


@pytest.mark.slow  # twenty thousand integrals
def test_ml_and_its_sandwich_are_brute_force() -> None:
    df = sample(groups=8)
    df["w"] *= df.groupby("g")["w"].transform("size") / df.groupby("g")["w"].transform("sum")
    table = sf.survey_weighted(FORMULA, df, weights="w", group_weights="W", engine="ml")
    start = np.array([1.0, 0.5, 0.5, 0.0])
    best = minimize(lambda p: -pseudo(df, p).sum(), start, method="BFGS", options={"gtol": 1e-5})
    group, resid = np.exp(best.x[2:])
    expected = [*best.x[:2], group, resid, group**2 / (group**2 + resid**2)]
    np.testing.assert_allclose(table["estimate"], expected, rtol=2e-5)
    scores = approx_fprime(best.x, lambda p: pseudo(df, p), 1e-6)
    meat = scores.T @ scores * 8 / 7

    def gradient(place: np.ndarray) -> np.ndarray:
        return approx_fprime(place, lambda p: pseudo(df, p).sum(), 1e-5)

    bread = np.linalg.inv(-approx_fprime(best.x, gradient, 1e-4))
    error = np.sqrt(np.diag(bread @ meat @ bread))
    shown = table["sd"].to_numpy()[:4] / [1, 1, group, resid]
    np.testing.assert_allclose(shown, error, rtol=2e-3)  # finite differences of differences


@pytest.mark.parametrize("engine", ["ml", "exact"])
def test_whole_weights_are_rows_and_groups_written_out(engine: str) -> None:
    """Row weights unscaled: each row so many times; group weights: each group so many times."""
    df = sample()
    times, copies = df["w"].to_numpy(int), df["W"].to_numpy(int)
    out = df.iloc[np.repeat(np.arange(len(df)), times * copies)]
    copy = out.groupby(level=0).cumcount() % out["W"].astype(int)
    out = out.assign(g=out["g"] + "." + copy.astype(str)).reset_index(drop=True)
    options: Any = {"group_weights": "W", "engine": engine}
    options |= {} if engine == "ml" else {"priors": sf.Priors.flat()}  # which count for no row
    table = sf.survey_weighted(FORMULA, df, weights="w", scaling="none", **options)
    fitted = sf.fit(FORMULA, out, engine="ml").estimates.set_index("term")
    expected = fitted.loc[["(Intercept)", "x", "sd_(Intercept)|g", "sd_resid", "icc"]]
    if engine == "exact":  # close to the highest point, and as wide as the sandwich
        away = np.abs(table["estimate"] - expected["estimate"].to_numpy())
        assert (away < 0.1 * table["sd"]).iloc[:2].all()
        by_ml = sf.survey_weighted(FORMULA, df, weights="w", group_weights="W", scaling="none",
                                   engine="ml")  # fmt: skip
        np.testing.assert_allclose(table["sd"].iloc[:2], by_ml["sd"].iloc[:2], rtol=1e-6)
        return
    np.testing.assert_allclose(table["estimate"], expected["estimate"], rtol=1e-6)
    # inverse informations, of as many rows as there are here, and as are written out there
    wider = expected["sd"].iloc[:2] * np.sqrt(len(out) / len(df))
    np.testing.assert_allclose(table["sd_unadjusted"].iloc[:2], wider, rtol=2e-3)


def test_equal_weights_are_none() -> None:
    """Means and unadjusted sds of the exact posterior, within Monte Carlo error of 20,000."""
    df = sample().assign(one=1.0)
    table = sf.survey_weighted(FORMULA, df, group_weights="one", draws=20_000)
    plain = sf.fit(FORMULA, df).estimates
    plain = plain[plain["group"] == ""].set_index("term").loc[table.index]
    error = plain["sd"] / np.sqrt(20_000)
    assert (np.abs(table["estimate"] - plain["estimate"]) < 4 * error).all()
    np.testing.assert_allclose(table["sd_unadjusted"], plain["sd"], rtol=0.04)  # heavy right tails
    assert table.attrs == {
        "n": len(df), "groups": 14, "scaling": "size", "interval": "credible-eti", "prob": 0.95,
        "priors": table.attrs["priors"], "singular": False,
    }  # fmt: skip
    assert "half-t" in table.attrs["priors"]


def test_units_of_weights_are_nothing() -> None:
    df = sample()
    other = df.assign(w=df["w"] * 7, W=df["W"] / 3)
    options: Any = {"weights": "w", "group_weights": "W", "draws": 400}
    for engine in ("ml", "exact"):
        one, two = (sf.survey_weighted(FORMULA, d, engine=engine, **options) for d in (df, other))
        np.testing.assert_allclose(one, two, rtol=1e-8)


def test_no_variance_between_groups_has_no_interval() -> None:
    df = sample()
    level = df.groupby("g")["y"].transform("mean")
    df = df.assign(y=df["y"] - level + np.arange(len(df)) % 2 * 1e-3)
    for engine in ("ml", "exact"):
        table = sf.survey_weighted("y ~ 1 + (1 | g)", df, weights="w", scaling="none",
                                   engine=engine)  # fmt: skip
        assert table.attrs["singular"]
        assert table.loc[["sd_group", "icc"], ["sd", "lower", "upper"]].isna().all(axis=None)
        assert np.isfinite(table.loc[["(Intercept)", "sd_resid"]]).all(axis=None)


REFUSED: dict[str, tuple[dict[str, Any], type[BayesSFError], str]] = {
    "nothing": ({}, UsageError, "needs weights"),
    "scaling": ({"weights": "w", "scaling": "cluster"}, UsageError, "size, effective, none"),
    "engine": ({"weights": "w", "engine": "reml"}, UsageError, "exact, ml"),
    "priors": (
        {"weights": "w", "engine": "ml", "priors": sf.Priors()},
        UsageError,
        "are of engine",
    ),
    "draws": ({"weights": "w", "draws": 3}, UsageError, "whole number from"),
    "a column": ({"weights": "ww"}, DataError, "is not in the data"),
    "a list": ({"weights": ["w"]}, UsageError, "must name a column"),
    "imputed": ({"weights": "w", "missing": "model"}, UsageError, "drop, error"),
    "zero": ({"weights": "zero"}, DataError, "must be positive"),
    "the same": ({"weights": "W"}, DataError, "must vary within groups"),
    "differ": ({"group_weights": "w"}, DataError, "same in all rows of a group"),
    "gaps": ({"weights": "hole", "missing": "error"}, DataError, "no gap"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_is_refused(case: str) -> None:
    options, error, says = REFUSED[case]
    df = sample().assign(zero=0.0, hole=lambda d: d["w"].where(d.index > 0))
    with pytest.raises(error, match=says):
        sf.survey_weighted(FORMULA, df, **options)


@pytest.mark.parametrize("engine", ["ml", "exact"])
def test_a_sandwich_needs_more_groups_than_parameters(engine: str) -> None:
    """b (2), sd_group and sd_resid: scores of five groups have four directions, of four three."""
    df = sample(groups=5)
    assert len(sf.survey_weighted(FORMULA, df, weights="w", engine=engine)) == 5
    with pytest.raises(DataError, match="more groups than parameters"):
        sf.survey_weighted(FORMULA, df[df["g"] != "g04"], weights="w", engine=engine)


def test_other_models_are_refused() -> None:
    with pytest.raises(UsageError, match="random intercept of columns"):
        sf.survey_weighted("y ~ x + (1 + x | g)", sample(), weights="w")


@pytest.mark.slow
def test_informative_samples_are_mended() -> None:
    """Recorded in `tests/studies/survey.csv`: bias without weights, and coverage with them."""
    from tests.studies.survey import TRUTH, drawn

    found = []
    for seed in range(1000, 1060):
        df = drawn(seed)
        table = sf.survey_weighted("y ~ x + (1 | g)", df, weights="w", group_weights="W",
                                   prob=0.9, engine="ml")  # fmt: skip
        plain = sf.fit("y ~ x + (1 | g)", df, engine="ml").fixef()
        found.append((
            plain.loc["(Intercept)", "estimate"] - TRUTH["(Intercept)"],
            table.loc["(Intercept)", "estimate"] - TRUTH["(Intercept)"],
            table.loc["x", "lower"] <= TRUTH["x"] <= table.loc["x", "upper"],
        ))  # fmt: skip
    without, weighted, held = np.mean(found, axis=0)
    assert without > 1.0
    assert abs(weighted) < 0.15
    assert held > 0.8  # 90 % less three binomial standard errors of 60
