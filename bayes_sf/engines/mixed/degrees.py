"""Degrees of freedom by Satterthwaite's method, as lmerTest has them.

With v(phi) the variance of an estimate as a function of phi = (theta, sigma), g its gradient at the
estimates and A = 2 H^-1 the asymptotic covariance of phi, H the Hessian of -2 log likelihood: df =
2 v^2/(g'A g) (Kuznetsova, Brockhoff & Christensen 2017, J. Stat. Softw. 82(13), section 2.2).
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from bayes_sf.arrays import Floats
from bayes_sf.engines.mixed.likelihood import MixedFit, derivative, second_derivatives

__all__ = ["satterthwaite"]

_Array = NDArray[Any]

#: Directions of phi that the likelihood does not curve in have no say, as in lmerTest.
_FLAT = 1e-8


def satterthwaite(fit: MixedFit, loading: Floats | None = None) -> Floats:
    """Degrees of freedom of linear combinations of coefficients, (m,).

    Parameters
    ----------
    fit : MixedFit
        REML or ML estimates.
    loading : (m, p) array, optional
        Of raw coefficients; each coefficient otherwise.
    """
    products, p = fit.products, fit.products.n_coef
    contrasts = (np.eye(p) if loading is None else loading) @ products.turn
    sigma = fit.sd_resid / products.scale[-1]
    at_zero = fit.theta[fit.shape.diagonal] == 0
    free = np.ones(len(fit.theta), dtype=bool)
    free[np.flatnonzero(fit.shape.diagonal)[at_zero]] = False

    def whole(phi: _Array) -> tuple[_Array, _Array, _Array]:
        theta = np.tile(fit.theta.astype(phi.dtype), (len(phi), 1))
        theta[:, free] = phi[:, :-1]
        log_det, at = products.at(fit.shape.lower(theta))
        return log_det, at, phi[:, -1]

    def deviance(phi: _Array) -> _Array:
        log_det, at, sd = whole(phi)
        solved = np.linalg.solve(at[:, :p, :p], at[:, :p, p:])
        rss = at[:, p, p] - (at[:, p, None, :p] @ solved)[:, 0, 0]
        found = 2 * (products.n - p * fit.reml) * np.log(sd) + rss / sd**2 + log_det
        if not fit.reml:
            return np.asarray(found)
        sign, size = np.linalg.slogdet(at[:, :p, :p])
        return np.asarray(found + size + (1j * np.angle(sign) if np.iscomplexobj(at) else 0.0))

    def variances(phi: _Array) -> _Array:
        _, at, sd = whole(phi)
        solved = np.linalg.solve(at[:, :p, :p], contrasts.T)
        return np.asarray(sd[:, None] ** 2 * np.einsum("mp,npm->nm", contrasts, solved))

    phi = np.append(fit.theta[free], sigma)
    value, vector = np.linalg.eigh(second_derivatives(deviance, phi))
    sure = value > _FLAT * max(value.max(), 1.0)
    inner = vector[:, sure].T @ derivative(variances, phi)  # (r, m)
    spread = 2 * (inner**2 / value[sure, None]).sum(axis=0)
    with np.errstate(divide="ignore", invalid="ignore"):  # a combination of nothing has none
        return np.asarray(2 * variances(phi[None])[0] ** 2 / spread)
