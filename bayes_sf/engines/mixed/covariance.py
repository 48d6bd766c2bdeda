"""What varies how much: free numbers of Lambda, and covariances with lme4's names.

Lambda of a factor is lower triangular within every block of correlated columns (Bates et al. 2015,
section 2.2). Its sign is free column by column: the likelihood sees Lambda Lambda' only, so that no
number needs a bound, and a boundary estimate is a number that is 0.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bayes_sf.arrays import Floats
from bayes_sf.spec.terms.matrices import Factor

__all__ = ["Shape", "sd_names", "sds_and_correlations"]

_Array = NDArray[Any]


@dataclass(frozen=True)
class Shape:
    """Places of the free numbers of Lambda.

    Parameters
    ----------
    sizes : tuple of int
        Columns of each factor.
    places : tuple of (factor, row, column)
        Of each free number.
    """

    sizes: tuple[int, ...]
    places: tuple[tuple[int, int, int], ...]

    @classmethod
    def of(cls, factors: Sequence[Factor]) -> "Shape":
        """Free numbers of these factors, block by block, down each column as lme4 has theta."""
        places = [
            (number, row, column)
            for number, factor in enumerate(factors)
            for block in factor.blocks
            for column in block
            for row in block
            if row >= column
        ]
        return cls(tuple(len(factor.columns) for factor in factors), tuple(places))

    @property
    def start(self) -> Floats:
        """Where a search starts: 1 on the diagonal."""
        return np.array([float(row == column) for _, row, column in self.places])

    @property
    def diagonal(self) -> NDArray[np.bool_]:
        """Which numbers are on a diagonal."""
        return np.array([row == column for _, row, column in self.places])

    def lower(self, theta: _Array) -> list[_Array]:
        """Lambda of every factor, (N, k, k), from free numbers, (N, m)."""
        found = [np.zeros((len(theta), k, k), dtype=theta.dtype) for k in self.sizes]
        for number, (factor, row, column) in enumerate(self.places):
            found[factor][:, row, column] = theta[:, number]
        return found

    def canonical(self, theta: Floats) -> Floats:
        """Return the same Lambda Lambda' with no negative number on a diagonal."""
        lower = self.lower(theta[None])
        out = []
        for factor, row, column in self.places:
            sign = -1.0 if lower[factor][0, column, column] < 0 else 1.0
            out.append(sign * lower[factor][0, row, column])
        return np.array(out) + 0.0


def sd_names(factor: Factor) -> tuple[list[str], list[str]]:
    """Names of a factor's sds and correlations, as lme4's confint(oldNames = FALSE) has them.

    Examples
    --------
    >>> import numpy as np
    >>> one = Factor("g", ("a", "b"), np.zeros(2, int), ("(Intercept)", "x"), np.ones((2, 2)),
    ...              ((0, 1),))
    >>> sd_names(one)
    (['sd_(Intercept)|g', 'sd_x|g'], ['cor_x.(Intercept)|g'])
    """
    names = factor.columns
    sds = [f"sd_{name}|{factor.name}" for name in names]
    return sds, [f"cor_{names[j]}.{names[i]}|{factor.name}" for i, j in factor.pairs]


def sds_and_correlations(
    factors: Sequence[Factor], covariances: Sequence[Floats]
) -> Iterator[tuple[str, float]]:
    """Names and values of all sds and correlations; a correlation with a zero sd is NaN.

    Parameters
    ----------
    factors : sequence of Factor
    covariances : sequence of (k, k) arrays
        Of each factor's effects.
    """
    for factor, covariance in zip(factors, covariances, strict=True):
        sds = np.sqrt(np.maximum(np.diag(covariance), 0.0))
        named, paired = sd_names(factor)
        yield from zip(named, map(float, sds), strict=True)
        for name, (i, j) in zip(paired, factor.pairs, strict=True):
            both = sds[i] * sds[j]
            yield name, float(covariance[i, j] / both) if both > 0 else float("nan")
