"""Rows of a new group: group effects integrated out, against integrals written out."""

from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import pytest
import xarray as xr
from numpy.typing import NDArray
from scipy import integrate, stats

import bayes_sf as sf
from bayes_sf.analysis.checks.loo import leave_group_out
from bayes_sf.analysis.checks.unseen import unseen
from bayes_sf.engines.fit import rows_of
from bayes_sf.engines.sampled.nuts import Sampled
from bayes_sf.spec.rows import Rows

Floats = NDArray[np.float64]
SPEC = sf.ModelSpec("y", ("x",), "g")


def frame(seed: int = 2, n: int = 40) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    g = rng.choice(list("abcd"), n)
    u = 2 * rng.normal(size=4)[np.unique(g, return_inverse=True)[1]]
    x = rng.normal(3, 1, size=n)
    y = 10 + 0.5 * x + u + rng.normal(size=n)
    return pd.DataFrame({"y": y, "x": x, "g": g, "m": rng.choice([1.0, 4.0, 9.0], n)})


def new_rows(spec: sf.ModelSpec) -> Rows:
    rows = rows_of(spec, frame())
    assert rows is not None
    return rows.take(rows.code == 1)


def sampled(values: dict[str, list[float]], **parts: Any) -> Sampled:
    """Two made-up draws."""
    dims = ("chain", "draw")
    data: dict[str, Any] = {name: (dims, np.array([value])) for name, value in values.items()}
    data["beta"] = ((*dims, "term"), np.array([[[9.0, 0.4], [11.0, 0.7]]]))
    dataset = xr.Dataset(data | parts, coords={"term": ["(Intercept)", "x"]})
    plain = sf.fit(SPEC, frame())
    assert plain.priors is not None
    return Sampled(plain.moments, plain.priors, xr.DataTree.from_dict({"posterior": dataset}))


SPREADS = {"sd_group": [1.0, 2.0], "sd_resid": [1.5, 0.8]}
BETA = np.array([[9.0, 0.4], [11.0, 0.7]])


def averaged(densities: list[list[float]]) -> Floats:
    return np.asarray(np.log(np.mean(densities, axis=0)))


def test_intercepts_and_slopes_are_integrated_out() -> None:
    values = SPREADS | {"sd_slope": [0.6, 0.3], "correlation": [-0.4, 0.8]}
    slope = (("chain", "draw", "g"), np.zeros((1, 2, 1)), {"term": "x"})
    spec = replace(SPEC, varying=("x",))
    rows = new_rows(spec)
    found = unseen(sampled(values, u_slope=slope), rows, spec)
    z = np.column_stack([np.ones(rows.n_obs), rows.x])
    each, middles, sds = [], [], []
    for d in range(2):
        tau, sigma, omega, rho = (values[n][d] for n in values)
        off = rho * tau * omega
        cov = z @ np.array([[tau**2, off], [off, omega**2]]) @ z.T + sigma**2 * np.eye(len(z))
        each.append(list(stats.norm(z @ BETA[d], np.sqrt(np.diag(cov))).pdf(rows.y)))
        middles.append((z @ BETA[d]).mean())
        sds.append(np.sqrt(cov.mean()))
    np.testing.assert_allclose(found.log_density, averaged(each), rtol=1e-12)
    np.testing.assert_allclose(found.mean.means[0], middles)
    np.testing.assert_allclose(found.mean.sds[0], sds)
    np.testing.assert_allclose(found.mean.weight, 0.5)


def test_a_new_groups_residual_sd_is_integrated_out() -> None:
    values = SPREADS | {"sd_log_resid": [0.3, 0.9]}
    spec = replace(SPEC, resid_by_group=True)
    rows = new_rows(spec)
    found = unseen(sampled(values), rows, spec)
    for row in (0, 3):
        each = []
        for d in range(2):
            tau, sigma, spread = (values[n][d] for n in values)
            away = rows.y[row] - BETA[d, 0] - BETA[d, 1] * rows.x[row, 0]
            each.append(
                integrate.quad(
                    lambda t, a=away, tau=tau, sigma=sigma, spread=spread: (
                        stats.norm.pdf(t)
                        * stats.norm.pdf(a, scale=np.hypot(tau, sigma * np.exp(spread * t)))
                    ),
                    -9, 9, epsabs=1e-13,
                )[0]
            )  # fmt: skip
        assert found.log_density[row] == pytest.approx(np.log(np.mean(each)), abs=1e-8)
    assert found.mean.weight.sum() == pytest.approx(1)


