"""Workplaces without an outcome, delta pp from what is expected: against brute force."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

import bayes_sf as sf
from bayes_sf.analysis.missing.tipping import tipping_points
from bayes_sf.analysis.missing.unobserved import shift_effects, shifted_slopes
from bayes_sf.engines.gaussian.exact import fit_exact
from bayes_sf.inputs.codebook import load_codebook
from bayes_sf.inputs.sample import AnalysisSample
from bayes_sf.recovery.answers import item_answers
from bayes_sf.spec.moments import Moments
from bayes_sf.spec.prior import Prior
from bayes_sf.spec.priors import Priors

TIGHT = Priors(slope=Prior("normal", 0.3))  # a prior that shows


def workplaces(n: int = 120) -> pd.DataFrame:
    """Rows of four groups of unequal sizes, a fourth of them without an outcome."""
    rng = np.random.default_rng(3)
    df = pd.DataFrame({"g": rng.choice(list("abcd"), n, p=[0.4, 0.3, 0.2, 0.1])})
    df["x"] = rng.integers(0, 5, n).astype(float)
    df["gone"] = rng.random(n) < 0.1 + 0.1 * df["x"]  # those with high answers more often
    level = df["g"].map({"a": 4.0, "b": 5.0, "c": 7.0, "d": 6.0})
    df["y"] = level - 0.4 * df["x"] + rng.normal(0, 1, n)
    return df


def moments(df: pd.DataFrame) -> Moments:
    return Moments.from_frame(df, outcome="y", predictors=["x"], group="g")


def test_shift_is_that_of_generalised_least_squares_on_rows() -> None:
    """At every node: dense matrices of all rows, with the V and the prior that the node has."""
    df = workplaces()
    part = fit_exact(moments(df[~df["gone"]]), TIGHT)
    found = shifted_slopes(part, moments(df.assign(y=0.0)))
    design = np.column_stack([np.ones(len(df)), df["x"]])
    same = (df["g"].to_numpy()[:, None] == df["g"].to_numpy()).astype(float)
    seen = df.loc[~df["gone"]]
    slope = TIGHT.slope.scale * seen["y"].std() / seen["x"].std()
    # The intercept's prior holds at the mean of x: as a row of the precision matrix.
    at_mean = np.array([1.0, seen["x"].mean()])
    prior = np.outer(at_mean, at_mean) / part.priors.intercept.scale**2
    prior[1, 1] += slope**-2
    sigma, tau = (part.spread_values(name).ravel() for name in ("sd_resid", "sd_group"))
    for node in (0, len(sigma) // 3, len(sigma) // 2, len(sigma) - 1):
        inverse = np.linalg.inv(sigma[node] ** 2 * np.eye(len(df)) + tau[node] ** 2 * same)
        pull = design.T @ inverse @ df["gone"].to_numpy(dtype=float)
        expected = np.linalg.solve(design.T @ inverse @ design + prior, pull)
        assert found[:, node] == pytest.approx(expected, rel=1e-6, abs=1e-9)


def test_shift_is_what_imputation_gives() -> None:
    """Outcomes drawn from the posterior, moved by delta, refitted: the mean moves as much.

    Same draws with and without delta, so that their noise cancels. What is left is that a refit
    has larger sds: of second order in delta, and below 3 percent here.
    """
    df, delta = workplaces(), 0.5
    gone, seen = df[df["gone"]], df[~df["gone"]]
    part = fit_exact(moments(seen))
    rng = np.random.default_rng(8)
    centre, spread = part.coef.means, part.coef.sds
    moved = []
    for node in rng.choice(part.coef.weight.size, 60, p=part.coef.weight):
        slope = rng.normal(centre[1, node], spread[1, node])
        own = part.group_means.means[["abcd".index(g) for g in gone["g"]], node]
        sigma = part.spread_values("sd_resid").ravel()[node]
        y = own + slope * (gone["x"] - seen["x"].mean()) + rng.normal(0, sigma, len(gone))
        fits = [
            fit_exact(moments(pd.concat([seen, gone.assign(y=y + by)])), nodes=(16, 24))
            for by in (0.0, delta)
        ]
        moved.append(fits[1].coef.mean()[1] - fits[0].coef.mean()[1])
    expected = delta * float(shifted_slopes(part, moments(df.assign(y=0.0)))[1] @ part.coef.weight)
    assert abs(expected) > 0.01  # there is something to see
    assert np.mean(moved) == pytest.approx(expected, rel=0.03)


def test_units_and_order_do_not_matter() -> None:
    df = workplaces()
    part = fit_exact(moments(df[~df["gone"]]))
    usual = shifted_slopes(part, moments(df.assign(y=0.0)))[1] @ part.coef.weight
    other = df.assign(y=100 * df["y"], x=10 * df["x"]).sample(frac=1, random_state=1)
    again = fit_exact(moments(other[~other["gone"]]))
    scaled = shifted_slopes(again, moments(other.assign(y=0.0)))[1] @ again.coef.weight
    assert scaled == pytest.approx(usual / 10, rel=1e-6)  # per unit of x; delta in units of y


@pytest.fixture(scope="module")
def sample() -> AnalysisSample:
    return sf.load_sample("replica")


def test_of_workplaces(sample: AnalysisSample) -> None:
    """Delta 0 is the fit itself; who is moved is who has an answer and no outcome."""
    specs = {(s.name, s.outcome): s for s in sf.load_analysis("bivariate").specs}
    q13, q17 = (
        sf.fit(specs[key], sample) for key in (("q13", "absence_mean"), ("q17", "absence_change"))
    )
    found = shift_effects([q13, q17], sample, deltas=[-1.0, 0.0, 1.0])
    still = found[found["delta"] == 0].set_index("term")
    for result, term in ((q13, "q13"), (q17, "q17[no]")):
        row = next(row for row in result.coefficients if row.term == term)
        own = still.loc[term]
        assert (own["estimate"], own["sd"]) == pytest.approx((row.estimate, row.sd), rel=1e-9)
        assert (own["lower"], own["upper"]) == pytest.approx((row.lower, row.upper), rel=1e-6)
    frame = sample.frame
    answered = frame["q13"] != "dont_know"
    assert still.loc["q13", "n"] == answered.sum()
    assert still.loc["q13", "n_workplaces"] == answered.sum() - q13.moments.n_obs
    assert still.loc["q17[no]", "n"] == len(frame)
    assert still.loc["q17[no]", "n_workplaces"] == frame["absence_change"].isna().sum()
    line = found[found["term"] == "q13"].set_index("delta")["estimate"]
    assert line[1.0] - line[0.0] == pytest.approx(line[0.0] - line[-1.0], rel=1e-9)


def test_tipping_points_are_where_the_interval_reaches_zero(sample: AnalysisSample) -> None:
    spec = next(
        s for s in sf.load_analysis("bivariate").specs
        if (s.name, s.outcome) == ("q17", "absence_change")
    )  # fmt: skip
    result = sf.fit(spec, sample)
    (tip,) = tipping_points(shift_effects([result], sample)).to_dict("records")
    assert tip["verdict_at_zero"] == "above 0"
    there = shift_effects([result], sample, deltas=[tip["verdict"], tip["sign"]])
    # The grid's step is 1 pp and lines between its points are straight: 0.02 pp of 3.7 pp.
    assert there["lower"].iloc[0] == pytest.approx(0, abs=0.02)
    assert there["estimate"].iloc[1] == pytest.approx(0, abs=1e-9)


def test_published_study_has_the_answers_of_all() -> None:
    """Of every possible version of the study the workplaces without outcome are the same many."""
    study = sf.load_sample("published").first(2)
    spec = next(
        s for s in sf.load_analysis("bivariate").specs
        if (s.name, s.outcome) == ("q17", "absence_change")
    )  # fmt: skip
    result = sf.fit(spec, study)
    found = shift_effects([result], study, deltas=[0.0, 1.0])
    answers = item_answers(load_codebook(), "q17")
    assert found["n"].unique() == [answers.counts.sum()]
    assert found["n_workplaces"].unique() == [605 - 420]
    row = next(row for row in result.coefficients if row.term == "q17[no]")
    assert found["estimate"].iloc[0] == pytest.approx(row.estimate, rel=1e-9)
    # Nobody is missing: nothing moves, whatever delta is.
    part = result.fitted.parts[0]
    assert shifted_slopes(part, replace(part.moments)) == pytest.approx(0, abs=1e-12)
