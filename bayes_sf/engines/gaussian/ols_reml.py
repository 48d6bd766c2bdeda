"""Frequentist engines: REML as lme4 has it, OLS with complete pooling, OLS with no pooling.

All three are functions of the sufficient statistics alone.

References
----------
Patterson & Thompson (1971), Biometrika 58; Bates, Maechler, Bolker & Walker (2015), J. Stat.
Softw. 67(1), section 3.4 (the profiled REML criterion).
"""

from dataclasses import dataclass

import numpy as np

from bayes_sf.arrays import Floats
from bayes_sf.engines.gaussian.likelihood import COLLINEAR, Standardised, check_groups, standardise
from bayes_sf.errors import ConvergenceError, DataError
from bayes_sf.spec.moments import Moments

__all__ = ["GaussianFit", "fit_no_pooling", "fit_ols", "fit_reml"]


#: theta = tau/sigma is scanned on this grid (0 and 1e-4 ... 1e6) before the optimum is polished.
_THETA = np.concatenate([[0.0], np.geomspace(1e-4, 1e6, 101)])


@dataclass(frozen=True, eq=False)
class GaussianFit:
    """Point estimates of a Gaussian model in the outcome's own unit.

    Parameters
    ----------
    moments : Moments
        What was fitted.
    coef : (k,) array
        Coefficients, the intercept first.
    vcov : (k, k) array
        Their covariance.
    sd_group, sd_resid : float
        tau and sigma; `sd_group` is 0 for complete pooling and NaN for no pooling.
    ranef : (J,) array
        Conditional modes of the group effects (for no pooling: deviations of the groups'
        intercepts from their size-weighted mean).
    ranef_sd : (J,) array
        Their conditional standard deviations, as in lme4's ``ranef(condVar = TRUE)`` (for no
        pooling: their standard errors).
    criterion : float
        -2 log REML likelihood; for OLS the same at theta = 0.
    boundary : bool
        Whether the estimate of tau is zero: a boundary estimate.
    """

    moments: Moments
    coef: Floats
    vcov: Floats
    sd_group: float
    sd_resid: float
    ranef: Floats
    ranef_sd: Floats
    criterion: float
    boundary: bool

    @property
    def std_error(self) -> Floats:
        """Standard errors of the coefficients, (k,)."""
        return np.asarray(np.sqrt(np.diag(self.vcov)))

    @property
    def icc(self) -> float:
        """tau^2/(tau^2 + sigma^2)."""
        return float(self.sd_group**2 / (self.sd_group**2 + self.sd_resid**2))


def fit_reml(moments: Moments) -> GaussianFit:
    """Restricted maximum likelihood, lme4's ``lmer(y ~ x + (1 | g))``.

    The criterion is profiled to one dimension, theta = tau/sigma, scanned on a grid that includes
    0, and polished by finding the root of its analytic derivative.

    Parameters
    ----------
    moments : Moments
        Sufficient statistics.

    Raises
    ------
    DataError
        When the model cannot be fitted (see `standardise` and `check_groups`).
    ConvergenceError
        When the estimate of theta lies beyond 1e6.

    Examples
    --------
    >>> import numpy as np, pandas as pd
    >>> df = pd.DataFrame({"y": [1.0, 2, 3, 5, 6, 7, 9, 10, 11], "g": list("aaabbbccc")})
    >>> fit = fit_reml(Moments.from_frame(df, outcome="y", group="g"))
    >>> round(fit.sd_group**2, 3), round(fit.sd_resid**2, 3)  # balanced: the ANOVA estimates
    (15.667, 1.0)
    """
    data = standardise(moments)
    check_groups(data)
    k = data.n_coef
    between = k - np.linalg.matrix_rank(data.within[:k, :k], hermitian=True)
    if moments.n_groups <= between:
        raise DataError(
            f"model of {moments.outcome!r}: group {moments.group!r}",
            "must have more levels than there are coefficients constant within levels",
            got=f"{moments.n_groups} levels, {between} such coefficients (with the intercept)",
            fix="leave those predictors out, or use engine='exact' with a proper prior on sd_group",
        )
    best = int(np.argmin(reml_criterion(data, _THETA**2)))
    return _fit_at(data, _polish(data, best))


