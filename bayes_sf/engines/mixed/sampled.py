"""NUTS on the marginal likelihood of a mixed model: sds and correlations alone are sampled.

Coefficients and random effects are integrated out, as in `nodes`, and are mixtures of normals over
the draws: there is no funnel, and any number of sds and correlations. What is sampled: logs of sds,
Fisher's z of correlations. The density is this package's own, with gradients by the complex step,
so that nothing is compiled; nutpie samples it.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from bayes_sf.arrays import Floats
from bayes_sf.engines.gaussian.estimates import Estimate
from bayes_sf.engines.gaussian.mixture import NormalMixture
from bayes_sf.engines.loading import Loading
from bayes_sf.engines.mixed.answer import answer_rows
from bayes_sf.engines.mixed.combine import surface_of
from bayes_sf.engines.mixed.likelihood import check_residual, fit_mixed
from bayes_sf.engines.mixed.nodes import Surface
from bayes_sf.engines.mixed.prior import mixed_priors
from bayes_sf.engines.mixed.products import build_products
from bayes_sf.engines.sampled.diagnostics import Diagnosed
from bayes_sf.engines.sampled.nuts import SETTINGS, sample, sampler_stats, try_twice
from bayes_sf.errors import UsageError
from bayes_sf.spec.priors import Priors
from bayes_sf.spec.terms.matrices import Factor, Matrices

if TYPE_CHECKING:
    import xarray as xr

__all__ = ["MixedSampled", "Target", "fit_mixed_nuts"]

_Array = NDArray[Any]

_STEP, _DIFFERENCE = 1e-30, 1e-6
#: Random effects are mixed over every so manieth draw.
_THIN = 4


@dataclass(frozen=True, eq=False)
class Target:
    """Log density of what is sampled, with its gradient.

    Parameters
    ----------
    surface : Surface
        Data and priors; its axes name sds and correlations, and ln sigma comes last.
    """

    surface: Surface

    def __call__(self, point: Floats) -> tuple[float, Floats]:
        """Value and gradient at one point, (m + 1,)."""
        steps = point + 1j * _STEP * np.eye(len(point))
        # A proposal so far out that a covariance is singular: no density, a divergence.
        with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
            found = self.log_likelihood(steps)
        ends = [self.log_prior(point + s * _DIFFERENCE * np.eye(len(point))) for s in (1, -1)]
        value = float(found[0].real + self.log_prior(point[None])[0])
        return value, found.imag / _STEP + (ends[0] - ends[1]) / (2 * _DIFFERENCE)

    def log_likelihood(self, points: _Array) -> _Array:
        """Log density of the outcome, coefficients and effects integrated out, (N,).

        Up to a constant; sds and sigma in units of sd(y).
        """
        products, priors = self.surface.products, self.surface.priors
        t, p = points[:, -1], products.n_coef
        log_det, at = products.at(self._lower(points))
        inv_var = np.exp(-2 * t)
        q = at[:, :p, :p] * inv_var[:, None, None] + np.diag(priors.precision)
        b = at[:, :p, p] * inv_var[:, None] + priors.precision * priors.mean
        sign, size = np.linalg.slogdet(q)
        fitted = np.einsum("ni,ni->n", b, np.linalg.solve(q, b[..., None])[..., 0])
        found = log_det + size + 1j * np.angle(sign) + at[:, p, p] * inv_var - fitted
        return np.asarray(-products.n * t - 0.5 * found)

    def _lower(self, points: _Array) -> list[_Array]:
        """Lambda of every factor, (N, k, k)."""
        products = self.surface.products
        found, start = [], 0
        for number, factor in enumerate(products.factors):
            k = len(factor.columns)
            ratio = np.exp(points[:, start : start + k] - points[:, -1:])
            half = np.zeros((len(points), k, k), dtype=points.dtype)
            half[:, range(k), range(k)] = ratio
            for place, (i, j) in enumerate(factor.pairs):
                z = points[:, start + k + place]
                half[:, j, i] = ratio[:, j] * np.tanh(z)
                half[:, j, j] = ratio[:, j] / np.cosh(z)
            found.append(np.linalg.inv(products.to_raw(number)) * products.scale[-1] @ half)
            start += k + len(factor.pairs)
        return found

    def log_prior(self, points: Floats) -> Floats:
        """Log density of the priors, (N,), of what is sampled."""
        t = points[:, -1]
        found = self.surface.priors.resid.log_density(np.exp(t)) + t
        for axis, prior in enumerate(self.surface.priors.spreads):
            x = points[:, axis]
            if self.surface.is_sd[axis]:
                found = found + prior.log_density(np.exp(x)) + x
            else:  # (1 - rho^2)^(eta - 1), and d rho = (1 - rho^2) dz
                found = found - 2 * prior.shape * np.log(np.cosh(x))
        return np.asarray(found)


@dataclass(frozen=True, eq=False)
class MixedSampled(Diagnosed):
    """Draws of one model from NUTS, believed or not: see `converged`.

    Parameters
    ----------
    surface : Surface
        Data and priors.
    priors : Priors
        In the outcome's unit.
    tree : xarray.DataTree
        ``posterior`` (sds, correlations and ``sd_resid``, by name) and ``sample_stats``.
    settings : mapping
        The sampler's.
    """

    surface: Surface
    priors: Priors
    tree: "xr.DataTree"
    settings: Mapping[str, float]

    @property
    def factors(self) -> tuple[Factor, ...]:
        """Grouping factors."""
        return self.surface.products.factors

    def _draws(self, name: str) -> Floats:
        """Draws of an sd, a correlation or ``icc|factor``, (N,)."""
        if name.startswith("icc"):
            return self.surface.shares(self._at)[name.partition("|")[2]]
        return np.asarray(self.tree["posterior"][name].to_numpy().ravel())

    @cached_property
    def _at(self) -> Floats:
        """Draws in the surface's coordinates, (N, m)."""
        sigma = self._draws("sd_resid")
        columns = []
        for axis, name in enumerate(self.surface.names):
            value = self._draws(name)
            ratio = value / sigma if self.surface.is_sd[axis] else value
            columns.append(self.surface.place(axis, ratio))
        return np.column_stack(columns)

    @property
    def coordinates(self) -> tuple[Floats, Floats]:
        """Draws in the surface's coordinates, (N, m), and sigma, standardised, (N,)."""
        return self._at, self._draws("sd_resid") / self.surface.products.scale[-1]

    def spread(self, name: str) -> tuple[float, float]:
        """Mean and sd of an sd, a correlation or ``icc|factor``."""
        draws = self._draws(name)
        return float(draws.mean()), float(draws.std(ddof=1))

    def quantile(self, name: str, probs: Floats) -> Floats:
        """Quantiles of the same."""
        return np.asarray(np.quantile(self._draws(name), probs))

    def cdf(self, name: str, value: Floats) -> Floats:
        """Distribution function of the same."""
        return np.asarray((self._draws(name) <= value).mean())

    @cached_property
    def coef(self) -> NormalMixture:
        """Fixed coefficients, (p,), mixed over the draws."""
        return self.contrast(np.eye(self.surface.products.n_coef))

    def contrast(self, loading: Floats) -> NormalMixture:
        """Linear combinations of raw coefficients, (m, p) loadings, mixed over the draws."""
        products = self.surface.products
        given = self.surface.given(self._at)
        inv_var = (products.scale[-1] / self._draws("sd_resid"))[:, None] ** 2  # (N, 1)
        centre, precision = given.centre(inv_var)[:, 0], given.precision(inv_var)[:, 0]
        along = loading @ products.turn @ given.basis  # (N, m, p)
        mean = np.einsum("nml,nl->mn", along, centre) + (loading @ products.shift)[:, None]
        sd = np.sqrt(np.einsum("nml,nl->mn", along**2, 1 / precision))
        return NormalMixture(np.full(len(sd.T), 1 / len(sd.T)), mean, sd)

    @cached_property
    def ranef(self) -> tuple[NormalMixture, ...]:
        """Random effects of each factor, level by level, (J k,), mixed over draws."""
        return self.surface.effects(
            self._at[::_THIN], (self._draws("sd_resid") / self.surface.products.scale[-1])[::_THIN]
        )

    def combine(self, loading: Loading) -> NormalMixture:
        """Linear combinations of coefficients, effects and residuals, (m,), mixed over draws."""
        if loading.fixed:
            return self.contrast(loading.x).shifted(loading.offset)
        at, sigma = self.coordinates
        return surface_of(self.surface, at[::_THIN], sigma[::_THIN], loading)

    def rows(self, prob: float, *, groups: bool = True) -> Iterator[Estimate]:
        """Posterior means, sds and equal-tailed intervals; with or without effects of levels."""
        return answer_rows(self, prob, groups=groups)


