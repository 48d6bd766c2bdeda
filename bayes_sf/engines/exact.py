"""The exact posterior of a Gaussian random-intercept model, by quadrature over two numbers.

Given (sigma, tau) the coefficients and group effects are Gaussian and integrate out. What is left
is a density of t = ln sigma and z, where tau = s sinh z and s = sigma/sqrt(mean group size): this
map is regular at tau = 0, where REML often sits. Gauss-Legendre nodes on the box that holds the
mass give every posterior quantity: linear ones as mixtures of normals, (sigma, tau, ICC) through
Legendre series. There is no Monte Carlo error, and the nodes are doubled until nothing moves.

References
----------
Notes in `docs/statistics.md`; Harville (1974), Biometrika 61 (REML as a marginal likelihood).
"""

from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from bayes_sf.engines.gaussian import Standardised, standardise
from bayes_sf.engines.mixture import NormalMixture
from bayes_sf.engines.ols_reml import fit_reml
from bayes_sf.engines.quadrature import Axis, Box, cumulative, find_box, series
from bayes_sf.errors import ConvergenceError, SpecError
from bayes_sf.spec.moments import Moments
from bayes_sf.spec.priors import Prior, Priors

__all__ = ["ExactPosterior", "fit_exact"]

_Floats = NDArray[np.float64]

#: Nodes per axis, tried in turn until two successive levels agree to `_AGREE`.
_LEVELS = (32, 48, 72, 108, 160, 240, 360)
_AGREE = 1e-7


@dataclass(frozen=True, eq=False)
class _Node:
    """What depends on z alone: lambda, and coefficients diagonalised against their prior.

    With S = X'(I + lambda Z Z')^-1 X = L L' and L^-1 P0 L^-T = U diag(e) U', the posterior
    precision is L U (1/sigma^2 + e) U' L'; `basis` is L^-T U.
    """

    lam: _Floats  # (Z,)
    basis: _Floats  # (Z, k, k)
    ridge: _Floats  # (Z, k), e
    data: _Floats  # (Z, k), basis' X'V^-1 y
    prior: _Floats  # (Z, k), basis' P0 m0
    yy: _Floats  # (Z,)
    log_det: _Floats  # (Z,), ln |I + lambda Z Z'| + ln |S|


@dataclass(frozen=True, eq=False)
class LocalPriors:
    """Priors in standardised units."""

    precision: _Floats  # (k,), of the coefficients; 0 is flat
    mean: _Floats  # (k,)
    sd_resid: Prior
    sd_group: Prior


