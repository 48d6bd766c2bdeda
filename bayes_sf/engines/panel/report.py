"""What is reported of a sampled panel: effects, spreads and ICC in percentage points.

A panel of counts is linear on the logit scale. Its effects in pp are average differences: the
derivative of expected absence, averaged over all workplaces and quarters (of the mean), or between
the two quarters of the change; spreads go along at the same average derivatives.
"""

from typing import TYPE_CHECKING

import numpy as np

from bayes_sf.arrays import Floats
from bayes_sf.engines.panel.counts import count_quarters
from bayes_sf.engines.panel.data import PanelData
from bayes_sf.engines.panel.draws import linear_predictor, with_shares
from bayes_sf.spec.moments import INTERCEPT
from bayes_sf.spec.panel import PanelSpec

if TYPE_CHECKING:
    import xarray as xr

__all__ = ["report"]

#: By name: the dimension beside chain and draw, or "", and values.
type _Variables = dict[str, tuple[str, Floats]]

#: Sampled standard deviations, and how they are called where they are reported.
_SDS = {
    "sd_group": "sd_group", "sd_group_change": "sd_group_change", "sd_workplace": "sd_workplace",
    "sd_trend": "sd_trend", "sd_resid": "sd_quarter", "sd_period": "sd_period",
}  # fmt: skip
_SHOWN = ("sd_workplace", "sd_trend", "sd_resid", "sd_period")


def report(data: PanelData, spec: PanelSpec, trace: "xr.Dataset") -> "xr.DataTree":
    """Turn what was sampled into draws of what is reported, in percentage points.

    Parameters
    ----------
    data : PanelData
        The panel.
    spec : PanelSpec
        Its model.
    trace : xarray.Dataset
        What was sampled, standardised.
    """
    import xarray as xr

    draws = {str(name): value.to_numpy() for name, value in trace.data_vars.items()}
    told = _gaussian if spec.likelihood == "gaussian" else _counts
    base = ("chain", "draw")
    variables = {
        name: ((*base, dim) if dim else base, values)
        for name, (dim, values) in told(data, draws).items()
    }
    coords = {
        "term": [INTERCEPT, *data.panel.predictors],
        "time": list(data.calendar[0]),
        "industry": list(data.panel.industries),
        "chain": trace["chain"].to_numpy(),
        "draw": trace["draw"].to_numpy(),
    }
    return xr.DataTree.from_dict({"posterior": xr.Dataset(variables, coords=coords)})


def _gaussian(data: PanelData, draws: dict[str, Floats]) -> _Variables:
    """Effects in pp as they are: a Gaussian panel is linear."""
    sds = {name: data.scale * draws[name] for name in _SDS if name in draws}
    variables: _Variables = {}
    noise = dict(zip(("", "_change"), _noise(data, draws), strict=True))
    for part, own in (("", "sd_workplace"), ("_change", "sd_trend")):
        coef = data.scale * draws[part.removeprefix("_") or "level"]
        slopes = coef[..., 1:] / data.x_scale
        start = data.scale * _calendar_change(data, draws) if part else data.location
        intercept = start + coef[..., 0] - slopes @ data.x_centre
        group = sds[f"sd_group{part}"]
        resid = np.sqrt(sds.get(own, 0.0) ** 2 + data.scale**2 * noise[part])
        beta = np.concatenate([intercept[..., None], slopes], axis=-1)
        variables |= {
            f"beta{part}": ("term", beta),
            f"u{part}": ("industry", data.scale * draws[f"u{part}"]),
            f"sd_group{part}": ("", group),
            f"sd_resid{part}": ("", resid),
            f"icc{part}": ("", group**2 / (group**2 + resid**2)),
        }
    variables["calendar"] = ("time", data.scale * draws["calendar"])
    variables |= {_SDS[name]: ("", values) for name, values in sds.items() if name in _SHOWN}
    variables["weight_power"] = ("", draws["weight_power"])
    if "autocorrelation" in draws:
        variables["autocorrelation"] = ("", 2 * draws["autocorrelation"] - 1)
    return variables


