"""The exact posterior of a Gaussian random-intercept model, by quadrature over two numbers.

Gauss-Legendre nodes on the box that holds the mass of `joint.Joint` give every posterior quantity:
linear ones as mixtures of normals, (sigma, tau, ICC) through series of their distribution
functions. There is no Monte Carlo error, and nodes are added until the density is resolved.
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from bayes_sf.arrays import Floats
from bayes_sf.engines.gaussian.grid import Grid, resolve
from bayes_sf.engines.gaussian.joint import Joint, resolve_priors
from bayes_sf.engines.gaussian.likelihood import Standardised, check_groups, standardise
from bayes_sf.engines.gaussian.mixture import NormalMixture
from bayes_sf.engines.gaussian.quadrature import Box, cumulative, series
from bayes_sf.engines.loading import Loading
from bayes_sf.spec.moments import Moments
from bayes_sf.spec.priors import Priors

__all__ = ["ExactPosterior", "fit_exact"]


#: From so many groups on their effects are mixed over fewer nodes, the first number per axis that
#: gives means and sds of sigma, the ICC and z but for this share.
_MANY_GROUPS = 100
_FEW_NODES = (16, 24, 32, 48)
_SAME = 1e-5


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
    grid : Grid
        Masses of (ln sigma, the coordinate of tau) in standardised units.
    """

    moments: Moments
    priors: Priors
    log_evidence: float
    grid: Grid

    @property
    def joint(self) -> Joint:
        """The density that was integrated."""
        return self.grid.joint

    @property
    def data(self) -> Standardised:
        """The data in standardised units."""
        return self.joint.data

    @property
    def prior_terms(self) -> tuple[Floats, Floats]:
        """Precisions and means of the standardised coefficients, (k,) each."""
        return self.joint.precision, self.joint.mean

    @property
    def box(self) -> Box:
        """The rectangle that was integrated over; a start for `fit_exact` on similar data."""
        return self.grid.box

    # Linear quantities -----------------------------------------------------------------------

    def _linear(
        self,
        loading: Floats,
        limit: Floats,
        *,
        grid: Grid | None = None,
        constant: Floats | float = 0.0,
        noise: Floats | float = 0.0,
        scale: float = 1.0,
        shift: Floats | float = 0.0,
    ) -> NormalMixture:
        """Posterior of shift + scale (constant + loading' beta + noise) as normal mixtures.

        Parameters
        ----------
        loading : (m, Z, k) or (m, 1, k) array
            Loadings on the standardised coefficients at every z.
        limit : (m, k) array
            What they tend to as tau grows: it decides which moments exist.
        grid : Grid, optional
            Nodes; the posterior's own otherwise.
        constant : (m, Z) array
            Added.
        noise : (m, Z) array
            Variance of an independent term, in units of sigma^2.
        scale, shift : float, (m,) array
            Back to raw units.
        """
        grid = grid or self.grid
        given, inv_var = grid.given, np.exp(-2 * grid.t.nodes)
        m, n_z = len(loading), len(grid.weight)
        along = np.einsum(
            "mzk,zkl->mzl", np.broadcast_to(loading, (m, n_z, loading.shape[2])), given.basis
        )
        mean = np.einsum("mzl,ztl->mzt", along, given.centre(inv_var))
        var = np.einsum("mzl,ztl->mzt", along**2, 1 / given.precision(inv_var))
        mean += np.broadcast_to(constant, (m, n_z))[:, :, None]
        var += np.broadcast_to(noise, (m, n_z))[:, :, None] / inv_var
        return NormalMixture(
            grid.weight.ravel(),
            scale * mean.reshape(m, -1) + np.broadcast_to(shift, m)[:, None],
            scale * np.sqrt(var).reshape(m, -1),
            self.joint.linear_moments(limit, noisy=np.ndim(noise) > 0),
        )

    @cached_property
    def coef(self) -> NormalMixture:
        """Coefficients in raw units, the intercept first, (k,)."""
        return self.contrast(np.eye(self.data.n_coef))

    def contrast(self, loading: Floats, noise: Floats | float = 0.0) -> NormalMixture:
        """Linear combinations of raw coefficients, in raw units.

        Parameters
        ----------
        loading : (m, k) array
            One row per combination; columns as `moments.terms`.
        noise : (m, Z) array
            Variance of an independent term that is added, in units of sigma^2, at every z.
        """
        inner, unit = loading @ self.data.coef_transform, float(self.data.scale[-1])
        return self._linear(
            inner[:, None, :] / unit, inner, noise=noise, scale=unit,
            shift=loading @ self.data.coef_shift,
        )  # fmt: skip

    def combine(self, loading: Loading) -> NormalMixture:
        """Linear combinations of coefficients, group effects and residuals, raw units, (m,).

        Parameters
        ----------
        loading : Loading
            Of a model with one factor and its intercepts.
        """
        k, sizes, u = self.data.n_coef, self.moments.sizes[:, None], loading.z[0]
        new = np.zeros(len(loading)) if loading.fresh[0] is None else loading.fresh[0][:, 0]
        grid = self.grid if u is None else self._group_grid
        unit = float(self.data.scale[-1])
        inner = loading.x @ self.data.coef_transform / unit
        lam = grid.given.lam
        along, limit = inner[:, None, :], inner
        constant: Floats | float = 0.0
        noise: Floats | float = 0.0
        if new.any() or loading.noise.any():
            noise = new[:, None] ** 2 * lam + loading.noise[:, None]
        if u is not None:
            share = lam * sizes / (1 + lam * sizes)  # (J, Z)
            means, y = self.data.means[:, :k], self.data.means[:, k]
            taken = u @ (share[:, :, None] * means[:, None, :]).reshape(len(share), -1)
            along = along - taken.reshape(len(loading), -1, k)
            limit = inner - u @ means
            constant = u @ (share * y[:, None])
            noise = noise + u.multiply(u) @ (share / sizes)
        found = self._linear(
            along, limit, grid=grid, constant=constant, noise=noise, scale=unit,
            shift=loading.x @ self.data.coef_shift + loading.offset,
        )  # fmt: skip
        if new.any():
            exist = np.minimum(found.exist, self.spread_moments("sd_group"))
            return NormalMixture(found.weight, found.means, found.sds, exist)
        return found

    def _groups(
        self, level: float, centre: float, rows: slice | list[int] = slice(None)
    ) -> NormalMixture:
        """Group effects u_j plus `level` times the intercept at the predictors' means."""
        k, sizes, grid = self.data.n_coef, self.moments.sizes[rows, None], self._group_grid
        x, y = self.data.means[rows, :k], self.data.means[rows, k]
        share = grid.given.lam * sizes / (1 + grid.given.lam * sizes)  # (J, Z)
        intercept = level * np.eye(k)[0]
        return self._linear(
            intercept - share[:, :, None] * x[:, None, :],
            intercept - x,
            grid=grid,
            constant=share * y[:, None],
            noise=share / sizes,
            scale=float(self.data.scale[-1]),
            shift=centre,
        )

    @cached_property
    def _group_grid(self) -> Grid:
        """Nodes that effects of many groups are mixed over: few, where few say the same.

        With many groups (sigma, tau) is known well, its density is near a normal's, and nodes that
        resolve distribution functions are many more than integrals need.
        """
        if self.moments.n_groups < _MANY_GROUPS:
            return self.grid
        for n in _FEW_NODES:
            thin = Grid.over(self.joint, self.grid.box, n, n)
            if np.abs(thin.summary() / self.grid.summary() - 1).max() < _SAME:
                return thin
        return self.grid

    @cached_property
    def ranef(self) -> NormalMixture:
        """Group effects u_j in raw units, (J,)."""
        return self._groups(0.0, 0.0)

    @cached_property
    def group_means(self) -> NormalMixture:
        """Expected outcome of each group at the predictors' overall means, raw units, (J,)."""
        return self._groups(1.0, float(self.data.centre[-1]))

    # Standard deviations and ICC -------------------------------------------------------------

    @cached_property
    def z_series(self) -> Floats:
        """Distribution function of z, (Z + 1,), for `cumulative`."""
        return series(self.grid.weight.sum(axis=1))

    @cached_property
    def _t_series(self) -> Floats:
        """Distribution function of t, (T + 1,)."""
        return series(self.grid.weight.sum(axis=0))

    @cached_property
    def _z_by_t(self) -> Floats:
        """Distribution function of z jointly with each t node, (Z + 1, T)."""
        return series(self.grid.weight)

    def spread_cdf(self, name: str, value: Floats) -> Floats:
        """P(quantity <= value) of ``sd_group``, ``sd_resid`` or ``icc``, same shape as `value`.

        For tau it is the sum over t of the mass of z below the place of value/sigma.
        """
        value = np.asarray(value, dtype=float)
        if name == "icc":
            with np.errstate(divide="ignore"):
                z = self.joint.place(np.sqrt(value / (1 - value)))
            return cumulative(self.z_series, self.grid.z.unit(z))
        value = value / self.data.scale[-1]
        if name == "sd_resid":
            with np.errstate(divide="ignore"):
                return cumulative(self._t_series, self.grid.t.unit(np.log(value)))
        z = self.joint.place(value[..., None] / np.exp(self.grid.t.nodes))
        return np.asarray(cumulative(self._z_by_t, self.grid.z.unit(z)).sum(axis=-1))

    def spread_values(self, name: str) -> Floats:
        """Values of ``sd_group``, ``sd_resid`` or ``icc`` at the nodes, (Z, T)."""
        return self._spread(name, self.grid.z.nodes[:, None], self.grid.t.nodes)

    def spread_range(self, name: str) -> tuple[float, float]:
        """Smallest and largest value of the same on the grid's box."""
        corner = (
            np.array([self.grid.z.low, self.grid.z.high]),
            np.array([self.grid.t.low, self.grid.t.high]),
        )
        low, high = self._spread(name, *corner)
        return float(low), float(high)

    def _spread(self, name: str, z: Floats, t: Floats) -> Floats:
        """Quantity at (z, t), in raw units."""
        ratio, sigma = self.joint.ratio(z), np.exp(t) * self.data.scale[-1]
        if name == "icc":
            return np.asarray(ratio**2 / (1 + ratio**2) * np.ones_like(t))
        return np.asarray(sigma * (ratio if name == "sd_group" else np.ones_like(z)))

    def spread_moments(self, name: str) -> int:
        """How many moments (at most 2) of the same exist."""
        return self.joint.spread_moments(name)


