"""What the panel model says of every workplace: its gaps filled in, draw by draw.

Given a draw of what was sampled, a workplace's intercept and slope over time are Gaussian, its
missing quarters are Gaussian given those, and an unknown answer has a probability for each
category. All are drawn from these, exactly; what is observed stays as it is. So a workplace with
every quarter keeps its own mean, and one with none has its industry's predictive distribution.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from bayes_sf.arrays import Floats
from bayes_sf.engines.panel.algebra import Sums, log_likelihood, shifted, summarise
from bayes_sf.engines.panel.answers import Candidates, candidates
from bayes_sf.engines.panel.counts import draw_counts, log_density_of_counts
from bayes_sf.engines.panel.data import PanelData, back, forward
from bayes_sf.errors import check_seed

if TYPE_CHECKING:
    from bayes_sf.engines.panel.fitted import PanelFit

__all__ = [
    "Completed", "complete", "complete_each", "draw_own_effects", "draw_residuals",
    "linear_predictor", "with_shares",
]  # fmt: skip


@dataclass(frozen=True, eq=False)
class Completed:
    """Panels without gaps, one per draw.

    Parameters
    ----------
    y : (S, N, T) array
        Absence in pp.
    x : (S, N, k) array
        Predictors in their own units.
    """

    y: Floats
    x: Floats


def complete(fit: "PanelFit", n: int, *, seed: int = 1) -> Completed:
    """Fill in the gaps of a panel, n times.

    Parameters
    ----------
    fit : PanelFit
        A sampled panel model.
    n : int
        Draws, spread evenly over the chains.
    seed : int
        Seed.
    """
    drawn = list(complete_each(fit, n, seed=seed))
    return Completed(np.stack([y for y, _ in drawn]), np.stack([x for _, x in drawn]))


def complete_each(fit: "PanelFit", n: int, *, seed: int = 1) -> Iterator[tuple[Floats, Floats]]:
    """Yield (y, x), (N, T) and (N, k), for each of n draws: see `complete`."""
    check_seed(seed)
    rng = np.random.default_rng(seed)
    trace = fit.trace.stack(sample=("chain", "draw"))  # xarray's, not pandas'
    places = np.linspace(0, trace.sizes["sample"] - 1, n).round().astype(int)
    arrays = {
        str(name): v.transpose("sample", ...).to_numpy() for name, v in trace.data_vars.items()
    }
    for place in places:
        draw = {name: values[place] for name, values in arrays.items()}
        yield _complete_one(fit, draw, rng)


def _complete_one(
    fit: "PanelFit", draw: dict[str, Any], rng: np.random.Generator
) -> tuple[Floats, Floats]:
    """One completed panel, in raw units."""
    data = fit.data
    x = with_shares(data, draw)
    fill = _fill if fit.spec.likelihood == "gaussian" else _fill_counts
    x, y = fill(data, draw, x, rng)
    raw = np.where(np.isnan(data.panel.x), data.x_centre + data.x_scale * x, data.panel.x)
    for choice in data.panel.choices:  # an answer is one of its values, not nearly
        place = np.ix_(np.flatnonzero(choice.answer < 0), list(choice.columns))
        distance = ((raw[place][:, None] - choice.values) ** 2).sum(axis=-1)
        raw[place] = choice.values[distance.argmin(axis=1)]
    return y, raw


def _expected(data: PanelData, draw: dict[str, Any], x: Floats) -> tuple[Floats, Floats]:
    """Level and slope over time that predictors and industry give each workplace, (N,) each."""
    code = data.panel.code
    level, change = draw["level"], draw["change"]
    return (
        level[0] + x @ level[1:] + draw["u"][code],
        change[0] + x @ change[1:] + draw["u_change"][code],
    )


def _period(data: PanelData, draw: dict[str, Any]) -> Floats:
    """Season, pandemic and random walk, (T,)."""
    period = data.calendar[1] @ draw["calendar"]
    if data.walk:
        period = period + draw["sd_period"] * (data.steps @ draw["walk"])
    return np.asarray(period)


def _fill(
    data: PanelData, draw: dict[str, Any], x: Floats, rng: np.random.Generator
) -> tuple[Floats, Floats]:
    """Predictors, and absence in pp, of a Gaussian panel."""
    own = (draw["sd_workplace"], draw.get("sd_trend", 0.0))
    inv_sd = np.exp(0.5 * draw["weight_power"] * data.log_days) / draw["sd_resid"]
    rho = 2 * draw["autocorrelation"] - 1 if "autocorrelation" in draw else None
    period = _period(data, draw)
    raw = summarise(data.y - period, data.time, inv_sd, data.gaps, rho=rho, xp=np)
    found = candidates(data)
    if found is not None:
        sums = shifted(raw, *_expected(data, draw, x))
        mine = Sums(*(value[found.owner][:, None] for value in vars(sums).values()))
        moved = shifted(mine, found.shift @ draw["level"][1:], found.shift @ draw["change"][1:])
        x = _with_answers(found, draw, x, log_likelihood(moved, *own, np), rng)
    middle, slope = _expected(data, draw, x)
    own_middle, own_slope = draw_own_effects(shifted(raw, middle, slope), *own, rng)
    mean = (middle + own_middle)[:, None] + period + np.outer(slope + own_slope, data.time)
    noise = draw_residuals((data.y - mean) * inv_sd, data.panel.observed, rho, rng) / inv_sd
    drawn = data.location + data.scale * (mean + noise)
    return x, np.where(data.panel.observed, data.panel.y, drawn)


def _fill_counts(
    data: PanelData, draw: dict[str, Any], x: Floats, rng: np.random.Generator
) -> tuple[Floats, Floats]:
    """Predictors, and absence in pp, of a panel of counts."""
    found = candidates(data)
    concentration = float(draw["concentration"])
    if found is not None:
        linear = linear_predictor(data, draw, x)[found.owner][:, None]
        slopes = (found.shift @ draw["change"][1:])[:, :, None] * data.time
        moved = linear + (found.shift @ draw["level"][1:])[:, :, None] + slopes
        fits = log_density_of_counts(data, moved, concentration, found.owner)
        x = _with_answers(found, draw, x, fits, rng)
    return x, draw_counts(data, linear_predictor(data, draw, x), concentration, rng)


def linear_predictor(data: PanelData, draw: dict[str, Any], x: Floats) -> Floats:
    """Linear predictor of a panel of counts, standardised, workplaces' own effects in it, (N, T).

    Parameters
    ----------
    data : PanelData
        The panel.
    draw : dict
        One draw of what was sampled.
    x : (N, k) array
        Predictors, standardised.
    """
    middle, slope = _expected(data, draw, x)
    middle = middle + draw["sd_workplace"] * draw["z_workplace"]
    if "z_trend" in draw:
        slope = slope + draw["sd_trend"] * draw["z_trend"]
    return np.asarray(middle[:, None] + np.outer(slope, data.time) + _period(data, draw))


def with_shares(data: PanelData, draw: dict[str, Any]) -> Floats:
    """Predictors, standardised, with the draw's values of missing numeric ones."""
    x = data.x.copy()
    for column, scale in data.panel.scales.items():
        known = forward(data.panel.x[:, column], scale)
        middle, spread = np.nanmean(known), np.nanstd(known, ddof=1)
        drawn = back(draw[f"missing_{data.panel.predictors[column]}"] * spread + middle, scale)
        x[np.isnan(known), column] = (drawn - data.x_centre[column]) / data.x_scale[column]
    return x


