"""Priors in the domain's words: solved scales against draws from the prior and other quadrature."""

import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy import integrate, stats

import bayes_sf as sf
from bayes_sf.analysis.contrast import Contrast
from bayes_sf.analysis.priors.prior_predictive import prior_predictive
from bayes_sf.engines.sampled.prior_draws import draw_prior
from bayes_sf.errors import SpecError, UsageError
from bayes_sf.spec.prior import Prior
from bayes_sf.spec.priors import Priors
from bayes_sf.spec.rows import Rows
from bayes_sf.spec.statements import AT_DATA_SCALE, icc_prior, prob_icc_above, step_prior

FAMILIES = ("half-t", "half-normal", "exponential", "gamma")


def frame(seed: int = 3, n: int = 60) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    code = rng.integers(0, 5, n)
    x = rng.integers(1, 6, size=n).astype(float)
    y = 6 + 0.4 * x + rng.normal(size=5)[code] + 2 * rng.normal(size=n)
    return pd.DataFrame({"y": y, "x": x, "g": np.array(list("abcde"))[code]})


def stated(tmp_path: Path, priors: str) -> sf.ModelSpec:
    path = tmp_path / "mine.toml"
    path.write_text(
        'schema = 1\nquestion = "?"\noutcomes = ["absence_mean"]\nitems = ["q13"]\n'
        f"[priors]\n{priors}\n",
        encoding="utf-8",
    )
    (spec,) = sf.load_analysis(path).specs
    return spec


def test_what_is_stated_holds_in_draws_from_the_prior(tmp_path: Path) -> None:
    """50,000 draws from the whole model's priors: Monte Carlo errors of 0.001, four of them."""
    spec = stated(
        tmp_path,
        "sd_group = { icc_above = 0.5, probability = 0.05 }\n"
        "slope = { step_at_most = 1.0, probability = 0.95 }",
    )
    own = sf.ModelSpec("y", ("x",), "g", priors=spec.priors)
    posterior = draw_prior(own, Rows.from_frame(frame(), own), 50_000, seed=1)["posterior"]
    assert float((posterior["icc"] > 0.5).mean()) == pytest.approx(0.05, abs=0.004)
    slope = posterior["beta"].sel(term="x")
    assert float((abs(slope) <= 1.0).mean()) == pytest.approx(0.95, abs=0.004)


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("sigma", ["half-t", "gamma"])
def test_the_scale_is_the_root_by_another_quadrature(family: str, sigma: str) -> None:
    resid = Prior(sigma, scale=0.7, **({"shape": 4.0} if sigma == "gamma" else {}))
    prior = icc_prior(0.3, 0.1, resid, family=family)
    ratio = np.sqrt(0.3 / 0.7)
    found = integrate.quad(
        lambda u: 1 - prior.cdf(ratio * resid.quantile(np.array(u))), 0, 1, epsabs=1e-9, limit=400
    )[0]
    assert found == pytest.approx(0.1, abs=1e-7)
    assert prior.family == family


def test_a_statement_in_raw_units_follows_sd_resid() -> None:
    raw = icc_prior(0.5, 0.05, Prior("half-normal", scale=3.0, autoscale=False))
    auto = icc_prior(0.5, 0.05, Prior("half-normal", scale=1.0))
    assert not raw.autoscale
    assert auto.autoscale
    assert raw.scale == pytest.approx(3 * auto.scale)


@pytest.mark.parametrize("above", [0.01, 0.5, 0.99])
def test_more_probable_is_wider(above: float) -> None:
    scales = [icc_prior(above, p, Prior("half-t")).scale for p in (0.01, 0.05, 0.5, 0.9)]
    assert scales == sorted(scales)
    for p, scale in zip((0.01, 0.05, 0.5, 0.9), scales, strict=True):
        assert prob_icc_above(above, Prior("half-t"), Prior("half-t", scale=scale)) == (
            pytest.approx(p, abs=1e-9)
        )


