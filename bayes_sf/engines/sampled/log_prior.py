"""Log prior density of draws: of what has a prior at the top of a model, and of nothing below it.

Group effects given sd_group, and slopes given the scales of a joint prior, are distributions that
the model has, not priors that an analyst chooses: to raise them to a power would be another model.

Examples
--------
>>> import pandas as pd
>>> from bayes_sf.engines.fit import fit
>>> from bayes_sf.spec.model import ModelSpec
>>> df = pd.DataFrame({"y": [1.0, 2, 3, 5, 6, 7, 9, 10, 11], "g": list("aaabbbccc")})
>>> result = fit(ModelSpec("y", group="g"), df)
>>> found = log_prior(result.draws(400), result.data, result.spec)
>>> sorted(found), found["sd_group"].shape
(['intercept', 'sd_group', 'sd_resid'], (4, 100))
"""

from typing import TYPE_CHECKING

import numpy as np

from bayes_sf.arrays import Floats
from bayes_sf.engines.gaussian.likelihood import Standardised, standardise
from bayes_sf.engines.sampled.cells import resolve_all
from bayes_sf.engines.sampled.structure import score_moments
from bayes_sf.spec.model import ModelSpec
from bayes_sf.spec.prior import LOCATION_FAMILIES, Prior
from bayes_sf.spec.priors import Priors
from bayes_sf.spec.rows import Rows

if TYPE_CHECKING:
    import xarray as xr

__all__ = ["log_prior"]


def log_prior(tree: "xr.DataTree", rows: Rows, spec: ModelSpec) -> dict[str, Floats]:
    """Log density of every top-level prior at the draws, constants left out where they are none.

    Parameters
    ----------
    tree : xarray.DataTree
        Draws, as `Result.draws` returns them.
    rows : Rows
        What the model was fitted to.
    spec : ModelSpec
        The model.

    Returns
    -------
    dict
        Role (``intercept``, ``slope``, ``sd_group``, ...) to (chain, draw). Flat priors are left
        out: no power of them is another prior. Of joint priors of slopes: the scale that all
        slopes share.
    """
    posterior = tree["posterior"].to_dataset()
    data = standardise(score_moments(rows))
    priors = resolve_all(spec, data)
    found: dict[str, Floats] = {}
    beta = posterior["beta"].to_numpy()
    if priors.intercept.family == "normal":
        level = beta[..., 0] + (beta[..., 1:] * _centres(posterior, rows, data)).sum(axis=-1)
        found["intercept"] = _normal(level, priors.intercept, 1.0)
    if priors.slope.family not in LOCATION_FAMILIES:
        found |= _shared_scale(posterior, priors.slope, float(data.scale[-1]))
    else:
        slopes = [
            _normal(beta[..., 1 + at], prior, data.scale[-1] / data.scale[at])
            for at, prior in enumerate(priors.of_slopes(data.moments.predictors))
            if prior.family == "normal"
        ]
        found |= {"slope": np.sum(slopes, axis=0)} if slopes else {}
    roles = ["sd_group", *spec.extra_priors, *(() if spec.known_se else ("sd_resid",))]
    for role in roles:
        value = _one(posterior, rows, priors, role)
        if value is not None:
            found[role] = value
    return found


def _one(posterior: "xr.Dataset", rows: Rows, priors: Priors, role: str) -> Floats | None:
    """Log density of one standard deviation, correlation, df or simplex."""
    prior = priors.of(role)
    if prior.family == "flat":
        return None
    if role == "correlation":
        return np.asarray((prior.shape - 1) * np.log1p(-(posterior[role].to_numpy() ** 2)))
    if role == "simplex":
        logs = [np.log(posterior[f"simplex_{name}"].to_numpy()).sum(axis=-1) for name in rows.steps]
        return np.asarray((prior.shape - 1) * np.sum(logs, axis=0))
    return prior.log_density(posterior[role].to_numpy())


def _normal(value: Floats, prior: Prior, unit: float) -> Floats:
    """Log density of a normal, without its constant."""
    scale = prior.scale * (unit if prior.autoscale else 1.0)
    return np.asarray(-0.5 * ((value - (prior.location or 0.0)) / scale) ** 2)


def _centres(posterior: "xr.Dataset", rows: Rows, data: Standardised) -> Floats:
    """Means of the predictors, (chain, draw, p): a monotonic one's depends on its simplex."""
    shape = (*posterior["beta"].shape[:2], len(data.scale) - 1)
    centre = np.broadcast_to(data.centre[:-1], shape).copy()
    for name, s in rows.steps.items():
        simplex = posterior[f"simplex_{name}"].to_numpy()
        at = rows.coefficients.index(name) - 1
        centre[..., at] = (s.stop - s.start) * simplex @ rows.x[:, s].mean(axis=0)
    return centre


def _shared_scale(posterior: "xr.Dataset", prior: Prior, y_sd: float) -> dict[str, Floats]:
    """Log density of the scale that all slopes of a joint prior share."""
    unit = y_sd if prior.autoscale else 1.0
    if prior.family == "pooled-normal":
        value = posterior["sd_slopes"].to_numpy() / (unit * prior.scale)
        return {"sd_slopes": -0.5 * value**2}
    if prior.family == "horseshoe":
        value = posterior["global_scale"].to_numpy() / (unit * prior.scale)
        return {"global_scale": -np.log1p(value**2)}
    r2 = posterior["r2"].to_numpy()
    mean = 0.5 if prior.location is None else prior.location
    a, b = mean * prior.scale, (1 - mean) * prior.scale
    return {"r2": (a - 1) * np.log(r2) + (b - 1) * np.log1p(-r2)}
