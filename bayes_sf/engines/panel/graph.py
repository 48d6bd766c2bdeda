"""The panel model as a PyMC graph.

Sampled are the standard deviations, the power of contracted days, the autocorrelation, and z, from
which calendar, coefficients and industry effects follow: each is where a pilot fit has it, given
those before it and the standard deviation of its group (`_placed`). z is then close to N(0, I),
there is no funnel, and no linear algebra in the graph, which would take minutes to compile.
Workplace effects and gaps are integrated out (`panel_algebra`), an unknown answer is summed out
over its categories, an unknown share is a parameter.
"""

from dataclasses import fields
from typing import Any

import numpy as np

from bayes_sf.arrays import Floats
from bayes_sf.engines.panel.algebra import Gaps, Sums, log_likelihood, shifted, summarise
from bayes_sf.engines.panel.answers import Candidates, candidates, log_prior
from bayes_sf.engines.panel.counts import count_likelihood
from bayes_sf.engines.panel.data import PanelData, forward
from bayes_sf.engines.panel.pilot import Pilot
from bayes_sf.engines.sampled.graph import prior_structure, scale_variable
from bayes_sf.spec.panel import PanelSpec
from bayes_sf.spec.priors import Priors

__all__ = ["WEIGHT_POWER", "arrays", "panel_model"]


#: Mean and sd of the prior on the power of contracted days in the residual variance.
WEIGHT_POWER = (0.5, 0.5)
#: Prior sd of the calendar's coefficients, in sds of workplaces' means.
_CALENDAR = 2.5


def arrays(data: PanelData, spec: PanelSpec) -> dict[str, Floats]:
    """Everything in the graph that another panel of the same shape changes, by its name there."""
    used, pilot = spec.priors.used(spec.extra_priors), Pilot(data)
    sds = [getattr(used, role) for role in _sd_roles(spec)]
    units = [p.scale if p.autoscale else p.scale / data.scale for p in sds]
    found = {
        "y": data.y, "mask": data.mask, "log_days": data.log_days, "x": data.x,
        "dummies": data.dummies, "calendar_start": pilot.calendar[0],
        "calendar_root": pilot.calendar[1], "units": np.array(units),
    }  # fmt: skip
    for part, place in pilot.places.items():
        found |= {f"{name}{part}": value for name, value in vars(place).items()}
    precision, mean = _prior_of_coefficients(spec.priors, data)
    found |= {"precision": precision, "prior_mean": mean}
    if spec.autocorrelation:
        found |= {"previous": data.gaps.previous, "lag": data.gaps.lag}
    return {name: np.array(value, dtype=float, order="C") for name, value in found.items()}


def _prior_of_coefficients(priors: Priors, data: PanelData) -> tuple[Floats, Floats]:
    """Precisions and, of the level, means of (intercept, predictors), (1 + k,), standardised.

    The change has the same precisions, and means of zero.
    """
    k = data.x.shape[1]
    precision, mean = np.zeros(1 + k), np.zeros(1 + k)
    intercept, slope = priors.intercept, priors.slope
    unit = 1.0 if intercept.autoscale else data.scale
    precision[0] = 0.0 if intercept.family == "flat" else (unit / intercept.scale) ** 2
    own = np.ones(k) if slope.autoscale else data.scale / data.x_scale
    precision[1:] = 0.0 if slope.family == "flat" else (own / slope.scale) ** 2
    if intercept.location is not None:
        mean[0] = (intercept.location - data.location) / data.scale
    if slope.location is not None:
        mean[1:] = slope.location * data.x_scale / data.scale
    return precision, mean


