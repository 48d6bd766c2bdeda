"""Simulation-based calibration: what it must pass, what it must catch; priors are priors."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import xarray as xr
from scipy import stats

import bayes_sf as sf
from bayes_sf.analysis.checks import calibration
from bayes_sf.analysis.checks.calibration import calibrate, uniform_band, uniform_p
from bayes_sf.engines.sampled.pointwise import given_draws
from bayes_sf.engines.sampled.prior_draws import draw_prior, fixed_priors
from bayes_sf.errors import SpecError, UsageError
from bayes_sf.spec.rows import Rows

SPEC = sf.ModelSpec(
    "y", ("x",), "g",
    priors=sf.Priors(
        intercept=sf.Prior("normal", 1.0), slope=sf.Prior("normal", 0.5),
        sd_group=sf.Prior("half-normal"), sd_resid=sf.Prior("half-normal"),
    ),
)  # fmt: skip


def frame(n: int = 60) -> pd.DataFrame:
    rng = np.random.default_rng(4)
    code = rng.integers(0, 5, n)
    return pd.DataFrame(
        {
            "y": 6 + 3 * rng.normal(size=n), "x": 2 + 4 * rng.normal(size=n),
            "z": rng.normal(size=n), "g": np.array(list("abcde"))[code],
            "m": rng.choice([1.0, 9.0], n), "se": rng.uniform(1, 2, n),
            "o": pd.Categorical(rng.choice(list("lmh"), n), categories=list("lmh"), ordered=True),
        }
    )  # fmt: skip


@pytest.mark.slow
def test_the_exact_engine_is_calibrated() -> None:
    found = calibrate(SPEC, frame(), n=100, seed=3)
    assert found.passed
    assert (found.engine, found.refused, found.not_converged) == ("exact", (), 0)
    table = found.table()
    assert {"beta[x]", "u[a]", "sd_group", "icc", "log_likelihood"} <= set(table.index)
    assert table["mean"].between(0.4, 0.6).all()
    first, again = (calibrate(SPEC, frame(), n=20, seed=3, jobs=jobs).ranks for jobs in (1, 2))
    pd.testing.assert_frame_equal(again, first)


def test_intervals_that_are_too_narrow_are_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    """A posterior of the slope with a third of its sd."""
    right = sf.Result.some_draws

    def narrow(result: sf.Result, n: int, *, seed: int = 1) -> xr.DataTree:
        tree = right(result, n, seed=seed)
        beta = tree["posterior"]["beta"]
        tree["posterior"]["beta"] = 0.3 * beta + 0.7 * beta.mean(("chain", "draw"))
        return tree

    monkeypatch.setattr(sf.Result, "some_draws", narrow)
    found = calibrate(SPEC, frame(), n=25, seed=4)
    assert not found.passed
    assert found.table().loc["beta[x]", "p"] < 0.001


def test_p_values_are_uniform_and_the_band_holds_what_it_says() -> None:
    rng = np.random.default_rng(2)
    ranks = rng.integers(0, 51, size=(400, 80))
    p = np.array([uniform_p(r, 51) for r in ranks])
    # Ranks are discrete, so p is a little large; 400 rounds say 5 % to within 2 points
    assert (p <= 0.05).mean() == pytest.approx(0.05, abs=0.025)
    low, high = uniform_band(80, 51)
    below = (ranks[:, :, None] <= np.arange(51)).mean(axis=1)
    inside = ((below >= low - 1e-12) & (below <= high + 1e-12)).all(axis=1).mean()
    assert inside == pytest.approx(0.95, abs=0.03)


VARIANTS = {
    "varying": replace(SPEC, predictors=("x", "z"), varying=("x",)),
    "student": replace(SPEC, likelihood="student"),
    "resid_by_group": replace(SPEC, resid_by_group=True),
    "repeats": replace(SPEC, repeats="m"),
    "known_se": replace(SPEC, known_se="se"),
    "monotonic": replace(SPEC, predictors=("o",), monotonic=("o",)),
    "pooled": replace(
        SPEC, predictors=("x", "z"), priors=replace(SPEC.priors, slope=sf.Prior("pooled-normal"))
    ),
    "r2d2": replace(
        SPEC, predictors=("x", "z"),
        priors=replace(SPEC.priors, slope=sf.Prior("r2d2", 5.0, location=0.3, shape=1.0)),
    ),
    "horseshoe": replace(
        SPEC, predictors=("x", "z"),
        priors=replace(SPEC.priors, slope=sf.Prior("horseshoe", 0.1, df=4.0, shape=1.0)),
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", VARIANTS)
def test_prior_draws_are_those_of_the_model(name: str) -> None:
    """Each quantity by its own distribution, in the outcome's unit, and the same names as a fit."""
    spec, rows = fixed_priors(VARIANTS[name], Rows.from_frame(frame(), VARIANTS[name]))
    n, y_sd = 4000, frame()["y"].std()
    tree = draw_prior(spec, rows, n, seed=1)
    draws = tree["posterior"].to_dataset()

    def p_of(variable: str, distribution: object) -> float:
        values = draws[variable].to_numpy().ravel()[:n]
        return float(stats.kstest(values, distribution.cdf).pvalue)  # type: ignore[attr-defined]

    assert p_of("sd_group", stats.halfnorm(scale=y_sd)) > 0.001
    u = (draws["u"] / draws["sd_group"]).to_numpy()[..., 0].ravel()
    assert stats.kstest(u, "norm").pvalue > 0.001
    level = draws["beta"][..., 0] + (draws["beta"][..., 1:] * rows.moments.grand_mean[:-1]).sum(
        "term"
    ) if not rows.steps else None  # fmt: skip
    if level is not None:
        standard = (level.to_numpy().ravel() - frame()["y"].mean()) / y_sd
        assert stats.kstest(standard, "norm").pvalue > 0.001
    expected = {
        "varying": ("sd_slope", stats.t(3)),
        "student": ("df_resid", stats.gamma(2, scale=10)),
        "resid_by_group": ("sd_log_resid", stats.halfnorm(scale=0.5)),
        "r2d2": ("r2", stats.beta(1.5, 3.5)),
        "pooled": ("sd_slopes", stats.halfnorm(scale=y_sd)),
        "horseshoe": ("global_scale", stats.halfcauchy(scale=0.1 * y_sd)),
    }
    if name == "varying":
        slopes = draws["sd_slope"].to_numpy().ravel()
        ours = np.abs(stats.t(3, scale=y_sd).rvs(n, random_state=1))
        assert stats.ks_2samp(slopes, ours).pvalue > 0.001
        between = np.corrcoef((draws["u_slope"] / draws["sd_slope"]).to_numpy()[0, :, 0], u)[0, 1]
        assert between == pytest.approx(0.0, abs=0.06)  # the correlation's prior is symmetric
    elif name in expected:
        assert p_of(*expected[name]) > 0.001
    given = given_draws(tree, rows, spec)
    assert given.mean.shape == (1, n, 60)
    assert np.isfinite(given.log_likelihood()).all()


