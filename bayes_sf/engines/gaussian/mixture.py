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

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property, partial

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr, ndtri

from bayes_sf.arrays import Floats

__all__ = ["NormalMixture"]

_ROOT_2PI = np.sqrt(2 * np.pi)
#: Components that are worked on at a time: 16 MB of them.
_BLOCK = 2_000_000


@dataclass(frozen=True, eq=False)
class NormalMixture:
    """m quantities, each a mixture of G normals with common weights.

    Parameters
    ----------
    weight : (G,) array
        Non-negative, summing to one.
    means, sds : (m, G) arrays
        Of the components.
    exist : int or (m,) array
        How many moments of each quantity exist (0, 1 or 2): under a flat prior on tau with few
        groups not all do. A moment that does not exist is reported as NaN.
    """

    weight: Floats
    means: Floats
    sds: Floats
    exist: NDArray[np.int_] | int = 2

    @classmethod
    def average(
        cls, mixtures: Sequence["NormalMixture"], weights: Floats | None = None
    ) -> "NormalMixture":
        """Average of mixtures of the same quantities, with weights (they sum to one) or equal."""
        share = np.full(len(mixtures), 1 / len(mixtures)) if weights is None else weights
        return cls(
            np.concatenate([s * m.weight for s, m in zip(share, mixtures, strict=True)]),
            np.concatenate([mixture.means for mixture in mixtures], axis=1),
            np.concatenate([mixture.sds for mixture in mixtures], axis=1),
            np.min([np.broadcast_to(m.exist, len(m.means)) for m in mixtures], axis=0),
        )

    def take(self, rows: Sequence[int]) -> "NormalMixture":
        """Pick quantities by number."""
        rows = list(rows)
        exist = np.broadcast_to(self.exist, len(self.means))[rows]
        return NormalMixture(self.weight, self.means[rows], self.sds[rows], exist)

    def shifted(self, by: Floats) -> "NormalMixture":
        """Return the same quantities with numbers added, (m,)."""
        return NormalMixture(self.weight, self.means + by[:, None], self.sds, self.exist)

    def mean(self) -> Floats:
        """Means, (m,)."""
        return np.where(np.asarray(self.exist) >= 1, self.means @ self.weight, np.nan)

    def sd(self) -> Floats:
        """Return the standard deviations, (m,)."""
        return np.where(np.asarray(self.exist) >= 2, self._spread, np.nan)

    @cached_property
    def _spread(self) -> Floats:
        """Roots of the variances, (m,), whether or not they exist."""
        return self._in_blocks(_spread)

    def fourth(self) -> Floats:
        """Fourth central moments, (m,): what the sd of draws varies by; NaN where no sd exists."""
        off, var = self.means - (self.means @ self.weight)[:, None], self.sds**2
        moment = (off**4 + 6 * off**2 * var + 3 * var**2) @ self.weight
        return np.where(np.asarray(self.exist) >= 2, moment, np.nan)

    def cdf(self, value: Floats | float) -> Floats:
        """P(quantity <= value), (m,), for one value per quantity or for all."""
        if np.ndim(value):
            return _cdf(self, value)
        return self._in_blocks(partial(_cdf, value=value))

    def density(self, value: Floats | float) -> Floats:
        """Density at one value per quantity or for all, (m,); components without sd add none."""
        return _cdf_and_density(self, value)[1]

    def log_density(self, value: Floats | float) -> Floats:
        """Log density, (m,), however far from everything the value is; all sds are positive."""
        value = np.broadcast_to(np.asarray(value, dtype=float), (len(self.means),))[:, None]
        with np.errstate(divide="ignore"):
            height = np.log(self.weight) - np.log(_ROOT_2PI * self.sds)
        height = height - 0.5 * ((value - self.means) / self.sds) ** 2
        return np.asarray(np.logaddexp.reduce(height, axis=1))

    def quantile(self, probs: Sequence[float] | Floats) -> Floats:
        """Quantiles, (m, len(probs)): safeguarded Newton on the mixture's distribution function.

        Components that together weigh less than 1e-10 are left out. The bracket is the range of
        the components' own quantiles, so a root is always inside.
        """
        order = np.argsort(self.weight)[::-1]
        last = int(np.searchsorted(np.cumsum(self.weight[order]), 1 - 1e-10)) + 1
        keep = np.sort(order[:last])
        part = NormalMixture(
            self.weight[keep] / self.weight[keep].sum(), self.means[:, keep], self.sds[:, keep]
        )
        return np.column_stack([part._in_blocks(partial(_solve, p=float(p))) for p in probs])

    def _in_blocks(self, what: Callable[["NormalMixture"], Floats]) -> Floats:
        """One number of every quantity, worked out for so many at a time that memory is small."""
        rows = max(1, _BLOCK // self.means.shape[1])
        if rows >= len(self.means):
            return what(self)
        exist = np.broadcast_to(self.exist, len(self.means))
        cuts = [slice(i, i + rows) for i in range(0, len(self.means), rows)]
        blocks = [NormalMixture(self.weight, self.means[c], self.sds[c], exist[c]) for c in cuts]
        return np.concatenate([what(block) for block in blocks])


def _spread(mixture: NormalMixture) -> Floats:
    """Root of the variance, (m,), whether or not it exists."""
    centre = (mixture.means @ mixture.weight)[:, None]
    return np.asarray(np.sqrt(((mixture.means - centre) ** 2 + mixture.sds**2) @ mixture.weight))


def _solve(mixture: NormalMixture, p: float) -> Floats:
    """One quantile of every quantity by Newton steps kept inside a shrinking bracket."""
    reach = float(ndtri(p))
    own = mixture.means + reach * mixture.sds
    low, high = own.min(axis=1), own.max(axis=1)
    sd = mixture.sd()
    x = np.clip(mixture.mean() + reach * sd, low, high)
    for _ in range(200):
        value, slope = _cdf_and_density(mixture, x)
        low, high = np.where(value < p, x, low), np.where(value < p, high, x)
        with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
            newton = x - (value - p) / slope
        new = np.where((newton >= low) & (newton <= high), newton, 0.5 * (low + high))
        moved, x = np.abs(new - x), new
        if (moved <= 1e-7 * sd).all():  # Newton's next step would be of order 1e-14
            break
    return x


def _score(mixture: NormalMixture, value: Floats | float) -> Floats:
    """Distance of one value per quantity from every component, in sds, (m, G).

    A component with zero sd is a step: infinitely far, or NaN, which is 0 of its sds.
    """
    value = np.broadcast_to(np.asarray(value, dtype=float), (len(mixture.means),))[:, None]
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        score = (value - mixture.means) / mixture.sds
    if not mixture.sds.all():
        score = np.where(np.isnan(score), 0.0, score)
    return np.asarray(score)


def _cdf(mixture: NormalMixture, value: Floats | float) -> Floats:
    """Distribution function at one value per quantity, (m,)."""
    return np.asarray(ndtr(_score(mixture, value)) @ mixture.weight)


def _cdf_and_density(mixture: NormalMixture, value: Floats | float) -> tuple[Floats, Floats]:
    """Both at one value per quantity, (m,) each; components without sd add no density."""
    score = _score(mixture, value)
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        height = np.exp(-0.5 * score**2) / (_ROOT_2PI * mixture.sds)
    if not mixture.sds.all():
        height = np.where(mixture.sds == 0, 0.0, height)
    return np.asarray(ndtr(score) @ mixture.weight), np.asarray(height @ mixture.weight)
