"""Many priors on one set of nodes: the likelihood is computed once, priors are weights.

For K possible data sets of one model, z has common Gauss-Legendre nodes, and given z the precision
s = 1/sigma^2 has Gauss-Laguerre nodes of its own: under flat priors s is gamma distributed with
shape (n - k - 2)/2 and rate r(z)/2, r the generalised residual sum of squares, so that whatever
priors add is a smooth factor and a few nodes resolve it. Another prior on (sigma, tau) re-weights
the nodes; another normal prior of the coefficients also changes their conditional mean and
variance there. Nodes span what any of the priors asked for needs (flat on tau has the longest
tail), and they are added until all of them are resolved.

Examples
--------
>>> import pandas as pd
>>> from bayes_sf.engines.gaussian.likelihood import standardise
>>> from bayes_sf.spec.moments import Moments
>>> df = pd.DataFrame({"y": [1.0, 2, 3, 5, 6, 7, 9, 10, 11], "g": list("aaabbbccc")})
>>> data = standardise(Moments.from_frame(df, outcome="y", group="g"))
>>> nodes = Nodes.resolve((data,), [Priors(), Priors(sd_group=Prior("half-normal"))])
>>> bool(max(nodes.error) < 1e-5)
True
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from bayes_sf.analysis.priors.reweighted import IccPosterior, Linear, gamma_rule, ratio_at
from bayes_sf.arrays import Floats
from bayes_sf.engines.gaussian.joint import Given, Joint, coefficient_prior, resolve_priors
from bayes_sf.engines.gaussian.likelihood import CrossProducts, Standardised
from bayes_sf.engines.gaussian.mixture import NormalMixture
from bayes_sf.engines.gaussian.quadrature import Axis, unresolved
from bayes_sf.errors import ConvergenceError
from bayes_sf.spec.priors import Prior, Priors

__all__ = ["Nodes"]


#: Nodes for z and for sigma at first; an axis that is not resolved gets 1.5 times as many.
_START = (32, 3)
_MOST = 400
#: Largest share of a distribution function that may be unresolved; at the limit of a 95 % interval
#: of a normal it moves the limit by 5e-5 sd.
RESOLVED = 3e-6
#: Mass is cut off where the density of z is e^-22 = 3e-10 of its peak.
_CUT = 22.0
#: Weight of a component that is left out of a mixture.
_NONE = 1e-10


@dataclass(frozen=True, eq=False)
class Nodes:
    """K data sets of one model on common nodes, and V priors that re-weight them.

    Parameters
    ----------
    data : tuple of Standardised
        The data sets.
    priors : tuple of Priors
        As specified, not resolved: scales follow each data set's own sd(y).
    z : Axis
        Nodes of the coordinate of tau/sigma, Z of them.
    root_size : float
        sqrt(group size), common to the data sets, in tau = sigma sinh(z^4)/root_size.
    at : CrossProducts
        At the nodes, with axes (K, Z).
    inv_var : (K, Z, T) array
        Nodes of 1/sigma^2.
    log_rule : (K, 1, T) array
        Log of their quadrature weight over the density it is for.
    last : (K, T) array
        The last polynomial of the rule at its nodes.
    """

    data: tuple[Standardised, ...]
    priors: tuple[Priors, ...]
    z: Axis
    root_size: float
    at: CrossProducts
    inv_var: Floats
    log_rule: Floats
    last: Floats

    @classmethod
    def over(
        cls,
        data: Sequence[Standardised],
        priors: Sequence[Priors],
        limits: tuple[float, float],
        n_z: int,
        n_t: int,
    ) -> "Nodes":
        """Place n_z nodes between limits of z, and n_t nodes of sigma at each."""
        axis = Axis.over(*limits, n_z)
        root_size = float(np.sqrt(np.mean([d.moments.sizes.mean() for d in data])))
        lam = ratio_at(axis.nodes, root_size) ** 2
        parts = [d.cross_products(lam) for d in data]
        at = CrossProducts(
            np.array([p.xx for p in parts]), np.array([p.xy for p in parts]),
            np.array([p.yy for p in parts]), np.array([p.log_det for p in parts]),
        )  # fmt: skip
        fitted = (at.xy * np.linalg.solve(at.xx, at.xy[..., None])[..., 0]).sum(axis=-1)
        free = np.array([d.n_obs - d.n_coef - 2 for d in data])
        shape = np.maximum(0.5 * free, 0.5)
        x, log_weight, last = gamma_rule(n_t, shape)
        log_rule = log_weight - shape[:, None] * np.log(x) + x
        inv_var = x[:, None, :] / (0.5 * (at.yy - fitted))[..., None]
        return cls(
            tuple(data), tuple(priors), axis, root_size, at, inv_var, log_rule[:, None, :], last
        )

    @classmethod
    def resolve(cls, data: Sequence[Standardised], priors: Sequence[Priors]) -> "Nodes":
        """Find where the mass of every prior's posterior is, and nodes that resolve all.

        Parameters
        ----------
        data : sequence of Standardised
            Possible data sets of one model.
        priors : sequence of Priors
            As specified.

        Raises
        ------
        SpecError
            When a prior leaves the posterior improper.
        ConvergenceError
            When 400 nodes on an axis do not resolve all posteriors.
        """
        limits = _limits(data, priors)
        n_z, n_t = _START
        while max(n_z, n_t) <= _MOST:
            nodes = cls.over(data, priors, limits, n_z, n_t)
            error_z, error_t, edge = nodes.errors.max(axis=0)
            if max(error_z, error_t, edge) <= RESOLVED:
                return nodes
            if edge > RESOLVED:
                limits = (max(0.0, limits[0] - 0.1), limits[1] + 0.1)
            n_z = n_z * 3 // 2 if error_z > RESOLVED else n_z
            n_t = n_t * 3 // 2 + 1 if error_t > RESOLVED else n_t
        raise ConvergenceError(
            "priors on common nodes",
            f"must be resolved with {_MOST} nodes per axis",
            got=f"{max(error_z, error_t, edge):.0e} unresolved",
            fix="take out the prior that is farthest from the others, and fit it by itself",
        )

    # Weights -----------------------------------------------------------------------------------

    @property
    def lam(self) -> Floats:
        """tau^2/sigma^2 at the nodes, (Z,)."""
        return ratio_at(self.z.nodes, self.root_size) ** 2

    @cached_property
    def joints(self) -> tuple[Joint, ...]:
        """The first data set's density under each prior; an improper one is refused."""
        first = self.data[0]
        return tuple(Joint.build(first, resolve_priors(p, first)) for p in self.priors)

    @cached_property
    def given(self) -> dict[tuple[Prior, Prior], Given]:
        """Conditional posteriors of the coefficients by their prior, with axes (K, Z)."""
        found = {}
        for pair in dict.fromkeys((p.intercept, p.slope) for p in self.priors):
            priors = Priors(*pair)
            terms = [coefficient_prior(d, resolve_priors(priors, d)) for d in self.data]
            precision, mean = np.array(terms).swapaxes(0, 1)[:, :, None, :]
            found[pair] = Given.of(self.lam, self.at, precision, mean)
        return found

    @cached_property
    def log_mass(self) -> Floats:
        """Log mass at the nodes under each prior, (V, K, Z, T); each data set has its constant."""
        sigma = 1 / np.sqrt(self.inv_var)
        tau = sigma * np.sqrt(self.lam)[:, None]
        y_sd = np.array([d.scale[-1] for d in self.data])[:, None, None]
        n_obs = np.array([d.n_obs for d in self.data])[:, None, None]
        z = self.z.nodes
        measure = np.log(self.z.weights) + np.log(z) * 3 + np.logaddexp(z**4, -(z**4))
        common = self.log_rule + (2 - n_obs) * np.log(sigma) + measure[:, None]
        likelihood = {key: g.log_likelihood(self.inv_var) for key, g in self.given.items()}

        def log_density(prior: Prior, value: Floats) -> Floats:
            """On the scale that the prior is specified on: data sets keep their constants."""
            return prior.log_density(value if prior.autoscale else value * y_sd)

        resid = {p: log_density(p, sigma) for p in {prior.sd_resid for prior in self.priors}}
        group = {p: log_density(p, tau) for p in {prior.sd_group for prior in self.priors}}
        return np.array(
            [
                common + likelihood[p.intercept, p.slope] + resid[p.sd_resid] + group[p.sd_group]
                for p in self.priors
            ]
        )

    @cached_property
    def weight(self) -> Floats:
        """Mass at the nodes under each prior, (V, K, Z, T); every data set has 1/K."""
        log_mass = self.log_mass
        mass = np.exp(log_mass - log_mass.max(axis=(2, 3), keepdims=True))
        return np.asarray(mass / mass.sum(axis=(2, 3), keepdims=True) / len(self.data))

    @cached_property
    def errors(self) -> Floats:
        """What z and sigma leave unresolved, and what is at the edges of z, (V, 3).

        Of sigma the square of the last coefficient of the re-weighting factor: a rule with T nodes
        is exact to degree 2T - 1.
        """
        mass = self.weight.sum(axis=(1, 3))  # (V, Z)
        error_z = np.array([unresolved(m[:, None], 0) for m in mass])
        last = np.abs(np.einsum("vkzt,kt->vkz", self.weight, self.last)).sum(axis=(1, 2))
        density = mass / self.z.weights
        edge = density[:, -1] / density.max(axis=1)
        if self.z.low > 0:
            edge = np.maximum(edge, density[:, 0] / density.max(axis=1))
        return np.column_stack([error_z, last**2, edge])

    @property
    def error(self) -> Floats:
        """Largest error of each prior's distribution functions, (V,)."""
        return np.asarray(self.errors.max(axis=1))

    # Posteriors --------------------------------------------------------------------------------

    def slopes(self) -> Linear:
        """Slopes in raw units."""
        transform = np.array([d.coef_transform[1:] for d in self.data])
        shift = np.zeros((len(self.data), 1))
        return Linear(transform[:, :, None, :], transform[0], shift)

    def group_means(self, groups: Sequence[str]) -> Linear:
        """Expected outcomes of groups at the predictors' overall means, in raw units.

        Parameters
        ----------
        groups : sequence of str
            Groups that are in every data set.
        """
        k, scale = self.data[0].n_coef, np.array([d.scale[-1] for d in self.data])
        rows = [[d.moments.groups.index(g) for g in groups] for d in self.data]
        means = np.array([d.means[r] for d, r in zip(self.data, rows, strict=True)])  # (K, m, k+1)
        sizes = np.array([d.moments.sizes[r] for d, r in zip(self.data, rows, strict=True)])
        share = self.lam * sizes[..., None] / (1 + self.lam * sizes[..., None])  # (K, m, Z)
        intercept, by = np.eye(k)[0], scale[:, None, None]
        return Linear(
            by[..., None] * (intercept - share[..., None] * means[:, :, None, :k]),
            intercept - means[0, :, :k],
            shift=np.array([d.centre[-1] for d in self.data])[:, None],
            constant=by * share * means[:, :, k, None],
            noise=by**2 * share / sizes[..., None],
        )

    def posteriors(self, what: Linear) -> list[NormalMixture]:
        """Posteriors of linear quantities under each prior, as mixtures of normals, V of them."""
        components = {
            pair: _components(given, self.inv_var, what) for pair, given in self.given.items()
        }
        found = []
        for prior, joint, weight in zip(self.priors, self.joints, self.weight, strict=True):
            means, sds = components[prior.intercept, prior.slope]
            keep = np.flatnonzero(weight.ravel() > _NONE)
            part = weight.ravel()[keep]
            moments = joint.linear_moments(what.limit, noisy=what.noise is not None)
            mixture = NormalMixture(part / part.sum(), means[:, keep], sds[:, keep], moments)
            found.append(mixture)
        return found

    def icc(self, number: int) -> IccPosterior:
        """Posterior of the ICC under one prior, averaged over the data sets."""
        return IccPosterior(self.z, self.root_size, self.weight[number].sum(axis=(0, 2)))