def _calendar_change(data: PanelData, draws: dict[str, Floats]) -> Floats:
    """What season, pandemic and random walk add to the change, (chain, draw), standardised."""
    first, last = data.change_places
    added = draws["calendar"] @ (data.calendar[1][last] - data.calendar[1][first])
    if data.walk:
        steps = data.steps[last] - data.steps[first]
        added = added + draws["sd_period"] * (draws["walk"] @ steps)
    return np.asarray(added)


def _noise(data: PanelData, draws: dict[str, Floats]) -> tuple[Floats, Floats]:
    """Variance that quarters' residuals give a workplace's mean and its change, on average.

    Returns
    -------
    two (chain, draw) arrays
        Standardised: of the mean over T quarters 1'SRS1/T^2, and the same of the change's two.
    """
    t = len(data.time)
    loadings = np.zeros((2, t))
    loadings[0] = 1 / t
    loadings[1, list(data.change_places)] = -1, 1
    lag = np.abs(np.subtract.outer(np.arange(t), np.arange(t)))
    rho = 2 * draws["autocorrelation"] - 1 if "autocorrelation" in draws else None
    found = np.empty((2, *draws["sd_resid"].shape))
    for at in np.ndindex(draws["sd_resid"].shape):
        sd = np.exp(-0.5 * draws["weight_power"][at] * data.log_days)
        together = sd.T @ sd / len(sd) * (np.eye(t) if rho is None else rho[at] ** lag)
        found[:, *at] = draws["sd_resid"][at] ** 2 * np.einsum(
            "qs,st,qt->q", loadings, together, loadings
        )
    return found[0], found[1]


def _counts(data: PanelData, draws: dict[str, Floats]) -> _Variables:
    """Average differences in pp of a panel of counts."""
    shape = draws["concentration"].shape
    told = [
        _count_one(data, {name: values[at] for name, values in draws.items()})
        for at in np.ndindex(shape)
    ]
    return {
        name: (dim, np.array([one[name][1] for one in told]).reshape(*shape, *np.shape(values)))
        for name, (dim, values) in told[0].items()
    }


def _count_one(data: PanelData, draw: dict[str, Floats]) -> _Variables:
    """One draw of it."""
    counts, t = count_quarters(data), data.time
    x = with_shares(data, draw)
    linear = linear_predictor(data, draw, x)
    zero = -data.x_centre / data.x_scale - x
    at_zero = linear + (zero @ draw["level"][1:])[:, None]
    at_zero = at_zero + np.outer(zero @ draw["change"][1:], t)
    mu, mu_zero = (
        1 / (1 + np.exp(-(counts.centre + counts.unit * value))) for value in (linear, at_zero)
    )
    rate = 100 * counts.unit * mu * (1 - mu)  # pp by what is standardised
    more = 1 + (counts.days - 1) / (draw["concentration"] + 1)
    variance = 1e4 * mu * (1 - mu) / counts.days * more
    first, last = data.change_places
    two = np.zeros(len(t))
    two[[first, last]] = -1, 1
    mean = np.full(len(t), 1 / len(t))
    found: _Variables = {}
    for part, own, weights in (("", "sd_workplace", mean), ("_change", "sd_trend", two)):
        on_level, on_slope = (rate @ weights).mean(), (rate @ (weights * t)).mean()
        by = on_slope if part else on_level
        group, spread = abs(by) * draw[f"sd_group{part}"], abs(by) * draw.get(own, np.zeros(()))
        resid = np.sqrt(spread**2 + (variance @ weights**2).mean())
        slopes = on_level * draw["level"][1:] + on_slope * draw["change"][1:]
        intercept = 100 * (mu_zero @ weights).mean()
        found |= {
            f"beta{part}": ("term", np.concatenate([[intercept], slopes / data.x_scale])),
            f"u{part}": ("industry", on_level * draw["u"] + on_slope * draw["u_change"]),
            f"sd_group{part}": ("", group),
            f"sd_resid{part}": ("", resid),
            f"icc{part}": ("", group**2 / (group**2 + resid**2)),
        }
        if own in draw:
            found[own] = ("", spread)
    found["calendar"] = ("time", rate.mean() * draw["calendar"])
    found["sd_quarter"] = ("", np.sqrt(variance.mean()))
    if "sd_period" in draw:
        found["sd_period"] = ("", rate.mean() * draw["sd_period"])
    found["concentration"] = ("", draw["concentration"])
    return found