def fit_ols(moments: Moments) -> GaussianFit:
    """Complete pooling: ordinary least squares that ignores the groups (theta = 0).

    Parameters
    ----------
    moments : Moments
        Sufficient statistics; one group is enough.

    Raises
    ------
    DataError
        When the columns cannot be told apart (see `standardise`), or fit the outcome exactly.
    """
    data = standardise(moments)
    at = data.cross_products(np.zeros(1))
    left = at.yy[0] - at.xy[0] @ np.linalg.solve(at.xx[0], at.xy[0])
    if left <= COLLINEAR * data.n_obs:
        raise DataError(
            f"model of {moments.outcome!r}", "must leave residual variance",
            got=f"{moments.n_obs} rows, fitted exactly",
            fix="leave out the predictors that the outcome is made of",
        )  # fmt: skip
    return _fit_at(data, 0.0)


def fit_no_pooling(moments: Moments) -> GaussianFit:
    """No pooling: one fixed intercept per group (the econometrician's fixed effects).

    The reported intercept is the size-weighted mean of the group intercepts, so that slopes and
    intercept compare with the other engines'.

    Parameters
    ----------
    moments : Moments
        Sufficient statistics.

    Raises
    ------
    DataError
        For predictors that do not vary within groups, or too few rows.

    Examples
    --------
    >>> import pandas as pd
    >>> df = pd.DataFrame({"y": [1.0, 2, 3, 5, 6, 7, 9, 10, 11], "g": list("aaabbbccc")})
    >>> fit = fit_no_pooling(Moments.from_frame(df, outcome="y", group="g"))
    >>> fit.coef.round(9), fit.ranef.round(9)
    (array([6.]), array([-4.,  0.,  4.]))
    """
    data = standardise(moments)
    check_groups(data)
    k, sizes = data.n_coef, moments.sizes
    xx, xy, yy = data.within[1:k, 1:k], data.within[1:k, k], data.within[k, k]
    for name, own in zip(moments.predictors, np.diag(xx), strict=True):
        if own <= COLLINEAR * moments.n_obs:
            raise DataError(
                f"column {name!r}",
                "must vary within groups when groups are not pooled",
                fix="use engine='reml' or 'exact'",
            )
    free = moments.n_obs - moments.n_groups - (k - 1)
    if free < 1 or np.linalg.matrix_rank(xx, hermitian=True) < k - 1:
        raise DataError(
            "no pooling",
            "needs more rows than groups and predictors that differ within groups",
            got=f"{moments.n_obs} rows, {moments.n_groups} groups, {k - 1} slopes",
        )
    inverse = np.linalg.inv(xx)
    slope = inverse @ xy
    sigma2 = float(yy - slope @ xy) / free
    cov = np.zeros((k, k))
    cov[0, 0], cov[1:, 1:] = 1 / moments.n_obs, inverse
    x_means = data.means[:, 1:k]
    level = data.means[:, k] - x_means @ slope
    level_var = 1 / sizes - 1 / sizes.sum() + np.einsum("ji,ik,jk->j", x_means, inverse, x_means)
    y_scale, transform = data.scale[-1], data.coef_transform
    return GaussianFit(
        moments,
        transform @ np.concatenate([[0.0], slope]) + data.coef_shift,
        sigma2 * transform @ cov @ transform.T,
        np.nan,
        float(y_scale * np.sqrt(sigma2)),
        y_scale * level,
        y_scale * np.sqrt(sigma2 * level_var),
        np.nan,
        boundary=False,
    )


