"""The (estimate, se) pairs that every printed figure of a coefficient allows.

A table prints an estimate, its standard error, their ratio t and the limits of a Wald interval,
each rounded. Each printed figure is an interval, and each interval is two half-planes in
(estimate, se): the pairs that all figures allow are a convex polygon, mostly far smaller than the
box that estimate and standard error alone leave open, and empty when the figures contradict each
other.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

__all__ = ["NORMAL_QUANTILE", "Interval", "Region", "coefficient_region"]

type Interval = tuple[float, float]

#: Wald factor of lme4's `confint(method = "Wald")`: `qnorm(0.975)`, not 1.96.
NORMAL_QUANTILE = 1.959963984540054

# Printed decimals become binary fractions; a half-plane is widened by this much, relatively.
_SLACK = 1e-12


@dataclass(frozen=True)
class Region:
    """A convex polygon in the (estimate, se) plane.

    Parameters
    ----------
    vertices : (m, 2) float array
        Corners in order around the polygon, columns estimate and se, in the unit of the table;
        m = 0 when no pair is allowed.
    """

    vertices: "NDArray[np.float64]"

    @property
    def empty(self) -> bool:
        """Whether the printed figures contradict each other."""
        return len(self.vertices) == 0

    @property
    def estimate(self) -> Interval:
        """Smallest and largest allowed estimate; NaN when empty."""
        return self._range(0)

    @property
    def se(self) -> Interval:
        """Smallest and largest allowed standard error; NaN when empty."""
        return self._range(1)

    def contains(self, estimate: float, se: float) -> bool:
        """Whether a pair lies in the polygon or on its border.

        Parameters
        ----------
        estimate, se : float
            In the unit of the table.

        Returns
        -------
        bool
            False for every pair when the region is empty.
        """
        if self.empty:
            return False
        edges = np.roll(self.vertices, -1, axis=0) - self.vertices
        offsets = np.array([estimate, se]) - self.vertices
        side = edges[:, 0] * offsets[:, 1] - edges[:, 1] * offsets[:, 0]
        slack = _SLACK * np.abs(self.vertices).max() ** 2
        return bool(np.all(side >= -slack))

    def _range(self, axis: int) -> Interval:
        if self.empty:
            return float("nan"), float("nan")
        column = self.vertices[:, axis]
        return float(column.min()), float(column.max())


def coefficient_region(
    estimate: Interval,
    se: Interval,
    *,
    t: Interval | None = None,
    ci_low: Interval | None = None,
    ci_high: Interval | None = None,
    quantile: float = NORMAL_QUANTILE,
) -> Region:
    """Find all pairs (b, s) that the printed figures of one coefficient allow.

    The half-planes, with q the quantile: b and s in their own intervals, s >= 0,
    t_lo s <= b <= t_hi s, b - q s in `ci_low`, b + q s in `ci_high`.

    Parameters
    ----------
    estimate, se : (low, high)
        What rounding allows of the printed estimate and standard error.
    t, ci_low, ci_high : (low, high), optional
        The same for the printed ratio and for the limits of the Wald interval.
    quantile : float
        Factor of the standard error in that interval; qnorm(0.975) by default.

    Returns
    -------
    Region
        The polygon cut out of the box `estimate` x `se`, one half-plane after the other
        (Sutherland & Hodgman 1974). Borders belong to it, so a figure rounded either way from a
        half is allowed.

    Examples
    --------
    A slope printed as 0.020 with SE 0.009 may be anything in a box; its t of 2.223 leaves a sliver:

    >>> region = coefficient_region((0.0195, 0.0205), (0.0085, 0.0095), t=(2.2225, 2.2235))
    >>> [round(limit, 5) for limit in region.se]
    [0.00877, 0.00922]
    >>> coefficient_region((0.0195, 0.0205), (0.0085, 0.0095), t=(3.0, 3.1)).empty
    True
    """
    s_low, s_high = max(se[0], 0.0), se[1]
    b_low, b_high = estimate
    box = [(b_low, s_low), (b_high, s_low), (b_high, s_high), (b_low, s_high)]
    corners = np.array(box, dtype=np.float64)
    for a, c, bound in _half_planes(t, ci_low, ci_high, quantile):
        corners = _clip(corners, a, c, bound)
    return Region(corners)


def _half_planes(
    t: Interval | None, ci_low: Interval | None, ci_high: Interval | None, quantile: float
) -> "Iterator[tuple[float, float, float]]":
    """Yield (a, c, d) with the meaning a b + c s <= d."""
    if t is not None:
        yield -1.0, t[0], 0.0
        yield 1.0, -t[1], 0.0
    for limit, sign in ((ci_low, -1.0), (ci_high, 1.0)):
        if limit is not None:
            yield -1.0, -sign * quantile, -limit[0]
            yield 1.0, sign * quantile, limit[1]


def _clip(
    corners: "NDArray[np.float64]", a: float, c: float, bound: float
) -> "NDArray[np.float64]":
    """Corners of the part of a convex polygon with a b + c s <= bound."""
    if len(corners) == 0:
        return corners
    excess = corners @ np.array([a, c]) - bound
    excess[np.abs(excess) <= _SLACK * max(1.0, abs(bound), float(np.abs(corners).max()))] = 0.0
    kept: list[NDArray[np.float64]] = []
    for here, after, e_here, e_after in zip(
        corners, np.roll(corners, -1, axis=0), excess, np.roll(excess, -1), strict=True
    ):
        if e_here <= 0.0:
            kept.append(here)
        if e_here * e_after < 0.0:
            kept.append(here + (after - here) * e_here / (e_here - e_after))
    return np.array(kept, dtype=np.float64).reshape(-1, 2)
