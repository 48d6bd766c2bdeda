"""Quadrature over the sds and correlations of a mixed model, the residual's included.

Given them, coefficients and random effects are Gaussian and integrate out (Lindley & Smith 1972).
What is left has an axis for each: t = ln sigma; z with tau/sigma = s sinh(z^2), s being one over
the root of the mean sum of squares of a column by level, regular at tau = 0; and an angle a, rho =
sin a. Gauss-Legendre nodes on the box that holds the mass; nodes that hold none are left out.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from bayes_sf.arrays import Floats
from bayes_sf.engines.gaussian.joint import Given
from bayes_sf.engines.gaussian.likelihood import CrossProducts
from bayes_sf.engines.gaussian.mixture import NormalMixture
from bayes_sf.engines.gaussian.quadrature import Axis, unresolved
from bayes_sf.engines.mixed.covariance import sd_names
from bayes_sf.engines.mixed.prior import MixedPriors
from bayes_sf.engines.mixed.products import Products
from bayes_sf.errors import ConvergenceError

__all__ = ["Nodes", "Surface", "find_box", "heavy"]

type _Box = tuple[tuple[float, float], ...]

#: Mass is cut off where the density is e^-30 of its peak; nodes so far below it are left out.
_CUT, _LEFT_OUT = 30.0, 36.0
#: Components that weigh less than this in all are left out of mixtures.
_LIGHT = 1e-7
#: Points per axis where the box is looked for, and how often it may change.
_COARSE, _TRIES = 13, 60
#: Largest z, 10,000 times s: beyond, cross products lose their digits. What may be left out there.
_MOST, _OUTSIDE = 3.15, 18.0
#: Smallest z, and largest angle.
_LEAST, _RIGHT = 1e-6, 0.5 * np.pi - 1e-9


@dataclass(frozen=True, eq=False)
class Surface:
    """Density of (t, z and a of every factor) and the data, standardised.

    Parameters
    ----------
    products : Products
        The data.
    priors : MixedPriors
        In standardised units.
    """

    products: Products
    priors: MixedPriors

    @cached_property
    def names(self) -> tuple[str, ...]:
        """Names of the axes beside t: sds and correlations, factor by factor."""
        names: list[str] = []
        for factor in self.products.factors:
            sds, pairs = sd_names(factor)
            names += [*sds, *pairs]
        return tuple(names)

    @cached_property
    def is_sd(self) -> NDArray[np.bool_]:
        """Which axes are sds."""
        return np.array([name.startswith("sd_") for name in self.names])

    @cached_property
    def unit(self) -> Floats:
        """Unit s of every sd's ratio to sigma, raw columns; 1 for correlations."""
        found: list[float] = []
        for factor in self.products.factors:
            size = np.sqrt((factor.z**2).sum(axis=0) / factor.n_levels)
            found += [*(1 / size), *(1.0 for _ in factor.pairs)]
        return np.array(found)

    def values(self, axis: int, at: Floats) -> Floats:
        """Ratio of an sd to sigma, or correlation, at coordinates of its axis."""
        if self.is_sd[axis]:
            return np.asarray(self.unit[axis] * np.sinh(at**2))
        return np.asarray(np.sin(at))

    def place(self, axis: int, value: Floats) -> Floats:
        """Coordinate of a ratio or correlation: the inverse of `values`."""
        if self.is_sd[axis]:
            return np.asarray(np.sqrt(np.arcsinh(value / self.unit[axis])))
        return np.asarray(np.arcsin(value))

    def lower(self, at: Floats) -> list[Floats]:
        """Lambda of every factor in standardised coordinates, (N, k, k), at coordinates (N, m)."""
        found, start = [], 0
        for number, factor in enumerate(self.products.factors):
            k = len(factor.columns)
            values = np.column_stack(
                [self.values(start + i, at[:, start + i]) for i in range(k + len(factor.pairs))]
            )
            half = np.zeros((len(at), k, k))
            half[:, range(k), range(k)] = values[:, :k]
            for place, (i, j) in enumerate(factor.pairs):
                half[:, j, i] = values[:, j] * values[:, k + place]
                half[:, j, j] = values[:, j] * np.sqrt(1 - values[:, k + place] ** 2)
            back = np.linalg.inv(self.products.to_raw(number)) * self.products.scale[-1]
            found.append(back @ half)
            start += k + len(factor.pairs)
        return found

    def given(self, at: Floats) -> Given:
        """Return everything that depends on the coordinates beside t, (N, m), alone."""
        p = self.products.n_coef
        log_det, cross = self.products.at(self.lower(at))
        parts = CrossProducts(cross[:, :p, :p], cross[:, :p, p], cross[:, p, p], log_det)
        return Given.of(log_det, parts, self.priors.precision, self.priors.mean)

    def shares(self, at: Floats) -> dict[str, Floats]:
        """ICC of every factor at coordinates (N, m): variances averaged over the rows; "" for all.

        Variances are in units of sigma^2.
        """
        found, start = {}, 0
        counts = self.products.matrices.counts
        for factor in self.products.factors:
            k = len(factor.columns)
            value = [self.values(start + i, at[:, start + i])
                     for i in range(k + len(factor.pairs))]  # fmt: skip
            mean = np.einsum("n,na,nb->ab", np.ones(len(factor.z)) if counts is None else counts,
                             factor.z, factor.z)  # fmt: skip
            mean = mean / (len(factor.z) if counts is None else counts.sum())
            total = sum(mean[i, i] * value[i] ** 2 for i in range(k))
            for place, (i, j) in enumerate(factor.pairs):
                total = total + 2 * mean[i, j] * value[i] * value[j] * value[k + place]
            found[factor.name] = total
            start += k + len(factor.pairs)
        every = sum(found.values())
        return {name: value / (1 + every) for name, value in found.items()} | {
            "": every / (1 + every)
        }

    def effects(
        self, at: Floats, sigma: Floats, weight: Floats | None = None
    ) -> tuple[NormalMixture, ...]:
        """Random effects of each factor, level by level, (J k,), mixed over points.

        Parameters
        ----------
        at : (N, m) array
            Coordinates.
        sigma : (T,) or (N,) array
            With weights sigma at each t, standardised; without, at each point.
        weight : (N, T) array, optional
            Masses; equal ones otherwise.
        """
        given, p = self.given(at), self.products.n_coef
        sds = sigma[:, None] if weight is None else np.broadcast_to(sigma, weight.shape)
        centre, precision = given.centre(sds**-2.0), given.precision(sds**-2.0)
        lower = self.lower(at)
        means: list[list[Floats]] = [[] for _ in self.products.factors]
        variances: list[list[Floats]] = [[] for _ in self.products.factors]
        for number, own in enumerate(sds):
            for which, effect in enumerate(self.products.effects([f[number] for f in lower])):
                back = self.products.to_raw(which)
                loading = np.einsum("ab,jbc->jac", back, effect.loading)
                along = loading[..., :p] @ given.basis[number]  # (J, k, p)
                mean = loading[..., p, None] - np.einsum("jap,tp->jat", along, centre[number])
                var = np.einsum("ab,jbc,ac->ja", back, effect.spread, back)[..., None] * own**2
                var = var + np.einsum("jap,tp->jat", along**2, 1 / precision[number])
                means[which].append(mean.reshape(-1, len(own)))
                variances[which].append(var.reshape(-1, len(own)))
        mass = np.full(sds.shape, 1 / sds.size) if weight is None else weight / weight.sum()
        share, keep = heavy(mass)
        return tuple(
            NormalMixture(
                share, np.stack(mean, axis=1)[:, keep],
                np.sqrt(np.maximum(np.stack(var, axis=1)[:, keep], 0.0)),
            )
            for mean, var in zip(means, variances, strict=True)
        )  # fmt: skip

    def log_density(self, t: Floats, at: Floats, given: Given) -> Floats:
        """Log density up to a constant, (N, T)."""
        sigma = np.exp(t)
        found = given.log_likelihood(np.exp(-2 * t)) - (self.products.n - 1) * t
        found = found + self.priors.resid.log_density(sigma)
        for axis, prior in enumerate(self.priors.spreads):
            x = at[:, axis]
            if not self.is_sd[axis]:  # lkj(eta) of two: (1 - rho^2)^(eta - 1), and d rho = cos a da
                found = found + ((2 * prior.shape - 1) * np.log(np.cos(x)))[:, None]
                continue
            own = self.values(axis, x)[:, None] * sigma
            stretch = np.log(2 * x * np.cosh(x**2))
            found = found + stretch[:, None] + t + prior.log_density(own)
        return np.asarray(found)


