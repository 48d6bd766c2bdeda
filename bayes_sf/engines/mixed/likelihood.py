"""REML and ML of a mixed model: the profiled criterion in theta, and its lowest point.

Patterson & Thompson (1971), Biometrika 58; Bates et al. (2015), J. Stat. Softw. 67(1), sections 3.4
and 3.5. Where lme4 searches by function values, here derivatives are exact (complex step), so that
the optimum is found to the last digits: BFGS, then Newton.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bayes_sf.arrays import Floats
from bayes_sf.engines.mixed.covariance import Shape, sds_and_correlations
from bayes_sf.engines.mixed.products import Products, build_products
from bayes_sf.errors import ConvergenceError, DataError
from bayes_sf.spec.terms.matrices import Factor, Matrices

__all__ = [
    "MixedFit", "criterion", "derivative", "fit_mixed", "minimise", "second_derivatives",
    "to_boundary",
]  # fmt: skip

_Array = NDArray[Any]

#: Step into the complex plane: nothing is subtracted, so it can be as small as can be.
_STEP = 1e-30
#: Step of differences of exact gradients.
_DIFFERENCE = 1e-5
#: Searches start here and, where models are small, from other sizes, too: there may be two minima.
_SIZES = (1.0, 0.1, 5.0)
_SMALL = 300
#: A number of Lambda's diagonal this small, which the criterion does not miss, is 0.
_ZERO = 1e-3
#: Where a search begins whose start would be at a boundary.
_INSIDE = 0.1
#: What is left of the outcome within levels, as a share, where a fit is exact.
_EXACT = 1e-12


@dataclass(frozen=True, eq=False)
class MixedFit:
    """REML or ML estimates in the outcome's own unit.

    Parameters
    ----------
    products : Products
        What was fitted.
    shape : Shape
        Of Lambda.
    theta : (m,) array
        Its free numbers, in standardised coordinates.
    reml : bool
        REML, or else ML.
    coef, vcov : (p,), (p, p) arrays
        Fixed coefficients and their covariance.
    sd_resid : float
        sigma.
    covariances : tuple of (k, k) arrays
        Of each factor's effects.
    modes, mode_sds : tuple of (J, k) arrays
        Conditional modes of the random effects, and their conditional sds, as in lme4's
        ``ranef(condVar = TRUE)``.
    criterion : float
        -2 log likelihood, REML or ML.
    """

    products: Products
    shape: Shape
    theta: Floats
    reml: bool
    coef: Floats
    vcov: Floats
    sd_resid: float
    covariances: tuple[Floats, ...]
    modes: tuple[Floats, ...]
    mode_sds: tuple[Floats, ...]
    criterion: float

    @property
    def factors(self) -> tuple[Factor, ...]:
        """Grouping factors."""
        return self.products.factors

    @property
    def singular(self) -> bool:
        """Whether some combination of effects has variance zero: a boundary estimate."""
        return bool((self.theta[self.shape.diagonal] == 0).any())

    @property
    def std_error(self) -> Floats:
        """Standard errors of the coefficients, (p,)."""
        return np.asarray(np.sqrt(np.diag(self.vcov)))

    def spreads(self) -> Iterable[tuple[str, float]]:
        """Names and values of sds and correlations."""
        return sds_and_correlations(self.factors, self.covariances)


def criterion(products: Products, shape: Shape, theta: _Array, *, reml: bool) -> _Array:
    """-2 log likelihood at N values of theta, (N, m), the coefficients and sigma profiled out.

    ln|M| + (n - p)(1 + ln(2 pi RSS/(n - p))) + ln|X'V^-1X| by REML; ln|M| + n (1 + ln(2 pi RSS/n))
    by ML; in the outcome's own unit.
    """
    log_det, at = products.at(shape.lower(theta))
    rss, log_det_x = _residual(at)
    df = products.n - products.n_coef * reml
    found = log_det - products.log_weight + df * (1 + np.log(2 * np.pi * rss / df))
    found = found + 2 * df * np.log(products.scale[-1])
    return np.asarray(found + (log_det_x + products.unit_terms) if reml else found)


def _residual(at: _Array) -> tuple[_Array, _Array]:
    """Residual sum of squares and ln|X'V^-1X|, (N,) each."""
    p = at.shape[-1] - 1
    if p == 0:
        return at[:, 0, 0], np.zeros(len(at), dtype=at.dtype)
    solved = np.linalg.solve(at[:, :p, :p], at[:, :p, p:])
    rss = at[:, p, p] - (at[:, p, None, :p] @ solved)[:, 0, 0]
    sign, size = np.linalg.slogdet(at[:, :p, :p])
    return rss, size + 1j * np.angle(sign) if np.iscomplexobj(at) else size


