"""What a REML fit prints, given group means of the outcome and the t values of its slopes.

A published model prints its slopes' t values to three decimals. Given the sample (group sizes, the
predictor's and the outcome's group means and within sums of squares) those t values determine the
one thing that is missing, the within cross product of predictor and outcome: at any lambda
sigma^2 = RSS0/(n - k + q), where RSS0 is the null model's generalised residual sum of squares and q
the slopes' joint Wald statistic, and b_i = t_i se_i. REML's lambda is then the root of one equation
(see `ols_reml`). Everything is vectorised over M candidate samples.
"""

from dataclasses import dataclass, fields

import numpy as np
from numpy.typing import NDArray

from bayes_sf.arrays import Floats

__all__ = ["Candidates", "Implied", "solve"]


#: ln lambda is searched here; below the lower end REML's estimate of tau counts as zero.
_LOG_LAMBDA = (-16.0, 7.0)


@dataclass(frozen=True, eq=False)
class Candidates:
    """M samples that a published model may have been fitted to.

    Parameters
    ----------
    sizes : (M, J) array
        Rows per group.
    y_means : (M, J) array
        Group means of the outcome.
    y_within : (M,) array
        Pooled within-group sum of squares of the outcome.
    x_means : (M, J, p) array
        Group means of the predictor's columns; p = 0 for the null model.
    x_within : (M, p, p) array
        Their pooled within-group cross products.
    t : (M, p) array
        t values of the slopes.
    """

    sizes: Floats
    y_means: Floats
    y_within: Floats
    x_means: Floats
    x_within: Floats
    t: Floats

    def take(self, which: NDArray[np.intp]) -> "Candidates":
        """The chosen candidates."""
        return Candidates(*(getattr(self, f.name)[which] for f in fields(self)))

    @classmethod
    def stack(cls, parts: "list[Candidates]") -> "Candidates":
        """Candidates one after the other; all with as many slopes."""
        return cls(*(np.concatenate([getattr(c, f.name) for c in parts]) for f in fields(cls)))


@dataclass(frozen=True, eq=False)
class Implied:
    """What REML gives for M candidates.

    Parameters
    ----------
    lam : (M,) array
        lambda = tau^2/sigma^2.
    sigma2, tau2 : (M,) arrays
        Variance components.
    coef, se : (M, p + 1) arrays
        Intercept first.
    xy_within : (M, p) array
        Within-group cross products of predictor and outcome.
    slope : (M,) array
        Derivative of the REML criterion in lambda at `lam`; not negative at lambda = 0.
    """

    lam: Floats
    sigma2: Floats
    tau2: Floats
    coef: Floats
    se: Floats
    xy_within: Floats
    slope: Floats

    def take(self, which: NDArray[np.intp] | slice) -> "Implied":
        """The chosen candidates' estimates."""
        return Implied(*(getattr(self, f.name)[which] for f in fields(self)))


def solve(candidates: Candidates) -> Implied:
    """REML estimates of every candidate, by bisection and regula falsi on ln lambda.

    Parameters
    ----------
    candidates : Candidates
        M samples.

    Returns
    -------
    Implied
        With lambda to about 1e-5 relative, far inside any printed rounding.
    """
    everyone = _Sums.of(candidates)
    at_zero = _fit(everyone, np.zeros(len(candidates.sizes)))
    inside = np.flatnonzero(at_zero.slope < 0)
    if inside.size == 0:
        return at_zero.implied()
    lam = np.zeros(len(candidates.sizes))
    part = everyone if inside.size == lam.size else _Sums.of(candidates.take(inside))
    low, high = (np.full(len(inside), edge) for edge in _LOG_LAMBDA)
    for _ in range(9):
        middle = 0.5 * (low + high)
        falling = _fit(part, np.exp(middle)).slope < 0
        low, high = np.where(falling, middle, low), np.where(falling, high, middle)
    f_low, f_high = (_fit(part, np.exp(edge)).slope for edge in (low, high))
    for _ in range(8):  # regula falsi that halves the weight of the end that stays
        chord = (low * f_high - high * f_low) / np.where(f_high > f_low, f_high - f_low, np.inf)
        middle = np.clip(chord, low, high)
        f_middle = _fit(part, np.exp(middle)).slope
        falling = f_middle < 0
        f_low, f_high = (
            np.where(falling, f_middle, 0.5 * f_low),
            np.where(falling, 0.5 * f_high, f_middle),
        )
        low, high = np.where(falling, middle, low), np.where(falling, high, middle)
    lam[inside] = np.exp(middle)
    return _fit(everyone, lam).implied()


