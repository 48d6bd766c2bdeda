"""The likelihood of a model once its random effects are integrated out, and its derivatives.

One grouping factor: adaptive Gauss-Hermite quadrature, nodes around the mode of every level's own
integrand (Pinheiro & Bates 1995, J. Comput. Graph. Stat. 4; Pinheiro & Chao 2006, ibid. 15). One
node is Laplace's approximation, which several factors have: a sparse matrix for all effects at
once (Bates 2022, vignette "Theory" of lme4).

Effects are u, independent standard normals; a row's linear predictor is offset + x'beta +
z'Lambda u. Derivatives are by the complex step: the mode moves by one Newton step, which is exact
to first order.
"""

from dataclasses import dataclass, field
from functools import cached_property
from itertools import product
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bayes_sf.arrays import Floats
from bayes_sf.engines.mixed.covariance import Shape
from bayes_sf.engines.outcomes.density import Density
from bayes_sf.errors import ConvergenceError
from bayes_sf.spec.family import Family
from bayes_sf.spec.terms.matrices import Factor, Matrices

__all__ = ["Marginal"]

_Array = NDArray[Any]

#: A mode is found when a step in sds is below; steps and halvings at most.
_NEAR, _STEPS, _HALVINGS = 1e-10, 200, 40


@dataclass(eq=False)
class Marginal:
    """-2 log likelihood of a model, constants left out, as a function of (theta, b).

    Coordinates are such that a search is easy: predictors as `base` turns them, effects' columns
    centred and scaled (`turn`).

    Parameters
    ----------
    matrices : Matrices
    density : Density
        Of the rows in `order`.
    shape : Shape
        Of Lambda.
    nodes : int
        Per dimension of a level's effects; 1 is Laplace's approximation.
    order : (n,) int array
        Rows sorted by the first factor's levels.
    x : (n, p) array
        Fixed columns in `order`, turned.
    offset : (n,) array
    turn : tuple of (k, k) arrays
        Raw effects of each factor from those of turned columns.
    """

    matrices: Matrices
    density: Density
    shape: Shape
    nodes: int
    order: NDArray[np.intp]
    x: Floats
    offset: Floats
    turn: tuple[Floats, ...]
    _last: "_Around | None" = field(default=None, init=False)

    @classmethod
    def build(cls, matrices: Matrices, family: Family, nodes: int) -> "Marginal":
        """Prepare the function.

        Parameters
        ----------
        matrices : Matrices
        family : Family
            bernoulli, binomial or poisson.
        nodes : int
        """
        order = np.argsort(matrices.factors[0].code, kind="stable")
        offset = np.zeros(len(order)) if matrices.offset is None else matrices.offset
        return cls(
            matrices, Density.of(matrices, family, order), Shape.of(matrices.factors), nodes, order,
            matrices.x[order], offset[order], tuple(turned(f) for f in matrices.factors),
        )  # fmt: skip

    @property
    def factors(self) -> tuple[Factor, ...]:
        """Grouping factors."""
        return self.matrices.factors

    @cached_property
    def z(self) -> tuple[Floats, ...]:
        """Columns of each factor, turned, in order."""
        return tuple(f.z[self.order] @ t for f, t in zip(self.factors, self.turn, strict=True))

    @cached_property
    def places(self) -> tuple[slice, ...]:
        """Places of each factor's effects among all: those of the largest factor come first."""
        sizes = [f.n_levels * len(f.columns) for f in self.factors]
        found, start = {}, 0
        for number in sorted(range(len(sizes)), key=lambda i: -sizes[i]):
            found[number] = slice(start, start + sizes[number])
            start += sizes[number]
        return tuple(found[number] for number in range(len(sizes)))

    @cached_property
    def _pattern(self) -> tuple[NDArray[np.intp], NDArray[np.intp], int]:
        """Column of every entry of sparse Z, where rows start, number of effects."""
        columns = []
        for factor, place in zip(self.factors, self.places, strict=True):
            k = len(factor.columns)
            columns.append(place.start + factor.code[self.order][:, None] * k + np.arange(k))
        width = sum(c.shape[1] for c in columns)
        ends = np.arange(len(self.order) + 1) * width
        return np.concatenate(columns, axis=1).ravel(), ends, max(p.stop for p in self.places)

    @cached_property
    def starts(self) -> NDArray[np.intp]:
        """First row of each level of the first factor."""
        return np.searchsorted(self.factors[0].code[self.order], np.arange(self.n_first))

    @property
    def n_first(self) -> int:
        """Levels of the first factor."""
        return self.factors[0].n_levels

    def __call__(self, points: _Array) -> _Array:
        """Value at N points (theta, b), (N, m + p), real or with a step's imaginary part, (N,)."""
        return np.array([self._at(point) for point in points])

    def _at(self, point: _Array) -> Any:
        theta, b = self.split(point)
        zl = self._columns(theta)
        fixed = self.offset + self.x @ b.real
        if np.iscomplexobj(point):  # a real matrix stays one
            fixed = fixed + 1j * (self.x @ b.imag)
        sparse = self._sparse(zl)
        here = self.around(point.real)
        u: _Array = here.mode
        if np.iscomplexobj(point):  # the mode's first order
            gradient = sparse.T @ self.density.score(fixed + sparse @ u) - u
            u = u + 1j * here.solver.solve(gradient.imag)
        if self.nodes == 1:
            return -2 * self._laplace(fixed, sparse, u)
        return -2 * self._quadrature(here, fixed, zl[0], u)

    def split(self, point: _Array) -> tuple[_Array, _Array]:
        """Theta and b of a point."""
        m = len(self.shape.places)
        return point[:m], point[m:]

    def _columns(self, theta: _Array) -> list[_Array]:
        """Z Lambda of every factor, (n, k)."""
        lower = self.shape.lower(theta[None])
        return [z @ half[0] for z, half in zip(self.z, lower, strict=True)]

    def _sparse(self, zl: list[_Array]) -> Any:
        """Z Lambda of all factors, (n, q)."""
        from scipy.sparse import csr_array

        columns, ends, q = self._pattern
        values = np.concatenate(zl, axis=1).ravel()
        return csr_array((values, columns, ends), shape=(len(self.order), q))

    def linear(self, point: Floats) -> tuple[Any, Floats]:
        """Z Lambda of all factors, (n, q), and the linear predictor at the modes, (n,)."""
        theta, b = self.split(point)
        zl = self._sparse(self._columns(theta))
        return zl, self.offset + self.x @ b + zl @ self.around(point).mode

    def around(self, point: Floats) -> "_Around":
        """Conditional mode of all effects at a real point: Newton with halved steps."""
        if self._last is not None and np.array_equal(self._last.point, point):
            return self._last
        theta, b = self.split(point)
        zl = self._sparse(self._columns(theta))
        fixed = self.offset + self.x @ b
        u = np.zeros(zl.shape[1]) if self._last is None else self._last.mode
        if self._height(fixed, zl, u) < self._height(fixed, zl, 0 * u):
            u = 0 * u
        for _ in range(_STEPS):
            eta = fixed + zl @ u
            gradient = zl.T @ self.density.score(eta) - u
            solver = self._factorised(zl, self.density.weight(eta))
            step = solver.solve(gradient)
            if not np.isfinite(step).all():
                break
            if np.abs(step).max() < _NEAR:
                self._last = _Around(point.copy(), u, solver)
                return self._last
            u = self._forward(fixed, zl, u, step)
        raise ConvergenceError(
            "ml", "must find the modes of the random effects",
            fix="look for a predictor in a unit far too small, or use engine 'nuts'",
        )  # fmt: skip

    def _height(self, fixed: Floats, zl: Any, u: Floats) -> float:
        return float(self.density.log(fixed + zl @ u).sum() - 0.5 * u @ u)

    def _forward(self, fixed: Floats, zl: Any, u: Floats, step: Floats) -> Floats:
        """A step that does not go down."""
        here = self._height(fixed, zl, u)
        for _ in range(_HALVINGS):
            if self._height(fixed, zl, u + step) >= here - 1e-12 * abs(here):
                break
            step = step / 2
        return u + step

    def _laplace(self, fixed: _Array, sparse: Any, u: _Array) -> Any:
        eta = fixed + sparse @ u
        log_det = self._factorised(sparse, self.density.weight(eta)).log_det
        return self.density.log(eta).sum() - 0.5 * (u @ u) - 0.5 * log_det

    def _quadrature(self, here: "_Around", fixed: _Array, zl: _Array, u: _Array) -> Any:
        """Sum over levels of the log of their integrals; derivatives by `_Slopes`."""
        k = zl.shape[1]
        modes = u.reshape(self.n_first, k)
        half = self._halves(fixed + (zl * modes[self._own_levels]).sum(axis=1), zl)
        points, log_weights = self._grid
        at = modes[:, None] + np.sqrt(2.0) * np.einsum("jab,qb->jqa", half, points)  # (J, Q, k)
        scale = np.log(half[:, range(k), range(k)]).sum()
        if here.slopes is None:
            here.slopes = self._slopes(fixed.real, zl.real, at.real, log_weights)
        slopes = here.slopes
        found = slopes.value + scale - 0.5 * k * self.n_first * np.log(np.pi)
        if not np.iscomplexobj(fixed):
            return found
        along = slopes.fixed @ fixed.imag + (slopes.columns * zl.imag).sum()
        return found + 1j * (along + (slopes.nodes * at.imag).sum())

    def _slopes(self, fixed: Floats, zl: Floats, at: Floats, log_weights: Floats) -> "_Slopes":
        """Sum of the logs of weighed heights over nodes, and its derivatives in what it is of."""
        own = self._own_levels
        eta = fixed[:, None] + np.einsum("na,nqa->nq", zl, at[own])
        heights = np.add.reduceat(self.density.log(eta), self.starts, axis=0)
        heights = heights - 0.5 * (at**2).sum(axis=-1) + log_weights
        top = heights.max(axis=1, keepdims=True)
        masses = np.exp(heights - top)
        sums = masses.sum(axis=1, keepdims=True)
        masses = masses / sums
        rows = masses[own] * self.density.slope(eta)  # (n, Q)
        pulled = np.add.reduceat(rows[..., None] * zl[:, None], self.starts, axis=0)
        return _Slopes(
            float((top + np.log(sums)).sum()), rows.sum(axis=1),
            np.einsum("nq,nqa->na", rows, at[own]), pulled - masses[..., None] * at,
        )  # fmt: skip

    @cached_property
    def _grid(self) -> tuple[Floats, Floats]:
        return _grid(self.nodes, len(self.factors[0].columns))

    @cached_property
    def _own_levels(self) -> NDArray[np.intp]:
        return self.factors[0].code[self.order]

    def _halves(self, eta: _Array, zl: _Array) -> _Array:
        """Lower triangular S with S S' = H^-1 of every level, (J, k, k)."""
        weighed = self.density.weight(eta)[:, None, None] * zl[:, :, None] * zl[:, None, :]
        hessian = np.add.reduceat(weighed, self.starts, axis=0) + np.eye(zl.shape[1])
        return _triangles(np.linalg.inv(hessian))

    def _factorised(self, zl: Any, weight: _Array) -> "_Factorised":
        """Factors of Lambda' Z' W Z Lambda + I."""
        from scipy.sparse import eye_array

        whole = zl.T @ zl.multiply(weight[:, None]) + eye_array(zl.shape[1])
        first = next(number for number, place in enumerate(self.places) if place.start == 0)
        return _Factorised.of(whole.tocsr(), self.places[first].stop, self.shape.sizes[first])

    def effect_spreads(self, point: Floats) -> tuple[Floats, ...]:
        """Conditional covariances of the effects u of every level, (J, k, k) of each factor."""
        here = self.around(point)
        found = []
        for factor, place in zip(self.factors, self.places, strict=True):
            k, blocks = len(factor.columns), []
            for level in range(factor.n_levels):
                own = place.start + level * k + np.arange(k)
                unit = np.zeros((len(here.mode), k))
                unit[own, range(k)] = 1.0
                blocks.append(here.solver.solve(unit)[own])
            found.append(np.array(blocks))
        return tuple(found)


