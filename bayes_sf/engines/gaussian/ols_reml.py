"""Frequentist engines: REML as lme4 has it, OLS with complete pooling, OLS with no pooling.

All three are functions of the sufficient statistics alone.

References
----------
Patterson & Thompson (1971), Biometrika 58; Bates, Maechler, Bolker & Walker (2015), J. Stat.
Softw. 67(1), section 3.4 (the profiled REML criterion).
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from bayes_sf.arrays import Floats
from bayes_sf.engines.gaussian.likelihood import COLLINEAR, Standardised, check_groups, standardise
from bayes_sf.errors import ConvergenceError, DataError
from bayes_sf.spec.moments import Moments

__all__ = ["GaussianFit", "fit_many", "fit_no_pooling", "fit_ols", "fit_reml"]


#: theta = tau/sigma is scanned on this grid (0 and 1e-4 ... 1e6) before the optimum is polished.
_THETA = np.concatenate([[0.0], np.geomspace(1e-4, 1e6, 101)])
#: Steps to the optimum at most, and a step of Newton's so short that the next is rounding.
_STEPS, _SHORT = 200, 1e-9
#: Numbers of an array of many models, at most.
_CELLS = 4_000_000


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
    0, and polished by finding the root of its analytic derivative (Newton's method).

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
    return fit_many([moments])[0]


def fit_many(models: Sequence[Moments]) -> list[GaussianFit]:
    """Restricted maximum likelihood of many models: those of the same shape at one time.

    Parameters
    ----------
    models : sequence of Moments
        Sufficient statistics of each.

    Raises
    ------
    DataError, ConvergenceError
        As `fit_reml`, of the first that cannot be fitted.
    """
    together: dict[tuple[int, int], list[int]] = {}
    data = []
    for number, moments in enumerate(models):
        data.append(standardise(moments))
        check_groups(data[-1])
        together.setdefault((data[-1].n_coef, len(data[-1].sizes)), []).append(number)
    found: dict[int, GaussianFit] = {}
    for (k, sizes), alike in together.items():
        most = max(1, _CELLS // (len(_THETA) * max(sizes, k**2)))
        for i in range(0, len(alike), most):
            chosen = alike[i : i + most]
            found |= zip(chosen, _fit_alike([data[j] for j in chosen]), strict=True)
    return [found[number] for number in range(len(models))]


def _check_levels(data: Standardised, between: int) -> None:
    """Coefficients that are constant within groups, so many, need more groups."""
    moments = data.moments
    if moments.n_groups <= between:
        raise DataError(
            f"model of {moments.outcome!r}: group {moments.group!r}",
            "must have more levels than there are coefficients constant within levels",
            got=f"{moments.n_groups} levels, {between} such coefficients (with the intercept)",
            fix="leave those predictors out, or use engine='exact' with a proper prior on sd_group",
        )


def _fit_alike(models: Sequence[Standardised]) -> list[GaussianFit]:
    """Models with as many coefficients and distinct group sizes each."""
    data = _Stack.of(models)
    k = models[0].n_coef
    ranks = np.linalg.matrix_rank(data.within[:, :k, :k], hermitian=True)
    for one, rank in zip(models, ranks, strict=True):
        _check_levels(one, k - int(rank))
    best = np.argmin(data.criterion(np.tile(_THETA**2, (len(models), 1))), axis=1)
    if (best == len(_THETA) - 1).any():
        raise ConvergenceError(
            "reml",
            f"must find sd_group/sd_resid below {_THETA[-1]:.0e}",
            fix="look for an outcome that hardly varies within groups",
        )
    low, high = _THETA[np.maximum(best - 1, 0)] ** 2, _THETA[best + 1] ** 2
    return data.fitted(models, data.polish(low, high))


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
    return _Stack.of([data]).fitted([data], np.zeros(1))[0]


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


@dataclass(frozen=True, eq=False)
class _Stack:
    """M models of the same shape: `Standardised`, with an axis of models in front.

    At lambda, (M, G), every function has an axis of models and one of values.
    """

    within: Floats
    between: Floats
    sizes: Floats
    counts: Floats
    n_obs: Floats

    @classmethod
    def of(cls, models: Sequence[Standardised]) -> "_Stack":
        """Models as arrays."""
        parts = [(m.within, m.between, m.sizes, m.counts, float(m.n_obs)) for m in models]
        return cls(*map(np.array, zip(*parts, strict=True)))

    @property
    def _k(self) -> int:
        return int(self.within.shape[-1]) - 1

    @property
    def _df(self) -> Floats:
        return self.n_obs - self._k

    def _sums(self, weights: Floats, between: Floats) -> Floats:
        """Sum over sizes of weights (M, G, D) times matrices (M, D, ...): (M, G, ...)."""
        flat = between.reshape(*between.shape[:2], -1)
        return np.asarray((weights @ flat).reshape(*weights.shape[:2], *between.shape[2:]))

    def _weights(self, lam: Floats) -> Floats:
        """Return w = n/(1 + lambda n), (M, G, D)."""
        sizes = self.sizes[:, None]
        return np.asarray(sizes / (1 + lam[..., None] * sizes))

    def _cross_products(self, lam: Floats) -> Floats:
        """[X y]'(I + lambda Z Z')^-1 [X y], (M, G, k + 1, k + 1)."""
        return self.within[:, None] + self._sums(self._weights(lam), self.between)

    def criterion(self, lam: Floats) -> Floats:
        """-2 log REML likelihood, in the standardised outcomes' units, (M, G).

        (n - k)[1 + ln(2 pi RSS/(n - k))] + ln |I + lambda Z Z'| + ln |X'(I + lambda Z Z')^-1 X|.
        """
        k, df, at = self._k, self._df[:, None], self._cross_products(lam)
        xx, xy = at[..., :k, :k], at[..., :k, k]
        solved = np.linalg.solve(xx, xy[..., None])[..., 0]
        rss = at[..., k, k] - (xy * solved).sum(-1)
        log_det = (np.log1p(lam[..., None] * self.sizes[:, None]) @ self.counts[..., None])[..., 0]
        log_det_x = np.linalg.slogdet(xx)[1]
        return np.asarray(df * (1 + np.log(2 * np.pi * rss / df)) + log_det + log_det_x)

    def _slopes(self, lam: Floats) -> tuple[Floats, Floats]:
        """First and second derivative of the criterion in lambda, (M,) each at one lambda (M,).

        With dw/dlambda = -w^2, r the groups' mean residuals, A = X'(I + lambda Z Z')^-1 X,
        C = sum w^2 m_x m_x' and D = sum w^3 m_x m_x': (n - k) RSS'/RSS + sum w - tr(A^-1 C), where
        RSS' = -sum w^2 r^2 by the envelope theorem; and so again, coefficients moving by
        -A^-1 sum w^2 m_x r.
        """
        k, df = self._k, self._df
        w = self._weights(lam[:, None])[:, 0]
        at = self.within + self._sums(w[:, None], self.between)[:, 0]
        inverse = np.linalg.inv(at[:, :k, :k])
        coef = (inverse @ at[:, :k, k, None])[..., 0]
        direction = np.concatenate([-coef, np.ones((len(lam), 1))], axis=1)
        away = (self.between @ direction[:, None, :, None])[..., 0]  # (M, D, k + 1)
        squared = (away * direction[:, None]).sum(-1)
        rss = at[:, k, k] - (coef * at[:, :k, k]).sum(-1)
        powers = np.stack([w**2, w**3], axis=1)
        fall, bend = np.moveaxis((powers @ squared[..., None])[..., 0], 1, 0)
        moved = (w[:, None] ** 2 @ away[..., :k])[:, 0]
        moves = (inverse @ moved[..., None])[..., 0]
        second, third = np.moveaxis(self._sums(powers, self.between[..., :k, :k]), 1, 0)
        levers = inverse @ second
        ratio = -fall / rss
        first = df * ratio + (w * self.counts).sum(-1) - np.trace(levers, axis1=1, axis2=2)
        bent = 2 * bend - 2 * (moved * moves).sum(-1)
        turned = np.trace(levers @ levers - 2 * (inverse @ third), axis1=1, axis2=2)
        curve = df * (bent / rss - ratio**2) - (w**2 * self.counts).sum(-1) - turned
        return first, curve

    def polish(self, low: Floats, high: Floats) -> Floats:
        """Roots of the criterion's derivative in brackets, by Newton's method; (M,) each.

        Where it leaves a bracket, that is halved. Where the derivative at `low` is not negative the
        optimum is zero, or flat there but for rounding.
        """
        at_low, curve = self._slopes(low)
        settled = at_low >= 0
        lam, slope = low, at_low
        for _ in range(_STEPS):
            with np.errstate(divide="ignore", invalid="ignore"):
                step = lam - slope / curve
            inside = (low <= step) & (step <= high)
            new = np.where(settled, lam, np.where(inside, step, 0.5 * (low + high)))
            settled = settled | (inside & (np.abs(new - lam) <= _SHORT * new))
            lam = new
            if settled.all():
                break
            slope, curve = self._slopes(lam)
            low, high = np.where(slope < 0, lam, low), np.where(slope < 0, high, lam)
        return np.asarray(lam)

    def fitted(self, models: Sequence[Standardised], lam: Floats) -> list[GaussianFit]:
        """Estimates at one lambda each, (M,), back in the outcomes' units."""
        k, at = self._k, self._cross_products(lam[:, None])[:, 0]
        inverse = np.linalg.inv(at[:, :k, :k])
        coef = (inverse @ at[:, :k, k, None])[..., 0]
        sigma2 = (at[:, k, k] - (coef * at[:, :k, k]).sum(-1)) / self._df
        criterion = self.criterion(lam[:, None])[:, 0]
        return [
            _in_units(data, (float(lam[i]), float(sigma2[i])), float(criterion[i]), coef[i], cov)
            for i, (data, cov) in enumerate(zip(models, inverse, strict=True))
        ]


def _in_units(
    data: Standardised, at: tuple[float, float], criterion: float, coef: Floats, inverse: Floats
) -> GaussianFit:
    """Estimates at a given lambda and sigma^2 in the outcome's unit."""
    (lam, sigma2), k, moments = at, data.n_coef, data.moments
    residual = data.means[:, k] - data.means[:, :k] @ coef
    shrink = lam * moments.sizes / (1 + lam * moments.sizes)
    y_scale, transform = float(data.scale[-1]), data.coef_transform
    return GaussianFit(
        moments,
        transform @ coef + data.coef_shift,
        sigma2 * transform @ inverse @ transform.T,
        y_scale * math.sqrt(lam * sigma2),
        y_scale * math.sqrt(sigma2),
        y_scale * shrink * residual,
        y_scale * np.sqrt(sigma2 * lam / (1 + lam * moments.sizes)),
        criterion + _unit_terms(data),
        boundary=lam == 0.0,
    )


def _unit_terms(data: Standardised) -> float:
    """Return what the criterion gains when columns go back to their own units."""
    y_scale, x_scale = data.scale[-1], data.scale[:-1]
    df = data.n_obs - data.n_coef
    return float(2 * df * np.log(y_scale) + 2 * np.log(x_scale).sum())
