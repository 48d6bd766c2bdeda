"""Draws against the exact posterior that they come from, and their schema."""

from functools import cache

import arviz as az
import numpy as np
import pandas as pd
import pytest

from bayes_sf.engines.gaussian.draws import draw_posterior
from bayes_sf.engines.gaussian.exact import fit_exact
from bayes_sf.engines.gaussian.posterior import SPREADS, Posterior
from bayes_sf.errors import UsageError
from bayes_sf.spec.moments import Moments

N = 20_000


@cache
def posterior() -> Posterior:
    """Average over two data sets, the second without one of the groups."""
    rng = np.random.default_rng(3)
    code = np.repeat(np.arange(5), [4, 6, 8, 3, 9])
    x = rng.normal(2, 1, len(code))
    y = 1 + 0.5 * x + 0.4 * rng.normal(size=5)[code] + rng.normal(size=len(code))
    df = pd.DataFrame({"y": y, "x": x, "g": [f"g{c}" for c in code]})
    frames = (df, df[df["g"] != "g1"])
    return Posterior(
        tuple(
            fit_exact(Moments.from_frame(f, outcome="y", predictors=["x"], group="g"))
            for f in frames
        )
    )


def test_draws_have_the_posterior_s_distribution() -> None:
    exact = posterior()
    found = draw_posterior(exact, N, seed=1)["posterior"]
    pairs = [(found["beta"].isel(term=i), exact.coef, i) for i in range(2)]
    pairs += [(found["u"].isel(g=i), exact.ranef, i) for i in range(4)]
    # P(draw <= quantile) has a standard error of sqrt(p(1 - p)/N); 4 of them for 9 x 3 checks.
    probs = np.array([0.05, 0.5, 0.95])
    error = 4 * np.sqrt(probs * (1 - probs) / N)
    for values, mixture, i in pairs:
        draws = values.to_numpy().ravel()
        assert draws.mean() == pytest.approx(
            mixture.mean()[i], abs=4 * mixture.sd()[i] / np.sqrt(N)
        )
        below = draws[:, None] <= mixture.quantile(probs)[i]
        assert (np.abs(below.mean(axis=0) - probs) < error).all()
    for name in SPREADS:
        draws = found[name].to_numpy().ravel()
        below = draws[:, None] <= exact.quantile(name, probs)
        assert (np.abs(below.mean(axis=0) - probs) < error).all()


def test_coefficients_and_effects_are_drawn_together() -> None:
    # Given (sigma, tau) a group's mean is known better than its effect or the intercept alone.
    found = draw_posterior(Posterior(posterior().parts[:1]), N, seed=2)["posterior"]
    exact = posterior().parts[0]
    x_mean = exact.data.centre[0]
    level = found["beta"].isel(term=0) + found["beta"].isel(term=1) * x_mean + found["u"]
    sd = exact.group_means.sd()
    np.testing.assert_allclose(
        level.mean(("chain", "draw")), exact.group_means.mean(), atol=4 * sd.max() / np.sqrt(N)
    )
    # The sd of N draws has a relative error of about 1/sqrt(2N) = 0.5 %, more with heavy tails.
    np.testing.assert_allclose(level.std(("chain", "draw")), sd, rtol=0.04)


def test_draws_are_independent_between_and_within_chains() -> None:
    summary = az.summary(draw_posterior(posterior(), 4000, seed=3), ci_prob=0.95, ci_kind="eti")
    assert (summary["r_hat"].astype(float) < 1.01).all()
    assert (summary["ess_bulk"].astype(float) > 3000).all()


def test_schema() -> None:
    tree = draw_posterior(posterior(), 400, seed=1)
    found = tree["posterior"]
    assert dict(found.sizes) == {"chain": 4, "draw": 100, "term": 2, "g": 4}
    assert set(found.data_vars) == {"beta", "u", "sd_group", "sd_resid", "icc"}
    assert found["term"].to_numpy().tolist() == ["(Intercept)", "x"]
    assert found["g"].to_numpy().tolist() == ["g0", "g2", "g3", "g4"]
    variance = found["sd_group"] ** 2
    np.testing.assert_allclose(found["icc"], variance / (variance + found["sd_resid"] ** 2))


def test_the_seed_decides() -> None:
    a, b, c = (
        draw_posterior(posterior(), 40, seed=seed)["posterior"]["beta"] for seed in (1, 1, 2)
    )
    np.testing.assert_array_equal(a, b)
    assert (a != c).all()


@pytest.mark.parametrize("n", [0, -4, 3, 4001])
def test_number_of_draws_is_a_multiple_of_four(n: int) -> None:
    with pytest.raises(UsageError, match="positive multiple of 4"):
        draw_posterior(posterior(), n, seed=1)
