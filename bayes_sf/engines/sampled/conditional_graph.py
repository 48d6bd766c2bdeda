"""The density of what is sampled, coefficients and group effects integrated out, as a PyMC graph.

Given standard deviations, simplexes and the scales of a shrinkage prior, y is Gaussian:

    y ~ N(X m0, X D^2 X' + sum_j Z_j L L' Z_j' + diag(v)).

With A_j = sum of cross products of [1, X, y]/v over group j, each column l of the loading L is
eliminated in turn by A_j - A_j l l' A_j/(1 + l' A_j l) (Sherman & Morrison), which is regular where
a standard deviation is zero. So is the elimination of the coefficients, in units of D: what is left
of y and the determinant come of the matrix of their cross products and those of the residual of m0.

A structure is compiled once; data, prior means and prior scales are put in afterwards. Products of
matrices are written as sums of products: each layout of a BLAS call takes ten seconds to compile on
a machine that has not seen it, and the matrices are small.

What the data say well is what is sampled: of repeated measurements the variance at their typical
number, and what repeating reduces of it, the two sds being coordinates of a point whose radius
and angle are sampled; of a group's residual sd its distance from what its rows and the other groups
say together, in units of how well they say it. Where a slope varies, priors of the intercepts' sd
and of their correlation with the slopes hold at the predictor's zero (as in lme4 and brms); what is
sampled are those two at a pivot, which may be the predictor's mean: see `_varying`.
"""

from functools import lru_cache
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from bayes_sf.engines.sampled.cells import Cells
from bayes_sf.engines.sampled.compiling import compile_model
from bayes_sf.engines.sampled.graph import eliminate, put_in, scale_log_density, scale_variable
from bayes_sf.engines.sampled.structure import Structure, slope_sds

__all__ = ["compiled_conditional", "conditional_model", "numbers_of"]

#: As many coefficients are eliminated as scalars, which compile faster than a Cholesky Op; the work
#: of compiling grows with their cube.
_SCALARS: Final = 6


def compiled_conditional(cells: Cells) -> Any:
    """Return nutpie's compiled density of a model, with its numbers put in.

    Parameters
    ----------
    cells : Cells
        The model.
    """
    sds = [prior for _, prior in cells.structure.sds]
    return put_in(_compiled(cells.structure), numbers_of(cells), sds)


@lru_cache(maxsize=16)
def _compiled(structure: Structure) -> Any:
    """Compile the model of a structure, once."""
    return compile_model(conditional_model(structure))


def numbers_of(cells: Cells) -> dict[str, NDArray[Any]]:
    """What is put into a compiled graph, by name; only what the structure has.

    Parameters
    ----------
    cells : Cells
        The model.
    """
    structure, priors = cells.structure, cells.priors
    numbers: dict[str, NDArray[Any]] = {
        "products": cells.products.reshape(len(cells.code), -1),
        "code": cells.code.astype(np.int32), "precise": cells.precise, "spread": cells.spread,
        "location": cells.location, "scales": cells.scales,
    }  # fmt: skip
    if structure.resid != "known_se":
        numbers["counts"] = cells.counts
    if structure.resid == "repeats":
        numbers["repeats"] = cells.repeats
        single = (cells.counts / cells.repeats).sum()
        numbers["typical_repeats"] = np.array(cells.counts.sum() / single)
    if structure.resid == "resid_by_group":
        sums, squares = cells.products[:, 0, -1], cells.products[:, -1, -1]
        variance = (squares - sums**2 / cells.counts) / cells.counts
        known = variance > 0
        numbers["said_log_resid"] = 0.5 * np.log(np.where(known, variance, 1.0))
        numbers["said_information"] = 2.0 * cells.counts * known
    if structure.varying:
        numbers["lkj"] = np.array(priors.of("correlation").shape)
        numbers["zero"], numbers["pivot"] = np.array(cells.zero), np.array(cells.pivot)
    if structure.steps:
        numbers["concentration"] = np.array(priors.of("simplex").shape)
    if structure.shrinkage:
        slope = priors.slope
        unit = 1.0 if slope.autoscale else float(cells.data.scale[-1])
        mean = 0.5 if slope.location is None else slope.location
        numbers["shrinkage"] = {
            "pooled-normal": np.array([slope.scale / unit]),
            "horseshoe": np.array([slope.scale / unit, slope.df, slope.shape / unit]),
            "r2d2": np.array([mean, slope.scale, slope.shape]),
        }[structure.shrinkage]
    return numbers


