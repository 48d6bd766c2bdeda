"""Gauss-Legendre quadrature of a density on a box that adapts to where the mass is.

The same nodes give integrals and, through the density's Legendre series, distribution functions:
both converge geometrically for the analytic densities met here, and the trailing coefficients of
the series tell whether they have.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.polynomial import chebyshev, legendre
from numpy.typing import NDArray

from bayes_sf.arrays import Floats
from bayes_sf.errors import ConvergenceError

__all__ = [
    "Axis",
    "Box",
    "cumulative",
    "find_box",
    "invert",
    "invert_series",
    "series",
    "unresolved",
]


#: Mass is cut off where the density is e^-30 = 1e-13 of its peak.
CUT = 30.0
#: Boxes tried before one that holds all the mass need not be tight.
_ENOUGH = 20
#: Largest z: sinh(z^4)^2 is near the largest float.
_Z_MOST = 4.1


@dataclass(frozen=True)
class Box:
    """A rectangle of (t, z).

    Parameters
    ----------
    t_low, t_high, z_low, z_high : float
        Its edges; `z_low` is not negative.
    """

    t_low: float
    t_high: float
    z_low: float
    z_high: float

    @property
    def area(self) -> float:
        """Its area."""
        return (self.t_high - self.t_low) * (self.z_high - self.z_low)


@dataclass(frozen=True, eq=False)
class Axis:
    """Gauss-Legendre nodes on an interval.

    Parameters
    ----------
    low, high : float
        The interval.
    nodes, weights : (N,) arrays
        In the interval's own units.
    """

    low: float
    high: float
    nodes: Floats
    weights: Floats

    @classmethod
    def over(cls, low: float, high: float, n: int) -> "Axis":
        """N nodes on [low, high]."""
        x, w = _legendre(n)
        half = 0.5 * (high - low)
        return cls(low, high, low + half * (x + 1), half * w)

    def unit(self, value: Floats) -> Floats:
        """Map values to [-1, 1], clipped to the interval (beyond it there is no mass)."""
        unit = (2 * value - self.low - self.high) / (self.high - self.low)
        return np.asarray(np.clip(unit, -1, 1))


@lru_cache(maxsize=32)
def _legendre(n: int) -> tuple[Floats, Floats]:
    """Nodes and weights on [-1, 1]."""
    return legendre.leggauss(n)


@lru_cache(maxsize=32)
def _projection(n: int) -> Floats:
    """Matrix (n + 1, n) from masses at n nodes to the Chebyshev series of their integral.

    A density with masses q_i at the nodes x_i has Legendre coefficients (2k + 1)/2 sum_i q_i
    P_k(x_i); they are integrated, and brought to the Chebyshev basis through the values at n + 1
    Chebyshev points.
    """
    coef = legendre.legvander(_legendre(n)[0], n - 1).T * (np.arange(n) + 0.5)[:, None]
    integral = legendre.legint(coef, lbnd=-1, axis=0)
    points = chebyshev.chebpts1(n + 1)
    basis = chebyshev.chebvander(points, n)  # orthogonal columns of squared length (n + 1)/2
    scale = np.full(n + 1, 2 / (n + 1))
    scale[0] /= 2
    return np.asarray(scale[:, None] * (basis.T @ (legendre.legvander(points, n) @ integral)))


def series(mass: Floats) -> Floats:
    """Chebyshev series of the distribution function of masses at Gauss-Legendre nodes.

    Parameters
    ----------
    mass : (N, ...) array
        Density times quadrature weight at the nodes of an `Axis`.

    Returns
    -------
    (N + 1, ...) array
        For `cumulative`.
    """
    return np.asarray(np.tensordot(_projection(mass.shape[0]), mass, axes=1))


def cumulative(coef: Floats, unit: Floats) -> Floats:
    """Distribution function at `unit` in [-1, 1], same shape as `unit`.

    Parameters
    ----------
    coef : (N + 1,) or (N + 1, m) array
        What `series` returned.
    unit : (...,) or (..., m) array
        With `coef` of two axes, the last axis picks its column; of length one it is for all.

    Examples
    --------
    >>> axis = Axis.over(0.0, 1.0, 8)
    >>> cumulative(series(2 * axis.nodes * axis.weights), axis.unit(np.array([0.5, 1.0]))).round(9)
    array([0.25, 1.  ])
    """
    if unit.size > 256:
        return np.asarray(chebyshev.chebval(unit, coef, tensor=False))
    terms = np.cos(np.multiply.outer(np.arange(len(coef)), np.arccos(unit)))  # fewer calls
    if coef.ndim == 1:
        return np.asarray(np.tensordot(coef, terms, axes=1))
    if unit.shape[-1] == 1:  # the same places for every column
        return np.asarray(np.tensordot(terms[..., 0], coef, axes=(0, 0)))
    return np.asarray(np.einsum("km,k...m->...m", coef, terms))


def unresolved(mass: Floats, axis: int) -> float:
    """How much of a distribution function its series leaves out along one axis.

    Parameters
    ----------
    mass : (Z, T) array
        Masses, summing to one.
    axis : int
        0 or 1.

    Returns
    -------
    float
        Largest of the last four coefficients, absolute values summed over the other axis.

    Examples
    --------
    >>> axis = Axis.over(-8.0, 8.0, 56)
    >>> normal = np.exp(-0.5 * axis.nodes**2) * axis.weights / np.sqrt(2 * np.pi)
    >>> unresolved(normal[:, None], 0) < 1e-9 < unresolved(normal[None, :], 1)
    False
    """
    n = mass.shape[axis]
    tail = np.tensordot(_projection(n)[-4:], mass, axes=(1, axis))
    return float(np.abs(tail).sum(axis=1).max())


def invert(cdf: Callable[[Floats], Floats], probs: Floats, low: float, high: float) -> Floats:
    """Quantiles of a distribution function on [low, high]: a grid, then Chandrupatla's method.

    Parameters
    ----------
    cdf : callable
        Non-decreasing; of an array that broadcasts to (..., m), returning (..., m) or, where it
        is the same function for every probability, the argument's own shape.
    probs : (m,) array
        Probabilities.
    low, high : float
        No mass is outside.

    References
    ----------
    Chandrupatla (1997), Adv. Eng. Softw. 28: inverse quadratic steps where they are safe, else
    bisection.

    Examples
    --------
    >>> invert(lambda x: x**2, np.array([0.25, 0.81]), 0.0, 1.0)
    array([0.5, 0.9])
    """
    return _invert(lambda x, _: cdf(x), probs, low, high, alone=False)


def invert_series(coef: Floats, probs: Floats, axis: Axis) -> Floats:
    """Quantiles of a distribution function's series, of one for all or of each probability's own.

    Parameters
    ----------
    coef : (N + 1,) or (N + 1, m) array
        What `series` returned.
    probs : (m,) array
        Probabilities.
    axis : Axis
        That of the series.

    Examples
    --------
    >>> axis = Axis.over(0.0, 1.0, 8)
    >>> invert_series(series(2 * axis.nodes * axis.weights), np.array([0.25, 0.81]), axis).round(9)
    array([0.5, 0.9])
    """

    def cdf(x: Floats, columns: NDArray[np.intp]) -> Floats:
        return cumulative(coef[:, columns] if coef.ndim == 2 else coef, axis.unit(x))

    return _invert(cdf, probs, axis.low, axis.high, alone=True)


def _invert(
    cdf: Callable[[Floats, NDArray[np.intp]], Floats],
    probs: Floats,
    low: float,
    high: float,
    *,
    alone: bool,
) -> Floats:
    """Chandrupatla's method; `alone`, columns that have settled are not asked for again."""
    grid = np.linspace(low, high, 33)
    left = np.arange(len(probs))
    value = np.broadcast_to(cdf(grid[:, None], left), (33, len(probs))) - probs
    cell = np.clip((value < 0).sum(axis=0), 1, 32)
    x1, x2, f1, f2 = grid[cell - 1], grid[cell], value[cell - 1, left], value[cell, left]
    step = np.full(probs.shape, 0.5)
    found = np.empty(probs.shape)
    for _ in range(60):
        x = x1 + step * (x2 - x1)
        found[left] = x
        f = cdf(x, left) - probs[left]
        wrong = np.abs(f) >= 1e-12
        if not wrong.any():
            break
        if alone and wrong.mean() < 0.7:
            left, x, f = left[wrong], x[wrong], f[wrong]
            x1, x2, f1, f2 = x1[wrong], x2[wrong], f1[wrong], f2[wrong]
        same = np.sign(f) == np.sign(f1)
        x3, f3 = np.where(same, x1, x2), np.where(same, f1, f2)
        x2, f2 = np.where(same, x2, x1), np.where(same, f2, f1)
        x1, f1 = x, f
        with np.errstate(divide="ignore", invalid="ignore"):
            xi, phi = (x1 - x2) / (x3 - x2), (f1 - f2) / (f3 - f2)
            inverse = f1 / (f2 - f1) * f3 / (f2 - f3) + (x3 - x1) / (x2 - x1) * f1 / (
                f3 - f1
            ) * f2 / (f3 - f2)
        smooth = (phi**2 < xi) & ((1 - phi) ** 2 < 1 - xi)
        step = np.clip(np.where(smooth, inverse, 0.5), 1e-9, 1 - 1e-9)
    return found