@pytest.mark.parametrize("away", [0.0, 12.0])
def test_student_residuals_go_through_the_same_integral(away: float) -> None:
    values = SPREADS | {"df_resid": [3.0, 12.0]}
    spec = replace(SPEC, likelihood="student")
    rows = new_rows(spec)
    rows = replace(rows, y=rows.y + away)
    found = unseen(sampled(values), rows, spec)
    each = []
    for d in range(2):
        tau, sigma, nu = (values[n][d] for n in values)
        off = rows.y[0] - BETA[d, 0] - BETA[d, 1] * rows.x[0, 0]
        each.append(
            integrate.quad(
                lambda u, off=off, tau=tau, sigma=sigma, nu=nu: (
                    stats.norm.pdf(u, scale=tau) * stats.t.pdf(off - u, nu, scale=sigma)
                ),
                -20, 20, points=[0, off], epsabs=1e-13,
            )[0]
        )  # fmt: skip
    assert found.log_density[0] == pytest.approx(np.log(np.mean(each)), abs=1e-6)
    # of so many rows the mean is close to normal, with the t's own variance
    assert found.mean.sds.shape == (1, 2)


@pytest.mark.parametrize("repeats", ["", "m"])
def test_exact_nodes_say_what_many_draws_say(repeats: str) -> None:
    """Also by hand: given (beta, tau, sigma) a row is N(x beta, tau^2 + its residual variance)."""
    spec = replace(SPEC, repeats=repeats)
    rows = rows_of(spec, frame())
    assert rows is not None
    left = rows.take(rows.code == 1)
    result = sf.fit(spec, rows.take(rows.code != 1))
    exact = unseen(result.fitted, left, spec)
    n = 40_000
    draws = result.draws(n, seed=3, rows=False)["posterior"].to_dataset()
    variance = draws["sd_resid"].to_numpy().reshape(-1, 1) ** 2 * np.ones(left.n_obs)
    if left.repeats is not None:
        variance = variance + draws["sd_repeat"].to_numpy().reshape(-1, 1) ** 2 / left.repeats
    beta = draws["beta"].to_numpy().reshape(-1, 2)
    mean = beta[:, :1] + beta[:, 1:] * left.x[:, 0]
    sd = np.sqrt(draws["sd_group"].to_numpy().reshape(-1, 1) ** 2 + variance)
    density = stats.norm.pdf(left.y, mean, sd)
    error = density.std(axis=0) / np.sqrt(n)
    assert (np.abs(np.exp(exact.log_density) - density.mean(axis=0)) < 5 * error).all()
    tree = xr.DataTree.from_dict({"posterior": draws})
    same = unseen(Sampled(result.moments, result.fitted.parts[0].priors, tree), left, spec)
    np.testing.assert_allclose(np.exp(same.log_density), density.mean(axis=0), rtol=1e-10)
    own = exact.mean.quantile([0.1, 0.9])[0]
    np.testing.assert_allclose(own, same.mean.quantile([0.1, 0.9])[0], atol=0.1)
    assert np.isfinite(unseen(result.fitted, replace(left, y=left.y + 1e4), spec).log_density).all()


def test_left_out_groups_have_no_seed_where_the_posterior_has_none() -> None:
    result = sf.fit(SPEC, frame())
    one, other = leave_group_out(result, seed=1), leave_group_out(result, seed=2)
    pd.testing.assert_frame_equal(one, other)
    hundred = leave_group_out(sf.fit(SPEC, frame().assign(y=lambda d: 100 * d["y"])))
    per_row = (one["elpd"] - hundred["elpd"]) / one["n"]
    np.testing.assert_allclose(per_row, np.log(100), rtol=1e-6)
    np.testing.assert_allclose(hundred["upper"], 100 * one["upper"], rtol=1e-6)