def _tensor() -> Any:
    """PyTensor's functions, most of which have no types."""
    import pytensor.tensor

    return pytensor.tensor


def conditional_model(structure: Structure) -> Any:
    """Write the model of a structure; data and scales are put in later.

    Parameters
    ----------
    structure : Structure
        What is compiled.

    Returns
    -------
    pymc.Model
        Free variables in standardised units: the standard deviations of ``structure.sds``,
        ``half_correlation`` = (1 + correlation)/2, ``log_resid`` (J), ``simplex_0``, ..., and the
        scales of a shrinkage prior; what some of them are made of is named ``free_...``.
        ``sd_group`` and ``half_correlation`` are at the zero of the predictor whose slope varies.
    """
    import pymc as pm

    pt = _tensor()

    width = structure.n_columns + 1
    with pm.Model() as model:
        products = pm.Data("products", np.tile(np.eye(width).ravel(), (2, 1)))
        code = pm.Data("code", np.arange(2, dtype=np.int32))
        scales = pm.Data("scales", np.ones(len(structure.sds)))
        sd = _sds(structure, scales)
        weight, log_det_resid = _residuals(structure, sd)
        empty = pt.zeros((code[-1] + 1, width**2))  # cells are in the order of their groups
        weighted = products * pt.as_tensor(weight)[..., None]
        blocks = pt.inc_subtensor(empty[code], weighted).reshape((-1, width, width))
        log_det_groups = 0.0
        for loading in _loadings(structure, sd, scales):
            along = sum(value * blocks[:, :, at] for at, value in loading)
            gain = 1 + sum(value * along[:, at] for at, value in loading)
            log_det_groups += pt.log(gain).sum()
            blocks -= along[:, :, None] * along[:, None, :] / gain[:, None, None]
        inner, side, corner = _coefficients(structure, sd, blocks.sum(axis=0))
        inner += pm.Data("precise", np.ones(structure.n_coef)) * np.eye(structure.n_coef)
        log_det, left = _reduced(inner, side, corner, structure.n_coef)
        pm.Potential(
            "marginal_likelihood", -0.5 * (log_det_resid + log_det_groups + log_det + left)
        )
    return model


def _sds(structure: Structure, scales: Any) -> dict[str, Any]:
    """Sample the standard deviations, by name."""
    import pymc as pm

    pt, priors = _tensor(), {name: (p, scales[i]) for i, (name, p) in enumerate(structure.sds)}
    if structure.varying:
        del priors["sd_group"]  # see `_varying`
    made: dict[str, Any] = {}
    if structure.resid == "repeats":
        typical = pm.Data("typical_repeats", np.array(1.0))
        radius = pt.exp(pm.Flat("free_log_radius"))
        angle = 0.25 * np.pi * (1 + pt.erf(pm.Normal("free_angle") / np.sqrt(2)))
        made["sd_resid"] = radius * pt.sin(angle)
        made["sd_repeat"] = radius * pt.cos(angle) * pt.sqrt(typical)
        for name, value in made.items():
            pm.Deterministic(name, value)
            pm.Potential(f"prior_{name}", scale_log_density(*priors.pop(name), value))
        pm.Potential("polar", 2 * pt.log(radius))
    return made | {name: scale_variable(name, *prior) for name, prior in priors.items()}


