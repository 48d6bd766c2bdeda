"""Linear combinations of coefficients and effects by maximum likelihood, with standard errors.

Near their modes effects are normal given the coefficients, and follow them: b(beta) = mode + pull
(beta - beta^), with covariance H^-1 of the integrand's curvature (Booth & Hobert 1998, J. Am. Stat.
Assoc. 93, eq. 8, where variances are known). Coefficients have the covariance that `fixef` has.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from bayes_sf.arrays import Floats
from bayes_sf.engines.loading import Loading
from bayes_sf.engines.outcomes.marginal import Marginal

__all__ = ["Near"]


@dataclass(frozen=True, eq=False)
class Near:
    """Effects near their modes.

    Parameters
    ----------
    solver
        Of the curvature in u, all effects in the order of the search.
    places : tuple of slice
        Of each factor's effects among them.
    to_raw : tuple of (k, k) arrays
        A level's raw effects from its u.
    modes : (q,) array
        Of u.
    pull : (q, p) array
        What the modes do as raw coefficients move.
    """

    solver: Any
    places: tuple[slice, ...]
    to_raw: tuple[Floats, ...]
    modes: Floats
    pull: Floats

    @classmethod
    def at(cls, function: Marginal, point: Floats, to_raw: Sequence[Floats]) -> "Near":
        """Effects at estimates.

        Parameters
        ----------
        function : Marginal
        point : (m + p,) array
            Its lowest.
        to_raw : sequence of (k, k) arrays
        """
        here = function.around(point)
        zl, eta = function.linear(point)
        weighed = function.density.weight(eta)[:, None] * function.matrices.x[function.order]
        pull = -here.solver.solve(zl.T @ weighed)
        return cls(here.solver, function.places, tuple(to_raw), here.mode, pull)

    def estimate(self, loading: Loading, coef: Floats) -> Floats:
        """Combinations at coefficients and the effects' modes, (m,).

        Parameters
        ----------
        loading : Loading
        coef : (p,) array
        """
        found = loading.x @ coef + loading.offset
        for z, place, back in zip(loading.z, self.places, self.to_raw, strict=True):
            if z is not None:
                found = found + z @ (self.modes[place].reshape(-1, len(back)) @ back.T).ravel()
        return np.asarray(found)

    def error(self, loading: Loading, vcov: Floats) -> Floats:
        """Standard errors of combinations, (m,), the variances taken as known.

        Parameters
        ----------
        loading : Loading
        vcov : (p, p) array
            Of the coefficients.
        """
        x, spread = loading.x, np.zeros(len(loading))
        for fresh, back in zip(loading.fresh, self.to_raw, strict=True):
            if fresh is not None:
                spread = spread + ((fresh @ back) ** 2).sum(axis=1)
        if any(z is not None for z in loading.z):
            own = self._in_u(loading)
            x = x + own @ self.pull
            spread = spread + (own * self.solver.solve(own.T).T).sum(axis=1)
        variance = ((x @ vcov) * x).sum(axis=1) + spread
        return np.asarray(np.sqrt(np.maximum(variance, 0.0)))

    def _in_u(self, loading: Loading) -> Floats:
        """What combinations are in u, (m, q)."""
        found = np.zeros((len(loading), len(self.modes)))
        for z, place, back in zip(loading.z, self.places, self.to_raw, strict=True):
            if z is not None:
                raw = z.toarray().reshape(len(loading), -1, len(back))
                found[:, place] = (raw @ back).reshape(len(loading), -1)
        return found
