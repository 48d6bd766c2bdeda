"""The exact posterior of a Gaussian random-intercept model, by quadrature over two numbers.

Gauss-Legendre nodes on the box that holds the mass of `joint.Joint` give every posterior quantity:
linear ones as mixtures of normals, (sigma, tau, ICC) through series of their distribution
functions. There is no Monte Carlo error, and nodes are added until the density is resolved.
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from bayes_sf.engines.gaussian import Standardised, check_groups, standardise
from bayes_sf.engines.joint import Given, Joint, resolve_priors
from bayes_sf.engines.mixture import NormalMixture
from bayes_sf.engines.quadrature import Axis, Box, cumulative, find_box, series, unresolved
from bayes_sf.errors import ConvergenceError
from bayes_sf.spec.moments import Moments
from bayes_sf.spec.priors import Priors

__all__ = ["ExactPosterior", "fit_exact"]

_Floats = NDArray[np.float64]

#: Nodes for t and z at first; an axis that is not resolved gets 1.5 times as many, up to the limit.
_NODES = (56, 64)
_MOST = 500
#: Largest trailing coefficient of a resolved distribution function. A quantile's error is this
#: over the density: 1e-9/0.003 posterior sd at the 0.1 % quantile of a normal.
_RESOLVED = 1e-9


@dataclass(frozen=True, eq=False)
class ExactPosterior:
    """Posterior of one Gaussian random-intercept model; made by `fit_exact`.

    Parameters
    ----------
    moments : Moments
        The data.
    priors : Priors
        Resolved, in the outcome's unit.
    log_evidence : float
        ln p(y | model), raw units; NaN when a prior is flat.
    joint : Joint
        The density that was integrated, standardised.
    t, z : Axis
        Nodes of ln sigma and of the coordinate of tau.
    weight : (Z, T) array
        Posterior mass at each node, summing to one.
    given : Given
        What depends on z alone, at its nodes.
    """

    moments: Moments
    priors: Priors
    log_evidence: float
    joint: Joint
    t: Axis
    z: Axis
    weight: _Floats
    given: Given

    @property
    def data(self) -> Standardised:
        """The data in standardised units."""
        return self.joint.data

    @property
    def prior_terms(self) -> tuple[_Floats, _Floats]:
        """Precisions and means of the standardised coefficients, (k,) each."""
        return self.joint.precision, self.joint.mean

    # Linear quantities -----------------------------------------------------------------------

    def _linear(
        self,
        loading: _Floats,
        limit: _Floats,
        *,
        constant: _Floats | float = 0.0,
        noise: _Floats | float = 0.0,
        scale: float = 1.0,
        shift: _Floats | float = 0.0,
    ) -> NormalMixture:
        """Posterior of shift + scale (constant + loading' beta + noise) as normal mixtures.

        Parameters
        ----------
        loading : (m, Z, k) or (m, 1, k) array
            Loadings on the standardised coefficients at every z.
        limit : (m, k) array
            What they tend to as tau grows: it decides which moments exist.
        constant : (m, Z) array
            Added.
        noise : (m, Z) array
            Variance of an independent term, in units of sigma^2.
        scale, shift : float, (m,) array
            Back to raw units.
        """
        inv_var = np.exp(-2 * self.t.nodes)
        along = loading @ self.given.basis[None] if loading.shape[1] > 1 else np.tensordot(
            loading[:, 0], self.given.basis, axes=(1, 1)
        )
        return along  # placeholder