def panel_model(data: PanelData, spec: PanelSpec) -> Any:
    """Write the model; arrays that a simulation changes are ``pm.Data``.

    Returns
    -------
    pymc.Model
        Standardised. Deterministic are ``calendar``, (F,), ``level`` and ``change``, (1 + k,), the
        intercept first, and ``u`` and ``u_change``, (J,).
    """
    import pymc as pm

    with pm.Model() as model:
        put = {name: pm.Data(name, value) for name, value in arrays(data, spec).items()}
        sds = _standard_deviations(spec, put["units"])
        z = pm.Flat("z_calendar", shape=data.calendar[1].shape[1])
        calendar = put["calendar_start"] + put["calendar_root"] @ z
        calendar = pm.Deterministic("calendar", calendar)
        pm.Potential("prior_calendar", -0.5 * ((calendar / _CALENDAR) ** 2).sum())
        period = calendar @ data.calendar[1].T
        if spec.period == "walk":
            walk = pm.Normal("walk", shape=data.steps.shape[1])
            period = period + sds["sd_period"] * (data.steps @ walk)
        level, u = _placed("", put, sds["sd_group"], data)
        change, u_change = _placed("_change", put, sds["sd_group_change"], data)
        x = _with_imputed(put["x"], data)
        middle = level[0] + x @ level[1:] + put["dummies"] @ u
        slope = change[0] + x @ change[1:] + put["dummies"] @ u_change
        expected, betas = (middle, slope, period), (level[1:], change[1:])
        if spec.likelihood == "gaussian":
            density = _gaussian(put, data, sds, expected, betas)
        else:
            density = count_likelihood(data, sds, expected, betas)
        pm.Potential("likelihood", density.sum())
    return model


def _gaussian(
    put: dict[str, Any], data: PanelData, sds: dict[str, Any], expected: tuple[Any, Any, Any],
    betas: tuple[Any, Any],
) -> Any:  # fmt: skip
    """Log density of each workplace's percentage points, (N,), its own effects integrated out."""
    import pymc as pm

    pt = _tensor()
    power = pm.Normal("weight_power", *WEIGHT_POWER)
    rho, gaps = None, Gaps(put["mask"], None, None)
    if "lag" in put:
        rho = 2 * pm.Beta("autocorrelation", 2, 2) - 1
        gaps = Gaps(put["mask"], put["previous"].astype("int64"), put["lag"])
    inv_sd = pt.exp(0.5 * power * put["log_days"]) / sds["sd_resid"]
    middle, slope, period = expected
    residual = put["y"] - period[None, :] - middle[:, None] - slope[:, None] * data.time
    sums = summarise(residual, data.time, inv_sd, gaps, rho=rho, xp=pt)
    own = (sds["sd_workplace"], sds.get("sd_trend", 0.0))
    density, found = log_likelihood(sums, *own, pt), candidates(data)
    return density if found is None else _summed_out(density, sums, found, betas=betas, sds=own)


def _placed(part: str, put: dict[str, Any], sd: Any, data: PanelData) -> tuple[Any, Any]:
    """Coefficients (1 + k,) and industry effects (J,) from where the pilot has them.

    Slopes are at the pilot's; given them the industries' levels were estimated with variances v, so
    the intercept is at their mean weighted by 1/(v + sd^2), and given that, each effect is shrunk
    by sd^2/(v + sd^2). All conditional Gaussians if the pilot's variances were true.
    """
    import pymc as pm

    pt = _tensor()
    names = ("slopes", "root", "levels", "x_means", "variances")
    slopes, root, levels, x_means, v = (put[f"{name}{part}"] for name in names)
    k, j = data.x.shape[1], len(data.panel.industries)
    intercept: Any = 0.0
    jacobian: Any = 0.0
    if k:
        slopes = slopes + root @ pm.Flat(f"z_slopes{part}", shape=k)
        levels = levels - x_means @ slopes
    if not (part and data.walk):
        weight = 1 / (v + sd**2)
        middle = (weight * levels).sum() / weight.sum()
        intercept = middle + pm.Flat(f"z_intercept{part}") / pt.sqrt(weight.sum())
        jacobian = -0.5 * pt.log(weight.sum())
    spread = sd / pt.sqrt(1 + sd**2 / v)
    u = spread**2 / v * (levels - intercept) + spread * pm.Flat(f"z_u{part}", shape=j)
    coef = pt.concatenate([pt.stack([intercept + 0.0 * sd]), slopes])
    coef = pm.Deterministic(part.removeprefix("_") or "level", coef)
    u = pm.Deterministic(f"u{part}", u)
    prior = put["precision"] * (coef - (0.0 if part else 1.0) * put["prior_mean"]) ** 2
    pm.Potential(f"prior{part}", -0.5 * prior.sum() - 0.5 * ((u / sd) ** 2).sum() - j * pt.log(sd))
    pm.Potential(f"jacobian{part}", jacobian + pt.log(spread).sum())
    return coef, u