def find_box(surface: Surface, start: Floats, width: Floats) -> _Box:
    """Smallest box that holds all but e^-30 of the peak; t's side comes last.

    Parameters
    ----------
    surface : Surface
    start, width : (m + 1,) arrays
        Where to start, t last, and how far around it.

    Raises
    ------
    ConvergenceError
        When the mass has no end.
    """
    bounds = [(_LEAST, _MOST) if sd else (-_RIGHT, _RIGHT) for sd in surface.is_sd]
    bounds.append((-200.0, 200.0))
    box = [
        (max(c - w, low), min(c + w, high))
        for c, w, (low, high) in zip(start, width, bounds, strict=True)
    ]
    for _ in range(_TRIES):
        axes = [np.linspace(low, high, _COARSE) for low, high in box]
        at = np.stack([g.ravel() for g in np.meshgrid(*axes[:-1], indexing="ij")], axis=1)
        density = surface.log_density(axes[-1], at, surface.given(at))
        density = density.reshape([_COARSE] * len(axes))
        density = np.where(np.isfinite(density), density, -np.inf)
        new: list[tuple[float, float]] = []
        still = True
        for number, points in enumerate(axes):
            others = tuple(i for i in range(len(axes)) if i != number)
            alive = np.flatnonzero(density.max(axis=others) > density.max() - _CUT)
            side, same = _side(points, alive, bounds[number])
            still = still and same
            new.append(side)
        box = new
        if still:
            _check_inside(surface, axes, density)
            return tuple(box)
    raise ConvergenceError(
        "exact", "must find where the posterior of sds and correlations ends",
        fix="use priors of sds with lighter tails (half-normal), or engine='nuts'",
    )  # fmt: skip