def test_fixed_priors_say_the_same_in_the_outcomes_unit() -> None:
    """The same posterior, as the predictor's unit and the data are the same."""
    rows = Rows.from_frame(frame(), SPEC)
    spec, scaled = fixed_priors(SPEC, rows)
    before, after = sf.fit(SPEC, rows), sf.fit(spec, scaled)
    assert not any(getattr(spec.priors, role).autoscale for role in ("slope", "sd_group"))
    for one, two in zip(before.rows, after.rows, strict=True):
        unit = frame()["x"].std() if one.term == "x" else 1.0
        shift = one.term == "(Intercept)" and not one.group
        assert two.sd == pytest.approx(unit * one.sd) or shift
        assert two.estimate == pytest.approx(unit * one.estimate, abs=1e-9)


def test_what_is_refused() -> None:
    with pytest.raises(SpecError, match="flat slope"):
        calibrate(replace(SPEC, priors=replace(SPEC.priors, slope=sf.Prior("flat"))), frame())
    loose = replace(SPEC, priors=replace(SPEC.priors, sd_group=sf.Prior("flat")))
    with pytest.raises(SpecError, match=r"got 'flat sd_group'\); state priors"):
        draw_prior(loose, Rows.from_frame(frame(), loose), 10, seed=1)
    both = replace(SPEC, predictors=("x", "o"), monotonic=("o",))
    with pytest.raises(SpecError, match="same spread"):
        fixed_priors(both, Rows.from_frame(frame(), both))
    with pytest.raises(UsageError, match="at least 20"):
        calibrate(SPEC, frame(), n=5)
    with pytest.raises(UsageError, match="exact or nuts"):
        calibrate(SPEC, frame(), engine="reml")
    with pytest.raises(UsageError, match="needs rows"):
        calibrate(SPEC, Rows.from_frame(frame(), SPEC).moments)


def test_data_that_cannot_be_fitted_are_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise UsageError("engine", "does not want to")

    monkeypatch.setattr(calibration, "fit", refuse)
    found = calibrate(SPEC, frame(), n=20)
    assert len(found.refused) == 20
    assert found.ranks.empty