def fit_exact(
    moments: Moments,
    priors: Priors | None = None,
    *,
    nodes: tuple[int, int] | None = None,
    start: Box | None = None,
) -> ExactPosterior:
    """Posterior of a Gaussian random-intercept model, without Monte Carlo error.

    Parameters
    ----------
    moments : Moments
        Sufficient statistics.
    priors : Priors, optional
        The defaults of `Priors` otherwise.
    nodes : (int, int), optional
        Nodes for sigma and for tau, taken as they are; by default as many as it takes until the
        distribution functions of both are resolved to 1e-9.
    start : Box, optional
        Where to look for the mass first: `ExactPosterior.box` of similar data.

    Raises
    ------
    DataError
        When the model cannot be fitted (see `standardise` and `check_groups`).
    SpecError
        When the priors leave the posterior improper.
    ConvergenceError
        When 500 nodes on an axis do not resolve the density.

    Examples
    --------
    >>> import numpy as np, pandas as pd
    >>> df = pd.DataFrame({"y": [1.0, 2, 3, 5, 6, 7, 9, 10, 11], "g": list("aaabbbccc")})
    >>> post = fit_exact(Moments.from_frame(df, outcome="y", group="g"))
    >>> float(post.coef.mean()[0].round(3))
    6.0
    """
    data = standardise(moments)
    check_groups(data)
    resolved = resolve_priors(priors or Priors(), data)
    grid = resolve(Joint.build(data, resolved), nodes, start)
    evidence = float("nan")
    if _proper(resolved, moments):
        evidence = grid.log_total - moments.n_obs * float(np.log(data.scale[-1]))
    return ExactPosterior(moments, resolved, evidence, grid)


def _proper(priors: Priors, moments: Moments) -> bool:
    """Whether every prior that the model uses has a density that integrates to one."""
    return not priors.flat_among(("intercept", "sd_resid", "sd_group"), moments.predictors)
