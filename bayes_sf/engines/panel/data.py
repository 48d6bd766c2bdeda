"""A panel brought to the scale and shape in which its model is written.

Absence is centred and divided by the spread of workplaces' means, predictors by their own, and time
counts from the middle of the panel in units of twelve quarters, so that a slope over time is the
change from 2016Q4 to 2019Q4. Season and pandemic are collected in F calendar columns.
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from bayes_sf.arrays import Floats
from bayes_sf.engines.panel.algebra import Gaps
from bayes_sf.errors import DataError
from bayes_sf.inputs.panel import Panel

__all__ = ["CHANGE_QUARTERS", "TIME_UNIT", "PanelData", "back", "forward"]


#: Quarters in one unit of time: from 2016Q4 to 2019Q4.
TIME_UNIT = 12
#: First and last quarter of the report's change.
CHANGE_QUARTERS = ("2016Q4", "2019Q4")
_PANDEMIC = "2020Q1"


#: Shares nearer to none or all than this are taken as this far off when others' are imputed.
_EDGE = 0.005


def forward(values: Floats, scale: str) -> Floats:
    """Bring values to the scale on which they are imputed: ``logit`` or ``log``.

    A share of none or all has no logit. What is imputed from it sees it half a percent off; as a
    predictor it stays as it is.

    Examples
    --------
    >>> forward(np.array([0.5, 1.0]), "logit").round(2).tolist()
    [0.0, 5.29]
    """
    if scale == "log":
        return np.asarray(np.log(values))
    inside = np.clip(values, _EDGE, 1 - _EDGE)
    return np.asarray(np.log(inside / (1 - inside)))


def back(values: Floats, scale: str) -> Floats:
    """Inverse of `forward`."""
    return np.asarray(1 / (1 + np.exp(-values)) if scale == "logit" else np.exp(values))


@dataclass(frozen=True, eq=False)
class PanelData:
    """Arrays of a panel model, standardised.

    Parameters
    ----------
    panel : Panel
        Where they come from.
    walk : bool
        Whether the period effect is a random walk instead of a line and a step.

    Raises
    ------
    DataError
        For a panel without the first and last quarter of the change.
    """

    panel: Panel
    walk: bool = False

    def __post_init__(self) -> None:
        """Refuse a panel that has no change."""
        if not set(CHANGE_QUARTERS) <= set(self.panel.quarters):
            ends = f"{self.panel.quarters[0]} to {self.panel.quarters[-1]}"
            raise DataError("panel", f"must have {' and '.join(CHANGE_QUARTERS)}", got=ends)

    @cached_property
    def mask(self) -> Floats:
        """1 where absence is observed, (N, T)."""
        return self.panel.observed.astype(float)

    @cached_property
    def gaps(self) -> Gaps:
        """Which quarters are observed, and which came before each."""
        n, t = self.mask.shape
        last = np.full(n, -1)
        previous, lag = np.zeros((n, t), dtype=np.intp), np.zeros((n, t))
        for quarter in range(t):
            known = last >= 0
            previous[:, quarter] = np.where(known, np.arange(n) * t + last, 0)
            lag[:, quarter] = np.where(known, quarter - last, 0)
            last = np.where(self.panel.observed[:, quarter], quarter, last)
        return Gaps(self.mask, previous, lag)

    @cached_property
    def own_means(self) -> Floats:
        """Mean of each workplace's observed quarters, (N,), NaN where there is none."""
        count = self.mask.sum(axis=1)
        total = np.nansum(self.panel.y, axis=1)
        return np.asarray(np.where(count > 0, total / np.maximum(count, 1), np.nan))

    @cached_property
    def location(self) -> float:
        """Mean of the workplaces' means, in pp: zero of the standardised outcome."""
        return float(np.nanmean(self.own_means))

    @cached_property
    def scale(self) -> float:
        """Standard deviation of the workplaces' means, in pp: its unit.

        Raises
        ------
        DataError
            When fewer than two workplaces have a figure, or all the same.
        """
        known = self.own_means[np.isfinite(self.own_means)]
        spread = float(known.std(ddof=1)) if len(known) > 1 else 0.0
        if not spread > 0:
            raise DataError("panel", "must have workplaces whose mean absence differs", got=spread)
        return spread

    @cached_property
    def y(self) -> Floats:
        """Outcome, (N, T), 0 where missing."""
        return np.where(self.panel.observed, (self.panel.y - self.location) / self.scale, 0.0)

    @cached_property
    def log_days(self) -> Floats:
        """Log of contracted days over their median, (N, T); a gap has its workplace's median."""
        days = np.where(self.panel.days > 0, self.panel.days, np.nan)
        known = np.isfinite(days)
        overall = float(np.nanmedian(days))
        own = np.full(len(days), overall)
        some = known.any(axis=1)
        own[some] = np.nanmedian(days[some], axis=1)
        return np.log(np.where(known, days, own[:, None]) / overall)

    # Predictors ------------------------------------------------------------------------------

    @cached_property
    def x_centre(self) -> Floats:
        """Mean of each predictor where known, (k,)."""
        return np.nanmean(self.panel.x, axis=0)

    @cached_property
    def x_scale(self) -> Floats:
        """Standard deviation of each predictor where known, (k,).

        Raises
        ------
        DataError
            For a predictor that does not vary.
        """
        spread = np.nanstd(self.panel.x, axis=0, ddof=1)
        if not (spread > 0).all():
            name = self.panel.predictors[int(np.argmin(spread))]
            raise DataError(f"column {name!r}", "must vary", got="a constant", fix="leave it out")
        return spread

    @cached_property
    def x(self) -> Floats:
        """Predictors, (N, k); a missing one has its industry's mean, or 0 where that is unknown."""
        x = (self.panel.x - self.x_centre) / self.x_scale
        for industry in range(len(self.panel.industries)):
            rows = self.panel.code == industry
            part = x[rows]
            count = np.isfinite(part).sum(axis=0)
            mean = np.nansum(part, axis=0) / np.maximum(count, 1)
            x[rows] = np.where(np.isfinite(part), part, mean)
        return x

    @cached_property
    def dummies(self) -> Floats:
        """Industry of each workplace, (N, J)."""
        return np.eye(len(self.panel.industries))[self.panel.code]

    # Time ------------------------------------------------------------------------------------

    @cached_property
    def time(self) -> Floats:
        """Time from the middle of the panel in units of twelve quarters, (T,)."""
        n = len(self.panel.quarters)
        return (np.arange(n) - (n - 1) / 2) / TIME_UNIT

    @cached_property
    def calendar(self) -> tuple[tuple[str, ...], Floats]:
        """Names of season and pandemic, and their columns, (T, F), each with mean zero."""
        quarters = self.panel.quarters
        columns = {
            f"season[Q{q}]": np.array([float(name.endswith(f"Q{q}")) for name in quarters])
            for q in (2, 3, 4)
        }
        if not self.walk and quarters[0] < _PANDEMIC <= quarters[-1]:
            columns["pandemic"] = np.array([float(name >= _PANDEMIC) for name in quarters])
        varying = {name: c - c.mean() for name, c in columns.items() if np.ptp(c) > 0}
        return tuple(varying), np.column_stack([*varying.values()])

    @cached_property
    def steps(self) -> Floats:
        """Columns of a random walk's steps, (T, T - 1), each with mean zero."""
        n = len(self.panel.quarters)
        late = (np.arange(n)[:, None] > np.arange(n - 1)).astype(float)
        return late - late.mean(axis=0)

    @property
    def change_places(self) -> tuple[int, int]:
        """Places of the first and last quarter of the change."""
        first, last = (self.panel.quarters.index(name) for name in CHANGE_QUARTERS)
        return first, last
