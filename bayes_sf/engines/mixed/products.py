"""Cross products of [Z X y], all that a Gaussian mixed model sees of its data, and what it needs.

y = X beta + Z b + e with b ~ N(0, sigma^2 Lambda Lambda'), e ~ N(0, sigma^2 W^-1), and V = W^-1 +
Z Lambda Lambda' Z'. With M = Lambda' Z'WZ Lambda + I and A = [X y] (Bates et al. 2015, section 3):

    A'V^-1 A = A'WA - A'WZ Lambda M^-1 Lambda' Z'WA,    ln|V| = ln|M| - sum_i ln w_i.

The factor with the most levels is block-diagonal in M and goes first, however many levels it has;
of the others, at most thousands, a dense matrix is left (its Schur complement). Columns are
standardised: y and X centred where there is an intercept, and divided by their spread; columns of Z
that are correlated with an intercept are centred, too, and all of Z divided by their spread. Lambda
is taken in these coordinates; `Products.raw` brings a covariance back.

Arrays may be complex, with imaginary parts of 1e-30: derivatives are by the complex step, exact to
the last digits (Squire & Trapp 1998, SIAM Rev. 40).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bayes_sf.arrays import Floats
from bayes_sf.spec.names import INTERCEPT
from bayes_sf.spec.terms.matrices import Factor, Matrices

__all__ = ["Effects", "Products", "Solved", "build_products"]

_Array = NDArray[Any]

#: Products of pairs of columns by level are kept whole up to so many numbers, nodes come in chunks.
_WHOLE = 4_000_000
_CHUNK = 8_000_000


@dataclass(frozen=True, eq=False)
class Effects:
    """Random effects of one factor given Lambda: what `Products.effects` returns.

    Parameters
    ----------
    loading : (J, k, c) array
        Lambda M^-1 Lambda' Z'W[X y]: the conditional mode is loading[..., -1] - loading[..., :-1]
        beta.
    spread : (J, k, k) array
        Lambda M^-1 Lambda' of each level: conditional covariance in units of sigma^2.
    """

    loading: Floats
    spread: Floats


@dataclass(frozen=True, eq=False)
class Solved:
    """Conditional moments of all random effects given Lambda, joint ones: `Products.solved`.

    With D = S Z1'WZ2 the first factor's effects have covariance S + D T D', the others' T, and
    between them it is -D T, all in units of sigma^2.

    Parameters
    ----------
    shrink : (J, k, k) array
        S: Lambda M^-1 Lambda' of the first factor, the others being known.
    half : (q, q) array
        Of the others: T = half half' is the covariance of their effects.
    loading : (q, c) array
        Means of the others' effects, as `Effects.loading`.
    """

    shrink: Floats
    half: Floats
    loading: Floats

    @property
    def inner(self) -> Floats:
        """T, (q, q)."""
        return np.asarray(self.half @ self.half.T)


@dataclass(frozen=True, eq=False)
class Products:
    """Sufficient statistics of one model; made by `build_products`.

    Parameters
    ----------
    matrices : Matrices
        Where they come from.
    order : tuple of int
        Factors, the one that is eliminated first.
    centre, scale : (c,) arrays
        Of [X y].
    z_shift, z_scale : tuple of (k,) arrays
        Of each factor's columns, in the formula's order.
    n : int
        Rows, each as often as it counts.
    log_weight : float
        Sum of ln w over the rows.
    own : (J, k, k) array
        Z'WZ of the first factor, by level.
    cross : (J k, q) sparse matrix
        Its Z'WZ with the other factors'.
    own_a : (J, k, c) array
        Its Z'WA.
    rest : (q, q) array
        Z'WZ of the other factors.
    rest_a : (q, c) array
        Their Z'WA.
    aa : (c, c) array
        A'WA.
    """

    matrices: Matrices
    order: tuple[int, ...]
    centre: Floats
    scale: Floats
    z_shift: tuple[Floats, ...]
    z_scale: tuple[Floats, ...]
    n: int
    log_weight: float
    own: Floats
    cross: Any
    own_a: Floats
    rest: Floats
    rest_a: Floats
    aa: Floats

    @property
    def factors(self) -> tuple[Factor, ...]:
        """Factors in the formula's order."""
        return self.matrices.factors

    @property
    def n_coef(self) -> int:
        """Number of fixed coefficients."""
        return len(self.aa) - 1

    @cached_property
    def turn(self) -> Floats:
        """Matrix T with raw coefficients = T @ standardised ones + `shift`, (p, p)."""
        y_scale, x_scale = self.scale[-1], self.scale[:-1]
        turn = np.diag(y_scale / x_scale)
        if self.matrices.has_intercept:
            turn[0, 1:] = -self.centre[1:-1] * y_scale / x_scale[1:]
        return np.asarray(turn)

    @cached_property
    def shift(self) -> Floats:
        """What is added after `turn`, (p,)."""
        shift = np.zeros(self.n_coef)
        if self.matrices.has_intercept:
            shift[0] = self.centre[-1]
        return shift

    @property
    def unit_terms(self) -> float:
        """What ln|X'V^-1X| gains when columns go back to their own units."""
        return float(2 * np.log(self.scale[:-1]).sum())

    def to_raw(self, factor: int) -> Floats:
        """Matrix D, (k, k): effects on raw columns = D @ those on standardised ones.

        z'b = sum_k (z_k - m_k)/s_k c_k, so b_k = c_k/s_k, and the intercept takes up the means.
        """
        scale, shift = self.z_scale[factor], self.z_shift[factor]
        back = np.diag(1 / scale)
        for block in self.factors[factor].blocks:
            place = [k for k in block if self.factors[factor].columns[k] == INTERCEPT]
            for k in block:
                if place and k != place[0]:
                    back[place[0], k] = -shift[k] / scale[k]
        return np.asarray(self.scale[-1] * back)

    # Lambda in, log-determinant and cross products out -----------------------------------------

    def at(self, lower: Sequence[_Array]) -> tuple[_Array, _Array]:
        """ln|M| and A'V^-1 A at N values of Lambda.

        Parameters
        ----------
        lower : sequence of (N, k, k) arrays
            Relative covariance factor of each factor, in the formula's order.

        Returns
        -------
        (N,) and (N, c, c) arrays
        """
        size = self._pairs.shape[0] + 3 * self.own.size + 4 * (self.rest.size + self.aa.size)
        step = max(1, _CHUNK // max(size, 1))
        many = len(lower[0])
        if many <= step:
            return self._at(lower)
        parts = [self._at([f[i : i + step] for f in lower]) for i in range(0, many, step)]
        return np.concatenate([p[0] for p in parts]), np.concatenate([p[1] for p in parts])

    def _at(self, lower: Sequence[_Array]) -> tuple[_Array, _Array]:
        first = lower[self.order[0]]
        q, c = len(self.rest), len(self.aa)
        shrink, log_det = _shrink(first, self._blocks, self._counts)
        if self._pairs.size:
            taken = shrink.reshape(len(first), -1) @ self._pairs
            left = self._whole - taken.reshape(len(first), q + c, q + c)
        else:
            left = np.stack([self._whole - self._taken(each) for each in shrink])
        if not q:
            return log_det, left
        scaled = [lower[i] for i in self.order[1:]]
        return _reduce(left, q, scaled, [self.factors[i] for i in self.order[1:]], log_det)

    @cached_property
    def _whole(self) -> Floats:
        """[Z2 A]'W[Z2 A] of the other factors, (q + c, q + c)."""
        return np.block([[self.rest, self.rest_a], [self.rest_a.T, self.aa]])

    @cached_property
    def _pooled(self) -> tuple[Floats, Floats, NDArray[np.intp]]:
        """Distinct Z'WZ of the first factor's levels, how many have each, and which has which."""
        flat = self.own.reshape(len(self.own), -1)
        if len(self.rest):
            return self.own, np.ones(len(self.own)), np.arange(len(self.own))
        distinct, place, counts = np.unique(
            flat.round(12), axis=0, return_inverse=True, return_counts=True
        )
        k = self.own.shape[1]
        return distinct.reshape(-1, k, k), counts.astype(float), place.ravel()

    @property
    def _blocks(self) -> Floats:
        return self._pooled[0]

    @property
    def _counts(self) -> Floats:
        return self._pooled[1]

    @cached_property
    def _pairs(self) -> Floats:
        """Products of pairs of columns of [Z2 A] by level, (J k k, (q + c)^2); none if too many."""
        j, k, _ = self.own.shape
        width = len(self.rest) + len(self.aa)
        if j * k * k * width**2 > _WHOLE:
            return np.empty((0, 0))
        other = np.asarray(self.cross.todense()).reshape(j, k, -1)
        both = np.concatenate([other, self.own_a], axis=2)
        pairs = np.einsum("jac,jbd->jabcd", both, both).reshape(j, -1)
        distinct = np.zeros((len(self._blocks), pairs.shape[1]))
        np.add.at(distinct, self._pooled[2], pairs)
        return distinct.reshape(len(self._blocks) * k * k, width**2)

    @cached_property
    def _sparse(self) -> Any:
        """[Z2 A] crossed with the first factor, sparse, (J k, q + c)."""
        from scipy import sparse

        wide = sparse.csr_array(self.own_a.reshape(-1, len(self.aa)))
        return sparse.csr_array(sparse.hstack([self.cross, wide]))

    def _taken(self, shrink: _Array) -> _Array:
        """What the first factor takes from the cross products of the others, one node."""
        from scipy import sparse

        j, k, _ = self.own.shape
        each = shrink[self._pooled[2]]
        block = sparse.bsr_array((each, np.arange(j), np.arange(j + 1)), shape=(j * k, j * k))
        found = self._sparse.T @ (block @ self._sparse)
        return np.asarray(found.todense())

    # Effects -------------------------------------------------------------------------------------

    def effects(self, lower: Sequence[Floats]) -> list[Effects]:
        """Conditional means and covariances of all random effects at one Lambda.

        Parameters
        ----------
        lower : sequence of (k, k) arrays
            As in `at`.

        Returns
        -------
        list of Effects
            In the formula's order, in standardised units.
        """
        j, k, _ = self.own.shape
        solved = self.solved(lower)
        own = np.einsum("jab,jbc->jac", solved.shrink, self.own_a)
        inner = solved.inner
        found: dict[int, Effects] = {}
        spread = solved.shrink
        if len(self.rest):
            start = 0
            for i in self.order[1:]:
                levels, width = self.factors[i].n_levels, self.z_scale[i].size
                stop = start + levels * width
                block = inner[start:stop, start:stop].reshape(levels, width, levels, width)
                diagonal = np.einsum("jajb->jab", block)
                loading = solved.loading[start:stop].reshape(levels, width, -1)
                found[i] = Effects(loading, diagonal)
                start = stop
            across = np.asarray(self.cross.todense()).reshape(j, k, -1)
            down = np.einsum("jab,jbq->jaq", solved.shrink, across)
            own = own - np.einsum("jaq,qc->jac", down, solved.loading)
            spread = spread + np.einsum("jaq,qr,jbr->jab", down, inner, down, optimize=True)
        found[self.order[0]] = Effects(own, spread)
        return [found[i] for i in range(len(self.factors))]

    def solved(self, lower: Sequence[Floats]) -> Solved:
        """Conditional moments of all random effects at one Lambda, in parts.

        Parameters
        ----------
        lower : sequence of (k, k) arrays
            As in `at`.
        """
        q, c = len(self.rest), len(self.aa)
        each, _ = _shrink(lower[self.order[0]][None], self.own, np.ones(len(self.own)))
        shrink = each[0]
        if not q:
            return Solved(shrink, np.empty((0, 0)), np.empty((0, c)))
        left = self._whole - self._taken_with(shrink)
        scaled, others = [lower[i][None] for i in self.order[1:]], self.order[1:]
        factors = [self.factors[i] for i in others]
        turned = _times(np.eye(q)[None], scaled, factors)[0]  # Lambda'
        m = _times((turned @ left[:q, :q]).T[None], scaled, factors)[0] + np.eye(q)
        half = np.linalg.solve(np.linalg.cholesky(m), turned).T
        return Solved(shrink, half, half @ (half.T @ left[:q, q:]))

    def _taken_with(self, shrink: Floats) -> Floats:
        """What the first factor takes from the cross products of the others, its levels apart."""
        if self._pairs.size:
            width = len(self.rest) + len(self.aa)
            return np.asarray((shrink.ravel() @ self._pairs).reshape(width, width))
        from scipy import sparse

        j, k, _ = self.own.shape
        block = sparse.bsr_array((shrink, np.arange(j), np.arange(j + 1)), shape=(j * k, j * k))
        return np.asarray((self._sparse.T @ (block @ self._sparse)).todense())


def _shrink(lower: _Array, blocks: Floats, counts: Floats) -> tuple[_Array, _Array]:
    """L (L'BL + I)^-1 L' of every block, (N, J, k, k), and the sum of ln|L'BL + I|, (N,)."""
    k = lower.shape[-1]
    if k == 1:
        square = lower[:, :, 0] ** 2  # (N, 1)
        m = 1 + square * blocks[:, 0, 0]
        return (square / m)[:, :, None, None], np.log(m) @ counts
    turned = np.swapaxes(lower, 1, 2)[:, None]
    m = turned @ (blocks @ lower[:, None]) + np.eye(k)
    if k == 2:
        det = m[..., 0, 0] * m[..., 1, 1] - m[..., 0, 1] * m[..., 1, 0]
        inverse = np.empty_like(m)
        inverse[..., 0, 0], inverse[..., 1, 1] = m[..., 1, 1] / det, m[..., 0, 0] / det
        inverse[..., 0, 1], inverse[..., 1, 0] = -m[..., 0, 1] / det, -m[..., 1, 0] / det
        log_det = np.log(det) @ counts
    else:
        inverse = np.linalg.inv(m)
        log_det = _log_det(m) @ counts
    return lower[:, None] @ inverse @ turned, log_det


def _log_det(m: _Array) -> _Array:
    """Log-determinant; analytic in complex arrays."""
    sign, size = np.linalg.slogdet(m)
    return np.asarray(size + 1j * np.angle(sign)) if np.iscomplexobj(m) else np.asarray(size)


def _times(left: _Array, lower: Sequence[_Array], factors: Sequence[Factor]) -> _Array:
    """Rows of (N, q, m) arrays multiplied by Lambda' factor by factor."""
    parts, start = [], 0
    for one, factor in zip(lower, factors, strict=True):
        k, levels = one.shape[-1], factor.n_levels
        part = left[:, start : start + levels * k]
        if k == 1:
            parts.append(part * one[:, :, 0][..., None])
        else:
            shaped = part.reshape(len(part), levels, k, -1)
            turned = np.swapaxes(one, 1, 2)[:, None]
            parts.append((turned @ shaped).reshape(part.shape))
        start += levels * k
    return np.concatenate(parts, axis=1)


def _reduce(
    left: _Array, q: int, lower: Sequence[_Array], factors: Sequence[Factor], log_det: _Array
) -> tuple[_Array, _Array]:
    """Take the other factors out of [Z2 A]'[Z2 A], the first one being out."""
    rows = _times(left[:, :q], lower, factors)  # Lambda' [R22 R2A]
    m = np.swapaxes(_times(np.swapaxes(rows[..., :q], 1, 2), lower, factors), 1, 2)
    m = m + np.eye(q)
    other = rows[..., q:]
    if np.iscomplexobj(m):  # an imaginary part is a derivative times 1e-30: its square is nothing
        inverse = np.linalg.inv(m.real)
        real, turned = inverse @ other.real, np.swapaxes(other.real, 1, 2)
        first = np.einsum("nij,nji->n", inverse, m.imag)
        tangent = np.swapaxes(other.imag, 1, 2) @ real
        tangent = tangent + np.swapaxes(tangent, 1, 2) - np.swapaxes(real, 1, 2) @ m.imag @ real
        taken = turned @ real + 1j * tangent
        return log_det + np.linalg.slogdet(m.real)[1] + 1j * first, left[:, q:, q:] - taken
    chol = np.linalg.cholesky(m)
    half = np.linalg.solve(chol, other)
    log_det = log_det + 2 * np.log(np.diagonal(chol, axis1=1, axis2=2)).sum(axis=1)
    return log_det, left[:, q:, q:] - np.swapaxes(half, 1, 2) @ half


def build_products(matrices: Matrices) -> Products:
    """Cross products of design matrices, one pass over the rows.

    Parameters
    ----------
    matrices : Matrices
        Of one model.
    """
    count = np.ones(len(matrices.y)) if matrices.counts is None else matrices.counts
    weight = np.ones(len(matrices.y)) if matrices.weights is None else matrices.weights
    table = np.column_stack([matrices.x, matrices.y])
    centre, scale = _standard(matrices, table, count)
    a = (table - centre) / scale
    shifts, scales, z = [], [], []
    for factor in matrices.factors:
        shift, size = _of_factor(factor, count)
        shifts.append(shift)
        scales.append(size)
        z.append((factor.z - shift) / size)
    order = _order(matrices.factors)
    both = weight * count
    first = matrices.factors[order[0]]
    own, own_a = _by_level(first, z[order[0]], a, both)
    sparse_z = {i: _sparse_of(f, z[i]) for i, f in enumerate(matrices.factors)}
    cross, rest, rest_a = _rest(sparse_z, order, a, both)
    return Products(
        matrices, order, centre, scale, tuple(shifts), tuple(scales), matrices.n_obs,
        float(count @ np.log(weight)), own, cross, own_a, rest, rest_a, (both[:, None] * a).T @ a,
    )  # fmt: skip


def _standard(matrices: Matrices, table: Floats, count: Floats) -> tuple[Floats, Floats]:
    """Centre and scale of [X y]: the intercept stays, and without one nothing is centred."""
    total = count.sum()
    centre = np.zeros(table.shape[1])
    if matrices.has_intercept:
        centre[1:] = count @ table[:, 1:] / total
    y_mean = count @ table[:, -1] / total
    spread = np.sqrt(count @ (table - centre) ** 2 / (total - 1))
    spread[-1] = np.sqrt(count @ (table[:, -1] - y_mean) ** 2 / (total - 1))
    if matrices.has_intercept:
        spread[0] = 1.0
    return centre, spread


def _of_factor(factor: Factor, count: Floats) -> tuple[Floats, Floats]:
    """Centre and scale of a factor's columns: centred where an intercept takes up the mean."""
    k = len(factor.columns)
    shift, scale = np.zeros(k), np.ones(k)
    total = count.sum()
    for block in factor.blocks:
        centred = any(factor.columns[i] == INTERCEPT for i in block)
        for i in block:
            if factor.columns[i] == INTERCEPT:
                continue
            if centred:
                shift[i] = count @ factor.z[:, i] / total
            scale[i] = np.sqrt(count @ (factor.z[:, i] - shift[i]) ** 2 / total)
    return shift, scale


def _order(factors: Sequence[Factor]) -> tuple[int, ...]:
    """The factor with the most effects first."""
    size = [factor.n_levels * len(factor.columns) for factor in factors]
    first = int(np.argmax(size))
    return (first, *(i for i in range(len(factors)) if i != first))


def _by_level(factor: Factor, z: Floats, a: Floats, weight: Floats) -> tuple[Floats, Floats]:
    """Z'WZ and Z'WA of every level, (J, k, k) and (J, k, c)."""
    columns = np.column_stack([z, a])
    k, levels = z.shape[1], factor.n_levels
    found = np.empty((levels, k, columns.shape[1]))
    for i in range(k):
        for m in range(columns.shape[1]):
            product = weight * z[:, i] * columns[:, m]
            found[:, i, m] = np.bincount(factor.code, weights=product, minlength=levels)
    return found[:, :, :k], found[:, :, k:]


def _sparse_of(factor: Factor, z: Floats) -> Any:
    """Z of one factor, (n, J k), level by level."""
    from scipy import sparse

    n, k = z.shape
    columns = factor.code[:, None] * k + np.arange(k)
    starts = np.arange(0, n * k + 1, k)
    shape = (n, factor.n_levels * k)
    return sparse.csr_array((z.ravel(), columns.ravel(), starts), shape=shape)


def _rest(
    z: dict[int, Any], order: tuple[int, ...], a: Floats, weight: Floats
) -> tuple[Any, Floats, Floats]:
    """Cross products of the other factors with the first, with each other and with A."""
    from scipy import sparse

    first = z[order[0]]
    if len(order) == 1:
        empty = sparse.csr_array((first.shape[1], 0))
        return empty, np.empty((0, 0)), np.empty((0, a.shape[1]))
    other = sparse.csr_array(sparse.hstack([z[i] for i in order[1:]]))
    weighted = sparse.csr_array(other.multiply(weight[:, None]))
    return (
        sparse.csr_array(first.T @ weighted),
        np.asarray((other.T @ weighted).todense()),
        np.asarray(weighted.T @ a),
    )
