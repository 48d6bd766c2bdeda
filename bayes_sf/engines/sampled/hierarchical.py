"""Models beyond the Gaussian random intercept: what is sampled, and draws in the outcome's unit.

Where the likelihood is Gaussian given the sampled numbers, coefficients and group effects are
integrated out of the density (`conditional_graph`) and drawn afterwards (`conditional`).
"""

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

from bayes_sf.arrays import Floats
from bayes_sf.engines.gaussian.icc import variance_between
from bayes_sf.engines.sampled.cells import Cells, build_cells
from bayes_sf.engines.sampled.conditional import draw_effects, given_sampled
from bayes_sf.engines.sampled.conditional_graph import compiled_conditional
from bayes_sf.engines.sampled.nuts import SETTINGS, Sampled, sample, sampler_stats, try_twice
from bayes_sf.spec.model import ModelSpec
from bayes_sf.spec.rows import Rows

if TYPE_CHECKING:
    import xarray as xr

__all__ = ["fit_hierarchical"]

#: Of a posterior variable: its dimension beside chain and draw, or "", and its values.
type _Variable = tuple[str, Floats]

#: What is reported beside coefficients and group effects, in order, and what of it has y's unit.
_SPREADS = (
    "sd_group", "sd_resid", "icc", "sd_slope", "correlation", "sd_log_resid", "sd_repeat",
    "sd_slopes", "global_scale", "slab_scale", "r2", "local_scale", "share", "sd_resid_group",
)  # fmt: skip
_IN_UNITS_OF_Y = (
    "sd_group", "sd_resid", "sd_repeat", "sd_slopes", "global_scale", "slab_scale",
    "sd_resid_group",
)  # fmt: skip

#: Settings of priors whose posterior is harder to walk on.
_CAREFUL = {"target_accept": 0.95}


def fit_hierarchical(rows: Rows, spec: ModelSpec, *, seed: int = 1) -> Sampled:
    """Sample the posterior of a model that is more than a Gaussian random intercept.

    A fit that fails its diagnostics is tried once more, as in `fit_nuts`.

    Parameters
    ----------
    rows : Rows
        The data.
    spec : ModelSpec
        The model.
    seed : int
        Seed of everything random; the same seed gives the same draws.

    Raises
    ------
    DataError, SpecError
        When the model cannot be fitted.
    ConvergenceError
        When the sampler itself breaks down.
    """
    if spec.likelihood == "student":
        from bayes_sf.engines.sampled.student import fit_student

        return fit_student(rows, spec, seed=seed)
    cells = build_cells(rows, spec)
    compiled = compiled_conditional(cells)

    def attempt(settings: Mapping[str, float]) -> Sampled:
        trace = sample(compiled, seed, settings)
        tree = _tree(cells, rows, trace, np.random.default_rng([seed, 1]))
        return Sampled(cells.data.moments, cells.priors, tree, settings)

    return try_twice(attempt, {**SETTINGS, **_CAREFUL})


