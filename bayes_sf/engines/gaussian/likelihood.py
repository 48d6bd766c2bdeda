"""The random-intercept Gaussian likelihood, from sufficient statistics, as a function of lambda.

y = X beta + Z u + e with u_j ~ N(0, tau^2), e ~ N(0, sigma^2), lambda = tau^2/sigma^2 and
V = sigma^2 (I + lambda Z Z'). With A = [1 X y] and group sizes n_j, the generalised cross products
A' (I + lambda Z Z')^-1 A are within + sum_j w_j m_j m_j', where m_j are the group means of A and
w_j = n_j/(1 + lambda n_j). Groups of equal size enter only through the sum of their m_j m_j', so
the cost depends on the number of distinct sizes, not on rows or groups.

Columns are centred and scaled by the data's own means and spreads; every engine works in these
standardised units and converts at the end, which makes all of them unit-equivariant.
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from bayes_sf.arrays import Floats
from bayes_sf.errors import DataError
from bayes_sf.spec.moments import INTERCEPT, Moments

__all__ = ["CrossProducts", "Standardised", "check_groups", "standardise"]


#: A column counts as a combination of others (of the groups' dummies, too) when less than this
#: share of its sum of squares is left after regressing on them; lme4 has 1e-7 of the norm.
COLLINEAR = 1e-12
#: A direction of the predictors counts as constant within groups below this within variance.
STILL = 1e-10


@dataclass(frozen=True, eq=False)
class CrossProducts:
    """Generalised cross products at G values of lambda.

    Parameters
    ----------
    xx : (G, k, k) array
        X'(I + lambda Z Z')^-1 X.
    xy : (G, k) array
        X'(I + lambda Z Z')^-1 y.
    yy : (G,) array
        y'(I + lambda Z Z')^-1 y.
    log_det : (G,) array
        ln |I + lambda Z Z'|.
    turn : (k, k) array or None
        Orthonormal coefficient vectors, columns, that `xx` and `xy` are given in; None for the
        coefficients themselves.
    """

    xx: Floats
    xy: Floats
    yy: Floats
    log_det: Floats
    turn: Floats | None = None


@dataclass(frozen=True, eq=False)
class Standardised:
    """Moments in standardised units, reduced to distinct group sizes.

    Parameters
    ----------
    moments : Moments
        Where they come from.
    centre, scale : (k,) arrays
        Mean and spread of [x1 ... xp y], k = p + 1; standardised = (raw - centre)/scale.
    means : (J, k + 1) array
        Group means of [1, x1 ... xp, y] in standardised units.
    within : (k + 1, k + 1) array
        Pooled within cross products of the same columns (first row and column zero).
    sizes, counts : (D,) arrays
        The distinct group sizes and how many groups have each.
    between : (D, k + 1, k + 1) array
        Sum of m_j m_j' over the groups of each size.
    """

    moments: Moments
    centre: Floats
    scale: Floats
    means: Floats
    within: Floats
    sizes: Floats
    counts: Floats
    between: Floats

    @property
    def n_coef(self) -> int:
        """Number of coefficients, the intercept included."""
        return int(self.within.shape[0]) - 1

    @property
    def n_obs(self) -> int:
        """Number of rows."""
        return self.moments.n_obs

    def weights(self, lam: Floats) -> Floats:
        """Return w = n/(1 + lambda n), (G, D)."""
        return np.asarray(self.sizes / (1 + np.asarray(lam)[:, None] * self.sizes))

    def cross_products(self, lam: Floats) -> CrossProducts:
        """Cross products at each lambda, (G,)."""
        lam = np.atleast_1d(np.asarray(lam, dtype=float))
        total = self.within + np.einsum("gd,dij->gij", self.weights(lam), self.between)
        k = self.n_coef
        log_det = np.log1p(lam[:, None] * self.sizes) @ self.counts
        return CrossProducts(total[:, :k, :k], total[:, :k, k], total[:, k, k], log_det)

    def turned_products(self, lam: Floats) -> CrossProducts:
        """Return the same in coordinates in which a Cholesky factor keeps its digits.

        Where a combination of predictors is constant within groups (dummies in a small frame), what
        is known of it falls as 1/lambda, and the sum with the within cross products loses it.
        """
        at = self.cross_products(lam)
        if self._turn is None:
            return at
        k, turn = self.n_coef, self._turn
        full = np.eye(k + 1)
        full[:k, :k] = turn
        within = full.T @ self.within @ full
        n_still = k - self._rank_within
        within[:n_still] = within[:, :n_still] = 0.0
        between = full.T @ self.between @ full
        total = within + np.einsum("gd,dij->gij", self.weights(lam), between)
        return CrossProducts(total[:, :k, :k], total[:, :k, k], at.yy, at.log_det, turn)

    @cached_property
    def _spectrum(self) -> tuple[Floats, Floats]:
        """Eigenvalues and eigenvectors of the predictors' within cross products per row."""
        k = self.n_coef
        value, vector = np.linalg.eigh(self.within[1:k, 1:k] / self.n_obs)
        return value, vector

    @property
    def _rank_within(self) -> int:
        """Directions of the predictors that vary within groups."""
        return int((self._spectrum[0] >= STILL).sum())

    @property
    def _turn(self) -> Floats | None:
        """Vectors of coefficients, those constant within groups first; None if columns will do."""
        k = self.n_coef
        still_columns = int((np.diag(self.within)[1:k] == 0).sum())
        if k - 1 - self._rank_within == still_columns:
            return None
        turn = np.eye(k)
        turn[1:, 1:] = self._spectrum[1]
        return turn

    @property
    def coef_transform(self) -> Floats:
        """Matrix T, (k, k), with raw coefficients = T @ standardised ones + shift.

        The raw intercept is alpha - sum_i b_i mean(x_i), and the shift is mean(y) in its place.
        """
        y_scale, x_scale = self.scale[-1], self.scale[:-1]
        transform = np.diag(np.concatenate([[y_scale], y_scale / x_scale]))
        transform[0, 1:] = -self.centre[:-1] * y_scale / x_scale
        return np.asarray(transform)

    @property
    def coef_shift(self) -> Floats:
        """What is added after `coef_transform`, (k,)."""
        shift = np.zeros(self.n_coef)
        shift[0] = self.centre[-1]
        return shift


