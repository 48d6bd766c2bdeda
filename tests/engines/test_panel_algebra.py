"""The panel's closed forms against dense multivariate normals, gap by gap."""

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from scipy.stats import multivariate_normal

from bayes_sf.engines.panel.algebra import Gaps, information, log_likelihood, shifted, summarise
from bayes_sf.engines.panel.draws import _with_answers, draw_own_effects, draw_residuals

type Figures = tuple[np.ndarray, ...]

N, T = 6, 7
TIME = (np.arange(T) - 3) / 4


def _gaps(observed: np.ndarray) -> Gaps:
    """Gaps found quarter by quarter, as plainly as can be."""
    previous, lag = np.zeros(observed.shape, dtype=int), np.zeros(observed.shape)
    for i, row in enumerate(observed):
        for t in range(T):
            before = [s for s in range(t) if row[s]]
            if before:
                previous[i, t], lag[i, t] = i * T + before[-1], t - before[-1]
    return Gaps(observed.astype(float), previous, lag)


@pytest.fixture
def rng() -> np.random.Generator:
    """Make the same numbers every time."""
    return np.random.default_rng(7)


@pytest.fixture
def figures(rng: np.random.Generator) -> Figures:
    """Residuals, 1/sd and gaps: one workplace with every quarter, one with none, one with one."""
    observed = rng.random((N, T)) < 0.6
    observed[0], observed[1], observed[2] = True, False, np.arange(T) == 4
    return rng.normal(size=(N, T)), np.exp(rng.normal(size=(N, T)) / 3), observed


def _covariance(inv_sd: np.ndarray, rho: float | None, w: float, v: float) -> np.ndarray:
    """Dense covariance of all quarters of one workplace, (T, T)."""
    lag = np.abs(np.subtract.outer(np.arange(T), np.arange(T)))
    residual = (rho**lag if rho is not None else np.eye(T)) / np.outer(inv_sd, inv_sd)
    return residual + w**2 + v**2 * np.outer(TIME, TIME)


CASES = [(None, 1.3, 0.7), (0.6, 1.3, 0.7), (-0.4, 0.8, 0.0), (0.5, 0.0, 0.0)]


@pytest.mark.parametrize(("rho", "w", "v"), CASES)
def test_likelihood_is_the_dense_normal_of_what_is_observed(
    figures: Figures, rho: float | None, w: float, v: float
) -> None:
    residual, inv_sd, observed = figures
    sums = summarise(residual, TIME, inv_sd, _gaps(observed), rho=rho, xp=np)
    found = log_likelihood(sums, w, v, np)
    for i, seen in enumerate(observed):
        wanted = 0.0
        if seen.any():
            cov = _covariance(inv_sd[i], rho, w, v)[np.ix_(seen, seen)]
            wanted = multivariate_normal.logpdf(residual[i, seen], cov=cov)
            wanted += 0.5 * seen.sum() * np.log(2 * np.pi)
        assert found[i] == pytest.approx(wanted, rel=1e-10, abs=1e-10)


@pytest.mark.parametrize(("rho", "w", "v"), CASES)
def test_information_is_that_of_the_dense_precision(
    figures: Figures, rho: float | None, w: float, v: float
) -> None:
    residual, inv_sd, observed = figures
    sums = summarise(residual, TIME, inv_sd, _gaps(observed), rho=rho, xp=np)
    found = np.array(information(sums, w, v))
    for i, seen in enumerate(observed):
        b = np.column_stack([np.ones(T), TIME])[seen]
        precision = np.linalg.inv(_covariance(inv_sd[i], rho, w, v)[np.ix_(seen, seen)])
        m, h = b.T @ precision @ b, b.T @ precision @ residual[i, seen]
        wanted = [m[0, 0], m[0, 1], m[1, 1], *h]
        np.testing.assert_allclose(found[:, i], wanted, rtol=1e-9, atol=1e-10)