@dataclass(frozen=True, eq=False)
class ExactPosterior:
    """Posterior of one Gaussian random-intercept model.

    Parameters
    ----------
    moments : Moments
        The data.
    priors : Priors
        Resolved, in the outcome's unit.
    log_evidence : float
        ln p(y | model), raw units; NaN when a prior is flat.

    Notes
    -----
    Made by `fit_exact`; the remaining fields are the grid in standardised units.
    """

    moments: Moments
    priors: Priors
    log_evidence: float
    data: Standardised
    local: LocalPriors
    t: Axis
    z: Axis
    weight: _Floats  # (Z, T), sums to one
    node: _Node
    tail_power: float

    # Linear quantities -----------------------------------------------------------------------

    @cached_property
    def _sigma(self) -> _Floats:
        return np.exp(self.t.nodes)

    def linear(
        self, loading: _Floats, constant: _Floats | float = 0.0, noise: _Floats | float = 0.0
    ) -> NormalMixture:
        """Posterior of constant + loading' beta + noise, standardised, as normal mixtures.

        Parameters
        ----------
        loading : (m, Z, k) array
            Loadings on the standardised coefficients at every z.
        constant : (m, Z) array
            Added.
        noise : (m, Z) array
            Variance of an independent term, in units of sigma^2.
        """
        node, precision = self.node, 1 / self._sigma**2
        size = precision[:, None] + node.ridge[:, None, :]  # (Z, T, k)
        centre = (node.data[:, None, :] * precision[:, None] + node.prior[:, None, :]) / size
        along = np.einsum("mzk,zkl->mzl", loading, node.basis)
        mean = np.einsum("mzl,ztl->mzt", along, centre)
        var = np.einsum("mzl,ztl->mzt", along**2, 1 / size)
        mean = mean + np.broadcast_to(constant, along.shape[:2])[:, :, None]
        var = var + np.broadcast_to(noise, along.shape[:2])[:, :, None] / precision
        m = len(loading)
        return NormalMixture(
            self.weight.ravel(), mean.reshape(m, -1), np.sqrt(var).reshape(m, -1),
            finite_mean=self.tail_power > 2, finite_sd=self.tail_power > 3,
        )

    def _scaled(self, mixture: NormalMixture, scale: float, shift: _Floats) -> NormalMixture:
        """Back in raw units."""
        return NormalMixture(
            mixture.weight, mixture.means * scale + shift[:, None], mixture.sds * abs(scale),
            mixture.finite_mean, mixture.finite_sd,
        )

    @cached_property
    def coef(self) -> NormalMixture:
        """Coefficients in raw units, the intercept first, (k,)."""
        transform = self.data.coef_transform
        loading = np.broadcast_to(transform[:, None, :], (len(transform), len(self.z.nodes), len(transform)))
        return self._scaled(self.linear(loading), 1.0, self.data.coef_shift)

    def contrast(self, loading: _Floats) -> NormalMixture:
        """Linear combinations of raw coefficients; loading (m, k)."""
        transform = loading @ self.data.coef_transform
        wide = np.broadcast_to(transform[:, None, :], (len(loading), len(self.z.nodes), loading.shape[1]))
        return self._scaled(self.linear(wide), 1.0, loading @ self.data.coef_shift)

    @cached_property
    def _shrinkage(self) -> _Floats:
        """lambda n_j/(1 + lambda n_j), (J, Z)."""
        scaled = self.node.lam * self.moments.sizes[:, None]
        return np.asarray(scaled / (1 + scaled))

    def _groups(self, level: bool) -> NormalMixture:
        """Group effects u_j, or (level) the intercept plus u_j at the predictors' means."""
        k, share = self.data.n_coef, self._shrinkage
        x, y = self.data.means[:, :k], self.data.means[:, k]
        loading = -share[:, :, None] * x[:, None, :]
        if level:
            loading = loading + np.eye(k)[0]
        noise = self.node.lam / (1 + self.node.lam * self.moments.sizes[:, None])
        mixture = self.linear(loading, share * y[:, None], noise)
        shift = np.full(len(y), self.data.centre[-1] if level else 0.0)
        return self._scaled(mixture, float(self.data.scale[-1]), shift)

    @cached_property
    def ranef(self) -> NormalMixture:
        """Group effects u_j in raw units, (J,)."""
        return self._groups(level=False)

    @cached_property
    def group_means(self) -> NormalMixture:
        """Expected outcome of each group at the predictors' overall means, raw units, (J,)."""
        return self._groups(level=True)

    # Standard deviations and ICC -------------------------------------------------------------

    @cached_property
    def _root_size(self) -> float:
        return float(np.sqrt(self.moments.sizes.mean()))

    def log_density(self, t: _Floats, z: _Floats) -> _Floats:
        """Unnormalised log density of t, (T,), at each of z, (Z,); rows peak at 0."""
        value, _ = _log_joint(self.data, self.local, t, z, None)
        return np.asarray(value - value.max(axis=1, keepdims=True))

    @property
    def prior_terms(self) -> tuple[_Floats, _Floats]:
        """Precisions and means of the standardised coefficients."""
        return self.local.precision, self.local.mean

    @cached_property
    def z_series(self) -> _Floats:
        """Distribution function of z, (Z + 1,)."""
        return series(self.weight.sum(axis=1))

    @cached_property
    def _t_series(self) -> _Floats:
        """Distribution function of t, (T + 1,)."""
        return series(self.weight.sum(axis=0))

    @cached_property
    def _z_by_t(self) -> _Floats:
        """Distribution function of z jointly with each t node, (Z + 1, T)."""
        return series(self.weight)

    def icc_cdf(self, value: _Floats) -> _Floats:
        """P(ICC <= value)."""
        value = np.atleast_1d(np.asarray(value, dtype=float))
        with np.errstate(divide="ignore"):
            z = np.arcsinh(self._root_size * np.sqrt(value / (1 - value)))
        return cumulative(self.z_series, self.z.unit(z))

    def sd_resid_cdf(self, value: _Floats) -> _Floats:
        """P(sigma <= value)."""
        t = np.log(np.atleast_1d(value) / self.data.scale[-1])
        return cumulative(self._t_series, self.t.unit(t))

    def sd_group_cdf(self, value: _Floats) -> _Floats:
        """P(tau <= value): the sum over t of the mass of z below asinh(value sqrt(n)/sigma)."""
        value = np.atleast_1d(np.asarray(value, dtype=float)) / self.data.scale[-1]
        z = np.arcsinh(self._root_size * value / self._sigma[:, None])
        return np.asarray(cumulative(self._z_by_t[:, :, None], self.z.unit(z)).sum(axis=0))

    def spread_values(self) -> dict[str, _Floats]:
        """Values of sd_group, sd_resid and icc at every node, each (Z, T)."""
        shape = self.weight.shape
        sigma = np.broadcast_to(self._sigma, shape) * self.data.scale[-1]
        lam = np.broadcast_to(self.node.lam[:, None], shape)
        return {"sd_group": sigma * np.sqrt(lam), "sd_resid": sigma, "icc": lam / (1 + lam)}

    def spread_range(self, name: str) -> tuple[float, float]:
        """Smallest and largest value of sd_group, sd_resid or icc on the grid's box."""
        sigma = np.exp([self.t.low, self.t.high]) * self.data.scale[-1]
        root = np.sinh([self.z.low, self.z.high]) / self._root_size
        values = {"sd_group": sigma * root, "sd_resid": sigma, "icc": root**2 / (1 + root**2)}
        low, high = values[name]
        return float(low), float(high)


