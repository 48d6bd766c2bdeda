"""Log densities of bernoulli, binomial and poisson responses, in the linear predictor.

Both links are canonical, so that two derivatives are all there is to a density: y less the mean,
and the variance. Points may have an imaginary part of 1e-30 (derivatives by the complex step): it
is carried by the first order alone, which is exact.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bayes_sf.arrays import Floats
from bayes_sf.spec.family import Family
from bayes_sf.spec.terms.matrices import Matrices

__all__ = ["Density"]

_Array = NDArray[Any]


@dataclass(frozen=True, eq=False)
class Density:
    """Density of every row given its linear predictor.

    Parameters
    ----------
    y, trials : (n,) arrays
        Response; trials are 1 where there are none.
    logit : bool
        Whether the link is logit, or else log.
    counts : (n,) array
        How many rows each row stands for.
    """

    y: Floats
    trials: Floats
    logit: bool
    counts: Floats

    @classmethod
    def of(cls, matrices: Matrices, family: Family, order: NDArray[np.intp]) -> "Density":
        """Density of a model's rows, taken in some order."""
        ones = np.ones(len(matrices.y))
        trials = ones if matrices.trials is None else matrices.trials
        counts = ones if matrices.counts is None else matrices.counts
        return cls(matrices.y[order], trials[order], family.link == "logit", counts[order])

    @property
    def constant(self) -> float:
        """What the log likelihood has beside the linear predictor: ln choose(n, y), -ln y!."""
        from scipy.special import gammaln

        found = -gammaln(self.y + 1)
        if self.logit:
            found = found + gammaln(self.trials + 1) - gammaln(self.trials - self.y + 1)
        return float(self.counts @ found)

    def mean(self, eta: Floats) -> Floats:
        """Mean at real points, rows first."""
        from scipy.special import expit

        if self.logit:
            return np.asarray(self._rows(self.trials, eta) * expit(eta))
        return np.exp(np.minimum(eta, 700.0))

    def log(self, eta: _Array) -> _Array:
        """Log density, constants left out, rows first."""
        real = eta.real
        y, trials = self._rows(self.y, eta), self._rows(self.trials, eta)
        if self.logit:
            found = y * real - trials * np.logaddexp(0.0, real)
        else:
            found = y * real - np.exp(np.minimum(real, 700.0))
        if np.iscomplexobj(eta):
            found = found + 1j * (y - self.mean(real)) * eta.imag
        return np.asarray(self._rows(self.counts, eta) * found)

    def slope(self, eta: Floats) -> Floats:
        """First derivative at real points, rows first."""
        found = self._rows(self.y, eta) - self.mean(eta)
        return np.asarray(self._rows(self.counts, eta) * found)

    def score(self, eta: _Array) -> _Array:
        """First derivative, (n,)."""
        found: _Array = self.y - self.mean(eta.real)
        if np.iscomplexobj(eta):
            found = found - 1j * self._variance(eta.real) * eta.imag
        return np.asarray(self.counts * found)

    def weight(self, eta: _Array) -> _Array:
        """Minus the second derivative, (n,)."""
        found: _Array = self._variance(eta.real)
        if np.iscomplexobj(eta):
            skew = 1 - 2 * self.mean(eta.real) / self.trials if self.logit else 1.0
            found = found + 1j * found * skew * eta.imag
        return np.asarray(self.counts * found)

    def _variance(self, eta: Floats) -> Floats:
        mean = self.mean(eta)
        return mean * (1 - mean / self.trials) if self.logit else mean

    @staticmethod
    def _rows(values: Floats, like: _Array) -> Floats:
        """One number per row beside an array whose first dimension is rows."""
        return values.reshape(-1, *(1,) * (like.ndim - 1))