def test_a_stated_icc_is_what_is_meant(tmp_path: Path) -> None:
    """Beside a residual sd of the data's scale, where none is stated; by draws from both priors."""
    spec = stated(tmp_path, "sd_group = { icc_above = 0.4, probability = 0.1 }")
    assert spec.priors.sd_resid == AT_DATA_SCALE
    resid, group = spec.priors.sd_resid, spec.priors.sd_group
    u = np.random.default_rng(1).uniform(size=(2, 400_000))
    sigma = stats.gamma.ppf(u[0], resid.shape, scale=resid.scale)
    tau = group.scale * stats.t.ppf(0.5 + 0.5 * u[1], group.df)
    icc = tau**2 / (tau**2 + sigma**2)
    assert (icc > 0.4).mean() == pytest.approx(0.1, abs=0.002)  # 4 standard errors
    assert np.median(icc) > 0.03
    low, middle, high = np.quantile(icc, [0.025, 0.5, 0.975])
    said = re.search(r"median ([\d.]+), 95 % ([\d.]+) to ([\d.]+)", group.statement)
    assert said is not None
    found = [float(said[i]) for i in (1, 2, 3)]
    np.testing.assert_allclose(found, [middle, low, high], atol=0.004)


def test_a_stated_residual_sd_is_kept(tmp_path: Path) -> None:
    """Beside a half-t the statement holds too, and its median tells that it is no use."""
    spec = stated(
        tmp_path,
        'sd_resid = { family = "half-t" }\nsd_group = { icc_above = 0.5, probability = 0.05 }',
    )
    assert spec.priors.sd_resid == Prior("half-t")
    assert "median 0.004" in spec.priors.sd_group.statement


@pytest.mark.parametrize("probability", [1e-17, 1e-9, 1 - 1e-12])
def test_improbable_steps_keep_their_digits(probability: float) -> None:
    """Against the density at 0 for small probabilities: p = 2 a phi(0)/scale."""
    scale = step_prior(2.0, probability).scale
    if probability < 0.5:
        assert scale == pytest.approx(2 * 2.0 * stats.norm.pdf(0) / probability, rel=1e-12)
    else:
        assert 2 * stats.norm.sf(2.0 / scale) == pytest.approx(1 - probability, rel=1e-4)


def test_one_step() -> None:
    prior = step_prior(1.5, 0.9)
    assert stats.norm.cdf(1.5, 0, prior.scale) - stats.norm.cdf(-1.5, 0, prior.scale) == (
        pytest.approx(0.9)
    )
    assert (prior.location, prior.autoscale) == (0.0, False)


def test_statements_are_printed_with_the_resolved_prior(tmp_path: Path) -> None:
    spec = stated(
        tmp_path,
        'sd_group = { icc_above = 0.5, probability = 0.05, family = "half-normal", reason = "?" }\n'
        "slope = { step_at_most = 1.0, probability = 0.95 }",
    )
    assert spec.priors.sd_group.reason == "?"
    own = sf.ModelSpec("y", ("x",), "g", priors=spec.priors)
    text = str(sf.fit(own, frame()).priors)
    scale = spec.priors.sd_group.scale * frame()["y"].std()
    assert f"sd_group half-normal(0, {scale:.3g}) [P(ICC > 0.5) = 0.05, median " in text
    assert "slope normal(0, 0.5102) [P(|one step| <= 1) = 0.95]" in text


def test_a_statement_is_the_prior_it_resolves_to(tmp_path: Path) -> None:
    """Same fit, same digest: a saved fit is found by what was computed."""
    spec = stated(tmp_path, "slope = { step_at_most = 1.0, probability = 0.95 }")
    prior = replace(spec.priors.slope, statement="")
    plain = replace(spec, priors=replace(spec.priors, slope=prior))
    assert plain.digest == spec.digest


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((0.0, 0.05), "icc_above: must lie between"),
        ((0.5, 1.0), "probability: must lie between"),
        ((1e-9, 0.05), "icc_above: must be at least 1e-06 away"),
        ((0.5, 1e-300), "probability: must be at least 1e-06 away"),
        ((0.5, 0.05, Prior("flat")), "needs a proper prior of sd_resid"),
    ],
)
def test_what_cannot_be_stated(arguments: tuple[float, float], message: str) -> None:
    with pytest.raises(SpecError, match=message):
        icc_prior(*arguments)
    with pytest.raises(SpecError, match="step_at_most: must be a positive number"):
        step_prior(float("inf"), 0.95)


# What the priors say


