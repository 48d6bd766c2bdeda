"""Priors against scipy, and what they say about the ICC."""

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from bayes_sf.engines.gaussian.joint import Joint, coefficient_prior, resolve_priors
from bayes_sf.engines.gaussian.likelihood import standardise
from bayes_sf.errors import SpecError
from bayes_sf.spec.moments import Moments
from bayes_sf.spec.priors import SCALE_FAMILIES, Prior, Priors, icc_prior_quantiles

PRIORS = {
    "half-t": Prior("half-t", scale=1.7, df=4.0),
    "half-normal": Prior("half-normal", scale=1.7),
    "exponential": Prior("exponential", scale=1.7),
    "gamma": Prior("gamma", scale=1.7, shape=2.5),
}
LAWS = {
    "half-normal": stats.halfnorm(scale=1.7),
    "exponential": stats.expon(scale=1.7),
    "gamma": stats.gamma(2.5, scale=1.7),
}
VALUES = np.array([0.01, 0.5, 1.7, 4.0, 20.0])
PROBS = np.array([0.001, 0.25, 0.5, 0.9, 0.999])


def law(name: str) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Log density, distribution function and quantiles by scipy."""
    if name == "half-t":  # scipy has no half-t: fold the t
        t = stats.t(4, scale=1.7)
        return np.log(2) + t.logpdf(VALUES), 2 * t.cdf(VALUES) - 1, t.ppf(0.5 + 0.5 * PROBS)
    frozen = LAWS[name]
    return frozen.logpdf(VALUES), frozen.cdf(VALUES), frozen.ppf(PROBS)


@pytest.mark.parametrize("name", PRIORS)
def test_scale_families_are_scipy_s(name: str) -> None:
    prior = PRIORS[name]
    log_density, cdf, quantile = law(name)
    np.testing.assert_allclose(prior.log_density(VALUES), log_density, rtol=1e-12)
    np.testing.assert_allclose(prior.cdf(VALUES), cdf, rtol=1e-12)
    np.testing.assert_allclose(prior.quantile(PROBS), quantile, rtol=1e-10)


def test_every_scale_family_is_tested() -> None:
    assert {*PRIORS, "flat"} == set(SCALE_FAMILIES)


def test_tail_powers_are_those_of_the_densities() -> None:
    for prior, power in ((Prior("half-t", df=3.0), 4.0), (Prior("flat"), 0.0)):
        far = prior.log_density(np.array([1e4, 1e5]))
        assert (far[0] - far[1]) / np.log(10) == pytest.approx(power, abs=1e-6)
        assert prior.tail_power == power
    assert Prior("exponential").tail_power == np.inf


def test_flat_has_no_distribution() -> None:
    for ask in (Prior("flat").quantile, Prior("flat").cdf):
        with pytest.raises(SpecError, match="flat prior has no"):
            ask(PROBS)


@pytest.mark.parametrize("name", ["log_density", "quantile", "cdf"])
def test_a_prior_of_something_else_has_no_distribution_of_an_sd(name: str) -> None:
    with pytest.raises(SpecError, match=r"must be of a standard deviation.*got 'normal'"):
        getattr(Prior("normal", 1.0), name)(np.array([0.5]))


def test_autoscaled_priors_are_multiples_of_the_unit() -> None:
    assert Prior("half-t", scale=2.0).resolve(3.0).scale == 6.0
    assert Prior("half-t", scale=2.0, autoscale=False).resolve(3.0).scale == 2.0
    assert Prior("normal").resolve(3.0, location=5.0).location == 5.0
    assert Prior("normal").resolve(3.0).location == 0.0
    assert Prior("normal", location=1.0).resolve(3.0, location=5.0).location == 1.0


@pytest.mark.parametrize(
    ("sigma", "tau"),
    [
        (Prior("half-t"), Prior("half-t", scale=0.3)),
        (Prior("exponential"), Prior("gamma", scale=2.0)),
        (Prior("half-normal"), Prior("half-normal", scale=10.0)),
    ],
)
def test_icc_under_the_prior_is_simulation(sigma: Prior, tau: Prior) -> None:
    n = 400_000
    u = stats.qmc.Halton(2, seed=1).random(n)
    ratio = tau.quantile(u[:, 0]) / sigma.quantile(u[:, 1])
    found = icc_prior_quantiles(sigma, tau, np.array([0.025, 0.5, 0.975]))
    reached = [(ratio**2 / (1 + ratio**2) <= value).mean() for value in found]
    # Halton points err by about ln(n)/n; interpolation between the ICC's nodes by 1e-4.
    np.testing.assert_allclose(reached, [0.025, 0.5, 0.975], atol=3e-4)


def test_icc_has_no_prior_distribution_when_one_is_flat() -> None:
    assert np.isnan(icc_prior_quantiles(Prior("flat"), Prior("half-t"), PROBS)).all()


def test_priors_say_what_they_are() -> None:
    assert str(Priors()) == (
        "intercept normal(mean(y), 2.5 sd(y)); slope normal(0, 2.5 sd(y)/sd(x)); "
        "sd_resid half-t(3, 0, 1 sd(y)); sd_group half-t(3, 0, 1 sd(y))"
    )
    assert str(Priors.flat()) == "intercept flat; slope flat; sd_resid flat; sd_group flat"
    assert str(Prior("half-t").resolve(2.96)) == "half-t(3, 0, 2.96)"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"family": "cauchy"}, "family: must be one of flat, normal"),
        ({"family": "half-t", "scale": 0.0}, "scale: must be a positive number"),
        ({"family": "half-t", "scale": float("inf")}, "scale: must be a positive number"),
        ({"family": "half-t", "df": -1.0}, "df: must be a positive number"),
        ({"family": "gamma", "shape": float("nan")}, "shape: must be a positive number"),
        ({"family": "half-t", "scale": "1"}, "scale: must be a positive number"),
        ({"family": "normal", "location": float("nan")}, "location: must be a number"),
    ],
)
def test_impossible_priors(arguments: dict[str, object], message: str) -> None:
    with pytest.raises(SpecError, match=message):
        Prior(**arguments)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("family", "key", "low", "high"),
    [("half-t", "scale", 1e-100, 1e100), ("half-t", "df", 0.1, 1e6), ("gamma", "shape", 0.01, 1e6)],
)
def test_numbers_of_priors_go_to_their_limits_and_no_further(
    family: str, key: str, low: float, high: float
) -> None:
    for value in (low, high):
        assert getattr(Prior(family, **{key: value}), key) == value
    for value in (np.nextafter(low, 0), np.nextafter(high, np.inf)):
        with pytest.raises(SpecError, match=f"{key}: must lie between"):
            Prior(family, **{key: float(value)})


@pytest.mark.parametrize("autoscale", [True, False])
def test_a_slope_s_location_is_in_raw_units(autoscale: bool) -> None:
    """In sds of the outcome by sd of the predictor for the engine, whatever the scale is in."""
    rng = np.random.default_rng(2)
    x = 5 * rng.normal(size=(30, 2)) * [1.0, 10.0]
    df = pd.DataFrame(
        {"y": 3 * rng.normal(size=30), "a": x[:, 0], "b": x[:, 1], "g": [*"abc"] * 10}
    )
    data = standardise(Moments.from_frame(df, outcome="y", predictors=["a", "b"], group="g"))
    slope = Prior("normal", scale=0.5, location=0.3, autoscale=autoscale)
    _, mean = coefficient_prior(data, resolve_priors(Priors(slope=slope), data))
    wanted = 0.3 * df[["a", "b"]].std() / df["y"].std()
    np.testing.assert_allclose(mean[1:], wanted, rtol=1e-12)


def test_an_intercept_s_prior_is_in_the_outcome_s_unit_or_flat() -> None:
    y = [3.0, 5.0, 4.0, 9.0, 7.0, 8.0]
    df = pd.DataFrame({"y": y, "g": [*"aabbcc"]})
    data = standardise(Moments.from_frame(df, outcome="y", group="g"))
    intercept = Prior("normal", scale=2.5, location=5.0)
    precision, mean = coefficient_prior(data, resolve_priors(Priors(intercept=intercept), data))
    assert mean[0] == pytest.approx((5 - np.mean(y)) / np.std(y, ddof=1))
    assert precision[0] == pytest.approx(1 / 2.5**2)
    flat = resolve_priors(Priors(intercept=Prior("flat")), data)
    assert coefficient_prior(data, flat)[0][0] == 0


@pytest.mark.parametrize(
    ("farthest", "priors"),
    [
        ("", Priors()),
        ("intercept", Priors(intercept=Prior("normal", scale=0.05, location=40.0))),
        ("slope", Priors(slope=Prior("normal", scale=0.05, location=-9.0))),
        ("sd_resid", Priors(sd_resid=Prior("half-normal", scale=1e-3))),
        ("sd_group", Priors(sd_group=Prior("exponential", scale=1e-3))),
    ],
)
def test_the_prior_that_is_farthest_from_the_data_is_named(farthest: str, priors: Priors) -> None:
    rng = np.random.default_rng(3)
    df = pd.DataFrame({"x": rng.normal(size=40), "g": [*"abcd"] * 10})
    df["y"] = df["x"] + df["g"].map({"a": 0, "b": 2, "c": 5, "d": 3}) + rng.normal(size=40)
    data = standardise(Moments.from_frame(df, outcome="y", predictors=["x"], group="g"))
    assert Joint.build(data, resolve_priors(priors, data)).at_odds() == farthest


def test_families_go_where_they_belong() -> None:
    with pytest.raises(SpecError, match=r"priors\.slope.*flat, normal.*half-t"):
        Priors(slope=Prior("half-t"))
    with pytest.raises(SpecError, match=r"priors\.sd_group.*half-t.*normal"):
        Priors(sd_group=Prior("normal"))