def _check_inside(surface: Surface, axes: list[Floats], density: Floats) -> None:
    """Refuse a posterior with mass where an sd is 10,000 times what its rows can tell apart."""
    for number, is_sd in enumerate(surface.is_sd):
        edge = np.moveaxis(density, number, 0)[-1]
        if is_sd and axes[number][-1] == _MOST and edge.max() > density.max() - _OUTSIDE:
            raise ConvergenceError(
                "exact", f"must find where the posterior of {surface.names[number]} ends",
                fix="look for an outcome that hardly varies within levels, or for too few levels",
            )  # fmt: skip


def _side(
    points: Floats, alive: NDArray[np.intp], bound: tuple[float, float]
) -> tuple[tuple[float, float], bool]:
    """One step around what is alive, farther where it reaches the side; and whether it is tight."""
    step, width = points[1] - points[0], points[-1] - points[0]
    low = points[alive[0]] - (step if alive[0] else width)
    high = points[alive[-1]] + (step if alive[-1] < len(points) - 1 else width)
    side = (float(max(low, bound[0])), float(min(high, bound[1])))
    grown = side[0] < points[0] or side[1] > points[-1]
    return side, not grown and side[1] - side[0] > 0.75 * width


def heavy(weight: Floats) -> tuple[Floats, NDArray[np.bool_]]:
    """Weights that matter, and where they are in the grid."""
    flat = np.sort(weight.ravel())
    light = flat[np.searchsorted(np.cumsum(flat), _LIGHT)]
    keep = weight >= light
    return weight[keep] / weight[keep].sum(), keep