def test_prior_predictive_is_what_draws_of_the_model_say() -> None:
    """Against draws of coefficients and spreads, and outcomes made from them row by row."""
    own = sf.ModelSpec("y", ("x",), "g", unit="pp")
    df = frame()
    rows = Rows.from_frame(df, own)
    table = prior_predictive(sf.fit(own, df)).set_index("quantity")
    posterior = draw_prior(own, rows, 20_000, seed=2)["posterior"]
    beta, n = posterior["beta"].to_numpy()[0], 20_000
    rng = np.random.default_rng(3)
    at = rng.integers(0, len(df), n)
    u = posterior["u"].to_numpy()[0][np.arange(n), rows.code[at]]
    sd = posterior["sd_resid"].to_numpy()[0]
    outcome = beta[:, 0] + beta[:, 1] * rows.x[at, 0] + u + sd * rng.normal(size=n)
    wanted = {
        "level": beta[:, 0] + beta[:, 1] * df["x"].mean(),
        "contrast": beta[:, 1],
        "sd_group": posterior["sd_group"].to_numpy()[0],
        "icc": posterior["icc"].to_numpy()[0],
        "groups differ": np.abs(np.diff(posterior["u"].to_numpy()[0][:, :2], axis=1)[:, 0]),
        "outcome": outcome,
    }
    for name, values in wanted.items():
        low, middle, high = np.quantile(values, [0.025, 0.5, 0.975])
        row = table.loc[name]
        # a 2.5 % quantile from 20,000 draws has an error of about 2 % of the interval, in tails
        assert row["lower"] == pytest.approx(low, abs=0.06 * (high - low)), name
        assert row["upper"] == pytest.approx(high, abs=0.06 * (high - low)), name
        assert row["median"] == pytest.approx(middle, abs=0.02 * (high - low)), name
    assert table.loc["level", "observed"] == pytest.approx(df["y"].mean())
    assert table.loc["sd_outcome", "observed"] == pytest.approx(df["y"].std())
    assert 0 < table.loc["sd_outcome", "p_above"] < 1


def test_what_is_observed_is_the_outcome_s_whatever_the_predictors() -> None:
    df = frame().assign(w=lambda rows: 40 * rows["x"] ** 2)
    table = prior_predictive(sf.fit(sf.ModelSpec("y", ("w", "x"), "g"), df), n=50)
    seen = table.set_index("quantity")["observed"]
    assert seen["level"] == pytest.approx(df["y"].mean())
    assert seen["sd_outcome"] == pytest.approx(df["y"].std())


def test_impossible_outcomes_are_counted() -> None:
    own = sf.ModelSpec("absence_mean", ("x",), "g")
    df = frame().rename(columns={"y": "absence_mean"})
    steps = [Contrast("x", 4.0, "lowest to highest")]
    table = prior_predictive(sf.fit(own, df), steps).set_index("quantity")
    share = table.loc["outcome", "p_impossible"]
    # Normal around the mean, wider than 2.5 sds: a normal of that sd alone gives this and more.
    mean, sd = df["absence_mean"].mean(), df["absence_mean"].std()
    assert stats.norm.cdf(0, mean, 2.5 * sd) < share < 0.5
    assert table.loc["contrast", "label"] == "lowest to highest"
    assert table["p_impossible"].notna().sum() == 1


def test_what_has_no_prior_predictive() -> None:
    own = sf.ModelSpec("y", ("x",), "g", priors=sf.Priors(slope=Prior("flat")))
    with pytest.raises(SpecError, match="flat slope"):
        prior_predictive(sf.fit(own, frame()))
    with pytest.raises(UsageError, match="prob"):
        prior_predictive(sf.fit(sf.ModelSpec("y", (), "g"), frame()), prob=0.0)


def test_a_stated_icc_holds_beside_one_prior_of_sd_resid_only() -> None:
    """Printed beside another it would not be true: 0.5 times the sd halves what is above."""
    mine = Prior("half-normal", scale=0.4)
    stated = icc_prior(0.3, 0.1, mine)
    assert Priors(sd_resid=mine, sd_group=stated).sd_group.statement.startswith("P(ICC > 0.3)")
    for other in (Prior("half-normal", scale=0.2), AT_DATA_SCALE, Priors().sd_resid):
        assert abs(prob_icc_above(0.3, other, stated) - 0.1) > 0.01
        with pytest.raises(SpecError, match=r"priors\.sd_group: states an ICC beside another"):
            Priors(sd_resid=other, sd_group=stated)
    resolved = stated.resolve(2.0)
    assert Priors(sd_resid=Prior("half-t"), sd_group=resolved).sd_group is resolved
