"""The panel of counts: lost days out of contracted days, beta-binomial, bounded at zero.

The linear predictor is the Gaussian model's, on the logit scale in units that are one sd of
workplaces' means there: the same priors, and the same pilot. Workplaces' own intercepts and slopes
are parameters, non-centred. Counts are whole: what rounding moves is in `Counts`, to be said.
"""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit as _expit
from scipy.special import gammaln as _gammaln

from bayes_sf.arrays import Floats
from bayes_sf.engines.panel.answers import candidates, log_prior
from bayes_sf.engines.panel.data import PanelData

__all__ = [
    "Counts", "count_likelihood", "count_quarters", "draw_counts", "log_density_of_counts",
]  # fmt: skip


#: Mean and sd of the prior on ln concentration: residual sds of 0.5 to 10 pp at 5 % absence.
LOG_CONCENTRATION = (4.6, 1.5)


@dataclass(frozen=True, eq=False)
class Counts:
    """Whole lost and contracted days, and what rounding them moved.

    Parameters
    ----------
    lost, days : (N, T) array
        Whole days; a gap has 0 lost, and its workplace's median of contracted days.
    centre, unit : float
        The linear predictor is logit(mean absence) + unit x what is standardised.
    n_rounded : int
        Observed quarters whose figures were no whole days.
    largest : float
        The most that rounding moved a quarter's absence, in pp.
    """

    lost: Floats
    days: Floats
    centre: float
    unit: float
    n_rounded: int
    largest: float


def count_quarters(data: PanelData) -> Counts:
    """Round a panel to whole days: 5.3 % of 759.5 days lost become 40 of 760, 5.26 %.

    Parameters
    ----------
    data : PanelData
        The panel.
    """
    panel = data.panel
    overall = float(np.nanmedian(np.where(panel.days > 0, panel.days, np.nan)))
    exact_days = np.where(panel.observed, panel.days, overall * np.exp(data.log_days))
    exact_lost = np.where(panel.observed, panel.y * exact_days / 100, 0.0)
    days = np.maximum(np.round(exact_days), 1.0)
    lost = np.clip(np.round(exact_lost), 0.0, days)
    seen = panel.observed
    off = (np.abs(days - exact_days) > 1e-6) | (np.abs(lost - exact_lost) > 1e-6)
    moved = np.abs(100 * lost / days - panel.y)[seen]
    mean = data.location / 100
    return Counts(
        lost, days, float(np.log(mean / (1 - mean))), data.scale / 100 / (mean * (1 - mean)),
        int((off & seen).sum()), float(moved.max(initial=0.0)),
    )  # fmt: skip


def count_likelihood(
    data: PanelData, sds: dict[str, Any], expected: tuple[Any, Any, Any], betas: tuple[Any, Any]
) -> Any:
    """Log density of each workplace's counts given its own effects, (N,).

    Parameters
    ----------
    data : PanelData
        The panel.
    sds : dict
        Standard deviations, standardised.
    expected : tuple
        Middle (N,), slope (N,) and period (T,) of the linear predictor.
    betas : tuple
        Slopes of predictors on level and change, (k,) each.
    """
    import pymc as pm
    import pytensor.tensor as pt

    tensor: Any = pt
    counts, n = count_quarters(data), len(data.y)
    concentration = pm.LogNormal("concentration", *LOG_CONCENTRATION)
    middle, slope, period = expected
    middle = middle + sds["sd_workplace"] * pm.Normal("z_workplace", shape=n)
    if "sd_trend" in sds:
        slope = slope + sds["sd_trend"] * pm.Normal("z_trend", shape=n)
    linear = middle[:, None] + slope[:, None] * data.time + period

    own, found = _log_density(counts, data.mask, linear, concentration, tensor), candidates(data)
    if found is None:
        return own
    take = np.eye(found.n_workplaces)[found.owner]
    moved = (found.shift @ betas[0])[:, :, None] + (found.shift @ betas[1])[:, :, None] * data.time
    moved = (take @ linear)[:, None, :] + moved
    part = _rows(counts, data.mask, found.owner)
    each = _log_density(*part, moved, concentration, tensor) + log_prior(found)
    return own + take.T @ (tensor.logsumexp(each, axis=1) - take @ own)


def _rows(counts: Counts, mask: Floats, rows: NDArray[np.intp]) -> tuple[Counts, Floats]:
    """Counts and mask of some workplaces, (D, 1, T)."""
    chosen = replace(counts, lost=counts.lost[rows][:, None], days=counts.days[rows][:, None])
    return chosen, mask[rows][:, None]


def _log_density(counts: Counts, mask: Floats, linear: Any, concentration: Any, xp: Any) -> Any:
    """Beta-binomial log density summed over observed quarters, binomial coefficients left out."""
    gammaln, expit = (xp.gammaln, xp.sigmoid) if hasattr(xp, "gammaln") else (_gammaln, _expit)
    mu = expit(counts.centre + counts.unit * linear)
    a, b = mu * concentration, (1 - mu) * concentration
    parts = (
        gammaln(counts.lost + a) + gammaln(counts.days - counts.lost + b) - gammaln(a)
        - gammaln(b) + gammaln(concentration) - gammaln(counts.days + concentration)
    )  # fmt: skip
    return (parts * mask).sum(axis=-1)


def log_density_of_counts(
    data: PanelData, linear: Floats, concentration: float, rows: NDArray[np.intp]
) -> Floats:
    """Log density of some workplaces' counts, (D, C), at linear predictors (D, C, T).

    Parameters
    ----------
    data : PanelData
        The panel.
    linear : (D, C, T) array
        Standardised.
    concentration : float
        Of the beta-binomial.
    rows : (D,) int array
        The workplaces.
    """
    part = _rows(count_quarters(data), data.mask, rows)
    return np.asarray(_log_density(*part, linear, concentration, np))


def draw_counts(
    data: PanelData, linear: Floats, concentration: float, rng: np.random.Generator
) -> Floats:
    """Absence in pp, (N, T): as observed, and drawn in the gaps.

    Parameters
    ----------
    data : PanelData
        The panel.
    linear : (N, T) array
        Linear predictor, workplaces' own effects included.
    concentration : float
        Of the beta-binomial.
    rng : numpy.random.Generator
        Source of randomness.
    """
    counts = count_quarters(data)
    mu = 1 / (1 + np.exp(-(counts.centre + counts.unit * linear)))
    share = rng.beta(mu * concentration, (1 - mu) * concentration)
    drawn = 100 * rng.binomial(counts.days.astype(np.int64), share) / counts.days
    return np.where(data.panel.observed, data.panel.y, drawn)
