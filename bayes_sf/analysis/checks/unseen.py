"""Rows of a group that was not seen: its effects are integrated out, not drawn.

Given the other numbers of a draw, or of a node of the exact engine, a new group's effects are
Gaussian around zero, so that each of its rows is Gaussian with the variance v(x) between groups
(`icc`) beside the residual one. Where the residual variance of a new group is itself unknown, or
residuals are Student-t (Gaussian given a gamma precision), one further integral is a sum.

Examples
--------
>>> import pandas as pd
>>> from bayes_sf.engines.fit import fit
>>> df = pd.DataFrame({"y": [1.0, 2, 3, 5, 6, 7, 9, 10, 11], "g": list("aaabbbccc")})
>>> spec = ModelSpec("y", group="g")
>>> found = unseen(fit(spec, df).fitted, Rows.from_frame(df, spec).take(slice(0, 3)), spec)
>>> found.log_density.shape, found.mean.mean().round(1)
((3,), array([6.]))
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from bayes_sf.arrays import Floats
from bayes_sf.engines.gaussian.exact import ExactPosterior
from bayes_sf.engines.gaussian.icc import variance_between
from bayes_sf.engines.gaussian.mixture import NormalMixture
from bayes_sf.engines.gaussian.posterior import Posterior
from bayes_sf.engines.gaussian.repeated import RepeatedPosterior
from bayes_sf.engines.sampled.pointwise import predictors_effect, varying_column
from bayes_sf.spec.model import ModelSpec
from bayes_sf.spec.rows import Rows

if TYPE_CHECKING:
    import xarray as xr

__all__ = ["Unseen", "unseen"]


#: Nodes over what is not known of a new group's residuals: of a Gauss rule, of a trapezoidal one.
_GAUSS, _EVEN = 48, 80


@dataclass(frozen=True, eq=False)
class Unseen:
    """What is predicted of the rows of one group that was not seen.

    Parameters
    ----------
    log_density : (n,) array
        Log predictive density of each row by itself.
    mean : NormalMixture
        Predictive distribution of the mean of the rows, one quantity.
    """

    log_density: Floats
    mean: NormalMixture


def unseen(fitted: Any, rows: Rows, spec: ModelSpec, *, seed: int = 1) -> Unseen:
    """Predict the rows of a new group.

    Parameters
    ----------
    fitted : Posterior, RepeatedPosterior or Sampled
        Posterior of the model from other groups.
    rows : Rows
        The new group's.
    spec : ModelSpec
        The model.
    seed : int
        Seed of what Student-t residuals do to a mean of rows; nothing else is drawn.
    """
    if isinstance(fitted, Posterior | RepeatedPosterior):
        return _exact(fitted, rows)
    return _of_draws(fitted.tree["posterior"].to_dataset(), rows, spec, seed)


def _exact(fitted: Posterior | RepeatedPosterior, rows: Rows) -> Unseen:
    """Without Monte Carlo error: a mixture over the nodes."""
    loading = np.column_stack([np.ones(rows.n_obs), rows.x])
    if isinstance(fitted, Posterior):
        parts, share = fitted.parts, np.full(len(fitted.parts), 1 / len(fitted.parts))
        noise = np.ones((len(parts), rows.n_obs))
    else:
        parts, share = fitted.given, fitted.weight
        repeats = np.ones(rows.n_obs) if rows.repeats is None else rows.repeats
        noise = np.column_stack([fitted.factors("sd_resid", m) ** 2 for m in repeats])

    def mixed(loading: Floats, noise: Floats) -> NormalMixture:
        return NormalMixture.average(
            [_new(part, loading, own) for part, own in zip(parts, noise, strict=True)], share
        )

    mean = mixed(loading.mean(axis=0)[None], noise.mean(axis=1, keepdims=True) / rows.n_obs)
    return Unseen(mixed(loading, noise).log_density(rows.y), mean)


def _new(part: ExactPosterior, loading: Floats, noise: Floats) -> NormalMixture:
    """Outcomes loading' beta + u + e of a new group, Var(e) = noise sigma^2, (m,)."""
    return part.contrast(loading, part.grid.given.lam + noise[:, None])