def _residuals(structure: Structure, sd: dict[str, Any]) -> tuple[Any, Any]:
    """1/v of every cell, and ln |diag(v)| over rows but for what is known."""
    import pymc as pm

    pt = _tensor()
    if structure.resid == "known_se":
        return 1.0, 0.0
    counts = pm.Data("counts", np.ones(max(structure.n_groups, 2)))
    sigma = sd["sd_resid"]
    if structure.resid == "resid_by_group":
        log_var = 2 * _log_resid(structure, pt.log(sigma), sd["sd_log_resid"])
    elif structure.resid == "repeats":
        repeats = pm.Data("repeats", np.ones(2))
        log_var = pt.log(sigma**2 + sd["sd_repeat"] ** 2 / repeats)
    else:
        return sigma**-2, 2 * pt.log(sigma) * counts.sum()
    return pt.exp(-log_var), (counts * log_var).sum()


def _log_resid(structure: Structure, centre: Any, spread: Any) -> Any:
    """Log residual sds of the groups, (J,), normal around a centre.

    A group of n rows with residual sd s says ln s with variance 1/(2 n); where it would be put with
    the normal is the zero, and how well the unit, of what is sampled.
    """
    import pymc as pm

    pt, groups = _tensor(), structure.n_groups
    said = pm.Data("said_log_resid", np.zeros(groups))
    information = pm.Data("said_information", np.ones(groups))
    free = pm.Flat("free_log_resid", shape=groups)
    precision = 1 + information * spread**2
    unit = spread / pt.sqrt(precision)
    value = (centre + information * spread**2 * said) / precision + unit * free
    prior = pm.logp(pm.Normal.dist(centre, spread), value) + pt.log(unit)
    pm.Potential("prior_log_resid", prior.sum())
    return pm.Deterministic("log_resid", value)


def _loadings(
    structure: Structure, sd: dict[str, Any], scales: Any
) -> tuple[tuple[tuple[int, Any], ...], ...]:
    """Columns of L, each as (column of the design, value)."""
    if not structure.varying:
        return (((0, sd["sd_group"]),),)
    number, (_, prior) = next(
        (i, entry) for i, entry in enumerate(structure.sds) if entry[0] == "sd_group"
    )
    return _varying(structure.varying_columns[1], sd["sd_slope"], (prior, scales[number]))


def _varying(
    column: int, omega: Any, prior: tuple[tuple[str, float], Any]
) -> tuple[tuple[tuple[int, Any], ...], ...]:
    """Columns of L of intercepts and slopes, from their sds and correlation at a pivot.

    With a the intercepts' sd and r their correlation with the slopes at the pivot, d from the zero
    to the pivot, the intercepts at the zero are u0 = u - d u1. Their sd and correlation are

        tau^2 = (a - d omega r)^2 + (d omega)^2 (1 - r^2),    1 - rho^2 = (1 - r^2) a^2/tau^2:

    to move the zero is a linear map of the covariance matrix with determinant 1, as it is of the
    effects. So |d(tau, omega, rho)/d(a, omega, r)| = a^2/tau^2, which goes with their prior.
    """
    import pymc as pm

    pt = _tensor()
    eta = pm.Data("lkj", np.array(2.0))
    zero, pivot = pm.Data("zero", np.array(0.0)), pm.Data("pivot", np.array(0.0))
    log_a, logit = pm.Flat("free_log_sd_group"), pm.Flat("free_logit_correlation")
    a, r = pt.exp(log_a), pt.tanh(0.5 * logit)
    log_left = np.log(4) - pt.softplus(logit) - pt.softplus(-logit)  # ln(1 - r^2)
    left, reach = pt.exp(0.5 * log_left), (pivot - zero) * omega
    along, across = a - reach * r, reach * left
    tau = pm.Deterministic("sd_group", pt.sqrt(along**2 + across**2))
    pm.Deterministic("half_correlation", 0.5 * (1 + (along * r - across * left) / tau))
    log_share = 2 * (log_a - pt.log(tau))
    pm.Potential("prior_sd_group", scale_log_density(*prior, tau) + log_a + log_share)
    pm.Potential("prior_correlation", (eta - 1) * (log_left + log_share) + log_left)
    first = ((0, a - pivot * omega * r), (column, omega * r))
    return first, ((0, -pivot * omega * left), (column, omega * left))