def _with_answers(
    found: Candidates, draw: dict[str, Any], x: Floats, fits: Floats, rng: np.random.Generator
) -> Floats:
    """Predictors with unknown answers drawn, given how well each combination fits, (D, C)."""
    log_prob = np.where(found.possible, fits, -np.inf)
    for name in found.cells:
        here = found.cell[name] >= 0
        shares = draw[f"answers_{name}"][found.cell[name][here]]
        log_prob[here] += np.log(np.take_along_axis(shares, found.category[name][here], axis=1))
    chosen = (log_prob + rng.gumbel(size=log_prob.shape)).argmax(axis=1)
    x = x.copy()
    x[found.owner] += found.shift[np.arange(len(chosen)), chosen]
    return x


def draw_own_effects(
    sums: Sums, sd_workplace: float, sd_trend: float, rng: np.random.Generator
) -> tuple[Floats, Floats]:
    """Intercepts and slopes of workplaces, (N,) each, from their conditional Gaussian.

    With L = diag(sd_workplace, sd_trend) and K = I + L B'B L they are L (K^-1 h + K^-1/2 z).
    """
    w, t = sd_workplace, sd_trend
    k = np.empty((len(sums.aa), 2, 2))
    k[:, 0, 0], k[:, 1, 1] = 1 + w**2 * sums.aa, 1 + t**2 * sums.tt
    k[:, 0, 1] = k[:, 1, 0] = w * t * sums.at
    h = np.column_stack([w * sums.r1, t * sums.rt])
    lower = np.linalg.cholesky(k)
    half = np.linalg.solve(lower, h[:, :, None]) + rng.normal(size=(len(h), 2, 1))
    unit = np.linalg.solve(np.swapaxes(lower, 1, 2), half)[:, :, 0]
    return w * unit[:, 0], t * unit[:, 1]


def draw_residuals(
    known: Floats, observed: NDArray[np.bool_], rho: float | None, rng: np.random.Generator
) -> Floats:
    """Standardised residuals, (N, T): those observed, and draws between them.

    With an AR(1) a missing one is drawn given the one before it and the next that is observed.
    """
    drawn = rng.normal(size=known.shape)
    if rho is None:
        return np.where(observed, known, drawn)
    n, t = known.shape
    ahead, lag = np.zeros((n, t)), np.full((n, t), np.inf)
    value, since = np.zeros(n), np.full(n, np.inf)
    for quarter in range(t - 1, -1, -1):
        ahead[:, quarter], lag[:, quarter] = value, since
        value = np.where(observed[:, quarter], known[:, quarter], value)
        since = np.where(observed[:, quarter], 1.0, since + 1)
    result = np.empty((n, t))
    before, left = np.zeros(n), np.ones(n)  # the first has nothing before it
    for quarter in range(t):
        share = np.where(np.isfinite(lag[:, quarter]), rho ** np.minimum(lag[:, quarter], 999), 0.0)
        precision = 1 / left + share**2 / (1 - share**2)
        pull = before / left + share * ahead[:, quarter] / (1 - share**2)
        guess = pull / precision + drawn[:, quarter] / np.sqrt(precision)
        result[:, quarter] = np.where(observed[:, quarter], known[:, quarter], guess)
        before, left = rho * result[:, quarter], np.full(n, 1 - rho**2)
    return result