def _tree(
    cells: Cells, rows: Rows, trace: "xr.DataTree", rng: np.random.Generator
) -> "xr.DataTree":
    """Draws in the outcome's unit, coefficients and group effects drawn given the sampled."""
    import xarray as xr

    posterior = trace["posterior"].to_dataset()
    chains, draws = posterior.sizes["chain"], posterior.sizes["draw"]
    sampled = {
        str(name): value.to_numpy().reshape(chains * draws, *value.shape[2:])
        for name, value in posterior.data_vars.items()
    }
    given = given_sampled(cells, sampled)
    coef, effects = draw_effects(cells, given, rng)
    moments, y_sd = cells.data.moments, cells.data.scale[-1]
    variables: dict[str, _Variable] = {
        "beta": ("term", _raw_coefficients(cells, given.collapse, coef)),
        "u": (moments.group, y_sd * effects[..., 0]),
    }
    labels = {"term": moments.terms, "slope": moments.predictors, moments.group: moments.groups}
    if cells.structure.varying:
        variables["u_slope"] = (moments.group, _slope_unit(cells) * effects[..., 1])
    variables |= _spreads(cells, sampled, given.variance)
    for number, (name, steps) in enumerate(_steps(cells, rows).items()):
        variables[f"simplex_{name}"] = (f"{name}_step", sampled[f"simplex_{number}"])
        labels[f"{name}_step"] = tuple(steps)
    used = {dim for dim, _ in variables.values()}
    dataset = xr.Dataset(
        {
            name: (("chain", "draw", dim)[: 2 + bool(dim)], v.reshape(chains, draws, *v.shape[1:]))
            for name, (dim, v) in variables.items()
        },
        coords={
            "chain": np.arange(chains), "draw": np.arange(draws),
            **{dim: list(names) for dim, names in labels.items() if dim in used},
        },
    )  # fmt: skip
    if cells.structure.varying:
        dataset["u_slope"].attrs = {"term": moments.terms[cells.structure.varying]}
    return xr.DataTree.from_dict({"posterior": dataset, "sample_stats": sampler_stats(trace)})


def _slope_unit(cells: Cells) -> float:
    """Raw unit of the slope that varies: sd(y)/sd(x)."""
    return float(cells.data.scale[-1] / cells.data.scale[cells.structure.varying - 1])


def _raw_coefficients(cells: Cells, collapse: Floats, coef: Floats) -> Floats:
    """Coefficients in raw units, (N, k), the intercept where every predictor is zero.

    The mean of a monotonic predictor depends on its simplex, so that the intercept does.
    """
    data, means = cells.data, np.tile(cells.data.centre[:-1], (len(coef), 1))
    for (at, start, stop), shares in zip(cells.structure.steps, cells.step_means, strict=True):
        means[:, at - 1] = (stop - start) * collapse[:, start:stop, at] @ shares
    raw = coef * data.scale[-1]
    raw[:, 1:] /= data.scale[:-1]
    raw[:, 0] += data.centre[-1] - (raw[:, 1:] * means).sum(axis=1)
    return np.asarray(raw)


def _spreads(cells: Cells, sampled: Mapping[str, Floats], variance: Floats) -> dict[str, _Variable]:
    """Standard deviations and what belongs to them, in the outcome's unit, in order of reading."""
    group, y_sd = cells.data.moments.group, float(cells.data.scale[-1])
    found = dict(sampled)
    if "log_resid" in sampled:
        found["sd_resid_group"] = np.sqrt(variance)
    if "half_correlation" in sampled:
        found["correlation"] = 2 * sampled["half_correlation"] - 1
    if "slab_variance" in sampled:
        found["slab_scale"] = np.sqrt(sampled["slab_variance"])
    if "sd_resid" in sampled:
        within = sampled["sd_resid"] ** 2
        if "log_resid" in sampled:
            within = variance @ cells.counts / cells.counts.sum()
        n = cells.data.moments.n_obs
        between = variance_between(found, -cells.zero, cells.zero**2 + (n - 1) / n)
        found["icc"] = between / (between + within)
    units = dict.fromkeys(_IN_UNITS_OF_Y, y_sd) | {"sd_slope": _slope_unit(cells)}
    dims = {"sd_resid_group": group, "local_scale": "slope", "share": "slope"}
    return {
        name: (dims.get(name, ""), units.get(name, 1.0) * found[name])
        for name in _SPREADS
        if name in found
    }


def _steps(cells: Cells, rows: Rows) -> dict[str, list[str]]:
    """Steps of each monotonic predictor: the category that each leaves behind, ``>category``."""
    names: dict[str, list[str]] = {}
    for coef, start, stop in cells.structure.steps:
        name = cells.data.moments.terms[coef]
        labels = rows.predictors[start - 1 : stop - 1]
        names[name] = [label.removeprefix(f"{name}[").removesuffix("]") for label in labels]
    return names
