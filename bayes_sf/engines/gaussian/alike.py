"""The ICC's posterior over many versions of a null model at once, in closed form per node.

Versions of a study that is recovered from print have the same rows and groups and hardly differ in
where their mass is. Without predictors everything but (sigma, tau) integrates out in scalars: with
w_j = n_j/(1 + lambda n_j), S = sum w_j, m the weighted mean of the groups' means, Q = SSW +
sum w_j (y_j - m)^2 and a normal prior with variance v of the intercept around mean(y), all in units
of sd(y),

    -2 ln p(y | sigma, tau) = (N - 1) ln sigma^2 + sum ln(1 + lambda n_j) + ln S + Q/sigma^2
                              + ln(v + sigma^2/S) + m^2/(v + sigma^2/S).

It is the posterior of `fit_exact`, averaged as `Posterior` does, on one set of nodes for all: tests
compare. It takes a fiftieth of the time, so that a folder of printed models can be read at once.

Examples
--------
>>> import numpy as np, pandas as pd
>>> from bayes_sf.engines.gaussian.exact import fit_exact
>>> from bayes_sf.engines.gaussian.posterior import Posterior
>>> df = pd.DataFrame({"y": [1.0, 2, 3, 5, 6, 7, 9, 10, 11], "g": list("aaabbbccc")})
>>> one = Moments.from_frame(df, outcome="y", group="g")
>>> two = Moments.from_frame(df.assign(y=df["y"] ** 1.1), outcome="y", group="g")
>>> together = icc_of_versions((one, two)).quantile([0.5])
>>> apart = Posterior((fit_exact(one), fit_exact(two))).quantile("icc", [0.5])
>>> bool(np.abs(together - apart).max() < 1e-4)
True
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from bayes_sf.arrays import Floats
from bayes_sf.engines.gaussian.joint import Joint, resolve_priors
from bayes_sf.engines.gaussian.likelihood import check_groups, standardise
from bayes_sf.engines.gaussian.quadrature import (
    Axis,
    Box,
    cumulative,
    find_box,
    invert_series,
    series,
)
from bayes_sf.spec.moments import Moments
from bayes_sf.spec.priors import Priors

__all__ = ["VersionsIcc", "free_of_scale", "icc_of_versions"]


#: Nodes for sigma and tau, as for any posterior that is averaged over recovered data sets.
_NODES = (24, 48)
#: Versions that the box is found of: all have nearly the same.
_OF_BOX = 8
_START = Box(-2.0, 0.5, 0.0, 1.6)


@dataclass(frozen=True, eq=False)
class VersionsIcc:
    """Posterior of the ICC, averaged over versions.

    Parameters
    ----------
    joint : Joint
        Of the first version: the map from z to tau/sigma, which all share.
    z : Axis
        Nodes.
    mass : (Z,) array
        At the nodes, summing to one.
    """

    joint: Joint
    z: Axis
    mass: Floats

    @cached_property
    def _series(self) -> Floats:
        return series(self.mass)

    @property
    def mean(self) -> float:
        """Posterior mean."""
        lam = self.joint.ratio(self.z.nodes) ** 2
        return float(self.mass @ (lam / (1 + lam)))

    def moments(self, transform: Callable[[Floats], Floats]) -> tuple[float, float]:
        """Mean and variance of a function of the ICC.

        Parameters
        ----------
        transform : callable
            Of an array of ICC/(1 - ICC), which is tau^2/sigma^2.
        """
        value = transform(self.joint.ratio(self.z.nodes) ** 2)
        mean = float(self.mass @ value)
        return mean, float(self.mass @ (value - mean) ** 2)

    def cdf(self, value: Floats | float) -> Floats:
        """P(ICC <= value), same shape."""
        share = np.asarray(value, dtype=float)
        with np.errstate(divide="ignore"):
            z = self.joint.place(np.sqrt(share / (1 - share)))
        return cumulative(self._series, self.z.unit(z))

    def quantile(self, probs: Sequence[float] | Floats) -> Floats:
        """Quantiles, (len(probs),)."""
        p = np.asarray(probs, dtype=float)
        lam = self.joint.ratio(invert_series(self._series, p, self.z)) ** 2
        return np.asarray(lam / (1 + lam))


def free_of_scale(priors: Priors) -> bool:
    """Whether priors are in units of sd(y), around mean(y): the ICC then has no unit.

    Parameters
    ----------
    priors : Priors
    """
    used = (priors.intercept, priors.sd_resid, priors.sd_group)
    scaled = all(prior.autoscale or prior.family == "flat" for prior in used)
    return scaled and priors.intercept.location is None and not priors.terms


def icc_of_versions(versions: Sequence[Moments], priors: Priors | None = None) -> VersionsIcc:
    """Posterior of the ICC of a null model, averaged over versions of its data.

    Parameters
    ----------
    versions : sequence of Moments
        Without predictors; the same rows and number of groups in all.
    priors : Priors, optional
        The defaults of `Priors` otherwise; `free_of_scale`.

    Raises
    ------
    DataError, SpecError, ConvergenceError
        As `fit_exact`.
    """
    used = priors or Priors()
    # rows that a predictor between groups takes leave the sum of sizes free: n_obs counts
    shapes = {(m.n_obs, m.n_groups) for m in versions}
    plain = all(not m.predictors for m in versions)
    assert plain and len(shapes) == 1 and free_of_scale(used), "versions of one null model"  # noqa: PT018
    first = standardise(versions[0])
    check_groups(first)
    joint = Joint.build(first, resolve_priors(used, first))
    known = _Known.of(versions, float(joint.precision[0]))
    few = known.some(_OF_BOX)

    def average(t: Floats, z: Floats) -> Floats:
        found = np.logaddexp.reduce(few.log_likelihood(joint.ratio(z) ** 2, t), axis=0)
        return np.asarray(found + joint.log_prior(t, z))

    box = find_box(average, joint.tilt, _START)
    t, z = (
        Axis.over(box.t_low, box.t_high, _NODES[0]), Axis.over(box.z_low, box.z_high, _NODES[1])
    )  # fmt: skip
    density = known.log_likelihood(joint.ratio(z.nodes) ** 2, t.nodes)
    density += joint.log_prior(t.nodes, z.nodes)
    density -= density.max(axis=(1, 2), keepdims=True)
    mass = np.exp(density, out=density) @ t.weights * z.weights
    mass /= mass.sum(axis=1, keepdims=True)
    return VersionsIcc(joint, z, mass.mean(axis=0))


@dataclass(frozen=True, eq=False)
class _Known:
    """Sufficient statistics of K versions, in units of each one's sd(y).

    sizes and means (K, J), within (K,), rows, and the precision of the intercept's prior.
    """

    sizes: Floats
    means: Floats
    within: Floats
    n_obs: int
    precision: float

    @classmethod
    def of(cls, versions: Sequence[Moments], precision: float) -> "_Known":
        """Standardise."""
        sizes = np.array([m.sizes for m in versions])
        means = np.array([m.means[:, -1] for m in versions])
        within = np.array([m.within[-1, -1] for m in versions])
        rows = sizes.sum(axis=1, keepdims=True)
        means = means - (sizes * means).sum(axis=1, keepdims=True) / rows
        variance = (within + (sizes * means**2).sum(axis=1)) / (rows[:, 0] - 1)
        return cls(
            sizes, means / np.sqrt(variance)[:, None], within / variance, versions[0].n_obs,
            precision,
        )  # fmt: skip

    def some(self, n: int) -> "_Known":
        """About n of the versions."""
        chosen = slice(None, None, max(1, len(self.within) // n))
        return _Known(
            self.sizes[chosen], self.means[chosen], self.within[chosen], self.n_obs, self.precision
        )

    def log_likelihood(self, lam: Floats, t: Floats) -> Floats:
        """Log p(y | sigma, tau) but for a constant, (K, Z, T)."""
        spread = 1 + lam[:, None] * self.sizes[:, None, :]  # (K, Z, J)
        weight = self.sizes[:, None, :] / spread
        total = weight.sum(axis=2)
        mean = (weight * self.means[:, None, :]).sum(axis=2) / total
        squares = (weight * (self.means[:, None, :] ** 2)).sum(axis=2) - total * mean**2
        left = np.log(spread).sum(axis=2) + np.log(total)
        rest = (self.within[:, None] + squares)[:, :, None] * np.exp(-2 * t)
        rest += left[:, :, None] + 2 * (self.n_obs - 1) * t
        if self.precision > 0:
            around = 1 / self.precision + np.exp(2 * t) / total[:, :, None]
            rest += np.log(around) + (mean**2)[:, :, None] / around
        return np.asarray(-0.5 * rest)