def fit_exact(
    moments: Moments, priors: Priors | None = None, *, nodes: tuple[int, int] | None = None
) -> ExactPosterior:
    """Posterior of a Gaussian random-intercept model, without Monte Carlo error.

    Parameters
    ----------
    moments : Moments
        Sufficient statistics.
    priors : Priors, optional
        The defaults of `Priors` otherwise.
    nodes : (int, int), optional
        Nodes for sigma and for tau; by default as many as two successive levels need to agree to 1e-7 (the finer
        is then far closer: convergence is geometric).

    Raises
    ------
    DataError
        When the model cannot be fitted (see `standardise`).
    SpecError
        When the priors leave the posterior improper.
    ConvergenceError
        When the grid does not converge.

    Examples
    --------
    >>> import numpy as np, pandas as pd
    >>> df = pd.DataFrame({"y": [1.0, 2, 3, 5, 6, 7, 9, 10, 11], "g": list("aaabbbccc")})
    >>> post = fit_exact(Moments.from_frame(df, outcome="y", group="g"))
    >>> float(post.coef.mean()[0].round(3))
    6.0
    """
    data = standardise(moments)
    resolved = resolve_priors(priors or Priors(), data)
    local = local_priors(resolved, data)
    tail = _tail_power(local, data)
    box = find_box(lambda t, z: _log_joint(data, local, t, z, tail)[0], _first_box(data))
    levels = (nodes,) if nodes else tuple((n, n) for n in _LEVELS)
    before = None
    for t_nodes, z_nodes in levels:
        t, z = Axis.over(box.t_low, box.t_high, t_nodes), Axis.over(box.z_low, box.z_high, z_nodes)
        log_joint, node = _log_joint(data, local, t.nodes, z.nodes, None)
        peak = log_joint.max()
        mass = np.exp(log_joint - peak) * z.weights[:, None] * t.weights
        total = mass.sum()
        weight = mass / total
        now = _summary(weight, t, z, np.log(total) + peak)
        if nodes or (before is not None and np.abs(now - before).max() < _AGREE):
            break
        before = now
    else:
        raise ConvergenceError(
            "exact engine", f"must converge with {_LEVELS[-1]} nodes per axis",
            got=f"a change of {np.abs(now - before).max():.1e}",
            fix="look for a group structure that cannot tell the two variances apart",
        )
    proper = all(
        getattr(resolved, key).family != "flat"
        for key in ("intercept", "sd_resid", "sd_group", *(("slope",) if moments.predictors else ()))
    )
    evidence = float(now[0]) - moments.n_obs * np.log(data.scale[-1]) if proper else np.nan
    return ExactPosterior(moments, resolved, evidence, data, local, t, z, weight, node, tail)


def resolve_priors(priors: Priors, data: Standardised) -> Priors:
    """Priors with sd_group, sd_resid and intercept in the outcome's unit.

    The slope prior stays autoscaled where it is: its unit differs by predictor (see
    `slope_scales`).
    """
    y_mean, y_sd = float(data.centre[-1]), float(data.scale[-1])
    return Priors(
        intercept=priors.intercept.resolve(y_sd, y_mean),
        slope=priors.slope,
        sd_resid=priors.sd_resid.resolve(y_sd),
        sd_group=priors.sd_group.resolve(y_sd),
    )


def local_priors(priors: Priors, data: Standardised) -> LocalPriors:
    """Precisions and means of the standardised coefficients, and the priors of both sds."""
    y_mean, y_sd = float(data.centre[-1]), float(data.scale[-1])
    k = data.n_coef
    precision, mean = np.zeros(k), np.zeros(k)
    if priors.intercept.family == "normal":
        precision[0] = (y_sd / priors.intercept.scale) ** 2
        mean[0] = ((priors.intercept.location or 0.0) - y_mean) / y_sd
    if priors.slope.family == "normal":
        unit = data.scale[:-1] / y_sd
        scale = priors.slope.scale * (1.0 if priors.slope.autoscale else unit)
        precision[1:] = 1 / np.asarray(scale) ** 2
        mean[1:] = (priors.slope.location or 0.0) * unit
    return LocalPriors(
        precision,
        mean,
        replace(priors.sd_resid, scale=priors.sd_resid.scale / y_sd),
        replace(priors.sd_group, scale=priors.sd_group.scale / y_sd),
    )


