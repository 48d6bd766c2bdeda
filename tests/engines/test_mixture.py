"""Mixtures of normals against simulation-free facts and scipy."""

import numpy as np
import pytest
from scipy import stats
from scipy.optimize import brentq

from bayes_sf.engines.gaussian.mixture import NormalMixture

PROBS = np.array([0.001, 0.025, 0.3, 0.5, 0.975])


def random(m: int = 4, g: int = 60, seed: int = 0) -> NormalMixture:
    rng = np.random.default_rng(seed)
    weight = rng.dirichlet(np.ones(g) * 0.3)
    return NormalMixture(weight, rng.normal(size=(m, g)), rng.gamma(1.0, size=(m, g)))


def test_moments_are_those_of_a_mixture() -> None:
    mix = random()
    # Law of total variance, from raw moments.
    mean = mix.means @ mix.weight
    second = (mix.means**2 + mix.sds**2) @ mix.weight
    np.testing.assert_allclose(mix.mean(), mean, rtol=1e-14)
    np.testing.assert_allclose(mix.sd(), np.sqrt(second - mean**2), rtol=1e-12)


def test_fourth_moment_is_the_integral_of_the_density() -> None:
    mix = random(m=1, g=5, seed=3)
    at = np.linspace(-60.0, 60.0, 400_001)
    density = stats.norm.pdf(at[:, None], mix.means[0], mix.sds[0]) @ mix.weight
    integral = ((at - mix.mean()[0]) ** 4 * density).sum() * (at[1] - at[0])
    np.testing.assert_allclose(mix.fourth()[0], integral, rtol=1e-8)


def test_distribution_function_and_density() -> None:
    mix = random()
    for value in (0.3, np.array([-1.0, 0.0, 0.4, 2.0])):
        at = np.broadcast_to(value, 4)[:, None]
        cdf = stats.norm.cdf(at, mix.means, mix.sds) @ mix.weight
        density = stats.norm.pdf(at, mix.means, mix.sds) @ mix.weight
        np.testing.assert_allclose(mix.cdf(value), cdf, rtol=1e-12)
        np.testing.assert_allclose(mix.density(value), density, rtol=1e-12)


@pytest.mark.parametrize("seed", range(5))
def test_quantiles_invert_the_distribution_function(seed: int) -> None:
    mix = random(seed=seed)
    for column, p in zip(mix.quantile(PROBS).T, PROBS, strict=True):
        for value, means, sds in zip(column, mix.means, mix.sds, strict=True):

            def excess(x: float, law: object = stats.norm(means, sds), p: float = p) -> float:
                return float(law.cdf(x) @ mix.weight - p)  # type: ignore[attr-defined]

            # Components of 1e-10 in all are left out; the density at these quantiles is > 1e-4.
            assert value == pytest.approx(brentq(excess, -60, 60, xtol=1e-13), abs=1e-6)


def test_quantiles_of_one_normal() -> None:
    one = NormalMixture(np.ones(1), np.array([[3.0]]), np.array([[2.0]]))
    np.testing.assert_allclose(one.quantile(PROBS)[0], stats.norm.ppf(PROBS, 3, 2), rtol=1e-12)


def test_quantiles_between_far_components() -> None:
    # Newton's step leaves the bracket here; bisection has to take over.
    far = NormalMixture(np.array([0.5, 0.5]), np.array([[-1e3, 1e3]]), np.array([[1.0, 1.0]]))
    low, middle, high = far.quantile([0.25, 0.5, 0.75])[0]
    assert (low, high) == (pytest.approx(-1e3, abs=1e-6), pytest.approx(1e3, abs=1e-6))
    assert -990 < middle < 990  # anywhere in the gap is a median


def test_component_without_spread_is_a_step() -> None:
    step = NormalMixture(np.array([0.4, 0.6]), np.array([[0.0, 0.0]]), np.array([[0.0, 1.0]]))
    assert step.cdf(-1e-12)[0] == pytest.approx(0.3)
    assert step.cdf(1e-12)[0] == pytest.approx(0.7)
    assert step.density(0.0)[0] == pytest.approx(0.6 / np.sqrt(2 * np.pi))


def test_moments_that_do_not_exist_are_nan() -> None:
    mix = random(m=3)
    partly = NormalMixture(mix.weight, mix.means, mix.sds, np.array([0, 1, 2]))
    assert np.isnan(partly.mean()).tolist() == [True, False, False]
    assert np.isnan(partly.sd()).tolist() == [True, True, False]
    assert np.isfinite(partly.quantile(PROBS)).all()
    assert np.isnan(partly.take([2, 0]).sd()).tolist() == [False, True]


def test_average_is_the_mean_distribution_function() -> None:
    parts = [random(seed=seed, g=seed + 3) for seed in range(4)]
    whole = NormalMixture.average(parts)
    value = np.array([-1.0, 0.0, 0.4, 2.0])
    np.testing.assert_allclose(whole.cdf(value), np.mean([p.cdf(value) for p in parts], axis=0))
    np.testing.assert_allclose(whole.mean(), np.mean([p.mean() for p in parts], axis=0))
