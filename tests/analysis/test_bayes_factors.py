"""Bayes factors: two ways against each other, and both against the marginal density of the rows."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from scipy import stats

import bayes_sf as sf
from bayes_sf.analysis.size.bayes_factors import (
    METHODS,
    bayes_factors,
    evidence_ratio,
    savage_dickey,
)
from bayes_sf.engines.gaussian.posterior import Posterior
from bayes_sf.errors import UsageError

WEAK = (0.1, 1.0, 10.0)


@pytest.fixture(scope="module")
def df() -> pd.DataFrame:
    rng = np.random.default_rng(11)
    n, g = 60, np.repeat(list("abcde"), [4, 8, 12, 16, 20])
    level = pd.Series(g).map(dict(zip("abcde", rng.normal(size=5), strict=True))).to_numpy()
    x, w = rng.normal(size=n) + 0.5 * level, rng.normal(50, 10, size=n)
    return pd.DataFrame({"y": 6 + level + 0.3 * x + rng.normal(size=n), "x": x, "w": w, "g": g})


SPEC = sf.ModelSpec("y", predictors=("x", "w"), group="g")


@pytest.mark.parametrize("term", ["x", "w"])
@pytest.mark.parametrize(
    "slope",
    [
        sf.Prior("normal", scale=2.5),
        sf.Prior("normal", scale=0.3),
        sf.Prior("normal", scale=0.7, location=0.2, autoscale=False),
        sf.Prior("flat"),
    ],
    ids=str,
)
def test_both_ways_agree(df: pd.DataFrame, term: str, slope: sf.Prior) -> None:
    """Whatever prior was fitted: the tested slope's is replaced, the other's stays in both."""
    result = sf.fit(replace(SPEC, priors=sf.Priors(slope=slope)), df)
    np.testing.assert_allclose(
        savage_dickey(result, term), evidence_ratio(result, term), rtol=0, atol=1e-6
    )


def marginal(df: pd.DataFrame, width: float | None, nodes: int = 160) -> float:
    """ln p(y), from the normal density of the rows themselves and a plain grid.

    The intercept is at the mean of x, with sd 2.5 sd(y); sigma and tau are half-t(3, 0, sd(y)), and
    nodes are Gauss-Legendre in their prior probabilities.
    """
    y, x = df["y"].to_numpy(), df["x"].to_numpy() - df["x"].mean()
    member = pd.get_dummies(df["g"]).to_numpy(dtype=float)
    u, w = np.polynomial.legendre.leggauss(nodes)
    spread = y.std(ddof=1)
    scale = spread * stats.t.ppf(0.5 + 0.25 * (u + 1), 3)
    slope = 0.0 if width is None else (width * spread / x.std(ddof=1)) ** 2
    fixed = (2.5 * spread) ** 2 + slope * np.outer(x, x)
    cov = (
        scale[:, None, None, None] ** 2 * np.eye(len(y))
        + scale[:, None, None] ** 2 * (member @ member.T)
        + fixed
    )  # (sigma, tau, n, n)
    log = -0.5 * np.linalg.slogdet(cov)[1] - 0.5 * len(y) * np.log(2 * np.pi)
    e = y - y.mean()
    log -= 0.5 * np.einsum("i,stij,j->st", e, np.linalg.inv(cov), e)
    peak = log.max()
    return float(peak + np.log((0.25 * np.outer(w, w) * np.exp(log - peak)).sum()))


def test_both_are_the_ratio_of_marginal_densities(df: pd.DataFrame) -> None:
    small = df.iloc[::5][["y", "x", "g"]]
    result = sf.fit(sf.ModelSpec("y", predictors=("x",), group="g"), small)
    null = marginal(small, None)
    wanted = [null - marginal(small, width) for width in WEAK]
    assert max(np.abs(wanted)) > 1
    for method in (savage_dickey, evidence_ratio):
        np.testing.assert_allclose(method(result, "x", WEAK)[0], wanted, rtol=0, atol=1e-6)


def test_the_fitted_width_is_density_over_prior_density(df: pd.DataFrame) -> None:
    result = sf.fit(SPEC, df)
    prior_sd = 2.5 * df["y"].std() / df["x"].std()
    wanted = result.fitted.coef.density(0.0)[1] / stats.norm.pdf(0, 0, prior_sd)
    assert bayes_factors([(result, "x")], [2.5])["bf01"][0] == pytest.approx(wanted, rel=1e-9)


def test_units_do_not_matter(df: pd.DataFrame) -> None:
    other = df.assign(y=100 * df["y"] + 3, x=0.01 * df["x"])
    found = [savage_dickey(sf.fit(SPEC, data), "x") for data in (df, other)]
    np.testing.assert_allclose(*found, atol=1e-6)


def test_limits(df: pd.DataFrame) -> None:
    """A prior at zero is the null model; every tenfold of a wide one favours the null tenfold."""
    log = savage_dickey(sf.fit(SPEC, df), "x", [1e-5, 1e3, 1e4])[0]
    assert log[0] == pytest.approx(0, abs=1e-6)
    assert log[2] - log[1] == pytest.approx(np.log(10), abs=1e-3)


def test_strong_slopes_count_against_the_null(df: pd.DataFrame) -> None:
    strong = sf.fit(SPEC, df.assign(y=df["y"] + 0.5 * df["x"]))
    log = savage_dickey(strong, "x")[0]
    assert log[1:].max() < -13
    np.testing.assert_allclose(log, evidence_ratio(strong, "x")[0], rtol=0, atol=1e-6)
    # Where the density at 0 is that of a sigma outside the fitted box, it comes out too small.
    stronger = sf.fit(SPEC, df.assign(y=df["y"] + 3 * df["x"]))
    found, right = (way(stronger, "x")[0] for way in (savage_dickey, evidence_ratio))
    assert (found < right).all()
    assert right.max() < -30


def test_data_sets_are_averaged_not_their_evidence(df: pd.DataFrame) -> None:
    """The average is of BF01, whatever the number of rows, hence the evidence, of each."""
    parts = [sf.fit(SPEC, data) for data in (df, df.iloc[10:])]
    both = replace(parts[0], fitted=Posterior(tuple(p.fitted.parts[0] for p in parts)))
    single = [np.exp(savage_dickey(part, "x", WEAK)[0]) for part in parts]
    for method in METHODS:
        table = bayes_factors([(both, "x")], WEAK, method=method)
        np.testing.assert_allclose(table["bf01"], np.mean(single, axis=0), rtol=1e-6)
        np.testing.assert_allclose(table["lowest"], np.min(single, axis=0), rtol=1e-6)
        np.testing.assert_allclose(table["highest"], np.max(single, axis=0), rtol=1e-6)
        np.testing.assert_allclose(table["p_null"], table["bf01"] / (1 + table["bf01"]))
        np.testing.assert_allclose(table["bf01"] * table["bf10"], 1)
        assert set(table["n_data"]) == {2}


def test_published_study() -> None:
    """The real q13: the verdict depends on the prior's width, not on what rounding leaves open."""
    result = sf.fit(sf.load_analysis("q13").specs[0], sf.load_sample("published"))
    table = bayes_factors([(result, "q13")]).set_index("width")
    assert table.loc[0.1, "bf01"] < 1 / 2 < 2 < table.loc[2.5, "bf01"]
    assert (table["highest"] / table["lowest"]).max() < 1.1
    again = bayes_factors([(result, "q13")], [2.5], method="evidence")
    assert again["log_bf01"][0] == pytest.approx(table.loc[2.5, "log_bf01"], abs=1e-6)


@pytest.mark.parametrize("widths", [[0.0], [-1.0], [np.inf], [np.nan], [[1.0]]])
def test_widths_that_are_none(df: pd.DataFrame, widths: list[float]) -> None:
    with pytest.raises(UsageError, match="positive"):
        savage_dickey(sf.fit(SPEC, df), "x", widths)


def test_what_cannot_be_meant(df: pd.DataFrame) -> None:
    with pytest.raises(UsageError, match="no such predictor"):
        savage_dickey(sf.fit(SPEC, df), "z")
    with pytest.raises(UsageError, match="no such predictor"):
        savage_dickey(sf.fit(SPEC, df), "(Intercept)")
    with pytest.raises(UsageError, match="exact"):
        savage_dickey(sf.fit(SPEC, df, engine="reml"), "x")
    with pytest.raises(UsageError, match="savage-dickey, evidence"):
        bayes_factors([(sf.fit(SPEC, df), "x")], method="kde")
