"""The sampled panel: moments by brute force, deleted quarters. One compilation."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from scipy import linalg, stats

from bayes_sf.engines.panel.data import PanelData
from bayes_sf.engines.panel.draws import complete
from bayes_sf.engines.panel.fitted import PanelFit
from bayes_sf.engines.panel.quantities import workplace_table
from bayes_sf.engines.panel.sampling import compile_panel, fit_panel
from bayes_sf.errors import DataError
from bayes_sf.inputs.panel import Panel
from bayes_sf.spec.panel import PanelSpec
from tests import panels

pytestmark = pytest.mark.nuts

pytestmark = pytest.mark.slow

SPEC = PanelSpec(("item", "share"))
PANEL = panels.make(n=18, gaps=False)
SETTINGS = {"chains": 4, "draws": 500, "tune": 400, "target_accept": 0.8}
SDS = ("sd_resid", "sd_group", "sd_workplace", "sd_group_change", "sd_trend")


@pytest.fixture(scope="module")
def compiled() -> Any:
    """Compile once for all panels of this shape."""
    return compile_panel(PanelData(PANEL), SPEC)


@pytest.fixture(scope="module")
def fitted(compiled: Any) -> PanelFit:
    """The panel as it is."""
    return _fit(PANEL, compiled)


def _fit(panel: Panel, compiled: Any, seed: int = 1) -> PanelFit:
    return fit_panel(panel, SPEC, seed=seed, settings=SETTINGS, compiled=compiled, retry=False)


def _given(data: PanelData, theta: np.ndarray) -> tuple[float, np.ndarray, np.ndarray]:
    """ln p(y | theta), mean and covariance of (coefficients, effects, calendar): one dense normal.

    theta is (ln of the five sds, power of contracted days).
    """
    resid, group, workplace, group_change, trend = np.exp(theta[:5])
    n, t = data.y.shape
    own, ones = np.eye(n), np.ones(t)
    j, base = data.dummies, np.column_stack([np.ones(n), data.x])
    columns = np.column_stack(
        [
            np.kron(base, ones[:, None]), np.kron(base, data.time[:, None]),
            np.kron(j, ones[:, None]), np.kron(j, data.time[:, None]),
            np.kron(np.ones((n, 1)), data.calendar[1]),
        ]
    )  # fmt: skip
    f = data.calendar[1].shape[1]
    sds = [2.5] * 6 + [group] * 3 + [group_change] * 3 + [2.5] * f
    prior = np.square(sds)
    seen = data.panel.observed.ravel()
    columns, y = columns[seen], data.y.ravel()[seen]
    within = workplace**2 + trend**2 * np.outer(data.time, data.time)
    noise = resid**2 * np.exp(-theta[5] * data.log_days.ravel()[seen])
    cov = np.kron(own, within)[np.ix_(seen, seen)] + np.diag(noise)
    root = linalg.cho_factor(cov + (columns * prior) @ columns.T, lower=True)
    solved = linalg.cho_solve(root, np.column_stack([y, columns]))
    evidence = -0.5 * y @ solved[:, 0] - np.log(np.diag(root[0])).sum()
    mean = prior * (columns.T @ solved[:, 0])
    covariance = np.diag(prior) - prior[:, None] * (columns.T @ solved[:, 1:]) * prior
    return evidence, mean, covariance


def test_moments_are_those_of_a_brute_force_posterior(fitted: PanelFit) -> None:
    """Importance sampling over six numbers, all else a dense normal; 5 Monte Carlo errors."""
    data, trace = fitted.data, fitted.trace
    draws = np.column_stack(
        [np.log(trace[name].to_numpy().ravel()) for name in SDS]
        + [trace["weight_power"].to_numpy().ravel()]
    )
    proposal = stats.multivariate_t(draws.mean(axis=0), 1.5 * np.cov(draws.T), df=5, seed=4)
    thetas = proposal.rvs(1000)
    log_weight, means, squares = [], [], []
    for theta in thetas:
        evidence, mean, cov = _given(data, theta)
        prior = stats.t.logpdf(np.exp(theta[:5]), 3).sum() + theta[:5].sum()
        prior += stats.norm.logpdf(theta[5], 0.5, 0.5)
        log_weight.append(evidence + prior - proposal.logpdf(theta))
        means.append(np.concatenate([mean, theta]))
        squares.append(np.concatenate([np.diag(cov) + mean**2, theta**2]))
    weight = np.exp(np.array(log_weight) - max(log_weight))
    weight /= weight.sum()
    size = 1 / (weight**2).sum()
    assert size > 200
    mean = weight @ np.array(means)
    sd = np.sqrt(weight @ np.array(squares) - mean**2)
    names = ("level", "change", "u", "u_change", "calendar")
    found = np.concatenate(
        [trace[name].to_numpy().reshape(2000, -1) for name in names] + [draws], axis=1
    )
    error = sd * np.sqrt(1 / size + 1 / 800)
    assert (np.abs(found.mean(axis=0) - mean) < 5 * error).all()
    np.testing.assert_allclose(found.std(axis=0), sd, rtol=0.25)
    assert fitted.diagnostics()["divergences"].iloc[0] == 0


def test_deleting_quarters_never_narrows_the_workplaces_interval(
    fitted: PanelFit, compiled: Any
) -> None:
    """All, then four, then none of a workplace's quarters; 4,000 draws know a sd to 1.1 %."""
    row = int(PANEL.observed.sum(axis=1).argmax())
    kept = np.flatnonzero(PANEL.observed[row])[:4]
    sds = [_sds(complete(fitted, 2000), fitted)[row]]
    for quarters in (kept, kept[:0]):
        y, days = PANEL.y.copy(), PANEL.days.copy()
        gone = np.setdiff1d(np.arange(16), quarters)
        y[row, gone], days[row, gone] = np.nan, np.nan
        fit = _fit(replace(PANEL, y=y, days=days), compiled)
        sds.append(_sds(complete(fit, 2000), fit)[row])
    assert sds[1] > 0.95 * sds[0]
    assert sds[2] > 0.95 * sds[1]
    assert sds[2] > 2 * sds[0]