def standardise(moments: Moments, like: Standardised | None = None) -> Standardised:
    """Centre and scale moments, and check that their columns can be told apart.

    Parameters
    ----------
    moments : Moments
        Of [x1 ... xp y] by group.
    like : Standardised, optional
        Whose centre and scale are used instead of the moments' own: those of the same rows with
        other weights.

    Raises
    ------
    DataError
        For a constant outcome or predictor, collinear predictors, or no more rows than columns.
    """
    where = f"model of {moments.outcome!r}"
    rows, columns = moments.n_obs, len(moments.terms)
    if rows <= columns:
        raise DataError(
            where,
            "needs more rows than coefficients",
            got=f"{rows} rows, {columns} coefficients",
            fix="use fewer predictors",
        )
    centre = moments.grand_mean if like is None else like.centre
    scale = moments.spread if like is None else like.scale
    flat = scale <= 1e-13 * np.abs(centre)
    if flat.any():
        name = (*moments.predictors, moments.outcome)[int(np.argmax(flat))]
        raise DataError(
            f"{where}: column {name!r}",
            "must vary by more than rounding",
            got="a constant, or large numbers that hardly differ",
            fix="leave it out, or choose other rows",
        )
    ones = np.ones((moments.n_groups, 1))
    means = np.hstack([ones, (moments.means - centre) / scale])
    within = np.zeros((len(scale) + 1, len(scale) + 1))
    within[1:, 1:] = moments.within / np.outer(scale, scale)
    still = np.diag(within) <= COLLINEAR * rows  # constant within groups, but for rounding
    within[still] = within[:, still] = 0.0
    sizes, place = np.unique(moments.sizes, return_inverse=True)
    between = np.zeros((len(sizes), *within.shape))
    np.add.at(between, place, means[:, :, None] * means[:, None, :])
    counts = np.bincount(place).astype(float)
    result = Standardised(moments, centre, scale, means, within, sizes, counts, between)
    _check_rank(result, where)
    return result


def check_groups(data: Standardised) -> None:
    """Check that residual and group variance can be told apart.

    Parameters
    ----------
    data : Standardised
        What a model with group effects is to be fitted to.

    Raises
    ------
    DataError
        For fewer than two groups, or when nothing is left within groups: one row each, as many
        predictors as rows, or an outcome that is constant or fitted exactly.
    """
    moments = data.moments
    where = f"model of {moments.outcome!r}: group {moments.group!r}"
    if moments.n_groups < 2:
        raise DataError(
            where,
            "must have at least two levels",
            got=list(moments.groups),
            fix="choose another group, or engine='ols'",
        )
    k = data.n_coef
    slope, _, rank, _ = np.linalg.lstsq(data.within[1:k, 1:k], data.within[1:k, k], rcond=1e-10)
    free = moments.n_obs - moments.n_groups - int(rank)
    left = data.within[k, k] - slope @ data.within[1:k, k]
    if free < 1 or left <= COLLINEAR * data.n_obs:
        raise DataError(
            where,
            "must leave residual variance within its levels, to tell it from theirs",
            got=f"{moments.n_obs} rows in {moments.n_groups} levels"
            + (", fitted exactly within levels" if free >= 1 else f", {free} degrees of freedom"),
            fix="choose another group, fewer predictors, or engine='ols'",
        )


def _check_rank(data: Standardised, where: str) -> None:
    """No predictor may be a linear combination of the others."""
    names = (INTERCEPT, *data.moments.predictors)
    if len(names) < 3:  # one that varies is none of the intercept's
        return
    gram = data.cross_products(np.zeros(1)).xx[0]
    for i in range(2, len(names)):
        left = gram[i, i] - gram[i, :i] @ np.linalg.solve(gram[:i, :i], gram[:i, i])
        if left <= COLLINEAR * gram[i, i]:
            raise DataError(
                f"{where}: column {names[i]!r}",
                f"must not be a combination of {', '.join(names[1:i])}",
                fix="leave one of them out",
            )