def derivative(function: Callable[[_Array], _Array], theta: Floats) -> Floats:
    """Gradient by the complex step, (m, ...), of a function of (N, m) arrays."""
    steps = theta + 1j * _STEP * np.eye(len(theta))
    return np.asarray(function(steps).imag / _STEP)


def second_derivatives(function: Callable[[_Array], _Array], theta: Floats) -> Floats:
    """Hessian by differences of exact gradients, (m, m)."""
    steps = _DIFFERENCE * np.maximum(np.abs(theta), 0.1)
    rows = [
        (derivative(function, theta + step) - derivative(function, theta - step)) / (2 * step.sum())
        for step in np.diag(steps)
    ]
    return np.asarray(0.5 * (np.array(rows) + np.array(rows).T))


def minimise(function: Callable[[_Array], _Array], start: Floats, *, polish: bool = True) -> Floats:
    """Lowest point of a smooth function: BFGS with exact gradients, then Newton.

    Parameters
    ----------
    function : callable
        Of (N, m) arrays, real or complex, returning (N,).
    start : (m,) array
        Where to start.
    polish : bool
        Whether the point itself is asked for, to the last digits, or just the value there.
    """
    from scipy.optimize import minimize

    if not len(start):
        return start

    def both(theta: Floats) -> tuple[float, Floats]:
        steps = function(theta + 1j * _STEP * np.eye(len(theta)))
        return float(steps[0].real), steps.imag / _STEP

    least = 1e-6 if polish else 1e-4
    size = abs(float(function(start[None])[0]))  # which rounding is a share of
    options: Any = {"gtol": max(least, 1e-9 * size), "maxiter": 500}
    search: Any = minimize  # its stubs do not know of a function with its gradient
    found = search(both, start, jac=True, method="BFGS", options=options)
    theta = np.asarray(found.x, dtype=float)
    for _ in range(20 if polish else 0):
        gradient = derivative(function, theta)
        value, vector = np.linalg.eigh(second_derivatives(function, theta))
        sure = value > 1e-9 * max(value.max(), 1e-9)
        step = vector[:, sure] @ ((vector[:, sure].T @ gradient) / value[sure])
        if not np.isfinite(step).all() or np.abs(step).max() > 0.5 * max(np.abs(theta).max(), 0.1):
            break
        theta = theta - step
        if np.abs(step).max() < 1e-11 * max(np.abs(theta).max(), 1e-2):
            break
    worse = function(theta[None])[0] > found.fun + 1e-9 * abs(found.fun)
    return np.asarray(found.x, dtype=float) if worse else theta


def fit_mixed(matrices: Matrices, *, reml: bool = True, near: Floats | None = None) -> MixedFit:
    """REML or ML of a Gaussian model with any random terms, lme4's ``lmer(formula)``.

    Parameters
    ----------
    matrices : Matrices
        Of one model.
    reml : bool
        REML, or else ML.
    near : (m,) array, optional
        Theta of a fit to much the same data: the search starts there alone, and ends where the
        criterion is within 1e-8 or so of its lowest (one of many studies is not read to the last
        digit).

    Raises
    ------
    DataError
        Where random effects leave no residual variance.
    ConvergenceError
        Where no lowest point is found.

    Examples
    --------
    >>> import pandas as pd
    >>> from bayes_sf.spec.terms.formula import read_formula
    >>> df = pd.DataFrame({"y": [1.0, 2, 3, 5, 6, 7, 9, 10, 11], "g": list("aaabbbccc")})
    >>> fit = fit_mixed(Matrices.from_frame(df, read_formula("y ~ 1 + (1 | g)")))
    >>> [(name, round(sd**2, 3)) for name, sd in fit.spreads()], round(fit.sd_resid**2, 3)
    ([('sd_(Intercept)|g', 15.667)], 1.0)
    """
    products = build_products(matrices)
    check_residual(products)
    shape = Shape.of(products.factors)

    def function(theta: _Array) -> _Array:
        return criterion(products, shape, theta, reml=reml)

    if near is None:
        effects = sum(f.n_levels * len(f.columns) for f in products.factors)
        sizes = _SIZES if effects <= _SMALL else _SIZES[:1]
        tried = [minimise(function, size * shape.start, polish=False) for size in sizes]
        theta = min(tried, key=lambda t: float(function(t[None])[0]))
        theta = minimise(function, theta)
    else:  # at a boundary all directions along it are level: it starts inside
        theta = minimise(function, np.maximum(near, _INSIDE * shape.diagonal), polish=False)
    theta = to_boundary(function, shape, theta)
    if not np.isfinite(function(theta[None])).all() or np.abs(theta).max() > 1e6:
        raise ConvergenceError(
            "reml" if reml else "ml", "must find the lowest point of its criterion",
            fix="look for an outcome that hardly varies within levels",
        )  # fmt: skip
    return _fit_at(products, shape, shape.canonical(theta), reml=reml)