def fit_mixed_nuts(matrices: Matrices, priors: Priors, *, seed: int = 1) -> MixedSampled:
    """Sample the posterior of a Gaussian model with any random terms.

    A fit that fails its diagnostics is tried once more, as in `fit_nuts`.

    Parameters
    ----------
    matrices : Matrices
        The data; at most two correlated columns of a factor.
    priors : Priors
        Of coefficients normal or flat, of sds proper.
    seed : int
        Seed of everything random; the same seed gives the same draws.

    Raises
    ------
    UsageError
        For more than two correlated columns.
    SpecError
        For priors that it does not take.
    ConvergenceError
        When the sampler itself breaks down.
    """
    wide = [f.name for f in matrices.factors if any(len(block) > 2 for block in f.blocks)]
    if wide:
        where = f"model of {matrices.response!r}: engine 'nuts'"
        rule = "is for at most two correlated columns of a factor"
        raise UsageError(where, rule, got=wide, fix="use engine 'reml' or 'ml'")
    from nutpie.compiled_pyfunc import from_pyfunc

    products = build_products(matrices)
    check_residual(products)
    surface = Surface(products, mixed_priors(products, priors))
    target, start = Target(surface), _start(surface, matrices)
    size = len(start)

    def initial(chain_seed: int) -> Floats:
        return start + np.random.default_rng(chain_seed).normal(0, 0.1, size)

    def expand(_: int, __: int, ___: int) -> Any:
        return lambda point: {"point": np.asarray(point)}

    compiled = from_pyfunc(
        size, lambda: target, expand, [np.dtype(np.float64)], [(size,)], ["point"],
        make_initial_point_fn=initial,
    )  # fmt: skip

    def attempt(settings: Mapping[str, float]) -> MixedSampled:
        trace = sample(compiled, seed, settings)
        return MixedSampled(surface, surface.priors.stated, _tree(surface, trace), settings)

    return try_twice(attempt, SETTINGS)


