"""Draws from a model's priors, in the schema of its posterior: what is believed before any data.

Rows give the design (predictors, groups, repeated measurements, known standard errors) and, where
priors are multiples of its spread, the outcome's mean and sd. `fixed_priors` takes those out, so
that outcomes that are simulated from the draws have the same priors when they are fitted.

Examples
--------
>>> import pandas as pd
>>> from bayes_sf.spec.model import ModelSpec
>>> df = pd.DataFrame({"y": [1.0, 2, 3, 5, 6, 7, 9, 10, 11], "g": list("aaabbbccc")})
>>> spec = ModelSpec("y", group="g")
>>> tree = draw_prior(spec, Rows.from_frame(df, spec), 1000, seed=1)
>>> sorted(tree["posterior"].data_vars), tree["posterior"]["u"].shape
(['beta', 'icc', 'sd_group', 'sd_resid', 'u'], (1, 1000, 3))
"""

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from bayes_sf.arrays import Floats
from bayes_sf.engines.gaussian.icc import variance_between
from bayes_sf.engines.gaussian.likelihood import Standardised, standardise
from bayes_sf.engines.sampled.cells import resolve_all
from bayes_sf.engines.sampled.structure import score_moments, slope_sds, varying_coefficient
from bayes_sf.engines.sampled.student import icc_of
from bayes_sf.errors import SpecError, check_seed
from bayes_sf.spec.model import ModelSpec
from bayes_sf.spec.prior import LOCATION_FAMILIES, SHRINKAGE_FAMILIES
from bayes_sf.spec.priors import Priors
from bayes_sf.spec.rows import Rows

if TYPE_CHECKING:
    import xarray as xr

__all__ = ["draw_prior", "fixed_priors", "has_flat"]


def fixed_priors(spec: ModelSpec, rows: Rows) -> tuple[ModelSpec, Rows]:
    """Write the priors in the outcome's unit, so that they do not follow the data any more.

    Predictors are divided by their sds first: the prior of the slopes is then the same for all of
    them, in the outcome's unit, as it was in units of sd(y)/sd(x). Monotonic predictors stay as
    they are: their unit is a step.

    Parameters
    ----------
    spec : ModelSpec
        The model.
    rows : Rows
        Its design, with the outcomes that autoscaled priors refer to.

    Raises
    ------
    SpecError
        When scores of monotonic predictors differ in spread, or from the other predictors': one
        prior of slopes cannot say that in the outcome's unit.
    """
    steps = [column for s in rows.steps.values() for column in range(s.start, s.stop)]
    scale = np.ones(rows.x.shape[1])
    if rows.n_obs > 1 and rows.x.shape[1]:
        scale = rows.x.std(axis=0, ddof=1)
        scale[steps] = 1.0
    rows = replace(rows, x=rows.x / scale)
    data = standardise(score_moments(rows))
    priors = resolve_all(spec, data)
    slope = priors.slope
    if slope.autoscale and slope.family != "flat" and len(data.scale) > 1:
        spread = data.scale[:-1]
        if not np.allclose(spread, spread[0]):
            raise SpecError(
                f"model {spec.name!r}: priors.slope",
                "can be fixed in the outcome's unit only where predictors have the same spread",
                got=[round(float(s), 3) for s in spread],
                fix="leave out the other predictors, or the monotonic ones",
            )
        unit = float(data.scale[-1]) / (1.0 if slope.family in SHRINKAGE_FAMILIES else spread[0])
        if slope.family == "r2d2":  # of shares: it has no unit
            slope = replace(slope, autoscale=False)
        else:
            wide = slope.shape * unit if slope.family == "horseshoe" else slope.shape
            at = None if slope.family in SHRINKAGE_FAMILIES else slope.location or 0.0
            slope = replace(
                slope, autoscale=False, scale=slope.scale * unit, shape=wide, location=at
            )
    named = {
        name: prior.resolve(float(data.scale[-1] / data.scale[rows.coefficients.index(name) - 1]))
        for name, prior in priors.named.items()
    }
    return replace(spec, priors=replace(priors, slope=slope, terms=named)), rows