@dataclass(frozen=True, eq=False)
class _Sums:
    """Candidates laid out for sums over groups: M is the last axis, which is the fast one.

    `products`, (K, J, M), are those of (1, y, x_1, ..., x_p) with one another, and `place`,
    (p + 2, p + 2), says which of them is which pair's.
    """

    sizes: Floats
    products: Floats
    place: NDArray[np.intp]
    y_within: Floats
    x_within: Floats
    t: Floats

    @classmethod
    def of(cls, c: Candidates) -> "_Sums":
        """Lay candidates out."""
        columns = [np.ones(c.sizes.T.shape), c.y_means.T, *np.moveaxis(c.x_means, 2, 0).mT]
        above = np.triu_indices(len(columns))
        place = np.zeros((len(columns), len(columns)), dtype=np.intp)
        place[above] = place.T[above] = np.arange(len(above[0]))
        products = np.stack([columns[a] * columns[b] for a, b in zip(*above, strict=True)])
        x_within = np.ascontiguousarray(np.moveaxis(c.x_within, 0, -1))
        sizes, t = np.ascontiguousarray(c.sizes.T), np.ascontiguousarray(c.t.T)
        return cls(sizes, products, place, c.y_within, x_within, t)

    def weighted(self, weight: Floats) -> Floats:
        """Sums over groups, (p + 2, p + 2, M), with weights (J, M)."""
        return np.asarray(np.einsum("jm,kjm->km", weight, self.products)[self.place])


@dataclass(frozen=True, eq=False)
class _Fit:
    """Estimates at `lam`, M last; names as in `Implied` and in `_fit`."""

    lam: Floats
    sigma2: Floats
    intercept: Floats
    slopes: Floats
    sums: Floats
    xx: Floats
    inverse: Floats
    slope: Floats

    def implied(self) -> Implied:
        """Everything that REML prints."""
        centre = self.sums[0, 2:] / self.sums[0, 0]
        var0 = 1 / self.sums[0, 0] + np.einsum("pm,pqm,qm->m", centre, self.inverse, centre)
        root = np.sqrt(np.vstack([var0[None], np.einsum("ppm->pm", self.inverse)]))
        xy = self.sums[0, 2:] * self.intercept + np.einsum("pqm,qm->pm", self.xx, self.slopes)
        return Implied(
            self.lam,
            self.sigma2,
            self.lam * self.sigma2,
            np.vstack([self.intercept[None], self.slopes]).T,
            (np.sqrt(self.sigma2) * root).T,
            (xy - self.sums[1, 2:]).T,
            self.slope,
        )


def _fit(c: _Sums, lam: Floats) -> _Fit:
    """Estimates at given lambda, (M,), with the slopes' t values held at what is printed."""
    p = len(c.t)
    weight = c.sizes / (1 + lam * c.sizes)
    sums = c.weighted(weight)
    s11, s1y, s1x = sums[0, 0], sums[0, 1], sums[0, 2:]
    centre = s1x / s11
    xx = c.x_within + sums[2:, 2:]
    inverse = _inverse(xx - s1x[:, None] * centre)
    scaled = c.t * np.sqrt(np.einsum("ppm->pm", inverse))
    wald = np.einsum("pm,pqm,qm->m", scaled, xx, scaled) - (scaled * s1x).sum(axis=0) ** 2 / s11
    null_rss = c.y_within + sums[1, 1] - s1y**2 / s11
    sigma2 = null_rss / (c.sizes.sum(axis=0) - p - 1 + wald)
    slopes = scaled * np.sqrt(sigma2)
    intercept = s1y / s11 - (centre * slopes).sum(axis=0)
    squares = c.weighted(weight**2)
    residual = np.vstack([-intercept[None], np.ones((1, len(lam))), -slopes])
    misfit = np.einsum("am,abm,bm->m", residual, squares, residual) / sigma2
    cross = centre[:, None] * squares[0, 2:]
    gaps = squares[2:, 2:] - cross - cross.swapaxes(0, 1) + squares[0, 0] * centre[:, None] * centre
    leverage = squares[0, 0] / s11 + np.einsum("pqm,pqm->m", inverse, gaps)
    slope = s11 - misfit - leverage
    return _Fit(lam, sigma2, intercept, slopes, sums, xx, inverse, slope)


def _inverse(matrices: Floats) -> Floats:
    """Inverses of M matrices, (p, p, M)."""
    if len(matrices) == 1:
        return np.asarray(1 / matrices)
    return np.moveaxis(np.linalg.inv(np.moveaxis(matrices, -1, 0)), 0, -1)