def _start(surface: Surface, matrices: Matrices) -> Floats:
    """REML's estimates, zeros lifted."""
    fit = fit_mixed(matrices)
    unit = float(surface.products.scale[-1])
    spreads = dict(fit.spreads())
    point = []
    for axis, name in enumerate(surface.names):
        value = np.nan_to_num(spreads[name])
        if surface.is_sd[axis]:
            least = 0.3 * surface.unit[axis] * fit.sd_resid
            point.append(np.log(max(value, least) / unit))
        else:
            point.append(np.arctanh(np.clip(value, -0.8, 0.8)))
    return np.array([*point, np.log(fit.sd_resid / unit)])


def _tree(surface: Surface, trace: "xr.DataTree") -> "xr.DataTree":
    """Draws under their names, in the outcome's unit."""
    import xarray as xr

    points = trace["posterior"]["point"].to_numpy()  # (chain, draw, m + 1)
    unit = float(surface.products.scale[-1])
    named = {
        name: unit * np.exp(points[..., axis])
        if surface.is_sd[axis]
        else np.tanh(points[..., axis])
        for axis, name in enumerate(surface.names)
    }
    named["sd_resid"] = unit * np.exp(points[..., -1])
    chains, draws = points.shape[:2]
    dataset = xr.Dataset(
        {name: (("chain", "draw"), values) for name, values in named.items()},
        coords={"chain": np.arange(chains), "draw": np.arange(draws)},
    )
    return xr.DataTree.from_dict({"posterior": dataset, "sample_stats": sampler_stats(trace)})