def reml_criterion(data: Standardised, lam: Floats) -> Floats:
    """-2 log REML likelihood at each lambda = theta^2, in the standardised outcome's unit.

    (n - k)[1 + ln(2 pi RSS/(n - k))] + ln |I + lambda Z Z'| + ln |X'(I + lambda Z Z')^-1 X|.
    """
    at = data.cross_products(lam)
    rss = at.yy - np.einsum("gi,gi->g", at.xy, np.linalg.solve(at.xx, at.xy[..., None])[..., 0])
    df = data.n_obs - data.n_coef
    log_det_x = np.linalg.slogdet(at.xx)[1]
    return np.asarray(df * (1 + np.log(2 * np.pi * rss / df)) + at.log_det + log_det_x)


def _slope(data: Standardised, lam: float) -> float:
    """Differentiate the REML criterion in lambda.

    With dw/dlambda = -w^2: (n - k) RSS'/RSS + sum w - sum w^2 m_x' (X'X)^-1 m_x, and
    RSS' = -sum w^2 r^2 by the envelope theorem (r: mean residuals of the groups).
    """
    k = data.n_coef
    at = data.cross_products(np.array([lam]))
    coef = np.linalg.solve(at.xx[0], at.xy[0])
    rss = at.yy[0] - coef @ at.xy[0]
    direction = np.append(-coef, 1.0)
    squared = np.einsum("i,dij,j->d", direction, data.between, direction)
    leverage = np.einsum("ij,dji->d", np.linalg.inv(at.xx[0]), data.between[:, :k, :k])
    w = data.weights(np.array([lam]))[0]
    fall = -(w**2 @ squared)
    return float((data.n_obs - k) * fall / rss + w @ data.counts - w**2 @ leverage)


def _polish(data: Standardised, best: int) -> float:
    """Root of the criterion's derivative between the neighbours of the best grid point.

    Raises
    ------
    ConvergenceError
        When the criterion still falls at the end of the grid.
    """
    from scipy.optimize import brentq

    if best == len(_THETA) - 1:
        raise ConvergenceError(
            "reml",
            f"must find sd_group/sd_resid below {_THETA[-1]:.0e}",
            fix="look for an outcome that hardly varies within groups",
        )
    low, high = _THETA[max(best - 1, 0)] ** 2, _THETA[best + 1] ** 2
    if _slope(data, low) >= 0:  # the optimum is zero, or flat there but for rounding
        return float(low)
    return float(brentq(lambda lam: _slope(data, lam), low, high, xtol=1e-300, rtol=1e-14))


def _fit_at(data: Standardised, lam: float) -> GaussianFit:
    """Estimates at a given lambda, back in the outcome's unit."""
    k, moments = data.n_coef, data.moments
    at = data.cross_products(np.array([lam]))
    inverse = np.linalg.inv(at.xx[0])
    coef = inverse @ at.xy[0]
    df = moments.n_obs - k
    sigma2 = float(at.yy[0] - coef @ at.xy[0]) / df
    residual = data.means[:, k] - data.means[:, :k] @ coef
    shrink = lam * moments.sizes / (1 + lam * moments.sizes)
    y_scale, transform = data.scale[-1], data.coef_transform
    return GaussianFit(
        moments,
        transform @ coef + data.coef_shift,
        sigma2 * transform @ inverse @ transform.T,
        float(y_scale * np.sqrt(lam * sigma2)),
        float(y_scale * np.sqrt(sigma2)),
        y_scale * shrink * residual,
        y_scale * np.sqrt(sigma2 * lam / (1 + lam * moments.sizes)),
        float(reml_criterion(data, np.array([lam]))[0] + _unit_terms(data)),
        boundary=lam == 0.0,
    )


def _unit_terms(data: Standardised) -> float:
    """Return what the criterion gains when columns go back to their own units."""
    y_scale, x_scale = data.scale[-1], data.scale[:-1]
    df = data.n_obs - data.n_coef
    return float(2 * df * np.log(y_scale) + 2 * np.log(x_scale).sum())
