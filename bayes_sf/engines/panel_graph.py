"""The panel model as a PyMC graph.

Sampled are the standard deviations, the power of contracted days, the autocorrelation, and z: the
coefficients and industry effects are gamma = centre + L'^-1 z, where centre and L L' are mean and
precision of their Gaussian posterior given those sds. z is then close to N(0, I) whatever the sds
are, and there is no funnel. Workplace effects and gaps are integrated out (`panel_algebra`), an
unknown answer is summed out over its categories, an unknown share is a parameter.
"""

from dataclasses import dataclass, fields
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bayes_sf.engines.graph import scale_variable
from bayes_sf.engines.panel_algebra import Gaps, Sums, log_likelihood, shifted, summarise
from bayes_sf.engines.panel_data import PanelData, forward
from bayes_sf.spec.panel import PanelSpec
from bayes_sf.spec.priors import Priors

__all__ = ["WEIGHT_POWER", "Candidates", "candidates", "panel_model", "prior_of_level"]

_Floats = NDArray[np.float64]

#: Mean and sd of the prior on the power of contracted days in the residual variance.
WEIGHT_POWER = (0.5, 0.5)
#: Sd of coefficients over time where slopes have a flat prior.
_WIDE = 100.0


@dataclass(frozen=True, eq=False)
class Candidates:
    """What workplaces with unknown answers may have answered.

    Parameters
    ----------
    n_workplaces : int
        N.
    owner : (D,) int array
        The workplaces.
    shift : (D, C, k) array
        Standardised predictors less those assumed, for each of at most C combinations.
    possible : (D, C) bool array
        Which combinations there are.
    cells : mapping
        Item -> (industries with unknown answers, (m,); counts of known answers there, (m, K)).
    cell, category : mapping
        Item -> place of its cell, (D,), -1 where known; category by combination, (D, C).
    """

    n_workplaces: int
    owner: NDArray[np.intp]
    shift: _Floats
    possible: NDArray[np.bool_]
    cells: dict[str, tuple[NDArray[np.intp], _Floats]]
    cell: dict[str, NDArray[np.intp]]
    category: dict[str, NDArray[np.intp]]


def candidates(data: PanelData) -> Candidates | None:
    """Every combination of answers that workplaces with gaps may have given; None without gaps."""
    from itertools import product

    choices = data.panel.choices
    if not choices:
        return None
    unknown = np.column_stack([choice.answer < 0 for choice in choices])
    owner = np.flatnonzero(unknown.any(axis=1))
    listed = []
    for row in unknown[owner]:
        each = [range(len(c.values)) if gap else [-1] for c, gap in zip(choices, row, strict=True)]
        listed.append(list(product(*each)))
    most = max(len(combos) for combos in listed)
    shift = np.zeros((len(owner), most, data.x.shape[1]))
    possible = np.zeros((len(owner), most), dtype=bool)
    category = {c.name: np.zeros((len(owner), most), dtype=np.intp) for c in choices}
    cell = {c.name: np.full(len(owner), -1) for c in choices}
    cells = {}
    for q, choice in enumerate(choices):
        industries = np.unique(data.panel.code[unknown[:, q]])
        counts = [
            np.bincount(
                choice.answer[(data.panel.code == j) & ~unknown[:, q]], minlength=len(choice.values)
            )
            for j in industries
        ]
        cells[choice.name] = (industries, np.array(counts, dtype=float))
        columns = list(choice.columns)
        table = (choice.values - data.x_centre[columns]) / data.x_scale[columns]
        for d, i in enumerate(owner):
            possible[d, : len(listed[d])] = True
            if unknown[i, q]:
                cell[choice.name][d] = int(np.searchsorted(industries, data.panel.code[i]))
                for c, combo in enumerate(listed[d]):
                    category[choice.name][d, c] = combo[q]
                    shift[d, c, columns] = table[combo[q]] - data.x[i, columns]
    return Candidates(len(data.x), owner, shift, possible, cells, cell, category)