@dataclass(eq=False)
class _Around:
    """What is known at one real point: the mode, factors of the Hessian there, derivatives."""

    point: Floats
    mode: Floats
    solver: "_Factorised"
    slopes: "_Slopes | None" = None


@dataclass(frozen=True, eq=False)
class _Slopes:
    """Derivatives of a sum over levels in `fixed`, (n,), columns, (n, k), and nodes, (J, Q, k)."""

    value: float
    fixed: Floats
    columns: Floats
    nodes: Floats


@dataclass(frozen=True, eq=False)
class _Factorised:
    """A symmetric matrix whose first rows are block-diagonal: these are eliminated.

    What is left is dense, of all factors but the largest.

    Parameters
    ----------
    inverse : sparse (q1, q1) array
        Of the blocks.
    across : sparse (q1, q2) array
        The inverse times what stands beside the blocks.
    rest : LU factors of a (q2, q2) array
        What is left.
    log_det : float or complex
        Of the whole.
    """

    inverse: Any
    across: Any
    rest: Any
    log_det: Any

    @classmethod
    def of(cls, whole: Any, size: int, k: int) -> "_Factorised":
        """Eliminate the first `size` rows, which are blocks of k."""
        from scipy.linalg import lu_factor
        from scipy.sparse import bsr_array

        blocks = _blocks(whole[:size, :size], k)
        inverses = np.linalg.inv(blocks)
        levels = size // k
        inverse = bsr_array(
            (inverses, np.arange(levels), np.arange(levels + 1)), shape=(size, size)
        ).tocsr()
        beside = whole[:size, size:]
        across = inverse @ beside
        rest = lu_factor((whole[size:, size:] - beside.T @ across).toarray())
        pivots = np.concatenate([_diagonals(blocks).ravel(), np.diagonal(rest[0])])
        return cls(inverse, across, rest, _log(pivots))

    def solve(self, right: Floats) -> Floats:
        """Solve for one column or many, real ones."""
        from scipy.linalg import lu_solve

        size = self.inverse.shape[0]
        below = lu_solve(self.rest, right[size:] - self.across.T @ right[:size])
        return np.concatenate([self.inverse @ right[:size] - self.across @ below, below])