def draw_prior(spec: ModelSpec, rows: Rows, n: int, *, seed: int) -> "xr.DataTree":
    """Draw from the priors of a model.

    Parameters
    ----------
    spec : ModelSpec
        The model.
    rows : Rows
        Its design.
    n : int
        Draws, in one chain.
    seed : int
        Seed.

    Returns
    -------
    xarray.DataTree
        Group ``posterior``, with the variables that `fit` returns for the model.

    Raises
    ------
    SpecError
        When a prior is flat: there is nothing to draw from.
    """
    import xarray as xr

    check_seed(seed)
    rng = np.random.default_rng(seed)
    data = standardise(score_moments(rows))
    priors = resolve_all(spec, data)
    _refuse_flat(spec, priors, data)
    found = _spreads(spec, priors, n, rng)
    simplexes = {
        name: rng.dirichlet(np.full(s.stop - s.start, priors.of("simplex").shape), size=n)
        for name, s in rows.steps.items()
    }
    slopes, extra = _slopes(priors, data, found, n, rng)
    found |= extra
    centre = np.tile(data.centre[:-1], (n, 1))
    for name, s in rows.steps.items():
        at = rows.coefficients.index(name) - 1
        above = rows.x[:, s].mean(axis=0)
        centre[:, at] = (s.stop - s.start) * simplexes[name] @ above
    level = rng.normal(priors.intercept.location or 0.0, priors.intercept.scale, size=n)
    beta = np.column_stack([level - (slopes * centre).sum(axis=1), slopes])
    group, varying = rows.group, varying_coefficient(spec, rows.coefficients)
    variables: dict[str, Any] = {"beta": ("term", beta)}
    variables |= _effects(spec, rows, found, rng)
    if "sd_resid" in found:
        found["icc"] = _icc(spec, rows, data, found)
    variables |= {f"simplex_{name}": (f"{name}_step", v) for name, v in simplexes.items()}
    dims = {"local_scale": "slope", "share": "slope", "sd_resid_group": group}
    variables |= {name: (dims.get(name, ""), v) for name, v in found.items()}
    labels = {"term": rows.coefficients, "slope": rows.coefficients[1:], group: rows.groups}
    labels |= {
        f"{name}_step": tuple(
            p.removeprefix(f"{name}[").removesuffix("]") for p in rows.predictors[s]
        )
        for name, s in rows.steps.items()
    }
    used = {dim for dim, _ in variables.values()}
    dataset = xr.Dataset(
        {
            name: (("chain", "draw", dim)[: 2 + bool(dim)], np.asarray(v)[None])
            for name, (dim, v) in variables.items()
        },
        coords={dim: list(names) for dim, names in labels.items() if dim in used},
    )
    if varying:
        dataset["u_slope"].attrs = {"term": rows.coefficients[varying]}
    return xr.DataTree.from_dict({"posterior": dataset})


def has_flat(spec: ModelSpec, rows: Rows) -> bool:
    """Whether a prior that the model uses is no distribution.

    Parameters
    ----------
    spec : ModelSpec
        The model.
    rows : Rows
        Its design.
    """
    data = standardise(score_moments(rows))
    return bool(_flat(spec, resolve_all(spec, data), data))


def _flat(spec: ModelSpec, priors: Priors, data: Standardised) -> list[str]:
    """Roles whose priors are flat, of those that the model uses."""
    roles = ["intercept", "sd_group", *spec.extra_priors]
    roles += [] if spec.known_se else ["sd_resid"]
    return priors.flat_among(roles, data.moments.predictors)


def _refuse_flat(spec: ModelSpec, priors: Priors, data: Standardised) -> None:
    """Every prior that the model uses must be a distribution."""
    flat = _flat(spec, priors, data)
    if flat:
        raise SpecError(
            f"model {spec.name!r}: priors", "must be proper to be drawn from",
            got=f"flat {', '.join(flat)}", fix="state priors that are distributions",
        )  # fmt: skip


def _spreads(
    spec: ModelSpec, priors: Priors, n: int, rng: np.random.Generator
) -> dict[str, Floats]:
    """Standard deviations and what belongs to them, (n,) each; in the outcome's unit."""
    wanted = ["sd_group", *(() if spec.known_se else ("sd_resid",))]
    wanted += [role for role in spec.extra_priors if role.startswith("sd_")]
    found = {role: priors.of(role).quantile(rng.uniform(size=n)) for role in wanted}
    if spec.varying:
        eta = priors.of("correlation").shape
        found["correlation"] = 2 * rng.beta(eta, eta, size=n) - 1
    if spec.likelihood == "student":
        prior = priors.of("df_resid")
        found["df_resid"] = rng.gamma(prior.shape, prior.scale, size=n)
    return found


