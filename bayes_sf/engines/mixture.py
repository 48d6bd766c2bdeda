"""Mixtures of normals: what any linear quantity's posterior is, on a grid of (sigma, tau).

Examples
--------
>>> import numpy as np
>>> two = NormalMixture(np.array([0.5, 0.5]), np.array([[-1.0, 1.0]]), np.array([[1.0, 1.0]]))
>>> float(two.mean()[0]), float(two.sd()[0].round(4))
(0.0, 1.4142)
>>> np.abs(two.quantile([0.5])).max() < 1e-9
np.True_
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr

__all__ = ["NormalMixture"]

_Floats = NDArray[np.float64]
_ROOT_2PI = np.sqrt(2 * np.pi)


@dataclass(frozen=True, eq=False)
class NormalMixture:
    """m quantities, each a mixture of G normals with common weights.

    Parameters
    ----------
    weight : (G,) array
        Non-negative, summing to one.
    means, sds : (m, G) arrays
        Of the components.
    finite_mean, finite_sd : bool
        Whether the moments exist (under a flat prior on tau with few groups they may not); a
        moment that does not exist is reported as NaN.
    """

    weight: _Floats
    means: _Floats
    sds: _Floats
    finite_mean: bool = True
    finite_sd: bool = True

    def mean(self) -> _Floats:
        """Means, (m,)."""
        return self.means @ self.weight if self.finite_mean else np.full(len(self.means), np.nan)

    def sd(self) -> _Floats:
        """Standard deviations, (m,)."""
        if not self.finite_sd:
            return np.full(len(self.means), np.nan)
        centre = (self.means @ self.weight)[:, None]
        return np.asarray(np.sqrt(((self.means - centre) ** 2 + self.sds**2) @ self.weight))

    def cdf(self, value: _Floats) -> _Floats:
        """P(quantity <= value), (m,), for one value per quantity (or a scalar)."""
        value = np.broadcast_to(np.asarray(value, dtype=float), (len(self.means),))
        return np.asarray(self._standard_cdf(value[:, None]) @ self.weight)

    def density(self, value: _Floats) -> _Floats:
        """Density at one value per quantity (or a scalar), (m,)."""
        value = np.broadcast_to(np.asarray(value, dtype=float), (len(self.means),))
        return np.asarray(self._density(value[:, None]) @ self.weight)

    def quantile(self, probs: Sequence[float]) -> _Floats:
        """Quantiles, (m, len(probs)): safeguarded Newton on the mixture's distribution function.

        The bracket is the range of the components' own quantiles, so a root is always inside.
        """
        from scipy.special import ndtri

        keep = self.weight > 1e-14
        part = NormalMixture(
            self.weight[keep] / self.weight[keep].sum(), self.means[:, keep], self.sds[:, keep]
        )
        columns = []
        for p in probs:
            own = part.means + ndtri(p) * part.sds
            low, high = own.min(axis=1), own.max(axis=1)
            columns.append(part._solve(p, low, high, own @ part.weight))
        return np.column_stack(columns)

    def _solve(self, p: float, low: _Floats, high: _Floats, start: _Floats) -> _Floats:
        """One quantile of every quantity by Newton steps kept inside a shrinking bracket."""
        x, low, high = start, low.copy(), high.copy()
        scale = np.maximum(high - low, np.abs(x)) + np.finfo(float).tiny
        for _ in range(200):
            excess = self.cdf(x) - p
            low = np.where(excess < 0, x, low)
            high = np.where(excess > 0, x, high)
            slope = self.density(x)
            with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
                step = x - excess / slope
            inside = (step >= low) & (step <= high)
            new = np.where(inside, step, 0.5 * (low + high))
            moved = np.abs(new - x)
            x = new
            if (moved <= 1e-13 * scale).all():
                break
        return x

    def _standard_cdf(self, value: _Floats) -> _Floats:
        """Components' distribution functions at (m, 1) values; a zero sd is a step."""
        with np.errstate(divide="ignore", invalid="ignore"):
            score = (value - self.means) / self.sds
        return np.asarray(ndtr(np.where(np.isnan(score), 0.0, score)))

    def _density(self, value: _Floats) -> _Floats:
        """Components' densities at (m, 1) values; zero for components without spread."""
        with np.errstate(divide="ignore", invalid="ignore"):
            score = (value - self.means) / self.sds
            height = np.exp(-0.5 * score**2) / (_ROOT_2PI * self.sds)
        return np.asarray(np.where(self.sds > 0, height, 0.0))