def _components(given: Given, inv_var: Floats, what: Linear) -> tuple[Floats, Floats]:
    """Conditional means and sds at all nodes, (m, K Z T) each."""
    along = (what.loading[..., None, :] @ given.basis[:, None])[..., 0, :]  # (K, m, Z, k)
    mean = np.einsum("kmzl,kztl->mkzt", along, given.centre(inv_var))
    var = np.einsum("kmzl,kztl->mkzt", along**2, 1 / given.precision(inv_var))
    mean += what.shift.T[:, :, None, None]
    if what.constant is not None and what.noise is not None:
        mean += np.swapaxes(what.constant, 0, 1)[..., None]
        var += np.swapaxes(what.noise, 0, 1)[..., None] / inv_var
    return mean.reshape(len(mean), -1), np.sqrt(var).reshape(len(mean), -1)


def _limits(data: Sequence[Standardised], priors: Sequence[Priors]) -> tuple[float, float]:
    """Range of z that holds the mass of all posteriors, and of their second moments.

    It is looked for in the first, the middle and the last data set; `Nodes.resolve` widens it when
    another has mass at its edges.
    """
    some = [data[i] for i in sorted({0, len(data) // 2, len(data) - 1})]
    low, high = 0.0, 1.6
    for _ in range(20):
        nodes = Nodes.over(some, priors, (low, high), 33, 8)
        log_mass = nodes.log_mass
        tau = np.sqrt(nodes.lam[:, None] / nodes.inv_var)
        power = np.array([np.clip(joint.room[0] - 0.5, 0, 2) for joint in nodes.joints])
        tilted = log_mass + power[:, None, None, None] * np.log1p(tau)
        density = [
            (m - np.log(nodes.z.weights)[:, None]).max(axis=3) for m in (log_mass, tilted)
        ]  # (V, K, Z)
        alive = np.any([d > d.max(axis=2, keepdims=True) - _CUT for d in density], axis=(0, 1, 2))
        rows = np.flatnonzero(alive)
        step = (high - low) / 16
        before = low, high
        grid = nodes.z.nodes
        low = max(0.0, low - step * 4 if rows[0] == 0 else grid[rows[0] - 1])
        high = high + step * 4 if rows[-1] == len(grid) - 1 else grid[rows[-1] + 1]
        if low >= before[0] and high <= before[1] and high - low > 0.8 * (before[1] - before[0]):
            break
    return float(low), float(high)