def _icc(spec: ModelSpec, rows: Rows, data: Standardised, found: dict[str, Floats]) -> Floats:
    """ICC of every draw, (n,); where a slope varies, averaged over the rows."""
    if spec.likelihood == "student":
        return icc_of(found["sd_group"], found["sd_resid"], found["df_resid"])
    within, at = found["sd_resid"] ** 2, varying_coefficient(spec, rows.coefficients) - 1
    if spec.resid_by_group:
        within = found["sd_resid_group"] ** 2 @ (np.bincount(rows.code) / rows.n_obs)
    mean, n = float(data.centre[at]), rows.n_obs
    between = variance_between(found, mean, mean**2 + float(data.scale[at]) ** 2 * (n - 1) / n)
    return np.asarray(between / (between + within))


def _slopes(
    priors: Priors, data: Standardised, found: dict[str, Floats], n: int, rng: np.random.Generator
) -> tuple[Floats, dict[str, Floats]]:
    """Raw slopes, (n, p), and the scales of a joint prior of them."""
    prior, p, names = priors.slope, len(data.scale) - 1, data.moments.predictors
    y_sd, unit = float(data.scale[-1]), data.scale[-1] / data.scale[:-1]
    if prior.family in LOCATION_FAMILIES:
        each = [one.resolve(float(u)) for one, u in zip(priors.of_slopes(names), unit, strict=True)]
        middle = np.array([one.location for one in each], dtype=float)
        scale = np.array([one.scale for one in each], dtype=float)
        return middle + scale * rng.normal(size=(n, p)), {}
    raw = y_sd if prior.autoscale else 1.0
    at: dict[str, Floats]
    if prior.family == "pooled-normal":
        at = {"sd_slopes": raw * prior.scale * np.abs(rng.normal(size=n))}
        sds = at["sd_slopes"][:, None]
    elif prior.family == "r2d2":
        mean = 0.5 if prior.location is None else prior.location
        r2 = rng.beta(mean * prior.scale, (1 - mean) * prior.scale, size=n)
        at = {"r2": r2, "share": rng.dirichlet(np.full(p, prior.shape), size=n)}
        sds = slope_sds(
            "r2d2",
            {"sd_resid": found["sd_resid"][:, None], "r2": r2[:, None], **_only(at, "share")},
        )
    else:
        slab = raw * prior.shape / np.sqrt(rng.gamma(0.5 * prior.df, 2 / prior.df, size=n))
        at = {
            "global_scale": raw * prior.scale * np.abs(rng.standard_cauchy(n)),
            "slab_scale": slab,
            "local_scale": np.abs(rng.standard_cauchy((n, p))),
        }
        widened = {"global_scale": at["global_scale"][:, None], "slab_variance": slab[:, None] ** 2}
        sds = slope_sds("horseshoe", {**widened, **_only(at, "local_scale")})
    return sds / data.scale[:-1] * rng.normal(size=(n, p)), at


def _only(found: dict[str, Floats], name: str) -> dict[str, Floats]:
    return {name: found[name]}


def _effects(
    spec: ModelSpec, rows: Rows, found: dict[str, Floats], rng: np.random.Generator
) -> dict[str, tuple[str, Floats]]:
    """Group effects, (n, J) each; residual sds of groups are added to what was found."""
    shape = (len(found["sd_group"]), len(rows.groups))
    first = rng.normal(size=shape)
    made = {"u": (rows.group, found["sd_group"][:, None] * first)}
    if spec.varying:
        rho = found["correlation"][:, None]
        second = rho * first + np.sqrt(1 - rho**2) * rng.normal(size=shape)
        made["u_slope"] = (rows.group, found["sd_slope"][:, None] * second)
    if spec.resid_by_group:
        spread = np.exp(found["sd_log_resid"][:, None] * rng.normal(size=shape))
        found["sd_resid_group"] = found["sd_resid"][:, None] * spread
    return made