def _coefficients(structure: Structure, sd: dict[str, Any], total: Any) -> tuple[Any, Any, Any]:
    """Cross products of coefficients in units of D, (k, k), with the residual of m0, and its own.

    Parameters
    ----------
    structure : Structure
        The model's.
    sd : dict
        Standard deviations by name.
    total : (q + 1, q + 1) tensor
        Cross products of the columns and y, group effects eliminated.
    """
    import pymc as pm

    pt = _tensor()
    spread = pm.Data("spread", np.ones(structure.n_coef))
    location = pm.Data("location", np.zeros(structure.n_coef))
    if structure.shrinkage:
        spread = pt.concatenate([spread[:1], _shrunk(structure, sd)])
    total = _scored(structure, total)
    inner, outcome = total[:-1, :-1], total[:-1, -1]
    residual = outcome - (inner * location).sum(axis=1)
    corner = total[-1, -1] - (location * (outcome + residual)).sum()
    return inner * spread[:, None] * spread, residual * spread, corner


def _scored(structure: Structure, total: Any) -> Any:
    """Cross products with each monotonic predictor as one column: steps weighted by a simplex."""
    import pymc as pm

    if not structure.steps:
        return total
    pt = _tensor()
    concentration = pm.Data("concentration", np.array(1.0))
    steps = [
        (pm.Dirichlet(f"simplex_{number}", a=concentration * np.ones(stop - start)), start, stop)
        for number, (_, start, stop) in enumerate(structure.steps)
    ]
    for _ in ("rows", "columns"):
        for simplex, start, stop in reversed(steps):  # the columns before keep their places
            score = (total[:, start:stop] * simplex).sum(axis=1, keepdims=True)
            total = pt.concatenate([total[:, :start], score, total[:, stop:]], axis=1)
        total = total.T
    return total


def _reduced(inner: Any, side: Any, corner: Any, size: int) -> tuple[Any, Any]:
    """Compute ln |A| and c - b' A^-1 b of A (size, size), b and c."""
    pt = _tensor()
    if size <= _SCALARS:
        entries = {(i, j): inner[i, j] for i in range(size) for j in range(i + 1)}
        entries |= {(size, i): side[i] for i in range(size)} | {(size, size): corner}
        return eliminate(entries, size)
    above = pt.concatenate([inner, side[:, None]], axis=1)
    below = pt.concatenate([side, corner[None]])[None, :]
    root = pt.diag(pt.linalg.cholesky(pt.concatenate([above, below], axis=0)))
    return 2 * pt.log(root[:-1]).sum(), root[-1] ** 2


def _shrunk(structure: Structure, sd: dict[str, Any]) -> Any:
    """Sds of the slopes under a joint prior of them, (k - 1,), with what they depend on."""
    import pymc as pm

    slopes, scales = structure.n_coef - 1, pm.Data("shrinkage", np.array([0.5, 4.0, 2.0]))
    if structure.shrinkage == "pooled-normal":
        at = {"sd_slopes": pm.HalfNormal("sd_slopes", sigma=scales[0]) * np.ones(slopes)}
    elif structure.shrinkage == "r2d2":
        mean, precision = scales[0], scales[1]
        at = {
            "sd_resid": sd["sd_resid"],
            "share": pm.Dirichlet("share", a=scales[2] * np.ones(slopes)),
            "r2": pm.Beta("r2", alpha=mean * precision, beta=(1 - mean) * precision),
        }
    else:
        half_df, slab = 0.5 * scales[1], scales[2]
        at = {
            "local_scale": pm.HalfCauchy("local_scale", beta=1.0, shape=slopes),
            "global_scale": pm.HalfCauchy("global_scale", beta=scales[0]),
            "slab_variance": pm.InverseGamma("slab_variance", half_df, half_df * slab**2),
        }
    return slope_sds(structure.shrinkage, at)
