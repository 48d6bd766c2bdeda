"""Quarterly absence whose mean, change and trend are those wanted.

A workplace's rates are a seasonal, noisy, tilted pattern. The two ends of the change are set first
(their difference is exact), then the others are scaled so that the mean is exact. The tilt follows
the change; its strength is chosen so that change and trend correlate as published.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from bayes_sf.inputs.published import scalar
from bayes_sf.replica.survey.strata import Stratum, workplaces

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from bayes_sf.replica.survey.respondents import Traits

    type Array = NDArray[np.float64]
    type Mask = NDArray[np.bool_]

__all__ = ["AFTER", "BEFORE", "N_QUARTERS", "Gaps", "draw_gaps", "draw_rates", "kendall_tau"]

N_QUARTERS = 20
BEFORE, AFTER = 3, 15
"""Positions of 2016Q4 and 2019Q4 among the quarters from 2016Q1."""

# Seasons: doctor-certified absence is highest in winter.
_SEASONS = (1.12, 0.97, 0.88, 1.03)
_NOISE, _PERSISTENCE = 0.28, 0.4
# Of the workplaces with fewer than ten quarters, those that still have both ends of the change.
_SPARSE_CHANGE = 10
# A change must fit into the quarters observed: at most this part of them times the mean.
_ROOM = 0.55
# Share of the workplaces without both ends that were established after the first of them.
_NEW = 0.35
# Part of the quarters without lost days that have no row at all, for workplaces not newly
# established.
_NO_ROW = 0.4
# Tilts: strengths that are tried, with less and less noise until one suffices.
_WIDEST_TILT, _STRENGTHS, _CALMER = 2.5, np.linspace(0.0, 2.0, 21), (1.0, 0.7, 0.5, 0.3)
_BISECTIONS = 30


@dataclass(frozen=True)
class Gaps:
    """What the register has of each workplace and quarter, (605, 20) each.

    Parameters
    ----------
    observed : bool array
        Lost and contracted days.
    row : bool array
        A row, with or without lost days.
    """

    observed: "Mask"
    row: "Mask"


def _sizes(
    rng: np.random.Generator, traits: "Traits", mean: "Array", change: "Array"
) -> "NDArray[np.int64]":
    """Number of observed quarters of each workplace, (605,)."""
    places = workplaces()
    n_full = int(scalar("n_linked") - scalar("n_with_gaps"))
    few = places.stratum == Stratum.FEW
    n_sparse = int(scalar("n_few_quarters")) - int(few.sum())
    count = np.zeros(len(mean), dtype=np.int64)
    count[few] = rng.integers(1, 3, few.sum())
    # Small and private workplaces have more holes.
    holes = -traits.size + 0.8 * (places.industry < 3) + 0.7 * rng.standard_normal(len(mean))
    with_change = np.flatnonzero(places.change)
    needed = np.abs(change[with_change]) / mean[with_change] / _ROOM
    ranked = with_change[np.argsort(holes[with_change] - 10 * (needed > 10), kind="stable")]
    sparse = np.flatnonzero(places.change & (np.abs(change) / mean / _ROOM < 3))
    sparse = sparse[np.argsort(-holes[sparse], kind="stable")][:_SPARSE_CHANGE]
    count[ranked[:n_full]] = N_QUARTERS
    rest = np.setdiff1d(ranked[n_full:], sparse)
    floor = np.maximum(10, np.ceil(np.abs(change) / mean / _ROOM)).astype(np.int64)
    count[rest] = rng.integers(floor[rest], N_QUARTERS)
    count[sparse] = rng.integers(5, 10, len(sparse))
    others = np.flatnonzero(places.mean & ~places.change)
    others = others[np.argsort(-holes[others], kind="stable")]
    n_others = n_sparse - len(sparse)
    count[others[:n_others]] = rng.integers(3, 10, n_others)
    count[others[n_others:]] = rng.integers(10, N_QUARTERS - 1, len(others) - n_others)
    return count


def draw_gaps(rng: np.random.Generator, traits: "Traits", mean: "Array", change: "Array") -> Gaps:
    """Draw which quarters are observed.

    Published: 362 workplaces lack lost days in some quarter, 92 have fewer than ten, 10 have one
    or two; 420 have both ends of the change.
    """
    places = workplaces()
    count = _sizes(rng, traits, mean, change)
    observed = np.zeros((len(mean), N_QUARTERS), dtype=bool)
    row = np.zeros_like(observed)
    ends = [BEFORE, AFTER]
    between = np.setdiff1d(np.arange(N_QUARTERS), ends)
    for place in np.flatnonzero(places.linked):
        n = int(count[place])
        if places.change[place]:
            seen = np.concatenate([ends, rng.permutation(between)[: n - 2]])
        elif rng.random() < _NEW:  # established after 2016: the last n quarters, or some of them
            first = rng.integers(BEFORE + 1, N_QUARTERS - n + 1) if n < 16 else BEFORE + 1
            seen = rng.permutation(np.arange(first, N_QUARTERS))[:n]
            row[place, first:] = True
        else:
            absent = ends[rng.integers(2)]
            seen = rng.permutation(np.delete(np.arange(N_QUARTERS), absent))[:n]
        observed[place, seen] = True
        if not row[place].any():
            row[place] = rng.random(N_QUARTERS) >= _NO_ROW
        row[place] |= observed[place]
    return Gaps(observed, row)


def kendall_tau(rates: "Array", observed: "Mask") -> "Array":
    """Kendall's tau-b of each row with time over its observed quarters; time has no ties.

    Parameters
    ----------
    rates : (n, T) float array
    observed : (n, T) bool array

    Returns
    -------
    (n,) float array
        NaN where all rates are tied.

    Examples
    --------
    >>> kendall_tau(np.array([[1.0, 3.0, 2.0, 4.0]]), np.ones((1, 4), dtype=bool)).round(3)
    array([0.667])
    """
    early, late = np.triu_indices(rates.shape[1], k=1)
    both = observed[:, early] & observed[:, late]
    sign = np.where(both, np.sign(rates[:, late] - rates[:, early]), 0.0)
    untied = (sign != 0).sum(axis=1)
    with np.errstate(invalid="ignore"):
        return np.asarray(sign.sum(axis=1) / np.sqrt(both.sum(axis=1) * untied))


def _pattern(noise: "Array", tilt: "Array") -> "Array":
    """Positive pattern of rates, (605, 20): season, noise and a tilt in time."""
    time = np.linspace(-1.0, 1.0, N_QUARTERS)
    seasons = np.tile(_SEASONS, N_QUARTERS // len(_SEASONS))
    return np.asarray(seasons * np.exp(noise + tilt[:, None] * time))


def _place(
    pattern: "Array", observed: "Mask", mean: "Array", change: "Array", has_change: "Mask"
) -> "Array":
    """Rates with exact means and changes from a pattern, (605, 20); 0 where not observed."""
    weight = np.where(observed, pattern, 0.0)
    n = observed.sum(axis=1)
    rates = weight * (mean * n / np.maximum(weight.sum(axis=1), 1e-12))[:, None]
    # The ends keep their middle as far as both are at least zero and leave something to the others.
    middle = rates[:, [BEFORE, AFTER]].mean(axis=1)
    lowest = np.abs(change) / 2
    highest = np.maximum(lowest, 0.45 * mean * n)
    middle = np.clip(middle, lowest, highest)
    ends = np.stack([middle - change / 2, middle + change / 2], axis=1)
    inner = weight.copy()
    inner[:, [BEFORE, AFTER]] = 0.0
    left = mean * n - ends.sum(axis=1)
    moved = inner * (left / np.maximum(inner.sum(axis=1), 1e-12))[:, None]
    moved[:, [BEFORE, AFTER]] = ends
    return np.asarray(np.where(has_change[:, None], moved, rates))


def draw_rates(rng: np.random.Generator, gaps: Gaps, mean: "Array", change: "Array") -> "Array":
    """Draw the absence of every observed quarter.

    Parameters
    ----------
    rng : numpy.random.Generator
    gaps : Gaps
    mean, change : (605,) float array
        Outcomes, in pp; the change counts for the 420.

    Returns
    -------
    (605, 20) float array
        Percent of contracted days; NaN where not observed.
    """
    places = workplaces()
    noise = np.zeros(gaps.observed.shape)
    shocks = _NOISE * rng.standard_normal(noise.shape)
    for quarter in range(N_QUARTERS):
        before = noise[:, quarter - 1] if quarter else 0.0
        noise[:, quarter] = _PERSISTENCE * before + shocks[:, quarter]
    relative = np.where(places.change, change / np.maximum(mean, 0.5), 0.0)

    def rates(strength: float, calm: float) -> "Array":
        pattern = _pattern(calm * noise, _WIDEST_TILT * np.tanh(strength * relative))
        return _place(pattern, gaps.observed, mean, change, places.change)

    def correlation(strength: float, calm: float) -> float:
        trend = kendall_tau(rates(strength, calm)[places.change], gaps.observed[places.change])
        return float(np.corrcoef(trend, change[places.change])[0, 1])

    wanted = scalar("pearson_change_trend")
    for calm in _CALMER:
        reached = [correlation(strength, calm) for strength in _STRENGTHS]
        if max(reached) > wanted:
            break
    high = next(i for i, value in enumerate(reached) if value >= min(wanted, max(reached)))
    ends = _STRENGTHS[max(high - 1, 0)], _STRENGTHS[high]
    for _ in range(_BISECTIONS):
        middle = (ends[0] + ends[1]) / 2
        below = correlation(middle, calm) < wanted
        ends = (middle, ends[1]) if below else (ends[0], middle)
    return np.where(gaps.observed, rates(ends[1], calm), np.nan)
