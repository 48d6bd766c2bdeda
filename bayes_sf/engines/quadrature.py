"""Gauss-Legendre quadrature of a density on a box that adapts to where the mass is.

The same nodes give integrals and, through the Legendre series of the density, distribution
functions: both converge geometrically for the analytic densities met here.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from bayes_sf.errors import ConvergenceError

__all__ = ["Axis", "Box", "cumulative", "find_box", "invert", "series"]

_Floats = NDArray[np.float64]

#: Mass is cut off where the density (times what a second moment needs) is e^-36 of its peak.
CUT = 36.0


@dataclass(frozen=True)
class Box:
    """A rectangle of (t, z)."""

    t_low: float
    t_high: float
    z_low: float
    z_high: float


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
    nodes: _Floats
    weights: _Floats

    @classmethod
    def over(cls, low: float, high: float, n: int) -> "Axis":
        """N nodes on [low, high]."""
        x, w = _legendre(n)
        half = 0.5 * (high - low)
        return cls(low, high, low + half * (x + 1), half * w)

    def unit(self, value: _Floats) -> _Floats:
        """Map values to [-1, 1], clipped to the interval (beyond it there is no mass)."""
        return np.asarray(np.clip((2 * value - self.low - self.high) / (self.high - self.low), -1, 1))


@lru_cache(maxsize=32)
def _legendre(n: int) -> tuple[_Floats, _Floats]:
    """Nodes and weights on [-1, 1]."""
    return np.polynomial.legendre.leggauss(n)


@lru_cache(maxsize=32)
def _projection(n: int) -> _Floats:
    """Matrix (n + 1, n) from masses at n nodes to the integrated Legendre series.

    A density with masses q_i at the nodes x_i has coefficients (2k + 1)/2 sum_i q_i P_k(x_i);
    the integral of P_k is (P_{k+1} - P_{k-1})/(2k + 1).
    """
    x, _ = _legendre(n)
    vander = np.polynomial.legendre.legvander(x, n - 1)  # (n, n)
    coef = vander.T * ((2 * np.arange(n) + 1) / 2)[:, None]
    return np.asarray(np.polynomial.legendre.legint(coef, lbnd=-1, axis=0))


def series(mass: _Floats) -> _Floats:
    """Legendre series, (N + 1, ...), of the distribution function of masses at N nodes, (N, ...)."""
    return np.asarray(np.tensordot(_projection(mass.shape[0]), mass, axes=1))


def cumulative(coef: _Floats, unit: _Floats) -> _Floats:
    """Distribution function at `unit` in [-1, 1]; coef (N + 1,) or (N + 1, m) with unit (m,)."""
    return np.asarray(np.polynomial.legendre.legval(unit, coef, tensor=False))


def invert(
    cdf: Callable[[_Floats], _Floats], probs: _Floats, low: float, high: float
) -> _Floats:
    """Quantiles of a distribution function on [low, high]: two grids, then the Illinois method.

    Parameters
    ----------
    cdf : callable
        Non-decreasing, of an array of values; cheap for many values at once.
    probs : (m,) array
        Probabilities.
    low, high : float
        No mass is outside.

    Examples
    --------
    >>> invert(lambda x: x**2, np.array([0.25, 0.81]), 0.0, 1.0)
    array([0.5, 0.9])
    """
    a, b = np.full(probs.shape, low), np.full(probs.shape, high)
    for _ in range(2):
        grid = np.linspace(a, b, 33)  # (33, m)
        value = cdf(grid.ravel()).reshape(grid.shape)
        cell = np.clip((value < probs).sum(axis=0), 1, 32)
        column = np.arange(len(probs))
        a, b = grid[cell - 1, column], grid[cell, column]
        f_a, f_b = value[cell - 1, column] - probs, value[cell, column] - probs
    for _ in range(12):
        with np.errstate(invalid="ignore", divide="ignore"):
            x = np.where(f_b > f_a, (a * f_b - b * f_a) / (f_b - f_a), a)
        f_x = cdf(x) - probs
        left = f_x < 0
        f_a, f_b = np.where(left, f_x, 0.5 * f_a), np.where(left, 0.5 * f_b, f_x)
        a, b = np.where(left, x, a), np.where(left, b, x)
        if (np.abs(f_x) < 1e-14).all():
            break
    return np.asarray(x)


def find_box(log_density: Callable[[_Floats, _Floats], _Floats], start: Box) -> Box:
    """Smallest rectangle that holds all but e^-36 of a density's peak, from a first guess.

    Parameters
    ----------
    log_density : callable
        Of t (T,) and z (Z,), returning (Z, T); z is never below 0.
    start : Box
        Contains the mode or is near it.

    Raises
    ------
    ConvergenceError
        When the mass has no end: the posterior is not proper.
    """
    box = start
    for _ in range(80):
        t, z, value = _survey(log_density, box)
        floor = value.max() - CUT
        grow_t, grow_z = 0.5 * (box.t_high - box.t_low), 0.5 * (box.z_high - box.z_low)
        wider = Box(
            box.t_low - grow_t * (value[:, 0].max() > floor),
            box.t_high + grow_t * (value[:, -1].max() > floor),
            max(box.z_low - grow_z * (value[0].max() > floor), 0.0),
            box.z_high + grow_z * (value[-1].max() > floor),
        )
        if wider == box:
            break
        box = wider
    else:
        raise ConvergenceError(
            "exact engine", "the posterior of (sd_resid, sd_group) must be proper",
            fix="use a proper prior on sd_group (half-t, half-normal, exponential)",
        )
    for _ in range(6):
        t, z, value = _survey(log_density, box)
        alive = value > value.max() - CUT
        rows, columns = np.flatnonzero(alive.any(axis=1)), np.flatnonzero(alive.any(axis=0))
        tight = Box(
            t[max(columns[0] - 1, 0)], t[min(columns[-1] + 1, len(t) - 1)],
            z[max(rows[0] - 1, 0)], z[min(rows[-1] + 1, len(z) - 1)],
        )
        shrunk = (tight.t_high - tight.t_low) * (tight.z_high - tight.z_low)
        before = (box.t_high - box.t_low) * (box.z_high - box.z_low)
        box = tight
        if shrunk > 0.8 * before:
            break
    return box


def _survey(
    log_density: Callable[[_Floats, _Floats], _Floats], box: Box, n: int = 33
) -> tuple[_Floats, _Floats, _Floats]:
    """Evaluate a density on an even grid of the box, edges included; never NaN."""
    t = np.linspace(box.t_low, box.t_high, n)
    z = np.linspace(box.z_low, box.z_high, n)
    value = log_density(t, z)
    return t, z, np.where(np.isnan(value), -np.inf, value)
