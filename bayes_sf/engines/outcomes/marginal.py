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

from bayes_sf.engines.mixed.covariance import Shape
from bayes_sf.engines.outcomes.density import Density
from bayes_sf.errors import ConvergenceError
from bayes_sf.spec.family import Family
from bayes_sf.spec.terms.matrices import Factor, Matrices

__all__ = ["Marginal"]

_Array = NDArray[Any]
_Floats = NDArray[np.float64]

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
    x: _Floats
    offset: _Floats
    turn: tuple[_Floats, ...]
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
    def z(self) -> tuple[_Floats, ...]:
        """Columns of each factor, turned, in order."""
        return tuple(f.z[self.order] @ t for f, t in zip(self.factors, self.turn, strict=True))

    @cached_property
    def _pattern(self) -> tuple[NDArray[np.intp], NDArray[np.intp], int]:
        """Column of every entry of sparse Z, where rows start, number of effects."""
        columns, start = [], 0
        for factor in self.factors:
            k = len(factor.columns)
            columns.append(start + factor.code[self.order][:, None] * k + np.arange(k))
            start += k * factor.n_levels
        width = sum(c.shape[1] for c in columns)
        ends = np.arange(len(self.order) + 1) * width
        return np.concatenate(columns, axis=1).ravel(), ends, start

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

    def around(self, point: _Floats) -> "_Around":
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
            solver = _factorised(zl, self.density.weight(eta))
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

    def _height(self, fixed: _Floats, zl: Any, u: _Floats) -> float:
        return float(self.density.log(fixed + zl @ u).sum() - 0.5 * u @ u)

    def _forward(self, fixed: _Floats, zl: Any, u: _Floats, step: _Floats) -> _Floats:
        """A step that does not go down."""
        here = self._height(fixed, zl, u)
        for _ in range(_HALVINGS):
            if self._height(fixed, zl, u + step) >= here - 1e-12 * abs(here):
                break
            step = step / 2
        return u + step

    def _laplace(self, fixed: _Array, sparse: Any, u: _Array) -> Any:
        eta = fixed + sparse @ u
        log_det = _factorised(sparse, self.density.weight(eta)).log_det
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

    def _slopes(self, fixed: _Floats, zl: _Floats, at: _Floats, log_weights: _Floats) -> "_Slopes":
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
    def _grid(self) -> tuple[_Floats, _Floats]:
        return _grid(self.nodes, len(self.factors[0].columns))

    @cached_property
    def _own_levels(self) -> NDArray[np.intp]:
        return self.factors[0].code[self.order]

    def _halves(self, eta: _Array, zl: _Array) -> _Array:
        """Lower triangular S with S S' = H^-1 of every level, (J, k, k)."""
        weighed = self.density.weight(eta)[:, None, None] * zl[:, :, None] * zl[:, None, :]
        hessian = np.add.reduceat(weighed, self.starts, axis=0) + np.eye(zl.shape[1])
        return _triangles(np.linalg.inv(hessian))

    def effect_spreads(self, point: _Floats) -> tuple[_Floats, ...]:
        """Conditional covariances of the effects u of every level, (J, k, k) of each factor."""
        here = self.around(point)
        found, start = [], 0
        for factor in self.factors:
            k = len(factor.columns)
            blocks = np.empty((factor.n_levels, k, k))
            for level in range(factor.n_levels):
                places = start + level * k + np.arange(k)
                unit = np.zeros((len(here.mode), k))
                unit[places, range(k)] = 1.0
                blocks[level] = here.solver.solve(unit)[places]
            found.append(blocks)
            start += k * factor.n_levels
        return tuple(found)


@dataclass(eq=False)
class _Around:
    """What is known at one real point: the mode, factors of the Hessian there, derivatives."""

    point: _Floats
    mode: _Floats
    solver: "_Factorised"
    slopes: "_Slopes | None" = None


@dataclass(frozen=True, eq=False)
class _Slopes:
    """Derivatives of a sum over levels in `fixed`, (n,), columns, (n, k), and nodes, (J, Q, k)."""

    value: float
    fixed: _Floats
    columns: _Floats
    nodes: _Floats


@dataclass(frozen=True, eq=False)
class _Factorised:
    """Sparse LU factors of a symmetric matrix with a positive diagonal of U."""

    lu: Any

    def solve(self, right: _Array) -> _Array:
        return np.asarray(self.lu.solve(right))

    @property
    def log_det(self) -> Any:
        diagonal = self.lu.U.diagonal()
        found = np.log(np.abs(diagonal.real)).sum()
        if not np.iscomplexobj(diagonal):
            return found
        return found + 1j * (diagonal.imag / diagonal.real).sum()


def _factorised(zl: Any, weight: _Array) -> _Factorised:
    """Factors of Lambda' Z' W Z Lambda + I."""
    from scipy.sparse import eye_array
    from scipy.sparse.linalg import splu

    inner = zl.T @ zl.multiply(weight[:, None]) + eye_array(zl.shape[1])
    options = {"SymmetricMode": True}
    return _Factorised(
        splu(inner.tocsc(), permc_spec="MMD_AT_PLUS_A", diag_pivot_thresh=0.0, options=options)
    )


def turned(factor: Factor) -> _Floats:
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


def _grid(nodes: int, k: int) -> tuple[_Floats, _Floats]:
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