@pytest.mark.parametrize("rho", [None, 0.6])
def test_shifted_sums_are_those_of_shifted_residuals(figures: Figures, rho: float | None) -> None:
    residual, inv_sd, observed = figures
    gaps, level, slope = _gaps(observed), np.arange(N) - 2.0, np.linspace(-1, 3, N)
    sums = summarise(residual, TIME, inv_sd, gaps, rho=rho, xp=np)
    taken = residual - level[:, None] - np.outer(slope, TIME)
    direct = summarise(taken, TIME, inv_sd, gaps, rho=rho, xp=np)
    for name, value in vars(shifted(sums, level, slope)).items():
        np.testing.assert_allclose(value, getattr(direct, name), rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("rho", [None, 0.7])
def test_missing_residuals_have_the_conditional_normal_of_an_autoregression(
    rng: np.random.Generator, rho: float | None
) -> None:
    """40,000 draws: means within 5 standard errors, covariances within 0.03."""
    seen = np.array([False, True, False, False, True, False, True])
    known, n = rng.normal(size=T), 40_000
    drawn = draw_residuals(np.tile(known, (n, 1)), np.tile(seen, (n, 1)), rho, rng)
    np.testing.assert_array_equal(drawn[:, seen], np.tile(known[seen], (n, 1)))
    lag = np.abs(np.subtract.outer(np.arange(T), np.arange(T)))
    r = rho**lag if rho else np.eye(T)
    share = r[np.ix_(~seen, seen)] @ np.linalg.inv(r[np.ix_(seen, seen)])
    mean = share @ known[seen]
    cov = r[np.ix_(~seen, ~seen)] - share @ r[np.ix_(seen, ~seen)]
    np.testing.assert_allclose(drawn[:, ~seen].mean(axis=0), mean, atol=5 / np.sqrt(n))
    np.testing.assert_allclose(np.cov(drawn[:, ~seen].T), cov, atol=0.03)


def test_own_effects_have_their_conditional_normal(
    figures: Figures, rng: np.random.Generator
) -> None:
    """A workplace with gaps, 40,000 times: means within 5 standard errors, covariance in 3 %."""
    residual, inv_sd, observed = figures
    w, v, n, i = 1.3, 0.7, 40_000, 3
    rows = np.full(n, i)
    gaps = Gaps(observed[rows].astype(float), None, None)
    sums = summarise(residual[rows], TIME, inv_sd[rows], gaps, rho=None, xp=np)
    drawn = np.column_stack(draw_own_effects(sums, w, v, rng))
    b = np.column_stack([np.ones(T), TIME])[observed[i]]
    precision = np.diag([w**-2, v**-2]) + (b.T * inv_sd[i, observed[i]] ** 2) @ b
    cov = np.linalg.inv(precision)
    mean = cov @ (b.T * inv_sd[i, observed[i]] ** 2) @ residual[i, observed[i]]
    np.testing.assert_allclose(drawn.mean(axis=0), mean, atol=5 * np.sqrt(cov.max() / n))
    np.testing.assert_allclose(np.cov(drawn.T), cov, rtol=0.03, atol=0.01)


def test_unknown_answers_are_drawn_among_those_that_are_possible() -> None:
    """As often as they fit; a workplace with fewer combinations than others has no more."""
    rng, n = np.random.default_rng(7), 4000
    fits = np.log([[0.2, 0.8, 5.0], [0.5, 0.3, 0.2]])[np.arange(n) % 2]
    possible = np.array([[True, True, False], [True, True, True]])[np.arange(n) % 2]
    shift = np.broadcast_to(np.arange(3.0)[None, :, None], (n, 3, 1))
    found: Any = SimpleNamespace(possible=possible, cells=(), owner=np.arange(n), shift=shift)
    drawn = _with_answers(found, {}, np.zeros((n, 1)), fits, rng)[:, 0].astype(int)
    for part, wanted in ((0, [0.2, 0.8, 0.0]), (1, [0.5, 0.3, 0.2])):
        share = np.bincount(drawn[part::2], minlength=3) / (n / 2)
        np.testing.assert_allclose(share, wanted, atol=0.045)  # four standard errors
        assert share[2] == 0 or part