def find_box(
    log_density: Callable[[Floats, Floats], Floats],
    tilt: Callable[[Floats, Floats], Floats],
    start: Box,
) -> Box:
    """Smallest rectangle that holds all but e^-30 of a density's peak, with and without a tilt.

    Parameters
    ----------
    log_density : callable
        Of t (T,) and z (Z,), returning (Z, T); z is never below 0.
    tilt : callable
        Log of a function that is multiplied in; likewise.
    start : Box
        A first guess.

    Raises
    ------
    ConvergenceError
        When the mass has no end.
    """
    box = start
    for tries in range(100):
        t, z = np.linspace(box.t_low, box.t_high, 33), np.linspace(box.z_low, box.z_high, 33)
        off_zero = np.maximum(z, 1e-9)  # at z = 0 the density has a limit and no value
        plain = log_density(t, off_zero)
        tilted = plain + tilt(t, off_zero)
        alive = (plain >= plain.max() - CUT) | (tilted >= tilted.max() - CUT)
        rows, columns = np.flatnonzero(alive.any(axis=1)), np.flatnonzero(alive.any(axis=0))
        t_low, t_high = _edges(t, columns)
        z_low, z_high = _edges(z, rows)
        endless = z[-1] == _Z_MOST and rows[-1] == len(z) - 1
        before, box = box, Box(t_low, t_high, max(z_low, 0.0), min(z_high, _Z_MOST))
        grown = t_low < t[0] or t_high > t[-1] or box.z_low < z[0] or box.z_high > z[-1]
        tight = box.area > 0.8 * before.area or tries >= _ENOUGH  # it may grow and shrink for ever
        if endless:
            break
        if not grown and tight:
            return box
    raise ConvergenceError(
        "exact engine",
        "must find where the posterior of (sd_resid, sd_group) ends",
        fix="use a prior on sd_group with a lighter tail (half-t with 3 df, half-normal)",
    )


def _edges(grid: Floats, alive: NDArray[np.intp]) -> tuple[float, float]:
    """One step around the grid points that are alive; half a width beyond an edge that is."""
    below, above = alive[0] == 0, alive[-1] == len(grid) - 1
    if below or above:
        grow = 0.5 * (grid[-1] - grid[0])
        return float(grid[0] - grow * below), float(grid[-1] + grow * above)
    return float(grid[alive[0] - 1]), float(grid[alive[-1] + 1])
