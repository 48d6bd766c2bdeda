"""Linear combinations of coefficients and random effects: estimates, or posteriors without draws.

Given the sds and correlations, coefficients and effects are jointly Gaussian (Bates et al. 2015,
section 3; Henderson 1975, Biometrics 31): mean and variance of x'beta + sum_f z_f'b_f are in closed
form. Of a posterior they are mixed over its nodes or draws.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from bayes_sf.arrays import Floats
from bayes_sf.engines.gaussian.mixture import NormalMixture
from bayes_sf.engines.loading import Loading
from bayes_sf.engines.mixed.likelihood import MixedFit
from bayes_sf.engines.mixed.nodes import Surface, heavy
from bayes_sf.engines.mixed.products import Products

__all__ = ["fit_of", "surface_of"]


@dataclass(frozen=True, eq=False)
class _Given:
    """Combinations given Lambda: constant + loading' beta + a normal of variance spread sigma^2."""

    constant: Floats
    loading: Floats
    spread: Floats


class _Effects:
    """Effects in combinations, at one Lambda after another."""

    def __init__(self, products: Products, loading: Loading) -> None:
        from scipy import sparse

        self._products, self._loading = products, loading
        parts: list[Any] = []
        for number, (z, factor) in enumerate(zip(loading.z, products.factors, strict=True)):
            width = factor.n_levels * len(factor.columns)
            if z is None:
                parts.append(sparse.csr_array((len(loading), width)))
                continue
            back = sparse.kron(sparse.eye_array(factor.n_levels), products.to_raw(number))
            parts.append(sparse.csr_array(z @ sparse.csr_array(back)))
        first, *others = products.order
        self._first = parts[first]
        self._others = (
            np.asarray(sparse.hstack([parts[i] for i in others]).todense())
            if others
            else np.empty((len(loading), 0))
        )
        j, k, c = products.own_a.shape
        self._own_a = products.own_a.reshape(j * k, c)
        self._any = any(z is not None for z in loading.z)

    def given(self, lower: Sequence[Floats]) -> _Given:
        """Return what is known of the combinations at one Lambda, raw units but for sigma."""
        from scipy import sparse

        products, loading = self._products, self._loading
        p = products.n_coef
        straight = loading.x @ products.turn
        constant = loading.x @ products.shift + loading.offset
        spread = loading.noise * products.scale[-1] ** 2
        for number, (fresh, half) in enumerate(zip(loading.fresh, lower, strict=True)):
            if fresh is not None:
                spread = spread + ((fresh @ products.to_raw(number) @ half) ** 2).sum(axis=1)
        if not self._any:
            return _Given(constant, straight, spread)
        solved = products.solved(lower)
        j, k, _ = solved.shrink.shape
        block = sparse.bsr_array(
            (solved.shrink, np.arange(j), np.arange(j + 1)), shape=(j * k, j * k)
        )
        turned = self._first @ block
        pulled = turned @ self._own_a
        spread = spread + np.asarray(turned.multiply(self._first).sum(axis=1)).ravel()
        if products.rest.size:
            left = self._others - np.asarray((turned @ products.cross).todense())
            pulled = pulled + left @ solved.loading
            spread = spread + ((left @ solved.inner) * left).sum(axis=1)
        return _Given(constant + pulled[:, p], straight - pulled[:, :p], spread)


def fit_of(fit: MixedFit, loading: Loading) -> tuple[Floats, Floats]:
    """Estimates and standard errors, (m,) each, the variances taken as known.

    The variance is that of the prediction error, as mixed-model software has it: of coefficients
    and conditional modes jointly.

    Parameters
    ----------
    fit : MixedFit
        REML or ML estimates.
    loading : Loading
    """
    products, p = fit.products, fit.products.n_coef
    lower = [one[0] for one in fit.shape.lower(fit.theta[None])]
    _, at = products.at([one[None] for one in lower])
    inverse = np.linalg.inv(at[0, :p, :p])
    coef = inverse @ at[0, :p, p]
    sigma2 = (fit.sd_resid / products.scale[-1]) ** 2
    given = _Effects(products, loading).given(lower)
    estimate = given.constant + given.loading @ coef
    variance = sigma2 * (((given.loading @ inverse) * given.loading).sum(axis=1) + given.spread)
    return np.asarray(estimate), np.asarray(np.sqrt(np.maximum(variance, 0.0)))


def surface_of(
    surface: Surface, at: Floats, sigma: Floats, loading: Loading, weight: Floats | None = None
) -> NormalMixture:
    """Posterior of the combinations, mixed over points.

    Parameters
    ----------
    surface : Surface
        Data and priors.
    at, sigma, weight
        Coordinates, (N, m), and sigma: as in `Surface.effects`.
    loading : Loading
    """
    products, given = surface.products, surface.given(at)
    sds = sigma[:, None] if weight is None else np.broadcast_to(sigma, weight.shape)
    mass = np.full(sds.shape, 1 / sds.size) if weight is None else weight / weight.sum()
    share, keep = heavy(mass)
    centre, precision = given.centre(sds**-2.0), given.precision(sds**-2.0)
    lower = surface.lower(at)
    effects = _Effects(products, loading)
    means, variances = [], []
    for number, own in enumerate(sds):
        chosen = keep[number]
        if not chosen.any():
            continue
        one = effects.given([f[number] for f in lower])
        along = one.loading @ given.basis[number]
        means.append(one.constant[:, None] + along @ centre[number][chosen].T)
        var = along**2 @ (1 / precision[number][chosen]).T
        variances.append(var + one.spread[:, None] * own[chosen] ** 2)
    return NormalMixture(
        share, np.concatenate(means, axis=1), np.sqrt(np.concatenate(variances, axis=1))
    )