def _blocks(matrix: Any, k: int) -> _Array:
    """Blocks of a block-diagonal sparse matrix, (J, k, k)."""
    found = np.zeros((matrix.shape[0] // k, k, k), dtype=matrix.dtype)
    for i in range(k):
        for j in range(k):
            diagonal = matrix.diagonal(j - i)
            found[:, i, j] = diagonal[min(i, j) :: k][: len(found)]
    return found


def _diagonals(blocks: _Array) -> _Array:
    """Pivots of symmetric blocks, (J, k): squares of their triangles' diagonals."""
    k = blocks.shape[-1]
    return np.asarray(_triangles(blocks)[:, range(k), range(k)] ** 2)


def _log(pivots: _Array) -> Any:
    """Sum of logs of positive numbers, to first order in their imaginary parts."""
    found = np.log(np.abs(pivots.real)).sum()
    return found + 1j * (pivots.imag / pivots.real).sum() if np.iscomplexobj(pivots) else found


def turned(factor: Factor) -> Floats:
    """Columns of a factor to unit sd, and centred within blocks with an intercept, (k, k).

    Raw effects are this matrix times those of the columns Z @ turned.
    """
    k = len(factor.columns)
    found = np.eye(k)
    for block in factor.blocks:
        constant = [c for c in block if np.ptp(factor.z[:, c]) == 0]
        for column in block:
            values = factor.z[:, column]
            if column in constant:
                continue
            centre = values.mean() if constant else 0.0
            size = np.sqrt(((values - centre) ** 2).mean())
            found[column, column] = 1 / size
            if constant:
                found[constant[0], column] = -centre / (size * factor.z[0, constant[0]])
    return found


def _grid(nodes: int, k: int) -> tuple[Floats, Floats]:
    """Points, (Q, k), and log weights less the normal's exponent, of a product rule."""
    points, weights = np.polynomial.hermite.hermgauss(nodes)
    chosen = np.array(list(product(range(nodes), repeat=k)))
    logs = np.log(weights) + points**2
    return points[chosen], logs[chosen].sum(axis=1)


def _triangles(matrices: _Array) -> _Array:
    """Cholesky factors of symmetric matrices, (J, k, k), complex ones not conjugated."""
    lower = np.zeros_like(matrices)
    k = matrices.shape[-1]
    for i in range(k):
        for j in range(i + 1):
            inner = (lower[:, i, :j] * lower[:, j, :j]).sum(axis=1)
            left = matrices[:, i, j] - inner
            lower[:, i, j] = np.sqrt(left) if i == j else left / lower[:, j, j]
    return lower