def check_residual(products: Products) -> None:
    """Refuse data whose fixed and random columns fit the outcome exactly.

    Raises
    ------
    DataError
        Where nothing is left when random effects are as free as fixed ones.
    """
    shape = Shape.of(products.factors)
    _, at = products.at(shape.lower(1e6 * shape.start[None]))
    rss, _ = _residual(at)
    if not rss[0] > _EXACT * products.n:
        raise DataError(
            f"model of {products.matrices.response!r}",
            "must leave residual variance within the levels of its factors",
            got="an outcome that is fitted exactly", fix="leave terms out",
        )  # fmt: skip


def to_boundary(function: Callable[[_Array], _Array], shape: Shape, theta: Floats) -> Floats:
    """Set numbers on the diagonal to 0 that are there but for rounding, and search on.

    Parameters
    ----------
    function : callable
        As in `minimise`.
    shape : Shape
        Of Lambda, whose numbers come first in theta.
    theta : (m, ...) array
        Where the function is lowest.
    """
    fixed = np.zeros(len(theta), dtype=bool)
    for number in np.flatnonzero(shape.diagonal):
        if abs(theta[number]) > _ZERO * max(np.abs(theta).max(), 1.0):
            continue
        tried = theta.copy()
        tried[number] = 0.0
        fixed_too = fixed.copy()
        fixed_too[number] = True
        free = ~fixed_too

        def part(values: _Array, base: Floats = tried, free: NDArray[np.bool_] = free) -> _Array:
            whole = np.tile(base.astype(values.dtype), (len(values), 1))
            whole[:, free] = values
            return function(whole)

        tried[free] = minimise(part, tried[free])
        if function(tried[None])[0] <= function(theta[None])[0] + 1e-7:
            theta, fixed = tried, fixed_too
    return theta


def _fit_at(products: Products, shape: Shape, theta: Floats, *, reml: bool) -> MixedFit:
    """Estimates at one theta, back in the outcome's unit."""
    p, y_scale = products.n_coef, products.scale[-1]
    lower = shape.lower(theta[None])
    _, at = products.at(lower)
    inverse = np.linalg.inv(at[0, :p, :p])
    coef = inverse @ at[0, :p, p]
    df = products.n - p * reml
    sigma2 = float(at[0, p, p] - coef @ at[0, :p, p]) / df
    modes, sds, covariances = [], [], []
    for number, effect in enumerate(products.effects([one[0] for one in lower])):
        back = products.to_raw(number)
        mode = effect.loading[..., p] - effect.loading[..., :p] @ coef
        modes.append(mode @ back.T)
        spread = sigma2 * np.einsum("ab,jbc,dc->jad", back, effect.spread, back)
        sds.append(np.sqrt(np.maximum(np.einsum("jaa->ja", spread), 0.0)))
        half = back @ lower[number][0]
        covariances.append(sigma2 * half @ half.T)
    return MixedFit(
        products, shape, theta, reml, products.turn @ coef + products.shift,
        sigma2 * products.turn @ inverse @ products.turn.T, float(y_scale * np.sqrt(sigma2)),
        tuple(covariances), tuple(modes), tuple(sds),
        float(criterion(products, shape, theta[None], reml=reml)[0]),
    )  # fmt: skip