def _tensor() -> Any:
    """PyTensor's functions, whose types are not complete."""
    import pytensor.tensor as pt

    return pt


def _sd_roles(spec: PanelSpec) -> tuple[str, ...]:
    """Names of the standard deviations; counts have no residual one."""
    resid = ("sd_resid",) if spec.likelihood == "gaussian" else ()
    return (*resid, "sd_group", *spec.extra_priors)


def _standard_deviations(spec: PanelSpec, units: Any) -> dict[str, Any]:
    """All standard deviations, standardised."""
    priors = spec.priors.used(spec.extra_priors)
    return {
        role: scale_variable(role, prior_structure(getattr(priors, role)), units[number])
        for number, role in enumerate(_sd_roles(spec))
    }


def _with_imputed(x: Any, data: PanelData) -> Any:
    """Predictors with missing numeric ones as parameters, normal around industry means.

    Each is regressed on those before it, which is the general multivariate normal, and on all other
    predictors (an unknown answer there is as assumed): what a slope is adjusted for must be imputed
    with what it is a slope of. Values are put in place by products with matrices of zeros and ones:
    their gradients are products, too, and ten times as fast as those of indexing.
    """
    import pymc as pm

    pt = _tensor()

    earlier: list[Any] = []
    others = [c for c in range(data.x.shape[1]) if c not in data.panel.scales]
    known = x[:, others]
    for column, scale in data.panel.scales.items():
        name = data.panel.predictors[column]
        values = forward(data.panel.x[:, column], scale)
        middle, spread = float(np.nanmean(values)), float(np.nanstd(values, ddof=1))
        standard = (values - middle) / spread
        place = np.eye(len(standard))[:, np.isnan(standard)]
        missing = pm.Flat(f"missing_{name}", shape=place.shape[1])
        mean = pm.Normal(f"mean_{name}", 0, 2, shape=len(data.panel.industries))
        sd = pm.HalfNormal(f"sd_{name}", 1.0)
        off = np.nan_to_num(standard) + place @ missing - data.dummies @ mean
        left = off
        if others:
            left = left - known @ pm.Normal(f"slopes_{name}", 0, 1, shape=len(others))
        if earlier:
            weight = pm.Normal(f"weight_{name}", 0, 1, shape=len(earlier))
            left = left - sum(weight[i] * before for i, before in enumerate(earlier))
        pm.Potential(f"density_{name}", (-0.5 * (left / sd) ** 2 - pt.log(sd)).sum())
        earlier.append(off)
        value = missing * spread + middle
        value = pt.sigmoid(value) if scale == "logit" else pt.exp(value)
        value = (value - data.x_centre[column]) / data.x_scale[column]
        assumed = place.T @ data.x[:, column]
        x = x + (place @ (value - assumed))[:, None] * np.eye(data.x.shape[1])[column]
    return x


def _summed_out(
    own: Any, sums: Sums, found: Candidates, *, betas: tuple[Any, Any], sds: tuple[Any, Any]
) -> Any:
    """Replace the likelihood of workplaces with unknown answers by its sum over the answers."""
    pt = _tensor()

    take = np.eye(found.n_workplaces)[found.owner]
    mine = Sums(*((take @ getattr(sums, f.name))[:, None] for f in fields(Sums)))
    moved = shifted(mine, found.shift @ betas[0], found.shift @ betas[1])
    each = log_likelihood(moved, *sds, pt) + log_prior(found)
    return own + take.T @ (pt.logsumexp(each, axis=1) - take @ own)
