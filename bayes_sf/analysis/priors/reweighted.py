"""What is read off common nodes: linear quantities and the ICC; and Gauss rules for gammas.

See `nodes`, which puts weights on them.

References
----------
Golub & Welsch (1969), Mathematics of Computation 23, 221-230 (nodes from the recurrence).
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from bayes_sf.arrays import Floats
from bayes_sf.engines.gaussian.quadrature import Axis, cumulative, invert, series

__all__ = ["IccPosterior", "Linear", "gamma_rule", "ratio_at"]


@dataclass(frozen=True, eq=False)
class Linear:
    """Linear quantities: shift + loading' beta + constant + noise, beta standardised.

    Parameters
    ----------
    loading : (K, m, 1 or Z, k) array
    limit : (m, k) array
        What the loadings tend to as tau grows: it decides which moments exist.
    shift : (K, 1 or m) array
    constant, noise : (K, m, Z) arrays
        Added; variance of an independent term in units of sigma^2.
    """

    loading: Floats
    limit: Floats
    shift: Floats
    constant: Floats | None = None
    noise: Floats | None = None


@dataclass(frozen=True, eq=False)
class IccPosterior:
    """The ICC's distribution, a function of z alone.

    Parameters
    ----------
    z : Axis
        Nodes.
    root_size : float
        As in `Nodes`.
    mass : (Z,) array
        Of the nodes.
    """

    z: Axis
    root_size: float
    mass: Floats

    def _value(self, z: Floats) -> Floats:
        ratio = ratio_at(z, self.root_size)
        return np.asarray(ratio**2 / (1 + ratio**2))

    def mean(self) -> float:
        """Posterior mean."""
        return float(self.mass @ self._value(self.z.nodes))

    def sd(self) -> float:
        """Posterior standard deviation."""
        return float(np.sqrt(self.mass @ (self._value(self.z.nodes) - self.mean()) ** 2))

    def cdf(self, value: float) -> float:
        """P(ICC <= value), 0 < value < 1."""
        place = np.arcsinh(self.root_size * np.sqrt(value / (1 - value))) ** 0.25
        return float(cumulative(series(self.mass), self.z.unit(np.array([place])))[0])

    def quantile(self, probs: Sequence[float]) -> Floats:
        """Quantiles, (len(probs),)."""
        coef = series(self.mass)
        found = invert(
            lambda z: cumulative(coef, self.z.unit(z)), np.asarray(probs), self.z.low, self.z.high
        )
        return self._value(found)


def ratio_at(z: Floats, root_size: float) -> Floats:
    """tau/sigma at z, same shape."""
    return np.asarray(np.sinh(z**4) / root_size)


def gamma_rule(n: int, shape: Floats) -> tuple[Floats, Floats, Floats]:
    """Gauss rules for gamma distributions of unit scale.

    Weights come from the orthonormal polynomials' sums of squares: eigenvectors would lose the
    smallest.

    Parameters
    ----------
    n : int
        Nodes.
    shape : (K,) array
        Of the distributions.

    Returns
    -------
    x, log_weight, last : (K, n) arrays
        Nodes, log weights, the polynomial of degree n - 1.

    Examples
    --------
    >>> x, log_weight, _ = gamma_rule(3, np.array([2.0]))
    >>> [float((np.exp(log_weight) * x**power).sum().round(9)) for power in range(3)]
    [1.0, 2.0, 6.0]
    """
    i = np.arange(n)
    diagonal = 2 * i + shape[:, None]
    off = np.sqrt(i[1:] * (i[1:] - 1 + shape[:, None]))
    matrix = np.zeros((len(shape), n, n))
    matrix[:, i, i] = diagonal
    matrix[:, i[1:], i[:-1]] = matrix[:, i[:-1], i[1:]] = off
    x = np.linalg.eigvalsh(matrix)
    before, last, total = np.zeros_like(x), np.ones_like(x), np.ones_like(x)
    for j in range(n - 1):
        down = off[:, j - 1, None] if j else 0.0
        before, last = last, ((x - diagonal[:, j, None]) * last - down * before) / off[:, j, None]
        total += last**2
    return x, -np.log(total), last
