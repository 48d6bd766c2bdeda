"""Posteriors under a prior or a likelihood raised to a power, on the nodes of the fit.

Raising the likelihood of the rows given coefficients and group effects to the power a counts every
row a times (a = 2: each row twice, in its own group). For Gaussian residuals

    N(y | m, sigma^2)^a  is proportional to  sigma^(n - a n) N(y | m, sigma^2/a)  in (m, sigma),

so that coefficients and group effects integrate out as before, with sigma^2/a in the place of
sigma^2 and a lambda in that of lambda. Raising the prior to a power multiplies the precision of
normal priors and the log densities of sigma and tau; the distribution of the group effects given
tau is part of the model, and stays. Either way the nodes of the fit get new weights, and
coefficients updated there: nothing is sampled, and no importance weights need smoothing.

References
----------
Kallioinen, Paananen, Bürkner & Vehtari (2024), Statistics and Computing 34, 57.

Examples
--------
>>> import pandas as pd
>>> from bayes_sf.engines.gaussian.exact import fit_exact
>>> from bayes_sf.spec.moments import Moments
>>> df = pd.DataFrame({"y": [1.0, 2, 3, 5, 6, 7, 9, 10, 11], "g": list("aaabbbccc")})
>>> part = fit_exact(Moments.from_frame(df, outcome="y", group="g"))
>>> as_it_is, twice = power_scale(part), power_scale(part, likelihood=2.0)
>>> float(abs(as_it_is.coef.mean() - part.coef.mean()).max().round(9))
0.0
>>> bool(twice.spreads.spread_cdf("icc", 0.5) < part.spread_cdf("icc", 0.5))
True
"""

from dataclasses import dataclass, replace

import numpy as np

from bayes_sf.arrays import Floats
from bayes_sf.engines.gaussian.exact import ExactPosterior
from bayes_sf.engines.gaussian.joint import Given
from bayes_sf.engines.gaussian.mixture import NormalMixture
from bayes_sf.engines.gaussian.quadrature import Axis
from bayes_sf.errors import UsageError

__all__ = ["PowerScaled", "cjs_distance", "power_scale"]


@dataclass(frozen=True, eq=False)
class PowerScaled:
    """A posterior under powers of its prior and likelihood.

    Parameters
    ----------
    coef : NormalMixture
        Coefficients in raw units, the intercept first.
    spreads : ExactPosterior
        With the new weights: for ``spread_cdf`` and ``spread_values`` alone.
    """

    coef: NormalMixture
    spreads: ExactPosterior


def power_scale(
    part: ExactPosterior, *, prior: float = 1.0, likelihood: float = 1.0
) -> PowerScaled:
    """Raise prior and likelihood to powers.

    Parameters
    ----------
    part : ExactPosterior
        As fitted.
    prior, likelihood : float
        Powers, positive and not far from one: the nodes are those of the fit.

    Raises
    ------
    UsageError
        For a power that is not positive.
    """
    if not (0 < prior < np.inf and 0 < likelihood < np.inf):
        raise UsageError("power scaling", "needs positive powers", got=(prior, likelihood))
    joint, grid = part.joint, part.grid
    t, z = grid.t.nodes, grid.z.nodes
    lam = likelihood * joint.ratio(z) ** 2
    given = Given.of(lam, joint.data.turned_products(lam), prior * joint.precision, joint.mean)
    measure = joint.log_prior(t, z)  # with the density of (sigma, tau) to the power of one
    tau = np.exp(t) * joint.ratio(z)[:, None]
    spreads = joint.sd_resid.log_density(np.exp(t)) + joint.sd_group.log_density(tau)
    log_mass = (
        given.log_likelihood(likelihood * np.exp(-2 * t))
        - likelihood * joint.data.n_obs * t
        + measure
        + (prior - 1) * spreads
    )
    mass = np.exp(log_mass - log_mass.max()) * grid.z.weights[:, None] * grid.t.weights
    weight = mass / mass.sum()
    spread = replace(part, grid=replace(grid, weight=weight))
    moved = replace(grid, weight=weight, given=given, t=_shifted(grid.t, -0.5 * np.log(likelihood)))
    return PowerScaled(replace(part, grid=moved).coef, spread)


def _shifted(axis: Axis, by: float) -> Axis:
    """The same nodes elsewhere: sigma^2/a in the place of sigma^2."""
    return Axis(axis.low + by, axis.high + by, axis.nodes + by, axis.weights)


def cjs_distance(p: Floats, q: Floats, weight: Floats) -> float:
    """Cumulative Jensen-Shannon distance of two distributions, 0 to 1.

    Of the distribution functions and of what is left above them the larger is taken, as ArviZ does:
    the distance is then the same for a quantity and its negative.

    Parameters
    ----------
    p, q : (m,) arrays
        Distribution functions at the same places.
    weight : (m,) array
        Quadrature weights of the places.

    Examples
    --------
    >>> at = np.linspace(0.01, 0.99, 99)
    >>> cjs_distance(at, at, np.full(99, 0.01)), cjs_distance(at, at**2, np.full(99, 0.01)) > 0.1
    (0.0, True)
    """
    return max(_cjs(p, q, weight), _cjs(1 - p, 1 - q, weight))


def _cjs(p: Floats, q: Floats, weight: Floats) -> float:
    """Equation 9 of Kallioinen et al. (2024), both ways, over its upper bound, rooted."""
    p, q = np.clip(p, 0, 1), np.clip(q, 0, 1)
    middle = 0.5 * (p + q)

    def one_way(a: Floats, b: Floats) -> float:
        with np.errstate(divide="ignore", invalid="ignore"):
            part = np.where(a > 0, a * np.log2(a / middle), 0.0)
        return float(weight @ (part + 0.5 / np.log(2) * (b - a)))

    total = max(0.0, one_way(p, q)) + max(0.0, one_way(q, p))
    bound = float(weight @ (p + q))
    return float(np.sqrt(total / bound)) if bound > 0 else 0.0