def _of_draws(posterior: "xr.Dataset", rows: Rows, spec: ModelSpec, seed: int) -> Unseen:
    """Average over draws."""
    mean = posterior["beta"].sel(term=rows.coefficients[0]).to_numpy()[..., None]
    mean = (mean + predictors_effect(posterior, rows)).reshape(-1, rows.n_obs)
    names = [n for n in ("sd_group", "sd_slope", "correlation") if n in posterior]
    found = {name: posterior[name].to_numpy().reshape(-1, 1) for name in names}
    x: Any = varying_column(posterior, rows) if "u_slope" in posterior else np.zeros(rows.n_obs)
    between = variance_between(found, x, x**2)
    log_density, means = np.full(rows.n_obs, -np.inf), []
    for log_weight, resid in _residuals(posterior, rows, spec):
        var = between + resid
        each = log_weight - 0.5 * (np.log(2 * np.pi * var) + (rows.y - mean) ** 2 / var)
        log_density = np.logaddexp(log_density, np.logaddexp.reduce(each, axis=0))
        means.append((log_weight[:, 0], resid.mean(axis=1)))
    if spec.likelihood == "student":
        nu = posterior["df_resid"].to_numpy().reshape(-1, 1)
        rng = np.random.default_rng(seed)
        widen = (nu / rng.chisquare(np.broadcast_to(nu, mean.shape))).mean(axis=1)
        means = [(np.zeros(len(mean)), posterior["sd_resid"].to_numpy().ravel() ** 2 * widen)]
    middle = variance_between({k: v[:, 0] for k, v in found.items()}, x.mean(), x.mean() ** 2)
    sds = np.concatenate([np.sqrt(middle + resid / rows.n_obs) for _, resid in means])
    weight = np.exp(np.concatenate([log_weight for log_weight, _ in means]))
    centre = np.tile(mean.mean(axis=1), len(means))
    mixture = NormalMixture(weight / weight.sum(), centre[None], sds[None])
    return Unseen(log_density - np.log(len(mean)), mixture)


def _residuals(
    posterior: "xr.Dataset", rows: Rows, spec: ModelSpec
) -> Iterator[tuple[Floats, Floats]]:
    """Log weights (D, 1) and residual variances (D, n) of the parts of a mixture of normals."""
    draws = posterior["sd_group"].size
    one = np.zeros((draws, 1))
    if rows.known_se is not None:
        yield one, np.broadcast_to(rows.known_se**2, (draws, rows.n_obs))
        return
    variance = np.broadcast_to(posterior["sd_resid"].to_numpy().reshape(-1, 1) ** 2, one.shape)
    if rows.repeats is not None:
        variance = variance + posterior["sd_repeat"].to_numpy().reshape(-1, 1) ** 2 / rows.repeats
    variance = np.broadcast_to(variance, (draws, rows.n_obs))
    if spec.resid_by_group:
        spread = posterior["sd_log_resid"].to_numpy().reshape(-1, 1)
        for z, weight in zip(*np.polynomial.hermite_e.hermegauss(_GAUSS), strict=True):
            yield one + np.log(weight) - 0.5 * np.log(2 * np.pi), variance * np.exp(2 * z * spread)
    elif spec.likelihood == "student":
        log_w, log_weight = _log_precisions(posterior["df_resid"].to_numpy().reshape(-1, 1))
        for node in range(log_w.shape[1]):
            yield log_weight[:, node, None], variance * np.exp(-log_w[:, node, None])
    else:
        yield one, variance


def _log_precisions(nu: Floats) -> tuple[Floats, Floats]:
    """Log precisions w of t residuals over sigma^-2, and log weights that sum to one, (D, K) each.

    w is gamma with mean 1 and shape nu/2. Its logarithm has a smooth density, on which even steps
    converge fast, also where an outlier needs its small values.
    """
    sd = np.sqrt(2 / nu)
    low, high = -9 * sd - 60 / nu, np.log1p(9 * sd + 60 / nu)
    log_w = low + (high - low) * np.linspace(0, 1, _EVEN)
    log_mass = 0.5 * nu * (log_w - np.exp(log_w))
    return log_w, log_mass - np.logaddexp.reduce(log_mass, axis=1, keepdims=True)