def prior_of_level(priors: Priors, data: PanelData) -> tuple[_Floats, _Floats]:
    """Precisions and means of (intercept, predictors, industries), (1 + k + J,), standardised."""
    k, j = data.x.shape[1], len(data.panel.industries)
    precision, mean = np.ones(1 + k + j), np.zeros(1 + k + j)
    intercept, slope = priors.intercept, priors.slope
    unit = 1.0 if intercept.autoscale else data.scale
    precision[0] = 0.0 if intercept.family == "flat" else (unit / intercept.scale) ** 2
    if intercept.location is not None:
        mean[0] = (intercept.location - data.location) / data.scale
    own = np.ones(k) if slope.autoscale else data.scale / data.x_scale
    precision[1 : 1 + k] = 0.0 if slope.family == "flat" else (own / slope.scale) ** 2
    if slope.location is not None:
        mean[1 : 1 + k] = slope.location * data.x_scale / data.scale
    return precision, mean


def panel_model(data: PanelData, spec: PanelSpec) -> Any:
    """Write the model; arrays that a simulation changes are ``pm.Data``.

    Returns
    -------
    pymc.Model
        Variables in standardised units; ``level`` (1 + k + J,), the coefficients and u/sd_group,
        and ``over_time`` (F + 1,) are deterministic.
    """
    import pymc as pm

    pt = _tensor()

    k, names = data.x.shape[1], spec.priors.used(spec.extra_priors)
    precision, mean = prior_of_level(spec.priors, data)
    with pm.Model() as model:
        put = {
            name: pm.Data(name, np.asarray(getattr(data, name), dtype=float))
            for name in ("y", "mask", "log_days", "x", "dummies")
        }
        centre, root = (pm.Data(n, v) for n, v in zip(("pilot", "root"), data.pilot, strict=True))
        sds = {role: _sd(role, getattr(names, role), data.scale) for role in _sd_roles(spec)}
        power = pm.Normal("weight_power", *WEIGHT_POWER)
        rho = 2 * pm.Beta("autocorrelation", 2, 2) - 1 if spec.autocorrelation else None
        inv_sd = pt.exp(0.5 * power * put["log_days"]) / sds["sd_resid"]
        gaps = Gaps(put["mask"], data.gaps.previous, data.gaps.lag)
        z = pm.Flat("z_over_time", shape=len(data.pilot[0]))
        over_time = pm.Deterministic("over_time", centre + root @ z)
        width = _WIDE if spec.priors.slope.family == "flat" else spec.priors.slope.scale
        pm.Potential("prior_over_time", -0.5 * ((over_time / width) ** 2).sum())
        period = over_time[:-1] @ data.calendar[1].T
        if spec.period == "walk":
            walk = pm.Normal("walk", shape=data.steps.shape[1])
            period = period + sds["sd_period"] * (data.steps @ walk)
        # where the level's coefficients are, given the sds: predictors as assumed, pilot's calendar
        rough = put["y"] - (centre[:-1] @ data.calendar[1].T)[None, :]
        sums = summarise(rough, data.time, inv_sd, gaps, rho=rho, xp=pt)
        share = 1 / (1 + sds["sd_workplace"] ** 2 * sums.aa)
        ones = pt.ones_like(put["x"][:, :1]) if k else pt.ones_like(put["dummies"][:, :1])
        columns = pt.concatenate([ones, put["x"], sds["sd_group"] * put["dummies"]], axis=1)
        q = columns.T @ (columns * (sums.aa * share)[:, None]) + np.diag(precision)
        lower = pt.linalg.cholesky(q)
        b = columns.T @ (sums.r1 * share) + precision * mean
        start = pt.linalg.solve_triangular(lower, b, lower=True)
        z_level = pm.Flat("z_level", shape=len(precision))
        level = pt.linalg.solve_triangular(lower.T, start + z_level, lower=False)
        level = pm.Deterministic("level", level)
        pm.Potential("prior_level", -0.5 * (precision * (level - mean) ** 2).sum())
        pm.Potential("jacobian", -pt.log(pt.diag(lower)).sum())
        x = _with_imputed(put["x"], data)
        predictor = level[0] + x @ level[1 : 1 + k] + sds["sd_group"] * (
            put["dummies"] @ level[1 + k :]
        )  # fmt: skip
        over = (x[:, 0] * over_time[-1])[:, None] * data.time
        residual = put["y"] - predictor[:, None] - period[None, :] - over
        sums = summarise(residual, data.time, inv_sd, gaps, rho=rho, xp=pt)
        trend = sds.get("sd_trend", 0.0)
        own = log_likelihood(sums, sds["sd_workplace"], trend, pt)
        found = candidates(data)
        if found is not None:
            own = _summed_out(
                own, sums, found, beta=level[1 : 1 + k], over=over_time[-1],
                sds=(sds["sd_workplace"], trend),
            )  # fmt: skip
        pm.Potential("likelihood", own.sum())
    return model


