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

__all__ = ["Candidates", "Implied", "solve"]

_Floats = NDArray[np.float64]

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

    sizes: _Floats
    y_means: _Floats
    y_within: _Floats
    x_means: _Floats
    x_within: _Floats
    t: _Floats

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

    lam: _Floats
    sigma2: _Floats
    tau2: _Floats
    coef: _Floats
    se: _Floats
    xy_within: _Floats
    slope: _Floats

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
    at_zero = _fit(candidates, np.zeros(len(candidates.sizes)))
    inside = np.flatnonzero(at_zero.slope < 0)
    if inside.size == 0:
        return at_zero
    part = candidates.take(inside)
    low, high = (np.full(len(inside), edge) for edge in _LOG_LAMBDA)
    for _ in range(9):
        middle = 0.5 * (low + high)
        falling = _fit(part, np.exp(middle)).slope < 0
        low, high = np.where(falling, middle, low), np.where(falling, high, middle)
    f_low, f_high = (_fit(part, np.exp(edge)).slope for edge in (low, high))
    for _ in range(8):  # Illinois: halve the weight of an end that stays
        chord = (low * f_high - high * f_low) / np.where(f_high > f_low, f_high - f_low, np.inf)
        middle = np.clip(chord, low, high)
        f_middle = _fit(part, np.exp(middle)).slope
        falling = f_middle < 0
        f_low, f_high = (
            np.where(falling, f_middle, 0.5 * f_low),
            np.where(falling, 0.5 * f_high, f_middle),
        )
        low, high = np.where(falling, middle, low), np.where(falling, high, middle)
    lam = np.zeros(len(candidates.sizes))
    lam[inside] = np.exp(middle)
    return _fit(candidates, lam)


def _fit(c: Candidates, lam: _Floats) -> Implied:
    """Estimates at given lambda, (M,), with the slopes' t values held at what is printed."""
    n, p = c.sizes.sum(axis=1), c.x_means.shape[2]
    w = c.sizes / (1 + lam[:, None] * c.sizes)
    s11 = w.sum(axis=1)
    s1x = np.einsum("mj,mjp->mp", w, c.x_means)
    s1y = (w * c.y_means).sum(axis=1)
    null_rss = c.y_within + (w * c.y_means**2).sum(axis=1) - s1y**2 / s11
    xx = c.x_within + np.einsum("mj,mjp,mjq->mpq", w, c.x_means, c.x_means)
    inverse = np.linalg.inv(xx - s1x[:, :, None] * s1x[:, None, :] / s11[:, None, None])
    root = np.sqrt(np.diagonal(inverse, axis1=1, axis2=2))
    scaled = c.t * root
    wald = np.einsum("mp,mpq,mq->m", scaled, xx, scaled) - (scaled * s1x).sum(axis=1) ** 2 / s11
    sigma2 = null_rss / (n - p - 1 + wald)
    sigma = np.sqrt(sigma2)
    slopes = scaled * sigma[:, None]
    centre = s1x / s11[:, None]
    intercept = s1y / s11 - (centre * slopes).sum(axis=1)
    var0 = 1 / s11 + np.einsum("mp,mpq,mq->m", centre, inverse, centre)
    gap = c.x_means - centre[:, None, :]
    leverage = 1 / s11[:, None] + np.einsum("mjp,mpq,mjq->mj", gap, inverse, gap)
    residual = c.y_means - intercept[:, None] - np.einsum("mjp,mp->mj", c.x_means, slopes)
    slope = s11 - (w**2 * (residual**2 / sigma2[:, None] + leverage)).sum(axis=1)
    xy = s1x * intercept[:, None] + np.einsum("mpq,mq->mp", xx, slopes)
    return Implied(
        lam,
        sigma2,
        lam * sigma2,
        np.column_stack([intercept, slopes]),
        sigma[:, None] * np.column_stack([np.sqrt(var0), root]),
        xy - np.einsum("mj,mjp,mj->mp", w, c.x_means, c.y_means),
        slope,
    )
