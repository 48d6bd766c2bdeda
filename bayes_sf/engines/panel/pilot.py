"""A quick fit of the panel model: where its coefficients are, and how well the data know them.

Least squares within workplaces give the calendar and the residual variance, least squares of
workplaces within industries the rest. The sampler starts from it and is scaled by it; nothing of it
is in the posterior.
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from bayes_sf.arrays import Floats
from bayes_sf.engines.panel.algebra import Sums, information, shifted, summarise
from bayes_sf.engines.panel.data import PanelData

__all__ = ["Pilot", "Place"]


#: Added to the information on every slope, industry and calendar coefficient: that of a wide prior.
_RIDGE = 0.1


@dataclass(frozen=True)
class Place:
    """Where the coefficients of the level, or of the change, are; standardised.

    Parameters
    ----------
    slopes : (k,) array
        Of the predictors.
    root : (k, k) array
        Cholesky factor of their covariance.
    levels : (J,) array
        Level of each industry where all predictors are zero.
    x_means : (J, k) array
        How far it falls with the slopes.
    variances : (J,) array
        Its variance given the slopes.
    """

    slopes: Floats
    root: Floats
    levels: Floats
    x_means: Floats
    variances: Floats


@dataclass(frozen=True, eq=False)
class Pilot:
    """The quick fit.

    Parameters
    ----------
    data : PanelData
        The panel.
    """

    data: PanelData

    @cached_property
    def _within(self) -> tuple[Floats, Floats, float]:
        """Calendar, (F,), its covariance, residual variance, a line over time beside them."""
        data = self.data
        columns = np.column_stack([data.calendar[1], data.time])
        n, f = len(data.y), columns.shape[1] - 1
        count = np.maximum(data.mask.sum(axis=1), 1)[:, None]
        full = columns - ((data.mask @ columns) / count)[:, None, :]
        within = data.y - (data.y * data.mask).sum(axis=1, keepdims=True) / count
        rows, left = full[data.panel.observed], within[data.panel.observed]
        gram = rows.T @ rows + _RIDGE * np.eye(f + 1)
        estimate = np.linalg.solve(gram, rows.T @ left)
        left = left - rows @ estimate
        variance = float(left @ left) / max(len(left) - n - f, 1)
        covariance = np.linalg.inv(gram) * variance
        return estimate[:f], covariance[:f, :f], variance

    @property
    def calendar(self) -> tuple[Floats, Floats]:
        """Where the calendar's coefficients are, (F,), and the factor of their covariance."""
        return self._within[0], np.linalg.cholesky(self._within[1])

    @cached_property
    def places(self) -> dict[str, Place]:
        """By part, "" for the level and "_change".

        The spread of workplaces is taken from their own means and slopes once.
        """
        data, (calendar, _, variance) = self.data, self._within
        residual = data.y - data.calendar[1] @ calendar
        inv_sd = np.full(residual.shape, 1 / np.sqrt(variance))
        sums = summarise(residual, data.time, inv_sd, data.gaps, rho=None, xp=np)
        w, v = self._spread(sums)
        found: dict[str, Place] = {}
        for part in ("", "_change"):
            if part:  # the level's estimates leave the change to explain
                level = found[""]
                x_part = data.x @ level.slopes + level.levels[data.panel.code]
                sums = shifted(sums, x_part, 0.0)
            m11, _, m22, b1, b2 = information(sums, w, v)
            found[part] = self._place(*((m22, b2) if part else (m11, b1)))
        return found

    def _spread(self, sums: Sums) -> tuple[float, float]:
        """Standard deviations of workplaces' levels and slopes, noise taken off."""
        seen = sums.aa > 0
        level = sums.r1[seen] / sums.aa[seen]
        w = level.var() - (1 / sums.aa[seen]).mean()
        left = shifted(sums, np.where(seen, sums.r1 / np.where(seen, sums.aa, 1), 0.0), 0.0)
        own = left.tt - np.where(seen, left.at**2 / np.where(seen, left.aa, 1), 0.0)
        known = own > np.median(own) / 2
        if not (own[known] > 0).all():
            return float(np.sqrt(max(w, 0.01))), 0.0
        v = (left.rt[known] / own[known]).var() - (1 / own[known]).mean()
        return float(np.sqrt(max(w, 0.01))), float(np.sqrt(max(v, 0.0)))

    def _place(self, m: Floats, b: Floats) -> Place:
        """Weighted least squares of workplaces, weights m and weighted outcomes b, (N,) each."""
        data, k = self.data, self.data.x.shape[1]
        total = data.dummies.T @ m + _RIDGE
        x_means = (data.dummies.T @ (data.x * m[:, None])) / total[:, None]
        y_means = (data.dummies.T @ b) / total
        gram = data.x.T @ (data.x * m[:, None]) - x_means.T @ (total[:, None] * x_means)
        cross = data.x.T @ b - x_means.T @ (total * y_means)
        covariance = np.linalg.inv(gram + _RIDGE * np.eye(k))
        root = np.linalg.cholesky(covariance) if k else np.zeros((0, 0))
        slopes = covariance @ cross
        return Place(slopes, root, y_means, x_means, 1 / total)