def _tensor() -> Any:
    """PyTensor's functions, whose types are not complete."""
    import pytensor.tensor as pt

    return pt


def _sd_roles(spec: PanelSpec) -> tuple[str, ...]:
    """Names of the standard deviations."""
    return ("sd_resid", "sd_group", *spec.extra_priors)


def _sd(role: str, prior: Any, scale: float) -> Any:
    """One standard deviation, standardised."""
    shape = {"half-t": prior.df, "gamma": prior.shape}.get(prior.family, 0.0)
    unit = prior.scale if prior.autoscale else prior.scale / scale
    return scale_variable(role, (prior.family, float(shape)), unit)


def _with_imputed(x: Any, data: PanelData) -> Any:
    """Predictors with missing numeric ones as parameters, normal around industry means.

    Each is regressed on those before it, which is the general multivariate normal. Values are put
    in place by products with matrices of zeros and ones: their gradients are products, too, and ten
    times as fast as those of indexing.
    """
    import pymc as pm

    pt = _tensor()

    earlier: list[Any] = []
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
        if earlier:
            weight = pm.Normal(f"weight_{name}", 0, 1, shape=len(earlier))
            left = off - sum(weight[i] * before for i, before in enumerate(earlier))
        pm.Potential(f"density_{name}", (-0.5 * (left / sd) ** 2 - pt.log(sd)).sum())
        earlier.append(off)
        value = missing * spread + middle
        value = pt.sigmoid(value) if scale == "logit" else pt.exp(value)
        value = (value - data.x_centre[column]) / data.x_scale[column]
        assumed = place.T @ data.x[:, column]
        x = x + (place @ (value - assumed))[:, None] * np.eye(data.x.shape[1])[column]
    return x


def _summed_out(
    own: Any, sums: Sums, found: Candidates, *, beta: Any, over: Any, sds: tuple[Any, Any]
) -> Any:
    """Replace the likelihood of workplaces with unknown answers by its sum over the answers."""
    import pymc as pm

    pt = _tensor()

    n_owners, most = found.possible.shape
    log_prior: Any = np.where(found.possible, 0.0, -1e10)
    for name, (_, counts) in found.cells.items():
        share = pm.Dirichlet(f"answers_{name}", a=1 + counts, shape=counts.shape)
        chosen = np.zeros((n_owners, most, *counts.shape))
        for d in np.flatnonzero(found.cell[name] >= 0):
            chosen[d, np.arange(most), found.cell[name][d], found.category[name][d]] = 1.0
        added = chosen.reshape(n_owners * most, -1) @ pt.log(share).flatten()
        log_prior = log_prior + added.reshape((n_owners, most))
    take = np.eye(found.n_workplaces)[found.owner]
    mine = Sums(*((take @ getattr(sums, f.name))[:, None] for f in fields(Sums)))
    moved = shifted(mine, found.shift @ beta, found.shift[:, :, 0] * over)
    each = log_likelihood(moved, *sds, pt) + log_prior
    return own + take.T @ (pt.logsumexp(each, axis=1) - take @ own)