@dataclass(frozen=True, eq=False)
class Nodes:
    """Masses of the density on a box; made by `Nodes.over`.

    Parameters
    ----------
    surface : Surface
    axes : tuple of Axis
        Sds and correlations.
    t : Axis
        ln sigma.
    kept : (N,) int array
        Places of the nodes in the grid of `axes`, those that were left out gone.
    at : (N, m) array
        Their coordinates.
    given : Given
        What depends on them.
    weight : (N, T) array
        Masses, summing to one.
    log_density : (N,) array
        Largest over t, for the next grid.
    """

    surface: Surface
    axes: tuple[Axis, ...]
    t: Axis
    kept: NDArray[np.intp]
    at: Floats
    given: Given
    weight: Floats
    log_density: Floats

    @classmethod
    def over(
        cls, surface: Surface, box: _Box, sizes: NDArray[np.int_], before: "Nodes | None" = None
    ) -> "Nodes":
        """Put so many nodes on each axis, t's last, where a coarser grid says there is mass."""
        axes = tuple(Axis.over(*side, int(n)) for side, n in zip(box[:-1], sizes, strict=False))
        t = Axis.over(*box[-1], int(sizes[-1]))
        at = np.stack([g.ravel() for g in np.meshgrid(*(a.nodes for a in axes), indexing="ij")], 1)
        kept = np.arange(len(at)) if before is None else before.promising(at)
        at = at[kept]
        given = surface.given(at)
        density = surface.log_density(t.nodes, at, given)
        density = np.where(np.isfinite(density), density, -np.inf)
        product = np.ones(1)
        for axis in axes:
            product = np.multiply.outer(product, axis.weights).ravel()
        mass = np.exp(density - density.max()) * product[kept, None] * t.weights
        return cls(surface, axes, t, kept, at, given, mass / mass.sum(), density.max(axis=1))

    def promising(self, at: Floats) -> NDArray[np.intp]:
        """Points that may have mass, judged by this grid."""
        from scipy.interpolate import RegularGridInterpolator

        full = np.full([len(axis.nodes) for axis in self.axes], -np.inf).ravel()
        full[self.kept] = self.log_density
        full = np.maximum(full, self.log_density.max() - 4 * _LEFT_OUT)
        full = full.reshape([len(axis.nodes) for axis in self.axes])
        guess = RegularGridInterpolator(
            [axis.nodes for axis in self.axes], full, bounds_error=False, fill_value=None
        )(at)
        return np.flatnonzero(guess > self.log_density.max() - _LEFT_OUT)

    def whole(self, mass: Floats) -> Floats:
        """Masses of the kept nodes, (N, ...), in the grid of all, (n1, ..., nm, ...)."""
        sizes = [len(axis.nodes) for axis in self.axes]
        full = np.zeros((int(np.prod(sizes)), *mass.shape[1:]))
        full[self.kept] = mass
        return full.reshape(*sizes, *mass.shape[1:])

    def along(self, axis: int) -> Floats:
        """Masses along one axis and t, (n, T)."""
        full = self.whole(self.weight)
        return np.asarray(full.sum(axis=tuple(i for i in range(len(self.axes)) if i != axis)))

    def unresolved(self) -> Floats:
        """How much of each axis's distribution its series leaves out, t's last, (m + 1,)."""
        parts = [unresolved(self.along(number), 0) for number in range(len(self.axes))]
        return np.array([*parts, unresolved(self.weight.sum(axis=0)[None], 1)])

    def moments(self) -> Iterator[tuple[float, float]]:
        """Mean and sd of sigma, of sds and correlations, and of the coefficients, standardised."""
        sigma = np.exp(self.t.nodes)
        yield _mean_sd(self.weight.sum(axis=0), sigma)
        for number, is_sd in enumerate(self.surface.is_sd):
            mass = self.along(number)
            own = self.surface.values(number, self.axes[number].nodes)[:, None]
            yield _mean_sd(mass, own * sigma if is_sd else own * np.ones_like(sigma))
        inv_var = np.exp(-2 * self.t.nodes)
        centre, precision = self.given.centre(inv_var), self.given.precision(inv_var)
        for row in range(self.surface.products.n_coef):
            basis = self.given.basis[:, row]
            mean = np.einsum("zl,ztl->zt", basis, centre)
            var = np.einsum("zl,ztl->zt", basis**2, 1 / precision)
            first = float((self.weight * mean).sum())
            second = float((self.weight * ((mean - first) ** 2 + var)).sum())
            yield first, float(np.sqrt(second))


def _mean_sd(mass: Floats, value: Floats) -> tuple[float, float]:
    mean = float((mass * value).sum())
    return mean, float(np.sqrt((mass * (value - mean) ** 2).sum()))