def _sds(done: Any, fit: PanelFit) -> np.ndarray:
    """Posterior sds of workplaces' means."""
    return workplace_table(fit, done).query("quantity == 'mean'")["sd"].to_numpy()


def test_a_workplace_without_quarters_has_its_industrys_prediction(fitted: PanelFit) -> None:
    """Drawn straight from the reported parameters: mean and sd in 5 Monte Carlo errors."""
    row = len(PANEL.code) - 1
    assert not PANEL.observed[row].any()
    done, post = complete(fitted, 2000), fitted.tree["posterior"]
    beta = post["beta"].to_numpy().reshape(2000, -1)
    u = post["u"].to_numpy().reshape(2000, -1)[:, PANEL.code[row]]
    quarter = post["sd_quarter"].to_numpy().ravel()
    own = post["sd_workplace"].to_numpy().ravel()
    middle = beta[:, 0] + beta[:, 1:] @ PANEL.x[row] + u
    variance = (own**2 + quarter**2 / 16).mean() + middle.var()
    found = done.y[:, row].mean(axis=1)
    assert found.mean() == pytest.approx(middle.mean(), abs=5 * np.sqrt(variance / 500))
    assert found.std() == pytest.approx(np.sqrt(variance), rel=0.1)


def test_observed_quarters_stay_as_they_are(fitted: PanelFit) -> None:
    done = complete(fitted, 3)
    seen = PANEL.observed
    for y, x in zip(done.y, done.x, strict=True):
        np.testing.assert_array_equal(y[seen], PANEL.y[seen])
        np.testing.assert_array_equal(x, PANEL.x)
        assert np.isfinite(y).all()


def test_panels_that_cannot_be_fitted() -> None:
    with pytest.raises(DataError, match="must have 2016Q4 and 2019Q4"):
        PanelData(replace(PANEL, quarters=("2020Q1", "2020Q2"), y=PANEL.y[:, :2]))
    with pytest.raises(DataError, match="must vary"):
        _ = PanelData(replace(PANEL, x=np.ones_like(PANEL.x))).x_scale
    with pytest.raises(DataError, match="whose mean absence differs"):
        _ = PanelData(replace(PANEL, y=np.full_like(PANEL.y, 5.0))).scale