def _tail_power(local: LocalPriors, data: Standardised) -> float:
    """Power of the posterior tail of tau; at most 1 means that it is improper.

    For tau to infinity the likelihood falls as tau^-J, or as tau^-(J - 1) when a flat intercept
    takes up one direction.
    """
    flat = local.precision[0] == 0
    power = data.moments.n_groups - flat + local.sd_group.tail_power
    if power <= 1:
        raise SpecError(
            "priors", "must give a proper posterior of sd_group",
            got=f"flat priors with {data.moments.n_groups} groups",
            fix="use a half-t or another proper prior on sd_group",
        )
    return float(power)


def _first_box(data: Standardised) -> Box:
    """A box around the REML estimate."""
    reml = fit_reml(data.moments)
    lam = (reml.sd_group / reml.sd_resid) ** 2
    centre = float(np.log(reml.sd_resid / data.scale[-1]))
    half = 8 / np.sqrt(2 * (data.n_obs - data.n_coef))
    peak = float(np.arcsinh(np.sqrt(lam * data.moments.sizes.mean())))
    return Box(centre - half, centre + half, max(peak - 3, 0.0), peak + 3)


def _diagonalise(data: Standardised, precision: _Floats, mean: _Floats, z: _Floats) -> _Node:
    """Everything that depends on z alone."""
    lam = np.sinh(z) ** 2 / data.moments.sizes.mean()
    at = data.cross_products(lam)
    lower = np.linalg.cholesky(at.xx)
    inverse = np.linalg.inv(lower)
    ridge, rotation = np.linalg.eigh(inverse * precision @ np.swapaxes(inverse, 1, 2))
    basis = np.swapaxes(inverse, 1, 2) @ rotation
    log_det = at.log_det + 2 * np.log(np.diagonal(lower, axis1=1, axis2=2)).sum(axis=1)
    return _Node(
        lam, basis, np.maximum(ridge, 0.0), np.einsum("zkl,zk->zl", basis, at.xy),
        np.einsum("zkl,k->zl", basis, precision * mean), at.yy, log_det,
    )


def _log_joint(
    data: Standardised,
    local: LocalPriors,
    t: _Floats,
    z: _Floats,
    tail: float | None,
) -> tuple[_Floats, _Node]:
    """Log joint density of (t, z) and the data, (Z, T), standardised.

    With `tail` the density is multiplied by tau^2 sigma^2 (as far as that is integrable), so that
    a box found from it also holds what second moments need.
    """
    precision, mean = local.precision, local.mean
    node = _diagonalise(data, precision, mean, z)
    inv_var = np.exp(-2 * t)
    size = inv_var[:, None] + node.ridge[:, None, :]
    lift = (node.data[:, None, :] * inv_var[:, None] + node.prior[:, None, :]) ** 2 / size
    quad = node.yy[:, None] * inv_var + mean @ (precision * mean) - lift.sum(axis=2)
    tau = np.exp(t) * np.sqrt(node.lam)[:, None]
    jacobian = 2 * t + (np.log(np.cosh(z)) - 0.5 * np.log(data.moments.sizes.mean()))[:, None]
    normal = precision[precision > 0]
    value = (
        -0.5 * data.n_obs * np.log(2 * np.pi)
        - data.n_obs * t
        - 0.5 * (node.log_det[:, None] + np.log(size).sum(axis=2) + quad)
        + 0.5 * np.log(normal).sum()
        + 0.5 * (data.n_coef - len(normal)) * np.log(2 * np.pi)
        + local.sd_resid.log_density(np.exp(t))
        + local.sd_group.log_density(tau)
        + jacobian
    )
    if tail is not None:
        power = min(2.0, max(tail - 1.5, 0.0))
        value = value + power * np.log1p(tau) + np.minimum(2 * t, 2 * np.abs(t))
    return value, node


def _summary(weight: _Floats, t: Axis, z: Axis, log_total: float) -> _Floats:
    """What two levels must agree on: evidence, and mean and sd of t and z in units of the sd."""
    out = [log_total]
    for nodes, mass in ((t.nodes, weight.sum(axis=0)), (z.nodes, weight.sum(axis=1))):
        mean = nodes @ mass
        sd = np.sqrt((nodes - mean) ** 2 @ mass)
        out += [mean / sd, np.log(sd)]
    return np.array(out)
